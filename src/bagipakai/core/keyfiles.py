"""A key file is written once: whole or not at all, by the first who comes, and never over another. A secret one is read
only while nobody but its owner can."""

import os
import secrets
from pathlib import Path
from stat import S_IMODE


class TooOpen(PermissionError):
    """Others than its owner may read or change a secret key file. Holds the file's name."""


def write_once(file: Path, content: bytes, mode: int) -> None:
    """Writes `file` with `mode` unless it is there; of two writers the first one wins. Raises OSError."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def read_secret(file: Path) -> bytes:
    """The content of a secret key file. Raises TooOpen if its mode lets anyone but the owner near it, and OSError."""
    with file.open("rb") as opened:
        if S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            raise TooOpen(str(file))
        return opened.read()
