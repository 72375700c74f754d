"""What must be refused, one thing wrong in each, with the code and the place that the refusal must tell.

Everything is made here from names; nothing is committed that could not be read. Whoever finds a bug adds the case that
would have shown it. A case takes the folder of something that holds (`Handed`) and spoils one thing in it.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.core.test_witnesses import NOT_A_PROOF, REFUSED
from tests.verifier import world
from tests.verifier.world import LOG, MANIFEST, PARTS, SEAL, WITNESSES, Kind, Note, Trail, drawn, signer

from bagipakai.core.envelope import Signer, seal
from bagipakai.core.tiles import bundled, unbundled

FACTS = {seq: world.fact("request.SUBMIT", f"PMT-2026-0000{seq}#1", {"isi": seq}) for seq in (10, 310, 650)}
ENTRIES = [FACTS[seq].leaf if seq in FACTS else entry for seq, entry in enumerate(drawn(700))]
TRAIL = Trail.of(ENTRIES, batch=150)  # leaves narrow tiles behind, as a live log does
AT = {300: "disaksikan 2026-07-01 00:05:00 UTC", 600: "disaksikan 2026-07-01 00:10:00 UTC"}
AT[700] = "disaksikan 2026-07-01 00:11:40 UTC"


@dataclass
class Handed:
    """What somebody was handed: a folder, and the options with which it is checked."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        file = self.folder / name
        file.write_bytes(change(file.read_bytes()))

    def text(self, name: str, old: str, new: str) -> None:
        content = (self.folder / name).read_bytes()
        assert old.encode() in content, f"{old!r} is not in {name}"
        (self.folder / name).write_bytes(content.replace(old.encode(), new.encode(), 1))


@dataclass(frozen=True)
class Case:
    kind: str
    name: str
    code: str
    where: str
    spoil: Callable[[Handed], object]


CASES: list[Case] = []


def case(kind: str, name: str, code: str, spoil: Callable[[Handed], object], where: str = "") -> None:
    CASES.append(Case(kind, name, code, where, spoil))


# What holds, before anything is spoiled


def handed(kind: str, folder: Path) -> Handed:
    folder.mkdir()
    (folder / "policy").write_bytes(world.policy())
    made = Handed(folder, {"policy": folder / "policy"})
    match kind:
        case "policy" | "proof":
            (folder / "bukti").write_bytes(BIT_BY_BIT.proof(123))
            (folder / "catatan").write_bytes(drawn(300)[123])
            made.options |= {"proof": folder / "bukti", "entry": folder / "catatan"}
        case "checkpoint" | "log":
            TRAIL.lay(folder / "jejak")
            (folder / "dulu").mkdir()
            for size in (300, 600):
                (folder / "dulu" / f"{size:012d}").write_bytes(TRAIL.checkpoint(size))
            rows = [json.dumps(fact.opened(seq)) for seq, fact in FACTS.items()]
            (folder / "isi.jsonl").write_text("\n".join(rows))
            made.options |= {
                "folder": folder / "jejak",
                "checkpoint": [folder / "dulu"],
                "opened": folder / "isi.jsonl",
            }
        case "decision":
            (folder / "keputusan.json").write_text(json.dumps(world.a_decision()))
            made.options |= {"file": folder / "keputusan.json"}
        case "package":
            world.a_package(folder / "paket")
            (folder / "segel.pub").write_bytes(SEAL.public.to_pem())
            made.options |= {"folder": folder / "paket", "seal": folder / "segel.pub"}
    return made


BIT_BY_BIT = Trail.of(drawn(300), batch=1)
VERBS = {"policy": "proof", "proof": "proof", "checkpoint": "log", "log": "log"}  # the others are called as they are


# Policies


def policy_text(text: str) -> Callable[[Handed], object]:
    keys = {"<log>": LOG.public, "<1>": WITNESSES["w1"].public, "<2>": WITNESSES["w2"].public}
    for short, key in keys.items():
        text = text.replace(short, str(key))
    return lambda made: (made.folder / "policy").write_bytes(text.encode())


for name, text in REFUSED.items():
    case("policy", name, "bad-policy", policy_text(text))
case("policy", "not UTF-8", "not-readable", lambda made: made.edit("policy", lambda text: text + b"# \xff\n"))
case("policy", "not there", "not-readable", lambda made: (made.folder / "policy").unlink())
case(
    "policy",
    "of another log",
    "unknown-log",
    lambda made: made.text("policy", str(LOG.public), str(signer("x").public)),
)
case(
    "policy",
    "the log under another key of its name",
    "bad-signature",
    lambda made: made.text("policy", str(LOG.public), str(signer(world.ORIGIN, secret="lain").public)),
)
case("policy", "all three instead of two", "no-quorum", lambda made: made.text("policy", "group g 2", "group g all"))
case("policy", "a witness who did not sign", "no-quorum", lambda made: made.text("policy", "quorum g", "quorum w2"))


# Checkpoints


def signed_text(text: str) -> bytes:
    """Any text, signed by the log and by enough witnesses of the older kind."""
    lines = (LOG.sign(text), WITNESSES["w1"].sign(text, 5), WITNESSES["w3"].sign(text, 5))
    return bytes(Note(text, lines))


