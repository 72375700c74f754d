"""What is being uploaded, for a submission or a roster, until it is sent."""

from typing import TypeAlias

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from bagipakai.control.models.rosters import Roster
from bagipakai.control.models.submissions import Submission

Holder: TypeAlias = Submission | Roster


class UploadedFile(models.Model):
    """A file on its way in, of a submission or of a roster. Of the moment: what counts of a file that came whole stands
    in the events.

    `size` is None while nobody knows it (a form without script tells none). `last_changed` is what the sender's
    machine says of the file, so that the same one is gone on with after a pause.
    """

    submission = models.ForeignKey(Submission, models.PROTECT, null=True, related_name="uploads")
    roster = models.ForeignKey(Roster, models.PROTECT, null=True, related_name="uploads")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=160)
    size = models.BigIntegerField(null=True)
    piece = models.PositiveIntegerField()
    last_changed = models.CharField(max_length=20, blank=True)
    begun_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(submission=None, roster__isnull=False) | Q(submission__isnull=False, roster=None),
                name="an_upload_is_of_one_thing",
            ),
            UniqueConstraint(fields=["submission", "number"], name="one_upload_of_a_number"),
            UniqueConstraint(fields=["roster", "number"], name="one_upload_of_a_roster"),
        ]

    @property
    def holder(self) -> Holder:
        """What it is uploaded for."""
        holder = self.submission or self.roster
        if holder is None:
            raise LookupError("an upload of nothing")
        return holder


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
