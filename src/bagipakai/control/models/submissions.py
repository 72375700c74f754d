"""What institutions hand in as providers of a source, event by event, and what is being uploaded meanwhile."""

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


class SubmissionEvent(Entry):
    """What happened to a submission."""

    subject = models.ForeignKey(Submission, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_submission_event_at_a_place")]


class UploadedFile(models.Model):
    """A file on its way in. Of the moment: what counts of a file that came whole stands in the events.

    `size` is None while nobody knows it (a form without script tells none). `last_changed` is what the sender's
    machine says of the file, so that the same one is gone on with after a pause.
    """

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="uploads")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=160)
    size = models.BigIntegerField(null=True)
    piece = models.PositiveIntegerField()
    last_changed = models.CharField(max_length=20, blank=True)
    begun_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["submission", "number"], name="one_upload_of_a_number")]


class UploadedPiece(models.Model):
    """One piece of a file, sealed to the registry; `sealed_sha256` is the name of its file in the intake store. `mark`
    tells whether the same piece came again: keyed, so that nobody who reads the table can try out what was in it."""

    file = models.ForeignKey(UploadedFile, models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    bytes = models.PositiveIntegerField()
    sealed_bytes = models.PositiveIntegerField()
    sealed_sha256 = models.CharField(max_length=64)
    mark = models.CharField(max_length=64)

    class Meta:
        constraints = [UniqueConstraint(fields=["file", "number"], name="one_piece_at_a_place")]


class PlacedIntake(models.Model):
    """The order to take a submission in, and whether its receipt was collected."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="order")
    order_id = models.CharField(max_length=60, unique=True)
    placed_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True, blank=True)
