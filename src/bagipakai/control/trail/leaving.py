"""Whether a package may leave: its manifest stands in the trail, under a checkpoint that others have lately seen."""

from datetime import datetime, timedelta

from bagipakai.control import clock
from bagipakai.control.trail import gates, house, leaves, proofs
from bagipakai.core.manifest import LEAF_NAME, PROOF_NAME
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.witnesses import BadPolicy, Policy

SEALED = "package.SEAL"


def sealed(package: str, manifest: str) -> None:
    """Writes down that `package` was sealed with the manifest whose envelope has this SHA-256."""
    leaves.write_public(SEALED, package, manifest)


def in_the_way(package: str, manifest: str, now: datetime) -> Refusal | None:
    """Why nothing of `package`, as it was sealed with this manifest, leaves at this moment, or None. What the trail
    tells of another manifest opens nothing. Raises NoRule where no limit is in force."""
    longest = timedelta(hours=rules("trail", "release").on(clock.day_of(now))["hours"])
    placed = leaves.placed(package, SEALED, manifest)
    return gates.in_the_way_of_leaving(house.store(), _policy(), placed, now, longest)


def proof_of(package: str, manifest: str) -> dict[str, bytes]:
    """The files that prove that it was sealed with this manifest, by name; none while it is not under a public
    checkpoint. Raises BadNote, BadTile."""
    placed = leaves.placed(package, SEALED, manifest)
    found = proofs.proof(house.store(), placed[0]) if placed else None
    return {} if placed is None or found is None else {LEAF_NAME: placed[1], PROOF_NAME: bytes(found)}


def _policy() -> Policy | None:
    try:
        return house.policy()
    except (BadPolicy, OSError):
        return None
