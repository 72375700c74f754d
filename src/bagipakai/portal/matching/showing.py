"""What the page of a statement says: its figures in words, its charts, and which groups have to be explained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bagipakai.core.charts import Figure
from bagipakai.core.matching_quality import AT_LEAST, FINDING, MatchingQuality, Sampled, Share, Tally
from bagipakai.portal.matching import figures, words
from bagipakai.portal.matching.words import between, count, decimal, percent


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table of lists: with or without what is left to clerks. `about` once for each list."""

    name: str
    about: str
    how: str
    accurate: str
    found: str
    f1: str


@dataclass(frozen=True, slots=True)
class Often:
    """How often something is so: `many` of `words.AMONG`, surely between `low` and `high`."""

    many: str
    low: str
    high: str
    of: str

    @classmethod
    def of_share(cls, share: Share) -> "Often":
        return cls(words.among(share), *words.outward(share.between, words.AMONG, 0), count(share.of))


@dataclass(frozen=True, slots=True)
class Told:
    """A statement as the page tells it. `wrong`: of the rows answered `match`; `missed`: of the persons who are in the
    registry; `waiting`: of all rows. `answered` and `fair`: the charts of groups, the provinces apart, since they are
    many. `hidden`: the groups that are too small to be told. `drawn`: no list is of people. `clerks`: what they
    said, each under its heading."""

    among: str
    wrong: Often
    missed: Often
    waiting: Often
    lines: tuple[Line, ...]
    lists: Figure
    calibration: Figure | None
    findings: tuple[str, ...]
    half: str
    least: str
    fair: tuple[Figure, ...]
    answered: tuple[Figure, ...]
    provinces: tuple[Figure, ...]
    hidden: tuple[str, ...]
    drawn: bool
    clerks: tuple[tuple[str, str], ...]


def told(quality: MatchingQuality, provinces: Mapping[str, str]) -> Told:
    overall = quality.overall
    groups = [question for question in words.QUESTIONS if any(quality.groups.get(question, {}).values())]
    apart = [question for question in groups if question == "province"]
    other = [question for question in groups if question != "province"]
    return Told(
        among=count(words.AMONG),
        wrong=Often.of_share(overall.accurate.rest),
        missed=Often.of_share(overall.found.rest),
        waiting=Often.of_share(Share(overall.review, overall.rows)),
        lines=tuple(_lines(quality)),
        lists=figures.lists(quality),
        calibration=figures.calibration(quality) if any(quality.bins.values()) else None,
        findings=tuple(_findings(quality, provinces)),
        half=decimal(100 * FINDING, 1),
        least=count(AT_LEAST),
        fair=tuple(figures.fairness(quality, question, provinces) for question in other),
        answered=tuple(figures.answered(quality, question, provinces) for question in other),
        provinces=tuple(
            figure(quality, question, provinces)
            for question in apart
            for figure in (figures.fairness, figures.answered)
        ),
        hidden=tuple(_hidden(quality, provinces)),
        drawn=all(one.seed is not None for one in quality.lists),
        clerks=tuple(_clerks(quality)),
    )


def _lines(quality: MatchingQuality) -> Iterator[Line]:
    for one in quality.lists:
        about = {"rows": count(one.tally.rows), "persons": count(one.persons), "seed": one.seed}
        made = (
            _("%(rows)s baris, dipadankan dengan %(persons)s orang; dinilai penelaah")
            if one.seed is None
            else _("%(rows)s baris, dipadankan dengan %(persons)s orang; buatan, benih %(seed)s")
        )
        ways = ((_("tanpa telaah"), one.tally, made % about), (_("bersama telaah"), one.tally.with_review, ""))
        for how, tally, said in ways:
            yield Line(str(words.KINDS[one.kind]), said, how, _share(tally.accurate), _share(tally.found), _f1(tally))


def _share(share: Share) -> str:
    return f"{percent(share.at)} ({between(share.between)})" if share.of else "–"


def _f1(tally: Tally) -> str:
    low, high = (decimal(end, 4) for end in tally.f1_between)
    return f"{decimal(tally.f1, 4)} ({low}–{high})"


def _findings(quality: MatchingQuality, provinces: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each group that is found less, or more, than all."""
    overall = quality.overall.recall
    for question, code, group in quality.findings():
        said = (
            _("%(question)s, %(answer)s: terjaring %(share)s dari %(many)s orang, %(points)s poin di atas semua.")
            if group.recall > overall
            else _("%(question)s, %(answer)s: terjaring %(share)s dari %(many)s orang, %(points)s poin di bawah semua.")
        )
        name = words.answer(question, code, provinces)
        chance = _("Selisih sebesar itu masih bisa kebetulan.") if quality.by_chance(group) else ""
        told = said % {
            "question": words.QUESTIONS[question],
            "answer": name if question == "province" else words.small(name),
            "share": percent(group.recall),
            "many": count(group.present),
            "points": decimal(100 * abs(group.recall - overall), 2),
        }
        yield f"{told} {chance}".rstrip()


def _hidden(quality: MatchingQuality, provinces: Mapping[str, str]) -> Iterator[str]:
    for question, answers in quality.groups.items():
        for code, group in answers.items():
            if group is None:
                name = words.answer(question, code, provinces)
                yield name if question == "province" else f"{words.QUESTIONS[question]}: {words.small(name)}"


def _clerks(quality: MatchingQuality) -> Iterator[tuple[str, str]]:
    """What nobody has judged yet is not told."""
    if (clerks := quality.clerks) is None:
        return
    pairs, sampled = _("%(share)s dari %(many)s pasangan (%(between)s)"), (clerks.matched, clerks.nobody)
    if clerks.twice:
        for heading, share in (
            (_("Dua penelaah sepakat"), clerks.agreement),
            (_("Diputus penengah"), clerks.arbitration),
        ):
            yield heading, pairs % _figures(share.at, share.of, share.between)
    for heading, said, one in zip(
        (_("Sampel jawaban cocok"), _("Sampel jawaban tidak cocok")),
        (
            _("%(share)s menunjuk orang yang tepat (%(between)s), diperkirakan dari %(many)s pasangan"),
            _("%(share)s ternyata orang yang sama, jadi terlewat (%(between)s), diperkirakan dari %(many)s pasangan"),
        ),
        sampled,
        strict=True,
    ):
        if one.decided:
            yield heading, f"{said % _figures(one.share, one.decided, one.between)}. {_stands_for(one)}"


def _figures(share: float, many: int, reach: tuple[float, float]) -> dict[str, str]:
    return {"share": percent(share, 1), "many": count(many), "between": between(reach, 1)}


def _stands_for(one: Sampled) -> str:
    told = _("Mewakili %(rows)s baris.") % {"rows": count(one.rows)}
    unsure = _("%(many)s lagi tidak dapat dipastikan.") % {"many": count(one.unsure)} if one.unsure else ""
    return f"{told} {unsure}".rstrip()
