"""A list comes back as it was sent, with what may be told of each row and nothing else."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories_registry import STORAGE, in_clear
from tests.registry import small
from tests.registry.lists import as_csv, read, sent, some_rows
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, PLACED, ROW_FORMATS, a_house, a_plan, an_order
from tests.registry.test_deliver import rows_of

from bagipakai.control import wording
from bagipakai.core.evidence import NAMES
from bagipakai.core.exchange import Receipt
from bagipakai.core.plan import Answer, Area, Asked, Format, Matching, Protections, Unit
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.core.review_orders import Label, LabelOrder
from bagipakai.core.reviews import Verdict
from bagipakai.core.roster_orders import RosterReceipt
from bagipakai.registry import reviews, worker
from bagipakai.registry.deliver import cancelled, deliver
from bagipakai.registry.holds import Holds
from bagipakai.registry.matching.pairs import Draw, Sample
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.membership import Membership
from bagipakai.registry.package import package_id
from bagipakai.registry.regions import EDITION

NOW = PLACED + timedelta(hours=1)
SENT = ("nik", "nama", "jenis_kelamin", "tanggal_lahir", "kode_desa")


@pytest.fixture(scope="module")
def people(release):
    return pa.concat_tables(in_clear(release, Unit.INDIVIDU)).to_pylist()


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def as_sent(person: dict) -> dict:
    return {name: person[name] for name in SENT}


def a_list(people, seed: int = 1, known: int = 60, strangers: int = 10) -> list[dict]:
    """So many people of the release, some with an error, among strangers; `list_id` counts from 1."""
    dice = random.Random(seed)
    rows = [as_sent(one) for one in dice.sample(people, known)]
    for row in rows[:5]:
        row["nik"] = row["nik"][:15] + "0" if row["nik"] else row["nik"]
    for row in rows[5:8]:
        row["nik"] = None
    rows += some_rows(strangers)
    dice.shuffle(rows)
    return [{"list_id": f"{at}", **row} for at, row in enumerate(rows, start=1)]


def matching(house, rows, *, roster="D-1", answer=Answer.STATUS, reasons=False, one_to_one=False, **changes):
    """The plan to match these rows, which are sent and read."""
    receipt = read(house, sent(house, as_csv(rows), roster=roster, order_id=f"DFT-{roster}"))
    assert not receipt.refusal, receipt.refusal
    named = Matching(roster, receipt.digest, receipt.rows, answer, reasons, one_to_one)
    variables = changes.pop("variables", ())
    plan = a_plan("L4", "individu", matching=named, protections=Protections(), **changes)
    return replace(plan, variables=tuple(Asked(name, "diperlukan program") for name in variables))


def delivered(house, release, plan, tmp_path, order_id="O-1"):
    """What came back, and the receipt."""
    receipt = deliver(an_order(plan, order_id), release, house.keys, house.places, clock=lambda: NOW)
    assert not receipt.refusal, receipt.refusal
    folder = tmp_path / order_id
    house.open(receipt.package, folder)
    return rows_of(folder, plan.format), receipt


def members(house, order_id="O-1") -> Membership:
    return Membership.read(house.places.members(package_id(order_id)))


@pytest.mark.parametrize("form", ROW_FORMATS)
def test_every_row_of_the_list_comes_back_once_in_its_order(house, release, people, tmp_path, form):
    rows = a_list(people)
    plan = matching(house, rows, variables=("desil", "nama"), format=form)
    told, receipt = delivered(house, release, plan, tmp_path)
    assert [row["list_id"] for row in told] == [row["list_id"] for row in rows]
    assert [int(row["baris"]) for row in told] == list(range(2, len(rows) + 2))
    assert receipt.columns == ("baris", "list_id", "hasil", "desil", "nama") == tuple(told[0])
    niks = Counter(one["nik"] for one in people)
    by_nik = {one["nik"]: one for one in people if one["nik"] and niks[one["nik"]] == 1}
    for row, asked in zip(told, rows, strict=True):
        if row["hasil"] == "cocok":
            assert not asked["nama"].startswith("ORANG")
            if asked["nik"] in by_nik:
                assert row["nama"] == by_nik[asked["nik"]]["nama"]
        else:
            assert not row["nama"] and not row["desil"]
    assert sum(row["hasil"] == "cocok" for row in told) >= 55
    assert sum(row["hasil"] == "tidak cocok" for row in told) >= 9


def test_no_more_than_yes_or_no_leaves_unless_it_was_granted(house, release, people, tmp_path):
    plan = matching(house, a_list(people), answer=Answer.YES_NO)
    told, receipt = delivered(house, release, plan, tmp_path)
    assert receipt.columns == ("baris", "list_id", "hasil") == tuple(told[0])
    assert {row["hasil"] for row in told} <= {"ya", "belum pasti", "tidak"}
    folder = tmp_path / "O-1"
    described = json.loads((folder / "metadata.json").read_text())
    assert set(described["kolom_tambahan"]) == {"baris", "list_id", "hasil"}
    assert "hasil" in (folder / "kamus.csv").read_text()


def test_the_same_order_twice_says_the_same(house, release, people, tmp_path):
    rows = a_list(people)
    plan = matching(house, rows, reasons=True, variables=("desil",), format=Format.JSONL)
    first, _ = delivered(house, release, plan, tmp_path)
    again, _ = delivered(house, release, plan, tmp_path, "O-2")
    assert first == again
    manifests = [house.open(package_id(one), tmp_path / f"x{one}").manifest for one in ("O-1", "O-2")]
    assert manifests[0].content_digest == manifests[1].content_digest


def test_who_lives_elsewhere_or_is_not_of_the_population_is_nobody(house, release, people, tmp_path):
    rows = a_list(people, known=120)
    kab = people[len(people) // 2]["kode_kab"]
    here = [one for one in people if one["kode_kab"] == kab]
    rows += [{"list_id": f"h{at}", **as_sent(one)} for at, one in enumerate(here)]
    poor = Compare(Op.AT_MOST, Column("desil"), Const(5))
    plan = matching(
        house, rows, reasons=True, variables=("kode_kab", "desil"), area=Area((kab,), EDITION), population=poor
    )
    told, _ = delivered(house, release, plan, tmp_path)
    found = [row for row in told if row["hasil"] == "cocok"]
    assert found and all(row["kode_kab"] == kab and int(row["desil"]) <= 5 for row in found)
    assert {row["hasil"] for row in told if row["alasan"] == "WILAYAH_BERBEDA"} == {"tidak cocok"}
    assert sum(row["alasan"] == "WILAYAH_BERBEDA" for row in told) >= 80
    assert not any(row["kode_kab"] or row["desil"] for row in told if row["hasil"] != "cocok")
    rich = [one for one in here if one["desil"] and one["desil"] > 5]
    of_rich = {f"h{here.index(one)}" for one in rich}
    assert all(row["alasan"] == "TIDAK_DITEMUKAN" for row in told if row["list_id"] in of_rich)
    there = [one["person_ordinal"] for one in here]
    assert len(members(house)) == sum(
        row["hasil"] == "cocok" or row["alasan"] == "WILAYAH_BERBEDA" for row in told
    ) and any(one in members(house) for one in there)


def test_without_reasons_nothing_tells_that_somebody_lives_elsewhere(house, release, people, tmp_path):
    kab = people[0]["kode_kab"]
    plan = matching(house, a_list(people), area=Area((kab,), EDITION))
    told, _ = delivered(house, release, plan, tmp_path)
    assert set(told[0]) == {"baris", "list_id", "hasil"}
    assert len(members(house)) == sum(row["hasil"] == "cocok" for row in told)


def test_a_number_of_somebody_else_is_told_by_grant_alone(house, release, people, tmp_path):
    whole = [one for one in people if one["nik_number"]][:30]
    rows = [
        {"list_id": f"{at}", "nik": one["nik"], "nama": f"ZZYX QOWERU {at}", "tanggal_lahir": "1931-05-04"}
        for at, one in enumerate(whole)
    ]
    plan = matching(house, rows, reasons=True)
    told, _ = delivered(house, release, plan, tmp_path)
    others = [row["list_id"] for row in told if row["alasan"] == "NIK_MILIK_ORANG_LAIN"]
    assert len(others) >= 25 and all(row["hasil"] == "tidak cocok" for row in told)
    assert {whole[int(at)]["person_ordinal"] for at in others} == set(members(house)._members)
    quiet = matching(house, rows, roster="D-2")
    delivered(house, release, quiet, tmp_path, "O-2")
    assert len(members(house, "O-2")) == 0
    far = matching(house, rows, roster="D-3", reasons=True, area=Area(("94",), EDITION))
    told, _ = delivered(house, release, far, tmp_path, "O-3")
    assert {row["alasan"] for row in told} == {"TIDAK_DITEMUKAN"} and len(members(house, "O-3")) == 0


def test_one_person_stays_with_one_row_where_the_list_says_so(house, release, people, tmp_path):
    rows = a_list(people)
    rows += [{**row, "list_id": f"{at}x"} for at, row in enumerate(rows[:20])]
    told, _ = delivered(house, release, matching(house, rows, variables=("nik",)), tmp_path)
    niks = [row["nik"] for row in told if row["hasil"] == "cocok" and row["nik"]]
    assert len(niks) > len(set(niks))
    once = matching(house, rows, roster="D-2", variables=("nik",), one_to_one=True, reasons=True)
    told, _ = delivered(house, release, once, tmp_path, "O-2")
    niks = [row["nik"] for row in told if row["hasil"] == "cocok" and row["nik"]]
    assert len(niks) == len(set(niks))
    assert any(row["alasan"] == "GANDA_DALAM_DAFTAR" for row in told)


def test_who_is_on_hold_is_nobody(house, release, people, tmp_path):
    rows = a_list(people)
    before, _ = delivered(house, release, matching(house, rows, variables=("nik",), reasons=True), tmp_path)
    gone = [row["nik"] for row in before if row["hasil"] == "cocok" and row["nik"]][:4]
    assert len(gone) == 4
    holds = Holds(house.places.holds, STORAGE, (house.keys.seal.public,))
    case = holds.add("T-1", "HOLD", "objection-pending", gone, PLACED - timedelta(days=1), house.keys.seal)
    assert not hasattr(case, "code"), case
    told, _ = delivered(house, release, matching(house, rows, variables=("nik",), reasons=True), tmp_path, "O-2")
    assert not any(row["nik"] in gone for row in told)
    by_id = {row["list_id"]: row for row in told}
    on_hold = [row["list_id"] for row in before if row["nik"] in gone]
    assert all((by_id[one]["hasil"], by_id[one]["alasan"]) == ("tidak cocok", "TIDAK_DITEMUKAN") for one in on_hold)


def test_the_office_has_a_word_for_all_that_is_told_of_the_work(house, release, people):
    """Of a list, of rows with and without names, of a table; also while somebody is on hold."""
    Holds(house.places.holds, STORAGE, (house.keys.seal.public,)).add(
        "T-1", "HOLD", "objection-pending", [people[0]["nik"]], PLACED - timedelta(days=1), house.keys.seal
    )
    plans = {
        "list": matching(house, a_list(people), reasons=True),
        "table": a_plan("L1", variables=("jenis_kelamin",)),
        "rows": a_plan("L2", variables=("kode_kab", "umur")),
        "families": a_plan("L3", "keluarga"),
    }
    evidence, columns = set(), set()
    for name, plan in plans.items():
        receipt = deliver(an_order(plan, name), release, house.keys, house.places, clock=lambda: NOW)
        assert not receipt.refusal, (name, receipt.refusal)
        evidence |= {key for done in receipt.steps for key in done.evidence}
        columns |= set(receipt.columns)
    assert (
        {"alarms", "roster", "matched", "review", "withheld", "small_classes", "hidden_cells"} <= evidence <= set(NAMES)
    )
    assert {"hasil", "alasan", "pseudonim_kk", "jumlah_individu"} <= columns
    for lang in ("id", "en"):
        assert [one for one in sorted(columns) if wording.column(one, release.catalogue, lang) == one] == []


def test_a_list_of_strangers_finds_nobody(house, release, tmp_path):
    for at, rows in enumerate((some_rows(30), [{"nama": row["nama"]} for row in some_rows(30)])):
        plan = matching(house, rows, roster=f"D-{at}", reasons=True, variables=("desil",))
        told, _ = delivered(house, release, plan, tmp_path, f"O-{at}")
        assert [(row["hasil"], row["desil"]) for row in told] == [("tidak cocok", "")] * 30
        assert len(members(house, f"O-{at}")) == 0


DAMAGE = {
    "as it is": lambda row: row,
    "no number": lambda row: {**row, "nik": None},
    "no date": lambda row: {**row, "tanggal_lahir": None},
    "rounded": lambda row: {**row, "nik": row["nik"] and row["nik"][:15] + "0"},
    "another's name": lambda row: {**row, "nama": "ZZYX QOWERU"},
    "moved": lambda row: {**row, "kode_desa": "9471012001"},
}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_leaves_but_what_was_promised_of_whom_it_was_promised(release, people, tmp_path_factory, data):
    """Any list, area, population, holds and grant."""
    tmp_path = tmp_path_factory.mktemp("any")
    house = a_house(tmp_path / "var")
    seed = data.draw(st.integers(0, 2**32))
    dice = random.Random(seed)
    chosen = dice.choices(people, k=40)
    kabs = data.draw(st.lists(st.sampled_from(sorted({one["kode_kab"] for one in chosen})), max_size=5, unique=True))
    rows = [data.draw(st.sampled_from(list(DAMAGE)).map(DAMAGE.__getitem__))(as_sent(one)) for one in chosen]
    rows = [{"list_id": f"{at}", **row} for at, row in enumerate(rows)]
    held = [one["nik"] for one in chosen if one["nik_number"]][: data.draw(st.integers(0, 10))]
    if held:
        holds = Holds(house.places.holds, STORAGE, (house.keys.seal.public,))
        holds.add("T-1", "HOLD", "objection-pending", held, PLACED - timedelta(days=1), house.keys.seal)
    most = data.draw(st.none() | st.integers(1, 10))
    population = None if most is None else Compare(Op.AT_MOST, Column("desil"), Const(most))
    plan = matching(
        house,
        rows,
        answer=data.draw(st.sampled_from(Answer)),
        reasons=data.draw(st.booleans()),
        one_to_one=data.draw(st.booleans()),
        variables=("nik", "kode_kab", "desil"),
        area=Area(tuple(kabs), EDITION),
        population=population,
        format=Format.JSONL,
    )
    told, receipt = delivered(house, release, plan, tmp_path)
    assert [row["list_id"] for row in told] == [row["list_id"] for row in rows]
    assert all(tuple(row) == receipt.columns for row in told)
    assert receipt.columns == ("baris", "list_id", "hasil", *(["alasan"] * plan.matching.reasons), *plan.columns)
    for row in told:
        if row["hasil"] in ("cocok", "ya"):
            assert not kabs or row["kode_kab"] in kabs
            assert most is None or row["desil"] <= most
            assert row["nik"] not in held
        else:
            assert row["nik"] is row["kode_kab"] is row["desil"] is None
    if plan.matching.one_to_one:
        found = [row["nik"] for row in told if row["nik"]]
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"roster": "D-9"}, "order-roster-unknown"),
        ({"digest": "0" * 64}, "order-roster-differs"),
        ({"rows": 3}, "order-roster-differs"),
    ],
)
def test_another_list_than_the_approved_one_is_not_matched(house, release, people, changed, code):
    plan = matching(house, a_list(people))
    plan = replace(plan, matching=replace(plan.matching, **changed))
    receipt = deliver(an_order(plan), release, house.keys, house.places, clock=lambda: NOW)
    assert receipt.refusal == code and house.packages == [] and house.left_behind() == []


def test_what_waits_for_a_clerk_is_kept_beside_candidates_in_reach(house, release, people, tmp_path, monkeypatch):
    rows = [{name: row[name] for name in ("list_id", "nama", "tanggal_lahir")} for row in a_list(people)]
    for row, whole in zip(rows[::2], a_list(people)[::2], strict=True):
        row["nik"] = whole["nik"]
    doubting = replace(Decision.on(PLACED.date()), accept=1.0)
    with monkeypatch.context() as patched:
        patched.setattr(Decision, "on", lambda day: doubting)
        told, _ = delivered(house, release, matching(house, rows, reasons=True), tmp_path)
    pairs = reviews.kept(house.places.reviews, STORAGE, "O-1").to_pylist()
    waiting = {
        at for at, one in enumerate(told) if one["hasil"] == "perlu telaah" and one["alasan"] != "KUNCI_TERLALU_UMUM"
    }
    assert len(waiting) >= 10 and waiting == {one["row"] for one in pairs if one["band"] == "review"}
    assert sum(one["band"] == "match" for one in pairs) == 20
    for one in pairs:
        person = people[one["ordinal"]]
        assert (one["registri_nama"], one["registri_nik"]) == (person["nama"], person["nik"])
        assert one["daftar_nama"] == rows[one["row"]]["nama"]
    cancelled(an_order(matching(house, rows)), house.places)
    with pytest.raises(reviews.UnknownReview):
        reviews.kept(house.places.reviews, STORAGE, "O-1")


def test_some_who_were_answered_with_nobody_are_judged_beside_who_came_near_in_reach(
    house, release, people, tmp_path, monkeypatch
):
    """A clerk may find that one was missed; what leaves tells of none of them."""
    monkeypatch.setattr(Sample, "on", lambda day: Sample(Draw(20, 20, 500), Draw(1000, 0, 500)))
    kab = people[len(people) // 2]["kode_kab"]
    here = [one for one in people if one["nik_number"] and one["kode_kab"] == kab]
    owners = [*here, *(one for one in people[:40] if one["nik_number"] and one["kode_kab"] != kab)]
    rows = [
        {"list_id": f"{at}", "nik": one["nik"], "nama": f"ZZYX QOWERU {at}", "tanggal_lahir": "1931-05-04"}
        for at, one in enumerate(owners)
    ]
    for order_id, roster, area, near in (("O-1", "D-1", (), owners), ("O-2", "D-2", (kab,), here)):
        plan = matching(house, rows, roster=roster, area=Area(area, EDITION))
        told, _ = delivered(house, release, plan, tmp_path, order_id)
        assert {row["hasil"] for row in told} == {"tidak cocok"} and not members(house, order_id)
        pairs = reviews.kept(house.places.reviews, STORAGE, order_id).to_pylist()
        assert {one["row"] for one in pairs} == set(range(len(near)))
        for one in pairs:
            assert (one["band"], one["registri_nik"]) == ("none", owners[one["row"]]["nik"])
            assert one["ordinal"] == owners[one["row"]]["person_ordinal"] and one["level_nama"]


def test_what_clerks_decided_of_the_same_list_is_told_by_the_next_order(house, release, people, tmp_path, monkeypatch):
    """Rows that were left open are decided; what was matched by itself stays, also where one clerk says no."""
    rows = a_list(people)
    doubting = replace(Decision.on(PLACED.date()), accept=1.0)
    bare = [{name: row[name] for name in ("list_id", "nama", "tanggal_lahir", "nik")} for row in rows]
    for row in bare[1::2]:
        row["nik"] = None
    with monkeypatch.context() as patched:
        patched.setattr(Decision, "on", lambda day: doubting)
        plan = matching(house, bare, reasons=True, variables=("desil",))
        first, _ = delivered(house, release, plan, tmp_path)
        pairs = reviews.kept(house.places.reviews, STORAGE, "O-1").to_pylist()
        said = [
            Label(at, 1, False, Verdict.UNSURE if at % 4 == 3 else Verdict.NO if at % 2 else Verdict.YES)
            for at in range(len(pairs))
        ]
        order = LabelOrder("TLH-1-1-LABEL", "O-1", tuple(said), NOW)
        assert reviews.label(house.places.reviews, order, order.sealed(OFFICE))
        again, receipt = delivered(house, release, plan, tmp_path, "O-2")
        elsewhere, _ = delivered(house, release, replace(plan, request="PMT-2026-999999"), tmp_path, "O-3")
    verdicts = {one["row"]: said[at].verdict for at, one in enumerate(pairs) if one["band"] == "review"}
    assert set(verdicts.values()) == set(Verdict)
    for at, (before, after) in enumerate(zip(first, again, strict=True)):
        match verdicts.get(at):
            case Verdict.YES:
                assert (after["hasil"], after["alasan"]) == ("cocok", "DIPASTIKAN_PENELAAH") and after["desil"]
            case Verdict.NO:
                assert (after["hasil"], after["alasan"]) == ("tidak cocok", "TIDAK_DITEMUKAN") and not after["desil"]
            case _:
                assert after == before
    assert len(members(house, "O-2")) > len(members(house, "O-1"))
    assert receipt.refusal == "" and elsewhere == first  # another plan is another question


def test_who_died_with_the_whole_family_is_told_by_grant_alone(house, tmp_path):
    rows = small.some_rows(120, 3)
    for at, person in enumerate(rows[Unit.INDIVIDU]):
        person |= {"nama": f"BUDI {'ABCDEFGHIJ'[at % 10]}{'AEIOU'[at // 10 % 5]}LIKAN {'RSTUVWXY'[at // 50 % 8]}OMBENG"}
        born = date(1950 + at % 60, at % 12 + 1, at % 28 + 1)
        nik = f"{person['kode_kec']}{born:%d%m%y}{at + 1:04d}"
        person |= {"nik": nik, "nik_number": int(nik), "tanggal_lahir": born, "jenis_kelamin": "L"}
    for at, family in enumerate(rows[Unit.KELUARGA]):
        family["status_keberadaan"] = "4" if at % 3 == 0 else "1"
    release, _ = small.small_release(house.var / "releases", rows=rows)
    given = [{"list_id": f"{one['person_ordinal']}", **as_sent(one)} for one in rows[Unit.INDIVIDU]]
    dead = {
        f"{ordinal}"
        for one in rows[Unit.KELUARGA]
        if one["status_keberadaan"] == "4"
        for ordinal in range(one["first_ordinal"], one["first_ordinal"] + one["member_count"])
    }
    told, _ = delivered(house, release, matching(house, given, reasons=True), tmp_path)
    found = {row["list_id"] for row in told if row["hasil"] == "cocok"}
    assert len(found & dead) >= 50
    assert {row["list_id"] for row in told if row["alasan"] == "MENINGGAL"} == found & dead
    quiet, _ = delivered(house, release, matching(house, given, roster="D-2"), tmp_path, "O-2")
    assert "alasan" not in quiet[0] and {one["list_id"] for one in quiet if one["hasil"] == "cocok"} == found


def test_the_worker_matches_from_the_mailbox(house):
    _, rows = small.small_release(house.var / "releases", seal=house.keys.seal)
    given = [{name: str(one[name] or "") for name in SENT} for one in rows[Unit.INDIVIDU][:60]]
    with an_office() as office:
        read_it = sent(house, as_csv(given), roster="D-7")
        office.place(read_it.order_id, read_it.sealed(OFFICE))
        assert worker.run(office.registry_url, house.var, once=True) == 0
        key = house.keys.receipt.public
        receipt = RosterReceipt.unsealed(office.envelopes()[read_it.order_id], key)
        named = Matching("D-7", receipt.digest, receipt.rows, Answer.STATUS, True, False)
        plan = a_plan("L4", "individu", variables=("desil",), matching=named, protections=Protections())
        office.place("O-1", an_order(plan).sealed(OFFICE))
        assert worker.run(office.registry_url, house.var, once=True) == 0
        told = Receipt.unsealed(office.envelopes()["O-1"], key)
    assert (told.refusal, told.rows) == ("", 60)
    assert told.columns == ("baris", "list_id", "hasil", "alasan", "desil")
