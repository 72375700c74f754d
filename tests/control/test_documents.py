"""Files that people hand in: told by their content, taken in whole or refused with a sentence."""

import hashlib
import io
import re
import struct
import zipfile
import zlib
from datetime import date

import pytest

from bagipakai.control import documents, people
from bagipakai.control.filetypes import plain_name, recognise
from bagipakai.core.refusal import Refusal

DAY = date(2026, 11, 26)


def a_pdf(extra: bytes = b"", end: bytes = b"startxref\n9\n%%EOF\n") -> bytes:
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + extra + end


def a_png(width: int = 2, height: int = 2, tail: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0\0\0" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"") + tail


def a_jpg(width: int = 2, height: int = 2) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34" + b"\xff\xd9"


def a_docx(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document>Surat</document>")
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refused(content: bytes, name: str = "surat") -> str:
    outcome = recognise(content, name, DAY)
    return outcome.code if isinstance(outcome, Refusal) else ""


@pytest.mark.parametrize(
    ("content", "extension"),
    [(a_pdf(), "pdf"), (a_png(), "png"), (a_jpg(), "jpg"), (a_docx(), "docx")],
)
def test_an_honest_file_is_recognised(content, extension):
    assert recognise(content, f"surat.{extension}", DAY).extension == extension
    assert recognise(content, "surat", DAY).extension == extension


@pytest.mark.parametrize("content", [b"\x01\x02\x03\x04 nobody knows", b"MZ\x90\x00" + b"\0" * 200])
def test_a_file_of_no_accepted_type_is_told_what_is_accepted(content):
    """What it looks like is said where it can be told, and nothing in its place where it cannot."""
    said = recognise(content, "surat", DAY).sentence()
    assert "PDF, PNG, JPG, DOCX, XLSX" in said
    assert not re.search(r"\?|\( *\)|–", said), said


def test_a_file_is_what_it_contains_and_not_what_it_is_called():
    assert refused(a_png(), "surat.pdf") == "document-not-what-it-claims"
    assert refused(b"MZ\x90\x00" + b"\0" * 200, "surat.pdf") == "document-type-not-accepted"
    assert refused(b"<html><script>alert(1)</script>", "surat.pdf") == "document-type-not-accepted"
    assert refused(b"", "surat.pdf") == "document-empty"


@pytest.mark.parametrize(
    "active",
    [
        b"<< /S /JavaScript /JS (app.alert) >>",
        b"<< /S /J#61vaScript >>",
        b"<< /S /Launch /F (cmd.exe) >>",
        b"<< /EmbeddedFiles 3 0 R >>",
        b"<< /XFA 3 0 R >>",
    ],
)
def test_a_pdf_that_acts_is_refused(active):
    assert refused(a_pdf(active)) == "document-active"


def test_a_pdf_that_acts_inside_a_compressed_object_is_refused():
    hidden = zlib.compress(b"1 0 << /S /JavaScript /JS (x) >>")
    stream = b"2 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + hidden + b"\nendstream\nendobj\n"
    assert refused(a_pdf(stream)) == "document-active"
    for dictionary in (b"<< /N 1 /First 4 /Filter /FlateDecode >>", b"<< /N 1 /Filter /FlateDecode /#46irst 4>>"):
        untyped = b"2 0 obj\n" + dictionary + b"\nstream\n" + hidden + b"\nendstream\nendobj\n"
        assert refused(a_pdf(untyped)) == "document-active"
    quiet = zlib.compress(b"1 0 << /Type /Page >>")
    stream = b"2 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + quiet + b"\nendstream\nendobj\n"
    assert refused(a_pdf(stream)) == ""


def test_a_pdf_with_an_outline_is_welcome():
    """Its dictionary points to a first entry too, but holds no stream."""
    assert refused(a_pdf(b"3 0 obj\n<< /Type /Outlines /First 4 0 R /Last 5 0 R /Count 2 >>\nendobj\n")) == ""


def test_a_pdf_with_a_password_is_refused():
    assert refused(a_pdf(b"trailer << /Encrypt 5 0 R >>\n")) == "document-locked"


def test_a_file_that_is_two_files_is_refused():
    assert refused(a_pdf() + a_docx()) == "document-malformed"
    assert refused(a_png(tail=b"more")) == "document-malformed"
    assert refused(a_docx() + b"%PDF-1.7") == "document-malformed"
    assert refused(a_pdf(end=b"")) == "document-malformed"


def test_a_picture_of_extreme_size_is_refused():
    assert refused(a_png(100_000, 100_000)) == "document-expands"
    assert refused(a_jpg(60_000, 60_000)) == "document-expands"


def test_a_damaged_picture_is_refused():
    whole = a_png()
    assert refused(whole[:-20]) == "document-malformed"
    assert refused(whole[:40] + b"\x00" + whole[41:]) == "document-malformed"


def test_an_office_file_with_macros_objects_or_outside_references_is_refused():
    assert refused(a_docx(**{"word/vbaProject.bin": b"x"})) == "document-active"
    assert refused(a_docx(**{"word/embeddings/a.docx": b"x"})) == "document-active"
    assert refused(a_docx(**{"word/a.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'})) == "document-active"
    outside = b'<Relationship Type="x/attachedTemplate" TargetMode="External" Target="x"/>'
    assert refused(a_docx(**{"word/_rels/a.rels": outside})) == "document-active"
    link = b'<Relationship Type="x/hyperlink" TargetMode="External" Target="x"/>'
    assert refused(a_docx(**{"word/_rels/a.rels": link})) == ""


@pytest.mark.parametrize(
    "relation",
    [
        b'<Relationship Type="x/attachedTemplate" TargetMode="External" Target="http://x/hyperlink"/>',
        b'<Relationship Type="x/attachedTemplate" TargetMode = "External" Target="x"/>',
        b'<Relationship Type="x/attachedTemplate" TargetMode="&#69;xternal" Target="x"/>',
        b'<p:Relationship xmlns:p="y" Type="x/attachedTemplate" TargetMode="External" Target="x"/>',
        b'<Relationship Note=">" Type="x/attachedTemplate" TargetMode="External" Target="x"/>',
    ],
)
def test_an_outside_reference_is_found_however_it_is_spelled(relation):
    assert refused(a_docx(**{"word/_rels/a.rels": relation})) == "document-active"


def test_xml_in_letters_that_hide_what_it_says_is_refused():
    hidden = '<!DOCTYPE a [<!ENTITY b "c">]><a/>'
    for text in (hidden.encode("utf-16-le"), b'<?xml version="1.0" encoding="utf-7"?>' + hidden.encode("utf-7")):
        assert refused(a_docx(**{"word/a.xml": text})) == "document-malformed"
    assert refused(a_docx(**{"word/_rels/a.rels": b"<Relationship"})) == "document-malformed"


def test_hostile_member_names_are_refused():
    for name in ("../../etc/passwd", "/etc/passwd", "a\\b", "C:x", "a\nb"):
        assert refused(a_docx(**{name: b"x"})) == "document-malformed", name


def test_an_archive_that_expands_is_refused():
    assert refused(a_docx(**{"word/media/a.png": b"\0" * 120_000_000})) == "document-expands"


def test_an_archive_that_lies_about_sizes_is_refused():
    """The directory says 5 bytes, the member holds ten million."""
    whole = bytearray(a_docx(**{"word/media/a.png": b"\0" * 10_000_000}))
    at = whole.rfind(b"PK\x01\x02")
    whole[at + 24 : at + 28] = struct.pack("<I", 5)
    assert refused(bytes(whole)) == "document-expands"


def test_overlapping_members_are_refused():
    """Python's own zipfile opens this one: two directory entries, one and the same compressed member."""
    first = a_docx()
    end = len(first) - 22
    offset = struct.unpack("<I", first[end + 16 : end + 20])[0]
    directory = first[offset:end]
    entry = directory[directory.rfind(b"PK\x01\x02") :]
    renamed = entry.replace(b"word/document.xml", b"word/documenu.xml")
    count = struct.pack("<HH", 3, 3)
    size = struct.pack("<II", len(directory) + len(renamed), offset)
    whole = first[:end] + renamed + b"PK\x05\x06\0\0\0\0" + count + size + b"\0\0"
    assert len(zipfile.ZipFile(io.BytesIO(whole)).namelist()) == 3
    assert refused(whole) == "document-malformed"


def test_a_file_too_large_is_refused_with_its_limit():
    outcome = recognise(a_pdf(b"%" + b"x" * 10_485_760), "surat.pdf", DAY)
    assert outcome.code == "document-too-large"
    assert outcome.detail["limit"] == "10 MB"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Surat Permohonan.pdf", "Surat Permohonan.pdf"),
        ("../../../etc/passwd", "passwd.pdf"),
        (r"C:\Users\x\surat.pdf", "surat.pdf"),
        ("surat\u202efdp.exe", "surat fdp.pdf"),
        ("surat\r\nSet-Cookie: a=b.pdf", "surat Set-Cookie_ a=b.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("<img src=x onerror=alert(1)>.pdf", "_img src=x onerror=alert(1)_.pdf"),
        ("", "dokumen.pdf"),
        ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
        ("laporan.exe.pdf", "laporan.pdf"),
    ],
)
def test_a_hostile_name_is_neutralised(given, kept):
    assert plain_name(given, "pdf") == kept


@pytest.mark.django_db
def test_a_file_is_kept_under_its_digest_and_read_back():
    person = people.register("berkas@contoh.go.id", "Penyimpan Berkas", "kata sandi yang panjang")
    document = documents.store(io.BytesIO(a_pdf()), "../Surat.pdf", person)
    assert document.sha256 == hashlib.sha256(a_pdf()).hexdigest()
    assert (document.name, document.extension, document.media_type) == ("Surat.pdf", "pdf", "application/pdf")
    assert document.scan in ("CLEAN", "NOT_SCANNED")
    assert documents.read(document) == a_pdf()
    assert (documents.folder() / document.sha256).stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_refused_file_leaves_nothing_behind():
    person = people.register("berkas@contoh.go.id", "Penyimpan Berkas", "kata sandi yang panjang")
    before = sorted(documents.folder().iterdir())
    assert documents.store(io.BytesIO(b"MZ"), "surat.pdf", person).code == "document-type-not-accepted"
    assert sorted(documents.folder().iterdir()) == before


@pytest.mark.django_db
def test_bytes_changed_in_the_store_are_noticed():
    person = people.register("berkas@contoh.go.id", "Penyimpan Berkas", "kata sandi yang panjang")
    document = documents.store(io.BytesIO(a_pdf(b"% diubah\n")), "surat.pdf", person)
    (documents.folder() / document.sha256).write_bytes(b"something else")
    with pytest.raises(documents.DocumentMissing):
        documents.read(document)
    (documents.folder() / document.sha256).unlink()
