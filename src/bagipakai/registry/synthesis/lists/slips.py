"""What happens to one text on its way into a list: each a function of the text and of one random 64-bit number.

A slip that cannot happen to a text returns it as it was. Texts are capitals, as registries write them.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from bagipakai.registry.synthesis.lists.naming import old_spelling, told, words

Slip = Callable[[str, int], str]

_ROWS = ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
_SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agt", "Sep", "Okt", "Nov", "Des")
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# Letters


def typing(text: str, chance: int) -> str:
    """A neighbouring key, a letter left out, doubled, exchanged with the next or slipped in."""
    places = [at for at, letter in enumerate(text) if letter.isalpha()]
    if len(places) < 3:
        return text
    kind, chance = chance % 100, chance // 100
    at, chance = places[chance % len(places)], chance // len(places)
    letter, next_ = text[at], text[at + 1 : at + 2]
    if kind < 34:
        return text[:at] + _neighbour(letter, chance) + text[at + 1 :]
    if kind < 62:
        return text[:at] + text[at + 1 :]
    if kind < 76:
        return text[:at] + letter + text[at:]
    if kind < 90:
        return text[:at] + next_ + letter + text[at + 2 :] if next_.isalpha() else text[:at] + text[at + 1 :]
    return text[: at + 1] + _neighbour(letter, chance) + text[at + 1 :]


def sound(text: str, chance: int) -> str:
    """One letter or pair written as it sounds."""
    pairs = _sounds()
    for step in range(len(pairs)):
        heard, meant = pairs[(chance + step * 31) % len(pairs)]
        places = list(heard.finditer(text))
        if places:
            found = places[(chance >> 16) % len(places)]
            return text[: found.start()] + meant + text[found.end() :]
    return text


def two_sounds(text: str, chance: int) -> str:
    return sound(sound(text, chance), chance >> 20)


def two_slips(text: str, chance: int) -> str:
    return typing(typing(text, chance), chance >> 24)


def old_way(text: str, chance: int) -> str:
    return old_spelling(text)


# Words


def swapped(text: str, chance: int) -> str:
    parts = text.split()
    if len(parts) < 2:
        return text
    at = chance % (len(parts) - 1)
    parts[at], parts[at + 1] = parts[at + 1], parts[at]
    return " ".join(parts)


def dropped(text: str, chance: int) -> str:
    """One word less, mostly the last; a name of one word stays."""
    parts = text.split()
    if len(parts) < 2:
        return text
    del parts[-1 if chance % 10 < 6 else (chance >> 8) % len(parts)]
    return " ".join(parts) if any(_says_who(part) for part in parts) else text


def _says_who(part: str) -> bool:
    """Neither a title nor an abbreviation."""
    return len(part) > 2 and not part.endswith(".") and part not in _titles()


def joined(text: str, chance: int) -> str:
    parts = text.split()
    if len(parts) < 2:
        return text
    at = chance % (len(parts) - 1)
    parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return " ".join(parts)


def split(text: str, chance: int) -> str:
    """A long word in two, after a vowel."""
    places = [found.start() + 1 for found in re.finditer(r"(?<=[A-Z]{2})[AEIOU](?=[A-Z]{3})", text)]
    return text[: (at := places[chance % len(places)])] + " " + text[at:] if places else text


def initials(text: str, chance: int) -> str:
    """All words but one as initials: the first stays, or the last."""
    parts = text.split()
    if len(parts) < 2:
        return text
    stays = 0 if chance % 3 else len(parts) - 1
    stop = "." if chance & 8 else ""
    return " ".join(part if at == stays else part[0] + stop for at, part in enumerate(parts))


def nickname(text: str, chance: int) -> str:
    """What the neighbours say: a known short form, the end of a long name, or one of its words."""
    parts, known = text.split(), _nicknames()
    for part in parts:
        if part in known and chance % 4:
            return known[part]
    longest = max(parts, key=len, default="")
    if len(longest) >= 7 and chance % 3 == 0:
        return longest[-4:] if longest[-4] not in "AEIOU" else longest[-5:]
    return parts[(chance >> 8) % len(parts)] if len(parts) > 1 else text


def shortened(text: str, chance: int) -> str:
    """The usual abbreviation of a first name, or an abbreviation written in full."""
    parts, known = text.split(), _abbreviations()
    for at, part in enumerate(parts):
        if part in known:
            parts[at] = known[part][chance % len(known[part])]
            return " ".join(part for part in parts if part)
    return text


def titled(text: str, chance: int) -> str:
    said = told()["titles"]
    before, after = [*words(said["before"]), "H.", "H.", "HJ.", "IBU", "BPK.", "ALM."], words(said["after"])
    if chance % 3:
        return f"{before[(chance >> 8) % len(before)]} {text}"
    return f"{text}{', ' if chance & 4096 else ' '}{after[(chance >> 16) % len(after)]}"


def untitled(text: str, chance: int) -> str:
    kept = [part for part in text.split() if part.strip(",") not in _titles()]
    return " ".join(kept) if kept else text


def noisy(text: str, chance: int) -> str:
    """Marks and spaces that do not belong there."""
    at = chance % (len(text) + 1)
    kinds = (
        text + " ",
        " " + text,
        text.replace(" ", "  "),
        text + ".",
        text.replace(" ", "."),
        text[:at] + "'" + text[at:],
        text + " (1)",
        text.replace(" ", "-"),
        text + ",",
        text[:at] + "`" + text[at:],
        text.replace(" ", "\u00a0"),
    )
    return kinds[(chance >> 16) % len(kinds)]


# Numbers


def digit(text: str, chance: int) -> str:
    """One digit wrong, mostly a neighbour on the keyboard."""
    if not text:
        return text
    at, by = chance % len(text), (chance >> 8) % 10
    if not text[at].isdigit():
        return text
    step = (1, 9, 1, 9, 3, 7)[by] if by < 6 else 1 + (chance >> 16) % 9
    return text[:at] + str((int(text[at]) + step) % 10) + text[at + 1 :]


def two_digits(text: str, chance: int) -> str:
    return digit(digit(text, chance), chance >> 24)


def turned(text: str, chance: int) -> str:
    """Two neighbouring digits that differ, exchanged."""
    places = [at for at in range(len(text) - 1) if text[at] != text[at + 1]]
    if not places:
        return text
    at = places[chance % len(places)]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def longer_or_shorter(text: str, chance: int) -> str:
    at = chance % max(len(text), 1)
    return text[:at] + text[at + 1 :] if chance & 256 else text[:at] + text[at : at + 1] + text[at:]


def rounded(text: str, chance: int) -> str:
    """As a spreadsheet keeps a number: fifteen digits and nought."""
    return text[:15] + "0" if len(text) == 16 and text.isdigit() else text


def scientific(text: str, chance: int) -> str:
    """As a spreadsheet shows a number: five or more digits and a power of ten."""
    if not text.isdigit() or len(text) < 12:
        return text
    shown, point = (5, 5, 5, 14)[chance % 4], ",."[chance >> 8 & 1]
    whole = str(round(int(text), shown - len(text) + 1))
    return f"{whole[0]}{point}{whole[1 : shown + 1].rstrip('0') or '0'}E+{len(text) - 1}"


def placeholder(text: str, chance: int) -> str:
    kinds = (
        "0000000000000000",
        "0",
        "-",
        "9999999999999999",
        "1234567890123456",
        "BELUM ADA",
        "TIDAK ADA",
        text[:6] + "0000000000",
        "1111111111111111",
        "xxxxxxxxxxxxxxxx",
    )
    return kinds[chance % len(kinds)]


def decorated(text: str, chance: int) -> str:
    """The right digits with something about them."""
    kinds = (
        "'" + text,
        text + " ",
        " " + text,
        f"{text[:6]} {text[6:12]} {text[12:]}",
        f"{text[:6]}.{text[6:12]}.{text[12:]}",
        f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}",
        text + ".0",
        text.replace("0", "O", 1),
        text.replace("1", "l", 1),
    )
    return kinds[chance % len(kinds)]


def without_zeros(text: str, chance: int) -> str:
    return text.lstrip("0") or text


# Addresses


def address(text: str, chance: int) -> str:
    """The same place said otherwise."""
    kinds = (
        text.replace("JL. ", "JLN ").replace("DUSUN", "DSN."),
        text.replace("NO. ", "NO").replace("KP.", "KAMPUNG"),
        text.split(" NO", maxsplit=1)[0],
        text + " RT.00" + str(1 + chance // 7 % 9),
        typing(text, chance),
        text.split(" ", 1)[-1],
        "DESA " + text.split(" ", 1)[-1],
        text.replace(" ", "  "),
    )
    return kinds[(chance >> 32) % len(kinds)]


# Dates as people write them

STYLES: dict[str, Callable[[date], str]] = {
    "iso": lambda day: day.isoformat(),
    "dmy-": lambda day: f"{day.day:02d}-{day.month:02d}-{day.year}",
    "dmy/": lambda day: f"{day.day:02d}/{day.month:02d}/{day.year}",
    "dmy.": lambda day: f"{day.day:02d}.{day.month:02d}.{day.year}",
    "d/m/y": lambda day: f"{day.day}/{day.month}/{day.year}",
    "dmy": lambda day: f"{day.day:02d}{day.month:02d}{day.year}",
    "ymd": lambda day: f"{day.year}{day.month:02d}{day.day:02d}",
    "y/m/d": lambda day: f"{day.year}/{day.month:02d}/{day.day:02d}",
    "long": lambda day: f"{day.day} {_MONTHS[day.month - 1]} {day.year}",
    "LONG": lambda day: f"{day.day:02d} {_MONTHS[day.month - 1].upper()} {day.year}",
    "short": lambda day: f"{day.day} {_SHORT_MONTHS[day.month - 1]} {day.year}",
    "short-": lambda day: f"{day.day:02d}-{_SHORT_MONTHS[day.month - 1]}-{day.year}",
    "english-": lambda day: f"{day.day:02d}-{_ENGLISH[day.month - 1]}-{day.year}",
    "english-yy": lambda day: f"{day.day:02d}-{_ENGLISH[day.month - 1]}-{day.year % 100:02d}",
    "dmyy": lambda day: f"{day.day:02d}/{day.month:02d}/{day.year % 100:02d}",
    "spaced": lambda day: f"{day.day:02d} - {day.month:02d} - {day.year}",
    "time": lambda day: f"{day.isoformat()} 00:00:00",
    "serial": lambda day: str((day - date(1899, 12, 30)).days) if day.year >= 1901 else day.isoformat(),
    "mdy/": lambda day: f"{day.month:02d}/{day.day:02d}/{day.year}",
    "year": lambda day: str(day.year),
    "month": lambda day: f"{_MONTHS[day.month - 1]} {day.year}",
    "00-00-year": lambda day: f"00-00-{day.year}",
    "00/month": lambda day: f"00/{day.month:02d}/{day.year}",
}


def _neighbour(letter: str, chance: int) -> str:
    for row in _ROWS:
        at = row.find(letter.upper())
        if at >= 0:
            near = row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
            return near[chance % len(near)]
    return letter


@lru_cache(maxsize=1)
def _sounds() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What is heard, at the end of a word where "$" says so, and what is written for it."""
    pairs = [pair.split(":") for pair in told()["sound"]["pairs"].split()]
    return tuple((re.compile(heard.replace("$", r"(?=\s|$)")), meant) for heard, meant in pairs)


@lru_cache(maxsize=1)
def _abbreviations() -> dict[str, list[str]]:
    found = (line.split(":") for line in told()["abbreviation"]["words"].split("|"))
    return {name.strip().upper(): words(others) or [""] for name, others in found}


@lru_cache(maxsize=1)
def _nicknames() -> dict[str, str]:
    return {
        name.upper(): short.upper() for name, short in (one.split(":") for one in told()["nickname"]["names"].split())
    }


@lru_cache(maxsize=1)
def _titles() -> frozenset[str]:
    return frozenset(title for pool in told()["titles"].values() for title in words(pool))
