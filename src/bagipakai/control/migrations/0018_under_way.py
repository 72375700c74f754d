"""Orders under way: their progress, and their cancellation."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("control", "0017_submissions")]
    operations = [
        migrations.RunSQL(
            (SQL / "under_way.sql").read_text(),
            "DROP TABLE exchange.progress, exchange.cancellations; DROP FUNCTION exchange.turn;",
        )
    ]
