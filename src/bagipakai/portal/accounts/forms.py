"""Logging in: an address and a password, in plain words."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bagipakai.control import entrance
from bagipakai.core.refusal import Refusal
from bagipakai.portal.pages.refused import sentence


class LoginForm(AuthenticationForm):
    """Says the same whether the address or the password was wrong, and after too many wrong ones until when to wait."""

    error_messages = {  # noqa: RUF012
        "invalid_login": _("Alamat surel atau kata sandi tidak cocok. Periksa keduanya lalu coba lagi."),
        "inactive": _("Alamat surel atau kata sandi tidak cocok. Periksa keduanya lalu coba lagi."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, password = self.fields["username"], self.fields["password"]
        name.label, password.label = _("Alamat surel"), _("Kata sandi")
        name.error_messages["required"] = _("Isi alamat surel dinas Anda")
        password.error_messages["required"] = _("Isi kata sandi Anda")
        name.widget = forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"})

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password:
            outcome = entrance.enter(name, password, _network(self.request))
            if isinstance(outcome, Refusal):
                raise ValidationError(sentence(outcome), code=outcome.code)
            if outcome is None:
                raise self.get_invalid_login_error()
            self.user_cache = outcome
        return self.cleaned_data


def _network(http: HttpRequest | None) -> str:
    """Where they come from. Behind our own proxy, the one that is believed about https, its last word on it."""
    if http is None:
        return ""
    told = http.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return told.rpartition(",")[2].strip() or str(http.META.get("REMOTE_ADDR", ""))
