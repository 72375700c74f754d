"""The lawyer's page and the diagram, made from the tables: `python -m bagipakai.core.law_page` writes
docs/reference/alur.md and docs/reference/alur.svg. tests/workflow/test_law_page.py compares them.

Nothing is said here that the tables, the glossary and the sentences of the refusals do not say.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from bagipakai.core import access, keybook, readiness, workflow
from bagipakai.core.objections.form import answer_is_too_long, form_is_incomplete
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import TERMINAL, Action, Role, Status
from bagipakai.core.table import Objection, Rule

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "alur.md"
DIAGRAM = ROOT / "docs" / "reference" / "alur.svg"

# What people do, as it is said of them: "Pemohon mengirim permintaan".
DEEDS: Mapping[str, str] = {
    "CREATE": "membuka permintaan",
    "STATE_KEY": "menyatakan kunci penerima lembaganya",
    "CONFIRM_KEY": "mengukuhkan kunci yang sidiknya didengarnya lewat telepon",
    "WITHDRAW_KEY": "mencabut kunci penerima",
    "JOIN": "bergabung sebagai penyusun",
    "SAVE_ANSWER": "mengisi jawaban",
    "ATTACH": "melampirkan dokumen",
    "DETACH": "melepas dokumen",
    "SUBMIT": "mengirim permintaan",
    "WITHDRAW": "menarik permintaan",
    "RECEIVE": "meneruskan permintaan yang sudah dibekukan",
    "ACCEPT_ITEM": "menerima jawaban atas satu kekurangan",
    "RETURN": "mengembalikan permintaan dengan daftar kekurangan",
    "ANSWER_ITEM": "menjawab satu kekurangan",
    "RESUBMIT": "mengirim ulang permintaan",
    "LAPSE": "menggugurkan permintaan",
    "PASS_ADMIN": "meluluskan pengecekan administrasi",
    "ASK_CLARIFICATION": "mengundang klarifikasi",
    "RECORD_CLARIFICATION": "merekam berita acara klarifikasi",
    "CONFIRM_CLARIFICATION": "menyetujui berita acara klarifikasi",
    "PROPOSE": "mengusulkan putusan tiap variabel",
    "PROPOSE_EXEMPTIONS": "mengusulkan pengecualian aturan baris",
    "GIVE_OPINION": "memberi pendapat pelindungan data",
    "PASS_SUBSTANCE": "meneruskan usul kepada koordinator",
    "DECIDE_VARIABLES": "memutus variabel miliknya",
    "APPROVE": "menyetujui seluruhnya atau sebagian",
    "REJECT": "menolak dengan alasan",
    "AMEND": "mengubah permintaan yang disetujui sebagian",
    "SIGN_AGREEMENT": "menandatangani perjanjian",
    "BEGIN_PROCESSING": "membuka pemrosesan",
    "PLACE_ORDER": "memesan pemrosesan kepada gudang data",
    "CANCEL_ORDER": "membatalkan pesanan yang belum dijawab",
    "RECORD_RECEIPT": "merekam tanda terima gudang data",
    "SEND_TO_QUALITY": "mengirim paket ke pemeriksaan mutu",
    "PASS_QUALITY": "meluluskan paket",
    "FAIL_QUALITY": "mengembalikan paket",
    "SIGN_HANDOVER": "menandatangani BAST",
    "GRANT": "memberikan akses",
    "FOLLOW_RELEASE": "memesan paket dari rilis baru",
    "CLOSE": "menutup permintaan",
    "OPEN": "membuka",
    "ACTIVATE": "memberlakukan",
    "MOVE": "memindahkan ke paket rilis baru",
    "READ": "membaca satu bagian paket",
    "SUSPEND": "menangguhkan",
    "RESUME": "memulihkan",
    "REVOKE": "mencabut",
    "EXPIRE": "mencatat berakhirnya",
    "CONFIRM_RECEIPT": "mengunggah tanda terima bertanda tangan",
    "ANSWER": "menjawab satu butir",
    "DECLARE": "menyatakan penilaian mandiri selesai",
    "TAKE_UP": "memulai reviu",
    "JUDGE": "menilai satu butir",
    "CERTIFY": "memberi sertifikat",
    "CERTIFY_WITH_CONDITIONS": "memberi sertifikat bersyarat",
    "REFUSE": "menyatakan belum siap",
    "REINSTATE": "memulihkan sertifikat",
}

# Objections that stand together in many lines, said once.
GROUPS: Mapping[str, tuple[str, tuple[Objection, ...]]] = {
    "syarat-pemohon": ("Syarat pemohon", workflow.ASKER),
    "syarat-pemeriksa": ("Syarat pemeriksa, pemutus, dan petugas lain dari pihak Pengendali", workflow.EXAMINER),
    "syarat-orang": ("Syarat setiap orang", workflow.PERSON),
    "syarat-pengiriman": ("Syarat pengiriman", workflow.MAY_ASK),
}

INTRODUCTION = """\
<!-- Dibuat dari tabel oleh `python -m bagipakai.core.law_page`. Jangan disunting: ubahlah tabelnya. -->

