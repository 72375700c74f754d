"""A second source of people and lists for the matching benches, made apart from the product's own synthesis: other
names, other families, other errors. Weights trained on the one are judged on the other, so that what is learnt is
Indonesian paper and not the habits of one generator.
"""

from bench.other_people.dirt import HABITS, KINDS, a_list
from bench.other_people.people import registry

__all__ = ["HABITS", "KINDS", "a_list", "registry"]
