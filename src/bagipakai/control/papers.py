"""The agreement and the hand-over record (BAST), set from facts: the plan, the parties, the registry's receipt.

Nobody types a figure into a paper, so a paper and the package cannot differ. The same facts give the same bytes.
Minimum contents: Perban 6/2025 Art 24 (law reference 5.3).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

from bagipakai.control import wording
from bagipakai.control.clock import day_of
from bagipakai.core.exchange import Receipt, Step
from bagipakai.core.plan import Level, Plan, Unit
from bagipakai.core.variables import Catalogue

TEMPLATES = Path(__file__).parent / "typst"

LEVELS = {
    Level.L1: "L1, tabel agregat",
    Level.L2: "L2, data kustom",
    Level.L3: "L3, data mikro tanpa nama dan alamat",
    Level.L4: "L4, menurut nama dan alamat (BNBA)",
}
MATCHING = "Pemadanan daftar milik penerima, dengan gerbang level L4"
UNITS = {Unit.INDIVIDU: "perorangan", Unit.KELUARGA: "keluarga"}
CAPACITIES = {
    "CONTROLLER": "Pengendali untuk programnya sendiri",
    "JOINT_CONTROLLER": "Pengendali bersama",
    "PROCESSOR": "Prosesor atas nama Pengendali DTSEN",
}
BAST_KINDS = {
    "PEMANFAATAN": "Berita Acara Pemanfaatan",
    "PENGAWASAN": "Berita Acara Pengawasan (pengguna akhir, tidak dibagikan lagi)",
    "PEMADANAN": "Berita Acara Pemadanan (pengguna akhir, tidak dibagikan lagi)",
}
STEPS = {
    Step.SELECTION: "Pemilahan",
    Step.AGGREGATION: "Agregasi",
    Step.FORMATTING: "Penyesuaian format",
    Step.ACCESS_SECURING: "Pemastian keamanan akses",
    Step.PROVISIONING: "Penyediaan",
}
CLASSES = {
    "PERSONAL_IDENTIFIER": "Pengenal pribadi",
    "QUASI_IDENTIFIER": "Pengenal semu",
    "SPECIFIC": "Data pribadi spesifik",
    "GENERAL": "Umum",
}


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a paper: the institution, and the officer who stands for it."""

    institution: str
    address: str
    appointment: str = ""  # of the controller
    dpo: str = ""
    post: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What both papers say alike: the plan, in whose names, and the words for codes in it."""

    plan: Plan
    provider: Party
    recipient: Party
    capacity: str  # pdp_capacity of the recipient (UU 27/2022), a key of CAPACITIES
    purpose: str  # the purpose in words
    bast_kind: str
    regions: Mapping[str, str]
    catalogue: Catalogue
    grains: wording.Grains
    destruction_days: int
    report_months: int
    confidentiality_years: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is handed over: the registry's receipt (None while nothing is made), its release's standard, and the
    agreement that it rests on."""

    receipt: Receipt | None
    standard: str
    agreement_number: str
    agreement_sha256: str


def agreement(terms: Terms, number: str, at: datetime) -> bytes:
    """The agreement (perjanjian) as PDF."""
    plan = terms.plan
    data = _common(terms, number, at) | {
        "title": "Perjanjian Berbagipakai DTSEN",
        "request": plan.request,
        "programme": plan.programme,
        "purpose": terms.purpose,
        "legal_basis": plan.legal_basis,
        "release": plan.release + (", diperbarui dengan rilis berikutnya" if plan.rolling else ", satu rilis tetap"),
        "format": f"{plan.format.value.upper()}, paket terenkripsi melalui {_channel(plan.channel)}",
        "onward_sharing": "ya, untuk program pemerintah" if plan.onward_sharing else "tidak",
        "protections": _protections(plan),
        "variables": [
            [one.name, wording.asked(one, terms.catalogue, terms.grains), one.reason] for one in plan.variables
        ],
        "duties": _duties(terms),
        "provider_duties": [
            "Memberikan data persis seperti rencana yang disetujui, dengan versi rilis, standar data, dan metadatanya.",
            "Mencatat setiap penyerahan dan pembacaan, dan menampilkan berbagipakai ini dalam register publik.",
            "Memberi tahu penerima bila data ditarik, diperbaiki, atau hak aksesnya dihentikan, beserta alasannya.",
        ],
    }
    return _set("agreement.typ", data, at)


def handover(terms: Terms, delivery: Delivery, number: str, at: datetime) -> bytes:
    """The hand-over record (BAST) as PDF. Figures come from the receipt; where the record is signed before the package
    is made, it names the approved plan and leaves them to the manifest."""
    plan = terms.plan
    data = _common(terms, number, at) | {
        "title": "Berita Acara Serah Terima Data",
        "agreement": {"number": delivery.agreement_number, "sha256": delivery.agreement_sha256},
        "name": f"DTSEN untuk {plan.programme}",
        "standard": delivery.standard,
        "region_edition": f"{plan.area.system}, {plan.area.edition}",
        "method": f"Paket {plan.format.value.upper()} terenkripsi, diunduh melalui {_channel(plan.channel)}",
        "duties": _duties(terms),
        "bast_kind": BAST_KINDS[terms.bast_kind],
    }
    data |= _as_planned(terms) if delivery.receipt is None else _as_made(terms, delivery.receipt)
    return _set("handover.typ", data, at)


