"""Values drawn anew in rows without names (PRAM), in columns that the policy names because nothing is decided by them
(`core.randomisation`, which says from what; `core.marking`, which says where; decision 0150).

Whether a person's value stays, and where in the distribution the other one lies, are two numbers of that person, alike
in every package, for whomever, and in every release: otherwise whoever holds two copies would average the draws away.

    of a person and column   AES-256(k, NIK, or the card of a family ‖ column): two numbers of 64 bits
    of whoever has none      the same of their ordinal in the release and its name, so that the next draws anew

So the same plan and release have the same bytes, whichever engine read them.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import canonical
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import Count
from bagipakai.core.randomisation import SCHEME, Randomisation
from bagipakai.registry.engines import EngineError
from bagipakai.registry.keys import MasterKey

Numbers = np.ndarray[Any, np.dtype[Any]]
Distribution = Mapping[int, int]  # of each known value, how many rows have it
Counting = Callable[[Count], Iterable[pa.RecordBatch]]  # as Engine.groups
Passing = Callable[[pa.RecordBatch], pa.RecordBatch]  # of counted rows, those that stay

NUMBERED: Final[Mapping[Unit, tuple[str, str]]] = {  # what tells a row: in every release, and in one
    Unit.INDIVIDU: ("nik", "person_ordinal"),
    Unit.KELUARGA: ("nomor_kk", "first_ordinal"),
}
_NUMBER: Final = r"^[0-9]{16}$"


def distributions(
    plan: Plan, how: Randomisation, count: Counting, by: tuple[str, ...], staying: Passing
) -> Mapping[str, Distribution]:
    """Of each column that is drawn anew, what the rows that leave say there. `staying`: of counted rows, which are told
    apart by the columns `by`, those that leave. Raises EngineError."""
    found: dict[str, dict[int, int]] = {}
    for name in how.keep:
        of_it = found.setdefault(name, {})
        for batch in count(Count(plan.unit.value, tuple(dict.fromkeys((*by, name))), plan.population, plan.area.codes)):
            left = staying(batch)
            for value, n in zip(left.column(name).to_pylist(), left.column("n").to_pylist(), strict=True):
                if value is not None:
                    of_it[value] = of_it.get(value, 0) + n
    return found


class Draws:
    """The keyed draws of one release and unit. `said`: from what is drawn, by column."""

    def __init__(
        self, master: MasterKey, release: str, unit: Unit, how: Randomisation, said: Mapping[str, Distribution]
    ) -> None:
        info = canonical({"scheme": SCHEME, "unit": unit.value})
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master.raw)
        self._cipher = Cipher(AES(key), ECB())  # noqa: S305  # each block is a number of its own
        self._release, self._how = release, how
        self.internal = NUMBERED[unit]
        self._from = {name: _Lots(said[name], how.thresholds.get(name, ())) for name in how.keep}

    @property
    def notes(self) -> Mapping[str, str]:
        """By column, what whoever reads the copy must know of its values."""
        return {name: self._note(name, keep) for name, keep in self._how.keep.items()}

    def _note(self, name: str, keep: int) -> str:
        thresholds = self._how.thresholds.get(name, ())
        within = f" di antara batas yang sama ({', '.join(map(str, thresholds))})" if thresholds else ""
        return (
            f"nilai tetap dengan peluang {keep} persen (p); selain itu diganti nilai yang ditarik acak dari semua baris"
            f" paket ini{within}, sehingga sebarannya diharapkan tetap, tetapi nilai seseorang tidak pasti. Cacah"
            " menurut variabel lain dapat dikoreksi: kurangi dengan (1 - p) kali bagian nilai itu di antara batasnya"
            " kali cacah semua nilai di antara batas itu, lalu bagi dengan p"
        )

    def drawn(self, out: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`out`, of which `batch` holds who each row is (`internal`), with its values drawn. Raises EngineError for a
        value that was not counted."""
        number, ordinal = (batch.column(f"_{name}") for name in self.internal)
        has = pc.fill_null(pc.match_substring_regex(number, _NUMBER), False)
        known = pc.if_else(has, number, pa.scalar("0")).cast(pa.uint64()).to_numpy(zero_copy_only=False)
        numbered = has.to_numpy(zero_copy_only=False)
        tokens = np.where(numbered, known, ordinal.to_numpy(zero_copy_only=False).astype(np.uint64))
        for name, lots in self._from.items():
            kinds = np.where(numbered, _number(name), _number(name, self._release))
            at = out.schema.get_field_index(name)
            out = out.set_column(at, out.schema.field(at), self._column(name, lots, out.column(at), tokens, kinds))
        return out

    def _column(self, name: str, lots: "_Lots", column: pa.Array, tokens: Numbers, kinds: Numbers) -> pa.Array:
        unknown = column.is_null().to_numpy(zero_copy_only=False)
        values = column.to_numpy(zero_copy_only=False)[~unknown].astype(np.int64)
        told = np.zeros(len(column), np.int64)
        stay, place = self._lot(tokens[~unknown], kinds[~unknown])
        anew = (stay >> np.uint64(32)) * np.uint64(100) >= np.uint64(self._how.keep[name] << 32)
        told[~unknown] = np.where(anew, lots.drawn(values, place), values)
        return pa.array(told, column.type, mask=unknown)

    def _lot(self, tokens: Numbers, kinds: Numbers) -> tuple[Numbers, Numbers]:
        blocks = np.empty((len(tokens), 2), "<u8")
        blocks[:, 0], blocks[:, 1] = tokens, kinds
        sealed = self._cipher.encryptor().update(blocks.view(np.uint8).reshape(-1).data)
        drawn: Numbers = np.frombuffer(sealed, "<u8").reshape(-1, 2)
        return drawn[:, 0], drawn[:, 1]


class _Lots:
    """All values of a column, each as often as it was counted, from the least to the most, in stretches between
    thresholds."""

    def __init__(self, counted: Distribution, thresholds: Iterable[int]) -> None:
        self._values = np.array(sorted(counted), np.int64)
        self._until = np.cumsum([0, *(counted[value] for value in self._values.tolist())]).astype(np.uint64)
        edges = np.searchsorted(self._values, sorted(thresholds))
        stretch = np.searchsorted(edges, np.arange(len(self._values)), "right")
        bounds = np.array([0, *edges, len(self._values)])
        self._first, self._beyond = self._until[bounds[stretch]], self._until[bounds[stretch + 1]]

    def drawn(self, values: Numbers, places: Numbers) -> Numbers:
        """For each value, the one at this place of its stretch (uint64: 0 the first, 2^64 beyond the last)."""
        if not len(values):
            return values
        at = np.minimum(np.searchsorted(self._values, values), max(0, len(self._values) - 1))
        if not len(self._values) or (self._values[at] != values).any():
            raise EngineError("a value that was not counted")
        first, many = self._first[at], self._beyond[at] - self._first[at]
        lot = first + ((places >> np.uint64(32)) * many >> np.uint64(32))
        found: Numbers = self._values[np.searchsorted(self._until, lot, "right") - 1]
        return found


def _number(*names: str) -> np.uint64:
    """A number for a column, and for one of a release."""
    return np.uint64(int.from_bytes(hashlib.sha256(canonical(list(names))).digest()[:8], "little"))
