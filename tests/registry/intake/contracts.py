"""Drawn contracts, and sets of files that keep and break them: the matter of the agreement test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

from bagipakai.core.plan import Unit
from bagipakai.core.sources import Agreed, Contract, RowRule, contradiction
from bagipakai.core.variables import Type
from bagipakai.registry.intake.reference import Sent, read_csv

DAY = date(2026, 11, 26)

SIXTEEN = "[0-9]{16}"
COLUMNS = (
    Agreed("nik", pattern=SIXTEEN, check="nik"),
    Agreed("nomor_kk", pattern=SIXTEEN),
    Agreed("tanggal_lahir", Type.DATE),
    Agreed("jenis_kelamin", codes=("1", "2")),
    Agreed("hubungan", codes=("1", "2", "3")),
    Agreed("kode_kec", pattern="[0-9]{6}", check="region"),
    Agreed("kode_desa", pattern="[0-9]{10}", check="region"),
    Agreed("nama", longest=8),
    Agreed("umur", Type.INTEGER, low=0, high=120),
    Agreed("utang", Type.INTEGER),
    Agreed("listrik", Type.BOOLEAN),
    Agreed("tanggal_mulai", Type.DATE),
    Agreed("tanggal_akhir", Type.DATE),
    Agreed("id_dtks", pattern="[A-Z0-9]{2,4}"),
    Agreed("rt", pattern="[0-9]{3}"),
)
RULES = (
    RowRule("birth-date-in-nik", ("nik", "tanggal_lahir")),
    RowRule("sex-in-nik", ("nik", "jenis_kelamin"), ("2",)),
    RowRule("begins-with", ("kode_desa", "kode_kec")),
    RowRule("begins-with", ("nama", "rt")),
    RowRule("not-before", ("tanggal_akhir", "tanggal_mulai")),
    RowRule("not-before", ("utang", "umur")),
    RowRule("one-is-filled", ("nama", "id_dtks", "umur")),
    RowRule("one-is-filled", ("listrik",)),
    RowRule("filled-when", ("tanggal_akhir", "hubungan"), ("2", "3")),
    RowRule("filled-when", ("utang", "jenis_kelamin"), ("1",)),
)
SETS = (
    RowRule("once", ("nik",)),
    RowRule("once", ("rt",)),
    RowRule("family-has-head", ("nomor_kk", "hubungan"), ("1",)),
    RowRule("digits-are-whole", ("nik",)),
)
NIKS = ("3201014502010001", "3201010502010001", "3201010502010010", "3201013502010001", "3201010513010001")
WELL = {
    "nik": (*NIKS[:3], "1101014107990020"),
    "nomor_kk": tuple(f"32010105020100{number:02d}" for number in range(1, 60)),
    "tanggal_lahir": ("2001-02-05", "05/02/2001", "05-02-2001", "1999-07-01"),
    "jenis_kelamin": ("1", "2"),
    "hubungan": ("1", "2", "3"),
    "kode_kec": ("320101", "320102", "327301"),
    "kode_desa": ("3201011001", "3201012005", "3273011001"),
    "nama": ("Siti", "001x", "é", "a\tb", "a\nb", "a\r\nb", '"', 'a"b', ",;|", "'x", "𝒜" * 8),
    "umur": ("0", "7", "120", "007"),
    "utang": ("-1", "0", "999999999999999999", "-999999999999999999", "-0"),
    "listrik": ("1", "ya", "true", "0", "tidak", "false"),
    "tanggal_mulai": ("2026-01-01", "01/01/2026", "1900-01-01", "01-01-1900"),
    "tanggal_akhir": ("2026-11-26", "26/11/2026", "2025-12-31", "31/12/2025"),
    "id_dtks": ("AB", "1E05", "0000"),
    "rt": ("001", "002", "010"),
}
HOSTILE = (
    *(
        "1e5",
        "3.2010145E+15",
        "3,2e15",
        "1_000",
        "+1",
        "1.5",
        "9" * 19,
        "-" + "9" * 18,
        "0x10",
        "٣",
        "121",
        "NULL",
        "nan",
    ),
    *(
        "2026-1-1",
        "2026-02-30",
        "0000-01-01",
        "10000-01-01",
        "infinity",
        "epoch",
        "2026-11-27",
        "27/11/2026",
        "1899-12-31",
    ),
    *("31/12/1899", "01/02/26", "12.05.99", "05/02-2001", "2026/01/01", "2026-01-01 (BC)", " 2026-01-01"),
    *("\u0000", "a\u0000b", "\u0085", "\ufffd", "\x7f", "x" * 9, "𝒜" * 9, "\u00a0", "İ", "YA", "Ya", "t"),
    *("3299999999", "32.01.01", "3201", "320101 ", " 1 ", "  ", *NIKS[3:], "3201010502010000", "a\rb", "=1+1"),
)
NEARLY = {
    "nik": (*NIKS[3:], "3201010502010000"),
    "tanggal_lahir": ("1899-12-31", "31/12/1899", "2026-11-27", "27/11/2026", "05/02/01"),
}


def a_contract(dice: Random) -> Contract:
    """Two to all columns, each required or not, with every rule that they allow or some of them."""
    picked = COLUMNS if dice.random() < 0.6 else dice.sample(COLUMNS, dice.randint(2, len(COLUMNS)))
    mostly = dice.choice([0.0, 0.0, 0.3])
    columns = tuple(replace(column, required=dice.random() < mostly) for column in picked)
    names = {one.name for one in columns}
    contract = Contract(
        *("drawn", "1", "Contoh", "Example", "Penyedia", Unit.INDIVIDU, "sekali", "standar"),
        columns=columns,
        rules=_some(dice, [rule for rule in RULES if set(rule.columns) <= names]),
        sets=_some(dice, [rule for rule in SETS if set(rule.columns) <= names]),
        dates=dice.choice(["ymd", "dmy"]),
        yes=("1", "ya", "true"),
        no=("0", "tidak", "false"),
        faulty_at_most=dice.choice([1000, 1000, 1000, 1000, 200, 50]),
        rows_at_least=dice.choice([0, 0, 3]),
        rows_at_most=dice.choice([10_000] * 6 + [30]),
    )
    assert contradiction(contract) is None
    return contract


def _some(dice: Random, rules: Sequence[RowRule]) -> tuple[RowRule, ...]:
    return tuple(rules if dice.random() < 0.6 else dice.sample(rules, dice.randint(0, len(rules))))


@dataclass(frozen=True)
class Drawn:
    """One file: its text, how it is spelled, and the rows that the naive reader sees in it."""

    text: str
    delimiter: str
    encoding: str

    def write(self, path: Path) -> None:
        path.write_bytes(self.text.encode(self.encoding))

    def rows(self, contract: Contract, number: int) -> list[Sent]:
        return read_csv(self.text, contract, number, self.delimiter)


def a_file(dice: Random, contract: Contract) -> Drawn:
    """Up to 120 rows, of which some cells are not as agreed and some rows are torn."""
    delimiter, end, quoted = dice.choice(",;\t|"), dice.choice(["\n", "\r\n"]), dice.random() < 0.3
    badness = dice.choice([0, 2, 8])  # of a hundred cells
    names = dice.sample(contract.names, len(contract.names))
    lines = [delimiter.join(dice.choice([name, f'"{name}"', f" {name.upper()} "]) for name in names)]
    for _ in range(dice.choice([0, 2, 40, 120])):
        cells = [_spelled(_value(dice, name, badness, contract.dates), delimiter, quoted) for name in names]
        if dice.randrange(200) < badness:
            torn = ['"a"b', 'a"b', '"a""b" ', 'a""', '"x"y"z', "a\rb"]
            cells[dice.randrange(len(cells))] = dice.choice(torn)
        if dice.randrange(200) < badness:
            cells = dice.choice([[*cells, ""], cells[1:], [""]])
        lines.append(delimiter.join(cells))
    text = end.join(lines) + dice.choice(["", end, end * 3])
    return Drawn(text, delimiter, dice.choice(["utf-8", "utf-8-sig", "utf-16", "utf-8"]))


def _value(dice: Random, name: str, badness: int, dates: str) -> str:
    if dice.randrange(100) < badness:
        return dice.choice(NEARLY.get(name, HOSTILE) if dice.random() < 0.5 else HOSTILE)
    if dice.randrange(8) == 0:
        return ""
    if name.startswith("tanggal") and dice.random() < 0.9:  # in the contract's order
        return dice.choice([value for value in WELL[name] if (value[4] == "-") == (dates == "ymd")])
    return dice.choice(WELL[name])


def _spelled(value: str, delimiter: str, quoted: bool) -> str:
    if quoted or set(value) & {delimiter, '"', "\n", "\r"}:
        return '"' + value.replace('"', '""') + '"'
    return value
