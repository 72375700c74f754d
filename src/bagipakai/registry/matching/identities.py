"""Whose row is whose, release after release: a number of 128 random bits for every person, and what became of it.

    identities.json     whose persons these are, after which releases, counts and files; under a MAC of its key
    key.json            what opens it, wrapped by the storage key (registry.vault)
    ids                 the identity of each person, in the order of the release
    gone                who was in an earlier release and is not in this one: identity, trace, and of whom merged into
                        whom
    events              what became of whom from the release before to this one
    of.*                entries: 32 bits of an identity, and its place in `ids` or, behind the last, in `gone`

Each release has a folder of its own, written once and never changed, so the history is only ever added to; it names
those before it. An identity is drawn by chance and says nothing: not the NIK, not the order, not the release. It never
leaves the house; what leaves is a pseudonym made of it for one recipient (registry.pseudonyms). Decision 0126.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bagipakai.registry.folders import in_the_making
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import manifests, names
from bagipakai.registry.matching.arrays import Numbers, Sealed, Writer, Written
from bagipakai.registry.matching.carrying import Left, Same, Side, Told, Twice, linked
from bagipakai.registry.matching.lookups import FINEST, Ascending, Lookup, write_lookup
from bagipakai.registry.matching.traces import TRACE
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

FORM: Final = "bagipakai-identities-1"
MANIFEST: Final = "identities.json"
ID: Final = np.dtype([("high", "<u8"), ("low", "<u8")])
NOBODY: Final = np.zeros(1, ID)[0]
GONE: Final = np.dtype([("trace", TRACE), ("id", ID), ("now", ID), ("since", "<u4")])  # now: merged into
EVENT: Final = np.dtype([("id", ID), ("other", ID), ("place", "<u4"), ("what", "u1"), ("changed", "u1"), ("_", "V10")])
MOST: Final = 2**32 - 1  # persons of a release and gone ones, together
STRETCH: Final = 2**32 // FINEST  # places that are written together
SPAN: Final = 131_072  # of what is read through


class What(IntEnum):
    """What became of an identity. `place` is where it stands in this release; of those who left, where it stood."""

    BORN = 1  # drawn for somebody whom the release before does not have
    CARRIED = 2  # goes on, but something by which one is known changed: `changed`, bits of carrying.CHANGES
    MERGED = 3  # was the same person as `other`, and stands for it from now on
    SPLIT = 4  # stands alone again: it was merged into `other`
    GONE = 5
    RETURNED = 6  # was gone before


def found(
    count: int, target: Path, key: ShelfKey, source: Mapping[str, str], storage: StorageKey | None = None
) -> dict[str, Any]:
    """Draws the first identities, for a release of `count` persons, into `target`, a new folder; gives the manifest.
    `source`: what they are of; `key`: a new one; with `storage`, it lies beside, wrapped. Raises OverflowError for too
    many persons, FileExistsError, OSError."""
    with in_the_making(target) as folder:
        making = _Making(folder, key, storage, count)
        for at in range(0, count, STRETCH):
            making.add(_drawn(min(STRETCH, count - at)))
        return making.end(source, (), {"persons": count})


def carry(
    before: "Identities",
    old: Side,
    new: Side,
    target: Path,
    key: ShelfKey,
    source: Mapping[str, str],
    storage: StorageKey | None = None,
    told: Told = lambda _: None,
) -> dict[str, Any]:
    """Carries the identities of `old`, which are `before`, over to `new`, into `target`, a new folder; gives the
    manifest, whose `counts` say what happened. Memory does not grow with the releases, and what was killed leaves
    nothing of that name. Raises ValueError if `old` has another number of persons than `before`; what carrying.linked
    raises; and what `found` does."""
    if old.count != len(before):
        raise ValueError("identities of another release")
    with in_the_making(target) as folder:
        return _Carrying(before, _Making(folder, key, storage, new.count)).of(old, new, source, told)


class _Making:
    """The identities of a release of `count` persons in the making."""

    def __init__(self, folder: Path, key: ShelfKey, storage: StorageKey | None, count: int) -> None:
        if storage is not None:
            (folder / KEY).write_bytes(key.wrapped(storage))
        self._folder, self._key, self.count = folder, key, count
        self.aside = folder / "aside"
        self.aside.mkdir(mode=0o700)
        self._writers = {
            name: Writer(folder / name, kind, key, name)
            for name, kind in (("ids", ID), ("gone", GONE), ("events", EVENT))
        }
        self._of = self.ascending("of")
        self._next = {"ids": 0, "gone": count}

    def ascending(self, name: str) -> Ascending:
        return Ascending(self.aside, name, ShelfKey.new("aside"))  # nobody opens it again

    def add(self, ids: Numbers) -> None:
        """The identities of the next persons of the release."""
        self._append("ids", ids, ids)

    def lose(self, gone: Numbers) -> None:
        """Those who are not in the release."""
        self._append("gone", gone, gone["id"])

    def tell(self, what: What, ids: Numbers, place: Numbers, other: Any = NOBODY, changed: Any = 0) -> None:
        events = np.zeros(len(ids), EVENT)
        events["id"], events["other"], events["place"] = ids, other, place
        events["what"], events["changed"] = what, changed
        self._writers["events"].append(events)

    def end(self, source: Mapping[str, str], line: Sequence[Any], counts: Mapping[str, int]) -> dict[str, Any]:
        files: dict[str, Written] = {name: writer.close() for name, writer in self._writers.items()}
        files |= write_lookup(self._folder, "of", self._key, self._of, lambda entries: entries)
        shutil.rmtree(self.aside)
        manifest = {
            "form": FORM,
            "name": self._key.name,
            "names": names.VERSION,
            "source": dict(source),
            "line": list(line),
            "counts": dict(counts),
            "files": {name: asdict(files[name]) for name in sorted(files)},
        }
        manifests.write(self._folder / MANIFEST, self._key, manifest)
        return manifest

    def _append(self, name: str, rows: Numbers, ids: Numbers) -> None:
        first = self._next[name]
        if first + len(ids) > MOST:
            raise OverflowError("more persons than can be numbered")
        self._of.add(_upper(ids) | np.arange(first, first + len(ids), dtype=np.uint64))
        self._writers[name].append(rows)
        self._next[name] += len(ids)


class _Carrying:
    """The identities of one release being carried to the next."""

    def __init__(self, before: "Identities", making: _Making) -> None:
        self._before, self._making = before, making
        self._came, self._changed = making.ascending("came"), making.ascending("changed")  # by later place
        self._back = np.zeros(len(before.gone), bool)
        self._counts = {"persons": making.count} | {what.name.lower(): 0 for what in What}

    def of(self, old: Side, new: Side, source: Mapping[str, str], told: Told) -> dict[str, Any]:
        for event in linked(old, new, self._before.traces(), told, self._making.aside):
            match event:
                case Same():
                    self._same(event)
                case Twice():
                    self._lose(What.MERGED, event.old, self._before.ids(event.into))
                case Left():
                    self._lose(What.GONE, event.old, NOBODY)
        self._write()
        for at, gone in self._before.spans():
            self._making.lose(gone[~self._back[at : at + len(gone)]])
        return self._making.end(source, self._line, self._counts)

    @property
    def _line(self) -> list[Any]:
        return [*self._before.line, self._before.source]

    def _same(self, same: Same) -> None:
        self._came.add(_placed(same.new, same.old))
        self._changed.add(_placed(same.new, same.changed)[same.changed > 0])
        self._back[same.old[same.old >= len(self._before)] - len(self._before)] = True

    def _lose(self, what: What, traces: Numbers, now: Any) -> None:
        gone = np.zeros(len(traces), GONE)
        gone["trace"], gone["id"] = traces, self._before.ids(traces["place"])
        gone["now"], gone["since"] = now, len(self._line)
        self._making.lose(gone)
        self._tell(what, gone["id"], traces["place"], other=gone["now"])

    def _write(self) -> None:
        """The persons of the later release in their order, a stretch at a time."""
        stretches = zip(self._came.ranges(FINEST), self._changed.ranges(FINEST), strict=True)
        for first, (came, changed) in zip(range(0, self._making.count, STRETCH), stretches, strict=False):
            count = min(STRETCH, self._making.count - first)
            ids, fresh, bits = np.zeros(count, ID), np.ones(count, bool), np.zeros(count, np.uint8)
            new, old = _places(came)
            new -= first
            fresh[new] = False
            ids[fresh] = _drawn(int(fresh.sum()))
            there = old < len(self._before)
            ids[new[there]] = self._before.ids(old[there])
            gone = self._before.gone.take(old[~there] - len(self._before))
            ids[new[~there]] = gone["id"]
            self._making.add(ids)
            at, told = _places(changed)
            bits[at - first] = told
            self._tell(What.BORN, ids[fresh], first + np.flatnonzero(fresh))
            split = gone["now"] != NOBODY
            for what, these in ((What.RETURNED, ~split), (What.SPLIT, split)):
                back = new[~there][these]
                self._tell(what, ids[back], first + back, other=gone["now"][these], changed=bits[back])
            bits[new[~there]] = 0
            on = np.flatnonzero(bits)
            self._tell(What.CARRIED, ids[on], first + on, changed=bits[on])

    def _tell(self, what: What, ids: Numbers, place: Numbers, other: Any = NOBODY, changed: Any = 0) -> None:
        self._making.tell(what, ids, place, other, changed)
        self._counts[what.name.lower()] += len(ids)


class Identities:
    """The identities of a release, opened. Whatever damage a question meets is raised as Damaged."""

    def __init__(self, folder: Path, key: ShelfKey, manifest: dict[str, Any]) -> None:
        told = {name: Written(**facts) for name, facts in manifest["files"].items()}
        self.folder, self.manifest = folder, manifest
        self._ids = Sealed(folder / "ids", ID, key, "ids", told["ids"])
        self.gone = Sealed(folder / "gone", GONE, key, "gone", told["gone"])
        self._events = Sealed(folder / "events", EVENT, key, "events", told["events"])
        self._of = Lookup(folder, "of", key, told, 32)

    @classmethod
    def open(cls, folder: Path, key: ShelfKey, source: Mapping[str, str] | None = None) -> "Identities":
        """The identities in `folder`. Raises Damaged if its key is another, its manifest is not what was written, it is
        of another source than the one that is given, or a file is missing or of another size."""
        manifest = manifests.opened(folder / MANIFEST, key)
        if manifest["form"] != FORM or manifest["name"] != key.name:
            raise Damaged("release-file-altered", MANIFEST)
        if source is not None and manifest["source"] != dict(source):
            raise Damaged("identities-of-another-source", MANIFEST)
        return cls(folder, key, manifest)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def source(self) -> dict[str, str]:
        """What these are the identities of."""
        return dict(self.manifest["source"])

    @property
    def line(self) -> list[dict[str, str]]:
        """The sources of the releases before, the first one first."""
        return list(self.manifest["line"])

    def ids(self, places: Numbers) -> Numbers:
        """The identities (ID) of the persons at these places of the release. Raises IndexError."""
        return self._ids.take(np.asarray(places))

    def events(self) -> Iterator[Numbers]:
        """What became of whom (EVENT) from the release before to this one; none for the first."""
        for at in range(0, len(self._events), SPAN):
            yield self._events.span(at, min(at + SPAN, len(self._events)))

    def resolved(self, ids: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Of each identity that ever was: the one that stands for it now (itself, or the one it was merged into); its
        place in the release (int64; -1 if it is gone); and since which release it is gone, counted in `line` (int64;
        -1 if it is there). An identity that never was has NOBODY and -1 twice."""
        now = np.asarray(ids, ID).copy()
        place, since = np.full(len(now), -1, np.int64), np.full(len(now), -1, np.int64)
        asked = np.arange(len(now))
        while len(asked):
            at = self._places(now[asked])
            now[asked[at < 0]] = NOBODY
            here, away = (at >= 0) & (at < len(self)), np.flatnonzero(at >= len(self))
            place[asked[here]] = at[here]
            gone = self.gone.take(at[away] - len(self))
            merged = gone["now"] != NOBODY
            since[asked[away[~merged]]] = gone["since"][~merged]
            asked = asked[away[merged]]
            now[asked] = gone["now"][merged]
        return now, place, since

    def _places(self, ids: Numbers) -> Numbers:
        """Where each stands in `ids` or, behind, in `gone`; -1 for one that never was."""
        which, places = self._of.find(_upper(ids))
        places = places.astype(np.int64)
        told, here = np.empty(len(places), ID), places < len(self)
        told[here] = self._ids.take(places[here])
        told[~here] = self.gone.take(places[~here] - len(self))["id"]
        right = told == ids[which]
        found = np.full(len(ids), -1, np.int64)
        found[which[right]] = places[right]
        return found

    def spans(self) -> Iterator[tuple[int, Numbers]]:
        """All who are gone (GONE), and the place of the first of each span."""
        for at in range(0, len(self.gone), SPAN):
            yield at, self.gone.span(at, min(at + SPAN, len(self.gone)))

    def traces(self) -> Iterator[Iterator[Numbers]]:
        """Their traces, at places behind the last of the release: of those who were merged into nobody, then of the
        others; none if names are heard otherwise by now."""
        if self.manifest["names"] == names.VERSION:
            yield from (self._traces(merged) for merged in (False, True))

    def _traces(self, merged: bool) -> Iterator[Numbers]:
        for at, gone in self.spans():
            these = np.flatnonzero((gone["now"] != NOBODY) == merged)
            traces = gone["trace"][these]
            traces["place"] = len(self) + at + these
            yield traces

    def checked(self) -> Iterator[str | Damaged]:
        """Every file read whole and compared: its name, or its damage."""
        for name, facts in self.manifest["files"].items():
            with (self.folder / name).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"]
            yield name if whole else Damaged("release-file-altered", name)


def texts(ids: Numbers) -> pa.StringArray:
    """Identities as 32 hexadecimal digits each."""
    octets = np.ascontiguousarray(ids, ID).view(np.uint8).reshape(-1, ID.itemsize)
    digits = np.stack([_HEX[octets >> 4], _HEX[octets & 15]], axis=2)
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * np.int32(2 * ID.itemsize)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(digits.tobytes()))


_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)


def _drawn(count: int) -> Numbers:
    """That two of them, ever, are equal is less likely than that a disk invents a person."""
    return np.frombuffer(os.urandom(count * ID.itemsize), ID)


def _upper(ids: Numbers) -> Numbers:
    found: Numbers = ids["high"] & np.uint64(2**64 - 2**32)
    return found


def _placed(places: Numbers, told: Numbers) -> Numbers:
    """Entries that stand by their place."""
    found: Numbers = places.astype(np.uint64) << np.uint64(32) | told.astype(np.uint64)
    return found


def _places(entries: Numbers) -> tuple[Numbers, Numbers]:
    return (entries >> np.uint64(32)).astype(np.int64), (entries & np.uint64(2**32 - 1)).astype(np.int64)