STATE = world.Checkpoint(world.ORIGIN, 700, TRAIL.log().root())
ROOT = STATE.text.split("\n")[2]
TEXTS = {
    "an extension line": f"{STATE.text}lagi\n",
    "two lines": "\n".join(STATE.text.split("\n")[:2]) + "\n",
    "a leading zero": STATE.text.replace("\n700\n", "\n0700\n"),
    "a sign before the size": STATE.text.replace("\n700\n", "\n+700\n"),
    "Arabic digits": STATE.text.replace("\n700\n", "\n٧٠٠\n"),
    "thousands of digits": STATE.text.replace("\n700\n", f"\n{'7' * 5000}\n"),
    "no size": STATE.text.replace("\n700\n", "\n\n"),
    "a short root": STATE.text.replace(ROOT, ROOT[:40]),
    "a root spelled otherwise": STATE.text.replace(ROOT, ROOT[:-2] + chr(ord(ROOT[-2]) + 1) + "="),
    "carriage returns": STATE.text.replace("\n", "\r\n"),
    "no origin": STATE.text.removeprefix(world.ORIGIN),
    "a null in the origin": STATE.text.replace(world.ORIGIN, f"{world.ORIGIN}\0"),
}
for name, text in TEXTS.items():
    note = signed_text(text)
    case("checkpoint", name, "bad-note", lambda made, note=note: (made.folder / "jejak/checkpoint").write_bytes(note))

GOOD = TRAIL.checkpoint()
LINES = GOOD.decode().split("\n")
NOTES = {
    "empty": ("bad-note", b""),
    "without signatures": ("bad-note", GOOD.partition(b"\n\n")[0] + b"\n\n"),
    "without its last newline": ("bad-note", GOOD[:-1]),
    "with all its newlines as the other system writes them": ("bad-note", GOOD.replace(b"\n", b"\r\n")),
    "with an empty line at the end": ("bad-note", GOOD + b"\n"),
    "with a hyphen for the dash": ("bad-note", GOOD.replace("—".encode(), b"-", 1)),
    "with a space at the end of a line": ("bad-note", GOOD[:-1] + b" \n"),
    "with a no-break space in a name": ("bad-note", GOOD + "— a\u00a0b YWJjZGVmZ2g=\n".encode()),
    "with a next-line in a name": ("bad-note", GOOD + "— a\u0085b YWJjZGVmZ2g=\n".encode()),
    "with a plus in a name": ("bad-note", GOOD + "— a+b YWJjZGVmZ2g=\n".encode()),
    "with a signature spelled otherwise": ("bad-note", GOOD + "— a YWJjZGVmZ2h=\n".encode()),
    "with less than a signature": ("bad-note", GOOD + "— a YWJjZA==\n".encode()),
    "with forty signatures": ("bad-note", GOOD + "— a YWJjZGVmZ2g=\n".encode() * 38),
    "of a quarter of a megabyte": ("bad-note", GOOD + b"\xe2\x80\x94 a " + b"YWJj" * 70_000 + b"\n"),
    "not UTF-8": ("not-readable", GOOD + b"\xe2\x80\x94 a\xff YWJjZGVmZ2g=\n"),
    "of another size": ("bad-signature", GOOD.replace(b"\n700\n", b"\n701\n")),
    "of another root": ("bad-signature", GOOD.replace(ROOT.encode(), world.b64(bytes(32)).encode())),
    "of another log": ("unknown-log", GOOD.replace(world.ORIGIN.encode(), b"jejak.lain.id")),
    "without the log's signature": ("bad-signature", "\n".join([*LINES[:4], *LINES[5:]]).encode()),
    "signed by a thief under the log's name": (
        "bad-signature",
        world.checkpoint(700, STATE.root, log=signer(world.ORIGIN, secret="pencuri")),
    ),
    "cosigned by one": ("no-quorum", TRAIL.checkpoint(by=("w1",))),
    "cosigned by nobody": ("no-quorum", TRAIL.checkpoint(by=())),
    "cosigned twice by one": ("no-quorum", TRAIL.checkpoint(by=("w1", "w1"))),
    "cosigned by one at two times": (
        "no-quorum",
        bytes(Note.read(TRAIL.checkpoint(by=("w1",))).with_lines(WITNESSES["w1"].sign(STATE.text, 9))),
    ),
    "cosigned by a stranger under a witness's name": (
        "no-quorum",
        bytes(
            Note.read(TRAIL.checkpoint(by=("w1",))).with_lines(
                signer("w3.contoh.id", Kind.ED25519_COSIGNATURE, "orang lain").sign(STATE.text, 9)
            )
        ),
    ),
    "cosigned by a witness under another name": (
        "no-quorum",
        bytes(
            Note.read(TRAIL.checkpoint(by=("w1",))).with_lines(
                signer("w9.contoh.id", Kind.ED25519_COSIGNATURE, "w3.contoh.id").sign(STATE.text, 9)
            )
        ),
    ),
    "with a cosignature of another checkpoint": (
        "bad-signature",
        bytes(
            Note.read(GOOD).with_lines(WITNESSES["w2"].sign(world.Checkpoint(world.ORIGIN, 699, STATE.root).text, 9))
        ),
    ),
    "with a cosignature whose time was changed": (
        "bad-signature",
        bytes(
            Note.read(TRAIL.checkpoint(by=("w1",))).with_lines(
                type(WITNESSES["w3"].sign(STATE.text, 9))(
                    "w3.contoh.id",
                    WITNESSES["w3"].public.id,
                    (10).to_bytes(8) + WITNESSES["w3"].sign(STATE.text, 9).value[8:],
                )
            )
        ),
    ),
    "with a time beyond all limits": (
        "bad-signature",
        bytes(Note.read(GOOD).with_lines(WITNESSES["w2"].sign(STATE.text, 2**63))),
    ),
    "with a plain signature for a cosignature": (
        "bad-signature",
        bytes(
            Note.read(GOOD).with_lines(
                type(LOG.sign("x"))("w2.contoh.id", WITNESSES["w2"].public.id, LOG.sign(STATE.text).value)
            )
        ),
    ),
}
for name, (code, note) in NOTES.items():
    case("checkpoint", name, code, lambda made, note=note: (made.folder / "jejak/checkpoint").write_bytes(note))
