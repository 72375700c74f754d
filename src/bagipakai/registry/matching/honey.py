"""Honey records: invented persons who stand in the index of a release and nowhere else, so that whoever meets one was
guessing (matching reference 4.12; law reference 6.3 forbids false beneficiaries).

They are drawn from a secret of the house: a district of the gazetteer, a date and a low serial make a NIK that nobody
of the release has; names and mothers are those of other people of the release. Their ordinals come after everybody's,
so that they are known by their place alone. Nothing of them is ever in a release, and a row that meets one is answered
as one that met nobody.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import canonical
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching.arrays import Numbers
from bagipakai.registry.matching.index import Index
from bagipakai.registry.matching.numbers import DIGITS, MOST, a_digit_less
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release

SCHEME: Final = "honey/v1"
OLDEST: Final = 80 * 365  # days
SERIALS: Final = 20  # who counts numbers up begins low
WOMAN: Final = 2
_OF_NAMES: Final = ("name", "mother")  # how the columns begin that are taken from others


def secret(storage: StorageKey, release: Release) -> bytes:
    """What the honey records of this release are drawn from."""
    info = canonical({"scheme": SCHEME, "release": release.version, "digest": release.digest})
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(storage.raw)


def source(policy: Abuse, count: int) -> dict[str, str]:
    """What an index with honey records says of them: by which rules they were drawn, and of how many `persons` there
    really are."""
    return {"honey": f"{SCHEME} {policy.honey_share} {policy.honey_district}", "persons": f"{count}"}


def real(index: Index) -> int:
    """How many persons of an index there really are: ordinals from this one on are honey records."""
    return int(index.manifest["source"].get("persons", len(index)))


def met(found: pa.Table, index: Index) -> Numbers:
    """Which rows of an answer (job.Matching) met a honey record: bool. A bare file has none, and may call its people by
    any number."""
    whose = found["registry_id"]
    if real(index) == len(index) or not pa.types.is_integer(whose.type):
        return np.zeros(len(found), bool)
    guessed: Numbers = pc.greater_equal(whose, real(index)).fill_null(False).to_numpy()
    return guessed


def asked_for(said: pa.Table, index: Index) -> Numbers:
    """Which rows (features) say the number of a honey record wherever matching reads one (`keys`): as a NIK, also one
    whose last digit a spreadsheet rounded, where the card stands, or with a digit more or less: bool."""
    theirs = index.nameless(np.arange(real(index), len(index)))["nik"].drop_null().to_numpy()
    nik, beside, odd = (said[name].fill_null(0).to_numpy() for name in ("nik", "nik_beside", "nik_odd"))
    sound = said["nik_sound"].to_numpy()
    found: Numbers = np.isin(beside, theirs)
    found |= (sound == DIGITS) & np.isin(nik, theirs)
    found |= (sound == DIGITS - 1) & np.isin(nik // 10, theirs // 10)
    found |= np.isin(odd, a_digit_less(theirs, DIGITS)) & (odd > 0)
    longer = np.flatnonzero(odd > MOST)
    found[longer] |= np.isin(a_digit_less(odd[longer], DIGITS + 1), theirs).any(axis=0)
    return found


def without(found: pa.Table, rows: Numbers) -> pa.Table:
    """The answer in which these rows found nobody, and tell nothing of whom they met."""
    if not rows.any():
        return found
    nobody = {"band": "none", "reason": "TIDAK_DITEMUKAN", "probability": 0.0, "candidates": 0}
    for at, field in enumerate(found.schema):
        if field.name != "duplicate_of":
            told = pc.if_else(pa.array(rows), pa.scalar(nobody.get(field.name), field.type), found[field.name])
            found = found.set_column(at, field.name, told)
    return found


def among(people: Iterable[pa.Table], drawn_from: bytes, policy: Abuse, count: int) -> Iterator[pa.Table]:
    """`people`, features of `count` persons with `registry_id`, and then the honey records."""
    most = count // policy.honey_share
    if not most:
        yield from people
        return
    drawn = _Drawn(random.Random(drawn_from), policy.honey_district)  # noqa: S311 - its seed is the secret
    for table in people:
        drawn.meet(table)
        yield table
    yield drawn.records(most, count)


class _Drawn:
    """Honey records in the making, while the people of the release pass by."""

    def __init__(self, dice: random.Random, each: int) -> None:
        self._dice = dice
        districts = [int(one.code) for one in regions().at_level(3) for _ in range(each)]
        born = [date(2025, 12, 31) - timedelta(days=dice.randrange(365, OLDEST)) for _ in districts]
        sex = [dice.choice((1, WOMAN)) for _ in districts]
        self._born, self._sex, self._district = born, np.array(sex, np.int8), np.array(districts, np.int64)
        self._nik = np.array(
            [
                district * 10**10
                + ((day.day + 40 * (its == WOMAN)) * 10**8 + day.month * 10**6 + day.year % 100 * 10**4)
                + dice.randint(1, SERIALS)
                for district, day, its in zip(districts, born, sex, strict=True)
            ]
        )
        self._desa = np.zeros(len(districts), np.int64)  # where somebody of the release lives, once that is known
        _, first = np.unique(self._nik, return_index=True)
        self._free = np.zeros(len(districts), bool)
        self._free[first] = True
        self._donors: list[pa.Table] = []

    def meet(self, people: pa.Table) -> None:
        """No honey record has the number of one of these; some live in their villages and bear their names."""
        self._free &= ~np.isin(self._nik, people["nik"].drop_null().to_numpy())
        desa = np.unique(people["desa"].drop_null().to_numpy())
        at = np.searchsorted(desa // 10**4, self._district)
        here = np.flatnonzero(at < len(desa))
        here = here[desa[at[here]] // 10**4 == self._district[here]]
        self._desa[here] = desa[at[here]]
        named = people.filter(pc.is_valid(people["name"]))
        if len(named):
            some = [self._dice.randrange(len(named)) for _ in range(min(len(named), 64 + len(here)))]
            self._donors.append(named.take(pa.array(some)))

    def records(self, most: int, first: int) -> pa.Table:
        """At most so many, whose `registry_id` begins with `first`; columns as those who passed by."""
        donors = pa.concat_tables(self._donors)
        could = np.flatnonzero(self._free & (self._desa > 0)).tolist()
        chosen = np.array(sorted(self._dice.sample(could, min(most, len(could)))), np.int64)
        named = pa.array(self._bearers(donors, chosen), pa.int64())
        mothers = pa.array([self._dice.randrange(len(donors)) for _ in chosen], pa.int64())
        desa, none = self._desa[chosen], np.ones(len(chosen), bool)
        own = {
            "nik": self._nik[chosen],
            "nik_sound": np.full(len(chosen), 16),
            "nik_own": none,
            "nik_fits": none,
            "born": [self._born[at] for at in chosen],
            "born_part": np.full(len(chosen), 3),
            "born_default": ~none,
            "sex": self._sex[chosen],
            "kab": desa // 10**6,
            "kec": desa // 10**4,
            "desa": desa,
            "registry_id": np.arange(first, first + len(chosen)),
        }
        columns = {}
        for field in donors.schema:
            if field.name in own:
                columns[field.name] = pa.array(own[field.name], field.type)
            elif field.name.startswith(_OF_NAMES):
                columns[field.name] = donors[field.name].take(named if field.name.startswith("name") else mothers)
            else:
                columns[field.name] = pa.nulls(len(chosen), field.type)  # no family: nobody is their relative
        return pa.table(columns, schema=donors.schema)

    def _bearers(self, donors: pa.Table, chosen: Numbers) -> list[int]:
        """Whose name each of them bears: somebody of the same sex, where there is one."""
        sexes = donors["sex"].fill_null(0).to_numpy()
        by_sex = {its: np.flatnonzero(sexes == its).tolist() or list(range(len(donors))) for its in (1, WOMAN)}
        return [self._dice.choice(by_sex[int(its)]) for its in self._sex[chosen]]
