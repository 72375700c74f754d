"""Small sealed packages, and every way we know to spoil one."""

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyrage

from bagipakai.core.canonical import canonical
from bagipakai.core.envelope import Signer, seal
from bagipakai.core.exchange import Step, StepDone
from bagipakai.core.manifest import MANIFEST_KIND, MANIFEST_NAME, DeliveredColumn, Kind, Manifest, fingerprint
from bagipakai.core.plan import Area, Asked, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.registry import formats, package
from bagipakai.registry.pseudonyms import SCHEME

DAY = date(2026, 11, 26)
SEAL = Signer.new()
OURS = pyrage.x25519.Identity.generate()
OTHERS = pyrage.x25519.Identity.generate()


def a_plan(**changes: Any) -> Plan:
    """An approved L4 plan for the social office of Kabupaten Bogor."""
    key = str(OURS.to_public())
    plan = Plan(
        request="P-2026-0001",
        purpose="perlindungan-sosial",
        programme="Program Sembako Daerah",
        legal_basis="UU 27/2022 Pasal 20 ayat (2) huruf e",
        level=Level.L4,
        unit=Unit.INDIVIDU,
        release="2026.3.0",
        rolling=False,
        area=Area(("3201",), "Kepmendagri 300.2.2-2138/2025"),
        population=None,
        variables=(Asked("nik", "penyaluran"), Asked("nama", "penyaluran"), Asked("desil", "sasaran")),
        protections=Protections(),
        format=Format.CSV,
        channel="unduh",
        recipient=Recipient("dinsos-3201", "Dinas Sosial Kabupaten Bogor", key, fingerprint(key), "3201"),
        onward_sharing=False,
        ends_on=date(2027, 6, 30),
    )
    return replace(plan, **changes)


def a_key_file(file: Path, content: bytes = f"{OURS}\n".encode()) -> Path:
    """A key file as `keygen` leaves it: for its owner only."""
    file.touch(0o600)
    file.write_bytes(content)
    return file


def rows_of(count: int) -> pa.RecordBatch:
    numbers = range(count)
    return pa.record_batch(
        {
            "nik": [f"32010145038{n + 1:05d}" for n in numbers],
            "nama": [f'Orang, {n}\n"baris"' if n % 3 == 0 else f"Orang {n}" for n in numbers],
            "desil": [n % 10 + 1 for n in numbers],
        }
    )


@dataclass
class Made:
    """A package on disk, and the manifest it was sealed with."""

    folder: Path
    manifest: Manifest


def a_package(
    place: Path,
    *,
    form: Format = Format.CSV,
    rows: int = 100,
    limit: int = 2000,
    sheet_rows: int = 20,
    order: str = "O-1",
    signer: Signer = SEAL,
    change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    **changes: Any,
) -> Made:
    """A sealed package of `rows` people, cut into several parts."""
    plan = a_plan(format=form, **changes)
    name = package.package_id(order)
    limit = 10_000_000 if form is Format.XLSX else limit
    with package.private(place / "workspace") as workspace:
        to = pyrage.x25519.Recipient.from_str(plan.recipient.key)
        with package.Draft(workspace / name, to, form, limit=limit, sheet_rows=sheet_rows) as draft:
            batch = rows_of(rows)
            guarded = formats.writer(form)(iter([batch]), batch.schema, draft)
            draft.describe(Kind.DICTIONARY, b'"nama","arti"\n"nik","Nomor"\n"nama","Nama"\n"desil","Desil"\n', 3)
            draft.describe(Kind.METADATA, b"{}", 0)
            parts = draft.parts()
        now = datetime(2026, 11, 26, tzinfo=UTC)
        manifest = change(
            Manifest(
                package=name,
                order=order,
                request=plan.request,
                decision="d" * 64,
                agreement="a" * 64,
                policy="p" * 64,
                plan=plan,
                release="2026.3.0",
                release_digest="e" * 64,
                standard="DTSEN-STD 2026.1",
                region_system="KEMENDAGRI",
                region_edition=plan.area.edition,
                columns=tuple(
                    DeliveredColumn(one, kind, "GENERAL")
                    for one, kind in (("nik", "text"), ("nama", "text"), ("desil", "integer"))
                ),
                rows=rows,
                hidden_cells=0,
                content_digest="c" * 64,
                disclosure_method="",
                smallest_cell=0,
                pseudonym_scheme=SCHEME,
                random_ids={},
                guarded=dict(guarded),
                parts=parts,
                processing=(StepDone(Step.SELECTION, now, now, {"rows": rows}),),
                created_at=now,
                expires_on=plan.ends_on,
                destroy_by=plan.ends_on,
            )
        )
        final = place / "packages" / name
        package.publish(workspace / name, seal(MANIFEST_KIND, manifest.to_json(), signer), final)
    return Made(final, manifest)