case("checkpoint", "not there", "not-readable", lambda made: (made.folder / "jejak/checkpoint").unlink())
case(
    "checkpoint",
    "an older one of another log",
    "bad-signature",
    lambda made: made.text("dulu/000000000300", "\n300\n", "\n301\n"),
)


# Proofs

for name, text in NOT_A_PROOF.items():
    code = "bad-note" if name == "no checkpoint" else "bad-proof"
    case("proof", name, code, lambda made, text=text: (made.folder / "bukti").write_bytes(text.encode()))

PROOF = BIT_BY_BIT.proof(123).decode()
PATH = PROOF.partition("\n\n")[0].split("\n")[2:]


def with_path(*path: str) -> Callable[[Handed], object]:
    text = PROOF.replace("\n".join(PATH), "\n".join(path))
    return lambda made: (made.folder / "bukti").write_bytes(text.encode())


def with_index(index: int) -> Callable[[Handed], object]:
    return lambda made: made.text("bukti", "index 123\n", f"index {index}\n")


def with_proof(proof: bytes) -> Callable[[Handed], object]:
    return lambda made: (made.folder / "bukti").write_bytes(proof)


HERE = r"catatan 123 dari 300, disaksikan 2026-07-01 00:05:00 UTC"
case("proof", "not UTF-8", "not-readable", with_proof(PROOF.encode().replace(b"index", b"\xff")))
case("proof", "shown with another document", "not-in-log", lambda made: made.edit("catatan", lambda x: x + b"."), HERE)
case("proof", "shown with an empty document", "not-in-log", lambda made: made.edit("catatan", lambda _: b""), HERE)
case("proof", "without its first step", "not-in-log", with_path(*PATH[1:]), HERE)
case("proof", "without its last step", "not-in-log", with_path(*PATH[:-1]), HERE)
case("proof", "with a step twice", "not-in-log", with_path(PATH[0], *PATH), HERE)
case("proof", "with two steps exchanged", "not-in-log", with_path(PATH[1], PATH[0], *PATH[2:]), HERE)
case("proof", "with a step too many", "not-in-log", with_path(*PATH, PATH[0]), HERE)
case("proof", "with sixty-three steps", "not-in-log", with_path(*PATH[:1] * 63), HERE)
case("proof", "with a step changed", "not-in-log", with_path(world.b64(bytes(32)), *PATH[1:]), HERE)
case("proof", "at another place", "not-in-log", with_index(122), "catatan 122 dari 300")
case("proof", "beyond the end", "not-in-log", with_index(300), "catatan 300 dari 300")
case("proof", "far outside the tree", "not-in-log", with_index(10**17), f"catatan {10**17} dari 300")
case("proof", "of a checkpoint that one witness saw", "no-quorum", with_proof(BIT_BY_BIT.proof(123, by=("w2",))))
case(
    "proof",
    "of a checkpoint that one witness saw twice",
    "no-quorum",
    with_proof(BIT_BY_BIT.proof(123, by=("w1",) * 2)),
)
case(
    "proof",
    "under the checkpoint of a larger tree",
    "not-in-log",
    with_proof((PROOF.partition("\n\n")[0] + "\n\n").encode() + TRAIL.checkpoint()),
    "catatan 123 dari 700",
)
case(
    "proof",
    "an inner node shown as an entry",
    "not-in-log",
    lambda made: made.edit("catatan", lambda entry: b"\1" + hashlib.sha256(b"\0" + entry).digest() + bytes(32)),
    HERE,
)


# Logs


def in_bundle(seq: int, change: Callable[[list[bytes], int], None]) -> Callable[[Handed], object]:
    """The bundle with entry `seq`, rewritten; `change` gets its entries and the place of this one."""
    index = seq // 256
    name = f"jejak/tile/entries/{index:03d}" + (".p/188" if index == 2 else "")

    def rewrite(bundle: bytes) -> bytes:
        entries = unbundled(bundle, name)
        change(entries, seq % 256)
        return bundled(entries)

    return lambda made: made.edit(name, rewrite)


def replaced(entries: list[bytes], at: int) -> None:
    entries[at] = b"diganti"


def deleted(entries: list[bytes], at: int) -> None:
    del entries[at]


def doubled(entries: list[bytes], at: int) -> None:
    entries.insert(at, entries[at])


def exchanged(entries: list[bytes], at: int) -> None:
    entries[at], entries[at + 1] = entries[at + 1], entries[at]


def put_before(entries: list[bytes], at: int) -> None:
    entries.insert(at, b"disisipkan")
    entries.pop()


def emptied(entries: list[bytes], at: int) -> None:
    entries[at] = b""


def changed(seq: int, mark: int) -> str:
    return f"catatan {seq}, lain sejak {AT[mark]}"


for seq, mark in ((0, 300), (200, 300), (255, 300), (299, 300), (300, 600), (450, 600), (599, 600), (600, 700)):
    case("log", f"entry {seq} replaced", "entry-changed", in_bundle(seq, replaced), changed(seq, mark))
