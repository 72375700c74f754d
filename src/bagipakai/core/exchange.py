"""What passes between the planes, all of it signed: the Order to the registry or its Cancellation, the Receipt back,
and the Announcement of a release before either.

An Order carries the approved plan whole, and the digest that the deciders signed: the registry does not ask what it
may do, it reads it. A Receipt tells what was done, in the five sub-steps of the regulation, and never holds a
person's row.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.plan import Plan, PlanError
from bagipakai.core.preview import Preview

ORDER_KIND = "application/vnd.bagipakai.order+json;v=1"
CANCELLATION_KIND = "application/vnd.bagipakai.cancellation+json;v=1"
RECEIPT_KIND = "application/vnd.bagipakai.receipt+json;v=1"
ANNOUNCEMENT_KIND = "application/vnd.bagipakai.announcement+json;v=2"


class Step(StrEnum):
    """The five sub-steps of processing, in the order of the regulation (seed article; law reference 4.1)."""

    SELECTION = "SELECTION"  # pemilahan
    AGGREGATION = "AGGREGATION"  # agregasi
    FORMATTING = "FORMATTING"  # penyesuaian format
    ACCESS_SECURING = "ACCESS_SECURING"  # pemastian keamanan akses
    PROVISIONING = "PROVISIONING"  # penyediaan


@dataclass(frozen=True, slots=True)
class Order:
    """What the office orders the registry to do: one approved plan, once.

    `placed_at` is told to the second, with its time zone. `decision` is the digest of the signed decision, `agreement`
    the digest of the agreement, `policy` the digest of the policy files in force when the order was placed. `release`
    is the exact version to read, also for a rolling plan.
    """

    order_id: str
    plan: Plan
    release: str
    decision: str
    agreement: str
    policy: str
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        """The signed form. The plan's digest travels beside the plan, and both are signed."""
        return seal(
            ORDER_KIND,
            {
                "order_id": self.order_id,
                "plan": self.plan.to_json(),
                "plan_digest": self.plan.digest,
                "release": self.release,
                "decision": self.decision,
                "agreement": self.agreement,
                "policy": self.policy,
                "placed_at": _instant(self.placed_at),
            },
            signer,
        )

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Order":
        """Raises BadSeal if it was not signed by `trusted`, is malformed, or its plan is not the one whose digest it
        names."""
        value = unseal(ORDER_KIND, envelope, trusted)
        try:
            order = cls(
                order_id=_text(value["order_id"]),
                plan=Plan.from_json(value["plan"]),
                release=_text(value["release"]),
                decision=_text(value["decision"]),
                agreement=_text(value["agreement"]),
                policy=_text(value["policy"]),
                placed_at=_moment(value["placed_at"]),
            )
            if set(value) != {*asdict(order), "plan_digest"}:
                raise ValueError("fields that are not part of an order")
        except (KeyError, TypeError, ValueError, PlanError):
            raise BadSeal("a malformed order") from None
        if order.plan.digest != value.get("plan_digest"):
            raise BadSeal("a plan that differs from its digest")
        return order


