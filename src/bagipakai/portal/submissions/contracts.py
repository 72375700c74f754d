"""A data contract in words: what each column means, what may stand in it, and two files to begin with."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bagipakai.control import clock
from bagipakai.core.sources import Agreed, Contract, Sources
from bagipakai.core.variables import Catalogue, Type
from bagipakai.portal.pages.refused import lang


@dataclass(frozen=True, slots=True)
class Told:
    """One column as a page and the dictionary tell it. `codes`: each code with its meaning."""

    name: str
    title: str
    meaning: str
    kind: str
    required: bool
    codes: tuple[tuple[str, str], ...]


def title(contract: Contract) -> str:
    """What a source is called, in the reader's language."""
    return contract.english if lang() == "en" else contract.title


def titled(source: str) -> str:
    """What a source is called; its code where no contract is in force for it."""
    found = Sources.on(clock.today()).get(source)
    return source if found is None else title(found)


def columns(contract: Contract) -> list[Told]:
    """The columns in the contract's order, in the reader's language as far as the catalogue has it."""
    catalogue = Catalogue.on(contract.since)
    return [_told(one, catalogue, contract) for one in contract.columns]


def template(contract: Contract) -> bytes:
    """An empty file to fill: UTF-8, comma, one line with the names of the columns."""
    return _csv([contract.names])


def dictionary(contract: Contract) -> bytes:
    """The same columns in words, as a file."""
    head = (_("kolom"), _("nama"), _("arti"), _("isi"), _("wajib"), _("kode"))
    lines = (
        (
            one.name,
            one.title,
            one.meaning,
            one.kind,
            _("ya") if one.required else _("tidak"),
            "; ".join(f"{code} = {meaning}" if meaning else code for code, meaning in one.codes),
        )
        for one in columns(contract)
    )
    return _csv([head, *lines])


def _told(one: Agreed, catalogue: Catalogue, contract: Contract) -> Told:
    known = one.name in catalogue
    variable = catalogue[one.name] if known else None  # one that it has not raises, and not as `get` expects
    name = variable.title(lang()) if variable else one.name.replace("_", " ").capitalize()
    meaning = variable.definition if variable else ""
    if one.required:  # the catalogue speaks of all families; in this column nothing is empty
        meaning = re.sub(r"; kosong bila [^;.]*", "", meaning)
    labels = variable.codes if variable is not None else None
    codes = tuple((code, labels.label(code, lang()) if labels else "") for code in one.codes or ())
    return Told(one.name, name, meaning, _kind(one, contract), one.required, codes)


def _kind(one: Agreed, contract: Contract) -> str:
    """What may stand in a column, in words."""
    match one.type:
        case Type.DATE:
            order = _("tahun-bulan-hari, misalnya 2026-03-31")
            return _("tanggal: ") + (order if contract.dates == "ymd" else _("hari-bulan-tahun, misalnya 31-03-2026"))
        case Type.BOOLEAN:
            return _("ya atau tidak: %(yes)s atau %(no)s") % {"yes": contract.yes[0], "no": contract.no[0]}
        case Type.INTEGER:
            return _("bilangan bulat") + _between(one)
    if one.check == "region":
        return _("kode wilayah Kemendagri tanpa titik, sebagai teks")
    if one.is_number:
        return _("%(count)s angka, sebagai teks") % {"count": one.lengths}
    if one.codes is not None:
        return _("salah satu kode")
    if one.pattern is not None:
        return _("%(count)s huruf dan angka") % {"count": one.lengths}
    return _("teks, paling panjang %(most)s huruf") % {"most": one.longest}


def _between(one: Agreed) -> str:
    if one.low is not None and one.high is not None:
        return _(" dari %(low)s sampai %(high)s") % {"low": one.low, "high": one.high}
    if one.low is not None:
        return _(", paling kecil %(low)s") % {"low": one.low}
    return _(", paling besar %(high)s") % {"high": one.high} if one.high is not None else ""


def _csv(lines: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue().encode("utf-8")
