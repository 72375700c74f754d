"""When a recipient's signed word came that a package was received."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0012_signed_copies"),
    ]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="received_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
