"""The forms of a readiness review: an answer, a verdict, a certificate with its scope and conditions."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bagipakai.control import readiness
from bagipakai.control.models import PendingDecision
from bagipakai.control.passkeys import matters, signing
from bagipakai.core.plan import Level
from bagipakai.core.readiness import Action, Event
from bagipakai.core.refusal import Refusal
from bagipakai.portal import glossary
from bagipakai.portal.pages.refused import lang
from bagipakai.portal.readiness.dossier import ReviewDossier

ANSWERS = [
    ("YES", gettext_lazy("Ya")),
    ("PARTLY", gettext_lazy("Sebagian")),
    ("NO", gettext_lazy("Belum")),
    ("NOT_APPLICABLE", gettext_lazy("Tidak berlaku")),
]
VERDICTS = [
    ("MET", gettext_lazy("Terpenuhi")),
    ("PARTLY", gettext_lazy("Terpenuhi sebagian")),
    ("NOT_MET", gettext_lazy("Belum terpenuhi")),
    ("NOT_APPLICABLE", gettext_lazy("Tidak berlaku")),
]


class ScopeForm(forms.Form):
    """For which levels the institution wants to be ready."""

    levels = forms.MultipleChoiceField(
        label=gettext_lazy("Untuk level data mana lembaga Anda ingin siap?"),
        help_text=gettext_lazy("Pertanyaannya mengikuti level yang Anda pilih."),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Pilih sedikitnya satu level")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["levels"]
        field.choices = [(one.value, glossary.term(one, "level").label) for one in Level]


class AnswerForm(forms.Form):
    """What the institution says of one item."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Jawaban"),
        choices=ANSWERS,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Pilih jawaban")},
    )
    note = forms.CharField(
        label=gettext_lazy("Penjelasan (boleh dikosongkan)"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        required=False,
    )


class VerdictForm(forms.Form):
    """What the reviewer says of one item."""

    verdict = forms.ChoiceField(
        label=gettext_lazy("Putusan"),
        choices=VERDICTS,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Pilih putusan")},
    )
    note = forms.CharField(
        label=gettext_lazy("Catatan"),
        help_text=gettext_lazy("Wajib bila belum terpenuhi seluruhnya."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        required=False,
    )


class ReviewActForm(forms.Form):
    """An act on a review without anything to fill in."""

    def __init__(self, action: Action, dossier: ReviewDossier, data: Any = None) -> None:
        super().__init__(data, prefix=action.value.lower())
        self.action, self.dossier = action, dossier
        self.build()

    def build(self) -> None:
        """Adds fields that depend on the review."""

    def payload(self) -> dict[str, Any]:
        """What the rules are asked about."""
        return {}

    def perform(self, seen: int) -> Event | PendingDecision | Refusal:
        """Asks the office to do it, or first for the decision that must be signed."""
        review, tenure = self.dossier.row.pk, self.dossier.tenure
        if signing.needed(matters.READINESS, self.action):
            return readiness.draw_up(review, self.action, tenure, self.payload(), seen, lang())
        return readiness.handle(review, self.action, tenure, self.payload(), seen)


class DeclareForm(ReviewActForm):
    """The head of the institution stands for the answers."""

    true = forms.BooleanField(
        label=gettext_lazy("Saya menyatakan jawaban dan bukti ini benar"),
        error_messages={"required": gettext_lazy("Nyatakan bahwa jawaban dan bukti ini benar")},
    )


class ReviewReasonForm(ReviewActForm):
    """An act that needs its reason."""

    reason = forms.CharField(
        label=gettext_lazy("Alasan"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        error_messages={"required": gettext_lazy("Tuliskan alasannya")},
    )

    def payload(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]}


class CertificateForm(ReviewReasonForm):
    """For what, and until when, the institution is ready."""

    levels = forms.MultipleChoiceField(
        label=gettext_lazy("Berlaku untuk level"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Pilih sedikitnya satu level")},
    )
    valid_until = forms.DateField(
        label=gettext_lazy("Berlaku sampai"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": gettext_lazy("Isi tanggal akhir"),
            "invalid": gettext_lazy("Tulis tanggal seperti 2027-11-22"),
        },
    )
    field_order = ("levels", "valid_until", "reason")

    def build(self) -> None:
        review = self.dossier.review
        field: Any = self.fields["levels"]
        field.choices = [(one, glossary.term(one, "level").label) for one in sorted(review.levels)]
        self.fields["levels"].initial = sorted(review.levels)

    def payload(self) -> dict[str, Any]:
        review = self.dossier.review
        return {
            "levels": self.cleaned_data["levels"],
            "channels": sorted(review.channels),
            "sites": sorted(review.sites),
            "valid_until": self.cleaned_data["valid_until"].isoformat(),
            "reason": self.cleaned_data["reason"],
        }


class ConditionsForm(CertificateForm):
    """The same with a measure and a day for each shortfall."""

    def build(self) -> None:
        super().build()
        self.short = [
            code
            for code, (verdict, _note, _person) in self.dossier.review.verdicts.items()
            if verdict in ("PARTLY", "NOT_MET")
        ]
        for code in self.short:
            item = self.dossier.items[code]
            question = item.question if lang() == "id" else item.english
            self.fields[f"measure.{code}"] = forms.CharField(
                label=_("Yang harus dilakukan: %(question)s") % {"question": question},
                max_length=1000,
                error_messages={"required": _("Tuliskan yang harus dilakukan")},
            )
            self.fields[f"due.{code}"] = forms.DateField(
                label=_("Paling lambat"),
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
                input_formats=["%Y-%m-%d"],
                error_messages={"required": _("Isi tanggalnya"), "invalid": _("Tulis tanggal seperti 2027-11-22")},
            )

    def payload(self) -> dict[str, Any]:
        told = self.cleaned_data
        conditions = [
            {"item": code, "measure": told[f"measure.{code}"], "due": told[f"due.{code}"].isoformat()}
            for code in self.short
        ]
        return super().payload() | {"conditions": conditions}
