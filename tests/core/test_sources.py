"""Contracts of sources: what the policy says, and what no policy may say."""

from dataclasses import replace
from datetime import date

import pytest

from bagipakai.core.plan import Unit
from bagipakai.core.policy import NoRule, PolicyError, policy_file
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Agreed, Contract, RowRule, Sources, contradiction
from bagipakai.core.variables import Catalogue, Type

DAY = date(2026, 11, 26)
TOLD = policy_file("sources")
SOURCES = Sources.on(DAY)
CONTRACT = Contract(
    *("contoh", "1", "Contoh", "Example", "Penyedia", Unit.INDIVIDU, "sekali", "standar"),
    columns=(
        Agreed("nik", pattern="[0-9]{16}", check="nik"),
        Agreed("nama"),
        Agreed("lahir", Type.DATE),
        Agreed("umur", Type.INTEGER),
    ),
)


def test_the_sources_of_the_regulation_have_contracts():
    """Peraturan BPS 6/2025 Articles 4 to 6."""
    assert set(SOURCES) == {"dukcapil", "dtks", "regsosek", "p3ke", "pln", "bpjs-pbi"}


@pytest.mark.parametrize("source", SOURCES)
def test_a_variable_means_what_the_catalogue_says(source):
    catalogue, contract = Catalogue.on(DAY), SOURCES[source]
    shared = [column for column in contract.columns if column.name in catalogue]
    assert len(shared) > 5
    for column in shared:
        variable = catalogue[column.name]
        assert (column.type, column.pattern, column.low) == (variable.type, variable.pattern, variable.low)
        assert column.codes == (None if variable.codes is None else tuple(variable.codes))


def test_an_unknown_source_is_refused_by_name():
    refusal = SOURCES.asked("lain")
    assert isinstance(refusal, Refusal)
    assert "dukcapil" in refusal.sentence()


def test_before_its_day_there_is_no_contract():
    with pytest.raises(NoRule):
        Sources.from_policy(TOLD, Catalogue.on(DAY), date(2025, 12, 31))


def test_a_digest_changes_with_any_rule():
    changed = replace(CONTRACT, rules=(RowRule("one-is-filled", ("nama",)),))
    assert changed.digest != CONTRACT.digest == replace(CONTRACT).digest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("columns", (Agreed("nik"), Agreed("nik"))),
        ("columns", (Agreed("NIK"),)),
        ("columns", (Agreed("nik", pattern="[0-9]+"),)),
        ("columns", (Agreed("nik", pattern="(a|b)"),)),
        ("columns", (Agreed("umur", Type.INTEGER, codes=("1",)),)),
        ("columns", (Agreed("nama", low=1),)),
        ("columns", (Agreed("kode", pattern="[0-9]{7}", check="region"),)),
        ("dates", "mdy"),
        ("no", ("1",)),
        ("rules", (RowRule("something", ("nik",)),)),
        ("rules", (RowRule("not-before", ("lahir",)),)),
        ("rules", (RowRule("not-before", ("lahir", "umur")),)),
        ("rules", (RowRule("birth-date-in-nik", ("nama", "lahir")),)),
        ("rules", (RowRule("one-is-filled", ("alamat",)),)),
        ("sets", (RowRule("once", ("nama",)),)),
        ("sets", (RowRule("family-has-head", ("nik", "nama")),)),
    ],
)
def test_what_cannot_be_checked_is_a_contradiction(field, value):
    assert contradiction(CONTRACT) is None
    assert contradiction(replace(CONTRACT, **{field: value}))


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source["columns"].pop(0),
        lambda source: source["columns"][0].pop("required"),
        lambda source: source.pop("provider"),
        lambda source: source.update(standard="lain"),
        lambda source: source["columns"].append({"name": "agama"}),
        lambda source: source["columns"].append({"name": "agama", "type": "float"}),
        lambda source: source["columns"].append({"name": "agama", "type": "text", "sandi": 1}),
    ],
)
def test_a_policy_that_contradicts_itself_is_not_read(change):
    source = next(row for row in TOLD["source"] if row["id"] == "dukcapil")
    copy = {**source, "columns": [dict(column) for column in source["columns"]]}
    change(copy)
    with pytest.raises(PolicyError, match="dukcapil"):
        Sources.from_policy({**TOLD, "source": [copy]}, Catalogue.on(DAY), DAY)
