"""`bagipakai registry index | match`: who of a list is who of the registry. What they write is for the house alone."""

import argparse
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai import postgres
from bagipakai.core.policy import NoRule
from bagipakai.core.refusal import Refusal
from bagipakai.core.troubles import trouble
from bagipakai.registry import keys, named
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import Damaged
from bagipakai.showing import answered, interruptible, number, refused, shown

if TYPE_CHECKING:
    from bagipakai.registry.matching.headings import Headings
    from bagipakai.registry.matching.index import Index

BANDS = {"match": "cocok", "review": "perlu telaah", "none": "tidak cocok"}


def register(subparsers: Any) -> None:
    """Adds the commands of matching."""
    index = subparsers.add_parser(
        "index",
        help="buat indeks kandidat sebuah rilis, sekali, agar pemadanan cepat",
        description="Indeks memuat data pribadi: disegel seperti rilisnya, dan disimpan di sebelahnya.",
    )
    _of_registry(index)
    index.add_argument("--json", action="store_true", help="jawaban untuk program, di keluaran baku")
    index.set_defaults(run=_index)
    match = subparsers.add_parser(
        "match",
        help="padankan sebuah daftar dengan rilis: cocok, perlu telaah, atau tidak cocok, dengan alasan tiap baris",
        description="Hasilnya untuk di dalam saja; yang keluar ke pengguna adalah yang tertulis pada haknya.",
    )
    _of_registry(match)
    match.add_argument("--list", type=Path, required=True, metavar="BERKAS", help="CSV, XLSX, atau Parquet")
    match.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="hasil: Parquet, atau CSV bila .csv")
    match.add_argument("--model", type=Path, metavar="BERKAS", help="model lain daripada yang bawaan")
    match.add_argument(
        "--one-to-one", action="store_true", help="satu orang untuk satu baris: baris terbaik mendapatkannya"
    )
    match.add_argument("--day", type=date.fromisoformat, metavar="TTTT-BB-HH", help="menurut kebijakan hari itu")
    match.add_argument("--json", action="store_true", help="ringkasan untuk program, di keluaran baku")
    match.set_defaults(run=_match)


