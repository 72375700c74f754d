"""Whether a checkpoint is cosigned: C2SP tlog-witness, `add-checkpoint`, as values."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bagipakai.core import tlog
from bagipakai.core.notes import BadNote, Checkpoint, Note, NoteKey, NoteSigner, base64_bytes
from bagipakai.witness.memory import Memory

LONGEST_PROOF = 63


@dataclass(frozen=True)
class Answer:
    """An HTTP status and body. 200 cosignature lines · 400 not a submission, or an old size beyond the new ·
    403 not signed by the log · 404 a log this witness does not know · 409 another size was seen last (the body says
    which) · 422 not a continuation of what was seen."""

    status: int
    body: str = ""


class Witness:
    """Cosigns the logs whose keys it was given, at the time of `clock` (seconds since 1970)."""

    def __init__(self, signer: NoteSigner, logs: Sequence[NoteKey], memory: Memory, clock: Callable[[], float]) -> None:
        self._signer = signer
        self._logs = logs
        self._memory = memory
        self._clock = clock

    def add_checkpoint(self, submission: bytes) -> Answer:
        try:
            old, proof, note = _read(submission)
            checkpoint = Checkpoint.read(note.text)
        except BadNote:
            return Answer(400)
        keys = [key for key in self._logs if key.name == checkpoint.origin]
        if not keys:
            return Answer(404)
        try:
            lines = [line for key in keys if (line := key.signed(note))]
        except BadNote:
            return Answer(403)
        if not lines:
            return Answer(403)
        if old > checkpoint.size:
            return Answer(400)
        seen = self._memory.seen(checkpoint.origin)
        if old != (seen.size if seen else 0):
            return Answer(409, f"{seen.size if seen else 0}\n")
        if not tlog.is_consistent(old, seen.root if seen else tlog.EMPTY, checkpoint.size, checkpoint.root, proof):
            return Answer(422)
        mine = self._signer.sign(note.text, int(self._clock()))
        if not self._memory.move(seen, checkpoint, bytes(Note(note.text, (*lines, mine)))):
            return self.add_checkpoint(submission)  # another submission came first; this one is judged anew
        return Answer(200, mine.line)

    def last(self, origin_digest: str) -> Answer:
        """The checkpoint last cosigned for the log whose origin has this SHA-256, for those who compare."""
        for origin in {key.name for key in self._logs}:
            if digest_of(origin) == origin_digest and (note := self._memory.note(origin)):
                return Answer(200, note.decode())
        return Answer(404)


def digest_of(origin: str) -> str:
    """A log's name in an address: 64 hexadecimal digits."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _read(submission: bytes) -> tuple[int, list[bytes], Note]:
    try:
        head, blank, note = submission.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise BadNote("not a submission") from None
    first, *lines = head.split("\n")
    found = re.fullmatch(r"old (0|[1-9][0-9]{0,17})", first)
    if not blank or not found or len(lines) > LONGEST_PROOF:
        raise BadNote("not a submission")
    proof = [base64_bytes(line) for line in lines]
    if any(len(one) != 32 for one in proof):
        raise BadNote("not a submission")
    return int(found[1]), proof, Note.read(note.encode())