for seq, mark in ((0, 300), (200, 300), (450, 600), (650, 700)):
    case("log", f"entry {seq} deleted", "entry-changed", in_bundle(seq, deleted), changed(seq, mark))
    case("log", f"entry {seq} emptied", "entry-changed", in_bundle(seq, emptied), changed(seq, mark))
    case(
        "log", f"entries {seq} and {seq + 1} exchanged", "entry-changed", in_bundle(seq, exchanged), changed(seq, mark)
    )
    case("log", f"something put before entry {seq}", "entry-changed", in_bundle(seq, put_before), changed(seq, mark))
for seq, mark in ((256, 300), (511, 600), (512, 600), (699, 700)):
    case(
        "log",
        f"entry {seq}, at the edge of a bundle, replaced",
        "entry-changed",
        in_bundle(seq, replaced),
        changed(seq, mark),
    )
case(
    "log",
    "an entry more in a full bundle",
    "file-differs",
    in_bundle(200, doubled),
    "tile/entries/000, mulai catatan 0",
)
case("log", "an entry more in the last bundle", "file-differs", in_bundle(650, doubled), "mulai catatan 512")
case("log", "the last entry deleted", "entry-changed", in_bundle(699, deleted), changed(699, 700))


def cut(name: str, count: int) -> Callable[[Handed], object]:
    return lambda made: made.edit(f"jejak/{name}", lambda content: content[:-count])


def more(name: str, content: bytes = b"\0") -> Callable[[Handed], object]:
    return lambda made: made.edit(f"jejak/{name}", lambda old: old + content)


def flipped(name: str, at: int) -> Callable[[Handed], object]:
    return lambda made: made.edit(f"jejak/{name}", lambda old: old[:at] + bytes([old[at] ^ 1]) + old[at + 1 :])


def gone(name: str) -> Callable[[Handed], object]:
    def remove(made: Handed) -> None:
        (made.folder / "jejak" / name).unlink()

    return remove


case("log", "the first bundle one byte shorter", "entry-changed", cut("tile/entries/000", 1), changed(255, 300))
case("log", "the last bundle one byte shorter", "entry-changed", cut("tile/entries/002.p/188", 1), changed(699, 700))
case(
    "log",
    "half of the second bundle gone",
    "entry-changed",
    lambda made: made.edit("jejak/tile/entries/001", lambda old: bundled(unbundled(old, "")[:100])),
    changed(356, 600),
)
case(
    "log",
    "a bundle emptied",
    "entry-changed",
    lambda made: made.edit("jejak/tile/entries/001", lambda _: b""),
    changed(256, 300),
)
case("log", "a length that says one byte more", "entry-changed", flipped("tile/entries/000", 1), changed(0, 300))
case("log", "one byte more after the first bundle", "file-differs", more("tile/entries/000"), "tile/entries/000")
case("log", "one byte more after the last bundle", "file-differs", more("tile/entries/002.p/188"), "mulai catatan 512")
case("log", "a bundle gone", "file-missing", gone("tile/entries/001"), "tile/entries/001, mulai catatan 256")
case("log", "the last bundle gone", "file-missing", gone("tile/entries/002.p/188"), "mulai catatan 512")
case(
    "log",
    "two bundles exchanged",
    "entry-changed",
    lambda made: (
        (made.folder / "jejak/tile/entries/000").rename(made.folder / "x"),
        (made.folder / "jejak/tile/entries/001").rename(made.folder / "jejak/tile/entries/000"),
        (made.folder / "x").rename(made.folder / "jejak/tile/entries/001"),
    ),
    changed(0, 300),
)

case("log", "a hash changed", "hash-changed", flipped("tile/0/000", 32 * 77), changed(77, 300))
case("log", "the last hash changed", "hash-changed", flipped("tile/0/002.p/188", 32 * 187 + 31), changed(699, 700))
case(
    "log",
    "a hash above changed",
    "hash-changed",
    flipped("tile/1/000.p/2", 40),
    "catatan 256..511, lain sejak " + AT[300],
)
case("log", "a tile one byte shorter", "hash-changed", cut("tile/0/001", 1), changed(511, 600))
case("log", "a tile one hash longer", "file-differs", more("tile/0/002.p/188", bytes(32)), "mulai catatan 512")
case("log", "a tile one byte longer", "file-differs", more("tile/0/000"), "tile/0/000, mulai catatan 0")
case("log", "a tile gone", "file-missing", gone("tile/0/001"), "tile/0/001, mulai catatan 256")
case("log", "the tile above gone", "file-missing", gone("tile/1/000.p/2"), "tile/1/000.p/2, mulai catatan 0")
case("log", "a narrow bundle left behind and changed", "file-differs", flipped("tile/entries/001.p/44", 9), "001.p/44")
case("log", "a narrow tile left behind and changed", "file-differs", flipped("tile/0/000.p/150", 9), "tile/0/000.p/150")
case("log", "a narrow tile left behind and cut", "file-differs", cut("tile/0/001.p/194", 32), "tile/0/001.p/194")


def rewritten(seq: int, word: bytes = b"diganti") -> Trail:
    """The whole history written anew with another entry `seq`."""
    return Trail.of([*ENTRIES[:seq], word, *ENTRIES[seq + 1 :]], batch=150)


def laid(trail: Trail, note: bytes | None = None) -> Callable[[Handed], object]:
    def put(made: Handed) -> None:
        for file in (made.folder / "jejak").rglob("*"):
            if file.is_file():
                file.unlink()
        trail.lay(made.folder / "jejak", note)

    return put


