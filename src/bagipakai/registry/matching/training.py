"""Training: Splink learns m from labelled pairs and u from random ones, for the comparisons that serving makes.

The only module that imports Splink; nothing that serves a list imports this one. Levels that random pairs hardly ever
meet (one NIK, one family number, a number beside an equal date) get their u by counting *all* pairs that share it:
sampling would leave them at a default, of which Splink only warns. Date and number are trained as one comparison, so a
level may never be seen; it then gets what the two would have if they had nothing to do with each other, and at most
half a pair's chance.

`python -m bagipakai.registry.matching.training --out FILE` trains on synthetic people and lists of every kind. With
`--labels FILE` (`bagipakai registry review-labels`) m also learns from what clerks said of real pairs (`labels`).
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import splink
from splink import DuckDBAPI, Linker

from bagipakai.registry.matching import labels as clerks
from bagipakai.registry.matching import names
from bagipakai.registry.matching.comparisons import (
    BORN,
    BORN_AND_NIK,
    CARD_IS_OPEN,
    COMPARISONS,
    HOUSEHOLD,
    NIK,
    PLACE_IS_OPEN,
    SIDE,
    TRAINED,
    Comparison,
    Level,
)
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.model import FAMILY, NEIGHBOUR, RAREST, SHIPPED, Model, levels_of
from bagipakai.registry.matching.scoring import PLACES, shared
from bagipakai.registry.synthesis.lists import a_list, registry

KINDS = ("typical", "no_nik", "dirty", "excel", "old")
_PLACE = ("kode_desa", "kode_kec", "kode_kab")
# Further typical lists, of a quarter of the rows: without these columns, and with the family cards of before.
LACKING = (_PLACE, ("no_kk",), (*_PLACE, "no_kk"))

PAIRS = 1e7  # random pairs for u, as Splink's documentation advises for trials
_OF_ONE_DATE = ("equal/", "equal-default/")
_OF_ONE_STEM = ("equal-and-fits", "equal-nothing-to-fit", "equal", "rounded", "equal-as-far-as-sound", "other-serial")
# What strangers must share for these levels: such pairs are counted, all of them.
EXACT: tuple[tuple[str, Comparison, Callable[[str], bool]], ...] = (
    ("l.desa = r.desa AND l.kk IS DISTINCT FROM r.kk", HOUSEHOLD, lambda level: level.startswith("village")),
    ("l.kk = r.kk", HOUSEHOLD, lambda level: level.startswith("family")),
    ("l.born = r.born", BORN_AND_NIK, lambda level: level.startswith(_OF_ONE_DATE)),
    (
        "l.nik // 10000 = r.nik // 10000",
        BORN_AND_NIK,
        lambda level: level.endswith(tuple(f"/{one}" for one in _OF_ONE_STEM)) and not level.startswith(_OF_ONE_DATE),
    ),
)
OF_KIN = {
    "sibling": "r.kk = p.kk AND r.unique_id <> p.unique_id AND r.mother_phonetic = p.mother_phonetic",
    "family": "r.kk = p.kk AND r.unique_id <> p.unique_id AND r.mother_phonetic IS DISTINCT FROM p.mother_phonetic",
}
OF_NEIGHBOURS = "r.kec = p.kec AND r.kk <> p.kk"
NEIGHBOURS = 4_000_000  # pairs of one district that are looked at
BESIDE = 10_000  # pairs of clerks that weigh as much as all synthetic ones together
UNSEEN = 0.5  # of a pair, where none was seen: no level proves without end


def settings(model: Model | None = None) -> dict[str, Any]:
    """The comparisons as Splink states them; with `model`, trained."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "comparisons": [
            {
                "output_column_name": one.name,
                "comparison_levels": [_level(one, level, model) for level in one.levels],
            }
            for one in TRAINED
        ],
        "blocking_rules_to_generate_predictions": ["l.nik = r.nik", "l.name_phonetic = r.name_phonetic"],
        "retain_intermediate_calculation_columns": True,
    }


def _level(one: Comparison, level: Level, model: Model | None) -> dict[str, Any]:
    told: dict[str, Any] = {"sql_condition": level.condition, "label_for_charts": level.name}
    if level.missing:
        return told | {"is_null_level": True}
    if level.by_name:
        told |= {"tf_adjustment_column": "name", "tf_minimum_u_value": RAREST}
    if model is not None:
        told["m_probability"] = model.same[one.name][level.name]
        told["u_probability"] = model.stranger[one.name][level.name]
    return told


