"""How well lists are matched, measured on synthetic ones and stated: by the commands by which a house does it.

Who each row is, is known, since it was drawn of the nation that the release holds; so the statement calls the lists
synthetic and names what they were drawn with. Clerks are in it if they judged pairs of this house: here nobody did.
"""

from dataclasses import dataclass
from pathlib import Path

from bagipakai.control import matching_quality
from bagipakai.core.matching_quality import MatchingQuality
from bagipakai.demo.nation import SEED
from bagipakai.demo.processes import bagipakai

KINDS = ("typical", "dirty")  # the first one is told by groups of persons
MOST = 3_000  # rows of each
LARGE = 1_000_000  # persons: of a larger nation a small province has enough, and is sooner drawn
PROVINCE, SMALL_PROVINCE = "32", "52"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it, as `summary.json` tells it: of the first list, in counts."""

    number: int
    rows: int
    present: int
    given: int
    right: int
    review: int


def measure(keep: Path, release: str, people: int) -> Measured:
    """Matches lists of each kind with the release of so many people, and lets the registry state how well; the office
    hears it. Raises Stopped with the sentence of whoever said no."""
    folder = keep / "mutu"
    folder.mkdir(exist_ok=True)
    area, rows = PROVINCE if people <= LARGE else SMALL_PROVINCE, min(MOST, people // 20)
    for kind in KINDS:
        given, truth, result = _files(folder, kind)
        drawn = ("--people", people, "--seed", SEED, "--area", area, "--rows", rows, "--kind", kind)
        bagipakai("registry", "synthesise-list", *drawn, "--out", given, "--truth", truth)
        bagipakai("registry", "match", "--release", release, "--list", given, "--out", result)
    (_, truth, result), *others = (_files(folder, kind) for kind in KINDS)
    words = ["--result", result, "--truth", truth, "--registry", release, "--drawn", KINDS[0], SEED]
    for kind, (_, truth, result) in zip(KINDS[1:], others, strict=True):
        words += ["--also", result, truth, release, kind, SEED]
    statement = folder / "mutu.json"
    bagipakai("registry", "matching-report", *words, "--out", folder / "laporan.html", "--announce", statement)
    heard = matching_quality.hear(statement.read_bytes())
    overall = MatchingQuality.from_json(heard.statement).overall
    counts = (overall.rows, overall.present, overall.given, overall.right, overall.review)
    return Measured(heard.pk, *counts)


def _files(folder: Path, kind: str) -> tuple[Path, Path, Path]:
    """A list, who its rows are, and what was found."""
    given, truth, result = (folder / f"{name}-{kind}.parquet" for name in ("daftar", "label", "hasil"))
    return given, truth, result
