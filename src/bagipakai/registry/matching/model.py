"""The trained model: how often each level of each comparison is met among pairs that are one person, that are two
strangers, and that are two of one family. The weight of a level is the log2 of the first over the second, in bits
(Fellegi and Sunter, 1969: m and u); the third is why a twin is not his brother.

A model file is data: it names comparisons and levels of `comparisons`, and brings numbers, never a condition.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bagipakai.core.canonical import canonical
from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching import names
from bagipakai.registry.matching.comparisons import COMPARISONS, SIDE, TRAINED

FORM = "bagipakai-matching-model-1"
SHIPPED = Path(__file__).with_name("model.json")
RAREST = 1e-7  # a name never proves more than one that one person in ten million bears
MOST_RELATIVES = 50
# Who else could explain a pair: somebody of one mother, of one family card, of one district.
FAMILY = ("sibling", "family")
NEIGHBOUR = "neighbour"
KIN = (*FAMILY, NEIGHBOUR)
KERABAT = "bits_kerabat"
EVIDENCE = (*(f"bits_{one.name}" for one in COMPARISONS), KERABAT)

Chances = Mapping[str, Mapping[str, float]]  # by comparison of TRAINED, by level


@dataclass(frozen=True, slots=True)
class Model:
    """`same`, `stranger` and, by KIN, `relative`: the chances of levels. `relatives`: how many siblings and others of
    its family a row has in the registry. `shared`: how often two strangers of the training lived in one desa, kec,
    kab. `report`: what it was trained on, and what was found."""

    version: str
    normaliser: str
    same: Chances
    stranger: Chances
    relative: Mapping[str, Chances]
    relatives: Mapping[str, float]
    shared: Mapping[str, float]
    report: Mapping[str, Any]

    def written(self) -> str:
        """What its file says."""
        told = {
            "form": FORM,
            "version": self.version,
            "normaliser": self.normaliser,
            "comparisons": comparisons_digest(),
            **{name: getattr(self, name) for name in ("same", "stranger", "relative")},
            "relatives": self.relatives,
            "shared": self.shared,
            "report": self.report,
        }
        return json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.written().encode()).hexdigest()


def opened(path: Path = SHIPPED) -> Model | Refusal:
    """The model of a file; a Refusal if a level lacks a number, or it was trained for other comparisons or names."""
    try:
        told = json.loads(path.read_bytes())
        if (told["form"], told["comparisons"], told["normaliser"]) != (FORM, comparisons_digest(), names.VERSION):
            return Refusal("matching-model-of-other-comparisons", {"file": path.name})
        same, stranger = (_chances(told[name]) for name in ("same", "stranger"))
        relative = {kin: _chances(told["relative"][kin]) for kin in KIN}
        shared = {place: _chance(told["shared"][place]) for place in ("desa", "kec", "kab")}
        relatives = {kin: MOST_RELATIVES * _chance(told["relatives"][kin] / MOST_RELATIVES) for kin in FAMILY}
        version, normaliser = str(told["version"]), str(told["normaliser"])
        return Model(version, normaliser, same, stranger, relative, relatives, shared, told["report"])
    except (OSError, ValueError, KeyError, TypeError):
        return Refusal("matching-model-malformed", {"file": path.name})


def comparisons_digest() -> str:
    """SHA-256 over names, order and conditions: a weight belongs to the question it was learnt for."""
    asked = [[one.name, [[level.name, " ".join(level.condition.split())] for level in one.levels]] for one in TRAINED]
    return hashlib.sha256(canonical({"asked": asked, "side": " ".join(SIDE.split())})).hexdigest()


def _chances(told: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {
        one.name: {level.name: _chance(told[one.name][level.name]) for level in one.levels if not level.missing}
        for one in TRAINED
    }


def _chance(told: Any) -> float:
    if not isinstance(told, float) or not 0 < told <= 1:
        raise ValueError
    return told


def levels_of(pairs: str) -> str:
    """SQL: `list_row, ordinal, name_frequency_r` of each pair, and the place of its level in each comparison."""
    columns = []
    for one in COMPARISONS:
        cases = " ".join(f"WHEN {level.condition} THEN {at}" for at, level in enumerate(one.levels[:-1]))
        columns.append(f"CAST(CASE {cases} ELSE {len(one.levels) - 1} END AS UTINYINT) AS level_{one.name}")
    return f"SELECT list_row, ordinal, name_frequency_r, {', '.join(columns)} FROM {pairs}"  # noqa: S608  # our words
