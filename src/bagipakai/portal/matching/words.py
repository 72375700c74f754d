"""What lists and groups of persons are called, and how a share is written: never as all or nothing unless it is."""

import math
from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from bagipakai.core.matching_quality import LABELLED, Share

NBSP = "\u00a0"  # a figure stays with its unit
AMONG = 10_000  # rows, by which an error is told

KINDS: Mapping[str, Promise] = {
    "typical": gettext_lazy("Daftar biasa"),
    "dense": gettext_lazy("Daerah padat"),
    "no_nik": gettext_lazy("Daftar tanpa NIK"),
    "dirty": gettext_lazy("Daftar yang banyak salahnya"),
    "excel": gettext_lazy("Daftar yang dirusak Excel"),
    "old": gettext_lazy("Daftar lama, ejaan lama"),
    LABELLED: gettext_lazy("Daftar orang, dinilai penelaah"),
}
QUESTIONS: Mapping[str, Promise] = {
    "province": gettext_lazy("Provinsi"),
    "sex": gettext_lazy("Jenis kelamin"),
    "age": gettext_lazy("Umur"),
    "words_of_the_name": gettext_lazy("Banyaknya kata dalam nama"),
    "date_of_birth": gettext_lazy("Tanggal lahir"),
    "twins": gettext_lazy("Kelahiran"),
}
ANSWERS: Mapping[str, Mapping[str, Promise]] = {
    "sex": {"L": gettext_lazy("Laki-laki"), "P": gettext_lazy("Perempuan")},
    "age": {
        "00-04": gettext_lazy("0–4 tahun"),
        "05-17": gettext_lazy("5–17 tahun"),
        "18-29": gettext_lazy("18–29 tahun"),
        "30-59": gettext_lazy("30–59 tahun"),
        "60+": gettext_lazy("60 tahun ke atas"),
    },
    "words_of_the_name": {"one": gettext_lazy("Satu kata"), "several": gettext_lazy("Dua kata atau lebih")},
    "date_of_birth": {
        "default": gettext_lazy("Tanggal pengganti, seperti 1 Januari"),
        "other": gettext_lazy("Tanggal lain"),
    },
    "twins": {"twin": gettext_lazy("Kembar"), "other": gettext_lazy("Bukan kembar")},
}


def answer(question: str, code: str, provinces: Mapping[str, str]) -> str:
    """A group of persons by its name. `provinces`: names by code; one that is not there is told by its code."""
    if question != "province":
        return str(ANSWERS[question][code])
    return provinces.get(code) or _("Provinsi %(code)s") % {"code": code}


def count(many: int) -> str:
    return number_format(many, 0, force_grouping=True)


def decimal(amount: float, places: int) -> str:
    """Rounded: number_format cuts off."""
    return number_format(f"{amount:.{places}f}", places, force_grouping=True)


def percent(share: float, places: int = 2) -> str:
    """99,61 %; never 100 or 0 for what is not quite."""
    least = 10.0 ** -(places + 2)
    if 0 < share < least:
        return _("kurang dari %(share)s") % {"share": percent(least, places)}
    if 1 - least < share < 1:
        return _("lebih dari %(share)s") % {"share": percent(1 - least, places)}
    return decimal(100 * share, places) + sign()


def between(ends: tuple[float, float], places: int = 2) -> str:
    """Where a share surely lies, rounded away from it: 99,47–99,66 %."""
    low, high = outward(ends, 100, places)
    return f"{low}–{high}{sign()}"


def outward(ends: tuple[float, float], times: int, places: int) -> tuple[str, str]:
    """The two ends of a range, so many `times`, the lower rounded down and the upper up."""
    low, high = (times * 10**places * end for end in ends)
    return decimal(math.floor(low) / 10**places, places), decimal(math.ceil(high) / 10**places, places)


def sign() -> str:
    """Of a percentage, as the language sets it."""
    return "%" if get_language() == "en" else f"{NBSP}%"


def among(share: Share) -> str:
    """How many of AMONG: "3"; a word for what is not quite none."""
    many = AMONG * share.at
    if 0 < many < 0.5:
        return _("kurang dari 1")
    return count(round(many))


def small(title: str) -> str:
    """As it stands within a sentence."""
    return title[:1].lower() + title[1:]
