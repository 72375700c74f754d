"""How well lists are matched, as the registry states it to everybody: counts, and what follows from them. No row.

A statement is about one model under the thresholds of one day, measured on lists of which the truth is known. Its first
list is told by groups of persons too, all of them together by the probability that was stated. A group, or a tenth of
the probability, that is None was too small to be told (decision 0139). Every figure that is shown to somebody is one of
these counts, or is computed from them here.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal

QUALITY_KIND = "application/vnd.bagipakai.matching-quality+json;v=3"

FINDING = 0.005  # a group whose recall is lower or higher by more has to be explained
AT_LEAST = 200  # persons of a group: fewer are too few to judge it
MIDDLE = 1.959964  # of the normal distribution, 95 in 100
TENTHS = 10
MILLION = 1_000_000

LABELLED = "labelled"  # a list of people, judged by clerks; the others are drawn, their truth is known
KINDS = ("typical", "dense", "no_nik", "dirty", "excel", "old", LABELLED)
# By question, its answers; of the province any code of two digits.
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "province": (),
    "sex": ("L", "P"),
    "age": ("00-04", "05-17", "18-29", "30-59", "60+"),
    "words_of_the_name": ("one", "several"),
    "date_of_birth": ("default", "other"),
    "twins": ("twin", "other"),
}

# What clerks said, as versions 1 and 2 told it: the names, and the names in each sample.
_SAMPLED_2 = {"rows", "decided", "same", "unsure"}
_OLDER_CLERKS: tuple[dict[str, set[str] | None], ...] = (
    {"twice": None, "agreed": None},
    {"twice": None, "agreed": None, "arbitrated": None, "matched": _SAMPLED_2, "nobody": _SAMPLED_2},
)

_PROVINCE = re.compile("[1-9][0-9]")
_DIGEST = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def is_answer(question: str, answer: str) -> bool:
    """Whether a group can be told under this name."""
    known = QUESTIONS.get(question)
    return known is not None and (answer in known if known else bool(_PROVINCE.fullmatch(answer)))


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `of`, and between which shares the true one lies, 95 times in 100 (Wilson, 1927)."""

    part: int
    of: int

    @property
    def at(self) -> float:
        """0 of nothing."""
        return self.part / self.of if self.of else 0.0

    @property
    def between(self) -> tuple[float, float]:
        return wilson(self.part, self.of)

    @property
    def rest(self) -> "Share":
        return Share(self.of - self.part, self.of)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of rows; the ratios follow, and one of nothing is 0. `present`: whose person is in the registry; `given`:
    answered `match`, `right` of them the right person; `review`: left to a clerk, who finds the right person beside
    `review_right` of them."""

    rows: int
    present: int
    given: int
    right: int
    review: int
    review_right: int

    @property
    def accurate(self) -> Share:
        return Share(self.right, self.given)

    @property
    def found(self) -> Share:
        return Share(self.right, self.present)

    @property
    def precision(self) -> float:
        return self.accurate.at

    @property
    def recall(self) -> float:
        return self.found.at

    @property
    def f1(self) -> float:
        return f1(self.precision, self.recall)

    @property
    def f1_between(self) -> tuple[float, float]:
        """Of right among all that were given or should have been, Wilson's interval; F1 rises with that share (F* of
        Hand, Christen and Kirielle, 2021)."""
        low, high = wilson(self.right, self.given + self.present - self.right)
        return 2 * low / (1 + low), 2 * high / (1 + high)

    @property
    def recall_after_review(self) -> float:
        """If the clerks say yes wherever the candidate is right."""
        return (self.right + self.review_right) / self.present if self.present else 0.0

    @property
    def none(self) -> int:
        return self.rows - self.given - self.review

    @property
    def with_review(self) -> "Tally":
        """If the person beside a row for review were taken, whoever it is."""
        return Tally(self.rows, self.present, self.given + self.review, self.right + self.review_right, 0, 0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows for which one tenth of the probability was stated: `stated` on average, in millionths, and how often the
    person was the right one."""

    rows: int
    stated: int
    right: int

    @property
    def true(self) -> Share:
        return Share(self.right, self.rows)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability a row is a match, and from which a clerk looks, in thousandths; by how many bits a second
    candidate must be behind. In force `since`; `basis` is where they come from."""

    since: date
    basis: str
    accept: int
    consider: int
    margin: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A list with its truth, matched with a registry of so many `persons`. `seed`: what it was drawn with; None for
    people, whose rows clerks judged."""

    kind: str
    persons: int
    seed: int | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Sampled:
    """A drawn sample of rows that were answered without a clerk, beside one person each: of the pairs that clerks
    `decided`, how many are the `same` person; of `unsure` ones nobody could tell. Those decided stand for so many
    `rows`, those of one person for `same_rows` of them (Horvitz and Thompson, 1952). From lists of unequal size they
    say no more than `effective` pairs would that each stand for as many (Kish, 1965)."""

    rows: int
    same_rows: int
    decided: int
    same: int
    unsure: int
    effective: int

    @property
    def share(self) -> float:
        """Of the rows. 0 of nothing."""
        return self.same_rows / self.rows if self.rows else 0.0

    @property
    def between(self) -> tuple[float, float]:
        return wilson(self.effective * self.share, self.effective)


