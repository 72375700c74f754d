"""Keys with which people sign, decisions drawn up for signing, and decisions signed. Nothing here is ever changed."""

from django.db import models
from django.db.models import UniqueConstraint

from bagipakai.control.models.ledger import Entry


class KeyEvent(Entry):
    """What happened to the keys of a person: enrolled, confirmed, revoked, recovered."""

    subject = models.ForeignKey("control.Person", models.PROTECT, related_name="key_events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_key_event_at_a_place")]


class Credential(models.Model):
    """One enrolled key as its authenticator gave it. `credential` is its id in base64url, `cose` its key in COSE,
    `attestation` the whole attestation object, kept for whoever wants to know what device it was."""

    holder = models.ForeignKey("control.Person", models.PROTECT, related_name="credentials")
    credential = models.CharField(max_length=1400, unique=True)
    cose = models.BinaryField()
    counter = models.PositiveBigIntegerField()
    attestation = models.BinaryField()
    enrolled_at = models.DateTimeField()


class PendingDecision(models.Model):
    """A decision drawn up for one person to sign, for minutes. `payload` is what the door is asked with once it is
    signed; `dossier` is what `decision["dossier_hash"]` is made of, `summary` what the signer is shown."""

    token = models.CharField(max_length=43, unique=True)
    person = models.ForeignKey("control.Person", models.PROTECT, related_name="+")
    post = models.ForeignKey("control.Post", models.PROTECT, related_name="+")
    matter = models.CharField(max_length=20)
    subject = models.CharField(max_length=40)
    n = models.PositiveIntegerField()
    action = models.CharField(max_length=40)
    payload = models.JSONField()
    decision = models.JSONField()
    dossier = models.JSONField()
    summary = models.JSONField()
    made_at = models.DateTimeField()
    until = models.DateTimeField()


class SigningAttempt(models.Model):
    """That a pending decision was used, once: by a signature that stood, or by one refused with `code`."""

    pending = models.OneToOneField(PendingDecision, models.PROTECT, related_name="attempt")
    at = models.DateTimeField()
    code = models.CharField(max_length=60, blank=True)


class SignedDecision(models.Model):
    """A decision and the assertion under it: one for each step of a matter. `digest` is the decision's."""

    pending = models.OneToOneField(PendingDecision, models.PROTECT, related_name="signed")
    subject = models.CharField(max_length=40)
    n = models.PositiveIntegerField()
    credential = models.ForeignKey(Credential, models.PROTECT, related_name="decisions")
    client_data = models.BinaryField()
    authenticator_data = models.BinaryField()
    signature = models.BinaryField()
    counter = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_signed_decision_of_a_step")]
