"""Levels, control tiers and the document matrix (law reference 4.5, 6.2), from policies/levels.toml.

A tier adds gates and documents, never content. A table made on request passes the gates of tier L2 (decision 0021).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bagipakai.core.policy import rules


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document. `made_by`: applicant, system or verifier. `substitutes`: kinds that serve as well."""

    code: str
    name: str
    english: str
    made_by: str
    substitutes: tuple[str, ...] = ()

    def title(self, lang: str = "id") -> str:
        return self.name if lang == "id" else self.english


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the matrix: `document` at `tier`; `must`, or only when `when` holds ("" and not `must`: it may be
    attached)."""

    document: str
    tier: str
    must: bool
    when: str
    basis: str


@dataclass(frozen=True, slots=True)
class Tier:
    """What a control tier demands besides documents."""

    code: str
    dpo_registered: bool
    dpo_opinion: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Levels:
    """The matrix in force on one day."""

    names: Mapping[str, tuple[str, str]]  # level → (Indonesian, English)
    tiers: Mapping[str, Tier]
    kinds: Mapping[str, DocumentKind]
    matrix: tuple[Requirement, ...]

    @classmethod
    def on(cls, day: date) -> "Levels":
        """Raises PolicyError if policies/levels.toml cannot be used."""
        names = rules("levels", "level", ("code",)).in_force(day)
        tiers = rules("levels", "tier", ("code",)).in_force(day)
        kinds = rules("levels", "document", ("code",)).in_force(day)
        lines = rules("levels", "requirement", ("tier", "document")).in_force(day)
        return cls(
            {code: (rule["name"], rule["english"]) for (code,), rule in names.items()},
            {
                code: Tier(code, rule["dpo_registered"], rule["dpo_opinion"], rule.basis)
                for (code,), rule in tiers.items()
            },
            {
                code: DocumentKind(
                    code, rule["name"], rule["english"], rule["made_by"], tuple(rule.values.get("substitutes", ()))
                )
                for (code,), rule in kinds.items()
            },
            tuple(
                Requirement(
                    rule["document"],
                    rule["tier"],
                    rule["need"] == "M",
                    rule.values.get("when", ""),
                    rule.basis,
                )
                for rule in lines.values()
            ),
        )

    def tier_of_request(self, tier: str) -> Tier:
        """The gates that a request passes whose content asks for `tier`. Raises KeyError for an unknown tier."""
        return self.tiers[max(tier, "L2")] if tier else self.tiers[tier]

    def demanded(self, tier: str, institution_kind: str, specific: bool) -> frozenset[str]:
        """The kinds that the applicant must attach, themselves or a substitute. Raises KeyError for an unknown tier."""
        holds = {"specific": specific, "bumn": institution_kind == "BUMN"}
        return frozenset(
            line.document
            for line in self._lines(tier)
            if line.must or (line.when and holds.get(line.when, True))  # an unknown condition demands
        )

    def offered(self, tier: str) -> tuple[str, ...]:
        """Every kind that the applicant may attach at this tier, in the order of the matrix. Raises KeyError for an
        unknown tier."""
        kinds = ((line.document, *self.kinds[line.document].substitutes) for line in self._lines(tier))
        return tuple(dict.fromkeys(kind for group in kinds for kind in group))

    def _lines(self, tier: str) -> tuple[Requirement, ...]:
        gates = self.tier_of_request(tier).code
        return tuple(
            line for line in self.matrix if line.tier == gates and self.kinds[line.document].made_by == "applicant"
        )
