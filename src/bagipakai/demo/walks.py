"""One request of each level and one for matching, from an empty form to an opened package, each step taken by the
officer whose it is.

Nothing is written past the office's counter: every act goes through `requests.handle`, so a step that the rules forbid
stops the demonstration with the office's own sentence.
"""

import io
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bagipakai.control import access, clock, commands, keys, requests, rulebook, situation
from bagipakai.control.forms import Service
from bagipakai.control.models import Person
from bagipakai.control.trail import house
from bagipakai.core import acknowledgement
from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.plan import Level
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, State
from bagipakai.demo import listing, papers, story, watching
from bagipakai.demo.processes import Stopped, bagipakai, passed
from bagipakai.demo.readying import recipient_key
from bagipakai.demo.signatures import signed_by
from bagipakai.demo.story import House

Told = Callable[[str], object]
SMALL_NATION = (
    "Negara peragaan terlalu kecil: keluarga yang serupa sedikit, dan program meminta semua keluarga sasarannya. Semua "
    "orang di dalamnya buatan."
)
STEPS = 14  # at most, of one walk, as told while it goes


@dataclass(frozen=True, slots=True)
class Walk:
    """What one institution asks for. `mistake` leaves out a document of this kind, so that the request comes back once
    for repair. With `listed` it asks for its own list to be matched: of so many people of its region. `exempted`: why
    its rows need not meet the rules for rows, where they need not."""

    level: Level
    house: House
    answers: Mapping[str, Any]
    mistake: str = ""
    listed: int = 0
    exempted: str = ""

    @property
    def name(self) -> str:
        """As the demonstration calls it."""
        return "Pemadanan" if self.listed else self.level.value


@dataclass(slots=True)
class Walked:
    """What came of a walk, as `summary.json` tells it."""

    name: str
    level: str
    request_id: str = ""
    stages: list[str] = field(default_factory=list)
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    package: str = ""
    package_bytes: int = 0
    verified: bool = False
    opened: bool = False
    unmatched: int = 0  # rows of the own list that were not found, where one was matched
    received: str = ""  # the SHA-256 of the acknowledgement that the office took
    seconds: float = 0.0


