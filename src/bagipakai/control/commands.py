"""`bagipakai control …`: preparing the office's database and running its worker."""

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from bagipakai.control import custody_commands as custody
from bagipakai.control.passkeys import commands as passkeys
from bagipakai.control.trail import commands as trail

log = logging.getLogger("bagipakai.control.worker")

PAUSE = 2.0  # seconds between two looks into the mailbox, if nobody rings
TIDY_EVERY = 60.0  # seconds


def register(subparsers: Any) -> None:
    """Adds the commands of this room."""
    setup = subparsers.add_parser("setup", help="siapkan basis data, peran, dan kunci kantor")
    setup.set_defaults(run=_setup)
    worker = subparsers.add_parser("worker", help="ambil tanda terima, catat yang berakhir")
    worker.add_argument("--once", action="store_true", help="kerjakan yang ada, lalu berhenti")
    worker.set_defaults(run=_worker)
    hear = subparsers.add_parser(
        "announce", help="catat yang diumumkan gudang data di bawah segelnya: rilis, atau mutu pemadanan"
    )
    hear.add_argument(
        "file",
        type=Path,
        metavar="BERKAS",
        help="dari: bagipakai registry announce, atau registry matching-report --announce",
    )
    hear.set_defaults(run=_announce)
    back = subparsers.add_parser(
        "withdraw-release", help="tarik rilis: unduhan dan pesanan darinya berhenti saat itu juga"
    )
    back.add_argument("version", metavar="VERSI", help="rilis yang ditarik, misalnya 2026.3.0")
    back.add_argument("--by", required=True, metavar="SUREL", help="pejabat Pengendali yang memutuskan")
    back.add_argument("--reason", required=True, metavar="ALASAN", help="dibaca setiap pemegang salinan")
    back.set_defaults(run=_withdraw)
    verify = subparsers.add_parser("verify", help="periksa keutuhan buku kejadian, dan bahwa jejak berkata sama")
    verify.set_defaults(run=_verify)
    custody.register(subparsers)
    passkeys.register(subparsers)
    trail.register(subparsers)


def prepare() -> None:
    """Migrates the database (tables, fences, mailbox, trail, roles and what each may do) and makes the office's keys.
    Run again, it changes nothing. Django must be set up, and the owner's address known."""
    from django.core.management import call_command

    from bagipakai.control import circumstances, keys
    from bagipakai.control.trail import house

    call_command("migrate", database="owner", interactive=False, verbosity=0)
    grant("owner")
    keys.establish()
    house.establish()
    circumstances.policies()


def grant(alias: str) -> None:
    """Gives each role its rights in the database that `alias` owns: all of them, whatever they were before."""
    from django.db import connections

    with connections[alias].cursor() as cursor:
        cursor.execute((Path(__file__).parent / "migrations" / "sql" / "rights.sql").read_text())


def _setup(_: argparse.Namespace) -> int:
    _django()
    prepare()
    print("Kantor siap: basis data, peran, dan kunci.")
    return 0


def _worker(options: argparse.Namespace) -> int:
    _django()
    from django.db import close_old_connections, connection

    from bagipakai.control.trail import running

    try:
        if running.stopped_at_the_start(connection):
            return running.STOPPED
    except FileNotFoundError as missing:  # without witnesses nothing leaves, and there is nobody to ask
        log.warning("worker.no_witnesses file=%s", Path(missing.filename).name)
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    tidied = 0.0
    while not stopping:
        close_old_connections()
        work()
        if time.monotonic() - tidied > TIDY_EVERY or options.once:
            tidy()
            tidied = time.monotonic()
        if options.once:
            break
        connection.ensure_connection()
        connection.connection.execute("LISTEN receipts")  # again each time: the connection may be a new one
        for _ in connection.connection.notifies(timeout=PAUSE, stop_after=1):
            pass
    return 0


def work() -> int:
    """Collects what came back and lets waiting requests go on. Returns how many receipts were collected."""
    from bagipakai.control import intake_receipts, keys, order_receipts, reviews, roster_receipts

    try:
        collected = order_receipts.collect() + intake_receipts.collect()
        return collected + roster_receipts.collect() + reviews.collect()
    except keys.KeyMissing as missing:
        log.warning("worker.key_missing file=%s", missing)
        return 0


