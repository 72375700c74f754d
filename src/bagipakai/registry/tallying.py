"""What is counted once of a release, when it is published, and lies sealed beside its rows: of the variables that
`policies/tallies.toml` names, how many persons and families there are of each combination (a materialised aggregate;
Gray et al., "Data cube", 1997). A table of these variables, chosen by these alone, is counted from it.

It tells nothing that the rows do not tell, and is guarded as they are; what leaves of it meets the rules of every
table. What needs more (a variable beside these, families of small cells, somebody left out) is counted in the rows.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow.compute as pc

from bagipakai.core.plan import Unit
from bagipakai.core.policy import PolicyError, Rule, rules
from bagipakai.core.variables import Catalogue
from bagipakai.registry import tables
from bagipakai.registry.engines import EngineError, tally_schema, types_of
from bagipakai.registry.engines.duckdb import Engine
from bagipakai.registry.releases import File, Tallied, shelf
from bagipakai.registry.vault import Sealing, ShelfKey

Wanted = tuple[str, Unit, tuple[str, ...]]  # path within the release, table, variables


class Uncounted(Exception):
    """What a release is to tell could not be counted. Names the file."""


def wanted(catalogue: Catalogue, day: date) -> list[Wanted]:
    """The tallies of this day, by path. Raises PolicyError, NoRule."""
    rows = rules("tallies", "tally", ("id",)).in_force(day)
    return sorted(_wanted(name, rule, catalogue) for (name,), rule in rows.items())


def _wanted(name: object, rule: Rule, catalogue: Catalogue) -> Wanted:
    path, unit, by = tables.tally(str(name)).as_posix(), rule["unit"], rule["by"]
    if not tables.TALLY.fullmatch(path):
        raise PolicyError(f"{rule.where}: `id` must be words of small letters, with - between them")
    if unit not in [one.value for one in Unit]:
        raise PolicyError(f"{rule.where}: `unit` must be individu or keluarga")
    known = types_of(catalogue, unit)
    if not isinstance(by, list) or "kode_kab" not in by or not all(isinstance(one, str) and one in known for one in by):
        raise PolicyError(f"{rule.where}: `by` must name variables of {unit}, and kode_kab among them")
    return path, Unit(unit), tuple(dict.fromkeys(by))


def tallied(
    folder: Path, files: Sequence[File], key: ShelfKey, catalogue: Catalogue, asked: Sequence[Wanted]
) -> list[Tallied]:
    """Counts what was sealed in `folder`, and seals it there too. Raises Uncounted, Damaged, OSError."""
    return [_tallied(folder, files, key, catalogue, one) for one in asked]


def _tallied(folder: Path, files: Sequence[File], key: ShelfKey, catalogue: Catalogue, asked: Wanted) -> Tallied:
    path, unit, by = asked
    of_unit, types, rows, everybody = [file for file in files if file.unit is unit], types_of(catalogue, unit), 0, 0
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).unlink(missing_ok=True)  # of a process that was killed over it
    try:
        with (
            shelf(folder, of_unit, key).reading() as here,
            Engine(folder, shelf=here, max_temp_size="0KB") as engine,  # it would spill in clear
            Sealing(folder / path, key.cipher(path)) as out,
            tables.writer(out, tally_schema(unit, by, types)) as writer,
        ):
            for batch in engine.tally(unit, by, here.parts, types):
                writer.write_batch(batch)
                rows += batch.num_rows
                everybody += pc.sum(batch.column("persons" if unit is Unit.INDIVIDU else "families")).as_py()
    except EngineError:
        raise Uncounted(path) from None
    if everybody != sum(file.rows for file in of_unit):
        raise Uncounted(path)
    return Tallied(path, unit, out.sealed.bytes, out.sealed.sha256, out.sealed.blocks, by, rows)
