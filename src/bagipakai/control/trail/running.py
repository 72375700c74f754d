"""The sequencer as a process: numbers what waits, at least once a second; has it witnessed; stops when it must."""

import logging
import signal
import time
from types import FrameType

import psycopg

from bagipakai.control.trail import gates, house, stops
from bagipakai.control.trail.sequencer import Forked, Rewound, Sequencer, waiting_witnesses
from bagipakai.control.trail.witnessing import Disagrees

log = logging.getLogger("bagipakai.control.trail")

PAUSE = 1.0  # seconds between two looks, if nobody rings
HEARTBEAT = 300.0  # seconds after which witnesses are asked again though nothing happened: quorum must stay fresh


def run(url: str, *, once: bool = False) -> int:
    """0 stopped or done · 1 the trail disagrees with what was signed or seen; the office is stopped.

    Raises SecondSequencer, BadPolicy, and what reading keys raises.
    """
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    store, policy = house.store(), house.policy()
    with psycopg.connect(url) as working, psycopg.connect(url, autocommit=True) as listening:
        sequencer = Sequencer(working, store, house.signers(), policy, time.time)
        if said_by := gates.in_the_way_of_writing(listening, store, waiting_witnesses(policy), sequencer.origin):
            return _stopped(listening, said_by)
        listening.execute("LISTEN trail")
        asked = float("-inf")
        while not stopping:
            try:
                if sequencer.step() or time.monotonic() - asked > (0 if once else HEARTBEAT):
                    silent = sequencer.witness()
                    asked = time.monotonic()
                    if silent:
                        log.warning("trail.silent witnesses=%s", ",".join(silent))
            except (Rewound, Forked):
                return _stopped(listening, "signed")
            except Disagrees as error:
                return _stopped(listening, str(error))
            if once:
                break
            for _ in listening.notifies(timeout=PAUSE, stop_after=1):
                time.sleep(0.2)  # let a busy moment gather into one checkpoint
    return 0


def _stopped(connection: psycopg.Connection, said_by: str) -> int:
    log.error("trail.stopped said_by=%s", said_by)
    stops.stop(connection, said_by)
    return 1