def tidy() -> None:
    """Writes down what has become true by time alone."""
    from bagipakai.control import (
        access,
        circumstances,
        entrance,
        inflows,
        readiness,
        requests,
        reviews,
        rosters,
        submissions,
    )

    counts = (
        readiness.tidy(),
        access.tidy(),
        requests.follow_up(),
        entrance.tidy(),
        submissions.tidy(),
        rosters.tidy(),
    )
    inflows.tidy()
    if expired := reviews.tidy():
        log.info("worker.tidied sheets=%d", expired)
    if ordered := requests.follow_releases():
        log.info("worker.followed releases=%d", ordered)
    noticed = circumstances.notice()
    if any(counts):
        log.info("worker.tidied readiness=%d access=%d requests=%d failures=%d submissions=%d rosters=%d", *counts)
    if noticed:
        log.info("worker.noticed changes=%d", noticed)


def _announce(options: argparse.Namespace) -> int:
    _django()
    from bagipakai.control import announcements, keys, matching_quality, wording
    from bagipakai.core.envelope import BadSeal, kind_of
    from bagipakai.core.matching_quality import QUALITY_KIND

    try:
        envelope = options.file.read_bytes()
        if kind_of(envelope) == QUALITY_KIND:
            stated = matching_quality.hear(envelope)
            day = wording.calendar_day(stated.measured_on)
            print(f"Mutu pemadanan tercatat: model {stated.statement['model']}, diukur {day}.")
            return 0
        release = announcements.hear(envelope)
    except OSError:
        print("Berkas pengumuman tidak dapat dibaca.", file=sys.stderr)
    except (BadSeal, keys.KeyMissing):
        print("Pengumuman tidak disegel gudang data ini; minta yang baru, jangan dipakai.", file=sys.stderr)
    except ValueError:
        print("Versi ini sudah dicatat dengan sidik lain: rilis yang terbit tidak dapat berubah.", file=sys.stderr)
    else:
        sizes = f"{wording.number(release.persons)} orang, {wording.number(release.families)} keluarga"
        if release.withdrawn_at is None:
            print(f"Rilis {release.version} dapat diminta: {sizes}.")
        else:
            print(f"Rilis {release.version} tercatat sebagai rilis yang ditarik: {sizes}.")
        return 0
    return 1


def _withdraw(options: argparse.Namespace) -> int:
    _django()
    from bagipakai.control import recall
    from bagipakai.control.models import Person
    from bagipakai.core.refusal import Refusal

    person = Person.objects.filter(email=options.by).first()
    if person is None:
        print("Tidak ada pejabat dengan alamat itu.", file=sys.stderr)
        return 1
    outcome = recall.withdraw(options.version, options.reason, person)
    if isinstance(outcome, Refusal):
        print(f"{outcome.sentence()} [{outcome.code}]", file=sys.stderr)
        return 1
    held = sum(1 for _ in recall.grants_of(outcome.version))
    print(f"Rilis {outcome.version} ditarik dan dicatat di jejak; {held} pemegang salinan diberi tahu.")
    return 0


def _verify(_: argparse.Namespace) -> int:
    _django()
    from bagipakai.control import ledger
    from bagipakai.control.models import (
        Event,
        Grant,
        GrantEvent,
        Institution,
        KeyEvent,
        Person,
        ReadinessEvent,
        ReadinessReview,
        RecipientKeyEvent,
        Request,
        Roster,
        RosterEvent,
        Sheet,
        SheetEvent,
        Submission,
        SubmissionEvent,
    )
    from bagipakai.control.trail import auditing, house

    broken = []
    chains = (
        (Event, Request),
        (ReadinessEvent, ReadinessReview),
        (GrantEvent, Grant),
        (KeyEvent, Person),
        (RecipientKeyEvent, Institution),
        (SubmissionEvent, Submission),
        (RosterEvent, Roster),
        (SheetEvent, Sheet),
    )
    for kind, subjects in chains:
        for subject in subjects.objects.order_by("pk").iterator():
            at = ledger.broken_at(kind, subject)
            if at is not None:
                broken.append(f"{kind.__name__} {subject.pk}: catatan ke-{at}")
    for one in broken:
        print(f"Rusak: {one}", file=sys.stderr)
    print("Semua catatan utuh." if not broken else f"{len(broken)} rangkaian rusak.")
    differs = [*auditing.differences(house.store()), *auditing.untold()]
    for one in differs:
        print(f"Jejak: {one}", file=sys.stderr)
    print("Jejak berkata sama." if not differs else "Basis data tidak cocok dengan jejak.")
    return 1 if broken or differs else 0


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bagipakai.settings")
    import django

    django.setup()
