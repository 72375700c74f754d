"""Who appears in the demonstration: institutions, posts and the people who hold them. All invented.

One controller, one processor, and four that ask: a ministry for a table, another for a selection, a province
for microdata, a regency for a list by name and address; and one that provides a source.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from bagipakai.control import clock, institutions, people
from bagipakai.control.models import Institution, Person
from bagipakai.core.request import Role

PASSWORD = "peragaan-berbagipakai"  # noqa: S105 - of invented people, on this machine only


@dataclass(frozen=True, slots=True)
class Seat:
    """One post and the person on it. `name` also makes the e-mail address."""

    title: str
    roles: tuple[Role, ...]
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class House:
    """One institution as the story tells it."""

    code: str
    name: str
    kind: str
    seats: tuple[Seat, ...]
    region: str = ""
    region_name: str = ""
    address: str = ""
    dpo: str = ""
    appointment: institutions.Appointment | None = None


def _asking(head: str, head_name: str, officer_name: str, domain: str) -> tuple[Seat, Seat]:
    return (
        Seat("Pengelola Data DTSEN", (Role.APPLICANT, Role.AUTHORISED_HANDLER), officer_name, f"pengelola@{domain}"),
        Seat(head, (Role.ACCOUNTABLE_OFFICER,), head_name, f"kepala@{domain}"),
    )


CONTROLLER = House(
    code="BAPPENAS",
    name="Kementerian PPN/Bappenas",
    kind="KL",
    address="Jalan Taman Suropati 2, Jakarta Pusat",
    dpo="Ratna Wulandari",
    appointment=institutions.Appointment("Instruksi Presiden", "4 Tahun 2025", date(2025, 2, 5)),
    seats=(
        Seat("Peninjau Kesiapan", (Role.READINESS_REVIEWER,), "Made Suardana", "kesiapan@bappenas.contoh.id"),
        Seat("Verifikator Administrasi", (Role.ADMIN_VERIFIER,), "Siti Rahmawati", "administrasi@bappenas.contoh.id"),
        Seat("Verifikator Substansi", (Role.SUBSTANCE_VERIFIER,), "Bonar Simatupang", "substansi@bappenas.contoh.id"),
        Seat("Koordinator Berbagipakai", (Role.COORDINATOR,), "Dewi Kartika Sari", "koordinator@bappenas.contoh.id"),
        Seat("Deputi Pengendali DTSEN", (Role.CONTROLLER,), "Andi Mappangara", "pengendali@bappenas.contoh.id"),
        Seat("Penjamin Mutu", (Role.QUALITY_REVIEWER,), "Yohana Wenda", "mutu@bappenas.contoh.id"),
        Seat(
            "Pejabat Pelindungan Data Pribadi",
            (Role.DATA_PROTECTION_OFFICER,),
            "Ratna Wulandari",
            "ppdp@bappenas.contoh.id",
        ),
    ),
)

PROCESSOR = House(
    code="BPS",
    name="Badan Pusat Statistik",
    kind="KL",
    address="Jalan Dr. Sutomo 6-8, Jakarta Pusat",
    dpo="Hendra Lesmana",
    seats=(
        Seat("Pelaksana Pemrosesan", (Role.DATA_PREPARER,), "Agus Prasetyo", "pemrosesan@bps.contoh.id"),
        Seat("Produsen Data DTSEN", (Role.DATA_PRODUCER,), "Lilis Suryani", "produsen@bps.contoh.id"),
        Seat("Penelaah Padanan I", (Role.CLERK,), "Sri Utami", "telaah1@bps.contoh.id"),
        Seat("Penelaah Padanan II", (Role.CLERK,), "Yusuf Tanjung", "telaah2@bps.contoh.id"),
        Seat("Penelaah Padanan III", (Role.CLERK,), "Meilani Wijaya", "telaah3@bps.contoh.id"),
    ),
)

PLANNER = House(
    code="KEMENDESA",
    name="Kementerian Desa dan Pembangunan Daerah Tertinggal",
    kind="KL",
    address="Jalan TMP Kalibata 17, Jakarta Selatan",
    dpo="Nur Hidayati",
    seats=_asking("Kepala Badan Pengembangan dan Informasi", "Bambang Wicaksono", "Ayu Lestari", "kemendesa.contoh.id"),
)

MINISTRY = House(
    code="KEMENSOS",
    name="Kementerian Sosial",
    kind="KL",
    address="Jalan Salemba Raya 28, Jakarta Pusat",
    dpo="Fitri Handayani",
    seats=_asking("Kepala Pusat Data dan Informasi", "Rizal Effendi", "Maria Tethool", "kemensos.contoh.id"),
)

PROVINCE = House(
    code="PROV-NTB",
    name="Pemerintah Provinsi Nusa Tenggara Barat",
    kind="PEMDA_PROV",
    region="52",
    region_name="Provinsi Nusa Tenggara Barat",
    address="Jalan Pejanggik 12, Mataram",
    dpo="Baiq Nurhasanah",
    seats=_asking("Kepala Bappeda Provinsi NTB", "Lalu Iskandar", "Baiq Mulianah", "ntb.contoh.id"),
)

REGENCY = House(
    code="KAB-LOMBOK-TIMUR",
    name="Pemerintah Kabupaten Lombok Timur",
    kind="PEMDA_KAB",
    region="5203",
    region_name="Kabupaten Lombok Timur",
    address="Jalan Prof. M. Yamin 57, Selong",
    dpo="Sahrul Ramadhan",
    seats=_asking("Kepala Dinas Sosial", "Haji Sukarman", "Ni Luh Astuti", "lomboktimur.contoh.id"),
)

PROVIDER = House(
    code="PLN",
    name="PT PLN (Persero)",
    kind="BUMN",
    address="Jalan Trunojoyo Blok M 1/135, Jakarta Selatan",
    dpo="Yulia Anggraini",
    seats=(
        Seat("Pengelola Data Pelanggan", (Role.SOURCE_PROVIDER,), "Teguh Santoso", "data@pln.contoh.id"),
        Seat("Kepala Divisi Sistem Informasi", (Role.ACCOUNTABLE_OFFICER,), "Wahyu Kurniawan", "kepala@pln.contoh.id"),
    ),
)

HOUSES = (CONTROLLER, PROCESSOR, PLANNER, MINISTRY, PROVINCE, REGENCY, PROVIDER)


def settle() -> dict[str, Institution]:
    """Registers every institution of the story with its posts and people, or finds those that are there. By code."""
    found = {house.code: Institution.objects.filter(code=house.code).first() or _found(house) for house in HOUSES}
    controller, processor = found[CONTROLLER.code], found[PROCESSOR.code]
    if not institutions.serves(processor, controller):
        institutions.mandate(
            controller,
            processor,
            number="MDT-01/PERAGAAN",
            scope="Pemrosesan permintaan DTSEN menurut rencana yang disetujui",
        )
    return found


def _found(house: House) -> Institution:
    institution = institutions.register(
        house.code,
        house.name,
        house.kind,
        region=house.region,
        region_name=house.region_name,
        address=house.address,
        appointment=house.appointment,
    )
    institutions.name_dpo(institution, house.dpo, f"ppdp@{house.seats[0].email.split('@')[1]}")
    today = clock.today()
    for number, seat in enumerate(house.seats, start=1):
        post = institutions.open_post(institution, seat.title, *seat.roles)
        person = people.register(seat.email, seat.name, PASSWORD)
        people.appoint(person, post, mandate=f"SK {house.code} Nomor {number} Tahun {today.year}", since=today)
        for field in ("TECHNICAL", "LEGAL", "GOVERNANCE"):
            people.attest(
                person,
                field,
                number=f"KOMP-{house.code}-{number}-{field[0]}",
                issuer="Lembaga Sertifikasi Peragaan",
                until=today + timedelta(days=365),
            )
    return institution


def officer(house: House, role: Role) -> Person:
    """Who holds the post with `role` in this house. Raises StopIteration if the story has none."""
    seat = next(seat for seat in house.seats if role in seat.roles)
    return Person.objects.get(email=seat.email)
