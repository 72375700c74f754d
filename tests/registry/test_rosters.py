"""A list to be matched is read once, told by column and row, kept sealed, and gone when it is to be gone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.handed_in import readable_anywhere
from tests.registry.lists import as_csv, read, sent, some_rows
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, PLACED, a_house

from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal
from bagipakai.core.intake import Finding
from bagipakai.core.plan import Answer, Matching
from bagipakai.core.refusal import Refusal
from bagipakai.core.roster_orders import DESTROYED, Heading, RosterDestruction, RosterOrder, RosterReceipt
from bagipakai.registry import keys, rosters, worker
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.rewrapping import rewrap
from bagipakai.registry.rosters import Roster, UnknownRoster
from bagipakai.registry.vault import Damaged

THEIRS = "dinsos-3201"
DAY = day_of(PLACED)


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def kept(house, roster="D-1") -> Roster:
    return Roster.open(house.places, roster, house.keys.receipt.public)


def named(house, receipt: RosterReceipt, institution: str = THEIRS, **changed):
    matching = Matching(receipt.roster, receipt.digest, receipt.rows, Answer.STATUS, False, False)
    return rosters.named(replace(matching, **changed), institution, house.places, house.keys.receipt.public)


def test_a_list_is_read_told_and_kept_as_it_was_sent(house):
    rows = some_rows(30)
    rows[3]["nik"], rows[4]["tanggal_lahir"] = "3201010000000000123", "besok"
    receipt = read(house, sent(house, as_csv([{**row, "catatan": "x"} for row in rows])))
    assert (receipt.refusal, receipt.rows, len(receipt.digest)) == ("", 30, 64)
    assert receipt.headings == (
        Heading("nik", "nik", 30),
        Heading("nama", "nama", 30),
        Heading("tanggal_lahir", "tanggal_lahir", 30),
        Heading("catatan", "", 0),
    )
    told = {one.rule: one for one in receipt.findings}
    assert told["list-date-is-unreadable"] == Finding("list-date-is-unreadable", "tanggal_lahir", 1, ((1, 6),))
    assert told["list-number-has-other-length"].first == ((1, 5),)
    table = kept(house).table(house.keys.storage)
    assert table["baris"].to_pylist() == list(range(2, 32))
    assert table["nama"].to_pylist() == [row["nama"] for row in rows]
    assert RosterReceipt.unsealed(receipt.sealed(OFFICE), OFFICE.public) == receipt


def test_nothing_of_it_is_readable_on_the_disk(house):
    read(house, sent(house, as_csv(some_rows(30, nama="RAHASIA SEKALI"))))
    assert not readable_anywhere(b"RAHASIA", house.var)
    assert list(house.places.workspaces.iterdir()) == []


def test_the_same_content_has_the_same_digest_whatever_order_brought_it(house):
    content = as_csv(some_rows(30))
    one, other = (read(house, sent(house, content, roster=name)) for name in ("D-1", "D-2"))
    assert one.digest == other.digest
    assert read(house, sent(house, as_csv(some_rows(31)), roster="D-3")).digest != one.digest


def test_what_stands_is_receipted_again_and_not_read_again(house):
    order = sent(house, as_csv(some_rows(30)))
    receipt = read(house, order)
    for piece in (house.var / "intake" / "D-1").iterdir():
        piece.unlink()
    assert read(house, order) == receipt


def test_other_columns_take_the_place_of_the_first_reading(house):
    content = as_csv([{**row, "nama ibu": "SITI", "panggilan": "X"} for row in some_rows(30)])
    order = sent(house, content)
    first = read(house, order)
    again = replace(
        order,
        order_id="DFT-D-1-2",
        columns=(("nama", "panggilan"), ("nik", "nik")),
        placed_at=order.placed_at + timedelta(hours=1),
    )
    second = read(house, again)
    assert [one.name for one in second.headings if one.meaning] == ["nik", "panggilan"]
    assert second.digest != first.digest
    assert kept(house).table(house.keys.storage).column_names == ["baris", "list_id", "nik", "nama"]
    assert read(house, order).refusal == "roster-was-read-since"


def test_a_list_without_a_usable_column_is_refused_with_its_headings(house):
    rows = [{"Nomor Warga": "a", "Sebutan": "b", "Tgl": "c"} for _ in range(30)]
    receipt = read(house, sent(house, as_csv(rows)))
    assert receipt.refusal == "list-has-no-usable-column" and receipt.detail == ()
    assert [one.name for one in receipt.headings] == ["Nomor Warga", "Sebutan", "Tgl"]
    chosen = sent(house, as_csv(rows), columns=(("nama", "Sebutan"),), order_id="DFT-2")
    assert read(house, chosen).refusal == ""


def test_a_long_heading_is_seen_to_be_cut_told_from_one_that_begins_alike_and_can_be_chosen(house):
    long = "Nama lengkap peserta sesuai kartu tanda penduduk elektronik, "
    rows = [{"Nomor Warga": "a", f"{long}tanpa gelar": "SITI", f"{long}dengan gelar": "IR. SITI"} for _ in range(30)]
    receipt = read(house, sent(house, as_csv(rows)))
    assert receipt.refusal == "list-has-no-usable-column"
    cut = "Nama lengkap peserta sesuai kartu tanda penduduk elektronik,…"
    assert [one.name for one in receipt.headings] == ["Nomor Warga", f"{cut} (2)", f"{cut} (3)"]

    for at, (name, value) in enumerate(
        [(f"{cut} (3)", "IR. SITI"), (f"{cut} (2)", "SITI"), (f"{long}tanpa gelar", "SITI")]
    ):
        chosen = read(house, sent(house, as_csv(rows), columns=(("nama", name),), order_id=f"DFT-{at + 2}"))
        assert (chosen.refusal, [one.meaning for one in chosen.headings].count("nama")) == ("", 1)
        assert set(kept(house).table(house.keys.storage)["nama"].to_pylist()) == {value}


def test_what_is_left_of_a_hidden_heading_chooses_nothing(house):
    rows = [{"3201011203800001": "a", "3201011203800002": "b", "Sebutan": "SITI"} for _ in range(30)]
    order = sent(house, as_csv(rows), columns=(("nama", "Sebutan"), ("alamat", "…")))
    assert read(house, order).refusal == "set-column-is-missing"


@pytest.mark.parametrize(
    "first", ["3201011203800001,BUDI SANTOSO,1980-03-12", "BUDI SANTOSO", "BUDI,JL MELATI RT 3", "BUDI,L,SITI"]
)
def test_a_list_without_a_header_tells_nothing_of_its_first_person(house, first):
    receipt = read(house, sent(house, "\n".join([first] * 40).encode()))
    assert receipt.refusal and "BUDI" not in repr(receipt) and "MELATI" not in repr(receipt)


@pytest.mark.parametrize(
    ("content", "ending", "code"),
    [
        (b"", "csv", "set-is-empty"),
        (b"nik,nama\n", "csv", "set-is-empty"),
        (b"PK\x03\x04 nothing", "xlsx", None),
        (as_csv(some_rows(19)), "csv", "roster-is-too-small"),
        (as_csv(some_rows(150, nik="3201011203800001")), "csv", "roster-repeats-one-number"),
        (as_csv([{"nik": str(3201011203800001 + at), "nama": f"A{at}"} for at in range(40)]), "csv", None),
    ],
)
def test_what_cannot_be_matched_is_refused_and_nothing_is_kept(house, content, ending, code):
    receipt = read(house, sent(house, content, ending=ending))
    assert receipt.refusal and code in (None, receipt.refusal)
    assert Refusal(receipt.refusal, dict(receipt.detail)).sentence()
    assert RosterReceipt.unsealed(receipt.sealed(OFFICE), OFFICE.public) == receipt
    with pytest.raises(UnknownRoster):
        kept(house)


def test_a_later_reading_that_is_refused_leaves_nothing(house):
    order = sent(house, as_csv(some_rows(30)))
    read(house, order)
    later = replace(order, order_id="DFT-2", columns=(("nama", "tidak ada"),), placed_at=PLACED)
    assert read(house, later).refusal == "set-column-is-missing"
    with pytest.raises(UnknownRoster):
        kept(house)


def test_altered_pieces_are_not_read(house):
    order = sent(house, as_csv(some_rows(30)))
    piece = next((house.var / "intake" / "D-1").iterdir())
    piece.write_bytes(piece.read_bytes()[:-1] + b"x")
    assert read(house, order).refusal == "intake-piece-differs"


def test_only_its_own_institution_has_it_and_only_as_it_was_approved(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    assert isinstance(named(house, receipt), Roster)
    assert named(house, receipt, "PLN") == Refusal("order-roster-is-not-theirs")
    assert named(house, receipt, digest="0" * 64) == Refusal("order-roster-differs")
    assert named(house, receipt, rows=29) == Refusal("order-roster-differs")
    assert named(house, receipt, roster="D-9") == Refusal("order-roster-unknown")
    stranger = sent(house, as_csv(some_rows(30)), institution="PLN", order_id="X")
    assert read(house, stranger).refusal == "roster-is-not-theirs"
    file = house.places.rosters / "D-1" / rosters.RECORD
    file.write_bytes(file.read_bytes().replace(b"payload", b"payloaf"))
    assert named(house, receipt) == Refusal("order-roster-damaged")


def test_a_destroyed_list_is_known_to_be_gone(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    order = RosterDestruction("MSN-1", "D-1", THEIRS, PLACED)
    assert RosterDestruction.unsealed(order.sealed(OFFICE), OFFICE.public) == order
    trusted = house.keys.receipt.public
    foreign = replace(order, institution="PLN")
    assert rosters.destroyed(foreign, house.places, trusted).refusal == "roster-is-not-theirs"
    for _ in range(2):
        assert rosters.destroyed(order, house.places, trusted).refusal == DESTROYED
    assert named(house, receipt) == Refusal("order-roster-destroyed")
    assert [one.name for one in house.places.rosters.iterdir()] == ["D-1.dihapus"]


def test_a_name_that_could_leave_the_folder_is_no_name(house):
    order = sent(house, as_csv(some_rows(30)))
    for wrong in ("../x", "a/b", "", "."):
        with pytest.raises(BadSeal):
            RosterOrder.unsealed(replace(order, roster=wrong).sealed(OFFICE), OFFICE.public)
        with pytest.raises(BadSeal):
            RosterDestruction.unsealed(RosterDestruction("O", wrong, THEIRS, PLACED).sealed(OFFICE), OFFICE.public)


def test_a_list_goes_when_it_was_of_no_use_for_long(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    longest, trusted = timedelta(days=Abuse.on(DAY).kept_days), house.keys.receipt.public
    read_on = kept(house).of_use
    assert rosters.tidy(house.places, trusted, read_on + longest - timedelta(days=1)) == 0
    kept(house).matched(DAY)
    assert rosters.tidy(house.places, trusted, read_on + longest) == 0
    assert rosters.tidy(house.places, trusted, DAY + longest) == 1
    assert named(house, receipt) == Refusal("order-roster-destroyed")


def test_it_opens_under_the_next_storage_key_too(house):
    read(house, sent(house, as_csv(some_rows(30))))
    before = kept(house).table(house.keys.storage)
    assert not isinstance(rewrap(house.var, [house.var / "releases"]), Refusal)
    assert kept(house).table(keys.storage(house.var / "keys")).equals(before)
    with pytest.raises(Damaged):
        kept(house).table(house.keys.storage)


def test_the_worker_reads_and_destroys(house):
    with an_office() as office:
        order = sent(house, as_csv(some_rows(30)))
        office.place(order.order_id, order.sealed(OFFICE))
        assert worker.run(office.registry_url, house.var, once=True) == 0
        gone = RosterDestruction("MSN-1", "D-1", THEIRS, PLACED)
        office.place("MSN-1", gone.sealed(OFFICE))
        assert worker.run(office.registry_url, house.var, once=True) == 0
        key = house.keys.receipt.public
        told = {name: RosterReceipt.unsealed(one, key) for name, one in office.envelopes().items()}
    assert (told[order.order_id].rows, told["MSN-1"].refusal) == (30, DESTROYED)
