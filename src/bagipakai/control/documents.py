"""Handing in files. The bytes are known by their digest; the name the sender gave is shown, never used.

A file is either taken in whole, after every check, or refused with a sentence and nothing kept.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

from bagipakai import postgres
from bagipakai.control import clock
from bagipakai.control.filetypes import accepted, plain_name, recognise
from bagipakai.control.models import Document, Person
from bagipakai.core.refusal import Refusal

log = logging.getLogger("bagipakai.control.documents")


class DocumentMissing(Exception):
    """The bytes of a document are not in the store, or are not the bytes that were handed in. Names the digest."""


def store(file: BinaryIO, name: str, uploaded_by: Person) -> Document | Refusal:
    """Takes in one file, called `name` by its sender. Reads no more than the largest accepted size and one byte."""
    day = clock.today()
    content = file.read(max(kind.max_bytes for kind in accepted(day).values()) + 1)
    kind = recognise(content, name, day)
    if isinstance(kind, Refusal):
        log.info("document.refused code=%s bytes=%d", kind.code, len(content))
        return kind
    sha256 = hashlib.sha256(content).hexdigest()
    draft = _draft(content)
    try:
        scan = _scanned(draft)
        if scan is None:
            log.warning("document.infected sha256=%s", sha256)
            return Refusal("document-infected")
        draft.rename(folder() / sha256)
    finally:
        draft.unlink(missing_ok=True)
    return Document.objects.create(
        sha256=sha256,
        name=plain_name(name, kind.extension),
        media_type=kind.media_type,
        extension=kind.extension,
        size=len(content),
        scan=scan,
        uploaded_by=uploaded_by,
        uploaded_at=clock.now(),
    )


def read(document: Document) -> bytes:
    """The bytes that were handed in. Raises DocumentMissing if they are gone or were changed."""
    return read_bytes(document.sha256)


def read_bytes(sha256: str) -> bytes:
    """The bytes of this digest. Raises DocumentMissing if they are gone or were changed."""
    try:
        content = (folder() / sha256).read_bytes()
    except OSError:
        raise DocumentMissing(sha256) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DocumentMissing(sha256)
    return content


def keep(content: bytes) -> str:
    """Puts the office's own bytes (a paper) into the store; returns their digest."""
    sha256 = hashlib.sha256(content).hexdigest()
    _draft(content).rename(folder() / sha256)
    return sha256


def folder() -> Path:
    """Where the bytes lie; only the office's own user may look."""
    place = postgres.var() / "documents"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _scanned(path: Path) -> Document.Scan | None:
    """What a malware scanner says: clean, infected (None), or that nobody looked, which the pages say aloud."""
    for program in ("clamdscan", "clamscan"):
        if scanner := shutil.which(program):
            options = ["--fdpass"] if program == "clamdscan" else []
            outcome = subprocess.run(
                [scanner, *options, "--no-summary", "--", str(path)], capture_output=True, timeout=120, check=False
            )
            if outcome.returncode in (0, 1):
                return Document.Scan.CLEAN if outcome.returncode == 0 else None
            log.warning("document.scan_failed program=%s code=%d", program, outcome.returncode)
    return Document.Scan.NOT_SCANNED


def _draft(content: bytes) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder(), prefix=".", delete=False) as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    return Path(draft.name)
