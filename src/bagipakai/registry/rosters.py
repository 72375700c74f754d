"""Lists that institutions want matched: read once, kept sealed as long as the office has ordered, opened for the order
that names them, destroyed.

    var/registry/rosters/<roster>/
        rows.parquet              where each row stands (`baris`) and what it says; sealed in blocks (registry.vault)
        key.json                  what opens it, wrapped by the storage key; without it the rows are gone
        tersimpan.dsse.json       whose list it is, since when, size and digests of the rows and of the receipt; signed
        tanda-daftar.dsse.json    the signed receipt
        ditahan.dsse.json         until when the office ordered it to be kept, if it did; signed
    var/registry/rosters/<roster>.dihapus    nothing is in it: that this list is to be gone, and not to be read again

Readable rows stand only in the worker's private workspace. The folder appears by one rename, in place of what an
earlier order read of the same list. Killed before, the worker begins anew; killed after, it says the same again.
"""

import hashlib
import logging
import os
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage

from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.intake import Finding
from bagipakai.core.plan import Matching
from bagipakai.core.refusal import Refusal
from bagipakai.core.roster_orders import (
    DESTROYED,
    Heading,
    RosterDestruction,
    RosterKeeping,
    RosterOrder,
    RosterReceipt,
)
from bagipakai.core.rosters import Limits
from bagipakai.core.shapes import Form, is_count, is_digest, is_text, misfit
from bagipakai.core.submissions import CANCELLED
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.folders import sync
from bagipakai.registry.kept import destroy
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching import abuse, lists
from bagipakai.registry.matching.headings import COLUMNS, Headings, is_header
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.package import private
from bagipakai.registry.pieces import PieceDiffers, put_together
from bagipakai.registry.places import Places
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import KEY, Damaged, ShelfKey, look, seal_file

log = logging.getLogger("bagipakai.registry")

ROWS, RECORD, RECEIPT, HELD = "rows.parquet", "tersimpan.dsse.json", "tanda-daftar.dsse.json", "ditahan.dsse.json"
HELD_KIND: Final = "application/vnd.bagipakai.held-roster+json;v=1"
RECORD_KIND: Final = "application/vnd.bagipakai.kept-roster+json;v=1"
LIMIT: Final = 4 * 1024 * 1024  # bytes of a receipt
PLACE: Final = "baris"  # where a row stands, as its sender counts
_ORDERS: Final = uuid.UUID("5b0f4f8e-6a27-5f0c-9d6b-3c1b6f2a9e70")  # the name space; any fixed value would do
_GONE: Final = ".dihapus"
_NEW: Final = ".dibuat"
_FIGURES: Final = re.compile("[0-9]{1,9}(, [0-9]{1,9}|, …)*")  # counts, and numbers of rows

AnyOrder = RosterOrder | RosterKeeping | RosterDestruction
Took = Callable[[int], object]  # is told of bytes that were opened


class UnknownRoster(LookupError):
    """Nothing is kept of this list. `destroyed`: nor will be."""

    def __init__(self, roster: str, destroyed: bool) -> None:
        super().__init__(roster)
        self.destroyed = destroyed


@dataclass(frozen=True, slots=True)
class Rows:
    """The sealed rows: what the file must be."""

    bytes: int
    sha256: str
    blocks: str


@dataclass(frozen=True, slots=True)
class Held:
    """That the office ordered a list to be kept until the end of a day, and when."""

    placed_at: datetime
    until: date


