"""How each kind of question is drawn and read. The questions themselves are data (`policies/form.toml`); what an answer
may be is judged by the office (`control.forms`), never here: what was typed is read into the plain shape of its kind,
also when it is wrong, so that the page can show it again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bagipakai.control import forms as office
from bagipakai.control import wording
from bagipakai.core.disclosure import Grain
from bagipakai.core.plan import NATION, Asked, Level
from bagipakai.core.variables import Variable
from bagipakai.portal.requests.advice import advice
from bagipakai.portal.templatetags.parts import day

SPARE_ROWS = 2  # empty rows after the filled ones
EMPTY: tuple[Any, ...] = (None, "", [], ())
MOST_FOUND = 60  # regions shown at once


@dataclass(frozen=True, slots=True)
class Ask:
    """One question put to one request: its answers so far, and what answers are judged against."""

    question: office.Question
    answers: Mapping[str, Any]
    setting: office.Setting

    @property
    def lang(self) -> str:
        return "en" if get_language() == "en" else "id"


@dataclass(frozen=True, slots=True)
class Kind:
    """The template, what it needs (`draw`), and how the answer is read from what was posted."""

    template: str
    draw: Callable[[Ask, Any, QueryDict], dict[str, Any]]
    read: Callable[[Ask, QueryDict], Any]


def kind_of(question: office.Question) -> Kind:
    """Raises KeyError for a kind that no page can ask yet."""
    return KINDS[question.kind]


def lacking(ask: Ask, answer: Any, posted: QueryDict) -> str:
    """What a complete answer still lacks, said as what to do; nothing when it is complete."""
    if ask.question.required and answer in EMPTY:
        return ask.question.missing(ask.lang)
    if ask.question.kind == "people":
        half = next((one for one in answer if not (one["name"] and one["post"])), None)
        if half is not None and half["name"]:
            return _("Isi jabatan %(name)s") % {"name": half["name"]}
        if half is not None:
            return _("Isi nama pemegang jabatan %(post)s") % {"post": half["post"]}
    if ask.question.kind == "variables" and posted.get("langkah") == "alasan":
        bare = next((one["name"] for one in answer if not one["reason"].strip()), None)
        if bare is not None and bare in ask.setting.catalogue:
            return _("Isi alasan untuk %(title)s") % {"title": ask.setting.catalogue[bare].title(ask.lang)}
    return ""


def in_words(ask: Ask, answer: Any) -> tuple[str, ...]:
    """The answer as lines to read, for the check-answers page; none when unanswered. Whoever may ask for no variable
    and names none has answered."""
    if answer in EMPTY:
        return (_("Tidak ada"),) if ask.question.kind == "variables" and not ask.question.required else ()
    return _WORDS.get(ask.question.kind, _plain)(ask, answer)


# --- one field: text, choice, date ------------------------------------------------------------------------------------


class OneField(forms.Form):
    """A question with one field. The office judges the answer; the form only carries it."""

    def __init__(self, ask: Ask, data: Mapping[str, Any] | None = None, initial: Any = None) -> None:
        super().__init__(data, initial={ask.question.code: initial})
        self.fields[ask.question.code] = _field(ask)


def _field(ask: Ask) -> forms.Field:
    question, lang = ask.question, ask.lang
    common: dict[str, Any] = {"label": question.label(lang), "help_text": question.hint(lang), "required": False}
    match question.kind:
        case "choice":
            choices = question.options(lang, ask.answers.get("level"))
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case "purpose":
            return forms.ChoiceField(choices=_purposes(ask), widget=forms.RadioSelect, **common)
        case "release":
            choices = [(version, version) for version in ask.setting.releases]
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case "roster":
            lists = [(one, _list(ask, one)) for one in ask.setting.rosters]
            return forms.ChoiceField(choices=lists, widget=forms.RadioSelect, **common)
        case "yes_no":
            return forms.ChoiceField(
                choices=[("ya", _("Ya")), ("tidak", _("Tidak"))], widget=forms.RadioSelect, **common
            )
        case "date":
            return forms.CharField(widget=forms.TextInput(attrs={"type": "date"}), **common)
        case "long_text":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 8}), **common)
    return forms.CharField(**common)


def _purposes(ask: Ask) -> list[tuple[str, str]]:
    return [(code, str(rule["name" if ask.lang == "id" else "english"])) for code, rule in ask.setting.purposes.items()]


def _list(ask: Ask, reference: str) -> str:
    """A list as its sender knows it; one that is destroyed by its reference."""
    if reference not in ask.setting.rosters:
        return reference
    name, rows = ask.setting.rosters[reference]
    return _("%(reference)s, %(name)s, %(rows)s baris") % {
        "reference": reference,
        "name": name,
        "rows": wording.number(rows, ask.lang),
    }


def _draw_field(ask: Ask, answer: Any, posted: QueryDict) -> dict[str, Any]:
    shown = {True: "ya", False: "tidak"}.get(answer, answer) if isinstance(answer, bool) else answer
    form = OneField(ask, initial=shown)
    return {"form": form, "bound": form[ask.question.code]}


def _read_field(ask: Ask, posted: QueryDict) -> Any:
    typed = posted.get(ask.question.code, "")
    return {"ya": True, "tidak": False}.get(typed) if ask.question.kind == "yes_no" else typed


# --- regions ----------------------------------------------------------------------------------------------------------


def _draw_area(ask: Ask, answer: Any, posted: QueryDict) -> dict[str, Any]:
    chosen = [code for code in answer or () if isinstance(code, str)]
    sought = posted.get("cari", "").strip()[:60]
    within = posted.get("buka", ask.setting.competence)
    found = _found(ask, sought, within)
    return {
        "chosen": [(code, _region(ask, code)) for code in chosen],
        "found": [
            (code, _region(ask, code), _has_children(ask, code)) for code in found[:MOST_FOUND] if code not in chosen
        ],
        "more": max(0, len(found) - MOST_FOUND),
        "sought": sought,
        "within": [(within[:size], _region(ask, within[:size])) for size in (2, 4, 6) if size <= len(within)],
        "nation": not ask.setting.competence,
    }


def _found(ask: Ask, sought: str, within: str) -> list[str]:
    """Regions by a word in their name, or the level below `within`; only inside the competence of the institution."""
    mine = ask.setting.competence
    if sought:
        words = sought.lower().split()
        return [
            code
            for code, name in ask.setting.regions.items()
            if code.startswith(mine) and all(word in name.lower() or code.startswith(word) for word in words)
        ]
    size = {0: 2, 2: 4, 4: 6, 6: 10}.get(len(within), 0)
    below = [code for code in ask.setting.regions if len(code) == size and code.startswith(within or mine)]
    return [mine, *below] if mine and within == mine else below


def _has_children(ask: Ask, code: str) -> bool:
    return len(code) < 10


def _region(ask: Ask, code: str) -> str:
    if code == NATION:
        return _("Seluruh Indonesia")
    name = ask.setting.regions.get(code, "")
    above = [ask.setting.regions.get(code[:size], "") for size in (6, 4, 2) if size < len(code)]
    return ", ".join(part for part in (name, *above) if part) + f" ({code})"


def _read_area(ask: Ask, posted: QueryDict) -> list[str]:
    return list(dict.fromkeys(code.strip() for code in posted.getlist("area") if code.strip()))


# --- who is included --------------------------------------------------------------------------------------------------


def _draw_population(ask: Ask, answer: Any, posted: QueryDict) -> dict[str, Any]:
    told = {one["variable"]: one for one in answer or () if isinstance(one, dict) and "variable" in one}
    any_of = next((one["any_of"] for one in answer or () if isinstance(one, dict) and "any_of" in one), ())
    unit = ask.answers.get("unit")
    known = office.criteria(unit, ask.setting.catalogue) if unit else ()
    return {
        "unit_first": not unit,
        "criteria": [_criterion(ask, variable, told.get(variable.name, {})) for variable in known],
        "flags": [(one.name, one.title(ask.lang), one.name in any_of) for one in known if one.type.value == "boolean"],
        "any_of": any_of,
    }


def _criterion(ask: Ask, variable: Variable, told: Mapping[str, Any]) -> dict[str, Any]:
    codes = variable.codes
    return {
        "name": variable.name,
        "title": variable.title(ask.lang),
        "codes": [
            (code, codes.label(code, ask.lang), code in told.get("values", ()))
            for code in codes or ()
            if codes is not None
        ],
        "flag": variable.type.value == "boolean",
        "is": "" if "is" not in told else "ya" if told["is"] else "tidak",
        "low": _bare(variable.low),
        "high": _bare(variable.high),
        "from": _bare(told.get("from")),
        "to": _bare(told.get("to")),
        "said": bool(told),
    }


def _bare(number: Any) -> str:
    """A number as an input holds it: without thousands points."""
    return "" if number is None else str(number)


def _read_population(ask: Ask, posted: QueryDict) -> list[dict[str, Any]]:
    unit = ask.answers.get("unit")
    found: list[dict[str, Any]] = []
    for variable in office.criteria(unit, ask.setting.catalogue) if unit else ():
        values = posted.getlist(f"nilai.{variable.name}")
        flag = posted.get(f"ya.{variable.name}", "")
        low, high = (posted.get(f"{end}.{variable.name}", "").strip() for end in ("dari", "sampai"))
        if values:
            found.append({"variable": variable.name, "values": values})
        elif flag in ("ya", "tidak"):
            found.append({"variable": variable.name, "is": flag == "ya"})
        elif low or high:
            ends = {"from": _number(low), "to": _number(high)}
            found.append(
                {"variable": variable.name} | {end: number for end, number in ends.items() if number is not None}
            )
    if flags := posted.getlist("salah_satu"):
        found.append({"any_of": flags})
    return found


def _number(text: str) -> Any:
    """A whole number of ASCII digits; anything else stays text, and the office refuses it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else (text or None)


