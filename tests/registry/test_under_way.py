"""An order under way tells how far it is, can be cancelled at any moment, and is then gone without a trace."""

import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, a_house, a_plan, an_order
from tests.registry.small import EDITION, small_release

from bagipakai.cli import main
from bagipakai.core.envelope import Signer
from bagipakai.core.exchange import Cancellation, Receipt, Step
from bagipakai.core.plan import Area, Format
from bagipakai.core.progress import Progress
from bagipakai.registry import deliver, engines, worker
from bagipakai.registry.engines import duckdb
from bagipakai.registry.mailbox import Mailbox
from bagipakai.registry.package import package_id
from bagipakai.registry.releases import Release
from bagipakai.showing import INTERRUPTED

BATCH = 7  # rows: a small release in many batches


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = a_house(tmp_path_factory.mktemp("gudang") / "var")
    small_release(house.var / "releases", seal=house.keys.seal)
    return house


@pytest.fixture(scope="module")
def office():
    with an_office() as one:
        yield one


@pytest.fixture
def small_batches(monkeypatch):
    for module in (engines, duckdb):
        monkeypatch.setattr(module, "BATCH", BATCH)
    monkeypatch.setattr(worker, "OFTEN", 0.0)


def heard(house, plan, order_id="O-1") -> list[Progress]:
    told: list[Progress] = []
    order = an_order(plan, order_id)
    release = Release.open(house.var / "releases", order.release, trusted=[house.keys.seal.public])
    assert not deliver.deliver(order, release, house.keys, house.places, told=told.append).refusal
    return told


@pytest.mark.parametrize("level", ["L1", "L2", "L4"])
def test_the_sub_steps_are_told_in_the_order_of_the_regulation(level, house, small_batches):
    plan = a_plan(level, variables=("jenis_kelamin",) if level == "L1" else ())
    told = heard(house, plan, f"langkah-{level}")
    stages = list(dict.fromkeys(one.stage for one in told))
    assert stages == [step.value for step in Step]


@pytest.mark.parametrize("unit", ["individu", "keluarga"])
def test_as_rows_stream_the_persons_passed_are_told_up_to_the_last_one(unit, house, small_batches):
    told = [one for one in heard(house, a_plan("L4", unit), f"baris-{unit}") if one.of]
    done = [one.done for one in told]
    assert len(done) > 3 and done == sorted(done)
    assert done[-1] == told[-1].of == Release.open(house.var / "releases", "2026.3.0").person_count


def test_of_a_part_of_the_nation_only_its_own_persons_are_counted(house, small_batches):
    release = Release.open(house.var / "releases", "2026.3.0")
    for regency in ("3201", "3273", "5171"):
        told = heard(house, a_plan("L4", area=Area((regency,), EDITION)), f"wilayah-{regency}")
        assert told[-3].done == told[-3].of == release.persons_in((regency,)) < release.person_count


BEGAN = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "of", "seconds", "rate", "left"),
    [
        (0, 1000, 10, None, None),
        (500, 1000, 10, 50.0, timedelta(seconds=10)),
        (500, None, 10, 50.0, None),
        (1200, 1000, 10, 120.0, timedelta(0)),
        (5, 10, 0, None, None),
        (5, 10, -3, None, None),
        (1, 10**12, 10, 0.1, timedelta(days=1000)),
    ],
)
def test_rate_and_time_left_are_the_readers_sums(done, of, seconds, rate, left):
    progress = Progress("FORMATTING", BEGAN, done, of)
    now = BEGAN + timedelta(seconds=seconds)
    assert progress.rate(now) == rate
    assert progress.left(now) == left


# The worker, the mailbox and a cancellation.


def work(office, house) -> int:
    return worker.run(office.registry_url, house.var, once=True)


def cancel(office, order_id, signer=OFFICE, about=None) -> None:
    envelope = Cancellation(about or order_id, BEGAN).sealed(signer)
    with psycopg.connect(office.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO exchange.cancellations (order_id, envelope) VALUES (%s, %s)", [order_id, envelope]
        )


