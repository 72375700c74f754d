"""How the registry read a list, in words: its columns, how far each is filled, and what was found in which rows."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bagipakai.control import wording
from bagipakai.core.intake import Finding
from bagipakai.core.refusal import Refusal
from bagipakai.core.roster_orders import Heading, RosterReceipt
from bagipakai.core.rosters import COLUMNS, Roster, Status
from bagipakai.portal.pages.refused import lang, sentence

NO_COLUMN = "list-has-no-usable-column"
OF_COLUMNS = {  # refusals that may come of columns taken for something else
    NO_COLUMN,
    "list-column-stands-twice",
    "list-column-is-missing",
    "list-column-has-another-type",
    "roster-repeats-one-number",
    "roster-counts-numbers-up",
    "roster-tries-dates",
}
WORDS: dict[str, Promise] = {
    "list_id": gettext_lazy("pengenal baris di daftar Anda"),
    "nik": gettext_lazy("NIK"),
    "no_kk": gettext_lazy("nomor KK"),
    "nama": gettext_lazy("nama"),
    "jenis_kelamin": gettext_lazy("jenis kelamin"),
    "tanggal_lahir": gettext_lazy("tanggal lahir"),
    "nama_ibu": gettext_lazy("nama ibu kandung"),
    "alamat": gettext_lazy("alamat"),
    "rt": gettext_lazy("RT"),
    "rw": gettext_lazy("RW"),
    "kode_desa": gettext_lazy("kode desa atau kelurahan"),
    "kode_kec": gettext_lazy("kode kecamatan"),
    "kode_kab": gettext_lazy("kode kabupaten atau kota"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list. `choices`: value, words and whether it is chosen, where a meaning can be chosen at all;
    `filled`: in how many rows, nothing where the column is not used."""

    name: str
    place: int
    meaning: str
    choices: tuple[tuple[str, str, bool], ...]
    filled: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the registry told of a list. `found`: column, sentence and number of rows of each finding; `cut`: one of the
    headings was too long to be told whole (registry.matching.headings)."""

    rows: int
    columns: tuple[Column, ...]
    found: tuple[tuple[str, str, int], ...]
    cut: bool


def words() -> dict[str, str]:
    """The standard columns in the reader's language."""
    return {column: str(WORDS[column]) for column in COLUMNS}


def told(state: Roster, receipt: RosterReceipt | None, chosen: list[str] | None) -> Reading | None:
    """What is shown of the receipt; None while there is none. `chosen`: what was chosen on the page and refused."""
    if receipt is None:
        return None
    columns = tuple(_column(place, receipt, chosen) for place in range(len(receipt.headings)))
    found = tuple((words().get(one.column, ""), _found(one), one.rows) for one in receipt.findings)
    return Reading(receipt.rows, columns, found, any("… (" in one.name for one in columns))


def may_help(state: Roster) -> bool:
    """Whether another choice of columns can mend what the list was refused for; always, where it was read."""
    refusal = state.outcome.refusal if state.outcome else ""
    return not refusal or refusal in OF_COLUMNS


def why_not(state: Roster, receipt: RosterReceipt | None) -> str:
    """Why nothing of it is kept, in words; nothing where it is."""
    if state.status is not Status.RETURNED or state.outcome is None:
        return ""
    code = state.outcome.refusal
    if code == NO_COLUMN and not any(_can_be_chosen(one) for one in (receipt.headings if receipt else ())):
        code = "list-has-no-heading"
    about = {"file": state.file.name if state.file else "", **(dict(receipt.detail) if receipt else {})}
    return _said(code, about)


def _column(place: int, receipt: RosterReceipt, chosen: list[str] | None) -> Column:
    one = receipt.headings[place]
    now = one.meaning if chosen is None else chosen[place]
    offered = (("", _("tidak dipakai")), *words().items())
    choices = tuple((value, word, value == now) for value, word in offered) if _can_be_chosen(one) else ()
    filled = _share(one.filled, receipt.rows) if one.meaning and receipt.rows else ""
    return Column(one.name, place, words().get(one.meaning, _("tidak dipakai")), choices, filled)


def _can_be_chosen(one: Heading) -> bool:
    return any(letter.isalnum() for letter in one.name)


def _share(filled: int, rows: int) -> str:
    if filled == rows:
        return _("semua baris")
    share = {"n": wording.number(filled, lang()), "percent": 100 * filled // rows}
    return _("%(n)s baris (%(percent)s %%)") % share


def _found(one: Finding) -> str:
    rows = [str(row) for _file, row in one.first]
    more = ["…"] if one.rows > len(rows) else []
    return _said(
        one.rule,
        {
            "column": one.column,
            "count": wording.number(one.rows, lang()),
            "rows": ", ".join([*rows, *more]),
            **dict(one.detail),
        },
    )


def _said(code: str, detail: dict[str, Any]) -> str:
    """The sentence of a code; the bare code of one that has none."""
    try:
        return sentence(Refusal(code, detail), words())
    except KeyError:
        return code
