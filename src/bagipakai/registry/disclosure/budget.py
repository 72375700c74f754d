"""What was ever told under differential privacy, and what it has cost: sealed, only ever added to, and looked at before
anything else is told (disclosure reference 3.2 and 4.7).

    registry/budget/                                `records`
    000001.parquet                                  the counts of one table, as they were published
    000001.dsse.json                                what was asked, of which release, for whom, and the rho that it cost

Noise is drawn once. Whoever asks the same of the same release again, anybody, is told what was published, and nothing
is spent: a second draw would be a second measurement. What was spent stays spent, also where it never left. No true
count is here; what is refused depends on nothing but what was asked and when.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bagipakai.core.envelope import PublicKey, Signer
from bagipakai.core.methods import DifferentialPrivacy
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, is_count, is_digest, is_text
from bagipakai.registry.disclosure.records import Records
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching.arrays import Numbers

KIND: Final = "application/vnd.bagipakai.privacy-spent+json;v=1"
NAME: Final = "budget"  # of the key
YEAR: Final = timedelta(days=366)  # the last, whenever one asks: two calendar years meet in a night
_COUNT: Final = "count"  # column


@dataclass(frozen=True, slots=True)
class Spent:
    """`rho` in thousandths. `question`: digest of what was asked of which release; `household`: how many of each were
    counted at most."""

    question: str
    release: str
    recipient: str
    rho: int
    household: int
    at: datetime


class Budget:
    """What was spent under `folder`. Raises Damaged where that is not what was entered."""

    def __init__(self, folder: Path, storage: StorageKey, signer: Signer, trusted: Sequence[PublicKey] = ()) -> None:
        self._records = Records(folder, NAME, KIND, _RECORD, "privacy-budget-broken", storage, signer, trusted)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else spends anything."""
        with self._records.turn():
            yield

    def told(self, question: str) -> tuple[Spent, Numbers] | None:
        """What was published in answer to this question, and how, or None."""
        for number, told in self._records.all():
            if told["question"] == question:
                return _spent(told), self._records.table(number, told)[_COUNT].to_numpy()
        return None

    def spent(self) -> Iterator[Spent]:
        """Everything, the oldest first."""
        for _, told in self._records.all():
            yield _spent(told)

    def objection(self, coming: Spent, method: DifferentialPrivacy) -> Refusal | None:
        """Why this cannot be spent any more. Within a turn."""
        before = list(self.spent())
        theirs = sum(one.rho for one in before if (one.release, one.recipient) == (coming.release, coming.recipient))
        if theirs + coming.rho > method.rho_release:
            return Refusal("privacy-budget-of-release-spent", {"release": coming.release})
        if sum(one.rho for one in before if one.at > coming.at - YEAR) + coming.rho > method.rho_year:
            return Refusal("privacy-budget-of-year-spent")
        return None

    def spend(self, coming: Spent, counts: Numbers) -> None:
        """Within a turn, before anything of these counts is written. Raises OSError."""
        told = {**asdict(coming), "at": coming.at.astimezone(UTC).isoformat(timespec="seconds")}
        self._records.add(told, pa.table({_COUNT: pa.array(counts, pa.int64())}))


def _spent(told: Mapping[str, Any]) -> Spent:
    names = ("question", "release", "recipient", "rho", "household")
    return Spent(**{name: told[name] for name in names}, at=datetime.fromisoformat(told["at"]))


_RECORD: Final[Form] = {
    "question": is_digest,
    "release": is_text,
    "recipient": is_text,
    "rho": is_count,
    "household": is_count,
    "at": is_text,
}
