"""What a signer is shown, made in one place: the page prints these lines and nothing else, and their digest is signed.

Every word that the step itself says is in it (tests/control/passkeys/test_summary.py draws payloads): a code is
followed by its word, never replaced by a word that two codes could share.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Self

from bagipakai.control import clock, gazetteer, wording
from bagipakai.control.models import Post
from bagipakai.control.passkeys.matters import SUBMISSION, Matter
from bagipakai.core.canonical import canonical, digest
from bagipakai.core.decisions import SignedAct
from bagipakai.core.disclosure import Grain
from bagipakai.core.plan import Asked
from bagipakai.core.policy import policy_file
from bagipakai.core.sources import Sources
from bagipakai.core.variables import Catalogue

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One question and its answers. `digits`: they are read letter by letter."""

    name: str
    values: tuple[str, ...]
    digits: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What is shown: the sentence that is signed, and the lines under it, in one language."""

    lang: str
    sentence: str
    lines: tuple[Line, ...]

    @property
    def digest(self) -> str:
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        lines = [{**asdict(line), "values": list(line.values)} for line in self.lines]
        return {"lang": self.lang, "sentence": self.sentence, "lines": lines}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError unless `data` is what `to_json` writes."""
        lines = tuple(Line(one["name"], tuple(one["values"]), one["digits"]) for one in data["lines"])
        return cls(data["lang"], data["sentence"], lines)


def drawn(matter: Matter, act: SignedAct, lang: str = "id") -> Summary:
    """The summary of a step in `lang`."""
    day = clock.day_of(matter.at)
    told = _Teller(lang, Catalogue.on(day), Sources.on(day), Grain.on(day))
    return Summary(lang, act.sentence(lang), tuple(_lines(matter, told)))


def _lines(matter: Matter, told: "_Teller") -> Iterator[Line]:
    post = Post.objects.select_related("institution").get(pk=int(matter.actor.post))
    yield Line(told.label("subject"), (told.step(matter),))
    yield Line(told.label("house"), (matter.house,))
    yield Line(told.label("as"), (f"{post.title}, {post.institution.name}",))
    yield from told.says({**matter.payload})
    yield from told.says({**matter.beside})
    if matter.plan is not None:
        plan, regions = matter.plan, gazetteer.regions(matter.plan.area.edition)
        yield Line(told.label("programme"), (plan.programme,))
        yield Line(told.label("legal_basis"), (plan.legal_basis,))
        yield Line(told.label("asked_level"), (plan.level.value,))
        yield Line(told.label("unit"), (plan.unit.value,))
        yield Line(told.label("area"), (wording.area(plan.area, regions, told.lang),))
        yield Line(told.label("population"), (wording.population(plan.population, told.catalogue, told.lang),))
        for name, text in wording.matching(plan, told.lang):
            yield Line(name, (text,), digits=plan.matching is not None and text == plan.matching.digest)
        columns = tuple(told.column(one) for one in plan.variables)
        yield Line(told.label("columns"), columns or (told.label("no_columns"),))
        for name, reason in wording.exempted(plan, told.lang):
            yield Line(f"{told.label('exempted')}: {name}", (reason,))
        yield Line(told.label("ends_on"), (wording.calendar_day(plan.ends_on, told.lang),))
    for name, value in matter.rests_on.items():
        yield Line(told.label(f"digest_{name}"), (value or NOTHING,), digits=True)


@dataclass(frozen=True)
class _Teller:
    lang: str
    catalogue: Catalogue
    sources: Sources
    grains: wording.Grains

    def step(self, matter: Matter) -> str:
        """Which step of which matter: as the trail names it, or a submission as its sender does."""
        if matter.kind != SUBMISSION:
            return f"{matter.subject}#{matter.n}"
        source, version = self.text("source", matter.beside["source"]), matter.beside["version"]
        return f"{source}, {self.label('version').lower()} {version}, {self.label('step')} {matter.n}"

    def label(self, code: str) -> str:
        """The word for a code; the code itself where there is none."""
        word = _words().get(code)
        return str(word[self.lang]) if word else code

    def text(self, field: str, value: Any) -> str:
        """One value in words: a known code with its word beside it, anything else as it stands."""
        if value is None or value == "":
            return NOTHING
        if not isinstance(value, str):
            exact = canonical(value).decode()
            return f"{wording.size(value)} ({exact})" if field == "bytes" and _is_large(value) else exact
        if field == "source" and (agreed := self.sources.get(value)) is not None:
            return f"{agreed.english if self.lang == 'en' else agreed.title} ({value})"
        if value in self.catalogue and field in ("variables", "verdicts"):
            return f"{self.catalogue[value].title(self.lang)} ({value})"
        return f"{self.label(value)} ({value})" if value in _words() else value

    def column(self, one: Asked) -> str:
        """A column that the plan tells: its name, its code, and how coarsely."""
        named, coarsely = self.text("variables", one.name), wording.grain(one, self.grains, self.lang)
        return f"{named}: {coarsely} ({one.grain})" if one.grain else named

    def says(self, payload: Mapping[str, Any]) -> Iterator[Line]:
        """A step's own words, a line for each thing it says."""
        for field, value in sorted(payload.items()):  # in an order of its own: stored values come back in another
            if isinstance(value, Mapping):
                for name, inner in sorted(value.items()):
                    yield Line(f"{self.label(field)}: {self.text(field, name)}", tuple(self._parts(field, inner)))
            elif isinstance(value, list | tuple):
                plain = tuple(self.text(field, inner) for inner in value if not isinstance(inner, Mapping))
                if plain or not value:
                    yield Line(self.label(field), plain or (NOTHING,))
                for number, inner in enumerate(value, start=1):
                    if isinstance(inner, Mapping):
                        yield Line(f"{self.label(field)} {number}", tuple(self._parts(field, inner)))
            else:
                yield Line(self.label(field), (self.text(field, value),))

    def _parts(self, field: str, value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield self.text(field, value)
            return
        for name, inner in sorted(value.items()):
            yield f"{self.label(name)}: {self.text(name, inner)}"


def _is_large(value: Any) -> bool:
    return type(value) is int and value >= 1000


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, str]]:
    return {row["code"]: row for row in policy_file("signatures")["word"]}
