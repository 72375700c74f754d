"""The form of each act: what a person fills in, and the payload that the rules are asked about.

A form checks only what a person can mend on the page; whether the act may happen is asked of the office.
"""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bagipakai.control import clock, requests, situation, wording
from bagipakai.control.models import PendingDecision
from bagipakai.control.passkeys import matters, signing
from bagipakai.core.plan import Level, Plan
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event
from bagipakai.portal import glossary
from bagipakai.portal.pages.refused import lang, sentence
from bagipakai.portal.parts.shapes import Row
from bagipakai.portal.requests.dossier import Dossier
from bagipakai.portal.templatetags.parts import accepted_endings, accepted_files

ITEM_ROWS = 4


class ActForm(forms.Form):
    """An act without anything to fill in."""

    action: Action
    template = "acts/fields.html"
    large = False  # too much for a box on another page: it has its own

    def __init__(self, action: Action, dossier: Dossier, data: Any = None, uploads: Any = None) -> None:
        super().__init__(data, uploads, prefix=action.value.lower())
        self.action, self.dossier = action, dossier
        self.typed: Mapping[str, Any] = data if data is not None else {}
        self.build()

    def build(self) -> None:
        """Adds fields that depend on the request."""

    def look(self) -> None:
        """The form is only looked at again, with what was typed: nothing is called wrong yet."""
        if self.is_bound:
            self._errors = ErrorDict()

    def payload(self) -> dict[str, Any]:
        """What the rules are asked about."""
        return {}

    def perform(self, seen: int) -> Event | PendingDecision | Refusal:
        """Asks the office to do it, or first for the decision that must be signed."""
        reference, tenure = self.dossier.request.reference, self.dossier.tenure
        if signing.needed(matters.REQUEST, self.action):
            return requests.draw_up(reference, self.action, tenure, self.payload(), seen, lang())
        return requests.handle(reference, self.action, tenure, self.payload(), seen)


class ReasonForm(ActForm):
    """An act that needs its reason."""

    reason = forms.CharField(
        label=gettext_lazy("Alasan"),
        help_text=gettext_lazy("Alasan ini dibaca pemohon dan tersimpan dalam catatan keputusan."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        error_messages={"required": gettext_lazy("Tuliskan alasannya")},
    )

    def payload(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]}


