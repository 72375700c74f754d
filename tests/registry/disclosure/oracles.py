"""Other programs that answer the same question, each in an environment of its own with exact pins.

They pin libraries that do not go together, and a resolver that must please all of them chooses old ones silently; so
the version is asserted by whoever asks. An environment is made on first use under `var/oracles/`, once for all
processes, and used again until its pins change.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
HOME = ROOT / "var" / "oracles"


@dataclass(frozen=True)
class Oracle:
    """Runs Python text in its environment; `given` is there as a JSON value and so is what is printed last."""

    name: str
    python: Path

    def ask(self, text: str, given: Any) -> Any:
        program = f"import json, sys\ngiven = json.load(sys.stdin)\n{text}"
        command = [self.python, "-I", "-c", program]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    def version(self) -> str:
        return self.ask(f"import importlib.metadata as m\nprint(json.dumps(m.version({self.name!r})))", None)


def oracle(name: str) -> Oracle:
    """The oracle `name` of `requirements/oracle-{name}.txt`, installed if it is not there yet."""
    pins = ROOT / "requirements" / f"oracle-{name}.txt"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    place = HOME / name
    made = place / "pins"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file() or made.read_text() != wanted:
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
            python = place / "bin" / "python"
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--no-compile", "--no-deps", "--require-hashes", "-r", pins], check=True)
            made.write_text(wanted)
    return Oracle(name, place / "bin" / "python")
