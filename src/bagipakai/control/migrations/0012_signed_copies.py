"""Papers with the signatures of officers in the file: written once, never changed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0011_passkeys"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignedCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("size", models.PositiveIntegerField()),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="copy", to="control.signeddecision"
                    ),
                ),
                (
                    "paper",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="copies", to="control.paper"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_signedcopy"
            " FOR EACH STATEMENT EXECUTE FUNCTION control_stays();",
            "DROP TRIGGER stays ON control_signedcopy;",
        ),
    ]
