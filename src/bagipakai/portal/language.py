"""Which language a reader sees: Indonesian, until they choose English.

Django would follow the browser's own language, and many an office computer in Indonesia runs in English without its
user having asked for it. Only the choice made on the page counts (decision 0061).
"""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


class ChosenLanguage(LocaleMiddleware):
    """Django's middleware, without the guess from `Accept-Language`."""

    def process_request(self, request: HttpRequest) -> None:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()
