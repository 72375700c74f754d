"""A person in 48 bytes: the features that the registry's side of a comparison needs, but for its texts."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.arrays import Numbers

NONE: Final = 2**32 - 1  # in place of a text's number
PERSON: Final = np.dtype(
    [
        ("nik", "<i8"),  # -1: none
        ("kk", "<i8"),  # -1: none; the last digit is 0 unless it is whole
        ("region", "<i8"),  # ten digits, filled up with zeros below its level
        ("id", "<i8"),  # the registry's own, or the number of its text
        ("born", "<i4"),  # days since 1970
        ("name", "<u4"),  # the number of its text
        ("mother", "<u4"),
        ("flags", "<u4"),
    ]
)
FLAGS: Final = {  # name → bits, the lowest first
    "nik_sound": 5,
    "nik_own": 2,  # 0: unknown, 1: no, 2: yes
    "nik_fits": 2,
    "kk": 1,  # whole
    "born": 1,
    "born_part": 2,  # 0: unknown
    "born_default": 2,
    "sex": 2,  # 0: unknown
    "level": 2,  # of the region: 3 village, 2 district, 1 regency, 0 none
}


def packed(people: pa.Table) -> Numbers:
    """The records of these features (registry.matching.features), whose texts and ids are still to be filled in. The
    region is the finest one that is told: those above it are taken from its code."""
    records = np.zeros(len(people), PERSON)
    records["nik"] = filled(people["nik"], -1)
    kk, kk_15 = filled(people["kk"], -1), filled(people["kk_15"], -1)
    records["kk"] = np.where(kk >= 0, kk, np.where(kk_15 >= 0, kk_15 * 10, -1))
    records["born"] = filled(pc.cast(people["born"], pa.int32()), 0)
    kab, kec, desa = (filled(people[name], 0).astype(np.int64) for name in ("kab", "kec", "desa"))
    records["region"] = np.where(desa > 0, desa, np.where(kec > 0, kec * 10**4, kab * 10**6))
    flags = {
        "nik_sound": filled(people["nik_sound"], 0),
        "nik_own": _truth(people["nik_own"]),
        "nik_fits": _truth(people["nik_fits"]),
        "kk": kk >= 0,
        "born": pc.is_valid(people["born"]).to_numpy(),
        "born_part": filled(people["born_part"], 0),
        "born_default": _truth(people["born_default"]),
        "sex": filled(people["sex"], 0),
        "level": np.where(desa > 0, 3, np.where(kec > 0, 2, kab > 0)),
    }
    for name, at in _PLACES.items():
        records["flags"] |= flags[name].astype(np.uint32) << np.uint32(at)
    return records


def columns(records: Numbers) -> dict[str, pa.Array]:
    """The features of these records, but for their texts."""
    flags = {name: records["flags"] >> np.uint32(at) & np.uint32(2 ** FLAGS[name] - 1) for name, at in _PLACES.items()}
    level, region = flags["level"], records["region"]
    return {
        "nik": _where(records["nik"] >= 0, records["nik"], pa.int64()),
        "nik_sound": pa.array(flags["nik_sound"].astype(np.uint8)),
        "nik_own": _told(flags["nik_own"]),
        "nik_fits": _told(flags["nik_fits"]),
        "kk": _where(flags["kk"] > 0, records["kk"], pa.int64()),
        "kk_15": _where(records["kk"] >= 0, records["kk"] // 10, pa.int64()),
        "born": _where(flags["born"] > 0, records["born"], pa.int32()).cast(pa.date32()),
        "born_part": _where(flags["born_part"] > 0, flags["born_part"], pa.uint8()),
        "born_default": _told(flags["born_default"]),
        "sex": _where(flags["sex"] > 0, flags["sex"], pa.int8()),
        "kab": _where(level >= 1, region // 10**6, pa.int32()),
        "kec": _where(level >= 2, region // 10**4, pa.int32()),
        "desa": _where(level >= 3, region, pa.int64()),
    }


def filled(column: pa.ChunkedArray | pa.Array, missing: int) -> Numbers:
    """A column of numbers, with `missing` where there is none."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    numbers: Numbers = (pc.fill_null(whole, missing) if whole.null_count else whole).to_numpy(zero_copy_only=False)
    return numbers


def _truth(column: pa.ChunkedArray) -> Numbers:
    """0 for unknown, 1 for no, 2 for yes."""
    return filled(pc.cast(column, pa.int8()), -1) + 1


def _told(truth: Numbers) -> pa.Array:
    return pa.array(truth == 2, mask=truth == 0)


def _where(present: Numbers, values: Numbers, kind: pa.DataType) -> pa.Array:
    return pa.array(values, mask=~present).cast(kind)


_PLACES: Final = {name: sum(list(FLAGS.values())[:at]) for at, name in enumerate(FLAGS)}
