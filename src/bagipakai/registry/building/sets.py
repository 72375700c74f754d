"""What the sources handed in: the accepted rows of one set each, as a release is built from them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import PublicKey
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract, Sources
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.intake.checking import schema
from bagipakai.registry.intake.storing import FILE, LINE
from bagipakai.registry.intake.taking import FORM, REPORT
from bagipakai.registry.kept import ACCEPTED, Kept, UnknownKept, all_kept
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.lineage import Source
from bagipakai.registry.vault import Damaged

TOGETHER: Final = 65_536  # rows


class Opened(Protocol):
    """What parts of rows are read from."""

    def __call__(self) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Handed:
    """The accepted rows of one set of a source. `name`: which set; `day`: on which its sender sent it; `content`: the
    digest of what its rows say."""

    contract: Contract
    name: str
    day: date
    rows: int
    content: str
    opened: Opened

    @property
    def source(self) -> str:
        return self.contract.source

    @property
    def of_lineage(self) -> Source:
        return Source(self.source, self.contract.provider, self.contract.version, self.day)

    def tables(self) -> Iterator[pa.Table]:
        """The rows, in the columns of the contract and with the place of each (intake.storing), some at a time. Raises
        Damaged before the end if they are not what was taken, OSError."""
        columns = schema(self.contract)
        digest = ContentDigest(columns)
        for part in self.opened():
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(TOGETHER):
                    table = pa.Table.from_batches([batch])
                    digest.add(table.select(columns.names))
                    yield table
        if digest.hexdigest() != self.content:
            raise Damaged("building-set-altered", f"{self.source}/{self.name}")

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "set": self.name,
            "day": self.day.isoformat(),
            "contract": self.contract.version,
            "content": self.content,
            "rows": self.rows,
        }


def newest(
    submissions: Path, trusted: PublicKey, storage: StorageKey, day: date, sources: Sequence[str] = ()
) -> list[Handed] | Refusal:
    """The newest set of each source (or of these alone) that is kept and was sent by `day`. Raises Damaged."""
    found: dict[str, Handed] = {}
    for folder in all_kept(submissions):
        if sources and folder.parent.name not in sources:
            continue
        try:
            kept = Kept.open(folder, trusted)
        except UnknownKept:  # it is being destroyed, as its time is over
            continue
        sent = day_of(kept.sent_at)
        if sent > day:
            continue
        contract = Sources.on(sent).get(kept.receipt.source)
        if contract is None or kept.receipt.contract != f"{contract.version}@{contract.digest}":
            return Refusal("building-set-of-another-contract", {"source": folder.parent.name, "version": folder.name})
        found[contract.source] = Handed(
            contract, folder.name, sent, kept.receipt.accepted, kept.receipt.kept, _of_kept(kept, storage)
        )
    return list(found.values())


def of_folder(folder: Path) -> Handed | Refusal:
    """The set that `registry intake` took into this folder."""
    unreadable = Refusal("building-set-unreadable", {"file": folder.name})
    try:
        told = json.loads((folder / REPORT).read_bytes())
        day = date.fromisoformat(told["day"])
        contract = Sources.on(day).get(str(told["source"]))
        if told["form"] != FORM or not (folder / ACCEPTED).is_dir():
            return unreadable
        if contract is None or told["contract"] != contract.digest:
            return Refusal("building-set-of-another-contract", {"source": str(told["source"])[:40], "version": "–"})
        rows, content = int(told["rows"]["accepted"]), str(told["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return unreadable
    parts = sorted((folder / ACCEPTED).iterdir())
    return Handed(contract, content[:12], day, rows, content, lambda: iter(parts))


def _of_kept(kept: Kept, storage: StorageKey) -> Opened:
    @contextmanager
    def each() -> Iterator[Iterator[Any]]:
        with kept.reading(storage) as shelf:
            yield (shelf.open(part.path) for part in shelf.parts)

    def opened() -> Iterator[Any]:
        with each() as parts:
            yield from parts

    return opened


__all__ = ["FILE", "LINE", "Handed", "newest", "of_folder"]
