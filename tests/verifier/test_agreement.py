"""Two implementations, written apart: the house's and the stranger's. On every generated input they must say the same,
else one of them is wrong. Each generator comes with a test that it reaches both answers."""

import base64
import json
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.test_canonical import VALUES
from tests.core.test_witnesses import NOT_A_PROOF, REFUSED
from tests.core.trees import nodes_of
from tests.verifier import world
from tests.verifier.strangers import refused
from tests.verifier.world import LOG, WITNESSES, Checkpoint, Kind, Note, Trail, drawn, signer

from bagipakai import verifier
from bagipakai.core import tlog
from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.core.decisions import Assertion, Decision, EnrolledKey, objection
from bagipakai.core.notes import BadNote
from bagipakai.core.tiles import bundled, tile_name
from bagipakai.core.witnesses import BadPolicy, LogProof, NotBelieved, Policy

# What the house calls a refusal, and what the stranger's file calls it.
SAME = {
    "not-a-note": {"bad-note", "not-readable"},
    "not-a-checkpoint": {"bad-note"},
    "unknown-log": {"unknown-log"},
    "bad-signature": {"bad-signature"},
    "no-quorum": {"no-quorum"},
    "not-a-proof": {"bad-proof", "bad-note", "not-readable"},
    "not-in-the-log": {"not-in-log"},
}


def stranger(check):
    """The stranger's answer, or the code of his refusal; what he cannot decode is not readable."""
    try:
        return check()
    except verifier.Wrong as wrong:
        return wrong.args[0]
    except UnicodeDecodeError:
        return "not-readable"


def agree(house, found):
    assert found in SAME[house] if house in SAME else found == house


# Policies

VKEYS = [str(one.public) for one in (LOG, *WITNESSES.values())]
ODD = [
    "",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "\f",
    "\v",
    "\u0085",
    "\u2028",
    "\u00a0",
    "\ufeff",
    "\0",
    "\x7f",
    "#",
    "é",
    "٢",
]
WORDS = ["log", "witness", "group", "quorum", "none", "any", "all", "0", "1", "2", "01", "a", "b", "g", *VKEYS, *ODD]


@st.composite
def policies(draw):
    """A right policy, or one with words, lines or signs out of place, or mere words."""
    lines = world.policy().decode().split("\n")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        words = lines[at].split(" ")
        place = draw(st.integers(0, len(words)))
        match draw(st.sampled_from(["line out", "line twice", "word", "sign", "away"])):
            case "line out" if len(lines) > 1:
                del lines[at]
            case "line twice":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case "word":
                words[place : place + draw(st.integers(0, 1))] = [draw(st.sampled_from(WORDS))]
                lines[at] = " ".join(words)
            case "sign":
                where = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:where] + draw(st.sampled_from(ODD)) + lines[at][where:]
            case "away":
                lines[at] = " ".join(words[:place])
    return "\n".join(lines)


def policy_of_the_house(text):
    try:
        policy = Policy.read(text)
    except BadPolicy:
        return None
    witnesses = {name: key.material for name, (key, _) in policy.witnesses.items()}
    groups = {name: (group.least, list(group.members)) for name, group in policy.groups.items()}
    return [key.material for key in policy.logs], witnesses, groups, policy.quorum


def policy_of_the_stranger(text):
    policy = stranger(lambda: verifier.Policy(text.encode()))
    if policy == "bad-policy":
        return None
    witnesses = {name: key[2] for name, key in policy.witnesses.items()}
    return [key[2] for key in policy.logs], witnesses, policy.groups, policy.quorum


