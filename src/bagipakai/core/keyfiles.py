"""A key file is written once: whole or not at all, by the first who comes, and never over another."""

import os
import secrets
from pathlib import Path


def write_once(file: Path, content: bytes, mode: int) -> None:
    """Writes `file` with `mode` unless it is there; of two writers the first one wins. Raises OSError."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        draft.unlink()
