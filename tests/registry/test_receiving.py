"""What is handed in is opened, kept and sent back exactly once, whatever happens to the worker."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from tests.handed_in import a_set
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, US, a_house

from bagipakai.cli import main
from bagipakai.core.exchange import Cancellation
from bagipakai.core.intake import RECEIPT_NAME, IntakeReceipt, Piece, SentFile, SubmissionOrder
from bagipakai.core.sources import Sources
from bagipakai.core.submissions import kept_for
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.returned import CameBack, came_back
from bagipakai.registry import keys, receiving, worker
from bagipakai.registry.kept import KEPT, Kept, KeptPart, UnknownKept
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import KEY, Damaged

PLACED = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
CONTRACT = Sources.on(PLACED.date())["pln"]
KILLED = 2  # moments, spread over a run, at which the worker dies


@pytest.fixture
def office():
    with an_office() as one:
        yield one


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def handed_in(house, content: bytes, *, version: int = 1, ending: str = "csv", **changed) -> SubmissionOrder:
    """The order for a set of one file, in pieces of 1,000 bytes that lie sealed in the store."""
    store = house.var / "intake" / str(version)
    store.mkdir(parents=True, exist_ok=True)
    to, pieces = keys.intake(house.var / "keys").to_public(), []
    for at in range(0, len(content), 1000):
        sealed = pyrage.encrypt(content[at : at + 1000], [to])
        sha256 = hashlib.sha256(sealed).hexdigest()
        (store / f"{sha256}.age").write_bytes(sealed)
        pieces.append(Piece(len(content[at : at + 1000]), len(sealed), sha256))
    order = SubmissionOrder(
        order_id=f"KRM-pln-{version}",
        source="pln",
        version=version,
        contract=f"{CONTRACT.version}@{CONTRACT.digest}",
        institution="PLN",
        recipient=str(US.to_public()),
        place=str(version),
        files=(SentFile(ending, tuple(pieces)),),
        policy="f" * 64,
        placed_at=PLACED,
    )
    return replace(order, **changed)


def place(office, order: SubmissionOrder) -> None:
    office.place(order.order_id, order.sealed(OFFICE))


def receipts(office, house) -> dict[str, IntakeReceipt]:
    key = house.keys.receipt.public
    return {order: IntakeReceipt.unsealed(envelope, key) for order, envelope in office.envelopes().items()}


def work(office, house) -> int:
    return worker.run(office.registry_url, house.var, once=True)


def kept(house) -> Path:
    return house.var / "registry" / "submissions" / "pln"


def rows_kept(house, version: int = 1) -> int:
    return len(read_back(house, version))


def read_back(house, version: int = 1) -> pa.Table:
    """The rows that are kept, read as an engine reads them."""
    found = Kept.open(kept(house) / str(version), house.keys.receipt.public)
    with found.reading(house.keys.storage) as shelf:
        return pa.concat_tables(pq.read_table(shelf.open(part.path)) for part in shelf.parts)


def opened(house, receipt: IntakeReceipt, folder: Path, identity: pyrage.x25519.Identity = US) -> CameBack | Refusal:
    package = house.var / "returned" / receipt.package
    return came_back(package, house.keys.receipt.public, Identity(identity), folder)


def test_a_set_is_taken_in_and_its_faulty_rows_go_back(office, house, tmp_path):
    place(office, handed_in(house, a_set(40, 4)))
    assert work(office, house) == 0
    receipt = receipts(office, house)["KRM-pln-1"]
    assert (receipt.received, receipt.accepted, receipt.returned, receipt.refusal) == (40, 36, 4, "")
    assert rows_kept(house) == 36
    assert [(one.rule, one.column, one.rows) for one in receipt.findings] == [("code-is-elsewhere", "kode_desa", 4)]
    back = opened(house, receipt, tmp_path / "kembali")
    assert isinstance(back, CameBack), back
    assert (tmp_path / "kembali" / "baris-0001.csv").read_text().count("Orang Rekaan") == 4
    for folder in (house.var / "registry", kept(house), kept(house) / "1"):
        assert folder.stat().st_mode & 0o077 == 0 or folder == house.var / "registry"
    assert house.left_behind() == []


def test_a_set_that_goes_back_whole_says_why_and_nothing_of_it_is_kept(office, house):
    """By rule, with numbers of rows: what a spreadsheet made of the numbers is in no receipt, and no row is kept."""
    place(office, handed_in(house, re.sub(rb"3201011\d{9}", b"3.2010112088E+15", a_set(40, 0))))
    work(office, house)
    receipt = receipts(office, house)["KRM-pln-1"]
    assert (receipt.refusal, receipt.received, receipt.accepted) == ("set-has-too-many-faults", 40, 0)
    worst = receipt.findings[0]
    assert (worst.rule, worst.column, worst.rows, worst.first[0]) == ("number-was-destroyed", "nik", 40, (1, 2))
    told = dict(receipt.detail)
    assert (told["column"], told["row"], told["share"]) == ("nik", "2", "100,0")
    assert "E+15" not in str(receipt) and (receipt.package, receipt.parts, receipt.kept) == ("", (), "")
    assert not kept(house).exists() and list((house.var / "returned").iterdir()) == []
    assert house.left_behind() == []


def in_the_open(house, word: bytes = b"Orang Rekaan") -> list[Path]:
    """Files of the house in which a row could be read: a name, or a table in clear."""
    content = {path: path.read_bytes() for path in house.var.rglob("*") if path.is_file()}
    return [path for path, bytes_ in content.items() if word in bytes_ or bytes_[:4] == b"PAR1"]


def test_of_what_is_kept_or_sent_back_no_row_lies_in_clear(office, house):
    """Nor of what was uploaded; and the rows read back are those that were accepted."""
    place(office, handed_in(house, a_set(40, 4)))
    work(office, house)
    assert in_the_open(house) == []
    assert [file.name for file in (kept(house) / "1" / "accepted").iterdir()] == ["part-00000.parquet"]
    rows = read_back(house).to_pylist()
    assert len(rows) == 36 and all(row["nama"].startswith("Orang Rekaan") for row in rows)


def test_duckdb_reads_what_is_kept_and_damage_is_told_as_such(house):
    three_versions(house)
    found = Kept.open(kept(house) / "1", house.keys.receipt.public)

    def counted() -> int:
        with found.reading(house.keys.storage) as shelf, duckdb.connect() as engine:
            engine.register_filesystem(shelf)
            ((count,),) = engine.execute("SELECT count(nama) FROM read_parquet($1)", [shelf.parts[0].path]).fetchall()
            return count

    assert counted() == 19
    part = found.folder / found.parts[0].path
    content = bytearray(part.read_bytes())
    content[10] ^= 1
    part.write_bytes(content)
    with pytest.raises(Damaged, match="release-file-altered"):
        counted()


def damage_of(house, act) -> str:
    """What reading back says after `act` did something to the folder."""
    act(kept(house) / "1")
    try:
        read_back(house)
    except Damaged as damage:
        return damage.code
    return ""


def test_what_was_damaged_or_exchanged_is_told_before_a_row_of_it_is_read(office, house):
    for version in (1, 2):
        place(office, handed_in(house, a_set(40, version), version=version))
    work(office, house)
    whole = {path: path.read_bytes() for path in kept(house).rglob("*") if path.is_file()}
    part = "accepted/part-00000.parquet"

    def again() -> None:
        for path, content in whole.items():
            path.write_bytes(content)

    def exchange(*names):
        def act(folder: Path) -> None:
            for name in names:
                (folder / name).write_bytes(whole[kept(house) / "2" / name])

        return act

    def flip(name):
        def act(folder: Path) -> None:
            content = bytearray((folder / name).read_bytes())
            content[len(content) // 2] ^= 1
            (folder / name).write_bytes(content)

        return act

    everything = (part, KEY, KEPT, RECEIPT_NAME)
    for act, codes in (
        (flip(part), {"release-file-altered"}),
        (flip(KEPT), {"release-seal-mismatch"}),
        (flip(RECEIPT_NAME), {"release-seal-mismatch"}),
        (lambda folder: (folder / part).write_bytes(whole[folder / part][:-1]), {"release-file-shortened"}),
        (lambda folder: (folder / part).unlink(), {"release-file-missing"}),
        (lambda folder: (folder / KEY).unlink(), {"release-key-missing"}),
        (exchange(part), {"release-file-shortened", "release-file-extended", "release-file-altered"}),
        (exchange(KEY), {"release-key-malformed"}),
        (exchange(KEPT), {"release-seal-mismatch"}),
        (exchange(*everything), {"release-seal-mismatch"}),
    ):
        assert damage_of(house, act) in codes, codes
        again()
    assert damage_of(house, lambda folder: None) == ""
    kept_one = Kept.open(kept(house) / "1", house.keys.receipt.public)
    with pytest.raises(Damaged, match="another-storage"), kept_one.reading(StorageKey(b"x" * 32)):
        pass
    with pytest.raises(UnknownKept):
        Kept.open(kept(house) / "3", house.keys.receipt.public)


def test_the_command_tells_what_is_kept_and_what_is_damaged(office, house, monkeypatch, capsys):
    place(office, handed_in(house, a_set(40, 4)))
    work(office, house)
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    assert main(["registry", "kept"]) == 0 and capsys.readouterr().out == "pln 1: 36 baris\n"
    found = Kept.open(kept(house) / "1", house.keys.receipt.public)
    assert all(isinstance(one, KeptPart) for one in found.checked(house.keys.storage))
    part = kept(house) / "1" / found.parts[0].path
    part.write_bytes(b"x" * part.stat().st_size)
    assert main(["registry", "kept"]) == 1
    assert "kept-rows-damaged" in capsys.readouterr().err


def test_what_nothing_is_wrong_with_sends_nothing_back(office, house):
    place(office, handed_in(house, a_set(10, 0)))
    work(office, house)
    receipt = receipts(office, house)["KRM-pln-1"]
    assert (receipt.accepted, receipt.returned, receipt.package, receipt.parts) == (10, 0, "", ())
    assert list((house.var / "returned").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"institution": "KEMENSOS"}, "source-is-not-theirs"),
        ({"source": "lain"}, "source-is-not-theirs"),
        ({"contract": "2026.1@" + "0" * 64}, "contract-was-changed"),
        ({"recipient": "age1x"}, "order-recipient-key-unusable"),
        ({"place": "999"}, "intake-piece-differs"),
        ({"files": (SentFile("csv", (Piece(5, 205, "0" * 64),)),)}, "intake-piece-differs"),
    ],
)
def test_an_order_that_does_not_hold_is_refused_and_nothing_is_kept(changed, code, office, house):
    place(office, handed_in(house, a_set(5, 0), **changed))
    assert work(office, house) == 0
    assert receipts(office, house)["KRM-pln-1"].refusal == code
    assert not kept(house).exists() and house.left_behind() == []


def test_a_piece_in_another_place_is_not_the_one_that_was_sent(office, house):
    """Two pieces whose files were exchanged, and one that was sealed to somebody else."""
    order = handed_in(house, a_set(40, 0))
    first, second, *_ = (house.var / "intake" / "1" / f"{one.sealed_sha256}.age" for one in order.files[0].pieces)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    place(office, order)
    work(office, house)
    assert receipts(office, house)["KRM-pln-1"].refusal == "intake-piece-differs"


def test_a_set_that_breaks_its_contract_goes_back_whole_and_no_value_is_told(office, house):
    place(office, handed_in(house, b"3201010101010001,Orang Rekaan\n" * 5))
    work(office, house)
    (envelope,) = office.envelopes().values()
    receipt = receipts(office, house)["KRM-pln-1"]
    assert receipt.refusal and b"3201010101010001" not in envelope and "Rekaan" not in repr(receipt)
    assert not kept(house).exists() and list((house.var / "returned").iterdir()) == []


def test_an_order_for_a_package_and_one_to_take_in_do_not_get_in_each_others_way(office, house):
    office.place("sampah", b"\x00")
    place(office, handed_in(house, a_set(5, 0)))
    assert work(office, house) == 0
    assert set(office.envelopes()) == {"sampah", "KRM-pln-1"}


def test_the_recipients_tool_opens_nothing_that_is_not_whole_and_its_own(office, house, tmp_path):
    place(office, handed_in(house, a_set(40, 4)))
    work(office, house)
    receipt = receipts(office, house)["KRM-pln-1"]
    package, out = house.var / "returned" / receipt.package, tmp_path / "kembali"
    part, told = package / "baris-0001.csv.age", package / RECEIPT_NAME
    whole, signed = part.read_bytes(), told.read_bytes()

    def code(identity: pyrage.x25519.Identity = US) -> str:
        outcome = opened(house, receipt, out, identity)
        assert not out.exists() or isinstance(outcome, CameBack)
        return "" if isinstance(outcome, CameBack) else outcome.code

    assert code(pyrage.x25519.Identity.generate()) == "another-recipient"
    part.write_bytes(whole[:-1])
    assert code() == "part-shortened"
    part.write_bytes(whole[:-1] + b"x")
    assert code() == "part-altered"
    part.unlink()
    assert code() == "file-missing"
    part.write_bytes(whole)
    told.write_bytes(signed.replace(b'"keyid"', b'"keyjd"'))
    assert code() == "intake-receipt-mismatch"
    told.unlink()
    assert code() == "intake-receipt-missing"
    told.write_bytes(signed)
    assert code() == ""


# What its sender does not want any more.


def cancel(office, order_id: str) -> None:
    """As control.orders does."""
    with psycopg.connect(office.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO exchange.cancellations (order_id, envelope) VALUES (%s, %s)",
            [order_id, Cancellation(order_id, PLACED).sealed(OFFICE)],
        )


def nothing_is_kept(office, house) -> bool:
    """Nothing was kept, sent back or left, and the receipt says so."""
    receipt = receipts(office, house)["KRM-pln-1"]
    left = [*kept(house).glob("*/*"), *(house.var / "returned").iterdir(), *house.left_behind()]
    return (receipt.refusal, receipt.sent != "", left) == ("order-cancelled", True, [])


def test_what_was_cancelled_before_a_worker_came_is_not_opened(office, house, monkeypatch):
    place(office, handed_in(house, a_set(40, 4)))
    cancel(office, "KRM-pln-1")
    monkeypatch.setattr(receiving, "receive", None)
    assert work(office, house) == 0 and nothing_is_kept(office, house)


@pytest.mark.parametrize("moment", ["told of its first bytes", "kept, and not answered"])
def test_what_is_cancelled_while_it_is_taken_in_leaves_nothing(moment, office, house, monkeypatch):
    place(office, handed_in(house, a_set(40, 4)))
    whole = receiving.receive

    def receive(*arguments):
        if moment == "kept, and not answered":
            whole(*arguments)
            assert (kept(house) / "1" / KEY).is_file()
            cancel(office, "KRM-pln-1")
            return whole(*arguments)
        cancel(office, "KRM-pln-1")
        return whole(*arguments)

    monkeypatch.setattr(receiving, "receive", receive)
    monkeypatch.setattr(worker, "OFTEN", 0.0)
    assert work(office, house) == 0 and nothing_is_kept(office, house)


def three_versions(house) -> receiving.Stores:
    """Sent on three days in a row; faulty rows of each came back."""
    stores, identity = receiving.Stores.under(house.var), keys.intake(house.var / "keys")
    for version in (1, 2, 3):
        order = handed_in(house, a_set(20, 1), version=version, placed_at=PLACED + timedelta(days=version))
        receiving.receive(order, house.keys.receipt, house.keys.storage, identity, stores)
    return stores


def test_a_superseded_version_is_destroyed_when_its_time_is_over_and_the_newest_never(house):
    stores, trusted = three_versions(house), house.keys.receipt.public
    second = PLACED.date() + timedelta(days=2)  # superseded the first
    life = kept_for(PLACED.date())
    assert receiving.tidy(stores, trusted, second + life - timedelta(days=1)) == 0
    gone = Kept.open(kept(house) / "1", trusted).receipt.package
    (kept(house) / ".0.dihapus").mkdir()  # of a worker that was killed over it
    assert receiving.tidy(stores, trusted, second + life) == 1
    assert sorted(path.name for path in kept(house).iterdir()) == ["2", "3"], "and nothing hidden"
    assert gone not in {path.name for path in stores.returned.iterdir()} and len(list(stores.returned.iterdir())) == 2
    assert receiving.tidy(stores, trusted, second + 100 * life) == 1 and rows_kept(house, 3) == 19


def test_a_worker_tidies_once_a_day_and_leaves_what_is_damaged_to_be_looked_at(house, caplog):
    three_versions(house)
    one, later = worker.Worker(house.var, house.keys), PLACED.date() + 3 * kept_for(PLACED.date())
    (kept(house) / "1" / KEPT).write_bytes(b"{}")
    one.tidy(later)
    assert sorted(path.name for path in kept(house).iterdir()) == ["1", "3"]
    assert "intake.not_tidied folder=pln/1 code=release-seal-mismatch" in caplog.text
    three_versions(house)
    one.tidy(later)
    assert (kept(house) / "2").is_dir()
    one.tidy(later + timedelta(days=1))
    assert not (kept(house) / "2").exists()


# Killed by its own hand at the n-th moment at which it touches a folder of intake, its workspace or the mailbox.

CHILD = """
import os, signal, sys
at, var, seen = int(sys.argv[1]), os.environ["BAGIPAKAI_VAR"], 0

