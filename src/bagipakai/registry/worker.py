"""The registry's worker: takes unfinished orders from the mailbox, one at a time, and answers each exactly once: orders
for packages (registry.deliver), to take in what an institution handed in (registry.receiving), to read, keep or
destroy a list to be matched (registry.rosters), and about clerical review (registry.reviewing).

It may be killed at any moment. What it had not published is in a private folder that is wiped; what it had published
but not receipted is found whole, or taken away and made again (registry.deliver). Another worker may run beside it: an
order is held by a lock of the database session, which dies with its holder.
"""

import gc
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from bagipakai.core.deadlines import day_of
from bagipakai.core.disclosure import Disclosure, too_fine
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.exchange import Cancellation, Order, Receipt, Step
from bagipakai.core.intake import IntakeReceipt, SubmissionOrder
from bagipakai.core.lifecycle import State
from bagipakai.core.progress import Cancelled, Progress, Told, counting
from bagipakai.core.refusal import Refusal
from bagipakai.core.review_orders import ReviewOrder, ReviewReceipt
from bagipakai.core.review_orders import unsealed as review_order
from bagipakai.core.roster_orders import RosterDestruction, RosterKeeping, RosterOrder, RosterReceipt
from bagipakai.registry import asked, deliver, keys, receiving, reviewing, reviews, rosters
from bagipakai.registry.engines import EngineError, TooManyCells
from bagipakai.registry.engines.choice import EMBEDDED, Choice
from bagipakai.registry.extract import NotWhatWasApproved
from bagipakai.registry.formats import CellTooLong
from bagipakai.registry.holds import Broken
from bagipakai.registry.mailbox import Letter, Mailbox
from bagipakai.registry.places import Places
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release, UnknownRelease, lives_of
from bagipakai.registry.seal import PartTooLarge
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

TRIES = 3  # of an order that fails for a reason nobody foresaw; a disk that is full is waited for without end
LINES = 10.0  # seconds between two lines of progress in the log
OFTEN = 1.0  # seconds between two times that progress is written and a cancellation looked for
CLOCKS = timedelta(days=1)  # by which the office's clock may be ahead: an order is judged by the rules of its day
PAUSE = 5.0  # seconds between two looks into the mailbox, if nobody rings

AnyOrder = Order | SubmissionOrder | rosters.AnyOrder | ReviewOrder
AnyReceipt = Receipt | IntakeReceipt | RosterReceipt | ReviewReceipt


