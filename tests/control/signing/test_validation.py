"""What is not signed as it must be is refused, each by its name."""

import random
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from tests.control.signing import forging
from tests.control.signing.conftest import ACT, AT, OFFICER, SEAL

from bagipakai.control.signing.acts import Act
from bagipakai.control.signing.authority import Purpose
from bagipakai.control.signing.local import CLOCK, House, _simple
from bagipakai.control.signing.validation import Expected, Revoked, Roots, Validated, validate
from bagipakai.core.refusal import Refusal

LATER = AT + timedelta(hours=1)


def code(pdf, roots, at=LATER, expected=()):
    outcome = validate(pdf, roots, at=at, expected=expected)
    return outcome.code if isinstance(outcome, Refusal) else "validated"


# the file


def test_a_paper_without_a_signature(house, paper):
    assert code(paper, house.roots()) == "signature-is-missing"


@pytest.mark.parametrize(
    "content", [b"", b"bukan pdf", b"%PDF-1.7\n", b"\x00" * 4096, b"%PDF-1.7\nstartxref\n0\n%%EOF"]
)
def test_what_is_no_pdf_is_refused_without_a_fault(house, content):
    assert code(content, house.roots()) in ("signature-is-missing", "signed-paper-was-changed")


def test_one_changed_byte_anywhere(house, sealed):
    """Bytes throughout the file, and densely where no digest reaches: the last container and what is around it. (Every
    byte of a file was tried once: decision 0075.)"""
    start = sealed.rindex(b"/Contents <")
    places = {*range(0, len(sealed), 211), *range(start, start + 60), *range(start + 60, len(sealed), 89)}
    places |= {*range(sealed.rindex(b"0>") - 20, len(sealed), 3)}
    passed = []
    for place in sorted(places):
        changed = bytearray(sealed)
        changed[place] ^= 1
        if code(bytes(changed), house.roots()) == "validated":
            passed.append(place)
    assert passed == []


def test_a_letter_of_the_last_container_in_the_other_case(house, sealed):
    """The same value, written in another way: nothing but our own check would see it."""
    place = next(i for i in range(sealed.rindex(b"<30"), len(sealed)) if sealed[i : i + 1] in b"ABCDEF")
    changed = sealed[:place] + sealed[place : place + 1].lower() + sealed[place + 1 :]
    assert code(changed, house.roots()) == "signed-paper-was-changed"


def test_a_changed_page(house, sealed):
    assert code(sealed.replace(b"/Title", b"/Titlo", 1), house.roots()) == "signed-paper-was-changed"


def test_a_shortened_file(house, sealed):
    for length in random.Random(7).sample(range(len(sealed)), 60):
        assert code(sealed[:length], house.roots()) != "validated", length


def test_bytes_after_the_end(house, sealed):
    assert code(sealed + b"\n", house.roots()) == "signed-paper-was-extended"


@pytest.mark.parametrize("extend", [forging.extended, forging.covered])
def test_a_revision_added_after_signing(house, sealed, extend):
    changed = extend(sealed)
    assert code(changed, house.roots()) == "signed-paper-was-extended"
    one = PdfFileReader(BytesIO(changed)).embedded_regular_signatures[0]
    one.compute_integrity_info()
    held = next(a for a in one.signer_info["signed_attrs"] if a["type"].native == "message_digest")["values"][0].native
    assert held == one.compute_digest(), "the trap: the signature itself is as intact as before"


def test_a_revision_added_and_stamped_by_our_own_clock(house, sealed):
    """Whoever gets our time-stamp authority to stamp an extended file is still found, by what was added."""
    changed = house.prolonged(forging.covered(sealed), AT)
    assert code(changed, house.roots()) == "signed-paper-was-extended"


def test_the_container_of_another_paper(house, sealed, paper):
    other = house.signer(SEAL).sign(paper, replace(ACT, reason="Menyegel yang lain"))
    mine, theirs = sealed.index(b"/Contents <"), other.index(b"/Contents <")
    length = sealed.index(b">", mine) - mine
    changed = sealed[:mine] + other[theirs : theirs + length] + sealed[mine + length :]
    assert code(changed, house.roots()) == "signed-paper-was-changed"


# certificates


def test_a_foreign_authority(house, elsewhere, paper):
    """Of the same name as ours, with our time-stamps."""
    signed = forging.carelessly(
        paper,
        forging.cms_signer(elsewhere.signer(SEAL), AT),
        roots=(elsewhere.authority.root, house.time.root),
        moment=AT,
        timestamper=house.clock(AT),
        crls=(elsewhere.authority.crl(AT), house.time.crl(AT)),
    )
    assert code(signed, house.roots()) == "signer-certificate-is-foreign"


def test_everything_foreign(house, elsewhere, paper):
    signed = elsewhere.signer(SEAL).sign(paper, ACT)
    assert code(signed, elsewhere.roots()) == "validated"
    assert code(signed, house.roots()) == "timestamp-of-a-foreign-authority"


