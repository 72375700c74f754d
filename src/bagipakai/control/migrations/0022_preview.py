"""In which bands the counts of a release lie, as the registry announced them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("control", "0021_matching_quality"),
    ]

    operations = [
        migrations.AddField(
            model_name="release",
            name="preview",
            field=models.JSONField(default=dict),
        ),
    ]
