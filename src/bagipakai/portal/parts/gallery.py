"""`/parts`: every part with its examples, so that a person can look at all of them and axe can check them at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bagipakai.portal.matching.figures import example
from bagipakai.portal.parts.shapes import Row, Step, Task

LONG = (
    "Dinas Sosial, Pemberdayaan Perempuan, Pelindungan Anak, Pengendalian Penduduk dan Keluarga Berencana "
    "Kabupaten Kepulauan Siau Tagulandang Biaro"
)


class ExampleForm(forms.Form):
    """One field of each kind."""

    programme = forms.CharField(
        label=_("Apa nama program yang akan memakai data?"),
        help_text=_("Contoh: Program Keluarga Harapan"),
        error_messages={"required": _("Isi nama program yang akan memakai data")},
    )
    reason = forms.CharField(label=_("Alasan"), widget=forms.Textarea, required=False)
    level = forms.ChoiceField(
        label=_("Level data apa yang Anda butuhkan?"),
        help_text=_("Pilih level terendah yang cukup untuk program Anda."),
        widget=forms.RadioSelect,
        choices=[("L1", _("Level 1 – agregat")), ("L4", _("Level 4 – by name by address (BNBA)"))],
        error_messages={"required": _("Pilih level data yang Anda butuhkan")},
    )
    agreed = forms.BooleanField(
        label=_("Saya menyatakan isi permintaan ini benar"),
        error_messages={"required": _("Nyatakan bahwa isi permintaan ini benar")},
    )


@dataclass(frozen=True)
class Sample:
    """One row of the example table."""

    number: str
    institution: str
    status: str
    due: object


@login_not_required
def parts(http: HttpRequest) -> HttpResponse:
    """Only where the setting SHOW_PARTS is on; elsewhere this address does not exist."""
    if not getattr(settings, "SHOW_PARTS", settings.DEBUG):
        raise Http404
    today = timezone.localdate()
    wrong = ExampleForm({"programme": "", "reason": "Ditulis dan tetap ada"}, prefix="salah")
    wrong.is_valid()
    return render(
        http,
        "parts/gallery.html",
        {
            "form": ExampleForm(),
            "wrong": wrong,
            "at": datetime(2026, 11, 22, 7, 5, tzinfo=UTC),
            "tasks": [
                Task("Tuliskan program dan tujuan", "Selesai", "#tugas"),
                Task(
                    "Pilih variabel dan berikan alasan", "Belum lengkap", "#tugas", "4 dari 8 alasan terisi", "warning"
                ),
                Task("Unggah dokumen", "Belum dimulai", "#tugas", "", "info"),
                Task("Periksa jawaban dan kirim", "Belum dapat dimulai", "", "Lengkapi bagian lain lebih dulu."),
            ],
            "rows": [
                Row("Program", "Program Keluarga Harapan 2027", "#ubah"),
                Row("Lembaga", LONG),
                Row("Dasar hukum", "", "#ubah"),
                Row("Wilayah", "Kabupaten Bogor (3201)", "#ubah", before="Provinsi Jawa Barat (32)"),
                Row("Sidik digital", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", digits=True),
            ],
            "steps": [
                Step("Terkirim", "past", "3 November 2026, oleh Pemohon", "Nomor BP-2026-000042"),
                Step("Pengecekan administrasi", "past", "Lulus, 5 November 2026"),
                Step(
                    "Pengecekan substansi", "now", "Giliran: Verifikator substansi", "Batas: 24 November 2026 (besok)"
                ),
                Step("Keputusan koordinator", "coming"),
                Step("Akses diberikan", "coming"),
            ],
            "table": [
                Sample("BP-2026-000042", LONG, "SUBSTANCE_CHECK", today - timedelta(days=2)),
                Sample("BP-2026-000043", "Pemerintah Kabupaten Bogor", "RETURNED", today + timedelta(days=1)),
                Sample("BP-2026-000044", "Kementerian Sosial", "ACCESS_GRANTED", today + timedelta(days=9)),
            ],
            "page": Paginator(range(100), 10).page(3),
            "chart": example(),
            "long": LONG,
        },
    )