# One way to spoil a package each, and the code with which it must be refused. A spoiler takes the package and an empty
# folder, and returns where the spoiled package is.

Spoiler = Callable[[Made, Path], Path]


def _file(made: Made, number: int = 0) -> Path:
    return made.folder / made.manifest.parts[number].name


def _edited(change: Callable[[bytes], bytes], number: int = 0) -> Spoiler:
    def spoil(made: Made, _: Path) -> Path:
        _file(made, number).write_bytes(change(_file(made, number).read_bytes()))
        return made.folder

    return spoil


def _resealed(**changes: Any) -> Spoiler:
    """Sealed by the true seal, so that only later checks can notice."""

    def spoil(made: Made, _: Path) -> Path:
        manifest = replace(made.manifest, **{name: change(made.manifest) for name, change in changes.items()})
        (made.folder / MANIFEST_NAME).write_bytes(seal(MANIFEST_KIND, manifest.to_json(), SEAL))
        return made.folder

    return spoil


def _part(number: int, **changes: Any) -> Callable[[Manifest], Any]:
    def parts(manifest: Manifest) -> Any:
        found = list(manifest.parts)
        told = {name: value(found[number]) if callable(value) else value for name, value in changes.items()}
        found[number] = replace(found[number], **told)
        return tuple(found)

    return parts


def _foreign_part(made: Made, place: Path) -> Path:
    other = a_package(place, order="O-2")
    size = made.manifest.parts[0].sealed_bytes  # age adds a header of random length
    _file(made).write_bytes((_file(other).read_bytes() * 2)[:size])
    return made.folder


def _foreign_manifest(made: Made, place: Path) -> Path:
    other = a_package(place, order="O-2", rows=300)
    shutil.copyfile(other.folder / MANIFEST_NAME, made.folder / MANIFEST_NAME)
    return made.folder


def _swapped(made: Made, _: Path) -> Path:
    first, second = _file(made, 0), _file(made, 1)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    return made.folder


def _removed(made: Made, _: Path) -> Path:
    _file(made, 1).unlink()
    return made.folder


def _extra(name: str) -> Spoiler:
    def spoil(made: Made, _: Path) -> Path:
        (made.folder / name).write_bytes(b"x")
        return made.folder

    return spoil


def _linked(made: Made, place: Path) -> Path:
    target = place / "elsewhere"
    _file(made).rename(target)
    _file(made).symlink_to(target)
    return made.folder


def _directory(made: Made, _: Path) -> Path:
    _file(made).unlink()
    _file(made).mkdir()
    return made.folder


def _zipped(made: Made, place: Path) -> Path:
    archive = place / "paket.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in made.folder.iterdir():
            out.write(file, file.name)
    return archive


def _without_manifest(made: Made, _: Path) -> Path:
    (made.folder / MANIFEST_NAME).unlink()
    return made.folder


def _manifest_bytes(change: Callable[[bytes], bytes]) -> Spoiler:
    def spoil(made: Made, _: Path) -> Path:
        file = made.folder / MANIFEST_NAME
        file.write_bytes(change(file.read_bytes()))
        return made.folder

    return spoil


