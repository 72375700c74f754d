"""What the recipient takes from the download page: sealed parts, and the proof that others have seen the package."""

import json
import re
from datetime import date, timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.urls import reverse
from tests.authenticators import order_about
from tests.factories import Chain, a_matching_request, a_request, a_seat, an_institution
from tests.owner import rewrite
from tests.portal.steps import entering

from bagipakai.control import access, clock, recall
from bagipakai.control.models import Denial, Grant, Reading, Release
from bagipakai.control.trail import house
from bagipakai.core import policy
from bagipakai.core.manifest import LEAF_NAME, MANIFEST_NAME, PART_LIMIT, PROOF_NAME
from bagipakai.core.policy import Rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role, Status
from bagipakai.core.witnesses import LogProof, Policy
from bagipakai.portal.downloads.ranges import STRETCH

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

PART = "bagian-0001.csv.age"
BYTES = b"sealed"


@pytest.fixture
def chain() -> Chain:
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain) -> Grant:
    return access.grant_of(chain.reference)


@pytest.fixture
def handler(chain):
    return entering(chain.asking[Role.AUTHORISED_HANDLER])


def page_of(chain, reader) -> str:
    return reader.get(reverse("downloads:show", args=[chain.reference])).content.decode()


def link(chain, reader, part=PART) -> str:
    """What the button of a part leads to."""
    answer = reader.post(reverse("downloads:fetch", args=[chain.reference, part]))
    assert answer.status_code == 303
    return answer.headers["Location"]


