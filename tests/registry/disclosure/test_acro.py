"""Cell by cell, what ACRO would suppress and what our primary rules hide: few contributors, two dominant ones, and one
whom the second could estimate."""

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from tests.registry.disclosure.oracles import oracle
from tests.registry.disclosure.trees import flat, with_margins
from tests.registry.orders import DAY

from bagipakai.registry.disclosure.primary import dominated, small
from bagipakai.registry.disclosure.tables import Cube, Magnitudes, TableRule

RULE = TableRule.on(DAY)
CHECKS = {"few": "MinimumThresholdCheck", "two": "NKCheck", "p": "PPercentCheck"}
ASKED = """
import contextlib, io, logging
import pandas as pd
from acro import ACRO
logging.disable()
answers = []
for rows in given:
    with contextlib.redirect_stdout(io.StringIO()):
        session = ACRO(suppress=False)
        table = pd.DataFrame(rows)
        session.crosstab(table.kab, table.desil, values=table.rupiah, aggfunc="sum")
        told = session.results.get_index(0).sdc["cells"]
    kabs, desils = sorted(set(table.kab)), sorted(set(table.desil))
    answers.append({name: [[kabs[row], int(desils[column])] for row, column in cells] for name, cells in told.items()})
print(json.dumps(answers))
"""


@pytest.fixture(scope="session")
def acro():
    return oracle("acro")


def test_it_is_the_version_we_mean(acro):
    assert acro.version() == "1.0.2"


def drawn(seed):
    """Some cells of few, some of many, some where one or two have nearly all; empty ones, and amounts at the limits."""
    draw = random.Random(seed)
    rows = []
    for kab in ("3201", "3273", "5171"):
        for desil in range(1, 8):
            many = draw.choice([0, 1, 2, 8, 9, 10, 11, 30])
            amounts = [draw.randint(1, 100) for _ in range(many)]
            match draw.randrange(4):
                case 0 if many > 1:
                    amounts[0] = 10 * sum(amounts[2:]) + draw.randint(-1, 1) if many > 2 else 500
                case 1 if many > 2:
                    amounts[0] = amounts[1] = max(1, 9 * sum(amounts[2:]) // 2)
                case 2 if many > 2:
                    amounts[0] = 9 * sum(amounts[2:]) - amounts[1]
            rows += [{"kab": kab, "desil": desil, "rupiah": max(0, amount)} for amount in amounts]
    return rows


def cells_of(rows):
    cells = defaultdict(list)
    for row in rows:
        cells[row["kab"], row["desil"]].append(row["rupiah"])
    return {about: sorted(amounts, reverse=True) for about, amounts in cells.items()}


def ours(rows):
    """The cells that each rule alone would hide, of those in which somebody is."""
    cells = cells_of(rows)
    nothing = replace(RULE, smallest_contributors=0, dominance_percent=101, p_percent=0)
    rules = {
        "few": replace(nothing, smallest_contributors=RULE.smallest_contributors),
        "two": replace(nothing, dominance_percent=RULE.dominance_percent),
        "p": replace(nothing, p_percent=RULE.p_percent),
    }
    columns = [(sum(one), one[0], sum(one[1:2]), len(one)) for one in cells.values()]
    told = Magnitudes(*np.array(columns, np.int64).T)
    return {
        name: {about for about, hidden in zip(cells, dominated(told, rule), strict=True) if hidden}
        for name, rule in rules.items()
    }


def theirs(told, rows):
    """Without cells in which nobody is: those are no magnitudes."""
    occupied = set(cells_of(rows))
    return {name: {tuple(cell) for cell in told[check]} & occupied for name, check in CHECKS.items()}


FILES = [drawn(seed) for seed in range(20)]


@pytest.fixture(scope="module")
def answers(acro):
    return acro.ask(ASKED, FILES)


def test_the_same_magnitudes_are_hidden_by_each_rule(answers):
    met = {name: set() for name in CHECKS}
    for rows, told in zip(FILES, answers, strict=True):
        assert ours(rows) == theirs(told, rows)
        for name, cells in ours(rows).items():
            met[name] |= {len(cells_of(rows)[cell]) for cell in cells}
    assert met["few"] == {1, 2, 8, 9}
    assert {10, 11, 30} & met["two"] and {10, 11, 30} & met["p"], "only small cells were ever dominated"


def test_the_same_counts_are_too_small(answers):
    """Empty cells, too: ACRO takes zeros to disclose, and so do we."""
    for rows, told in zip(FILES, answers, strict=True):
        counts = {about: len(amounts) for about, amounts in cells_of(rows).items()}
        trees = [flat(str(at), sorted({about[at] for about in counts}), 100) for at in (0, 1)]
        persons = with_margins(trees, counts)
        found = small(Cube(tuple(trees), persons, persons.copy(), families_add_up=True), RULE)
        ours_small = {
            (trees[0].labels[row], trees[1].labels[column])
            for row, column in np.argwhere(found).tolist()
            if row and column
        }
        assert ours_small == {tuple(cell) for cell in told["MinimumThresholdCheck"]}
