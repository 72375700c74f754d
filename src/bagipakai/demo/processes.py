"""The other rooms, started as anybody would start them; and a plain stop when somebody says no."""

import subprocess
import sys
from typing import Any

from bagipakai import postgres
from bagipakai.core.refusal import Refusal


class Stopped(Exception):
    """The office, the registry or the recipient's tool said no. Carries its sentence."""


def passed(outcome: Any) -> Any:
    """The outcome, unless it is a refusal: then Stopped, with its sentence."""
    if isinstance(outcome, Refusal):
        raise Stopped(f"{outcome.sentence()} [{outcome.code}]")
    return outcome


def bagipakai(*words: object, show: bool = False) -> str:
    """Runs `bagipakai …` as a process of its own; its output. `show` lets its progress through. Raises Stopped with the
    last thing it said."""
    done = subprocess.run(
        [sys.executable, "-m", "bagipakai.cli", *map(str, words)],
        env=postgres.environment(str(words[0])),
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or "").strip().splitlines()
        command = f"bagipakai {words[0]} {words[1]}"
        raise Stopped(said[-1] if said else f"Perintah `{command}` tidak selesai. Sebabnya ada di baris di atas ini.")
    return done.stdout
