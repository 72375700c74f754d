"""Pairs for clerks are kept sealed, leave sealed to one reader, and what clerks said of them stays beside them."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, a_house

from bagipakai.cli import main
from bagipakai.core.canonical import read
from bagipakai.core.refusal import Refusal
from bagipakai.core.review_orders import Label, LabelOrder, Opening, ReviewReceipt, SheetOrder
from bagipakai.core.reviews import Verdict
from bagipakai.registry import keys, reviewing, reviews, sheets, worker
from bagipakai.registry.matching.labels import LEVELS, SAID
from bagipakai.registry.rewrapping import Rewrapped, rewrap
from bagipakai.registry.vault import KEY, Damaged

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
ORDER = "PES-2026-000007-1"
Y, N, U = Verdict.YES, Verdict.NO, Verdict.UNSURE


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


@pytest.fixture
def folder(house):
    return house.places.reviews


@pytest.fixture
def reader():
    return ec.generate_private_key(ec.SECP256R1())


def point(reader) -> str:
    return reader.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()


def pairs(many: int = 4) -> pa.Table:
    rows = {name: [f"{name} {at}" for at in range(many)] for name in reviews.SHOWN}
    rows |= {"row": list(range(many)), "ordinal": [100 + at for at in range(many)], "score": [1.5] * many}
    rows |= {"band": ["review"] * many, "stage": [2] * many, "weight": [1.0] * many}
    text = [(name, pa.string()) for name in reviews.SHOWN]
    return pa.table(rows, pa.schema([*text, *reviews.HIDDEN]))


def answered(house, folder, order) -> ReviewReceipt:
    return reviewing.answer(order, order.sealed(OFFICE), house.keys.storage, folder)


def labels(*told: tuple[int, int, bool, Verdict], order: str = "TLH-1-1-LABEL") -> LabelOrder:
    return LabelOrder(order, ORDER, tuple(Label(*one) for one in told), AT)


def test_pairs_are_kept_sealed_in_a_drawn_order_once(house, folder):
    assert reviews.keep(folder, house.keys.storage, ORDER, pairs(40)) == 40
    kept = reviews.kept(folder, house.keys.storage, ORDER)
    assert sorted(kept["row"].to_pylist()) == list(range(40)) != kept["row"].to_pylist()
    assert [f"daftar_nama {row}" for row in kept["row"].to_pylist()] == kept["daftar_nama"].to_pylist()
    assert not [one for one in folder.rglob("*") if one.is_file() and b"daftar_nama 1" in one.read_bytes()]
    assert folder.stat().st_mode & 0o077 == 0 and (folder / ORDER).stat().st_mode & 0o077 == 0
    assert reviews.keep(folder, house.keys.storage, ORDER, pairs(3)) == 40  # what stands, stays
    with pytest.raises(ValueError, match="without daftar_nik"):
        reviews.keep(folder, house.keys.storage, "PES-2", pairs().drop_columns(["daftar_nik"]))


def test_altered_pairs_are_not_read_and_an_unknown_order_is_said_to_be_one(house, folder):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    file = folder / ORDER / reviews.PAIRS
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(Damaged):
        reviews.kept(folder, house.keys.storage, ORDER)
    assert answered(house, folder, Opening("TLH-1", ORDER, AT)).refusal == "release-file-altered"
    for name in ("PES-9", "../PES-9", "", "."):
        with pytest.raises(reviews.UnknownReview):
            reviews.kept(folder, house.keys.storage, name)
    assert answered(house, folder, Opening("TLH-1", "../x", AT)).refusal == "review-unknown"


def test_a_sheet_opens_for_its_reader_alone_and_tells_no_more_than_both_sides(house, folder, reader):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    receipt = answered(house, folder, SheetOrder("TLH-1-1-1", ORDER, (2, 0), point(reader), "P1/J1", AT))
    told = read(sheets.opened(receipt.sheet, reader, "TLH-1-1-1"))["pairs"]
    assert [one["pair"] for one in told] == [2, 0]
    assert all(set(one) == {"pair", "list", "person"} for one in told)
    assert all(tuple(sorted(one[side])) == tuple(sorted(reviews.FIELDS)) for one in told for side in ("list", "person"))
    assert len(receipt.sheet) % sheets.FILLED == (sheets.POINT + sheets.NONCE + 16) % sheets.FILLED
    other = ec.generate_private_key(ec.SECP256R1())
    for who, order in ((other, "TLH-1-1-1"), (reader, "TLH-1-1-2")):
        with pytest.raises(InvalidTag):
            sheets.opened(receipt.sheet, who, order)


@pytest.mark.parametrize(
    ("numbers", "key", "code"),
    [
        ((0, 4), None, "review-pairs-unknown"),
        (tuple(range(21)), None, "review-sheet-too-large"),
        ((0,), "04" + "0" * 128, "review-key-is-none"),
    ],
)
def test_a_sheet_is_refused(numbers, key, code, house, folder, reader):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    order = SheetOrder("TLH-1-1-1", ORDER, numbers, key or point(reader), "P1/J1", AT)
    receipt = answered(house, folder, order)
    assert (receipt.refusal, receipt.sheet) == (code, b"")
    assert Refusal(code).sentence()


def test_what_clerks_said_is_kept_as_it_was_signed_and_decides_rows(house, folder):
    reviews.keep(folder, house.keys.storage, ORDER, pairs(6), "a")
    first = labels((0, 1, False, Y), (1, 1, False, N), (2, 1, True, Y), (3, 1, True, Y), (4, 1, False, U))
    second = labels((2, 2, True, N), (3, 2, True, N), order="TLH-1-2-LABEL")
    third = labels((3, 3, True, Y), order="TLH-1-3-LABEL")
    for order in (first, second, third, first):
        assert answered(house, folder, order).refusal == ""
    kept = reviews.kept(folder, house.keys.storage, ORDER)
    rows = kept["row"].to_pylist()
    told = reviews.decided(folder, house.keys.storage, "a", OFFICE.public)
    assert told["row"].to_pylist() == sorted(told["row"].to_pylist())
    assert {one["row"]: (one["ordinal"], one["same"]) for one in told.to_pylist()} == {
        rows[0]: (100 + rows[0], True),
        rows[1]: (100 + rows[1], False),
        rows[3]: (100 + rows[3], True),  # the arbiter's word; 2 is not settled, of 4 nobody can tell, of 5 nobody spoke
    }
    said = reviews.labelled(folder, house.keys.storage, ORDER, OFFICE.public)
    assert said["verdicts"].to_pylist() == [["YES"], ["NO"], ["YES", "NO"], ["YES", "NO", "YES"], ["UNSURE"]]
    assert said["verdict"].to_pylist() == ["YES", "NO", None, "YES", "UNSURE"]


def test_labels_of_other_pairs_others_of_one_name_and_unsigned_ones_count_for_nothing(house, folder):
    reviews.keep(folder, house.keys.storage, ORDER, pairs(2))
    assert answered(house, folder, labels((2, 1, False, Y))).refusal == "review-pairs-unknown"
    assert answered(house, folder, labels((0, 1, False, Y))).refusal == ""
    assert answered(house, folder, labels((0, 1, False, N))).refusal == "review-labels-differ"
    (file,) = (folder / ORDER / reviews.LABELS).iterdir()
    file.write_bytes(labels((0, 1, False, N)).sealed(house.keys.receipt))
    with pytest.raises(Damaged):
        reviews.labelled(folder, house.keys.storage, ORDER, OFFICE.public)


def test_pairs_and_labels_are_destroyed_when_their_days_are_over(house, folder):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    today = datetime.now(UTC).date()
    assert reviews.tidy(folder, today + timedelta(days=90)) == 0
    assert reviews.tidy(folder, today + timedelta(days=92)) == 1
    assert list(folder.iterdir()) == []
    assert reviews.tidy(folder, date(2026, 11, 26)) == 0


def test_a_new_storage_key_opens_them(house, folder):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    assert isinstance(rewrap(house.var, [house.var / "releases"]), Rewrapped)
    assert len(reviews.kept(folder, keys.storage(house.var / "keys"), ORDER)) == 4
    with pytest.raises(Damaged, match=KEY):
        reviews.kept(folder, house.keys.storage, ORDER)


def test_what_clerks_said_is_collected_without_a_value_of_anybody(house, folder, tmp_path, monkeypatch, capsys):
    """The file that training and the report read: no name, no number, no place in a list."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    told = pairs(3).append_column("probability", pa.array([0.5, 0.6, 0.7]))
    for name in LEVELS:
        told = told.append_column(name, pa.array(["equal"] * 3))
    reviews.keep(folder, house.keys.storage, ORDER, told)
    assert answered(house, folder, labels((0, 1, False, Y), (2, 1, True, N))).refusal == ""
    out = tmp_path / "kata.parquet"
    assert main(["registry", "review-labels", "--out", str(out)]) == 0
    assert "2 pasangan" in capsys.readouterr().out and out.stat().st_mode & 0o077 == 0
    found = pq.read_table(out)
    assert found.schema.equals(SAID) and found["verdict"].to_pylist() == ["YES", None]
    assert not {*reviews.SHOWN, "row", "ordinal"} & set(found.column_names) and b"daftar_nama" not in out.read_bytes()
    assert main(["registry", "review-labels", "PES-X", "--out", str(out)]) == 1
    assert "[review-unknown]" in capsys.readouterr().err