def ranges_told(grant, part=PART) -> list[tuple[int, int]]:
    """The first and last bytes of what was handed out of a part, as the trail holds them, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payload FROM trail.opening JOIN trail.leaf ON leaf = id"
            " WHERE about = %s AND event = 'download.RANGE' ORDER BY id",
            [f"hak/{grant.pk}/{part}"],
        )
        return [(told["from"], told["to"]) for told in (json.loads(payload) for (payload,) in cursor.fetchall())]


def proof_at(chain, name):
    return reverse("downloads:proof", args=[chain.reference, name])


def test_the_proof_and_the_policy_it_is_checked_by_are_taken_from_the_page(chain, grant, handler):
    page = page_of(chain, handler)
    taken = {name: handler.post(proof_at(chain, name)) for name in (LEAF_NAME, PROOF_NAME)}
    for name, answer in taken.items():
        assert f'action="{proof_at(chain, name)}"' in page
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    address = reverse("trail:policy")
    assert f'href="{address}"' in page
    policy = handler.get(address)
    assert policy.headers["Content-Disposition"] == 'attachment; filename="kebijakan-saksi.txt"'
    proof, leaf = taken[PROOF_NAME].content, taken[LEAF_NAME].content
    assert LogProof.read(proof).shows(leaf, Policy.read(policy.content.decode()))
    assert grant.manifest in leaf.decode()
    assert not Reading.objects.exists(), "a proof holds nothing of the package"


def test_the_commands_on_the_page_ask_for_the_witnesses(chain, handler):
    commands = re.search(r'<pre class="command">(.*?)</pre>', page_of(chain, handler), re.S)[1]
    assert commands.count("--policy kebijakan-saksi.txt") == commands.count("bagipakai recipient") == 2


def test_a_proof_is_given_to_whoever_may_read_and_to_nobody_else(chain, grant, handler):
    applicant = entering(chain.asking[Role.APPLICANT])
    assert applicant.post(proof_at(chain, PROOF_NAME)).status_code == 409
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    assert handler.post(proof_at(chain, PROOF_NAME)).status_code == 409


@pytest.mark.parametrize("name", ["manifest.dsse.json", "..", "bagian-0001.csv.age", "policy"])
def test_nothing_else_goes_by_the_name_of_a_proof(chain, handler, name):
    assert handler.post(f"/permintaan/{chain.reference}/unduh/bukti/{name}").status_code == 404


def test_while_the_manifest_is_not_in_the_trail_the_page_says_so_and_offers_nothing(chain, grant, handler):
    rewrite(f"UPDATE trail.leaf SET seq = NULL WHERE about = '{grant.package}'", "trail.leaf", fence="numbered")
    page = page_of(chain, handler)
    assert "Belum dapat diunduh" in page and "jejak" in page
    assert "/unduh/bukti/" not in page
    assert handler.post(proof_at(chain, PROOF_NAME)).status_code == 409


def test_the_request_says_that_its_release_was_withdrawn_and_promises_no_package(chain, handler):
    address = reverse("requests:show", args=[chain.reference])
    assert "Paket siap diunduh" in handler.get(address).content.decode()
    why = "Desil salah hitung di dua provinsi"
    assert not isinstance(recall.withdraw(Release.objects.get().version, why, None), Refusal)
    page = handler.get(address).content.decode()
    assert "Paket siap diunduh" not in page and why in page and "Buka halaman unduhan" in page


def test_without_a_policy_the_page_says_why_nothing_leaves(chain, handler):
    house.policy_file().unlink()
    page = page_of(chain, handler)
    assert "Belum dapat diunduh" in page
    assert f'href="{reverse("trail:policy")}"' not in page
    assert handler.get(reverse("trail:policy")).status_code == 404


def test_the_button_is_one_reading_and_leads_to_the_bytes(chain, grant, handler):
    address = link(chain, handler)
    answer = handler.get(address)
    assert (answer.status_code, answer.getvalue()) == (200, BYTES)
    digest = access.manifest_of(grant).parts[0].sealed_sha256
    assert {
        name: answer.headers[name] for name in ("Accept-Ranges", "ETag", "Content-Length", "Content-Disposition")
    } == {
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest}"',
        "Content-Length": "6",
        "Content-Disposition": f'attachment; filename="{PART}"',
    }
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert handler.get(address, headers={"Range": "bytes=2-"}).getvalue() == BYTES[2:]
    assert [(one.part, one.person) for one in Reading.objects.all()] == [(PART, chain.asking[Role.AUTHORISED_HANDLER])]


def test_each_range_is_answered_as_http_has_it_and_told_to_the_trail(chain, grant, handler):
    address = link(chain, handler)
    asked = {
        "bytes=0-1": (b"se", "bytes 0-1/6"),
        "bytes=4-": (b"ed", "bytes 4-5/6"),
        "bytes=-3": (b"led", "bytes 3-5/6"),
    }
    for header, (content, place) in asked.items():
        answer = handler.get(address, headers={"Range": header})
        assert (answer.status_code, answer.getvalue()) == (206, content)
        assert answer.headers["Content-Range"] == place
        assert answer.headers["Content-Length"] == str(len(content))
    handler.get(address, headers={"Range": "bytes=0-1,3-4"})  # two at once: the whole
    assert ranges_told(grant) == [(0, 1), (4, 5), (3, 5), (0, 5)]


def test_what_is_not_in_the_part_is_not_satisfiable_and_nothing_is_told(chain, grant, handler):
    answer = handler.get(link(chain, handler), headers={"Range": "bytes=6-"})
    assert (answer.status_code, answer.headers["Content-Range"], answer.getvalue()) == (416, "bytes */6", b"")
    assert ranges_told(grant) == []


def test_a_stale_tag_brings_the_whole(chain, handler):
    address = link(chain, handler)
    etag = handler.head(address).headers["ETag"]
    assert handler.get(address, headers={"Range": "bytes=2-", "If-Range": etag}).status_code == 206
    for stale in ('"' + "0" * 64 + '"', f"W/{etag}", "Thu, 26 Nov 2026 00:00:00 GMT"):
        answer = handler.get(address, headers={"Range": "bytes=2-", "If-Range": stale})
        assert (answer.status_code, answer.getvalue()) == (200, BYTES)


def test_head_tells_the_size_and_hands_nothing_out(chain, grant, handler):
    answer = handler.head(link(chain, handler), headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["Content-Length"], answer.getvalue()) == (200, "6", b"")
    assert ranges_told(grant) == []


def test_the_manifest_comes_by_the_digest_that_was_granted(chain, grant, handler):
    answer = handler.get(link(chain, handler, MANIFEST_NAME))
    assert answer.headers["ETag"] == f'"{grant.manifest}"'
    assert answer.getvalue() == (access.packages() / grant.package / MANIFEST_NAME).read_bytes()


def test_the_link_is_for_one_person_one_part_and_a_quarter_of_an_hour(chain, grant, handler, monkeypatch):
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now)
    address, other = link(chain, handler), link(chain, handler, "kamus.csv.age")
    token = address.rpartition("/")[2]
    assert Client().get(address).status_code == 302, "nobody follows it without logging in"
    colleague = entering(a_seat(chain.asking.institution, Role.AUTHORISED_HANDLER).person)
    assert colleague.get(address).status_code == 410
    assert handler.get(f"{other.rpartition('/')[0]}/{token}").status_code == 410
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", ":", f"1{token}"):
        assert handler.get(f"{address.rpartition('/')[0]}/{forged}").status_code == 410
    stranger = entering(an_institution(ready=False, region="3201")[Role.AUTHORISED_HANDLER])
    assert stranger.get(address).status_code == 404
    monkeypatch.setattr(signing.time, "time", lambda: now + 899)
    assert handler.get(address).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + 915)  # making the two links took a while
    page = handler.get(address)
    assert page.status_code == 410 and "Tautan unduhan sudah berakhir" in page.content.decode()
    assert len(ranges_told(grant)) == 1


def test_a_link_says_nothing_but_when_it_was_made(chain, grant, handler):
    token = link(chain, handler).rpartition("/")[2]
    assert re.fullmatch(r"[0-9A-Za-z]{6}:[0-9A-Za-z_-]{43}", token)


def test_each_range_asks_for_the_right_anew(chain, grant, handler):
    """S09, S10: the link outlives nothing."""
    address = link(chain, handler)
    assert handler.get(address, headers={"Range": "bytes=0-1"}).status_code == 206
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    for asked in ({"Range": "bytes=2-"}, {"Range": "bytes=9-"}, {}):
        assert handler.get(address, headers=asked).status_code == 409
    assert handler.head(address).status_code == 409
    assert len(ranges_told(grant)) == 1
    assert Denial.objects.filter(person=chain.asking[Role.AUTHORISED_HANDLER]).count() == 4


def test_nothing_leaves_by_a_link_while_nobody_sees_the_trail(chain, handler, monkeypatch):
    address, later = link(chain, handler), clock.now() + timedelta(hours=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert handler.get(address).status_code == 409


def test_a_range_ends_with_the_right_to_it(chain, grant, handler, monkeypatch):
    monkeypatch.setattr("bagipakai.portal.downloads.views.BLOCK", 1)
    monkeypatch.setattr("bagipakai.portal.downloads.views.ASK_EVERY", 0.0)
    flowing = iter(handler.get(link(chain, handler), headers={"Range": "bytes=1-4"}).streaming_content)
    assert next(flowing) == b"e"
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    with pytest.raises(ConnectionAbortedError):
        next(flowing)


@pytest.mark.parametrize("now", [b"seal", b"sealed!", None])
def test_bytes_that_are_not_those_of_the_manifest_do_not_go_by_its_digest(chain, grant, handler, now):
    address, file = link(chain, handler), access.packages() / grant.package / PART
    file.unlink()
    if now is not None:
        file.write_bytes(now)
    answer = handler.get(address)
    assert answer.status_code == 404 and "ETag" not in answer.headers
    assert ranges_told(grant) == []


@pytest.fixture
def at_most_three(monkeypatch):
    """Three pieces of a part in a quarter of an hour."""
    few = Rules("download", [{"from": date(2026, 1, 1), "basis": "uji", "minutes": 15, "ranges": 3}])
    monkeypatch.setattr(access, "policy", lambda *_: few)


def piece(chain, reader, part=PART):
    return reader.get(link(chain, reader, part), headers={"Range": "bytes=0-0"})


def test_who_takes_too_many_pieces_is_told_how_long_to_wait(chain, grant, handler, at_most_three, monkeypatch):
    began = clock.now()
    monkeypatch.setattr(clock, "now", lambda: began)
    for minute in range(3):
        monkeypatch.setattr(clock, "now", lambda minute=minute: began + timedelta(minutes=minute))
        assert piece(chain, handler).status_code == 206
    answer = piece(chain, handler)  # a new link begins no new count
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(13 * 60))
    assert "Tunggu 13 menit" in page and "3 potongan" in page and "too-many-ranges" in page
    assert len(ranges_told(grant)) == 3 and not Denial.objects.exists(), "hammering does not fill the trail"
    assert piece(chain, handler, "kamus.csv.age").status_code == 206, "another part has its own count"
    assert handler.head(link(chain, handler)).status_code == 200, "nothing is handed out by a HEAD"
    colleague = a_seat(chain.asking.institution, Role.AUTHORISED_HANDLER).person
    assert not isinstance(access.hand_out(grant, PART, range(1), colleague), Refusal), "and so has another person"
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(minutes=15))
    assert piece(chain, handler).status_code == 206, "the first of the three is a quarter of an hour old"
    assert piece(chain, handler).status_code == 429
    witnessed_later = began + timedelta(minutes=32)
    monkeypatch.setattr(clock, "now", lambda: witnessed_later)
    assert [piece(chain, handler).status_code for _ in range(4)] == [206, 206, 206, 429]


def test_an_ended_right_is_told_before_the_wait(chain, grant, handler, at_most_three):
    addresses = [link(chain, handler) for _ in range(2)]
    for _ in range(3):
        assert handler.get(addresses[0]).status_code == 200
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    assert handler.get(addresses[1]).status_code == 409


def test_the_limit_lets_the_largest_part_through_in_pieces_of_the_door(chain):
    """Four times over, so that a transfer which breaks can begin again."""
    assert policy.rules("downloads", "download").on(clock.today())["ranges"] * STRETCH >= 4 * PART_LIMIT


def test_behind_nginx_a_short_stretch_is_named_and_not_sent_and_told_all_the_same(chain, grant, handler, settings):
    settings.ACCEL = "/kiriman/"
    address = link(chain, handler)
    digest = access.manifest_of(grant).parts[0].sealed_sha256
    for asked in ({"Range": "bytes=2-3"}, {}):
        answer = handler.get(address, headers=asked)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["X-Accel-Redirect"] == f"/kiriman/{grant.package}/{PART}"
        assert answer.headers["ETag"] == f'"{digest}"' and "Content-Range" not in answer.headers
    answer = handler.get(address, headers={"Range": "bytes=2-3", "If-Range": f'"{digest}"'})
    assert (answer.status_code, answer.getvalue()) == (206, BYTES[2:4]), "a condition is for us to read"
    assert "X-Accel-Redirect" not in answer.headers and "X-Accel-Redirect" not in handler.head(address).headers
    assert ranges_told(grant) == [(2, 3), (0, 5), (2, 3)]
    order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
    answer = handler.get(address)
    assert answer.status_code == 409 and "X-Accel-Redirect" not in answer.headers


def test_who_receives_a_matching_is_told_that_no_answer_follows_and_what_to_do(chain, handler):
    told = "Jawaban paket ini tidak berubah lagi."
    assert told not in page_of(chain, handler)
    matched = a_matching_request(Status.ACCESS_GRANTED)
    assert told in page_of(matched, entering(matched.asking[Role.AUTHORISED_HANDLER]))
