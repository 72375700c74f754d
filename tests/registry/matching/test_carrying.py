"""Who of one release is who of the next: a reference that says it plainly, and the cases that a clerk would name."""

from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.registry.matching import carrying
from bagipakai.registry.matching.carrying import CROWD, Left, Same, Side, Twice, linked
from bagipakai.registry.matching.sources import COMPARED
from bagipakai.registry.matching.traces import UNBORN, traces

KIND = pa.schema([(name, pa.date32() if name == "tanggal_lahir" else pa.string()) for name in COMPARED])
BUDI = {
    "nik": "3201010702800001",
    "no_kk": "3201010101010001",
    "nama": "BUDI SANTOSO",
    "jenis_kelamin": "L",
    "tanggal_lahir": date(1980, 2, 7),
    "nama_ibu": "SITI AMINAH",
    "kode_desa": "3201012001",
    "kode_kec": "320101",
    "kode_kab": "3201",
}
SARI = BUDI | {
    "nik": "3201014912850003",
    "nama": "DEWI SARI",
    "jenis_kelamin": "P",
    "tanggal_lahir": date(1985, 12, 9),
    "nama_ibu": "KARTINI",
}
HASAN = BUDI | {"nik": "3201010101100001", "nama": "HASAN", "tanggal_lahir": date(2010, 3, 2), "nama_ibu": "DEWI SARI"}
HUSEIN = HASAN | {"nik": "3201010101100002", "nama": "HUSEIN"}
MOVED = {"no_kk": "3273010101200009", "kode_desa": "3273011001", "kode_kec": "327301", "kode_kab": "3273"}