@dataclass(frozen=True, slots=True)
class Clerks:
    """What clerks said of pairs, not knowing what was answered. Of those that two judged (`twice`), each without the
    other, on how many they `agreed`, and how many a third one decided (`arbitrated`); the others still wait for one.
    `matched`: the sample of rows that were answered with a person. `nobody`: that of rows which were answered with
    nobody, beside the likeliest person; the `same` ones were missed."""

    twice: int
    agreed: int
    arbitrated: int
    matched: Sampled
    nobody: Sampled

    @property
    def agreement(self) -> Share:
        return Share(self.agreed, self.twice)

    @property
    def arbitration(self) -> Share:
        return Share(self.arbitrated, self.twice)


@dataclass(frozen=True, slots=True)
class MatchingQuality:
    """`model_digest` and `normaliser` name what was measured, exactly. `groups` by question and answer, of the rows of
    the first list whose person is in the registry; `bins` by tenth of the probability, of all lists."""

    model: str
    model_digest: str
    normaliser: str
    thresholds: Thresholds
    measured_on: date
    lists: tuple[Measured, ...]
    groups: Mapping[str, Mapping[str, Tally | None]] = field(default_factory=dict)
    bins: Mapping[int, Bin | None] = field(default_factory=dict)
    clerks: Clerks | None = None

    @property
    def overall(self) -> Tally:
        return self.lists[0].tally

    def is_a_finding(self, group: Tally) -> bool:
        """Its recall differs from that of all by more than FINDING, and it has enough persons to say so."""
        return group.present >= AT_LEAST and abs(group.recall - self.overall.recall) > FINDING

    def by_chance(self, group: Tally) -> bool:
        """A group can be apart by chance: then all lie where it is sure to be."""
        low, high = group.found.between
        return low <= self.overall.recall <= high

    def findings(self) -> Iterator[tuple[str, str, Tally]]:
        """Question, answer and counts of each group that has to be explained."""
        for question, answers in self.groups.items():
            for answer, group in answers.items():
                if group is not None and self.is_a_finding(group):
                    yield question, answer, group

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        value["measured_on"] = self.measured_on.isoformat()
        value["thresholds"]["since"] = self.thresholds.since.isoformat()
        value["lists"] = list(value["lists"])
        value["bins"] = {str(tenth): one for tenth, one in value["bins"].items()}
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "MatchingQuality":
        """Reads `to_json`. Raises ValueError for anything else: a field too many or too few, a group that is none of
        ours, counts that cannot be."""
        try:
            told = _of(cls, value)
            rule = _of(Thresholds, told["thresholds"])
            return cls(
                model=_spelled(_NAME, told["model"]),
                model_digest=_spelled(_DIGEST, told["model_digest"]),
                normaliser=_spelled(_NAME, told["normaliser"]),
                thresholds=Thresholds(
                    since=_day(rule["since"]),
                    basis=_line(rule["basis"]),
                    **_counts({name: rule[name] for name in ("accept", "consider", "margin")}),
                ),
                measured_on=_day(told["measured_on"]),
                lists=_lists(told["lists"]),
                groups=_in_order({question: _groups(question, one) for question, one in told["groups"].items()}),
                bins={_tenth(tenth): _bin(_tenth(tenth), one) for tenth, one in sorted(told["bins"].items())},
                clerks=None if told["clerks"] is None else _clerks(told["clerks"]),
            )
        except (AttributeError, KeyError, TypeError):
            raise ValueError("a malformed statement of quality") from None

    @classmethod
    def from_stored(cls, value: Mapping[str, Any]) -> "MatchingQuality":
        """Reads a statement that was heard, whenever that was. Of one of version 1 or 2 the figures of clerks are left
        out: they stood for no rows, and only the sealed document tells them. Raises ValueError for anything else."""
        older = isinstance(value.get("clerks"), Mapping) and _are_older(value["clerks"])
        return cls.from_json({**value, "clerks": None} if older else value)

    def sealed(self, signer: Signer) -> bytes:
        return seal(QUALITY_KIND, self.to_json(), signer)

    @classmethod
    def unsealed(cls, envelope: bytes, trusted: PublicKey) -> "MatchingQuality":
        """Raises BadSeal if it was not signed by `trusted` or is malformed."""
        value = unseal(QUALITY_KIND, envelope, trusted)
        try:
            return cls.from_json(value)
        except ValueError:
            raise BadSeal("a malformed statement of quality") from None


