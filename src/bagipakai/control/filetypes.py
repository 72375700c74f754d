"""What a file is, told by its content alone, and whether it may come in.

Each accepted type has one strict reading. A file that two programs could read as two things (trailing bytes, members
that overlap, a second header) is refused, and so is everything that acts: scripts, macros, embedded files, external
references, entities, passwords (trust reference §15). Limits come from `policies/documents.toml`.
"""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from xml.parsers import expat  # entities are refused before it reads

import puremagic

from bagipakai.core.policy import Rule, rules
from bagipakai.core.refusal import Refusal

NAME_LIMIT = 120


@dataclass(frozen=True, slots=True)
class FileType:
    """One accepted type and its limits on a day."""

    extension: str
    media_type: str
    name: str
    max_bytes: int
    rule: Rule

    @property
    def short(self) -> str:
        """The name that both languages share: PDF, DOCX."""
        return self.extension.upper()

    def limit(self, name: str) -> int:
        return int(self.rule[name])


class Unfit(Exception):
    """The content breaks its type's strict reading. `code` is the refusal's; nothing of the content is named."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def accepted(day: date) -> dict[str, FileType]:
    """The accepted types on `day`, by extension."""
    found = {}
    for (extension,), rule in rules("documents", "type", ("extension",)).in_force(day).items():
        found[extension] = FileType(extension, rule["media_type"], rule["name"], rule["max_bytes"], rule)
    return found


def recognise(content: bytes, name: str, day: date) -> FileType | Refusal:
    """The type of `content`, called `name` by its sender. Refused: empty, too large, of no accepted type, not what its
    name claims, malformed, active."""
    types = accepted(day)
    readable = ", ".join(kind.short for kind in types.values())
    if not content:
        return Refusal("document-empty")
    if len(content) > max(kind.max_bytes for kind in types.values()):
        return _too_large(max(types.values(), key=lambda kind: kind.max_bytes), len(content))
    try:
        kind = types.get(_family(content))
        if kind is None:
            return Refusal("document-type-not-accepted", {"seems": _seems(content), "accepted": readable})
        claimed = PurePosixPath(plain_name(name)).suffix.lower().removeprefix(".").replace("jpeg", "jpg")
        if claimed and claimed != kind.extension:
            return Refusal("document-not-what-it-claims", {"claimed": claimed[:12], "found": kind.short})
        if len(content) > kind.max_bytes:
            return _too_large(kind, len(content))
        _CHECKS[kind.extension](content, kind)
    except Unfit as unfit:
        return Refusal(unfit.code, {"accepted": readable})
    return kind


def plain_name(name: str, extension: str = "") -> str:
    """What a sender called a file, safe to show and to offer for download: no folder, no control or direction
    characters, no leading dot, at most 120 characters; `extension`, when given, is its only ending."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(letter if unicodedata.category(letter)[0] not in "CZ" else " " for letter in last)
    spoken = re.sub(r'[<>:"|?*%;]', "_", " ".join(visible.split())).strip(" .")
    if not extension:
        return spoken[-NAME_LIMIT:] or "dokumen"
    stem = re.sub(r"(\.[A-Za-z0-9]{1,8})+$", "", spoken).strip(" .")[: NAME_LIMIT - len(extension) - 1]
    return f"{stem or 'dokumen'}.{extension}"


def _too_large(kind: FileType, size: int) -> Refusal:
    return Refusal(
        "document-too-large",
        {"limit": f"{kind.max_bytes // 1_048_576} MB", "size": f"{size / 1e6:.1f} MB".replace(".", ",")},
    )


def _seems(content: bytes) -> str:
    """The type that the content looks like, or nothing where that cannot be told."""
    try:
        return str(puremagic.from_string(content[:65_536])).removeprefix(".")[:12]
    except (puremagic.PureError, ValueError):
        return ""


