"""The counter for providers of sources: submissions, their upload, the order to take them in, and what came of it."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet

from bagipakai import postgres
from bagipakai.control import clock, keybook, keys, ledger, orders, rulebook, uploads
from bagipakai.control.acting import Acting, actor, known_of, person_of, tenures_of
from bagipakai.control.door import Door, Possibility
from bagipakai.control.models import (
    Institution,
    PendingDecision,
    PlacedIntake,
    Submission,
    SubmissionEvent,
    Tenure,
    UploadedFile,
)
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.trail import leaves, leaving, stops
from bagipakai.core import policy
from bagipakai.core import submissions as rules
from bagipakai.core.envelope import BadSeal
from bagipakai.core.event import SYSTEM, Actor, Role
from bagipakai.core.intake import (
    RECEIPT_LIMIT,
    RECEIPT_NAME,
    IntakeReceipt,
    SentFile,
    SubmissionOrder,
    digest_of,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract, Sources
from bagipakai.core.submissions import Action, Command, Event, Limits, Status, SubmissionFacts

log = logging.getLogger("bagipakai.control.submissions")

BROKEN_OFF = timedelta(days=1)  # no form flows in for longer
UNDER_WAY = (Status.DRAFT, Status.SUBMITTED)
REPLACED = (Status.CHECKED, Status.RETURNED_WHOLE)  # by a later version
LATER = frozenset({"changed-meanwhile", "trail-disagrees"})  # refusals after which a receipt is read again


class UnknownSubmission(LookupError):
    """There is no such submission, or it is not this reader's to see: the answer is the same."""


# --- sources ----------------------------------------------------------------------------------------------------------


def provided_by(institution: str, day: date) -> dict[str, Contract]:
    """The contracts in force on `day` for what the institution with this code provides (policies/parties.toml)."""
    provider = policy.rules("parties", "provider", ("source",)).in_force(day)
    return {
        source: contract
        for source, contract in Sources.on(day).items()
        if (source,) in provider and provider[(source,)]["institution"] == institution
    }


def contract(submission: rules.Submission) -> Contract | None:
    """The contract by which it is checked; None where that is no longer the one it was begun under."""
    day = clock.day_of(submission.sent_at or clock.now())
    found = Sources.on(day).get(submission.source)
    return found if found is not None and _named(found) == submission.contract else None


def _named(contract: Contract) -> str:
    return f"{contract.version}@{contract.digest}"


# --- finding and reading ----------------------------------------------------------------------------------------------


def visible(acting: Acting) -> QuerySet[Submission]:
    """The submissions that a reader may see: those of the institution whose sources they provide; for an auditor, every
    one that was sent."""
    mine: set[int] = set()
    everything = False
    for tenure in tenures_of(acting):
        if Role.SOURCE_PROVIDER in tenure.post.roles:
            mine.add(tenure.post.institution_id)
        everything = everything or Role.AUDITOR in tenure.post.roles
    found = Submission.objects.select_related("institution").order_by("-id")
    sent = found.filter(order__isnull=False)
    return (found.filter(institution__in=mine) | sent) if everything else found.filter(institution__in=mine)


def waiting(acting: Acting) -> QuerySet[Submission]:
    """The submissions that wait for this provider: being uploaded, or gone back whole."""
    houses = [one.post.institution_id for one in tenures_of(acting) if Role.SOURCE_PROVIDER in one.post.roles]
    found = visible(acting).filter(institution__in=houses)
    return found.filter(status__in=[Status.DRAFT, Status.RETURNED_WHOLE])


def get(submission: int, acting: Acting) -> Submission:
    """The submission, if it is this reader's to see. Raises UnknownSubmission."""
    found = visible(acting).filter(pk=submission).first()
    if found is None:
        raise UnknownSubmission(submission)
    return found


def state(row: Submission) -> rules.Submission:
    """The submission as its events leave it."""
    return DOOR.state(row)


def possible(row: Submission, acting: Acting) -> list[Possibility]:
    """What this reader could do now with the submission."""
    return DOOR.possible(row, acting)


