"""The law's own words: `GLOSSARY.toml` at the root tells which Indonesian term a name in the code stands for.

Pages never spell a status, level, class or role themselves; they ask here, so that one word is changed in one place.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.translation import get_language

GLOSSARY = Path(__file__).resolve().parents[3] / "GLOSSARY.toml"


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: the identifier in the code, the term and its definition in two languages, and the source."""

    identifier: str
    kind: str
    istilah: str
    english: str
    definisi: str
    definition: str
    sumber: str
    sentiment: str = "plain"

    @property
    def label(self) -> str:
        """The term in the reader's language."""
        return self.english if get_language() == "en" else self.istilah

    @property
    def meaning(self) -> str:
        """The definition in the reader's language."""
        return self.definition if get_language() == "en" else self.definisi


@lru_cache(maxsize=1)
def terms() -> tuple[Term, ...]:
    """Every entry, in file order. Raises ValueError if one identifier stands twice under one kind."""
    found = tuple(Term(**row) for row in tomllib.loads(GLOSSARY.read_text("utf-8"))["istilah"])
    if len({(one.kind, one.identifier) for one in found}) != len(found):
        raise ValueError("GLOSSARY.toml: an identifier stands twice")
    return found


def term(identifier: str, kind: str = "") -> Term:
    """The entry of `identifier`, of that `kind` where two share it. Raises KeyError for a word that the glossary does
    not know or that is not clear without its kind."""
    found = [one for one in terms() if one.identifier == str(identifier) and kind in ("", one.kind)]
    if len(found) != 1:
        raise KeyError(f"{kind or 'any'} {identifier}: {len(found)} entries in GLOSSARY.toml")
    return found[0]