def side(rows: list[dict], pieces: int = 1) -> Side:
    table = pa.Table.from_pylist(rows, KIND)
    each = -(-len(rows) // pieces) or 1
    return Side(lambda: (table.slice(at, each) for at in range(0, len(rows), each)), len(rows))


def told(old: list[dict], new: list[dict], pieces: int = 1) -> tuple[dict[int, int], dict[int, int], set[int]]:
    """Earlier place by later place; who stood twice, and into whom; who is gone."""
    same, twice, gone = {}, {}, set()
    for found in linked(side(old, pieces), side(new, pieces)):
        match found:
            case Same():
                pairs = list(zip(found.new.tolist(), found.old.tolist(), strict=True))
                assert not same.keys() & dict(pairs).keys()
                same |= dict(pairs)
            case Twice():
                twice |= dict(zip(found.old["place"].tolist(), found.into.tolist(), strict=True))
            case Left():
                gone |= set(found.old["place"].tolist())
    assert len(set(same.values())) == len(same), "nobody goes on as two"
    assert sorted([*same.values(), *twice, *gone]) == list(range(len(old))), "of everybody something is said"
    return same, twice, gone


# --- Said plainly ----------------------------------------------------------------------------------------------------


def naive(old: list[dict], new: list[dict]) -> tuple[dict[int, int], dict[int, int]]:
    same: dict[int, int] = {}
    twice: dict[int, int] = {}
    ones = [once({at: number(row) for at, row in enumerate(rows) if says_who(row)}) for rows in (old, new)]
    for key, at in ones[1].items():
        if key in ones[0] and old[ones[0][key]] == new[at]:
            same[at] = ones[0][key]
    was, now = (
        [dict(zip(found.dtype.names, row, strict=True)) for row in found.tolist()]
        for found in (traces(pa.Table.from_pylist(rows, KIND), np.arange(len(rows))) for rows in (old, new))
    )
    open_ = set(range(len(old))) - set(same.values()), set(range(len(new))) - same.keys()
    went: dict[int, Counter] = defaultdict(Counter)
    for key, levels, repeated, votes in STEPS:
        at_key: dict[tuple, tuple[list, list]] = defaultdict(lambda: ([], []))
        for which, rows in enumerate((was, now)):
            for at in sorted(open_[which]):
                row = followed(rows[at], went) if votes == "follow" and which == 0 else rows[at]
                if row is not None and all(known(row, field) for field in key):
                    at_key[tuple(row[field] for field in key)][which].append(at)
        for before, after in at_key.values():
            if len(before) * len(after) > CROWD:
                continue
            for level in levels:
                pairs = [
                    (a, b) for a in before for b in after if a in open_[0] and b in open_[1] and level(was[a], now[b])
                ]
                for a, b in pairs:
                    if repeated:
                        chosen = [x for x, y in pairs if y == b].index(a) == [y for x, y in pairs if x == a].index(b)
                    else:
                        chosen = sum(x == a for x, _ in pairs) == sum(y == b for _, y in pairs) == 1
                    if chosen:
                        same[b] = a
                        open_[0].discard(a)
                        open_[1].discard(b)
                        if votes == "vote" and was[a]["kk"] and now[b]["kk"] and was[a]["kk"] != now[b]["kk"]:
                            went[was[a]["kk"]][now[b]["kk"]] += 1
            if repeated and votes == "vote":
                for a in before:
                    into = [same[b] for b in after if b in same and repeated(was[a], now[b])]
                    if a in open_[0] and into:
                        twice[a] = into[0]
                        open_[0].discard(a)
    return same, twice


def says_who(row: dict) -> bool:
    there = {name for name, value in row.items() if value is not None}
    return any(
        needed <= there
        for needed in (
            {"nik", "nama"},
            {"nik", "tanggal_lahir"},
            {"nama", "no_kk"},
            {"nama", "tanggal_lahir", "nama_ibu"},
            {"nama", "tanggal_lahir", "kode_desa"},
        )
    )


def number(row: dict) -> object:
    return row["nik"] if row["nik"] is not None else tuple(sorted((k, str(v)) for k, v in row.items()))


def once(keys: dict[int, object]) -> dict[object, int]:
    many = Counter(keys.values())
    return {key: at for at, key in keys.items() if many[key] == 1}


def known(row: dict, field: str) -> bool:
    return row[field] != (UNBORN if field == "born" else 0)


def followed(row: dict, went: dict) -> dict | None:
    if row["kk"] not in went:
        return None
    return row | {"kk": min(went[row["kk"]].items(), key=lambda one: (-one[1], one[0]))[0]}


def eq(field: str):
    return lambda a, b: known(a, field) and a[field] == b[field]


def differ(field: str):
    return lambda a, b: known(a, field) and known(b, field) and a[field] != b[field]


def every(*parts):
    return lambda a, b: all(part(a, b) for part in parts)


def either(*parts):
    return lambda a, b: any(part(a, b) for part in parts)


def no(part):
    return lambda a, b: not part(a, b)


def village(a: dict, b: dict) -> bool:
    return a["region"] == b["region"] and a["region"] % 10_000 > 0


def regency(a: dict, b: dict) -> bool:
    return a["region"] // 10**6 == b["region"] // 10**6 and a["region"] > 0


def other_sex(a: dict, b: dict) -> bool:
    return {a["flags"] >> 2, b["flags"] >> 2} == {1, 2}


def neighbours(a: dict, b: dict) -> bool:
    digits = zip(f"{a['nik']:016d}", f"{b['nik']:016d}", strict=True)
    return known(a, "nik") and known(b, "nik") and sum(x != y for x, y in digits) <= 2


def default(a: dict, b: dict) -> bool:
    return bool((a["flags"] | b["flags"]) & 1)


def many(a: dict, b: dict) -> bool:
    return bool(a["flags"] & b["flags"] & 2)


name, sound, bones, born, card, nik = (eq(one) for one in ("name", "phonetic", "skeleton", "born", "kk", "nik"))
mother = either(eq("mother"), eq("mother_skeleton"))
other_mother = every(differ("mother"), no(mother))
alike = either(sound, bones, eq("informative"), eq("last"))
nearby = either(card, mother, village)
same_sex = no(other_sex)
on_card = [
    every(name, no(differ("nik")), same_sex),
    every(name, same_sex),
    every(sound, same_sex),
    every(name, no(differ("nik"))),
]
named = every(born, sound)
unchanged = every(
    *(no(lambda a, b, one=one: a[one] != b[one]) for one in ("nik", "kk", "name", "born", "region", "mother")),
    lambda a, b: a["nik"] == 0,
    same_sex,
)
STEPS = [
    (("name", "born", "region"), [unchanged], lambda a, b: False, "vote"),
    (("nik",), [every(born, name, card, eq("region")), every(born, name, card), every(born, name)], named, "vote"),
    (("kk", "born"), on_card, None, "vote"),
    (("nik",), [named], named, "vote"),
    (("phonetic", "born"), [every(neighbours, no(other_mother), same_sex)], None, "vote"),
    (
        ("phonetic", "born", "mother"),
        [
            every(village, same_sex),
            every(regency, same_sex),
            every(many, no(default), no(differ("nik")), same_sex),
        ],
        None,
        "vote",
    ),
    (
        ("phonetic", "born", "region"),
        [every(village, name, either(many, no(differ("nik"))), no(default), no(other_mother), same_sex)],
        None,
        "vote",
    ),
    (("kk", "born"), on_card, None, "follow"),
    (
        ("nik",),
        [
            every(either(sound, bones), nearby, same_sex),
            every(sound, either(many, no(differ("born"))), same_sex),
            every(born, alike, same_sex),
            every(born, nearby, same_sex),
        ],
        None,
        "",
    ),
    (("kk", "born"), [every(bones, same_sex), every(alike, no(default), no(other_mother), same_sex)], None, ""),
]

ROWS = st.builds(
    lambda **row: row,
    nik=st.sampled_from([None, *(f"32010107028000{at:02d}" for at in range(1, 9)), "-", "3201014702800001"]),
    no_kk=st.sampled_from([None, *(f"320101010101000{at}" for at in range(1, 5))]),
    nama=st.sampled_from(
        [None, "BUDI SANTOSO", "SANTOSO BUDI", "BUDHI SANTOSO", "HASAN", "HUSEIN", "SITI SANTOSO", "SITI"]
    ),
    jenis_kelamin=st.sampled_from([None, "L", "L", "P"]),
    tanggal_lahir=st.sampled_from([None, date(1980, 2, 7), date(1980, 2, 7), date(1980, 7, 2), date(1980, 1, 1)]),
    nama_ibu=st.sampled_from([None, "AMINAH", "AMINA", "KARTINI"]),
    kode_desa=st.sampled_from([None, "3201012001", "3201012002", "3273011001"]),
    kode_kec=st.just(None),
    kode_kab=st.sampled_from([None, "3201"]),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_rules_are_those_that_are_said_plainly(data):
    """Rows that nearly always could be somebody else; of the later release some are the same, some a little changed."""
    old = data.draw(st.lists(ROWS, max_size=14))
    new = data.draw(st.lists(ROWS, max_size=5))
    for row in old:
        changes = data.draw(st.lists(st.sampled_from(COMPARED), max_size=3))
        new.append(row | {name: data.draw(ROWS)[name] for name in changes})
    new = data.draw(st.permutations(new))
    same, twice, _ = told(old, new, pieces=data.draw(st.integers(1, 3)))
    assert (same, twice) == naive(old, new)


def test_shares_change_nothing(monkeypatch):
    """Many rows a share or few, everybody goes on as the same."""
    rng = np.random.default_rng(4)
    old = [BUDI | {"nik": f"32010107028{at:05d}", "nama": f"BUDI {'ABCDEFGHIJ'[at % 10]}ARNO"} for at in range(200)]
    new = [row | {"no_kk": f"32010101010{at % 40:05d}"} for at, row in enumerate(old) if rng.random() < 0.9]
    whole = told(old, new)
    monkeypatch.setattr(carrying, "ROWS_A_SHARE", 20)
    monkeypatch.setattr(carrying, "TRACES_A_SHARE", 20)
    assert told(old, new) == whole and len(whole[0]) == len(new)


# --- What a clerk would name -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"nik": "3201010702800099"},
        {"nik": None},
        {"nama": "BUDI SANTOSA"},
        {"nama": "H. BUDI"},
        {"nama": "AGUS SALIM"},
        {"nik": None, "jenis_kelamin": "P"},
        {"tanggal_lahir": date(1980, 7, 2)},
        {"tanggal_lahir": None},
        {"nama_ibu": "SITI"},
        {"no_kk": "3201010101190007"},
        {"kode_desa": "3201012009"},
        MOVED,
        MOVED | {"nama_ibu": None},
        MOVED | {"nik": "3201010702800011"},
    ],
)
def test_one_change_leaves_a_person_the_same(change):
    assert told([BUDI, SARI], [SARI, BUDI | change]) == ({0: 1, 1: 0}, {}, set())