def answered(office, house, order_id) -> str:
    """The refusal of the order's receipt, or that there is a package."""
    receipt = Receipt.unsealed(office.envelopes()[order_id], house.keys.receipt.public)
    return receipt.refusal or receipt.package


def is_gone(house, order_id) -> bool:
    names = [*house.packages, *(file.name for file in house.places.membership.iterdir())]
    return not any(name.startswith(package_id(order_id)) for name in names) and not house.left_behind()


def test_a_worker_writes_how_far_it_is_for_the_office_to_read(office, house, small_batches):
    office.place("kemajuan", an_order(a_plan(), "kemajuan").sealed(OFFICE))
    assert work(office, house) == 0
    with psycopg.connect(office.url) as connection:
        (row,) = connection.execute(
            "SELECT stage, done, of, unit FROM exchange.progress WHERE order_id = 'kemajuan'"
        ).fetchall()
    assert row == ("PROVISIONING", 0, None, "persons")


def test_between_two_times_a_second_passes_unless_a_new_stage_begins(office, house, monkeypatch):
    written = []
    monkeypatch.setattr(Mailbox, "tell", lambda _, order_id, progress: written.append(progress.stage))
    for module in (engines, duckdb):
        monkeypatch.setattr(module, "BATCH", BATCH)
    office.place("jarang", an_order(a_plan(), "jarang").sealed(OFFICE))
    monkeypatch.setattr(worker, "OFTEN", 3600.0)
    assert work(office, house) == 0
    assert written == [step.value for step in Step]


