"""Shares as the pages of matching write them."""

from django import template

from bagipakai.portal.matching.words import percent

register = template.Library()


@register.filter
def share(value: float) -> str:
    """95 %."""
    return percent(value, 1 if round(100 * value, 3) % 1 else 0)