def test_a_certificate_that_had_ended(house, paper):
    """Signed by a clock turned back; the time-stamp tells."""
    much_later = AT + timedelta(days=Purpose.SIGN.days + 5)
    signed = forging.carelessly(
        paper,
        forging.cms_signer(house.signer(SEAL), AT),
        roots=(house.authority.root, house.time.root),
        moment=AT,
        timestamper=house.clock(much_later),
        crls=(house.authority.crl(AT), house.time.crl(AT), house.time.crl(much_later)),
    )
    assert code(signed, house.roots(), much_later) == "signer-certificate-had-ended"


def test_a_certificate_that_ends_later_still_proves(house, sealed):
    much_later = AT + timedelta(days=Purpose.SIGN.days + 400)
    assert code(sealed, house.roots(), much_later) == "validated"


BEFORE = AT - timedelta(days=2)


@pytest.fixture
def compromised(tmp_path):
    """A house whose seal was revoked an hour before AT, and the credential that somebody still has."""
    made = House(tmp_path / "compromised")
    made.establish(BEFORE)
    made.clock(BEFORE)
    credential = made.signer(SEAL).credential(BEFORE)
    made.authority.revoke(credential.certificate, AT - timedelta(hours=1))
    return made, credential


def test_a_certificate_revoked_by_the_list_in_the_file(compromised, paper):
    house, credential = compromised
    signed = forging.carelessly(
        paper,
        _simple(credential),
        roots=(house.authority.root, house.time.root),
        moment=BEFORE,
        timestamper=house.clock(AT),
        crls=(house.authority.crl(AT), house.time.crl(AT)),
        retroactive_revinfo=True,
    )
    assert code(signed, replace(house.roots(), revoked=())) == "signer-certificate-was-revoked"


def test_a_certificate_that_the_office_knows_to_be_revoked(compromised, paper):
    """The file holds a list from before; ours is newer."""
    house, credential = compromised
    signed = forging.carelessly(
        paper,
        _simple(credential),
        roots=(house.authority.root, house.time.root),
        moment=BEFORE,
        timestamper=house.clock(AT),
        crls=(house.authority.crl(BEFORE), house.time.crl(BEFORE)),
    )
    assert code(signed, replace(house.roots(), revoked=())) == "validated"
    assert code(signed, house.roots()) == "signer-certificate-was-revoked"


def test_what_was_signed_before_the_revocation_still_proves(house, sealed):
    certificate = house.signer(SEAL).credential(AT).certificate
    since = AT + timedelta(days=1)
    roots = replace(house.roots(), revoked=(Revoked(certificate.issuer, certificate.serial_number, since),))
    assert code(sealed, roots, since + timedelta(days=1)) == "validated"


def test_no_revocation_list_in_the_file(house, paper):
    signed = forging.carelessly(
        paper,
        forging.cms_signer(house.signer(SEAL), AT),
        roots=(house.authority.root, house.time.root),
        moment=AT,
        timestamper=house.clock(AT),
        crls=(house.time.crl(AT),),
    )
    assert code(signed, house.roots()) == "signature-without-revocation-list"


def test_a_revocation_list_too_old(house, paper):
    long_ago = AT - timedelta(days=60)
    signed = forging.carelessly(
        paper,
        forging.cms_signer(house.signer(SEAL), AT),
        roots=(house.authority.root, house.time.root),
        moment=AT,
        timestamper=house.clock(AT),
        crls=(house.time.crl(AT), house.authority.crl(long_ago)),
    )
    assert code(signed, house.roots()) == "signature-without-revocation-list"


def test_the_clocks_certificate_cannot_sign_a_paper(house, paper):
    """Not even where somebody pins the root of time among the roots of signers."""
    signed = forging.carelessly(
        paper,
        house.clock(AT).signer,
        roots=(house.time.root,),
        moment=AT,
        timestamper=house.clock(AT),
        crls=(house.time.crl(AT),),
        lasting=False,
    )
    signed = house.prolonged(signed, AT)
    roots = Roots(house.roots().signing + house.roots().time, house.roots().time)
    assert code(signed, roots) != "validated"


# time


def test_a_signature_without_any_time(house, paper):
    signed = forging.carelessly(paper, forging.cms_signer(house.signer(SEAL), AT), roots=(), moment=AT, lasting=False)
    assert code(signed, house.roots()) == "signature-does-not-last"


def test_a_signature_without_the_lasting_stamp(house, paper):
    signer, clock = forging.cms_signer(house.signer(SEAL), AT), house.clock(AT)
    signed = forging.carelessly(paper, signer, roots=(), moment=AT, timestamper=clock, lasting=False)
    assert code(signed, house.roots()) == "signature-does-not-last"


