"""Features of drawn persons, and of rows that tell of some of them with damage: what comparing is tried on."""

import numpy as np
import pyarrow as pa

_WORDS = np.array(
    ["SUTRISNO", "SITI", "NUR", "BUDI", "AGUS", "DEWI", "SRI", "WAYAN", "MADE", "ANDI", "SUTRISNA", "SANTOSO"]
)


def persons(n: int, seed: int) -> pa.Table:
    """`n` persons with everything known; names are few, so that they meet."""
    dice = np.random.default_rng(seed)
    born = dice.integers(0, 20_000, n).astype("datetime64[D]")
    sex = dice.integers(1, 3, n).astype(np.int8)
    kab = (3201 + dice.integers(0, 4, n)).astype(np.int32)
    kec = (kab * 100 + dice.integers(1, 4, n)).astype(np.int32)
    years, months, days = _parts(born)
    nik = ((kec.astype(np.int64) * 100 + days + 40 * (sex == 2)) * 100 + months) * 1_000_000 + years % 100 * 10_000
    names, mothers = (_WORDS[dice.integers(0, len(_WORDS), (n, 2))] for _ in range(2))
    texts = [" ".join(one) for one in names]
    return pa.table(
        {
            "nik": nik + dice.integers(1, 9, n),
            "nik_sound": pa.array(np.full(n, 16), pa.uint8()),
            "nik_fits": pa.array(dice.random(n) < 0.9, mask=dice.random(n) < 0.1),
            "kk": kec.astype(np.int64) * 10**10 + dice.integers(0, n // 3, n),
            "born": born,
            "born_part": pa.array(np.full(n, 3), pa.uint8()),
            "born_default": (months == 1) & (days == 1),
            "sex": sex,
            "kab": kab,
            "kec": kec,
            "desa": kec.astype(np.int64) * 10_000 + dice.integers(1, 4, n),
            **_named("name", texts),
            **_named("mother", [" ".join(one) for one in mothers]),
            "name_frequency": pa.array([texts.count(one) for one in texts], pa.int64()),
        }
    )


def some_rows(there: pa.Table, n: int, seed: int) -> pa.Table:
    """`n` of them, some numbers, names and dates of each changed or missing."""
    dice = np.random.default_rng(seed)
    rows = there.take(pa.array(dice.integers(0, there.num_rows, n))).drop_columns(["name_frequency"])
    other = there.take(pa.array(dice.integers(0, there.num_rows, n)))
    columns = {}
    for name in rows.column_names:
        mixed = np.where(
            dice.random(n) < 0.2, other[name].to_numpy(zero_copy_only=False), rows[name].to_numpy(zero_copy_only=False)
        )
        gone = dice.random(n) < (0.1 if name in ("nik", "born", "sex", "kab", "kec", "desa", "kk") else 0)
        columns[name] = pa.array(mixed, rows.schema.field(name).type, mask=gone)
    columns["nik_sound"] = pa.array(dice.choice([16, 15, 0], n, p=[0.8, 0.15, 0.05]), pa.uint8())
    columns["born_part"] = pa.array(dice.choice([3, 1], n, p=[0.9, 0.1]), pa.uint8())
    off = dice.integers(0, 3, n) * 10 ** dice.integers(0, 12, n)
    columns["nik"] = pa.array(
        [None if nik is None else nik + int(by) for nik, by in zip(columns["nik"].to_pylist(), off, strict=True)],
        pa.int64(),
    )
    return pa.table(columns)


def _parts(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    months = days.astype("datetime64[M]")
    return (
        days.astype("datetime64[Y]").astype(int) + 1970,
        months.astype(int) % 12 + 1,
        (days - months).astype(int) + 1,
    )


def _named(what: str, texts: list[str]) -> dict[str, object]:
    """Hashes stand for themselves here: any number will do that is one text's own."""

    def number(text: str) -> int:
        return int.from_bytes(text.encode().ljust(8, b"_")[:8], "little")

    return {
        what: texts,
        f"{what}_phonetic": pa.array(
            [number("".join(sorted(one.replace("SUTRISNA", "SUTRISNO").split()))) for one in texts], pa.uint64()
        ),
        f"{what}_skeleton": pa.array([number(one.replace("A", "")) for one in texts], pa.uint64()),
        f"{what}_nick": pa.array([[number("BUDI")] if "AGUS" in one else [] for one in texts], pa.list_(pa.uint64())),
        f"{what}_words": pa.array([[number(word) for word in one.split()] for one in texts], pa.list_(pa.uint64())),
    }
