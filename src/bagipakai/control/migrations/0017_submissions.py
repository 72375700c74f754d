"""What institutions hand in, the fence around what happened to it, and uploads on their way."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FENCE = """
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_submissionevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays()
"""
OPEN = "DROP TRIGGER stays ON control_submissionevent"


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0016_releases_live"),
    ]

    operations = [
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("opened_at", models.DateTimeField()),
                ("n", models.PositiveIntegerField(default=0)),
                ("status", models.CharField(max_length=32)),
                ("changed_at", models.DateTimeField()),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to="control.institution",
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
            name="PlacedIntake",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order_id", models.CharField(max_length=60, unique=True)),
                ("placed_at", models.DateTimeField()),
                ("collected_at", models.DateTimeField(blank=True, null=True)),
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="order", to="control.submission"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubmissionEvent",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="control.submission"
                    ),
                ),
            ],
            options={
                "ordering": ["subject", "n"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="UploadedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=160)),
                ("size", models.BigIntegerField(null=True)),
                ("piece", models.PositiveIntegerField()),
                ("last_changed", models.CharField(blank=True, max_length=20)),
                ("begun_at", models.DateTimeField()),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uploads", to="control.submission"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UploadedPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("bytes", models.PositiveIntegerField()),
                ("sealed_bytes", models.PositiveIntegerField()),
                ("sealed_sha256", models.CharField(max_length=64)),
                ("mark", models.CharField(max_length=64)),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pieces", to="control.uploadedfile"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["institution", "-id"], name="submissions_of_an_institution"),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(fields=("source", "version"), name="one_submission_of_a_version"),
        ),
        migrations.AddConstraint(
            model_name="submissionevent",
            constraint=models.UniqueConstraint(fields=("subject", "n"), name="one_submission_event_at_a_place"),
        ),
        migrations.AddConstraint(
            model_name="uploadedfile",
            constraint=models.UniqueConstraint(fields=("submission", "number"), name="one_upload_of_a_number"),
        ),
        migrations.AddConstraint(
            model_name="uploadedpiece",
            constraint=models.UniqueConstraint(fields=("file", "number"), name="one_piece_at_a_place"),
        ),
        migrations.RunSQL(FENCE, OPEN),
    ]
