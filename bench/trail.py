"""What the trail costs, and how fast it is proven: `python -m bench.trail [--changes N] [--seconds S] [--leaves N]`.

outbox      a state change with its leaf, and the same without, in turn
sustained   events that come without a pause for S seconds, until they stand under two witnesses of three
proofs      over N leaves: one proof, the whole log by the stand-alone verifier, the office's start-up gate
"""

import argparse
import contextlib
import json
import logging
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

from bench.measure import keep, run

WITNESSES = ("saksi-1", "saksi-2", "saksi-3")
WRITERS = 8
TOGETHER = 65_536  # leaves written at once where nobody measures
BAGIPAKAI = (sys.executable, "-m", "bagipakai.cli")


def outbox(changes: int) -> dict[str, Any]:
    """One more answer on a draft, by the office's own door; each second one without a leaf."""
    from tests.factories import Chain, an_office, done, the_institution

    from bagipakai.control import requests
    from bagipakai.control.trail import leaves
    from bagipakai.core.request import Role

    house, asking = an_office(), the_institution()
    drafts = [Chain(done(requests.create(asking[Role.APPLICANT])), asking, house) for _ in range(20)]
    doors = {"with": leaves.write, "without": lambda *_, **__: ""}
    times: dict[str, list[float]] = {side: [] for side in doors}
    written = dict.fromkeys(doors, 0)
    for number in range(2 * changes + 40):
        side, draft = ("with", "without")[number % 2], drafts[number // 2 % len(drafts)]
        had = _count()
        with mock.patch.object(leaves, "write", doors[side]):
            began = time.perf_counter()
            done(draft.write(programme_detail=f"Rincian ke-{number}"))
            took = time.perf_counter() - began
        if number >= 40:  # the first warm up
            times[side].append(took)
            written[side] += _count() - had
    assert written == {"with": changes, "without": 0}
    ratios = {
        "ratio_median": statistics.median(times["with"]) / statistics.median(times["without"]),
        "ratio_mean": statistics.mean(times["with"]) / statistics.mean(times["without"]),
    }
    return {"changes": changes, **{f"{side}_ms": _milliseconds(times[side]) for side in times}, **_rounded(ratios)}


def sustained(seconds: float) -> dict[str, Any]:
    """Leaves by WRITERS threads, each in a transaction of its own; the sequencer and three witnesses are processes."""
    from bagipakai import postgres
    from bagipakai.control.trail import house

    with contextlib.ExitStack() as running:
        lines = [f"log {house.public_key()}", *(running.enter_context(_witness(name)) for name in WITNESSES)]
        house.policy_file().write_text("\n".join([*lines, f"group saksi 2 {' '.join(WITNESSES)}", "quorum saksi", ""]))
        running.enter_context(_process(*BAGIPAKAI, "control", "sequencer", env=postgres.environment("sequencer")))
        _until(lambda: _write(0) and _size("checkpoint") > 0)
        seen = running.enter_context(_watching())
        began, committed = time.time(), running.enter_context(_writing(seconds))
        time.sleep(seconds)
        in_time = [size for moment, size in seen["signed"] if moment <= began + seconds][-1]
        _until(lambda: _size("checkpoint") >= _count())
    first = _size_at(seen["signed"], began)
    waits = {name: _waits(committed, seen[name]) for name in seen}
    return {
        "seconds": seconds,
        "events": len(committed),
        "events_per_second": round((in_time - first) / seconds),
        "waiting_at_the_end": len(committed) - (in_time - first),
        "event_to_checkpoint_ms": _milliseconds(waits["signed"]),
        "event_to_two_witnesses_ms": _milliseconds(waits["checkpoint"]),
    }


def proofs(leaves: int) -> dict[str, Any]:
    """A log of so many leaves, made at once; then what is asked of it, with the files in the system's cache."""
    import psycopg

    from bagipakai import postgres
    from bagipakai.control.trail import gates, house
    from bagipakai.control.trail.proofs import proof
    from bagipakai.core.notes import Checkpoint, Note

    store, signer = house.store(), house.signers()[0]
    house.policy_file().write_text(f"log {signer.public}\nquorum none\n")
    with psycopg.connect(postgres.url(postgres.OWNER)) as owner:
        _fill(owner, leaves)
        _grow(owner, store, leaves)
        text = Checkpoint(signer.public.name, leaves, store.log(leaves).root()).text
        for name in ("signed", "checkpoint"):
            (store.folder / name).write_bytes(bytes(Note(text, (signer.sign(text),))))
        began = time.perf_counter()
        assert gates.in_the_way_of_writing(owner, store, house.policy(), signer.public.name) is None
        gate = time.perf_counter() - began
    draw, times = random.Random(2026), []  # noqa: S311 - which leaves are asked for
    for seq in (draw.randrange(leaves) for _ in range(1000)):
        began = time.perf_counter()
        assert proof(store, seq)
        times.append(time.perf_counter() - began)
    verifier = Path(__file__).parents[1] / "src" / "bagipakai" / "verifier.py"
    audit = run([sys.executable, str(verifier), "log", "--policy", str(house.policy_file()), str(store.folder)])
    return {
        "leaves": leaves,
        "proof_ms": _milliseconds(times),
        "audit": asdict(audit),
        "start_up_gate_seconds": round(gate, 2),
    }


# Leaves


def _write(number: int) -> bool:
    from bagipakai.control.trail import leaves

    leaves.write("bench.LEAF", f"BENCH-{number}", {"number": number})
    return True


def _count() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trail.leaf")
        return int(cursor.fetchone()[0])


def _fill(owner: Any, leaves: int) -> None:
    owner.execute(
        """
        INSERT INTO trail.leaf (body, seq)
        SELECT format('{"at":"2026-12-01T03:00:00.000+00:00","event":"bench.LEAF","object_hash":"%%s",'
            '"object_ref":"BENCH-%%s","v":1}', repeat('ab', 32), number), number
        FROM generate_series(0, %s) number
        """,
        [leaves - 1],
    )
    owner.commit()


def _grow(owner: Any, store: Any, leaves: int) -> None:
    from bagipakai.core.tiles import grown

    for size in range(0, leaves, TOGETHER):
        rows = owner.execute("SELECT body FROM trail.leaf WHERE seq >= %s ORDER BY seq LIMIT %s", [size, TOGETHER])
        for name, content in grown(store.log(size), [body.encode() for (body,) in rows]):
            file = store.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


@contextlib.contextmanager
def _writing(seconds: float) -> Iterator[dict[str, float]]:
    """The names of the leaves that were committed, and when."""
    from django.db import connection

    committed: dict[str, float] = {}
    until = time.time() + seconds

    def write(mine: int) -> None:
        number = mine
        while time.time() < until:
            _write(number)
            committed[f"BENCH-{number}"] = time.time()
            number += WRITERS
        connection.close()

    threads = [threading.Thread(target=write, args=[mine + 1]) for mine in range(WRITERS)]
    for thread in threads:
        thread.start()
    yield committed
    for thread in threads:
        thread.join()


# Processes


@contextlib.contextmanager
def _process(*command: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, text=True, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def _witness(name: str) -> Iterator[str]:
    """The policy's line for a witness that listens."""
    from bagipakai import postgres
    from bagipakai.control.trail import house

    words = ["--dir", str(postgres.var() / name)]
    make = [*BAGIPAKAI, "witness", "keygen", *words, "--name", name]
    key = subprocess.run(make, check=True, capture_output=True, text=True).stdout.strip()
    serve = [*BAGIPAKAI, "witness", "serve", *words, "--log", str(house.public_key())]
    with _process(*serve, stdout=subprocess.PIPE) as process:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield f"witness {name} {key} {found[0]}"


# Watching


def _size(name: str) -> int:
    from bagipakai.control.trail import house

    kept = house.store().checkpoint(name)
    return kept[1].size if kept else 0


@contextlib.contextmanager
def _watching() -> Iterator[dict[str, list[tuple[float, int]]]]:
    """When each size of the log was signed, and when it was public."""
    seen = {name: [(time.time(), _size(name))] for name in ("signed", "checkpoint")}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for name, sizes in seen.items():
                if (size := _size(name)) > sizes[-1][1]:
                    sizes.append((time.time(), size))

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    time.sleep(0.1)
    ended.set()
    thread.join()


def _size_at(sizes: list[tuple[float, int]], moment: float) -> int:
    return max((size for when, size in sizes if when <= moment), default=sizes[0][1])


def _waits(committed: dict[str, float], sizes: list[tuple[float, int]]) -> list[float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT about, seq FROM trail.leaf ORDER BY seq")
        rows = [(about, seq) for about, seq in cursor.fetchall() if about in committed]
    waits, place = [], 0
    for about, seq in rows:
        while sizes[place][1] <= seq:
            place += 1
        waits.append(max(0.0, sizes[place][0] - committed[about]))
    return waits


def _until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.time() + seconds
    while not what():
        assert time.time() < end, "it takes too long"
        time.sleep(0.2)


def _milliseconds(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    at = {share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)}
    return {f"p{round(share * 100)}": round(moment * 1000, 3) for share, moment in at.items()}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}


# Each part in a process and an installation of its own


def _alone(part: str, amount: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bagipakai-bench-") as place:
        told = subprocess.run(
            [sys.executable, "-m", "bench.trail", "--part", part, "--amount", str(amount)],
            env={**os.environ, "BAGIPAKAI_VAR": f"{place}/var"},
            check=True,
            stdout=subprocess.PIPE,
        )
        found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
        return found


def _part(part: str, amount: float) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bagipakai.settings"
    import django

    django.setup()
    logging.disable()  # a line for each event is no part of what is measured
    from bagipakai.control import commands

    commands.prepare()
    result = sustained(amount) if part == "sustained" else {"outbox": outbox, "proofs": proofs}[part](int(amount))
    print(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=400, metavar="N")
    parser.add_argument("--seconds", type=float, default=30, metavar="S")
    parser.add_argument("--leaves", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--amount", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        _part(options.part, options.amount)
    else:
        amounts = {"outbox": options.changes, "sustained": options.seconds, "proofs": options.leaves}
        keep("trail", {part: _alone(part, amount) for part, amount in amounts.items()})
