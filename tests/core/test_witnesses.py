"""Whom a reader believes is written in a policy; a witness counts once; a proof speaks of one entry at one place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verifier import world
from tests.verifier.world import LOG, WITNESSES, Trail, checkpoint, drawn, policy, root_of, signer

from bagipakai.core.notes import Kind, Note, NoteKey
from bagipakai.core.witnesses import BadPolicy, LogProof, NotBelieved, Policy

KEYS = {name: str(one.public) for name, one in WITNESSES.items()}
MORE = {f"y{number}": signer(f"y{number}.contoh.id", Kind.ED25519_COSIGNATURE) for number in range(1, 4)}
VKEY = str(LOG.public)
SMALL = root_of(drawn(9))
RENAMED = NoteKey("w9.contoh.id", WITNESSES["w1"].public.kind, WITNESSES["w1"].public.material)
SECOND = signer("w1.contoh.id", Kind.ML_DSA_COSIGNATURE).public  # w1 has an Ed25519 key
SPACED = NoteKey("a\u00a0b", Kind.LOG, LOG.public.material)
BOTH = NoteKey("w9.contoh.id", Kind.ED25519_COSIGNATURE, LOG.public.material)


def named(text):
    return text.replace("<log>", VKEY).replace("<1>", KEYS["w1"]).replace("<2>", KEYS["w2"])


def read(text):
    return Policy.read(named(text))


def believed(text, *by, at=None):
    return Policy.read(text if isinstance(text, str) else text.decode()).believe(
        Note.read(checkpoint(9, SMALL, by, at))
    )


def refused(text, *by):
    with pytest.raises(NotBelieved) as no:
        believed(text, *by)
    return no.value.code


# What a policy may say


def test_the_policy_of_the_text_with_two_levels_of_groups():
    """The example of C2SP tlog-policy: two of the X and any of the Y."""
    lines = [f"log {VKEY}", ""]
    lines += [f"witness X{name[1]} {key}" for name, key in KEYS.items()]
    lines += ["group X-witnesses 2 X1 X2 X3", ""]
    lines += [f"witness Y{name[1]} {one.public}" for name, one in MORE.items()]
    lines += ["group Y-witnesses any Y1 Y2 Y3", "", "group X-and-Y all X-witnesses Y-witnesses", "quorum X-and-Y"]
    text = "\n".join(lines) + "\n"
    both = Policy.read(text)
    note = Note.read(checkpoint(9, SMALL, ("w1", "w3")))
    assert (len(both.logs), len(both.witnesses), both.quorum) == (1, 6, "X-and-Y")
    with pytest.raises(NotBelieved, match="no-quorum"):
        both.believe(note)
    assert set(both.believe(note.with_lines(MORE["y2"].sign(note.text, 7))).cosigned) == {"X1", "X3", "Y2"}
    one_x = Note.read(checkpoint(9, SMALL, ("w1",))).with_lines(*(y.sign(note.text, 7) for y in MORE.values()))
    with pytest.raises(NotBelieved, match="no-quorum"):
        both.believe(one_x)


@pytest.mark.parametrize(
    "text",
    [
        "log <log>\nquorum none\n",
        "log <log>\nquorum none",
        "\n\n# apa saja\n   # dan ini\nlog <log> https://jejak.contoh.id\n\t\nquorum none\n",
        "  log\t<log>  \n\twitness a <1>\thttps://saksi.contoh.id \nquorum a\n",
        "witness é <1>\nlog <log>\ngroup 組 1 é\nquorum 組\n",
        "log <log>\nwitness a <1>\nwitness b <2>\ngroup g all a b\nquorum g\n",
        "log <log>\nwitness a <1>\nquorum a\nwitness b <2>\n",
        "log <log>\nwitness log <1>\ngroup quorum any log\nquorum quorum\n",
    ],
)
def test_what_the_text_allows_is_read(text):
    assert read(text).quorum


REFUSED = {
    "nothing": "",
    "no quorum": "log <log>\nwitness a <1>\n",
    "no log": "witness a <1>\nquorum a\n",
    "two quorums": "log <log>\nwitness a <1>\nquorum a\nquorum none\n",
    "a quorum of nobody": "log <log>\nquorum a\n",
    "a quorum named before its witness": "log <log>\nquorum a\nwitness a <1>\n",
    "a quorum of two": "log <log>\nwitness a <1>\nquorum a a\n",
    "an unknown word": "log <log>\nmonitor a <1>\nquorum none\n",
    "a word in capitals": "LOG <log>\nquorum none\n",
    "a log without a key": "log\nquorum none\n",
    "a log with two addresses": "log <log> https://a https://b\nquorum none\n",
    "a witness without a name": "log <log>\nwitness <1>\nquorum none\n",
    "a witness with two addresses": "log <log>\nwitness a <1> https://a https://b\nquorum a\n",
    "a witness called none": "log <log>\nwitness none <1>\nquorum none\n",
    "a group called none": "log <log>\nwitness a <1>\ngroup none 1 a\nquorum none\n",
    "two witnesses of one name": "log <log>\nwitness a <1>\nwitness a <2>\nquorum a\n",
    "one key under two names": "log <log>\nwitness a <1>\nwitness b <1>\ngroup g 2 a b\nquorum g\n",
    "one key under two names of its own": f"log <log>\nwitness a <1>\nwitness b {RENAMED}\ngroup g 2 a b\nquorum g\n",
    "two keys of one witness": f"log <log>\nwitness a <1>\nwitness b {SECOND}\ngroup g 2 a b\nquorum g\n",
    "the log's key as a witness": f"log <log>\nwitness a {BOTH}\nquorum a\n",
    "a log twice": "log <log>\nlog <log>\nquorum none\n",
    "the log as its own witness": "log <log>\nwitness a <log>\nquorum a\n",
    "a witness as log": "log <1>\nquorum none\n",
    "a group without members": "log <log>\nwitness a <1>\ngroup g 1\nquorum g\n",
    "a group of nobody": "log <log>\ngroup g 1 a\nquorum g\n",
    "a group with itself": "log <log>\nwitness a <1>\ngroup g 1 g a\nquorum g\n",
    "a group with none": "log <log>\nwitness a <1>\ngroup g 1 none a\nquorum g\n",
    "a group named before": "log <log>\nwitness a <1>\ngroup a 1 a\nquorum a\n",
    "a member twice in one group": "log <log>\nwitness a <1>\ngroup g 2 a a\nquorum g\n",
    "a member in two groups": "log <log>\nwitness a <1>\nwitness b <2>\ngroup g 1 a b\ngroup h 2 a g\nquorum h\n",
    "none of one": "log <log>\nwitness a <1>\ngroup g 0 a\nquorum g\n",
    "two of one": "log <log>\nwitness a <1>\ngroup g 2 a\nquorum g\n",
    "minus one of one": "log <log>\nwitness a <1>\ngroup g -1 a\nquorum g\n",
    "a leading zero": "log <log>\nwitness a <1>\ngroup g 01 a\nquorum g\n",
    "Arabic digits": "log <log>\nwitness a <1>\ngroup g ١ a\nquorum g\n",
    "thousands of digits": f"log <log>\nwitness a <1>\ngroup g {'1' * 5000} a\nquorum g\n",
    "carriage returns": "log <log>\r\nquorum none\r\n",
    "a carriage return between lines": "log <log>\rquorum none\n",
    "a carriage return in a remark": "log <log>\n# quorum di bawah\rquorum none\n",
    "a form feed between words": "log\f<log>\nquorum none\n",
    "a vertical tab between lines": "log <log>\vquorum none\n",
    "a next-line between lines": "log <log>\u0085quorum none\n",
    "a line separator between lines": "log <log>\u2028quorum none\n",
    "a no-break space between words": "log\u00a0<log>\nquorum none\n",
    "a no-break space after a key": "log <log>\u00a0\nquorum none\n",
    "a delete sign": "log <log>\nquorum none\x7f\n",
    "a byte order mark": "\ufefflog <log>\nquorum none\n",
    "a null in a comment": "# \0\nlog <log>\nquorum none\n",
    "a key spelled otherwise": f"log {VKEY[:-1]}\nquorum none\n",
    "a key without a name": f"log {NoteKey('', Kind.LOG, LOG.public.material)}\nquorum none\n",
    "a key with a no-break space in its name": f"log {SPACED}\nquorum none\n",
    "another's key id": f"log {VKEY.replace('+', '+ff', 1)}\nquorum none\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_the_text_does_not_allow_is_refused(text):
    with pytest.raises(BadPolicy):
        read(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_like_its_text(text, tmp_path):
    """Nothing between the disk and the reader changes an end of line."""
    (tmp_path / "policy").write_bytes(named(text).encode())
    with pytest.raises(BadPolicy):
        Policy.of(tmp_path / "policy")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "policy").write_bytes(policy() + b"# \xff\n")
    with pytest.raises(BadPolicy):
        Policy.of(tmp_path / "policy")
    (tmp_path / "policy").write_bytes(policy())
    assert Policy.of(tmp_path / "policy") == Policy.read(policy().decode())


def test_the_line_that_is_wrong_is_named_and_nothing_of_it():
    with pytest.raises(BadPolicy, match=r"^line 3$"):
        read("log <log>\n# x\nwitness rahasia\nquorum none\n")


# Whom it makes believe


def test_two_of_three_are_enough_and_one_is_not():
    assert set(believed(policy(), "w1", "w2").cosigned) == {"w1", "w2"}
    assert set(believed(policy(), "w1", "w2", "w3").cosigned) == {"w1", "w2", "w3"}
    assert refused(policy(), "w1") == "no-quorum"
    assert refused(policy()) == "no-quorum"


def test_a_witness_that_cosigns_twice_counts_once():
    assert refused(policy(), "w1", "w1") == "no-quorum"
    note = Note.read(checkpoint(9, SMALL, ("w1",)))
    again = note.with_lines(WITNESSES["w1"].sign(note.text, 99), WITNESSES["w1"].sign(note.text, 100))
    with pytest.raises(NotBelieved, match="no-quorum"):
        Policy.read(policy().decode()).believe(again)


@pytest.mark.parametrize("kind", [Kind.ED25519_COSIGNATURE, Kind.ML_DSA_COSIGNATURE])
def test_an_unknown_key_under_a_known_name_frequencys_for_nothing(kind):
    stranger = signer("w2.contoh.id", kind, "orang lain")
    note = Note.read(checkpoint(9, SMALL, ("w1",)))
    with pytest.raises(NotBelieved, match="no-quorum"):
        Policy.read(policy().decode()).believe(note.with_lines(stranger.sign(note.text, 9)))


def test_a_known_key_under_an_unknown_name_frequencys_for_nothing():
    renamed = signer("w9.contoh.id", Kind.ED25519_COSIGNATURE, "w3.contoh.id")
    note = Note.read(checkpoint(9, SMALL, ("w1",)))
    with pytest.raises(NotBelieved, match="no-quorum"):
        Policy.read(policy().decode()).believe(note.with_lines(renamed.sign(note.text, 9)))


def test_one_false_cosignature_condemns_the_note():
    """Even if the others would be enough."""
    note = Note.read(checkpoint(9, SMALL, ("w1", "w3")))
    other = WITNESSES["w2"].sign(world.Checkpoint(world.ORIGIN, 8, SMALL).text, 9)
    with pytest.raises(NotBelieved, match="bad-signature"):
        Policy.read(policy().decode()).believe(note.with_lines(other))


def test_witnesses_do_not_make_up_for_the_log():
    note = Note.read(checkpoint(9, SMALL, ("w1", "w2", "w3")))
    without = Note(note.text, note.signatures[1:])
    with pytest.raises(NotBelieved, match="bad-signature"):
        Policy.read(policy().decode()).believe(without)
    other = policy(log=signer("jejak.lain.id")).decode()
    assert refused(other, "w1", "w2", "w3") == "unknown-log"


def test_the_log_may_sign_with_either_of_two_keys():
    """That is how keys change: by signing with both for a while."""
    new = signer(world.ORIGIN, secret="kunci baru")
    both = policy().replace(b"# kebijakan\n", f"log {new.public}\n".encode()).decode()
    assert believed(both, "w1", "w2")
    by_new = Note.read(checkpoint(9, SMALL, ("w1", "w2"), log=new))
    assert Policy.read(both).believe(by_new)
    with pytest.raises(NotBelieved, match="bad-signature"):
        Policy.read(policy().decode()).believe(by_new)


def test_the_log_may_sign_as_a_cosigner_by_ml_dsa():
    quantum = signer(world.ORIGIN, Kind.ML_DSA_COSIGNATURE)
    text = policy(log=quantum).decode()
    note = Note.read(checkpoint(9, SMALL, ("w1", "w2")))
    with pytest.raises(NotBelieved, match="bad-signature"):
        Policy.read(text).believe(note)
    assert Policy.read(text).believe(note.with_lines(quantum.sign(note.text, 5)))


def test_what_is_signed_but_is_no_checkpoint_is_not_believed():
    text = f"{world.ORIGIN}\n9\nbukan akar\n"
    with pytest.raises(NotBelieved, match="not-a-checkpoint"):
        Policy.read(policy().decode()).believe(Note(text, (LOG.sign(text),)))


# Quorums of any shape, against a naive reading


@st.composite
def forests(draw):
    """Witnesses and groups of groups; each name at most once a member."""
    free = [*WITNESSES, *MORE]
    groups = {}
    for number in range(draw(st.integers(1, 4))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, max_size=4, unique=True))
        free = [name for name in free if name not in members] + [f"g{number}"]
        groups[f"g{number}"] = (draw(st.sampled_from(["any", "all", *map(str, range(1, len(members) + 1))])), members)
    return groups, draw(st.sampled_from([*WITNESSES, *MORE, *groups, "none"]))


def naive(name, groups, present):
    if name not in groups:
        return name == "none" or name in present
    word, members = groups[name]
    met = [naive(one, groups, present) for one in members]
    return {"any": any(met), "all": all(met)}.get(word, sum(met) >= int(word) if word.isdigit() else None)


def text_of(groups, quorum):
    lines = [f"log {VKEY}", *(f"witness {name} {one.public}" for name, one in {**WITNESSES, **MORE}.items())]
    lines += [f"group {name} {word} {' '.join(members)}" for name, (word, members) in groups.items()]
    return "\n".join([*lines, f"quorum {quorum}"])


@settings(deadline=None)
@given(forests(), st.data())
def test_a_quorum_is_met_exactly_when_a_naive_reading_says_so(forest, data):
    groups, quorum = forest
    times = data.draw(st.dictionaries(st.sampled_from([*WITNESSES, *MORE]), st.integers(1, 5), max_size=6))
    rule = Policy.read(text_of(groups, quorum))
    note = Note.read(checkpoint(9, SMALL, ()))
    note = note.with_lines(*({**WITNESSES, **MORE}[name].sign(note.text, at) for name, at in times.items()))
    try:
        found = rule.believe(note)
    except NotBelieved as no:
        assert (no.code, naive(quorum, groups, set(times))) == ("no-quorum", False)
        return
    assert naive(quorum, groups, set(times))
    assert dict(found.cosigned) == times
    later = [at for at in times.values() if naive(quorum, groups, {one for one, when in times.items() if when >= at})]
    assert rule.seen_at(found.cosigned) == max(later, default=0)


def test_the_forests_reach_both_answers():
    """A generator that met no quorum, or every one, would prove nothing."""
    answers = set()

    @settings(deadline=None, database=None, derandomize=True)
    @given(forests(), st.sets(st.sampled_from([*WITNESSES, *MORE])))
    def look(forest, present):
        groups, quorum = forest
        answers.add((naive(quorum, groups, present), quorum in groups))

    look()
    assert answers >= {(True, True), (False, True), (False, False)}


def test_a_checkpoint_counts_from_when_a_quorum_had_seen_it():
    """Two of three: the second latest; a witness with a clock far ahead does not make it younger."""
    rule = Policy.read(policy().decode())
    assert rule.seen_at({"w1": 10, "w2": 30, "w3": 20}) == 20
    assert rule.seen_at({"w1": 10, "w2": 2**62}) == 10
    assert rule.seen_at({}) == 0


# Proofs


TRAIL = Trail.of(drawn(300), batch=1)  # so that every size can be proven
RULE = Policy.read(policy().decode())


def shows(proof, entry):
    try:
        return LogProof.read(proof).shows(entry, RULE)
    except NotBelieved as no:
        return no.code


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_proof_shows_its_entry_and_no_other(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = TRAIL.proof(index, size)
    assert bytes(LogProof.read(proof)) == proof
    assert shows(proof, drawn(300)[index]).checkpoint.size == size
    other = data.draw(st.integers(0, 299).filter(lambda one: one != index))
    assert shows(proof, drawn(300)[other]) == "not-in-the-log"
    moved = proof.replace(b"index %d\n" % index, b"index %d\n" % other)
    assert shows(moved, drawn(300)[index]) == "not-in-the-log"


PROOF = TRAIL.proof(123)
ENTRY = drawn(300)[123]
LINES = PROOF.decode().split("\n")
NOT_A_PROOF = {
    "empty": "",
    "another version": PROOF.decode().replace("@v1", "@v2"),
    "another address": PROOF.decode().replace("c2sp.org", "c2sp-org"),
    "no header": "\n".join(LINES[1:]),
    "no index": "\n".join([LINES[0], *LINES[2:]]),
    "a leading zero": PROOF.decode().replace("index 123", "index 0123"),
    "a negative index": PROOF.decode().replace("index 123", "index -123"),
    "a sign": PROOF.decode().replace("index 123", "index +123"),
    "an underscore": PROOF.decode().replace("index 123", "index 1_23"),
    "two spaces": PROOF.decode().replace("index 123", "index  123"),
    "Arabic digits": PROOF.decode().replace("index 123", "index ١٢٣"),
    "thousands of digits": PROOF.decode().replace("index 123", f"index {'9' * 5000}"),
    "the index in hexadecimal": PROOF.decode().replace("index 123", "index 0x7b"),
    "carriage returns": PROOF.decode().replace("\n", "\r\n"),
    "a short step": PROOF.decode().replace(LINES[2], LINES[2][:40]),
    "a step spelled otherwise": PROOF.decode().replace(LINES[2], LINES[2][:-2] + "B="),
    "a step that is not base64": PROOF.decode().replace(LINES[2], "-" * 44),
    "a space after a step": PROOF.decode().replace(LINES[2], LINES[2] + " "),
    "an extra line in the wrong place": PROOF.decode().replace("index 123", "index 123\nextra YQ=="),
    "two extra lines": PROOF.decode().replace("index 123", "extra YQ==\nextra YQ==\nindex 123"),
    "sixty-four steps": PROOF.decode().replace(LINES[2], "\n".join([LINES[2]] * (65 - LINES.index("", 2) + 2))),
    "no checkpoint": PROOF.decode().partition("\n\n")[0] + "\n\n",
    "no blank line": PROOF.decode().replace("\n\n", "\n", 1),
}


@pytest.mark.parametrize("text", NOT_A_PROOF.values(), ids=NOT_A_PROOF)
def test_what_is_not_quite_a_proof_is_none(text):
    assert shows(text.encode(), ENTRY) == "not-a-proof"


def test_sixty_three_steps_are_still_a_proof_that_leads_nowhere():
    path = LINES[2 : LINES.index("", 2)]
    text = PROOF.decode().replace("\n".join(path), "\n".join(path[:1] * 63))
    assert shows(text.encode(), ENTRY) == "not-in-the-log"


def test_what_is_not_utf_8_is_no_proof():
    assert shows(PROOF.replace(b"index", b"\xff"), ENTRY) == "not-a-proof"


def test_extra_data_is_let_through_and_not_looked_at():
    with_extra = PROOF.decode().replace("index 123", "extra YWJj\nindex 123").encode()
    assert shows(with_extra, ENTRY).checkpoint.size == 300


@pytest.mark.parametrize("change", ["left out", "doubled", "exchanged", "added"])
def test_a_path_that_is_bent_leads_nowhere(change):
    path = LINES[2 : LINES.index("", 2)]
    bent = {
        "left out": path[1:],
        "doubled": [path[0], *path],
        "exchanged": [path[1], path[0], *path[2:]],
        "added": [*path, path[0]],
    }[change]
    text = PROOF.decode().replace("\n".join(path), "\n".join(bent))
    assert shows(text.encode(), ENTRY) == "not-in-the-log"


def test_a_proof_needs_the_quorum_too():
    assert shows(TRAIL.proof(123, by=("w1",)), ENTRY) == "no-quorum"
    assert shows(TRAIL.proof(123, by=()), ENTRY) == "no-quorum"
