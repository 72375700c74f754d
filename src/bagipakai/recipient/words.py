"""Days, numbers and troubles as an Indonesian officer reads them. Here, because this tool works without the office."""

import errno
from datetime import date, datetime, timedelta, timezone

_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
_TROUBLES = {
    errno.ENOENT: "map atau berkas tidak ada",
    errno.ENOTDIR: "yang disebut bukan map",
    errno.EISDIR: "yang disebut adalah map",
    errno.EACCES: "tidak diizinkan",
    errno.EPERM: "tidak diizinkan",
    errno.EROFS: "tempatnya hanya dapat dibaca",
    errno.ENOSPC: "ruang penyimpanan penuh",
    errno.ENAMETOOLONG: "nama terlalu panjang",
}


def today() -> date:
    """The day in western Indonesia, wherever the machine believes to be."""
    return datetime.now(timezone(timedelta(hours=7))).date()


def day(one: date) -> str:
    """16 Maret 2027."""
    return f"{one.day} {_MONTHS[one.month - 1]} {one.year}"


def number(count: int) -> str:
    """1.234.567."""
    return f"{count:,}".replace(",", ".")


def trouble(error: OSError) -> str:
    """What the disk or the system said, in a few words; the number of what has no words here."""
    return _TROUBLES.get(error.errno or 0, f"gangguan penyimpanan nomor {error.errno or 0}")
