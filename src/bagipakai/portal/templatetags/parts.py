"""The parts of a page that need more than an include: words of the law, days in words, boxes around other content."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from bagipakai.control import filetypes, forms
from bagipakai.control.models import Request
from bagipakai.portal import glossary

register = template.Library()

# --- words ---------------------------------------------------------------------------------------------------------


@register.simple_tag
def istilah(identifier: str, kind: str = "") -> str:
    """The law's term for `identifier`, in the reader's language."""
    return glossary.term(identifier, kind).label


@register.filter
def definisi(identifier: str, kind: str = "") -> str:
    """What the term means, in one plain sentence."""
    return glossary.term(identifier, kind).meaning


@register.filter(name="istilah")
def istilah_filter(identifier: str, kind: str = "") -> str:
    """The term, where a tag cannot stand (inside another tag's argument)."""
    return glossary.term(identifier, kind).label


@register.simple_tag
def status(identifier: str, kind: str = "status") -> SafeString:
    """A status as a tag: a word first, and the glossary's sentiment as its colour."""
    entry = glossary.term(identifier, kind)
    return format_html('<span class="tag tag--{}">{}</span>', entry.sentiment, entry.label)


@register.filter
def product(request: Request) -> str:
    """What is asked for, in a word for a table: matching, or the level; nothing while none is chosen."""
    matching = forms.version(request.form).service is forms.Service.MATCHING
    return glossary.term("MATCHING", "service").label if matching else request.level


@register.filter
def told(pair: Any) -> str:
    """Data that carry both languages (`{"id": …, "en": …}`), in the reader's; plain text stays as it is."""
    if isinstance(pair, Mapping):
        return str(pair.get(get_language() or "id") or pair["id"])
    return str(pair)


WORKING_PAPERS = re.compile(
    r"acuan (hukum|bidang data|kepercayaan|pemadanan)|keputusan ([0-9]{4}|tentang)|[RST]-?[0-9]|[0-9., ]+$|I$",
    re.IGNORECASE,
)


@register.filter
def dasar(basis: str) -> str:
    """The source of a rule as a reader can look it up: without the numbers and marks of our own working papers."""
    told = re.sub(r"(belum ada)(?: pasal)?[,:] lihat keputusan [0-9]{4}(?: dan [0-9]{4})*", r"\1 pasal", basis)
    parts = [re.sub(r"\s*\([A-D]\)", "", part).strip() for part in told.split(";")]
    public = [part for part in parts if part and not WORKING_PAPERS.match(part)]
    return "; ".join(public) or _("aturan kerja Berbagipakai; belum ada pasal")


@register.filter
def listed(values: Any) -> str:
    """A set of codes in order: L1, L2, L4."""
    return ", ".join(sorted(values))


# --- time and number -----------------------------------------------------------------------------------------------


@register.filter
def day(value: date | datetime | None) -> str:
    """22 November 2026; a dash where there is none."""
    if value is None:
        return "–"
    moment = timezone.localtime(value) if isinstance(value, datetime) else value
    return formats.date_format(moment, "j F Y", use_l10n=False)


def instant_text(value: datetime) -> str:
    """22 November 2026, 14.05 WIB."""
    local = timezone.localtime(value)
    clock = formats.date_format(local, "H:i" if get_language() == "en" else "H.i", use_l10n=False)
    return f"{day(local)}, {clock} WIB"


@register.filter
def instant(value: datetime | None) -> SafeString | str:
    """The same in a <time> that a machine can read; a dash where there is none."""
    if value is None:
        return "–"
    machine = timezone.localtime(value).isoformat(timespec="minutes")
    return format_html('<time datetime="{}">{}</time>', machine, instant_text(value))


@register.filter
def until(value: datetime | None) -> str:
    """The moment a right ends. At midnight that is the end of the day before: 30 Juni 2027, 24.00 WIB."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    if (local.hour, local.minute) != (0, 0):
        return instant_text(value)
    return f"{day(local - timedelta(minutes=1))}, {'24:00' if get_language() == 'en' else '24.00'} WIB"


@register.filter
def due(value: date | None) -> str:
    """A due day in words: lewat 2 hari · hari ini · besok · dalam 5 hari."""
    if value is None:
        return "–"
    left = (value - timezone.localdate()).days
    if left < 0:
        return ngettext("lewat %(n)s hari", "lewat %(n)s hari", -left) % {"n": -left}
    if left < 2:
        return _("besok") if left else _("hari ini")
    return ngettext("dalam %(n)s hari", "dalam %(n)s hari", left) % {"n": left}


@register.filter
def due_sentiment(value: date | None) -> str:
    """The colour that goes with `due`: only what is late or nearly late has one."""
    if value is None:
        return "plain"
    left = (value - timezone.localdate()).days
    return "negative" if left < 0 else "warning" if left < 2 else "plain"


@register.filter
def size(value: int) -> str:
    """Bytes as kB, MB or GB with one decimal, which a round limit does without."""
    for unit, power in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= power:
            return f"{formats.number_format(value / power, 1 if value % power else 0)} {unit}"
    return f"{value} B"


# --- files ---------------------------------------------------------------------------------------------------------


@register.simple_tag
def accepted_files() -> str:
    """Which files may be handed in and how large each may be, as `policies/documents.toml` has it today."""
    limits: dict[int, list[str]] = {}
    for kind in filetypes.accepted(timezone.localdate()).values():
        limits.setdefault(kind.max_bytes // 1_048_576, []).append(kind.short)
    told = [
        _("%(types)s paling besar %(most)s MB") % {"types": ", ".join(types), "most": most}
        for most, types in limits.items()
    ]
    return _(
        "%(types)s. Isi berkas diperiksa lebih dulu; yang berkata sandi, memuat makro, atau memuat berkas lain "
        "tidak diterima."
    ) % {"types": "; ".join(told)}


@register.simple_tag
def accepted_endings() -> str:
    """The same for a file field: what the chooser of the browser offers first."""
    known = filetypes.accepted(timezone.localdate())
    return ",".join(f".{ending}" for ending in (*known, *(["jpeg"] if "jpg" in known else [])))


# --- boxes ---------------------------------------------------------------------------------------------------------


@register.simple_block_tag
def notice(content: str, kind: str = "info", word: str = "") -> SafeString:
    """A box that says something of one of four kinds: info, positive, warning, negative. The word comes first."""
    kind = {"success": "positive", "error": "negative"}.get(kind, kind)  # Django's words for its messages
    words = {"info": _("Informasi"), "positive": _("Berhasil"), "warning": _("Penting"), "negative": _("Masalah")}
    return format_html(
        '<div class="notice notice--{}"><p class="notice__word">{}</p>{}</div>', kind, word or words[kind], content
    )


@register.simple_block_tag
def wide(content: str, name: str) -> SafeString:
    """A box in which a wide table scrolls by itself; reachable by keyboard, with a name for a screen reader. Where
    there is no room for columns, each row becomes a card, and each cell is told by its column (parts.css)."""
    table = mark_safe(_named_cells(content))  # noqa: S308 - what the template made, with its own headings repeated
    return format_html('<div class="table-box" role="region" tabindex="0" aria-label="{}">{}</div>', name, table)


def _named_cells(table: str) -> str:
    """The table, each cell of its body carrying the heading of its column in `data-column`."""
    headings = [strip_tags(one).replace('"', "&quot;") for one in re.findall(r'<th scope="col".*?>(.*?)</th>', table)]
    head, body = table.split("<tbody>", 1)

    def named(row: re.Match[str]) -> str:
        names = iter(headings)
        return re.sub(r"<t[hd](?=[ >])", lambda cell: f'{cell[0]} data-column="{next(names, "")}"', row[0])

    return f"{head}<tbody>{re.sub('<tr.*?</tr>', named, body, flags=re.DOTALL)}"


@register.inclusion_tag("parts/field.html")
def field(bound: Any, asked: bool = False) -> dict[str, Any]:
    """One form field with its label, hint and error. `asked`: the label is the page's heading."""
    return {"field": bound, "asked": asked, "choices": getattr(bound.field.widget, "input_type", "")}


@register.inclusion_tag("parts/error_summary.html")
def error_summary(*forms: Any) -> dict[str, Any]:
    """What is wrong, above the heading, in the words that stand at the fields. Nothing when nothing is wrong."""
    found = [form for form in forms if form and form.is_bound and form.errors]
    return {
        "wrong": [(bound, bound.errors) for form in found for bound in form if bound.errors],
        "general": [error for form in found for error in form.non_field_errors()],
    }


@register.inclusion_tag("parts/summary_list.html")
def summary_list(rows: Any, tight: bool = False) -> dict[str, Any]:
    """Questions and answers. A row is a `shapes.Row`."""
    return {"rows": rows, "tight": tight}


@register.inclusion_tag("parts/task_list.html")
def task_list(tasks: Any) -> dict[str, Any]:
    """What is to be done, in any order. A task is a `shapes.Task`."""
    return {"tasks": tasks}


@register.inclusion_tag("parts/timeline.html")
def timeline(steps: Any) -> dict[str, Any]:
    """Where a request has been, is and will be. A step is a `shapes.Step`."""
    return {"steps": steps}


@register.inclusion_tag("parts/pager.html", takes_context=True)
def pager(context: Any, page: Any) -> dict[str, Any]:
    """Newer and older pages of a list; the filters in the address stay."""
    query = context["request"].GET.copy()
    query.pop("halaman", None)
    return {"page": page, "query": query.urlencode()}


@register.inclusion_tag("parts/menu.html", takes_context=True)
def menu(context: Any) -> dict[str, Any]:
    """The pages that this reader's post has, the present one marked."""
    from bagipakai.portal.accounts.menu import entries

    return {"entries": entries(context["request"]), "user": context["request"].user}


@register.inclusion_tag("parts/who.html", takes_context=True)
def who(context: Any) -> dict[str, Any]:
    """Who is reading, and in which post."""
    from bagipakai.portal.accounts import posts

    http = context["request"]
    return {"user": http.user, "tenure": posts.current(http), "several": len(posts.held(http)) > 1}
