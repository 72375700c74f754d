"""Whoever is on hold is in no package that policy closes to them; nobody else is lost, and nobody's number is kept in
clear."""

import csv
import io
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories_registry import STORAGE
from tests.registry.orders import OFFICE, PLACED, a_house, a_plan, an_order
from tests.registry.small import DAY, small_release

from bagipakai.cli import main
from bagipakai.core import holds as policy
from bagipakai.core.envelope import Signer
from bagipakai.core.holds import FEW, NONE, Kind, closing, kinds_on, told
from bagipakai.core.manifest import Manifest, ManifestError
from bagipakai.core.plan import Area, Level, Unit
from bagipakai.core.preview import PreviewRule
from bagipakai.core.progress import nobody_is_told
from bagipakai.core.query import Between, Column
from bagipakai.core.refusal import Refusal
from bagipakai.registry.deliver import deliver
from bagipakai.registry.engines import ORDINAL, reference
from bagipakai.registry.holds import STATE, Broken, Case, Found, Holds
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.mailbox import Letter
from bagipakai.registry.membership import Membership
from bagipakai.registry.preview import preview
from bagipakai.registry.worker import Worker

NOW = PLACED + timedelta(hours=1)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return small_release(tmp_path_factory.mktemp("releases"))


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def holds_of(house) -> Holds:
    return Holds(house.places.holds, house.keys.storage, (house.keys.seal.public,))


def held(house, niks, kind="HOLD", case="PDP/2026/001") -> Holds:
    holds = holds_of(house)
    done = holds.add(case, kind, kinds_on(DAY)[kind].reasons[0], niks, NOW, house.keys.seal)
    assert isinstance(done, Case), done
    return holds


def whole_niks(people) -> list[str]:
    return sorted({row["nik"] for row in people if row["nik_number"] is not None})


def read(house, receipt, folder: Path) -> list[dict[str, str]]:
    house.open(receipt.package, folder)
    files = sorted(folder.glob("bagian-*.csv"))
    return [row for file in files for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))]


def manifest_of(house, receipt) -> Manifest:
    return Manifest.unsealed(
        (house.places.packages / receipt.package / "manifest.dsse.json").read_bytes(), house.keys.seal.public
    )


# what is delivered


def plans() -> st.SearchStrategy:
    areas = st.sampled_from([(), ("3201",), ("32", "5171"), ("3273",)])
    who = st.none() | st.tuples(st.integers(1, 5), st.integers(5, 10)).map(lambda ends: Between(Column("desil"), *ends))
    return st.builds(
        lambda level, unit, codes, where: a_plan(
            level,
            unit,
            ("kode_kab",) if level == "L1" else (),
            area=replace(AREA, codes=codes),
            population=where,
        ),
        st.sampled_from(["L1", "L2", "L3", "L4"]),
        st.sampled_from(["individu", "keluarga"]),
        areas,
        who,
    )


AREA: Area = a_plan().area
_NUMBER = iter(range(10**6))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=plans(),
    seed=st.integers(0, 2**16),
    many=st.sampled_from([0, 1, 5, 40]),
    kind=st.sampled_from(sorted(kinds_on(DAY))),
)
def test_nobody_on_hold_is_delivered_and_nobody_else_is_lost(published, tmp_path, plan, seed, many, kind):
    """Whole deliveries, against the naive reference that never heard of holds."""
    release, rows = published
    here = tmp_path / str(next(_NUMBER))
    house = a_house(here / "var")
    niks = random.Random(seed).sample(whole_niks(rows[Unit.INDIVIDU]), many)
    if niks:
        held(house, [*niks, "9999999999999999"], kind)
    receipt = deliver(an_order(plan), release, house.keys, house.places, clock=lambda: NOW)

    closes = kinds_on(DAY)[kind].closes(plan.level, plan.unit)
    meant = [row for row in rows[Unit.INDIVIDU] if row["nik"] in niks]
    gone = {row["person_ordinal"] for row in meant}
    if plan.unit is Unit.KELUARGA:
        families = {row["id_keluarga"] for row in meant}
        gone = {row["first_ordinal"] for row in rows[Unit.KELUARGA] if row["id_keluarga"] in families}
    everybody = reference.choose(plan.query(), rows[plan.unit])
    there = [row for row in everybody if not closes or row[ORDINAL[plan.unit.value]] not in gone]
    if receipt.refusal:  # a table of so few people
        assert plan.level is Level.L1
        return
    said = manifest_of(house, receipt).holds
    assert said.get("withheld") == (
        None if not niks else told(len(everybody) - len(there), 10) if closes or plan.level is Level.L1 else NONE
    )
    assert {name: value for name, value in receipt.steps[0].evidence.items() if name in said} == said
    if plan.level is Level.L1:
        total = [
            row for row in read(house, receipt, here / "out") if row["jenis_baris"] == "jumlah" and not row["kode_kab"]
        ]
        assert [row[f"jumlah_{plan.unit.value}"] for row in total] == [str(len(there))]
        return
    assert receipt.rows == len(there)
    members = Membership.read(house.places.members(receipt.package))
    belongs = {row[ORDINAL[plan.unit.value]] for row in there}
    if plan.unit is Unit.KELUARGA:
        belongs = {row["first_ordinal"] + at for row in there for at in range(row["member_count"])}
    assert len(members) == len(belongs)
    assert all(ordinal in members for ordinal in belongs)
    if plan.level is Level.L4:
        key = "nik" if plan.unit is Unit.INDIVIDU else "nomor_kk"
        got = [row[key].lstrip("'") for row in read(house, receipt, here / "out")]
        assert got == [(row[key] or "").lstrip("'") for row in there]