@dataclass(frozen=True)
class Roster:
    """A list that is kept, as it was signed when it was kept. `placed_at`: when its reading was ordered; `held`: that
    it was ordered to be kept, if it was."""

    folder: Path
    receipt: RosterReceipt
    institution: str
    placed_at: datetime
    rows: Rows
    held: Held | None = None

    @classmethod
    def open(cls, places: Places, roster: str, trusted: PublicKey) -> "Roster":
        """Raises UnknownRoster, or Damaged if what was signed about it was not signed by `trusted` or is about another
        list, or the rows do not lie there by size."""
        folder = places.rosters / roster
        destroyed = _marker(folder).exists()
        if destroyed or not folder.is_dir():
            raise UnknownRoster(roster, destroyed)
        receipt, record = _bytes(folder / RECEIPT), _bytes(folder / RECORD)
        try:
            found = cls(folder, RosterReceipt.unsealed(receipt, trusted), *_recorded(receipt, record, trusted))
        except BadSeal:
            raise Damaged("release-seal-mismatch", RECORD) from None
        if found.receipt.roster != roster:
            raise Damaged("release-seal-mismatch", RECEIPT)
        look(folder / ROWS, found.rows.bytes, ROWS)
        return replace(found, held=_held(folder, roster, trusted))

    def read(self, storage: StorageKey) -> pa.Table | Refusal:
        """The rows (`table`), or that they cannot be opened whole."""
        try:
            return self.table(storage)
        except Damaged as damage:
            log.error("roster.damaged roster=%s code=%s", self.receipt.roster, damage.code)
            return Refusal("order-roster-damaged")

    def table(self, storage: StorageKey) -> pa.Table:
        """`baris`, `list_id`, and those of the standard columns that the list has. Raises Damaged."""
        key = ShelfKey.unwrapped(self.folder, _key_name(self.receipt.roster), storage)
        with Shelf(key, {ROWS: Entry(self.folder / ROWS, self.rows.blocks)}).reading() as shelf:
            return pq.read_table(shelf.open(shelf.name(ROWS)))

    def last_day(self, longest: timedelta) -> date:
        """The day after which it is destroyed, with an order or without: so long after its reading was ordered, or as
        it was ordered to be kept."""
        days = [day_of(self.placed_at) + longest - timedelta(days=1)]
        return max([*days, self.held.until] if self.held else days)


def read(
    order: RosterOrder,
    signer: Signer,
    storage: StorageKey,
    identity: pyrage.x25519.Identity,
    places: Places,
    sealed: Path,
    took: Took = lambda _: None,
) -> RosterReceipt:
    """Reads the list that `order` names from its pieces in the folder `sealed` and tells what stands in it. Once: what
    stands already is only receipted again, and what was to be destroyed is not read any more. A refusal is a receipt
    with a code, and nothing is kept of the list, also where something was. Raises OSError: then everything is as it
    was."""
    with private(places.workspaces / f"daftar-{uuid.uuid5(_ORDERS, order.order_id)}") as workspace:
        final = places.rosters / order.roster
        if (standing := _standing(places, order, signer)) is not None:
            return standing
        path = workspace / f"daftar.{order.file.ending}"
        try:
            put_together(order.file, sealed, identity, path)
        except PieceDiffers:
            return _gone(order, final, Refusal("intake-piece-differs"))
        took(sum(piece.bytes for piece in order.file.pieces))
        day = day_of(order.placed_at)
        found = lists.read(path, dict(order.columns) or None, day)
        if isinstance(found, Refusal):
            return replace(_gone(order, final, _without_values(found)), headings=_offered(path))
        if no := _too_few(found.table, day) or abuse.objection(found.table, found.lines, day):
            headings, findings = _headings(found.headings, found.table), _findings(found)
            return replace(_gone(order, final, no), headings=headings, findings=findings)
        receipt = _keep(order, found, signer, storage, workspace / "simpan", final)
        if _marker(final).exists():  # ordered meanwhile, and done by another worker before this list stood there
            return _gone(order, final, Refusal(DESTROYED))
    log.info("roster.read order=%s rows=%d findings=%d", order.order_id, receipt.rows, len(receipt.findings))
    return receipt


