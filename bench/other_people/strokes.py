"""What a hand, an ear or a scanner does to a name or a number."""

from collections.abc import Callable, Mapping
from random import Random

# As one hears it and writes it: both ways
SOUNDS = [
    *(("OE", "U"), ("DJ", "J"), ("TJ", "C"), ("SJ", "SY"), ("SY", "S"), ("KH", "H"), ("KH", "K"), ("CH", "KH")),
    *(("F", "P"), ("V", "F"), ("V", "P"), ("Z", "J"), ("Z", "S"), ("TH", "T"), ("DH", "D"), ("DL", "L"), ("TS", "S")),
    *(("Y", "I"), ("IE", "I"), ("EI", "AI"), ("AE", "AI"), ("AY", "AI"), ("AU", "O"), ("EO", "IO"), ("UA", "UWA")),
    *(("IYA", "IA"), ("IYAH", "IAH"), ("AH", "A"), ("UH", "U"), ("NN", "N"), ("LL", "L"), ("TT", "T"), ("DD", "D")),
    *(("MM", "M"), ("SS", "S"), ("RR", "R"), ("K", "Q"), ("KS", "X"), ("D", "T"), ("ENG", "ANG"), ("OU", "O")),
    *(("A'", "A"), ("ULL", "UL"), ("UDDIN", "UDIN"), ("UDDIN", "UDDEN"), ("OHA", "UHA"), ("E", "I"), ("U", "O")),
    *(("NING", "NENG"), ("YANTO", "IANTO"), ("WATI", "WATY"), ("HAMMAD", "HAMAD"), ("TRI", "TERI"), ("SRI", "SERI")),
]
KEYS = {
    a: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM", "1234567890")
    for at, a in enumerate(row)
}
SEEN = {"O": "0", "I": "1", "L": "I", "S": "5", "B": "8", "G": "6", "Z": "2", "M": "N", "RN": "M", "U": "V", "C": "G"}
SEEN_DIGITS = {"0": "O", "1": "I", "5": "S", "8": "B", "6": "G", "2": "Z", "3": "8", "7": "1"}
TITLES = ("H. {}", "HJ. {}", "{}, S.PD", "{} S.E.", "DRS. {}", "{}, S.AG", "UST. {}", "ALM. {}", "{} (ALM)", "IR. {}")
SHORT = {
    "MUHAMMAD": ("M.", "MUH.", "MHD", "MOH", "MUHAMAD", "MOHAMMAD", "MUCH."),
    "MUHAMAD": ("M.", "MUH", "MUHAMMAD"),
    "MOHAMMAD": ("MOH.", "M.", "MOCH"),
    "MOH.": ("MOCH.", "MOHAMMAD", "M."),
    "MUH.": ("MUHAMMAD", "M"),
    "AHMAD": ("AKHMAD", "ACHMAD", "A.", "AHMAT"),
    "ABDUL": ("ABD.", "ABD", "A."),
    "SITI": ("ST.", "S.", "SITTI"),
    "SITTI": ("ST.", "SITI"),
    "TEUKU": ("T.",),
    "KETUT": ("KT.", "KTUT"),
    "MADE": ("MD.",),
    "WAYAN": ("WY.", "WYN"),
    "NYOMAN": ("NYM.",),
    "GUSTI": ("GST.",),
    "NUR": ("N.",),
    "YOHANES": ("YOH.", "YOHANNES"),
    "MARIA": ("M.",),
    "FRANSISKUS": ("FRANS", "FX."),
}
FATHERS = (
    *("SLAMET", "ABDULLAH", "SUKARDI", "KASIM", "AHMAD", "SUPARDI", "MADIN", "USMAN"),
    *("RAHMAN", "DASUKI", "TOYIB", "YUSUF", "SALEH", "AMIR", "SARMIN"),
)