def test_a_hold_that_ended_lets_the_next_package_have_them_again(published, house):
    release, rows = published
    nik = whole_niks(rows[Unit.INDIVIDU])[7]
    everybody = sum(row["nik"] == nik for row in rows[Unit.INDIVIDU])
    holds = held(house, [nik])
    without = deliver(an_order(a_plan()), release, house.keys, house.places, clock=lambda: NOW)
    holds.lift("PDP/2026/001", "hak sudah dipenuhi, surat 12", NOW, house.keys.seal)
    again = deliver(an_order(a_plan(), "O-2"), release, house.keys, house.places, clock=lambda: NOW)
    assert again.rows == without.rows + everybody
    first, second = (manifest_of(house, one).holds for one in (without, again))
    assert first["withheld"] == second["withheld"] == FEW
    assert first["holds"] != second["holds"] == holds.state


def test_a_look_up_that_was_taken_away_by_half_is_made_again(published, house):
    """As a worker leaves it that was killed while it made room for the next."""
    release, rows = published
    held(house, whole_niks(rows[Unit.INDIVIDU])[:3])
    first = deliver(an_order(a_plan()), release, house.keys, house.places, clock=lambda: NOW)
    (house.places.holds / release.version / STATE).unlink()
    again = deliver(an_order(a_plan(), "O-2"), release, house.keys, house.places, clock=lambda: NOW)
    assert again.rows == first.rows < len(rows[Unit.INDIVIDU])


def test_a_table_counts_everybody_but_those_whom_policy_does_not_count(published, house):
    """By name of place, as a reader would sum it up; the families too."""
    release, rows = published
    niks = whole_niks(rows[Unit.INDIVIDU])[:30]
    held(house, niks)
    held(house, niks[:12], "PROTECTED_STATE", "RHS-7")
    for number, unit in enumerate(Unit):
        plan = a_plan("L1", unit.value, ("kode_kab",))
        receipt = deliver(an_order(plan, f"O-{number}"), release, house.keys, house.places, clock=lambda: NOW)
        assert not receipt.refusal
        total = next(row for row in read(house, receipt, house.var / unit.value) if row["jenis_baris"] == "jumlah")
        meant = {row[BELONGS[unit]] for row in rows[Unit.INDIVIDU] if row["nik"] in niks[:12]}
        left = [row for row in rows[unit] if row[BELONGS[unit]] not in meant]
        assert total[f"jumlah_{unit.value}"] == str(len(left))
        assert manifest_of(house, receipt).holds["withheld"] == told(len(rows[unit]) - len(left), 10)