# Alur permintaan DTSEN

Halaman ini mengatakan siapa boleh melakukan apa, kapan, dan kapan tidak. Isinya dibuat dari tabel yang juga dipakai
oleh program (`core/workflow.py`, `core/access.py`, `core/readiness.py`, `core/keybook.py`), sehingga keduanya
tidak dapat berbeda. Yang tidak tertulis di sini ditolak.

**Sumber.** Huruf di belakang sumber: **A** naskah peraturan yang dibaca · **B** artikel pemerintah tentang peraturan
itu · **C** dokumen turunan · **D** praktik portal lain · **I** pilihan rancangan kami. [Acuan hukum](acuan-hukum.md)
adalah ringkasan hukum dan praktik yang menjadi dasar rancangan ini, bernomor seperti di sini: “Acuan hukum 4.4 butir 2”
ada di bawah judul “4.4 butir 2”. R-01 sampai R-30 adalah syarat di dalamnya, S01 sampai S20 skenario ujinya. Naskah
lengkap Permen PPN/Bappenas 7/2025 belum kami baca.

![Diagram tahap permintaan](alur.svg)
"""


@lru_cache(maxsize=1)
def _glossary() -> Mapping[tuple[str, str], Mapping[str, str]]:
    rows = tomllib.loads((ROOT / "GLOSSARY.toml").read_text("utf-8"))["istilah"]
    return {(row["kind"], row["identifier"]): row for row in rows}


def _word(kind: str, identifier: Any) -> str:
    return _glossary()[(kind, str(identifier))]["istilah"]


def page() -> str:
    """docs/reference/alur.md, whole."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield INTRODUCTION
    yield from _always()
    yield from _groups()
    yield "## Tahap permintaan\n"
    yield from _stages(workflow.RULES, "status", Status)
    yield "## Hak akses sesudah putusan\n"
    yield (
        "Waktu akhir dibandingkan pada setiap pembacaan, sehingga akses berakhir pada detik itu meskipun tidak ada "
        "tugas terjadwal yang berjalan. Penangguhan karena kesiapan, kewajiban, atau penarikan rilis juga berlaku saat "
        "itu juga; catatannya menyusul, satu kejadian untuk satu sebab. Tanda terima boleh menyusul kapan saja: yang "
        "sudah diterima tetap diterima.\n"
    )
    yield from _stages(access.RULES, "grant", access.Status)
    yield "## Kesiapan instansi\n"
    yield from _stages(readiness.RULES, "readiness", readiness.Status)
    yield "## Kunci penerima lembaga\n"
    yield from _stages(keybook.RULES, "keybook", keybook.Status)


def _always() -> Iterator[str]:
    yield "## Berlaku bagi setiap tindakan\n"
    codes = ["changed-meanwhile", "not-at-this-stage", "not-this-role"]
    codes += [_code(objects) for objects in (form_is_incomplete, answer_is_too_long)]
    yield from _sentences(codes)
    yield ""


