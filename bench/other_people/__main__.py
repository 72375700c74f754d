"""The matcher on people and lists of the other source: figures for each kind and what its errors are made of.
`python -m bench.other_people --people 1000000 --rows 100000 --seed 7 --kinds typical,dirty --to DIR [--model FILE]`

Writes registry, lists, truths and results to DIR, where a registry and its index that lie there are used again.
"""

import argparse
import json
import math
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.registry.matching import model, sources
from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.evaluation import Evaluation, evaluated
from bagipakai.registry.matching.features import features
from bagipakai.registry.matching.index import Index, build
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.matching.results import result
from bagipakai.registry.matching.scoring import Scorer, shared
from bagipakai.registry.vault import ShelfKey
from bench.match_lists import joined
from bench.other_people import HABITS, KINDS, a_list, registry

DAY = date(2026, 11, 26)
KEY = ShelfKey(bytes(32), "bench")


def indexed(file: Path) -> Index:
    folder = file.with_name("index")
    source = sources.source_of_file(file)
    if not folder.exists():
        build(sources.people_of_file(file), folder, KEY, source)
    return Index.open(folder, KEY, source)


def matched(index: Index, weights: model.Model, rows: pa.Table) -> tuple[pa.Table, pa.Table, float]:
    """Features, result, CPU seconds."""
    begun = time.process_time()
    told = features(rows, DAY)
    found = Matching(index, weights, Decision.on(DAY)).of(told)
    return told, result(rows["list_id"], found), time.process_time() - begun


def with_review(found: pa.Table) -> pa.Table:
    """The same where a clerk says yes to every candidate."""
    band = pc.if_else(pc.equal(found["band"], "review"), "match", found["band"])
    return found.set_column(found.column_names.index("band"), "band", band)


def figures(found: pa.Table, truth: pa.Table, people: pa.Table, rows: pa.Table) -> dict[str, Any]:
    alone, all_ = evaluated(found, truth, people), evaluated(with_review(found), truth, people)
    join = evaluated(joined(people, rows), truth).overall
    return {
        "join_on_nik": {
            "precision": round(join.precision, 4),
            "recall": round(join.recall, 4),
            "f1": round(join.f1, 4),
        },
        "match": {name: alone.overall.told()[name] for name in ("precision", "recall", "f1", "review", "none")},
        "match_and_review": {name: all_.overall.told()[name] for name in ("precision", "recall", "f1")},
        "recall_at_precision_999": round(alone.recall_at, 5),
        "best_f1": round(alone.best_f1, 5),
        "calibration": [list(one) for one in alone.bins],
        "groups": _groups(all_),
        "findings": all_.findings(),
    }


def _groups(of: Evaluation) -> dict[str, dict[str, str]]:
    return {
        question: {answer: f"{score.recall:.4f} of {score.present}" for answer, score in answers.items()}
        for question, answers in of.groups.items()
        if question != "province"
    }


def errors(
    index: Index, weights: model.Model, told: pa.Table, found: pa.Table, truth: pa.Table, people: pa.Table
) -> Any:
    """Rows that came out wrong: how, with which damage, with which levels of the true pair and of the given one."""
    place = {id_: at for at, id_ in enumerate(people["registry_id"].to_pylist())}
    whose, given = truth["registry_id"].to_pylist(), found["registry_id"].to_pylist()
    band, damage = found["band"].to_pylist(), truth["damage"].to_pylist()
    wrong = [at for at, (one, other) in enumerate(zip(whose, given, strict=True)) if one != other]
    rows = told.take(pa.array(wrong, pa.int64()))
    asked = index.candidates(rows)
    met = set(zip(asked.row.tolist(), asked.ordinal.tolist(), strict=True))
    common = asked.too_common
    share = Decision.on(DAY).share
    there = [at for at, row in enumerate(wrong) if whose[row] is not None]
    ordinals = np.array([place[whose[wrong[at]]] for at in there], np.uint32)
    distinct, person = np.unique(ordinals, return_inverse=True)
    pairs = pa.table({"list_row": pa.array(there, pa.int64()), "ordinal": ordinals, "person": person})
    true: dict[int, dict[str, Any]] = {}
    if there:
        scorer = Scorer(weights, len(index), share, shared(told, index.lived_in()), index.frequencies)
        scorer.compare(rows)
        for one in scorer.scored(index.persons(distinct), pairs).to_pylist():
            true[one["list_row"]] = one
    lines = []
    for at, row in enumerate(wrong):
        one = true.get(at)
        if whose[row] is None:
            how = f"absent-{band[row]}"
        elif (at, place[whose[row]]) not in met:
            how = f"blocked-{band[row]}" + ("-common" if common[at] else "")
        else:
            how = f"other-{band[row]}" if given[row] is not None else "score-none"
        lines.append(
            {
                "list_id": truth["list_id"][row].as_py(),
                "how": how,
                "damage": sorted(set(damage[row])),
                "true": _levels(one) if one else None,
                "true_score": round(one["score"], 1) if one else None,
                "given": {c.name: found[f"level_{c.name}"][row].as_py() for c in COMPARISONS},
                "given_score": found["score"][row].as_py(),
                "probability": found["probability"][row].as_py(),
                "registry_id": whose[row],
                "given_id": given[row],
            }
        )
    return lines


def _levels(one: dict[str, Any]) -> dict[str, str]:
    return {c.name: c.levels[one[f"level_{c.name}"]].name for c in COMPARISONS}


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=1_000_000)
    told.add_argument("--rows", type=int, default=100_000)
    told.add_argument("--seed", type=int, default=7)
    told.add_argument("--dense", action="store_true")
    told.add_argument("--kinds", default="typical")
    told.add_argument("--habits", default="", help=f"that every clerk has, of {', '.join(HABITS)}")
    told.add_argument("--model", type=Path, default=model.SHIPPED)
    told.add_argument("--to", type=Path, required=True, metavar="DIR")
    options = told.parse_args()
    kinds = options.kinds.split(",")
    if not set(kinds) <= set(KINDS):
        sys.exit(f"kinds: {', '.join(KINDS)}")
    options.to.mkdir(parents=True, exist_ok=True)
    file = options.to / "registry.parquet"
    if not file.exists():
        pq.write_table(registry(options.people, options.seed, dense=options.dense), file, compression="zstd")
    people, weights = pq.read_table(file), model.opened(options.model)
    if not isinstance(weights, model.Model):
        sys.exit(weights.code)
    index = indexed(file)
    for kind in kinds:
        habits = tuple(filter(None, options.habits.split(",")))
        rows, truth = a_list(people, options.rows, options.seed + 1, kind, habits)
        name = "-".join((kind, *habits))
        seen, found, seconds = matched(index, weights, rows)
        lines = errors(index, weights, seen, found, truth, people)
        for what, table in (("list", rows), ("truth", truth), ("result", found)):
            pq.write_table(table, options.to / f"{name}.{what}.parquet", compression="zstd")
        (options.to / f"{name}.errors.json").write_text(json.dumps(lines))
        candidates = pc.mean(found["candidates"]).as_py()
        print(name, f"cpu {seconds:.2f}", f"candidates {candidates:.1f}", f"prior {math.log2(1 / len(people)):.1f}")
        print(json.dumps(figures(found, truth, people, rows), indent=1))
        print(Counter(line["how"] for line in lines).most_common())


if __name__ == "__main__":
    main()
