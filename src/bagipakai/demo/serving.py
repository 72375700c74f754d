"""The portal, the two workers, the keeper of the trail and its witnesses, as processes that end together."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from django.core.management import call_command

from bagipakai import postgres
from bagipakai.demo import watching

GUNICORN = ("gunicorn", "bagipakai.wsgi", "--workers", "2", "--threads", "4", "--no-control-socket")


def address(port: int) -> str:
    """Where the portal is: a name, since browsers make no keys for a number."""
    return f"http://localhost:{port}"


def serve(port: int) -> int:
    """Runs until Ctrl-C or until one of them ends; then ends the others. 0 if asked to stop, 1 otherwise."""
    here = {"BAGIPAKAI_ORIGIN": address(port)}
    if _is_taken(port):
        print(f"Porta {port} sedang dipakai. Pilih yang lain, misalnya: make run PORT={port + 1}", file=sys.stderr)
        return 1
    call_command("collectstatic", interactive=False, verbosity=0)
    rooms: list[subprocess.Popen[Any]] = [
        subprocess.Popen(_python(*words), env={**postgres.environment(room), **here}, start_new_session=True)
        for room, words in (
            ("portal", (*GUNICORN, "--bind", f"127.0.0.1:{port}")),
            ("control", ("bagipakai.cli", "control", "worker")),
            ("registry", ("bagipakai.cli", "registry", "worker")),
        )
    ]
    asked = False
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        with watching.watched() as watchers:
            everybody: list[subprocess.Popen[Any]] = [*rooms, *watchers]
            while all(process.poll() is None for process in everybody):
                time.sleep(0.3)
    except KeyboardInterrupt:
        asked = True
    finally:
        for process in rooms:
            process.terminate()
        for process in rooms:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    return 0 if asked else 1


def _is_taken(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the portal's own server does
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _python(module: str, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", module, *arguments]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
