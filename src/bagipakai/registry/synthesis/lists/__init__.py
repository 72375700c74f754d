"""People to be matched, and the lists in which offices have written them down: a synthetic registry in the bare
columns, dirty lists of it, and the truth of which row is whom.
"""

from bagipakai.registry.synthesis.lists.population import registry
from bagipakai.registry.synthesis.lists.writing import a_list, kinds

__all__ = ["a_list", "kinds", "registry"]
