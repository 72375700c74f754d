"""A nation of which a tenth is in a programme: who receives rows receives theirs."""

import random

import pytest
from tests.registry.disclosure.attacks.door import Registry, a_registry
from tests.registry.disclosure.attacks.town import some_town

from bagipakai.core.disclosure import nothing_closed
from bagipakai.core.plan import Unit
from bagipakai.registry import extract
from bagipakai.registry.disclosure import disclosing


@pytest.fixture(autouse=True)
def districts_as_large_as_elsewhere(monkeypatch):
    """The rule for small places alone would leave nothing to attack in so small a nation."""
    monkeypatch.setattr(extract, "small_places", lambda *_: nothing_closed)
    monkeypatch.setattr(disclosing, "_of_small_places", lambda *_: None)


@pytest.fixture(scope="package")
def programme(tmp_path_factory) -> Registry:
    """12,000 persons; 9 of 100 are disabled, whoever they are; nine of one age and sex in one regency."""
    rows, dice = some_town(4_000, 8), random.Random(8)
    for one in rows[Unit.INDIVIDU]:
        one["penyandang_disabilitas"] = dice.random() < 0.09
    here = [one for one in rows[Unit.INDIVIDU] if (one["kode_kab"], one["jenis_kelamin"]) == ("5171", "2")]
    for at, one in enumerate(one for one in here if 60 <= one["umur"] < 70):
        one["penyandang_disabilitas"] = at < 9
    return a_registry(tmp_path_factory.mktemp("programme"), rows)
