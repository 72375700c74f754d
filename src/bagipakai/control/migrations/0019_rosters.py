"""Lists to be matched, the fence around what happened to them, and uploads of either kind."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FENCE = """
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_rosterevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
    CREATE SEQUENCE control_roster_number;
"""
OPEN = "DROP SEQUENCE control_roster_number; DROP TRIGGER stays ON control_rosterevent;"


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0018_under_way"),
    ]

    operations = [
        migrations.CreateModel(
            name="RosterEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=40)),
                ("payload", models.JSONField()),
                ("policy", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
            ],
            options={
                "ordering": ["subject", "n"],
                "abstract": False,
            },
        ),
        migrations.AlterField(
            model_name="uploadedfile",
            name="submission",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="uploads", to="control.submission"
            ),
        ),
        migrations.CreateModel(
            name="Roster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=20, unique=True)),
                ("opened_at", models.DateTimeField()),
                ("n", models.PositiveIntegerField(default=0)),
                ("status", models.CharField(max_length=32)),
                ("changed_at", models.DateTimeField()),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rosters", to="control.institution"
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PlacedRoster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order_id", models.CharField(max_length=60, unique=True)),
                ("placed_at", models.DateTimeField()),
                ("collected_at", models.DateTimeField(blank=True, null=True)),
                (
                    "roster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="control.roster"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="uploadedfile",
            name="roster",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="uploads", to="control.roster"
            ),
        ),
        migrations.AddConstraint(
            model_name="uploadedfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("roster__isnull", False), ("submission", None)),
                    models.Q(("roster", None), ("submission__isnull", False)),
                    _connector="OR",
                ),
                name="an_upload_is_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="uploadedfile",
            constraint=models.UniqueConstraint(fields=("roster", "number"), name="one_upload_of_a_roster"),
        ),
        migrations.AddField(
            model_name="rosterevent",
            name="person",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rosterevent",
            name="post",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="control.post"
            ),
        ),
        migrations.AddField(
            model_name="rosterevent",
            name="subject",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="events", to="control.roster"
            ),
        ),
        migrations.AddIndex(
            model_name="roster",
            index=models.Index(fields=["institution", "-id"], name="rosters_of_an_institution"),
        ),
        migrations.AddConstraint(
            model_name="rosterevent",
            constraint=models.UniqueConstraint(fields=("subject", "n"), name="one_roster_event_at_a_place"),
        ),
        migrations.RunSQL(FENCE, OPEN),
    ]
