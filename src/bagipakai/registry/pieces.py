"""What an institution sent in sealed pieces, opened and put together again in a private workspace.

var/intake/<place>/<digest>.age     put there by the office, deleted by it afterwards
"""

import hashlib
import os
from pathlib import Path

import pyrage

from bagipakai.core.intake import Piece, SentFile


class PieceDiffers(Exception):
    """A sealed piece is not the one that was ordered, or does not open."""


def put_together(file: SentFile, sealed: Path, identity: pyrage.x25519.Identity, target: Path) -> None:
    """Writes `target`, a new file for our user alone, from the pieces of `file` in the folder `sealed`. Raises
    PieceDiffers, OSError."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        for piece in file.pieces:
            out.write(_open(sealed / f"{piece.sealed_sha256}.age", piece, identity))


def _open(file: Path, piece: Piece, identity: pyrage.x25519.Identity) -> bytes:
    """One piece, if its file is the very one that was ordered. Read at once: a piece is small."""
    try:
        with file.open("rb") as read:
            sealed = read.read(piece.sealed_bytes + 1)
    except FileNotFoundError:
        raise PieceDiffers(file.name) from None
    if len(sealed) != piece.sealed_bytes or hashlib.sha256(sealed).hexdigest() != piece.sealed_sha256:
        raise PieceDiffers(file.name)
    try:
        content = bytes(pyrage.decrypt(sealed, [identity]))
    except pyrage.DecryptError:
        raise PieceDiffers(file.name) from None
    if len(content) != piece.bytes:
        raise PieceDiffers(file.name)
    return content
