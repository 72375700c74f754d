"""What logs bring to a witness: submissions of C2SP tlog-witness, right and otherwise."""

import base64
import http.client
from dataclasses import dataclass

from tests.verifier.world import LOG, Kind, Trail, drawn, signer

from bagipakai.core.notes import Checkpoint, Note, NoteSigner, read_signatures

SIGNER = signer("saksi.contoh.id/1", Kind.ML_DSA_COSIGNATURE)
TRUE = Trail.of(drawn(600), batch=1)
FORK = Trail.of([*drawn(40), b"diganti", *drawn(600)[41:]], batch=1)  # the same log, but for entry 40


def note(trail: Trail, size: int, by: NoteSigner = LOG) -> Note:
    """The log's own signature over its first `size` entries."""
    text = Checkpoint(by.public.name, size, trail.log(size).root()).text
    return Note(text, (by.sign(text),))


def submission(
    trail: Trail,
    old: int,
    new: int,
    *,
    proof: list[bytes] | None = None,
    signed: Note | None = None,
    by: NoteSigner = LOG,
) -> bytes:
    """What the log sends: from where, the proof, the checkpoint."""
    if proof is None:
        proof = trail.log(new).consistency(old) if old <= new else []
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
    return f"old {old}\n{lines}\n".encode() + bytes(signed or note(trail, new, by))


def cosignature(body: str, text: str, by: NoteSigner = SIGNER) -> int:
    """The time that the witness states, if its line is good under `text`."""
    (line,) = read_signatures(body)
    assert by.public.verifies(line, text)
    return line.time


@dataclass
class Door:
    """A witness at its address."""

    port: int

    def post(self, body: bytes, path: str = "/add-checkpoint", **headers: str) -> tuple[int, str, str]:
        return self.ask("POST", path, body, **headers)

    def get(self, path: str) -> tuple[int, str, str]:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, str]:
        """Status, content type and body."""
        call = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            call.request(method, path, body, headers)
            answer = call.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
        finally:
            call.close()
