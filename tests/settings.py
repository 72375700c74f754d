"""The product's settings on other ground: tests keep documents, keys and the embedded database away from the demo's."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

# One folder for all runs, so that PostgreSQL is made once; set before the settings are read, inherited by children.
os.environ.setdefault("BAGIPAKAI_VAR", str(Path(__file__).parents[1] / "var" / "tests"))
# Of several processes each has a folder, and so a PostgreSQL with roles and databases, of its own.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and Path(os.environ["BAGIPAKAI_VAR"]).name != worker:
    os.environ["BAGIPAKAI_VAR"] += f"/{worker}"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in the thread of the tests
Path(os.environ["BAGIPAKAI_VAR"]).mkdir(parents=True, exist_ok=True)

from bagipakai import postgres  # noqa: E402
from bagipakai.settings import *  # noqa: E402, F403

ORIGIN = "http://testserver"  # what Django's test client calls itself

# The owner makes the tests' database; what the tests then do, they do with the office's login (tests/conftest.py).
LOGINS = {"office": DATABASES["default"], "owner": DATABASES["owner"]}  # noqa: F405
DATABASES = {"default": dict(LOGINS["owner"], TEST={}), "owner": dict(LOGINS["owner"])}


def _ours() -> None:
    """The tests' own server need not outlive a power cut: it does not wait for the disk (a killed process loses nothing
    by that). And its owner may lay out rows past the triggers (tests/shelf.py). Another's server stays as it is."""
    if any(os.environ.get(variable) for variable in postgres.ADDRESSES.values()):
        return
    address = urlunsplit(urlsplit(postgres.url(postgres.OWNER))._replace(netloc="postgres@"))
    with psycopg.connect(address, autocommit=True) as root:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            root.execute(f"ALTER SYSTEM SET {name} = off")
        root.execute("SELECT pg_reload_conf()")
        root.execute(f"GRANT SET ON PARAMETER session_replication_role TO {postgres.OWNER}")


_ours()
