"""A drawn nation and what the register tells of it a quarter later: whoever goes on is told to be who they are."""

import random
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories_registry import in_clear
from tests.registry.building.nation import BANDUNG, BOGOR, HEAD, a_nation, handed, household, person, said
from tests.registry.building.test_building import few_regencies

from bagipakai.core.plan import Unit
from bagipakai.registry.building import job
from bagipakai.registry.matching.carrying import Same, Side, linked
from bagipakai.registry.matching.sources import CALLED, COMPARED

__all__ = ["few_regencies"]
NAMES = ("BUDI", "SITI", "AGUS", "RINA", "DEWI", "ASEP", "WATI", "JOKO", "ENDANG", "MADE", "PUTU", "RAHMAT")
SECOND = ("SANTOSO", "RAHAYU", "SALIM", "MARLINA", "SARI", "KURNIAWAN", "SETIAWAN", "PUTRI", "HIDAYAT", "LESTARI")
HAPPENED: set[str] = set()


def some_households(dice: random.Random) -> list[dict]:
    """Twenty; `tempat_lahir` is a mark that nobody tells, compares or changes."""
    found, mark = [], 0
    for number in range(20):
        members = []
        for at in range(dice.randint(1, 5)):
            born = date(dice.randint(1950, 2024), dice.randint(1, 12), dice.randint(1, 28))
            sex = dice.choice("12")
            more = {"nik": None} if dice.random() < 0.1 and at else {}
            name = f"{dice.choice(NAMES)} {dice.choice(SECOND)}"
            one = person(name, born, sex, HEAD if at == 0 else "3", 100 + mark, tempat_lahir=f"T{mark:04d}", **more)
            members.append(one)
            mark += 1
        found.append(household(f"32010112012000{number:02d}", *members, desa=dice.choice([BOGOR, BANDUNG])))
    return found


def told_of(households: list[dict], dice: random.Random) -> list[dict]:
    """What the register says: of most what was known, of some a move, a new card, a marriage, a death, a new number, a
    letter less; and of some who were born."""
    rows: list[dict] = []
    for number, one in enumerate(households):
        what = dice.choice(["as it was"] * 6 + ["card", "moved", "split", "joined", "died", "number", "name", "born"])
        card, desa = one["nomor_kk"], one["kode_desa"]
        HAPPENED.add(what)
        if what == "card":
            card = f"32010115022700{number:02d}"
        if what == "moved":
            desa = BANDUNG if desa == BOGOR else BOGOR
        if what == "born":
            baby = person("MUHAMMAD YUSUF", date(2026, 12, 1 + number), serial=900 + number)
            rows.append(said(baby, card, desa, tempat_lahir=None))
        for at, member in enumerate(one["members"]):
            row = said(member, card, desa, tempat_lahir=None)
            if member["nik"] is None or dice.random() < 0.05:
                continue
            if at == len(one["members"]) - 1:
                row |= {
                    "split": {"nomor_kk": f"32010116022700{number:02d}"},
                    "joined": {"nomor_kk": households[number - 1]["nomor_kk"]},
                    "died": {"tanggal_meninggal": date(2026, 12, 24)},
                    "number": {"nik": member["nik"][:12] + f"{700 + number:04d}"},
                    "name": {"nama": member["nama"][:2] + member["nama"][3:]},
                }.get(what, {})
            rows.append(row)
    return rows


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_nobody_becomes_somebody_else(tmp_path_factory, few_regencies, seed):
    """Both regencies are cut into stretches of eight persons, as those of millions are."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(job, "PERSONS", 8)
        _a_quarter(tmp_path_factory, random.Random(seed))


def _a_quarter(tmp_path_factory, dice):
    households = some_households(dice)
    nation = a_nation(tmp_path_factory.mktemp("drawn"), *households)
    rows = told_of(households, dice)
    built = nation.told(handed("dukcapil", *rows))
    before = [one for family in sorted(households, key=lambda one: one["kode_desa"]) for one in family["members"]]
    persons, families = built.rows("individu"), built.rows("keluarga")

    marks = [one["tempat_lahir"] for one in persons]
    assert len(set(marks)) == len(marks) and set(marks) <= {one["tempat_lahir"] for one in before}
    assert len(before) - len(persons) == built.report["persons"]["died"] == len(built.held("meninggal"))
    told = built.report["sets"][0]
    assert told["match"] + told["review"] + told["none"] == len(rows)
    assert len(built.held("usulan")) == told["none"] and len(built.held("telaah")) == told["review"]

    at = 0  # publishing asks for this order
    for number, family in enumerate(families):
        mine = persons[at : at + family["member_count"]]
        assert (family["id_keluarga"], family["first_ordinal"]) == (number, at)
        assert {one["id_keluarga"] for one in mine} == {number} and len(mine) == family["member_count"] > 0
        for name in ("nomor_kk", "kode_desa", "nama_desa", "desil"):
            assert {one[name] for one in mine} == {family[name]}
        at += len(mine)
    assert at == len(persons) and [one["person_ordinal"] for one in persons] == list(range(len(persons)))
    niks = [one["nik"] for one in persons if one["nik"]]
    assert len(set(niks)) == len(niks)
    assert [one["nik_number"] for one in persons] == [int(one["nik"]) if one["nik"] else None for one in persons]

    sides = [_side(nation.release.schema(Unit.INDIVIDU), some) for some in (_as_rows(nation, before), persons)]
    same = [found for found in linked(*sides) if isinstance(found, Same)]
    pairs = [(o, n) for found in same for o, n in zip(found.old.tolist(), found.new.tolist(), strict=True)]
    assert all(before[old]["tempat_lahir"] == marks[new] for old, new in pairs), "carried to somebody else"
    assert len(pairs) >= 0.97 * len(persons)


def _as_rows(nation, before):
    shared = ("nomor_kk", "kode_desa", "kode_kec", "kode_kab")
    rows = pa.concat_tables(in_clear(nation.release, Unit.INDIVIDU)).to_pylist()
    assert [one["tempat_lahir"] for one in rows] == [one["tempat_lahir"] for one in before]
    return [one | {name: row[name] for name in shared} for one, row in zip(before, rows, strict=True)]


def _side(schema: pa.Schema, rows: list[dict]) -> Side:
    names = [name for name in schema.names if CALLED.get(name, name) in COMPARED]
    table = pa.Table.from_pylist([{name: row[name] for name in names} for row in rows])
    table = table.rename_columns([CALLED.get(name, name) for name in names])
    return Side(lambda: iter([table]), len(rows))


def test_everything_that_can_be_told_was_told(tmp_path_factory, few_regencies):
    if not HAPPENED:  # run alone
        test_nobody_becomes_somebody_else(tmp_path_factory, few_regencies)
    assert {"card", "moved", "split", "joined", "died", "number", "name", "born"} <= HAPPENED