def test_an_order_that_was_cancelled_before_a_worker_came_is_not_begun(office, house):
    office.place("batal", an_order(a_plan(), "batal").sealed(OFFICE))
    cancel(office, "batal")
    assert work(office, house) == 0
    assert answered(office, house, "batal") == "order-cancelled"
    assert is_gone(house, "batal")


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX, Format.PARQUET])
def test_cancelled_at_any_moment_an_order_leaves_nothing_behind(form, office, house, small_batches, monkeypatch):
    """At each moment at which the worker looks, from the first to the last."""
    moments = len(heard(house, a_plan("L2", format=form), f"semua-{form}"))
    assert moments > 8
    whole, at = Mailbox.tell, 0

    def tell(mailbox, order_id, progress):
        nonlocal at
        at -= 1
        if at == 0:
            cancel(office, order_id)
        whole(mailbox, order_id, progress)

    monkeypatch.setattr(Mailbox, "tell", tell)
    for moment in sorted({1, 2, 3, moments // 2, *range(moments - 2, moments + 2)}):
        order_id, at = f"batal-{form}-{moment}", moment
        office.place(order_id, an_order(a_plan("L2", format=form), order_id).sealed(OFFICE))
        assert work(office, house) == 0
        assert at <= 0 and answered(office, house, order_id) == "order-cancelled"
        assert is_gone(house, order_id)


def test_cancelled_when_the_package_stood_already_but_was_not_answered_it_is_taken_away(office, house, monkeypatch):
    """A worker that was killed between publishing and answering; and one that is overtaken there."""
    whole = deliver.deliver

    def and_then_cancelled(order, *arguments, **names):
        receipt = whole(order, *arguments, **names)
        assert package_id(order.order_id) in house.packages
        cancel(office, order.order_id)
        return receipt

    monkeypatch.setattr(deliver, "deliver", and_then_cancelled)
    office.place("terbit", an_order(a_plan(), "terbit").sealed(OFFICE))
    assert work(office, house) == 0
    assert answered(office, house, "terbit") == "order-cancelled" and is_gone(house, "terbit")


def test_whoever_takes_the_turn_first_is_the_one_that_counts(office, house):
    """While a worker answers, the office waits; then it sees the answer."""
    office.place("giliran", an_order(a_plan(), "giliran").sealed(OFFICE))
    seen = []

    def the_office():
        with psycopg.connect(office.url) as connection:
            connection.execute("SELECT exchange.turn('giliran')")
            seen.append(connection.execute("SELECT * FROM exchange.receipts WHERE order_id = 'giliran'").rowcount)

    with Mailbox.open(office.registry_url) as mailbox:
        with mailbox.turn("giliran"):
            thread = threading.Thread(target=the_office)
            thread.start()
            thread.join(0.3)
            assert thread.is_alive() and seen == []
            mailbox.answer("giliran", b"jawaban")
        thread.join(10)
    assert seen == [1]


def test_a_cancellation_that_the_office_did_not_sign_says_nothing(office, house):
    for order_id, signer, about in (("palsu", Signer.new(), None), ("lain", OFFICE, "palsu")):
        office.place(order_id, an_order(a_plan(), order_id).sealed(OFFICE))
        cancel(office, order_id, signer, about)
        assert work(office, house) == 0
        assert answered(office, house, order_id) == package_id(order_id)


def test_a_mailbox_that_cannot_be_reached_meanwhile_stops_no_work(office, house, monkeypatch):
    def unreachable(*_):
        raise psycopg.OperationalError

    office.place("putus", an_order(a_plan(), "putus").sealed(OFFICE))
    monkeypatch.setattr(Mailbox, "tell", unreachable)
    assert work(office, house) == 0
    assert answered(office, house, "putus") == package_id("putus")


def test_a_worker_that_is_interrupted_leaves_nothing_in_clear_and_the_next_one_finishes(
    office, house, small_batches, monkeypatch, capsys
):
    """Ctrl-C while a workbook is being made: the command ends with 130 and says that the order is done anew."""
    whole, moments = Mailbox.tell, 0

    def tell(mailbox, order_id, progress):
        nonlocal moments
        moments += 1
        if moments == 6:
            assert house.left_behind() != []
            raise KeyboardInterrupt
        whole(mailbox, order_id, progress)

    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    monkeypatch.setenv("REGISTRY_DATABASE_URL", office.registry_url)
    monkeypatch.setattr(Mailbox, "tell", tell)
    before = signal.getsignal(signal.SIGTERM)
    office.place("sela", an_order(a_plan("L4", format=Format.XLSX), "sela").sealed(OFFICE))
    assert main(["registry", "worker", "--once"]) == INTERRUPTED == 130
    assert is_gone(house, "sela") and "sela" not in office.envelopes()
    assert "dikerjakan dari awal" in capsys.readouterr().err
    assert main(["registry", "worker", "--once"]) == 0
    assert answered(office, house, "sela") == package_id("sela")
    signal.signal(signal.SIGTERM, before)


def test_however_an_office_and_a_worker_race_there_is_one_outcome(office, house, monkeypatch):
    """The office cancels as control.orders does, at a random moment of an order's life, answering included."""
    monkeypatch.setattr(worker, "OFTEN", 0.0)
    dice, seen = random.Random(), set()
    for number in range(16):
        order_id = f"lomba-{number}"
        office.place(order_id, an_order(a_plan("L2"), order_id).sealed(OFFICE))
        works = threading.Thread(target=work, args=(office, house))
        works.start()
        time.sleep(dice.random() * 0.25)
        with psycopg.connect(office.url) as connection:
            connection.execute("SELECT exchange.turn(%s)", [order_id])
            accepted = not connection.execute("SELECT FROM exchange.receipts WHERE order_id = %s", [order_id]).rowcount
            if accepted:
                connection.execute(
                    "INSERT INTO exchange.cancellations (order_id, envelope) VALUES (%s, %s)",
                    [order_id, Cancellation(order_id, BEGAN).sealed(OFFICE)],
                )
        works.join(60)
        assert answered(office, house, order_id) == ("order-cancelled" if accepted else package_id(order_id))
        assert (package_id(order_id) in house.packages) is not accepted and house.left_behind() == []
        seen.add(accepted)
    assert True in seen
