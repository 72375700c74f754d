"""A person in 64 bytes: the features that the registry's side of a comparison needs, but for its texts."""

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
        ("born", "<i4"),  # days since 1970
        ("name", "<u4"),  # the number of its text
        ("mother", "<u4"),
        ("flags", "<u4"),
        ("name_phonetic", "<u4"),  # the upper half of the hash; 0: none
        ("name_skeleton", "<u4"),
        ("mother_phonetic", "<u4"),
        ("mother_skeleton", "<u4"),
        ("letters", "<u4"),  # of the name, a bit for each (letters_of)
        ("words", "<u4"),  # of the name, too (words_of)
    ]
)
SOUNDS: Final = ("name_phonetic", "name_skeleton", "mother_phonetic", "mother_skeleton")
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
    "length": 6,  # letters of the name; LONG: so many or more
}
LONG: Final = 63


def packed(people: pa.Table) -> Numbers:
    """The records of these features (registry.matching.features), whose texts are still to be filled in. The
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
        "length": lengths(people["name"]),
    }
    for name, at in _PLACES.items():
        records["flags"] |= flags[name].astype(np.uint32) << np.uint32(at)
    for name in SOUNDS:
        records[name] = half(filled(people[name], 0))
    records["letters"] = letters_of(people["name"])
    records["words"] = words_of(people["name_words"])
    return records


def lengths(names: pa.ChunkedArray) -> Numbers:
    """Letters of each name, up to LONG; 0 where there is none."""
    return np.minimum(filled(pc.binary_length(names), 0), LONG).astype(np.uint8)


def letters_of(names: pa.ChunkedArray) -> Numbers:
    """Which letters each name has: a bit for each, by the five lower bits of its byte. None where there is no name."""
    texts = names.combine_chunks().fill_null("")
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]
    return _together(_BIT[letters & 31] * (letters != ord(" ")), ends - ends[0])


def words_of(words: pa.ChunkedArray) -> Numbers:
    """Which words each name has: a bit for each, by the five lower bits of its hash; so one bit may be of several."""
    lists = words.combine_chunks()
    values = lists.values.to_numpy()
    return _together(_BIT[values & np.uint64(31)], lists.offsets.to_numpy())


def _together(bits: Numbers, ends: Numbers) -> Numbers:
    """The bits of each stretch; of an empty one none."""
    found: Numbers = np.zeros(len(ends) - 1, np.uint32)
    there = np.flatnonzero(ends[1:] > ends[:-1])
    if len(there):
        found[there] = np.bitwise_or.reduceat(bits, ends[:-1][there])
    return found


def half(hashes: Numbers) -> Numbers:
    """What a record keeps of hashes of 64 bits."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def columns(records: Numbers) -> dict[str, pa.Array]:
    """The features of these records, but for their texts; numbers of another length or in another place are not
    kept."""
    flags = flags_of(records)
    level, region = flags["level"], records["region"]
    return {
        "nik": _where(records["nik"] >= 0, records["nik"], pa.int64()),
        "nik_sound": pa.array(flags["nik_sound"].astype(np.uint8)),
        "nik_odd": pa.nulls(len(records), pa.int64()),
        "nik_beside": pa.nulls(len(records), pa.int64()),
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


def flags_of(records: Numbers) -> dict[str, Numbers]:
    """The flags of these records, each as a number."""
    return {name: records["flags"] >> np.uint32(at) & np.uint32(2 ** FLAGS[name] - 1) for name, at in _PLACES.items()}


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


_BIT: Final = np.uint32(1) << np.arange(32, dtype=np.uint32)
_PLACES: Final = {name: sum(list(FLAGS.values())[:at]) for at, name in enumerate(FLAGS)}
