"""Checks what Bagipakai's log says, without Bagipakai. One file: Python >= 3.11 and the package `cryptography` suffice.

    python verifier.py proof    --policy POLICY --proof FILE.tlog-proof --entry FILE
    python verifier.py log      --policy POLICY [--checkpoint OLDER]... [--opened FILE.jsonl] FOLDER
    python verifier.py decision --policy POLICY FILE.json
    python verifier.py package  --policy POLICY --seal SEAL.pub FOLDER

POLICY names the log's keys, the witnesses and how many must agree. OLDER is a checkpoint that was kept, or a folder of
them. No code is shared with the programs that write the log: one mistake must not hide in both. Written to RFC 6962,
C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof, tlog-policy, DSSE v1, RFC 8785, WebAuthn 2.
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
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

LOG, ED25519, ML_DSA = 1, 4, 6  # what a key signs: a note, or a cosignature of one of two kinds
KEYS: dict[int, Any] = {LOG: (Ed25519PublicKey, 32), ED25519: (Ed25519PublicKey, 32), ML_DSA: (MLDSA44PublicKey, 1312)}
Key = tuple[str, int, bytes, bytes]  # name, kind, raw key, key id
Mark = tuple[str, int, bytes, int]  # origin, size, root, seconds since 1970
NUMBER = "(0|[1-9][0-9]{0,17})"
MANIFEST = "application/vnd.bagipakai.manifest+json;v=1"
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
    "file-differs": "Ada berkas jejak yang isinya tidak sesuai dengan namanya.",
    "entry-changed": "Ada catatan yang diubah, ditukar, atau dihapus.",
    "hash-changed": "Ada sidik pada jejak yang diubah.",
    "root-differs": "Isi jejak tidak menghasilkan akar yang ditandatangani.",
    "log-rewritten": "Jejak ini bukan kelanjutan dari yang dulu ditandatangani: riwayat ditulis ulang.",
    "log-shorter": "Jejak ini lebih pendek daripada yang dulu ditandatangani: ada yang dihapus.",
    "not-what-was-logged": "Isi yang dibuka bukan isi yang dicatat.",
    "bad-assertion": "Tanda tangan pejabat tidak sah untuk keputusan ini.",
    "user-not-verified": "Tanda tangan dibuat tanpa verifikasi pemilik kunci.",
    "foreign-key": "Kunci penanda tangan bukan kunci yang didaftarkan untuk orang itu.",
    "bad-seal": "Segel manifes tidak sah.",
    "bad-manifest": "Manifes tidak menyebut bagian, menyebutnya dua kali, atau dengan nama yang tidak boleh.",
    "part-missing": "Ada bagian paket yang hilang atau bukan berkas biasa.",
    "part-changed": "Ada bagian paket yang berubah.",
    "part-foreign": "Ada bagian paket yang tidak disebut manifes.",
}


class Wrong(Exception):
    """Something does not hold. Its arguments: a key of SENTENCES; at which entry or file, and since when."""


def wrong_if(bad: object, code: str = "not-readable", where: str = "") -> bool:
    if bad:
        raise Wrong(code, where)
    return False


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def base64_bytes(text: str, code: str) -> bytes:
    wrong_if(not re.fullmatch("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text), code)
    value = base64.b64decode(text)
    wrong_if(base64.b64encode(value).decode() != text, code)  # one spelling for one value
    return value


def seen(time: int, *changed: int) -> str:
    """When a quorum had seen it; before that, from which to which entry it has been otherwise since."""
    told = f"catatan {'..'.join(map(str, sorted({*changed})))}, lain sejak " if changed else ""
    date = datetime.fromtimestamp(min(time, 253402300799), UTC)  # a witness may have any clock, a year four digits
    return told + (f"disaksikan {date:%Y-%m-%d %H:%M:%S} UTC" if time else "ditandatangani tanpa saksi")


class Tree:
    """A tree that grows leaf by leaf (RFC 6962 §2.1): complete subtrees on a stack, joined when two are of one size.
    `rows[level]` are the hashes over each 256^level leaves, as the tiles of that level hold them."""

    def __init__(self) -> None:
        self.size, self.stack, self.rows = 0, list[bytes](), dict[int, list[bytes]]()

    def add(self, leaf: bytes) -> None:
        self.size += 1
        self.stack.append(leaf)
        for level in range((self.size & -self.size).bit_length()):
            if level:
                self.stack[-2:] = [sha(b"\1", *self.stack[-2:])]
            if level % 8 == 0:
                self.rows.setdefault(level // 8, []).append(self.stack[-1])

    def root(self) -> bytes:
        return reduce(lambda right, left: sha(b"\1", left, right), reversed(self.stack)) if self.stack else sha()


def root_by(path: list[bytes], leaf: bytes, index: int, size: int) -> bytes | None:
    """The root to which `path` leads from the leaf at `index` of `size`; None if it has not the length it must have."""
    turn = (index ^ (size - 1)).bit_length()  # from this level on, the leaf is in the last subtree
    if len(path) != turn + (index >> turn).bit_count():
        return None
    for level, one in enumerate(path):
        leaf = sha(b"\1", one, leaf) if level >= turn or index >> level & 1 else sha(b"\1", leaf, one)
    return leaf


class Policy:
    """Whose checkpoints are believed: the keys of logs and witnesses, and groups as (how many must agree, members)."""

    def __init__(self, text: bytes) -> None:
        self.logs, self.witnesses, self.quorum = list[Key](), dict[str, Key](), ""
        self.groups, members = dict[str, tuple[int, list[str]]](), list[str]()
        wrong_if(re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", text), "bad-policy")
        for line in text.decode().split("\n"):
            known = {*self.witnesses, *self.groups}
            match re.split("[ \t]+", line.strip(" \t")):
                case [word, *_] if not word or word[0] == "#":
                    continue
                case ["log", key] | ["log", key, _]:
                    self.logs.append(self.read_key(key, {LOG, ML_DSA}))
                case ["witness", name, key] | ["witness", name, key, _] if name not in known | {"none"}:
                    self.witnesses[name] = self.read_key(key, {ED25519, ML_DSA})
                case ["group", name, least, *some] if name not in known | {"none"} and some and known.issuperset(some):
                    least = {"any": "1", "all": str(len(some))}.get(least, least)
                    wrong_if(not re.fullmatch("[1-9][0-9]{0,3}", least) or int(least) > len(some), "bad-policy")
                    self.groups[name], members = (int(least), some), members + some
                case ["quorum", name] if not self.quorum and name in known | {"none"}:
                    self.quorum = name
                case _:
                    raise Wrong("bad-policy", "")
        keys = [key[2] for key in (*self.logs, *self.witnesses.values())]
        names = [key[0] for key in self.witnesses.values()]
        twice = any(len(set(once)) < len(once) for once in (keys, names, members))  # and would count twice
        wrong_if(twice or not self.quorum or not self.logs, "bad-policy")

    def read_key(self, text: str, kinds: set[int]) -> Key:
        name, stated, rest = (*text.split("+", 2), "", "")[:3]
        packed = base64_bytes(rest, "bad-policy")
        kind, raw, key_id = packed[0] if packed else 0, packed[1:], sha(name.encode(), b"\n", packed)[:4]
        wrong_if(kind not in kinds or len(raw) != KEYS[kind][1] or key_id.hex() != stated, "bad-policy")
        wrong_if(not re.fullmatch(r"\S+", name), "bad-policy")
        return name, kind, raw, key_id

    def checkpoint(self, note: bytes) -> Mark:
        """A signed checkpoint, with the latest time by which a quorum had seen it."""
        shape = rf"([^\0-\x1f]+)\n{NUMBER}\n(\S+)\n\n((?:— [^\0-\x1f\s+]+ \S+\n){{1,32}})"
        found: Any = re.fullmatch(shape, note.decode())
        wrong_if(not found or len(note) > 256 * 1024, "bad-note")
        origin, size, root = found[1], int(found[2]), base64_bytes(found[3], "bad-note")
        signatures = [(name, base64_bytes(text, "bad-note")) for name, text in re.findall("— (.+) (.+)\n", found[4])]
        wrong_if(len(root) != 32 or any(len(value) < 5 for _, value in signatures), "bad-note")
        signed = [self.signed_at(key, (origin, size, root), signatures) for key in self.logs if key[0] == origin]
        wrong_if(not any(signed), "bad-signature" if signed else "unknown-log")
        cosigned = {name: self.signed_at(key, (origin, size, root), signatures) for name, key in self.witnesses.items()}
        for time in sorted({0}.union(*cosigned.values()), reverse=True):
            if self.meets(self.quorum, {name for name, times in cosigned.items() if times and max(times) >= time}):
                return origin, size, root, time
        raise Wrong("no-quorum", "")

    def signed_at(self, key: Key, told: tuple[str, int, bytes], signatures: list[tuple[str, bytes]]) -> list[int]:
        """The times of this key's signatures. One that names the key and is false condemns the whole note."""
        (name, kind, raw, key_id), (origin, size, root), times = key, told, list[int]()
        for value in [value[4:] for by, value in signatures if (by, value[:4]) == (name, key_id)]:
            stamp, signature = (b"", value) if kind == LOG else (value[:8], value[8:])
            times.append(int.from_bytes(stamp))
            message = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
            try:
                if kind == ED25519:
                    message = b"cosignature/v1\ntime %d\n%b" % (times[-1], message)
                if kind == ML_DSA:
                    who, whose = (bytes([len(one.encode())]) + one.encode() for one in (name, origin))
                    message = b"subtree/v1\n\0" + who + stamp + whose + bytes(8) + size.to_bytes(8) + root
                KEYS[kind][0].from_public_bytes(raw).verify(signature, message)
            except (InvalidSignature, ValueError):
                raise Wrong("bad-signature", name) from None
            wrong_if(times[-1] >= 2**63, "bad-signature", name)
        return times

    def meets(self, name: str, present: set[str]) -> bool:
        least, members = self.groups.get(name, (1, []))
        return name in {*present, "none"} or sum(self.meets(one, present) for one in members) >= least

    def proof(self, proof: bytes, entry: bytes) -> tuple[str, int, str]:
        """That `entry` stands in a log which a quorum had seen: (origin, index, where and when, to be told)."""
        head, blank, note = proof.partition(b"\n\n")
        shape = rf"c2sp\.org/tlog-proof@v1\n(?:extra [^\n]*\n)?index {NUMBER}((?:\n[^\n]+)*)"
        found: Any = re.fullmatch(shape, head.decode())
        wrong_if(not blank or not found, "bad-proof")
        index, path = int(found[1]), [base64_bytes(line, "bad-proof") for line in found[2].split("\n")[1:]]
        wrong_if(len(path) > 63 or any(len(one) != 32 for one in path), "bad-proof")
        origin, size, root, time = self.checkpoint(note)
        is_there = index < size and root_by(path, sha(b"\0", entry), index, size) == root
        wrong_if(not is_there, "not-in-log", f"catatan {index} dari {size}, {seen(time)}")
        return origin, index, f"catatan {index}, {seen(time)}"


