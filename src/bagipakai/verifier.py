#!/usr/bin/env python3
"""Checks what Bagipakai's log says, without Bagipakai. One file: Python >= 3.11 and the package `cryptography` suffice.

    python verifier.py proof    --policy POLICY --proof FILE.tlog-proof --entry FILE
    python verifier.py log      --policy POLICY [--checkpoint OLDER]... [--opened FILE.jsonl] FOLDER
    python verifier.py decision --policy POLICY FILE.json
    python verifier.py package  --policy POLICY --seal SEAL.pub FOLDER

POLICY is the public file that names the log's keys, the witnesses and how many must agree (C2SP tlog-policy). OLDER is a
checkpoint that somebody kept, or a folder of them. Nothing here is shared with the programs that write the log, so that
one mistake cannot hide in both. Written to RFC 6962 and RFC 9162 (trees, proofs), C2SP signed-note, tlog-checkpoint,
tlog-cosignature, tlog-tiles, tlog-proof, tlog-policy, DSSE v1 (seals), RFC 8785 (canonical JSON) and W3C WebAuthn
Level 2 §7.2 (decisions).

Exit: 0 everything holds · 1 something does not; the line says what, at which entry, since when · 2 wrong use.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import UTC, datetime
from functools import partial, reduce
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

LOG, ED25519, ML_DSA = 1, 4, 6  # kinds of keys: Ed25519 over a text, and the two cosignatures
KEY_LENGTHS = {LOG: 32, ED25519: 32, ML_DSA: 1312}
MANIFEST = "application/vnd.bagipakai.manifest+json;v=1"
NUMBER = "(0|[1-9][0-9]{0,17})"
SENTENCES = {
    "not-readable": "Berkas tidak terbaca atau bukan yang dimaksud.",
    "bad-policy": "Berkas kebijakan tidak terbaca.",
    "bad-note": "Titik periksa (checkpoint) rusak bentuknya.",
    "unknown-log": "Titik periksa milik jejak lain.",
    "bad-signature": "Tanda tangan pada titik periksa palsu, atau tidak ada.",
    "no-quorum": "Saksi yang ikut menandatangani tidak cukup.",
    "bad-proof": "Bukti rusak bentuknya.",
    "not-in-log": "Catatan ini tidak ada di jejak pada tempat yang disebut.",
    "file-missing": "Ada berkas jejak yang hilang.",
    "file-longer": "Ada berkas jejak yang memuat lebih banyak daripada kata namanya.",
    "entry-changed": "Ada catatan yang diubah, ditukar, atau dihapus.",
    "hash-changed": "Ada sidik pada jejak yang diubah.",
    "leftover-changed": "Ada berkas sisa yang bukan awal dari berkas lengkapnya.",
    "root-differs": "Isi jejak tidak menghasilkan akar yang ditandatangani.",
    "log-rewritten": "Jejak ini bukan kelanjutan dari yang dulu ditandatangani: riwayat ditulis ulang.",
    "log-shorter": "Jejak ini lebih pendek daripada yang dulu ditandatangani: ada yang dihapus.",
    "not-what-was-logged": "Isi yang dibuka bukan isi yang dicatat.",
    "bad-assertion": "Tanda tangan pejabat tidak sah untuk keputusan ini.",
    "user-not-verified": "Tanda tangan dibuat tanpa verifikasi pemilik kunci.",
    "foreign-key": "Kunci penanda tangan bukan kunci yang didaftarkan untuk orang itu.",
    "bad-seal": "Segel manifes tidak sah.",
    "bad-manifest": "Manifes menyebut bagian dua kali, atau dengan nama yang tidak boleh.",
    "part-missing": "Ada bagian paket yang hilang.",
    "part-changed": "Ada bagian paket yang berubah.",
    "part-foreign": "Ada bagian paket yang tidak disebut manifes.",
}


class Wrong(Exception):
    """Something does not hold. `code` is a key of SENTENCES; `where` says at which entry or file, and since when."""

    def __init__(self, code, where=""):
        super().__init__(code)
        self.code, self.where = code, where


def wrong_if(bad, code, where=""):
    if bad:
        raise Wrong(code, where)


# Trees (RFC 6962 §2.1, RFC 9162 §2.1.3.2)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    return sha(b"\0", entry)


class Tree:
    """A tree that grows leaf by leaf: complete subtrees on a stack, joined whenever two are of one size. `rows[level]`
    are the hashes over each 256^level leaves, as tiles hold them."""

    def __init__(self):
        self.size, self.stack, self.rows = 0, [], {}

    def add(self, leaf):
        self.size += 1
        self.stack.append(leaf)
        for level in range(1, (self.size & -self.size).bit_length()):
            right = self.stack.pop()
            self.stack[-1] = sha(b"\1", self.stack[-1], right)
            if level % 8 == 0:
                self.rows.setdefault(level // 8, []).append(self.stack[-1])

    def root(self):
        return reduce(lambda right, left: sha(b"\1", left, right), reversed(self.stack)) if self.stack else sha()


def inclusion_root(leaf, index, size, path):
    """The root to which `path` leads from the leaf at `index`; None where the path is not of the right length."""
    fn, sn, r = index, size - 1, leaf
    for p in path if index < size else ():
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = sha(b"\1", p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


# Keys, policy, checkpoints (C2SP)


def text_of(file):
    return file.read_bytes().decode()  # as it stands: read_text would turn "\r\n" into "\n"


def base64_bytes(text, code):
    """Strictly: one spelling for one value."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(code) from None
    wrong_if(base64.b64encode(value).decode() != text, code)
    return value


