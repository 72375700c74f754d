"""What an institution's orders take of its quota, as the office knows it: from its own orders and their receipts."""

from datetime import timedelta

from bagipakai.control import clock, forms, orders, rosters
from bagipakai.control.cabinet import state_of
from bagipakai.control.forms import Service
from bagipakai.control.models import Institution, PlacedOrder, Roster
from bagipakai.core.quota import Quota, Use


def use(institution: Institution, rows: int = 0) -> Use:
    """What is taken of it today, and what a list of `rows` would take besides."""
    today = clock.today()
    quota = Quota.on(today)
    since = clock.now() - timedelta(days=quota.days + 1)  # more than can count; `Use` goes by days
    placed = PlacedOrder.objects.filter(request__institution=institution, placed_at__gt=since).select_related("request")
    matched = [one for one in placed.order_by("id") if forms.version(one.request.form).service is Service.MATCHING]
    return Use(quota, tuple((clock.day_of(one.placed_at), _rows(one)) for one in matched), today, rows)


def _rows(placed: PlacedOrder) -> int:
    """The rows that the registry answered; of an order that waits, those of its list; none where it was refused."""
    told = orders.receipt(placed.order_id)
    if told is not None:
        return 0 if told.refusal else told.rows
    named = state_of(placed.request).answers.get("roster", "")
    row = Roster.objects.filter(institution=placed.request.institution, reference=named).first()
    read = rosters.state(row).outcome if row else None
    return read.rows if read else 0
