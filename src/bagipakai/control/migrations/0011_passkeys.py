"""Keys with which people sign, and what they signed: written once, never changed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ("keyevent", "credential", "pendingdecision", "signingattempt", "signeddecision")
FENCE = "\n".join(
    f"CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION control_stays();"
    for table in TABLES
)
OPEN = "\n".join(f"DROP TRIGGER stays ON control_{table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0010_trail"),
    ]

    operations = [
        migrations.CreateModel(
            name="Credential",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credential", models.CharField(max_length=1400, unique=True)),
                ("cose", models.BinaryField()),
                ("counter", models.PositiveBigIntegerField()),
                ("attestation", models.BinaryField()),
                ("enrolled_at", models.DateTimeField()),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credentials",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PendingDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.CharField(max_length=43, unique=True)),
                ("matter", models.CharField(max_length=20)),
                ("subject", models.CharField(max_length=40)),
                ("n", models.PositiveIntegerField()),
                ("action", models.CharField(max_length=40)),
                ("payload", models.JSONField()),
                ("decision", models.JSONField()),
                ("dossier", models.JSONField()),
                ("summary", models.JSONField()),
                ("made_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="control.post"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SigningAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("code", models.CharField(blank=True, max_length=60)),
                (
                    "pending",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempt",
                        to="control.pendingdecision",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="KeyEvent",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["subject", "n"],
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("subject", "n"), name="one_key_event_at_a_place")],
            },
        ),
        migrations.CreateModel(
            name="SignedDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=40)),
                ("n", models.PositiveIntegerField()),
                ("client_data", models.BinaryField()),
                ("authenticator_data", models.BinaryField()),
                ("signature", models.BinaryField()),
                ("counter", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="control.credential"
                    ),
                ),
                (
                    "pending",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signed", to="control.pendingdecision"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("subject", "n"), name="one_signed_decision_of_a_step")],
            },
        ),
        migrations.RunSQL(FENCE, OPEN),
    ]
