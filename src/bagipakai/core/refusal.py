"""“No” as a value: a code, what is needed to explain it, and the sentence a person reads.

The sentences live in `policies/refusals.toml`, in Indonesian and English, each with its source. A refusal without a
sentence cannot be shown, so every code that the tables can give has one (tests/workflow/test_sentences.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from bagipakai.core.policy import policy_file

NOTHING: Final = ("", "–")  # what a blank holds that nobody filled
ASIDE = re.compile(r" \([^()]*\{[^()]*\)| “\{\w+\}”|: \{\w+\}")  # what a sentence can do without: (…), “…”, : …
BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What stands in the way. `detail` fills the blanks of the sentence; it never holds a person's row, a NIK or a
    secret."""

    code: str
    detail: Mapping[str, str] = field(default_factory=dict, hash=False)

    def sentence(self, lang: str = "id") -> str:
        """The sentence in `lang` ("id" or "en"): what is wrong and what to do. An aside whose blanks are all empty is
        left out. Raises KeyError for an unknown code."""
        return ASIDE.sub(self._aside, self.template(lang)).format_map(_Blanks(self.detail))

    def template(self, lang: str = "id") -> str:
        """The sentence with its blanks still open, in braces. Raises KeyError for an unknown code."""
        return str(_sentences()[self.code][lang])

    @property
    def basis(self) -> str:
        """The source of the rule behind this refusal. Raises KeyError for an unknown code."""
        return str(_sentences()[self.code]["basis"])

    def _aside(self, found: re.Match[str]) -> str:
        filled = any(self.detail.get(name, "") not in NOTHING for name in BLANK.findall(found[0]))
        return found[0] if filled else ""

    def to_json(self) -> dict[str, Any]:
        """For the ledger and the API."""
        return {"code": self.code, "detail": dict(self.detail)}


class _Blanks(dict[str, str]):
    """A blank nobody filled shows as a dash, so that explaining a refusal never fails."""

    def __missing__(self, key: str) -> str:
        return "–"


@lru_cache(maxsize=1)
def _sentences() -> Mapping[str, Mapping[str, str]]:
    return {rule["code"]: rule for rule in policy_file("refusals")["refusal"]}
