"""From a signed submission order to accepted rows and a signed receipt: opening, checking, keeping, sending back.

    var/intake/<submission>/<digest>.age              sealed pieces, put there by the office, deleted by it afterwards
    var/registry/submissions/<source>/<version>/      accepted rows, sealed, and the receipt (registry.kept; 0700)
    var/returned/kembali-<uuid>/                      the receipt and faulty rows, sealed to their sender

Readable rows stand only in the worker's private workspace. The receipt beside the accepted ones is what makes a
submission done: killed before it stands there, the worker begins anew and takes away what it had put out; killed after,
it says the same again.
"""

import logging
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyrage

from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import PublicKey, Signer
from bagipakai.core.intake import (
    RECEIPT_NAME,
    Finding,
    IntakeReceipt,
    ReturnedPart,
    SubmissionOrder,
)
from bagipakai.core.manifest import fingerprint
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract, Sources
from bagipakai.core.submissions import CANCELLED, kept_for
from bagipakai.registry.folders import sync
from bagipakai.registry.intake import SentBack, Taken, faults, take
from bagipakai.registry.kept import Kept, UnknownKept, all_kept, destroy, put_away
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.package import private, withdraw
from bagipakai.registry.pieces import PieceDiffers, put_together
from bagipakai.registry.seal import BadRecipient, SealedFile, recipient
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

BLOCK: Final = 1024 * 1024
LARGEST: Final = 1 << 40  # bytes of a file of returned rows: as many lines as a sheet has, each as long as a cell
_ORDERS: Final = uuid.UUID("0f3c6a9e-2b41-5a7d-8c15-7d1e90b2c4a6")  # the name space; any fixed value would do
_FIGURE: Final = re.compile("[0-9][0-9.,]{0,9}")  # a count or a share; a person's number is longer
_OURS: Final = re.compile("berkas-[0-9]{3}[.][a-z]{1,8}")

Took = Callable[[int], object]  # is told of bytes that were checked


@dataclass(frozen=True, slots=True)
class Stores:
    """The folders of intake, all on one file system, so that each publishing is one rename."""

    workspaces: Path
    sealed: Path
    kept: Path
    returned: Path

    @classmethod
    def under(cls, var: Path) -> "Stores":
        stores = cls(var / "worker", var / "intake", var / "registry" / "submissions", var / "returned")
        for folder, mode in ((stores.workspaces, 0o700), (stores.kept, 0o700), (stores.returned, 0o755)):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        return stores


def package_of(order_id: str) -> str:
    """The folder in which what came back of this order is put: `kembali-` and a UUID made from the order's id."""
    return f"kembali-{uuid.uuid5(_ORDERS, order_id)}"


def receive(
    order: SubmissionOrder,
    signer: Signer,
    storage: StorageKey,
    identity: pyrage.x25519.Identity,
    stores: Stores,
    took: Took = lambda _: None,
) -> IntakeReceipt:
    """Takes in what `order` names and tells what was done. Once: what stands already is only receipted again. A refusal
    is a receipt with a code, and nothing is kept. Accepted rows are kept sealed, under a key that `storage` wraps.

    Raises EngineError, OSError: then nothing was kept either.
    """
    package, kept = package_of(order.order_id), stores.kept / order.source / str(order.version)
    contract = _contract(order)
    with private(stores.workspaces / package) as workspace:
        if isinstance(contract, Refusal):
            return refused(order, contract)
        if (already := _standing(kept, order, signer)) is not None:
            return already
        withdraw(stores.returned / package, workspace)
        destroy(kept)
        try:
            files = list(_opened(order, identity, stores.sealed / order.place, workspace / "berkas"))
        except PieceDiffers:
            return refused(order, Refusal("intake-piece-differs"))
        taken = take(files, contract, workspace / "hasil", day=_day(order), told=took)
        if isinstance(taken, Refusal):
            no = refused(order, _without_values(taken, contract))
            if isinstance(taken, SentBack):  # why, row by number; the rows themselves are not kept, as said
                no = replace(no, received=taken.found.received, findings=_findings(taken.found, contract))
            return no
        receipt = _receipt(order, taken, contract, workspace / package)
        _put_out(receipt, order.placed_at, signer, storage, taken, workspace, stores.returned / package, kept)
    log.info("intake.done order=%s accepted=%d returned=%d", order.order_id, receipt.accepted, receipt.returned)
    return receipt


def cancelled(order: SubmissionOrder, stores: Stores) -> IntakeReceipt:
    """Takes away whatever was made of a submission that its sender does not want any more, and tells that it was
    cancelled. Raises OSError while somebody still works on it."""
    package = package_of(order.order_id)
    with private(stores.workspaces / package) as workspace:
        withdraw(stores.returned / package, workspace)
        destroy(stores.kept / order.source / str(order.version))
    return refused(order, Refusal(CANCELLED))


def tidy(stores: Stores, trusted: PublicKey, day: date) -> int:
    """Destroys what was accepted and sent back of versions that have been superseded for longer than the policy of
    `day` lets them be kept; the newest of each source stays. What is damaged is left to be looked at. Returns how
    many."""
    destroyed, longest = 0, kept_for(day)
    for folder, later in pairwise(all_kept(stores.kept)):
        if folder.parent != later.parent:
            continue  # the newest of its source
        try:
            old, since = Kept.open(folder, trusted), Kept.open(later, trusted).sent_at
        except UnknownKept:  # another worker tidies, too
            continue
        except Damaged as damage:
            log.error("intake.not_tidied folder=%s/%s code=%s", folder.parent.name, folder.name, damage.code)
            continue
        if day_of(since) + longest <= day:
            if old.receipt.package:
                shutil.rmtree(stores.returned / old.receipt.package, ignore_errors=True)
            destroy(folder)  # last: killed before, it is done again
            destroyed += 1
            log.info("intake.destroyed order=%s rows=%d", old.receipt.order_id, old.receipt.accepted)
    return destroyed


