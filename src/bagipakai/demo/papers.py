"""Letters and evidence of the story: real PDF files with invented contents, set from one small template."""

import json
from functools import lru_cache

import typst

TITLES = {
    "REQUEST_LETTER": "Surat Pengajuan",
    "REQUEST_FORM": "Formulir Permintaan",
    "SECURITY_USE_STATEMENT": "Pernyataan Keamanan dan Pemanfaatan",
    "HANDLER_DECREE": "SK Kelembagaan Pelaksana",
    "ONE_DATA_REGULATION": "Regulasi Satu Data Indonesia",
    "TERMS_OF_REFERENCE": "Kerangka Acuan Kerja",
    "INTEGRITY_PACT": "Pakta Integritas",
    "NDA": "Perjanjian Kerahasiaan",
    "IMPACT_ASSESSMENT": "Penilaian Dampak Pelindungan Data",
}

TEMPLATE = """
#let told = json(bytes(sys.inputs.told))
#set page(paper: "a4", margin: 2.5cm)
#set text(size: 11pt, lang: "id")
#set document(title: told.title, date: none)
#align(center)[#text(weight: "bold", size: 13pt)[#upper(told.institution)] \\ #line(length: 100%)]
#v(1em)
#align(center)[#text(weight: "bold")[#told.title]]
#v(1em)
#told.body
#v(1em)
#emph[Peragaan. Semua lembaga, orang, dan isi surat ini tidak nyata.]
"""


def file_name(kind: str) -> str:
    """What an officer would call the file: sk-kelembagaan-pelaksana.pdf."""
    return f"{TITLES.get(kind, kind).lower().replace(' ', '-').replace('_', '-')}.pdf"


@lru_cache(maxsize=256)
def letter(kind: str, institution: str, about: str, remark: str = "") -> bytes:
    """One page of the named kind, as PDF. The same words give the same bytes."""
    title = TITLES.get(kind, kind.replace("_", " ").capitalize())
    body = f"Naskah ini dibuat {institution} untuk {about}." + (f" Keterangan: {remark}." if remark else "")
    told = {"title": title, "institution": institution, "body": body}
    return bytes(typst.compile(TEMPLATE.encode(), format="pdf", sys_inputs={"told": json.dumps(told)}))