class OptionalReasonForm(ActForm):
    """An act that may say why."""

    reason = forms.CharField(
        label=gettext_lazy("Alasan (boleh dikosongkan)"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        required=False,
    )

    def payload(self) -> dict[str, Any]:
        return {"reason": self.cleaned_data["reason"]} if self.cleaned_data["reason"] else {}


class NoteForm(ActForm):
    """An act that may carry a remark."""

    note = forms.CharField(
        label=gettext_lazy("Catatan (boleh dikosongkan)"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        required=False,
    )

    def payload(self) -> dict[str, Any]:
        return {"note": self.cleaned_data["note"]} if self.cleaned_data["note"] else {}


class PrefilledForm(ActForm):
    """An act on exactly what the page showed: the office's digests travel with the form."""

    template = "acts/prefilled.html"
    shown = forms.CharField(widget=forms.HiddenInput, required=False)

    def build(self) -> None:
        self.office = requests.prefilled(self.dossier.request.reference, self.action)
        self.fields["shown"].initial = json.dumps(self.office)

    @property
    def told(self) -> list[tuple[str, Any]]:
        """What the office filled in, as it is read: the capacity in the words of its question."""
        capacity = dict(self.dossier.form.question("pdp_capacity").options(lang()))
        return [(name, capacity.get(value, value)) for name, value in self.office.items() if value]

    def payload(self) -> dict[str, Any]:
        told = _told(self.cleaned_data["shown"])
        return {key: told[key] for key in self.office if told.get(key) not in (None, "") or key == "manifest"}


def _told(shown: str | None) -> dict[str, Any]:
    """What a page showed, as its form posts it back; nothing of what it cannot have said."""
    try:
        told = json.loads(shown or "{}")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _texts(told: Mapping[str, Any], name: str) -> list[str]:
    listed = told.get(name)
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


class CancelForm(PrefilledForm):
    """Cancelling the order that the page showed, with a reason."""

    reason = forms.CharField(
        label=gettext_lazy("Alasan"),
        help_text=gettext_lazy("Alasan ini tersimpan dalam catatan permintaan."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        error_messages={"required": gettext_lazy("Tuliskan alasannya")},
    )

    def payload(self) -> dict[str, Any]:
        return {**super().payload(), "reason": self.cleaned_data["reason"]}


class ConfirmingForm(PrefilledForm):
    """The applicant stands by the record of a clarification, which the page shows."""

    template = "acts/confirming.html"

    @property
    def summary(self) -> str:
        return self.dossier.clarifications[-1].summary


class SigningForm(PrefilledForm):
    """Signing a paper that has been read."""

    template = "acts/signing.html"
    read = forms.BooleanField(
        label=gettext_lazy("Saya sudah membaca naskah ini dan menandatanganinya atas nama lembaga saya"),
        error_messages={"required": gettext_lazy("Nyatakan bahwa Anda sudah membaca naskah ini")},
    )


class SubmitForm(ActForm):
    """Sending a request."""

    true = forms.BooleanField(
        label=gettext_lazy("Saya menyatakan isi permintaan ini benar, dan data hanya akan dipakai untuk tujuan ini"),
        error_messages={"required": gettext_lazy("Nyatakan bahwa isi permintaan ini benar")},
    )


class ReturnForm(ActForm):
    """What is missing, item by item; answers that do not suffice are opened again."""

    template = "acts/return.html"
    large = True

    def build(self) -> None:
        day = self.dossier.setting.day
        word = "name" if lang() == "id" else "english"
        known = rules("deficiencies", "deficiency", ("code",)).in_force(day)
        codes = [("", _("Pilih kekurangan")), *((code, str(rule[word])) for (code,), rule in known.items())]
        fields = [(f"field:{ask.question.code}", ask.question.label(lang())) for ask in self.dossier.asks]
        kinds = [(f"document:{kind}", self.dossier.document(kind)) for kind in self.dossier.documents_offered]
        targets = [("", _("Pilih bagian")), (_("Jawaban"), fields), (_("Dokumen"), kinds)]
        for place in range(1, ITEM_ROWS + 1):
            self.fields[f"code{place}"] = forms.ChoiceField(label=_("Kekurangan"), choices=codes, required=False)
            self.fields[f"target{place}"] = forms.ChoiceField(label=_("Pada"), choices=targets, required=False)
            self.fields[f"note{place}"] = forms.CharField(
                label=_("Apa yang harus dilakukan pemohon"),
                widget=forms.Textarea(attrs={"rows": 2}),
                max_length=2000,
                required=False,
            )
        for item in self.dossier.answered_items:
            self.fields[f"again{item.id}"] = forms.CharField(
                label=_("Buka lagi %(target)s karena") % {"target": self.dossier.target(item.target)},
                help_text=_("Kosongkan bila jawaban pemohon Anda terima."),
                widget=forms.Textarea(attrs={"rows": 2}),
                max_length=2000,
                required=False,
            )

    @property
    def rows(self) -> list[list[Any]]:
        return [[self[f"{name}{place}"] for name in ("code", "target", "note")] for place in range(1, ITEM_ROWS + 1)]

    @property
    def again(self) -> list[Any]:
        return [self[f"again{item.id}"] for item in self.dossier.answered_items]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        for place in range(1, ITEM_ROWS + 1):
            said = [bool(told.get(f"{name}{place}")) for name in ("code", "target", "note")]
            wanted = {
                "code": _("Pilih kekurangannya"),
                "target": _("Pilih bagian yang kurang"),
                "note": _("Tuliskan apa yang harus dilakukan pemohon"),
            }
            for (name, text), filled in zip(wanted.items(), said, strict=True):
                if any(said) and not filled:
                    self.add_error(f"{name}{place}", text)
        if not any(told.values()):
            raise forms.ValidationError(_("Sebutkan sedikitnya satu kekurangan"))
        return told

    def payload(self) -> dict[str, Any]:
        told = self.cleaned_data
        return {
            "items": [
                {"code": told[f"code{place}"], "target": told[f"target{place}"], "note": told[f"note{place}"]}
                for place in range(1, ITEM_ROWS + 1)
                if told[f"code{place}"]
            ],
            "reopen": [
                {"item": item.id, "note": told[f"again{item.id}"]}
                for item in self.dossier.answered_items
                if told[f"again{item.id}"]
            ],
        }


class VerdictsForm(ActForm):
    """A word on each variable: approve, lower, or reject, with its reason."""

    template = "acts/verdicts.html"
    large = True

    def build(self) -> None:
        catalogue, state = self.dossier.setting.catalogue, self.dossier.state
        level = str(state.answers.get("level") or "L1")
        lower = [(one.value, one.value) for one in Level if one.value < level] or [(level, level)]
        reasons = {one["name"]: one["reason"] for one in state.answers.get("variables") or ()}
        said = state.proposals if self.action is Action.PROPOSE else state.owner_verdicts
        self.lines: list[dict[str, Any]] = []
        for name in self.names():
            before = said.get(name) or state.proposals.get(name)
            variable = catalogue[name]
            self.fields[f"verdict.{name}"] = forms.ChoiceField(
                label=_("Usul untuk %(name)s") % {"name": variable.title(lang())},
                choices=[
                    ("", _("Pilih")),
                    ("APPROVE", _("Setujui")),
                    ("LOWER", _("Turunkan level")),
                    ("REJECT", _("Tolak")),
                ],
                initial=before.verdict if before else "",
                error_messages={"required": _("Pilih usul untuk %(name)s") % {"name": variable.title(lang())}},
            )
            self.fields[f"level.{name}"] = forms.ChoiceField(
                label=_("Level bila diturunkan untuk %(name)s") % {"name": variable.title(lang())},
                choices=lower,
                initial=before.level if before and before.verdict == "LOWER" else lower[-1][0],
                required=False,
            )
            self.fields[f"reason.{name}"] = forms.CharField(
                label=_("Alasan untuk %(name)s") % {"name": variable.title(lang())},
                initial=before.reason if before else "",
                max_length=1000,
                required=False,
            )
            self.lines.append({"variable": variable, "why": reasons.get(name, ""), "name": name})
            key = self.add_prefix(f"verdict.{name}")
            if "semua" in self.typed and not self.typed.get(key):
                self.data[key] = "APPROVE"  # type: ignore[index]  # a copy, only to be looked at

    def names(self) -> tuple[str, ...]:
        """The variables in question: all that are asked, or those that the reader's institution produces."""
        if self.action is Action.PROPOSE:
            return self.dossier.state.asked
        day = situation.judged_on(self.dossier.state, clock.now())
        owners = situation.owners(self.dossier.request, self.dossier.state, day)
        mine = self.dossier.tenure.post.institution.code
        return tuple(name for name in self.dossier.state.asked if owners.get(name) == mine)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            line | {key: self[f"{key}.{line['name']}"] for key in ("verdict", "level", "reason")} for line in self.lines
        ]

    def payload(self) -> dict[str, Any]:
        told, level = self.cleaned_data, str(self.dossier.state.answers.get("level"))
        return {
            "verdicts": {
                name: {
                    "verdict": told[f"verdict.{name}"],
                    "level": told[f"level.{name}"] if told[f"verdict.{name}"] == "LOWER" else level,
                    "reason": told[f"reason.{name}"],
                }
                for name in self.names()
            }
        }


class ExemptionsForm(ActForm):
    """Which rules for rows need not be met, each with its reason; what is left empty stands."""

    template = "acts/exemptions.html"
    large = True

    def build(self) -> None:
        proposed = self.dossier.state.exemptions
        for code, (name, asks) in self.dossier.row_rules.items():
            self.fields[code] = forms.CharField(
                label=name,
                help_text=asks,
                initial=proposed[code].reason if code in proposed else "",
                widget=forms.Textarea(attrs={"rows": 2}),
                max_length=1000,
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if not any(told.values()) and not self.dossier.state.exemptions:
            raise forms.ValidationError(_("Tuliskan alasan pada sedikitnya satu aturan"))
        return told

    def payload(self) -> dict[str, Any]:
        return {"exemptions": {code: reason for code, reason in self.cleaned_data.items() if reason}}


class OpinionForm(ReasonForm):
    """The word of the data protection officer."""

    opinion = forms.ChoiceField(
        label=gettext_lazy("Pendapat"),
        choices=[
            ("SUPPORTS", gettext_lazy("Mendukung")),
            ("CONDITIONS", gettext_lazy("Mendukung dengan syarat")),
            ("OPPOSES", gettext_lazy("Tidak mendukung")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Pilih pendapat Anda")},
    )
    field_order = ("opinion", "reason")

    def payload(self) -> dict[str, Any]:
        return {"opinion": self.cleaned_data["opinion"], "reason": self.cleaned_data["reason"]}


def _level(plan: Plan) -> str:
    """What a plan is called: of a matching that it is one, for it hands out no list by name and address."""
    if plan.matching is not None:
        return f"{glossary.term('MATCHING', 'service').label} ({plan.level})"
    return glossary.term(plan.level, "level").label


class ApproveForm(ReasonForm):
    """Approving exactly the plan that the page shows; choosing fewer variables shows that plan first."""

    template = "acts/approve.html"
    large = True
    shown = forms.CharField(widget=forms.HiddenInput, required=False)
    field_order = ("reason", "shown")

    def build(self) -> None:
        state, catalogue = self.dossier.state, self.dossier.setting.catalogue
        most, reference = requests.approvable(state), self.dossier.request.reference
        self.ticked = self.typed.getlist("pengecualian") if self.is_bound else []  # type: ignore[attr-defined]
        wanted: list[str] | None
        if "pilih" in self.typed:
            wanted = [name for name in self.typed.getlist("variabel") if name in most]  # type: ignore[attr-defined]
            level, exempted = str(self.typed.get("level")), self.ticked
        else:  # nothing yet, or what the page showed when something else on it was wrong
            shown = _told(self.typed.get(self.add_prefix("shown")))
            wanted = [name for name in _texts(shown, "variables") if name in most] if shown else None
            level, exempted = str(shown.get("level")), _texts(shown, "exempted")
        self.office = requests.prefilled(
            reference,
            self.action,
            variables=wanted,
            level=level if level in set(Level) else "",
            exempted=[one.rule for one in state.exempted(exempted)],
        )
        self.plan = requests.plan(
            reference,
            variables=self.office["variables"],
            level=self.office["level"],
            exempted=self.office.get("exempted", ()),
        )
        self.fields["shown"].initial = json.dumps(self.office)
        if "pilih" in self.typed:
            self.data[self.add_prefix("shown")] = json.dumps(self.office)  # type: ignore[index]  # a copy, to look at
        self.choices = [(name, catalogue[name].title(lang()), name in self.office["variables"]) for name in most]
        asked = str(state.answers.get("level"))
        self.levels = [one.value for one in Level if one.value <= asked]
        self.exemptions = [
            (rule, *self.dossier.row_rules[rule], one.reason, rule in self.ticked)
            for rule, one in sorted(state.exemptions.items())
        ]

    def clean(self) -> dict[str, Any]:
        """What is ticked is what the plan on the page says: nothing is approved, or left out, unseen."""
        told = super().clean() or self.cleaned_data
        if set(self.ticked) != set(_texts(_told(told.get("shown")), "exempted")):
            raise forms.ValidationError(
                _("Pengecualian yang Anda centang berbeda dari yang ada dalam rencana. Lihat rencananya lebih dulu")
            )
        return told

    @property
    def hindrance(self) -> str:
        return sentence(self.plan) if isinstance(self.plan, Refusal) else ""

    @property
    def rows(self) -> list[Row]:
        """The plan in words, as it will be signed, ordered and delivered."""
        plan, setting = self.plan, self.dossier.setting
        if isinstance(plan, Refusal):
            return []
        purpose = setting.purposes[plan.purpose]["name" if lang() == "id" else "english"]
        return [
            Row(_("Tujuan"), str(purpose)),
            Row(_("Program"), plan.programme),
            Row(_("Dasar hukum"), plan.legal_basis),
            Row(_("Level"), _level(plan)),
            Row(_("Satuan data"), glossary.term(plan.unit, "unit").label),
            Row(_("Wilayah"), wording.area(plan.area, setting.regions, lang())),
            Row(_("Siapa yang termasuk"), wording.population(plan.population, setting.catalogue, lang())),
            *(Row(name, text) for name, text in wording.matching(plan, lang())),
            Row(
                _("Variabel"),
                lines=tuple(wording.asked(one, setting.catalogue, setting.grains, lang()) for one in plan.variables)
                or (_("Tidak ada"),),
            ),
            *self._exempted(plan),
            Row(_("Versi rilis"), plan.release),
            Row(_("Diperbarui dengan rilis berikutnya"), _("Ya") if plan.rolling else _("Tidak")),
            Row(_("Boleh dibagikan lagi"), _("Ya") if plan.onward_sharing else _("Tidak")),
            Row(_("Format"), glossary.term(plan.format, "format").label),
            Row(_("Berakhir"), wording.calendar_day(plan.ends_on, lang())),
            Row(_("Sidik rencana"), self.office["plan"], digits=True),
            Row(_("Sidik isi"), self.office["content"], digits=True),
        ]

    def _exempted(self, plan: Plan) -> list[Row]:
        if not self.dossier.state.without_names:
            return []
        lines = tuple(f"{name}: {reason}" for name, reason in wording.exempted(plan, lang()))
        return [Row(_("Pengecualian aturan baris"), lines=lines or (_("Tidak ada"),))]

    def payload(self) -> dict[str, Any]:
        told = _told(self.cleaned_data["shown"])
        rules = {"exempted": told["exempted"]} if "exempted" in told else {}
        return {key: told.get(key) for key in ("variables", "level", "plan", "content")} | rules | super().payload()


class QuestionsForm(ActForm):
    """Inviting the applicant to clarify."""

    questions = forms.CharField(
        label=gettext_lazy("Apa yang perlu dijelaskan"),
        help_text=gettext_lazy("Sebutkan juga waktu dan tempat pertemuan."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        error_messages={"required": gettext_lazy("Tuliskan apa yang perlu dijelaskan")},
    )

    def payload(self) -> dict[str, Any]:
        return {"questions": self.cleaned_data["questions"]}


class RecordForm(ActForm):
    """The record of a clarification, for the applicant to confirm."""

    summary = forms.CharField(
        label=gettext_lazy("Ringkasan"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        error_messages={"required": gettext_lazy("Tuliskan ringkasan pertemuan")},
    )
    file = forms.FileField(
        label=gettext_lazy("Berita acara klarifikasi"),
        error_messages={"required": gettext_lazy("Pilih berkas berita acara")},
    )

    def build(self) -> None:
        self.fields["file"].help_text = accepted_files()
        self.fields["file"].widget.attrs["accept"] = accepted_endings()

    def perform(self, seen: int) -> Event | Refusal:
        file = self.cleaned_data["file"]
        return requests.record_clarification(
            self.dossier.request.reference,
            self.dossier.tenure,
            file,
            file.name,
            summary=self.cleaned_data["summary"],
            seen=seen,
        )


class AmendForm(ReasonForm):
    """Changing a request of which less was approved than asked."""

    fields_to_change = forms.MultipleChoiceField(
        label=gettext_lazy("Jawaban yang akan diubah"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Pilih jawaban yang akan diubah")},
    )
    field_order = ("fields_to_change", "reason")

    def build(self) -> None:
        field: Any = self.fields["fields_to_change"]
        field.choices = [(ask.question.code, ask.question.label(lang())) for ask in self.dossier.asks]

    def payload(self) -> dict[str, Any]:
        return {"fields": self.cleaned_data["fields_to_change"]} | super().payload()
