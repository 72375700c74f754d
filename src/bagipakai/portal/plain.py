"""What no person types: text with a NUL in it. The database has no room for one, so it is refused at the door."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

NUL = "\0"


class PlainTextOnly:
    """Answers 400, before any page is asked, to an address, a query or a form with a NUL in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, http: HttpRequest) -> HttpResponse:
        return self.get_response(http)

    def process_view(self, http: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Raises BadRequest, which the page 400 answers. The form was read by the CSRF check before."""
        told = (text for form in (http.GET, http.POST) for name, texts in form.lists() for text in (name, *texts))
        if NUL in http.path_info or any(NUL in text for text in told):
            raise BadRequest
