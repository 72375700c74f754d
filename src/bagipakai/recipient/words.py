"""Days and numbers as an Indonesian officer reads them. Here, because this tool works without the office."""

from datetime import date, datetime, timedelta, timezone

_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)


def today() -> date:
    """The day in western Indonesia, wherever the machine believes to be."""
    return datetime.now(timezone(timedelta(hours=7))).date()


def day(one: date) -> str:
    """16 Maret 2027."""
    return f"{one.day} {_MONTHS[one.month - 1]} {one.year}"


def number(count: int) -> str:
    """1.234.567."""
    return f"{count:,}".replace(",", ".")


_ROW_RULES = {  # as the office calls them
    "rows-alike": "Ukuran kelompok serupa",
    "rows-one-value": "Keragaman dalam kelompok serupa",
    "rows-distribution": "Sebaran dalam kelompok serupa",
    "rows-families": "Anggota sekeluarga yang tidak disatukan",
    "rows-inference": "Tebakan dari kelompok serupa",
    "rows-presence": "Bagian kelompok yang ikut keluar",
    "rows-share": "Bagian penduduk yang ikut keluar",
}


def row_rule(code: str) -> str:
    """What a rule for rows is called; the bare code of one that this tool does not know yet."""
    return _ROW_RULES.get(code, code)