def typing(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    at = dice.randrange(len(value))
    stroke = dice.randrange(4)
    if stroke == 0 and len(value) > 3:
        return value[:at] + value[at + 1 :]
    if stroke == 1:
        return value[:at] + value[at] + value[at:]
    if stroke == 2 and at + 1 < len(value):
        return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    return value[:at] + dice.choice(KEYS.get(value[at]) or value[at]) + value[at + 1 :]


def sound(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    """One or two sounds in another spelling."""
    for _ in range(1 + (dice.random() < 0.25)):
        ways = [(a, b) for one, two in SOUNDS for a, b in ((one, two), (two, one)) if a in value]
        ways = [(a, b) for a, b in ways if not (len(a) == 1 and len(b) == 2 and dice.random() < 0.6)]
        if ways:
            a, b = dice.choice(ways)
            places = [at for at in range(len(value)) if value.startswith(a, at)]
            at = dice.choice(places)
            value = value[:at] + b + value[at + len(a) :]
    return value


def scanned(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    for _ in range(dice.randint(1, 2)):
        seen = [a for a in SEEN if a in value]
        if seen:
            a = dice.choice(seen)
            value = value.replace(a, SEEN[a], 1)
    return value


def title(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    return dice.choice(TITLES[1:] if woman else (TITLES[0], *TITLES[2:])).format(value)


def mothers_title(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    return dice.choice(("NY. {}", "IBU {}", "HJ. {}", "ALMH. {}", "{} (ALMH)", "MAK {}")).format(value)


def short(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    words = value.split()
    known = [at for at, word in enumerate(words) if word in SHORT]
    if known:
        at = dice.choice(known)
        words[at] = dice.choice(SHORT[words[at]])
    elif len(words) > 1:  # the last one, or one in the middle, as a letter
        at = dice.randrange(1, len(words))
        words[at] = words[at][0] + dice.choice(("", "."))
    return " ".join(words)


def fewer(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    words = value.split()
    if len(words) > 1:
        words.pop(dice.randrange(len(words)) if dice.random() < 0.4 else -1)
    return " ".join(words)


def order(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    words = value.split()
    return " ".join([*words[1:], words[0]]) if dice.random() < 0.5 else " ".join([words[-1], *words[:-1]])


def joined(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    if " " in value and dice.random() < 0.6:
        return value.replace(" ", "", 1)
    words = value.split()
    at = max(range(len(words)), key=lambda i: len(words[i]))
    if len(words[at]) > 5:
        cut = dice.randint(2, len(words[at]) - 2)
        words[at] = f"{words[at][:cut]} {words[at][cut:]}"
    return " ".join(words)


def street(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    """What the village calls one: a short name from the table, or the head or tail of the first word."""
    words = value.split()
    known = [word for word in words if word in called]
    if known:
        name = dice.choice(called[dice.choice(known)]).upper()
    else:
        long = max(words, key=len)
        name = long[-4:] if dice.random() < 0.5 and len(long) > 6 else long[:4]
    return name if dice.random() < 0.4 else f"{('MAK' if woman else 'PAK')} {name}" if dice.random() < 0.3 else name


def father(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    return f"{value} {dice.choice(('BINTI', 'BT.', 'BTI') if woman else ('BIN', 'B.', 'BIN'))} {dice.choice(FATHERS)}"


def alias(value: str, woman: bool, called: Mapping[str, list[str]], dice: Random) -> str:
    other = street(value, woman, called, dice)
    return dice.choice(("{} ALIAS {}", "{} ({})", "{} / {}", "{} AL. {}")).format(value, other)


Stroke = Callable[[str, bool, Mapping[str, list[str]], Random], str]
NAME_FAULTS: dict[str, Stroke] = {
    "fewer": fewer,
    "street": street,
    "order": order,
    "short": short,
    "sound": sound,
    "joined": joined,
    "typing": typing,
    "ocr": scanned,
    "father": father,
    "alias": alias,
    "title": title,
}


def number_fault(value: str, fault: str, dice: Random) -> str:
    """`digit`, `swapped`, `length`, `ocr`, `rounded`, `old`: a number of sixteen, wrongly."""
    at = dice.randrange(len(value))
    match fault:
        case "digit":
            return value[:at] + str((int(value[at]) + dice.randint(1, 9)) % 10) + value[at + 1 :]
        case "swapped":
            at = dice.randrange(len(value) - 1)
            return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
        case "length":
            return value[:at] + value[at + 1 :] if dice.random() < 0.6 else value[:at] + value[at] + value[at:]
        case "ocr":
            seen = [place for place, digit in enumerate(value) if digit in SEEN_DIGITS]
            at = dice.choice(seen) if seen else at
            return value[:at] + SEEN_DIGITS.get(value[at], "?") + value[at + 1 :]
        case "rounded":
            return f"{value[:15]}0"
    # of before the single number: another office and another serial; the date is kept
    return f"{value[:4]}{dice.randint(1, 20):02d}{value[6:12]}{dice.randint(1, 99):04d}"
