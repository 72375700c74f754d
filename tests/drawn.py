"""Rows drawn as text, and the same rows as the files of a release: what the promises about meaning are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from bagipakai.core.variables import Type
from bagipakai.registry.engines import ARROW, Part

Row = dict[str, Any]
PLUMBING = dict.fromkeys(("id_keluarga", "member_count", "person_ordinal", "first_ordinal"), Type.INTEGER)
REGENCY = "3201"  # where a row lives that does not say


@dataclass(frozen=True)
class Drawing:
    """Rows in drawn order, and the type of each column that was drawn."""

    types: Mapping[str, Type]
    rows: list[Row]


def draw(text: str) -> Drawing:
    """A table drawn with `|`: names in the first line (`desil:integer`, `lahir:date`, `listrik:boolean`; text if
    nothing is said), a line of dashes, one row a line. A blank cell is unknown; `""` is an empty text, and quotes keep
    blanks. Every row is a family of one, unless `id_keluarga` or `member_count` are drawn."""
    head, ruler, *lines = [line for line in text.splitlines() if line.strip()]
    assert set(ruler.strip()) <= set("-+"), "the second line is a line of dashes"
    named = [cell.strip().partition(":") for cell in head.split("|")]
    types = {name: Type(kind or "text") for name, _, kind in named}
    rows = []
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in line.split("|")]
        assert len(cells) == len(types), f"row {number + 1} has another number of cells"
        rows.append({name: _read(cell, kind) for cell, (name, kind) in zip(cells, types.items(), strict=True)})
    return Drawing(types, with_plumbing(rows))


def with_plumbing(rows: Sequence[Row]) -> list[Row]:
    """The rows with the columns that a release always has: region, family, and the ordinals that climb with them."""
    return [
        {
            "kode_kab": REGENCY,
            "id_keluarga": at,
            "member_count": 1,
            "person_ordinal": at,
            "first_ordinal": 2 * at,
            **row,
        }
        for at, row in enumerate(rows)
    ]


def _read(cell: str, kind: Type) -> Any:
    if not cell:
        return None
    match kind:
        case Type.INTEGER:
            return int(cell)
        case Type.BOOLEAN:
            return {"yes": True, "no": False}[cell]
        case Type.DATE:
            return date.fromisoformat(cell)
    return cell[1:-1] if cell.startswith('"') and cell.endswith('"') and len(cell) > 1 else cell


def release(drawing: Drawing, folder: Path, files_of: int = 2) -> list[Part]:
    """The rows as Parquet, in drawn order: a new file whenever the regency changes, and row groups of `files_of` rows,
    so that order and pruning have something to get wrong. An unknown regency stands in the file of the one before."""
    types = {"kode_kab": Type.TEXT, **PLUMBING, **drawing.types}
    schema = pa.schema([(name, ARROW[kind]) for name, kind in types.items()])
    parts: list[Part] = []
    waiting: list[Row] = []
    regency = REGENCY

    def close() -> None:
        file = folder / f"part-{len(parts)}.parquet"
        pa.parquet.write_table(pa.Table.from_pylist(waiting, schema), file, row_group_size=files_of)
        parts.append(Part(str(file), (regency,)))

    for row in drawing.rows:
        here = row["kode_kab"] or regency
        if waiting and here != regency:
            close()
            waiting = []
        regency = here
        waiting.append(row)
    close()
    return parts
