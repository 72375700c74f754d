"""Opening rows that came back from a submission: whose receipt it is, for whom, and every byte as it was sealed.

What came back holds no more than its sender had sent, so there is no plan and no end of a right to look at. All that is
to be believed stands in the registry's signed receipt (core.intake).
"""

from dataclasses import dataclass
from pathlib import Path

from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.intake import RECEIPT_LIMIT, RECEIPT_NAME, IntakeReceipt
from bagipakai.core.manifest import Kind, Part
from bagipakai.core.troubles import trouble
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.opening import part_opened, wiped
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.verify import Told, part_as_sealed


@dataclass(frozen=True, slots=True)
class CameBack:
    """Rows that came back and now stand in `folder`."""

    receipt: IntakeReceipt
    folder: Path
    files: tuple[str, ...]


def came_back(
    package: Path, registry: PublicKey, identity: Identity, folder: Path, told: Told = lambda _: None
) -> CameBack | Refusal:
    """Checks everything in `package`, then puts its rows into `folder`, which must be new or empty. Leaves nothing
    unless all checks passed."""
    try:
        receipt = _receipt(package, registry)
        if isinstance(receipt, Refusal):
            return receipt
        if receipt.recipient != identity.fingerprint:
            return Refusal("another-recipient", {"name": "pemegang kunci lain"})
        if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            return Refusal("folder-in-use", {"name": folder.name})
        parts = _parts(receipt)
        for part in parts:
            if not (package / part.name).is_file():
                return Refusal("file-missing", {"name": part.name})
            if no := part_as_sealed(package / part.name, part, parts, told):
                return no
        with wiped(folder.with_name(f".{folder.name}.belum-diperiksa")) as staging:
            for part in parts:
                if no := part_opened(package / part.name, part, staging, identity, told):
                    return no
            if folder.exists():
                folder.rmdir()
            staging.rename(folder)
    except BlockingIOError:
        return Refusal("folder-in-use", {"name": folder.name})
    except OSError as error:
        return Refusal("disk-error", {"detail": trouble(error)})
    except KeyboardInterrupt:
        return Refusal("interrupted")
    return CameBack(receipt, folder, tuple(part.content_name for part in parts))


def _receipt(package: Path, registry: PublicKey) -> IntakeReceipt | Refusal:
    file = package / RECEIPT_NAME
    if not file.is_file() or file.is_symlink():
        return Refusal("intake-receipt-missing", {"name": package.name})
    with file.open("rb") as read:
        envelope = read.read(RECEIPT_LIMIT + 1)
    try:
        return IntakeReceipt.unsealed(envelope, registry)
    except BadSeal:
        return Refusal("intake-receipt-mismatch")


def _parts(receipt: IntakeReceipt) -> tuple[Part, ...]:
    """The parts as packages name theirs, so that they are checked and opened by the same hands."""
    return tuple(
        Part(
            one.name,
            Kind.METADATA,  # whose lines are not counted: the receipt counts rows, not faults
            order,
            len(receipt.parts),
            0,
            one.content_bytes,
            one.content_sha256,
            one.sealed_bytes,
            one.sealed_sha256,
        )
        for order, one in enumerate(receipt.parts, start=1)
    )
