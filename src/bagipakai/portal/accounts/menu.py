"""The menu of a reader: what is open to everybody, and what the post they act in adds."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu. `here` is the value of aria-current: "page", "true" (a page below it) or nothing."""

    name: str
    href: str
    here: str


def entries(http: HttpRequest) -> list[Entry]:
    """The entries in order."""
    return [_entry(http, name, href) for name, href in _open_to_all()]


def _open_to_all() -> list[tuple[str, str]]:
    return [
        (_("Daftar berbagipakai"), reverse("register:list")),
        (_("Katalog variabel"), reverse("catalogue:list")),
    ]


def _entry(http: HttpRequest, name: str, href: str) -> Entry:
    here = "page" if http.path == href else "true" if http.path.startswith(href) else ""
    return Entry(name, href, here)
