"""A witness cosigns what continues what it has seen, and says in the protocol's numbers why it does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verifier.world import LOG, Kind, signer
from tests.witness.asking import FORK, SIGNER, TRUE, cosignature, note, submission

from bagipakai.core import tlog
from bagipakai.core.notes import Checkpoint, Note
from bagipakai.witness.cosigning import Answer, Witness, digest_of
from bagipakai.witness.memory import Memory

NOW = 1_782_864_000


@pytest.fixture
def witness(tmp_path):
    return Witness(SIGNER, [LOG.public], Memory(tmp_path / "seen.sqlite"), lambda: NOW + 0.9)


def ask(witness, *args, **changes):
    return witness.add_checkpoint(submission(*args, **changes))


def test_a_first_checkpoint_and_each_continuation_is_cosigned(witness):
    for old, new in ((0, 1), (1, 5), (5, 300), (300, 300), (300, 600)):
        answer = ask(witness, TRUE, old, new)
        assert answer.status == 200
        assert cosignature(answer.body, note(TRUE, new).text) == NOW


def test_an_empty_log_can_be_witnessed(witness):
    assert ask(witness, TRUE, 0, 0).status == 200
    assert ask(witness, TRUE, 0, 7).status == 200


def test_an_empty_log_has_one_root(witness):
    text = Checkpoint(LOG.public.name, 0, bytes(32)).text
    assert ask(witness, TRUE, 0, 0, signed=Note(text, (LOG.sign(text),))).status == 422


def test_404_a_log_that_this_witness_does_not_know(witness):
    assert ask(witness, TRUE, 0, 9, by=signer("jejak.lain.id")) == Answer(404)


def test_403_not_signed_by_the_log(witness):
    text = note(TRUE, 9).text
    thief = signer(LOG.public.name, secret="pencuri")
    stranger = signer("orang.lain")
    for signed in (Note(text, (thief.sign(text),)), Note(text, (stranger.sign(text),))):
        assert ask(witness, TRUE, 0, 9, signed=signed) == Answer(403)
    false = Note(text, (type(LOG.sign(text))(LOG.public.name, LOG.public.id, bytes(64)),))
    assert ask(witness, TRUE, 0, 9, signed=false) == Answer(403)


def test_403_the_witness_s_own_signature_is_not_the_log_s(witness):
    text = note(TRUE, 9).text
    assert ask(witness, TRUE, 0, 9, signed=Note(text, (SIGNER.sign(text, 5),))) == Answer(403)


def test_400_an_old_size_beyond_the_new_one(witness):
    assert ask(witness, TRUE, 10, 9) == Answer(400)


def test_409_another_size_was_seen_last_and_the_answer_says_which(witness):
    assert ask(witness, TRUE, 5, 9) == Answer(409, "0\n")
    assert ask(witness, TRUE, 0, 9).status == 200
    for old in (0, 5, 8, 10):
        assert ask(witness, TRUE, old, 20) == Answer(409, "9\n")


def test_409_comes_before_the_proof_is_looked_at(witness):
    """A log that has lost count asks with 0 to learn the size."""
    assert ask(witness, TRUE, 0, 9).status == 200
    assert ask(witness, TRUE, 0, 20, proof=[b"x" * 32]) == Answer(409, "9\n")


def test_422_not_a_continuation_of_what_was_seen(witness):
    assert ask(witness, TRUE, 0, 300).status == 200
    proof = TRUE.log(600).consistency(300)
    for bad in ([], proof[:-1], [*proof, proof[0]], proof[::-1], [proof[0][::-1], *proof[1:]]):
        assert ask(witness, TRUE, 300, 600, proof=bad) == Answer(422)
    assert ask(witness, TRUE, 300, 600).status == 200


def test_422_a_forked_log_under_the_true_key(witness):
    """The same log but for one early entry, re-signed by the log itself: its own proof does not start at our root."""
    assert ask(witness, TRUE, 0, 300).status == 200
    assert ask(witness, FORK, 300, 600) == Answer(422)
    assert ask(witness, FORK, 300, 300) == Answer(422)


def test_422_two_roots_for_one_size(witness):
    assert ask(witness, TRUE, 0, 300).status == 200
    assert ask(witness, FORK, 300, 300) == Answer(422)
    assert ask(witness, TRUE, 300, 300).status == 200


def test_422_a_proof_where_none_belongs(witness):
    assert ask(witness, TRUE, 0, 9, proof=[b"x" * 32]) == Answer(422)
    assert ask(witness, TRUE, 0, 9).status == 200
    assert ask(witness, TRUE, 9, 9, proof=[b"x" * 32]) == Answer(422)


def test_a_log_that_was_rolled_back_is_refused(witness):
    """Yesterday's backup: it wants to go on from where it was, and this witness has seen more."""
    assert ask(witness, TRUE, 0, 600).status == 200
    assert ask(witness, TRUE, 300, 301) == Answer(409, "600\n")
    assert ask(witness, TRUE, 600, 301) == Answer(400)
    assert ask(witness, FORK, 600, 600) == Answer(422)


def test_what_was_refused_changes_nothing(witness):
    assert ask(witness, TRUE, 0, 300).status == 200
    before = witness.last(digest_of(LOG.public.name))
    for refused in (
        submission(FORK, 300, 600),
        submission(TRUE, 5, 600),
        submission(TRUE, 300, 600, proof=[]),
        submission(TRUE, 300, 600, by=signer("jejak.lain.id")),
        submission(TRUE, 300, 600, signed=note(TRUE, 600, signer(LOG.public.name, secret="pencuri"))),
        b"old 300\n",
    ):
        assert witness.add_checkpoint(refused).status in (400, 403, 404, 409, 422)
        assert witness.last(digest_of(LOG.public.name)) == before