def test_a_preview_counts_whom_a_table_counts(monkeypatch, published, house, tmp_path):
    """With an edge at one person: whose regency and decile are left without anybody are nobody there."""
    release, rows = published
    monkeypatch.setattr(PreviewRule, "on", lambda day: PreviewRule((1, 1_000), 0))
    counts = Counter((row["kode_kab"], row["desil"]) for row in rows[Unit.INDIVIDU])
    niks = whole_niks(rows[Unit.INDIVIDU])
    (place, decile), _ = min(counts.items(), key=lambda one: (one[0][1] is None, one[1]))
    alone = [row for row in rows[Unit.INDIVIDU] if (row["kode_kab"], row["desil"]) == (place, decile)]
    assert {row["nik"] for row in alone} <= set(niks), "a hold needs their numbers"
    keys = house.keys
    for number, hold in enumerate((False, True)):
        holds = held(house, [row["nik"] for row in alone], "PROTECTED_STATE", "RHS-7") if hold else holds_of(house)
        (tmp_path / str(number)).mkdir()
        found = preview(release, keys.storage, keys.master, holds, DAY, tmp_path / str(number))
        assert found.bands["individu"][place][decile or 0] == (not hold)


BELONGS = {Unit.INDIVIDU: "person_ordinal", Unit.KELUARGA: "id_keluarga"}


def test_a_house_without_holds_says_nothing(published, house):
    receipt = deliver(an_order(a_plan()), published[0], house.keys, house.places, clock=lambda: NOW)
    assert "holds" not in manifest_of(house, receipt).to_json()
    assert not list(house.places.holds.iterdir())


def test_a_family_may_stay_by_policy(monkeypatch, published, house):
    """Where the rule says so; the person's own row is still gone."""
    release, rows = published
    kinds = {code: replace(kind, families=False) for code, kind in kinds_on(DAY).items()}
    held(house, whole_niks(rows[Unit.INDIVIDU])[:20])
    monkeypatch.setattr(policy, "kinds_on", lambda day: kinds)
    receipt = deliver(an_order(a_plan(unit="keluarga")), release, house.keys, house.places, clock=lambda: NOW)
    assert receipt.rows == len(rows[Unit.KELUARGA])
    assert manifest_of(house, receipt).holds["withheld"] == NONE


# what is told


def test_a_few_are_never_counted():
    assert [told(n, 10) for n in (0, 1, 9, 10, 11)] == [FEW, FEW, FEW, "10", "11"]


def test_a_kind_that_no_rule_knows_closes_everything():
    assert closing({"HOLD", "OF_TOMORROW"}, Level.L1, Unit.INDIVIDU, DAY) == {"OF_TOMORROW"}


@pytest.mark.parametrize("kind", kinds_on(DAY).values(), ids=lambda kind: kind.code)
def test_every_kind_closes_rows(kind: Kind):
    assert {Level.L2, Level.L3, Level.L4} <= kind.levels
    assert kind.reasons


def test_the_recipient_is_told_that_rows_are_withheld_and_not_how_few(published, house, capsys):
    release, rows = published
    held(house, whole_niks(rows[Unit.INDIVIDU])[:2])
    receipt = deliver(an_order(a_plan()), release, house.keys, house.places, clock=lambda: NOW)
    package, seal = house.places.packages / receipt.package, house.var / "keys" / "public" / "seal.pub.pem"
    assert main(["recipient", "verify", str(package), "--seal", str(seal), "--tanpa-jejak"]) == 0
    assert f"Ditahan     : {FEW} baris" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [{"withheld": "3 orang"}, {"withheld": "-1"}, {"holds": "x"}, {"kinds": "HOLD"}, {"withheld": "0"}],
)
def test_a_manifest_that_says_more_of_holds_is_none(published, house, change):
    held(house, ["9999999999999999"])
    receipt = deliver(an_order(a_plan()), published[0], house.keys, house.places, clock=lambda: NOW)
    whole = manifest_of(house, receipt)
    value = whole.to_json()
    assert Manifest.from_json(value) == whole
    with pytest.raises(ManifestError):
        Manifest.from_json(value | {"holds": value["holds"] | change})


def test_nothing_is_delivered_while_the_records_are_broken(house):
    """Who is on hold is not known then."""
    small_release(house.var / "releases", seal=house.keys.seal)
    held(house, ["9999999999999999"])
    next(house.places.holds.glob("*.dsse.json")).write_bytes(b"{}")
    order = an_order(a_plan())
    receipt = Worker(house.var, house.keys)._done(Letter(order.order_id, order.sealed(OFFICE)), nobody_is_told)
    assert (receipt.refusal, house.packages) == ("hold-records-broken", [])


# what is kept


