"""Whom a reader of the log believes: C2SP tlog-policy. And the proof a reader is handed: C2SP tlog-proof.

The policy names the log's keys, the witnesses, and how many of them must have cosigned. It is a file that recipients
and auditors keep; with a proof and this file, anybody can check offline that an entry stands in a log that others saw.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bagipakai.core import tlog
from bagipakai.core.notes import BadNote, Checkpoint, Kind, Note, NoteKey, base64_bytes

HEADER = "c2sp.org/tlog-proof@v1"


class NotBelieved(ValueError):
    """The checkpoint or proof does not meet the policy. `code` names why: `not-a-checkpoint`, `unknown-log`,
    `bad-signature`, `no-quorum`, `not-a-proof`, `not-in-the-log`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BadPolicy(ValueError):
    """The file is not a policy. The message names the line's number and no content."""


@dataclass(frozen=True)
class Group:
    """At least `least` of `members` (witnesses or groups defined before)."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs and witnesses with their addresses (empty where the file gives none), groups, and the quorum's name."""

    logs: Mapping[NoteKey, str]
    witnesses: Mapping[str, tuple[NoteKey, str]]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def of(cls, file: Path) -> Self:
        """The policy in `file`, its bytes as they are: what turns a lone carriage return into an end of line would turn
        the rest of a remark into a rule. Raises BadPolicy, OSError."""
        try:
            return cls.read(file.read_bytes().decode())
        except UnicodeDecodeError:
            raise BadPolicy("not UTF-8") from None

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises BadPolicy. Words are parted by spaces and tabs, lines by newlines, and by nothing else: a reader with
        another idea of white space would read another policy."""
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
            raise BadPolicy("a control character")
        logs: dict[NoteKey, str] = {}
        witnesses: dict[str, tuple[NoteKey, str]] = {}
        groups: dict[str, Group] = {}
        quorum = None
        seen: set[bytes] = set()
        members: set[str] = set()
        for number, line in enumerate(text.split("\n"), start=1):
            words = re.split("[ \t]+", line.strip(" \t"))
            if not words[0] or words[0].startswith("#"):
                continue
            try:
                match words:
                    case ["log", vkey, *url] if len(url) < 2:
                        key = _new(NoteKey.read(vkey), seen)
                        if key.kind is Kind.ED25519_COSIGNATURE:  # a log signs plainly, or as a cosigner by ML-DSA
                            raise BadPolicy
                        logs[key] = "".join(url)
                    case ["witness", name, vkey, *url] if len(url) < 2:
                        key = _new(NoteKey.read(vkey), seen)
                        if name in (*witnesses, *groups, "none") or key.kind is Kind.LOG:
                            raise BadPolicy
                        if key.name in {known.name for known, _ in witnesses.values()}:
                            raise BadPolicy  # a second key would let one witness count twice
                        witnesses[name] = key, "".join(url)
                    case ["group", name, least, *names] if names:
                        if name in (*witnesses, *groups, "none") or not set(names) <= {*witnesses, *groups}:
                            raise BadPolicy
                        if members & set(names) or len(set(names)) < len(names):
                            raise BadPolicy  # a witness counts once
                        members |= set(names)
                        groups[name] = Group(_least(least, len(names)), tuple(names))
                    case ["quorum", name] if quorum is None and name in (*witnesses, *groups, "none"):
                        quorum = name
                    case _:
                        raise BadPolicy
            except (BadPolicy, BadNote):
                raise BadPolicy(f"line {number}") from None
        if quorum is None or not logs:
            raise BadPolicy("no quorum, or no log")
        return cls(logs, witnesses, groups, quorum)

    def believe(self, note: Note) -> "Believed":
        """The checkpoint in `note`, with the witnesses who cosigned it. Raises NotBelieved."""
        try:
            checkpoint = Checkpoint.read(note.text)
        except BadNote:
            raise NotBelieved("not-a-checkpoint") from None
        try:
            signed = [key.signed(note) for key in self.logs if key.name == checkpoint.origin]
            if not signed:
                raise NotBelieved("unknown-log")
            if not any(signed):
                raise NotBelieved("bad-signature")
            cosigned = {
                name: signature.time for name, (key, _) in self.witnesses.items() if (signature := key.signed(note))
            }
        except BadNote:
            raise NotBelieved("bad-signature") from None
        if not self._is_met(self.quorum, cosigned):
            raise NotBelieved("no-quorum")
        return Believed(checkpoint, cosigned)

    def _is_met(self, name: str, cosigned: Mapping[str, int]) -> bool:
        if name == "none":
            return True
        if name in self.witnesses:
            return name in cosigned
        group = self.groups[name]
        return sum(self._is_met(one, cosigned) for one in group.members) >= group.least

    def seen_at(self, cosigned: Mapping[str, int]) -> int:
        """The latest time at which, by the witnesses' own clocks, a quorum had seen it: the quorum that remains when
        only those count who saw it then or later. Seconds since 1970; 0 where no witness is asked for."""
        for time in sorted(cosigned.values(), reverse=True):
            if self._is_met(self.quorum, {name: at for name, at in cosigned.items() if at >= time}):
                return time
        return 0


@dataclass(frozen=True)
class Believed:
    """A checkpoint that met a policy, and when each witness cosigned it (seconds since 1970)."""

    checkpoint: Checkpoint
    cosigned: Mapping[str, int]


@dataclass(frozen=True)
class LogProof:
    """That an entry stands at `index` of the log, under a cosigned checkpoint; the file ends in `.tlog-proof`."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Note

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Raises NotBelieved."""
        try:
            head, blank, checkpoint = text.decode("utf-8").partition("\n\n")
            first, *lines = head.split("\n")
            if lines[0].startswith("extra "):  # not authenticated, so not looked at
                lines = lines[1:]
            index = re.fullmatch(r"index (0|[1-9][0-9]{0,17})", lines[0])
            path = tuple(base64_bytes(line) for line in lines[1:])
            if first != HEADER or not blank or not index or any(len(one) != 32 for one in path) or len(path) > 63:
                raise NotBelieved("not-a-proof")
            return cls(int(index[1]), path, Note.read(checkpoint.encode()))
        except (ValueError, IndexError):
            raise NotBelieved("not-a-proof") from None

    def __bytes__(self) -> bytes:
        path = "".join(base64.b64encode(one).decode() + "\n" for one in self.path)
        return f"{HEADER}\nindex {self.index}\n{path}\n".encode() + bytes(self.checkpoint)

    def shows(self, entry: bytes, policy: Policy) -> Believed:
        """The believed checkpoint under which `entry` stands. Raises NotBelieved."""
        believed = policy.believe(self.checkpoint)
        checkpoint = believed.checkpoint
        try:
            root = tlog.root_by_inclusion(tlog.leaf_hash(entry), self.index, checkpoint.size, self.path)
        except tlog.NoProof:
            raise NotBelieved("not-in-the-log") from None
        if root != checkpoint.root:
            raise NotBelieved("not-in-the-log")
        return believed


def _new(key: NoteKey, seen: set[bytes]) -> NoteKey:
    """Two names for one key would let one witness count twice."""
    if key.material in seen:
        raise BadPolicy
    seen.add(key.material)
    return key


def _least(word: str, members: int) -> int:
    least = {"any": 1, "all": members}.get(word) or (int(word) if re.fullmatch("[1-9][0-9]{0,3}", word) else 0)
    if not 1 <= least <= members:
        raise BadPolicy
    return least
