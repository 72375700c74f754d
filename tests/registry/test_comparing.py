"""The difference of two releases, and who crosses a programme's line, are what a naive comparison of the rows says."""

import copy
import io
import json
import os
import random
from collections import Counter
from dataclasses import replace
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.core.plans import a_plan
from tests.factories_registry import STORAGE
from tests.registry.small import DAY, JOINED, REGENCIES, Rows, small_release, some_rows

from bagipakai.cli import main
from bagipakai.core.disclosure import Disclosure
from bagipakai.core.keyfiles import write_once
from bagipakai.core.plan import Unit
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or
from bagipakai.registry import comparing, shelf
from bagipakai.registry.comparing import difference, impact
from bagipakai.registry.engines.reference import truth
from bagipakai.registry.regions import regions
from bagipakai.registry.shares import Shares

_PLACES = {"kode_prov": 2, "kode_kab": 4, "kode_kec": 6, "kode_desa": 10}


def a_quarter_on(rows: Rows, seed: int) -> Rows:
    """The same families after a hard quarter: a tenth of everything happens."""
    dice, rows = random.Random(seed), copy.deepcopy(rows)
    families, persons = rows[Unit.KELUARGA], rows[Unit.INDIVIDU]
    members: dict[int, list] = {}
    for person in persons:
        members.setdefault(person["id_keluarga"], []).append(person)
    for family in families:
        mine = members[family["id_keluarga"]]
        if dice.random() < 0.1:
            mine.pop()
        if mine and dice.random() < 0.1:
            nik = f"{family['kode_kec']}01107{dice.randint(0, 9)}{dice.randint(1000, 9999)}"
            born = date(2026, 12, 1) if dice.random() < 0.5 else date(2001, 5, 5)
            mine.append({**mine[0], "nik": nik[:16], "nik_number": int(nik[:16]), "tanggal_lahir": born})
        if dice.random() < 0.2:
            village = dice.choice(regions().children(dice.choice(regions().children(dice.choice(REGENCIES))).code))
            for row in (family, *mine):
                row.update({name: village.code[:digits] for name, digits in _PLACES.items()})
        if dice.random() < 0.2:
            family["desil"] = dice.choice([None, *range(1, 11)])
        for row in mine:
            row["desil"] = family["desil"]
    kept = sorted((one for one in families if members[one["id_keluarga"]]), key=lambda one: one["kode_desa"])
    found: Rows = {Unit.KELUARGA: [], Unit.INDIVIDU: []}
    for number, family in enumerate(kept):
        mine = members[family["id_keluarga"]]
        first = len(found[Unit.INDIVIDU])
        family.update(id_keluarga=number, first_ordinal=first, member_count=len(mine))
        found[Unit.KELUARGA].append(family)
        for at, person in enumerate(mine):
            person.update(id_keluarga=number, person_ordinal=first + at)
            found[Unit.INDIVIDU].append(person)
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two releases and their rows."""
    releases = tmp_path_factory.mktemp("releases")
    old, rows = small_release(releases)
    later = a_quarter_on(rows, 5)
    new, _ = small_release(releases, version="2026.4.0", rows=later)
    return old, new, rows, later


@pytest.fixture(params=[None, 50], ids=["one share", "many shares"])
def shares(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(comparing, "ROWS_A_SHARE", request.param)


def linked(rows: list[dict], others: list[dict], key: str) -> dict[int, dict]:
    """Rows by number, without those whose number stands twice in either release, or is none."""
    times, theirs = (Counter(number(row, key) for row in some) for some in (rows, others))
    return {
        number(row, key): row
        for row in rows
        if number(row, key) is not None and times[number(row, key)] == 1 and theirs[number(row, key)] <= 1
    }


def number(row: dict, key: str) -> int | None:
    if key == "nik":
        return row["nik_number"]
    text = row[key]
    return int(text) if text and len(text) == 16 and text.isascii() and text.isdigit() else None


def changes(rows: Rows, later: Rows) -> tuple[Counter, Counter, tuple[int, int, int]]:
    """Events and deciles by the rows themselves; how many could be compared before, after, and in both."""
    was, now = (
        linked(rows[Unit.INDIVIDU], later[Unit.INDIVIDU], "nik"),
        linked(later[Unit.INDIVIDU], rows[Unit.INDIVIDU], "nik"),
    )
    events, deciles = Counter(), Counter()
    for nik in was.keys() | now.keys():
        a, b = was.get(nik), now.get(nik)
        if a is None:
            born = b["tanggal_lahir"] is not None and b["tanggal_lahir"] > DAY
            events[b["kode_kab"], "born" if born else "registered"] += 1
        elif b is None:
            events[a["kode_kab"], "left"] += 1
        else:
            deciles[decile(a), decile(b)] += 1
            if a["kode_kab"] != b["kode_kab"]:
                events[a["kode_kab"], "moved_out"] += 1
                events[b["kode_kab"], "moved_in"] += 1
            elif a["kode_desa"] != b["kode_desa"]:
                events[a["kode_kab"], "moved_within"] += 1
            if a["desil"] != b["desil"]:
                if a["desil"] is None or b["desil"] is None:
                    events[b["kode_kab"], "ranked" if a["desil"] is None else "unranked"] += 1
                else:
                    events[b["kode_kab"], "decile_up" if b["desil"] > a["desil"] else "decile_down"] += 1
    return events, deciles, (len(was), len(now), len(was.keys() & now.keys()))


def decile(row: dict) -> str:
    return "-" if row["desil"] is None else f"{row['desil']:02d}"


def test_the_difference_is_what_the_rows_say(pair, shares):
    old, new, rows, later = pair
    events, deciles, (before, after, both) = changes(rows, later)
    found = difference(old, new, STORAGE)
    assert (found.events, found.deciles, found.stayed) == (events, deciles, both)
    assert {event for _, event in events} == set(comparing.EVENTS), "everything happened"
    assert found.unlinked == (old.person_count - before, new.person_count - after) and all(found.unlinked)
    assert sum(found.moved.values()) == found.total("moved_in") + found.total("moved_within")


def with_twins(rows: Rows, seed: int) -> Rows:
    """The same, but a tenth of all persons and families have the number of another, anywhere."""
    dice, rows = random.Random(seed), copy.deepcopy(rows)
    for unit, names in ((Unit.INDIVIDU, ("nik", "nik_number")), (Unit.KELUARGA, ("nomor_kk",))):
        for row in rows[unit]:
            if dice.random() < 0.1:
                other = dice.choice(rows[unit])
                row.update({name: other[name] for name in names})
    return rows


def far_twins(rows: Rows) -> set[int]:
    """Numbers of persons that stand in more than one regency."""
    places: dict[int, set] = {}
    for row in rows[Unit.INDIVIDU]:
        places.setdefault(row["nik_number"], set()).add(row["kode_kab"])
    return {nik for nik, found in places.items() if nik is not None and len(found) > 1}


def test_any_two_releases_compare_as_their_rows_do(tmp_path, monkeypatch):
    """Numbers that stand twice are drawn in either release, and in both; shares of a few rows each."""
    reached = Counter()
    for seed in range(4):
        releases = tmp_path / str(seed)
        rows = with_twins(some_rows(40, seed), seed)
        later = with_twins(a_quarter_on(rows, seed), seed + 100)
        old, _ = small_release(releases, rows=rows)
        new, _ = small_release(releases, version="2026.4.0", rows=later)
        for rows_a_share in (17, 1000):
            monkeypatch.setattr(comparing, "ROWS_A_SHARE", rows_a_share)
            events, deciles, (before, after, both) = changes(rows, later)
            found = difference(old, new, STORAGE)
            assert (found.events, found.deciles, found.stayed) == (events, deciles, both)
            assert found.unlinked == (old.person_count - before, new.person_count - after)
            for unit in Unit:
                predicate = Compare(Op.AT_MOST, Column("desil"), Const(5))
                assert counts(impact(old, new, STORAGE, unit, predicate)) == crossing(rows, later, unit, predicate)
        twins = far_twins(rows), far_twins(later)
        reached.update(before=len(twins[0] - twins[1]), after=len(twins[1] - twins[0]), both=len(twins[0] & twins[1]))
        reached.update(event for _, event in events)
        reached["without"] += sum(row["nik_number"] is None for row in rows[Unit.INDIVIDU])
    assert all(reached[what] for what in ("before", "after", "both", "without", *comparing.EVENTS)), reached


def test_a_release_does_not_differ_from_itself(pair):
    old, *_ = pair
    found = difference(old, old, STORAGE)
    assert not found.events and not found.moved and found.unlinked[0] == found.unlinked[1]


DESIL = some.builds(lambda op, of: Compare(op, Column("desil"), Const(of)), some.sampled_from(Op), some.integers(1, 10))
LEAVES = some.one_of(
    DESIL,
    some.builds(lambda a, b: Between(Column("desil"), min(a, b), max(a, b)), *[some.integers(1, 10)] * 2),
    some.builds(
        lambda codes: In(Column("kode_kab"), tuple(sorted(codes))), some.sets(some.sampled_from(REGENCIES), min_size=1)
    ),
    some.just(Missing(Column("desil"))),
)
PREDICATES = some.recursive(
    LEAVES,
    lambda inner: some.one_of(
        inner.map(Not),
        inner.map(Missing),
        some.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        some.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=4,
)


def crossing(rows: Rows, later: Rows, unit: Unit, predicate) -> tuple[int, Counter, Counter, Counter]:
    """How many stay chosen; persons and deciles of those who cross the line, and their families, by the rows."""
    key = "nik" if unit is Unit.INDIVIDU else "nomor_kk"
    was, now = linked(rows[unit], later[unit], key), linked(later[unit], rows[unit], key)
    persons, deciles, keep = Counter(), Counter(), 0
    families: dict[str, set] = {}
    for one in was.keys() | now.keys():
        a, b = was.get(one), now.get(one)
        before, after = (row is not None and truth(predicate, row) is True for row in (a, b))
        keep += before and after
        if before == after:
            continue
        way = ("in-changed" if a else "in-entered") if after else ("out-changed" if b else "out-left")
        row = b if after else a
        count = 1 if unit is Unit.INDIVIDU else row["member_count"]
        persons[row["kode_kab"], way] += count
        deciles[decile(row), way] += count
        families.setdefault(way, set()).add((row["kode_kab"], row["id_keluarga"]))
    return keep, persons, deciles, Counter((kab, way) for way, ids in families.items() for kab, _ in ids)


def counts(found: comparing.Impact) -> tuple[int, Counter, Counter, Counter]:
    return found.keep, found.persons, found.deciles, found.families


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES, unit=some.sampled_from(Unit))
def test_who_crosses_the_line_is_what_the_reference_says(pair, predicate, unit):
    old, new, rows, later = pair
    assert counts(impact(old, new, STORAGE, unit, predicate)) == crossing(rows, later, unit, predicate)


def test_everybody_is_chosen_by_no_predicate(pair):
    old, new, *_ = pair
    found = impact(old, new, STORAGE, Unit.INDIVIDU, None)
    assert {way for _, way in found.persons} == {"in-entered", "out-left"}


# What may leave.


def grown(found: comparing.Difference, by: int) -> comparing.Difference:
    return replace(found, events=Counter({key: count * by for key, count in found.events.items()}))


def test_a_table_that_may_leave_hides_places_with_small_counts_for_every_event(pair):
    rule = replace(Disclosure.on(DAY), most_small_percent=100, smallest_mean=0)
    found = grown(difference(*pair[:2], STORAGE), 100)
    rare = min((count, kab) for (kab, event), count in found.events.items() if event == "left")
    found.events[rare[1], "left"] = 3
    shown = found.shown(rule)
    assert shown["regencies"][rare[1]] is None and shown["hidden_places"] >= 2, "the small one and a partner"
    told = json.dumps(shown["regencies"])
    assert all(count >= 10 for one in shown["regencies"].values() if one for count in one.values()), told
    assert found.to_json()["regencies"][rare[1]]["left"] == 3, "the house keeps its own"


def test_a_table_too_small_to_leave_says_so_and_shows_no_place(pair):
    shown = difference(*pair[:2], STORAGE).shown(Disclosure.on(DAY))
    assert shown["hidden_because"].startswith("table-too-") and shown["provinces"] is shown["regencies"] is None
    assert all(count is None or count >= 10 for count in shown["nation"].values())


def test_a_small_total_is_not_given_back_by_what_it_is_part_of(pair):
    found = grown(difference(*pair[:2], STORAGE), 100)
    whole = found.shown(Disclosure.on(DAY))
    assert whole["not_comparable"], "while nothing is small it is told"
    for kab in REGENCIES:
        found.events[kab, "registered"] = 1
    shown = found.shown(Disclosure.on(DAY))
    assert shown["nation"]["registered"] is None and shown["not_comparable"] is None
    assert shown["deciles"] is None and shown["moved"] is None, "each has a small one, and its total is told"


def test_few_who_are_in_both_are_not_told_nor_given_back(pair):
    found = grown(difference(*pair[:2], STORAGE), 100)
    for stayed in (0, 7, 9 * 5):
        found.stayed = stayed
        found.deciles, found.moved = Counter({("01", "01"): stayed} if stayed else {}), Counter()
        shown = found.shown(Disclosure.on(DAY))
        assert shown["persons"]["in_both"] is shown["not_comparable"] is shown["deciles"] is shown["moved"] is None
        assert found.to_json()["persons"]["in_both"] == stayed, "the house keeps its own"
    found.stayed = 9 * 5 + 1
    assert found.shown(Disclosure.on(DAY))["persons"]["in_both"] == 46


def test_a_total_that_may_be_of_few_families_is_not_told(pair):
    """Twelve persons may be three families, here as in every table."""
    found = grown(difference(*pair[:2], STORAGE), 100)
    for kab in REGENCIES:
        found.events[kab, "registered"] = 4
    assert found.old.most_members == 5 and found.shown(Disclosure.on(DAY))["nation"]["registered"] is None
    found.events[REGENCIES[0], "registered"] = 9 * 5 + 1 - 8
    assert found.shown(Disclosure.on(DAY))["nation"]["registered"] == 46


# What is laid apart meanwhile.


def test_what_is_laid_apart_comes_back_whole_and_equal_numbers_meet():
    numbers = np.random.default_rng(3).integers(10**15, 10**16, 5_000) // 10**4 * 10**4 + 1  # most serials are small
    rows = pa.table({"number": np.concatenate([numbers, numbers[:100]]), "said": np.arange(5_100)})
    file = io.BytesIO()
    laid, other = Shares(file, 7), Shares(file, 7)
    for at in range(0, 5_100, 600):
        laid.add(rows.slice(at, 600))
        other.add(rows.slice(at, 1))
    found = [laid[at] for at in range(7)]
    assert pa.concat_tables(found).sort_by("said").equals(rows)
    assert sum(len(set(share["number"].to_pylist())) for share in found) == len(set(numbers.tolist()))
    assert max(len(share) for share in found) < 1.2 * 5_100 / 7, "shares are alike"
    assert not any(int(number).to_bytes(8, "little") in file.getvalue() for number in numbers[:500]), "nothing in clear"


def test_a_share_that_was_touched_is_not_believed():
    file = io.BytesIO()
    laid = Shares(file, 1)
    laid.add(pa.table({"number": [3201010101900001]}))
    file.getbuffer()[40] ^= 1
    with pytest.raises(InvalidTag):
        laid[0]


def test_however_many_shares_each_file_is_read_once_and_each_row_told_twice(pair, tmp_path, monkeypatch):
    old, new, *_ = pair
    opened: list[Counter] = []
    opening = shelf.Shelf.open

    def noted(shelf, path, mode="rb", **more):
        opened[-1][path.partition("://")[2]] += 1
        return opening(shelf, path, mode, **more)

    monkeypatch.setattr(shelf.Shelf, "open", noted)
    for rows_a_share in (10_000, 50):
        monkeypatch.setattr(comparing, "ROWS_A_SHARE", rows_a_share)
        told, named = [], []
        opened.append(Counter())

        def heard(rows, told=told, named=named):
            told.append(rows)
            named.extend(tmp_path.iterdir())

        difference(old, new, STORAGE, heard, tmp_path)
        assert sum(told) == comparing.heard(old, new, Unit.INDIVIDU) == 2 * (old.person_count + new.person_count)
        assert not named, "who kills it leaves no file"
    assert opened[0] == opened[1] and len(opened[0]) == len(JOINED)


def test_the_engine_that_joins_can_be_told_nothing_else_and_reads_no_other_file(pair, monkeypatch):
    ready, tried = comparing._ready, []

    def watched(con, *others):
        ready(con, *others)
        for sql in ("SET memory_limit = '1GB'", "SELECT * FROM read_text('/etc/hostname')", "COPY (SELECT 1) TO 'a'"):
            with pytest.raises(duckdb.Error):
                con.execute(sql)
            tried.append(sql)

    monkeypatch.setattr(comparing, "_ready", watched)
    difference(*pair[:2], STORAGE)
    assert len(tried) == 3


# The commands.


def test_the_commands_compare_and_refuse(pair, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    (tmp_path / "var" / "keys" / "registry").mkdir(parents=True)
    write_once(tmp_path / "var" / "keys" / "registry" / "storage.key", STORAGE.raw, 0o600)
    old, new, *_ = pair
    assert main(["registry", "difference", str(old.folder), str(new.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"]["version"] == "2026.4.0"
    plan = a_plan(area=replace(a_plan().area, codes=("32",)))
    (tmp_path / "plan.json").write_text(json.dumps(plan.to_json()))
    assert main(["registry", "impact", str(old.folder), str(new.folder), "--plan", str(tmp_path / "plan.json")]) == 0
    assert "melewati garis" in capsys.readouterr().out
    (tmp_path / "plan.json").write_text("{}")
    assert main(["registry", "impact", str(old.folder), str(new.folder), "--plan", str(tmp_path / "plan.json")]) == 1
    assert main(["registry", "difference", str(old.folder), str(tmp_path / "2026.1.0")]) == 1
    with monkeypatch.context() as patched:
        patched.setattr(
            comparing.tempfile, "TemporaryFile", lambda **_: os.fdopen(os.open("/dev/full", os.O_RDWR), "w+b")
        )
        assert main(["registry", "difference", str(old.folder), str(new.folder)]) == 1
    said = capsys.readouterr().err
    assert all(code in said for code in ("plan-field-wrong", "release-unknown", "comparison-has-no-room"))