@settings(deadline=None, max_examples=600)
@given(policies())
def test_they_read_the_same_policy(text):
    assert policy_of_the_stranger(text) == policy_of_the_house(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_they_refuse_the_same_policies(text):
    keys = {"<log>": VKEYS[0], "<1>": VKEYS[1], "<2>": VKEYS[2]}
    for short, key in keys.items():
        text = text.replace(short, key)
    assert policy_of_the_stranger(text) is policy_of_the_house(text) is None


# Checkpoints

TRAIL = Trail.of(drawn(300), batch=1)
STATE = Checkpoint(world.ORIGIN, 300, TRAIL.log().root())
RULE = world.policy()
HOUSE, STRANGER = Policy.read(RULE.decode()), verifier.Policy(RULE)


def line(by, text, time=0, name=None, key_id=None):
    signature = by.sign(text, time)
    return type(signature)(name or signature.name, key_id or signature.key_id, signature.value).line


@st.composite
def notes(draw):
    """A text and lines under it: true, false, doubled, foreign, under another's name; now and then a stray sign."""
    state = draw(st.sampled_from([STATE] * 8 + [Checkpoint("jejak.lain.id", 300, STATE.root)]))
    other = Checkpoint(world.ORIGIN, 299, STATE.root).text
    foreign = signer("orang.lain", Kind.ED25519_COSIGNATURE)
    lines = [line(LOG, state.text)] if draw(st.integers(0, 9)) else []
    for name in draw(st.lists(st.sampled_from(list(WITNESSES)), max_size=4)):
        one, time = WITNESSES[name], draw(st.sampled_from([0, 1, 2, 5, 2**62, 2**63 - 1]))
        match draw(st.sampled_from(["true"] * 12 + ["false", "foreign", "renamed", "rekeyed", "late"])):
            case "true":
                lines.append(line(one, state.text, time))
            case "false":
                lines.append(line(one, other, time))
            case "foreign":
                lines.append(line(foreign, state.text, time))
            case "renamed":
                lines.append(line(one, state.text, time, name=draw(st.sampled_from(["x", "w1.contoh.id", "é"]))))
            case "rekeyed":
                lines.append(line(one, state.text, time, key_id=b"abcd"))
            case "late":
                lines.append(line(one, state.text, 2**63))
    note = state.text + "\n" + "".join(draw(st.permutations(lines)))
    return strayed(draw, note)


def strayed(draw, text):
    """Now and then one sign is put in, taken out or exchanged."""
    if draw(st.integers(0, 2)):
        return text.encode()
    at = draw(st.integers(0, len(text)))
    odd = draw(st.sampled_from([*ODD, "—", "- ", "=", "+", "0", "A"]))
    return (text[:at] + odd + text[at + draw(st.integers(0, 1)) :]).encode()


def padded(length):
    """A checkpoint with a line by nobody that brings it to this length."""
    note = TRAIL.checkpoint() + "— ".encode()
    left = length - len(note) - len(" \n")
    return note + b"a" * (left % 4 + 4) + b" " + b"YWJj" * (left // 4 - 1) + b"\n"


def test_the_padding_is_as_long_as_it_is_meant_to_be():
    assert [len(padded(length)) for length in (262_144, 262_145)] == [262_144, 262_145]
    assert believed(padded(262_144)) == believed(TRAIL.checkpoint())
    assert believed(padded(262_145)) == "not-a-note"


def believed(note):
    try:
        read_note = Note.read(note)
    except BadNote:
        return "not-a-note"
    try:
        found = HOUSE.believe(read_note)
    except NotBelieved as no:
        return no.code
    state = found.checkpoint
    return state.origin, state.size, state.root, HOUSE.seen_at(found.cosigned)


@settings(deadline=None, max_examples=600)
@given(notes())
@example(STATE.text.encode() + b"\n" + b"".join(b"\xe2\x80\x94 a%d YWJjZGVmZ2g=\n" % at for at in range(33)))
@example(TRAIL.checkpoint().replace(b"\n", b"\r\n"))
@example(padded(256 * 1024))
@example(padded(256 * 1024 + 1))
@example(TRAIL.checkpoint() + b"\xe2\x80\x94 a YWJjZA==\n")
@example(TRAIL.checkpoint() + b"\xe2\x80\x94 a YWJjZGU=\n")
@example(TRAIL.checkpoint() + b"\xe2\x80\x94 a\xff YWJjZGVmZ2g=\n")
def test_they_believe_the_same_checkpoints(note):
    agree(believed(note), stranger(lambda: STRANGER.checkpoint(note)))


# Proofs


@st.composite
def proofs(draw):
    size = draw(st.integers(1, 300))
    index = draw(st.integers(0, size - 1))
    entry = drawn(300)[draw(st.sampled_from([index] * 5 + [0]))]
    lines = TRAIL.proof(index, size, draw(st.sampled_from([("w1", "w3")] * 4 + [("w1",)]))).decode().split("\n")
    if draw(st.integers(0, 2)) == 0:
        end = lines.index("")
        at = draw(st.integers(0, end - 1))
        match draw(st.sampled_from(["out", "twice", "extra", "index"])):
            case "out":
                del lines[at]
            case "twice":
                lines.insert(at, lines[at])
            case "extra":
                lines.insert(at, "extra YWJj")
            case "index":
                lines[1] = f"index {draw(st.sampled_from([index + 1, size, size - 1, 2 * index, 10**17, 10**18]))}"
    return strayed(draw, "\n".join(lines)), entry


def shown(proof, entry):
    try:
        parsed = LogProof.read(proof)
        found = parsed.shows(entry, HOUSE)
    except NotBelieved as no:
        return no.code
    return found.checkpoint.origin, parsed.index


@settings(deadline=None, max_examples=600)
@given(proofs())
def test_they_accept_the_same_proofs(handed):
    found = stranger(lambda: STRANGER.proof(*handed))
    agree(shown(*handed), found if isinstance(found, str) else found[:2])


@pytest.mark.parametrize("text", NOT_A_PROOF.values(), ids=NOT_A_PROOF)
def test_they_refuse_the_same_proofs(text):
    assert shown(text.encode(), drawn(300)[123]) == "not-a-proof"
    assert refused(lambda: STRANGER.proof(text.encode(), drawn(300)[123]))[0] in SAME["not-a-proof"]


def test_the_generators_reach_every_answer():
    """Two readers that refuse everything would agree too."""
    met = Counter()

    @settings(deadline=None, database=None, derandomize=True, max_examples=600)
    @given(policies(), notes(), proofs())
    def look(policy, note, proof):
        for kind, answer in (
            ("policy", policy_of_the_house(policy)),
            ("note", believed(note)),
            ("proof", shown(*proof)),
        ):
            met[kind, answer if isinstance(answer, str) else answer is not None] += 1

    look()
    everything = {("note", code) for code in SAME if code not in ("not-a-proof", "not-in-the-log")}
    everything |= {("proof", code) for code in ("not-a-proof", "not-in-the-log", "no-quorum")}
    everything |= {(kind, True) for kind in ("policy", "note", "proof")} | {("policy", False)}
    assert everything - set(met) == set()


# Trees and tiles


@settings(deadline=None)
@given(st.integers(0, 300), st.data())
def test_they_grow_the_same_tree(size, data):
    leaves = [tlog.leaf_hash(entry) for entry in drawn(300)]
    tree = verifier.Tree()
    for leaf in leaves[:size]:
        tree.add(leaf)
    node = nodes_of(leaves)
    assert tree.root() == tlog.root(size, node)
    assert tree.rows.get(0, []) == leaves[:size]
    assert tree.rows.get(1, []) == [node(8, index) for index in range(size // 256)]
    if size:
        index = data.draw(st.integers(0, size - 1))
        path = tlog.inclusion(index, size, node)
        assert verifier.root_by(path, leaves[index], index, size) == tree.root()


def test_they_put_the_same_hashes_into_tiles_of_every_level():
    tree, trail, entries = verifier.Tree(), Trail(), [b"x"] * 66_000
    trail.grow(entries)
    for entry in entries:
        tree.add(tlog.leaf_hash(entry))
    for level, row in tree.rows.items():
        for first in range(0, len(row), 256):
            part = row[first : first + 256]
            assert trail.files[verifier.tile_name(str(level), first // 256, len(part))] == b"".join(part)
    assert sorted(tree.rows) == [0, 1, 2]


@settings(deadline=None, max_examples=400)
@given(
    st.integers(1, 40), st.integers(0, 45), st.lists(st.sampled_from([b"a" * 32, b"b" * 32]), max_size=8), st.booleans()
)
def test_they_follow_any_path_to_the_same_root(size, index, path, right_length):
    """Paths that nobody proved; of the right length and of others."""
    if right_length and index < size:
        path = (path + [b"c" * 32] * 8)[: len(tlog.inclusion(index, size, lambda level, place: b""))]
    try:
        house = tlog.root_by_inclusion(b"l" * 32, index, size, path)
    except tlog.NoProof:
        house = None
    assert (verifier.root_by(path, b"l" * 32, index, size) if index < size else None) == house


@given(st.integers(0, 10**12), st.integers(1, 256), st.integers(0, 5))
def test_they_name_the_same_files(index, width, level):
    assert verifier.tile_name(str(level), index, width) == tile_name(level, index, width)


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_they_find_the_same_entries_in_a_bundle(entries):
    assert verifier.rows_in("entries", bundled(entries)) == entries


# Canonical JSON


@settings(deadline=None)
@given(VALUES)
def test_they_spell_a_value_the_same_way(value):
    assert verifier.canonical(value) == canonical(value)


SNIPPETS = st.sampled_from(
    [
        *('{"a":1}', '{"a":1,"a":2}', "[1,2]", '"é"', '"\\ud800"', '"\\u0000"', "9007199254740991", "9007199254740992"),
        *("-9007199254740991", "-0", "1.0", "1e3", "NaN", "Infinity", "true", "null", "01", "{", "", " 1", '"\u2028"'),
        *('{"b":1,"a":[{"":null}]}', "[" * 33 + "]" * 33, "[" * 34 + "]" * 34, "[" * 3000 + "]" * 3000, "9" * 5000),
        '{"\U0001f600":1,"\ufb33":2}',
        *('{"a":' * depth + "1" + "}" * depth for depth in (20, 30, 32, 33)),
    ]
)


@settings(deadline=None, max_examples=300)
@given(SNIPPETS, SNIPPETS)
def test_they_take_the_same_json_for_a_value(one, other):
    for text in (one, f"[{one},{other}]", f'{{"x":{one},"y":{other}}}'):
        try:
            house = canonical(read(text.encode()))
        except NotCanonical:
            house = None
        try:
            found = verifier.canonical(verifier.read_json(text.encode()))
        except (verifier.Wrong, ValueError, RecursionError):
            found = None
        assert found == house


def test_utf_16_is_not_json_to_either():
    """Python's own reader would guess the encoding: one document, two spellings."""
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        text = json.dumps({"a": 1}).encode(encoding)
        with pytest.raises(NotCanonical):
            read(text)
        with pytest.raises(ValueError):
            verifier.read_json(text)


# Decisions

JUDGED = {
    None: {"keputusan APPROVE"},
    "assertion-is-not-readable": {"bad-assertion", "not-readable", "foreign-key"},
    "signed-with-another-key": {"foreign-key"},
    "signed-another-decision": {"bad-assertion"},
    "signed-at-another-address": {"bad-assertion"},
    "signed-for-another-service": {"bad-assertion"},
    "signer-was-not-present": {"bad-assertion"},
    "signer-was-not-verified": {"user-not-verified"},
    "signature-does-not-verify": {"bad-assertion"},
}
KEYS = [world.p256(), world.ed25519(), world.p256("kunci orang lain")]
CLIENTS = [
    *({}, {}, {}, {}, {"crossOrigin": True}, {"crossOrigin": None}, {"crossOrigin": "ya"}, {"type": "webauthn.create"}),
    *({"type": None}, {"origin": "https://penipu.id"}, {"origin": 7}, {"challenge": "x"}, {"challenge": None}),
    *({"lain": 1.5}, {"lain": [1]}, {"lain": 2**53}, {"lain": "\ud800"}, {"topOrigin": "https://penipu.id"}),
]


@st.composite
def assertions(draw):
    """A key enrolled and a key that signs, mostly the same; client data and authenticator data, mostly right."""
    key = draw(st.sampled_from(KEYS))
    enrolled = world.enrolment(
        draw(st.sampled_from([key] * 6 + KEYS)),
        person=draw(st.sampled_from(["17"] * 8 + ["18"])),
        credential=draw(st.sampled_from(["kredensial-1"] * 8 + ["kredensial-2"])),
    )
    decision = draw(st.sampled_from([world.DECISION] * 8 + [{**world.DECISION, "outcome": "REJECT"}]))
    client = world.client_data(decision, **draw(st.sampled_from(CLIENTS)))
    if draw(st.integers(0, 9)) == 0:
        client = draw(st.sampled_from([b"", b"[]", b"null", client + b"x", client.replace(b"{", b'{"type": "x", ', 1)]))
    flags = draw(st.sampled_from([0b101] * 8 + [0, 1, 4, 0b11111111]))
    data = world.authenticator_data(flags, draw(st.sampled_from([world.RP] * 8 + ["penipu.id"])))
    data = data[: draw(st.sampled_from([len(data)] * 8 + [0, 32, 36]))] + draw(st.sampled_from([b""] * 8 + [b"x" * 9]))
    return enrolled, world.assertion(key, client, data)


def judged(enrolled, signed):
    """The house's answer."""
    bytes_of = {name: base64.b64decode(signed[name]) for name in ("client_data", "authenticator_data", "signature")}
    key = EnrolledKey(**{**enrolled, "public_key": base64.b64decode(enrolled["public_key"])})
    no = objection(Decision.from_json(world.DECISION), Assertion(signed["credential"], **bytes_of), key)
    return None if no is None else no.code


def judged_by_the_stranger(file, enrolled, signed):
    file.write_text(json.dumps(world.a_decision(enrolled=enrolled, signed=signed)))
    try:
        return verifier.check_decision(STRANGER, file)[:17]
    except verifier.Wrong as wrong:
        return wrong.args[0]
    except (TypeError, ValueError, KeyError):
        return "not-readable"


@settings(deadline=None, max_examples=200)
@given(assertions())
def test_they_judge_the_same_signed_decisions(tmp_path_factory, handed):
    file = tmp_path_factory.getbasetemp() / "keputusan.json"
    assert judged_by_the_stranger(file, *handed) in JUDGED[judged(*handed)]


def test_the_assertions_reach_every_answer():
    met = set()

    @settings(deadline=None, database=None, derandomize=True, max_examples=1000)
    @given(assertions())
    def look(handed):
        met.add(judged(*handed))

    look()
    assert met == set(JUDGED)
