"""Every act on a review as a whole: its name, what follows from it, its button and its form."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bagipakai.core.readiness import Action
from bagipakai.portal.readiness import forms


@dataclass(frozen=True, slots=True)
class ReviewAct:
    """`tone` is the button's: nothing, "second" or "negative"."""

    title: Promise
    consequence: Promise
    button: Promise
    done: Promise
    form: type[forms.ReviewActForm] = forms.ReviewActForm
    tone: str = ""


ACTS: dict[Action, ReviewAct] = {
    Action.DECLARE: ReviewAct(
        _("Nyatakan penilaian mandiri selesai"),
        _("Jawaban dan bukti dikirim kepada peninjau dan tidak dapat diubah lagi."),
        _("Kirim kepada peninjau"),
        _("Penilaian mandiri terkirim."),
        forms.DeclareForm,
    ),
    Action.TAKE_UP: ReviewAct(
        _("Mulai peninjauan"),
        _("Anda tercatat sebagai peninjau. Anda tidak dapat memeriksa permintaan lembaga ini pada tahap lain."),
        _("Mulai peninjauan"),
        _("Peninjauan dimulai."),
    ),
    Action.CERTIFY: ReviewAct(
        _("Nyatakan siap"),
        _("Lembaga menerima sertifikat kesiapan dan boleh mengajukan permintaan sampai tanggal berakhirnya."),
        _("Nyatakan siap"),
        _("Lembaga dinyatakan siap."),
        forms.CertificateForm,
    ),
    Action.CERTIFY_WITH_CONDITIONS: ReviewAct(
        _("Nyatakan siap dengan syarat"),
        _("Lembaga boleh mengajukan permintaan, dan wajib memenuhi setiap syarat pada tanggalnya."),
        _("Nyatakan siap dengan syarat"),
        _("Lembaga dinyatakan siap dengan syarat."),
        forms.ConditionsForm,
        "second",
    ),
    Action.REFUSE: ReviewAct(
        _("Nyatakan belum siap"),
        _("Lembaga membaca alasan Anda dan dapat memulai penilaian baru."),
        _("Nyatakan belum siap"),
        _("Lembaga dinyatakan belum siap."),
        forms.ReviewReasonForm,
        "negative",
    ),
    Action.SUSPEND: ReviewAct(
        _("Tangguhkan sertifikat"),
        _("Permintaan baru ditolak dan hak akses yang berlaku berhenti saat ini juga."),
        _("Tangguhkan sertifikat"),
        _("Sertifikat ditangguhkan."),
        forms.ReviewReasonForm,
        "negative",
    ),
    Action.REINSTATE: ReviewAct(
        _("Pulihkan sertifikat"),
        _("Hak akses yang berhenti karenanya berlaku lagi tanpa persetujuan baru."),
        _("Pulihkan sertifikat"),
        _("Sertifikat dipulihkan."),
        forms.ReviewReasonForm,
    ),
}
