"""What a test needs to stand there already. Everything is made by the product's own doors: to need a request that was
returned, let one be returned."""

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyrage
from tests import shelf
from tests.authenticators import act
from tests.fakes import Registry
from tests.trail import witnessed

from bagipakai.control import (
    clock,
    gazetteer,
    inflows,
    institutions,
    keybook,
    keys,
    order_receipts,
    people,
    readiness,
    releases,
    requests,
    roster_receipts,
    rosters,
)
from bagipakai.control.forms import Service
from bagipakai.control.models import Grant, Institution, Person, Request, Tenure
from bagipakai.core.acknowledgement import Acknowledgement, Check
from bagipakai.core.envelope import Signer
from bagipakai.core.keybook import Action as Keys
from bagipakai.core.manifest import read_aloud
from bagipakai.core.readiness import Action as Review
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event, Role, Status
from bagipakai.core.roster_orders import Heading, RosterReceipt
from bagipakai.core.rosters import Action as Rosters
from bagipakai.recipient.keys import Identity

PASSWORD = "kata sandi peragaan"
EDITION = "Kepmendagri 300.2.2-2138/2025"
REGIONS = (
    ("52", "Nusa Tenggara Barat"),
    ("5203", "Kabupaten Lombok Timur"),
    ("5271", "Kota Mataram"),
    ("32", "Jawa Barat"),
    ("3201", "Kabupaten Bogor"),
)
FIELDS = ("TECHNICAL", "LEGAL", "GOVERNANCE")
SECRETS: dict[str, Identity] = {}  # what institutions keep at home, by the fingerprint of the public half
_numbers = itertools.count(1)

OFFICE = (
    Role.READINESS_REVIEWER,
    Role.ADMIN_VERIFIER,
    Role.SUBSTANCE_VERIFIER,
    Role.DATA_PROTECTION_OFFICER,
    Role.COORDINATOR,
    Role.CONTROLLER,
    Role.DATA_PREPARER,
    Role.QUALITY_REVIEWER,
    Role.AUDITOR,
)
ASKING = (Role.APPLICANT, Role.ACCOUNTABLE_OFFICER, Role.AUTHORISED_HANDLER)


@dataclass(frozen=True)
class House:
    """An institution with one person on one post for each of its roles."""

    institution: Institution
    who: dict[Role, Person]

    def __getitem__(self, role: Role) -> Person:
        return self.who[role]


def done(outcome: Any) -> Any:
    """The outcome, which must not be a refusal."""
    assert not isinstance(outcome, Refusal), f"refused: {outcome.code} {dict(outcome.detail)}"
    return outcome


def a_pdf(words: str = "Surat") -> io.BytesIO:
    """A small honest PDF whose bytes depend on the words."""
    return io.BytesIO(b"%PDF-1.7\n% " + words.encode() + b"\n1 0 obj\n<< >>\nendobj\nstartxref\n9\n%%EOF\n")


def a_person(name: str = "", *, competent: bool = True, days: int = 365) -> Person:
    """Somebody with an account and, unless told otherwise, all three competences."""
    number = next(_numbers)
    person = people.register(f"orang{number}@contoh.go.id", name or f"Orang {number}", PASSWORD)
    for field in FIELDS if competent else ():
        until = clock.today() + timedelta(days=days)
        people.attest(person, field, number=f"SK-{number}", issuer="Lembaga Uji", until=until)
    return person


def a_seat(institution: Institution, *roles: Role, person: Person | None = None, **tenure: Any) -> Tenure:
    """A person on a new post of the institution."""
    post = institutions.open_post(institution, f"Jabatan {next(_numbers)}", *roles)
    return people.appoint(person or a_person(), post, **{"mandate": "SK 1/2026", **tenure})


def a_house(institution: Institution, roles: tuple[Role, ...]) -> House:
    return House(institution, {role: a_seat(institution, role).person for role in roles})


def an_office() -> House:
    """The controller with everybody who works there, its keys, and one release to order from; the same one again
    where it stands already."""
    if (known := _standing("PENGENDALI")) is not None:
        return known
    keys.establish()
    a_release()
    controller = institutions.register(
        "PENGENDALI",
        "Kementerian Pengendali",
        "KL",
        appointment=institutions.Appointment("Instruksi Presiden", "4 Tahun 2025", date(2025, 2, 5)),
    )
    institutions.name_dpo(controller, "Pejabat PDP", "ppdp@contoh.go.id")
    return a_house(controller, OFFICE)


def the_institution() -> House:
    """One institution that may ask; the same one again where it stands already."""
    return _standing("KAB-LOMBOK-TIMUR") or an_institution(
        code="KAB-LOMBOK-TIMUR", name="Pemerintah Kabupaten Lombok Timur"
    )