def test_the_next_order_that_asks_the_same_finds_what_was_decided(house, folder):
    """By the newest order; what is damaged, or is about something else, decides nothing."""
    key = house.keys.storage
    for name, about in (("PES-1", "a"), ("PES-2", "a"), ("PES-3", "b"), ("PES-4", "")):
        reviews.keep(folder, key, name, pairs(2), about)
    numbers = {name: reviews.kept(folder, key, name)["row"].to_pylist() for name in ("PES-1", "PES-2", "PES-3")}
    for name, said in (("PES-1", (Y, N)), ("PES-2", (U, Y)), ("PES-3", (N, N))):
        by_row = {row: Label(pair, 1, False, said[row]) for pair, row in enumerate(numbers[name])}
        order = LabelOrder(f"{name}-L", name, tuple(by_row.values()), AT)
        assert reviews.label(folder, order, order.sealed(OFFICE))
    found = reviews.decided(folder, key, "a", OFFICE.public)
    assert found.to_pylist() == [
        {"row": 0, "ordinal": 100, "same": True},
        {"row": 1, "ordinal": 101, "same": True},
    ]
    assert len(reviews.decided(folder, key, "", OFFICE.public)) == 0
    (folder / "PES-2" / reviews.PAIRS).write_bytes(b"x" * 99)
    assert reviews.decided(folder, key, "a", OFFICE.public)["same"].to_pylist() == [True, False]


def test_the_worker_answers_orders_about_review(house, folder, reader):
    reviews.keep(folder, house.keys.storage, ORDER, pairs())
    orders = (
        Opening("TLH-1", ORDER, AT),
        SheetOrder("TLH-1-1-1", ORDER, (0, 1), point(reader), "P1/J1", AT),
        labels((0, 1, False, Y)),
    )
    with an_office() as office:
        for order in orders:
            office.place(order.order_id, order.sealed(OFFICE))
        office.place("TLH-X", orders[0].sealed(OFFICE))
        assert worker.run(office.registry_url, house.var, once=True) == 0
        told = {
            name: ReviewReceipt.unsealed(envelope, house.keys.receipt.public)
            for name, envelope in office.envelopes().items()
        }
    assert {name: one.refusal for name, one in told.items()} == {
        **{order.order_id: "" for order in orders},
        "TLH-X": "order-of-another-id",
    }
    assert [told[order.order_id].pairs for order in orders] == [4, 2, 1]
