"""Lists of people to be matched, sent as an institution sends them."""

import csv
import hashlib
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyrage
from tests.registry.orders import PLACED, House

from bagipakai.core.intake import Piece, SentFile
from bagipakai.core.roster_orders import RosterOrder, RosterReceipt
from bagipakai.registry import keys, rosters

THEIRS = "dinsos-3201"
READ_AT = PLACED - timedelta(days=2)  # when a list is ordered to be read, unless a test says otherwise


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def some_rows(count: int = 30, **columns: Any) -> list[dict[str, Any]]:
    """People of whom nobody is in a release."""
    return [
        {
            "nik": f"32010{at % 7 + 1}{at % 28 + 1:02d}{at % 12 + 1:02d}{60 + at % 39}{1 + at * 7 % 40:04d}",
            "nama": f"ORANG {'ABCDEFGHIJ'[at % 10]}{'AEIOU'[at // 10 % 5]}LI",
            "tanggal_lahir": f"19{60 + at % 39}-{at % 12 + 1:02d}-{at % 28 + 1:02d}",
            **columns,
        }
        for at in range(count)
    ]


def sent(house: House, content: bytes, *, roster: str = "D-1", ending: str = "csv", **changed: Any) -> RosterOrder:
    """The order to read a list, whose pieces of 1,000 bytes lie sealed in the store."""
    store = house.var / "intake" / roster
    store.mkdir(parents=True, exist_ok=True)
    to, pieces = keys.intake(house.var / "keys").to_public(), []
    for at in range(0, len(content), 1000):
        sealed = pyrage.encrypt(content[at : at + 1000], [to])
        sha256 = hashlib.sha256(sealed).hexdigest()
        (store / f"{sha256}.age").write_bytes(sealed)
        pieces.append(Piece(len(content[at : at + 1000]), len(sealed), sha256))
    file = SentFile(ending, tuple(pieces))
    order = RosterOrder(f"DFT-{roster}-1", roster, THEIRS, roster, file, (), "f" * 64, READ_AT)
    return replace(order, **changed)


def read(house: House, order: RosterOrder) -> RosterReceipt:
    """As the worker reads it."""
    identity, sealed = keys.intake(house.var / "keys"), house.var / "intake" / order.place
    return rosters.read(order, house.keys.receipt, house.keys.storage, identity, house.places, sealed)
