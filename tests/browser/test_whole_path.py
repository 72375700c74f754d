"""The whole path through the portal in a real browser: from an empty form to a package that its recipient opened.

The registry is the real one: its worker runs as a process of its own over a published release, under its own login.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from tests.browser import walks
from tests.browser.hands import Keyboard, Mouse

from bagipakai import postgres
from bagipakai.control import announcements, commands, keys, requests
from bagipakai.control.trail import house
from bagipakai.control.trail.store import Store
from bagipakai.core.plan import Level
from bagipakai.core.request import Role, Status
from bagipakai.demo import readying, story, watching
from bagipakai.demo.processes import bagipakai
from bagipakai.demo.walks import walks as told_walks
from bagipakai.registry import keys as registry_keys

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, VERSION = 20_000, "2026.3.77"


@pytest.fixture(scope="session")
def announcement(tmp_path_factory) -> bytes:
    """A small nation, published once for all runs and announced by the registry."""
    store = postgres.var() / "releases" / VERSION
    registry_keys.establish(postgres.var() / "keys")
    if not store.is_dir():
        folder = tmp_path_factory.mktemp("bangsa") / "data"
        bagipakai("registry", "synthesise", "--people", PEOPLE, "--seed", 7, "--out", folder)
        bagipakai("registry", "publish", folder, "--version", VERSION)
    file = tmp_path_factory.mktemp("pengumuman") / "pengumuman.json"
    bagipakai("registry", "announce", VERSION, "--out", file)
    return file.read_bytes()


@pytest.fixture
def trail(monkeypatch, transactional_db, live_server, settings) -> Iterator[None]:
    """The office's trail under witnesses, all of them processes of their own; it begins with the test."""
    settings.ORIGIN = live_server.url
    office = urlsplit(postgres.url(postgres.OWNER))._replace(path=f"/{connection.settings_dict['NAME']}")
    monkeypatch.setenv("DATABASE_URL", urlunsplit(office))  # for the processes that this test starts
    monkeypatch.setattr(house, "store", lambda: Store(postgres.var() / "trail"))
    for old in ("trail", "demo/saksi"):
        shutil.rmtree(postgres.var() / old, ignore_errors=True)
    keys.establish()
    house.establish()
    with watching.watched():
        yield


@pytest.fixture
def registry(announcement, trail) -> Callable[[], None]:
    """The office has heard of the release; calling this lets the registry's worker finish what lies in the mailbox."""
    announcements.hear(announcement)

    def work() -> None:
        bagipakai("registry", "worker", "--once")
        commands.work()

    return work


@pytest.fixture
def street(request, browser, live_server, registry, tmp_path) -> Iterator[Callable[..., walks.Street]]:
    """Everybody of the demonstration's story, ready to ask."""
    story.settle()
    checked, pictures = (request.getfixturevalue(name) for name in ("no_violations", "pictures"))
    opened = []

    def at(house, hands) -> walks.Street:
        readying.hand_in_key(tmp_path, house)
        readying.make_ready(house)
        opened.append(walks.Street(browser, live_server.url, hands, checked, house, pictures))
        return opened[-1]

    yield at
    for one in opened:
        one.close()


def told(level: Level) -> dict[str, Any]:
    """What the demonstration's institution of this level asks for."""
    found = next(one for one in told_walks(VERSION, 20_000) if one.level is level)
    applicant = next(seat for seat in found.house.seats if Role.APPLICANT in seat.roles)
    handlers = {"handlers": [{"name": applicant.name, "post": applicant.title}]} if level is not Level.L1 else {}
    return {"house": found.house, "answers": {**found.answers, **handlers}}


def opened(package: Path, key: Path) -> dict[str, object]:
    """What the recipient's own tool says of the package, by what was downloaded beside it."""
    by = ("--seal", package.parent / "segel-pengendali.pem", "--policy", package.parent / "kebijakan-saksi.txt")
    out = package.parent / "terbuka"
    return json.loads(bagipakai("recipient", "open", package, *by, "--key", key, "--out", out, "--json"))


def test_a_list_by_name_and_address_with_one_return(street, registry, tmp_path):
    """L4, with a mouse: returned once for a letter without a signature, repaired, approved, delivered, opened."""
    asked = told(Level.L4)
    way = street(asked["house"], Mouse)
    answers = asked["answers"]
    walks.file_request(way, answers, {"TERMS_OF_REFERENCE": "lampiran pertama"})
    walks.send_back(way, "TERMS_OF_REFERENCE", "Lampirkan yang sudah ditandatangani")
    walks.repair(way, "TERMS_OF_REFERENCE", str(answers["programme"]))
    walks.pass_admin(way)
    walks.examine_substance(way)
    walks.decide(way)
    walks.sign(way, "Tandatangani perjanjian", "Tandatangani perjanjian")
    walks.process(way, registry)
    walks.sign(way, "Tandatangani berita acara serah terima", "Tandatangani berita acara")
    package = tmp_path / way.reference / "paket"
    parts = walks.download(way, package)
    report = opened(package, readying.recipient_key(tmp_path, asked["house"]))
    walks.look_in_the_register(way, str(answers["programme"]))
    assert report["opened"]
    assert report["rows"] > 0
    assert set(report["columns"]) == {one["name"] for one in answers["variables"]}
    assert len(parts) >= 2
    stages = [stay.status for stay in requests.state(way.reference).stays]
    assert Status.RETURNED in stages
    assert stages[-1] is Status.ACCESS_GRANTED
    shutil.rmtree(package.parent)


def test_an_aggregate_table_with_the_keyboard_alone(street, registry, tmp_path):
    """L1, and nobody touches a mouse."""
    asked = told(Level.L1)
    way = street(asked["house"], Keyboard)
    way.pictures = None
    walks.file_request(way, asked["answers"])
    walks.pass_admin(way)
    walks.examine_substance(way)
    walks.decide(way)
    walks.sign(way, "Tandatangani perjanjian", "Tandatangani perjanjian")
    walks.process(way, registry)
    walks.sign(way, "Tandatangani berita acara serah terima", "Tandatangani berita acara")
    package = tmp_path / way.reference / "paket"
    walks.download(way, package)
    report = opened(package, readying.recipient_key(tmp_path, asked["house"]))
    assert report["opened"]
    walks.look_in_the_register(way, str(asked["answers"]["programme"]))
    assert {one["name"] for one in asked["answers"]["variables"]} <= set(report["columns"])
    shutil.rmtree(package.parent)
