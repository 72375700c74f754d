"""Files that somebody uploads before sending them, whatever they are: how many, how large, and whether they came whole.

What stands here of a file are its name, size and digests (control.uploads). A submission of a source and a roster to be
matched both begin so; each has limits of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from bagipakai.core.event import AnyCommand
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, is_count, is_digest, is_text
from bagipakai.core.table import about_payload


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be uploaded. Sizes in bytes; `piece` is what is uploaded at once, `set` all files together, `open`
    how many things of an institution may be begun, `days` how long one waits to be sent."""

    piece: int
    file: int
    files: int
    set: int
    open: int
    days: int


@dataclass(frozen=True, slots=True)
class File:
    """One uploaded file. `name` is the sender's, shown and never used; `sealed` binds its sealed pieces, in order."""

    number: int
    name: str
    bytes: int
    pieces: int
    sealed: str


class Upload(Protocol):
    """What files are uploaded for, as its events leave it."""

    @property
    def files(self) -> Mapping[int, File]: ...
    @property
    def opened_at(self) -> datetime | None: ...


class Known(Protocol):
    """What must be known from outside. `unfinished`: files of which pieces are missing."""

    @property
    def now(self) -> datetime: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def unfinished(self) -> int: ...


ADDING: Final[Form] = {"number": is_count, "name": is_text, "bytes": is_count, "pieces": is_count, "sealed": is_digest}
REMOVING: Final[Form] = {"number": is_count}


def added(files: Mapping[int, File], payload: Mapping[str, Any]) -> Mapping[int, File]:
    return {**files, payload["number"]: File(**payload)}


def removed(files: Mapping[int, File], payload: Mapping[str, Any]) -> Mapping[int, File]:
    return {number: one for number, one in files.items() if number != payload["number"]}


def no_room_beside(files: int, limits: Limits) -> Refusal | None:
    """Why no other file can be begun beside so many."""
    if files < limits.files:
        return None
    return Refusal("one-file-alone") if limits.files == 1 else Refusal("too-many-files", {"most": str(limits.files)})


# what stands in the way


@about_payload
def file_is_too_large(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    size, most = command.payload["bytes"], facts.limits.file
    if size == 0:
        return Refusal("file-is-empty")
    return None if size <= most else Refusal("file-is-too-large", {"most": _gigabytes(most)})


@about_payload
def set_is_too_large(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    most = facts.limits.set
    together = sum(file.bytes for file in state.files.values()) + command.payload["bytes"]
    return None if together <= most else Refusal("set-is-too-large", {"most": _gigabytes(most)})


def too_many_files(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    return no_room_beside(len(state.files), facts.limits)


@about_payload
def file_stands_already(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    return Refusal("file-stands-already") if command.payload["number"] in state.files else None


@about_payload
def file_is_unknown(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    return None if command.payload["number"] in state.files else Refusal("file-is-unknown")


def nothing_was_uploaded(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    return None if state.files else Refusal("nothing-was-uploaded")


def upload_is_unfinished(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    return Refusal("upload-is-unfinished", {"files": str(facts.unfinished)}) if facts.unfinished else None


def upload_is_young(state: Upload, command: AnyCommand[Any], facts: Known) -> Refusal | None:
    old = state.opened_at is not None and facts.now >= state.opened_at + timedelta(days=facts.limits.days)
    return None if old else Refusal("upload-is-young")


def _gigabytes(size: int) -> str:
    return f"{size // 10**9}"
