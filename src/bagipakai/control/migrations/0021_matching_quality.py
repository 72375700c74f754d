"""What the registry stated about matching, and the fence around it."""

from django.db import migrations, models

FENCE = """
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_qualitystatement
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays()
"""
OPEN = "DROP TRIGGER stays ON control_qualitystatement"


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0020_reviews"),
    ]

    operations = [
        migrations.CreateModel(
            name="QualityStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("measured_on", models.DateField()),
                ("statement", models.JSONField()),
                ("envelope", models.BinaryField()),
                ("heard_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-measured_on", "-id"],
            },
        ),
        migrations.RunSQL(FENCE, OPEN),
    ]
