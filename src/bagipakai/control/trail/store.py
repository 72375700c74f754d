"""Where the trail lies on disk: tiles and bundles that never change, and the checkpoints over them.

    signed           the newest checkpoint that the log signed
    checkpoint       the newest one under which a quorum of witnesses stands: what the public reads
    past/<hour>      the last that was public in each hour (UTC)
    disputed/<size>  a checkpoint that does not fit this log, as a witness showed it

A file appears whole or not at all, and is on the disk before the next step is taken. Any other program may read
here at any time; only the one that holds the folder writes.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from bagipakai.core.notes import Checkpoint, Note
from bagipakai.core.tiles import HEIGHT, WIDTH, Log, bundle_name, tile_name

DRAFTS = ".drafts"


class Conflict(Exception):
    """A file of the log is there already, with other content. Names the file."""


class Held(Exception):
    """Another process writes here."""


class Store:
    """Reading needs nothing. For writing, hold it: `with store: …`; what a killed holder left behind is then taken
    away. Raises Held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = -1

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # dies with its holder
            shutil.rmtree(self.folder / DRAFTS, ignore_errors=True)
            (self.folder / DRAFTS).mkdir(exist_ok=True)
        except BaseException as failure:
            os.close(self._lock)
            if isinstance(failure, BlockingIOError):
                raise Held from None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def read(self, name: str) -> bytes:
        """Raises OSError."""
        return (self.folder / name).read_bytes()

    def log(self, size: int) -> Log:
        return Log(self.read, size)

    def checkpoint(self, name: str) -> tuple[Note, Checkpoint] | None:
        """The checkpoint kept as `name` (`signed` or `checkpoint`); None before the first. Raises BadNote, OSError."""
        try:
            note = Note.read(self.read(name))
        except FileNotFoundError:
            return None
        return note, Checkpoint.read(note.text)

    def add(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Puts files that will never change. Again with the same content, it does nothing. Raises Conflict, OSError."""
        folders = set()
        for name, content in files:
            file = self.folder / name
            if not file.exists():
                self._put(file, content)
            elif file.read_bytes() != content:
                raise Conflict(name)
            folders |= {file.parent, *file.parent.parents} - set(self.folder.parents)
        for folder in folders:  # a name is on the disk once its folder is, also that of a file which was there already
            _sync(folder)

    def replace(self, name: str, content: bytes) -> None:
        """Puts the new `name` in the place of the old, in one step. Raises OSError."""
        file = self.folder / name
        self._put(file, content)
        for folder in {file.parent, self.folder}:
            _sync(folder)

    def tidy(self, before: int, after: int) -> None:
        """Takes away the narrower tiles and bundles of those that became full while the log grew from `before` to
        `after` entries, both signed. Who reads an older checkpoint reads the full ones."""
        for level in range(-(-after.bit_length() // HEIGHT)):
            full = range((before >> HEIGHT * level) // WIDTH, (after >> HEIGHT * level) // WIDTH)
            for name in (tile_name(level, index) for index in full):
                self._drop_narrower(name)
            for name in (bundle_name(index) for index in full if level == 0):
                self._drop_narrower(name)

    def _drop_narrower(self, name: str) -> None:
        shutil.rmtree(self.folder / f"{name}.p", ignore_errors=True)

    def _put(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.folder / DRAFTS / secrets.token_hex(8)
        try:
            with draft.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