def _sealed_value(change: Callable[[dict[str, Any]], object]) -> Spoiler:
    """Any JSON value, under the true seal."""

    def spoil(made: Made, _: Path) -> Path:
        value = made.manifest.to_json()
        change(value)
        (made.folder / MANIFEST_NAME).write_bytes(seal(MANIFEST_KIND, value, SEAL))
        return made.folder

    return spoil


def _content_of(number: int, content: Callable[[bytes], bytes]) -> Spoiler:
    """A part whose sealed digest is true but whose content is not what the manifest states: only opening can tell."""

    def spoil(made: Made, place: Path) -> Path:
        plain = pyrage.decrypt(_file(made, number).read_bytes(), [OURS])
        sealed = pyrage.encrypt(content(plain), [OURS.to_public()])
        _file(made, number).write_bytes(sealed)
        change = _part(number, sealed_bytes=len(sealed), sealed_sha256=hashlib.sha256(sealed).hexdigest())
        return _resealed(parts=change)(made, place)

    return spoil


def _sealed_as(how: Callable[[bytes], bytes]) -> Spoiler:
    """The first part sealed otherwise, and digests to fit."""

    def spoil(made: Made, place: Path) -> Path:
        sealed = how(pyrage.decrypt(_file(made).read_bytes(), [OURS]))
        _file(made).write_bytes(sealed)
        change = _part(0, sealed_bytes=len(sealed), sealed_sha256=hashlib.sha256(sealed).hexdigest())
        return _resealed(parts=change)(made, place)

    return spoil


def _cut_and_resealed(made: Made, place: Path) -> Path:
    """Truncated behind the first chunk, with digests made to fit: the cipher itself must notice."""
    sealed = _file(made).read_bytes()[:-20]
    _file(made).write_bytes(sealed)
    change = _part(0, sealed_bytes=len(sealed), sealed_sha256=hashlib.sha256(sealed).hexdigest())
    return _resealed(parts=change)(made, place)


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at `path` (its last element) in a manifest's JSON."""
    *steps, last, value = path

    def change(data: Any) -> None:
        for step in steps:
            data = data[step]
        data[last] = value

    return change


