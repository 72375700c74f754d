"""A list to be matched is read once, told by column and row, kept sealed, and gone when it is to be gone."""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.handed_in import readable_anywhere
from tests.registry.lists import READ_AT, as_csv, read, sent, some_rows
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, a_house

from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal, Signer, seal
from bagipakai.core.exchange import Cancellation
from bagipakai.core.intake import Finding
from bagipakai.core.plan import Answer, Matching
from bagipakai.core.refusal import Refusal
from bagipakai.core.roster_orders import (
    DESTROYED,
    Heading,
    RosterDestruction,
    RosterKeeping,
    RosterOrder,
    RosterReceipt,
)
from bagipakai.core.rosters import Limits
from bagipakai.registry import keys, rosters, worker
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.rewrapping import rewrap
from bagipakai.registry.rosters import Roster, UnknownRoster
from bagipakai.registry.vault import Damaged

THEIRS = "dinsos-3201"
PLACED = READ_AT + timedelta(days=4)
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
    assert read(house, order).refusal == "list-column-is-missing"


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
    assert read(house, later).refusal == "list-column-is-missing"
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


def test_a_damaged_list_is_still_its_institutions(house):
    """As long as it can be read whose it is; then its own institution may send it again."""
    order, gone = sent(house, as_csv(some_rows(30))), RosterDestruction("MSN-1", "D-1", "PLN", PLACED)
    read(house, order)
    (house.places.rosters / "D-1" / rosters.RECEIPT).write_bytes(b"{}")
    stranger = sent(house, as_csv(some_rows(30)), institution="PLN", order_id="X")
    assert read(house, stranger).refusal == "roster-is-not-theirs"
    assert rosters.destroyed(gone, house.places, house.keys.receipt.public).refusal == "roster-is-not-theirs"
    assert read(house, order).rows == 30 and kept(house).institution == THEIRS
    (house.places.rosters / "D-1" / rosters.RECORD).write_bytes(b"{}")
    assert rosters.destroyed(gone, house.places, house.keys.receipt.public).refusal == DESTROYED


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


READ_ON = day_of(READ_AT)
OLDEST = READ_ON + timedelta(days=Abuse.on(DAY).kept_days - 1)  # the last day on which it is kept without an order
LONGEST = timedelta(days=Limits.on(DAY).longest)
LATER = DAY + LONGEST


def keeping(receipt: RosterReceipt, until: date = LATER, number: int = 2, **changed) -> RosterKeeping:
    order = RosterKeeping(f"DFT-D-1-{number}", receipt.roster, THEIRS, receipt.digest, until, PLACED)
    return replace(order, **changed)


def hold(house, order: RosterKeeping, day: date = DAY) -> str:
    """The code of the refusal; nothing where it is kept."""
    return rosters.held(order, house.keys.receipt, house.places, day).refusal


def tidied(house, day: date) -> int:
    return rosters.tidy(house.places, house.keys.receipt.public, day)


