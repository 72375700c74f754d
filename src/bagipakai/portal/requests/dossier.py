"""One request as one reader sees it: everything a page of it needs, gathered once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import get_language

from bagipakai.control import forms as office
from bagipakai.control import notices, requests, rulebook, wording
from bagipakai.control.models import Request, Tenure
from bagipakai.core.disclosure import RowRule
from bagipakai.core.levels import Levels
from bagipakai.core.plan import Level
from bagipakai.core.policy import rules
from bagipakai.core.request import Action, Item, State
from bagipakai.portal.accounts import posts
from bagipakai.portal.parts.shapes import Row
from bagipakai.portal.requests import questions


@dataclass(frozen=True)
class Dossier:
    """`tenure` is the post in which the reader acts."""

    request: Request
    state: State
    tenure: Tenure

    @cached_property
    def form(self) -> office.Form:
        return office.version(self.request.form)

    @cached_property
    def setting(self) -> office.Setting:
        return requests.setting_of(self.request)

    @cached_property
    def possible(self) -> Mapping[Action, requests.Possibility]:
        """What the reader can do or is kept from, by action; an open way counts before a shut one. Where no variable is
        asked there is none to say anything of, and the rules for rows are about rows without names."""
        found: dict[Action, requests.Possibility] = {}
        for one in requests.possible(self.request.reference, self.tenure):
            if not self.state.asked and one.action in (Action.PROPOSE, Action.DECIDE_VARIABLES):
                continue
            if not self.state.without_names and one.action is Action.PROPOSE_EXEMPTIONS:
                continue
            if one.action not in found or found[one.action].refusal is not None:
                found[one.action] = one
        return found

    @property
    def seen(self) -> str:
        """The number of the last event, as a form posts it back."""
        return str(self.state.n)

    @cached_property
    def asks(self) -> tuple[questions.Ask, ...]:
        """The questions that the answers so far lead to."""
        return tuple(self.ask(question) for question in self.form.asked(self.state.answers))

    def ask(self, question: office.Question) -> questions.Ask:
        return questions.Ask(question, self.state.answers, self.setting)

    def rows(self, change: Any = None, since: int | None = None) -> list[tuple[str, list[Row]]]:
        """The answers in words, by section. `change` makes the address that changes a question; with `since`, what
        differs from that version is shown beside what it was."""
        before = self.state.versions[since - 1].answers if since else None
        lang = "en" if get_language() == "en" else "id"
        sections = []
        for section in self.form.sections:
            rows = [self._row(ask, change, before) for ask in self.asks if ask.question.section == section.code]
            sections.append((section.title if lang == "id" else section.english, rows))
        return sections

    def _row(self, ask: questions.Ask, change: Any, before: Mapping[str, Any] | None) -> Row:
        code = ask.question.code
        lines = questions.in_words(ask, self.state.answers.get(code))
        differs = before is not None and before.get(code) != self.state.answers.get(code)
        was = "\n".join(questions.in_words(ask, before.get(code))) if differs and before is not None else None
        href = change(code) if change else ""
        if differs:
            return Row(ask.question.label(ask.lang), "\n".join(lines), href, was)
        return Row(
            ask.question.label(ask.lang),
            lines[0] if len(lines) == 1 else "",
            href,
            None,
            lines if len(lines) > 1 else (),
        )

    def target(self, target: str) -> str:
        """What a deficiency item points at, in words."""
        sort, _sep, name = target.partition(":")
        if sort == "document":
            return self.document(name)
        try:
            return self.form.question(name).label("en" if get_language() == "en" else "id")
        except KeyError:
            return name

    @cached_property
    def clarifications(self) -> tuple[requests.Clarification, ...]:
        """The meetings to clarify this request."""
        return requests.clarifications(self.request.reference)

    @cached_property
    def levels(self) -> Levels:
        """The document matrix in force."""
        return Levels.on(self.setting.day)

    def document(self, kind: str) -> str:
        """The name of a kind of document."""
        known = self.levels.kinds.get(kind)
        return known.title("en" if get_language() == "en" else "id") if known else kind

    @property
    def examines(self) -> bool:
        """Whether the reader's post stands on the side that examines, not on the side that asks."""
        return self.tenure.post.institution_id != self.request.institution_id

    @cached_property
    def documents_demanded(self) -> tuple[tuple[str, ...], ...]:
        """Groups of kinds, of each of which any one must be attached; none while no level is chosen."""
        answers, day = self.state.answers, self.setting.day
        wanted = rulebook.documents_required(self.request.institution, answers, day) or frozenset()
        kinds = self.levels.kinds
        return tuple((kind, *kinds[kind].substitutes) for kind in kinds if kind in wanted)

    @cached_property
    def documents_offered(self) -> tuple[str, ...]:
        """Every kind that may be attached at the level asked for."""
        return tuple(kind.code for kind in rulebook.documents_offered(self.state.answers, self.setting.day))

    @property
    def documents_lacking(self) -> int:
        """How many demanded groups have no document yet."""
        return sum(not any(kind in self.state.attachments for kind in group) for group in self.documents_demanded)

    @cached_property
    def row_rules(self) -> Mapping[str, tuple[str, str]]:
        """The rules for rows in force, by code: what each is called and asks; none but for rows without names."""
        if not self.state.without_names:
            return {}
        rule = RowRule.on(self.setting.day, Level(self.state.answers["level"]))
        return wording.row_rules(rule, self.setting.catalogue, "en" if get_language() == "en" else "id")

    @property
    def exemptions(self) -> list[dict[str, Any]]:
        """Each rule for rows that was proposed to be exempted, why, and what was decided. Those who ask read it once it
        is decided, not while it is being weighed."""
        made = self.state.decision
        if made is None and not self.examines:
            return []
        approved = {one.rule for one in made.exempted} if made else set()
        return [
            {
                "name": self.row_rules[rule][0],
                "asks": self.row_rules[rule][1],
                "reason": one.reason,
                "approved": None if made is None else rule in approved,
            }
            for rule, one in sorted(self.state.exemptions.items())
        ]

    @cached_property
    def words(self) -> dict[str, str]:
        """What a refusal may name by its number or code: deficiency items, by the part they point at, and rules."""
        rules = {code: name for code, (name, _asks) in self.row_rules.items()}
        return {item.id: self.target(item.target) for item in self.state.items} | rules

    def deficiency(self, code: str) -> str:
        """The name of a kind of deficiency; the code itself of one that has none."""
        rule = rules("deficiencies", "deficiency", ("code",)).in_force(self.setting.day).get((code,))
        return str(rule["name" if get_language() != "en" else "english"]) if rule else code

    @property
    def answered_items(self) -> tuple[Item, ...]:
        """Items that wait for the check's word."""
        return tuple(item for item in self.state.open_items if item.state.value in ("REPAIRED", "REASONED"))


def opened(http: HttpRequest, reference: str) -> Dossier:
    """The request as this reader sees it. What is not theirs to see is not there: Http404, as for a number that never
    was."""
    tenure = posts.current(http)
    try:
        if tenure is None:
            raise Http404
        request = requests.get(reference, tenure)
    except requests.UnknownRequest:
        raise Http404 from None
    notices.read(tenure.person, reference)
    return Dossier(request, requests.state_of(request), tenure)
