"""The head of an age file tells to how many it is sealed, whatever grease stands between."""

import pyrage
import pytest

from bagipakai.core import age

ONE, TWO = (pyrage.x25519.Identity.generate().to_public() for _ in range(2))


def test_one_recipient_is_one_whatever_is_added_between():
    """rage draws the length of its grease, so many are drawn here."""
    sealed = [pyrage.encrypt(b"x", [ONE]) for _ in range(300)]
    assert any(b"-grease" in one for one in sealed)
    assert {age.recipients(one) for one in sealed} == {age.ONE}


def test_every_recipient_is_counted_and_its_kind_told():
    assert age.recipients(pyrage.encrypt(b"x", [ONE, TWO])) == ("X25519", "X25519")
    assert age.recipients(pyrage.passphrase.encrypt(b"x", "sandi")) == ("scrypt",)


@pytest.mark.parametrize("cut", [0, 1, 20, 40, 100])
def test_what_has_no_whole_head_is_no_age_file(cut):
    assert age.recipients(pyrage.encrypt(b"x", [ONE])[:cut]) is None
    assert age.recipients(b" " + pyrage.encrypt(b"x", [ONE])) is None


def test_a_head_without_end_is_not_read_to_its_end():
    line, mac = b"-> X25519 a\n\n", b"--- " + b"A" * 43 + b"\n"
    assert age.recipients(b"age-encryption.org/v1\n" + line * 3 + mac) == ("X25519",) * 3
    assert age.recipients(b"age-encryption.org/v1\n" + line * 10_000 + mac) is None
