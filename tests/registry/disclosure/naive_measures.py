"""The measures by their definitions, row by row: slow, plain, and the judge of `registry.disclosure.measures`.

Rows are dictionaries; unknown (None) is a value like others. With `family` a class counts its families, and a family
with several values once for each.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations
from math import exp, log


def key_of(row, quasi):
    return tuple(row[name] for name in quasi)


def classes(rows, quasi, family=None):
    """Class → its units: numbers of rows, or families."""
    found = defaultdict(set)
    for at, row in enumerate(rows):
        found[key_of(row, quasi)].add(at if family is None else row[family])
    return found


def sizes(rows, quasi, family=None):
    return {key: len(units) for key, units in classes(rows, quasi, family).items()}


def anonymity(sizes_of, smallest, matches=None):
    matches = matches or sizes_of
    below = [key for key in sizes_of if matches[key] < smallest]
    least = min(matches.values(), default=0)
    return least, len(sizes_of), sum(sizes_of.values()), len(below), sum(sizes_of[key] for key in below)


def matching(rows, quasi, family=None):
    """Class → units of all rows that agree with it wherever neither is blank."""
    found = {}
    for key in sizes(rows, quasi):
        alike = [
            (at, row)
            for at, row in enumerate(rows)
            if all(a is None or b is None or a == b for a, b in zip(key, key_of(row, quasi), strict=True))
        ]
        found[key] = len({at if family is None else row[family] for at, row in alike})
    return found


def spread(rows, quasi, sensitive, family=None):
    """Class → how often each sensitive value."""
    held = defaultdict(set)
    for at, row in enumerate(rows):
        held[key_of(row, quasi)].add((row[sensitive], at if family is None else row[family]))
    return {key: Counter(value for value, _ in pairs) for key, pairs in held.items()}


def distinct(spread_of):
    return min(map(len, spread_of.values()), default=0)


def entropy(spread_of):
    def one(counts):
        whole = sum(counts.values())
        return exp(-sum(n / whole * log(n / whole) for n in counts.values()))

    return min(map(one, spread_of.values()), default=0.0)


def share(spread_of, sizes_of):
    return max((Fraction(max(spread_of[key].values()), sizes_of[key]) for key in sizes_of), default=Fraction(0))


def in_order(values):
    return sorted(values, key=lambda value: (value is None, 0 if value is None else value))


def closeness(spread_of):
    """Equal and ordered distance, the largest over the classes."""
    overall = sum(spread_of.values(), Counter())
    values, whole = in_order(overall), sum(overall.values())
    equal = ordered = Fraction(0)
    for counts in spread_of.values():
        size = sum(counts.values())
        apart = [Fraction(counts[value], size) - Fraction(overall[value], whole) for value in values]
        equal = max(equal, sum(map(abs, apart), Fraction(0)) / 2)
        moved = [abs(sum(apart[: at + 1], Fraction(0))) for at in range(len(apart))]
        ordered = max(ordered, sum(moved, Fraction(0)) / max(1, len(values) - 1))
    return equal, ordered


def unique(rows, quasi, family=None, most=3):
    return {
        chosen: sum(size == 1 for size in sizes(rows, chosen, family).values())
        for number in range(1, min(most, len(quasi)) + 1)
        for chosen in combinations(quasi, number)
    }


def presence(file, registry):
    """Sizes of classes in both → the share of each class."""
    return {key: Fraction(size, max(size, registry.get(key, 0))) for key, size in file.items()}
