"""What a command says: its answer, why it did not, its progress, and how it ends when it is asked to.

On a terminal a bar: what, how many of how many, how fast, how long yet. Elsewhere (a log, a pipe) a line about every
ten seconds, and none for a short job. Always on stderr: stdout belongs to the answer.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from bagipakai.core.refusal import Refusal

EVERY = 10.0  # seconds between two lines
INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended
AGAIN = "Tidak ada yang berubah: ulangi perintah yang sama dari awal."
STEPS = "{bar:22} {desc}"


def answered(options: argparse.Namespace, value: Any, sentence: str) -> int:
    """Prints the answer of a command that did what it was asked: `value` where a program asks (--json), or a sentence.
    Returns the command's 0."""
    print(json.dumps(value, ensure_ascii=False) if options.json else sentence)
    return 0


def refused(no: Refusal) -> int:
    """Says on stderr why a command did nothing, with the code of the refusal. Returns the command's 1."""
    print(f"{no.sentence()} [{no.code}]", file=sys.stderr)
    return 1


@contextmanager
def shown(what: str, unit: str, of: int | None = None, out: TextIO | None = None) -> Iterator[Callable[[int], object]]:
    """Shows the block's progress on `out` (stderr): what it hands out is told how many more are done, of `of` if that
    is known. Bytes ("B") and other units are shortened on a terminal only."""
    out = out or sys.stderr
    if out.isatty():
        with tqdm(total=of, desc=what, unit=unit if unit == "B" else f" {unit}", unit_scale=True, file=out) as bar:
            yield bar.update
    else:
        yield _Lines(what, unit, of, out).more


@contextmanager
def shown_steps(what: str, of: int, out: TextIO | None = None) -> Iterator[Callable[[str], object]]:
    """The same for a job of `of` steps that have names and no size."""
    out = out or sys.stderr
    if not out.isatty():
        lines = _Lines(what, "", of, out)
        yield lines.step
        return
    with tqdm(total=of, desc=what, file=out, bar_format=STEPS, mininterval=0) as bar:

        def step(name: str) -> None:
            bar.set_description_str(f"{what}  {name}", refresh=False)
            bar.update(1)

        yield step
        bar.n = bar.total
        bar.set_description_str(f"{what}  selesai")


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block alike, and the command with 130; `kept` says what stays and how to go on. A
    second one while the block still tidies up is not heard."""
    heard = False

    def once(*_: Any) -> None:
        nonlocal heard
        heard = True
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, once) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except (KeyboardInterrupt, Exception) as end:
        if not heard and not isinstance(end, KeyboardInterrupt):
            raise
        # heard, and something else: what a library made of it, an engine amid a query or a half-done import
        print(f"\nDihentikan. {kept}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _Lines:
    """A line about every ten seconds, with the rate since the line before: what was taken up at once is no speed."""

    def __init__(self, what: str, unit: str, of: int | None, out: TextIO) -> None:
        self._what, self._unit, self._of, self._out = what, unit, of, out
        self._done = self._told = 0
        self._at = time.monotonic()

    def more(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._at >= EVERY:
            rate = (self._done - self._told) / (now - self._at)
            self._told, self._at = self._done, now
            self._say(self._counted(), f"{number(rate)} {self._unit} per detik", self._left(rate))

    def step(self, name: str) -> None:
        self._done += 1
        if time.monotonic() - self._at >= EVERY:
            self._at = time.monotonic()
            self._say(f"langkah {self._done} dari {self._of}", name)

    def _counted(self) -> str:
        if not self._of:
            return f"{number(self._done)} {self._unit}"
        share = min(100, 100 * self._done // self._of)
        return f"{number(self._done)} dari {number(self._of)} {self._unit} ({share} %)"

    def _left(self, rate: float) -> str:
        if not self._of or not rate:
            return ""
        seconds = max(0, self._of - self._done) / rate
        return (
            f"sekitar {number(seconds / 60)} menit lagi" if seconds >= 90 else f"sekitar {number(seconds)} detik lagi"
        )

    def _say(self, *told: str) -> None:
        print(f"{self._what}: {', '.join(one for one in told if one)}", file=self._out, flush=True)


def number(count: float) -> str:
    """As Indonesians write it: 1.234.567."""
    return f"{round(count):,}".replace(",", ".")
