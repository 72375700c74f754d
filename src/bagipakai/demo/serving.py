"""The portal and the two workers, as three processes that end together."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from django.core.management import call_command

from bagipakai import postgres


def serve(port: int) -> int:
    """Runs until Ctrl-C or until one of the three ends; then ends the others. 0 if asked to stop, 1 otherwise."""
    environment = {
        **postgres.environment(),  # this process holds the embedded server; the others only connect
        "BAGIPAKAI_ORIGIN": f"http://127.0.0.1:{port}",
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    processes = [
        subprocess.Popen(command, env=environment, start_new_session=True)
        for command in (
            _python(
                "gunicorn",
                "bagipakai.wsgi",
                "--no-control-socket",
                "--bind",
                f"127.0.0.1:{port}",
                "--workers",
                "2",
                "--threads",
                "4",
            ),
            _python("bagipakai.cli", "control", "worker"),
            _python("bagipakai.cli", "registry", "worker"),
        )
    ]
    asked = False
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        while all(process.poll() is None for process in processes):
            time.sleep(0.3)
    except KeyboardInterrupt:
        asked = True
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    return 0 if asked else 1


def _python(module: str, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", module, *arguments]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
