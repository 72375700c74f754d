"""What must be known from outside before the tables can answer: plain values that the office gathers.

Every default is the one that refuses. A fact that nobody gathered is therefore a “no”, not an oversight.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Mandate:
    """One person's hold on one post between two instants. `acting` marks a Plt or Plh. `until` None means: no end is
    known. The holder acts from `since` on and no longer at `until`."""

    person: str
    post: str
    institution: str
    roles: frozenset[str]
    since: datetime
    until: datetime | None = None
    acting: bool = False

    def is_held_by(self, person: str, post: str, institution: str, role: str, moment: datetime) -> bool:
        """Whether it is this person, on this post of this institution, in this role, at this moment."""
        return (
            (self.person, self.post, self.institution) == (person, post, institution)
            and role in self.roles
            and self.since <= moment
            and (self.until is None or moment < self.until)
        )


EVERY_COMPETENCE: Final = ("technical", "legal", "governance")


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """The moment, and what is known of the one who acts: the same questions before all three tables."""

    now: datetime
    today: date  # the calendar day in Jakarta (WIB)
    account: str = ""  # account state of law reference 4.3; only ACTIVE may act
    mandate: Mandate | None = None  # the hold on the post the actor names
    competences: Mapping[str, date] = field(default_factory=dict)  # attestation → last day
    competences_needed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # role → attestations it needs

    def needs(self, role: str) -> tuple[str, ...]:
        """The attestations without which nobody acts in `role`: what is unknown is demanded."""
        return self.competences_needed.get(role, EVERY_COMPETENCE)


@dataclass(frozen=True, slots=True)
class Standing:
    """The readiness certificate of the applicant's institution as it stands now. `valid_until` is the last day."""

    status: str = "NOT_STARTED"
    valid_until: date | None = None
    levels: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    digest: str = ""
    reviewers: frozenset[str] = frozenset()  # persons: they may not act in another check of this chain

    def is_ready(self, today: date) -> bool:
        """READY, or READY_WITH_CONDITIONS, on a day within its validity."""
        return (
            self.status in {"READY", "READY_WITH_CONDITIONS"}
            and self.valid_until is not None
            and today <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Purpose:
    """One line of policies/purposes.toml: what the data may be used for, and how far."""

    code: str
    levels: frozenset[str]
    longest_days: int  # an access for this purpose lasts at most so long
    onward_sharing: bool
    bast_kind: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices that law reference 11.2 leaves open, in force on one day."""

    handover_timing: str = "late"  # BAST: "late" is after the quality check, "early" with the agreement
    longest_rounds: int | None = None  # of repair; None: no cap
    lapse_days: int | None = None  # after the repair date; None: a request never lapses (silence never decides)
    competences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # role → attestations it needs
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    deficiencies: frozenset[str] = frozenset()  # codes a deficiency item may carry
    documents: frozenset[str] = frozenset()  # kinds of document an applicant may attach
    substitutes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # kind → kinds that serve as well

    @classmethod
    def on(cls, day: date) -> "Settings":
        """The settings of policies/deadlines, parties, purposes, deficiencies and levels in force on `day`. Raises
        PolicyError or NoRule if a file cannot be used."""
        practice = rules("deadlines", "practice").on(day)
        purposes = rules("purposes", "purpose", ("code",)).in_force(day)
        roles = rules("parties", "role", ("code",)).in_force(day)
        kinds = rules("levels", "document", ("code",)).in_force(day)
        return cls(
            handover_timing=practice["handover_timing"],
            longest_rounds=practice.values.get("longest_rounds"),
            lapse_days=practice.values.get("lapse_days"),
            competences={code: tuple(rule["competences"]) for (code,), rule in roles.items()},
            purposes={
                code: Purpose(
                    code,
                    frozenset(rule["levels"]),
                    rule["longest_days"],
                    rule["onward_sharing"],
                    rule["bast_kind"],
                )
                for (code,), rule in purposes.items()
            },
            deficiencies=frozenset(code for (code,) in rules("deficiencies", "deficiency", ("code",)).in_force(day)),
            documents=frozenset(code for (code,), rule in kinds.items() if rule["made_by"] == "applicant"),
            substitutes={code: tuple(rule.values.get("substitutes", ())) for (code,), rule in kinds.items()},
        )


@dataclass(frozen=True, slots=True)
class Facts(ActorFacts):
    """The world at one moment, for one actor and one request."""

    settings: Settings = field(default_factory=Settings)
    record_is_whole: bool = False  # the events of this request stand in the ledger as they were written

    # the institution that asks
    institution_kind: str = ""
    standing: Standing = field(default_factory=Standing)
    overdue: tuple[str, ...] | None = None  # reports and destructions past their day; None: not known
    incidents: tuple[str, ...] | None = None  # incidents still open
    dpo_registered: bool = False
    transfer_basis: str = ""  # safeguard for transfer abroad (UU PDP Art 56)

    # the controller that is asked
    controller_appointed: bool = False
    processor_mandated: bool = False
    owners: Mapping[str, str] | None = None  # variable → institution that must consent; None: not known

    # the content, as compiled from the answers now
    questions: Mapping[str, bool] = field(default_factory=dict)  # of the form: code → an answer is demanded
    channel: str = ""  # how the package will be fetched, as the readiness certificate names it
    tier: str = ""  # control tier L2 … L4
    specific: frozenset[str] = frozenset()  # asked variables of class SPECIFIC
    documents_required: frozenset[str] | None = None  # None: not known, and nothing is complete
    dpo_required: bool = True
    opinion_required: bool = True  # the DPO's opinion
    plan: str = ""  # digest of the plan that would now be approved, or that was approved, compiled afresh
    plan_refusal: Refusal | None = None  # why the answers make no lawful plan

    # the papers and what follows the decision
    agreement: str = ""  # SHA-256 of the agreement as generated
    handover: str = ""  # SHA-256 of the hand-over record as generated
    repair_due: date | None = None
    access_stands: bool = False  # the grant of this request is active, or suspended for nothing but its release
    access_open: bool = True  # a grant of this request is still pending, active or suspended
    duties: tuple[str, ...] | None = None  # duties after access still unmet; None: not known

    def needs(self, role: str) -> tuple[str, ...]:
        return self.settings.competences.get(role, EVERY_COMPETENCE)
