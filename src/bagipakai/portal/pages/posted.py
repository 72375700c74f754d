"""What every form of a page brings beside its answers."""

from django.http import HttpRequest


def seen(http: HttpRequest) -> int:
    """Up to which event its sender had read when the page was drawn; -1, which none has, for anything else."""
    typed = http.POST.get("seen", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1
