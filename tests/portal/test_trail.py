"""The trail is everybody's: its page, its files as C2SP names them, and nothing else that lies near them."""

import hashlib
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as some
from tests.factories import an_institution
from tests.portal.steps import entering
from tests.trail import WITNESSES, witnessed

from bagipakai.control import clock
from bagipakai.control.trail import house, leaves
from bagipakai.core.notes import Checkpoint, Note
from bagipakai.core.request import Role
from bagipakai.core.tiles import Log, bundle_name, tile_name
from bagipakai.portal.trail.names import is_of_the_log

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

FULL = 2**60


@pytest.fixture
def grown() -> Checkpoint:
    """A trail of more than one tile."""
    for number in range(300):
        leaves.write("test.HAPPENED", f"hal/{number}", {"n": number})
    return witnessed()


def asked(name: str, client: Client | None = None):
    return (client or Client()).get(f"/jejak/{name}")


def page() -> str:
    return Client().get(reverse("trail:show")).content.decode()


def read(name: str) -> bytes:
    """As anybody's copying program reads it."""
    answer = asked(name)
    if answer.status_code != 200:
        raise FileNotFoundError(name)
    return answer.content


def test_a_stranger_copies_the_log_and_checks_it_with_the_one_file(grown, tmp_path):
    copy, policy = tmp_path / "salinan", tmp_path / "kebijakan-saksi.txt"
    names: list[str] = []

    def kept(name: str) -> bytes:
        content = read(name)
        names.append(name)
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
        return content

    policy.write_bytes(read("policy"))
    checkpoint = Checkpoint.read(Note.read(kept("checkpoint")).text)
    log = Log(kept, checkpoint.size)
    assert checkpoint == grown and len(list(log.entries())) == checkpoint.size > 256
    assert log.root() == checkpoint.root
    for index in range(checkpoint.size):
        log.inclusion(index)
    assert any(".p/" in name for name in names) and "tile/1/000.p/1" in names
    (tmp_path / "verifier.py").write_bytes(read("verifier.py"))
    command = [sys.executable, "-I", "verifier.py", "log", "--policy", policy.name, copy.name]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0 and said.stdout.startswith("SAH: "), said.stderr


def test_what_never_changes_may_be_kept_and_what_changes_is_asked_for_again(grown):
    tile, head, policy = asked("tile/0/000"), asked("checkpoint"), asked("policy")
    assert tile.headers["Content-Type"] == "application/octet-stream"
    assert tile.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert head.headers["Content-Type"] == policy.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert head.headers["Cache-Control"] == policy.headers["Cache-Control"] == "public, no-cache"
    for answer in (tile, head, policy):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not answer.cookies, "what anybody may keep carries nobody's cookie"


def test_an_answer_with_somebodys_cookie_is_not_kept_for_others(grown):
    reader = entering(an_institution(ready=False)[Role.APPLICANT])
    answer = asked("tile/0/000", reader)
    assert answer.cookies
    assert answer.headers["Cache-Control"].startswith("private")


HOSTILE = [
    *("tile/../checkpoint", "tile/0/../../policy", "tile/%2e%2e/policy", "tile//etc/passwd", "tile/0/000/", "tile/0"),
    *("tile/0/00", "tile/0/0000", "tile/00/000", "tile/8/000", "tile/-1/000", "tile/0/x000/001", "tile/0/x001"),
    *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/0/000.p/", "tile/0/٠٠٠"),
    *(
        "tile/entries",
        "tile/data/000",
        "tile/0/000%0a",
        "tile/0/000\\",
        "tile/.drafts/x",
        "signed",
        "past/",
        ".drafts/",
    ),
    *("tile/0/000%00", "disputed/1", "tile/0/999", "../keys/trail/log", "%2e%2e/keys/public/trail.vkey"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_other_name_is_answered(grown, name):
    assert asked(name).status_code in (400, 404)


def test_nothing_is_written_from_outside(grown):
    for name in ("checkpoint", "policy", "tile/0/000"):
        for method in ("post", "put", "delete", "patch"):
            assert getattr(Client(), method)(f"/jejak/{name}").status_code == 405
        assert Client().head(f"/jejak/{name}").status_code == 200


@given(index=some.integers(0, FULL), level=some.integers(0, 7), width=some.integers(1, 256))
def test_each_name_the_log_gives_is_known(index, level, width):
    index %= 1000**6
    assert is_of_the_log(tile_name(level, index, width))
    assert is_of_the_log(bundle_name(index, width))


@given(some.from_regex(r"tile/([0-9]|entries)/(x[0-9]{3}/){0,2}[0-9]{3}(\.p/[0-9]{1,3})?", fullmatch=True))
def test_a_name_is_known_only_as_the_log_spells_it(name):
    level, rest = name.split("/", 2)[1:]
    number, _, width = rest.partition(".p/")
    index = int(re.sub("[x/]", "", number))
    spelled = bundle_name if level == "entries" else lambda *told: tile_name(int(level), *told)
    sane = level == "entries" or int(level) <= 7
    assert is_of_the_log(name) == (
        sane and (not width or 1 <= int(width) < 256) and name == spelled(index, int(width) if width else 256)
    )


def test_the_page_says_how_far_it_goes_and_who_has_seen_it(grown):
    shown = page()
    assert f"<dd>{grown.size}</dd>" in shown
    assert "3 dari 3 saksi" in shown
    for witness in WITNESSES:
        assert witness.public.name in shown
    assert hashlib.sha256(asked("verifier.py").content).hexdigest() in shown
    assert "Lama tidak disaksikan" not in shown


def test_the_page_says_when_the_witnesses_have_been_away(grown, monkeypatch):
    later = clock.now() + timedelta(hours=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "Lama tidak disaksikan" in page()


def test_a_trail_that_nobody_has_seen_says_so():
    house.policy_file().unlink(missing_ok=True)
    assert "Belum disaksikan" in page()
    assert asked("checkpoint").status_code == asked("policy").status_code == 404


def test_a_checkpoint_that_does_not_meet_the_policy_is_not_called_witnessed(grown):
    file = house.store().folder / "checkpoint"
    note = Note.read(file.read_bytes())
    file.write_bytes(bytes(Note(note.text, note.signatures[:1])))
    assert "Belum disaksikan" in page()


def test_every_page_leads_to_the_trail():
    assert f'<a href="{reverse("trail:show")}">Jejak</a>' in Client().get("/").content.decode()


def test_the_page_is_there_in_english(grown):
    client = Client()
    client.post(reverse("language"), {"language": "en"})
    assert "Check it yourself" in client.get(reverse("trail:show")).content.decode()
