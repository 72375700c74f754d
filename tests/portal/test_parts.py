"""The parts page exists for tests only, is light, and holds no script or style of its own."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_parts_page_is_not_there_in_an_installation(client: Client):
    assert client.get("/parts").status_code == 404


def test_the_parts_page_shows_every_part(client: Client, settings):
    settings.SHOW_PARTS = True
    page = client.get("/parts").content.decode()
    shown = ("notice--", "tasks", "summary", "timeline", "file__name", "empty", "pager", "error-summary")
    assert [part for part in shown if f'"{part}' not in page and f" {part}" not in page] == []


def test_a_page_brings_no_style_or_script_of_its_own(client: Client, settings):
    settings.SHOW_PARTS = True
    page = client.get("/parts").content.decode()
    assert not re.search(r"<script|<style| style=| on[a-z]+=", page)


def test_a_page_is_light(client: Client, settings):
    """Six requests at most, 50 kB compressed, with everything that the page asks for (interface reference, weight)."""
    settings.SHOW_PARTS = True
    page = client.get("/parts")
    parts = [one.removeprefix("/static/") for one in re.findall(r'<link [^>]*href="([^"]+)"', page.content.decode())]
    assert len(parts) <= 5
    bodies = [page.content, *[Path(finders.find(part)).read_bytes() for part in parts]]
    assert sum(len(gzip.compress(body)) for body in bodies) <= 50_000