def span(first: int, last: int, mark: int) -> str:
    return f"catatan {first}..{last}, lain sejak {AT[mark]}"


case("log", "entry and hashes changed together", "root-differs", laid(rewritten(350), GOOD), span(300, 599, 600))
case("log", "early entry and hashes changed together", "root-differs", laid(rewritten(20), GOOD), span(0, 299, 300))
case("log", "late entry and hashes changed together", "root-differs", laid(rewritten(690), GOOD), span(600, 699, 700))
case(
    "log",
    "history rewritten and signed again by log and witnesses",
    "log-rewritten",
    laid(rewritten(350)),
    span(300, 599, 600),
)
case("log", "early history rewritten and signed again", "log-rewritten", laid(rewritten(0)), span(0, 299, 300))
case(
    "log",
    "history rewritten and signed by the log alone",
    "no-quorum",
    laid(rewritten(350), rewritten(350).checkpoint(by=())),
)
case(
    "log",
    "rolled back to an older state",
    "log-shorter",
    laid(Trail.of(ENTRIES[:450], batch=150)),
    f"catatan 450..599, lain sejak {AT[600]}",
)
case("log", "rolled back to nothing", "log-shorter", laid(Trail()), f"catatan 0..299, lain sejak {AT[300]}")


def also_kept(note: bytes) -> Callable[[Handed], object]:
    return lambda made: (made.folder / "dulu" / "000000000700").write_bytes(note)


case("log", "two checkpoints of one size", "log-rewritten", also_kept(rewritten(650).checkpoint()), span(600, 699, 700))
case(
    "log",
    "two checkpoints of one size, parting early",
    "log-rewritten",
    also_kept(rewritten(7).checkpoint()),
    span(600, 699, 700),
)
case(
    "log",
    "a longer one was seen",
    "log-shorter",
    also_kept(Trail.of([*ENTRIES, *drawn(5)]).checkpoint()),
    "catatan 700..704, lain sejak disaksikan 2026-07-01 00:11:45 UTC",
)
two_logs = world.policy() + f"log {signer('jejak.lain.id').public}\n".encode()


def another_log_kept(made: Handed) -> None:
    (made.folder / "policy").write_bytes(two_logs)
    text = world.Checkpoint("jejak.lain.id", 300, TRAIL.log(300).root()).text
    lines = (signer("jejak.lain.id").sign(text), WITNESSES["w1"].sign(text, 5), WITNESSES["w3"].sign(text, 5))
    (made.folder / "dulu" / "000000000300").write_bytes(bytes(Note(text, lines)))


case("log", "compared with the checkpoint of another log", "unknown-log", another_log_kept)


def opened(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Handed], object]:
    def rewrite(made: Handed) -> None:
        rows = [json.loads(line) for line in (made.folder / "isi.jsonl").read_text().split("\n")]
        change(rows)
        (made.folder / "isi.jsonl").write_text("\n".join(map(json.dumps, rows)))

    return rewrite


TOLD = r"catatan 310, request.SUBMIT atas PMT-2026-0000310#1, 2026-07-01T00:00:00\+00:00"
case(
    "log",
    "a payload changed in the database",
    "not-what-was-logged",
    opened(lambda rows: rows[1].update(payload={"isi": 311})),
    TOLD,
)
case(
    "log",
    "a salt changed in the database",
    "not-what-was-logged",
    opened(lambda rows: rows[1].update(salt="00" * 32)),
    TOLD,
)
case(
    "log",
    "a salt of another length",
    "not-what-was-logged",
    opened(lambda rows: rows[1].update(salt=rows[1]["salt"] + "00")),
    TOLD,
)
case(
    "log",
    "a salt spelled otherwise",
    "not-what-was-logged",
    opened(lambda rows: rows[1].update(salt=rows[1]["salt"].upper())),
    TOLD,
)
case(
    "log",
    "two payloads exchanged",
    "not-what-was-logged",
    opened(lambda rows: (rows[0].update(seq=310), rows[1].update(seq=10))),
    "catatan 310, request.SUBMIT",
)
case(
    "log",
    "a second, false opening beside the true one",
    "not-what-was-logged",
    opened(lambda rows: rows.append({**rows[1], "payload": {"isi": 0}})),
    TOLD,
)
for word, seq in {
    "in words": "310",
    "before the first": -1,
    "behind the last": 700,
    "far behind": 10**6,
    "that is none": None,
}.items():
    case(
        "log",
        f"a false opening at a place {word}",
        "not-in-log",
        opened(lambda rows, seq=seq: rows.append({**rows[1], "payload": {"isi": 0}, "seq": seq})),
        f"isi catatan {seq!r} dari 700",
    )
case("log", "a payload with a fraction", "not-readable", opened(lambda rows: rows[1].update(payload={"isi": 0.5})))
case("log", "an opening of what is no leaf", "not-readable", opened(lambda rows: rows[1].update(seq=311)))
case("log", "an opening without a salt", "not-readable", opened(lambda rows: rows[1].pop("salt")))
case("log", "openings that are not JSON", "not-readable", lambda made: made.edit("isi.jsonl", lambda text: text[:-1]))


# Decisions


def decision(change: Callable[[dict[str, Any]], object] | None = None, **made_with: Any) -> Callable[[Handed], object]:
    """A record made otherwise from the start (and so properly logged), or changed afterwards."""

    def put(made: Handed) -> None:
        record = world.a_decision(**made_with)
        if change:
            change(record)
        (made.folder / "keputusan.json").write_text(json.dumps(record))

    return put