def _as_made(terms: Terms, receipt: Receipt) -> dict[str, Any]:
    """What the registry's receipt tells."""
    return {
        "rows": wording.number(receipt.rows),
        "column_count": wording.number(len(receipt.columns)),
        "hidden_cells": wording.number(receipt.hidden_cells) if terms.plan.level is Level.L1 else "tidak berlaku",
        "bytes": f"{wording.size(receipt.package_bytes)} ({wording.number(receipt.package_bytes)} bita)",
        "release": receipt.release,
        "columns": [[name, *_column(name, terms.catalogue)] for name in receipt.columns],
        "package": receipt.package,
        "manifest": receipt.manifest,
        "steps": [
            [STEPS[done.step], wording.moment(done.started_at), wording.moment(done.finished_at)]
            for done in receipt.steps
        ],
    }


def _as_planned(terms: Terms) -> dict[str, Any]:
    """What can be said before the package is made."""
    later = "tercantum dalam manifes paket"
    return {
        **dict.fromkeys(("rows", "hidden_cells", "bytes", "package", "manifest"), later),
        "column_count": wording.number(len(terms.plan.columns)),
        "release": terms.plan.release,
        "columns": [[name, *_column(name, terms.catalogue)] for name in terms.plan.columns],
        "steps": [[name, "sesudah penandatanganan", later] for name in STEPS.values()],
    }


def sha256(paper: bytes) -> str:
    return hashlib.sha256(paper).hexdigest()


def _common(terms: Terms, number: str, at: datetime) -> dict[str, Any]:
    plan, provider, recipient = terms.plan, terms.provider, terms.recipient
    day = day_of(at)
    return {
        "number": number,
        "plan_digest": plan.digest,
        "day_in_words": f"{wording.DAYS[day.weekday()]}, {wording.calendar_day(day)}",
        "provider": {"name": provider.institution, "address": provider.address, "appointment": provider.appointment},
        "recipient": {
            "name": recipient.institution,
            "capacity": CAPACITIES.get(terms.capacity, "–"),
            "dpo": recipient.dpo or "belum ditunjuk",
            "fingerprint": plan.recipient.fingerprint,
        },
        "level": LEVELS[plan.level] if plan.matching is None else MATCHING,
        "matching": [list(pair) for pair in wording.matching(plan)],
        "exempted": [list(pair) for pair in wording.exempted(plan)],
        "unit": UNITS[plan.unit],
        "area": wording.area(plan.area, terms.regions),
        "population": wording.population(plan.population, terms.catalogue),
        "ends_on": f"{wording.calendar_day(plan.ends_on)}, pukul 24.00 WIB",
        "parties": [
            {"side": side, "institution": party.institution, "post": party.post or "–", "person": party.person or "–"}
            for side, party in (("Yang menyerahkan", provider), ("Yang menerima", recipient))
        ],
    }


def _duties(terms: Terms) -> Sequence[str]:
    onward = (
        "Membagikan lagi hanya untuk program pemerintah, dengan menyelaraskan kembali ke BPS."
        if terms.plan.onward_sharing
        else "Tidak membagikan data kepada pihak lain."
    )
    return (
        "Memakai data hanya untuk tujuan dan program yang disebut, oleh pelaksana yang disebut dalam surat keputusan.",
        onward,
        "Menjaga kerahasiaan data, juga selama "
        f"{terms.confidentiality_years} tahun sesudah hak akses berakhir, dan memenuhi hak Subjek Data Pribadi.",
        f"Menyampaikan laporan pemanfaatan sedikitnya tiap {terms.report_months} bulan.",
        "Melaporkan setiap insiden kepada Pengendali dan pejabat pelindungan data segera sesudah diketahui, sehingga "
        "pemberitahuan dalam 3 x 24 jam dapat dipenuhi (UU 27/2022 Pasal 46).",
        "Memusnahkan data pada akhir masa simpan dan menyampaikan berita acara pemusnahan dalam "
        f"{terms.destruction_days} hari kalender.",
    )


def _protections(plan: Plan) -> str:
    told = []
    if plan.protections.pseudonyms:
        told.append(f"{' dan '.join(plan.protections.pseudonyms)} diganti kode yang hanya berlaku bagi penerima ini")
    if plan.protections.smallest_cell:
        told.append(f"sel di bawah {plan.protections.smallest_cell} disembunyikan")
    told.append("paket dienkripsi untuk kunci penerima")
    return "; ".join(told)


def _column(name: str, catalogue: Catalogue) -> tuple[str, str]:
    if name in catalogue:
        return catalogue[name].official_name, CLASSES[catalogue[name].sensitivity.value]
    return f"{wording.column(name, catalogue)} (dijelaskan dalam kamus paket)", "–"


def _channel(channel: str) -> str:
    return {"PORTAL": "portal Berbagipakai DTSEN"}.get(channel, channel)


def _set(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """The template with these values, as data and never as source. The date in the file is that of the facts."""
    pdf = typst.compile(
        TEMPLATES / template,
        root=TEMPLATES,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        ignore_system_fonts=True,
        timestamp=int(at.timestamp()),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("typst gave more than one file")
    return pdf