def held(order: RosterKeeping, signer: Signer, places: Places, day: date) -> RosterReceipt:
    """Has the list that `order` names outlast the registry's own clock, until the day that it names, and tells which
    rows are kept. Of two such orders the later one counts, whichever is seen first. A refusal changes nothing. Raises
    OSError."""
    earliest = min(day, day_of(order.placed_at))
    most = Limits.on(earliest).longest
    try:
        roster = Roster.open(places, order.roster, signer.public)
    except UnknownRoster as unknown:
        return refused(order, _missing(unknown))
    except Damaged:
        log.error("roster.damaged roster=%s", order.roster)
        return refused(order, Refusal("order-roster-damaged"))
    if roster.institution != order.institution:
        return refused(order, Refusal("roster-is-not-theirs"))
    if roster.receipt.digest != order.digest:
        return refused(order, Refusal("order-roster-differs"))
    if order.until > earliest + timedelta(days=most):
        return refused(order, Refusal("roster-kept-too-long", {"most": str(most)}))
    said = Held(order.placed_at, order.until)
    if roster.held and (roster.held.placed_at, roster.held.until) > (said.placed_at, said.until):
        return refused(order, Refusal("roster-was-kept-since"))
    _hold(roster, said, signer)
    log.info("roster.held order=%s until=%s", order.order_id, order.until)
    return RosterReceipt(order.order_id, order.roster, rows=roster.receipt.rows, digest=roster.receipt.digest)


def destroyed(order: RosterDestruction, places: Places, trusted: PublicKey) -> RosterReceipt:
    """Destroys what is kept of the list and tells so, also where nothing was or is yet, or cannot be read. Raises
    OSError."""
    if not _may_be_theirs(order, places, trusted):
        return refused(order, Refusal("roster-is-not-theirs"))
    _destroy(places.rosters / order.roster)
    log.info("roster.destroyed order=%s", order.order_id)
    return RosterReceipt(order.order_id, order.roster, refusal=DESTROYED)


def cancelled(order: AnyOrder, places: Places, trusted: PublicKey) -> RosterReceipt:
    """Takes away what was read for an order that nobody wants any more, and tells that it was cancelled. Raises
    OSError."""
    folder = places.rosters / order.roster
    try:
        if Roster.open(places, order.roster, trusted).receipt.order_id == order.order_id:
            destroy(folder)
    except UnknownRoster as unknown:
        if unknown.destroyed:  # since, but before this was put there
            destroy(folder)
    except Damaged:
        pass
    return refused(order, Refusal(CANCELLED))


def refused(order: AnyOrder, no: Refusal) -> RosterReceipt:
    """The receipt that says why nothing was done."""
    log.info("roster.refused order=%s code=%s", order.order_id, no.code)
    sent = order.sent if isinstance(order, RosterOrder) else ""
    return RosterReceipt(order.order_id, order.roster, sent, no.code, tuple(sorted(no.detail.items())))


def named(matching: Matching, institution: str, places: Places, trusted: PublicKey) -> Roster | Refusal:
    """The kept list that a plan of `institution` names, exactly as it was read when the plan was made; or why there is
    none."""
    try:
        roster = Roster.open(places, matching.roster, trusted)
    except UnknownRoster as unknown:
        return _missing(unknown)
    except Damaged:
        log.error("roster.damaged roster=%s", matching.roster)
        return Refusal("order-roster-damaged")
    if roster.institution != institution:
        return Refusal("order-roster-is-not-theirs")
    if (roster.receipt.digest, roster.receipt.rows) != (matching.digest, matching.rows):
        return Refusal("order-roster-differs")
    return roster


def tidy(places: Places, trusted: PublicKey, day: date) -> int:
    """Destroys the lists that are older than the policy of `day` lets them be, and that no order keeps for longer. It
    is the office that orders them to be destroyed; this is for an office that does not. What is damaged is left to be
    looked at. Returns how many."""
    longest, gone = timedelta(days=Abuse.on(day).kept_days), 0
    for folder in sorted(one for one in places.rosters.iterdir() if one.is_dir() and not one.name.startswith(".")):
        try:
            roster = Roster.open(places, folder.name, trusted)
        except UnknownRoster as unknown:  # another worker tidies, too; or one was killed while it destroyed
            if unknown.destroyed:
                destroy(folder)
            continue
        except Damaged as damage:
            log.error("roster.not_tidied roster=%s code=%s", folder.name, damage.code)
            continue
        if roster.last_day(longest) < day:
            _destroy(folder)
            gone += 1
            log.info("roster.tidied roster=%s rows=%d", folder.name, roster.receipt.rows)
    return gone