def walks(release: str, people: int) -> tuple[Walk, ...]:
    """The walks over `release`, of so many people: L1 to L4, each in another format, and a list that is matched."""
    common = {
        "release": release,
        "rolling": False,
        "ends_on": (clock.today() + timedelta(days=180)).isoformat(),
        "onward_sharing": False,
        "pdp_capacity": "CONTROLLER",
    }
    return (
        Walk(
            Level.L1,
            story.PLANNER,
            common
            | {
                "purpose": "PERENCANAAN",
                "programme": "Rencana Kerja Percepatan Daerah Tertinggal 2027",
                "programme_detail": "Menghitung sebaran desil perempuan dan laki-laki sebagai dasar pagu tahun depan.",
                "legal_basis": "UU 13/2011 tentang Penanganan Fakir Miskin Pasal 8",
                "level": "L1",
                "unit": "individu",
                "area": ["ID"],
                "variables": [
                    {"name": "desil", "reason": "Sasaran ditetapkan menurut desil"},
                    {"name": "jenis_kelamin", "reason": "Pagu dibagi menurut jenis kelamin"},
                ],
                "format": "xlsx",
            },
        ),
        Walk(
            Level.L2,
            story.MINISTRY,
            common
            | {
                "purpose": "BANSOS",
                "programme": "Program Sembako 2027",
                "programme_detail": "Menyusun kuota nasional keluarga penerima dari desil satu sampai empat.",
                "legal_basis": "UU 13/2011 tentang Penanganan Fakir Miskin Pasal 7",
                "level": "L2",
                "unit": "keluarga",
                "area": ["ID"],
                "population": [{"variable": "desil", "from": 1, "to": 4}],
                "variables": [
                    {"name": "kode_prov", "reason": "Kuota dibagi menurut provinsi"},
                    {"name": "kode_kab", "reason": "Kuota dibagi menurut kabupaten dan kota"},
                    {"name": "desil", "reason": "Prioritas penerima mengikuti desil"},
                    {"name": "jumlah_anggota_keluarga", "reason": "Besar bantuan menurut ukuran keluarga"},
                    {"name": "penerima_sembako", "reason": "Menghindari bantuan ganda"},
                ],
                "format": "parquet",
            },
            exempted=SMALL_NATION,
        ),
        Walk(
            Level.L3,
            story.PROVINCE,
            common
            | {
                "purpose": "PERENCANAAN",
                "programme": "Evaluasi Desa Berdaya NTB",
                "programme_detail": "Membandingkan kondisi rumah keluarga antardesa sebelum dan sesudah program.",
                "legal_basis": "Perda Provinsi NTB tentang RPJMD 2025-2029",
                "level": "L3",
                "unit": "keluarga",
                "area": ["52"],
                "population": [{"variable": "desil", "from": 1, "to": 3}],
                "variables": [
                    {"name": "kode_kab", "reason": "Pembandingan antarkabupaten"},
                    {"name": "kode_desa", "reason": "Program dinilai per desa"},
                    {"name": "desil", "reason": "Kelompok sasaran evaluasi"},
                    {"name": "jenis_lantai", "reason": "Ukuran kelayakan rumah"},
                    {"name": "sumber_air_minum", "reason": "Ukuran akses air layak"},
                ],
                "format": "jsonl",
            },
            exempted=SMALL_NATION,
        ),
        Walk(
            Level.L4,
            story.REGENCY,
            common
            | {
                "purpose": "BANSOS",
                "programme": "Bantuan Langsung Tunai Kabupaten 2027",
                "programme_detail": "Petugas desa mengunjungi calon penerima menurut daftar nama dan alamat.",
                "legal_basis": "UU 13/2011 tentang Penanganan Fakir Miskin Pasal 8",
                "level": "L4",
                "unit": "keluarga",
                "area": ["5203"],
                "population": [{"variable": "desil", "from": 1, "to": 2}],
                "variables": [
                    {"name": "nomor_kk", "reason": "Pencocokan dengan kartu keluarga saat penyaluran"},
                    {"name": "nama_kepala_keluarga", "reason": "Penerima dipanggil menurut nama"},
                    {"name": "alamat", "reason": "Kunjungan ke rumah"},
                    {"name": "kode_desa", "reason": "Daftar dibagikan per desa"},
                    {"name": "desil", "reason": "Urutan prioritas"},
                ],
                "format": "csv",
            },
            mistake="TERMS_OF_REFERENCE",
        ),
        Walk(
            Level.L4,
            story.PROVINCE,
            {name: one for name, one in common.items() if name != "onward_sharing"}
            | {
                "purpose": "PENDIDIKAN",
                "programme": "Beasiswa Miskin NTB 2027",
                "programme_detail": "Memeriksa calon penerima dari sekolah; yang tidak cocok ditelaah, tidak dicoret.",
                "legal_basis": "Perda Provinsi NTB tentang penyelenggaraan pendidikan",
                "area": ["52"],
                "one_to_one": True,
                "answer": "STATUS",
                "reasons": True,
                "format": "csv",
            },
            listed=people,
        ),
    )