def test_a_lasting_stamp_over_a_signature_without_its_own(house, paper):
    signer = forging.cms_signer(house.signer(SEAL), AT)
    signed = forging.carelessly(paper, signer, roots=(), moment=AT, lasting=False)
    assert code(house.prolonged(signed, AT), house.roots()) == "signature-does-not-last"


def test_a_foreign_clock(house, elsewhere, paper):
    signed = forging.carelessly(
        paper,
        forging.cms_signer(house.signer(SEAL), AT),
        roots=(house.authority.root, elsewhere.time.root),
        moment=AT,
        timestamper=elsewhere.clock(AT),
        crls=(house.authority.crl(AT), elsewhere.time.crl(AT)),
    )
    assert code(signed, house.roots()) == "timestamp-of-a-foreign-authority"


def test_an_officer_is_no_clock(house, paper):
    """A certificate of our authority of signers, used to stamp time."""
    clock = house.clock(AT)
    clock.signer = forging.cms_signer(house.signer(OFFICER), AT)
    signed = forging.carelessly(
        paper, forging.cms_signer(house.signer(SEAL), AT), roots=(), moment=AT, timestamper=clock, lasting=False
    )
    assert code(house.prolonged(signed, AT), house.roots()) == "timestamp-of-a-foreign-authority"


def test_a_time_stamp_for_other_data(house, paper):
    clock = house.clock(AT)
    signed = forging.carelessly(
        paper,
        forging.cms_signer(house.signer(SEAL), AT),
        roots=(house.authority.root, house.time.root),
        moment=AT,
        timestamper=forging.Swapping(clock.signer, AT),
        crls=(house.authority.crl(AT), house.time.crl(AT)),
    )
    assert code(signed, house.roots()) == "timestamp-of-other-data"


def test_a_time_stamp_from_the_future(house, paper):
    tomorrow = AT + timedelta(days=1)
    signed = house.signer(SEAL).sign(paper, replace(ACT, at=tomorrow))
    assert code(signed, house.roots(), AT) == "timestamp-out-of-order"
    assert code(signed, house.roots(), tomorrow) == "validated"


def test_stamps_out_of_order(house, sealed):
    earlier = house.prolonged(sealed, AT - timedelta(hours=1))
    assert code(earlier, house.roots()) == "timestamp-out-of-order"


def test_a_revoked_clock_stamps_nothing_that_lasts(tmp_path, paper):
    house = House(tmp_path / "house")
    house.establish(AT)
    signed = house.signer(SEAL).sign(paper, ACT)
    house.time.revoke(house.time.credential("clock", CLOCK, Purpose.TIME, AT).certificate, AT + timedelta(days=1))
    assert code(signed, house.roots(), AT + timedelta(days=2)) == "timestamp-of-a-foreign-authority"


def test_the_last_stamp_runs_out_and_is_prolonged(house, sealed):
    """The A of B-LTA: before it ends, a newer clock stamps the whole once more; then it lasts on."""
    near, past = AT + timedelta(days=3600), AT + timedelta(days=3700)
    assert code(sealed, house.roots(), past) == "timestamp-has-run-out"
    prolonged = house.prolonged(sealed, near)
    assert prolonged.startswith(sealed)
    again = house.prolonged(prolonged, near + timedelta(days=60))
    assert code(again, house.roots(), past) == "validated"


# who


def test_the_wrong_signer(house, sealed):
    assert code(sealed, house.roots(), expected=[Expected(OFFICER.ref)]) == "signature-of-another"
    assert code(sealed, house.roots(), expected=[Expected("SEGEL/BPS")]) == "signature-of-another"


def test_a_signer_can_be_expected_by_certificate(house, sealed):
    (signature,) = validate(sealed, house.roots(), at=LATER).signatures
    assert code(sealed, house.roots(), expected=[Expected(signature.certificate)]) == "validated"


def test_a_signature_that_names_another_statement(house, paper):
    signed = house.signer(OFFICER).sign(paper, Act("Menyetujui", AT, "ab" * 32))
    assert code(signed, house.roots(), expected=[Expected(OFFICER.ref, "ab" * 32)]) == "validated"
    assert (
        code(signed, house.roots(), expected=[Expected(OFFICER.ref, "cd" * 32)]) == "signature-names-another-statement"
    )


def test_a_refusal_tells_no_more_than_it_must(house, sealed):
    outcome = validate(sealed, house.roots(), at=LATER, expected=[Expected(OFFICER.ref)])
    assert OFFICER.ref in outcome.sentence() and outcome.sentence("en") != outcome.sentence()


def test_reading_leaves_no_name_in_the_log(house, elsewhere, paper, caplog):
    with caplog.at_level("DEBUG"):
        assert isinstance(validate(elsewhere.signer(SEAL).sign(paper, ACT), house.roots(), at=LATER), Refusal)
        assert isinstance(validate(house.signer(SEAL).sign(paper, ACT), house.roots(), at=LATER), Validated)
    assert SEAL.name not in caplog.text