def wilson(right: float, of: float) -> tuple[float, float]:
    """Between which shares the true one lies, 95 times in 100 (Wilson, 1927)."""
    if not of:
        return 0.0, 1.0
    share, square = right / of, MIDDLE**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = MIDDLE / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return min(share, max(0.0, middle - reach)), max(share, min(1.0, middle + reach))


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# Reading, strictly


def _of(kind: Any, value: Any) -> dict[str, Any]:
    """The fields of `kind`: all of them, and no others."""
    if not isinstance(value, dict) or value.keys() != {one.name for one in fields(kind)}:
        raise TypeError("other fields")
    return value


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in value.values()):
        raise TypeError("counts expected")
    return dict(value)


def _tally(value: Any) -> Tally:
    told = Tally(**_counts(_of(Tally, value)))
    in_order = (
        told.right <= told.given,
        told.review_right <= told.review,
        told.right + told.review_right <= told.present <= told.rows,
        told.given + told.review <= told.rows,
    )
    if not all(in_order):
        raise ValueError("more of a part than of the whole")
    return told


def _lists(value: Any) -> tuple[Measured, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError("a list expected")
    return tuple(map(_measured, value))


def _measured(value: Any) -> Measured:
    told = _of(Measured, value)
    if told["kind"] not in KINDS or (told["seed"] is None) != (told["kind"] == LABELLED):
        raise ValueError("a list of another kind")
    seed = None if told["seed"] is None else _counts({"seed": told["seed"]})["seed"]
    return Measured(told["kind"], _counts({"persons": told["persons"]})["persons"], seed, _tally(told["tally"]))


def _groups(question: str, value: Any) -> dict[str, Tally | None]:
    if question not in QUESTIONS or not all(is_answer(question, answer) for answer in value):
        raise ValueError("a group that is none of ours")
    known = QUESTIONS[question] or sorted(value)
    return {answer: None if value[answer] is None else _tally(value[answer]) for answer in known if answer in value}


def _in_order(groups: dict[str, dict[str, Tally | None]]) -> dict[str, dict[str, Tally | None]]:
    """As QUESTIONS has them: a database and canonical JSON have orders of their own."""
    return {question: groups[question] for question in QUESTIONS if question in groups}


def _tenth(value: str) -> int:
    if value not in map(str, range(TENTHS)):
        raise ValueError("no tenth")
    return int(value)


def _bin(tenth: int, value: Any) -> Bin | None:
    if value is None:
        return None
    told = Bin(**_counts(_of(Bin, value)))
    step = MILLION // TENTHS
    if told.right > told.rows or not told.rows or not tenth * step <= told.stated <= (tenth + 1) * step:
        raise ValueError("a tenth that cannot be")
    return told


def _clerks(value: Any) -> Clerks:
    told = _of(Clerks, value)
    counts = _counts({name: told[name] for name in ("twice", "agreed", "arbitrated")})
    if counts["agreed"] + counts["arbitrated"] > counts["twice"]:
        raise ValueError("more of a part than of the whole")
    return Clerks(matched=_sampled(told["matched"]), nobody=_sampled(told["nobody"]), **counts)


def _are_older(clerks: Mapping[str, Any]) -> bool:
    """Whether they have the shape of version 1, or of version 2."""
    return {name: set(one) if isinstance(one, Mapping) else None for name, one in clerks.items()} in _OLDER_CLERKS


def _sampled(value: Any) -> Sampled:
    """Each pair stands for one row at least, its own."""
    told = Sampled(**_counts(_of(Sampled, value)))
    others, other_rows = told.decided - told.same, told.rows - told.same_rows
    if not (0 <= others <= other_rows and told.same <= told.same_rows):
        raise ValueError("more of a part than of the whole")
    for pairs, rows in ((told.same, told.same_rows), (others, other_rows), (told.decided, told.effective)):
        if bool(pairs) != bool(rows):
            raise ValueError("rows for which nobody stands")
    if told.effective > told.decided:
        raise ValueError("more of a part than of the whole")
    return told


def _spelled(pattern: re.Pattern[str], value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError("another spelling")
    return value


def _line(value: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise ValueError("a line of text expected")
    return value


def _day(value: str) -> date:
    day = date.fromisoformat(value)
    if day.isoformat() != value:
        raise ValueError("a day in another spelling")
    return day
