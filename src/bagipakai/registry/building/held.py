"""What a build puts into nobody's row, sealed: who was not found (usulan), whom a clerk must look at (telaah), who is
somebody's second row (ganda), who is said to have died (meninggal), or had died before they were known (almarhum).

    key.json                          what opens the lists, wrapped by the storage key
    lists.json                        the lists, their rows and files; under a MAC of the key
    usulan-dukcapil-00000.parquet …   sealed in blocks (registry.vault)
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import manifests
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.tables import ROW_GROUP
from bagipakai.registry.vault import KEY, ShelfKey, look, seal_file

FORM: Final = "bagipakai-held-1"
LISTS: Final = "lists.json"
BUILDS: Final = Path("registry", "builds")  # within var: where builds lie, each in a folder of its own
NAME: Final = "held"
NEW, REVIEW, TWICE, DIED, PAST = "usulan", "telaah", "ganda", "meninggal", "almarhum"
_Tables = list[pa.Table]


class Holding:
    """The lists of a build in the making, in `folder`, which is new. Rows stand in clear only in its private folder,
    one part of one list at a time."""

    def __init__(self, folder: Path, storage: StorageKey) -> None:
        folder.mkdir(mode=0o700)
        self._folder, self._key = folder, ShelfKey.new(NAME)
        (folder / KEY).write_bytes(self._key.wrapped(storage))
        self._waiting: dict[tuple[str, str], _Tables] = {}
        self._parts: dict[str, dict[str, Any]] = {}
        self.rows: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, source: str, rows: pa.Table) -> None:
        """Rows of one kind and source, of the same columns each time."""
        if not len(rows):
            return
        self.rows[kind, source] += len(rows)
        waiting = self._waiting.setdefault((kind, source), [])
        waiting.append(rows)
        while (waited := sum(map(len, waiting))) >= ROW_GROUP:
            whole = pa.concat_tables(waiting)
            self._write(kind, source, whole.slice(0, ROW_GROUP))
            waiting[:] = [whole.slice(ROW_GROUP)] if waited > ROW_GROUP else []

    def close(self) -> None:
        for (kind, source), waiting in self._waiting.items():
            if waiting:
                self._write(kind, source, pa.concat_tables(waiting))
        manifests.write(
            self._folder / LISTS, self._key, {"form": FORM, "name": NAME, "files": dict(sorted(self._parts.items()))}
        )

    def _write(self, kind: str, source: str, rows: pa.Table) -> None:
        number = sum(one["kind"] == kind and one["source"] == source for one in self._parts.values())
        name = f"{kind}-{source}-{number:05d}.parquet"
        with tempfile.NamedTemporaryFile(dir=self._folder) as plain:  # for its owner alone
            pq.write_table(rows, plain.name, compression="zstd")
            sealed = seal_file(Path(plain.name), self._folder / name, self._key.cipher(name))
        self._parts[name] = {"kind": kind, "source": source, "rows": len(rows), **asdict(sealed)}


class Held:
    """The lists of a build, opened."""

    def __init__(self, folder: Path, key: ShelfKey, files: dict[str, dict[str, Any]]) -> None:
        self._folder, self._key, self._files = folder, key, files

    @classmethod
    def open(cls, folder: Path, storage: StorageKey) -> "Held":
        """Raises Damaged if `storage` does not open them, or they are not what was written."""
        key = ShelfKey.unwrapped(folder, NAME, storage)
        files = manifests.opened(folder / LISTS, key)["files"]
        for name, one in files.items():
            look(folder / name, one["bytes"], name)
        return cls(folder, key, files)

    @property
    def lists(self) -> dict[tuple[str, str], int]:
        """Kind and source → how many rows."""
        found: Counter[tuple[str, str]] = Counter()
        for one in self._files.values():
            found[one["kind"], one["source"]] += one["rows"]
        return dict(found)

    def rows(self, kind: str, source: str) -> Iterator[pa.Table]:
        """The rows of one list. Raises Damaged."""
        wanted = {name: one for name, one in self._files.items() if (one["kind"], one["source"]) == (kind, source)}
        entries = {name: Entry(self._folder / name, one["blocks"]) for name, one in wanted.items()}
        with Shelf(self._key, entries).reading() as shelf:
            for part in shelf.parts:
                with shelf.open(part.path) as file:
                    yield pq.read_table(file)
