"""What a recipient signs says one thing, in one spelling, and holds every check that is needed."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bagipakai.core.acknowledgement import KIND, LIMIT, NEEDED, Acknowledgement, Check
from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal
from bagipakai.core.exchange import RECEIPT_KIND

OURS, OTHERS = Signer.new(), Signer.new()
SAID = Acknowledgement(
    "paket-1", "b" * 64, "f" * 64, "bagipakai 0.1.0", datetime(2026, 11, 27, 3, tzinfo=UTC), tuple(Check)
)


def test_it_is_read_as_it_was_signed():
    envelope = SAID.sealed(OURS)
    assert Acknowledgement.unsealed(envelope, OURS.public) == SAID
    assert len(envelope) < LIMIT / 4


def test_the_trail_may_be_left_out_and_nothing_else():
    """An office without a policy of witnesses at hand can still say what it found."""
    untold = replace(SAID, checked=tuple(check for check in Check if check in NEEDED))
    assert Acknowledgement.unsealed(untold.sealed(OURS), OURS.public) == untold
    for check in NEEDED:
        less = replace(SAID, checked=tuple(one for one in Check if one is not check))
        with pytest.raises(BadSeal):
            Acknowledgement.unsealed(less.sealed(OURS), OURS.public)


@pytest.mark.parametrize(
    "wrong",
    [
        {"manifest": "B" * 64},
        {"manifest": "b" * 63},
        {"recipient": ""},
        {"package": "../paket"},
        {"package": "paket\n"},
        {"tool": ""},
        {"v": 2},
        {"verified_at": "2026-11-27T03:00:00"},
        {"verified_at": "2026-11-27T10:00:00+07:00"},
        {"verified_at": "0001-01-01T00:00:00+14:00"},
        {"verified_at": 1},
        {"checked": "SEAL"},
        {"checked": None},
        {"checked": ["TRAIL", "SEAL", "RECIPIENT", "PERIOD", "PARTS", "CONTENT"]},
        {"checked": [*Check, "CONTENT"]},
        {"checked": [*Check, "MOON"]},
        {"note": "lebih"},
    ],
    ids=str,
)
def test_any_other_spelling_is_refused(wrong):
    with pytest.raises(BadSeal):
        Acknowledgement.unsealed(seal(KIND, SAID.to_json() | wrong, OURS), OURS.public)


def test_a_field_less_another_key_another_type_or_a_changed_byte_is_refused():
    envelope = SAID.sealed(OURS)
    bad = [SAID.sealed(OTHERS), seal(RECEIPT_KIND, SAID.to_json(), OURS), b"", b"[]", b"\xff"]
    for name in SAID.to_json():
        bad.append(seal(KIND, {key: value for key, value in SAID.to_json().items() if key != name}, OURS))
    for place in range(0, len(envelope), 7):
        bad.append(envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :])
    for one in bad:
        with pytest.raises(BadSeal):
            Acknowledgement.unsealed(one, OURS.public)


def test_no_person_is_named_in_it():
    assert set(json.loads(json.dumps(SAID.to_json()))) == {
        *("v", "package", "manifest", "recipient", "tool", "verified_at", "checked")
    }


def test_a_public_key_is_copied_as_one_line():
    line = OURS.public.to_line()
    assert PublicKey.from_line(line).key_id == OURS.public.key_id
    for wrong in ("", line.upper(), line[:-1], f"{line}0", line.replace("ed25519", "rsa"), line[8:], f" {line}"):
        with pytest.raises(BadSeal):
            PublicKey.from_line(wrong)