def read_key(text, kinds):
    """A vkey as (name, kind, raw key, key id)."""
    name, stated, packed = (*text.split("+", 2), "", "")[:3]
    packed = base64_bytes(packed, "bad-policy")
    kind, raw, key_id = packed[0] if packed else 0, packed[1:], sha(name.encode(), b"\n", packed)[:4]
    wrong_if(kind not in kinds or len(raw) != KEY_LENGTHS[kind] or key_id.hex() != stated, "bad-policy")
    wrong_if(not re.fullmatch(r"\S+", name), "bad-policy")
    return name, kind, raw, key_id


def read_policy(text):
    """A policy as (log keys, witness keys by name, (least, members) by group name, name of the quorum)."""
    logs, witnesses, groups, quorum, used = [], {}, {}, None, set()
    wrong_if(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "bad-policy")
    for line in text.split("\n"):
        known = {*witnesses, *groups}
        match re.split("[ \t]+", line.strip(" \t")):
            case [word, *_] if not word or word[0] == "#":
                continue
            case ["log", key] | ["log", key, _]:
                logs.append(read_key(key, {LOG, ML_DSA}))
            case ["witness", name, key] | ["witness", name, key, _] if name not in known | {"none"}:
                witnesses[name] = read_key(key, {ED25519, ML_DSA})
            case ["group", name, least, *members] if members and name not in known | {"none"}:
                least = {"any": "1", "all": str(len(members))}.get(least, least)
                wrong_if(not re.fullmatch("[1-9][0-9]{0,3}", least) or int(least) > len(members), "bad-policy")
                wrong_if(not set(members) <= known - used or len(set(members)) < len(members), "bad-policy")
                used |= set(members)
                groups[name] = int(least), members
            case ["quorum", name] if quorum is None and name in known | {"none"}:
                quorum = name
            case _:
                raise Wrong("bad-policy")
    keys = [raw for _, _, raw, _ in (*logs, *witnesses.values())]
    wrong_if(quorum is None or not logs or len(set(keys)) < len(keys), "bad-policy")
    return logs, witnesses, groups, quorum


def check_checkpoint(note, policy):
    """(origin, size, root, the latest time by which a quorum had seen it) of a signed checkpoint."""
    logs, witnesses, groups, quorum = policy
    found = re.fullmatch(rf"([^\n]+)\n{NUMBER}\n(\S+)\n\n((?:— [^\s+]+ \S+\n){{1,32}})", note)
    control = re.search(r"[\x00-\x09\x0b-\x1f]", note)
    wrong_if(not found or control or len(note.encode()) > 256 * 1024, "bad-note")
    checkpoint = found[1], int(found[2]), base64_bytes(found[3], "bad-note")
    lines = [line.split(" ") for line in found[4][:-1].split("\n")]
    signatures = [(name, base64_bytes(packed, "bad-note")) for _, name, packed in lines]
    wrong_if(len(checkpoint[2]) != 32 or any(len(value) < 5 for _, value in signatures), "bad-note")
    mine = [key for key in logs if key[0] == checkpoint[0]]
    wrong_if(not mine, "unknown-log")
    wrong_if(not any([signed_at(key, checkpoint, signatures) for key in mine]), "bad-signature")
    seen = {name: max(times) for name, key in witnesses.items() if (times := signed_at(key, checkpoint, signatures))}
    for time in sorted({*seen.values(), 0}, reverse=True):
        if meets(quorum, {name for name, at in seen.items() if at >= time}, groups):
            return *checkpoint, time
    raise Wrong("no-quorum")


