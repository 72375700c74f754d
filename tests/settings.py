"""The product's settings on other ground: tests keep documents, keys and the embedded database away from the demo's."""

import os
from pathlib import Path

# One folder for all runs, so that PostgreSQL is made once; set before the settings are read, inherited by children.
os.environ.setdefault("BAGIPAKAI_VAR", str(Path(__file__).parents[1] / "var" / "tests"))
# Of several processes each has a folder, and so a PostgreSQL with roles and databases, of its own.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and Path(os.environ["BAGIPAKAI_VAR"]).name != worker:
    os.environ["BAGIPAKAI_VAR"] += f"/{worker}"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in the thread of the tests
Path(os.environ["BAGIPAKAI_VAR"]).mkdir(parents=True, exist_ok=True)

from bagipakai.settings import *  # noqa: E402, F403

ORIGIN = "http://testserver"  # what Django's test client calls itself

# The owner makes the tests' database; what the tests then do, they do with the office's login (tests/conftest.py).
LOGINS = {"office": DATABASES["default"], "owner": DATABASES["owner"]}  # noqa: F405
DATABASES = {"default": dict(LOGINS["owner"], TEST={}), "owner": dict(LOGINS["owner"])}
