"""Folders that appear whole or not at all."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRESS = "progress.jsonl"
_SUFFIX = ".dibuat"


@contextmanager
def in_the_making(final: Path, durable: bool = True, what: str = "") -> Iterator[Path]:
    """A private folder beside `final` that takes its name when the block ends well, and is removed otherwise; what a
    killed process left there of the same name is removed first. `durable`: also a power cut finds it whole, or not.

    With `what`, a digest of what is being made, work that was interrupted (killed, stopped by hand, a full disk) is
    kept and handed to the next who makes the same; `Progress` says what of it is done.

    Raises FileExistsError if `final` is a file or holds anything, before the block and again at its end; or while
    another process is making the same.
    """
    _must_be_free(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    folder = final.parent / f".{final.name}.{what[:16]}{_SUFFIX}" if what else None
    for left in final.parent.glob(f".{final.name}.*{_SUFFIX}"):
        if left != folder and (held := _lock(left)) is not None:  # its maker holds the lock as long as it lives
            remove(left)
            os.close(held)
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=_SUFFIX, dir=final.parent))
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
    lock = _lock(folder)
    if lock is None:
        raise FileExistsError(final.name)
    try:
        yield folder
        (folder / PROGRESS).unlink(missing_ok=True)
        if durable:
            sync(folder)
        folder.chmod(0o755)
        _must_be_free(final)
        folder.rename(final)  # refuses, too, to replace a folder that is not empty
        sync(final.parent, inside=False)
    except BaseException as failure:
        if not what or (isinstance(failure, Exception) and not isinstance(failure, OSError)):
            remove(folder)
        raise
    finally:
        os.close(lock)


class Progress:
    """Which pieces of a folder in the making are done, and what was told of each: a line of JSON a piece. A line that a
    killed process wrote by half counts for nothing."""

    def __init__(self, folder: Path) -> None:
        self._file, self._turn = folder / PROGRESS, threading.Lock()
        self.done: dict[str, Any] = {}
        if self._file.exists():
            for line in self._file.read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    piece, told = json.loads(line)
                    self.done[piece] = told

    def add(self, piece: str, told: Any) -> None:
        """Notes that a piece is done. Call it when its files are."""
        line = json.dumps([piece, told]).encode()
        with self._turn, self._file.open("ab") as out:
            out.write(b"\n" + line + b"\n")
        self.done[piece] = told


def sync(folder: Path, inside: bool = True) -> None:
    """Asks the disk to keep the folder's entries and, with `inside`, everything in it."""
    for path in [*(sorted(folder.rglob("*")) if inside else ()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def no_room(error: OSError) -> bool:
    """Whether the disk, a quota or a limit on the size of files is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def remove(folder: Path) -> None:
    """Removes a folder of ours, also where its parts were made read-only."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> int | None:
    """A handle that locks the folder until it is closed; None if another process holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _must_be_free(final: Path) -> None:
    if final.is_symlink() or (final.exists() and (not final.is_dir() or any(final.iterdir()))):
        raise FileExistsError(final.name)