class Worker:
    """One worker with its keys and places. `failures` counts, per order, how often it failed for an unforeseen reason;
    a new worker counts anew, so that repairing the machine and starting again is enough."""

    def __init__(self, var: Path, own: keys.Keys, choice: Choice = EMBEDDED) -> None:
        self.places = Places.under(var)
        self.stores = receiving.Stores.under(var)
        self.releases = var / "releases"
        self.key_folder = var / "keys"
        self.keys = own
        self.seals = (own.seal.public, *own.seals)
        self.choice = choice
        self.failures: Counter[str] = Counter()
        self.tidied: date | None = None

    def tidy(self, day: date) -> None:
        """Takes away, once a day, what is not to be kept any longer."""
        if day != self.tidied:
            try:
                receiving.tidy(self.stores, self.keys.receipt.public, day)
                rosters.tidy(self.places, self.keys.receipt.public, day)
                asked.tidy(self.places.asked, day)
                reviews.tidy(self.places.reviews, day)
                self.tidied = day
            except OSError as failure:
                log.error("registry.not_tidied kind=%s", type(failure).__name__)

    def look(self, mailbox: Mailbox) -> bool:
        """Handles every unfinished order that nobody else holds. True if no order is left unfinished."""
        for order_id in mailbox.unfinished():
            with mailbox.taken(order_id) as letter:
                if letter is not None:
                    self._answer(mailbox, letter)
        return not mailbox.unfinished()

    def _answer(self, mailbox: Mailbox, letter: Letter) -> None:
        receipt = self._done(letter, Watch(self, mailbox, letter.order_id))
        with mailbox.turn(letter.order_id):
            if receipt is not None and not receipt.refusal and self.is_cancelled(mailbox, letter.order_id):
                receipt = self._cancelled(self._ordered(letter))  # just too late
            if receipt is not None:
                mailbox.answer(letter.order_id, receipt.sealed(self.keys.receipt))

    def is_cancelled(self, mailbox: Mailbox, order_id: str) -> bool:
        """Whether the office cancelled this order. What it did not seal says nothing."""
        envelope = mailbox.cancellation(order_id)
        if envelope is None:
            return False
        try:
            return Cancellation.unsealed(envelope, self.keys.order).order_id == order_id
        except BadSeal:
            log.warning("order.cancellation_not_trusted order=%s", _shown(order_id))
            return False

    def _done(self, letter: Letter, told: Told) -> AnyReceipt | None:
        """What was done with one order, or None if it must be tried again later."""
        try:
            order = self._ordered(letter)
        except BadSeal:
            return self._unreadable(letter, Refusal("order-seal-mismatch"))
        if order.order_id != letter.order_id:
            return self._unreadable(letter, Refusal("order-of-another-id"), order)
        early = order.placed_at > datetime.now(UTC) + CLOCKS
        if early and not isinstance(order, RosterDestruction):  # that one's date decides nothing
            return self._unreadable(letter, Refusal("order-from-the-future"), order)
        match order:
            case SubmissionOrder():
                return self._take_in(order, told)
            case RosterOrder() | RosterKeeping() | RosterDestruction():
                return self._about_roster(order, told)
            case Order():
                return self._delivered(order, told)
        return self._review(letter, order)

    def _delivered(self, order: Order, told: Told) -> AnyReceipt | None:
        try:
            told(Progress(Step.SELECTION.value, datetime.now(UTC)))
            release = Release.open(self.releases, order.release, trusted=self.seals)
            if lives_of(self.releases, self.seals)[order.release].state is State.WITHDRAWN:
                return deliver.refused(order, Refusal("order-release-withdrawn", {"release": order.release}))
            return deliver.deliver(order, release, self.keys, self.places, choice=self.choice, told=told)
        except Cancelled:
            return self._cancelled(order)
        except UnknownRelease:
            return deliver.refused(order, Refusal("order-release-unknown", {"release": order.release}))
        except Damaged as damage:  # of this release, or of an event of another, which the house must see
            log.error("order.damage order=%s code=%s file=%s", order.order_id, damage.code, damage.file)
            return deliver.refused(order, Refusal("order-release-damaged", {"release": order.release}))
        except Broken as broken:  # who is on hold is not known, so nobody is delivered
            return deliver.refused(order, Refusal("hold-records-broken", {"file": str(broken)}))
        except TooManyCells:
            return deliver.refused(order, too_fine(Disclosure.on(day_of(order.placed_at))))
        except CellTooLong as column:
            return deliver.refused(order, Refusal("order-cell-too-long", {"column": str(column)}))
        except PartTooLarge:
            return deliver.refused(order, Refusal("order-part-too-large"))
        except Exception as failure:  # its text may quote a row, so only its kind is told
            return None if self._waits(order.order_id, failure) else deliver.refused(order, self._gave_up())

    def _ordered(self, letter: Letter) -> AnyOrder:
        """Raises BadSeal."""
        kinds: tuple[Callable[[bytes, PublicKey], AnyOrder], ...]
        of_rosters = (RosterOrder.unsealed, RosterKeeping.unsealed, RosterDestruction.unsealed)
        kinds = (review_order, SubmissionOrder.unsealed, *of_rosters)
        for unsealed in kinds:
            with suppress(BadSeal):
                return unsealed(letter.envelope, self.keys.order)
        return Order.unsealed(letter.envelope, self.keys.order)

    def _cancelled(self, order: AnyOrder) -> AnyReceipt | None:
        """The receipt of an order that the office does not want any more; None while it cannot be wiped."""
        try:
            match order:
                case SubmissionOrder():
                    return receiving.cancelled(order, self.stores)
                case RosterOrder() | RosterKeeping() | RosterDestruction():
                    return rosters.cancelled(order, self.places, self.keys.receipt.public)
                case Order():
                    return deliver.cancelled(order, self.places)
            return None  # of a review nothing is ever cancelled
        except OSError as failure:
            log.error("order.not_wiped order=%s kind=%s", order.order_id, type(failure).__name__)
            return None

    def _take_in(self, order: SubmissionOrder, told: Told) -> AnyReceipt | None:
        twice = 2 * sum(piece.bytes for file in order.files for piece in file.pieces)  # each file is read twice
        begun = Progress("CHECKING", datetime.now(UTC), 0, twice, "bytes")
        took = counting(told, begun)
        try:
            told(begun)
            identity = keys.intake(self.key_folder)
            return receiving.receive(order, self.keys.receipt, self.keys.storage, identity, self.stores, took)
        except Cancelled:
            return self._cancelled(order)
        except Exception as failure:  # its text may quote a row, so only its kind is told
            return None if self._waits(order.order_id, failure) else receiving.refused(order, self._gave_up())

    def _about_roster(self, order: rosters.AnyOrder, told: Told) -> AnyReceipt | None:
        try:
            if isinstance(order, RosterDestruction):
                return rosters.destroyed(order, self.places, self.keys.receipt.public)
            if isinstance(order, RosterKeeping):
                return rosters.held(order, self.keys.receipt, self.places, day_of(datetime.now(UTC)))
            size = sum(piece.bytes for piece in order.file.pieces)
            begun = Progress("CHECKING", datetime.now(UTC), 0, size, "bytes")
            told(begun)
            identity, sealed = keys.intake(self.key_folder), self.stores.sealed / order.place
            took = counting(told, begun)
            return rosters.read(order, self.keys.receipt, self.keys.storage, identity, self.places, sealed, took)
        except Cancelled:
            return self._cancelled(order)
        except Exception as failure:  # its text may quote a row, so only its kind is told
            return None if self._waits(order.order_id, failure) else rosters.refused(order, self._gave_up())

    def _review(self, letter: Letter, order: ReviewOrder) -> AnyReceipt | None:
        try:
            return reviewing.answer(order, letter.envelope, self.keys.storage, self.places.reviews)
        except Exception as failure:  # its text may quote a row, so only its kind is told
            if self._waits(order.order_id, failure):
                return None
            return ReviewReceipt(order.order_id, order.review, refusal=self._gave_up().code)

    def _unreadable(self, letter: Letter, no: Refusal, order: AnyOrder | None = None) -> AnyReceipt:
        """The receipt for an order that cannot be believed: about its id in the mailbox nothing more is known than of
        which kind the order is."""
        log.warning("order.refused order=%s code=%s", _shown(letter.order_id), no.code)
        match order:
            case SubmissionOrder():
                return IntakeReceipt(letter.order_id, "", 0, "", refusal=no.code)
            case RosterOrder() | RosterKeeping() | RosterDestruction():
                return RosterReceipt(letter.order_id, order.roster, refusal=no.code)
            case Order() | None:
                return Receipt(letter.order_id, plan_digest="", release="", refusal=no.code)
        return ReviewReceipt(letter.order_id, "", refusal=no.code)

    def _waits(self, order_id: str, failure: Exception) -> bool:
        """Whether an order that failed for a reason nobody foresaw is tried again later."""
        self.failures[order_id] += 1
        tries = self.failures[order_id]
        kind = str(failure) if isinstance(failure, EngineError | NotWhatWasApproved) else ""
        log.error("order.failed order=%s tries=%d kind=%s %s", order_id, tries, type(failure).__name__, kind)
        return tries < TRIES or isinstance(failure, OSError)

    def _gave_up(self) -> Refusal:
        return Refusal("order-failed", {"tries": str(TRIES)})


