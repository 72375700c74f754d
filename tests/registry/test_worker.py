"""Every order is answered exactly once, whatever happens to the worker, and no half-made package is ever seen."""

import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, a_house, a_plan, an_order
from tests.registry.small import small_release

from bagipakai.core.envelope import Signer, seal
from bagipakai.core.exchange import ORDER_KIND, Order
from bagipakai.core.plan import Asked
from bagipakai.registry import deliver, worker
from bagipakai.registry.engines import EngineError
from bagipakai.registry.engines.duckdb import Engine
from bagipakai.registry.mailbox import Mailbox
from bagipakai.registry.package import package_id, private


@pytest.fixture
def office():
    with an_office() as one:
        yield one


@pytest.fixture
def house(tmp_path):
    house = a_house(tmp_path / "var")
    small_release(house.var / "releases", seal=house.keys.seal)
    return house


def place(office, order: Order, signer: Signer = OFFICE, under: str = "") -> None:
    office.place(under or order.order_id, order.sealed(signer))


def work(office, house) -> int:
    return worker.run(office.registry_url, house.var, once=True)


def test_an_order_is_done_and_receipted(office, house, tmp_path):
    place(office, an_order(a_plan()))
    assert work(office, house) == 0
    receipt = office.receipts(house)["O-1"]
    assert (receipt.refusal, receipt.package) == ("", package_id("O-1"))
    house.open(receipt.package, tmp_path / "hasil")
    assert house.left_behind() == []


def test_several_orders_each_get_their_own_package(office, house):
    for number in range(3):
        place(office, an_order(a_plan(), f"O-{number}"))
    assert work(office, house) == 0
    assert house.packages == sorted(package_id(f"O-{number}") for number in range(3))
    assert {order: one.package for order, one in office.receipts(house).items()} == {
        f"O-{number}": package_id(f"O-{number}") for number in range(3)
    }


def test_a_finished_order_is_not_done_again(office, house):
    place(office, an_order(a_plan()))
    work(office, house)
    before = office.envelopes()
    assert work(office, house) == 0
    assert office.envelopes() == before


def test_orders_that_cannot_be_believed_are_refused_by_receipt(office, house):
    place(office, an_order(a_plan(), "palsu"), Signer.new())
    place(office, an_order(a_plan(), "asli"), under="pindahan")
    office.place("sampah", b"\x00\xff")
    office.place("kosong", b"")
    office.place("lain", seal("text/plain", {"order_id": "lain"}, OFFICE))
    office.place("tanpa-rencana", seal(ORDER_KIND, {"order_id": "tanpa-rencana"}, OFFICE))
    changed = an_order(a_plan(), "berubah").sealed(OFFICE).replace(b'"payload"', b'"payloae"')
    office.place("berubah", changed)
    assert work(office, house) == 0
    found = {order_id: receipt.refusal for order_id, receipt in office.receipts(house).items()}
    assert found.pop("pindahan") == "order-of-another-id"
    assert found == dict.fromkeys(
        ["palsu", "sampah", "kosong", "lain", "tanpa-rencana", "berubah"], "order-seal-mismatch"
    )
    assert house.packages == [] and house.left_behind() == []


def test_an_order_is_not_from_the_future(office, house):
    """It would be judged by rules that are not in force; a clock that is a little ahead does no harm."""
    now = datetime.now(UTC).replace(microsecond=0)
    for order_id, ahead in (("O-1", timedelta(hours=23)), ("O-2", timedelta(hours=25)), ("O-3", timedelta(days=3650))):
        place(office, replace(an_order(a_plan(), order_id), placed_at=now + ahead))
    assert work(office, house) == 0
    found = {order_id: receipt.refusal for order_id, receipt in office.receipts(house).items()}
    assert found == {"O-1": "", "O-2": "order-from-the-future", "O-3": "order-from-the-future"}


@pytest.mark.parametrize("release", ["2026.2.0", "../2026.3.0", "x" * 300, "2026.3.0/../2026.3.0"])
def test_an_unknown_release_is_refused(release, office, house):
    place(office, an_order(a_plan(release=release), release=release))
    assert work(office, house) == 0
    assert office.receipts(house)["O-1"].refusal == "order-release-unknown"


@pytest.mark.parametrize("damage", ["altered", "shortened", "missing", "extra", "manifest"])
def test_nothing_leaves_a_damaged_release_and_what_its_folder_shows_is_noticed_before_it_is_read(
    damage, office, house, monkeypatch
):
    folder = house.var / "releases" / "2026.3.0"
    file = next(iter(sorted((folder / "individu").rglob("*.parquet"))))
    match damage:
        case "altered":
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "shortened":
            file.write_bytes(file.read_bytes()[:-1])
        case "missing":
            file.unlink()
        case "extra":
            (file.parent / "part-1.parquet").write_bytes(file.read_bytes())
        case "manifest":
            (folder / "release.json").write_bytes(b"{}")
    asked, whole = [], Engine.rows
    monkeypatch.setattr(Engine, "rows", lambda *arguments: asked.append(damage) or whole(*arguments))
    place(office, an_order(a_plan()))
    assert work(office, house) == 0
    assert asked == (["altered"] if damage == "altered" else [])
    assert office.receipts(house)["O-1"].refusal == "order-release-damaged"
    assert house.packages == [] and house.left_behind() == []


