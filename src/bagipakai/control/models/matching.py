"""What the registry stated about matching."""

from django.db import models


class QualityStatement(models.Model):
    """One statement of how well lists are matched, as it was heard: what it says (core.matching_quality), the digest of
    that, and the sealed document, which anybody may take. Append-only; the newest is shown, the others are its
    history."""

    digest = models.CharField(max_length=64, unique=True)
    measured_on = models.DateField()
    statement = models.JSONField()
    envelope = models.BinaryField()
    heard_at = models.DateTimeField()

    class Meta:
        ordering = ["-measured_on", "-id"]
