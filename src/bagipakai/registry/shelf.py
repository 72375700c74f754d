"""The sealed files of one release, or of one submission, as engines read them: where they lie."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fsspec import AbstractFileSystem

from bagipakai.registry.engines import Part, Tally
from bagipakai.registry.vault import ROOM, SHORT, Damaged, Index, Opened, Room, ShelfKey

_SHELVES = count()


@dataclass(frozen=True, slots=True)
class Entry:
    """A sealed file on the shelf: where it lies, what its blocks must be, and whose rows it holds and how many, where
    they are of regencies (`engines.Part`); or of which table, `by` which columns, it tells what was counted
    (`engines.Tally`)."""

    path: Path
    blocks: str
    regencies: tuple[str, ...] = ()
    rows: int | None = None
    unit: str = ""
    by: tuple[str, ...] = ()


class Shelf(AbstractFileSystem):  # type: ignore[misc]  # fsspec tells no types
    """The sealed files of one release as a file system that DuckDB can read (`given_to`), and nothing else:
    no name that is not on the shelf opens. `damage` is the first that a reader met; DuckDB tells it as an error of its
    own, so who reads must look here."""

    cachable = False

    def __init__(self, key: ShelfKey, entries: Mapping[str, Entry]) -> None:
        super().__init__()
        self.protocol = f"rak-{next(_SHELVES)}"  # one engine may read from two
        self._entries, self._key = entries, key
        self._met: dict[str, tuple[AESGCM, Index]] = {}  # a table opens each file twice
        self._rooms: list[Room] = []
        self.damage: Damaged | None = None

    def name(self, path: str) -> str:
        """How an engine names the file with this path within the release."""
        return f"{self.protocol}://{path}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files of rows as an engine names them, in the order in which they were put on the shelf."""
        files = ((self.name(name), entry) for name, entry in self._entries.items() if not entry.by)
        return tuple(Part(name, entry.regencies, entry.rows) for name, entry in files)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """The others."""
        files = ((self.name(name), entry) for name, entry in self._entries.items() if entry.by)
        return tuple(Tally(name, entry.unit, entry.by, entry.rows or 0) for name, entry in files)

    def given_to(self, con: Any) -> None:
        """Lets a DuckDB that is not locked yet read from here, with its own threads: to hand each read over to others,
        as it does for a store that is far away, costs more than the read. So does reading what lies between two columns
        that it wants: it would, whenever a busy machine made it believe that each read takes long."""
        con.register_filesystem(self)
        con.execute("SET GLOBAL async_threads = 0")
        con.execute(f"SET GLOBAL parquet_prefetch_column_gap = {SHORT}")

    @contextmanager
    def reading(self) -> Iterator["Shelf"]:
        """A block in which damage that a reader met is raised, instead of what an engine made of it."""
        try:
            yield self
        except Exception:
            if self.damage is not None:
                raise self.damage from None
            raise

    def lay_open(self, folder: Path) -> Iterator[Part]:
        """The plaintext of every file under `folder`, for an engine that can read nothing else. Raises Damaged,
        OSError."""
        for part in self.parts:
            target = folder / self._named(part.path)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.open(part.path) as sealed, target.open("xb") as out:
                while piece := sealed.read(ROOM):
                    out.write(piece)
            yield Part(str(target), part.regencies, part.rows)

    def open(self, path: str, mode: str = "rb", **_: Any) -> "_Shelved":
        name = self._named(path)
        if mode != "rb":
            raise PermissionError("a release cannot be changed")
        cipher, index = self._met.get(name) or (self._key.cipher(name), None)
        file = _Shelved(self, name, self._entries[name], cipher, index, self._rooms)
        self._met[name] = cipher, file.index
        return file

    def glob(self, path: str, **_: Any) -> list[str]:
        return [self.name(self._named(path))]

    def size(self, path: str) -> int:
        """Of the plaintext, in bytes."""
        name = self._named(path)
        if name not in self._met:
            self.open(path).close()
        return self._met[name][1].size

    def modified(self, _: str) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC)  # never: a release cannot change

    def unstrip_protocol(self, name: str) -> str:
        return name

    def _named(self, path: str) -> str:
        name = path.removeprefix(f"{self.protocol}://")
        if name not in self._entries:
            raise FileNotFoundError("not on the shelf")
        return name


class _Shelved(Opened):
    """A file that tells its shelf of damage."""

    def __init__(
        self, shelf: Shelf, name: str, entry: Entry, cipher: AESGCM, index: Index | None, rooms: list[Room]
    ) -> None:
        self._shelf = shelf
        with self._telling():
            super().__init__(entry.path, cipher, entry.blocks, name, index, rooms)

    def read(self, size: int = -1) -> bytes:
        with self._telling():
            return super().read(size)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except Damaged as damage:
            self._shelf.damage = self._shelf.damage or damage
            raise
