"""Asking witnesses: the client of C2SP tlog-witness.

A witness is another institution's machine. It may be silent, slow, broken or taken over; then it costs the log its
own vote and nothing else. Only what the log itself once signed, and a witness kept, can stop the office.
"""

import base64
import hashlib
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from bagipakai.core import tlog
from bagipakai.core.notes import BadNote, Checkpoint, Note, NoteKey, Signature, read_signatures
from bagipakai.core.tiles import Log
from bagipakai.core.witnesses import Policy

PATIENCE = 5.0  # seconds for one witness, however it deals out its answer
LONGEST = 64 * 1024

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Testimony:
    """A checkpoint that `by` (a witness, or a file of the log) holds, under the log's own signature."""

    by: str
    note: Note
    checkpoint: Checkpoint


class Disagrees(Exception):
    """A witness has seen a longer log than this one, or another log under the same name, and can show it."""

    def __init__(self, testimony: Testimony) -> None:
        super().__init__(testimony.by)
        self.testimony = testimony


class Silent(Exception):
    """A witness did not answer in time, or answered what is not an answer. Names the witness."""


@dataclass(frozen=True)
class Asked:
    """One witness, by its name in the policy, its key and its address; and the keys of the log that it watches."""

    name: str
    key: NoteKey
    url: str
    logs: tuple[NoteKey, ...]

    def cosign(self, note: Note, checkpoint: Checkpoint, log: Log, seen: int) -> Signature:
        """Its cosignature under `note`. `seen` is the size that it is thought to have seen last; it says so if not.
        Raises Disagrees, Silent, BadTile."""
        for _ in range(2):
            proof = "".join(base64.b64encode(one).decode() + "\n" for one in log.consistency(seen))
            status, body = self._call("POST", "/add-checkpoint", f"old {seen}\n{proof}\n".encode() + bytes(note))
            if status == 200:
                return self._mine(body, note)
            told = re.fullmatch(r"(0|[1-9][0-9]{0,17})\n", body)
            if status != 409 or not told or int(told[1]) > checkpoint.size:
                break
            seen = int(told[1])
        if status in (409, 422):
            self._let_it_show(checkpoint, log)
        raise Silent(self.name)

    def last(self, origin: str) -> Testimony | None:
        """What it saw last of this log, by its own signature and the log's; None if it never saw it. Raises Silent."""
        status, body = self._call("GET", f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
        if status == 404:
            return None
        try:
            note = Note.read(body.encode())
            checkpoint = Checkpoint.read(note.text)
            if status == 200 and checkpoint.origin == origin and self.key.signed(note) and signed(note, self.logs):
                return Testimony(self.name, note, checkpoint)
        except BadNote:
            pass
        raise Silent(self.name)

    def _let_it_show(self, checkpoint: Checkpoint, log: Log) -> None:
        """It says that it has seen more, or other. A word is not enough: it could stop the office by a lie."""
        seen = self.last(checkpoint.origin)
        if seen and (
            seen.checkpoint.size > checkpoint.size or tlog.root(seen.checkpoint.size, log.node) != seen.checkpoint.root
        ):
            raise Disagrees(seen)

    def _mine(self, body: str, note: Note) -> Signature:
        try:
            for line in read_signatures(body):
                if (line.name, line.key_id) == (self.key.name, self.key.id) and self.key.verifies(line, note.text):
                    return line
        except BadNote:
            pass
        raise Silent(self.name)

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        """Status and body. No redirects, no proxies: what the policy names is asked, and nobody else."""
        try:
            address = urlsplit(self.url)
            kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[address.scheme]
            connection = kind(address.hostname or "", address.port, timeout=PATIENCE)
            try:
                headers = {"Content-Type": "text/plain; charset=utf-8"} if body is not None else {}
                connection.request(method, address.path.rstrip("/") + path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(LONGEST).decode()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            raise Silent(self.name) from None


def witnesses(policy: Policy) -> list[Asked]:
    """The witnesses of `policy` that have an address."""
    return [Asked(name, key, url, tuple(policy.logs)) for name, (key, url) in policy.witnesses.items() if url]


def signed(note: Note, keys: Iterable[NoteKey]) -> bool:
    """Whether a key of the log that the checkpoint in `note` names stands under it, and none falsely. Raises
    BadNote."""
    origin = Checkpoint.read(note.text).origin
    found = [key.signed(note) for key in keys if key.name == origin]
    return any(found)


class Asking(Generic[Answer]):
    """Asks many witnesses the same, all at once and none longer than PATIENCE. One that still deals out its answer to
    an earlier question is not asked again."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def all(self, whom: Iterable[Asked], what: Callable[[Asked], Answer]) -> Mapping[str, Answer]:
        """The answers by name; a silent witness has none. Raises what asking raised otherwise."""
        answers: dict[str, Answer] = {}
        failures: list[BaseException] = []

        def ask(one: Asked) -> None:
            try:
                answers[one.name] = what(one)
            except Silent:
                pass
            except BaseException as failure:
                failures.append(failure)

        asked = []
        for one in whom:
            if one.name not in self._threads or not self._threads[one.name].is_alive():
                thread = threading.Thread(target=ask, args=[one], daemon=True)
                self._threads[one.name] = thread
                asked.append(thread)
                thread.start()
        until = time.monotonic() + PATIENCE
        for thread in asked:
            thread.join(max(0.0, until - time.monotonic()))
        if failures:
            raise failures[0]
        return dict(answers)
