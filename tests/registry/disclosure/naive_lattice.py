"""Every node of a lattice from the rows, by the definitions: the judge of `registry.disclosure.lattice`."""

from collections import Counter
from fractions import Fraction
from itertools import product

from tests.registry.disclosure import naive_measures as naive


def recoded(rows, variables, levels):
    told = []
    for row in rows:
        one = dict(row)
        for variable, level in zip(variables, levels, strict=True):
            one[variable.name] = variable.levels[level].recode.recoded(row[variable.name])
        told.append(one)
    return told


def fails(counts, families, limits, overall):
    k, values, whole = sum(counts.values()), naive.in_order(overall), sum(overall.values())
    apart = [Fraction(counts[value], k) - Fraction(overall[value], whole) for value in values]
    steps = max(1, len(values) - 1)
    return (
        families < limits.k
        or len(counts) < limits.l
        or (limits.share is not None and Fraction(max(counts.values()), k) > limits.share)
        or (limits.entropy is not None and naive.entropy({0: counts}) < limits.entropy - 1e-8)
        or (limits.equal is not None and sum(map(abs, apart)) / 2 > limits.equal)
        or (
            limits.ordered is not None
            and sum(abs(sum(apart[: at + 1])) for at in range(len(apart))) / steps > limits.ordered
        )
    )


def violating(rows, variables, levels, limits, family=None):
    quasi = [variable.name for variable in variables]
    told = recoded(rows, variables, levels)
    spread, homes = naive.spread(told, quasi, "desil"), naive.sizes(told, quasi, family)
    overall = Counter(row["desil"] for row in rows)
    if limits.inference is not None:
        left = [one for one in spread.values() if not fails(one, sum(one.values()), limits, overall)]
        blindly = max(sum(left, Counter()).values(), default=0)
        better = sum(max(one.values()) for one in left) - blindly
        if better > limits.inference * (sum(map(Counter.total, left)) - blindly):
            return len(rows)
    return sum(sum(counts.values()) for key, counts in spread.items() if fails(counts, homes[key], limits, overall))


def nodes(rows, variables, limits, family=None):
    """(loss, violating, levels) of every node."""
    whole = 100 * len(variables)
    for levels in product(*(range(len(variable.levels)) for variable in variables)):
        lost = sum(variable.levels[level].loss for variable, level in zip(variables, levels, strict=True))
        out = violating(rows, variables, levels, limits, family)
        yield lost * (len(rows) - out) + whole * out, out, levels


def best(rows, variables, limits, dropped, family=None):
    fit = [node for node in nodes(rows, variables, limits, family) if node[1] <= len(rows) * dropped]
    return min(fit, default=None)