def signed_at(key, checkpoint, signatures):
    """The times of this key's signatures (0 for a log's own). One that names the key and is false condemns the note."""
    (name, kind, raw, key_id), (origin, size, root), times = key, checkpoint, []
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    for value in [value[4:] for by, value in signatures if (by, value[:4]) == (name, key_id)]:
        time = 0 if kind == LOG else int.from_bytes(value[:8])
        try:
            if kind == LOG:
                Ed25519PublicKey.from_public_bytes(raw).verify(value, text.encode())
            elif kind == ED25519:
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                Ed25519PublicKey.from_public_bytes(raw).verify(value[8:], message)
            else:
                who, whose = name.encode(), origin.encode()
                message = b"subtree/v1\n\0" + bytes([len(who)]) + who + value[:8] + bytes([len(whose)]) + whose
                message += bytes(8) + size.to_bytes(8) + root
                MLDSA44PublicKey.from_public_bytes(raw).verify(value[8:], message)
        except (InvalidSignature, ValueError):
            raise Wrong("bad-signature", name) from None
        wrong_if(time >= 2**63, "bad-signature", name)
        times.append(time)
    return times


def meets(name, present, groups):
    if name not in groups:
        return name == "none" or name in present
    least, members = groups[name]
    return sum(meets(one, present, groups) for one in members) >= least


def seen(time):
    if not time:
        return "ditandatangani tanpa saksi"
    return f"disaksikan {datetime.fromtimestamp(min(time, 253402300799), UTC):%Y-%m-%d %H:%M:%S} UTC"


# Proofs and the whole log


def check_proof(proof, entry, policy):
    """That `entry` stands in a log which a quorum had seen: (origin, index, time)."""
    head, blank, note = proof.partition("\n\n")
    found = re.fullmatch(rf"c2sp.org/tlog-proof@v1\n(?:extra [^\n]*\n)?index {NUMBER}((?:\n[^\n]+)*)", head)
    wrong_if(not blank or not found, "bad-proof")
    index, path = int(found[1]), [base64_bytes(line, "bad-proof") for line in found[2].split("\n")[1:]]
    wrong_if(len(path) > 63 or any(len(one) != 32 for one in path), "bad-proof")
    origin, size, root, time = check_checkpoint(note, policy)
    where = f"catatan {index} dari {size}, {seen(time)}"
    wrong_if(inclusion_root(leaf_hash(entry), index, size, path) != root, "not-in-log", where)
    return origin, index, time


def tile_name(kind, index, width):
    digits = f"{index % 1000:03d}"
    while index := index // 1000:
        digits = f"x{index % 1000:03d}/{digits}"
    return f"tile/{kind}/{digits}" + (f".p/{width}" if width < 256 else "")


def rows_in(kind, data):
    """The entries of a bundle, or the hashes of a tile; None for one that is cut short."""
    rows, at = [], 0
    while at < len(data):
        start = at + 2 if kind == "entries" else at
        end = start + (int.from_bytes(data[at:start]) if kind == "entries" else 32)
        rows.append(data[start:end] if end <= len(data) else None)
        at = end
    return rows


def rows_of(folder, kind, index, width):
    """The rows of tile or bundle `index`, of which the log needs `width`: more where it has grown since. And the name
    of a narrower file that was left beside it and is not its beginning."""
    for wide in (width, 256):
        name = tile_name(kind, index, wide)
        if (folder / name).is_file():
            rows = rows_in(kind, (folder / name).read_bytes())
            wrong_if(len(rows) > wide, "file-longer", name)
            left = [file for file in (folder / f"{tile_name(kind, index, 256)}.p").glob("*") if file.name.isdecimal()]
            bad = [file for file in left if rows_in(kind, file.read_bytes())[:width] != rows[: int(file.name)][:width]]
            return rows[:width], [tile_name(kind, index, int(file.name)) for file in bad]
    raise Wrong("file-missing", name)
