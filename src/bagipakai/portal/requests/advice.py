"""What would be enough: a sentence on each variable that more is asked of than its purpose needs, with one button that
asks for less. Advice, never an obstacle; who examines reads the same sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from bagipakai.control import forms, wording
from bagipakai.core.minimisation import Measure, Remark, Step, Wish, cheapest, judged, steps
from bagipakai.core.plan import Asked, Level

EVERYTHING = "semua"  # what the button posts that takes all advice


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of advice. `take`: what its button posts; empty where there is none."""

    text: str
    take: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """`all`: what taking every piece leads to, where there are several."""

    lines: tuple[Line, ...] = ()
    all: Line | None = None


def advice(answers: Mapping[str, Any], setting: forms.Setting, lang: str) -> Advice:
    """What can be said of these answers today; nothing while they are too few, or where a list is matched: what is told
    of its rows has a question of its own."""
    wish = _wish(answers, setting)
    if wish is None:
        return Advice()
    measure = Measure.on(setting.day)
    found = {step.about: step for step in steps(wish, measure)}
    words = _Words(setting, lang)
    lines = (*words.of_level(found), *words.of_variables(judged(wish, measure), found))
    if len(found) < 2:
        return Advice(lines)
    return Advice(lines, Line(words.least(cheapest(wish, measure)), EVERYTHING))


def taken(answers: Mapping[str, Any], setting: forms.Setting, wanted: str) -> dict[str, Any]:
    """The answers that change when this advice is taken; none where it is no advice any more."""
    wish = _wish(answers, setting)
    if wish is None:
        return {}
    measure = Measure.on(setting.day)
    if wanted == EVERYTHING:
        return forms.wished(cheapest(wish, measure))
    return next((forms.wished(step.wish) for step in steps(wish, measure) if step.about == wanted), {})


def _wish(answers: Mapping[str, Any], setting: forms.Setting) -> Wish | None:
    return forms.wish(answers) if setting.service is forms.Service.DATA else None


@dataclass(frozen=True, slots=True)
class _Words:
    setting: forms.Setting
    lang: str

    def of_level(self, found: Mapping[str, Step]) -> Iterator[Line]:
        for level in Level:
            if level in found and level is Level.L1:
                yield Line(_("Tabel jumlah (L1) memberi tahu hal yang sama, tanpa baris tentang orang."), level.value)
            elif level in found:
                yield Line(_("Level %(level)s cukup untuk kolom yang dipilih.") % {"level": level.value}, level.value)

    def of_variables(self, said: Iterator[Any], found: Mapping[str, Step]) -> Iterator[Line]:
        for one in said:
            if isinstance(one, Remark):
                yield Line(self.remark(one), one.variable if one.variable in found else "")

    def remark(self, one: Remark) -> str:
        grain = wording.grain(Asked(one.variable, "", one.enough), self.setting.grains, self.lang)
        told = {"title": self.title(one.variable), "enough": self.title(one.enough), "grain": grain}
        if not one.enough:
            return _("Kolom %(title)s biasanya tidak diperlukan: hapus, atau jelaskan mengapa perlu.") % told
        if one.enough in self.setting.catalogue:
            return _("%(enough)s biasanya cukup, tanpa %(title)s: ganti, atau jelaskan mengapa perlu.") % told
        return (
            _("Kolom %(title)s cukup dengan ketelitian “%(grain)s”: pilih itu, atau jelaskan mengapa lebih rinci.")
            % told
        )

    def least(self, wish: Wish) -> str:
        columns = [wording.asked(one, self.setting.catalogue, self.setting.grains, self.lang) for one in wish.variables]
        told = {"level": wish.level.value, "columns": "; ".join(columns)}
        return _("Paling sedikit yang cukup: level %(level)s dengan %(columns)s.") % told

    def title(self, name: str) -> str:
        catalogue = self.setting.catalogue
        return catalogue[name].title(self.lang) if name in catalogue else name
