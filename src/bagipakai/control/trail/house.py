"""Where this installation keeps its trail: files, keys, and whom it believes.

trail/                        the log's files (control.trail.store); may be copied anywhere
trail/policy                  the log's key, the witnesses, their addresses, the quorum (C2SP tlog-policy); public
keys/trail/log                signs checkpoints, Ed25519; only the sequencer may read it
keys/trail/log.ml-dsa         cosigns them, ML-DSA-44, for the day when Ed25519 no longer holds
keys/public/trail.vkey        the log's public key
"""

import secrets
from pathlib import Path

from bagipakai import postgres
from bagipakai.control.trail.store import Store
from bagipakai.core.keyfiles import read_secret, write_once
from bagipakai.core.notes import Kind, NoteKey, NoteSigner
from bagipakai.core.witnesses import Policy

NAME = "berbagipakai.dtsen/jejak"
KEYS = {"log": Kind.LOG, "log.ml-dsa": Kind.ML_DSA_COSIGNATURE}


def store() -> Store:
    return Store(postgres.var() / "trail")


def establish() -> None:
    """Makes the log's keys. Run again, it changes nothing."""
    private, public = _keys() / "trail", _keys() / "public"
    for folder, mode in ((private, 0o700), (public, 0o755), (store().folder, 0o755)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    for name, kind in KEYS.items():
        write_once(private / name, NoteSigner(NAME, kind, secrets.token_bytes(32)).secret().encode(), 0o600)
    write_once(public / "trail.vkey", str(signers()[0].public).encode(), 0o644)


def signers() -> list[NoteSigner]:
    """The log's keys, the Ed25519 one first. Raises TooOpen, BadNote, OSError."""
    return [NoteSigner.read(read_secret(_keys() / "trail" / name).decode()) for name in KEYS]


def public_key() -> NoteKey:
    """The log's public key. Raises BadNote, OSError."""
    return NoteKey.read((_keys() / "public" / "trail.vkey").read_text())


def policy_file() -> Path:
    return store().folder / "policy"


def policy() -> Policy:
    """Whom this installation believes. Raises BadPolicy, OSError: without it nothing leaves."""
    return Policy.of(policy_file())


def _keys() -> Path:
    return postgres.var() / "keys"