def _standing(code: str) -> House | None:
    institution = Institution.objects.filter(code=code).first()
    if institution is None:
        return None
    tenures = Tenure.objects.filter(post__institution=institution).select_related("person", "post").order_by("-id")
    return House(institution, {Role(one.post.roles[0]): one.person for one in tenures})


def a_provider(code: str = "PLN", *, key: bool = True, **known: Any) -> House:
    """An institution that hands in the sources it provides (policies/parties.toml), with its key unless told not."""
    named = {"code": code, "name": "PT PLN (Persero)", "kind": "BUMN", "region": ""}
    institution = institutions.register(**{**named, **known})
    house = a_house(institution, (Role.SOURCE_PROVIDER, Role.ACCOUNTABLE_OFFICER))
    if key:
        a_key(house)
    return house


def a_release(version: str = "2026.3.0") -> None:
    gazetteer.load(EDITION, REGIONS)
    releases.announce(
        version,
        digest="ab" * 32,
        standard="DTSEN-STD 2026.1",
        region_edition=EDITION,
        published_on=date(2026, 9, 30),
        persons=1_000_000,
        families=330_000,
    )


def an_institution(*, ready: bool = True, region: str = "5203", **known: Any) -> House:
    """An institution that may ask: its people, its data protection officer, its key, and unless told otherwise a
    certificate for every level."""
    number = next(_numbers)
    institution = institutions.register(
        known.pop("code", f"KAB-{number}"),
        known.pop("name", f"Pemerintah Kabupaten {number}"),
        known.pop("kind", "PEMDA_KAB"),
        region=region,
        region_name=dict(REGIONS).get(region, ""),
        **known,
    )
    institutions.name_dpo(institution, "Pejabat PDP", "ppdp@contoh.go.id")
    house = a_house(institution, ASKING)
    a_key(house)
    if ready:
        a_certificate(house)
    return house


def a_new_key() -> Identity:
    """A key made at an institution, which keeps it at home."""
    identity = Identity(pyrage.x25519.Identity.generate())
    SECRETS[identity.fingerprint] = identity
    return identity


def a_key(house: House, *, until: Keys = Keys.CONFIRM_KEY) -> Identity:
    """A new recipient key of the institution, in force; or, told `until=Keys.STATE_KEY`, waiting."""
    reviewer, key, institution = an_office()[Role.READINESS_REVIEWER], a_new_key(), house.institution
    step = _Step(lambda *told: act(keybook, institution.pk, *told), lambda: keybook.book(institution).n)
    step(Keys.STATE_KEY, house[Role.ACCOUNTABLE_OFFICER], keybook.statement(institution, key.public.line))
    if until is Keys.CONFIRM_KEY:
        step(Keys.CONFIRM_KEY, reviewer, {"heard": read_aloud(key.fingerprint)})
    return key


def a_certificate(house: House, days: int = 300, levels: tuple[str, ...] = ("L1", "L2", "L3", "L4")) -> int:
    """A readiness review of the institution, from its first answer to its certificate; returns its id."""
    office = an_office()
    row = done(readiness.begin(house[Role.APPLICANT], levels))
    step = _Step(lambda *told: act(readiness, row.pk, *told), lambda: readiness.state(row.pk).n)
    items = readiness.instrument(readiness.state(row.pk))
    for code in items:
        step(Review.ANSWER, house[Role.APPLICANT], {"item": code, "answer": "YES", "note": ""})
        seen = readiness.state(row.pk).n
        done(readiness.attach(row.pk, house[Role.APPLICANT], code, a_pdf(code), "bukti.pdf", seen=seen))
    step(Review.DECLARE, house[Role.ACCOUNTABLE_OFFICER])
    reviewer = office[Role.READINESS_REVIEWER]
    step(Review.TAKE_UP, reviewer)
    for code in items:
        step(Review.JUDGE, reviewer, {"item": code, "verdict": "MET", "note": ""})
    until = (clock.today() + timedelta(days=days)).isoformat()
    scope = {"levels": list(levels), "channels": ["PORTAL"], "sites": ["utama"]}
    step(Review.CERTIFY, reviewer, {**scope, "valid_until": until, "reason": "Semua butir terpenuhi"})
    return int(row.pk)


class _Step:
    """Does one thing after another, each having seen the one before; none may be refused."""

    def __init__(self, handle: Callable[..., Any], seen: Callable[[], int]) -> None:
        self.handle, self.seen = handle, seen

    def __call__(self, action: Any, person: Person, payload: dict[str, Any] | None = None) -> Any:
        return done(self.handle(action, person, payload or {}, self.seen()))


