"""A key file is written once, whole or not at all, by the first who comes, and never over another; only its custodian
puts the next one in its place. A secret one is read only while nobody but its owner can."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE


class TooOpen(PermissionError):
    """Others than its owner may read or change a secret key file. Holds the file's name."""


def write_once(file: Path, content: bytes, mode: int) -> None:
    """Writes `file` with `mode` unless it is there; of two writers the first one wins. Raises OSError."""
    if file.exists():
        return
    with _draft(file, content, mode) as draft:
        try:
            os.link(draft, file)
        except FileExistsError:
            return


def replace(file: Path, content: bytes, draft_in: Path | None = None) -> None:
    """Puts `content` in the place of what `file` holds, in one step; its mode and its owner stay. `draft_in`: where
    nothing but `file` may ever lie in its own folder, another one of the same disk. Raises OSError."""
    was = file.stat()
    with _draft((draft_in or file.parent) / file.name, content, S_IMODE(was.st_mode)) as draft:
        if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(draft, was.st_uid, was.st_gid)
        draft.replace(file)


def read_secret(file: Path) -> bytes:
    """The content of a secret key file. Raises TooOpen if its mode lets anyone but the owner near it, and OSError.
    Elsewhere than on POSIX a file has no such mode, and nothing is asked."""
    with file.open("rb") as opened:
        if os.name == "posix" and S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            raise TooOpen(str(file))
        return opened.read()


@contextmanager
def _draft(file: Path, content: bytes, mode: int) -> Iterator[Path]:
    """A file beside `file` that holds `content` on the disk already; nothing of it is left behind."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
