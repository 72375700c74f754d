"""Requests and what happened to them. The events are the truth; the columns of a request are read from their fold."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, UniqueConstraint

from bagipakai.control.models.ledger import Entry


class Request(models.Model):
    """One request for data. `form` is the version of the form it is written on. Everything from `n` on repeats the
    fold, so that lists are quick; nothing decides by it."""

    reference = models.CharField(max_length=20, unique=True)
    institution = models.ForeignKey("control.Institution", models.PROTECT, related_name="requests")
    controller = models.ForeignKey("control.Institution", models.PROTECT, related_name="+")
    post = models.ForeignKey("control.Post", models.PROTECT, related_name="+")
    opened_by = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    form = models.PositiveIntegerField()
    follows = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="followed_by")

    n = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=32)
    level = models.CharField(max_length=2, blank=True)
    programme = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=60, blank=True)
    awaited = ArrayField(models.CharField(max_length=40), default=list)
    owners = ArrayField(models.CharField(max_length=40), default=list)
    sent_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["status", "controller", "due_on"], name="queue_of_a_controller"),
            models.Index(fields=["institution", "-id"], name="requests_of_an_institution"),
            GinIndex(fields=["awaited"], name="queue_of_a_role"),
        ]

    def __str__(self) -> str:
        return self.reference


class Event(Entry):
    """What happened to a request, once and for ever. `(request, n)` is the lock on which two deciders meet."""

    subject = models.ForeignKey(Request, models.PROTECT, related_name="events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_request_event_at_a_place")]


class Denial(models.Model):
    """A "no" that was said: who tried what, and the code. Holds no data of a citizen."""

    at = models.DateTimeField()
    request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="denials")
    subject = models.CharField(max_length=60, blank=True)
    person = models.ForeignKey("control.Person", models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=40)
    code = models.CharField(max_length=60)
    detail = models.JSONField(default=dict)


class Claim(models.Model):
    """Who works on a request now, until when. It tells colleagues; it gives no right and takes none away."""

    request = models.OneToOneField(Request, models.PROTECT, related_name="claim")
    person = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    until = models.DateTimeField()


class Paper(models.Model):
    """A legal paper set from facts: the agreement or the hand-over record. The bytes lie in the document store."""

    class Kind(models.TextChoices):
        AGREEMENT = "AGREEMENT", "Perjanjian"
        HANDOVER_RECORD = "HANDOVER_RECORD", "Berita Acara Serah Terima"

    request = models.ForeignKey(Request, models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    number = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    plan_digest = models.CharField(max_length=64)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["request", "kind", "plan_digest", "sha256"], name="a_paper_is_set_once"),
        ]


class SignedCopy(models.Model):
    """A paper with one more officer's signature in the file, made with their signed decision. The paper as it was set,
    and each copy before, are the beginning of its bytes."""

    paper = models.ForeignKey(Paper, models.PROTECT, related_name="copies")
    decision = models.OneToOneField("control.SignedDecision", models.PROTECT, related_name="copy")
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveIntegerField()


class PlacedOrder(models.Model):
    """An order that the office placed for a request, and whether its receipt was collected."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="orders")
    order_id = models.CharField(max_length=60, unique=True)
    plan_digest = models.CharField(max_length=64)
    placed_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True, blank=True)


class Notice(models.Model):
    """A message to one person about one event, shown in the portal."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="notices")
    person = models.ForeignKey("control.Person", models.PROTECT, related_name="notices")
    code = models.CharField(max_length=40)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["event", "person", "code"], name="one_notice_of_a_kind_per_event")]
        indexes = [
            models.Index(fields=["person", "-id"], name="notices_of_a_person", condition=Q(read_at__isnull=True))
        ]