def _keep(
    order: RosterOrder, found: lists.ListFile, signer: Signer, storage: StorageKey, folder: Path, final: Path
) -> RosterReceipt:
    """Seals the rows in `folder`, a new one, and puts it in the place of whatever is kept of the list."""
    table = found.table.add_column(0, PLACE, pa.array(found.lines, pa.int64()))
    digest = ContentDigest(table.schema)
    digest.add(table)
    receipt = RosterReceipt(
        order.order_id,
        order.roster,
        order.sent,
        rows=len(table),
        digest=digest.hexdigest(),
        headings=_headings(found.headings, found.table),
        findings=_findings(found),
    )
    folder.mkdir(mode=0o700)
    key, plain = ShelfKey.new(_key_name(order.roster)), folder / "plain"
    pq.write_table(table, plain, compression="zstd")
    sealed = seal_file(plain, folder / ROWS, key.cipher(ROWS))
    plain.unlink()
    envelope = receipt.sealed(signer)
    told = {
        "receipt": hashlib.sha256(envelope).hexdigest(),
        "institution": order.institution,
        "placed_at": order.placed_at.astimezone(UTC).isoformat(timespec="seconds"),
        "rows": asdict(sealed),
    }
    (folder / KEY).write_bytes(key.wrapped(storage))
    (folder / RECORD).write_bytes(seal(RECORD_KIND, told, signer))
    (folder / RECEIPT).write_bytes(envelope)
    sync(folder)
    destroy(final)
    folder.rename(final)
    sync(final.parent, inside=False)
    return receipt


def _standing(places: Places, order: RosterOrder, signer: Signer) -> RosterReceipt | None:
    """The receipt of this very order, if what it tells of is kept; or why it is not read: the list is another's, was
    read again since, or was to be destroyed."""
    try:
        kept = Roster.open(places, order.roster, signer.public)
    except UnknownRoster as unknown:
        return _gone(order, places.rosters / order.roster, Refusal(DESTROYED)) if unknown.destroyed else None
    except Damaged:
        return None if _may_be_theirs(order, places, signer.public) else refused(order, Refusal("roster-is-not-theirs"))
    if kept.institution != order.institution:
        return refused(order, Refusal("roster-is-not-theirs"))
    if (kept.receipt.order_id, kept.receipt.sent) == (order.order_id, order.sent):
        return kept.receipt
    if kept.placed_at > order.placed_at:
        return refused(order, Refusal("roster-was-read-since"))
    return None


def _may_be_theirs(order: RosterOrder | RosterDestruction, places: Places, trusted: PublicKey) -> bool:
    """False where another institution's list is kept, as far as what was signed of it can still be read."""
    try:
        told = unseal(RECORD_KIND, _bytes(places.rosters / order.roster / RECORD), trusted)
    except (Damaged, BadSeal):
        return True
    return bool(told.get("institution") == order.institution)


def _gone(order: RosterOrder, final: Path, no: Refusal) -> RosterReceipt:
    """The refusal of a list of which nothing is kept any more."""
    destroy(final)
    return refused(order, no)


def _destroy(folder: Path) -> None:
    """First that it is to be gone, for whoever reads it now; then its key (registry.kept), and the rest."""
    _marker(folder).touch(0o600)
    sync(folder.parent, inside=False)
    destroy(folder)
    sync(folder.parent, inside=False)


def _missing(unknown: UnknownRoster) -> Refusal:
    return Refusal("order-roster-destroyed" if unknown.destroyed else "order-roster-unknown")


