"""What the office hears about the quality of matching: from the registry alone, once, and for ever."""

import hashlib
from datetime import date

import pytest
from tests.fakes import Registry
from tests.owner import rewrite
from tests.quality import a_statement

from bagipakai.cli import main
from bagipakai.control import matching_quality
from bagipakai.control.models import QualityStatement
from bagipakai.control.trail import auditing
from bagipakai.core.envelope import BadSeal, Signer
from bagipakai.core.matching_quality import MatchingQuality

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def registry() -> Signer:
    return Registry().keys.receipt


def test_a_statement_is_kept_as_it_was_sealed_with_a_leaf_in_the_trail(registry):
    envelope = a_statement().sealed(registry)
    row = matching_quality.hear(envelope)
    assert MatchingQuality.from_json(row.statement) == a_statement()
    assert bytes(QualityStatement.objects.get().envelope) == envelope
    assert leaves_of(row) == 1
    assert list(auditing.untold()) == []


def leaves_of(row: QualityStatement) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM trail.leaf WHERE about = %s AND event = %s",
            [f"mutu-pemadanan/{row.pk}", "matching-quality.STATE"],
        )
        return int(cursor.fetchone()[0])


def test_heard_again_it_changes_nothing(registry):
    row = matching_quality.hear(a_statement().sealed(registry))
    assert matching_quality.hear(a_statement().sealed(registry)) == row
    assert QualityStatement.objects.count() == leaves_of(row) == 1


def test_nobody_else_is_heard():
    for envelope in (a_statement().sealed(Signer.new()), b"", b"{}", b"\xff"):
        with pytest.raises(BadSeal):
            matching_quality.hear(envelope)
    assert not QualityStatement.objects.exists()


def test_the_newest_measurement_comes_first_whenever_it_was_heard(registry):
    for day in (date(2026, 5, 1), date(2026, 11, 1), date(2026, 8, 1)):
        matching_quality.hear(a_statement(measured_on=day).sealed(registry))
    assert [row.measured_on.month for row in matching_quality.heard()] == [11, 8, 5]


def test_a_statement_that_was_changed_behind_the_office_is_noticed(registry):
    row = matching_quality.hear(a_statement().sealed(registry))
    rewrite("UPDATE control_qualitystatement SET statement = statement || '{\"clerks\": null}'", row._meta.db_table)
    assert list(auditing.untold()) == [f"mutu-pemadanan/{row.pk} bukan seperti yang dicatat"]


def test_the_command_hears_it_and_refuses_what_is_not_sealed(registry, tmp_path, capsys, monkeypatch):
    file = tmp_path / "mutu.json"
    file.write_bytes(a_statement().sealed(registry))
    assert main(["control", "announce", str(file)]) == 0
    assert capsys.readouterr().out == "Mutu pemadanan tercatat: model 2026.1, diukur 20 November 2026.\n"
    for content in (a_statement().sealed(Signer.new()), b"bukan amplop"):
        file.write_bytes(content)
        assert main(["control", "announce", str(file)]) == 1
        assert "tidak disegel gudang data ini" in capsys.readouterr().err
    assert QualityStatement.objects.count() == 1


def test_the_digest_is_of_what_is_said(registry):
    row = matching_quality.hear(a_statement().sealed(registry))
    from bagipakai.core.canonical import canonical

    assert row.digest == hashlib.sha256(canonical(a_statement().to_json())).hexdigest()