KEY, OTHER_KEY = world.p256(), world.p256("kunci orang lain")
CLIENT, DATA = world.client_data(world.DECISION), world.authenticator_data()
LAST = r"catatan 4, disaksikan 2026-07-01 00:00:05 UTC"


def signed(client: bytes = CLIENT, data: bytes = DATA, key: Any = KEY, **changes: Any) -> Callable[[Handed], object]:
    return decision(signed=world.assertion(key, client, data, **changes))


def said(**changes: Any) -> Callable[[Handed], object]:
    return signed(world.client_data(world.DECISION, **changes))


def enrolled(**changes: Any) -> Callable[[Handed], object]:
    return decision(enrolled=world.enrolment(KEY, **changes))


def spki(key: Any) -> str:
    return world.b64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def other_decision(record: dict[str, Any]) -> None:
    record["entry"]["payload"]["decision"]["outcome"] = "REJECT"


case("decision", "an outcome changed afterwards", "not-what-was-logged", decision(other_decision), LAST)
case(
    "decision",
    "a decision changed with its leaf",
    "not-in-log",
    decision(lambda record: record["entry"].update(leaf=record["entry"]["leaf"].replace("#7", "#8"))),
    "catatan 4 dari 5",
)
case(
    "decision",
    "a salt changed",
    "not-what-was-logged",
    decision(lambda record: record["entry"].update(salt="00" * 32)),
    LAST,
)
case(
    "decision",
    "an enrolled key changed afterwards",
    "not-what-was-logged",
    decision(lambda record: record["enrolment"]["payload"].update(public_key=spki(OTHER_KEY.public_key()))),
    "catatan 0, ",
)
case(
    "decision",
    "the enrolment of somebody else's leaf",
    "not-in-log",
    decision(lambda record: record["enrolment"].update(proof=record["entry"]["proof"])),
    "catatan 4 dari 5",
)
case(
    "decision",
    "proofs exchanged",
    "not-in-log",
    decision(
        lambda record: (
            record["enrolment"].update(proof=record["entry"]["proof"]),
            record["entry"].update(proof=record["enrolment"]["proof"]),
        )
    ),
)
case(
    "decision",
    "an assertion of another decision",
    "bad-assertion",
    signed(world.client_data({**world.DECISION, "outcome": "REJECT"})),
    LAST,
)
case(
    "decision",
    "an assertion of the decision before",
    "bad-assertion",
    signed(world.client_data({**world.DECISION, "prev_decision_hash": "a" * 64})),
    LAST,
)
case(
    "decision", "a challenge with padding", "bad-assertion", said(challenge=json.loads(CLIENT)["challenge"] + "="), LAST
)
case("decision", "at another address", "bad-assertion", said(origin="https://dtsen.contoh.id.penipu.id"), LAST)
case("decision", "at the same address without encryption", "bad-assertion", said(origin="http://dtsen.contoh.id"), LAST)
case("decision", "inside another's page", "bad-assertion", said(crossOrigin=True), LAST)
case("decision", "an enrolment answer for a decision", "bad-assertion", said(type="webauthn.create"), LAST)
case("decision", "for another service", "bad-assertion", signed(data=world.authenticator_data(rp="penipu.id")), LAST)
case("decision", "nobody was there", "bad-assertion", signed(data=world.authenticator_data(0b100)), LAST)
case("decision", "the owner was not verified", "user-not-verified", signed(data=world.authenticator_data(0b001)), LAST)
case("decision", "signed by another key", "bad-assertion", signed(key=OTHER_KEY), LAST)
case(
    "decision",
    "a counter changed after signing",
    "bad-assertion",
    signed(authenticator_data=world.b64(world.authenticator_data(counter=8))),
    LAST,
)
case(
    "decision",
    "client data changed after signing",
    "bad-assertion",
    signed(client_data=world.b64(CLIENT.replace(b"}", b" }"))),
    LAST,
)
case(
    "decision",
    "a signature cut short",
    "bad-assertion",
    signed(signature=world.b64(KEY.sign(DATA + hashlib.sha256(CLIENT).digest(), ec.ECDSA(world.SHA256()))[:-1])),
    LAST,
)
case("decision", "an empty signature", "bad-assertion", signed(signature=""), LAST)
case("decision", "too little authenticator data", "bad-assertion", signed(data=DATA[:36]), LAST)
case("decision", "a signature spelled otherwise", "bad-assertion", signed(signature="YWJjZGVmZ2h="))
case("decision", "client data in the other alphabet", "bad-assertion", signed(client_data="_-8="))
case(
    "decision",
    "with a key on another curve",
    "bad-assertion",
    decision(
        enrolled=world.enrolment(KEY, public_key=spki(ec.derive_private_key(7, ec.SECP384R1()).public_key())),
        signed=world.assertion(ec.derive_private_key(7, ec.SECP384R1()), CLIENT, DATA),
    ),
    LAST,
)
case(
    "decision",
    "with an RSA key",
    "bad-assertion",
    enrolled(public_key=spki(rsa.RSAPublicNumbers(65537, (1 << 2047) + 1).public_key())),
    LAST,
)
case("decision", "with a key that is none", "not-readable", enrolled(public_key=world.b64(b"bukan kunci")))
case("decision", "by another person's key", "foreign-key", enrolled(person="18"), LAST)
case("decision", "by another credential", "foreign-key", enrolled(credential="kredensial-2"), LAST)
case("decision", "by a key that was only asked for", "foreign-key", decision(event="key.ENROL"), LAST)
case("decision", "in the leaf of a refusal", "not-what-was-logged", decision(act="refusal.not-allowed"), LAST)
case("decision", "in the leaf of another outcome", "not-what-was-logged", decision(act="decision.REJECT"), LAST)
case(
    "decision",
    "shown with another dossier",
    "not-what-was-logged",
    decision(lambda record: record.update(dossier={**record["dossier"], "n": 7})),
    "dossier",
)
case(
    "decision",
    "shown with another summary",
    "not-what-was-logged",
    decision(lambda record: record.update(summary={**record["summary"], "title": "Tolak permintaan"})),
    "summary",
)
case("decision", "by a key enrolled afterwards", "foreign-key", decision(order=("entry", "enrolment")), "catatan 0, ")


