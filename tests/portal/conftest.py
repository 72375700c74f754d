"""The portal in the test client: static files are found where they lie, without collecting them first."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # what is collected would lie here
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
