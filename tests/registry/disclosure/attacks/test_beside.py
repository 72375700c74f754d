"""One recipient receives two files of one release and joins them row by row: the pseudonym is one in both, for one
purpose (disclosure reference 4.1, 5 "linkage"). Each file alone is harmless.

The attacker knows of everybody in the nation what both files tell, but the decile, and that they are in the programme
or not. Whatever he holds of a row, no fewer than ten fit, also where somebody is in one file alone.
"""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
from tests.registry.disclosure.attacks.door import Refused, Registry, a_registry
from tests.registry.disclosure.attacks.rows import DISABLED, GUESSED, Received, a_file, received

from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import And, Column, Compare, Const, Not, Op, Or
from bagipakai.registry import handing
from bagipakai.registry.disclosure import singling

K = 10  # policy, which everybody can read
BANDS = (("kode_kab", ""), ("umur", "10-TAHUN"))
STATUS = (("jenis_kelamin", ""), ("status_perkawinan", ""))
PLACES = (("kode_kec", ""), ("jenis_kelamin", ""))
YEARS = (("umur", "5-TAHUN"), ("desil", ""))
PAIRS = {
    "age and status": (BANDS, STATUS),
    "the other way": (STATUS, BANDS),
    "places and age": (PLACES, YEARS),
    "two grains": (BANDS, (("umur", "5-TAHUN"), ("jenis_kelamin", ""))),
    "the same": (BANDS, BANDS),
    "less": (BANDS, (("kode_prov", ""), ("umur", "TAHAP-HIDUP"))),
    "sex and places": (PLACES[:1], (("kode_kab", ""), ("jenis_kelamin", ""), ("desil", ""))),
}
LEAVE = {"the same", "less", "sex and places"}  # both files


def both(registry: Registry, asked: Sequence[Plan]) -> list[Received]:
    """Those that were not refused."""
    found = [received(registry, plan, f"R-{at}") for at, plan in enumerate(asked)]
    assert all(isinstance(one, Received) or one.code == "rows-beside" for one in found), found
    return [one for one in found if isinstance(one, Received)]


def numbered(file: Received) -> set[str | None]:
    """Who can be found in another file of the same purpose."""
    return {row["pseudonim_nik"] for row in file.rows if row["pseudonim_nik_sah"] == "true"}


def fits(files: Sequence[Received]) -> list[int]:
    """Of each row, how many may be the person of whom everybody knows what all files together tell. Whoever has no
    number has a stand-in of one file alone, and may be anybody of whom that file tells the same."""
    known: list[dict[str | None, tuple[str | None, ...]]] = [{} for _ in files]
    strangers = [Counter[tuple[str | None, ...]]() for _ in files]
    for file, rows, others in zip(files, known, strangers, strict=True):
        for row, seen in zip(file.rows, file.seen, strict=True):
            if row["pseudonim_nik_sah"] == "true":
                rows[row["pseudonim_nik"]] = seen
            else:
                others[seen] += 1
    views = Counter(tuple(rows.get(person) for rows in known) for person in {who for rows in known for who in rows})
    return [
        many + min(others[seen] for seen, others in zip(view, strangers, strict=True) if seen is not None)
        for view, many in views.items()
    ]


def smallest(files: Sequence[Received]) -> int:
    return min(fits(files))


@pytest.mark.parametrize("pair", PAIRS)
def test_joining_two_files_finds_nobody(pair, programme, tmp_path):
    registry = programme.afresh(tmp_path)
    files = both(registry, [a_file(one, GUESSED) for one in PAIRS[pair]])
    assert files and smallest(files) >= K
    assert len(files) == (2 if pair in LEAVE else 1)


def test_one_file_of_some_and_one_of_nearly_the_same_tell_nobody(programme, tmp_path):
    """The second file is of those who are not of one age: who is in the first alone is of that age."""
    registry = programme.afresh(tmp_path)
    others = And((DISABLED, Compare(Op.DIFFERS, Column("umur"), Const(33))))
    second = replace(a_file((("kode_prov", ""),), GUESSED), population=others)
    first = a_file((("kode_kab", ""), ("jenis_kelamin", "")), GUESSED)
    assert len(both(registry, [first, second])) == 1
    few, all_but = both(programme.afresh(tmp_path / "b"), [second, first])
    assert not numbered(all_but) - numbered(few), "they are left out"


@pytest.mark.parametrize(("many", "files"), [(1, 1), (9, 1), (40, 2)])
def test_who_is_elsewhere_is_in_the_first_file_alone(many, files, programme, tmp_path):
    """The second file is of two regencies, and those of over sixty who are in another province are few, or many."""
    people = deepcopy(programme.rows)
    elsewhere = [one for one in people[Unit.INDIVIDU] if one["kode_kab"] not in ("3201", "3273")]
    for at, one in enumerate(one for one in elsewhere if one["umur"] >= 60):
        one["penyandang_disabilitas"] = at < many
    registry = a_registry(tmp_path, people)
    nation = a_file((("umur", "TAHAP-HIDUP"),), GUESSED)
    part = replace(a_file((("jenis_kelamin", ""),), GUESSED), area=replace(nation.area, codes=("3201", "3273")))
    assert len(both(registry, [nation, part])) == files