def enrolled_elsewhere(made: Handed) -> None:
    """The enrolment stands in another log that the policy names too."""
    record, name = world.a_decision(between=9), "jejak.lain.id"
    entry = record["enrolment"]["leaf"].encode()
    root = hashlib.sha256(b"\0" + entry).digest()
    text = world.Checkpoint(name, 1, root).text
    lines = (signer(name).sign(text), WITNESSES["w1"].sign(text, 5), WITNESSES["w3"].sign(text, 5))
    record["enrolment"]["proof"] = "c2sp.org/tlog-proof@v1\nindex 0\n\n" + bytes(Note(text, lines)).decode()
    (made.folder / "keputusan.json").write_text(json.dumps(record))
    (made.folder / "policy").write_bytes(two_logs)


case("decision", "by a key enrolled in another log", "foreign-key", enrolled_elsewhere, "catatan 10, ")
case(
    "decision",
    "seen by one witness",
    "no-quorum",
    decision(lambda record: record["entry"].update(proof=re.sub("— w3[^\n]*\n", "", record["entry"]["proof"]))),
)
case(
    "decision",
    "enrolment seen by one witness",
    "no-quorum",
    decision(lambda record: record["enrolment"].update(proof=re.sub("— w3[^\n]*\n", "", record["enrolment"]["proof"]))),
)
case("decision", "without an enrolment", "not-readable", decision(lambda record: record.pop("enrolment")))
case(
    "decision",
    "without its assertion",
    "not-what-was-logged",
    decision(lambda record: record["entry"]["payload"].pop("assertion")),
)
case(
    "decision",
    "a list for a record",
    "not-readable",
    lambda made: made.edit("keputusan.json", lambda text: b"[%b]" % text),
)
case("decision", "a name twice", "not-readable", lambda made: made.text("keputusan.json", '{"', '{"entry": {}, "'))
case(
    "decision", "nested beyond reason", "not-readable", lambda made: made.edit("keputusan.json", lambda _: b"[" * 10**6)
)
case(
    "decision",
    "not UTF-8",
    "not-readable",
    lambda made: made.edit("keputusan.json", lambda text: text.decode().encode("utf-16")),
)


# Packages


def part(name: str, change: Callable[[bytes], bytes]) -> Callable[[Handed], object]:
    return lambda made: made.edit(f"paket/{name}", change)


def made_with(**how: Any) -> Callable[[Handed], object]:
    def put(made: Handed) -> None:
        for file in (made.folder / "paket").iterdir():
            file.unlink()
        world.a_package(made.folder / "paket", **how)

    return put


def sealed(kind: str = MANIFEST, by: Signer = SEAL, **changes: Any) -> bytes:
    return seal(kind, world.manifest(**changes), by)


def named(*names: str) -> bytes:
    """A manifest that is sealed and logged and names parts so."""
    digest = hashlib.sha256(b"satu" * 1000).hexdigest()
    return seal(
        MANIFEST, {"package": "paket-1", "parts": [{"name": name, "sealed_sha256": digest} for name in names]}, SEAL
    )