@pytest.mark.parametrize(
    "other",
    [
        {"nik": None, **MOVED, "nama_ibu": None},  # a namesake born that day, elsewhere
        {"nama": "AGUS SALIM", "tanggal_lahir": date(1991, 5, 5), "nama_ibu": "WATI", **MOVED},  # bears the number
        {"nik": "3201010703120001", "tanggal_lahir": date(2012, 3, 7)},  # a child of his name
        {"nik": "3201010702800077", "nama": "AGUS SALIM"},  # a twin, by all that is told
    ],
)
def test_a_doubt_is_a_new_person(other):
    assert told([BUDI, SARI], [BUDI | other, SARI]) == ({1: 1}, {}, {0})


def test_numbers_that_twins_exchanged_do_not_exchange_the_twins():
    """HASAN and HUSEIN have one skeleton, one day, one mother and one card, and by now the other's number; also after
    they moved, and where the registry knows no mothers."""
    exchanged = [HASAN | {"nik": HUSEIN["nik"]}, HUSEIN | {"nik": HASAN["nik"]}]
    assert told([HASAN, HUSEIN], exchanged)[0] == {0: 0, 1: 1}
    assert told([HASAN, HUSEIN, SARI], [row | MOVED for row in (*exchanged, SARI)])[0] == {0: 0, 1: 1, 2: 2}
    sisters = [HASAN | {"nama": "SITI RAHAYU"}, HUSEIN | {"nama": "SITTI RAHAYU"}]
    later = [sisters[0] | {"nik": HUSEIN["nik"]}, sisters[1] | {"nik": HASAN["nik"]}]
    assert told(sisters, later)[0] == {0: 0, 1: 1}
    bare = [row | {"nama_ibu": None} for row in (HASAN, HUSEIN, SARI)]
    later = [row | MOVED | {"nama_ibu": None} for row in (*exchanged, SARI)]
    assert told(bare, later)[0] == {0: 0, 1: 1, 2: 2}