def refused(order: SubmissionOrder, no: Refusal) -> IntakeReceipt:
    """The receipt that says why the set goes back whole."""
    log.info("intake.refused order=%s code=%s", order.order_id, no.code)
    detail = tuple(sorted((name, value) for name, value in no.detail.items()))
    return replace(_about(order), refusal=no.code, detail=detail)


def _about(order: SubmissionOrder) -> IntakeReceipt:
    """A receipt that says so far only what it is about."""
    return IntakeReceipt(order.order_id, order.source, order.version, order.contract, order.sent)


def _contract(order: SubmissionOrder) -> Contract | Refusal:
    """By what the set is checked, or why it is not: the registry asks its own policies whose source this is."""
    day = _day(order)
    provider = rules("parties", "provider", ("source",)).in_force(day).get((order.source,))
    contract = Sources.on(day).get(order.source)
    if contract is None or provider is None or provider["institution"] != order.institution:
        return Refusal("source-is-not-theirs")
    if order.contract != f"{contract.version}@{contract.digest}":
        return Refusal("contract-was-changed")
    try:
        recipient(order.recipient)
    except BadRecipient:
        return Refusal("order-recipient-key-unusable")
    return contract


def _opened(order: SubmissionOrder, identity: pyrage.x25519.Identity, sealed: Path, workspace: Path) -> Iterator[Path]:
    """The files of the set, put together in the private workspace under names of our own."""
    workspace.mkdir(mode=0o700)
    for number, file in enumerate(order.files, start=1):
        path = workspace / f"berkas-{number:03d}.{file.ending}"
        put_together(file, sealed, identity, path)
        yield path


def _receipt(order: SubmissionOrder, taken: Taken, contract: Contract, package: Path) -> IntakeReceipt:
    """What was done, with the faulty rows sealed into `package`, if there are any."""
    returned = sorted((taken.folder / "returned").glob("*.csv"))
    parts = []
    if returned:
        package.mkdir(mode=0o700)
        parts = [_sealed(file, package, number, order.recipient) for number, file in enumerate(returned, start=1)]
    return replace(
        _about(order),
        received=taken.received,
        accepted=taken.accepted,
        returned=taken.returned,
        kept=taken.content,
        findings=_findings(taken, contract),
        package=package.name if parts else "",
        recipient=fingerprint(order.recipient) if parts else "",
        parts=tuple(parts),
    )


def _findings(taken: Taken, contract: Contract) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            one.code,
            one.column,
            one.count,
            one.first,
            tuple(sorted(faults.told(one.code, contract, one.column, taken.day).detail.items())),
        )
        for one in taken.faults
    )


def _sealed(file: Path, package: Path, number: int, to: str) -> ReturnedPart:
    name = f"baris-{number:04d}.csv.age"
    with SealedFile(package / name, recipient(to), LARGEST) as out, file.open("rb") as read:
        while block := read.read(BLOCK):
            out.write(block)
    sealed = out.sealed
    assert sealed is not None  # noqa: S101 - leaving the block closed it
    return ReturnedPart(name, sealed.content_bytes, sealed.content_sha256, sealed.sealed_bytes, sealed.sealed_sha256)


def _put_out(
    receipt: IntakeReceipt,
    sent_at: datetime,
    signer: Signer,
    storage: StorageKey,
    taken: Taken,
    workspace: Path,
    returned: Path,
    kept: Path,
) -> None:
    """First what goes back, then what is kept, whose receipt makes it done; each appears whole, by one rename."""
    if receipt.package:
        package = workspace / receipt.package
        (package / RECEIPT_NAME).write_bytes(receipt.sealed(signer))
        for file in package.iterdir():
            file.chmod(0o640)
        package.chmod(0o750)
        sync(package)
        package.rename(returned)
        sync(returned.parent, inside=False)
    shutil.rmtree(taken.folder / "returned", ignore_errors=True)
    put_away(taken.folder, receipt, sent_at, signer, storage)
    taken.folder.chmod(0o700)
    sync(taken.folder)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken.folder.rename(kept)
    sync(kept.parent, inside=False)


def _standing(kept: Path, order: SubmissionOrder, signer: Signer) -> IntakeReceipt | None:
    """The receipt of this very order, if what it tells of is kept."""
    with suppress(UnknownKept, Damaged):
        receipt = Kept.open(kept, signer.public).receipt
        return receipt if receipt.is_about(_about(order)) else None
    return None


def _without_values(no: Refusal, contract: Contract) -> Refusal:
    """The refusal with no more than names of columns that the contract has, counts, and our own names of files: a file
    without a heading may have a person's row where a name of a column is looked for."""
    names = set(contract.names)

    def is_known(part: str) -> bool:
        return part in names or bool(_FIGURE.fullmatch(part) or _OURS.fullmatch(part))

    return Refusal(
        no.code,
        {
            name: ", ".join(part if is_known(part) else "…" for part in value.split(", "))
            for name, value in no.detail.items()
        },
    )


def _day(order: SubmissionOrder) -> date:
    return day_of(order.placed_at)