FIRST = "bagian-0001.csv.age"
SEALED = sealed()
OUTER = json.loads(SEALED)
IN_LOG = r"catatan 4, disaksikan 2026-07-01 00:00:07 UTC"
case("package", "one byte of a part changed", "part-changed", part(FIRST, lambda old: old[:9] + b"x" + old[10:]), FIRST)
case("package", "a part cut at a chunk border", "part-changed", part(FIRST, lambda old: old[:2048]), FIRST)
case("package", "a part cut by one byte", "part-changed", part(FIRST, lambda old: old[:-1]), FIRST)
case("package", "a part emptied", "part-changed", part(FIRST, lambda _: b""), FIRST)
case("package", "a part extended", "part-changed", part(FIRST, lambda old: old + b"\0"), FIRST)
case(
    "package",
    "two parts exchanged",
    "part-changed",
    lambda made: (
        part(FIRST, lambda _: PARTS["bagian-0002.csv.age"])(made),
        part("bagian-0002.csv.age", lambda _: PARTS[FIRST])(made),
    ),
    FIRST,
)
case(
    "package", "the dictionary changed", "part-changed", part("kamus.csv.age", lambda old: old + b"."), "kamus.csv.age"
)
case("package", "a part missing", "part-missing", lambda made: (made.folder / "paket" / FIRST).unlink(), FIRST)
case(
    "package",
    "a part renamed",
    "part-missing",
    lambda made: (made.folder / "paket" / FIRST).rename(made.folder / "paket" / "bagian-0003.csv.age"),
    FIRST,
)
case(
    "package",
    "a folder for a part",
    "part-missing",
    lambda made: ((made.folder / "paket" / FIRST).unlink(), (made.folder / "paket" / FIRST).mkdir()),
    FIRST,
)
case(
    "package",
    "a link for a part",
    "part-missing",
    lambda made: (
        (made.folder / "paket" / FIRST).rename(made.folder / "di luar"),
        (made.folder / "paket" / FIRST).symlink_to(made.folder / "di luar"),
    ),
    FIRST,
)
case(
    "package",
    "a foreign part added",
    "part-foreign",
    lambda made: (made.folder / "paket" / "bagian-0003.csv.age").write_bytes(b"x"),
    r"bagian-0003\.csv\.age",
)
case(
    "package",
    "one byte of the manifest changed",
    "bad-seal",
    lambda made: made.text("paket/manifest.dsse.json", '"payload":"ey', '"payload":"fy'),
)
case(
    "package",
    "a signature changed",
    "bad-seal",
    lambda made: made.text("paket/manifest.dsse.json", '"sig":"', '"sig":"AAAA'),
)
case(
    "package",
    "a signature spelled otherwise",
    "bad-seal",
    lambda made: made.text("paket/manifest.dsse.json", '=="}', '=g"}'),
)
case("package", "no signature", "bad-seal", made_with(envelope=json.dumps({**OUTER, "signatures": []}).encode()))
case("package", "sealed by somebody else", "bad-seal", made_with(envelope=sealed(by=Signer.new())))
case(
    "package",
    "a receipt for a manifest",
    "bad-seal",
    made_with(envelope=sealed("application/vnd.bagipakai.receipt+json;v=1")),
)
case(
    "package",
    "a type changed after sealing",
    "bad-seal",
    lambda made: made.text("paket/manifest.dsse.json", "manifest+json", "manifesT+json"),
)
case(
    "package",
    "checked against another seal",
    "bad-seal",
    lambda made: (made.folder / "segel.pub").write_bytes(Signer.new().public.to_pem()),
)
case(
    "package",
    "checked against a key that seals nothing",
    "bad-seal",
    lambda made: (made.folder / "segel.pub").write_bytes(
        x25519.X25519PrivateKey.from_private_bytes(bytes(32))
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
)
case(
    "package",
    "checked against what is no key",
    "not-readable",
    lambda made: (made.folder / "segel.pub").write_bytes(b"x"),
)
case(
    "package",
    "the manifest spelled otherwise",
    "not-what-was-logged",
    lambda made: made.edit("paket/manifest.dsse.json", lambda text: text + b" "),
    IN_LOG,
)
case(
    "package", "another manifest under the true seal", "not-what-was-logged", made_with(logged=b"manifes lain"), IN_LOG
)
case(
    "package",
    "sealed anew after the log",
    "not-what-was-logged",
    lambda made: (made.folder / "paket/manifest.dsse.json").write_bytes(sealed(package="paket-2")),
    IN_LOG,
)
case(
    "package",
    "a leaf changed",
    "not-in-log",
    lambda made: made.text("paket/manifest.leaf.json", "P17", "P18"),
    "catatan 4 dari 7",
)
case(
    "package",
    "a leaf that was never logged",
    "not-in-log",
    lambda made: (made.folder / "paket/manifest.leaf.json").write_bytes(
        world.leaf("package.SEAL", "paket-9", hashlib.sha256(SEALED).hexdigest())
    ),
    "catatan 4 dari 7",
)
case(
    "package",
    "a proof of another package",
    "not-in-log",
    lambda made: (made.folder / "paket/manifest.tlog-proof").write_bytes(BIT_BY_BIT.proof(123)),
    "catatan 123 dari 300",
)
case("package", "a leaf of another act", "not-what-was-logged", made_with(event="package.WITHDRAWN"), IN_LOG)
case("package", "a leaf about another package", "not-what-was-logged", made_with(about="paket-2"), IN_LOG)
case("package", "seen by one witness", "no-quorum", made_with(by=("w1",)))
case("package", "seen by nobody", "no-quorum", made_with(by=()))
case(
    "package",
    "a proof with another version",
    "bad-proof",
    lambda made: made.text("paket/manifest.tlog-proof", "@v1", "@v2"),
)
case("package", "no proof", "not-readable", lambda made: (made.folder / "paket/manifest.tlog-proof").unlink())
case("package", "no leaf", "not-readable", lambda made: (made.folder / "paket/manifest.leaf.json").unlink())
case("package", "no manifest", "not-readable", lambda made: (made.folder / "paket/manifest.dsse.json").unlink())
case("package", "a part named twice", "bad-manifest", made_with(envelope=named(FIRST, FIRST)), IN_LOG)
case("package", "a part outside the folder", "bad-manifest", made_with(envelope=named(f"../{FIRST}")), IN_LOG)
case("package", "a part at the root of the disk", "bad-manifest", made_with(envelope=named("/etc/passwd")), IN_LOG)
case("package", "a part that is no sealed file", "bad-manifest", made_with(envelope=named("bagian-0001.csv")), IN_LOG)
case("package", "a part with a line break in its name", "bad-manifest", made_with(envelope=named(f"{FIRST}\n")), IN_LOG)
case("package", "a manifest with no part", "bad-manifest", made_with(envelope=named(), parts={}), IN_LOG)
case("package", "what is no manifest", "not-readable", made_with(envelope=seal(MANIFEST, {"x": 1}, SEAL)))
case(
    "package",
    "an envelope with a name twice",
    "not-readable",
    lambda made: made.text("paket/manifest.dsse.json", '{"', '{"payloadType":"x","'),
)
