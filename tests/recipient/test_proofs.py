"""With a policy in hand, a package is opened only if enough witnesses have seen it in the trail."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.recipient.packages import DAY, OURS, SEAL, Made, a_key_file, a_package
from tests.recipient.trails import (
    LOG,
    NOISE,
    OTHER_LOG,
    STRANGERS,
    WITNESSES,
    leaf_of,
    policy,
    policy_text,
    proof_of,
    proven,
)

from bagipakai.cli import main
from bagipakai.core.manifest import LEAF_NAME, PROOF_NAME
from bagipakai.recipient.keys import Identity, read_policy
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.verify import verified

OURSELVES = Identity(OURS)
LONE_RETURN = f"log {LOG.public}\n# quorum ada di bawah\rquorum none\n".encode()
Spoiler = Callable[[Made, Path], object]


def _without(name: str) -> Spoiler:
    return lambda made, _: (proven(made).folder / name).unlink()


def _linked(made: Made, place: Path) -> None:
    proof = proven(made).folder / PROOF_NAME
    proof.rename(place / PROOF_NAME)
    proof.symlink_to(place / PROOF_NAME)


def _of_another(made: Made, place: Path) -> None:
    proven(made, leaf_of(a_package(place, order="O-2")))


def _leaf(change: Callable[[bytes], bytes]) -> Spoiler:
    def spoil(made: Made, _: Path) -> None:
        leaf = proven(made).folder / LEAF_NAME
        leaf.write_bytes(change(leaf.read_bytes()))

    return spoil


def _proof(change: Callable[[bytes], bytes]) -> Spoiler:
    return lambda made, _: proven(made, change=change)


def _another_step(proof: bytes) -> bytes:
    lines = proof.split(b"\n")
    step = base64.b64decode(lines[2])
    lines[2] = base64.b64encode(bytes([step[0] ^ 1]) + step[1:])
    return b"\n".join(lines)


def _with_the_signatures_of_another(made: Made, _: Path) -> None:
    """True signatures, under a checkpoint of another tree."""
    ours, other = proof_of(leaf_of(made)), proof_of(NOISE[0]).checkpoint
    proven(made)
    mixed = replace(ours, checkpoint=replace(ours.checkpoint, signatures=other.signatures))
    (made.folder / PROOF_NAME).write_bytes(bytes(mixed))


SPOILED: dict[str, tuple[Spoiler, str]] = {
    "no proof": (_without(PROOF_NAME), "proof-missing"),
    "no leaf": (_without(LEAF_NAME), "proof-missing"),
    "a link in the place of the proof": (_linked, "proof-missing"),
    "proof of another package": (_of_another, "proof-of-another"),
    "leaf of another act": (lambda made, _: proven(made, leaf_of(made, "package.WITHDRAWN")), "proof-of-another"),
    "leaf about another package": (lambda made, _: proven(made, leaf_of(made, about="paket-2")), "proof-of-another"),
    "leaf without a digest": (lambda made, _: proven(made, b'{"v":1}'), "proof-not-valid"),
    "leaf that is no object": (lambda made, _: proven(made, b"[]"), "proof-not-valid"),
    "leaf that is no JSON": (lambda made, _: proven(made, b"\xff"), "proof-not-valid"),
    "leaf with one letter changed": (_leaf(lambda leaf: leaf.replace(b"SEAL", b"SEAM")), "proof-not-valid"),
    "leaf with a space": (_leaf(lambda leaf: leaf + b" "), "proof-not-valid"),
    "leaf emptied": (_leaf(lambda _: b""), "proof-not-valid"),
    "proof emptied": (_proof(lambda _: b""), "proof-not-valid"),
    "proof cut": (_proof(lambda proof: proof[: len(proof) // 2]), "proof-not-valid"),
    "proof with one step changed": (_proof(_another_step), "proof-not-valid"),
    "proof at another place": (_proof(lambda proof: proof.replace(b"index 150", b"index 151")), "proof-not-valid"),
    "proof that is too long": (_proof(lambda proof: proof + b"x" * 600_000), "proof-not-valid"),
    "signatures of another checkpoint": (_with_the_signatures_of_another, "proof-not-valid"),
    "too few witnesses": (lambda made, _: proven(made, witnesses=WITNESSES[:1]), "proof-not-valid"),
    "witnesses nobody knows": (lambda made, _: proven(made, witnesses=STRANGERS), "proof-not-valid"),
    "a log of the same name with another key": (lambda made, _: proven(made, log=OTHER_LOG), "proof-not-valid"),
}


def both(made: Made, out: Path, believed=None):
    """What verifying says, and what opening says."""
    known = believed or policy()
    return (
        verified(made.folder, SEAL.public, OURSELVES, day=DAY, policy=known),
        opened(made.folder, SEAL.public, OURSELVES, out, day=DAY, policy=known),
    )


def everything_in(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


@pytest.mark.parametrize("spoilt", SPOILED)
def test_a_proof_that_does_not_hold_is_refused_by_code_and_leaves_nothing(spoilt, tmp_path):
    spoil, code = SPOILED[spoilt]
    (tmp_path / "lain").mkdir()
    made = a_package(tmp_path)
    spoil(made, tmp_path / "lain")
    before = everything_in(tmp_path)
    outcomes = both(made, tmp_path / "hasil")
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refusal)] == [code, code]
    assert everything_in(tmp_path) == before


def test_a_proof_that_holds_opens_and_stays_out_of_the_opened_folder(tmp_path):
    verdict, result = both(proven(a_package(tmp_path)), tmp_path / "hasil")
    assert not isinstance(verdict, Refusal)
    assert isinstance(result, Opened)
    assert not {LEAF_NAME, PROOF_NAME} & {file.name for file in result.folder.iterdir()}


def test_two_of_three_witnesses_are_enough(tmp_path):
    verdict, result = both(proven(a_package(tmp_path), witnesses=WITNESSES[1:]), tmp_path / "hasil")
    assert not isinstance(verdict, Refusal) and isinstance(result, Opened)


def test_a_policy_that_names_other_witnesses_refuses_a_good_proof(tmp_path):
    made = proven(a_package(tmp_path))
    outcomes = both(made, tmp_path / "hasil", policy(STRANGERS))
    assert [outcome.code for outcome in outcomes] == ["proof-not-valid", "proof-not-valid"]
    assert not (tmp_path / "hasil").exists()


def test_without_a_policy_the_proof_is_not_looked_at(tmp_path):
    made = proven(a_package(tmp_path), change=lambda _: b"")
    assert not isinstance(verified(made.folder, SEAL.public, OURSELVES, day=DAY), Refusal)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"\xff\xfe", b"quorum none\n", LONE_RETURN, b"log x\nquorum none\n", policy_text().encode()[:-9]],
)
def test_a_policy_that_cannot_be_read_is_refused_before_anything_else(content, tmp_path, capsys):
    made, place = proven(a_package(tmp_path)), tmp_path / "kunci"
    place.mkdir()
    if content is not None:
        (place / "kebijakan-saksi.txt").write_bytes(content)
    found = read_policy(place / "kebijakan-saksi.txt")
    assert isinstance(found, Refusal) and found.code == "policy-unreadable"
    before = everything_in(tmp_path)
    status, report = told(made, place, capsys)
    assert (status, report["code"]) == (1, "policy-unreadable")
    assert everything_in(tmp_path) == sorted([*before, "kunci/segel.pem", "kunci/kunci.txt"])


def test_the_command_says_that_witnesses_have_seen_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bagipakai.recipient.words.today", lambda: DAY)
    (tmp_path / "kunci").mkdir()
    (tmp_path / "kunci" / "kebijakan-saksi.txt").write_text(policy_text())
    status, report = told(proven(a_package(tmp_path)), tmp_path / "kunci", capsys)
    assert (status, report["opened"], report["witnessed"]) == (0, True, True)


def told(made: Made, place: Path, capsys) -> tuple[int, dict[str, object]]:
    """`recipient open --policy` in this process: its status and its report."""
    (place / "segel.pem").write_bytes(SEAL.public.to_pem())
    a_key_file(place / "kunci.txt")
    given = {"--seal": "segel.pem", "--key": "kunci.txt", "--policy": "kebijakan-saksi.txt"}
    options = [word for option, name in given.items() for word in (option, str(place / name))]
    out = made.folder.parent.parent / "hasil"
    status = main(["recipient", "open", str(made.folder), *options, "--out", str(out), "--json"])
    return status, json.loads(capsys.readouterr().out)