def tile_name(kind: str, index: int, width: int = 256) -> str:
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    return f"tile/{kind}/" + re.sub("(...)(?=.)", r"x\1/", digits) + (f".p/{width}" if width < 256 else "")


def rows_in(kind: str, data: bytes) -> list[bytes | None]:
    """The entries of a bundle, or the hashes of a tile; None for one that is cut short."""
    rows, at = list[bytes | None](), 0
    while at < len(data):
        start = at + 2 if kind == "entries" else at
        end = start + (int.from_bytes(data[at:start]) if kind == "entries" else 32)
        rows.append(data[start:end] if end <= len(data) else None)
        at = end
    return rows


def rows_of(folder: Path, kind: str, index: int, width: int, doubtful: list[str]) -> list[bytes | None]:
    """The `width` rows that the log needs of a tile or bundle, None where they are cut off; its file is wider where the
    log has grown since. Files of other widths that were left beside it and do not agree are added to `doubtful`."""
    names = [name for name in (tile_name(kind, index, width), tile_name(kind, index)) if (folder / name).is_file()]
    first = index * 256 ** (1 if kind == "entries" else int(kind) + 1)
    wrong_if(not names, "file-missing", f"{tile_name(kind, index, width)}, mulai catatan {first}")
    rows = rows_in(kind, (folder / names[0]).read_bytes())
    wrong_if(len(rows) > (width if ".p/" in names[0] else 256), "file-differs", f"{names[0]}, mulai catatan {first}")
    for left in (folder / f"{tile_name(kind, index)}.p").glob("[1-9]*"):
        if rows_in(kind, left.read_bytes())[:width] != rows[: min(width, int(left.name))]:
            doubtful.append(f"{tile_name(kind, index, int(left.name))}, mulai catatan {first}")
    return (rows + [None] * width)[:width]