def history(row: Submission) -> list[SubmissionEvent]:
    """What happened, oldest first."""
    return list(row.events.select_related("person", "post").order_by("n"))


def limits() -> Limits:
    """How much may be handed in today."""
    return Limits.on(clock.today())


# --- acts -------------------------------------------------------------------------------------------------------------


def begin(acting: Acting, source: str) -> Submission | Refusal:
    """Opens the next version of a source that the sender's institution provides."""
    tenure = next((one for one in tenures_of(acting) if Role.SOURCE_PROVIDER in one.post.roles), None)
    if tenure is None:
        return ledger.deny(Refusal("not-this-role", {"action": "OPEN"}), "OPEN", person_of(acting))
    house, now = tenure.post.institution, clock.now()
    agreed = provided_by(house.code, clock.day_of(now)).get(source)
    if agreed is None:
        return ledger.deny(Refusal("source-is-not-theirs"), "OPEN", person_of(acting))
    last = Submission.objects.filter(source=source).aggregate(last=Max("version"))["last"] or 0

    def new() -> Submission:
        return Submission.objects.create(
            institution=house,
            source=source,
            version=last + 1,
            opened_by=tenure.person,
            opened_at=now,
            status="",
            changed_at=now,
        )

    told = {"institution": house.code, "source": source, "version": last + 1, "contract": _named(agreed)}
    try:
        return DOOR.open(new, Action.OPEN, tenure, told)
    except IntegrityError:  # somebody opened this version at the same moment
        return ledger.deny(Refusal("another-version-is-under-way"), "OPEN", tenure.person)


def draw_up(
    submission: int, action: Action, acting: Acting, payload: Mapping[str, Any], seen: int = 0, lang: str = "id"
) -> PendingDecision | Refusal:
    """What `action` would be as a decision; see `requests.draw_up`. Raises UnknownSubmission."""
    return DOOR.draw_up(_row(submission), action, acting, payload, seen=seen, lang=lang)


def handle(
    submission: int,
    action: Action,
    acting: Acting,
    payload: Mapping[str, Any] | None = None,
    seen: int | None = None,
    signature: Signature | None = None,
) -> Event | Refusal:
    """Does `action`, or says why not; see `requests.handle`. Raises UnknownSubmission."""
    return DOOR.handle(_row(submission), action, acting, payload, seen, signature)


# --- uploading --------------------------------------------------------------------------------------------------------


def begin_file(
    row: Submission, acting: Acting, name: str, size: int | None = None, last_changed: str = ""
) -> UploadedFile | Refusal:
    """An upload to put pieces into: a new one, or the one of this same file that was begun before."""
    if (found := uploads.known(row, name, size, last_changed)) is not None:
        return found
    if uploads.ending_of(name) not in uploads.ENDINGS:
        return DOOR.deny(
            row, Refusal("file-ending-is-not-read", {"read": ", ".join(uploads.ENDINGS)}), Action.ADD_FILE, acting
        )
    probe = UploadedFile(number=0, name=uploads.shown_name(name), size=1 if size is None else size, piece=1)
    if no := _objection(row, acting, probe):
        return DOOR.deny(row, no, Action.ADD_FILE, acting)
    most = limits()
    if no := _no_room(row, size or 0, most):
        return DOOR.deny(row, no, Action.ADD_FILE, acting)
    return uploads.begin(row, name, size, last_changed, most.piece)