# --- variables and their reasons --------------------------------------------------------------------------------------


def _draw_variables(ask: Ask, answer: Any, posted: QueryDict) -> dict[str, Any]:
    asked = {one["name"]: one for one in answer or () if isinstance(one, dict) and "name" in one}
    unit, level = ask.answers.get("unit"), ask.answers.get("level")
    offered = _offered(ask)
    groups: dict[str, list[dict[str, Any]]] = {}
    for variable in offered:
        groups.setdefault(variable.sensitivity.value, []).append(_choice(ask, variable, variable.name in asked))
    catalogue = ask.setting.catalogue
    return {
        "unit_first": not unit or not level,
        "choosing": posted.get("langkah") != "alasan",
        "groups": groups,
        "chosen": [
            {
                "name": name,
                "title": catalogue[name].title(ask.lang),
                "definition": catalogue[name].definition,
                "reason": one.get("reason", ""),
                "grain": one.get("grain", ""),
                "grains": [(way.code, way.name if ask.lang == "id" else way.english) for way in _grains(ask, name)],
            }
            for name, one in asked.items()
            if name in catalogue
        ],
        "count": len(asked),
        "advice": advice({**ask.answers, ask.question.code: answer}, ask.setting, ask.lang),
    }


def _grains(ask: Ask, name: str) -> tuple[Grain, ...]:
    return ask.setting.grains_of(name, ask.answers.get("level"))