def _family(content: bytes) -> str:
    """The extension of the type whose first bytes these are, or nothing."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"PK\x03\x04"):
        names = {member.name for member in _members(content)}
        if "word/document.xml" in names:
            return "docx"
        if "xl/workbook.xml" in names:
            return "xlsx"
    return ""


# --- PDF

_ACTIVE = re.compile(
    rb"/(JavaScript|JS|Launch|EmbeddedFiles?|Filespec|RichMedia|XFA|SubmitForm|ImportData|GoToR|GoToE)(?![A-Za-z0-9])"
)
_INFLATED = 32 * 1024 * 1024


def _pdf(content: bytes, kind: FileType) -> None:
    end = content.rfind(b"%%EOF")
    if end < 0 or content[end + 5 :].strip(b"\r\n \t\0"):
        raise Unfit("document-malformed")
    if not re.search(rb"startxref\s+[0-9]+\s+$", content[:end]):
        raise Unfit("document-malformed")
    if re.search(rb"/Encrypt(?![A-Za-z0-9])", content):
        raise Unfit("document-locked")
    for text in (content, *_object_streams(content)):
        if _ACTIVE.search(_unescaped(text)):
            raise Unfit("document-active")


def _unescaped(text: bytes) -> bytes:
    """PDF names may hide behind #xx: /J#61vaScript is /JavaScript."""
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text) if b"#" in text else text


def _object_streams(content: bytes) -> Iterator[bytes]:
    """Compressed object streams, where names can hide too, told by their type or by the offset that readers go by.
    Raises Unfit for one that cannot be read."""
    plain = _unescaped(content)
    if any(plain.count(name) != content.count(name) for name in (b"/ObjStm", b"/First")):
        raise Unfit("document-active")  # nobody writes these names in disguise by chance
    budget, begin, view = _INFLATED, 0, memoryview(content)
    for found in re.finditer(rb"/ObjStm\b|/First\s*[0-9]+\s*(?=/|>>)", content):
        if found.end() < begin:
            continue  # a second mention before the same stream
        begin = content.find(b"stream", found.end())
        if begin < 0:
            raise Unfit("document-malformed")
        begin += 6
        begin += 2 if content[begin : begin + 2] == b"\r\n" else 1
        inflater = zlib.decompressobj()
        try:
            text = inflater.decompress(view[begin:], budget)
        except zlib.error:
            raise Unfit("document-malformed") from None
        if inflater.unconsumed_tail:
            raise Unfit("document-expands")
        budget -= len(text)
        yield text


# --- pictures


def _png(content: bytes, kind: FileType) -> None:
    at = 8
    seen: list[bytes] = []
    while at + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 4 : at + 8 + length]
        if at + 12 + length > len(content) or zlib.crc32(body) != int.from_bytes(
            content[at + 8 + length : at + 12 + length], "big"
        ):
            raise Unfit("document-malformed")
        if not seen:
            if name != b"IHDR" or length != 13:
                raise Unfit("document-malformed")
            width, height = struct.unpack(">II", body[4:12])
            _size(width, height, kind)
        seen.append(name)
        at += 12 + length
        if name == b"IEND":
            break
    if not seen or seen[-1] != b"IEND" or b"IDAT" not in seen or at != len(content):
        raise Unfit("document-malformed")


def _jpg(content: bytes, kind: FileType) -> None:
    at, sized = 2, False
    while True:
        if at + 4 > len(content) or content[at] != 0xFF:
            raise Unfit("document-malformed")
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(content):
            raise Unfit("document-malformed")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if length < 8:
                raise Unfit("document-malformed")
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            _size(width, height, kind)
            sized = True
        at += 2 + length
        if marker == 0xDA:  # the picture itself begins
            break
    if not sized or not content.endswith(b"\xff\xd9"):
        raise Unfit("document-malformed")


def _size(width: int, height: int, kind: FileType) -> None:
    if not 0 < width * height <= kind.limit("max_pixels"):
        raise Unfit("document-expands")


# --- Office files: ZIP containers read without trust in what they say about themselves


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    method: int
    crc: int
    packed: int
    size: int
    begin: int
    data: int
    described: bool


