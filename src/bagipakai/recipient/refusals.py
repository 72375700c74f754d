"""Why a package was not opened: a code for programs, one Indonesian sentence that says what to do for people.

The sentences live here and not with the office's policies, because this tool must run on a machine that has neither the
office nor a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SENTENCES: Mapping[str, str] = {
    "package-not-a-folder": "Map paket {name} tidak ada, atau paket masih berupa arsip; ekstrak dulu arsipnya, lalu "
    "sebutkan map yang memuat berkas manifest.dsse.json.",
    "manifest-missing": "Paket tidak memuat berkas manifest.dsse.json; unduh ulang berkas itu ke map paket.",
    "manifest-malformed": "Manifes paket rusak atau bukan manifes; unduh ulang berkas manifest.dsse.json, dan "
    "laporkan kepada Pengendali DTSEN jika terjadi lagi.",
    "seal-unreadable": "Berkas {name} tidak ada atau bukan kunci segel Pengendali DTSEN; unduh lagi kunci segel dari "
    "halaman unduhan.",
    "seal-mismatch": "Segel paket tidak cocok dengan kunci segel yang Anda sebutkan; jangan pakai paket ini, unduh "
    "ulang manifest.dsse.json dan kunci segel, dan hubungi Pengendali DTSEN jika terjadi lagi.",
    "policy-unreadable": "Berkas {name} tidak ada atau bukan kebijakan saksi; unduh lagi kebijakan saksi dari "
    "halaman unduhan.",
    "proof-missing": "Paket tidak memuat bukti jejak {name}; unduh berkas itu dari halaman unduhan.",
    "proof-not-valid": "Bukti jejak paket tidak sah menurut kebijakan saksi; jangan pakai paket ini, unduh ulang "
    "buktinya, dan hubungi Pengendali DTSEN jika terjadi lagi.",
    "proof-of-another": "Bukti jejak ini milik paket lain; unduh ulang bukti dari halaman unduhan paket ini.",
    "key-unreadable": "Berkas {name} tidak ada atau bukan kunci rahasia penerima; pilih berkas yang dibuat dengan "
    "perintah keygen, bukan yang berakhiran .pub.",
    "key-too-open": "Berkas {name} terbuka bagi orang lain di komputer ini, padahal kunci rahasia hanya untuk "
    "pemiliknya; batasi dengan perintah chmod 600, lalu ulangi.",
    "key-exists": "Berkas {name} sudah ada dan tidak ditimpa; pilih nama lain.",
    "name-unusable": "Nama lembaga memuat karakter yang tidak dapat dicetak; ketik ulang nama itu.",
    "another-recipient": "Paket ini disandikan untuk {name} dengan kunci lain; pakai kunci yang terdaftar waktu paket "
    "dibuat, dan hubungi Pengendali DTSEN bila paket ini bukan untuk lembaga Anda.",
    "package-expired": "Hak akses paket berakhir pada {detail}, jadi paket tidak dibuka; ajukan permintaan baru bila "
    "data masih diperlukan.",
    "file-missing": "Berkas {name} tidak ada di map paket; unduh ulang bagian itu.",
    "file-extra": "Berkas {name} tidak tercantum dalam manifes; keluarkan dari map paket, dan laporkan kepada "
    "Pengendali DTSEN bila bukan Anda yang menaruhnya.",
    "file-not-plain": "{name} bukan berkas biasa; unduh ulang paket ke map kosong.",
    "part-shortened": "Berkas {name} terpotong; unduh ulang bagian itu.",
    "part-extended": "Berkas {name} lebih panjang daripada yang disegel; unduh ulang bagian itu.",
    "part-swapped": "Isi berkas {name} adalah bagian lain dari paket ini; unduh ulang bagian itu.",
    "part-altered": "Isi berkas {name} berubah sejak disegel; unduh ulang bagian itu, dan laporkan kepada Pengendali "
    "DTSEN jika terjadi lagi.",
    "part-for-others": "Berkas {name} tidak disandikan hanya untuk satu kunci penerima, jadi pihak lain mungkin dapat "
    "membukanya; jangan pakai paket ini, dan laporkan kepada Pengendali DTSEN.",
    "part-unreadable": "Berkas {name} tidak dapat dibuka dengan kunci ini; laporkan kepada Pengendali DTSEN.",
    "content-too-long": "Isi {name} lebih besar daripada yang dinyatakan manifes; laporkan kepada Pengendali DTSEN.",
    "content-altered": "Isi {name} tidak sama dengan yang dinyatakan manifes; laporkan kepada Pengendali DTSEN.",
    "rows-differ": "Jumlah baris {name} tidak sama dengan yang dinyatakan manifes; laporkan kepada Pengendali DTSEN.",
    "folder-in-use": "Map tujuan {name} sudah berisi atau sedang dipakai; pilih map baru atau map kosong.",
    "receipt-exists": "Berkas tanda terima {name} sudah ada dan tidak ditimpa; pilih nama lain.",
    "receipt-misplaced": "Berkas tanda terima {name} tidak boleh di dalam map paket atau map hasil; simpan di luar "
    "keduanya.",
    "result-missing": "Map {name} tidak memuat hasil pemadanan; sebutkan map tempat paketnya dibuka.",
    "result-not-readable": "Hasil {name} bukan XLSX, CSV, atau JSON Lines; saring baris tidak cocok di berkas itu, "
    "atau minta hasilnya dalam salah satu bentuk itu.",
    "result-not-of-matching": "Berkas {name} bukan hasil pemadanan; sebutkan map tempat paket pemadanan dibuka.",
    "roster-not-readable": "Daftar {name} bukan XLSX atau CSV; simpan daftar yang sama dalam salah satu bentuk itu "
    "tanpa mengubah urutan barisnya.",
    "roster-unreadable": "Daftar {name} rusak, atau berisi lebih dari satu lembar; pakai berkas yang diunggah untuk "
    "permintaan ini.",
    "out-of-another-form": "Berkas {name} tidak ditulis; akhiri namanya dengan .xlsx atau .csv.",
    "roster-of-another": "Daftar {name} bukan daftar yang dipadankan: baris atau nomornya berbeda; pakai berkas yang "
    "diunggah untuk permintaan ini.",
    "out-exists": "Berkas {name} sudah ada dan tidak ditimpa; pilih nama lain.",
    "registry-key-unreadable": "Berkas {name} tidak ada atau bukan kunci tanda masuk gudang data; unduh lagi kunci "
    "itu dari halaman kiriman.",
    "intake-receipt-missing": "Map {name} tidak memuat tanda-masuk.dsse.json; unduh berkas itu dari halaman kiriman "
    "ke map yang sama dengan baris yang kembali.",
    "intake-receipt-mismatch": "Tanda masuk tidak ditandatangani dengan kunci gudang data yang Anda sebutkan; unduh "
    "ulang keduanya dari halaman kiriman, dan hubungi Pengendali DTSEN jika terjadi lagi.",
    "disk-error": "Berkas tidak dapat dibaca atau ditulis ({detail}); periksa map, ruang, dan izinnya, lalu ulangi.",
    "interrupted": "Dihentikan sebelum selesai; tidak ada data yang tersimpan, ulangi perintah ini.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """ "No", with its code and what fills the blanks of its sentence: names of files and institutions, never data."""

    code: str
    blanks: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].format_map({"name": "–", "detail": "–", **self.blanks})
