"""Whether an institution is ready, before it asks: the review, event by event."""

from django.db import models
from django.db.models import UniqueConstraint

from bagipakai.control.models.ledger import Entry


class ReadinessReview(models.Model):
    """One review of one institution by the instrument of a day. Columns below `opened_at` repeat the fold."""

    institution = models.ForeignKey("control.Institution", models.PROTECT, related_name="reviews")
    opened_by = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    valid_until = models.DateField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["institution", "-id"], name="reviews_of_an_institution")]


class ReadinessEvent(Entry):
    """What happened to a review."""

    subject = models.ForeignKey(ReadinessReview, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_readiness_event_at_a_place")]