class Procession:
    """One walk in progress: the request, the officers, and what was told so far."""

    def __init__(self, walk: Walk, keep: Path, told: Told) -> None:
        self.walk, self.keep, self.told = walk, keep, told
        self.applicant = story.officer(walk.house, Role.APPLICANT)
        self.head = story.officer(walk.house, Role.ACCOUNTABLE_OFFICER)
        self.found = Walked(walk.name, walk.level.value)
        self.list: Path | None = None
        self.reference = ""

    def run(self) -> Walked:
        """Raises Stopped with the sentence of whoever said no."""
        began = time.perf_counter()
        self._file()
        self._examine()
        self._decide()
        self._process()
        self._hand_over()
        self._open()
        self.found.seconds = round(time.perf_counter() - began, 1)
        return self.found

    # ------------------------------------------------------------------------------------------- the institution asks

    def _file(self) -> None:
        self.told("mengisi permintaan")
        answers = {**self.walk.answers}
        if self.walk.listed:
            self.told("mengunggah daftar")
            self.list = listing.a_list(self.keep, self.walk.listed, self.walk.house.region)
            answers["roster"] = listing.hand_over(self.list, self.applicant)
        service = Service.MATCHING if self.walk.listed else Service.DATA
        request = passed(requests.create(self.applicant, service=service))
        self.reference = self.found.request_id = request.reference
        for code, answer in answers.items():
            passed(requests.save_answers(self.reference, self.applicant, {code: answer}, self.state.n))
        handlers = [{"name": self.applicant.name, "post": "Pengelola Data DTSEN"}]
        if self.walk.level is not Level.L1:
            passed(requests.save_answers(self.reference, self.applicant, {"handlers": handlers}, self.state.n))
        for kind in self._documents():
            self._attach(kind, "lampiran pertama" if kind == self.walk.mistake else "")
        self._do(self.applicant, Action.SUBMIT)

    def _documents(self) -> list[str]:
        institution = requests.get(self.reference, self.applicant).institution
        return sorted(rulebook.documents_required(institution, self.state.answers, clock.today()) or ())

    def _attach(self, kind: str, remark: str = "") -> None:
        content = papers.letter(kind, self.walk.house.name, str(self.walk.answers["programme"]), remark)
        file = io.BytesIO(content)
        passed(requests.attach(self.reference, self.applicant, kind, file, papers.file_name(kind), seen=self.state.n))

    # -------------------------------------------------------------------------------------------- the controller checks

    def _examine(self) -> None:
        verifier = story.officer(story.CONTROLLER, Role.ADMIN_VERIFIER)
        if self.walk.mistake:
            self.told("dikembalikan untuk diperbaiki")
            target = f"document:{self.walk.mistake}"
            item = {"code": "document-unsigned", "target": target, "note": "Lampirkan yang sudah ditandatangani"}
            self._do(verifier, Action.RETURN, {"items": [item], "reopen": []})
            self._attach(self.walk.mistake, "sudah ditandatangani")
            for open_item in self.state.open_items:
                self._do(self.applicant, Action.ANSWER_ITEM, {"item": open_item.id, "answer": "REPAIRED"})
            self._do(self.applicant, Action.RESUBMIT)
            for open_item in self.state.open_items:
                self._do(verifier, Action.ACCEPT_ITEM, {"item": open_item.id})
        self.told("pengecekan administrasi")
        self._do(verifier, Action.PASS_ADMIN)
        self.told("pengecekan substansi")
        substance = story.officer(story.CONTROLLER, Role.SUBSTANCE_VERIFIER)
        verdicts = {
            name: {"verdict": "APPROVE", "level": self.walk.level.value, "reason": "Sesuai tujuan dan program"}
            for name in self.state.asked
        }
        if verdicts:
            self._do(substance, Action.PROPOSE, {"verdicts": verdicts})
        if self.walk.exempted:
            exemptions = dict.fromkeys(EXEMPTIBLE, self.walk.exempted)
            self._do(substance, Action.PROPOSE_EXEMPTIONS, {"exemptions": exemptions})
        if self._awaits(Role.DATA_PROTECTION_OFFICER):
            dpo = story.officer(story.CONTROLLER, Role.DATA_PROTECTION_OFFICER)
            opinion = {"opinion": "SUPPORTS", "reason": "Dampak dinilai dan diredam sesuai dokumen penilaian"}
            self._do(dpo, Action.GIVE_OPINION, opinion)
        self._do(substance, Action.PASS_SUBSTANCE)

    def _decide(self) -> None:
        self.told("keputusan")
        if self._awaits(Role.DATA_PRODUCER):
            producer = story.officer(story.PROCESSOR, Role.DATA_PRODUCER)
            owners = situation.owners(requests.get(self.reference, self.applicant), self.state, clock.today())
            verdicts = {
                name: {
                    "verdict": "APPROVE",
                    "level": self.walk.level.value,
                    "reason": "Boleh dipakai untuk program ini",
                }
                for name, owner in owners.items()
                if owner == story.PROCESSOR.code
            }
            self._do(producer, Action.DECIDE_VARIABLES, {"verdicts": verdicts})
        coordinator = story.officer(story.CONTROLLER, Role.COORDINATOR)
        seen = requests.prefilled(self.reference, Action.APPROVE, exempted=sorted(self.state.exemptions))
        self._do(coordinator, Action.APPROVE, {**seen, "reason": "Perlu dan sebanding dengan tujuan program"})
        self.told("perjanjian")
        self._do(self.head, Action.SIGN_AGREEMENT)
        self._do(story.officer(story.CONTROLLER, Role.CONTROLLER), Action.SIGN_AGREEMENT)

    # ------------------------------------------------------------------------------------------- the registry works

    def _process(self) -> None:
        self.told("pemrosesan lima sublangkah")
        preparer = story.officer(story.PROCESSOR, Role.DATA_PREPARER)
        self._do(preparer, Action.PLACE_ORDER)
        bagipakai("registry", "worker", "--once")
        commands.work()
        state = self.state
        if state.delivered is None:
            raise Stopped("Gudang data belum menjawab pesanan. Lihat catatan pekerjanya, lalu ulangi peragaan.")
        if state.delivered.refusal:
            passed(Refusal(state.delivered.refusal))
        self._do(preparer, Action.SEND_TO_QUALITY)
        self.told("pemeriksaan mutu")
        self._do(story.officer(story.CONTROLLER, Role.QUALITY_REVIEWER), Action.PASS_QUALITY)

    def _hand_over(self) -> None:
        self.told("serah terima")
        self._do(self.head, Action.SIGN_HANDOVER)
        self._do(story.officer(story.CONTROLLER, Role.CONTROLLER), Action.SIGN_HANDOVER)

    # ------------------------------------------------------------------------------------------- the recipient opens

    def _open(self) -> None:
        self.told("mengunduh dan membuka")
        grant = access.grant_of(self.reference)
        if grant is None:
            raise Stopped("Hak akses belum terbit sesudah kedua pihak menandatangani berita acara. Ulangi peragaan.")
        watching.wait_for(grant.package, grant.manifest)
        package = self.keep / self.reference / "paket"
        shutil.rmtree(package.parent, ignore_errors=True)
        package.mkdir(parents=True)
        for part in access.parts(grant):
            shutil.copyfile(passed(access.download(grant, part, self.applicant)), package / part)
        for name, content in access.proof_of(grant).items():
            (package / name).write_bytes(content)
        by = ("--seal", keys.folder() / "public" / "seal.pub.pem", "--policy", house.policy_file())
        key = recipient_key(self.keep, self.walk.house)
        told = bagipakai("recipient", "verify", package, *by, "--key", key, "--json")
        self.found.verified = bool(json.loads(told)["verified"])
        opened = package.parent / "terbuka"
        receipt = package.parent / acknowledgement.FILE_NAME
        to = ("--key", key, "--out", opened, "--receipt", receipt)
        report = json.loads(bagipakai("recipient", "open", package, *by, *to, "--json"))
        self.found.opened = bool(report["opened"])
        self.found.rows, self.found.columns = report["rows"], report["columns"]
        self.found.package = report["package"]
        self.found.package_bytes = sum(file.stat().st_size for file in package.iterdir())
        if self.list is not None:
            self.told("baris yang tidak cocok")
            rest = ("--list", self.list, "--out", package.parent / "usulan.csv", "--json")
            self.found.unmatched = json.loads(bagipakai("recipient", "unmatched", opened, *rest))["unmatched"]
        self.told("tanda terima")
        self.found.received = passed(access.confirm_receipt(grant, self.applicant, receipt.read_bytes())).sha256
        self.found.stages = [stay.status.value for stay in self.state.stays]

    # ------------------------------------------------------------------------------------------------- small words

    @property
    def state(self) -> State:
        return requests.state(self.reference)

    def _awaits(self, role: Role) -> bool:
        return role.value in requests.get(self.reference, self.applicant).awaited

    def _do(self, by: Person, action: Action, payload: Mapping[str, Any] | None = None) -> None:
        filled = {**requests.prefilled(self.reference, action), **(payload or {})}
        signed_by(by, requests, self.reference, action, filled, self.state.n)
