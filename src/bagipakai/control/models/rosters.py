"""Lists of persons that institutions want matched, event by event, and the orders to read or destroy them."""

from django.db import models
from django.db.models import UniqueConstraint

from bagipakai.control.models.ledger import Entry


class Roster(models.Model):
    """One list of one institution. `status` and `n` repeat the fold."""

    reference = models.CharField(max_length=20, unique=True)
    institution = models.ForeignKey("control.Institution", models.PROTECT, related_name="rosters")
    opened_by = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["institution", "-id"], name="rosters_of_an_institution")]

    def __str__(self) -> str:
        return self.reference

    @property
    def place(self) -> str:
        """The folder of its sealed pieces in the intake store, and its place in an address."""
        return self.reference


class RosterEvent(Entry):
    """What happened to a roster."""

    subject = models.ForeignKey(Roster, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_roster_event_at_a_place")]


class PlacedRoster(models.Model):
    """An order to read a roster, or to destroy what was read of it, and whether its receipt was collected."""

    roster = models.ForeignKey(Roster, models.PROTECT, related_name="orders")
    order_id = models.CharField(max_length=60, unique=True)
    placed_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True, blank=True)
