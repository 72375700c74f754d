#!/usr/bin/env python3
"""Checks what Bagipakai's log says, without Bagipakai. One file: Python >= 3.11 and the package `cryptography` suffice.

    python verifier.py proof    --policy POLICY --proof FILE.tlog-proof --entry FILE
    python verifier.py log      --policy POLICY [--checkpoint OLDER]... [--opened FILE.jsonl] FOLDER
    python verifier.py decision --policy POLICY FILE.json
    python verifier.py package  --policy POLICY --seal SEAL.pub FOLDER

POLICY is the public file that names the log's key, the witnesses and how many must agree (C2SP tlog-policy). Nothing
here is shared with the programs that write the log, so that one mistake cannot hide in both. Written to RFC 6962 and
RFC 9162 (trees, proofs), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof, tlog-policy,
DSSE v1 (seals), RFC 8785 (canonical JSON) and W3C WebAuthn Level 2 §7.2 (decisions).

Exit: 0 everything holds · 1 something does not; the line says what, at which entry, since when · 2 wrong use.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

LOG, ED25519, ML_DSA = 1, 4, 6
KINDS = {(b"\1", 33), (b"\4", 33), (b"\6", 1313)}  # with the length of the key that follows
SENTENCES = {
    "not-readable": "Berkas tidak terbaca atau bukan yang dimaksud.",
    "bad-policy": "Berkas kebijakan tidak terbaca.",
    "bad-note": "Titik periksa (checkpoint) rusak bentuknya.",
    "unknown-log": "Titik periksa milik jejak lain.",
    "bad-signature": "Tanda tangan pada titik periksa palsu, atau tidak ada.",
    "no-quorum": "Saksi yang ikut menandatangani tidak cukup.",
    "bad-proof": "Bukti rusak bentuknya.",
    "not-in-log": "Catatan ini tidak ada di jejak pada tempat yang disebut.",
    "file-missing": "Ada berkas jejak yang hilang atau terpotong.",
    "entry-changed": "Ada catatan yang diubah.",
    "hash-changed": "Ada sidik pada jejak yang diubah.",
    "root-differs": "Isi jejak tidak menghasilkan akar yang ditandatangani.",
    "log-rewritten": "Jejak ini bukan kelanjutan dari yang dulu ditandatangani: riwayat ditulis ulang.",
    "log-shorter": "Jejak ini lebih pendek daripada yang dulu ditandatangani: ada yang dihapus.",
    "not-what-was-logged": "Isi yang dibuka bukan isi yang dicatat.",
    "bad-assertion": "Tanda tangan pejabat tidak sah untuk keputusan ini.",
    "user-not-verified": "Tanda tangan dibuat tanpa verifikasi pemilik kunci.",
    "foreign-key": "Kunci penanda tangan bukan kunci yang didaftarkan untuk orang itu.",
    "bad-seal": "Segel manifes tidak sah.",
    "part-missing": "Ada bagian paket yang hilang.",
    "part-changed": "Ada bagian paket yang berubah.",
}


class Wrong(Exception):
    """Something does not hold. `code` is a key of SENTENCES; `where` says at which entry or file, and since when."""

    def __init__(self, code, where=""):
        super().__init__(code)
        self.code, self.where = code, where


def wrong_if(bad, code, where=""):
    if bad:
        raise Wrong(code, where)


# Trees (RFC 6962 §2.1, RFC 9162 §2.1.3.2 and §2.1.4.2)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    return sha(b"\0", entry)


def tree_hash(hashes):
    """The root over leaf hashes: complete subtrees on a stack, joined whenever two are of one size."""
    stack = []
    for place, value in enumerate(hashes):
        stack.append(value)
        for _ in range((~place & (place + 1)).bit_length() - 1):
            right = stack.pop()
            stack.append(sha(b"\1", stack.pop(), right))
    if not stack:
        return sha()
    root = stack.pop()
    while stack:
        root = sha(b"\1", stack.pop(), root)
    return root


def inclusion_root(leaf, index, size, path):
    wrong_if(index >= size, "bad-proof")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        wrong_if(sn == 0, "bad-proof")
        if fn & 1 or fn == sn:
            r = sha(b"\1", p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    wrong_if(sn, "bad-proof")
    return r


# Notes, keys, policy (C2SP)


def base64_bytes(text, code):
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(code) from None
    wrong_if(base64.b64encode(value).decode() != text, code)
    return value


def read_key(text):
    """A vkey as (name, kind, raw key, key id)."""
    name, _, rest = text.partition("+")
    stated, _, packed = rest.partition("+")
    packed = base64_bytes(packed, "bad-policy")
    key_id = sha(name.encode(), b"\n", packed)[:4]
    wrong_if(not name or key_id.hex() != stated or (packed[:1], len(packed)) not in KINDS, "bad-policy")
    return name, packed[0], packed[1:], key_id


def read_policy(text):
    logs, witnesses, groups, quorum, used = [], {}, {}, None, set()
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        known = {*witnesses, *groups}
        if words[0] == "log" and len(words) in (2, 3):
            logs.append(read_key(words[1]))
        elif words[0] == "witness" and len(words) in (3, 4) and words[1] not in known | {"none"}:
            witnesses[words[1]] = read_key(words[2])
        elif words[0] == "group" and len(words) > 3 and words[1] not in known | {"none"}:
            members = words[3:]
            least = {"any": "1", "all": str(len(members))}.get(words[2], words[2])
            wrong_if(not re.fullmatch("[0-9]{1,3}", least) or not 1 <= int(least) <= len(members), "bad-policy")
            wrong_if(not set(members) <= known - used or len(set(members)) < len(members), "bad-policy")
            used |= set(members)
            groups[words[1]] = int(least), members
        elif words[0] == "quorum" and len(words) == 2 and quorum is None and words[1] in known | {"none"}:
            quorum = words[1]
        else:
            raise Wrong("bad-policy")
    keys = [key[2] for key in (*logs, *witnesses.values())]
    wrong_if(
        quorum is None or not logs or len(set(keys)) < len(keys) or any(key[1] != LOG for key in logs), "bad-policy"
    )
    wrong_if(any(key[1] == LOG for key in witnesses.values()), "bad-policy")
    return logs, witnesses, groups, quorum


def check_checkpoint(note, policy):
    """(origin, size, root, time by which a quorum had seen it) of a signed checkpoint."""
    logs, witnesses, groups, quorum = policy
    text, blank, lines = note.rpartition("\n\n")
    found = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/=]+)", text)
    wrong_if(not blank or not found or not lines.endswith("\n"), "bad-note")
    text, origin, size, root = text + "\n", found[1], int(found[2]), base64_bytes(found[3], "bad-note")
    wrong_if(len(root) != 32, "bad-note")
    signatures = []
    for line in lines.splitlines():
        match = re.fullmatch(r"— (\S+) ([A-Za-z0-9+/=]+)", line)
        wrong_if(not match, "bad-note")
        value = base64_bytes(match[2], "bad-note")
        signatures.append((match[1], value[:4], value[4:]))
    mine = [key for key in logs if key[0] == origin]
    wrong_if(not mine, "unknown-log")
    wrong_if(
        not [time for key in mine for time in signed_at(key, text, origin, size, root, signatures)], "bad-signature"
    )
    seen = {}
    for name, key in witnesses.items():
        for time in signed_at(key, text, origin, size, root, signatures):
            seen[name] = max(time, seen.get(name, 0))
    for time in sorted({*seen.values(), 0}, reverse=True):
        if meets(quorum, {name for name, at in seen.items() if at >= time}, groups):
            return origin, size, root, time
    raise Wrong("no-quorum")


def meets(name, present, groups):
    if name == "none":
        return True
    if name not in groups:
        return name in present
    least, members = groups[name]
    return sum(meets(one, present, groups) for one in members) >= least


def signed_at(key, text, origin, size, root, signatures):
    """The times of this key's signatures (0 for a log's own). One that names the key and is false condemns the note."""
    name, kind, raw, key_id = key
    times = []
    for by, signed_id, value in signatures:
        if (by, signed_id) != (name, key_id):
            continue
        time = int.from_bytes(value[:8], "big") if kind != LOG else 0
        try:
            if kind == LOG:
                Ed25519PublicKey.from_public_bytes(raw).verify(value, text.encode())
            elif kind == ED25519:
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                Ed25519PublicKey.from_public_bytes(raw).verify(value[8:], message)
            else:
                who, whose = name.encode(), origin.encode()
                message = b"subtree/v1\n\0" + bytes([len(who)]) + who + value[:8] + bytes([len(whose)]) + whose
                message += bytes(8) + size.to_bytes(8, "big") + root
                MLDSA44PublicKey.from_public_bytes(raw).verify(value[8:], message)
        except (InvalidSignature, ValueError):
            raise Wrong("bad-signature", name) from None
        times.append(time)
    return times


# Proofs and the whole log


def check_proof(proof, entry, policy):
    """That `entry` stands in a log which a quorum had seen; gives its index and that time."""
    head, blank, note = proof.partition("\n\n")
    lines = head.split("\n")
    wrong_if(not blank or lines[0] != "c2sp.org/tlog-proof@v1", "bad-proof")
    lines = lines[2:] if lines[1:] and lines[1].startswith("extra ") else lines[1:]
    found = re.fullmatch(r"index (0|[1-9][0-9]{0,17})", lines[0] if lines else "")
    path = [base64_bytes(line, "bad-proof") for line in lines[1:]]
    wrong_if(not found or len(path) > 63 or any(len(one) != 32 for one in path), "bad-proof")
    _, size, root, time = check_checkpoint(note, policy)
    wrong_if(inclusion_root(leaf_hash(entry), int(found[1]), size, path) != root, "not-in-log")
    return int(found[1]), time


def tile_path(kind, index, width):
    digits = f"{index:03d}" if index < 1000 else f"{index:0{-(-len(str(index)) // 3) * 3}d}"
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join(["tile", kind, *("x" + part for part in parts[:-1]), parts[-1]])
    return f"{name}.p/{width}" if width < 256 else name


def read_tile(folder, kind, index, width):
    for name in (tile_path(kind, index, width), tile_path(kind, index, 256)):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    raise Wrong("file-missing", tile_path(kind, index, width))


def entries_of(folder, size):
    """Each entry with its index, read from the bundles."""
    for index in range(-(-size // 256)):
        width, at = min(256, size - index * 256), 0
        bundle = read_tile(folder, "entries", index, width)
        for place in range(width):
            end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
            wrong_if(at + 2 > len(bundle) or end > len(bundle), "file-missing", f"catatan {index * 256 + place}")
            yield index * 256 + place, bundle[at + 2 : end]
            at = end
        wrong_if(
            at < len(bundle) and width == 256,
            "entry-changed",
            f"setelah catatan {index * 256 + 255}: berkas lebih panjang dari isinya",
        )


def check_log(folder, policy, older=()):
    """That every entry, every hash and the root agree, and that the log continues each older checkpoint."""
    origin, size, root, time = check_checkpoint((folder / "checkpoint").read_text("utf-8"), policy)
    leaves = []
    for index, entry in entries_of(folder, size):
        leaves.append(leaf_hash(entry))
        if index % 256 == 255 or index == size - 1:
            first = index - index % 256
            tile = read_tile(folder, "0", index // 256, len(leaves) - first)
            for place in range(first, len(leaves)):
                wrong_if(
                    tile[32 * (place - first) : 32 * (place - first + 1)] != leaves[place],
                    "entry-changed",
                    f"catatan {place}",
                )
    level, row = 1, leaves
    while row := [tree_hash(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]:
        for at in range(0, len(row), 256):
            tile = read_tile(folder, str(level), at // 256, min(256, len(row) - at))
            for place, value in enumerate(row[at : at + 256]):
                if tile[32 * place : 32 * place + 32] != value:
                    span = 256**level
                    raise Wrong("hash-changed", f"catatan {(at + place) * span}..{(at + place + 1) * span - 1}")
        level += 1
    marks = sorted((check_checkpoint(note, policy) for note in older), key=lambda mark: mark[1])
    good = (0, "awal jejak")
    for whose, length, stated, seen in [*marks, (origin, size, root, time)]:
        wrong_if(whose != origin, "unknown-log", whose)
        since = f"setelah catatan {good[0] - 1}, antara {good[1]} dan {moment(seen)}"
        wrong_if(length > size, "log-shorter", f"{size} catatan, dulu {length}; {since}")
        wrong_if(
            tree_hash(leaves[:length]) != stated,
            "log-rewritten" if (length, stated) != (size, root) else "root-differs",
            since,
        )
        good = (length, moment(seen))
    return size, time


def moment(time):
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S UTC}" if time else "waktu yang tidak disaksikan"


# What an entry promises: payloads and decisions


def canonical(value):
    """RFC 8785 for the values that occur here: text, whole numbers, true, false, null, lists, objects."""
    if isinstance(value, dict):
        rows = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return b"{" + b",".join(canonical(name) + b":" + canonical(one) for name, one in rows) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(canonical(one) for one in value) + b"]"
    wrong_if(isinstance(value, float), "not-readable")
    return json.dumps(value, ensure_ascii=False).encode()


def read_json(text):
    def once(pairs):
        wrong_if(len(dict(pairs)) < len(pairs), "not-readable")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Wrong("not-readable") from None


def check_opening(entry, opened):
    """That `opened` ({salt, payload}) is what the entry committed to."""
    leaf = read_json(entry)
    wrong_if(
        sha(bytes.fromhex(opened["salt"]), canonical(opened["payload"])).hex() != leaf["object_hash"],
        "not-what-was-logged",
    )
    return leaf


def check_decision(record, policy):
    """That a registered key of that very person signed exactly this decision, and that both facts are in the log."""
    decision, assertion, times = record["entry"]["payload"]["decision"], record["entry"]["payload"]["assertion"], []
    for part in ("enrolment", "entry"):
        entry = record[part]["leaf"].encode()
        index, time = check_proof(record[part]["proof"], entry, policy)
        check_opening(entry, record[part])
        times.append((index, time))
    key = record["enrolment"]["payload"]
    wrong_if(times[0][0] >= times[1][0], "foreign-key")
    wrong_if(key["credential"] != assertion["credential"] or key["person"] != decision["person"], "foreign-key")
    client, data = (base64_bytes(assertion[name], "bad-assertion") for name in ("client_data", "authenticator_data"))
    said = read_json(client.decode("utf-8"))
    challenge = sha(b"dtsen-keputusan-v1\0", canonical(decision))
    wrong_if(
        said.get("type") != "webauthn.get" or said.get("origin") != key["origin"] or said.get("crossOrigin"),
        "bad-assertion",
    )
    wrong_if(said.get("challenge") != base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(), "bad-assertion")
    wrong_if(len(data) < 37 or data[:32] != sha(key["rp_id"].encode()) or not data[32] & 1, "bad-assertion")
    wrong_if(not data[32] & 4, "user-not-verified")
    public = load_der_public_key(base64_bytes(key["public_key"], "bad-assertion"))
    signature, message = base64_bytes(assertion["signature"], "bad-assertion"), data + sha(client)
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, message)
        elif isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
            public.verify(signature, message, ECDSA(SHA256()))
        else:
            raise Wrong("bad-assertion")
    except InvalidSignature:
        raise Wrong("bad-assertion") from None
    return decision, times[1][1]


# Packages


def check_package(folder, policy, seal):
    """That the manifest is sealed and in the log, and that the parts are those it names."""
    envelope = (folder / "manifest.dsse.json").read_bytes()
    outer = read_json(envelope)
    kind, payload = outer["payloadType"].encode(), base64_bytes(outer["payload"], "bad-seal")
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    try:
        for one in outer["signatures"]:
            seal.verify(base64_bytes(one["sig"], "bad-seal"), message)
        wrong_if(not outer["signatures"], "bad-seal")
    except InvalidSignature:
        raise Wrong("bad-seal") from None
    leaf = (folder / "manifest.leaf.json").read_bytes()
    index, time = check_proof((folder / "manifest.tlog-proof").read_text("utf-8"), leaf, policy)
    wrong_if(read_json(leaf)["object_hash"] != sha(envelope).hex(), "not-what-was-logged")
    parts = {part["name"]: part for part in read_json(payload)["parts"]}
    for name, part in parts.items():
        wrong_if(not (folder / name).is_file(), "part-missing", name)
        with (folder / name).open("rb") as file:
            wrong_if(hashlib.file_digest(file, "sha256").hexdigest() != part["sha256"], "part-changed", name)
    return len(parts), index, time


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="verifier.py", description="Memeriksa jejak Berbagipakai DTSEN")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("proof", "log", "decision", "package"):
        verb = verbs.add_parser(name)
        verb.add_argument("--policy", type=Path, required=True)
        if name == "proof":
            verb.add_argument("--proof", type=Path, required=True)
            verb.add_argument("--entry", type=Path, required=True)
            continue
        verb.add_argument("subject", type=Path)
        if name == "log":
            verb.add_argument("--checkpoint", type=Path, action="append", default=[])
            verb.add_argument("--opened", type=Path)
        if name == "package":
            verb.add_argument("--seal", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        print("SAH:", run(options))
        return 0
    except Wrong as wrong:
        code, where = wrong.code, wrong.where
    except (OSError, KeyError, TypeError, ValueError, IndexError, UnsupportedAlgorithm):
        code, where = "not-readable", ""
    print(f"TIDAK SAH: {SENTENCES[code]}{f' ({where})' if where else ''} [{code}]", file=sys.stderr)
    return 1


def run(options):
    policy = read_policy(options.policy.read_text("utf-8"))
    if options.verb == "proof":
        index, time = check_proof(options.proof.read_text("utf-8"), options.entry.read_bytes(), policy)
        return f"catatan {index}, disaksikan sampai {moment(time)}."
    if options.verb == "decision":
        decision, time = check_decision(read_json(options.subject.read_text("utf-8")), policy)
        return f"keputusan {decision['outcome']} atas {decision['request']}, disaksikan sampai {moment(time)}."
    if options.verb == "package":
        parts, index, time = check_package(options.subject, policy, load_pem_public_key(options.seal.read_bytes()))
        return f"{parts} bagian sesuai manifes, yaitu catatan {index}, disaksikan sampai {moment(time)}."
    size, time = check_log(options.subject, policy, [older.read_text("utf-8") for older in options.checkpoint])
    if options.opened:
        opened = {one["seq"]: one for one in map(read_json, options.opened.read_text("utf-8").splitlines())}
        for index, entry in entries_of(options.subject, size):
            try:
                if index in opened:
                    check_opening(entry, opened[index])
            except Wrong as wrong:
                told = read_json(entry)
                where = f"catatan {index}, {told['event']} atas {told['object_ref']}, {told['at']}"
                raise Wrong(wrong.code, where) from None
    return f"{size} catatan, disaksikan sampai {moment(time)}."


if __name__ == "__main__":
    sys.exit(main())