def test_who_has_no_number_follows_the_family():
    child = HASAN | {"nik": None, "nama_ibu": None, "tanggal_lahir": date(2020, 1, 1)}
    assert told([BUDI, SARI, child], [row | MOVED for row in (child, SARI, BUDI)])[0] == {0: 2, 1: 1, 2: 0}
    assert told([BUDI, SARI, child], [child | MOVED, SARI, BUDI])[2] == {2}, "nobody else went there"


def test_one_who_stood_twice_becomes_one_and_two_with_one_number_stay_two():
    again = BUDI | {"nama": "BUDI SANTOSO, S.PD", "no_kk": "3201010101990001"}
    assert told([BUDI, again, SARI], [BUDI, SARI]) == ({0: 0, 1: 2}, {1: 0}, set())
    taken = SARI | {"nik": BUDI["nik"]}
    assert told([BUDI, taken], [BUDI, SARI]) == ({0: 0, 1: 1}, {}, set())
    assert told([BUDI, taken], [taken, BUDI]) == ({0: 1, 1: 0}, {}, set())


@pytest.mark.parametrize("missing", COMPARED)
def test_a_column_that_one_release_has_not_makes_nobody_new(missing):
    bare = [{**row, missing: None} for row in (BUDI, SARI)]
    assert told(bare, [SARI, BUDI])[0] == told([BUDI, SARI], bare[::-1])[0] == {0: 1, 1: 0}
    table = pa.Table.from_pylist([SARI, BUDI], KIND).drop_columns([missing])
    found = list(linked(side([BUDI, SARI]), Side(lambda: iter([table]), 2)))
    pairs = {
        (a, b)
        for one in found
        if isinstance(one, Same)
        for a, b in zip(one.old.tolist(), one.new.tolist(), strict=True)
    }
    assert pairs == {(0, 1), (1, 0)}


def test_rows_without_a_number_that_say_the_same_go_on_in_their_order():
    nameless = HASAN | {"nik": None, "nama": "BAYI NY DEWI"}
    assert told([nameless, nameless, SARI], [SARI, nameless, nameless]) == ({0: 2, 1: 0, 2: 1}, {}, set())
    assert told([nameless, nameless], [nameless]) == ({0: 0}, {}, {1}), "perhaps twins: nobody is merged"
    assert told([nameless, nameless], [nameless | MOVED]) == ({}, {}, {0, 1})


def test_a_village_under_another_code_keeps_its_people():
    rows = [BUDI, SARI, HASAN, HUSEIN, HASAN | {"nik": None, "nama": "ZAINAL"}]
    assert told(rows, [row | {"kode_desa": "3201019001"} for row in rows])[0] == {at: at for at in range(5)}


def test_an_empty_release_is_nobody():
    assert told([], []) == ({}, {}, set())
    assert told([BUDI], []) == ({}, {}, {0})
    assert told([], [BUDI]) == ({}, {}, set())
