"""A trail in memory that witnesses have seen, and the files that prove a package stands in it."""

import hashlib
from collections.abc import Callable, Sequence

from tests.recipient.packages import Made

from bagipakai.core.canonical import canonical
from bagipakai.core.manifest import LEAF_NAME, MANIFEST_NAME, PROOF_NAME
from bagipakai.core.notes import Checkpoint, Kind, Note, NoteSigner
from bagipakai.core.tiles import Log, grown
from bagipakai.core.witnesses import LogProof, Policy

LOG = NoteSigner("uji/jejak", Kind.LOG, bytes([1]) * 32)
OTHER_LOG = NoteSigner("uji/jejak", Kind.LOG, bytes([2]) * 32)
WITNESSES = [NoteSigner(f"saksi.uji/{n}", Kind.ML_DSA_COSIGNATURE, bytes([n]) * 32) for n in (3, 4, 5)]
STRANGERS = [NoteSigner(f"saksi.asing/{n}", Kind.ML_DSA_COSIGNATURE, bytes([n]) * 32) for n in (6, 7, 8)]
NOISE = [b'{"n":%d}' % n for n in range(300)]  # what else stands there: more than one tile
SEEN = 1_795_000_000  # seconds since 1970


def policy_text(witnesses: Sequence[NoteSigner] = WITNESSES, log: NoteSigner = LOG) -> str:
    """Two of these witnesses must have seen it."""
    lines = [f"log {log.public}", *(f"witness w{n} {one.public}" for n, one in enumerate(witnesses))]
    return "\n".join([*lines, f"group saksi 2 {' '.join(f'w{n}' for n in range(len(witnesses)))}", "quorum saksi", ""])


def policy(witnesses: Sequence[NoteSigner] = WITNESSES) -> Policy:
    return Policy.read(policy_text(witnesses))


def proof_of(entry: bytes, witnesses: Sequence[NoteSigner] = WITNESSES, log: NoteSigner = LOG) -> LogProof:
    """That `entry` stands between the others, under a checkpoint that these witnesses cosigned."""
    files: dict[str, bytes] = {}

    def read(name: str) -> bytes:
        try:
            return files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    entries = [*NOISE[:150], entry, *NOISE[150:]]
    files |= grown(Log(read, 0), entries)
    tree = Log(read, len(entries))
    checkpoint = Checkpoint(log.public.name, tree.size, tree.root())
    signatures = [log.sign(checkpoint.text), *(one.sign(checkpoint.text, SEEN) for one in witnesses)]
    return LogProof(150, tuple(tree.inclusion(150)), Note(checkpoint.text, tuple(signatures)))


def leaf_of(made: Made, event: str = "package.SEAL", about: str = "") -> bytes:
    digest = hashlib.sha256((made.folder / MANIFEST_NAME).read_bytes()).hexdigest()
    return canonical({"v": 1, "event": event, "object_ref": about or made.folder.name, "object_hash": digest})


def proven(made: Made, leaf: bytes | None = None, change: Callable[[bytes], bytes] = bytes, **by: object) -> Made:
    """The package with its proof beside it; of another `leaf`, changed, or signed by others where told."""
    leaf = leaf_of(made) if leaf is None else leaf
    (made.folder / LEAF_NAME).write_bytes(leaf)
    (made.folder / PROOF_NAME).write_bytes(change(bytes(proof_of(leaf, **by))))  # type: ignore[arg-type]
    return made
