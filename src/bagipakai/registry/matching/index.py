"""The candidate index of a release, or of a bare registry file: which persons could a row of a list be?

    index.json          what this is of, by which versions it was made, its counts and files; under a MAC of its key
    key.json            what opens it, wrapped by the storage key (registry.vault); none where the key lives in memory
    <rule>.*            entries: the key (32 bits; registry.matching.keys) and a person's ordinal (32 bits)
    persons             a record of 64 bytes per person, by ordinal
    names.*             the persons' and mothers' names, each once in a stretch of persons
    frequencies.*       entries: the hash of a name (40 bits) and how many persons bear it (24 bits)
    places              how many persons live in each region
    ids, ids.*          the registry's own ids: whole numbers, or texts

Each of them is a sealed array (registry.matching.arrays): mapped, read only, opened where a list touches it. So the
cost follows the list, and nothing is used that was not found to be what was written. A key that more persons have than
its rule allows is kept as a marker alone, so that a row that meets it is told (KUNCI_TERLALU_UMUM).
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.folders import in_the_making
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import keys, manifests, names
from bagipakai.registry.matching.arrays import Heap, HeapWriter, Numbers, Sealed, Writer, Written, runs, write
from bagipakai.registry.matching.keys import NAMES, RULES, mix
from bagipakai.registry.matching.lookups import Ascending, Lookup, firsts, sums, write_lookup
from bagipakai.registry.matching.persons import Persons
from bagipakai.registry.matching.records import NONE, PERSON, columns, filled, packed
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

FORM: Final = "bagipakai-candidate-index-2"
MANIFEST: Final = "index.json"
PLACE: Final = np.dtype([("region", "<i8"), ("people", "<i8")])
MARKER: Final = 2**32 - 1  # in place of an ordinal: too many persons have this key
ORDINAL: Final = 32  # bits below a key in an entry
BEARERS: Final = 24  # bits below a name's hash
LIMIT: Final = 200  # candidates of one row
CHUNK: Final = 32_768  # rows of a list that are looked up together
STRETCH: Final = 262_144  # persons that are taken in together


def versions() -> dict[str, str]:
    """Of what an index depends on: it is of no use to a list whose names or keys are made by others."""
    return {"keys": keys.VERSION, "names": names.VERSION}


def build(
    people: Iterable[pa.Table],
    target: Path,
    key: ShelfKey,
    source: Mapping[str, str],
    storage: StorageKey | None = None,
) -> dict[str, Any]:
    """Makes the index in `target`, a new folder, and gives its manifest. `people`: features of the registry's side
    (registry.matching.features) in its order, with `registry_id` (whole numbers or text; without it, the ordinals).
    `source`: what this is an index of. `key`: a new one, of this index alone; with `storage`, it lies beside, wrapped.

    Memory does not grow with the registry. A build that was killed leaves nothing of that name. Raises ValueError for a
    missing or mixed registry_id, OverflowError beyond 2^32 - 1 persons or names, FileExistsError, OSError.
    """
    with in_the_making(target) as folder:
        if storage is not None:
            (folder / KEY).write_bytes(key.wrapped(storage))
        manifest = {
            "form": FORM,
            "name": key.name,
            "source": dict(source),
            "versions": versions(),
            **_Building(folder, key).of(people),
        }
        manifests.write(folder / MANIFEST, key, manifest)
    return manifest


class _Building:
    """An index in the making."""

    def __init__(self, folder: Path, key: ShelfKey) -> None:
        self._folder, self._key = folder, key
        self._aside = folder / "aside"
        self._aside.mkdir(mode=0o700)
        passing = ShelfKey.new("aside")  # nobody opens again what is laid down on the way
        self._met = {rule.name: Ascending(self._aside, rule.name, passing) for rule in RULES}
        self._borne = Ascending(self._aside, "frequencies", passing)
        self._persons = Writer(folder / "persons", PERSON, key, "persons")
        self._names = HeapWriter(folder, "names", key)
        self._ids: Writer | HeapWriter | None = None
        self._places: Counter[int] = Counter()
        self._count = 0

    def of(self, people: Iterable[pa.Table]) -> dict[str, Any]:
        """The index of these people, and what its manifest says of it."""
        for table in people:
            for at in range(0, len(table), STRETCH):
                self._take(table.slice(at, STRETCH).combine_chunks())
        files = {"persons": self._persons.close(), **self._names.close()}
        places = np.array(sorted(self._places.items()), np.int64).reshape(-1).view(PLACE)
        files["places"] = write(self._folder / "places", places, self._key, "places")
        if isinstance(self._ids, HeapWriter):
            files |= self._ids.close()
        elif self._ids is not None:
            files["ids"] = self._ids.close()
        allowed = {rule.name: _Allowed(rule.most) for rule in RULES}
        for name, kept in allowed.items():
            files |= write_lookup(self._folder, name, self._key, self._met[name], kept)
        files |= write_lookup(self._folder, "frequencies", self._key, self._borne, _summed)
        shutil.rmtree(self._aside)
        return {
            "persons": self._count,
            "rules": {name: kept.counts for name, kept in allowed.items()},
            "files": {name: asdict(files[name]) for name in sorted(files)},
        }

    def _take(self, people: pa.Table) -> None:
        if self._count + len(people) > MARKER:
            raise OverflowError("more persons than an index can number")
        ordinals = np.arange(self._count, self._count + len(people), dtype=np.uint64)
        for name, (key, present) in keys.keys(people).items():
            self._met[name].add(_upper(key[present]) | ordinals[present])
        records = packed(people)
        records["name"], records["mother"] = self._numbered(people["name"], people["mother"])
        self._call(people)
        self._persons.append(records)
        for region, many in zip(*np.unique(records["region"], return_counts=True), strict=True):
            self._places[int(region)] += int(many)
        self._count += len(people)

    def _numbered(self, own: pa.ChunkedArray, mothers: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
        """The numbers of these texts, of which each is laid down once; and how many bear each name is noted."""
        texts = pa.chunked_array([*own.chunks, *mothers.chunks], pa.string()).combine_chunks().dictionary_encode()
        before, distinct = self._names.count, len(texts.dictionary)
        if before + distinct > NONE:
            raise OverflowError("more names than an index can number")
        self._names.append(texts.dictionary)
        at = filled(texts.indices, -1)
        bearers = np.bincount(at[: len(own)] + 1, minlength=distinct + 1)[1:]
        named = np.flatnonzero(bearers)
        self._borne.add(text_hashes(texts.dictionary)[named] | bearers[named].astype(np.uint64))
        numbers = np.where(at < 0, NONE, at + before).astype(np.uint32)
        return numbers[: len(own)], numbers[len(own) :]

    def _call(self, people: pa.Table) -> None:
        """Lays down what the registry calls them; without it, they are called by their ordinals."""
        if "registry_id" not in people.column_names:
            return
        own = people["registry_id"]
        if own.null_count:
            raise ValueError("a registry_id is missing")
        if self._ids is None:
            numbers = pa.types.is_integer(own.type)
            self._ids = self._new_numbers() if numbers else HeapWriter(self._folder, "ids", self._key)
        if isinstance(self._ids, HeapWriter):
            self._ids.append(pc.cast(own, pa.string()).combine_chunks())
        elif pa.types.is_integer(own.type):
            self._ids.append(filled(pc.cast(own, pa.int64()), 0))
        else:
            raise ValueError("registry_id is a number here and text there")

    def _new_numbers(self) -> Writer:
        return Writer(self._folder / "ids", np.dtype("<i8"), self._key, "ids")


class _Allowed:
    """Leaves out the keys that more than `most` persons have, and counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts = {"keys": 0, "too_common": 0, "persons_left_out": 0}

    def __call__(self, entries: Numbers) -> Numbers:
        """In place of a key's too many entries there is one marker."""
        begins = firsts(entries >> np.uint64(ORDINAL))
        sizes = np.diff(np.append(begins, len(entries)))
        over = sizes > self._most
        for name, count in zip(self.counts, (len(begins), over.sum(), sizes[over].sum()), strict=True):
            self.counts[name] += int(count)
        if not over.any():
            return entries
        kept, marked = np.repeat(~over, sizes), entries.copy()
        kept[begins[over]] = True
        marked[begins[over]] |= np.uint64(MARKER)
        return marked[kept]


def _summed(entries: Numbers) -> Numbers:
    """Each hash once, with the sum of what is told of it."""
    below = np.uint64(2**BEARERS - 1)
    begins = firsts(entries >> np.uint64(BEARERS))
    return (entries[begins] & ~below) | np.minimum(sums(entries & below, begins), below)


def text_hashes(texts: pa.StringArray) -> Numbers:
    """40 bits of each text (none is null), above 24 empty ones: of mix(the sum over its bytes of mix(256 · place +
    byte)). Two texts of one hash only share a frequency."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    sizes = np.diff(offsets)
    sums = np.zeros(len(content) + 1, np.uint64)
    placed = runs(np.zeros(len(sizes), np.int64), sizes) * 256 + content
    np.cumsum(mix(placed.view(np.uint64)), out=sums[1:])
    ends = sums[offsets - offsets[0]]
    return mix(ends[1:] - ends[:-1]) & ~np.uint64(2**BEARERS - 1)


def _upper(hashes: Numbers) -> Numbers:
    """Keys of 32 bits as the upper half of 64."""
    return hashes.astype(np.uint64) << np.uint64(ORDINAL)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a list's row (int64) and a person's ordinal (uint32), each once, by row, then by ordinal; `rules`
    (uint32): by which they met, a bit for each place in `keys.RULES`. `too_common` (uint32), for every row of the list:
    the rules whose key too many persons have, or that would have brought the row more than its limit."""

    row: Numbers
    ordinal: Numbers
    rules: Numbers
    too_common: Numbers

    def __len__(self) -> int:
        return len(self.row)

    def of(self, rows: Numbers) -> "Candidates":
        """Those of these rows alone, ascending, which are counted anew."""
        place = np.full(len(self.too_common), -1)
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero(place[self.row] >= 0)
        return Candidates(place[self.row[kept]], self.ordinal[kept], self.rules[kept], self.too_common[rows])

    def beside(self, other: "Candidates") -> "Candidates":
        """Those of either, of the same rows."""
        pair = np.concatenate(
            [one.row.astype(np.uint64) << np.uint64(32) | one.ordinal.astype(np.uint64) for one in (self, other)]
        )
        order = np.argsort(pair, kind="stable")
        begins = firsts(pair[order])
        rules = np.concatenate([self.rules, other.rules])[order]
        met, too_common = pair[order][begins], self.too_common | other.too_common
        return Candidates(
            (met >> np.uint64(32)).astype(np.int64),
            met.astype(np.uint32),
            np.bitwise_or.reduceat(rules, begins) if len(begins) else rules,
            too_common,
        )


class Index:
    """An index, opened. Whatever damage a question meets is raised as Damaged before anything is made of it."""

    def __init__(self, folder: Path, key: ShelfKey, manifest: dict[str, Any]) -> None:
        told = {name: Written(**facts) for name, facts in manifest["files"].items()}
        self.folder, self.manifest = folder, manifest
        self._rules = [Lookup(folder, name, key, told, ORDINAL) for name in NAMES]
        self._borne = Lookup(folder, "frequencies", key, told, BEARERS)
        self._persons = Sealed(folder / "persons", PERSON, key, "persons", told["persons"])
        self._names = Heap(folder, "names", key, told)
        self._ids = _ids(folder, key, told)
        self._places = Sealed(folder / "places", PLACE, key, "places", told["places"])

    @classmethod
    def open(cls, folder: Path, key: ShelfKey, source: Mapping[str, str] | None = None) -> "Index":
        """The index in `folder`. Raises Damaged if its key is another, its manifest is not what was written, or it is
        of other versions or, where one is given, of another source; and if a file is missing or of another size."""
        manifest = _manifest(folder, key)
        if manifest["versions"] != versions():
            raise Damaged("index-of-other-versions", MANIFEST)
        if source is not None and manifest["source"] != dict(source):
            raise Damaged("index-of-another-source", MANIFEST)
        return cls(folder, key, manifest)

    def __len__(self) -> int:
        return len(self._persons)

    def lived_in(self) -> dict[str, dict[int, int]]:
        """For desa, kec and kab: how many persons live in each, by its code. Who tells no place is in none."""
        return self._lived_in

    @cached_property
    def _lived_in(self) -> dict[str, dict[int, int]]:
        places, found = self._places.span(0, len(self._places)), {}
        for name, above in (("desa", 1), ("kec", 10**4), ("kab", 10**6)):
            code = places["region"] // above
            told = code % 100 > 0  # filled up with zeros below its level
            code, many = code[told], places["people"][told]
            begins = firsts(code)
            found[name] = dict(zip(code[begins].tolist(), sums(many, begins).tolist(), strict=True))
        return found

    def candidates(self, features: pa.Table, rules: Iterable[str] = NAMES, limit: int = LIMIT) -> Candidates:
        """The persons that share a key with a row of a list, by the rules of these names. A row that would meet more
        than `limit` keeps those of its smallest keys."""
        wanted = tuple(rules)
        chunks = range(0, max(1, len(features)), CHUNK)
        found = [self._of_chunk(features.slice(at, CHUNK), wanted, limit, at) for at in chunks]
        return Candidates(*(np.concatenate([getattr(one, name) for one in found]) for name in Candidates.__slots__))

    def _of_chunk(self, features: pa.Table, rules: tuple[str, ...], limit: int, before: int) -> Candidates:
        too_common, met = np.zeros(len(features), np.uint32), _Met()
        for number, rows, hashes in keys.asked(features, rules):
            which, ordinals = self._rules[number].find(_upper(hashes))
            marked = ordinals == MARKER
            too_common[rows[which[marked]]] |= np.uint32(1 << number)
            met.add(number, rows, which[~marked], ordinals[~marked])
        return met.within(limit, too_common, before)

    def persons(self, ordinals: Numbers) -> Persons:
        """These persons as a side of pairs. Raises IndexError for one that is not there."""
        return Persons(self._persons.take(ordinals), self._names)

    def people(self, ordinals: Numbers) -> pa.Table:
        """The features of these persons, as registry.matching.features would give them, and `ordinal` (uint32),
        `registry_id`. Raises IndexError for one that is not there."""
        found = self._persons.take(ordinals)
        return pa.table(
            {
                "ordinal": pa.array(np.asarray(ordinals).astype(np.uint32)),
                "registry_id": self.ids(ordinals),
                **columns(found),
                **self._texts(found["name"], found["mother"]),
            }
        )

    def nameless(self, ordinals: Numbers) -> pa.Table:
        """The features of these persons without what is told of names, which costs the most. Raises IndexError."""
        return pa.table(columns(self._persons.take(ordinals)))

    def ids(self, ordinals: Numbers) -> pa.Array:
        """What the registry calls these persons."""
        if self._ids is None:
            return pa.array(np.asarray(ordinals).astype(np.int64))
        told = self._ids.take(ordinals)
        return pa.array(told) if isinstance(told, np.ndarray) else told

    def _texts(self, of_persons: Numbers, of_mothers: Numbers) -> dict[str, pa.Array]:
        """What is told of the names with these numbers; each text is opened and normalised once."""
        numbers, at = np.unique(np.concatenate([of_persons, of_mothers]), return_inverse=True)
        texts = self._names.take(numbers[numbers != NONE])
        each, found = names.normalised(texts), dict[str, pa.ChunkedArray]()
        for whose, its in (("name", at[: len(of_persons)]), ("mother", at[len(of_persons) :])):
            told = each.take(pa.array(its, mask=its == len(texts)))
            found |= {_called(whose, name): told[name] for name in told.column_names}
        return found

    def frequencies(self, texts: pa.StringArray) -> Numbers:
        """How many persons of the registry bear each of these canonical names, none of them null: int32."""
        which, bearers = self._borne.find(text_hashes(texts))
        found = np.zeros(len(texts), np.int32)
        found[which] = bearers
        return found

    def checked(self) -> Iterator[str | Damaged]:
        """Every file read whole and compared: its name, or its damage."""
        for name, facts in self.manifest["files"].items():
            with (self.folder / name).open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"]
            yield name if whole else Damaged("release-file-altered", name)


def _ids(folder: Path, key: ShelfKey, told: Mapping[str, Written]) -> Sealed | Heap | None:
    if "ids" in told:
        return Sealed(folder / "ids", np.dtype("<i8"), key, "ids", told["ids"])
    return Heap(folder, "ids", key, dict(told)) if "ids.bytes" in told else None


def _called(whose: str, column: str) -> str:
    return whose if column == "canonical" else f"{whose}_{column}"


def _manifest(folder: Path, key: ShelfKey) -> dict[str, Any]:
    manifest = manifests.opened(folder / MANIFEST, key)
    if manifest["form"] != FORM or manifest["name"] != key.name:
        raise Damaged("index-of-other-versions", MANIFEST)
    return manifest


class _Met:
    """What the rows of one chunk met, look-up by look-up."""

    def __init__(self) -> None:
        self._found: list[tuple[Numbers, Numbers, Numbers, Numbers]] = []

    def add(self, rule: int, rows: Numbers, which: Numbers, ordinals: Numbers) -> None:
        """By a rule, `which` of the rows met these ordinals."""
        sizes = np.bincount(which, minlength=len(rows))[which]
        self._found.append((rows[which].astype(np.uint64), ordinals, np.full(len(which), rule, np.uint64), sizes))

    def within(self, limit: int, too_common: Numbers, before: int) -> Candidates:
        """Each pair once, and no row with more than `limit` entries; `before`: rows before this chunk."""
        none = np.empty(0, np.uint64)
        row, ordinal, rule, size = (np.concatenate(one) for one in zip(*self._found, (none,) * 4, strict=True))
        crowded = np.bincount(row.astype(np.int64), minlength=len(too_common)) > limit
        if crowded.any():
            kept = ~crowded[row.astype(np.int64)]
            kept[_smallest(row, rule, size, np.flatnonzero(~kept), limit)] = True
            np.bitwise_or.at(too_common, row[~kept].astype(np.int64), _bit(rule[~kept]))
            row, ordinal, rule = row[kept], ordinal[kept], rule[kept]
        met = row << np.uint64(37) | ordinal << np.uint64(5) | rule  # 32 bits of ordinal, 5 of rule
        met.sort()
        begins = firsts(met >> np.uint64(5))
        rules = np.bitwise_or.reduceat(_bit(met & np.uint64(31)), begins) if len(begins) else _bit(met)
        pair = met[begins] >> np.uint64(5)
        return Candidates((pair >> np.uint64(32)).astype(np.int64) + before, pair.astype(np.uint32), rules, too_common)


def _bit(rule: Numbers) -> Numbers:
    return np.left_shift(np.uint32(1), rule.astype(np.uint32))


def _smallest(row: Numbers, rule: Numbers, size: Numbers, at: Numbers, limit: int) -> Numbers:
    """Of the entries at these places those of each row's smallest keys: whole keys, as many as fit."""
    at = at[np.lexsort((rule[at], size[at], row[at]))]
    begins = firsts(row[at])
    of_row = np.repeat(begins, np.diff(np.append(begins, len(at))))
    key = firsts((row[at] << np.uint64(37)) | (size[at].astype(np.uint64) << np.uint64(5)) | rule[at])
    ends = np.append(key[1:], len(at))
    fits: Numbers = np.repeat(ends, ends - key) - of_row <= limit
    return np.compress(fits, at)