SPOILED: dict[str, tuple[Spoiler, str]] = {
    "a zip archive": (_zipped, "package-not-a-folder"),
    "no manifest": (_without_manifest, "manifest-missing"),
    "empty manifest": (_manifest_bytes(lambda _: b""), "seal-mismatch"),
    "truncated manifest": (_manifest_bytes(lambda text: text[: len(text) // 2]), "seal-mismatch"),
    "manifest with one letter changed": (
        _manifest_bytes(lambda text: text.replace(b"payloadType", b"payloadTypf")),
        "seal-mismatch",
    ),
    "manifest that repeats a key": (
        _manifest_bytes(lambda text: text[:-1] + b',"payload":"e30="}'),
        "seal-mismatch",
    ),
    "huge manifest": (_manifest_bytes(lambda text: text + b" " * 5_000_000), "manifest-malformed"),
    "unsigned manifest": (_manifest_bytes(lambda _: canonical({"payload": "e30=", "signatures": []})), "seal-mismatch"),
    "manifest of another package": (_foreign_manifest, "file-missing"),
    "unknown field in the manifest": (_sealed_value(_set("remark", "x")), "manifest-malformed"),
    "number where a name belongs": (_sealed_value(_set("parts", 0, "name", 7)), "manifest-malformed"),
    "unknown suite": (_sealed_value(_set("suite", "rot13")), "manifest-malformed"),
    "plan that is not the one of its digest": (_sealed_value(_set("plan", "channel", "surel")), "manifest-malformed"),
    "key that is not the one of its fingerprint": (
        _sealed_value(_set("plan", "recipient", "fingerprint", "0" * 64)),
        "manifest-malformed",
    ),
    "name that leaves the folder": (
        _resealed(parts=_part(0, name="../bagian-0001.csv.age")),
        "manifest-malformed",
    ),
    "absolute name": (_resealed(parts=_part(0, name="/bagian-0001.csv.age")), "manifest-malformed"),
    "name with an end of line": (_resealed(parts=_part(0, name="bagian-0001.csv.age\n")), "manifest-malformed"),
    "name of another format": (_resealed(parts=_part(0, name="bagian-0001.xlsx.age")), "manifest-malformed"),
    "name twice": (_resealed(parts=_part(1, name="bagian-0001.csv.age")), "manifest-malformed"),
    "order that jumps": (_resealed(parts=_part(1, order=7)), "manifest-malformed"),
    "negative size": (_resealed(parts=_part(0, content_bytes=-1)), "manifest-malformed"),
    "part beyond the limit": (_resealed(parts=_part(0, content_bytes=2**40)), "manifest-malformed"),
    "rows that do not add up": (_resealed(rows=lambda manifest: manifest.rows + 1), "manifest-malformed"),
    "no part": (_resealed(parts=lambda _: ()), "manifest-malformed"),
    "part dropped from the manifest": (
        _resealed(parts=lambda manifest: manifest.parts[:-1]),
        "manifest-malformed",
    ),
    "expired": (_resealed(expires_on=lambda _: date(2026, 11, 25)), "package-expired"),
    "part missing": (_removed, "file-missing"),
    "part truncated": (_edited(lambda content: content[:-1]), "part-shortened"),
    "part emptied": (_edited(lambda _: b""), "part-shortened"),
    "part extended": (_edited(lambda content: content + b"x"), "part-extended"),
    "bit flipped": (_edited(lambda content: content[:-1] + bytes([content[-1] ^ 1])), "part-altered"),
    "bit flipped in the dictionary": (
        _edited(lambda content: bytes([content[0] ^ 1]) + content[1:], -2),
        "part-altered",
    ),
    "part of another package": (_foreign_part, "part-altered"),
    "two parts swapped": (_swapped, "part-swapped"),
    "file that is not listed": (_extra("catatan.txt"), "file-extra"),
    "hidden file that is not listed": (_extra(".tersembunyi"), "file-extra"),
    "file with a hostile name": (_extra("a\x1b[2J\n" + "b" * 200), "file-extra"),
    "link instead of a part": (_linked, "file-not-plain"),
    "folder instead of a part": (_directory, "file-not-plain"),
    "not encrypted at all": (_sealed_as(lambda _: b"nik\n1\n"), "part-unreadable"),
    "sealed to a second key": (
        _sealed_as(lambda plain: pyrage.encrypt(plain, [OURS.to_public(), OTHERS.to_public()])),
        "part-for-others",
    ),
    "sealed twice to the same key": (
        _sealed_as(lambda plain: pyrage.encrypt(plain, [OURS.to_public()] * 2)),
        "part-for-others",
    ),
    "sealed by a word": (_sealed_as(lambda plain: pyrage.passphrase.encrypt(plain, "sandi")), "part-for-others"),
}

# These pass every check that needs no plaintext; opening must refuse them.
SPOILED_INSIDE: dict[str, tuple[Spoiler, str]] = {
    "sealed to another key": (
        _sealed_as(lambda plain: pyrage.encrypt(plain, [OTHERS.to_public()])),
        "part-unreadable",
    ),
    "cut, with digests to fit": (_cut_and_resealed, "part-unreadable"),
    "more content than declared": (_content_of(1, lambda plain: plain + b"x" * 3_000_000), "content-too-long"),
    "less content than declared": (_content_of(1, lambda plain: plain[:-5]), "content-altered"),
    "other content of the same size": (
        _content_of(1, lambda plain: plain.replace(b"3201", b"3202")),
        "content-altered",
    ),
    "rows moved between parts": (
        _resealed(
            parts=lambda manifest: (
                replace(manifest.parts[0], rows=manifest.parts[0].rows - 1),
                replace(manifest.parts[1], rows=manifest.parts[1].rows + 1),
                *manifest.parts[2:],
            )
        ),
        "rows-differ",
    ),
}