def trained(
    rows: pa.Table,
    persons: pa.Table,
    truth: pa.Table,
    *,
    version: str,
    normaliser: str,
    seed: int,
    report: Mapping[str, Any],
    labels: pa.Table | None = None,
    beside: float = BESIDE,
) -> Model:
    """From a list and a registry (features, each with `unique_id`) and `truth`: pairs `list, person` of ids. `labels`:
    what clerks said of other pairs (labels.SAID), beside which the truth counts as much as `beside` pairs."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as con:
        for name, table in (("rows", rows), ("persons", persons), ("labels", truth)):
            con.register("given", table)
            made = "SELECT * FROM given" if name == "labels" else SIDE.format(rows="given")
            con.execute(f"CREATE TABLE {name} AS {made}")
            con.unregister("given")
        same, stranger = _splinks(con, seed)
        if labels is not None:
            same, many = clerks.learnt(same, labels, beside)
            report = {**report, "labelled": {"pairs": len(labels), "speak_for": round(many), "beside": beside}}
        pairs = len(rows) * len(persons)
        for sharing, one, only in EXACT:
            counts = _counted(con, sharing, one, only)
            stranger[one.name] |= {name: many / pairs for name, many in counts.items()}
        stranger[HOUSEHOLD.name] = _whatever_the_card(stranger[HOUSEHOLD.name])
        kin = {name: _kin(con, of, 1) for name, of in OF_KIN.items()}
        every = _every(con)
        kin[NEIGHBOUR] = _kin(con, OF_NEIGHBOURS, every)
        relative = {name: {one.name: _shares(_levels(met, one)) for one in TRAINED} for name, met in kin.items()}
        relative[NEIGHBOUR][BORN_AND_NIK.name] |= _rare_neighbours(con, len(kin[NEIGHBOUR]) * every)
        lived_in = {place: dict(Counter(persons[place].drop_null().to_pylist())) for place in PLACES}
        return Model(
            version,
            normaliser,
            same=_sure(same, len(truth)),
            stranger=_sure(stranger, PAIRS),
            relative={name: _sure(shares, len(kin[name])) for name, shares in relative.items()},
            relatives={name: len(kin[name]) / len(truth) for name in FAMILY},
            shared=shared(rows, lived_in),
            report={**report, "together": _together(con)},
        )


def _splinks(
    con: duckdb.DuckDBPyConnection, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """m and u of every level, 0 where Splink saw none."""
    api = DuckDBAPI(connection=con)
    sides = [
        api.register(name, dataset_display_name=shown) for name, shown in (("rows", "list"), ("persons", "registry"))
    ]
    linker = Linker(sides, settings())
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=seed)
    con.execute("""
        CREATE TABLE pairwise AS SELECT 'list' AS source_dataset_l, list AS unique_id_l,
            'registry' AS source_dataset_r, person AS unique_id_r FROM labels
    """)
    linker.training.estimate_m_from_pairwise_labels("pairwise")  # type: ignore[no-untyped-call]
    told = linker.misc.save_model_to_json()
    m, u = (
        {
            one["output_column_name"]: {
                level["label_for_charts"]: float(level.get(f"{letter}_probability") or 0.0)
                for level in one["comparison_levels"]
                if not level.get("is_null_level")
            }
            for one in told["comparisons"]
        }
        for letter in "mu"
    )
    return m, u


def _whatever_the_card(u: Mapping[str, float]) -> dict[str, float]:
    """Whether a row tells its card has nothing to do with the stranger it meets: what was seen of a level with and
    without cards is shared out as it is among all pairs whose places are told, or are not."""
    found = dict(u)
    for place_is_open in (False, True):
        told = {
            name: f"{name}{CARD_IS_OPEN}"
            for name in u
            if f"{name}{CARD_IS_OPEN}" in u and name.endswith(PLACE_IS_OPEN) is place_is_open
        }
        open_, all_ = (sum(u[name] for name in names) for names in (told.values(), (*told, *told.values())))
        for name, without in told.items():
            both, share = u[name] + u[without], open_ / all_
            found |= {name: both * (1 - share), without: both * share}
    return found


def _counted(
    con: duckdb.DuckDBPyConnection, sharing: str, one: Comparison, only: Callable[[str], bool]
) -> Counter[str]:
    """How many pairs of two persons that share something stand at each level that only such pairs can have."""
    counts = _levels(
        con.sql(f"""
            WITH
            pairs AS (
                SELECT l.unique_id AS list_row, r.unique_id AS ordinal, 1 AS name_frequency_r, {_side_by_side(con)}
                FROM rows AS l JOIN persons AS r ON {sharing}
                ANTI JOIN labels ON labels.list = l.unique_id AND labels.person = r.unique_id
            )
            {levels_of("pairs")}
        """).to_arrow_table(),  # noqa: S608  # our own words
        one,
    )
    return Counter({level.name: counts[level.name] for level in one.levels if only(level.name)})


def _kin(con: duckdb.DuckDBPyConnection, of: str, every: int) -> pa.Table:
    """The levels of each row, or of some, with those who are kin of its person `p` as the condition says."""
    return con.sql(f"""
        WITH
        pairs AS (
            SELECT l.unique_id AS list_row, r.unique_id AS ordinal, 1 AS name_frequency_r, {_side_by_side(con)}
            FROM rows AS l
            JOIN labels ON labels.list = l.unique_id
            JOIN persons AS p ON p.unique_id = labels.person
            JOIN persons AS r ON {of}
            WHERE l.unique_id % {every:d} = 0
        )
        {levels_of("pairs")}
    """).to_arrow_table()  # noqa: S608  # our own words


def _rare_neighbours(con: duckdb.DuckDBPyConnection, pairs: int) -> dict[str, float]:
    """Shares of what few of so many neighbours have in common, counted over all of them: one date, one stem."""
    found: dict[str, float] = {}
    for sharing, one, only in EXACT:
        if one is BORN_AND_NIK:
            counts = _levels(_kin(con, f"{OF_NEIGHBOURS} AND {sharing}", 1), one)
            found |= {level.name: counts[level.name] / pairs for level in one.levels if only(level.name)}
    return found


def _every(con: duckdb.DuckDBPyConnection) -> int:
    """One row in how many is enough for NEIGHBOURS pairs."""
    found = con.execute("""
        SELECT count(*) FROM labels JOIN persons AS p ON p.unique_id = labels.person JOIN persons AS r ON r.kec = p.kec
    """).fetchall()
    return int(found[0][0]) // NEIGHBOURS + 1


def _side_by_side(con: duckdb.DuckDBPyConnection) -> str:
    both = [name for name in con.table("persons").columns if name != "unique_id"]
    return ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in both)


def _levels(pairs: pa.Table, one: Comparison) -> Counter[str]:
    """How many of these pairs stand at each level, missing ones left out."""
    if one is not BORN_AND_NIK:
        places = pairs[f"level_{one.name}"].to_numpy()
    else:
        places = (
            pairs[f"level_{BORN.name}"].to_numpy().astype(int) * len(NIK.levels) + pairs[f"level_{NIK.name}"].to_numpy()
        )
    return Counter(level.name for at in places if not (level := one.levels[at]).missing)


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {name: many / counts.total() for name, many in counts.items()}


def _sure(told: Mapping[str, Mapping[str, float]], pairs: float) -> dict[str, dict[str, float]]:
    """Chances of every level, none of them 0: one that was not seen among so many pairs has half of one at most."""
    least = UNSEEN / pairs
    found = {}
    for one in TRAINED:
        seen = told[one.name]
        known = [level.name for level in one.levels if not level.missing]
        if one is BORN_AND_NIK:
            of_date, of_number = Counter[str](), Counter[str]()
            for name, chance in seen.items():
                born, _, nik = name.partition("/")
                of_date[born] += chance  # type: ignore[assignment]
                of_number[nik] += chance  # type: ignore[assignment]

            def alone(name: str, date: Counter[str] = of_date, number: Counter[str] = of_number) -> float:
                born, _, nik = name.partition("/")
                return max(date[born], least) * max(number[nik], least)

            found[one.name] = {name: seen.get(name, 0.0) or min(alone(name), least) for name in known}
        else:
            found[one.name] = {name: max(seen.get(name, 0.0), least) for name in known}
    return found


def _together(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """How strongly the answers of two comparisons go together among pairs of one person: Cramér's V, 0 to 1. What goes
    together is counted twice by a sum; so what does belongs in one comparison."""
    pairs = con.sql(f"""
        WITH
        pairs AS (
            SELECT l.unique_id AS list_row, r.unique_id AS ordinal, 1 AS name_frequency_r, {_side_by_side(con)}
            FROM rows AS l
            JOIN labels ON labels.list = l.unique_id
            JOIN persons AS r ON r.unique_id = labels.person
        )
        {levels_of("pairs")}
    """).to_arrow_table()  # noqa: S608  # our own words
    found = {}
    for one, other in combinations(COMPARISONS, 2):
        first, second = (pairs[f"level_{which.name}"].to_numpy().astype(np.int64) for which in (one, other))
        seen = np.bincount(first * 256 + second, minlength=256 * 256).reshape(256, 256).astype(float)
        seen = seen[seen.any(axis=1)][:, seen.any(axis=0)]
        alone = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
        least = min(seen.shape) - 1
        v = np.sqrt(((seen - alone) ** 2 / alone).sum() / seen.sum() / least) if least else 0.0
        found[f"{one.name}/{other.name}"] = round(float(v), 3)
    return found


def _as_it_is(rows: pa.Table) -> pa.Table:
    return rows


def _without(columns: Sequence[str], rows: pa.Table) -> pa.Table:
    return rows.drop([name for name in columns if name in rows.column_names])


def _cards_renewed(rows: pa.Table) -> pa.Table:
    """Cards are renewed with every marriage, birth and move; synthetic rows hold old ones too seldom. So each row has
    the card of the row before it."""
    if "no_kk" not in rows.column_names:
        return rows
    cards = rows["no_kk"].combine_chunks()
    old = pa.concat_arrays([cards[-1:], cards[:-1]])
    return rows.set_column(rows.column_names.index("no_kk"), "no_kk", old)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=300_000)
    told.add_argument("--rows", type=int, default=60_000, help="of the typical list; the others have half of them")
    told.add_argument("--seed", type=int, default=1)
    told.add_argument("--version", default="2026.1")
    told.add_argument("--out", type=Path, default=SHIPPED)
    told.add_argument("--labels", type=Path, help="what clerks said: the file of `bagipakai registry review-labels`")
    told.add_argument(
        "--beside", type=float, default=BESIDE, help="pairs of clerks that weigh as much as the synthetic"
    )
    options = told.parse_args()
    said = None if options.labels is None else pq.read_table(options.labels, schema=clerks.SAID)
    people = registry(options.people, options.seed)
    persons = features(people).append_column("unique_id", pa.array(np.arange(options.people)))
    place = {one: at for at, one in enumerate(people["registry_id"].to_pylist())}
    rows, pairs, at = [], [], 0
    typical, half, quarter = KINDS[0], options.rows // 2, options.rows // 4
    lists: list[tuple[str, int, Callable[[pa.Table], pa.Table]]] = [
        (typical, options.rows, _as_it_is),
        *((kind, half, _as_it_is) for kind in KINDS[1:]),
        *((typical, quarter, partial(_without, lacking)) for lacking in LACKING),
        (typical, quarter, _cards_renewed),
    ]
    for nr, (kind, many, changed) in enumerate(lists):
        given, truth = a_list(people, many, options.seed + 100 + nr, kind)
        rows.append(features(changed(given)))
        pairs += [(at + i, place[one]) for i, one in enumerate(truth["registry_id"].to_pylist()) if one is not None]
        at += many
    listed = pa.concat_tables(rows).append_column("unique_id", pa.array(np.arange(at)))
    labels = pa.table({"list": [one for one, _ in pairs], "person": [other for _, other in pairs]})
    report = {
        "people": options.people,
        "rows": at,
        "labels": len(labels),
        "kinds": list(KINDS),
        "lacking": [list(columns) for columns in LACKING],
        "seed": options.seed,
        "splink": splink.__version__,
    }
    model = trained(
        listed,
        persons,
        labels,
        version=options.version,
        normaliser=names.VERSION,
        seed=options.seed,
        report=report,
        labels=said,
        beside=options.beside,
    )
    options.out.write_text(model.written(), encoding="utf-8")


if __name__ == "__main__":
    main()