def check_log(policy: Policy, folder: Path, checkpoint: list[Path], opened: Path | None) -> str:
    """That entries, hashes and root agree, that the log continues each checkpoint that was kept, and that what `opened`
    tells is what was logged. Where entries and hashes disagree, the signed root tells which of them was changed."""
    rows = [read_json(line) for line in opened.read_bytes().split(b"\n") if line] if opened else []
    entries: Any = dict.fromkeys(row["seq"] for row in rows)
    kept = [file for one in checkpoint for file in (sorted(one.glob("[!.]*")) if one.is_dir() else [one])]
    now = origin, size, root, time = policy.checkpoint((folder / "checkpoint").read_bytes())
    marks = sorted([now, *(policy.checkpoint(file.read_bytes()) for file in kept)], key=lambda mark: mark[1])
    wrong_if(any(mark[0] != origin for mark in marks), "unknown-log")
    tree, roots, bad, doubtful = Tree(), {mark[1]: sha() for mark in marks}, list[int](), list[str]()
    for first in range(0, size, 256):
        for entry in rows_of(folder, "entries", first // 256, min(256, size - first), doubtful):
            if tree.size in entries:
                entries[tree.size] = entry
            tree.add(b"" if entry is None else sha(b"\0", entry))
            if tree.size in roots:
                roots[tree.size] = tree.root()
    for level, first in [(level, first) for level, row in tree.rows.items() for first in range(0, len(row), 256)]:
        row, span = tree.rows[level][first : first + 256], 256**level
        tile = rows_of(folder, str(level), first // 256, len(row), doubtful)
        places = [first + at for at in range(len(row)) if row[at] != tile[at]]
        bad = bad or [edge for at in places[:1] for edge in (at * span, (at + 1) * span - 1)]
    whole = roots[size] == root
    then = next((mark[3] for mark in marks if bad and mark[1] > bad[0]), 0)
    wrong_if(bad, "hash-changed" if whole else "entry-changed", seen(then, *bad))
    for _, length, stated, then in marks:
        wrong_if(length > size, "log-shorter", seen(then, size, length - 1))
        good = max((mark[1] for mark in marks if mark[1] < length and roots[mark[1]] == mark[2]), default=0)
        wrong_if(roots[length] != stated, "log-rewritten" if whole else "root-differs", seen(then, good, length - 1))
    wrong_if(doubtful, "file-differs", min(doubtful, default=""))
    for row in rows:
        wrong_if(entries[row["seq"]] is None, "not-in-log", f"isi catatan {row['seq']!r} dari {size}")
        check_opening(entries[row["seq"]], row, f"catatan {row['seq']}")
    return f"{size} catatan, {seen(time)}; {len(rows)} isi dibuka dan cocok."


def read_json(text: bytes) -> Any:
    """JSON in which no object has a name twice: another reader might take the other value."""
    return json.loads(text.decode(), object_pairs_hook=lambda rows: wrong_if(len(dict(rows)) < len(rows)) or dict(rows))


def canonical(value: object, depth: int = 0) -> bytes:
    """RFC 8785 for the values that occur here: text, whole numbers, true, false, null, lists, objects."""
    wrong_if(depth > 32)
    if isinstance(value, dict):
        rows = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return b"{%b}" % b",".join(canonical(name) + b":" + canonical(one, depth + 1) for name, one in rows)
    if isinstance(value, list):
        return b"[%b]" % b",".join(canonical(one, depth + 1) for one in value)
    wrong_if(isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53))
    return json.dumps(value, ensure_ascii=False).encode()


def check_opening(entry: bytes, opened: Any, where: str) -> Any:
    """The leaf, if {salt, payload} is what it committed to."""
    leaf, salt, payload = read_json(entry), opened["salt"], canonical(opened["payload"])
    same = re.fullmatch("[0-9a-f]{64}", salt) and sha(bytes.fromhex(salt), payload).hex() == leaf["object_hash"]
    wrong_if(not same, "not-what-was-logged", f"{where}, {leaf['event']} atas {leaf['object_ref']}, {leaf['at']}")
    return leaf


def is_signed(key: Any, signature: bytes, message: bytes) -> bool:
    """By an Ed25519 key, or by a P-256 key over SHA-256; no other kind is known here."""
    how = [ec.ECDSA(hashes.SHA256())] if isinstance(key, ec.EllipticCurvePublicKey) else []
    known = isinstance(key, Ed25519PublicKey) or bool(how and isinstance(key.curve, ec.SECP256R1))
    try:
        return known and key.verify(signature, message, *how) is None
    except InvalidSignature:
        return False


def check_decision(policy: Policy, file: Path) -> str:
    """That a registered key of that very person signed exactly this decision, on what is shown, and both are logged."""
    record, facts, leaves = read_json(file.read_bytes()), [], []
    for part in (record["enrolment"], record["entry"]):
        facts.append(policy.proof(part["proof"].encode(), part["leaf"].encode()))
        leaves.append(check_opening(part["leaf"].encode(), part, facts[-1][2]))
    ((log, enrolled, _), (same, index, where)), key = facts, record["enrolment"]["payload"]
    decision, assertion = (record["entry"]["payload"][name] for name in ("decision", "assertion"))
    theirs = key["credential"] == assertion["credential"] and key["person"] == decision["person"]
    before = log == same and enrolled < index and leaves[0]["event"] == "key.CONFIRM"
    wrong_if(not theirs or not before, "foreign-key", where)
    names = ("client_data", "authenticator_data", "signature")
    client, data, signature = (base64_bytes(assertion[name], "bad-assertion") for name in names)
    said, challenge = read_json(canonical(read_json(client))), sha(b"dtsen-keputusan-v1\0", canonical(decision))
    meant = ("webauthn.get", key["origin"], base64.urlsafe_b64encode(challenge).rstrip(b"=").decode())
    is_meant = (said["type"], said["origin"], said["challenge"]) == meant and not said.get("crossOrigin")
    is_there = len(data) >= 37 and data[:32] == sha(key["rp_id"].encode()) and data[32] & 1
    wrong_if(not is_meant or not is_there, "bad-assertion", where)
    wrong_if(not data[32] & 4, "user-not-verified", where)
    public = serialization.load_der_public_key(base64_bytes(key["public_key"], "bad-assertion"))
    wrong_if(not is_signed(public, signature, data + sha(client)), "bad-assertion", where)
    wrong_if(leaves[1]["event"] != f"decision.{decision['outcome']}", "not-what-was-logged", where)
    for name, digest in (("dossier", "dossier_hash"), ("summary", "shown_summary_hash")):
        wrong_if(name in record and sha(canonical(record[name])).hex() != decision[digest], "not-what-was-logged", name)
    return f"keputusan {decision['outcome']} atas {decision['request']}, {where}."


def check_package(policy: Policy, folder: Path, seal: Path) -> str:
    """That the manifest is sealed and in the log, and that the parts are those it names."""
    envelope, leaf = (folder / "manifest.dsse.json").read_bytes(), (folder / "manifest.leaf.json").read_bytes()
    outer, key = read_json(envelope), serialization.load_pem_public_key(seal.read_bytes())
    kind, payload = outer["payloadType"], base64_bytes(outer["payload"], "bad-seal")
    message = b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)
    signatures = [base64_bytes(one["sig"], "bad-seal") for one in outer["signatures"]]
    wrong_if(kind != MANIFEST or not any(is_signed(key, one, message) for one in signatures), "bad-seal")
    manifest, where = read_json(payload), policy.proof((folder / "manifest.tlog-proof").read_bytes(), leaf)[2]
    meant = {"event": "package.SEAL", "object_ref": manifest["package"], "object_hash": sha(envelope).hex()}
    wrong_if(not meant.items() <= read_json(leaf).items(), "not-what-was-logged", where)
    parts = [(part["name"], part["sealed_sha256"]) for part in manifest["parts"]]
    named = 0 < len(dict(parts)) == len(parts) and all(re.fullmatch(r"[a-z0-9.-]+\.age", name) for name, _ in parts)
    wrong_if(not named, "bad-manifest", where)
    for name, digest in parts:
        wrong_if((folder / name).is_symlink() or not (folder / name).is_file(), "part-missing", name)
        with (folder / name).open("rb") as file:
            wrong_if(hashlib.file_digest(file, "sha256").hexdigest() != digest, "part-changed", name)
    for file in sorted(folder.glob("*.age")):
        wrong_if(file.name not in {*dict(parts), "kunci.age"}, "part-foreign", file.name)
    return f"{len(parts)} bagian sesuai manifes, yaitu {where}."


