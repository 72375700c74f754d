"""Lists to be matched, and a registry that tells how it read them: by hand, with the same values and keys as the real
one, which tests/registry looks at."""

from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection
from tests.fakes import Registry

from bagipakai import postgres
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal
from bagipakai.core.intake import Finding
from bagipakai.core.roster_orders import (
    DESTROYED,
    Heading,
    RosterDestruction,
    RosterKeeping,
    RosterOrder,
    RosterReceipt,
)
from bagipakai.registry import keys, rosters
from bagipakai.registry.places import Places

HEAD = "NO KTP,Nama Lengkap,TGL LHR,Nama Ibu,Keterangan"
SAID = RosterReceipt(
    order_id="",
    roster="",
    rows=10_000,
    digest="ab" * 32,
    headings=(
        Heading("NO KTP", "nik", 9_950),
        Heading("Nama Lengkap", "nama", 10_000),
        Heading("TGL LHR", "tanggal_lahir", 8_120),
        Heading("Nama Ibu", "", 0),
        Heading("…", "", 0),
    ),
    findings=(
        Finding("list-number-was-rounded", "nik", 312, ((1, 2), (1, 17), (1, 40))),
        Finding("list-date-is-default", "tanggal_lahir", 2, ((1, 8), (1, 9))),
    ),
)
UNREADABLE = RosterReceipt(
    order_id="",
    roster="",
    refusal="list-has-no-usable-column",
    headings=(Heading("Kolom A", "", 0), Heading("Kolom B", "", 0)),
)


def a_list(rows: int = 30) -> bytes:
    lines = [f"32010112088{7 * number:05d},Orang Rekaan,12-08-1988,Ibu Rekaan,-" for number in range(1, rows + 1)]
    return ("\n".join([HEAD, *lines]) + "\n").encode()


class Reader(Registry):
    """Answers orders about lists."""

    def lists(self) -> list[RosterOrder]:
        """The orders to read one that have no receipt, oldest first."""
        return self._orders(RosterOrder)

    def keepings(self) -> list[RosterKeeping]:
        return self._orders(RosterKeeping)

    def destructions(self) -> list[RosterDestruction]:
        return self._orders(RosterDestruction)

    def reads(self, told: RosterReceipt = SAID) -> RosterOrder:
        """Says this of the one list that waits to be read."""
        (order,) = self.lists()
        receipt = replace(told, order_id=order.order_id, roster=order.roster, sent=order.sent)
        self.post(order.order_id, receipt.sealed(self.keys.receipt))
        return order

    def keeps(self, order: RosterKeeping, refusal: str = "", **told: Any) -> None:
        """Says that it keeps the list as ordered; or why not."""
        said = {} if refusal else {"rows": SAID.rows, "digest": order.digest}
        receipt = RosterReceipt(order.order_id, order.roster, refusal=refusal, **{**said, **told})
        self.post(order.order_id, receipt.sealed(self.keys.receipt))

    def destroys(self) -> RosterDestruction:
        (order,) = self.destructions()
        receipt = RosterReceipt(order.order_id, order.roster, refusal=DESTROYED)
        self.post(order.order_id, receipt.sealed(self.keys.receipt))
        return order

    def really(self, day: date | None = None) -> list[RosterReceipt]:
        """Does what waits with the registry's own code, and posts the receipts."""
        var, done = postgres.var(), []
        places = Places.under(var)
        key = self.keys.receipt
        for order in self._orders(RosterOrder, RosterKeeping, RosterDestruction):
            match order:
                case RosterDestruction():
                    done.append(rosters.destroyed(order, places, key.public))
                case RosterKeeping():
                    done.append(rosters.held(order, key, places, day or day_of(order.placed_at)))
                case RosterOrder():
                    identity, sealed = keys.intake(var / "keys"), var / "intake" / order.place
                    done.append(rosters.read(order, key, self.keys.storage, identity, places, sealed))
            self.post(done[-1].order_id, done[-1].sealed(self.keys.receipt))
        return done

    def _orders(self, *kinds: Any) -> list[Any]:
        """Those of these kinds that have no receipt, oldest first."""
        found = []
        for envelope in self._waiting("DFT-%"):
            for kind in kinds:
                with suppress(BadSeal):
                    found.append(kind.unsealed(envelope, self.keys.order))
        return found

    def _waiting(self, name: str) -> list[bytes]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT orders.envelope FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)"
                " WHERE receipts.order_id IS NULL AND order_id LIKE %s ORDER BY placed_at, order_id",
                [name],
            )
            return [bytes(row[0]) for row in cursor.fetchall()]
