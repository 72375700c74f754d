"""Three witnesses and the keeper of the trail, as processes that live as long as the demonstration.

In earnest, witnesses stand with other institutions. Here they run on one machine under different keys, and prove
nothing to outsiders; what they show is that nothing leaves without them.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bagipakai import postgres
from bagipakai.control import clock
from bagipakai.control.trail import house, leaving
from bagipakai.core.refusal import Refusal
from bagipakai.demo.processes import Stopped, bagipakai

WITNESSES = ("saksi-bpkp.peragaan", "saksi-bssn.peragaan", "saksi-anri.peragaan")
PATIENCE = 60.0  # seconds


@contextmanager
def watched() -> Iterator[list[subprocess.Popen[str]]]:
    """The trail is kept and witnessed inside the block. Gives the processes, so that whoever serves sees one end.
    Raises Stopped."""
    processes: list[subprocess.Popen[str]] = []
    try:
        lines = [f"log {house.public_key()}"]
        for name in WITNESSES:
            key, address, process = _witness(name)
            processes.append(process)
            lines.append(f"witness {name} {key} {address}")
        lines += [f"group saksi 2 {' '.join(WITNESSES)}", "quorum saksi"]
        house.policy_file().write_text("\n".join(lines) + "\n")
        processes.append(_process("sequencer", "control", "sequencer"))
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(package: str, manifest: str) -> None:
    """Until others have seen that `package` was sealed with this manifest. Raises Stopped with what stands in the
    way."""
    until = time.monotonic() + PATIENCE
    while isinstance(no := leaving.in_the_way(package, manifest, clock.now()), Refusal):
        if time.monotonic() > until:
            raise Stopped(no.sentence())
        time.sleep(0.2)


def _witness(name: str) -> tuple[str, str, "subprocess.Popen[str]"]:
    """Its public key, its address, and its process. The port is taken anew each time; what it has seen stays."""
    folder = Path(postgres.var() / "demo" / "saksi" / name)
    key = bagipakai("witness", "keygen", "--dir", folder, "--name", name).strip()
    process = _process(
        "witness", "witness", "serve", "--dir", str(folder), "--log", str(house.public_key()), told=subprocess.PIPE
    )
    said = (process.stdout.readline() if process.stdout else "").strip()
    if "http://" not in said:
        process.terminate()
        raise Stopped(f"Saksi {name} tidak mau berjalan.")
    return key, said.split()[-1], process


def _process(room: str, *words: str, told: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bagipakai.cli", *words],
        env=postgres.environment(room),
        stdout=told,
        text=True,
        start_new_session=True,
    )
