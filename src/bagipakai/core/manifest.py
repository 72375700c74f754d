"""The manifest: what a package says about itself, sealed by the controller, read by whoever receives it.

It repeats the approved plan whole, so that a recipient can compare what was approved with what came, without asking
anybody. It names files only by the patterns below: a name that could leave the folder has no spelling here.
Fields: trust reference 5.1, law reference 5.2.
"""

import hashlib
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from bagipakai.core.canonical import digest
from bagipakai.core.envelope import PublicKey, Signer, seal, unseal
from bagipakai.core.exchange import Step, StepDone
from bagipakai.core.holds import FEW, NONE
from bagipakai.core.marks import MARKED, Marking
from bagipakai.core.plan import Format, Plan, PlanError
from bagipakai.core.randomisation import Randomisation

MANIFEST_KIND = "application/vnd.bagipakai.manifest+json;v=1"
MANIFEST_NAME = "manifest.dsse.json"
LEAF_NAME = "manifest.leaf.json"  # the manifest's entry in the trail
PROOF_NAME = "manifest.tlog-proof"  # that it stands there, and who has seen it
MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; a package of 9,999 parts has about 3 MB
PART_LIMIT = 512 * 1024 * 1024  # bytes of one part before encryption (trust reference §5)
SUITE = "age-v1-x25519"  # one X25519 recipient, ChaCha20-Poly1305 in chunks of 64 KiB

