"""`bagipakai witness keygen | serve`."""

import argparse
import contextlib
import secrets
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from bagipakai.core.keyfiles import TooOpen, read_secret, write_once
from bagipakai.core.notes import BadNote, Kind, NoteKey, NoteSigner
from bagipakai.core.troubles import trouble
from bagipakai.witness.cosigning import Witness
from bagipakai.witness.memory import Memory
from bagipakai.witness.serving import server

KINDS = {"ml-dsa-44": Kind.ML_DSA_COSIGNATURE, "ed25519": Kind.ED25519_COSIGNATURE}


def register(subparsers: Any) -> None:
    """Adds the witness's commands. 0 done · 1 refused."""
    make = subparsers.add_parser("keygen", help="buat kunci saksi")
    make.add_argument("--dir", type=Path, required=True, metavar="FOLDER", help="tempat kunci dan ingatan saksi")
    make.add_argument("--name", required=True, metavar="NAMA", help="nama saksi, misalnya saksi.bpkp.go.id/1")
    make.add_argument("--kind", choices=KINDS, default="ml-dsa-44", help="jenis kunci (bawaan: ml-dsa-44)")
    make.set_defaults(run=_keygen)
    serve = subparsers.add_parser("serve", help="jalankan saksi")
    serve.add_argument("--dir", type=Path, required=True, metavar="FOLDER", help="tempat kunci dan ingatan saksi")
    serve.add_argument(
        "--log", action="append", required=True, metavar="VKEY", help="kunci publik jejak yang disaksikan"
    )
    serve.add_argument("--host", default="127.0.0.1", help="alamat (bawaan: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=0, help="porta; 0 memilih yang kosong")
    serve.set_defaults(run=_serve)


def _keygen(options: argparse.Namespace) -> int:
    try:
        signer = NoteSigner(options.name, KINDS[options.kind], secrets.token_bytes(32))
    except BadNote:
        return _refused("Nama saksi tidak boleh kosong, berspasi, atau memuat tanda plus.")
    try:
        options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(options.dir / "key", signer.secret().encode(), 0o600)
    except OSError as error:
        return _refused(f"{options.dir} tidak dapat ditulis: {trouble(error)}.")
    kept = _key(options.dir)
    if isinstance(kept, str):
        return _refused(kept)
    if (kept.public.name, kept.public.kind) != (signer.public.name, signer.public.kind):
        return _refused(f"Di {options.dir} sudah ada kunci lain, milik {kept.public.name}.")
    print(kept.public)
    return 0


def _serve(options: argparse.Namespace) -> int:
    signer = _key(options.dir)
    if isinstance(signer, str):
        return _refused(signer)
    try:
        logs = [NoteKey.read(vkey) for vkey in options.log]
    except BadNote:
        return _refused("Kunci publik jejak tidak terbaca.")
    if any(key.kind is Kind.ED25519_COSIGNATURE for key in logs):
        return _refused("Yang disaksikan harus kunci publik sebuah jejak, bukan kunci saksi.")
    try:
        witness = Witness(signer, logs, Memory(options.dir / "seen.sqlite"), time.time)
    except sqlite3.Error:
        return _refused(f"Ingatan saksi di {options.dir} tidak terbaca.")
    try:
        bound = server((options.host, options.port), witness)
    except (OSError, OverflowError):
        return _refused(f"Alamat {options.host}:{options.port} tidak dapat dipakai.")
    with bound as serving:
        host, port = serving.server_address[:2]
        print(f"Saksi {signer.public.name} mendengar di http://{host!s}:{port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            serving.serve_forever()
    return 0


def _key(folder: Path) -> NoteSigner | str:
    """The witness's key, or a sentence that says why there is none."""
    try:
        return NoteSigner.read(read_secret(folder / "key").decode())
    except FileNotFoundError:
        return f"Tidak ada kunci di {folder}. Buat dengan: bagipakai witness keygen"
    except TooOpen as error:
        return f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}"
    except (OSError, ValueError):
        return f"Kunci di {folder} tidak terbaca."


def _refused(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
