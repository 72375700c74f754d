"""Logging in: an address and a password, in plain words."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _


class LoginForm(AuthenticationForm):
    """Says the same whether the address or the password was wrong."""

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
