"""One source handed in: a provider uploads a set with a few faulty rows, the registry takes it in, and what came back
is opened with the recipient's tool. All people in it are invented."""

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bagipakai.control import commands, inflows, intake_receipts, keys, submissions
from bagipakai.control.models import Submission
from bagipakai.core.intake import RECEIPT_NAME
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role
from bagipakai.core.submissions import Action, Status
from bagipakai.demo import readying, story, watching
from bagipakai.demo.processes import Stopped, bagipakai, passed
from bagipakai.demo.readying import recipient_key
from bagipakai.demo.signatures import signed_by

SOURCE = "pln"
CUSTOMERS = 400
VILLAGE, ELSEWHERE = "3201011001", "5203012001"
HEAD = (
    *("id_pln", "nik", "nama", "alamat", "kode_prov", "kode_kab", "kode_kec", "kode_desa"),
    *("daya_listrik", "penerima_subsidi_listrik", "tanggal_pasang", "tanggal_putus"),
)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What came of it, as `summary.json` tells it."""

    source: str
    version: int
    received: int
    accepted: int
    returned: int
    opened: bool


def hand_in(keep: Path) -> HandedIn:
    """Walks one submission to the opened rows that came back. Raises Stopped with the sentence of whoever said no."""
    readying.hand_in_key(keep, story.PROVIDER)
    sender = story.officer(story.PROVIDER, Role.SOURCE_PROVIDER)
    _settle_what_was_left()
    row = passed(submissions.begin(sender, SOURCE))
    file, inflow = io.BytesIO(a_set()), inflows.Inflow(row, sender, "pelanggan-listrik.csv")
    while block := file.read(64 * 1024):
        inflow.feed(block)
    if no := inflow.end():
        passed(no)
    signed_by(sender, submissions, row.pk, Action.SUBMIT, {}, submissions.state(row).n)
    bagipakai("registry", "worker", "--once")
    commands.work()
    receipt, told = intake_receipts.receipt(row), submissions.state(row).outcome
    if receipt is None or told is None:
        raise Stopped("Gudang data belum menjawab kiriman. Lihat catatan pekerjanya, lalu ulangi peragaan.")
    if receipt.refusal:
        passed(Refusal(receipt.refusal, dict(receipt.detail)))
    watching.wait_for(told.package, told.receipt)
    package = keep / receipt.package
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    (package / RECEIPT_NAME).write_bytes(intake_receipts.receipt_envelope(row) or b"")
    for part in receipt.parts:
        shutil.copyfile(passed(intake_receipts.fetch(row, sender, part.name)), package / part.name)
    opened = keep / f"baris-kembali-{receipt.version}"
    shutil.rmtree(opened, ignore_errors=True)
    by = ("--registry", keys.folder() / "public" / "receipt.pub.pem", "--key", recipient_key(keep, story.PROVIDER))
    report = json.loads(bagipakai("recipient", "returned", package, *by, "--out", opened, "--json"))
    counts = (receipt.received, receipt.accepted, receipt.returned)
    return HandedIn(receipt.source, receipt.version, *counts, bool(report["opened"]))


def a_set() -> bytes:
    """The customers: all sound but four, each wrong in a way of its own."""
    lines = [",".join(HEAD)]
    for number in range(1, CUSTOMERS + 1):
        name, village, since = f"Pelanggan Peragaan {number}", VILLAGE, "2019-07-31"
        match number:
            case 17:
                name = ""
            case 101:
                village = ELSEWHERE
            case 202:
                since = "31/07/19"
            case 303:
                village = "9999999999"
        place = f"{VILLAGE[:2]},{VILLAGE[:4]},{VILLAGE[:6]},{village}"
        lines.append(
            f"{530000000000 + number},32010117058{number:05d},{name},Jalan Peragaan {number},{place},2,ya,{since},"
        )
    return ("\n".join(lines) + "\n").encode()


def _settle_what_was_left() -> None:
    """A run before this one may have been broken off in the middle."""
    sender = story.officer(story.PROVIDER, Role.SOURCE_PROVIDER)
    for row in Submission.objects.filter(source=SOURCE, status__in=submissions.UNDER_WAY):
        if row.status == Status.SUBMITTED:
            bagipakai("registry", "worker", "--once")
            commands.work()
        else:
            passed(submissions.handle(row.pk, Action.WITHDRAW, sender))
