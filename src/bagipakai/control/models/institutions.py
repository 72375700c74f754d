"""Institutions and the posts in them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from bagipakai.control.models.ledger import Entry
from bagipakai.core.plan import NATION


class Kind(models.TextChoices):
    """What an institution is. Pemda stand in three tiers: province, regency or city, village."""

    KL = "KL", "Kementerian/lembaga"
    PEMDA_PROV = "PEMDA_PROV", "Pemerintah provinsi"
    PEMDA_KAB = "PEMDA_KAB", "Pemerintah kabupaten"
    PEMDA_KOTA = "PEMDA_KOTA", "Pemerintah kota"
    PEMDA_DESA = "PEMDA_DESA", "Pemerintah desa"
    BUMN = "BUMN", "Badan usaha milik negara"
    INTERNATIONAL = "INTERNATIONAL", "Organisasi internasional"


LOCAL = frozenset({Kind.PEMDA_PROV, Kind.PEMDA_KAB, Kind.PEMDA_KOTA, Kind.PEMDA_DESA})


class Institution(models.Model):
    """A body that controls, prepares or uses DTSEN.

    `region` is the area of its competence: the Kemendagri code below which every request must stay; no code means the
    nation, except for a local government, where it is not known and nothing may be asked. An international organisation
    without `transfer_basis` is denied (UU 27/2022 Art 56).
    """

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    region = models.CharField(max_length=10, blank=True)
    region_name = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=300, blank=True)
    transfer_basis = models.CharField(max_length=300, blank=True)
    dpo_name = models.CharField(max_length=120, blank=True)
    dpo_contact = models.CharField(max_length=200, blank=True)
    is_controller = models.BooleanField(default=False)
    appointment_type = models.CharField(max_length=60, blank=True)
    appointment_number = models.CharField(max_length=120, blank=True)
    appointment_date = models.DateField(null=True, blank=True)
    appointment_file = models.ForeignKey("control.Document", models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(
                name="a_region_is_digits", condition=Q(region__regex=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})?$")
            ),
            CheckConstraint(
                name="a_controller_has_its_appointment",
                condition=Q(is_controller=False)
                | (~Q(appointment_type="") & ~Q(appointment_number="") & Q(appointment_date__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def competence(self) -> str:
        """The region inside which its plans must lie: its code, the nation, or nothing for a local government whose
        region nobody recorded."""
        return self.region or ("" if self.kind in LOCAL else NATION)


class RecipientKeyEvent(Entry):
    """What happened to the keys to which packages of an institution are sealed: stated, confirmed, withdrawn."""

    subject = models.ForeignKey(Institution, models.PROTECT, related_name="key_events")

    class Meta(Entry.Meta):
        constraints = [UniqueConstraint(fields=["subject", "n"], name="one_recipient_key_event_at_a_place")]


class Post(models.Model):
    """A jabatan. Rights belong to it; people hold it between dates."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="posts")
    title = models.CharField(max_length=160)
    roles = ArrayField(models.CharField(max_length=40))
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["institution", "title"], name="one_post_of_a_title")]

    def __str__(self) -> str:
        return self.title


class TenureKind(models.TextChoices):
    DEFINITIVE = "DEFINITIVE", "Definitif"
    PLT = "PLT", "Pelaksana tugas"
    PLH = "PLH", "Pelaksana harian"


class Tenure(models.Model):
    """A person holds a post from one day to another, both included. Acting officers need a mandate and an end.

    `ended_at` is the instant at which it was ended before its day: from then on nothing can be done by it.
    """

    person = models.ForeignKey("control.Person", models.PROTECT, related_name="tenures")
    post = models.ForeignKey(Post, models.PROTECT, related_name="tenures")
    kind = models.CharField(max_length=12, choices=TenureKind.choices, default=TenureKind.DEFINITIVE)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    mandate = models.CharField(max_length=120)
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            CheckConstraint(
                name="a_tenure_ends_after_it_begins", condition=Q(until__isnull=True) | Q(until__gte=F("since"))
            ),
            CheckConstraint(
                name="an_acting_officer_has_an_end", condition=Q(kind="DEFINITIVE") | Q(until__isnull=False)
            ),
            CheckConstraint(name="a_tenure_has_its_mandate", condition=~Q(mandate="")),
        ]


class CompetenceAttestation(models.Model):
    """Somebody attests that a person is competent in one field until a day (the three fields: seed article)."""

    class Field(models.TextChoices):
        TECHNICAL = "TECHNICAL", "Teknis"
        LEGAL = "LEGAL", "Hukum"
        GOVERNANCE = "GOVERNANCE", "Tata kelola pelindungan data"

    person = models.ForeignKey("control.Person", models.PROTECT, related_name="competences")
    field = models.CharField(max_length=12, choices=Field.choices)
    number = models.CharField(max_length=120)
    issuer = models.CharField(max_length=160)
    since = models.DateField()
    until = models.DateField()


class ProcessorMandate(models.Model):
    """A controller lets the posts of another institution examine or process its requests, until a day (UU 27/2022
    Art 51). Without one, nobody outside the controller's own house acts for it."""

    controller = models.ForeignKey(Institution, models.PROTECT, related_name="mandates_given")
    processor = models.ForeignKey(Institution, models.PROTECT, related_name="mandates_held")
    number = models.CharField(max_length=120)
    scope = models.CharField(max_length=300)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
