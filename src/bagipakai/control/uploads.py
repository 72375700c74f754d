"""Files on their way to the registry, piece by piece. Each piece is sealed to the registry's intake key in memory,
before anything of it touches a disk: the office keeps what it cannot read.

    var/intake/<submission or roster>/<SHA-256 of the sealed piece>.age

A piece that is uploaded again is recognised and changes nothing, so that a sender may repeat whatever a broken line
left in doubt. The rows here are of the moment; what counts of a file that came whole is an event of what it is
uploaded for (control.submissions, control.rosters).
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from bagipakai import postgres
from bagipakai.control import clock, keys
from bagipakai.control.filetypes import plain_name
from bagipakai.control.models import Holder, UploadedFile, UploadedPiece
from bagipakai.core.intake import Piece, SentFile, digest_of
from bagipakai.core.refusal import Refusal
from bagipakai.core.uploading import File

BROKEN_OFF = timedelta(days=1)  # no form flows in for longer


def folder(place: str) -> Path:
    """Where the sealed pieces of a submission or roster lie. The registry reads them there; their senders do not."""
    return postgres.var() / "intake" / place


def ending_of(name: str) -> str:
    """The ending of a file's name, in small letters without its dot; nothing where there is none."""
    return Path(plain_name(name)).suffix.lower().removeprefix(".")


def shown_name(name: str) -> str:
    """What a file is called on a page and in the record: never by a number that could be a person's, also where it is
    written in groups, as on a card, or in digits of another script."""
    return re.sub(r"\d(?:[ .]?\d){15,}", "…", plain_name(name))


def known(holder: Holder, name: str, size: int | None, last_changed: str) -> UploadedFile | None:
    """The upload of this same file, to go on with, if one was begun: same name, size and time of its last change."""
    if size is None or not last_changed:
        return None
    told = {"name": shown_name(name), "size": size, "last_changed": last_changed}
    return holder.uploads.filter(**told).order_by("-number").first()


def begin(holder: Holder, name: str, size: int | None, last_changed: str, piece: int) -> UploadedFile:
    """A new file of the submission or roster, of which nothing is there yet. Its number is taken by nobody else."""
    with transaction.atomic():
        type(holder).objects.select_for_update(no_key=True).get(pk=holder.pk)
        last = holder.uploads.order_by("-number").values_list("number", flat=True).first() or 0
        return holder.uploads.create(
            number=last + 1,
            name=shown_name(name),
            size=size,
            piece=piece,
            last_changed=last_changed[:20],
            begun_at=clock.now(),
        )


def span(file: UploadedFile, number: int) -> int | None:
    """How many bytes piece `number` (from 1) of the file has; None if there is no such piece."""
    if file.size is None or not 1 <= number <= pieces_of(file):
        return None
    return min(file.piece, file.size - (number - 1) * file.piece)


def pieces_of(file: UploadedFile) -> int:
    """How many pieces the file has; 0 while its size is not known."""
    return 0 if file.size is None else -(-file.size // file.piece)


def has(file: UploadedFile, number: int, sha256: str) -> bool:
    """Whether this very piece is there already."""
    found = file.pieces.filter(number=number).first()
    return found is not None and constant_time_compare(found.mark, _mark(sha256))


def missing(file: UploadedFile) -> list[int]:
    """The numbers of the pieces that have not come."""
    there = set(file.pieces.values_list("number", flat=True))
    return [number for number in range(1, pieces_of(file) + 1) if number not in there]


def keep(file: UploadedFile, number: int, content: bytes) -> Refusal | None:
    """Seals one piece and keeps it, in the place of what stood there before, which goes. Raises KeyMissing while the
    registry has made no intake key."""
    sealed = pyrage.encrypt(content, [keys.intake_key()])
    sha256 = hashlib.sha256(sealed).hexdigest()
    try:
        _write(folder(file.holder.place) / f"{sha256}.age", sealed)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Refusal("intake-store-is-full")
        raise
    before = file.pieces.filter(number=number).values_list("sealed_sha256", flat=True).first()
    UploadedPiece.objects.update_or_create(
        file=file,
        number=number,
        defaults={
            "bytes": len(content),
            "sealed_bytes": len(sealed),
            "sealed_sha256": sha256,
            "mark": _mark(hashlib.sha256(content).hexdigest()),
        },
    )
    if before is not None:  # or a sender who changes one piece again and again fills the store
        transaction.on_commit(lambda: (folder(file.holder.place) / f"{before}.age").unlink(missing_ok=True))
    return None


def end(file: UploadedFile) -> None:
    """What has come is the whole of a file whose size nobody knew."""
    file.size = sum(file.pieces.values_list("bytes", flat=True))
    file.save(update_fields=["size"])


def pieces(holder: Holder, number: int) -> list[Piece]:
    """The sealed pieces of a file, in order."""
    rows = UploadedPiece.objects.filter(file__in=holder.uploads.filter(number=number)).order_by("number")
    return [Piece(row.bytes, row.sealed_bytes, row.sealed_sha256) for row in rows]


def lie_there(holder: Holder, files: Mapping[int, File]) -> bool:
    """Whether each piece of these files is in the store, in its size. Whether in its bytes, the registry will see."""
    every = {number: pieces(holder, number) for number in files}
    return all(
        digest_of(one.sealed_sha256 for one in every[number]) == file.sealed
        and all(_size(folder(holder.place) / f"{one.sealed_sha256}.age") == one.sealed_bytes for one in every[number])
        for number, file in files.items()
    )


def sent(holder: Holder, files: Mapping[int, File]) -> tuple[SentFile, ...]:
    """These files as an order names them, in the order in which they were begun."""
    return tuple(
        SentFile(ending_of(file.name), tuple(pieces(holder, number))) for number, file in sorted(files.items())
    )


def forget(file: UploadedFile) -> None:
    """Takes a file back: its rows, then its bytes."""
    sealed = list(file.pieces.values_list("sealed_sha256", flat=True))
    place = folder(file.holder.place)
    file.delete()
    for sha256 in sealed:
        (place / f"{sha256}.age").unlink(missing_ok=True)


def clear(holder: Holder) -> None:
    """Deletes all that was uploaded of a submission or roster: it went to the registry, or will not."""
    holder.uploads.all().delete()
    shutil.rmtree(folder(holder.place), ignore_errors=True)


def tidy(now: datetime, needed: Collection[str]) -> None:
    """Takes back the files of forms that broke off, and deletes what lies at any place that is not `needed`."""
    for broken in UploadedFile.objects.filter(size=None, begun_at__lt=now - BROKEN_OFF):
        forget(broken)
    for place in left_over():
        if place not in needed:
            of_roster = Q(roster__reference=place)
            UploadedFile.objects.filter(Q(submission=int(place)) if place.isdecimal() else of_roster).delete()
            shutil.rmtree(folder(place), ignore_errors=True)


def left_over() -> Iterator[str]:
    """The places at which sealed pieces lie in the store."""
    store = postgres.var() / "intake"
    yield from (one.name for one in (store.iterdir() if store.is_dir() else ()) if not one.name.startswith("."))


def _mark(sha256: str) -> str:
    return salted_hmac("bagipakai.control.uploads", sha256, algorithm="sha256").hexdigest()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _write(file: Path, content: bytes) -> None:
    for place in (file.parent.parent, file.parent):
        place.mkdir(mode=0o750, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", dir=file.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(0o640)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