def _no_room(row: Submission, size: int, most: Limits) -> Refusal | None:
    """Why nothing more can be begun: what is on its way takes room before it has come."""
    sizes = list(row.uploads.values_list("size", flat=True))
    if len(sizes) >= most.files:
        return Refusal("too-many-files", {"most": str(most.files)})
    if sum(one or 0 for one in sizes) + size > most.set:
        return Refusal("set-is-too-large", {"most": str(most.set // 2**30)})
    return None


@transaction.atomic
def put(row: Submission, acting: Acting, number: int, piece: int, content: bytes, sha256: str) -> Refusal | None:
    """Takes one piece of a file of known size, and with the last missing one the file. The same piece again is well
    received and changes nothing, also at the same moment: pieces of one file wait for each other. Refusals say what to
    send instead; nothing is kept of a piece that is refused."""
    file = row.uploads.select_for_update().filter(number=number).first()
    expected = None if file is None else uploads.span(file, piece)
    if file is None or expected is None:
        return Refusal("piece-is-unknown")
    if len(content) != expected or hashlib.sha256(content).hexdigest() != sha256:
        return Refusal("piece-came-otherwise", {"piece": str(piece)})
    if uploads.has(file, piece, sha256):
        return _finish(row, acting, file)
    if no := _objection(row, acting, file):
        return DOOR.deny(row, no, Action.ADD_FILE, acting)
    return uploads.keep(file, piece, content) or _finish(row, acting, file)


class Inflow:
    """A file whose size nobody knows, while it flows in: cut into pieces, each sealed as soon as it is whole."""

    def __init__(self, row: Submission, acting: Acting, name: str) -> None:
        self._row, self._acting = row, acting
        self._most = limits()
        self._gathered = bytearray()
        self._size = self._pieces = 0
        begun = begin_file(row, acting, name)
        self.refusal = begun if isinstance(begun, Refusal) else None
        self._file = None if isinstance(begun, Refusal) else begun

    def feed(self, content: bytes) -> None:
        """Takes what came; after a refusal, nothing more."""
        if self._file is None or self.refusal is not None:
            return
        self._size += len(content)
        if self._size > self._most.file:
            self.refusal = Refusal("file-is-too-large", {"most": str(self._most.file // 2**30)})
            return
        self._gathered += content
        while len(self._gathered) >= self._file.piece and self.refusal is None:
            self._keep(self._file, bytes(self._gathered[: self._file.piece]))
            del self._gathered[: self._file.piece]

    def end(self) -> Refusal | None:
        """What has come is the whole file: it is added, or refused and taken back."""
        if self._file is not None and self.refusal is None:
            if self._gathered:
                self._keep(self._file, bytes(self._gathered))
            uploads.end(self._file)
            self.refusal = self.refusal or _finish(self._row, self._acting, self._file)
        if self.refusal is not None:
            self.break_off()
        return self.refusal

    def break_off(self) -> None:
        """It will not come whole: what came goes."""
        if self._file is not None:
            uploads.forget(self._file)
            self._file = None

    def _keep(self, file: UploadedFile, content: bytes) -> None:
        self._pieces += 1
        self.refusal = uploads.keep(file, self._pieces, content)


def remove_file(row: Submission, acting: Acting, number: int) -> Refusal | None:
    """Takes a file out of a submission that is not sent yet, whether it came whole or not."""
    if number in DOOR.state(row).files:
        outcome = DOOR.handle(row, Action.REMOVE_FILE, acting, {"number": number})
        if isinstance(outcome, Refusal):
            return outcome
    elif no := _objection(row, acting, UploadedFile(number=number, name="-", size=1, piece=1)):
        return DOOR.deny(row, no, Action.REMOVE_FILE, acting)
    for file in row.uploads.filter(number=number):
        uploads.forget(file)
    return None


def _objection(row: Submission, acting: Acting, file: UploadedFile) -> Refusal | None:
    """What stands in the way of adding this file, or None. Writes nothing."""
    outcome = DOOR.answer(row, Action.ADD_FILE, acting, _says(file, ledger.FIRST))
    return outcome if isinstance(outcome, Refusal) else None


def _says(file: UploadedFile, sealed: str) -> dict[str, Any]:
    told = {"number": file.number, "name": file.name, "bytes": file.size, "pieces": uploads.pieces_of(file)}
    return {**told, "sealed": sealed}


def _finish(row: Submission, acting: Acting, file: UploadedFile) -> Refusal | None:
    """Adds the file once every piece of it is there; of two who bring the last pieces at once, one does it."""
    if uploads.missing(file) or file.size is None:
        return None
    sealed = digest_of(one.sealed_sha256 for one in uploads.pieces(row.pk, file.number))
    while file.number not in DOOR.state(row).files:
        outcome = DOOR.handle(row, Action.ADD_FILE, acting, _says(file, sealed))
        if isinstance(outcome, Refusal) and outcome.code != "changed-meanwhile":
            return None if outcome.code == "file-stands-already" else outcome
    return None


# --- what came of it --------------------------------------------------------------------------------------------------


def returned(package: str) -> Path:
    """Where the registry puts what comes back."""
    return postgres.var() / "returned" / package


def receipt(row: Submission) -> IntakeReceipt | None:
    """The registry's receipt, if one came that can be believed."""
    found = _envelope(row)
    return None if found is None else _believed(row, found)


def receipt_envelope(row: Submission) -> bytes | None:
    """The signed receipt, as the sender keeps it; None while there is none that can be believed."""
    found = _envelope(row)
    return found if found is not None and _believed(row, found) else None


def may_fetch(row: Submission, acting: Acting) -> Refusal | None:
    """What stands in the way of fetching what came back, or None. Records nothing: for drawing a page."""
    outcome = DOOR.answer(row, Action.FETCH, acting, {"part": RECEIPT_NAME})
    return outcome if isinstance(outcome, Refusal) else None


def fetch(row: Submission, acting: Acting, part: str) -> Path | Refusal:
    """The file of one part of what came back, if this reader may have it now. Each time is a leaf of the trail."""
    at = clock.now()
    outcome: Any = DOOR.answer(row, Action.FETCH, acting, {"part": part}, at=at)
    told = receipt(row)
    if not isinstance(outcome, Refusal) and (told is None or part not in {one.name for one in told.parts}):
        outcome = Refusal("part-unknown")
    if isinstance(outcome, Refusal):
        return DOOR.deny(row, outcome, Action.FETCH, acting)
    by = leaves.actor(person_of(acting).pk, int(outcome.actor.post))
    leaves.write("submission.FETCH", _about(row), {"part": part}, by=by, institution=row.institution.code, at=at)
    log.info("submission.fetch submission=%d part=%s", row.pk, part)
    return returned(outcome_package(row)) / part


def outcome_package(row: Submission) -> str:
    """The folder of what came back; nothing where nothing did."""
    told = DOOR.state(row).outcome
    return told.package if told else ""


def collect() -> int:
    """Reads the receipts for submissions that came, and records each; see `orders.collect`. Returns how many. Raises
    KeyMissing while the registry's public key is not there."""
    keys.receipt_key()
    collected = 0
    for placed in (
        PlacedIntake.objects.filter(collected_at=None).select_related("submission__institution").order_by("id")
    ):
        envelope = _envelope(placed.submission)
        if envelope is None or stops.stopped(connection):
            continue
        with transaction.atomic():
            outcome = DOOR.handle(placed.submission, Action.RECORD_RECEIPT, None, _told(placed.submission, envelope))
            if isinstance(outcome, Refusal) and outcome.code in LATER:
                continue
            placed.collected_at = clock.now()
            placed.save(update_fields=["collected_at"])
        uploads.clear(placed.submission_id)
        collected += 1
        log.info("intake.collected order=%s", placed.order_id)
    return collected


def tidy(now: datetime | None = None) -> int:
    """Forgets uploads that nobody sent, forms that broke off, and clears what lies in the store of submissions that are
    past it. Returns how many events were written."""
    for broken in UploadedFile.objects.filter(size=None, begun_at__lt=(now or clock.now()) - BROKEN_OFF):
        uploads.forget(broken)
    written = DOOR.tidy(Submission.objects.filter(status=Status.DRAFT).select_related("institution"), now)
    waiting = set(Submission.objects.filter(status__in=UNDER_WAY).values_list("pk", flat=True))
    for one in uploads.left_over():
        if one not in waiting:
            uploads.clear(one)
    return written


def _envelope(row: Submission) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT envelope FROM exchange.receipts WHERE order_id = %s", [_order_id(row)])
        found = cursor.fetchone()
    return None if found is None else bytes(found[0])


def _believed(row: Submission, envelope: bytes) -> IntakeReceipt | None:
    """The receipt, if the registry signed it about this very submission."""
    try:
        told = IntakeReceipt.unsealed(envelope, keys.receipt_key())
    except (BadSeal, keys.KeyMissing) as error:
        log.warning("intake.receipt_not_trusted submission=%d why=%s", row.pk, error)
        return None
    state = DOOR.state(row)
    sent = digest_of(file.sealed for _, file in sorted(state.files.items()))
    # About an order that it could not read the registry knows no more than the id under which it lay.
    meant = IntakeReceipt(_order_id(row), row.source, row.version, state.contract, sent)
    unread = IntakeReceipt(_order_id(row), "", 0, "")
    return told if told.is_about(meant) or (told.refusal and told.is_about(unread)) else None


def _told(row: Submission, envelope: bytes) -> dict[str, Any]:
    """The receipt as the payload of its event."""
    told, digest = _believed(row, envelope), hashlib.sha256(envelope).hexdigest()
    refusal = told.refusal if told else "receipt-not-trusted"
    if told is not None and told.package and _lying(told.package) != envelope:
        refusal = "receipt-differs-from-its-package"
    if told is not None and not refusal and not _adds_up(told):
        refusal = "receipt-not-trusted"
    if refusal or told is None:
        nothing = {"received": told.received if told else 0, "accepted": 0, "returned": 0, "package": ""}
        return {"receipt": digest, "refusal": refusal, **nothing}
    counts = {"received": told.received, "accepted": told.accepted, "returned": told.returned}
    return {"receipt": digest, "refusal": "", **counts, "package": told.package}


def _adds_up(told: IntakeReceipt) -> bool:
    """Whether every row that came was kept or came back, and what came back is there."""
    return told.received == told.accepted + told.returned and bool(told.package) == bool(told.returned)


def _lying(package: str) -> bytes | None:
    """The receipt that lies beside what came back."""
    try:
        with (returned(package) / RECEIPT_NAME).open("rb") as file:
            return file.read(RECEIPT_LIMIT + 1)
    except OSError:
        return None


# --- the door ---------------------------------------------------------------------------------------------------------


def _actors(tenures: list[Tenure], row: Submission, at: datetime) -> list[tuple[Actor, Tenure]]:
    return [
        (actor(tenure, Role.SOURCE_PROVIDER), tenure) for tenure in tenures if Role.SOURCE_PROVIDER in tenure.post.roles
    ]


def _facts(
    row: Submission, state: rules.Submission, at: datetime, *, tenure: Tenure | None = None, **_: Any
) -> SubmissionFacts:
    today = clock.day_of(at)
    house: Institution = tenure.post.institution if tenure else row.institution
    others = Submission.objects.exclude(pk=row.pk)
    key = keybook.key_at(row.institution, at)
    told = state.outcome
    return SubmissionFacts(
        now=at,
        today=today,
        limits=Limits.on(today),
        contracts={source: _named(one) for source, one in provided_by(house.code, today).items()},
        under_way=others.filter(institution=row.institution, status=Status.DRAFT).count(),
        occupied=others.filter(source=row.source, status__in=UNDER_WAY).exists(),
        unfinished=row.uploads.exclude(number__in=list(state.files)).count(),
        key=key if isinstance(key, Refusal) else None,
        leaving=leaving.in_the_way(told.package, told.receipt, at)
        if told and told.package
        else Refusal("nothing-came-back"),
        checked=others.filter(source=row.source, status=Status.CHECKED).aggregate(last=Max("version"))["last"] or 0,
        competences_needed=rulebook.settings(today).competences,
        **known_of(tenure, today),
    )


def _last_look(row: Submission, state: rules.Submission, event: Event) -> Refusal | None:
    """Whether what was uploaded still lies in the store, before it is sent; and whether the registry answered already,
    before it is cancelled. Until the end of the transaction it does not."""
    if event.action is Action.CANCEL and orders.is_answered(_order_id(row)):
        return Refusal("submission-was-taken-in")
    if event.action is not Action.SUBMIT:
        return None
    every = [uploads.pieces(row.pk, number) for number in state.files]
    there = all(
        digest_of(one.sealed_sha256 for one in sealed) == file.sealed and uploads.lie_there(row.pk, sealed)
        for file, sealed in zip(state.files.values(), every, strict=True)
    )
    return None if there else Refusal("upload-was-lost")


def _follows(row: Submission, state: rules.Submission, event: Event, entry: SubmissionEvent) -> None:
    row.n, row.status, row.changed_at = state.n, event.status_after.value, event.at
    row.save(update_fields=("n", "status", "changed_at"))
    match event.action:
        case Action.SUBMIT:
            _place(row, state, event)
        case Action.CANCEL:
            orders.call_off(_order_id(row), event.at)
        case Action.WITHDRAW | Action.FORGET:
            transaction.on_commit(lambda: uploads.clear(row.pk))
        case Action.RECORD_RECEIPT:
            if event.payload["package"]:
                leaving.sealed(event.payload["package"], event.payload["receipt"])
            if event.status_after is Status.CHECKED:
                earlier = Submission.objects.filter(source=row.source, version__lt=row.version, status__in=REPLACED)
                DOOR.tidy(earlier.select_related("institution"), event.at)


def _place(row: Submission, state: rules.Submission, event: Event) -> None:
    """Signs the order and puts it into the mailbox, in the transaction of the event that sends. Raises RuntimeError,
    which undoes that event, where nothing could come back."""
    key = keybook.key_at(row.institution, event.at)
    if isinstance(key, Refusal):
        raise RuntimeError("a submission to which nothing could come back")
    order = SubmissionOrder(
        order_id=_order_id(row),
        source=state.source,
        version=state.version,
        contract=state.contract,
        institution=state.institution,
        recipient=key.recipient,
        place=str(row.pk),
        files=tuple(
            SentFile(uploads.ending_of(file.name), tuple(uploads.pieces(row.pk, file.number)))
            for _, file in sorted(state.files.items())
        ),
        policy=policy.version(),
        placed_at=event.at,
    )
    PlacedIntake.objects.create(submission=row, order_id=order.order_id, placed_at=event.at)
    envelope = order.sealed(keys.order_signer())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO exchange.orders (order_id, envelope) VALUES (%s, %s)", [order.order_id, envelope])
    leaves.write_public("order.PLACE", order.order_id, hashlib.sha256(envelope).hexdigest())


def _due(row: Submission, state: rules.Submission, at: datetime) -> Command | None:
    if state.status is Status.DRAFT:
        return Command(Action.FORGET, SYSTEM, {}, state.n)
    if state.status in REPLACED:
        later = Submission.objects.filter(source=row.source, version__gt=row.version, status=Status.CHECKED)
        by = later.aggregate(last=Max("version"))["last"]
        return Command(Action.SUPERSEDE, SYSTEM, {"by": by}, state.n) if by else None
    return None


def _about(row: Submission) -> str:
    return f"kiriman/{row.pk}"


def _order_id(row: Submission) -> str:
    return f"KRM-{row.source}-{row.version}"


def _row(submission: int) -> Submission:
    try:
        return Submission.objects.select_related("institution").get(pk=submission)
    except Submission.DoesNotExist:
        raise UnknownSubmission(submission) from None


DOOR: Door[Submission, rules.Submission, Event] = Door(
    rules=rules,
    entries=SubmissionEvent,
    name=lambda row: str(row.pk),
    denied=lambda row: {"subject": _about(row)},
    actors=_actors,
    facts=_facts,
    follows=_follows,
    due=_due,
    kind=matters.SUBMISSION,
    matter=matters.of_submission,
    last_look=_last_look,
)