def _offered(ask: Ask) -> list[Variable]:
    """What this purpose and level leave to choose from, specific variables under the gates of tier L4 included."""
    unit, level = ask.answers.get("unit"), ask.answers.get("level")
    if not unit or not level:
        return []
    purpose = ask.setting.purposes.get(ask.answers.get("purpose", ""))
    fit = set(purpose["variables"]) if purpose is not None else set(ask.setting.catalogue)
    return [
        variable
        for variable in ask.setting.catalogue.of_unit(unit)
        if variable.name in fit and variable.may_stand_in(Level(level), Level.L4)
    ]


def _choice(ask: Ask, variable: Variable, chosen: bool) -> dict[str, Any]:
    return {
        "name": variable.name,
        "title": variable.title(ask.lang),
        "definition": variable.definition,
        "chosen": chosen,
    }


def _read_variables(ask: Ask, posted: QueryDict) -> list[dict[str, str]]:
    """The chosen names in catalogue order, each with the reason typed now or kept from before, and as coarsely as was
    chosen now or before, where the level still offers that."""
    before = {one["name"]: one for one in ask.answers.get("variables") or ()}
    names = list(dict.fromkeys(posted.getlist("variabel")))
    order = {name: place for place, name in enumerate(ask.setting.catalogue)}
    names.sort(key=lambda name: order.get(name, len(order)))
    found = []
    for name in names:
        kept = before.get(name, {})
        told = {"name": name, "reason": posted.get(f"alasan.{name}", kept.get("reason", ""))}
        if ways := [way.code for way in _grains(ask, name)]:
            was = kept["grain"] if kept.get("grain") in ways else ""
            told["grain"] = posted.get(f"ketelitian.{name}", was)
        found.append(told)
    return found


