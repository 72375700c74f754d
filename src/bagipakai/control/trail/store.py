"""Where the trail lies on disk: tiles and bundles that never change, and the checkpoints over them.

    signed        the newest checkpoint that the log signed
    checkpoint    the newest one under which a quorum of witnesses stands: what the public reads
    past/<size>   each that was public before

A file appears whole or not at all, and is on the disk before the next step is taken.
"""

import os
import secrets
from pathlib import Path

from bagipakai.core.notes import Checkpoint, Note
from bagipakai.core.tiles import Log


class Conflict(Exception):
    """A file of the log is there already, with other content. Names the file."""


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> bytes:
        """Raises OSError."""
        return (self.folder / name).read_bytes()

    def log(self, size: int) -> Log:
        return Log(self.read, size)

    def add(self, name: str, content: bytes) -> None:
        """Puts a file that will never change. Again with the same content, it does nothing. Raises Conflict."""
        file = self.folder / name
        if file.exists():
            if file.read_bytes() != content:
                raise Conflict(name)
            return
        self._put(file, content)

    def replace(self, name: str, content: bytes) -> None:
        self._put(self.folder / name, content)

    def checkpoint(self, name: str) -> tuple[Note, Checkpoint] | None:
        """The checkpoint kept as `name` (`signed` or `checkpoint`), or None before the first. Raises BadNote."""
        try:
            note = Note.read(self.read(name))
        except FileNotFoundError:
            return None
        return note, Checkpoint.read(note.text)

    def _put(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        for folder in (file.parent, *file.parent.parents):  # a name is on the disk once its folder is
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            if folder == self.folder:
                break