def _groups() -> Iterator[str]:
    yield "## Syarat yang berlaku di banyak tahap\n"
    for anchor, (title, objections) in GROUPS.items():
        yield f'<a id="{anchor}"></a>\n\n### {title}\n'
        yield from _sentences(_code(objects) for objects in objections)
        yield ""


def _stages(rules: Iterable[Rule[Any, Any]], kind: str, statuses: Iterable[Any]) -> Iterator[str]:
    lines = tuple(rules)
    for status in (None, *statuses):
        here = [rule for rule in lines if rule.from_status is status]
        if status is None:
            yield "### Sebelum ada\n"
        else:
            term = _glossary()[(kind, status.value)]
            yield f"### {term['istilah']} (`{status.value}`)\n"
            yield f"{term['definisi']} Sumber: {term['sumber']}.\n"
        if not here:
            yield "Tahap akhir: tidak ada tindakan lagi.\n"
        for rule in here:
            yield from _rule(rule, kind)


def _rule(rule: Rule[Any, Any], kind: str) -> Iterator[str]:
    if rule.to_status is None:
        leads = "kembali ke tahap yang ditentukan oleh kejadiannya"
    elif rule.to_status is rule.from_status:
        leads = "tahap tetap"
    else:
        leads = f"menuju **{_word(kind, rule.to_status.value)}**"
    yield f"**{_word('role', rule.role.value)} {DEEDS[rule.action.value]}** (`{rule.action.value}`) — {leads}."
    yield f"Sumber: {rule.basis}.\n"
    codes = [_code(objects) for objects in rule.objections]
    broken = []
    for anchor, (title, objections) in GROUPS.items():
        together = {_code(objects) for objects in objections}
        if together <= set(codes):
            broken.append(f"[{title[0].lower()}{title[1:]}](#{anchor})")
            codes = [code for code in codes if code not in together]
    if broken:
        yield f"- Tidak dapat bila tidak memenuhi {' atau '.join(broken)}."
    yield from _sentences(codes)
    yield ""


def _sentences(codes: Iterable[str]) -> Iterator[str]:
    for code in codes:
        no = Refusal(code)
        yield f"- `{code}`: {_with_blanks(no)} *({no.basis})*"


