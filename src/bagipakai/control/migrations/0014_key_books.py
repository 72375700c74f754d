"""The keys of institutions are what their events say. A key registered before was bound by nobody's signature: it is
stated and confirmed anew before the next order."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FENCE = """
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_recipientkeyevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays()
"""
OPEN = "DROP TRIGGER stays ON control_recipientkeyevent"


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0013_receipts_of_recipients"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecipientKeyEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=40)),
                ("payload", models.JSONField()),
                ("policy", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="control.post"
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="key_events", to="control.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["subject", "n"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("subject", "n"), name="one_recipient_key_event_at_a_place")
                ],
            },
        ),
        migrations.RunSQL(FENCE, OPEN),
        migrations.DeleteModel(name="RecipientKey"),
    ]
