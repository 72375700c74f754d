"""What is kept for clerical review of one order for matching: its prepared pairs, sealed, and what clerks said of them.

var/registry/reviews/<order>/
    key.json                     what opens the pairs, wrapped by the storage key; without it they are gone
    pasangan.sealed              the pairs as Parquet, sealed: nonce, AES-256-GCM under a key of this file alone
    tentang                      the digest of what was asked: an order that asks it again finds what clerks decided
    label/<order>.dsse.json      the office's signed orders as they came: numbers of pairs and verdicts, no value

A pair is a row of the list beside a registered person. Its number is its place here, which is drawn, so that it tells
nothing of row, band or score. All of it is destroyed by the days of the policy, or by hand.
"""

import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag

from bagipakai.core.canonical import canonical
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.policy import rules
from bagipakai.core.review_orders import Label, LabelOrder
from bagipakai.core.reviews import Verdict, settled
from bagipakai.registry.folders import in_the_making, remove, sync
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

log = logging.getLogger("bagipakai.registry")

PAIRS: Final = "pasangan.sealed"
LABELS: Final = "label"
ABOUT: Final = "tentang"
FIELDS: Final = ("nama", "nik", "no_kk", "tanggal_lahir", "jenis_kelamin", "nama_ibu", "wilayah")  # a clerk sees these
LISTED, PERSON = "daftar_", "registri_"  # which side a column of the pairs is of
SHOWN: Final = tuple(f"{side}{name}" for side in (LISTED, PERSON) for name in FIELDS)
HIDDEN: Final = pa.schema(  # never shown to a clerk; what else is given beside them is kept, too
    [
        ("row", pa.int64()),  # of the list, from 0
        ("ordinal", pa.int64()),  # the person's, in the release
        ("band", pa.string()),
        ("score", pa.float64()),
        ("stage", pa.int8()),
        ("weight", pa.float64()),  # for how many pairs this one stands: it may be one of a sample
    ]
)
_NAME: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_GOING: Final = ".dihapus"


class UnknownReview(LookupError):
    """No pairs are kept for this order."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A pair with what was said of it, in the order of the rounds; `verdict` is None until it is settled."""

    pair: int
    twice: bool
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Verdict | None:
        return settled(self.verdicts, self.twice)


def keep(folder: Path, storage: StorageKey, order_id: str, pairs: pa.Table, about: str = "") -> int:
    """Seals the pairs of an order under `folder` (var/registry/reviews), in a drawn order; returns how many. `pairs`:
    SHOWN as text, any of them null, and HIDDEN (matching.pairs makes them). `about`: a digest of what was asked, of
    which release (`decided`). What stands already of this order stays: clerks may have judged it. Raises ValueError for
    other columns, OSError."""
    place = _place(folder, order_id)
    missing = {*SHOWN, *HIDDEN.names} - set(pairs.column_names)
    if missing:
        raise ValueError(f"pairs without {', '.join(sorted(missing))}")
    if place.is_dir():
        return len(kept(folder, storage, order_id))
    drawn = sorted(range(len(pairs)), key=lambda _: secrets.token_bytes(16))
    out = pa.BufferOutputStream()
    pq.write_table(pairs.take(pa.array(drawn, pa.int64())), out, compression="zstd")
    key, nonce = ShelfKey.new(_named(order_id)), secrets.token_bytes(12)
    sealed = key.cipher(PAIRS).encrypt(nonce, out.getvalue().to_pybytes(), PAIRS.encode())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with in_the_making(place) as made:
        (made / PAIRS).write_bytes(nonce + sealed)
        (made / KEY).write_bytes(key.wrapped(storage))
        (made / ABOUT).write_text(about, "ascii")
        (made / LABELS).mkdir(mode=0o700)
    place.chmod(0o700)
    log.info("review.kept order=%s pairs=%d", order_id, len(pairs))
    return len(pairs)


def kept(folder: Path, storage: StorageKey, order_id: str) -> pa.Table:
    """The pairs of an order; the place of a line is the pair's number. Raises UnknownReview, Damaged."""
    place = _place(folder, order_id)
    try:
        sealed = (place / PAIRS).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UnknownReview(order_id) from None
    key = ShelfKey.unwrapped(place, _named(order_id), storage)
    try:
        return pq.read_table(pa.BufferReader(key.cipher(PAIRS).decrypt(sealed[:12], sealed[12:], PAIRS.encode())))
    except InvalidTag:
        raise Damaged("release-file-altered", PAIRS) from None


def shown(pairs: pa.Table, numbers: Sequence[int]) -> bytes:
    """What a clerk's browser gets of the pairs with these numbers: JSON, each with both sides and nothing else."""

    def side(row: dict[str, Any], which: str) -> dict[str, Any]:
        return {name: row[f"{which}{name}"] for name in FIELDS}

    rows = pairs.select(SHOWN).take(pa.array(numbers, pa.int64())).to_pylist()
    told = [
        {"pair": number, "list": side(row, LISTED), "person": side(row, PERSON)}
        for number, row in zip(numbers, rows, strict=True)
    ]
    return canonical({"pairs": told})


# what clerks said


