"""One form for everything that happened: append-only entries, numbered per subject, each bound to the one before."""

from django.db import models


class Entry(models.Model):
    """One event of one subject. The database refuses UPDATE, DELETE and TRUNCATE.

    `n` counts from 1 without gaps. `payload` is the whole event as canonical JSON says it; `digest` is the SHA-256 of
    subject, number, payload, policy and `previous`, the digest of the entry before (64 zeros for the first).
    """

    n = models.PositiveIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    person = models.ForeignKey("control.Person", models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey("control.Post", models.PROTECT, null=True, related_name="+")
    payload = models.JSONField()
    policy = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        abstract = True
        ordering = ["subject", "n"]