class Watch:
    """Is told how far an order is, and writes it into the mailbox at each new stage and once a second. Raises Cancelled
    if the office does not want the order any more. A mailbox that cannot be reached stops no work."""

    def __init__(self, worker: Worker, mailbox: Mailbox, order_id: str) -> None:
        self._worker, self._mailbox, self._order_id = worker, mailbox, order_id
        self._stage, self._next, self._line = "", 0.0, time.monotonic() + LINES

    def __call__(self, progress: Progress) -> None:
        if progress.stage == self._stage and time.monotonic() < self._next:
            return
        self._stage, self._next = progress.stage, time.monotonic() + OFTEN
        if time.monotonic() >= self._line:
            self._line = time.monotonic() + LINES
            counted = (progress.done, progress.of, progress.unit)
            log.info("order.progress order=%s stage=%s done=%d of=%s unit=%s", self._order_id, progress.stage, *counted)
        with suppress(psycopg.OperationalError):
            if self._worker.is_cancelled(self._mailbox, self._order_id):
                raise Cancelled
            self._mailbox.tell(self._order_id, progress)


def run(url: str, var: Path, *, once: bool = False, pause: float = PAUSE) -> int:
    """Works until it is killed, or with `once` until no order is unfinished. 0, or 1 if an order is left unfinished.

    Raises BadChoice and SparkMissing for an engine that cannot be had; with `once` also KeyMissing while the office has
    not made its key, psycopg.OperationalError if no database answers.
    """
    choice = Choice.of(os.environ)
    folder = var / "keys"
    keys.establish(folder)
    regions()
    gc.freeze()  # what is loaded by now stays: not to be searched again with every table
    while True:
        try:
            worker = Worker(var, keys.read(folder), choice)
            with Mailbox.open(url) as mailbox:
                log.info("worker.ready")
                while True:
                    with keys.in_use(folder):
                        worker.keys = keys.read(folder)  # each time: one may have given way to the next
                        worker.tidy(day_of(datetime.now(UTC)))
                        finished = worker.look(mailbox)
                    if once and (finished or max(worker.failures.values(), default=0) >= TRIES):
                        return 0 if finished else 1
                    mailbox.wait(0.2 if once else pause)
        except psycopg.OperationalError as error:
            if once:
                raise
            log.warning("worker.no-database kind=%s", type(error).__name__)
        except keys.KeyMissing as missing:
            if once:
                raise
            log.warning("worker.no-key file=%s", missing)
        time.sleep(pause)


def _shown(order_id: str) -> str:
    """An id that nobody signed, as it may stand in a log: short, and without ends of lines."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "?" for letter in order_id[:60])