COLUMNS = {
    "L1": ("kode_kab", "desil"),
    "L2": ("kode_kab", "desil", "umur"),
    "L3": ("kode_desa", "desil", "umur"),
    "L4": ("nik", "nama", "alamat", "desil"),
}
DOCUMENTS = (
    "REQUEST_LETTER",
    "SECURITY_USE_STATEMENT",
    "HANDLER_DECREE",
    "TERMS_OF_REFERENCE",
    "NDA",
    "IMPACT_ASSESSMENT",
)


def answers(level: str = "L4", **other: Any) -> dict[str, Any]:
    """Whole and lawful answers for a level."""
    return {
        "purpose": "BANSOS",
        "programme": "Program Keluarga Harapan",
        "programme_detail": "Daftar dipakai pendamping untuk menyalurkan bantuan.",
        "legal_basis": "UU 13/2011 Pasal 8",
        "level": level,
        "unit": "individu",
        "area": ["5203"],
        "population": [{"variable": "desil", "from": 1, "to": 4}],
        "variables": [{"name": name, "reason": f"Perlu {name}"} for name in COLUMNS[level]],
        "release": "2026.3.0",
        "rolling": False,
        "format": "csv",
        "ends_on": (clock.today() + timedelta(days=200)).isoformat(),
        "onward_sharing": False,
        "pdp_capacity": "CONTROLLER",
        "handlers": [{"name": "Ni Luh Astuti", "post": "Pengelola Data"}],
        **other,
    }


@dataclass
class Chain:
    """A request and everybody around it. `step` acts having seen the latest; a refusal fails the test."""

    request: Request
    asking: House
    office: House

    @property
    def reference(self) -> str:
        return self.request.reference

    @property
    def state(self) -> Any:
        return requests.state(self.reference)

    def step(self, action: Action, role: Role, payload: dict[str, Any] | None = None) -> Event:
        return done(self.attempt(action, role, payload))

    def attempt(self, action: Action, role: Role, payload: dict[str, Any] | None = None) -> Event | Refusal:
        """The same, and a refusal is an answer."""
        who = self.asking[role] if role in ASKING else self.office[role]
        return act(requests, self.reference, action, who, payload or {}, self.state.n)

    def write(self, **changed: Any) -> Event | Refusal:
        return requests.save_answers(self.reference, self.asking[Role.APPLICANT], changed, self.state.n)

    def attach(self, kind: str, words: str = "") -> Event | Refusal:
        file, who = a_pdf(f"{kind} {words}"), self.asking[Role.APPLICANT]
        return requests.attach(self.reference, who, kind, file, f"{kind}.pdf", seen=self.state.n)

    def propose_all(self) -> Event:
        level = self.state.answers["level"]
        verdict = {"verdict": "APPROVE", "level": level, "reason": "Sesuai tujuan"}
        return self.step(
            Action.PROPOSE, Role.SUBSTANCE_VERIFIER, {"verdicts": dict.fromkeys(self.state.asked, verdict)}
        )

    def approve(self) -> Event:
        filled = requests.prefilled(self.reference, Action.APPROVE) | {"reason": "Disetujui sesuai usul"}
        return self.step(Action.APPROVE, Role.COORDINATOR, filled)

    def sign(self, action: Action) -> None:
        for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
            self.step(action, role, requests.prefilled(self.reference, action))
        witnessed()


_Way = tuple[tuple[Status, Callable[[Chain, str, dict[str, Any]], object]], ...]


def a_request(
    at: Status = Status.DRAFT, level: str = "L4", asking: House | None = None, *, anew: bool = False, **other: Any
) -> Chain:
    """A request that came all the way to `at`, step by step, by the people whose turn it was. A plain one may be found
    on the shelf, as far as one of its kind came before; not if it must go its way `anew`."""
    office = an_office()
    plain = asking is None and not other and shelf.untouched()
    asking = asking or the_institution()
    known = shelf.shelf(office.institution.pk, level) if plain and not anew else {}
    chain, ahead = _found(asking, office, known, at)
    for stage, go_on in ahead:
        if chain.state.status is at:
            return chain
        if stage is chain.state.status:
            go_on(chain, level, other)
            if plain:
                shelf.shelf(office.institution.pk, level)[chain.state.status] = shelf.kept(chain.request.pk)
    assert chain.state.status is at, f"no way leads to {at}: {chain.state.status}"
    return chain


def _found(asking: House, office: House, known: dict[Status, shelf.Kept], at: Status) -> tuple[Chain, _Way]:
    """The request that had come furthest on its way to `at`, or a new one; and what is left of the way."""
    stages = [*(stage for stage, _ in _WAY), Status.ACCESS_GRANTED]
    for number in range(stages.index(at), 0, -1):
        if one := known.get(stages[number]):
            shelf.lay_out(one)
            return Chain(Request.objects.get(pk=one.request), asking, office), _WAY[number:]
    return Chain(done(requests.create(asking[Role.APPLICANT])), asking, office), _WAY