def check_proof(policy: Policy, proof: Path, entry: Path) -> str:
    return policy.proof(proof.read_bytes(), entry.read_bytes())[2] + "."


def register(verbs: Any) -> None:
    """Adds what can be checked to `verbs`, the subparsers of this file's command or of the house's."""
    one: Any = {"required": True}
    some: Any = {"action": "append", "default": []}
    for name, check, told, arguments in (
        ("proof", check_proof, "satu catatan dengan buktinya", {"--proof": one, "--entry": one}),
        ("log", check_log, "seluruh jejak", {"folder": {}, "--checkpoint": some, "--opened": {}}),
        ("decision", check_decision, "keputusan yang ditandatangani pejabat", {"file": {}}),
        ("package", check_package, "folder paket yang diterima", {"folder": {}, "--seal": one}),
    ):
        verb = verbs.add_parser(name, help=told, description=f"Memeriksa {told}.")
        verb.set_defaults(run=partial(answer, check, [argument.lstrip("-") for argument in arguments]))
        for argument, how in {"--policy": one, **arguments}.items():
            verb.add_argument(argument, type=Path, **how)


def answer(check: Any, arguments: list[str], options: argparse.Namespace) -> int:
    """Runs one check and says what came of it. 0 it holds · 1 it does not, or something went wrong on the way."""
    try:
        found = check(Policy(options.policy.read_bytes()), *(getattr(options, name) for name in arguments))
        line, out = f"SAH: {found}", sys.stdout
    except Exception as error:  # what nobody foresaw does not hold either
        code, where = error.args if isinstance(error, Wrong) else ("not-readable", "")
        line, out = f"TIDAK SAH: {SENTENCES[code]}{where and f' ({where})'} [{code}]", sys.stderr
    print("".join(sign if sign.isprintable() else "?" for sign in line), file=out)
    return int(out is sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="verifier.py", description="Memeriksa jejak Berbagipakai DTSEN")
    register(parser.add_subparsers(required=True, metavar="PERINTAH"))
    options = parser.parse_args()
    sys.exit(options.run(options))
