"""The right to read a package, compiled from the approved plan, and every reading of it."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint

from bagipakai.control.models.ledger import Entry


class Grant(models.Model):
    """Who may fetch which package until which instant. `plan` is the approved plan, whole; nobody types a grant.

    `status` and `received_at` repeat the fold; `status` says nothing about time: the end instant is compared at each
    reading. `received_at` is when the recipient's signed acknowledgement came.
    """

    request = models.OneToOneField("control.Request", models.PROTECT, related_name="grant")
    plan = models.JSONField()
    plan_digest = models.CharField(max_length=64)
    package = models.CharField(max_length=60)
    manifest = models.CharField(max_length=64)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_grant_ends_after_it_begins", condition=Q(ends_at__gt=F("begins_at"))),
        ]


class GrantEvent(Entry):
    """What happened to a grant."""

    subject = models.ForeignKey(Grant, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_grant_event_at_a_place")]


class Reading(models.Model):
    """One reading of one part of a package: who, when, which bytes. Append-only."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="readings")
    part = models.CharField(max_length=60)
    person = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    post = models.ForeignKey("control.Post", models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Release(models.Model):
    """A release of the registry that the office may order from: what the registry announced about it. A withdrawn
    release is not ordered from."""

    version = models.CharField(max_length=20, unique=True)
    digest = models.CharField(max_length=64)
    standard = models.CharField(max_length=40)
    region_edition = models.CharField(max_length=80)
    published_on = models.DateField()
    persons = models.PositiveBigIntegerField()
    families = models.PositiveBigIntegerField()
    announced_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawal_reason = models.TextField(blank=True, default="")
    previous = models.CharField(max_length=20, blank=True, default="")
    notes = models.TextField(blank=True, default="")
    editions = models.JSONField(default=dict)
    quality = models.JSONField(default=dict)  # judged, above, exempted_by
    changes = models.JSONField(default=dict)  # since the previous release; null where a count is too small to leave
    preview = models.JSONField(default=dict)  # core.preview; empty where the registry told none


class Region(models.Model):
    """One region of one edition of the Kemendagri codes, undotted: 2, 4, 6 or 10 digits."""

    edition = models.CharField(max_length=80)
    code = models.CharField(max_length=10)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [UniqueConstraint(fields=["edition", "code"], name="one_region_of_a_code")]
