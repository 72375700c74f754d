"""`bagipakai witness keygen | serve`."""

import argparse
import contextlib
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from bagipakai.core.keyfiles import TooOpen, read_secret, write_once
from bagipakai.core.notes import BadNote, Kind, NoteKey, NoteSigner
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
    options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        signer = NoteSigner(options.name, KINDS[options.kind], secrets.token_bytes(32))
    except BadNote:
        return _refused("Nama saksi tidak boleh kosong, berspasi, atau memuat tanda plus.")
    write_once(options.dir / "key", signer.secret().encode(), 0o600)
    print(NoteSigner.read(read_secret(options.dir / "key").decode()).public)
    return 0


def _serve(options: argparse.Namespace) -> int:
    try:
        signer = NoteSigner.read(read_secret(options.dir / "key").decode())
        logs = [NoteKey.read(vkey) for vkey in options.log]
    except FileNotFoundError:
        return _refused(f"Tidak ada kunci di {options.dir}. Buat dengan: bagipakai witness keygen")
    except TooOpen as error:
        return _refused(f"Kunci {error} dapat dibaca orang lain. Jalankan: chmod 600 {error}")
    except BadNote:
        return _refused("Kunci saksi atau kunci publik jejak tidak terbaca.")
    if any(key.kind is not Kind.LOG for key in logs):
        return _refused("Yang disaksikan harus kunci publik sebuah jejak, bukan kunci saksi.")
    witness = Witness(signer, logs, Memory(options.dir / "seen.sqlite"), time.time)
    with server((options.host, options.port), witness) as serving:
        host, port = serving.server_address[:2]
        print(f"Saksi {signer.public.name} mendengar di http://{host!s}:{port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            serving.serve_forever()
    return 0


def _refused(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
