"""How good a matching result is, against the truth of a synthetic list (`registry/matching/evaluation.py`):
`python -m bench.scoring --result FILE --truth FILE [--registry FILE]`
"""

import argparse
import json
from pathlib import Path

import pyarrow.parquet as pq

from bagipakai.registry.matching.evaluation import evaluated


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--result", type=Path, required=True)
    told.add_argument("--truth", type=Path, required=True)
    told.add_argument("--registry", type=Path)
    files = told.parse_args()
    registry = pq.read_table(files.registry) if files.registry else None
    print(json.dumps(evaluated(pq.read_table(files.result), pq.read_table(files.truth), registry).told(), indent=1))


if __name__ == "__main__":
    main()