def _members(content: bytes) -> list[_Member]:
    """The members, if the container has one reading: one directory that ends the file, every member once, none
    overlapping, nothing between or before them. Raises Unfit."""
    end = len(content) - 22
    if end < 0 or content[end : end + 4] != b"PK\x05\x06":
        raise Unfit("document-malformed")
    disk, start_disk, here, total, size, offset, comment = struct.unpack("<4H2IH", content[end + 4 :])
    if disk or start_disk or here != total or comment or offset + size != end or total in (0, 0xFFFF):
        raise Unfit("document-malformed")
    found, at = [], offset
    for _ in range(total):
        if at + 46 > end or content[at : at + 4] != b"PK\x01\x02":
            raise Unfit("document-malformed")
        made, _, flags, method, _, _, crc, packed, full, name_length, extra, note, _, _, outside, begin = struct.unpack(
            "<6H3I5H2I", content[at + 4 : at + 46]
        )
        raw = content[at + 46 : at + 46 + name_length]
        if flags & 0x2041 or method not in (0, 8) or (made >> 8 == 3 and (outside >> 16) & 0o170000 == 0o120000):
            raise Unfit("document-malformed")  # a password, an exotic packing, a link
        local = content[begin : begin + 30]
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise Unfit("document-malformed")
        own_name, own_extra = struct.unpack("<2H", local[26:30])
        if content[begin + 30 : begin + 30 + own_name] != raw:
            raise Unfit("document-malformed")
        data = begin + 30 + own_name + own_extra
        found.append(_Member(_member_name(raw), method, crc, packed, full, begin, data, bool(flags & 8)))
        at += 46 + name_length + extra + note
    if at != end or len({member.name.lower() for member in found}) != len(found):
        raise Unfit("document-malformed")
    expected = 0
    for member in sorted(found, key=lambda member: member.begin):
        slack = member.begin - expected
        if slack < 0 or (slack > 0 and not (slack <= 24 and expected)):
            raise Unfit("document-malformed")
        expected = member.data + member.packed
    if not expected <= offset <= expected + 24:
        raise Unfit("document-malformed")
    return found


def _member_name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit("document-malformed") from None
    hostile = name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/") or not name.isprintable()
    if hostile or len(name) > 200:
        raise Unfit("document-malformed")
    return name


def _inflated(content: bytes, member: _Member, budget: int) -> bytes:
    """The member's bytes, if they are as many as declared, no more than `budget`, and match their checksum."""
    packed = content[member.data : member.data + member.packed]
    if member.size > budget:
        raise Unfit("document-expands")
    if member.method == 0:
        text = packed
    else:
        inflater = zlib.decompressobj(-15)
        try:
            text = inflater.decompress(packed, member.size + 1)
        except zlib.error:
            raise Unfit("document-malformed") from None
        if not inflater.eof or inflater.unused_data:
            raise Unfit("document-expands" if len(text) > member.size else "document-malformed")
    if len(text) != member.size or zlib.crc32(text) != member.crc:
        raise Unfit("document-malformed")
    return text


def _office(content: bytes, kind: FileType) -> None:
    members = _members(content)
    if len(members) > kind.limit("max_members"):
        raise Unfit("document-expands")
    if "[Content_Types].xml" not in {member.name for member in members}:
        raise Unfit("document-malformed")
    budget = kind.limit("max_expanded_bytes")
    for member in members:
        lowered = member.name.lower()
        if (
            re.search(r"vbaproject|/embeddings/|/activex/|\.(bin|exe|dll|js|vbs|zip|docx|xlsx|docm|xlsm)$", lowered)
            and "printersettings" not in lowered
        ):
            raise Unfit("document-active")
        text = _inflated(content, member, budget)
        budget -= len(text)
        if lowered.endswith((".xml", ".rels", ".vml")):
            _xml(text, relations=lowered.endswith(".rels"))


def _xml(text: bytes, relations: bool) -> None:
    """No entities, no document types, and only hyperlinks may point outside. Read as what it is in: one spelling of
    letters, so that nothing is said in another."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = text.decode("utf-16", "replace").encode()
    stated = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", text)
    if b"\0" in text or (stated and stated[1].lower() not in (b"utf-8", b"utf-16", b"us-ascii")):
        raise Unfit("document-malformed")
    if re.search(rb"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE) or re.search(rb"macroEnabled", text):
        raise Unfit("document-active")
    if relations:
        _relations(text)


def _relations(text: bytes) -> None:
    """What the file refers to, read by a parser: blanks, prefixes and character references hide nothing from it."""

    def begin(name: str, said: dict[str, str]) -> None:
        inside = said.get("TargetMode", "Internal").strip().lower() == "internal"
        if name.rpartition(":")[2] == "Relationship" and not inside and not said.get("Type", "").endswith("/hyperlink"):
            raise Unfit("document-active")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = begin
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise Unfit("document-malformed") from None


_CHECKS = {"pdf": _pdf, "png": _png, "jpg": _jpg, "docx": _office, "xlsx": _office}
