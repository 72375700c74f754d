"""From answers to the plan: the one value that is decided on, signed, ordered, delivered and granted."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from bagipakai.control import forms, gazetteer, keybook, ledger, releases
from bagipakai.control.models import Release, Request, Roster, RosterEvent
from bagipakai.core import rosters
from bagipakai.core.disclosure import Disclosure, Grain, RowRule
from bagipakai.core.objections.plan import Known, control_tier, objection
from bagipakai.core.plan import (
    NATION,
    WITHOUT_NAMES,
    Answer,
    Area,
    Asked,
    Exempted,
    Format,
    Level,
    Matching,
    Plan,
    Protections,
    Recipient,
    Unit,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue

CHANNEL = "PORTAL"  # packages are fetched here; there is no other way yet

# Which numbers of a person or family are replaced by pseudonyms in rows without names (decision 0053).
PSEUDONYMS = {Unit.INDIVIDU: ("nik", "nomor_kk"), Unit.KELUARGA: ("nomor_kk",)}


def compiled(
    request: Request,
    answers: Mapping[str, Any],
    day: date,
    *,
    sealed_at: datetime,
    variables: Collection[str] | None = None,
    level: str | None = None,
    exempted: tuple[Exempted, ...] = (),
) -> Plan | Refusal:
    """The plan that these answers make by the policies of `day`, or what stands in its way. It names the key of the
    recipient that was in force at the moment `sealed_at`.

    `variables` and `level` reduce it to what was approved; nothing here can widen it. How coarsely rows tell a variable
    counts where rows without names are asked for; lowered to a table, which would tell it finer, they are refused.
    `exempted`: the rules for rows that were approved not to be met.
    """
    wanted = forms.version(request.form)
    if missing := wanted.unanswered(answers):
        return Refusal("questions-are-unanswered", {"fields": ", ".join(question.label() for question in missing)})
    key = keybook.key_at(request.institution, sealed_at)
    if isinstance(key, Refusal):
        return key
    release = Release.objects.filter(version=answers["release"]).first()
    rolling = bool(answers.get("rolling"))
    if release is None or (release.withdrawn_at is not None and not rolling):
        return Refusal("plan-release-unknown", {"release": str(answers["release"])})
    asked = tuple(
        Asked(one["name"], one["reason"], one.get("grain", "") if answers["level"] in WITHOUT_NAMES else "")
        for one in answers.get("variables") or ()
        if variables is None or one["name"] in variables
    )
    chosen = Level(min(level or answers["level"], answers["level"]))
    unit, rule = Unit(answers["unit"]), Disclosure.on(day)
    codes = () if answers["area"] == [NATION] else tuple(answers["area"])
    plan = Plan(
        request=request.reference,
        purpose=answers["purpose"],
        programme=answers["programme"],
        legal_basis=answers["legal_basis"],
        level=chosen,
        unit=unit,
        release=release.version,
        rolling=rolling,
        area=Area(codes, release.region_edition),
        population=forms.population(answers.get("population")),
        variables=asked,
        protections=Protections(
            pseudonyms=_pseudonyms(unit, chosen, exempted, day) if chosen in WITHOUT_NAMES else (),
            smallest_cell=rule.smallest_persons if chosen is Level.L1 else 0,
            exempted=exempted,
        ),
        format=Format(answers["format"]),
        channel=CHANNEL,
        recipient=Recipient(
            institution=request.institution.code,
            name=request.institution.name,
            key=key.recipient,
            fingerprint=key.fingerprint,
            competence=request.institution.competence,
        ),
        onward_sharing=bool(answers.get("onward_sharing")),
        ends_on=date.fromisoformat(answers["ends_on"]),
        matching=_matching(request, answers, wanted.service),
    )
    return objection(plan, _known(plan, release, day, rule)) or plan


def _pseudonyms(unit: Unit, level: Level, exempted: Collection[Exempted], day: date) -> tuple[str, ...]:
    """Which numbers are replaced. That of the family card ties rows of persons together, so it is left out of them
    where the rule of the day says so and is not exempted (decision 0143)."""
    tied = unit is Unit.KELUARGA or "rows-families" in {one.rule for one in exempted}
    if tied or RowRule.on(day, level).families_together:
        return PSEUDONYMS[unit]
    return tuple(name for name in PSEUDONYMS[unit] if name != "nomor_kk")


def derived(plan: Plan) -> frozenset[str]:
    """The columns that a package of this plan has besides its variables: the count of a table and what belongs to it,
    the pseudonyms and their markers, or what is told of the rows of a list. The registry's dictionary describes
    them."""
    if plan.matching is not None:
        return frozenset({"baris", "list_id", "hasil", *(["alasan"] if plan.matching.reasons else [])})
    if plan.level is Level.L1:
        return frozenset({"jenis_baris", f"jumlah_{plan.unit.value}", "ditutup"})
    words = {"nik": "nik", "nomor_kk": "kk"}
    names = [f"pseudonim_{words[name]}" for name in plan.protections.pseudonyms]
    return frozenset(names) | frozenset(f"{name}_sah" for name in names)


def _matching(request: Request, answers: Mapping[str, Any], service: forms.Service) -> Matching | None:
    """The institution's own list, as it was read, also where it is destroyed by now; of one that never was there is no
    digest, which is refused."""
    if service is not forms.Service.MATCHING:
        return None
    row = Roster.objects.filter(institution=request.institution, reference=answers["roster"]).first()
    events = map(rosters.Event.from_json, ledger.payloads(RosterEvent, row)) if row else ()
    read = rosters.fold(events, answers["roster"]).outcome
    return Matching(
        roster=answers["roster"],
        digest=read.digest if read else "",
        rows=read.rows if read else 0,
        answer=Answer(answers["answer"]),
        reasons=bool(answers["reasons"]),
        one_to_one=bool(answers["one_to_one"]),
    )


def _known(plan: Plan, release: Release, day: date, rule: Disclosure) -> Known:
    catalogue = Catalogue.on(day)
    return Known(
        catalogue=catalogue,
        purposes={code: frozenset(purpose["variables"]) for code, purpose in forms.purposes(day).items()},
        regions=gazetteer.regions(release.region_edition).keys(),
        edition=release.region_edition,
        releases=[one.version for one in releases.available()] + [release.version] * plan.rolling,
        rule=rule,
        grains=Grain.on(day),
        tier=control_tier(plan, catalogue),
    )
