"""Local suppression one class after the other: the judge of `registry.disclosure.blanking`."""

from itertools import combinations

from tests.registry.disclosure.naive_measures import classes


def patterns(quasi, costs, most):
    every = [c for size in range(1, most + 1) for c in combinations(range(len(quasi)), size)]
    return sorted(every, key=lambda c: (sum(costs.get(quasi[at], 1) for at in c), len(c), c))


def blanked(key, pattern):
    return tuple(None if at in pattern else value for at, value in enumerate(key))


def rest(key, pattern):
    return tuple(value for at, value in enumerate(key) if at not in pattern)


def together(units, keys):
    return len(set().union(*(units[key] for key in keys)))


def solved(rows, quasi, k, meaning, costs, most, family=None):
    """Class → its pattern; None: dropped. Classes that are not in it stay as they are."""
    held = classes(rows, quasi, family)
    small = [key for key in held if len(held[key]) < k]
    answer, told = {}, {key: key for key in held if key not in small}
    for pattern in patterns(quasi, costs, most):
        still = [key for key in small if key not in answer]
        saved = []
        for key in still:
            if meaning == "anything":
                among = [other for other in held if rest(other, pattern) == rest(key, pattern)]
            else:
                among = [other for other in still if rest(other, pattern) == rest(key, pattern)]
                among += [other for other, seen in told.items() if seen == blanked(key, pattern)]
            if together(held, among) >= k:
                saved.append(key)
        for key in saved:
            answer[key] = pattern
            told[key] = blanked(key, pattern)
    return answer | {key: None for key in small if key not in answer}
