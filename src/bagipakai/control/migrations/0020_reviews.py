"""Clerical review: lists of which pairs wait, sheets of them, and the fence around what happened to a sheet."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FENCE = """
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_sheetevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays()
"""
OPEN = "DROP TRIGGER stays ON control_sheetevent"


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0019_rosters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order_id", models.CharField(max_length=60, unique=True)),
                ("salt", models.CharField(max_length=32)),
                ("twice", models.PositiveIntegerField()),
                ("opened_at", models.DateTimeField()),
                ("pairs", models.PositiveIntegerField(null=True)),
                ("refusal", models.CharField(blank=True, max_length=60)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "controller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="control.institution"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviewed_lists",
                        to="control.institution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sheet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("claimed_at", models.DateTimeField()),
                (
                    "turns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=django.contrib.postgres.fields.ArrayField(
                            base_field=models.PositiveIntegerField(), size=2
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "verdicts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=8), default=list, size=None
                    ),
                ),
                ("n", models.PositiveIntegerField(default=0)),
                ("status", models.CharField(max_length=32)),
                ("changed_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sheets", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sheets", to="control.review"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SheetEvent",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="control.sheet"
                    ),
                ),
            ],
            options={
                "ordering": ["subject", "n"],
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="sheet",
            index=models.Index(fields=["person", "-id"], name="sheets_of_a_person"),
        ),
        migrations.AddConstraint(
            model_name="sheet",
            constraint=models.UniqueConstraint(fields=("review", "number"), name="one_sheet_of_a_number"),
        ),
        migrations.AddConstraint(
            model_name="sheetevent",
            constraint=models.UniqueConstraint(fields=("subject", "n"), name="one_sheet_event_at_a_place"),
        ),
        migrations.RunSQL(FENCE, OPEN),
    ]
