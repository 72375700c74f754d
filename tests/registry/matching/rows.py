"""Features of drawn persons, and of rows that tell of some of them with damage: what comparing is tried on."""

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_WORDS = np.array(
    [
        "SUTRISNO",
        "SITI",
        "NUR",
        "BUDI",
        "AGUS",
        "DEWI",
        "SRI",
        "WAYAN",
        "MADE",
        "ANDI",
        "SUTRISNA",
        "SANTOSO",
        "NURMADEWI",
    ]
)


def persons(n: int, seed: int) -> pa.Table:
    """`n` persons with everything known; names are few, so that they meet."""
    dice = np.random.default_rng(seed)
    born = dice.integers(0, 20_000, n).astype("datetime64[D]")
    born = np.where(dice.random(n) < 0.05, born.astype("datetime64[Y]").astype("datetime64[D]"), born)
    sex = dice.integers(1, 3, n).astype(np.int8)
    kab = (3201 + dice.integers(0, 4, n)).astype(np.int32)
    kec = (kab * 100 + dice.integers(1, 4, n)).astype(np.int32)
    years, months, days = _parts(born)
    nik = ((kec.astype(np.int64) * 100 + days + 40 * (sex == 2)) * 100 + months) * 1_000_000 + years % 100 * 10_000
    kk = kec.astype(np.int64) * 10**10 + dice.integers(0, n // 3, n)
    names, mothers = (_WORDS[dice.integers(0, len(_WORDS), (n, 2))] for _ in range(2))
    texts = [" ".join(one[:many]) for one, many in zip(names, dice.choice([1, 2], n, p=[0.2, 0.8]), strict=True)]
    return pa.table(
        {
            "nik": nik + dice.integers(1, 9, n),
            "nik_sound": pa.array(np.full(n, 16), pa.uint8()),
            "nik_odd": pa.nulls(n, pa.int64()),
            "nik_beside": pa.nulls(n, pa.int64()),
            "nik_fits": pa.array(dice.random(n) < 0.9, mask=dice.random(n) < 0.1),
            "kk": kk,
            "kk_15": kk // 10,
            "born": born,
            "born_part": pa.array(np.full(n, 3), pa.uint8()),
            "born_default": (months == 1) & (days == 1),
            "sex": sex,
            "kab": kab,
            "kec": kec,
            "desa": kec.astype(np.int64) * 10_000 + dice.integers(1, 4, n),
            **_named("name", texts),
            "name_frequency": pa.array([texts.count(one) for one in texts], pa.int64()),
            **_named("mother", [" ".join(one[: 1 + at % 5]) for at, one in enumerate(mothers)]),
        }
    )


def some_rows(there: pa.Table, n: int, seed: int) -> pa.Table:
    """`n` of them, some numbers, names and dates of each changed or missing: every level of `comparisons` is met."""
    dice = np.random.default_rng(seed)
    rows = there.take(pa.array(dice.integers(0, there.num_rows, n))).drop_columns(
        ["name_frequency", "nik_odd", "nik_beside"]
    )
    other = there.take(pa.array(dice.integers(0, there.num_rows, n)))
    alone = dice.random(n) < 0.05  # nothing is told of family and place
    open_card, homeless = alone | (dice.random(n) < 0.3), alone | (dice.random(n) < 0.2)
    rounded = dice.random(n) < 0.1
    unnamed = {"name": dice.random(n) < 0.1, "mother": (dice.random(n) < 0.1) | alone}
    another_card = dice.random(n) < 0.4
    columns = {}
    for name in rows.column_names:
        whose = another_card if name in ("kk", "kk_15") else dice.random(n) < 0.2
        mixed = np.where(whose, other[name].to_numpy(zero_copy_only=False), rows[name].to_numpy(zero_copy_only=False))
        gone = dice.random(n) < (0.1 if name in ("nik", "born", "sex", "kab", "kec", "desa") else 0)
        gone = {"kk": open_card | rounded, "kk_15": open_card}.get(name, gone)
        gone = unnamed.get(name.split("_")[0], gone | homeless if name in ("kab", "kec", "desa") else gone)
        columns[name] = pa.array(mixed, rows.schema.field(name).type, mask=gone)
    columns["nik_sound"] = pa.array(dice.choice([16, 15, 12, 0], n, p=[0.7, 0.15, 0.1, 0.05]), pa.uint8())
    columns["nik_odd"] = pa.array(
        [nik and _of_another_length(nik, dice) for nik in rows["nik"].to_pylist()], pa.int64()
    )
    columns["nik_beside"] = pa.array(rows["nik"].to_numpy(), pa.int64(), mask=dice.random(n) < 0.9)
    crossed = dice.random(n) < 0.1
    for one, other in (("nik", "kk"), ("name", "mother")):
        for form in ("", "_phonetic", "_skeleton", "_words", "_nick")[: 5 if one == "name" else 1]:
            was = [columns[f"{name}{form}"].to_pylist() for name in (one, other)]
            for name, mine, others in ((one, *was), (other, *reversed(was))):
                kind = columns[f"{name}{form}"].type
                columns[f"{name}{form}"] = pa.array(
                    [there if cross else here for here, there, cross in zip(mine, others, crossed, strict=True)], kind
                )
    columns["born_part"] = pa.array(dice.choice([3, 1], n, p=[0.9, 0.1]), pa.uint8())
    columns["nik"] = pa.array([nik and _mistyped(nik, dice) for nik in columns["nik"].to_pylist()], pa.int64())
    slipped = np.where(dice.random(n) < 0.2, 10 ** dice.integers(5, 15, n), 0)
    columns["kk"], columns["kk_15"] = (
        pc.add(columns[name], pa.array(slipped // one)) for name, one in (("kk", 1), ("kk_15", 10))
    )
    return pa.table(columns)


def _mistyped(nik: int, dice: np.random.Generator) -> int:
    """Up to two digits are others, or two neighbours are exchanged."""
    digits = list(str(nik))
    if dice.random() < 0.2:
        at = dice.integers(1, 15)
        digits[at : at + 2] = digits[at + 1], digits[at]
    else:
        for at in dice.integers(1, 16, dice.integers(0, 3)):
            digits[at] = str(dice.integers(0, 10))
    return int("".join(digits))


def _of_another_length(nik: int, dice: np.random.Generator) -> int | None:
    """Mostly none; else a digit is left out or put in, and sometimes another is wrong."""
    chance, at = dice.random(), int(dice.integers(1, 16))
    digits = str(nik if chance > 0.03 else _mistyped(nik, dice))
    if chance < 0.05:
        return int(digits[:at] + digits[at + 1 :])
    return int(digits[:at] + str(dice.integers(0, 10)) + digits[at:]) if chance < 0.1 else None


def _parts(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    months = days.astype("datetime64[M]")
    return (
        days.astype("datetime64[Y]").astype(int) + 1970,
        months.astype(int) % 12 + 1,
        (days - months).astype(int) + 1,
    )


def _named(what: str, texts: list[str]) -> dict[str, object]:
    """Any number will do that is one text's own, in its upper half as well."""

    def number(text: str) -> int:
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())

    return {
        what: texts,
        f"{what}_phonetic": pa.array(
            [number("".join(sorted(one.replace("SUTRISNA", "SUTRISNO").split()))) for one in texts], pa.uint64()
        ),
        f"{what}_skeleton": pa.array([number(one.replace("A", "")) for one in texts], pa.uint64()),
        f"{what}_nick": pa.array([[number("BUDI")] if "AGUS" in one else [] for one in texts], pa.list_(pa.uint64())),
        f"{what}_words": pa.array([[number(word) for word in one.split()] for one in texts], pa.list_(pa.uint64())),
    }