MALFORMED = {
    "nothing": b"",
    "no checkpoint": b"old 0\n\n",
    "no blank line": submission(TRUE, 0, 9).replace(b"old 0\n\n", b"old 0\n"),
    "no old size": submission(TRUE, 0, 9).replace(b"old 0\n", b""),
    "a leading zero": submission(TRUE, 0, 9).replace(b"old 0", b"old 00"),
    "a negative size": submission(TRUE, 0, 9).replace(b"old 0", b"old -0"),
    "a huge size": submission(TRUE, 0, 9).replace(b"old 0", b"old " + b"9" * 5000),
    "another word": submission(TRUE, 0, 9).replace(b"old 0", b"from 0"),
    "carriage returns": submission(TRUE, 0, 9).replace(b"\n", b"\r\n"),
    "a step that is no hash": submission(TRUE, 0, 9, proof=[b"x" * 31]),
    "a step spelled otherwise": submission(TRUE, 0, 9, proof=[bytes(32)]).replace(b"A=\n\n", b"B=\n\n"),
    "sixty-four steps": submission(TRUE, 0, 9, proof=[bytes(32)] * 64),
    "an extension line": submission(
        TRUE, 0, 9, signed=Note("jejak.contoh.id\n9\nAA==\nlagi\n", note(TRUE, 9).signatures)
    ),
    "a note without signatures": b"old 0\n\n" + note(TRUE, 9).text.encode() + b"\n",
    "not UTF-8": submission(TRUE, 0, 9) + b"\xff",
    "too many signatures": submission(TRUE, 0, 9) + b"\xe2\x80\x94 a YWJjZGVmZ2g=\n" * 40,
    "more than a note may have": submission(TRUE, 0, 9) + b"\xe2\x80\x94 a " + b"YWJj" * 90_000 + b"\n",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_400_not_a_submission(witness, body):
    assert witness.add_checkpoint(body) == Answer(400)


def test_sixty_three_steps_are_still_looked_at(witness):
    assert ask(witness, TRUE, 0, 9, proof=[bytes(32)] * 63) == Answer(422)


def test_the_log_may_sign_with_several_keys_and_others_may_have_signed_too(witness, tmp_path):
    text = note(TRUE, 9).text
    many = note(TRUE, 9).with_lines(
        signer("orang.lain").sign(text), signer("w1", Kind.ED25519_COSIGNATURE).sign(text, 5)
    )
    assert ask(witness, TRUE, 0, 9, signed=many).status == 200
    new = signer(LOG.public.name, secret="kunci baru")
    both = Witness(SIGNER, [LOG.public, new.public], Memory(tmp_path / "dua.sqlite"), lambda: NOW)
    assert ask(both, TRUE, 0, 9).status == 200
    assert ask(both, TRUE, 9, 20, by=new).status == 200


def test_the_log_may_sign_by_ml_dsa(tmp_path):
    quantum = signer(LOG.public.name, Kind.ML_DSA_COSIGNATURE)
    witness = Witness(SIGNER, [quantum.public], Memory(tmp_path / "seen.sqlite"), lambda: NOW)
    text = note(TRUE, 9).text
    assert ask(witness, TRUE, 0, 9) == Answer(403)
    assert ask(witness, TRUE, 0, 9, signed=Note(text, (quantum.sign(text, 3),))).status == 200


def test_logs_do_not_meet_in_one_memory(tmp_path):
    other = signer("jejak.lain.id")
    witness = Witness(SIGNER, [LOG.public, other.public], Memory(tmp_path / "seen.sqlite"), lambda: NOW)
    assert ask(witness, TRUE, 0, 300).status == 200
    assert ask(witness, FORK, 0, 40, by=other).status == 200
    assert ask(witness, TRUE, 300, 600).status == 200
    assert ask(witness, FORK, 40, 41, by=other).status == 200


def test_what_was_seen_last_is_shown_with_both_signatures(witness):
    assert witness.last(digest_of(LOG.public.name)) == Answer(404)
    ask(witness, TRUE, 0, 300)
    answer = witness.last(digest_of(LOG.public.name))
    shown = Note.read(answer.body.encode())
    assert (answer.status, Checkpoint.read(shown.text).size) == (200, 300)
    assert LOG.public.signed(shown)
    assert SIGNER.public.signed(shown)
    for digest in ("", "x", digest_of("jejak.lain.id"), digest_of(LOG.public.name).upper()):
        assert witness.last(digest) == Answer(404)


# Over any history of honest and dishonest submissions, a witness has cosigned one history only.


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([TRUE, TRUE, FORK]), st.integers(0, 60), st.integers(0, 60), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_whatever_is_asked_the_cosigned_checkpoints_are_one_growing_log(tmp_path_factory, asked):
    """`follows`: the sender takes up from where the witness is, as an honest log does after a 409."""
    witness = Witness(SIGNER, [LOG.public], Memory(tmp_path_factory.mktemp("saksi") / "seen.sqlite"), lambda: NOW)
    size, root = 0, tlog.EMPTY
    for trail, stated, new, follows in asked:
        old = size if follows else stated
        answer = ask(witness, trail, old, new)
        if answer.status == 200:
            assert new >= size
            there = trail.log(new)
            assert tlog.is_consistent(size, root, new, there.root(), there.consistency(size))
            size, root = new, there.root()
        elif answer.status == 409:
            assert answer.body == f"{size}\n"
        elif answer.status == 422:
            assert size
            assert trail.log(size).root() != root
        else:
            assert (answer.status, old > new) == (400, True)
