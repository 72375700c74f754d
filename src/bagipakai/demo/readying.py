"""Making each asking institution ready: its key, its own assessment with evidence, the reviewer's verdicts."""

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bagipakai.control import clock, keybook, readiness
from bagipakai.control.models import Institution, Person
from bagipakai.core.keybook import Action as KeyAction
from bagipakai.core.manifest import read_aloud
from bagipakai.core.readiness import Action, Instrument
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role
from bagipakai.demo import papers, story
from bagipakai.demo.processes import bagipakai, passed
from bagipakai.demo.signatures import signed_by
from bagipakai.demo.story import House

LEVELS = ["L1", "L2", "L3", "L4"]


def recipient_key(keep: Path, house: House) -> Path:
    """Where the demonstration keeps the secret key of this institution."""
    return keep / "kunci" / f"{house.code.lower()}.key"


def hand_in_key(keep: Path, house: House) -> None:
    """Makes the institution's key with the recipient's tool, has its head state it and the controller's officer, who is
    read the fingerprint aloud, confirm it; unless one is in force. A key that ended is kept: older packages need it."""
    institution, file = Institution.objects.get(code=house.code), recipient_key(keep, house)
    public = file.with_name(f"{file.name}.pub")
    if file.exists() and not isinstance(keybook.key_at(institution, clock.now()), Refusal):
        return
    if not file.exists() or keybook.history(institution):
        for old in (file, public):
            if old.exists():
                old.rename(old.with_name(f"{old.name}.sampai-{clock.now():%Y%m%d-%H%M%S}"))
        file.parent.mkdir(parents=True, exist_ok=True)
        bagipakai("recipient", "keygen", "--out", file, "--institution", house.name, "--json")
    made = json.loads(bagipakai("recipient", "public", "--key", file, "--json"))
    head, reviewer = story.officer(house, Role.ACCOUNTABLE_OFFICER), _reviewer()

    def do(by: Person, action: KeyAction, payload: Mapping[str, str]) -> None:
        signed_by(by, keybook, institution.pk, action, payload, keybook.book(institution).n)

    do(head, KeyAction.STATE_KEY, keybook.statement(institution, made["line"]))
    do(reviewer, KeyAction.CONFIRM_KEY, {"heard": read_aloud(made["fingerprint"])})


def make_ready(house: House) -> None:
    """Walks the review of this institution to its certificate, unless it holds one that stands today."""
    institution = Institution.objects.get(code=house.code)
    if readiness.standing(institution, clock.now()).is_ready(clock.today()):
        return
    applicant, head = story.officer(house, Role.APPLICANT), story.officer(house, Role.ACCOUNTABLE_OFFICER)
    reviewer = _reviewer()
    review = passed(readiness.begin(applicant, LEVELS))

    def do(by: Person, action: Action, **payload: object) -> None:
        signed_by(by, readiness, review.pk, action, payload, readiness.state(review.pk).n)

    items = readiness.instrument(readiness.state(review.pk))
    for code, item in items.items():
        do(applicant, Action.ANSWER, item=code, answer="YES", note="Sudah berjalan dan didokumentasikan")
        if item.evidence:
            file = io.BytesIO(papers.letter(item.evidence, house.name, "reviu kesiapan", f"butir {code}"))
            seen = readiness.state(review.pk).n
            passed(readiness.attach(review.pk, applicant, code, file, f"bukti-{code.lower()}.pdf", seen=seen))
    do(head, Action.DECLARE)
    do(reviewer, Action.TAKE_UP)
    for code in items:
        do(reviewer, Action.JUDGE, item=code, verdict="MET", note="")
    longest = Instrument.on(clock.today()).longest_days
    last = clock.today() + timedelta(days=min(longest, 365))
    do(
        reviewer,
        Action.CERTIFY,
        levels=LEVELS,
        channels=["PORTAL"],
        sites=["utama"],
        valid_until=last.isoformat(),
        reason="Semua butir terpenuhi dengan bukti",
    )


def _reviewer() -> Person:
    return story.officer(story.CONTROLLER, Role.READINESS_REVIEWER)