def test_a_plan_outside_the_rules_is_refused(office, house):
    plan = replace(a_plan("L2"), variables=(Asked("nama", "perlu"),))
    place(office, an_order(plan))
    assert work(office, house) == 0
    assert office.receipts(house)["O-1"].refusal == "plan-variable-above-level"


def test_what_nobody_foresaw_is_refused_after_three_tries_and_leaves_nothing(office, house, monkeypatch, caplog):
    def broken(*_):
        raise EngineError("OutOfMemoryException")
        yield

    monkeypatch.setattr(Engine, "rows", broken)
    place(office, an_order(a_plan()))
    with caplog.at_level(logging.INFO, "bagipakai"):
        assert work(office, house) == 0
    assert office.receipts(house)["O-1"].refusal == "order-failed"
    assert caplog.text.count("OutOfMemoryException") == 3
    assert house.packages == [] and house.left_behind() == []


def test_the_words_of_an_unforeseen_error_are_never_logged(office, house, monkeypatch, caplog):
    """Engines quote the value they stumbled over."""

    def quoting(*_, **__):
        raise ValueError("Could not convert string '3201014503800001'")

    monkeypatch.setattr(deliver, "deliver", quoting)
    place(office, an_order(a_plan()))
    with caplog.at_level(logging.DEBUG):
        work(office, house)
    assert "ValueError" in caplog.text
    assert "3201014503800001" not in caplog.text
    assert b"3201014503800001" not in b"".join(office.envelopes().values())


def test_a_full_disk_is_waited_for(office, house, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    place(office, an_order(a_plan()))
    with monkeypatch.context() as patched:
        patched.setattr(deliver, "publish", full)
        assert work(office, house) == 1
        assert office.envelopes() == {} and house.packages == []
    assert work(office, house) == 0
    assert office.receipts(house)["O-1"].package == package_id("O-1")


def test_an_order_that_another_worker_holds_is_left_to_it(office, house):
    place(office, an_order(a_plan()))
    with Mailbox.open(office.registry_url) as ours, Mailbox.open(office.registry_url) as theirs:
        with theirs.taken("O-1") as letter:
            assert letter is not None
            with ours.taken("O-1") as second:
                assert second is None
            assert worker.Worker(house.var, house.keys).look(ours) is False
            assert house.packages == []
        with ours.taken("O-1") as letter:
            assert letter is not None


def test_a_worker_that_lost_its_session_but_still_writes_is_not_disturbed(office, house):
    """The order's lock is the database's: after a failover nobody holds it, though somebody still works on it."""
    place(office, an_order(a_plan()))
    with private(house.places.workspaces / package_id("O-1")) as workspace:
        (workspace / "half").write_bytes(b"a part in the making")
        assert work(office, house) == 1
        assert (workspace / "half").read_bytes() == b"a part in the making"
        assert house.packages == [] and office.envelopes() == {}
    assert work(office, house) == 0
    assert office.receipts(house)["O-1"].package == package_id("O-1")
    assert house.left_behind() == []


def test_a_receipt_is_never_replaced(office, house):
    place(office, an_order(a_plan()))
    with Mailbox.open(office.registry_url) as mailbox:
        mailbox.answer("O-1", b"first")
        mailbox.answer("O-1", b"second")
    assert office.envelopes() == {"O-1": b"first"}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO exchange.orders (order_id, envelope) VALUES ('x', 'x')",
        "DELETE FROM exchange.orders",
        "UPDATE exchange.receipts SET envelope = 'x'",
        "DELETE FROM exchange.receipts",
        "TRUNCATE exchange.orders CASCADE",
        "CREATE TABLE exchange.mine (x int)",
    ],
)
def test_the_registry_can_only_read_orders_and_add_receipts(statement, office):
    denied = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(office.registry_url, autocommit=True) as connection, denied:
        connection.execute(statement)


def test_a_waiting_worker_is_woken_by_an_order(office, house):
    with Mailbox.open(office.registry_url) as mailbox:
        threading.Timer(0.3, place, (office, an_order(a_plan()))).start()
        began = time.monotonic()
        mailbox.wait(20)
        assert time.monotonic() - began < 10
        assert mailbox.unfinished() == ["O-1"]


def test_a_worker_that_is_asked_to_end_ends(office, house):
    environment = {**os.environ, "BAGIPAKAI_VAR": str(house.var), "REGISTRY_DATABASE_URL": office.registry_url}
    process = subprocess.Popen(
        [sys.executable, "-c", "from bagipakai.cli import main; raise SystemExit(main(['registry', 'worker']))"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert any("worker.ready" in line for line in process.stderr)
    process.terminate()
    assert process.wait(10) == 0
    process.stderr.close()


def test_no_command_of_the_registry_leaves_an_image_of_its_memory_where_it_crashes(tmp_path):
    """Keys and rows are in it, and it lies wherever the system puts it."""
    asked = """
import resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from bagipakai.cli import main
main(["registry", "sources"])
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.splitlines()[-1] == "0"
