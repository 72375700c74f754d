"""What is counted once of a release, when it is published, and lies sealed beside its rows: of the variables that
`policies/tallies.toml` names, how many persons and families there are of each combination (a materialised aggregate;
Gray et al., "Data cube", 1997). A table of these variables, chosen by these alone, reads no row of anybody.

It tells nothing that the rows do not tell, and is guarded as they are; what leaves of it meets the rules of every
table. Counts that need more (a variable beside these, families of small cells, somebody left out) read the rows.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from bagipakai.core.plan import Unit
from bagipakai.core.policy import PolicyError, rules
from bagipakai.core.variables import Catalogue
from bagipakai.registry import tables
from bagipakai.registry.engines import tally_schema, types_of
from bagipakai.registry.engines.duckdb import Engine
from bagipakai.registry.releases import File, Tallied, shelf
from bagipakai.registry.vault import Sealing, ShelfKey


def wanted(catalogue: Catalogue, day: date) -> Iterator[tuple[str, Unit, tuple[str, ...]]]:
    """Name, table and variables of each tally of this day, by name. Raises PolicyError."""
    for (name,), rule in sorted(rules("tallies", "tally", ("id",)).in_force(day).items()):
        unit, by = Unit(rule["unit"]), tuple(rule["by"])
        if not tables.TALLY.fullmatch(tables.tally(name).as_posix()):
            raise PolicyError(f"{rule.where}: `id` must be words of small letters, with - between them")
        if "kode_kab" not in by or not set(by) <= set(types_of(catalogue, unit)):
            raise PolicyError(f"{rule.where}: `by` must name variables of {unit.value}, and kode_kab among them")
        yield name, unit, by


def tallied(folder: Path, files: Sequence[File], key: ShelfKey, catalogue: Catalogue, day: date) -> list[Tallied]:
    """Counts what was sealed in `folder`, and seals it there too. Raises PolicyError, EngineError, Damaged, OSError."""
    found = []
    for name, unit, by in wanted(catalogue, day):
        path, types, rows = tables.tally(name).as_posix(), types_of(catalogue, unit), 0
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).unlink(missing_ok=True)  # of a process that was killed over it
        with (
            shelf(folder, [file for file in files if file.unit is unit], key).reading() as here,
            Engine(folder, shelf=here, max_temp_size="0KB") as engine,  # it would spill in clear
            Sealing(folder / path, key.cipher(path)) as out,
            tables.writer(out, tally_schema(unit, by, types)) as writer,
        ):
            for batch in engine.tally(unit, by, here.parts, types):
                writer.write_batch(batch)
                rows += batch.num_rows
        found.append(Tallied(path, unit, out.sealed.bytes, out.sealed.sha256, out.sealed.blocks, by, rows))
    return found
