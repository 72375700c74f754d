"""What is compared of a person from one release to the next: numbers of fixed size, and no text.

0 is unknown everywhere but in `born`. Names are hashes (registry.matching.names, index.text_hashes), so a trace tells
whether two persons are called alike, and not how.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.index import text_hashes
from bagipakai.registry.matching.letters import text_of
from bagipakai.registry.matching.numbers import DIGITS
from bagipakai.registry.matching.records import filled
from bagipakai.registry.matching.values import WHOLE, column

UNBORN: Final = -(2**31)  # in place of a day of birth that is not wholly known
DEFAULT, MANY, SEX = 1, 2, 2  # flags: a default date, a name of several words; and where the sex begins
FIELDS: Final = [
    ("place", "<u4"),  # in the order of the release
    ("born", "<i4"),  # days since 1970
    ("nik", "<i8"),  # sixteen sound digits
    ("kk", "<i8"),  # likewise
    ("region", "<i8"),  # ten digits, filled up with zeros below its level
    ("name", "<u8"),  # as written: twins may be SITI and SITTI, which sound alike
    ("phonetic", "<u8"),
    ("skeleton", "<u8"),
    ("informative", "<u8"),
    ("last", "<u8"),
    ("mother", "<u8"),  # phonetic
    ("mother_skeleton", "<u8"),
    ("flags", "<u4"),
]
TRACE: Final = np.dtype(FIELDS)
_WORDS: Final = {
    "phonetic": "name_phonetic",
    "skeleton": "name_skeleton",
    "informative": "name_informative",
    "last": "name_last",
    "mother": "mother_phonetic",
    "mother_skeleton": "mother_skeleton",
}


def traces(rows: pa.Table, places: Numbers) -> Numbers:
    """The traces of these rows, in the bare columns (registry.matching.sources), which stand at these places."""
    people = features(rows)
    found = np.zeros(len(people), TRACE)
    found["place"] = places
    whole = filled(people["born_part"], 0) == WHOLE
    found["born"] = np.where(whole, filled(pc.cast(people["born"], pa.int32()), 0), UNBORN)
    found["nik"] = np.where(filled(people["nik_sound"], 0) == DIGITS, filled(people["nik"], 0), 0)
    found["kk"] = filled(people["kk"], 0)
    kab, kec, desa = (filled(people[name], 0).astype(np.int64) for name in ("kab", "kec", "desa"))
    found["region"] = np.where(desa > 0, desa, np.where(kec > 0, kec * 10**4, kab * 10**6))
    for field, told in _WORDS.items():
        found[field] = filled(people[told], 0)
    written = pc.fill_null(text_of(column(rows, "nama")), "")
    found["name"] = np.where(found["phonetic"] > 0, text_hashes(written), 0)
    flags = DEFAULT * filled(people["born_default"].cast(pa.uint8()), 0).astype(np.uint32)
    flags |= MANY * (filled(pc.list_value_length(people["name_words"]), 0) > 1).astype(np.uint32)
    found["flags"] = flags | filled(people["sex"], 0).astype(np.uint32) << np.uint32(SEX)
    return found
