"""A book that is only ever added to: signed records, each naming the one before it, beside a sealed table of each.

    key.json             opens the tables; wrapped by the storage key
    000001.parquet       what a record is about; sealed
    000001.dsse.json     the record, signed: what it says, the seal of its table, and the record before it

A record counts from the moment on at which it is signed: a table that nobody signed is of somebody who was killed.
"""

import fcntl
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.keyfiles import write_once
from bagipakai.core.shapes import NO_MORE, Form, is_count, is_digest, is_digest_or_empty, misfit
from bagipakai.registry.folders import sync
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import KEY, Damaged, Sealing, ShelfKey

_LOCK: Final = ".turn"
_ENDING: Final = ".dsse.json"
_SEALED: Final[Form] = {"bytes": is_count, "sha256": is_digest, "blocks": is_digest}
_RECORD: Final[Form] = {
    "previous": is_digest_or_empty,
    "sealed": lambda value: isinstance(value, Mapping) and misfit(value, _SEALED) is None,
}


class Records:
    """The book under `folder`. `name` is of its key, `kind` of its records, which say `form` and may say `allowed`;
    where they are not those that were added, Damaged is raised, with the code `broken`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        kind: str,
        form: Form,
        broken: str,
        storage: StorageKey,
        signer: Signer,
        trusted: Sequence[PublicKey],
        allowed: Form = NO_MORE,
    ) -> None:
        self._folder, self._name, self._kind, self._broken, self._storage = folder, name, kind, broken, storage
        self._signer, self._trusted = signer, (signer.public, *trusted)
        self._form, self._allowed = {**form, **_RECORD}, allowed

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else adds anything."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def add(self, says: Mapping[str, Any], table: pa.Table) -> None:
        """Within a turn. Raises OSError."""
        number = sum(1 for _ in self.all()) + 1
        previous = hashlib.sha256(self._file(number - 1).read_bytes()).hexdigest() if number > 1 else ""
        path = self._folder / _table(number)
        path.unlink(missing_ok=True)  # of somebody who was killed before it was signed
        with Sealing(path, self._key(make=True).cipher(path.name)) as out:
            pq.write_table(table, out, compression="zstd")
        path.chmod(0o600)
        told = {**says, "previous": previous, "sealed": asdict(out.sealed)}
        write_once(self._file(number), seal(self._kind, told, self._signer), 0o600)
        sync(self._folder, inside=False)

    def all(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each record with its number, the oldest first."""
        head = ""
        for number, file in enumerate(sorted(self._folder.glob(f"*{_ENDING}")), start=1):
            envelope = file.read_bytes()
            told = self._unsealed(envelope, file.name)
            if file != self._file(number) or told["previous"] != head:
                raise Damaged(self._broken, file.name)
            head = hashlib.sha256(envelope).hexdigest()
            yield number, told

    def table(self, number: int, told: Mapping[str, Any]) -> pa.Table:
        """What the record is about."""
        path = self._folder / _table(number)
        with Shelf(self._key(), {path.name: Entry(path, told["sealed"]["blocks"])}).reading() as shelf:
            return pq.read_table(shelf.open(shelf.name(path.name)))

    def damaged(self, number: int) -> Damaged:
        """For a table that is whole, and not what its record says."""
        return Damaged(self._broken, _table(number))

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:06d}{_ENDING}"

    def _unsealed(self, envelope: bytes, name: str) -> dict[str, Any]:
        for key in self._trusted:
            try:
                told = unseal(self._kind, envelope, key)
            except BadSeal:
                continue
            if misfit(told, self._form, self._allowed) is None:
                return told
        raise Damaged(self._broken, name)

    def _key(self, make: bool = False) -> ShelfKey:
        if make and not (self._folder / KEY).exists():
            write_once(self._folder / KEY, ShelfKey.new(self._name).wrapped(self._storage), 0o600)
        return ShelfKey.unwrapped(self._folder, self._name, self._storage)


def _table(number: int) -> str:
    return f"{number:06d}.parquet"
