"""The request form is data: `policies/form.toml`. Here it is read, asked, and its answers are checked one by one.

An answer has one plain shape per kind of question, fit for canonical JSON:

| kind | shape |
|---|---|
| text, long_text, choice, purpose, release, roster | text |
| yes_no | true or false |
| date | "2027-06-30" |
| area | region codes, ["3201", "3202"]; ["ID"] for the nation |
| population | conditions that must all hold, in these shapes: `{"variable": "umur", "from": 15, "to": 24}` |
| | `{"variable": "jenis_kelamin", "values": ["2"]}` · `{"variable": "bekerja", "is": false}` |
| | `{"any_of": ["penerima_pkh", "penerima_sembako"]}` |
| variables | [{"name": "desil", "reason": "…"}], in the order of the columns; `"grain": "5-TAHUN"` beside them where |
| | rows without names tell it more coarsely |
| people | [{"name": "…", "post": "…"}] |

The population is built from these answers into `core.query`; nobody types a query.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from bagipakai.core.disclosure import Grain
from bagipakai.core.minimisation import Wish
from bagipakai.core.objections.plan import outside_the_purpose
from bagipakai.core.plan import NATION, WITHOUT_NAMES, Asked, Level, Unit
from bagipakai.core.policy import NoRule, Rule, policy_file, rules
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Not, Op, Or, Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Sensitivity, Type, Variable

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the form, as its row in the policy says it."""

    code: str
    section: str
    kind: str
    required: bool
    most: int
    most_days: int
    levels: tuple[str, ...]
    choices: tuple[tuple[str, str, str], ...]
    choice_levels: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]

    def label(self, lang: str = "id") -> str:
        return self.texts["label" if lang == "id" else "english"]

    def hint(self, lang: str = "id") -> str:
        return self.texts.get("hint" if lang == "id" else "hint_english", "")

    def missing(self, lang: str = "id") -> str:
        """What to say when it is unanswered: what to do, not that it is obligatory."""
        return self.texts.get("missing" if lang == "id" else "missing_english", "")

    def options(self, lang: str = "id", level: object = None) -> list[tuple[str, str]]:
        """The choices for a request of `level` as (code, text); while no level is chosen, all."""
        return [
            (code, indonesian if lang == "id" else english)
            for code, indonesian, english in self.choices
            if not level or level in self.choice_levels.get(code, (level,))
        ]

    def asked_at(self, level: object) -> bool:
        """Whether a request of `level` is asked this; while no level is chosen, everything is."""
        return not self.levels or not level or level in self.levels


@dataclass(frozen=True, slots=True)
class Section:
    code: str
    title: str
    english: str
    questions: tuple[Question, ...]