def test_no_number_is_kept_where_it_can_be_read_or_guessed(published, house):
    release, rows = published
    nik = whole_niks(rows[Unit.INDIVIDU])[3]
    holds = held(house, [nik])
    holds.found(release, house.var)
    kept = b"".join(file.read_bytes() for file in house.places.holds.rglob("*") if file.is_file())
    assert nik.encode() not in kept
    assert int(nik).to_bytes(8, "big") not in kept
    assert int(nik).to_bytes(8, "little") not in kept
    assert all(file.stat().st_mode & 0o077 == 0 for file in house.places.holds.iterdir())
    assert nik not in repr(holds.cases)


def test_the_same_persons_twice_look_like_others(tmp_path):
    """The digest that every manifest repeats cannot be tried against all numbers."""
    one, other = (a_house(tmp_path / name / "var") for name in "ab")
    assert held(one, ["3201010101010001"]).state != held(other, ["3201010101010001"]).state


def test_whom_a_release_does_not_have_is_counted(published, house):
    release, rows = published
    holds = held(house, [*whole_niks(rows[Unit.INDIVIDU])[:3], "9999999999999999"])
    assert holds.found(release, house.var) == Found(3, 1)


def test_whoever_comes_in_the_next_release_is_found_there(published, house, tmp_path):
    release, rows = published
    later, others = small_release(tmp_path / "later", seed=5, version="2026.4.0")
    new = sorted(set(whole_niks(others[Unit.INDIVIDU])) - set(whole_niks(rows[Unit.INDIVIDU])))[:2]
    holds = held(house, new)
    assert (holds.found(release, house.var), holds.found(later, house.var)) == (Found(0, 2), Found(2, 0))


def test_an_event_that_was_taken_out_changed_or_forged_is_seen(house):
    holds = held(house, ["3201010101010001"])
    holds.lift("PDP/2026/001", "hak sudah dipenuhi", NOW, house.keys.seal)
    first = sorted(house.places.holds.glob("*.dsse.json"))[0]
    whole = first.read_bytes()
    for damage in (whole.replace(b"keyid", b"keyit"), b"{}"):
        first.write_bytes(damage)
        with pytest.raises(Broken):
            _ = holds_of(house).state
    first.unlink()
    with pytest.raises(Broken):
        _ = holds_of(house).state
    first.write_bytes(whole)
    assert holds_of(house).state == holds.state
    with pytest.raises(Broken):
        _ = Holds(house.places.holds, house.keys.storage, (Signer.new().public,)).state


def test_what_they_were_is_read_beside_what_they_are(published, house):
    """Also while others ask who is on hold now; what they never were is no answer."""
    niks = whole_niks(published[1][Unit.INDIVIDU])
    before = held(house, niks[:2], "PROTECTED_STATE").state
    now = held(house, niks[2:5], "PROTECTED_STATE", "PDP/2026/002")

    def as_of(state: str) -> Holds:
        return Holds(house.places.holds, house.keys.storage, (house.keys.seal.public,), state)

    def absent(holds: Holds) -> int:
        return len(holds.absent(published[0], Level.L1, Unit.INDIVIDU, DAY, house.var).ordinals)

    few, many = absent(as_of(before)), absent(now)
    assert 0 < few < many
    assert [absent(one) for one in (as_of(before), now, as_of(now.state), as_of(""))] == [few, many, many, 0]
    assert (house.places.holds / published[0].version / STATE).read_text().startswith(now.state)
    assert as_of(before).state == before
    with pytest.raises(Broken):
        _ = as_of("b" * 64).state


def test_another_storage_key_opens_nothing(published, house):
    held(house, ["3201010101010001"])
    other = Holds(house.places.holds, StorageKey(b"x" * 32), (house.keys.seal.public,))
    with pytest.raises(Broken):
        other.found(published[0], house.var)
    assert house.keys.storage.raw == STORAGE.raw


