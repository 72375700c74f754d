"""The trail, its roles, and the fence around it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("control", "0003_owners_and_queues")]
    operations = [migrations.RunSQL((SQL / "trail.sql").read_text(), "DROP SCHEMA trail CASCADE;")]
