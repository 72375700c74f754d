"""The counter where orders are handed in: what the office has checked is checked again before anything is read."""

from collections.abc import Mapping
from datetime import date, datetime

from lokal import wilayah

from bagipakai.core.deadlines import day_of
from bagipakai.core.disclosure import Disclosure, Grain, summable
from bagipakai.core.exchange import Order
from bagipakai.core.manifest import fingerprint
from bagipakai.core.marking import drawn_in_filter
from bagipakai.core.objections import plan as objections
from bagipakai.core.plan import Plan
from bagipakai.core.policy import rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.releases import Release
from bagipakai.registry.seal import BadRecipient, recipient


def objection(order: Order, release: Release, moment: datetime) -> Refusal | None:
    """What stands in the way of this order, or None: all that the office has checked is checked again here, by the
    rules of the day on which the order was placed. Only that the documents of the control tier were seen is taken from
    the signature on the order."""
    plan = order.plan
    if plan.summed:
        return Refusal("order-of-sums", {"name": plan.summed})
    if day_of(moment) > plan.ends_on:
        return Refusal("order-access-ended", {"ends_on": plan.ends_on.isoformat()})
    if order.release != release.version or (order.release != plan.release and not plan.rolling):
        return Refusal("order-release-differs", {"release": order.release})
    try:
        recipient(plan.recipient.key)
    except BadRecipient:
        return Refusal("order-recipient-key-unusable")
    if plan.recipient.fingerprint != fingerprint(plan.recipient.key):
        return Refusal("order-recipient-key-unusable")
    return objection_to(plan, release, day_of(order.placed_at))


def objection_to(plan: Plan, release: Release, day: date) -> Refusal | None:
    """What stands in the way of this plan by the rules of that day, on whoever's order, or None."""
    catalogue = Catalogue.on(day)
    known = objections.Known(
        catalogue=catalogue,
        purposes=_purposes_on(day),
        regions=frozenset(code for code in plan.area.codes if _is_region(code)),
        edition=release.region_edition,
        releases=(plan.release,),
        rule=Disclosure.on(day),
        grains=Grain.on(day),
        tier=objections.control_tier(plan, catalogue),
        summable=summable(day),
    )
    if no := objections.objection(plan, known) or drawn_in_filter(plan, day):
        return no
    for name in plan.used:
        if name not in release.catalogue:
            return Refusal("order-variable-not-in-release", {"name": name, "release": release.version})
    return None


def _purposes_on(day: date) -> Mapping[str, frozenset[str]]:
    found = rules("purposes", "purpose", ("code",)).in_force(day)
    return {code: frozenset(rule["variables"]) for (code,), rule in found.items()}


def _is_region(code: str) -> bool:
    """Looked up one by one: the whole gazetteer takes longer to load than a regency to deliver."""
    return code.isascii() and code.isdigit() and wilayah.wilayah_name(code) is not None
