"""Every act a person can do to a request: what it is called, what follows from it, its button and its form.

The consequence stands above the button, so that nobody decides without having read it. Which acts a reader sees, and
which are shut and why, is the office's answer (`requests.possible`).
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bagipakai.core.request import Action
from bagipakai.portal.acts import forms


@dataclass(frozen=True, slots=True)
class Act:
    """`tone` is the button's: nothing, "second" or "negative". `done` is said when it has happened."""

    title: Promise
    consequence: Promise
    button: Promise
    done: Promise
    form: type[forms.ActForm] = forms.ActForm
    tone: str = ""


ACTS: dict[Action, Act] = {
    Action.SUBMIT: Act(
        _("Kirim permintaan"),
        _(
            "Isi permintaan dibekukan dan dikirim untuk pengecekan administrasi. Sesudah itu hanya bagian yang "
            "diminta diperbaiki yang dapat diubah."
        ),
        _("Kirim permintaan"),
        _("Permintaan terkirim."),
        forms.SubmitForm,
    ),
    Action.RESUBMIT: Act(
        _("Kirim perbaikan"),
        _("Perbaikan dan penjelasan Anda dikirim ke pemeriksa yang mengembalikannya. Waktu pemeriksaan berjalan lagi."),
        _("Kirim perbaikan"),
        _("Perbaikan terkirim."),
        forms.SubmitForm,
    ),
    Action.PASS_ADMIN: Act(
        _("Loloskan pengecekan administrasi"),
        _(
            "Permintaan berpindah ke pengecekan substansi dan pemohon diberi tahu. Anda tidak dapat lagi "
            "memeriksa permintaan ini pada tahap lain."
        ),
        _("Loloskan"),
        _("Permintaan lolos pengecekan administrasi."),
    ),
    Action.PROPOSE: Act(
        _("Usulkan untuk setiap variabel"),
        _("Usul Anda dibaca koordinator bersama alasan pemohon. Usul dapat diubah selama pengecekan substansi."),
        _("Simpan usul"),
        _("Usul tersimpan."),
        forms.VerdictsForm,
        "second",
    ),
    Action.PROPOSE_EXEMPTIONS: Act(
        _("Pengecualian aturan baris"),
        _(
            "Usul ini menggantikan usul pengecualian sebelumnya. Pendapat pelindungan data diminta sesudahnya, juga "
            "bila sudah pernah diberikan. Aturan hanya dikecualikan bila koordinator menyetujuinya."
        ),
        _("Usulkan pengecualian"),
        _("Usul pengecualian tersimpan."),
        forms.ExemptionsForm,
        "second",
    ),
    Action.PASS_SUBSTANCE: Act(
        _("Teruskan kepada koordinator"),
        _("Permintaan dan usul Anda berpindah ke koordinator untuk diputuskan. Pemohon diberi tahu."),
        _("Teruskan"),
        _("Permintaan diteruskan kepada koordinator."),
    ),
    Action.GIVE_OPINION: Act(
        _("Berikan pendapat pelindungan data"),
        _("Pendapat Anda tercatat dan dibaca koordinator sebelum memutuskan."),
        _("Simpan pendapat"),
        _("Pendapat tersimpan."),
        forms.OpinionForm,
    ),
    Action.DECIDE_VARIABLES: Act(
        _("Putuskan variabel yang Anda hasilkan"),
        _("Koordinator tidak dapat menyetujui variabel yang Anda tolak. Diam tidak dianggap setuju."),
        _("Simpan keputusan"),
        _("Keputusan tersimpan."),
        forms.VerdictsForm,
    ),
    Action.APPROVE: Act(
        _("Setujui rencana data"),
        _(
            "Perjanjian disusun dari rencana ini dan dikirim kepada kedua pihak untuk ditandatangani. Tepat "
            "rencana ini yang akan diproses, tidak lebih."
        ),
        _("Setujui rencana ini"),
        _("Permintaan disetujui. Perjanjian siap ditandatangani."),
        forms.ApproveForm,
    ),
    Action.SIGN_AGREEMENT: Act(
        _("Tandatangani perjanjian"),
        _(
            "Setelah kedua pihak menandatangani, data diproses. Tanda tangan ini tercatat atas nama Anda dan "
            "jabatan Anda; belum tanda tangan elektronik tersertifikasi."
        ),
        _("Tandatangani perjanjian"),
        _("Perjanjian ditandatangani."),
        forms.SigningForm,
    ),
    Action.PLACE_ORDER: Act(
        _("Pesan pemrosesan"),
        _(
            "Pesanan yang ditandatangani dikirim ke gudang data, berisi tepat rencana yang disetujui. Lima "
            "langkah pemrosesan berjalan sendiri dan buktinya muncul di halaman ini."
        ),
        _("Pesan pemrosesan"),
        _("Pesanan terkirim ke gudang data."),
        forms.PrefilledForm,
    ),
    Action.CANCEL_ORDER: Act(
        _("Batalkan pesanan"),
        _(
            "Gudang data berhenti dan menghapus yang sudah dibuat. Pemrosesan dapat dipesan lagi sesudah gudang data "
            "menjawab."
        ),
        _("Batalkan pesanan"),
        _("Pesanan dibatalkan. Gudang data menghentikannya."),
        forms.CancelForm,
        "negative",
    ),
    Action.SEND_TO_QUALITY: Act(
        _("Kirim ke pemeriksaan mutu"),
        _("Paket diperiksa orang lain sebelum diserahkan."),
        _("Kirim ke pemeriksaan mutu"),
        _("Paket dikirim ke pemeriksaan mutu."),
    ),
    Action.PASS_QUALITY: Act(
        _("Nyatakan paket sesuai"),
        _("Berita acara serah terima disusun dari paket ini dan dikirim kepada kedua pihak untuk ditandatangani."),
        _("Paket sesuai"),
        _("Paket dinyatakan sesuai. Berita acara siap ditandatangani."),
        forms.NoteForm,
    ),
    Action.FAIL_QUALITY: Act(
        _("Kembalikan ke pemrosesan"),
        _("Paket ini tidak akan diserahkan. Pelaksana pemrosesan membuat yang baru."),
        _("Kembalikan ke pemrosesan"),
        _("Paket dikembalikan ke pemrosesan."),
        forms.ReasonForm,
        "negative",
    ),
    Action.SIGN_HANDOVER: Act(
        _("Tandatangani berita acara serah terima"),
        _("Setelah kedua pihak menandatangani, hak akses berlaku dan paket dapat diunduh sampai tanggal berakhirnya."),
        _("Tandatangani berita acara"),
        _("Berita acara ditandatangani."),
        forms.SigningForm,
    ),
    Action.ASK_CLARIFICATION: Act(
        _("Minta klarifikasi"),
        _("Pemohon diundang untuk menjelaskan. Isi permintaan tetap terkunci."),
        _("Minta klarifikasi"),
        _("Undangan klarifikasi terkirim."),
        forms.QuestionsForm,
        "second",
    ),
    Action.RECORD_CLARIFICATION: Act(
        _("Simpan berita acara klarifikasi"),
        _("Pemohon diminta membenarkan berita acara ini. Setelah itu pengecekan substansi dilanjutkan."),
        _("Simpan berita acara"),
        _("Berita acara klarifikasi tersimpan."),
        forms.RecordForm,
    ),
    Action.CONFIRM_CLARIFICATION: Act(
        _("Benarkan berita acara klarifikasi"),
        _("Pengecekan substansi dilanjutkan berdasarkan berita acara ini."),
        _("Benarkan berita acara"),
        _("Berita acara klarifikasi dibenarkan."),
        forms.ConfirmingForm,
    ),
    Action.RETURN: Act(
        _("Kembalikan untuk diperbaiki"),
        _(
            "Pemohon menerima satu pemberitahuan berisi semua kekurangan. Hanya bagian yang Anda sebut yang "
            "terbuka; waktu pemeriksaan berhenti sampai perbaikan dikirim."
        ),
        _("Kembalikan kepada pemohon"),
        _("Permintaan dikembalikan untuk diperbaiki."),
        forms.ReturnForm,
        "second",
    ),
    Action.AMEND: Act(
        _("Ubah permintaan"),
        _("Permintaan yang disetujui sebagian kembali kepada Anda untuk diubah, lalu diperiksa lagi dari awal."),
        _("Ubah permintaan"),
        _("Permintaan terbuka untuk diubah."),
        forms.AmendForm,
        "second",
    ),
    Action.REJECT: Act(
        _("Tolak permintaan"),
        _("Permintaan berakhir di sini dan pemohon membaca alasan Anda. Pemohon dapat mengajukan permintaan baru."),
        _("Tolak permintaan"),
        _("Permintaan ditolak."),
        forms.ReasonForm,
        "negative",
    ),
    Action.WITHDRAW: Act(
        _("Tarik permintaan"),
        _("Permintaan berakhir di sini dan tidak dapat dilanjutkan. Catatannya tetap tersimpan."),
        _("Tarik permintaan"),
        _("Permintaan ditarik."),
        forms.OptionalReasonForm,
        "negative",
    ),
}
