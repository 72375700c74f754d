"""In which post a reader acts. Rights belong to the post, so a person who holds several chooses one at a time."""

from django.http import HttpRequest

from bagipakai.control import people
from bagipakai.control.models import Tenure

SESSION_KEY = "tenure"


def held(http: HttpRequest) -> list[Tenure]:
    """The posts that the reader holds today."""
    return list(people.tenures(http.user)) if http.user.is_authenticated else []


def current(http: HttpRequest) -> Tenure | None:
    """The post the reader acts in: the chosen one while it is still held, otherwise the only or first one. Asked once
    for each page."""
    if not hasattr(http, "_tenure"):
        mine = held(http)
        chosen = [one for one in mine if one.pk == http.session.get(SESSION_KEY)]
        http._tenure = next(iter(chosen or mine), None)  # type: ignore[attr-defined]
    return http._tenure  # type: ignore[attr-defined, no-any-return]


def choose(http: HttpRequest, tenure_id: str) -> Tenure | None:
    """Acts in this post from now on; None if the reader does not hold it."""
    found = next((one for one in held(http) if str(one.pk) == tenure_id), None)
    if found is not None:
        http.session[SESSION_KEY] = found.pk
    return found
