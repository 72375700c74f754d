"""Files of a submission or a roster on their way in, piece by piece: begun, gone on with, added once whole, taken out
again."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bagipakai.control import clock, ledger, rosters, submissions, uploads
from bagipakai.control.acting import Acting
from bagipakai.control.door import Door
from bagipakai.control.models import Holder, Roster, Submission, UploadedFile
from bagipakai.core.intake import digest_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.rosters import Action as OfRoster
from bagipakai.core.submissions import Action as OfSubmission
from bagipakai.core.uploading import Limits, no_room_beside


@dataclass(frozen=True, slots=True)
class Counter:
    """Where files come in: the door, its acts, the endings of what the registry reads, and how much may come today."""

    door: Door[Any, Any, Any]
    add: Any
    remove: Any
    endings: tuple[str, ...]
    limits: Callable[[], Limits]


TABLES = ("csv", "txt", "tsv", "xlsx", "parquet")  # registry.intake, registry.matching.lists
OF_SUBMISSIONS = Counter(
    submissions.DOOR, OfSubmission.ADD_FILE, OfSubmission.REMOVE_FILE, (*TABLES, "jsonl"), submissions.limits
)
OF_ROSTERS = Counter(rosters.DOOR, OfRoster.ADD_FILE, OfRoster.REMOVE_FILE, TABLES, rosters.limits)


def counter(row: Holder) -> Counter:
    """Where the files of this submission or roster come in."""
    return OF_SUBMISSIONS if isinstance(row, Submission) else OF_ROSTERS


def begin_file(
    row: Holder, acting: Acting, name: str, size: int | None = None, last_changed: str = ""
) -> UploadedFile | Refusal:
    """An upload to put pieces into: a new one, or the one of this same file that was begun before."""
    if (found := uploads.known(row, name, size, last_changed)) is not None:
        return found
    at = counter(row)
    if uploads.ending_of(name) not in at.endings:
        unread = Refusal("file-ending-is-not-read", {"read": ", ".join(at.endings)})
        return at.door.deny(row, unread, at.add, acting)
    probe = UploadedFile(number=0, name=uploads.shown_name(name), size=1 if size is None else size, piece=1)
    if no := _objection(row, acting, probe):
        return at.door.deny(row, no, at.add, acting)
    most = at.limits()
    if no := _no_room(row, size or 0, most):
        return at.door.deny(row, no, at.add, acting)
    return uploads.begin(row, name, size, last_changed, most.piece)


def _no_room(row: Holder, size: int, most: Limits) -> Refusal | None:
    """Why nothing more can be begun: what is on its way takes room before it has come."""
    sizes = list(row.uploads.values_list("size", flat=True))
    if no := no_room_beside(len(sizes), most):
        return no
    if sum(one or 0 for one in sizes) + size > most.set:
        return Refusal("set-is-too-large", {"most": str(most.set // 10**9)})
    return None


@transaction.atomic
def put(row: Holder, acting: Acting, number: int, piece: int, content: bytes, sha256: str) -> Refusal | None:
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
        return counter(row).door.deny(row, no, counter(row).add, acting)
    return uploads.keep(file, piece, content) or _finish(row, acting, file)


class Inflow:
    """A file whose size nobody knows, while it flows in: cut into pieces, each sealed as soon as it is whole."""

    def __init__(self, row: Holder, acting: Acting, name: str) -> None:
        self._row, self._acting = row, acting
        self._most = counter(row).limits()
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
            self.refusal = Refusal("file-is-too-large", {"most": str(self._most.file // 10**9)})
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


def remove_file(row: Holder, acting: Acting, number: int) -> Refusal | None:
    """Takes a file out of what is not sent yet, whether it came whole or not."""
    at = counter(row)
    if number in at.door.state(row).files:
        outcome = at.door.handle(row, at.remove, acting, {"number": number})
        if isinstance(outcome, Refusal):
            return outcome
    elif no := _objection(row, acting, UploadedFile(number=number, name="-", size=1, piece=1)):
        return at.door.deny(row, no, at.remove, acting)
    for file in row.uploads.filter(number=number):
        uploads.forget(file)
    return None


def tidy(now: datetime | None = None) -> None:
    """Deletes what was uploaded and is not needed any more, whatever it was uploaded for."""
    needed = {row.place for row in Submission.objects.filter(status__in=submissions.UNDER_WAY)}
    needed |= {row.place for row in Roster.objects.filter(status__in=rosters.NEEDED)}
    uploads.tidy(now or clock.now(), needed)


def _objection(row: Holder, acting: Acting, file: UploadedFile) -> Refusal | None:
    """What stands in the way of adding this file, or None. Writes nothing."""
    outcome = counter(row).door.answer(row, counter(row).add, acting, _says(file, ledger.FIRST))
    return outcome if isinstance(outcome, Refusal) else None


def _says(file: UploadedFile, sealed: str) -> dict[str, Any]:
    told = {"number": file.number, "name": file.name, "bytes": file.size, "pieces": uploads.pieces_of(file)}
    return {**told, "sealed": sealed}


def _finish(row: Holder, acting: Acting, file: UploadedFile) -> Refusal | None:
    """Adds the file once every piece of it is there; of two who bring the last pieces at once, one does it."""
    if uploads.missing(file) or file.size is None:
        return None
    at, sealed = counter(row), digest_of(one.sealed_sha256 for one in uploads.pieces(row, file.number))
    while file.number not in at.door.state(row).files:
        outcome = at.door.handle(row, at.add, acting, _says(file, sealed))
        if isinstance(outcome, Refusal) and outcome.code != "changed-meanwhile":
            return None if outcome.code == "file-stands-already" else outcome
    return None