def _with_blanks(no: Refusal) -> str:
    """The sentence with its blanks shown as an ellipsis."""

    class Blank(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return "…"

    return no.template().format_map(Blank())


def _code(objects: Objection) -> str:
    return objects.__name__.replace("_", "-")


# the diagram

WIDTH, BOX_WIDTH, BOX_HEIGHT, STEP = 940, 236, 46, 84
COLUMNS = {"left": 30, "middle": 352, "right": 674}
MAIN = (
    *(Status.DRAFT, Status.SUBMITTED, Status.ADMIN_CHECK, Status.SUBSTANCE_CHECK, Status.COORDINATOR_DECISION),
    *(Status.AGREEMENT_SIGNING, Status.PROCESSING, Status.QUALITY_CHECK, Status.HANDOVER_SIGNING),
    *(Status.ACCESS_GRANTED, Status.CLOSED),
)
PLACES: Mapping[Status, tuple[str, float]] = {
    **{status: ("middle", float(row)) for row, status in enumerate(MAIN)},
    Status.RETURNED: ("left", 2.5),
    Status.CLARIFICATION: ("right", 2.5),
    Status.REJECTED: ("right", 4),
    Status.WITHDRAWN: ("left", 0.5),
}
STYLE = """\
  <style>
    text { font: 14px system-ui, "Segoe UI", Roboto, sans-serif; fill: #1d2530; }
    .who { font-size: 12px; fill: #4a5768; }
    rect { fill: #ffffff; stroke: #17494d; stroke-width: 1.5; }
    .end { fill: #eef2f4; }
    .paper { fill: #ffffff; stroke: none; }
    path { fill: none; stroke: #17494d; stroke-width: 1.5; marker-end: url(#tip); }
    .any { stroke-dasharray: 5 4; }
  </style>
  <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" style="fill:#17494d;stroke:none;marker-end:none"/></marker></defs>"""


def edges() -> dict[tuple[Status, Status], tuple[Role, ...]]:
    """Every way from stage to stage that the table holds, and who takes it; stopping by the applicant apart."""
    found: dict[tuple[Status, Status], tuple[Role, ...]] = {}
    for rule in workflow.RULES:
        if rule.from_status is None or rule.action is Action.WITHDRAW or rule.to_status is rule.from_status:
            continue
        ends = (rule.to_status,) if rule.to_status else (Status.ADMIN_CHECK, Status.SUBSTANCE_CHECK)
        for end in ends:
            way = (rule.from_status, end)
            found[way] = tuple(dict.fromkeys((*found.get(way, ()), rule.role)))
    return found


def diagram() -> str:
    """docs/reference/alur.svg, whole."""
    height = len(MAIN) * STEP + 30
    stops = "Sebelum akses diberikan, pemohon dapat menarik permintaan dari setiap tahap."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">',
        '  <title id="t">Tahap permintaan DTSEN</title>',
        f'  <desc id="d">Dari konsep sampai selesai, dengan perbaikan, klarifikasi, dan penolakan. {stops}</desc>',
        STYLE,
        f'  <rect class="paper" width="{WIDTH}" height="{height}"/>',
        *(_edge(start, end, roles) for (start, end), roles in edges().items()),
        *(_box(status) for status in Status),
        *_note(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _note() -> Iterator[str]:
    x, y = _corner(Status.WITHDRAWN)
    yield f'  <text class="who" x="{x}" y="{y - 22}">Ditarik pemohon: dari setiap</text>'
    yield f'  <text class="who" x="{x}" y="{y - 8}">tahap sebelum akses diberikan</text>'


def _corner(status: Status) -> tuple[float, float]:
    column, row = PLACES[status]
    return COLUMNS[column], 20 + row * STEP


def _box(status: Status) -> str:
    x, y = _corner(status)
    end = ' class="end"' if status in TERMINAL else ""
    name = escape(_word("status", status.value))
    return (
        f'  <rect{end} x="{x}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x + BOX_WIDTH / 2:g}" y="{y + 28:g}" text-anchor="middle">{name}</text>'
    )


def _edge(start: Status, end: Status, roles: tuple[Role, ...]) -> str:
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    who = escape(" / ".join(_word("role", role.value) for role in roles))
    middle, half = BOX_WIDTH / 2, BOX_HEIGHT / 2
    if x1 == x2 and y2 - y1 == STEP:  # one step down
        label = f'<text class="who" x="{x1 + middle + 8:g}" y="{y1 + BOX_HEIGHT + 23:g}">{who}</text>'
        return f'  <path d="M{x1 + middle:g} {y1 + BOX_HEIGHT:g} V{y2:g}"/>{label}'
    if x1 == x2:  # up or down along the side of the column
        side = x1 + (BOX_WIDTH if x1 == COLUMNS["middle"] else 0)
        out = side + (40 if x1 == COLUMNS["middle"] else -18)
        label = f'<text class="who" x="{out + 6:g}" y="{(y1 + y2) / 2 + half:g}">{who}</text>'
        return f'  <path d="M{side:g} {y1 + half:g} H{out:g} V{y2 + half:g} H{side:g}"/>{label}'
    leftward = x2 < x1
    begin = x1 if leftward else x1 + BOX_WIDTH
    shift = -9 if leftward else 9  # there and back are two lines
    if abs(y2 - y1) >= STEP:  # across, then down or up into the box
        into = y2 if y2 > y1 else y2 + BOX_HEIGHT
        way = f"H{x2 + middle:g} V{into:g}"
    else:
        way = f"L{x2 + BOX_WIDTH if leftward else x2:g} {y2 + half + shift:g}"
    return f'  <path d="M{begin:g} {y1 + half + shift:g} {way}"><title>{who}</title></path>'


def main() -> int:
    """Writes both files. With --check, writes nothing and says whether they are as the tables say (0) or not (1)."""
    wanted = {PAGE: page(), DIAGRAM: diagram()}
    if "--check" in sys.argv[1:]:
        return int(any(not path.exists() or path.read_text("utf-8") != text for path, text in wanted.items()))
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