class Service(StrEnum):
    """What can be asked for, each with a form of its own."""

    DATA = "DATA"  # data of DTSEN
    MATCHING = "MATCHING"  # pemadanan: the institution's own list


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form. `fixed`: what follows from the service and nobody is asked."""

    version: int
    service: Service
    basis: str
    sections: tuple[Section, ...]
    fixed: Answers

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question, in order."""
        return tuple(question for section in self.sections for question in section.questions)

    def question(self, code: str) -> Question:
        """Raises KeyError for a code that the form does not have."""
        for question in self.questions:
            if question.code == code:
                return question
        raise KeyError(code)

    def asked(self, answers: Answers) -> tuple[Question, ...]:
        """The questions that these answers lead to."""
        return tuple(question for question in self.questions if question.asked_at(answers.get("level")))

    def unanswered(self, answers: Answers) -> tuple[Question, ...]:
        """The questions that must be answered and are not."""
        return tuple(
            question for question in self.asked(answers) if question.required and _empty(answers.get(question.code))
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """What an answer is judged against: the day, the catalogue, the purposes, the regions by code, the releases that
    can be ordered from, the institution's confirmed lists (reference: name of the file, rows), the region in which it
    is competent (empty: the nation), how coarsely each variable may be told, and for which service it is asked."""

    day: date
    catalogue: Catalogue
    purposes: Mapping[str, Rule]
    regions: Mapping[str, str]
    releases: tuple[str, ...] = ()
    rosters: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    competence: str = ""
    grains: Mapping[str, tuple[Grain, ...]] = field(default_factory=dict)
    service: Service = Service.DATA

    def grains_of(self, name: str, level: object) -> tuple[Grain, ...]:
        """How coarsely a request of `level` may ask for a variable: only where rows name nobody."""
        return self.grains.get(name, ()) if level in WITHOUT_NAMES else ()


def current(day: date, service: Service = Service.DATA) -> Form:
    """The form in force on `day` for what is asked for. Raises NoRule when there is none."""
    found = [form for form in _forms().values() if form[0] <= day and form[1].service is service]
    if not found:
        raise NoRule(f"form.toml has no form for {service} on {day}")
    return max(found, key=lambda one: one[0])[1]


def version(number: int) -> Form:
    """That version of the form, whatever is in force. Raises KeyError."""
    return _forms()[number][1]


def purposes(day: date) -> dict[str, Rule]:
    """The purposes for which data may be asked on `day`, by code: `name`, `english`, `legal_basis`."""
    return {code: rule for (code,), rule in rules("purposes", "purpose", ("code",)).in_force(day).items()}


def criteria(unit: str, catalogue: Catalogue) -> tuple[Variable, ...]:
    """The variables by which a population may be chosen: general ones with few values, regions apart (the area says
    those)."""
    places = ("kode_", "nama_")
    return tuple(
        variable
        for variable in catalogue.of_unit(unit)
        if variable.dimension
        and variable.sensitivity is Sensitivity.GENERAL
        and not variable.name.startswith(places)
        and (variable.codes is not None or variable.type in (Type.BOOLEAN, Type.INTEGER))
    )


def checked(question: Question, answer: Any, answers: Answers, setting: Setting) -> Any | Refusal:
    """The answer in its plain shape, trimmed, or why it is not one. An empty answer to any question is None: saying
    nothing yet is allowed until the request is sent."""
    if _empty(answer):
        return None
    return _KINDS[question.kind](question, answer, answers, setting)


def wish(answers: Answers) -> Wish | None:
    """What these answers ask to be told, as far as it can be measured: None while purpose, level, unit or variables are
    missing."""
    if not all(answers.get(code) for code in ("purpose", "level", "unit", "variables")):
        return None
    asked = tuple(Asked(one["name"], one["reason"], one.get("grain", "")) for one in answers["variables"])
    level, unit = Level(answers["level"]), Unit(answers["unit"])
    return Wish(answers["purpose"], level, unit, population(answers.get("population")), asked)


def wished(wish: Wish) -> dict[str, Any]:
    """The answers that a wish changes when it becomes smaller."""
    return {"level": wish.level.value, "variables": [_told(one.name, one.reason, one.grain) for one in wish.variables]}


def _told(name: str, reason: str, grain: str) -> dict[str, str]:
    return {"name": name, "reason": reason} | ({"grain": grain} if grain else {})


def population(answer: Iterable[Mapping[str, Any]] | None) -> Predicate | None:
    """The checked answer as a predicate that must be true. None: everybody."""
    parts = tuple(_condition(one) for one in answer or ())
    return And(parts) if len(parts) > 1 else next(iter(parts), None)


def _condition(one: Mapping[str, Any]) -> Predicate:
    match one:
        case {"any_of": names}:
            columns = tuple(Column(name) for name in names)
            return Or(columns) if len(columns) > 1 else columns[0]
        case {"variable": name, "values": values}:
            return In(Column(name), tuple(values))
        case {"variable": name, "is": bool(wanted)}:
            return Column(name) if wanted else Not(Column(name))
        case {"variable": name, "from": int(low), "to": int(high)}:
            return Between(Column(name), low, high)
        case {"variable": name, "from": int(low)}:
            return Compare(Op.AT_LEAST, Column(name), Const(low))
        case {"variable": name, "to": int(high)}:
            return Compare(Op.AT_MOST, Column(name), Const(high))
    raise ValueError("not a checked condition")


# --- one check per kind


def _text(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    if not isinstance(answer, str):
        return _odd(question)
    tidy = unicodedata.normalize("NFC", answer).replace("\r\n", "\n").strip()
    if question.kind == "text":
        tidy = " ".join(tidy.split())
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") and letter not in "\n\t" for letter in tidy):
        return Refusal("answer-hidden-characters", {"question": question.label()})
    if len(tidy) > question.most:
        return Refusal(
            "answer-too-long", {"question": question.label(), "most": str(question.most), "length": str(len(tidy))}
        )
    return tidy


def _choice(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    return answer if answer in dict(question.options(level=answers.get("level"))) else _odd(question)


def _purpose(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    return answer if isinstance(answer, str) and answer in setting.purposes else _odd(question)


def _release(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    return answer if isinstance(answer, str) and answer in setting.releases else _odd(question)


def _roster(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    return answer if isinstance(answer, str) and answer in setting.rosters else _odd(question)


def _yes_no(question: Question, answer: Any, answers: Answers, setting: Setting) -> bool | Refusal:
    return answer if isinstance(answer, bool) else _odd(question)


def _date(question: Question, answer: Any, answers: Answers, setting: Setting) -> str | Refusal:
    try:
        day = date.fromisoformat(answer)
    except (TypeError, ValueError):
        return Refusal("answer-not-a-date", {"question": question.label()})
    if day <= setting.day:
        return Refusal("answer-date-passed", {"question": question.label()})
    latest = setting.day + timedelta(days=question.most_days)
    if question.most_days and day > latest:
        return Refusal("answer-date-too-late", {"question": question.label(), "latest": latest.isoformat()})
    return day.isoformat()


def _area(question: Question, answer: Any, answers: Answers, setting: Setting) -> list[str] | Refusal:
    if not isinstance(answer, list) or not all(isinstance(code, str) for code in answer):
        return _odd(question)
    codes = sorted({code.strip() for code in answer})
    if len(codes) > question.most:
        return Refusal("answer-too-many", {"question": question.label(), "most": str(question.most)})
    if codes == [NATION]:
        return codes if not setting.competence else Refusal("area-outside-competence", {"area": "Indonesia"})
    for code in codes:
        if code not in setting.regions:
            return Refusal("area-unknown", {"area": code[:12] if code.isalnum() else "…"})
        if not code.startswith(setting.competence):
            return Refusal("area-outside-competence", {"area": setting.regions.get(code, code)})
    return [code for code in codes if not any(code != other and code.startswith(other) for other in codes)]


def _population(question: Question, answer: Any, answers: Answers, setting: Setting) -> list[dict[str, Any]] | Refusal:
    if not isinstance(answer, list) or len(answer) > question.most:
        return _odd(question)
    unit = answers.get("unit")
    if unit not in set(Unit):
        return Refusal("unit-first")
    allowed = {variable.name: variable for variable in criteria(unit, setting.catalogue)}
    found = []
    for one in answer:
        condition = _checked_condition(one, allowed)
        if condition is None:
            name = one.get("variable") if isinstance(one, dict) else None
            return Refusal("condition-not-valid", {"variable": allowed[name].title() if name in allowed else "–"})
        found.append(condition)
    return found


def _checked_condition(one: Any, allowed: Mapping[str, Variable]) -> dict[str, Any] | None:
    match one:
        case {"any_of": [*names]} if len(one) == 1 and names:
            flags = [name for name in names if name in allowed and allowed[name].type is Type.BOOLEAN]
            return {"any_of": flags} if flags == names and len(set(names)) == len(names) else None
        case {"variable": str(name), "values": [*values]} if len(one) == 2 and values and name in allowed:
            codes = allowed[name].codes
            return (
                {"variable": name, "values": sorted(set(values))} if codes and all(v in codes for v in values) else None
            )
        case {"variable": str(name), "is": bool(wanted)} if len(one) == 2 and name in allowed:
            return {"variable": name, "is": wanted} if allowed[name].type is Type.BOOLEAN else None
        case {"variable": str(name)} if set(one) - {"variable"} <= {"from", "to"} and len(one) > 1 and name in allowed:
            return _checked_range(one, allowed[name])
    return None


def _checked_range(one: Mapping[str, Any], variable: Variable) -> dict[str, Any] | None:
    low, high = one.get("from"), one.get("to")
    numbers = [number for number in (low, high) if number is not None]
    if variable.type is not Type.INTEGER or variable.codes is not None or not numbers:
        return None
    for number in numbers:
        if type(number) is not int or (variable.low is not None and number < variable.low):
            return None
        if variable.high is not None and number > variable.high:
            return None
    if low is not None and high is not None and low > high:
        return None
    return {"variable": variable.name} | {key: one[key] for key in ("from", "to") if one.get(key) is not None}


def _variables(question: Question, answer: Any, answers: Answers, setting: Setting) -> list[dict[str, str]] | Refusal:
    if not isinstance(answer, list):
        return _odd(question)
    if len(answer) > question.most:
        return Refusal("answer-too-many", {"question": question.label(), "most": str(question.most)})
    unit = answers.get("unit")
    if unit not in set(Unit):
        return Refusal("unit-first")
    known, purpose = {variable.name for variable in setting.catalogue.of_unit(unit)}, answers.get("purpose", "")
    rule = setting.purposes.get(purpose)
    found: dict[str, dict[str, str]] = {}
    for one in answer:
        match one:
            case {"name": str(name), "reason": str(reason)} if one.keys() <= {"name", "reason", "grain"}:
                if name not in known:
                    return Refusal("variable-unknown", {"variable": name[:60]})
                if rule is not None and (no := outside_the_purpose(name, purpose, rule["variables"])):
                    return no
                grain, ways = one.get("grain", ""), setting.grains_of(name, answers.get("level"))
                if grain != "" and grain not in [way.code for way in ways]:
                    return Refusal("plan-grain-unknown", {"name": name, "grain": "…"})
                if len(reason) > 1000:
                    return Refusal(
                        "answer-too-long", {"question": question.label(), "most": "1000", "length": str(len(reason))}
                    )
                if name in found:
                    return Refusal("variable-twice", {"variable": setting.catalogue[name].title()})
                found[name] = _told(name, " ".join(reason.split()), grain)
            case _:
                return _odd(question)
    return list(found.values())


def _people(question: Question, answer: Any, answers: Answers, setting: Setting) -> list[dict[str, str]] | Refusal:
    if not isinstance(answer, list) or len(answer) > question.most:
        return _odd(question)
    found = []
    for one in answer:
        match one:
            case {"name": str(name), "post": str(post)} if len(one) == 2 and name.strip() and post.strip():
                if max(len(name), len(post)) > 160:
                    return _odd(question)
                found.append({"name": " ".join(name.split()), "post": " ".join(post.split())})
            case _:
                return _odd(question)
    return found


_KINDS = {
    "text": _text,
    "long_text": _text,
    "choice": _choice,
    "purpose": _purpose,
    "release": _release,
    "roster": _roster,
    "yes_no": _yes_no,
    "date": _date,
    "area": _area,
    "population": _population,
    "variables": _variables,
    "people": _people,
}


def _odd(question: Question) -> Refusal:
    return Refusal("answer-not-valid", {"question": question.label()})


def _empty(answer: Any) -> bool:
    return (
        answer is None
        or (isinstance(answer, str | list) and not answer)
        or (isinstance(answer, str) and not answer.strip())
    )


def _forms() -> Mapping[int, tuple[date, Form]]:
    return _built(id(policy_file("form")))


@lru_cache(maxsize=4)
def _built(_: int) -> Mapping[int, tuple[date, Form]]:
    every = rules("form", "form", ("version",)).in_force(date.max)
    rows = {number: {row["code"]: row for row in rule["question"]} for (number,), rule in every.items()}
    return {number: (rule.since, _form(number, rule, rows)) for (number,), rule in every.items()}


def _form(number: int, rule: Rule, rows: Mapping[int, Mapping[str, Mapping[str, Any]]]) -> Form:
    """A question that is asked as in another version says so, and what differs."""
    told = [rows[row["as_in"]][row["code"]] | row if "as_in" in row else row for row in rule["question"]]
    questions = [_question(row) for row in told]
    sections = tuple(
        Section(row["code"], row["title"], row["english"], tuple(q for q in questions if q.section == row["code"]))
        for row in rule["section"]
    )
    return Form(number, Service(rule["service"]), rule.basis, sections, rule.values.get("fixed", {}))


def _question(row: Mapping[str, Any]) -> Question:
    texts = ("label", "english", "hint", "hint_english", "missing", "missing_english")
    return Question(
        code=row["code"],
        section=row["section"],
        kind=row["kind"],
        required=row["required"],
        most=row.get("most", 0),
        most_days=row.get("most_days", 0),
        levels=tuple(row.get("levels", ())),
        choices=tuple(tuple(choice) for choice in row.get("choices", ())),
        choice_levels={code: tuple(levels) for code, levels in row.get("choice_levels", {}).items()},
        texts={name: row[name] for name in texts if name in row},
    )
