"""A recipient's key is made once, kept to its owner, and recognised again."""

import os
import stat

import pyrage
import pytest
from tests.recipient.packages import a_key_file

from bagipakai.cli import main
from bagipakai.core.envelope import PublicKey
from bagipakai.core.manifest import fingerprint
from bagipakai.recipient.keys import Identity, PublicHalf, keygen, read_seal
from bagipakai.recipient.refusals import Refusal


def test_a_new_key_is_for_its_owner_only_and_can_be_read_back(tmp_path):
    made = keygen(tmp_path / "kunci", "Dinas Sosial Kabupaten Bogor")
    assert isinstance(made, PublicHalf)
    assert stat.S_IMODE((tmp_path / "kunci").stat().st_mode) == 0o600
    identity = Identity.read(tmp_path / "kunci")
    assert isinstance(identity, Identity)
    assert identity.fingerprint == made.fingerprint == fingerprint(made.recipient)


def test_the_public_half_holds_no_secret_and_names_the_institution(tmp_path):
    made = keygen(tmp_path / "kunci", "Dinas Sosial")
    text = (tmp_path / "kunci.pub").read_text()
    assert made.recipient in text.splitlines() and "Dinas Sosial" in text and made.line in text
    assert "SECRET" not in text


def test_the_key_that_signs_is_drawn_from_the_one_that_opens(tmp_path):
    """Always the same from the same file, another from another; a file of the time before has one too."""
    made = keygen(tmp_path / "kunci")
    bare = (tmp_path / "kunci").read_text().splitlines()[-1]
    a_key_file(tmp_path / "lama", f"{bare}\n".encode())
    for name in ("kunci", "lama"):
        assert Identity.read(tmp_path / name).public == made
    signed = Identity.read(tmp_path / "lama").signer.sign(b"ini")
    assert PublicKey.from_line(made.receipt_key).verify(signed, b"ini")
    assert keygen(tmp_path / "lain").receipt_key != made.receipt_key


def test_the_drawing_never_changes():
    """Otherwise registered keys would verify nothing any more."""
    secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"  # of the age test vectors
    public = Identity(pyrage.x25519.Identity.from_str(secret)).public
    assert public.line == (
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj "
        "ed25519:3554ec7f41eaed418e2ada110289fdc7e7c79f02c302d344ce3be0eb90e90f46"
    )


def test_the_line_is_shown_again(tmp_path, capsys):
    made = keygen(tmp_path / "kunci")
    assert main(["recipient", "public", "--key", str(tmp_path / "kunci")]) == 0
    shown = capsys.readouterr().out
    assert made.line in shown and "SECRET" not in shown
    assert main(["recipient", "public", "--key", str(tmp_path / "kunci.pub")]) == 1


def test_a_key_is_never_overwritten(tmp_path):
    keygen(tmp_path / "kunci")
    before = (tmp_path / "kunci").read_bytes()
    again = keygen(tmp_path / "kunci")
    assert isinstance(again, Refusal) and again.code == "key-exists"
    assert (tmp_path / "kunci").read_bytes() == before


def test_a_public_half_that_is_in_the_way_leaves_no_half_made_key(tmp_path):
    (tmp_path / "kunci.pub").write_text("milik orang lain")
    assert isinstance(keygen(tmp_path / "kunci"), Refusal)
    assert [file.name for file in tmp_path.iterdir()] == ["kunci.pub"]


def test_a_folder_that_is_not_there_is_a_sentence_not_a_traceback(tmp_path):
    no = keygen(tmp_path / "tidak-ada" / "kunci")
    assert isinstance(no, Refusal) and no.code == "disk-error"


def test_an_institution_cannot_write_a_second_line_into_the_key_file(tmp_path):
    no = keygen(tmp_path / "kunci", "Dinas\nAGE-SECRET-KEY-1AAAA")
    assert isinstance(no, Refusal) and no.code == "name-unusable"
    assert not (tmp_path / "kunci").exists()


@pytest.mark.parametrize("text", ["", "# hanya catatan\n", "AGE-SECRET-KEY-1XYZ\n", "age1abc\n", "\xff"])
def test_a_file_that_is_no_key_is_refused(text, tmp_path):
    a_key_file(tmp_path / "kunci", text.encode("latin-1"))
    no = Identity.read(tmp_path / "kunci")
    assert isinstance(no, Refusal) and no.code == "key-unreadable"


@pytest.mark.skipif(os.name != "posix", reason="only there has a file such a mode")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_may_read_is_refused_until_they_may_not(mode, tmp_path, capsys):
    keygen(tmp_path / "kunci")
    (tmp_path / "kunci").chmod(mode)
    no = Identity.read(tmp_path / "kunci")
    assert isinstance(no, Refusal) and no.code == "key-too-open"
    assert main(["recipient", "public", "--key", str(tmp_path / "kunci")]) == 1
    assert "chmod 600" in capsys.readouterr().err
    (tmp_path / "kunci").chmod(0o600)
    assert isinstance(Identity.read(tmp_path / "kunci"), Identity)


def test_two_keys_in_one_file_are_refused(tmp_path):
    keygen(tmp_path / "a")
    keygen(tmp_path / "b")
    both = a_key_file(tmp_path / "c", (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes())
    no = Identity.read(both)
    assert isinstance(no, Refusal) and no.code == "key-unreadable"


def test_a_seal_that_is_no_public_key_is_refused(tmp_path):
    (tmp_path / "seal.pem").write_text("bukan kunci")
    for file in (tmp_path / "seal.pem", tmp_path / "tidak-ada.pem"):
        no = read_seal(file)
        assert isinstance(no, Refusal) and no.code == "seal-unreadable"


def test_returned_rows_ask_for_the_key_of_the_registry(tmp_path, capsys):
    keygen(tmp_path / "kunci")
    words = [
        "--registry",
        str(tmp_path / "tidak-ada.pem"),
        "--key",
        str(tmp_path / "kunci"),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["recipient", "returned", str(tmp_path), *words]) == 1
    told = capsys.readouterr().err
    assert "halaman kiriman" in told and "[registry-key-unreadable]" in told


def test_a_key_does_not_print_its_secret(tmp_path):
    keygen(tmp_path / "kunci")
    assert "AGE-SECRET" not in repr(Identity.read(tmp_path / "kunci"))
