"""What the log may tell of a request that went wrong. A path, a query or a header may hold what a person typed, a NIK
for one, and so may the words of an exception: none of them is written."""

import logging
import re
import traceback


class Pathless(logging.Filter):
    """Lets every record through; those about a request are told by status, method and the name of the page alone.

    It stands at the handler, because a filter at a logger does not see the records of the loggers below it
    (django.security.csrf under django.security).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        http = getattr(record, "request", None)
        if record.name.partition(".")[0] == "django" and http is not None:
            match = getattr(http, "resolver_match", None)
            told = (
                getattr(record, "status_code", "-"),
                getattr(http, "method", "-"),
                match.view_name if match else "-",
            )
            record.msg, record.args = f"{record.name.rpartition('.')[2]} status=%s method=%s page=%s", told
            _without_words(record)
        elif record.name == "gunicorn.error" and "request" in str(record.msg).lower():
            record.msg, record.args = re.split("[%:=]", str(record.msg))[0], ()
            _without_words(record)
        return True


def _without_words(record: logging.LogRecord) -> None:
    """Of an exception: its class and where it happened, and the same of what caused it."""
    lines: list[str] = []
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    while error is not None:
        lines = [*traceback.format_tb(error.__traceback__), type(error).__name__, "\n", *lines]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    record.exc_info, record.exc_text = None, "".join(lines).rstrip() or None
