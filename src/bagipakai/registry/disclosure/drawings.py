"""The charts of a table's risk report: how much of it is left to use, and where the hidden cells are."""

import numpy as np

from bagipakai.core.charts import Caption, Figure, Shares, Strip, divided, grid
from bagipakai.registry.disclosure import labels
from bagipakai.registry.disclosure.reporting import HIDDEN, Figures, Run
from bagipakai.registry.disclosure.tables import Counts
from bagipakai.registry.matching.explaining import count, percent

MOST_ROWS, MOST_COLUMNS, MOST_NUMBERS = 30, 20, 110  # of the map of hidden cells


def usefulness(run: Run, found: Figures) -> Figure:
    """How many of all whom the table counts stand in shown counts, by breakdown."""
    rows, table = [], []
    for one in found.left:
        label = labels.crossed(run, one.levels)
        counted, cells = (
            percent(part / whole, "id", 1) for part, whole in ((one.counted, found.total), (one.shown, one.cells))
        )
        said = f"{count(one.shown, 'id')} dari {count(one.cells, 'id')} angka terbit"
        rows.append(Shares(label, said, (one.counted, found.total - one.counted), counted))
        table.append((label, count(one.cells, "id"), count(one.shown, "id"), cells, counted))
    unit = labels.unit(run)
    caption = Caption(
        "guna",
        f"Bagian {unit} yang masih terhitung",
        f"Dari {count(found.total, 'id')} {unit}, berapa yang terhitung dalam angka yang terbit, menurut rinciannya.",
        ("Rincian", "Angka", "Terbit", "Bagian angka", f"Bagian {unit}"),
        tuple(table),
    )
    return divided(caption, ("dalam angka yang terbit", "dalam angka yang ditutup"), rows)


def hidden_cells(run: Run) -> Figure:
    """Where the hidden cells are: the largest dimension in rows, another in columns, summed over any third."""
    across = _across(run)
    along = max(
        (at for at in range(len(run.axes)) if at != across), key=lambda at: len(run.axes[at].tree), default=None
    )
    hidden = _summed((run.cube == HIDDEN).astype(np.int64), along, across)
    many = run.cube.size // hidden.size
    names = ["Semua"] if along is None else labels.rows(run, run.axes[along])
    columns = [labels.SUM] if across is None else labels.columns(run, run.axes[across])
    sums = hidden.sum(1)
    drawn = sorted(sorted(np.flatnonzero(sums).tolist(), key=lambda row: -sums[row])[:MOST_ROWS])
    rows, table = [], []
    for row in drawn:
        told = f"{count(sums[row], 'id')} dari {count(many * len(columns), 'id')}"
        rows.append(Strip(names[row], told, tuple((hidden[row] / many).tolist())))
        table.append((names[row], count(many * len(columns), "id"), count(sums[row], "id")))
    where = labels.crossed(run, [name for at in (along, across) if at is not None for name in run.axes[at].names])
    left = int((sums > 0).sum()) - len(drawn)
    more = f" {count(left, 'id')} baris lain, yang tidak lebih banyak ditutup, ada di tabel.csv." if left else ""
    says = f"Satu baris untuk tiap nilai yang angkanya ada yang ditutup; kolom {labels.SUM} adalah jumlahnya"
    says += f", kolom {labels.UNKNOWN} yang tidak diketahui.{more}" if labels.UNKNOWN in columns else f".{more}"
    headings = (labels.crossed(run, run.axes[along].names) if along is not None else "Tabel", "Angka", "Ditutup")
    caption = Caption("tertutup", f"Letak angka yang ditutup: {where}", says, headings, tuple(table))
    key = "ditutup" if many == 1 else "ditutup; penuh: semua yang ada di kotak itu"
    in_order = across is not None and labels.is_numbers(run.axes[across])
    return grid(caption, key, columns, rows, in_order=in_order)


def _across(run: Run) -> int | None:
    """The dimension of the columns: numbers rather than names, and the largest that fits."""
    fit = []
    for at, axis in enumerate(run.axes):
        numbers, nodes = labels.is_numbers(axis), len(axis.tree)
        if nodes <= (MOST_NUMBERS if numbers else MOST_COLUMNS):
            fit.append((numbers, nodes, -at))
    return -max(fit)[2] if fit else None


def _summed(hidden: Counts, along: int | None, across: int | None) -> Counts:
    """In two dimensions: rows, columns."""
    kept = [at for at in (along, across) if at is not None]
    told = np.moveaxis(hidden, kept, range(len(kept)))
    told = told.sum(tuple(range(len(kept), hidden.ndim)))
    return np.expand_dims(told, [at for at, one in enumerate((along, across)) if one is None])
