"""The stand-alone file as a stranger uses it: its code and its words."""

import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bagipakai import verifier

FILE = Path(verifier.__file__)


def refused(check: Callable[[], object]) -> tuple[str, str]:
    """The code and the place with which `check` is refused; ("", "") if it is not."""
    try:
        check()
    except verifier.Wrong as wrong:
        return wrong.args
    return "", ""


def log(folder: Path, policy: bytes, *older: Path, opened: Path | None = None) -> str:
    return verifier.check_log(verifier.Policy(policy), folder, list(older), opened)


def told(capsys: Any, verb: str, **options: Any) -> tuple[int, str, str]:
    """Exit status, code and line of one command, run in this process."""
    arguments = {"log": ["folder", "checkpoint", "opened"], "package": ["folder", "seal"], "decision": ["file"]}
    names = arguments.get(verb, ["proof", "entry"])
    namespace = Namespace(**{"checkpoint": [], "opened": None, **options})
    status = verifier.answer(getattr(verifier, f"check_{verb}"), names, namespace)
    out, err = capsys.readouterr()
    line = out or err
    found = re.search(r"\[([a-z-]+)\]$", line.strip())
    return status, found[1] if found else "", line


def alone(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A copy of the one file, run from an empty folder, isolated from this checkout."""
    place.mkdir(exist_ok=True)
    (place / "verifier.py").write_bytes(FILE.read_bytes())
    words = [str(one) for one in arguments]
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", *words], cwd=place, capture_output=True, text=True, check=False
    )
