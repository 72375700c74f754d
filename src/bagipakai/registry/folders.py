"""Folders that appear whole or not at all."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".dibuat"


@contextmanager
def in_the_making(final: Path, durable: bool = True) -> Iterator[Path]:
    """A private folder beside `final` that takes its name when the block ends well, and is removed otherwise; what a
    killed process left there of the same name is removed first. `durable`: also a power cut finds it whole, or not.

    Raises FileExistsError if `final` is a file or holds anything, before the block and again at its end.
    """
    _must_be_free(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    for left in final.parent.glob(f".{final.name}.*{_SUFFIX}"):
        if (held := _lock(left)) is not None:  # its maker holds the lock as long as it lives
            remove(left)
            os.close(held)
    folder = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=_SUFFIX, dir=final.parent))
    lock = _lock(folder)
    try:
        yield folder
        if durable:
            sync(folder)
        folder.chmod(0o755)
        _must_be_free(final)
        folder.rename(final)  # refuses, too, to replace a folder that is not empty
        sync(final.parent, inside=False)
    except BaseException:
        remove(folder)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def sync(folder: Path, inside: bool = True) -> None:
    """Asks the disk to keep the folder's entries and, with `inside`, everything in it."""
    for path in [*(sorted(folder.rglob("*")) if inside else ()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
