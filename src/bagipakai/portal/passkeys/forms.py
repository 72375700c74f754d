"""What people type about keys."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class KeyForm(forms.Form):
    """Making a key: what its holder calls it, and the browser's answer."""

    label = forms.CharField(
        label=_("Nama kunci"),
        help_text=_("Supaya Anda mengenalinya nanti. Contoh: Laptop kantor, Kunci USB cadangan"),
        max_length=60,
        error_messages={"required": _("Beri nama kunci ini")},
    )
    answer = forms.CharField(widget=forms.HiddenInput, required=False)


class HeardForm(forms.Form):
    """Confirming a colleague's key by what the colleague read aloud."""

    credential = forms.CharField(widget=forms.HiddenInput)
    heard = forms.CharField(
        label=_("Sidik yang dibacakan pemilik kunci"),
        help_text=_("Tatap muka atau lewat telepon yang suaranya Anda kenal. Tulis ke-32 huruf dan angkanya."),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": _("Tulis sidik yang dibacakan pemilik kunci")},
    )


class LossForm(forms.Form):
    """Reporting a key as lost, one's own or a colleague's."""

    credential = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Apa yang terjadi"),
        help_text=_("Contoh: tertinggal di kereta, perangkat rusak, kata sandi diketahui orang lain"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=1000,
        error_messages={"required": _("Tulis apa yang terjadi dengan kunci ini")},
    )


class RecoveryForm(forms.Form):
    """One of the two officers lets a colleague enrol again."""

    reason = forms.CharField(
        label=_("Bagaimana Anda memastikan orangnya"),
        help_text=_("Contoh: bertemu langsung dan melihat kartu pegawainya"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=1000,
        error_messages={"required": _("Tulis bagaimana Anda memastikan orangnya")},
    )


def for_key(kind: type[forms.Form], credential: str, data: Any = None) -> forms.Form:
    """The form about one key among several on a page; filled if `data` are about this one."""
    filled = data if data is not None and data.get(f"{kind.__name__.lower()}-credential") == credential else None
    one = kind(filled, prefix=kind.__name__.lower(), initial={"credential": credential})
    one.auto_id = f"id_{kind.__name__.lower()}_{credential[:12]}_%s"
    return one
