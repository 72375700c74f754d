"""How a pair — a row of a list, a person of the registry — is compared: levels as SQL conditions, the first that holds.

This text is the definition: Splink trains on it, the model counts by it, and `levels` answers the same without a
database. So a weight is never used for another question than the one it was learnt for. `_l` is the list, `_r` the
registry; columns as in `features`, and those of `SIDE`. Sources: Fellegi and Sunter (1969) for levels and weights;
which levels, and why the household is one comparison: decision 0120.
"""

from dataclasses import dataclass

# What the conditions need of either side besides its features.
SIDE = """
SELECT *,
    lpad(CAST(nik AS VARCHAR), 16, '0') AS nik_text,
    lpad(CAST(kk AS VARCHAR), 16, '0') AS kk_text,
    strftime(born, '%Y%m%d') AS born_text
FROM {rows}
"""


@dataclass(frozen=True, slots=True)
class Level:
    """One answer. `name` is what a model file and a reason say; `condition` is over a pair, "ELSE" closes."""

    name: str
    condition: str
    missing: bool = False  # nothing can be said: no evidence either way
    by_name: bool = False  # the more frequent the name, the less it proves


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one part of the evidence is about: its levels, the strongest first."""

    name: str
    levels: tuple[Level, ...]


def _known(column: str) -> str:
    return f"{column}_l IS NOT NULL AND {column}_r IS NOT NULL"


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


_MOTHER_IS_KNOWN = f"({_known('mother')})"
_SAME_MOTHER = """(mother_phonetic_l = mother_phonetic_r OR mother_skeleton_l = mother_skeleton_r
    OR jaro_winkler_similarity(mother_l, mother_r) >= 0.9)"""
_NAMES_EXCHANGED = """(name_phonetic_l = mother_phonetic_r OR name_skeleton_l = mother_skeleton_r)
    AND (mother_phonetic_l = name_phonetic_r OR mother_skeleton_l = name_skeleton_r)"""
_MOTHER_WITHIN = "(list_has_all(mother_words_l, mother_words_r) OR list_has_all(mother_words_r, mother_words_l))"
_NAME_WITHIN = "(list_has_all(name_words_l, name_words_r) OR list_has_all(name_words_r, name_words_l))"
_LETTERS_WITHIN = """(length(name_l) >= 4 AND contains(replace(name_r, ' ', ''), replace(name_l, ' ', '')))
    OR (length(name_r) >= 4 AND contains(replace(name_l, ' ', ''), replace(name_r, ' ', '')))"""
_SAME_VILLAGE, _SAME_DISTRICT, _SAME_REGENCY = map(_equal, ("desa", "kec", "kab"))
# What a spreadsheet or a slip leaves of a card's number. Serials of neighbours' cards differ by a digit too.
_DAMAGED_FAMILY = """((kk_15_l = kk_15_r AND (kk_l IS NULL OR kk_r IS NULL))
    OR (kk_l % 10000 = kk_r % 10000 AND hamming(kk_text_l, kk_text_r) = 1))"""
_CARD_IS_OPEN = f"NOT ({_known('kk_15')})"
_PLACE_IS_OPEN = f"NOT ({_known('kab')})"
_SWAPPED = "year(born_l) = year(born_r) AND month(born_l) = day(born_r) AND day(born_l) = month(born_r)"
_SAME_12 = "nik_l // 10000 = nik_r // 10000"
_SOUND_TO_12 = "nik_sound_l = 12"  # a digit is missing, or too many: wherever that is, the others moved
_ONE_MORE_OR_LESS = "(nik_odd_l IS NOT NULL AND levenshtein(CAST(nik_odd_l AS VARCHAR), nik_text_r) = 1)"
# Numbers stand in each other's column.
_NUMBER_IN_THE_CARD = "nik_beside_l = nik_r"
_CARD_IN_THE_NUMBER = "(nik_l = kk_r AND nik_sound_l = 16)"
_SAME_FAMILY = f"({_equal('kk')} OR {_CARD_IN_THE_NUMBER})"
_BOTH_FIT = "nik_fits_l AND nik_fits_r"
_OFF = "hamming(nik_text_l, nik_text_r)"

NIK = Comparison(
    "nik",
    (
        Level(
            "missing",
            f"""NOT coalesce({_NUMBER_IN_THE_CARD} OR {_ONE_MORE_OR_LESS}, false)
                AND (nik_l IS NULL OR nik_r IS NULL OR nik_sound_l < 12 OR ({_SOUND_TO_12} AND NOT {_SAME_12})
                    OR coalesce({_CARD_IN_THE_NUMBER}, false))""",
            missing=True,
        ),
        Level("equal-and-fits", "nik_l = nik_r AND nik_fits_l"),
        Level("equal-nothing-to-fit", "nik_l = nik_r AND nik_sound_l = 16 AND nik_fits_l IS NULL"),
        Level("equal", "nik_l = nik_r AND nik_sound_l = 16"),
        Level("in-the-cards-place", _NUMBER_IN_THE_CARD),
        Level("a-digit-more-or-less", _ONE_MORE_OR_LESS),
        Level("rounded", "(nik_sound_l = 15 OR nik_l % 10 = 0) AND nik_l // 10 = nik_r // 10"),
        Level("equal-as-far-as-sound", f"nik_sound_l < 15 AND {_SAME_12}"),
        Level("place-mistyped", f"{_BOTH_FIT} AND {_OFF} <= 2 AND nik_l % 10000000000 = nik_r % 10000000000"),
        Level("neighbours", f"{_BOTH_FIT} AND {_OFF} <= 2"),
        Level("both-fit-and-differ", _BOTH_FIT),
        Level("other-serial", _SAME_12),
        Level("one-digit-off", f"{_OFF} = 1 OR damerau_levenshtein(nik_text_l, nik_text_r) = 1"),
        Level("two-digits-off", f"{_OFF} = 2"),
        Level("differs", "ELSE"),
    ),
)
NAME = Comparison(
    "nama",
    (
        Level("missing", "name_l IS NULL OR name_r IS NULL", missing=True),
        Level("equal", _equal("name"), by_name=True),
        Level("sounds-the-same", f"{_equal('name_phonetic')} OR {_equal('name_skeleton')}"),
        Level("exchanged-with-the-mothers", _NAMES_EXCHANGED),
        Level("nearly-the-same", "jaro_winkler_similarity(name_l, name_r) >= 0.93 OR levenshtein(name_l, name_r) = 1"),
        Level("one-within-the-other", f"{_NAME_WITHIN} AND least(len(name_words_l), len(name_words_r)) > 1"),
        Level("alike", "jaro_winkler_similarity(name_l, name_r) >= 0.85"),
        Level(
            "short-for-the-other", "list_has_any(name_nick_l, name_words_r) OR list_has_any(name_nick_r, name_words_l)"
        ),
        Level("one-word-of-the-other", _NAME_WITHIN),
        Level("letters-within-the-other", f"{_LETTERS_WITHIN}"),
        Level("a-word-in-common", "list_has_any(name_words_l, name_words_r)"),
        Level("differs", "ELSE"),
    ),
)
BORN = Comparison(
    "lahir",
    (
        Level("missing", "born_l IS NULL OR born_r IS NULL", missing=True),
        Level("equal", "born_l = born_r AND born_part_l = 3 AND NOT born_default_r"),
        Level("equal-default", "born_l = born_r AND born_part_l = 3"),
        Level(
            "same-year-as-far-as-known",
            "year(born_l) = year(born_r) AND (born_part_l < 3 OR born_default_l OR born_default_r)",
        ),
        Level(
            "nearly-the-year-as-far-as-known",  # whoever does not know the day is not sure of the year
            "abs(year(born_l) - year(born_r)) <= 2 AND (born_part_l < 3 OR born_default_l)",
        ),
        Level(
            "one-digit-off-or-swapped",
            f"hamming(born_text_l, born_text_r) = 1 OR ({_SWAPPED})",
        ),
        Level("year-or-day-equal", "year(born_l) = year(born_r) OR right(born_text_l, 4) = right(born_text_r, 4)"),
        Level("differs", "ELSE"),
    ),
)
PLACE_IS_OPEN, CARD_IS_OPEN = "-place-open", "-card-open"  # behind the name of a level: the row does not tell it


def _by_card(name: str, condition: str) -> tuple[Level, Level]:
    """Where the family card is not told, and where it is another."""
    return Level(f"{name}{CARD_IS_OPEN}", f"{condition} AND {_CARD_IS_OPEN}"), Level(name, condition)


HOUSEHOLD = Comparison(
    "rumah",
    (
        Level(
            "missing",
            f"""{_CARD_IS_OPEN} AND NOT {_MOTHER_IS_KNOWN} AND {_PLACE_IS_OPEN}
                AND NOT coalesce({_CARD_IN_THE_NUMBER}, false)""",
            missing=True,
        ),
        Level("family-and-mother", f"{_SAME_FAMILY} AND {_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        Level("family", f"{_SAME_FAMILY} AND NOT {_MOTHER_IS_KNOWN}"),
        Level("damaged-family-and-mother", f"{_DAMAGED_FAMILY} AND {_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        *_by_card("village-and-mother", f"{_SAME_VILLAGE} AND {_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        Level("family-mother-within", f"{_SAME_FAMILY} AND {_MOTHER_IS_KNOWN} AND {_MOTHER_WITHIN}"),
        *_by_card("village-mother-within", f"{_SAME_VILLAGE} AND {_MOTHER_IS_KNOWN} AND {_MOTHER_WITHIN}"),
        Level("family-other-mother", _SAME_FAMILY),
        *_by_card("regency-and-mother", f"{_SAME_REGENCY} AND {_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        *_by_card("regency-mother-within", f"{_SAME_REGENCY} AND {_MOTHER_IS_KNOWN} AND {_MOTHER_WITHIN}"),
        *_by_card("mother-place-open", f"{_PLACE_IS_OPEN} AND {_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        *_by_card("mother-within-place-open", f"{_PLACE_IS_OPEN} AND {_MOTHER_IS_KNOWN} AND {_MOTHER_WITHIN}"),
        *_by_card("mother", f"{_MOTHER_IS_KNOWN} AND {_SAME_MOTHER}"),
        *_by_card("mother-within", f"{_MOTHER_IS_KNOWN} AND {_MOTHER_WITHIN}"),
        Level("damaged-family", f"{_DAMAGED_FAMILY} AND NOT {_MOTHER_IS_KNOWN}"),
        *_by_card("village", f"{_SAME_VILLAGE} AND NOT {_MOTHER_IS_KNOWN}"),
        *_by_card("district", f"{_SAME_DISTRICT} AND NOT {_MOTHER_IS_KNOWN}"),
        *_by_card("regency", f"{_SAME_REGENCY} AND NOT {_MOTHER_IS_KNOWN}"),
        *_by_card("village-other-mother", _SAME_VILLAGE),
        *_by_card("district-other-mother", _SAME_DISTRICT),
        *_by_card("regency-other-mother", _SAME_REGENCY),
        Level("other-family-place-open", f"{_PLACE_IS_OPEN} AND NOT {_MOTHER_IS_KNOWN}"),
        *_by_card("other-mother-place-open", _PLACE_IS_OPEN),
        *_by_card("elsewhere", f"NOT {_MOTHER_IS_KNOWN}"),
        Level(f"elsewhere-other-mother{CARD_IS_OPEN}", _CARD_IS_OPEN),
        Level("elsewhere-other-mother", "ELSE"),
    ),
)
SEX = Comparison(
    "jenis_kelamin",
    (
        Level("missing", "sex_l IS NULL OR sex_r IS NULL", missing=True),
        Level("equal", _equal("sex")),
        Level("differs", "ELSE"),
    ),
)
COMPARISONS = (NIK, NAME, BORN, HOUSEHOLD, SEX)


def _both(first: Comparison, second: Comparison) -> Comparison:
    """One comparison of two: each level of the first with each of the second, in an order in which the first that
    holds is the first of either. Nothing can be said only where neither says anything."""
    return Comparison(
        f"{first.name}_{second.name}",
        tuple(
            Level(
                f"{one.name}/{other.name}",
                " AND ".join(f"({level.condition})" for level in (one, other) if level.condition != "ELSE") or "ELSE",
                missing=one.missing and other.missing,
            )
            for one in first.levels
            for other in second.levels
        ),
    )


# A number repeats its date: that two numbers are neighbours says little once the dates are equal. So the weight of a
# number is learnt for each answer of the date.
BORN_AND_NIK = _both(BORN, NIK)
TRAINED = (BORN_AND_NIK, NAME, HOUSEHOLD, SEX)
# Which levels of the household say where somebody lives: how often strangers share it depends on list and registry.
PLACES = {
    f"{level}{card}": place
    for place, levels in {
        "desa": ("village-and-mother", "village-mother-within", "village", "village-other-mother"),
        "kec": ("district", "district-other-mother"),
        "kab": ("regency-and-mother", "regency-mother-within", "regency", "regency-other-mother"),
    }.items()
    for level in levels
    for card in ("", CARD_IS_OPEN)
}
