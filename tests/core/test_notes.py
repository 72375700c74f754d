"""A note says whose text it is; a checkpoint in it is one spelling of one state of one log; a false line condemns it.

The texts: the examples printed in C2SP signed-note, tlog-checkpoint and tlog-cosignature, and the key and note with
which implementations of signed notes show that they agree.
"""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.notes import (
    LONGEST,
    MOST_SIGNATURES,
    BadNote,
    Checkpoint,
    Kind,
    Note,
    NoteKey,
    NoteSigner,
    read_signatures,
)

POEM = """\
Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore \
NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
SOFA = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 \
jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
KNOWN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KNOWN_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
KNOWN_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
KNOWN_NOTE = (
    f"{KNOWN_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

LOG = NoteSigner("jejak.contoh.id", Kind.LOG, hashlib.sha256(b"jejak").digest())
WITNESS = NoteSigner("saksi.contoh.id/1", Kind.ED25519_COSIGNATURE, hashlib.sha256(b"saksi 1").digest())
QUANTUM = NoteSigner("saksi.contoh.id/2", Kind.ML_DSA_COSIGNATURE, hashlib.sha256(b"saksi 2").digest())
STATE = Checkpoint("jejak.contoh.id", 7, hashlib.sha256(b"akar").digest())
NOTE = Note(STATE.text, (LOG.sign(STATE.text), WITNESS.sign(STATE.text, 99), QUANTUM.sign(STATE.text, 98)))

NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), blacklist_characters="+"), min_size=1
)
KINDS = st.sampled_from(list(Kind))


# The printed examples


def test_the_poem_is_a_note_with_an_empty_line_in_its_text():
    note = Note.read(POEM.encode())
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [one.name for one in note.signatures] == ["quasimodo.example/salvatore"]
    assert bytes(note) == POEM.encode()


def test_the_printed_checkpoint_is_read_as_it_is_explained():
    note = Note.read(SOFA.encode())
    checkpoint = Checkpoint.read(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert note.signatures[1].time == 1679315147
    assert checkpoint.text == note.text


def test_the_known_key_signs_the_known_note_byte_for_byte():
    signer = NoteSigner.read(KNOWN_SECRET)
    assert str(signer.public) == KNOWN_KEY
    assert bytes(Note(KNOWN_TEXT, (signer.sign(KNOWN_TEXT),))) == KNOWN_NOTE.encode()
    assert signer.secret() == KNOWN_SECRET


def test_the_known_note_verifies_under_the_known_key_only_as_it_stands():
    key = NoteKey.read(KNOWN_KEY)
    assert key.signed(Note.read(KNOWN_NOTE.encode()))
    with pytest.raises(BadNote):
        key.signed(Note.read(KNOWN_NOTE.replace("problem is", "problem was").encode()))


# What is signed


@pytest.mark.parametrize("signer", [LOG, WITNESS, QUANTUM], ids=["log", "ed25519", "ml-dsa"])
def test_each_kind_of_key_knows_its_own_signature(signer):
    assert signer.public.signed(NOTE) in NOTE.signatures
    others = [one.public for one in (LOG, WITNESS, QUANTUM) if one is not signer]
    mine = signer.public.signed(NOTE)
    assert signer.public.verifies(mine, NOTE.text)
    assert not any(key.verifies(mine, NOTE.text) for key in others)


@pytest.mark.parametrize("signer", [WITNESS, QUANTUM], ids=["ed25519", "ml-dsa"])
def test_a_cosignature_covers_its_time(signer):
    mine = signer.public.signed(NOTE)
    later = type(mine)(mine.name, mine.key_id, (mine.time + 1).to_bytes(8) + mine.value[8:])
    assert not signer.public.verifies(later, NOTE.text)


@pytest.mark.parametrize("signer", [WITNESS, QUANTUM], ids=["ed25519", "ml-dsa"])
def test_a_time_beyond_the_text_s_limit_is_refused(signer):
    assert not signer.public.verifies(signer.sign(STATE.text, 2**63), STATE.text)
    assert signer.public.verifies(signer.sign(STATE.text, 2**63 - 1), STATE.text)


def test_ml_dsa_covers_the_cosigner_s_name():
    """The same key under another name gives another signature; Ed25519 cosignatures do not have that."""
    renamed = NoteKey("saksi.contoh.id/3", QUANTUM.public.kind, QUANTUM.public.material)
    assert not renamed.verifies(QUANTUM.sign(STATE.text, 1), STATE.text)


def test_ml_dsa_signs_nothing_but_checkpoints():
    with pytest.raises(BadNote):
        QUANTUM.sign("sebuah surat\n")
    long = Checkpoint("x" * 256, 7, STATE.root)
    with pytest.raises(BadNote):
        QUANTUM.sign(long.text)


def test_a_key_that_signed_twice_is_taken_at_its_latest():
    lines = [WITNESS.sign(STATE.text, time) for time in (5, 9, 7)]
    assert WITNESS.public.signed(Note(STATE.text, tuple(lines))).time == 9


@settings(deadline=None)
@given(st.data())
def test_a_note_with_any_bit_flipped_is_refused_or_says_the_same(data):
    """A flipped bit either breaks the note, or makes a signature false, or hides a line behind an unknown key."""
    whole = bytearray(bytes(NOTE))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        note = Note.read(bytes(whole))
        checked = [signer.public.signed(note) for signer in (LOG, WITNESS, QUANTUM)]
    except BadNote:
        return
    assert note.text == NOTE.text
    assert None in checked


def test_a_line_by_an_unknown_key_changes_nothing():
    stranger = NoteSigner("orang.lain", Kind.LOG, bytes(32)).sign("lain\n")
    same_name = type(stranger)(LOG.public.name, b"abcd", stranger.value)
    same_id = type(stranger)("orang.lain", LOG.public.id, stranger.value)
    assert LOG.public.signed(NOTE.with_lines(stranger, same_name, same_id)) == LOG.public.signed(NOTE)


def test_one_false_line_condemns_the_note():
    false = LOG.sign("lain\n")
    with pytest.raises(BadNote):
        LOG.public.signed(NOTE.with_lines(false))
    assert LOG.public.signed(NOTE.with_lines(LOG.public.signed(NOTE))) is not None


# One spelling


MALFORMED = {
    "empty": "",
    "no signature": "a\n1\n",
    "no blank line": "a\n— a YWJjZGVmZ2g=\n",
    "nothing after the blank line": "a\n\n",
    "a line that does not end": "a\n\n— a YWJjZGVmZ2g=",
    "two blank lines": "a\n\n— a YWJjZGVmZ2g=\n\n",
    "a hyphen for the dash": "a\n\n- a YWJjZGVmZ2g=\n",
    "an en dash": "a\n\n– a YWJjZGVmZ2g=\n",
    "no space after the dash": "a\n\n—a YWJjZGVmZ2g=\n",
    "two spaces": "a\n\n—  a YWJjZGVmZ2g=\n",
    "two spaces before the signature": "a\n\n— a  YWJjZGVmZ2g=\n",
    "a space at the end": "a\n\n— a YWJjZGVmZ2g= \n",
    "a space before the dash": "a\n\n — a YWJjZGVmZ2g=\n",
    "no name": "a\n\n— YWJjZGVmZ2g=\n",
    "a plus in the name": "a\n\n— a+b YWJjZGVmZ2g=\n",
    "a no-break space in the name": "a\n\n— a\u00a0b YWJjZGVmZ2g=\n",
    "an ideographic space in the name": "a\n\n— a\u3000b YWJjZGVmZ2g=\n",
    "a line separator in the name": "a\n\n— a\u2028b YWJjZGVmZ2g=\n",
    "a next-line in the name": "a\n\n— a\u0085b YWJjZGVmZ2g=\n",
    "a tab for a space": "a\n\n—\ta YWJjZGVmZ2g=\n",
    "carriage returns": "a\r\n\r\n— a YWJjZGVmZ2g=\r\n",
    "a carriage return in the text": "a\rb\n\n— a YWJjZGVmZ2g=\n",
    "a null in the text": "a\0b\n\n— a YWJjZGVmZ2g=\n",
    "a form feed in the text": "a\fb\n\n— a YWJjZGVmZ2g=\n",
    "only a key id": "a\n\n— a YWJjZA==\n",
    "less than a key id": "a\n\n— a YWI=\n",
    "no padding": "a\n\n— a YWJjZGVmZ2g\n",
    "padding twice": "a\n\n— a YWJjZGVmZ2g==\n",
    "bits beyond the end": "a\n\n— a YWJjZGVmZ2h=\n",
    "the other alphabet": "a\n\n— a YWJj_GVm-2g=\n",
    "a line break in base64": "a\n\n— a YWJj\nZGVmZ2g=\n",
    "words after the signature": "a\n\n— a YWJjZGVmZ2g= lagi\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_quite_a_note_is_none(text):
    with pytest.raises(BadNote):
        Note.read(text.encode())


def test_what_is_not_utf_8_is_no_note():
    for broken in (
        b"a\xff\n\n\xe2\x80\x94 a YWJjZGVmZ2g=\n",
        "a\n\n— \ud800 YWJjZGVmZ2g=\n".encode("utf-8", "surrogatepass"),
    ):
        with pytest.raises(BadNote):
            Note.read(broken)


def test_a_note_has_an_end():
    lines = "".join(f"— a{number} YWJjZGVmZ2g=\n" for number in range(MOST_SIGNATURES))
    assert len(Note.read(f"a\n\n{lines}".encode()).signatures) == MOST_SIGNATURES >= 16
    with pytest.raises(BadNote, match="too many"):
        Note.read(f"a\n\n{lines}— z YWJjZGVmZ2g=\n".encode())
    with pytest.raises(BadNote, match="too long"):
        Note.read(b"x" * LONGEST + b"\n\n" + lines.encode())


NO_CHECKPOINT = {
    "two lines": "a\n7\n",
    "an extension line": f"a\n7\n{base64.b64encode(bytes(32)).decode()}\nlagi\n",
    "no end": f"a\n7\n{base64.b64encode(bytes(32)).decode()}",
    "no origin": f"\n7\n{base64.b64encode(bytes(32)).decode()}\n",
    "a leading zero": f"a\n07\n{base64.b64encode(bytes(32)).decode()}\n",
    "a sign": f"a\n+7\n{base64.b64encode(bytes(32)).decode()}\n",
    "a negative size": f"a\n-7\n{base64.b64encode(bytes(32)).decode()}\n",
    "a space": f"a\n7 \n{base64.b64encode(bytes(32)).decode()}\n",
    "Arabic digits": f"a\n٧\n{base64.b64encode(bytes(32)).decode()}\n",
    "full-width digits": f"a\n７\n{base64.b64encode(bytes(32)).decode()}\n",
    "an underscore": f"a\n1_0\n{base64.b64encode(bytes(32)).decode()}\n",
    "more than 64 bits": f"a\n{2**64}\n{base64.b64encode(bytes(32)).decode()}\n",
    "thousands of digits": f"a\n{'9' * 5000}\n{base64.b64encode(bytes(32)).decode()}\n",
    "a short root": f"a\n7\n{base64.b64encode(bytes(31)).decode()}\n",
    "a long root": f"a\n7\n{base64.b64encode(bytes(33)).decode()}\n",
    "a root spelled otherwise": f"a\n7\n{base64.b64encode(bytes(32)).decode()[:-2]}B=\n",
}


@pytest.mark.parametrize("text", NO_CHECKPOINT.values(), ids=NO_CHECKPOINT)
def test_what_is_not_quite_a_checkpoint_is_none(text):
    with pytest.raises(BadNote):
        Checkpoint.read(text)


@given(
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1),
    st.integers(0, 10**18 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_a_checkpoint_is_read_as_it_was_written(origin, size, root):
    checkpoint = Checkpoint(origin, size, root)
    assert Checkpoint.read(checkpoint.text) == checkpoint


@given(st.text(st.sampled_from("a1+/=—\n \t\r\u0085\u2028é"), max_size=60))
def test_whatever_is_read_as_a_note_is_written_the_same_way(text):
    try:
        note = Note.read(text.encode())
    except BadNote:
        return
    assert bytes(note) == text.encode()


def test_the_generator_above_reaches_notes():
    """Its alphabet can spell one."""
    text = "a\n\n— a " + base64.b64encode(b"\xd7\xae\xb5" * 4).decode() + "\n"
    assert bytes(Note.read(text.encode())) == text.encode()


@given(st.lists(st.tuples(NAMES, st.binary(min_size=5, max_size=40)), min_size=1, max_size=5))
def test_signature_lines_are_read_as_they_were_written(lines):
    text = "".join(f"— {name} {base64.b64encode(value).decode()}\n" for name, value in lines)
    assert [(one.name, one.key_id + one.value) for one in read_signatures(text)] == lines
    assert "".join(one.line for one in read_signatures(text)) == text


# Keys


@settings(deadline=None)
@given(NAMES, KINDS, st.binary(min_size=32, max_size=32))
def test_a_key_is_read_as_it_was_written(name, kind, seed):
    signer = NoteSigner(name, kind, seed)
    assert NoteKey.read(str(signer.public)) == signer.public
    assert NoteKey.read(f"{signer.public}\n") == signer.public
    again = NoteSigner.read(signer.secret())
    assert again.public == signer.public
    assert again.secret() == signer.secret()


@pytest.mark.parametrize(("known", "read"), [(KNOWN_KEY, NoteKey.read), (KNOWN_SECRET, NoteSigner.read)])
def test_no_part_of_a_key_and_no_mangled_key_is_a_key(known, read):
    pieces = {known[start:end] for start in range(len(known)) for end in range(start + 1, len(known) + 1)} - {known}
    mangled = {known[:at] + chr(ord(known[at]) + 1) + known[at + 1 :] for at in range(len(known))}
    strange = {f" {known}", f"{known} ", f"{known}\n\n", f"{known}\r\n", f"{known}\t", f"{known}\u0085", known.lower()}
    for text in pieces | mangled | strange | {"", "+", "++", "a++", known.replace("+c7", "+C7")}:
        with pytest.raises(BadNote):
            read(text)


def test_a_key_of_unknown_kind_or_wrong_length_is_none():
    for packed in (b"\x02" + bytes(32), b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x06" + bytes(32), b"\x04", b""):
        key_id = hashlib.sha256(b"a\n" + packed).digest()[:4].hex()
        with pytest.raises(BadNote):
            NoteKey.read(f"a+{key_id}+{base64.b64encode(packed).decode()}")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\tb", "a\nb", "a\x01b", "a\u2028b"])
def test_a_name_that_no_note_can_carry_is_no_name(name):
    with pytest.raises(BadNote):
        NoteSigner(name, Kind.LOG, bytes(32))
    packed = b"\x01" + bytes(32)
    key_id = hashlib.sha256(name.encode() + b"\n" + packed).digest()[:4].hex()
    with pytest.raises(BadNote):
        NoteKey.read(f"{name}+{key_id}+{base64.b64encode(packed).decode()}")


def test_a_seed_has_thirty_two_bytes():
    for length in (0, 31, 33):
        with pytest.raises(BadNote):
            NoteSigner("a", Kind.LOG, bytes(length))


def test_a_signer_never_shows_its_secret():
    assert repr(LOG) == f"<NoteSigner jejak.contoh.id {LOG.public.id.hex()}>"