def moment(*_):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

PLACES = tuple(f"{var}/{name}" for name in ("worker", "returned", "registry/submissions", "intake"))

def hook(event, arguments):
    if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}:
        names = [os.fsdecode(one) for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
        if any(name.startswith(PLACES) for name in names):
            moment()

from bagipakai.cli import main
from bagipakai.registry.mailbox import Mailbox
answer = Mailbox.answer
def answered(*arguments):
    moment(); answer(*arguments); moment()
Mailbox.answer = answered
sys.addaudithook(hook)
code = main(["registry", "worker", "--once"])
print(seen)
raise SystemExit(code)
"""


def child(office, house, at: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BAGIPAKAI_VAR": str(house.var), "REGISTRY_DATABASE_URL": office.registry_url}
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(at)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_killed_at_any_moment_the_next_start_takes_in_once(office, house, tmp_path):
    place(office, handed_in(house, a_set(40, 4), version=1))
    whole = child(office, house, 0)
    moments = int(whole.stdout)
    assert whole.returncode == 0 and moments > 25, whole.stderr
    undisturbed = receipts(office, house)["KRM-pln-1"]
    last_ones = range(moments - 2, moments + 1)  # around publishing and answering
    for version, at in enumerate(sorted({*last_ones, *(1 + moments * n // KILLED for n in range(KILLED))}), start=2):
        place(office, handed_in(house, a_set(40, 4), version=version))
        killed = child(office, house, at)
        assert killed.returncode == -signal.SIGKILL, (at, killed.stderr)
        assert all(house.var / "worker" in path.parents for path in in_the_open(house)), at
        assert work(office, house) == 0
        receipt = receipts(office, house)[f"KRM-pln-{version}"]
        assert (receipt.kept, receipt.accepted, receipt.returned) == (undisturbed.kept, 36, 4), at
        assert rows_kept(house, version) == 36 and house.left_behind() == []
        assert isinstance(opened(house, receipt, tmp_path / str(version)), CameBack), at
        assert (kept(house) / str(version) / RECEIPT_NAME).read_bytes() == office.envelopes()[receipt.order_id]
    assert sorted(one.package for one in receipts(office, house).values()) == sorted(
        one.name for one in (house.var / "returned").iterdir()
    )


def test_what_was_receipted_already_is_said_again(house):
    order = handed_in(house, a_set(40, 4))
    stores, identity = receiving.Stores.under(house.var), keys.intake(house.var / "keys")
    first = receiving.receive(order, house.keys.receipt, house.keys.storage, identity, stores)
    assert receiving.receive(order, house.keys.receipt, house.keys.storage, identity, stores) == first
    again = handed_in(house, a_set(40, 2))  # another set under the same name: what is kept is what was ordered last
    assert receiving.receive(again, house.keys.receipt, house.keys.storage, identity, stores).returned == 2
    assert rows_kept(house) == 38
