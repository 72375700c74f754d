"""The parts page exists for tests only, is light, and holds no script or style of its own."""

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation

from bagipakai.portal.templatetags.parts import dasar, size, until

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


@pytest.mark.parametrize(
    ("basis", "read"),
    [
        ("UU 27/2022 Pasal 34, 53 (A); R-11, R-17", "UU 27/2022 Pasal 34, 53"),
        ("Peraturan BPS 6/2025 Pasal 23–24 (C); R-06; acuan hukum 4.4 butir 1", "Peraturan BPS 6/2025 Pasal 23–24"),
        ("R-03; S02", "aturan kerja Berbagipakai; belum ada pasal"),
        ("UU 27/2022 (A); batas: belum ada, lihat keputusan 0093", "UU 27/2022; batas: belum ada pasal"),
    ],
)
def test_a_source_is_told_without_our_own_numbers(basis, read):
    assert dasar(basis) == read


@pytest.mark.parametrize(
    ("bytes_", "told"), [(16_000_000_000, "16 GB"), (17_100_000_000, "17,1 GB"), (29_819, "29,8 kB"), (999, "999 B")]
)
def test_a_round_size_has_no_decimal(bytes_, told):
    with translation.override("id"):
        assert size(bytes_) == told


def test_a_right_that_ends_at_midnight_ends_with_the_day_before():
    assert until(datetime(2027, 6, 30, 17, 0, tzinfo=UTC)) == "30 Juni 2027, 24.00 WIB"
    assert until(datetime(2027, 6, 30, 3, 5, tzinfo=UTC)) == "30 Juni 2027, 10.05 WIB"
