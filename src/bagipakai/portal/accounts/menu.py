"""The menu of a reader: what is open to everybody, and what the roles of the post they act in add. One table."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bagipakai.core.request import Role
from bagipakai.portal.accounts import posts

NAMES: dict[str, Promise] = {
    "requests:list": _("Permintaan"),
    "examining:queue": _("Antrean"),
    "rosters:list": _("Daftar untuk dipadankan"),
    "readiness:own": _("Kesiapan lembaga"),
    "readiness:queue": _("Tinjauan kesiapan"),
    "submissions:list": _("Data sumber"),
    "reviews:queue": _("Telaah padanan"),
    "register:list": _("Daftar berbagipakai"),
    "releases:list": _("Rilis data"),
    "catalogue:list": _("Katalog variabel"),
    "matching:show": _("Mutu pemadanan"),
    "passkeys:mine": _("Kunci saya"),
}
# Under which entry the pages of a room stand: the first of these that the reader has. Who acts does so from a queue.
OF_ROOM: dict[str, tuple[str, ...]] = {
    "requests": ("requests:list",),
    "acts": ("examining:queue", "requests:list"),
    "downloads": ("requests:list",),
    "examining": ("examining:queue", "requests:list"),
    "readiness": ("readiness:queue", "readiness:own"),
    "submissions": ("submissions:list",),
    "rosters": ("rosters:list",),
    "reviews": ("reviews:queue",),
    "register": ("register:list",),
    "releases": ("releases:list",),
    "catalogue": ("catalogue:list",),
    "matching": ("matching:show",),
    "passkeys": ("passkeys:mine",),
}
OF_POST = ("passkeys:mine",)  # whoever acts in a post signs with a key
OPEN_TO_ALL = ("register:list", "releases:list", "catalogue:list", "matching:show")
ASKING = ("requests:list", "readiness:own")
EXAMINING = ("examining:queue", "requests:list")
OF_ROLE: dict[Role, tuple[str, ...]] = {
    Role.APPLICANT: (*ASKING, "requests:new", "rosters:list", "readiness:new"),
    Role.ACCOUNTABLE_OFFICER: (*ASKING, "examining:queue", "readiness:key"),
    Role.AUTHORISED_HANDLER: ASKING,
    Role.READINESS_REVIEWER: ("readiness:queue",),
    Role.SOURCE_PROVIDER: ("submissions:list", "submissions:new"),
    Role.CLERK: ("reviews:queue",),
    Role.AUDITOR: ("requests:list", "readiness:queue", "submissions:list"),
    **dict.fromkeys(
        (
            Role.ADMIN_VERIFIER,
            Role.SUBSTANCE_VERIFIER,
            Role.DATA_PROTECTION_OFFICER,
            Role.DATA_PRODUCER,
            Role.COORDINATOR,
            Role.CONTROLLER,
            Role.DATA_PREPARER,
            Role.QUALITY_REVIEWER,
        ),
        EXAMINING,
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu. `here` is the value of aria-current: "page", "true" (a page below it) or nothing."""

    name: str
    href: str
    here: str


def entries(http: HttpRequest) -> list[Entry]:
    """The entries of this reader, in the table's order."""
    offered = [view for view in NAMES if view in (*OPEN_TO_ALL, *_of_post(http))]
    page = http.resolver_match.view_name if http.resolver_match else ""
    under = (page, *OF_ROOM.get(page.partition(":")[0], ()))
    here = next((view for view in under if view in offered), "")
    return [
        Entry(str(NAMES[view]), reverse(view), "" if view != here else "page" if view == page else "true")
        for view in offered
    ]


def offers(http: HttpRequest, view: str) -> bool:
    """Whether a page should offer this reader the way to `view`. The office decides again when it is taken."""
    return view in _of_post(http)


def _of_post(http: HttpRequest) -> tuple[str, ...]:
    tenure = posts.current(http)
    views = (view for role in (tenure.post.roles if tenure else ()) for view in OF_ROLE.get(Role(role), ()))
    return (*views, *(OF_POST if tenure else ()))