def _send(chain: Chain, level: str, other: dict[str, Any]) -> None:
    done(chain.write(**answers(level, **other)))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    chain.step(Action.SUBMIT, Role.APPLICANT)


def a_roster(house: House, rows: int = 30) -> str:
    """A list that the registry read and its sender confirmed; what it is called."""
    sender = house[Role.APPLICANT]
    row = done(rosters.begin(sender))
    inflow = inflows.Inflow(row, sender, "penerima.csv")
    inflow.feed(b"nik,nama\n" + b",\n" * rows)
    assert inflow.end() is None
    done(rosters.handle(row.reference, Rosters.SEND, sender))
    sent = rosters.state(row).file
    assert sent is not None
    registry = Registry()
    headings = (Heading("nik", "nik", rows), Heading("nama", "nama", rows))
    number = row.orders.get().order_id
    receipt = RosterReceipt(number, row.reference, sent.sealed, rows=rows, digest="ab" * 32, headings=headings)
    registry.post(number, receipt.sealed(registry.keys.receipt))
    roster_receipts.collect()
    done(rosters.handle(row.reference, Rosters.CONFIRM, sender))
    return str(row.reference)


def matching(roster: str, **other: Any) -> dict[str, Any]:
    """Whole and lawful answers of a request for matching."""
    same = answers("L4")
    for name in ("level", "unit", "population", "variables", "onward_sharing"):  # fixed, or not asked
        del same[name]
    return same | {"roster": roster, "answer": "STATUS", "reasons": False, "one_to_one": True, **other}


def a_matching_request(at: Status = Status.DRAFT, **other: Any) -> Chain:
    """A request to match a list that came all the way to `at`, as `a_request`."""
    office, asking = an_office(), the_institution()
    opened = done(requests.create(asking[Role.APPLICANT], service=Service.MATCHING))
    chain = Chain(opened, asking, office)
    if at is Status.DRAFT:
        return chain
    done(chain.write(**matching(a_roster(asking), **other)))
    for kind in DOCUMENTS:
        done(chain.attach(kind))
    chain.step(Action.SUBMIT, Role.APPLICANT)
    for stage, go_on in _WAY[1:]:
        if chain.state.status is at:
            return chain
        if stage is chain.state.status:
            go_on(chain, "L4", other)
    assert chain.state.status is at, f"no way leads to {at}: {chain.state.status}"
    return chain


def _examine(chain: Chain, level: str, other: dict[str, Any]) -> None:
    if chain.state.asked:
        chain.propose_all()
    if Role.DATA_PROTECTION_OFFICER.value in Request.objects.get(pk=chain.request.pk).awaited:
        chain.step(
            Action.GIVE_OPINION,
            Role.DATA_PROTECTION_OFFICER,
            {"opinion": "SUPPORTS", "reason": "Risiko terkendali"},
        )
    chain.step(Action.PASS_SUBSTANCE, Role.SUBSTANCE_VERIFIER)


def _process(chain: Chain, level: str, other: dict[str, Any]) -> None:
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    for order in registry.orders():
        if order.plan.request == chain.reference:
            registry.answer(order)
    order_receipts.collect()
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)


def an_acknowledgement(grant: Grant, signer: Signer | None = None, **changed: Any) -> bytes:
    """What the recipient's tool signs once the granted package was found right; tests/recipient shows that it does."""
    recipient = grant.plan["recipient"]["fingerprint"]
    said = Acknowledgement(
        grant.package, grant.manifest, recipient, "bagipakai 0.1.0", clock.now().replace(microsecond=0), tuple(Check)
    )
    return replace(said, **changed).sealed(signer or SECRETS[recipient].signer)


_WAY: _Way = (
    (Status.DRAFT, _send),
    (Status.ADMIN_CHECK, lambda chain, *_: chain.step(Action.PASS_ADMIN, Role.ADMIN_VERIFIER)),
    (Status.SUBSTANCE_CHECK, _examine),
    (Status.COORDINATOR_DECISION, lambda chain, *_: chain.approve()),
    (Status.AGREEMENT_SIGNING, lambda chain, *_: chain.sign(Action.SIGN_AGREEMENT)),
    (Status.PROCESSING, _process),
    (Status.QUALITY_CHECK, lambda chain, *_: chain.step(Action.PASS_QUALITY, Role.QUALITY_REVIEWER)),
    (Status.HANDOVER_SIGNING, lambda chain, *_: chain.sign(Action.SIGN_HANDOVER)),
)
