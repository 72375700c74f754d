"""One small release for all tests that only read it."""

import pytest
from tests.factories_registry import small_release

from bagipakai.registry.releases import Release


@pytest.fixture(scope="session")
def release(tmp_path_factory) -> Release:
    """3,000 people of all 514 regencies, published as 2026.3.0. Nobody may change it."""
    folder = small_release(tmp_path_factory.mktemp("nation"))
    return Release.open(folder.parent, folder.name)
