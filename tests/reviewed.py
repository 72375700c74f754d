"""Pairs to review, made by hand, and the registry that answers about them: the real one, in the test's own database."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
from django.db import connection
from tests.factories import a_seat, an_institution, an_office, done
from tests.fakes import Registry

from bagipakai import postgres
from bagipakai.control import requests, reviews
from bagipakai.control.models import Person, Review, Sheet
from bagipakai.core.request import Role
from bagipakai.core.review_orders import ReviewReceipt, unsealed
from bagipakai.core.reviews import Limits
from bagipakai.registry import reviewing
from bagipakai.registry import reviews as kept
from bagipakai.registry.places import Places

SAME = {
    "nama": "SITI NURHALIZAH",
    "nik": "5203014509880001",
    "no_kk": "5203010101080001",
    "tanggal_lahir": "05-09-1988",
    "jenis_kelamin": "P",
    "nama_ibu": "AMINAH",
    "wilayah": "Masbagik Utara, Masbagik, Lombok Timur",
}


def a_pair(row: int = 0, ordinal: int | None = None, band: str = "review", **differs: Any) -> dict[str, Any]:
    """A row beside a person, alike but for what `differs` says of the row."""
    listed = {f"{kept.LISTED}{name}": value for name, value in (SAME | differs).items()}
    person = {f"{kept.PERSON}{name}": value for name, value in SAME.items()}
    hidden = {"row": row, "ordinal": 100 + row if ordinal is None else ordinal, "band": band}
    hidden |= {"score": 3.5, "stage": 2, "weight": 1.0}
    return listed | person | hidden


def some_pairs(many: int = 3) -> pa.Table:
    """Pairs of rows that are told apart by their names alone; every fourth one was matched without a clerk."""
    rows = [
        a_pair(at, band="match" if at % 4 == 3 else "review", nama=f"SITI ZAKIYAH {at:03d}", nik=None)
        for at in range(many)
    ]
    text = [(name, pa.string()) for name in kept.SHOWN]
    return pa.Table.from_pylist(rows, pa.schema([*text, *kept.HIDDEN]))


def a_clerk(institution: Any = None) -> Person:
    """A clerk of the controller, unless of another institution."""
    return a_seat(institution or an_office().institution, Role.CLERK).person


class Reviewing(Registry):
    """Keeps pairs and answers the orders about them, with the product's own code."""

    def __init__(self) -> None:
        an_office()
        super().__init__()
        self.folder = Places.under(postgres.var()).reviews

    def keep(self, order_id: str, pairs: pa.Table) -> int:
        kept.destroy(self.folder, order_id)
        return kept.keep(self.folder, self.keys.storage, order_id, pairs)

    def answer_all(self) -> list[ReviewReceipt]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT orders.envelope FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)"
                " WHERE receipts.order_id IS NULL AND order_id LIKE 'TLH-%' ORDER BY placed_at, order_id"
            )
            envelopes = [bytes(row[0]) for row in cursor.fetchall()]
        done = []
        for envelope in envelopes:
            order = unsealed(envelope, self.keys.order)
            done.append(reviewing.answer(order, envelope, self.keys.storage, self.folder))
            self.post(order.order_id, done[-1].sealed(self.keys.receipt))
        return done

    def work(self) -> None:
        """Answers what lies there, and lets the office read it."""
        self.answer_all()
        reviews.collect()


def limits(monkeypatch: Any, **changed: int) -> None:
    """The rule of today, but for what is changed of it."""
    whole = Limits.on
    monkeypatch.setattr(Limits, "on", classmethod(lambda _, day: replace(whole(day), **changed)))


def a_review(registry: Reviewing, many: int = 3) -> Review:
    """A list of one institution of which so many pairs stand prepared."""
    row = done(requests.create(an_institution(ready=False)[Role.APPLICANT]))
    order_id = f"PES-UJI-{row.pk}"
    registry.keep(order_id, some_pairs(many))
    review = reviews.open_for(row, order_id)
    registry.work()
    review.refresh_from_db()
    assert review.pairs == many
    return review


def judge(registry: Reviewing, review: Review, clerk: Person, verdict: Any) -> Sheet:
    """The clerk claims a sheet and says of each pair what `verdict` (pair → verdict) says; the registry keeps it."""
    sheet: Sheet = done(reviews.claim(review.pk, clerk))
    done(reviews.answer(sheet, clerk, [{"pair": pair, "verdict": verdict(pair)} for pair, _ in sheet.turns]))
    registry.work()
    sheet.refresh_from_db()
    return sheet