# --- people -----------------------------------------------------------------------------------------------------------


def _draw_people(ask: Ask, answer: Any, posted: QueryDict) -> dict[str, Any]:
    filled = [one for one in answer or () if isinstance(one, dict)]
    return {"people": [*filled, *({"name": "", "post": ""} for _unused in range(SPARE_ROWS))]}


def _read_people(ask: Ask, posted: QueryDict) -> list[dict[str, str]]:
    pairs = zip(posted.getlist("nama"), posted.getlist("jabatan"), strict=False)
    return [{"name": name.strip(), "post": post.strip()} for name, post in pairs if name.strip() or post.strip()]


# --- in words ---------------------------------------------------------------------------------------------------------


def _plain(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (str(answer),)


def _words_choice(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (dict(ask.question.options(ask.lang)).get(answer, str(answer)),)


def _words_purpose(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (dict(_purposes(ask)).get(answer, str(answer)),)


def _words_yes_no(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (_("Ya") if answer else _("Tidak"),)


def _words_roster(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (_list(ask, answer),)


def _words_date(ask: Ask, answer: Any) -> tuple[str, ...]:
    return (day(date.fromisoformat(answer)),)


def _words_area(ask: Ask, answer: Any) -> tuple[str, ...]:
    return tuple(_region(ask, code) for code in answer)


def _words_population(ask: Ask, answer: Any) -> tuple[str, ...]:
    return tuple(wording.population(office.population([one]), ask.setting.catalogue, ask.lang) for one in answer)


def _words_variables(ask: Ask, answer: Any) -> tuple[str, ...]:
    def named(one: Mapping[str, str]) -> str:
        offered = bool(_grains(ask, one["name"]))
        asked = Asked(one["name"], one["reason"], one.get("grain", "") if offered else "")
        return wording.asked(asked, ask.setting.catalogue, ask.setting.grains, ask.lang)

    return tuple(f"{named(one)}: {one['reason'] or _('belum ada alasan')}" for one in answer)


def _words_people(ask: Ask, answer: Any) -> tuple[str, ...]:
    return tuple(f"{one['name']}, {one['post']}" for one in answer)


ONE_FIELD = Kind("requests/kinds/field.html", _draw_field, _read_field)
KINDS = {
    **dict.fromkeys(("text", "long_text", "choice", "purpose", "release", "yes_no", "date"), ONE_FIELD),
    "roster": Kind("requests/kinds/roster.html", _draw_field, _read_field),
    "area": Kind("requests/kinds/area.html", _draw_area, _read_area),
    "population": Kind("requests/kinds/population.html", _draw_population, _read_population),
    "variables": Kind("requests/kinds/variables.html", _draw_variables, _read_variables),
    "people": Kind("requests/kinds/people.html", _draw_people, _read_people),
}
_WORDS: dict[str, Callable[[Ask, Any], tuple[str, ...]]] = {
    "choice": _words_choice,
    "purpose": _words_purpose,
    "roster": _words_roster,
    "yes_no": _words_yes_no,
    "date": _words_date,
    "area": _words_area,
    "population": _words_population,
    "variables": _words_variables,
    "people": _words_people,
}
