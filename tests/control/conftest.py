"""What the office's tests share."""

import contextlib
from datetime import UTC, datetime

import pytest

from bagipakai.control import clock


@pytest.fixture
def at(monkeypatch):
    """`with at("2026-12-01 10:12"): …` lets the office's clock stand there (Jakarta's time)."""

    @contextlib.contextmanager
    def standing(told: str):
        moment = datetime.fromisoformat(told)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.WIB)
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda: moment.astimezone(UTC))
            yield moment

    return standing