def _hold(roster: Roster, said: Held, signer: Signer) -> None:
    """Notes it beside the list, in place of an earlier note, or not at all."""
    told = {
        "roster": roster.receipt.roster,
        "placed_at": said.placed_at.astimezone(UTC).isoformat(timespec="seconds"),
        "until": said.until.isoformat(),
    }
    written = roster.folder / f".{uuid.uuid4()}{_NEW}"
    with written.open("xb") as out:
        out.write(seal(HELD_KIND, told, signer))
        out.flush()
        os.fsync(out.fileno())
    written.rename(roster.folder / HELD)
    sync(roster.folder, inside=False)


def _held(folder: Path, roster: str, trusted: PublicKey) -> Held | None:
    """Until when a list was ordered to be kept. What was not signed about this very list keeps nothing."""
    with suppress(Damaged, BadSeal, KeyError, TypeError, ValueError):
        told = unseal(HELD_KIND, _bytes(folder / HELD), trusted)
        if told["roster"] == roster:
            return Held(datetime.fromisoformat(told["placed_at"]), date.fromisoformat(told["until"]))
    return None


def _too_few(table: pa.Table, day: date) -> Refusal | None:
    """A list of one person and nobody else would be a question about that person (matching reference 4.12)."""
    least = Abuse.on(day).smallest
    return None if len(table) >= least else Refusal("roster-is-too-small", {"least": str(least)})


def _offered(path: Path) -> tuple[Heading, ...]:
    """The header of a list that was refused, so that its sender can choose; nothing where it may be a person's row."""
    found = lists.headings(path)
    if not isinstance(found, Headings) or not is_header(found):
        return ()
    return tuple(Heading(cell, "", 0) for cell in found.header if cell)


def _headings(headings: Headings, table: pa.Table) -> tuple[Heading, ...]:
    """Every column with a name, in the order of the file."""
    meaning = {place: column for column, place in headings.places.items()}
    filled = {name: len(table) - table[name].null_count for name in table.column_names}
    return tuple(
        Heading(cell, meaning.get(place, ""), filled.get(meaning.get(place, ""), 0))
        for place, cell in enumerate(headings.header)
        if cell or place in meaning
    )


def _findings(found: lists.ListFile) -> tuple[Finding, ...]:
    return tuple(
        Finding(one.code, one.column, one.count, tuple((1, row) for row in one.rows)) for one in found.findings
    )


def _without_values(no: Refusal) -> Refusal:
    """The refusal with no more than names of standard columns, and counts: the rest may be a row where no header
    stands."""
    detail = {name: one for name, one in no.detail.items() if one in COLUMNS or _FIGURES.fullmatch(one)}
    return Refusal(no.code, detail)


def _marker(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_GONE}")


def _key_name(roster: str) -> str:
    """Under which its key is wrapped: the rows of one list do not open as those of another."""
    return f"roster/{roster}"


_ROWS: Final[Form] = {"bytes": is_count, "sha256": is_digest, "blocks": is_digest}
_RECORD: Final[Form] = {
    "receipt": is_digest,
    "institution": is_text,
    "placed_at": is_text,
    "rows": lambda value: isinstance(value, Mapping) and misfit(value, _ROWS) is None,
}


def _recorded(receipt: bytes, record: bytes, trusted: PublicKey) -> tuple[str, datetime, Rows]:
    """Whose list, when it was ordered to be read, and its rows. Raises BadSeal."""
    value: Mapping[str, Any] = unseal(RECORD_KIND, record, trusted)
    if misfit(value, _RECORD) is not None or value["receipt"] != hashlib.sha256(receipt).hexdigest():
        raise BadSeal("about another receipt")
    return value["institution"], datetime.fromisoformat(value["placed_at"]), Rows(**value["rows"])


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LIMIT + 1)
    except FileNotFoundError:
        raise Damaged("release-file-missing", file.name) from None
