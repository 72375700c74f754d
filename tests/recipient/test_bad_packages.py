"""Every spoiled package is refused with its own code, and leaves nothing: no plaintext, no acknowledgement."""

import pytest
from tests.recipient.packages import DAY, OTHERS, OURS, SEAL, SPOILED, SPOILED_INSIDE, a_package
from tests.recipient.test_proofs import SPOILED as PROOFS_SPOILED

from bagipakai.recipient.keys import Identity
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import SENTENCES, Refusal
from bagipakai.recipient.verify import verified

OURSELVES = Identity(OURS)


def everything_in(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


@pytest.mark.parametrize("spoilt", SPOILED)
def test_a_spoiled_package_is_refused_with_its_own_code(spoilt, tmp_path):
    spoil, code = SPOILED[spoilt]
    (tmp_path / "lain").mkdir()
    package = spoil(a_package(tmp_path), tmp_path / "lain")
    before = everything_in(tmp_path)
    outcomes = [
        verified(package, SEAL.public, OURSELVES, day=DAY),
        opened(package, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY, receipt=tmp_path / "tanda-terima.json"),
    ]
    assert [outcome.code for outcome in outcomes] == [code, code]
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("spoilt", SPOILED_INSIDE)
def test_what_only_opening_can_see_is_refused_and_leaves_no_plaintext(spoilt, tmp_path):
    spoil, code = SPOILED_INSIDE[spoilt]
    (tmp_path / "lain").mkdir()
    package = spoil(a_package(tmp_path), tmp_path / "lain")
    before = everything_in(tmp_path)
    assert not isinstance(verified(package, SEAL.public, OURSELVES, day=DAY), Refusal)
    receipt = tmp_path / "tanda-terima.json"
    outcome = opened(package, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY, receipt=receipt)
    assert isinstance(outcome, Refusal) and outcome.code == code
    assert everything_in(tmp_path) == before


def test_every_code_is_met_by_a_test_of_this_folder():
    met = {code for _, code in (*SPOILED.values(), *SPOILED_INSIDE.values())}
    met |= {code for _, code in PROOFS_SPOILED.values()}
    elsewhere = {  # test_opening.py, test_keys.py, test_proofs.py, test_receipts.py, test_unmatched.py
        *("another-recipient", "folder-in-use", "disk-error", "interrupted"),
        *("key-unreadable", "key-too-open", "seal-unreadable", "policy-unreadable", "key-exists", "name-unusable"),
        *("receipt-exists", "receipt-misplaced"),
        *("intake-receipt-missing", "intake-receipt-mismatch"),  # of returned rows: tests/registry/test_receiving.py
        "registry-key-unreadable",
        *("result-missing", "result-not-readable", "result-not-of-matching"),
        *("roster-not-readable", "roster-unreadable", "roster-of-another"),
        *("out-exists", "out-of-another-form"),
    }
    assert met | elsewhere == set(SENTENCES)


def test_a_package_for_somebody_else_is_refused_before_any_part_is_read(tmp_path):
    made = a_package(tmp_path)
    for part in made.manifest.parts:
        (made.folder / part.name).unlink()
    outcome = opened(made.folder, SEAL.public, Identity(OTHERS), tmp_path / "hasil", day=DAY)
    assert isinstance(outcome, Refusal) and outcome.code == "another-recipient"
    assert "Dinas Sosial Kabupaten Bogor" in outcome.sentence


def test_the_unspoiled_package_opens(tmp_path):
    """Otherwise everything above could pass for another reason."""
    made = a_package(tmp_path)
    assert isinstance(opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY), Opened)


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_what_to_do_and_fills_its_blanks(code):
    sentence = Refusal(code, {"name": "X", "detail": "Y"}).sentence
    assert "{" not in sentence and sentence.endswith(".")
    assert any(word in sentence for word in (";", ",")), "what is wrong, and what to do"
    assert "folder" not in sentence.lower(), "one word for it, as on the portal's pages: map"