def _of_registry(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--release", type=Path, metavar="MAP", help="rilis: mapnya, atau versinya")
    which.add_argument("--registry", type=Path, metavar="BERKAS", help="registri sebagai satu berkas Parquet")
    command.add_argument("--index", type=Path, metavar="MAP", help="tempat indeks (baku: di sebelah registrinya)")


def _index(options: argparse.Namespace) -> int:
    from bagipakai.registry.matching.honey import real
    from bagipakai.registry.matching.index import Index

    made = _opened(options)
    if not isinstance(made, Index):
        return refused(made)
    told = {"persons": real(made), "folder": str(made.folder), "rules": made.manifest["rules"]}
    return answered(options, told, f"Indeks {number(real(made))} orang: {made.folder}")


def _match(options: argparse.Namespace) -> int:
    from bagipakai.registry.matching import lists, model
    from bagipakai.registry.matching.features import features
    from bagipakai.registry.matching.honey import met, without
    from bagipakai.registry.matching.job import Matching
    from bagipakai.registry.matching.policy import Decision, today
    from bagipakai.registry.matching.results import is_writable, result, write

    day = options.day or today()
    if not is_writable(options.out):
        return refused(Refusal("matching-out-of-another-form", {"file": options.out.name}))
    try:
        policy, given = Decision.on(day), lists.read(options.list, day=day)
    except NoRule:
        return refused(Refusal("matching-has-no-rule", {"day": f"{day}"}))
    except OSError as error:
        return refused(Refusal("matching-list-unreadable", {"file": options.list.name, "why": trouble(error)}))
    weights = model.opened(options.model or model.SHIPPED)
    if not isinstance(given, lists.ListFile):
        return refused(given)
    if not isinstance(weights, model.Model):
        return refused(weights)
    if not options.out.parent.is_dir() or options.out.is_dir():
        return refused(Refusal("matching-out-unwritable", {"file": options.out.name}))
    index = _opened(options)
    if isinstance(index, Refusal):
        return refused(index)
    try:
        with interruptible("Tidak ada hasil yang tertulis: ulangi perintah yang sama."):
            with shown("memadankan", "baris", len(given.table)) as more:
                found = Matching(index, weights, policy).of(features(given.table, day, given.values), more)
            told = result(given.table["list_id"], without(found, met(found, index)), one_to_one=options.one_to_one)
            write(told, options.out)
    except Damaged as damage:
        return refused(damage.refusal)
    except OSError:
        return refused(Refusal("matching-out-unwritable", {"file": options.out.name}))
    return answered(options, _counted(told, given), "\n".join(_told(told, given, options.out)))


def _counted(told: Any, given: Any) -> dict[str, Any]:
    return {
        "rows": len(told),
        "bands": dict(Counter(told["band"].to_pylist())),
        "reasons": dict(Counter(told["reason"].to_pylist())),
        "duplicates": len(told) - told["list_duplicate_of"].null_count,
        "columns": {column: given.headings.header[place] for column, place in given.headings.places.items()},
        "unused": list(given.headings.unused),
        "findings": [{"code": one.code, "column": one.column, "count": one.count} for one in given.findings],
    }


def _told(told: Any, given: Any, out: Path) -> list[str]:
    """One screen: how many of each band, the reasons of those that need somebody, and what was wrong with the list."""
    from bagipakai.registry.matching.results import REASONS

    counts = _counted(told, given)
    bands = ", ".join(f"{number(counts['bands'].get(band, 0))} {word}" for band, word in BANDS.items())
    lines = [f"{number(len(told))} baris dipadankan: {bands}. Hasil: {out}"]
    if counts["duplicates"]:
        lines.append(f"{number(counts['duplicates'])} baris mengulang orang yang sudah ada di daftar ini.")
    for reason, many in Counter(counts["reasons"]).most_common():
        lines.append(f"  {number(many)} {REASONS[reason]}")
    lines += _headings(given.headings)
    if given.findings:
        lines.append("Yang perlu Anda ketahui tentang daftar ini:")
        lines += [f"  - {one.told().sentence()}" for one in given.findings]
    return lines


def _headings(headings: "Headings") -> list[str]:
    """What each column was read as, and what was not read; of two for one thing which."""
    from bagipakai.registry.matching.headings import meaning

    read = {column: headings.header[place] for column, place in headings.places.items()}
    told = (column if cell == column else f"“{cell}” sebagai {column}" for column, cell in read.items())
    lines = [f"Kolom yang dibaca: {', '.join(told)}."]
    unused = []
    for cell in headings.unused:
        means = meaning(cell)
        beside = read.get(means[0]) if means else None
        unused.append(f"“{cell}” (yang dibaca “{beside}”)" if beside else f"“{cell}”")
    return [*lines, f"Tidak dipakai: {', '.join(unused)}."] if unused else lines


def _opened(options: argparse.Namespace) -> "Index | Refusal":
    """The index of what the options name, made if it is not there; or why there is none."""
    from bagipakai.registry.matching import indexes, sources

    storage = _storage()
    if options.release:
        release = named.opened(options.release)
        if isinstance(release, Refusal):
            return release
        place = indexes.of_release(release, storage, options.index)
    else:
        try:
            if not sources.has_people(options.registry):
                return Refusal("matching-registry-has-nobody", {"file": options.registry.name})
            place = indexes.of_file(options.registry, options.index)
        except (OSError, ValueError) as error:
            why = trouble(error, "bukan Parquet") if isinstance(error, OSError) else "bukan Parquet"
            return Refusal("matching-registry-unreadable", {"file": options.registry.name, "why": why})
    try:
        if (found := indexes.standing(place, storage)) is not None:
            return found
        with (
            interruptible("Indeks belum jadi: ulangi perintah yang sama."),
            shown("mengindeks", "orang", place.count) as more,
        ):
            return indexes.made(place, storage, more)
    except Damaged as damage:
        return damage.refusal


def index_of(release: Path) -> "Index | Refusal":
    """The candidate index of a release that is named by its folder or its version, made if it is not there."""
    return _opened(argparse.Namespace(release=release, registry=None, index=None))


def _storage() -> StorageKey:
    folder = postgres.var() / "keys"
    keys.establish(folder)
    return keys.storage(folder)