@dataclass(frozen=True, slots=True)
class Cancellation:
    """That the office does not want an order done any more. Why, is told in the office."""

    order_id: str
    placed_at: datetime

    def sealed(self, signer: Signer) -> bytes:
        return seal(CANCELLATION_KIND, {"order_id": self.order_id, "placed_at": _instant(self.placed_at)}, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Cancellation":
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(CANCELLATION_KIND, envelope, trusted)
        try:
            if set(value) != {"order_id", "placed_at"}:
                raise KeyError
            return cls(_text(value["order_id"]), _moment(value["placed_at"]))
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed cancellation") from None


@dataclass(frozen=True, slots=True)
class StepDone:
    """Evidence of one sub-step: when, and counts or digests (text and whole numbers only)."""

    step: Step
    started_at: datetime
    finished_at: datetime
    evidence: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the registry did with one order. Either `refusal` is a code, of which `detail` says what it is about, and
    nothing left; or the package stands ready.

    `package` is the folder's name under the shared delivery store, `manifest` the SHA-256 of its sealed manifest.
    """

    order_id: str
    plan_digest: str
    release: str
    refusal: str = ""
    package: str = ""
    manifest: str = ""
    rows: int = 0
    columns: tuple[str, ...] = ()
    hidden_cells: int = 0
    package_bytes: int = 0
    steps: tuple[StepDone, ...] = ()
    detail: tuple[tuple[str, str], ...] = ()

    def sealed(self, signer: Signer) -> bytes:
        value: dict[str, Any] = asdict(self)
        del value["detail"]
        if self.detail:  # a receipt without it is what receipts were before
            value["detail"] = dict(self.detail)
        value["columns"] = list(self.columns)
        value["steps"] = [
            {
                "step": done.step.value,
                "started_at": _instant(done.started_at),
                "finished_at": _instant(done.finished_at),
                "evidence": dict(done.evidence),
            }
            for done in self.steps
        ]
        return seal(RECEIPT_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Receipt":
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(RECEIPT_KIND, envelope, trusted)
        try:
            steps = tuple(
                StepDone(
                    Step(one["step"]),
                    _moment(one["started_at"]),
                    _moment(one["finished_at"]),
                    _evidence(one["evidence"]),
                )
                for one in value.pop("steps")
            )
            columns = tuple(_text(name) for name in _list(value.pop("columns")))
            counts = {name: _count(value.pop(name)) for name in ("rows", "hidden_cells", "package_bytes")}
            told = value.pop("detail", {})
            detail = tuple((name, _text(told[name], may_be_empty=True)) for name in sorted(told))
            texts = {name: _text(text, may_be_empty=True) for name, text in value.items()}
            return cls(columns=columns, steps=steps, detail=detail, **counts, **texts)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError):
            raise BadSeal("a malformed receipt") from None


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the registry tells the office about a release that it published: enough to order from it, and no row.

    `digest` is the SHA-256 of the release's manifest. `regions` are the codes of the edition with their names, by which
    the office asks for an area. `withdrawn` says why it is not to be used any more; empty while it may be. `previous`
    is the version before it, `editions` the reference codes by which it is read, `quality` how many figures were
    `judged`, how many were `above` their limit, and how many persons answered for those (`exempted_by`). `changes`
    counts what happened since the previous release, None where a count is too small to leave. `preview`: in which bands
    the counts of its regencies lie (core.preview); None where the registry told nothing of them.
    """

    version: str
    digest: str
    standard: str
    region_system: str
    region_edition: str
    published_on: date
    persons: int
    families: int
    regions: tuple[tuple[str, str], ...]
    withdrawn: str = ""
    previous: str = ""
    notes: str = ""
    editions: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, int | None] = field(default_factory=dict)
    preview: Preview | None = None

    def sealed(self, signer: Signer) -> bytes:
        value = asdict(self) | {
            "published_on": self.published_on.isoformat(),
            "regions": [list(region) for region in self.regions],
        }
        del value["preview"]
        if self.preview is not None:  # an announcement without it is what announcements were before
            value["preview"] = self.preview.to_json()
        return seal(ANNOUNCEMENT_KIND, value, signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Announcement":
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(ANNOUNCEMENT_KIND, envelope, trusted)
        try:
            if value.keys() | {"preview"} != {one.name for one in fields(cls)}:
                raise KeyError
            return cls(
                version=_text(value["version"]),
                digest=_text(value["digest"]),
                standard=_text(value["standard"]),
                region_system=_text(value["region_system"]),
                region_edition=_text(value["region_edition"]),
                published_on=date.fromisoformat(_text(value["published_on"])),
                persons=_count(value["persons"]),
                families=_count(value["families"]),
                regions=tuple((_text(code), _text(name)) for code, name in _list(value["regions"])),
                withdrawn=_text(value["withdrawn"], may_be_empty=True),
                previous=_text(value["previous"], may_be_empty=True),
                notes=_text(value["notes"], may_be_empty=True),
                editions={name: _text(edition) for name, edition in value["editions"].items()},
                quality={name: _count(count) for name, count in value["quality"].items()},
                changes={name: None if count is None else _count(count) for name, count in value["changes"].items()},
                preview=Preview.from_json(value["preview"]) if "preview" in value else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise BadSeal("a malformed announcement") from None


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if _instant(moment) != text:
        raise ValueError("a moment in another spelling")
    return moment


def _text(value: Any, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise TypeError("text expected")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a count expected")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list expected")
    return value


def _evidence(value: Any) -> dict[str, str | int]:
    if not isinstance(value, dict) or any(
        isinstance(one, bool) or not isinstance(one, str | int) for one in value.values()
    ):
        raise TypeError("text and whole numbers expected")
    return value