OLDEST = And((Compare(Op.EQUAL, Column("umur"), Const(97)), Compare(Op.EQUAL, Column("kode_kab"), Const("5171"))))


@pytest.fixture(scope="module")
def with_or_without(programme, tmp_path_factory) -> list[Registry]:
    """The oldest of a regency is in the programme, or not; nothing else differs."""
    made = []
    for is_in in (True, False):
        people = deepcopy(programme.rows)
        here = [one for one in people[Unit.INDIVIDU] if one["kode_kab"] == "5171" and one["umur"] > 60]
        for one in people[Unit.INDIVIDU]:
            one["umur"] = min(one["umur"], 95)
        here[0] |= {"umur": 97, "penyandang_disabilitas": is_in}
        made.append(a_registry(tmp_path_factory.mktemp(f"oldest-{is_in}"), people))
    return made


def all_and_all_but_her(registry: Registry, turned: bool) -> list[Received | Refused]:
    wide = a_file((("kode_kec", ""), ("jenis_kelamin", "")), GUESSED)
    narrow = replace(wide, population=And((DISABLED, Not(OLDEST))))
    asked = [narrow, wide] if turned else [wide, narrow]
    return [received(registry, plan, f"R-{at}") for at, plan in enumerate(asked)]


def said_by(registries: list[Registry], folder, asking) -> list[list[object]]:
    """What each of them answers: the refusal, or what is told and what is said of how it was made."""
    said = []
    for at, one in enumerate(registries):
        answers = asking(one.afresh(folder / str(at)))
        said.append([one if isinstance(one, Refused) else (Counter(one.seen), one.evidence) for one in answers])
    return said


@pytest.mark.parametrize("turned", [False, True])
def test_all_but_one_by_two_filters_does_not_tell_of_her(turned, with_or_without, tmp_path):
    """Neither by whose rows leave, nor by whether they do, nor by what is said of how they were made."""
    one, other = said_by(with_or_without, tmp_path, lambda registry: all_and_all_but_her(registry, turned))
    assert one[1] == other[1]


@pytest.mark.parametrize("turned", [False, True])
def test_nobody_who_is_not_one_of_a_few_is_seen(turned, with_or_without, tmp_path, monkeypatch):
    monkeypatch.setattr(handing.Beside, "parted", lambda *_: ())
    monkeypatch.setattr("bagipakai.registry.disclosure.rows.shown", lambda evidence: evidence)
    one, other = said_by(with_or_without, tmp_path, lambda registry: all_and_all_but_her(registry, turned))
    assert one[1] != other[1]


def some_and_her(registry: Registry) -> list[Received | Refused]:
    """Everybody of a regency and she: what they do, then where they live."""
    either = And((DISABLED, Or((Compare(Op.EQUAL, Column("kode_kab"), Const("3201")), OLDEST))))
    asked = [replace(a_file(((name, ""),), GUESSED), population=either) for name in ("bekerja", "kode_kab")]
    return [received(registry, plan, f"R-{at}") for at, plan in enumerate(asked)]


def test_a_filter_that_names_one_is_refused_whoever_she_is(with_or_without, tmp_path):
    one, other = said_by(with_or_without, tmp_path, some_and_her)
    assert one == other and {answer.code for answer in one} == {"rows-filter-singles-out"}


def test_a_filter_that_may_name_one_is_seen(with_or_without, tmp_path, monkeypatch):
    monkeypatch.setattr(singling, "objection", lambda *_: None)
    one, other = said_by(with_or_without, tmp_path, some_and_her)
    assert one != other


def test_a_history_that_is_forgotten_is_seen(programme, tmp_path, monkeypatch):
    monkeypatch.setattr(handing.Gifts, "held", lambda *_: ())
    registry = programme.afresh(tmp_path)
    files = both(registry, [a_file(one, GUESSED) for one in PAIRS["age and status"]])
    assert len(files) == 2 and smallest(files) < K


def test_who_is_in_one_file_alone_is_seen_where_that_is_forgotten(programme, tmp_path, monkeypatch):
    monkeypatch.setattr(handing.Beside, "others", lambda *_: None)
    registry = programme.afresh(tmp_path)
    others = And((DISABLED, Compare(Op.DIFFERS, Column("umur"), Const(33))))
    second = replace(a_file((("kode_prov", ""),), GUESSED), population=others)
    files = both(registry, [a_file((("kode_kab", ""), ("jenis_kelamin", "")), GUESSED), second])
    assert 0 < len(numbered(files[0]) - numbered(files[1])) < K, "the few of that age"


def test_the_refusal_says_what_is_held_and_names_nobody(programme, tmp_path):
    registry = programme.afresh(tmp_path)
    assert isinstance(received(registry, a_file(BANDS, GUESSED), "R-0"), Received)
    no = received(registry, a_file(PLACES, GUESSED), "R-1")
    assert isinstance(no, Refused) and no.code == "rows-beside" and "R-0" in no.words
    other = replace(a_file(PLACES, GUESSED), recipient=replace(a_file(PLACES).recipient, institution="PLN"))
    assert isinstance(received(registry, other, "R-2"), Received), "who has nothing is given it"