def test_a_list_goes_by_itself_when_nothing_was_ordered(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    assert tidied(house, OLDEST) == 0
    assert tidied(house, OLDEST + timedelta(days=1)) == 1
    assert named(house, receipt) == Refusal("order-roster-destroyed")


def test_an_order_keeps_it_to_the_last_day_of_what_was_ordered(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    told = rosters.held(keeping(receipt), house.keys.receipt, house.places, DAY)
    assert (told.refusal, told.roster, told.rows, told.digest) == ("", "D-1", 30, receipt.digest)
    assert tidied(house, LATER) == 0 and isinstance(named(house, receipt), Roster)
    assert tidied(house, LATER + timedelta(days=1)) == 1
    assert hold(house, keeping(receipt)) == "order-roster-destroyed"


def test_an_order_that_ends_sooner_does_not_end_it_sooner(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    assert hold(house, keeping(receipt, DAY)) == ""
    assert tidied(house, OLDEST) == 0 and tidied(house, OLDEST + timedelta(days=1)) == 1


@pytest.mark.parametrize(
    ("changed", "day", "code"),
    [
        ({"until": LATER + timedelta(days=1)}, DAY, "roster-kept-too-long"),
        ({}, DAY - timedelta(days=1), "roster-kept-too-long"),  # placed on a day that has not come
        ({}, DAY + timedelta(days=30), ""),
        ({"until": LATER + timedelta(days=1)}, DAY + timedelta(days=30), "roster-kept-too-long"),
        ({"institution": "PLN"}, DAY, "roster-is-not-theirs"),
        ({"digest": "0" * 64}, DAY, "order-roster-differs"),
        ({"roster": "D-9"}, DAY, "order-roster-unknown"),
    ],
)
def test_what_may_not_be_kept_is_refused_and_lives_no_day_longer(house, changed, day, code):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    assert hold(house, keeping(receipt, **changed), day) == code
    if code:
        assert kept(house).held is None and tidied(house, OLDEST + timedelta(days=1)) == 1


def test_before_the_rule_of_keeping_nothing_is_kept_for_longer(house):
    begins = date(2026, 11, 27)
    receipt, before = read(house, sent(house, as_csv(some_rows(30)))), PLACED + (begins - DAY) - timedelta(days=1)
    assert hold(house, keeping(receipt, begins, placed_at=before), begins) == "roster-kept-too-long"
    assert Limits.on(begins).longest == 366 and Limits.on(begins - timedelta(days=1)).longest == 0


def test_the_later_order_counts_whichever_comes_first(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    first, hour = keeping(receipt), timedelta(hours=1)
    second = keeping(receipt, LATER - timedelta(days=100), 3, placed_at=PLACED + hour)
    for order in (first, first, second, second):
        assert hold(house, order) == ""
    assert hold(house, first) == "roster-was-kept-since"  # replayed, it lengthens nothing
    assert kept(house).held == rosters.Held(second.placed_at, second.until)
    same = replace(second, order_id="DFT-D-1-4", until=second.until - timedelta(days=1))
    assert hold(house, same) == "roster-was-kept-since"  # of one instant: the farther day


def test_a_note_that_was_not_signed_about_this_list_keeps_nothing(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    other = read(house, sent(house, as_csv(some_rows(31)), roster="D-2"))
    assert hold(house, replace(keeping(other), roster="D-2")) == ""
    note, theirs = (house.places.rosters / name / rosters.HELD for name in ("D-1", "D-2"))
    told = {"roster": "D-1", "placed_at": PLACED.isoformat(), "until": "9999-12-31"}
    forged = seal(rosters.HELD_KIND, told, Signer.new())
    half = seal(rosters.HELD_KIND, {"roster": "D-1"}, house.keys.receipt)
    odd = seal(rosters.HELD_KIND, told | {"until": "kelak"}, house.keys.receipt)
    for content in (theirs.read_bytes(), forged, half, odd, b"", b"9999-12-31"):
        note.write_bytes(content)
        assert kept(house).held is None
    assert tidied(house, OLDEST + timedelta(days=1)) == 1
    assert named(house, receipt) == Refusal("order-roster-destroyed") and kept(house, "D-2").held


def test_what_is_damaged_is_not_promised_to_be_kept(house):
    receipt = read(house, sent(house, as_csv(some_rows(30))))
    (house.places.rosters / "D-1" / rosters.ROWS).write_bytes(b"")
    assert hold(house, keeping(receipt)) == "order-roster-damaged"


def test_what_was_to_be_destroyed_is_never_read_again(house):
    """The order to destroy may be done before the reading that it was about: by another worker, or after this one was
    killed."""
    order = sent(house, as_csv(some_rows(30)))
    gone = RosterDestruction("DFT-D-1-2", "D-1", THEIRS, PLACED)
    assert rosters.destroyed(gone, house.places, house.keys.receipt.public).refusal == DESTROYED
    told = read(house, order)
    assert (told.refusal, told.rows, told.sent) == (DESTROYED, 0, order.sent)
    assert [one.name for one in house.places.rosters.iterdir()] == ["D-1.dihapus"]


def test_a_list_that_is_destroyed_while_it_is_read_does_not_stand_afterwards(house, monkeypatch):
    order, gone = sent(house, as_csv(some_rows(30))), RosterDestruction("DFT-D-1-2", "D-1", THEIRS, PLACED)
    trusted, keep = house.keys.receipt.public, rosters._keep

    def meanwhile(*told):
        assert rosters.destroyed(gone, house.places, trusted).refusal == DESTROYED
        return keep(*told)

    monkeypatch.setattr(rosters, "_keep", meanwhile)
    assert read(house, order).refusal == DESTROYED
    assert [one.name for one in house.places.rosters.iterdir()] == ["D-1.dihapus"]


def test_a_worker_that_was_killed_while_it_destroyed_leaves_nothing_that_could_be_used(house):
    def a_list_half_destroyed():
        receipt = read(house, sent(house, as_csv(some_rows(30))))
        (house.places.rosters / "D-1.dihapus").touch()
        assert named(house, receipt) == Refusal("order-roster-destroyed")

    def nothing_stands() -> bool:
        return [one.name for one in house.places.rosters.iterdir()] == ["D-1.dihapus"]

    order, trusted = sent(house, as_csv(some_rows(30))), house.keys.receipt.public
    gone = RosterDestruction("DFT-D-1-2", "D-1", THEIRS, PLACED)
    for go_on in (
        lambda: tidied(house, READ_ON),
        lambda: read(house, order),
        lambda: rosters.cancelled(order, house.places, trusted),
        lambda: rosters.destroyed(gone, house.places, trusted),
    ):
        a_list_half_destroyed()
        go_on()
        assert nothing_stands()
        (house.places.rosters / "D-1.dihapus").unlink()


class Life(RuleBasedStateMachine):
    """A list in the registry through orders that come late, twice, out of turn or spoiled: it is there exactly as long
    as policy and the latest order of the office say, and once gone it stays gone."""

    placed = Bundle("placed")

    @initialize()
    def a_list(self):
        self.folder = Path(tempfile.mkdtemp())
        self.house = a_house(self.folder / "var")
        self.order = sent(self.house, CONTENT)
        self.receipt = read(self.house, self.order)
        self.day, self.gone = DAY, False
        self.latest: tuple[datetime, date] | None = None

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(target=placed, ago=st.integers(-1, 90), ahead=st.integers(-10, 500), digest=st.sampled_from(["", "0" * 64]))
    def an_order_to_keep(self, ago, ahead, digest):
        at = PLACED + (self.day - DAY) - timedelta(days=ago)
        until = day_of(at) + timedelta(days=ahead)
        return keeping(self.receipt, until, placed_at=at, digest=digest or self.receipt.digest)

    @rule(order=placed)
    def it_is_seen(self, order):
        """Each of them as often as it is drawn, so also again."""
        right = order.digest == self.receipt.digest
        earliest = min(day_of(order.placed_at), self.day)
        right = right and order.until <= earliest + timedelta(days=Limits.on(earliest).longest)
        right = right and (self.latest is None or self.latest <= (order.placed_at, order.until))
        assert (hold(self.house, order, self.day) == "") is (right and not self.gone)
        if right and not self.gone:
            self.latest = (order.placed_at, order.until)

    @rule(days=st.integers(1, 200))
    def time_goes_by(self, days):
        self.day += timedelta(days=days)
        tidied(self.house, self.day)
        self.gone = self.gone or self.day > max(OLDEST, self.latest[1] if self.latest else OLDEST)

    @rule()
    def it_is_read_again(self):
        assert read(self.house, self.order).refusal == (DESTROYED if self.gone else "")

    @precondition(lambda self: self.day > DAY)
    @rule()
    def it_is_destroyed(self):
        rosters.destroyed(
            RosterDestruction("X", "D-1", THEIRS, PLACED), self.house.places, self.house.keys.receipt.public
        )
        self.gone = True

    @invariant()
    def it_is_there_or_gone(self):
        found = named(self.house, self.receipt)
        assert found == Refusal("order-roster-destroyed") if self.gone else isinstance(found, Roster)


CONTENT = as_csv(some_rows(30))
TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_it_opens_under_the_next_storage_key_too(house):
    read(house, sent(house, as_csv(some_rows(30))))
    before = kept(house).table(house.keys.storage)
    assert not isinstance(rewrap(house.var, [house.var / "releases"]), Refusal)
    assert kept(house).table(keys.storage(house.var / "keys")).equals(before)
    with pytest.raises(Damaged):
        kept(house).table(house.keys.storage)


def told_by_the_worker(house, office) -> dict[str, RosterReceipt]:
    assert worker.run(office.registry_url, house.var, once=True) == 0
    key = house.keys.receipt.public
    return {name: RosterReceipt.unsealed(one, key) for name, one in office.envelopes().items()}


def test_the_worker_reads_keeps_and_destroys(house):
    with an_office() as office:
        order = sent(house, as_csv(some_rows(30)), placed_at=now())
        office.place(order.order_id, order.sealed(OFFICE))
        receipt = told_by_the_worker(house, office)[order.order_id]
        hold = keeping(receipt, day_of(now()) + LONGEST, placed_at=now())
        office.place(hold.order_id, hold.sealed(OFFICE))
        told = told_by_the_worker(house, office)
        assert kept(house).held == rosters.Held(hold.placed_at, hold.until)
        gone = RosterDestruction("MSN-1", "D-1", THEIRS, PLACED)
        office.place("MSN-1", gone.sealed(OFFICE))
        told = told_by_the_worker(house, office)
    assert (told[order.order_id].rows, told[hold.order_id].digest) == (30, receipt.digest)
    assert told["MSN-1"].refusal == DESTROYED


def test_an_order_to_destroy_is_done_whatever_its_date(house):
    """A clock that was ahead is no reason to keep a list: nothing orders that again."""
    with an_office() as office:
        order = sent(house, as_csv(some_rows(30)), placed_at=now())
        office.place(order.order_id, order.sealed(OFFICE))
        receipt = told_by_the_worker(house, office)[order.order_id]
        ahead = now() + timedelta(days=3)
        hold, gone = keeping(receipt, placed_at=ahead), RosterDestruction("MSN-1", "D-1", THEIRS, ahead)
        for one in (hold, gone):
            office.place(one.order_id, one.sealed(OFFICE))
        told = told_by_the_worker(house, office)
    assert told[hold.order_id].refusal == "order-from-the-future"
    assert told["MSN-1"].refusal == DESTROYED
    assert named(house, receipt) == Refusal("order-roster-destroyed")


def test_a_list_that_is_taken_back_is_not_read_and_stands_nowhere(house):
    """Whether the worker had not begun, or had read it and was killed before it answered."""
    with an_office() as office:
        for roster, had_read in (("D-1", False), ("D-2", True)):
            order = sent(house, as_csv(some_rows(30)), roster=roster, placed_at=now())
            if had_read:
                assert read(house, order).rows == 30
            office.place(order.order_id, order.sealed(OFFICE))
            office.cancel(order.order_id, Cancellation(order.order_id, now()).sealed(OFFICE))
            gone = RosterDestruction(f"DFT-{roster}-2", roster, THEIRS, now())
            office.place(gone.order_id, gone.sealed(OFFICE))
        told = told_by_the_worker(house, office)
    assert {name: one.refusal for name, one in told.items()} == {
        "DFT-D-1-1": "order-cancelled",
        "DFT-D-1-2": DESTROYED,
        "DFT-D-2-1": "order-cancelled",
        "DFT-D-2-2": DESTROYED,
    }
    assert not [one for one in house.places.rosters.iterdir() if one.is_dir()]
    assert not list(house.places.workspaces.iterdir())


def test_a_worker_hears_between_reading_and_answering_that_nobody_wants_it(house, monkeypatch):
    with an_office() as office:
        order = sent(house, as_csv(some_rows(30)), placed_at=now())
        office.place(order.order_id, order.sealed(OFFICE))
        reads = rosters.read

        def meanwhile(*told):
            receipt = reads(*told)
            assert kept(house).receipt == receipt
            office.cancel(order.order_id, Cancellation(order.order_id, now()).sealed(OFFICE))
            return receipt

        monkeypatch.setattr(rosters, "read", meanwhile)
        told = told_by_the_worker(house, office)
    assert told[order.order_id].refusal == "order-cancelled" and not list(house.places.rosters.iterdir())


def test_an_order_to_keep_of_another_id_keeps_nothing(house):
    with an_office() as office:
        receipt = read(house, sent(house, as_csv(some_rows(30)), placed_at=now()))
        hold = keeping(receipt, day_of(now()) + LONGEST, placed_at=now())
        office.place("DFT-D-1-9", hold.sealed(OFFICE))
        told = told_by_the_worker(house, office)["DFT-D-1-9"]
    assert (told.refusal, told.roster) == ("order-of-another-id", "D-1") and kept(house).held is None


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
