"""Why a package was not opened: a code for programs, one Indonesian sentence that says what to do for people.

The sentences live here and not with the office's policies, because this tool must run on a machine that has neither the
office nor a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SENTENCES: Mapping[str, str] = {
    "package-not-a-folder": "Paket {name} bukan folder; pilih folder paket, dan jika masih berupa arsip, ekstrak dulu.",
    "manifest-missing": "Paket tidak memuat manifest.dsse.json; unduh ulang seluruh paket.",
    "manifest-malformed": "Manifes paket rusak atau bukan manifes ({detail}); unduh ulang, lalu laporkan kepada "
    "Pengendali jika terjadi lagi.",
    "seal-unreadable": "Berkas segel {name} bukan kunci publik Pengendali; minta berkas seal.pub.pem dari Pengendali.",
    "seal-mismatch": "Segel paket bukan segel Pengendali yang Anda percayai; jangan dipakai, hubungi Pengendali.",
    "key-unreadable": "Berkas kunci {name} bukan kunci penerima; pilih berkas yang dibuat oleh perintah keygen.",
    "key-exists": "Berkas {name} sudah ada dan tidak ditimpa; pilih nama lain.",
    "name-unusable": "Nama lembaga memuat karakter yang tidak dapat dicetak; ketik ulang nama itu.",
    "another-recipient": "Paket ini untuk {name} dengan sidik jari kunci lain; pakai kunci lembaga itu atau kembalikan "
    "paket kepada Pengendali.",
    "package-expired": "Hak akses paket berakhir pada {detail}; ajukan perpanjangan sebelum membuka data.",
    "file-missing": "Berkas {name} tidak ada di paket; unduh ulang bagian itu.",
    "file-extra": "Berkas {name} tidak tercantum dalam manifes; keluarkan dari folder paket dan laporkan kepada "
    "Pengendali.",
    "file-not-plain": "{name} bukan berkas biasa; unduh ulang paket ke folder kosong.",
    "part-shortened": "Berkas {name} terpotong; unduh ulang bagian itu.",
    "part-extended": "Berkas {name} lebih panjang daripada yang disegel; unduh ulang bagian itu.",
    "part-swapped": "Isi berkas {name} adalah bagian lain dari paket ini; unduh ulang bagian itu.",
    "part-altered": "Isi berkas {name} berubah sejak disegel; unduh ulang, dan laporkan kepada Pengendali jika terjadi "
    "lagi.",
    "part-unreadable": "Berkas {name} tidak dapat dibuka dengan kunci ini; laporkan kepada Pengendali.",
    "content-too-long": "Isi {name} lebih besar daripada yang dinyatakan manifes; laporkan kepada Pengendali.",
    "content-altered": "Isi {name} tidak sama dengan yang dinyatakan manifes; laporkan kepada Pengendali.",
    "rows-differ": "Jumlah baris {name} tidak sama dengan yang dinyatakan manifes; laporkan kepada Pengendali.",
    "folder-in-use": "Folder tujuan {name} sudah berisi; pilih folder baru atau folder kosong.",
    "disk-error": "Berkas tidak dapat dibaca atau ditulis ({detail}); periksa ruang dan izin folder, lalu ulangi.",
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
