"""Clerical review: lists of which pairs wait, and the sheets that clerks claim, event by event. No value of a pair."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import UniqueConstraint

from bagipakai.control.models.ledger import Entry


class Review(models.Model):
    """The pairs of one order for matching. `pairs` is None until the registry told how many stand prepared. `salt`
    draws those that two people judge, `twice` of a thousand; it never leaves the office. `finished_at`: nobody is to
    say anything more of it."""

    order_id = models.CharField(max_length=60, unique=True)
    institution = models.ForeignKey("control.Institution", models.PROTECT, related_name="reviewed_lists")
    controller = models.ForeignKey("control.Institution", models.PROTECT, related_name="+")
    salt = models.CharField(max_length=32)
    twice = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    pairs = models.PositiveIntegerField(null=True)
    refusal = models.CharField(max_length=60, blank=True)
    finished_at = models.DateTimeField(null=True)


class Sheet(models.Model):
    """Pairs that one clerk claimed at once, `number` counting the sheets of a review: of two who claim at once, one
    gets it. `status` and `n` repeat the fold; so do `turns` and `verdicts`, one of each for a pair, for sums."""

    review = models.ForeignKey(Review, models.PROTECT, related_name="sheets")
    number = models.PositiveIntegerField()
    person = models.ForeignKey("control.Person", models.PROTECT, related_name="sheets")
    claimed_at = models.DateTimeField()
    turns = ArrayField(ArrayField(models.PositiveIntegerField(), size=2), default=list)
    verdicts = ArrayField(models.CharField(max_length=8), default=list)

    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["review", "number"], name="one_sheet_of_a_number")]
        indexes = [models.Index(fields=["person", "-id"], name="sheets_of_a_person")]


class SheetEvent(Entry):
    """What happened to a sheet."""

    subject = models.ForeignKey(Sheet, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_sheet_event_at_a_place")]