def label(folder: Path, order: LabelOrder, envelope: bytes) -> bool:
    """Keeps the order, which came in this envelope, beside the pairs that it speaks of. False where one of this name
    stands there and says otherwise. Raises OSError."""
    place = _place(folder, order.review) / LABELS
    file = place / f"{_checked(order.order_id)}.dsse.json"
    if file.exists():
        return file.read_bytes() == envelope
    beside = place / f".{file.name}"
    beside.write_bytes(envelope)
    beside.rename(file)
    sync(place)
    return True


def labels(folder: Path, order_id: str, trusted: PublicKey | Iterable[PublicKey]) -> list[Label]:
    """Every label that came for the pairs of an order, from the orders that one of `trusted` signed. Raises Damaged for
    one that none of them did."""
    keys = (trusted,) if isinstance(trusted, PublicKey) else tuple(trusted)
    found: list[Label] = []
    for file in sorted((_place(folder, order_id) / LABELS).glob("*.dsse.json")):
        order = _believed(file.read_bytes(), keys)
        if order is None or order.review != order_id:
            raise Damaged("release-seal-mismatch", file.name)
        found += order.labels
    return found


def reviewed(told: Iterable[Label]) -> dict[int, Reviewed]:
    """The pairs of which something was said, by their number."""
    rounds: dict[int, dict[int, Label]] = {}
    for one in told:
        rounds.setdefault(one.pair, {})[one.round] = one
    return {
        pair: Reviewed(
            pair,
            any(one.twice for one in said.values()),
            tuple(said[number].verdict for number in sorted(said)),
        )
        for pair, said in sorted(rounds.items())
    }


def decided(folder: Path, storage: StorageKey, about: str, trusted: PublicKey | Iterable[PublicKey]) -> pa.Table:
    """What clerks decided of earlier orders that asked the same: `row` (of the list, from 0), `ordinal` of the person
    beside it, and whether they are the `same`. A later order counts more. What is damaged decides nothing."""
    found: dict[int, tuple[int, bool]] = {}
    keys = (trusted,) if isinstance(trusted, PublicKey) else tuple(trusted)
    same = [place for place in all_reviews(folder) if about and (place / ABOUT).read_text("ascii") == about]
    for place in sorted(same, key=lambda one: (one / PAIRS).stat().st_mtime_ns):
        try:
            told = labelled(folder, storage, place.name, keys)
        except Damaged as damage:
            log.error("review.damage order=%s code=%s file=%s", place.name, damage.code, damage.file)
            continue
        for row in told.select(["row", "ordinal", "verdict"]).to_pylist():
            if row["verdict"] in (Verdict.YES, Verdict.NO):
                found[row["row"]] = row["ordinal"], row["verdict"] == Verdict.YES
    rows = sorted(found)
    return pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "ordinal": pa.array([found[row][0] for row in rows], pa.int64()),
            "same": pa.array([found[row][1] for row in rows], pa.bool_()),
        }
    )


def labelled(folder: Path, storage: StorageKey, order_id: str, trusted: PublicKey | Iterable[PublicKey]) -> pa.Table:
    """The pairs of which something was said, as they are kept, with `twice`, `verdicts` and `verdict` (null until it is
    settled). For the house alone. Raises UnknownReview, Damaged."""
    said = list(reviewed(labels(folder, order_id, trusted)).values())
    pairs = kept(folder, storage, order_id).take(pa.array([one.pair for one in said], pa.int64()))
    return (
        pairs.append_column("twice", pa.array([one.twice for one in said], pa.bool_()))
        .append_column("verdicts", pa.array([list(one.verdicts) for one in said], pa.list_(pa.string())))
        .append_column("verdict", pa.array([one.verdict for one in said], pa.string()))
    )


# what is not kept any longer


def all_reviews(folder: Path) -> list[Path]:
    """The folders of all orders of which pairs are kept."""
    return sorted(one for one in folder.glob("*") if one.is_dir() and not one.name.startswith("."))


def destroy(folder: Path, order_id: str) -> None:
    """Takes away the pairs of an order and what was said of them: their key first, so that the rest is nothing any
    more. Raises OSError."""
    place = _place(folder, order_id)
    for left in folder.glob(f".*{_GOING}"):
        remove(left)
    if place.is_dir():
        (place / KEY).unlink(missing_ok=True)
        sync(place, inside=False)
        aside = place.rename(place.with_name(f".{place.name}{_GOING}"))
        sync(folder, inside=False)
        remove(aside)


def tidy(folder: Path, day: date) -> int:
    """Destroys what was kept for longer than the policy of `day` says. Returns how many. Raises OSError, PolicyError or
    NoRule."""
    longest, done = timedelta(days=rules("matching", "review").on(day)["days"]), 0
    for place in all_reviews(folder):
        since = day_of(datetime.fromtimestamp((place / PAIRS).stat().st_mtime, UTC))
        if since + longest < day:
            destroy(folder, place.name)
            done += 1
    return done


def _believed(envelope: bytes, trusted: tuple[PublicKey, ...]) -> LabelOrder | None:
    for key in trusted:
        try:
            return LabelOrder.unsealed(envelope, key)
        except BadSeal:
            continue
    return None


def _place(folder: Path, order_id: str) -> Path:
    return folder / _checked(order_id)


def _checked(name: str) -> str:
    """An id, as the name of a file. Raises UnknownReview for one that is none."""
    if not _NAME.fullmatch(name):
        raise UnknownReview(name)
    return name


def _named(order_id: str) -> str:
    """Under which its key is wrapped: the pairs of one order do not open as those of another."""
    return f"review/{order_id}"
