"""What a disk or a system says, as an Indonesian officer reads it."""

import errno
from typing import Final

_TROUBLES: Final = {
    errno.ENOENT: "map atau berkas tidak ada",
    errno.ENOTDIR: "yang disebut bukan map",
    errno.EISDIR: "yang disebut adalah map",
    errno.EACCES: "tidak diizinkan",
    errno.EPERM: "tidak diizinkan",
    errno.EROFS: "tempatnya hanya dapat dibaca",
    errno.ENOSPC: "ruang penyimpanan penuh",
    errno.ENAMETOOLONG: "nama terlalu panjang",
}
_KINDS: Final = {FileNotFoundError: errno.ENOENT, IsADirectoryError: errno.EISDIR, PermissionError: errno.EACCES}


def trouble(error: OSError, otherwise: str | None = None) -> str:
    """What the disk or the system said, in a few words; the number of what has no words here, or `otherwise` where a
    library did not say which it was."""
    number = error.errno or _KINDS.get(type(error), 0)
    if not number and otherwise is not None:
        return otherwise
    return _TROUBLES.get(number, f"gangguan penyimpanan nomor {number}")
