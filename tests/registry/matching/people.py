"""Feature tables made directly: what registry.matching.features would say of people."""

import random
from datetime import date

import pyarrow as pa

from bagipakai.registry.matching import names

COLUMNS = pa.schema(
    [
        ("nik", pa.int64()),
        ("nik_sound", pa.uint8()),
        ("nik_odd", pa.int64()),
        ("nik_beside", pa.int64()),
        ("nik_own", pa.bool_()),
        ("nik_fits", pa.bool_()),
        ("kk", pa.int64()),
        ("kk_15", pa.int64()),
        ("born", pa.date32()),
        ("born_part", pa.uint8()),
        ("born_default", pa.bool_()),
        ("sex", pa.int8()),
        ("kab", pa.int32()),
        ("kec", pa.int32()),
        ("desa", pa.int64()),
        *(
            (f"{who}_{form.name}".removesuffix("_canonical"), form.type)
            for who in ("name", "mother")
            for form in names.COLUMNS
        ),
    ]
)
NAMES = ("BUDI SANTOSO", "SANTOSO BUDI", "SITI AMINAH", "SLAMET", "NI LUH SARI", "WAWAN", "HERMAWAN", "7")
MOTHERS = ("SITI", "SRI RAHAYU", "AMINAH")


def some_people(count: int, seed: int = 1, gaps: float = 0.15) -> pa.Table:
    """So many rows of features that often agree, with much that is missing; `registry_id` climbs in sevens."""
    dice = random.Random(seed)
    return of_rows([_person(dice, gaps) | {"registry_id": 1_000 + 7 * at} for at in range(count)])


def of_rows(rows: list[dict]) -> pa.Table:
    """Features of people of whom only this is known."""
    texts = {who: names.normalised(pa.array([row.get(who) for row in rows], pa.string())) for who in ("name", "mother")}
    rows = [{"registry_id": at, "kk_15": row["kk"] and row["kk"] // 10} | row for at, row in enumerate(rows)]
    own = pa.Table.from_pylist(rows, pa.schema([("registry_id", pa.int64()), *(COLUMNS.field(at) for at in range(15))]))
    columns = dict(zip(own.column_names, own.columns, strict=True))
    for who, told in texts.items():
        columns |= {f"{who}_{form}".removesuffix("_canonical"): told[form] for form in told.column_names}
    return pa.table(columns).cast(pa.schema([("registry_id", pa.int64()), *COLUMNS]))


def _person(dice: random.Random, gaps: float) -> dict:
    kec = dice.choice((320101, 320102, 517101))
    level = dice.choices((3, 2, 1, 0), (20, 2, 1, 1))[0]
    born = date(dice.choice((1965, 1980, 2001)), dice.choice((1, 2, 7)), dice.choice((1, 2, 7, 20)))
    whole = {
        "nik": 3201010000000000 + dice.randrange(3) * 10**6 + dice.randrange(30),
        "nik_sound": dice.choice((16, 16, 16, 15, 12, 6, 0)),
        "nik_own": dice.random() < 0.8,
        "nik_fits": dice.random() < 0.8,
        "kk": 3201010000000000 + dice.randrange(40),
        "born": born,
        "born_part": dice.choice((3, 3, 3, 2, 1)),
        "born_default": born.day == born.month == 1,
        "sex": dice.choice((1, 2)),
        "name": dice.choice(NAMES),
        "mother": dice.choice(MOTHERS),
    }
    person = {name: None if dice.random() < gaps and name not in FILLED else value for name, value in whole.items()}
    person["kk_15"] = whole["kk"] // 10 if dice.random() > gaps else person["kk"] and person["kk"] // 10
    person["nik_sound"] = 0 if person["nik"] is None else person["nik_sound"]
    person["born_part"] = None if person["born"] is None else person["born_part"]
    places = {"kab": kec // 100, "kec": kec, "desa": kec * 10**4 + 2000 + dice.randrange(1, 3)}
    return person | {name: code if at < level else None for at, (name, code) in enumerate(places.items())}


FILLED = ("nik_sound", "born_part")
