"""A paper signed by any means: what it says, and that it stands."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.control.signing.conftest import ACT, AT, OFFICER, SEAL

from bagipakai.control.signing.acts import NOT_CERTIFIED, Act
from bagipakai.control.signing.local import House
from bagipakai.control.signing.validation import Expected, Validated, validate
from bagipakai.core.refusal import Refusal

STATEMENT = hashlib.sha256(b"pernyataan").hexdigest()
LATER = AT + timedelta(hours=1)


@pytest.fixture(autouse=True)
def the_service_is_awake(service):
    service.stands_at(AT)
    service.asked.clear()
    service.bodies.clear()


def test_a_signed_paper_validates(signer, house, paper):
    signed = signer.sign(paper, ACT)
    assert signed.startswith(paper), "the paper itself stands unchanged"
    found = validate(signed, house.roots(), at=LATER, expected=[Expected(SEAL.ref)])
    assert isinstance(found, Validated)
    assert (found.sha256, found.stamped_at) == (hashlib.sha256(signed).hexdigest(), AT)
    (signature,) = found.signatures
    assert (signature.holder.ref, signature.at, signature.statement_digest) == (SEAL.ref, AT, "")


def test_a_signature_says_that_it_is_not_certified(signer, house, paper):
    (signature,) = validate(signer.sign(paper, ACT), house.roots(), at=LATER).signatures
    assert signature.reason == f"{ACT.reason}. Ini {NOT_CERTIFIED}"


def test_a_signature_names_the_statement_it_goes_with(signer, house, paper):
    signed = signer.sign(paper, replace(ACT, statement_digest=STATEMENT))
    found = validate(signed, house.roots(), at=LATER, expected=[Expected(SEAL.ref, STATEMENT)])
    assert found.signatures[0].statement_digest == STATEMENT
    assert found.signatures[0].reason == f"{ACT.reason}. Ini {NOT_CERTIFIED}"


def test_each_later_signature_says_over_which_file_it_was_given(signer, house, paper):
    """So that the passkey's statement, which names that file, and the signature, which names the statement, meet."""
    sealed = signer.sign(paper, ACT)
    both = house.signer(OFFICER).sign(sealed, Act("Menyetujui perjanjian", AT, STATEMENT))
    assert both.startswith(sealed)
    found = validate(both, house.roots(), at=LATER, expected=[Expected(SEAL.ref), Expected(OFFICER.ref, STATEMENT)])
    assert [one.holder.ref for one in found.signatures] == [SEAL.ref, OFFICER.ref]
    assert found.signatures[1].over == hashlib.sha256(sealed).hexdigest()


def test_five_may_sign_one_paper(house, paper):
    """The fifth finds no room on the page and signs without a stamp."""
    for number in range(5):
        holder = replace(OFFICER, ref=f"P{number}/J1", name=f"Pejabat ke-{number}")
        paper = house.signer(holder).sign(paper, Act("Menyetujui", AT + timedelta(minutes=number)))
    assert len(validate(paper, house.roots(), at=LATER).signatures) == 5


def test_a_poppler_reader_accepts_every_signature(signer, house, paper, tmp_path):
    """A validator that we did not write. It names the issuer as unknown: only our own installation pins that root."""
    _needs("pdfsig", "poppler-utils")
    file = tmp_path / "signed.pdf"
    file.write_bytes(house.signer(OFFICER).sign(signer.sign(paper, ACT), Act("Menyetujui perjanjian", AT)))
    told = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, check=False).stdout
    assert told.count("Signature is Valid.") == 2
    assert told.count("ETSI.CAdES.detached") == 2
    assert "Total document signed" in told, "the last stamp covers the whole file"
    file.write_bytes(file.read_bytes().replace(b"/Title", b"/Titlo", 1))
    told = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid." not in told


def test_a_poppler_reader_trusts_our_root_where_it_is_told_to(paper, tmp_path):
    """It judges certificates by today's date."""
    _needs("pdfsig", "poppler-utils")
    _needs("certutil", "libnss3-tools")
    now, house = datetime.now(UTC), House(tmp_path / "house")
    house.establish(now)
    store, file = tmp_path / "nss", tmp_path / "signed.pdf"
    store.mkdir()
    file.write_bytes(house.signer(SEAL).sign(paper, replace(ACT, at=now)))
    made = ["certutil", "-N", "-d", f"sql:{store}", "--empty-password"]
    subprocess.run(made, check=True, capture_output=True)
    root = ["-n", "akar", "-t", "CT,C,C", "-a", "-i", house.authority.folder / "root.crt.pem"]
    subprocess.run(["certutil", "-A", "-d", f"sql:{store}", *root], check=True, capture_output=True)
    told = subprocess.run(["pdfsig", "-nssdir", store, file], capture_output=True, text=True, check=False).stdout
    assert "Certificate is Trusted." in told


def test_a_reader_sees_on_the_page_that_it_is_not_certified(signer, paper, tmp_path):
    _needs("pdftotext", "poppler-utils")
    file = tmp_path / "signed.pdf"
    file.write_bytes(signer.sign(paper, ACT))
    seen = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    words = " ".join(seen.split())
    assert SEAL.name in words and NOT_CERTIFIED in words


def test_what_is_not_a_pdf_is_not_signed(signer):
    assert signer.sign(b"%PDF-1.7 bukan", ACT) == Refusal("signing-needs-a-whole-pdf")
    assert signer.sign(b"", ACT) == Refusal("signing-needs-a-whole-pdf")


def test_a_reason_cannot_imitate_a_statement(signer, paper):
    with pytest.raises(ValueError, match="imitates"):
        signer.sign(paper, replace(ACT, reason=f"Menyetujui. Pernyataan sha256:{STATEMENT}"))


def test_no_paper_leaves_the_house(service, house, paper):
    """The national service sees digests alone."""
    from tests.control.signing.conftest import by_service

    by_service(service, house).sign(paper, ACT)
    assert service.asked and max(map(len, service.bodies)) < 1000
    assert not any(b"%PDF" in body or b"Perjanjian" in body for body in service.bodies)


def _needs(program: str, package: str) -> None:
    if shutil.which(program) is None:
        subprocess.run([Path(__file__).parents[3] / "deploy" / "packages", package], check=False)
    if shutil.which(program) is None:
        print(f"{package.upper()} TIDAK ADA: {program} TIDAK dijalankan.", file=sys.stderr)
        pytest.skip(f"{package} is not installed: {program} was NOT run")
