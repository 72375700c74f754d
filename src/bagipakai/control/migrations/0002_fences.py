"""Append-only entries, the mailbox, and the registry's role: what Django's models cannot say."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("control", "0001_initial")]
    operations = [
        migrations.RunSQL(
            (SQL / "append_only.sql").read_text(),
            "DROP FUNCTION control_stays CASCADE; DROP SEQUENCE control_request_number;",
        ),
        migrations.RunSQL((SQL / "exchange.sql").read_text(), "DROP SCHEMA exchange CASCADE;"),
    ]