def test_of_two_who_write_at_once_one_is_told(house):
    one, other = holds_of(house), holds_of(house)
    assert (one.state, other.state) == ("", "")
    one.add("A-1/2026", "HOLD", "objection-pending", ["3201010101010001"], NOW, house.keys.seal)
    with pytest.raises(FileExistsError):
        other.add("B-1/2026", "HOLD", "objection-pending", ["3201010101010002"], NOW, house.keys.seal)
    assert list(holds_of(house).cases) == ["A-1/2026"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "kasus budi"}, "hold-case-unreadable"),
        ({"number": "3201010101010001"}, "hold-case-unreadable"),
        ({"kind": "SECRET"}, "hold-kind-unknown"),
        ({"reason": "because"}, "hold-reason-unknown"),
        ({"niks": []}, "hold-without-persons"),
        ({"niks": ["320101010101000"]}, "hold-nik-malformed"),
        ({"niks": ["٣٢٠١٠١٠١٠١٠١٠٠٠١"]}, "hold-nik-malformed"),
    ],
)
def test_what_cannot_be_recorded_is_refused(house, change, code):
    usual = {"number": "A-1/2026", "kind": "HOLD", "reason": "objection-pending", "niks": ["3201010101010001"]}
    no = holds_of(house).add(**usual | change, at=NOW, by=house.keys.seal)
    assert isinstance(no, Refusal) and no.code == code
    assert "3201010101010001" not in no.sentence() + json.dumps(no.to_json())
    assert holds_of(house).state == ""
    assert no.sentence("en") != no.sentence()


def test_a_case_is_recorded_once_and_ended_once_with_a_reason(house):
    holds, seal = held(house, ["3201010101010001"]), house.keys.seal
    again = holds.add("PDP/2026/001", "HOLD", "objection-pending", ["3201010101010001"], NOW, seal)
    assert isinstance(again, Refusal) and again.code == "hold-case-known"
    for number, reason, code in (
        ("PDP/2026/001", "  ", "hold-lifted-without-reason"),
        ("PDP/2026/009", "hak sudah dipenuhi", "hold-case-not-standing"),
    ):
        no = holds.lift(number, reason, NOW, seal)
        assert isinstance(no, Refusal) and no.code == code
    assert isinstance(holds.lift("PDP/2026/001", "hak sudah dipenuhi", NOW, seal), Case)
    twice = holds.lift("PDP/2026/001", "hak sudah dipenuhi", NOW, seal)
    assert isinstance(twice, Refusal) and twice.code == "hold-case-not-standing"


# the command


def hold(monkeypatch, capsys, var, *words, stdin=""):
    """`bagipakai registry hold …` in this house; exit status, what it said, what it complained about."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(var))
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    status = main(["registry", "hold", *words])
    return status, *capsys.readouterr()


def test_a_case_goes_through_the_command(monkeypatch, capsys, tmp_path):
    house = a_house(tmp_path / "var")
    _, rows = small_release(house.var / "releases", seal=house.keys.seal)
    niks = whole_niks(rows[Unit.INDIVIDU])[:2]
    add = ("add", "PDP/2026/7", "--kind", "HOLD", "--reason", "objection-pending", "--json")
    status, out, _ = hold(monkeypatch, capsys, house.var, *add, stdin="\n".join([*niks, "", "9999999999999999"]))
    assert (status, json.loads(out)) == (
        0,
        {"case": "PDP/2026/7", "persons": 3, "release": "2026.3.0", "found": 2, "missing": 1},
    )
    file = tmp_path / "niks.txt"
    file.write_text(f"{niks[0]}\r\n{niks[0]}\r\n")
    add = ("add", "SAKSI-3", "--kind", "PROTECTED_WITNESS", "--reason", "witness-protection", "--from", str(file))
    assert hold(monkeypatch, capsys, house.var, *add)[0] == 0
    status, out, _ = hold(monkeypatch, capsys, house.var, "lift", "SAKSI-3", "--reason", "perlindungan berakhir")
    assert status == 0
    status, out, _ = hold(monkeypatch, capsys, house.var, "list", "--json")
    listed = json.loads(out)
    assert [(one["case"], one["persons"], one["lifted"] is None) for one in listed["cases"]] == [
        ("PDP/2026/7", 3, True),
        ("SAKSI-3", 1, False),
    ]
    assert (listed["found"], listed["missing"], listed["state"]) == (2, 1, holds_of(house).state)
    assert niks[0] not in out
    status, out, err = hold(monkeypatch, capsys, house.var, "list")
    assert "PDP/2026/7" in out and niks[0] not in out + err


def test_a_wrong_line_is_told_by_its_number_and_nothing_is_recorded(monkeypatch, capsys, tmp_path):
    house = a_house(tmp_path / "var")
    add = ("add", "PDP/2026/8", "--kind", "HOLD", "--reason", "objection-pending")
    status, out, err = hold(monkeypatch, capsys, house.var, *add, stdin="3201010101010001\n32010101010100\n")
    assert status == 1
    assert "hold-nik-malformed" in err and "3201" not in out + err
    assert holds_of(house).state == ""
