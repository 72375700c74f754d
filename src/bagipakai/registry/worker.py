"""The registry's worker: takes unfinished orders from the mailbox, one at a time, and answers each exactly once: orders
for packages (registry.deliver) and orders to take in what an institution handed in (registry.receiving).

It may be killed at any moment. What it had not published is in a private folder that is wiped; what it had published
but not receipted is found whole, or taken away and made again (registry.deliver). Another worker may run beside it: an
order is held by a lock of the database session, which dies with its holder.
"""

import logging
import os
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg

from bagipakai.core.envelope import BadSeal
from bagipakai.core.exchange import Order, Receipt
from bagipakai.core.intake import IntakeReceipt, SubmissionOrder
from bagipakai.core.lifecycle import State
from bagipakai.core.refusal import Refusal
from bagipakai.registry import deliver, keys, receiving
from bagipakai.registry.engines import EngineError, TooManyCells
from bagipakai.registry.engines.choice import EMBEDDED, Choice
from bagipakai.registry.extract import NotWhatWasApproved
from bagipakai.registry.formats import CellTooLong
from bagipakai.registry.holds import Broken
from bagipakai.registry.mailbox import Letter, Mailbox
from bagipakai.registry.releases import Release, UnknownRelease, lives_of
from bagipakai.registry.seal import PartTooLarge
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

TRIES = 3  # of an order that fails for a reason nobody foresaw; a disk that is full is waited for without end
PAUSE = 5.0  # seconds between two looks into the mailbox, if nobody rings


class Worker:
    """One worker with its keys and places. `failures` counts, per order, how often it failed for an unforeseen reason;
    a new worker counts anew, so that repairing the machine and starting again is enough."""

    def __init__(self, var: Path, own: keys.Keys, choice: Choice = EMBEDDED) -> None:
        self.places = deliver.Places.under(var)
        self.stores = receiving.Stores.under(var)
        self.releases = var / "releases"
        self.key_folder = var / "keys"
        self.keys = own
        self.seals = (own.seal.public, *own.seals)
        self.choice = choice
        self.failures: Counter[str] = Counter()

    def look(self, mailbox: Mailbox) -> bool:
        """Handles every unfinished order that nobody else holds. True if no order is left unfinished."""
        for order_id in mailbox.unfinished():
            with mailbox.taken(order_id) as letter:
                if letter is not None and (receipt := self.answer(letter)) is not None:
                    mailbox.answer(order_id, receipt.sealed(self.keys.receipt))
        return not mailbox.unfinished()

    def answer(self, letter: Letter) -> Receipt | IntakeReceipt | None:
        """What was done with one order, or None if it must be tried again later."""
        with suppress(BadSeal):
            return self._take_in(letter, SubmissionOrder.unsealed(letter.envelope, self.keys.order))
        try:
            order = Order.unsealed(letter.envelope, self.keys.order)
        except BadSeal:
            return self._unreadable(letter, Refusal("order-seal-mismatch"))
        if order.order_id != letter.order_id:
            return self._unreadable(letter, Refusal("order-of-another-id"))
        try:
            release = Release.open(self.releases, order.release, trusted=self.seals)
            if lives_of(self.releases, self.seals)[order.release].state is State.WITHDRAWN:
                return deliver.refused(order, Refusal("order-release-withdrawn", {"release": order.release}))
            return deliver.deliver(order, release, self.keys, self.places, choice=self.choice)
        except UnknownRelease:
            return deliver.refused(order, Refusal("order-release-unknown", {"release": order.release}))
        except Damaged:
            return deliver.refused(order, Refusal("order-release-damaged", {"release": order.release}))
        except Broken as broken:  # who is on hold is not known, so nobody is delivered
            return deliver.refused(order, Refusal("hold-records-broken", {"file": str(broken)}))
        except TooManyCells:
            return deliver.refused(order, Refusal("table-too-fine"))
        except CellTooLong as column:
            return deliver.refused(order, Refusal("order-cell-too-long", {"column": str(column)}))
        except PartTooLarge:
            return deliver.refused(order, Refusal("order-part-too-large"))
        except Exception as failure:  # its text may quote a row, so only its kind is told
            return None if self._waits(order.order_id, failure) else deliver.refused(order, self._gave_up())

    def _take_in(self, letter: Letter, order: SubmissionOrder) -> IntakeReceipt | None:
        if order.order_id != letter.order_id:
            return IntakeReceipt(letter.order_id, "", 0, "", refusal="order-of-another-id")
        try:
            return receiving.receive(order, self.keys.receipt, keys.intake(self.key_folder), self.stores)
        except Exception as failure:  # its text may quote a row, so only its kind is told
            return None if self._waits(order.order_id, failure) else receiving.refused(order, self._gave_up())

    def _unreadable(self, letter: Letter, no: Refusal) -> Receipt:
        """The receipt for an order that cannot be believed: about its id in the mailbox nothing more is known."""
        log.warning("order.refused order=%s code=%s", _shown(letter.order_id), no.code)
        return Receipt(letter.order_id, plan_digest="", release="", refusal=no.code)

    def _waits(self, order_id: str, failure: Exception) -> bool:
        """Whether an order that failed for a reason nobody foresaw is tried again later."""
        self.failures[order_id] += 1
        tries = self.failures[order_id]
        kind = str(failure) if isinstance(failure, EngineError | NotWhatWasApproved) else ""
        log.error("order.failed order=%s tries=%d kind=%s %s", order_id, tries, type(failure).__name__, kind)
        return tries < TRIES or isinstance(failure, OSError)

    def _gave_up(self) -> Refusal:
        return Refusal("order-failed", {"tries": str(TRIES)})


def run(url: str, var: Path, *, once: bool = False, pause: float = PAUSE) -> int:
    """Works until it is killed, or with `once` until no order is unfinished. 0, or 1 if an order is left unfinished.

    Raises BadChoice and SparkMissing for an engine that cannot be had; with `once` also KeyMissing while the office has
    not made its key, psycopg.OperationalError if no database answers.
    """
    choice = Choice.of(os.environ)
    folder = var / "keys"
    keys.establish(folder)
    while True:
        try:
            worker = Worker(var, keys.read(folder), choice)
            with Mailbox.open(url) as mailbox:
                log.info("worker.ready")
                while True:
                    worker.keys = keys.read(folder)  # each time: one may have given way to the next
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