_PACKAGE = re.compile(r"paket-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WITHHELD = re.compile(rf"{FEW}|{NONE}|[1-9][0-9]{{0,9}}")


class Kind(StrEnum):
    """What a part holds. The names of its file follow from it."""

    DATA = "data"
    DICTIONARY = "dictionary"
    METADATA = "metadata"
    STRUCTURE = "structure"  # of a table in SDMX-CSV
    REPORT = "report"  # of what can still be learnt about somebody; packages of before have none


_NAMES = {
    Kind.DATA: re.compile(r"bagian-[0-9]{4}\.(csv|xlsx|jsonl|parquet)\.age"),
    Kind.DICTIONARY: re.compile(r"kamus\.csv\.age"),
    Kind.METADATA: re.compile(r"metadata\.json\.age"),
    Kind.STRUCTURE: re.compile(r"struktur\.json\.age"),
    Kind.REPORT: re.compile(r"laporan\.html\.age"),
}


class ManifestError(ValueError):
    """The data are not a manifest, or contradict themselves. Names the field, never its value."""


def fingerprint(recipient: str) -> str:
    """The fingerprint of an age recipient (`age1…`): SHA-256 of its lower-case spelling, 64 hexadecimal digits."""
    return hashlib.sha256(recipient.lower().encode("ascii")).hexdigest()


def read_aloud(key_fingerprint: str) -> str:
    """The fingerprint for a check by telephone: its first 32 digits (128 bits) in groups of four."""
    return " ".join(key_fingerprint[at : at + 4] for at in range(0, 32, 4))


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the package. `rows` counts the rows of data in it; sizes are bytes, digests SHA-256, for the content
    and for the encrypted file as it lies in the folder."""

    name: str
    kind: Kind
    order: int
    total: int
    rows: int
    content_bytes: int
    content_sha256: str
    sealed_bytes: int
    sealed_sha256: str

    @property
    def content_name(self) -> str:
        """The file's name once opened."""
        return self.name.removesuffix(".age")


@dataclass(frozen=True, slots=True)
class DeliveredColumn:
    """One column as delivered: its official name, its type in the files and the class of the variable behind it."""

    name: str
    type: str
    sensitivity: str


@dataclass(frozen=True)
class Manifest:
    """One package. Instants are in UTC, `expires_on` and `destroy_by` are whole days, the last day included.

    `processing` is the evidence of the sub-steps that were done before the seal; provisioning, the last, stands in
    the registry's receipt. `random_ids` counts, per pseudonym column, the rows whose number was missing or invalid
    and that therefore carry an id of this package alone. `guarded` counts the cells per column that begin with one
    added apostrophe, so that no spreadsheet runs them. `holds`, where the house ever had any: the digest of their state
    (`holds`) and how many rows are `withheld`, no closer than may be told (core.holds). `marks`, where the copy is
    marked: how. `randomised`, where values were drawn anew: how often, and from what.
    """

    package: str
    order: str
    request: str
    decision: str
    agreement: str
    policy: str
    plan: Plan
    release: str
    release_digest: str
    standard: str
    region_system: str
    region_edition: str
    columns: tuple[DeliveredColumn, ...]
    rows: int
    hidden_cells: int
    content_digest: str
    disclosure_method: str
    smallest_cell: int
    pseudonym_scheme: str
    random_ids: dict[str, int]
    guarded: dict[str, int]
    parts: tuple[Part, ...]
    processing: tuple[StepDone, ...]
    created_at: datetime
    expires_on: date
    destroy_by: date
    suite: str = SUITE
    version: int = field(default=1)
    holds: dict[str, str] = field(default_factory=dict)
    marks: Marking | None = None
    randomised: Randomisation | None = None

    def to_json(self) -> dict[str, Any]:
        plan = self.plan
        value = {
            "version": self.version,
            "suite": self.suite,
            "package": self.package,
            "order": self.order,
            "request": self.request,
            "decision": self.decision,
            "agreement": self.agreement,
            "policy": self.policy,
            "purpose": plan.purpose,
            "programme": plan.programme,
            "recipient": {
                "institution": plan.recipient.institution,
                "name": plan.recipient.name,
                "fingerprint": plan.recipient.fingerprint,
            },
            "plan": plan.to_json(),
            "plan_digest": plan.digest,
            "release": {"version": self.release, "digest": self.release_digest, "standard": self.standard},
            "region": {"system": self.region_system, "edition": self.region_edition},
            "columns": [asdict(column) for column in self.columns],
            "rows": self.rows,
            "content_digest": self.content_digest,
            "disclosure": {
                "method": self.disclosure_method,
                "smallest_cell": self.smallest_cell,
                "hidden_cells": self.hidden_cells,
            },
            "pseudonyms": {"scheme": self.pseudonym_scheme, "random_ids": dict(self.random_ids)},
            "guarded": dict(self.guarded),
            "parts": [{**asdict(part), "kind": part.kind.value} for part in self.parts],
            "processing": [
                {
                    "step": done.step.value,
                    "started_at": _instant(done.started_at),
                    "finished_at": _instant(done.finished_at),
                    "evidence": dict(done.evidence),
                }
                for done in self.processing
            ],
            "created_at": _instant(self.created_at),
            "expires_on": self.expires_on.isoformat(),
            "destroy_by": self.destroy_by.isoformat(),
            "onward_sharing": plan.onward_sharing,
        }
        holds = {"holds": dict(self.holds)} if self.holds else {}
        changed = {"marks": self.marks, "randomised": self.randomised}
        return value | holds | {name: how.to_json() for name, how in changed.items() if how}

    @classmethod
    def from_json(cls, data: Any) -> "Manifest":
        """Raises ManifestError unless `data` is exactly what `to_json` writes of a manifest that holds together."""
        try:
            manifest = cls(
                version=data["version"],
                suite=data["suite"],
                package=data["package"],
                order=data["order"],
                request=data["request"],
                decision=data["decision"],
                agreement=data["agreement"],
                policy=data["policy"],
                plan=Plan.from_json(data["plan"]),
                release=data["release"]["version"],
                release_digest=data["release"]["digest"],
                standard=data["release"]["standard"],
                region_system=data["region"]["system"],
                region_edition=data["region"]["edition"],
                columns=tuple(DeliveredColumn(**column) for column in data["columns"]),
                rows=data["rows"],
                hidden_cells=data["disclosure"]["hidden_cells"],
                content_digest=data["content_digest"],
                disclosure_method=data["disclosure"]["method"],
                smallest_cell=data["disclosure"]["smallest_cell"],
                pseudonym_scheme=data["pseudonyms"]["scheme"],
                random_ids=dict(data["pseudonyms"]["random_ids"]),
                guarded=dict(data["guarded"]),
                parts=tuple(Part(**{**part, "kind": Kind(part["kind"])}) for part in data["parts"]),
                processing=tuple(
                    StepDone(
                        Step(done["step"]),
                        datetime.fromisoformat(done["started_at"]),
                        datetime.fromisoformat(done["finished_at"]),
                        dict(done["evidence"]),
                    )
                    for done in data["processing"]
                ),
                created_at=datetime.fromisoformat(data["created_at"]),
                expires_on=date.fromisoformat(data["expires_on"]),
                destroy_by=date.fromisoformat(data["destroy_by"]),
                holds=dict(data.get("holds", {})),
                marks=Marking.from_json(data["marks"]) if "marks" in data else None,
                randomised=Randomisation.from_json(data["randomised"]) if "randomised" in data else None,
            )
            same = manifest.to_json() == data
        except (KeyError, TypeError, ValueError, AttributeError, PlanError):
            raise ManifestError("not a manifest") from None
        if not same:
            raise ManifestError("fields that are not part of a manifest")
        try:
            manifest.check()
        except (TypeError, AttributeError, UnicodeError):  # a number where a name belongs, and the like
            raise ManifestError("not a manifest") from None
        return manifest

    def check(self) -> None:
        """Raises ManifestError, naming the field, unless names, orders, sizes and counts agree with each other."""
        _hold(self.version == 1, "version")
        _hold(self.suite == SUITE, "suite")
        _hold(_PACKAGE.fullmatch(self.package) is not None, "package")
        _hold(self.plan.recipient.fingerprint == fingerprint(self.plan.recipient.key), "recipient")
        names = [column.name for column in self.columns]
        _hold(bool(names) and len(set(names)) == len(names), "columns")
        _hold(set(self.random_ids) | set(self.guarded) <= set(names), "columns")
        _hold(_SHA256.fullmatch(self.content_digest) is not None, "content_digest")
        counts = (self.rows, self.hidden_cells, *self.random_ids.values(), *self.guarded.values())
        _hold(all(type(count) is int and count >= 0 for count in counts), "rows")
        if self.holds:
            _hold(set(self.holds) == {"holds", "withheld"}, "holds")
            _hold(_SHA256.fullmatch(self.holds["holds"]) is not None, "holds")
            _hold(_WITHHELD.fullmatch(self.holds["withheld"]) is not None, "holds")
        whole = {column.name for column in self.columns if column.type == "integer"}
        if self.marks:
            _hold(self.plan.level in MARKED and bool(self.marks.columns), "marks")
            _hold(set(self.marks.columns) <= whole, "marks")
        if self.randomised:
            _hold(self.plan.level in MARKED and bool(self.randomised.keep), "randomised")
            _hold(set(self.randomised.keep) <= whole, "randomised")
        for part in self.parts:
            _hold(_NAMES[part.kind].fullmatch(part.name) is not None, "part name")
            sizes = (part.rows, part.content_bytes, part.sealed_bytes)
            _hold(all(type(size) is int and size >= 0 for size in sizes), "part size")
            _hold(part.content_bytes <= PART_LIMIT, "part size")
            _hold(all(_SHA256.fullmatch(one) for one in (part.content_sha256, part.sealed_sha256)), "part digest")
        _hold(len({part.name for part in self.parts}) == len(self.parts), "part name")
        _hold([part.order for part in self.parts] == list(range(1, len(self.parts) + 1)), "part order")
        _hold(all(part.total == len(self.parts) for part in self.parts), "part total")
        data = [part for part in self.parts if part.kind is Kind.DATA]
        expected = [f"bagian-{order:04d}.{self.plan.format.ending}.age" for order in range(1, len(data) + 1)]
        _hold(bool(data) and [part.name for part in data] == expected, "part name")
        describing = [part.kind for part in self.parts if part.kind is not Kind.DATA]
        _hold(sorted(describing) in _describing(self.plan), "part kind")
        _hold(sum(part.rows for part in data) == self.rows, "rows")

    def sealed(self, signer: Signer) -> bytes:
        """The signed form, as it lies in the package. Raises ManifestError if it does not hold together."""
        self.check()
        return seal(MANIFEST_KIND, self.to_json(), signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "Manifest":
        """Raises BadSeal if `trusted` did not seal it, ManifestError if what was sealed is not a manifest."""
        value = unseal(MANIFEST_KIND, envelope, trusted)
        manifest = cls.from_json(value)
        if value["plan_digest"] != digest(value["plan"]):
            raise ManifestError("plan digest")
        return manifest


def _describing(plan: Plan) -> tuple[list[Kind], list[Kind]]:
    """What lies beside the data of this plan, once each, sorted: without a risk report, and with it."""
    kinds = [Kind.DICTIONARY, Kind.METADATA, *([Kind.STRUCTURE] if plan.format is Format.SDMX_CSV else [])]
    return sorted(kinds), sorted([*kinds, Kind.REPORT])


def _hold(true: bool, what: str) -> None:
    if not true:
        raise ManifestError(what)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
