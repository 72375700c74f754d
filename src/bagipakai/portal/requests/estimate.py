"""About how many an area and a population choose, said beside the question. It follows from the bands that the registry
told of the release once (core.preview): nothing is asked of the registry, however often somebody looks."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from bagipakai.control import forms, releases, wording
from bagipakai.core.plan import NATION, Unit
from bagipakai.core.preview import Preview, estimate

KINDS = ("area", "population")  # the questions beside which it stands


def told(answers: Mapping[str, Any], setting: forms.Setting, lang: str) -> str:
    """In a sentence; nothing while unit or area are missing, or where a list is matched: its rows are known."""
    if setting.service is not forms.Service.DATA or not answers.get("unit") or not answers.get("area"):
        return ""
    unit, area = Unit(answers["unit"]), () if answers["area"] == [NATION] else answers["area"]
    preview = _preview(answers.get("release"))
    population = forms.population(answers.get("population"))
    found = estimate(preview, unit, area, population, setting.catalogue) if preview else None
    if found is None:
        return _("Belum ada perkiraan untuk rilis ini.")
    words = {"low": wording.number(found.low, lang), "high": wording.number(found.high, lang)}
    if unit is Unit.KELUARGA:
        about, most = _("Sekitar %(low)s–%(high)s keluarga."), _("Paling banyak sekitar %(high)s keluarga.")
    else:
        about, most = _("Sekitar %(low)s–%(high)s orang."), _("Paling banyak sekitar %(high)s orang.")
    return (about if found.low else most) % words


def _preview(version: Any) -> Preview | None:
    """Of the release that is asked for, or else the newest; None where the registry told of none."""
    known = {one.version: one for one in releases.available()}
    release = known.get(version) or next(iter(known.values()), None)
    return Preview.from_json(release.preview) if release is not None and release.preview else None
