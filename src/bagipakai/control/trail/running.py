"""The sequencer as a process: numbers what waits, at least once a second; has it witnessed; stops when it must."""

import logging
import signal
import time
from types import FrameType
from typing import Any

import psycopg

from bagipakai.control.trail import gates, house, stops
from bagipakai.control.trail.sequencer import REST, Forked, Rewound, Sequencer
from bagipakai.control.trail.store import Conflict, Store
from bagipakai.control.trail.witnessing import Disagrees, Testimony
from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import BadTile

log = logging.getLogger("bagipakai.control.trail")

# Seconds between two looks; what came meanwhile gathers into one checkpoint. A bell (NOTIFY) would be no faster, and
# PostgreSQL lets transactions that ring commit only one after another: the whole office would wait in that queue.
PAUSE = 0.25
HEARTBEAT = 300.0  # seconds after which witnesses are asked again though nothing happened: quorum must stay fresh

STOPPED = 2


def run(url: str, *, once: bool = False) -> int:
    """0 ended or done · STOPPED the trail disagrees with what was signed or seen, and the office is stopped · 1 with
    `once`, the disk refused; without, that is waited out.

    Raises SecondSequencer, BadPolicy, psycopg.Error, and what reading keys raises.
    """
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    store, policy = house.store(), house.policy()
    with (
        psycopg.connect(url) as connection,
        Sequencer(connection, store, house.signers(), policy, time.time) as sequencer,
    ):
        with connection.transaction():
            if stopped_at_the_start(connection):
                return STOPPED
        due = time.monotonic()
        while not stopping:
            try:
                if sequencer.step() or time.monotonic() >= due:
                    silent = sequencer.witness()
                    due = time.monotonic() + (REST if silent else HEARTBEAT)
                    if silent:
                        log.warning("trail.silent witnesses=%s", ",".join(silent))
            except Disagrees as error:
                return _stopped(connection, store, error.testimony)
            except (Rewound, Forked, BadNote):
                return _stopped(connection, store, "signed")
            except Conflict:
                return _stopped(connection, store, "files")
            except (OSError, BadTile) as error:
                log.error("trail.waits error=%s", type(error).__name__)
                if once:
                    return 1
            if once:
                break
            time.sleep(PAUSE)
    return 0


def stopped_at_the_start(connection: Any) -> bool:
    """Asks the log's own files and every witness whether somebody had seen more of the trail than the database holds,
    or another one; if so, the office is stopped. Whoever starts to write for the office asks it first."""
    store, origin = house.store(), house.public_key().name
    other = gates.in_the_way_of_writing(connection, store, house.policy(), origin)
    if other:
        _write_down(connection, store, other)
    return bool(other)


def _stopped(connection: psycopg.Connection, store: Store, other: Testimony | str) -> int:
    with connection.transaction():
        _write_down(connection, store, other)
    return STOPPED


def _write_down(connection: Any, store: Store, other: Testimony | str) -> None:
    said_by = other.by if isinstance(other, Testimony) else other
    log.error("trail.stopped said_by=%s", said_by)
    stops.stop(connection, said_by)
    if isinstance(other, Testimony):
        store.replace(f"disputed/{other.checkpoint.size:012d}", bytes(other.note))
