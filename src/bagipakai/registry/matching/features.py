"""What a row says of a person, in the one form in which list and registry are compared.

Nothing here repairs: what is damaged is kept as far as it is sound, and the rest is null, which counts for nothing.
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.matching import names
from bagipakai.registry.matching.letters import first_letters, text_of
from bagipakai.registry.matching.numbers import DIGITS, is_possible
from bagipakai.registry.matching.policy import Reading, today
from bagipakai.registry.matching.values import Values, column, fits_its_row

BEGIN = 3  # letters of a name that is looked at closely


def features(rows: pa.Table, day: date | None = None, values: Values | None = None) -> pa.Table:
    """One row for each of `rows`, of a list or of a registry; a column that is not there counts as unknown. `day`
    (today): on which the rows are read; `values`: what was read of them on that day, if it was.

    `nik` int64, null unless sixteen digits could be laid out, of which the first `nik_sound` (uint8) are evidence: 16;
    15 if a spreadsheet rounded it; 12 if digits are missing or too many behind a possible date; fewer after scientific
    notation; 0 if there is none. `nik_odd` int64, a number of 15 or 17 digits as it stands, and `nik_beside` int64,
    one where the card's should be that has the row's date. `nik_own` bool: its structure is possible.
    `nik_fits` bool: its date and sex are those of the row; null if the row does not say. `kk` int64, sound as a whole;
    `kk_15` int64, its first fifteen digits, also where a spreadsheet rounded it. `born` date32, `born_part` uint8 (3
    all of it, 2 year and month, 1 year; null), `born_default` bool. `sex` int8 (1 man, 2 woman). `kab`, `kec` int32,
    `desa` int64. Then the forms of `nama` and `nama_ibu` (names.normalised): `name`, `name_phonetic` …, `mother` …."""
    reading = Reading.on(day or today())
    values = values or Values.of(rows, reading)
    nik, family, born, sex = values.nik, values.family, values.born, values.sex
    sound = nik.sound
    kk = np.where(family.sound >= DIGITS - 1, family.number.fill_null(0).to_numpy(), 0)
    number = nik.number.fill_null(0).to_numpy()
    fits = fits_its_row(number, sound, born, sex)
    is_family = (number > 0) & (number == kk) & (kk > 0)
    if is_family.any():  # one of the two was copied; whose date it is tells which
        kk = np.where(is_family & (fits >= 0), 0, kk)
        other = is_family & (fits < 0)
        number, fits, sound = (np.where(other, 0, told) for told in (number, fits, sound))
    kab, kec, desa = values.regions()
    found: dict[str, pa.Array] = {
        "nik": _filled(number, pa.int64()),
        "nik_sound": pa.array(sound, pa.uint8()),
        "nik_odd": _filled(nik.odd, pa.int64()),
        "nik_beside": _filled(values.beside(), pa.int64()),
        "nik_own": pa.array(is_possible(number, sound)),
        "nik_fits": pa.array(fits > 0, mask=fits == 0),
        "kk": _filled(np.where(family.sound == DIGITS, kk, 0), pa.int64()),
        "kk_15": _filled(kk // 10, pa.int64()),
        "born": born.born,
        "born_part": _filled(born.part, pa.uint8()),
        "born_default": pa.array(born.default),
        "sex": _filled(np.maximum(sex, 0), pa.int8()),
        "kab": _filled(kab, pa.int32()),
        "kec": _filled(kec, pa.int32()),
        "desa": _filled(desa, pa.int64()),
    }
    for source, prefix in (("nama", "name"), ("nama_ibu", "mother")):
        told = names.normalised(_somebody(text_of(column(rows, source)), reading.nobody))
        found |= {f"{prefix}_{form}".removesuffix("_canonical"): told[form] for form in told.column_names}
    return pa.table(found)


def _filled(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind, mask=values == 0)


def _somebody(told: pa.StringArray, nobody: frozenset[str]) -> pa.StringArray:
    """Names without what is written for want of one: only short values that begin so are looked at closely."""
    begin = first_letters(told, BEGIN) | 32  # small letters; what is none stays none
    short = pc.less_equal(pc.binary_length(told), max(map(len, nobody)) + 4)
    likely = ~((begin >= ord("a")) & (begin <= ord("z"))).all(1) | np.isin(_number(begin), _beginnings(nobody))
    rows = np.flatnonzero(short.fill_null(False).to_numpy(zero_copy_only=False) & likely)
    if not len(rows):
        return told
    distinct = told.take(pa.array(rows)).dictionary_encode()
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(distinct.dictionary), r"[^\pL\pN]+", " "))
    empty = pc.or_(pc.is_in(bare, pa.array(sorted(nobody))), pc.equal(bare, "")).to_numpy(zero_copy_only=False)
    gone = np.zeros(len(told), dtype=bool)
    gone[rows] = empty[distinct.indices.to_numpy()]
    return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), told) if gone.any() else told


def _beginnings(nobody: frozenset[str]) -> np.ndarray:
    return _number(np.array([list(text.encode().ljust(BEGIN)[:BEGIN]) for text in sorted(nobody)], np.uint8))


def _number(letters: np.ndarray) -> np.ndarray:
    """The letters of each row as one number."""
    number: np.ndarray = letters.astype(np.int64) @ (256 ** np.arange(letters.shape[1]))
    return number
