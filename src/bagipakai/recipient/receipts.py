"""The acknowledgement (tanda terima): signed once everything was found right, and put beside what was opened.

It is a file that a person uploads; the tool itself stays without a network.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bagipakai.core.acknowledgement import NEEDED, Acknowledgement, Check
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.verify import Sealed


def unfit(file: Path, package: Path, folder: Path) -> Refusal | None:
    """What stands against writing the acknowledgement into `file`, said before any work is done."""
    if file.is_symlink() or file.exists():
        return Refusal("receipt-exists", {"name": file.name})
    place = file.absolute().parent.resolve()
    if any(place.is_relative_to(one.resolve()) for one in (package, folder)):
        return Refusal("receipt-misplaced", {"name": file.name})
    return None if place.is_dir() else Refusal("disk-error", {"detail": "map tanda terima tidak ada"})


def signed(sealed: Sealed, identity: Identity, witnessed: bool) -> bytes:
    """The acknowledgement of a package of which every check has passed, that of the trail only if it was `witnessed`;
    over the bytes that were checked."""
    return Acknowledgement(
        package=sealed.manifest.package,
        manifest=hashlib.sha256(sealed.envelope).hexdigest(),
        recipient=identity.fingerprint,
        tool=f"bagipakai {version('bagipakai')}",
        verified_at=datetime.now(UTC).replace(microsecond=0),
        checked=tuple(check for check in Check if witnessed or check in NEEDED),
    ).sealed(identity.signer)


@contextmanager
def written(file: Path, content: bytes) -> Iterator[None]:
    """`file` with this content, if the block ends well; else nothing. Raises OSError, FileExistsError among them."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise
