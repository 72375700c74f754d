"""Asking witnesses: the client of C2SP tlog-witness."""

import base64
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from bagipakai.core.notes import BadNote, Checkpoint, Note, NoteKey, Signature, read_signatures
from bagipakai.core.tiles import Log

PATIENCE = 5.0  # seconds for one answer
LONGEST = 64 * 1024


class Disagrees(Exception):
    """A witness has seen a longer log than this one, or another log under the same name. Names the witness."""


class Silent(Exception):
    """A witness did not answer, or answered what is not an answer. Names the witness."""


@dataclass(frozen=True)
class Asked:
    """One witness, by its name in the policy, its key and its address."""

    name: str
    key: NoteKey
    url: str

    def cosign(self, note: Note, checkpoint: Checkpoint, log: Log, seen: int) -> Signature:
        """Its cosignature under `note`. `seen` is the size that it is thought to have seen last; it says so if not.
        Raises Disagrees, Silent."""
        for _ in range(2):
            proof = "".join(base64.b64encode(one).decode() + "\n" for one in log.consistency(seen))
            status, body = self._call("/add-checkpoint", f"old {seen}\n{proof}\n".encode() + bytes(note))
            if status == 200:
                return self._mine(body, note)
            told = re.fullmatch(r"(0|[1-9][0-9]{0,17})\n", body)
            if status == 409 and told:
                seen = int(told[1])
                if seen > checkpoint.size:
                    raise Disagrees(self.name)
                continue
            if status == 422:
                raise Disagrees(self.name)
            break
        raise Silent(self.name)

    def last(self, origin: str) -> Checkpoint | None:
        """What it saw last of this log, by its own signature; None if it never saw it. Raises Silent."""
        status, body = self._call(f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
        if status == 404:
            return None
        try:
            note = Note.read(body.encode())
            checkpoint = Checkpoint.read(note.text)
            if status == 200 and self.key.signed(note) and checkpoint.origin == origin:
                return checkpoint
        except BadNote:
            pass
        raise Silent(self.name)

    def _mine(self, body: str, note: Note) -> Signature:
        try:
            for line in read_signatures(body):
                if (line.name, line.key_id) == (self.key.name, self.key.id) and self.key.verifies(line, note.text):
                    return line
        except BadNote:
            pass
        raise Silent(self.name)

    def _call(self, path: str, body: bytes | None = None) -> tuple[int, str]:
        request = urllib.request.Request(self.url.rstrip("/") + path, data=body)  # noqa: S310 - from the policy file
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                return answer.status, answer.read(LONGEST).decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(LONGEST).decode(errors="replace")
        except (OSError, http.client.HTTPException, ValueError):
            raise Silent(self.name) from None


def ahead(witnesses: list[Asked], origin: str, size: int, root_at: Callable[[int], bytes]) -> str | None:
    """The name of a witness that has seen more than the first `size` entries, or another root; None if all that answer
    agree. `root_at` gives the local root at a size."""
    for one in witnesses:
        try:
            seen = one.last(origin)
        except Silent:
            continue
        if seen is not None and (seen.size > size or root_at(seen.size) != seen.root):
            return one.name
    return None
