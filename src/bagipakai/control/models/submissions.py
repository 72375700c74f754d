"""What institutions hand in as providers of a source, event by event."""

from django.db import models
from django.db.models import UniqueConstraint

from bagipakai.control.models.ledger import Entry


class Submission(models.Model):
    """One version of one source. `status` and `n` repeat the fold."""

    institution = models.ForeignKey("control.Institution", models.PROTECT, related_name="submissions")
    source = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    opened_by = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["source", "version"], name="one_submission_of_a_version")]
        indexes = [models.Index(fields=["institution", "-id"], name="submissions_of_an_institution")]

    @property
    def place(self) -> str:
        """The folder of its sealed pieces in the intake store, and its place in an address."""
        return str(self.pk)


class SubmissionEvent(Entry):
    """What happened to a submission."""

    subject = models.ForeignKey(Submission, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_submission_event_at_a_place")]


class PlacedIntake(models.Model):
    """The order to take a submission in, and whether its receipt was collected."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="order")
    order_id = models.CharField(max_length=60, unique=True)
    placed_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True, blank=True)
