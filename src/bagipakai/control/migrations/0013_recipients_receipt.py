"""The key with which a recipient signs that a package was received, and when that came."""

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
        migrations.AddField(
            model_name="recipientkey",
            name="receipt_key",
            field=models.CharField(blank=True, max_length=72),
        ),
        migrations.AddConstraint(
            model_name="recipientkey",
            constraint=models.CheckConstraint(
                condition=models.Q(("receipt_key__regex", "^(ed25519:[0-9a-f]{64})?$")),
                name="a_receipt_key_is_spelled_out",
            ),
        ),
    ]
