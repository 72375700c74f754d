"""A stranger with one file of ours and the public policy checks a decision; whoever changes any of it is found out."""

import argparse
import contextlib
import copy
import io
import json
import re

import pytest
from django.db import connection
from tests.authenticators import decide, key_of
from tests.control.trail.grounds import Ground
from tests.factories import a_request, done

from bagipakai import verifier
from bagipakai.control.passkeys import commands, evidence
from bagipakai.control.trail import house, leaves
from bagipakai.core.canonical import digest
from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db(transaction=True)

WRONG = set(verifier.SENTENCES)


@pytest.fixture
def trail(tmp_path):
    """A log with its own witness, over the leaves of this test."""
    with Ground(connection.settings_dict["NAME"], tmp_path) as ground:
        ground.witness("saksi.contoh.id")
        yield ground


@pytest.fixture
def record(trail):
    """The file that goes to the stranger."""
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    event = done(decide(chain.reference, Action.PASS_ADMIN, chain.office[Role.ADMIN_VERIFIER]))
    assert evidence.decision_file(chain.reference, event.n, trail.store) is None
    trail.step()
    return evidence.decision_file(chain.reference, event.n, trail.store)


@pytest.fixture
def verdict(trail, tmp_path):
    """The word of the stand-alone verifier on a record: the decision's outcome, or the code of what is wrong."""
    parser = argparse.ArgumentParser()
    verifier.register(parser.add_subparsers(required=True))
    policy, file = tmp_path / "policy", tmp_path / "decision.json"
    policy.write_text(trail.policy_text())
    options = parser.parse_args(["decision", "--policy", str(policy), str(file)])

    def asked(record) -> str:
        file.write_text(json.dumps(record))
        good, bad = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(good), contextlib.redirect_stderr(bad):
            status = options.run(options)
        if status == 0:
            return re.match(r"SAH: keputusan ([A-Z_]+) ", good.getvalue())[1]
        return re.search(r"\[([a-z-]+)\]$", bad.getvalue().strip())[1]

    return asked


def test_the_verifier_accepts_it(record, verdict):
    assert verdict(record) == "PASS_ADMIN"


def test_what_was_read_can_be_recomputed(record):
    decision = record["entry"]["payload"]["decision"]
    assert digest(record["dossier"]) == decision["dossier_hash"]
    assert digest(record["summary"]) == decision["shown_summary_hash"]
    assert json.loads(record["entry"]["leaf"])["sig_ref"] == digest(decision)


def test_whoever_changes_a_field_is_found_out(record, verdict):
    """Every text in both payloads, every salt, leaf and proof: changed one by one."""
    assert verdict(record) == "PASS_ADMIN"
    places = list(texts({"enrolment": record["enrolment"], "entry": record["entry"]}))
    assert len(places) > 25
    for place in places:
        changed = copy.deepcopy(record)
        *way, last = place
        inner = changed
        for step in way:
            inner = inner[step]
        inner[last] = ("0" if inner[last][:1] != "0" else "1") + inner[last][1:]
        assert verdict(changed) in WRONG, place


def texts(value, way=()):
    if isinstance(value, str):
        yield way
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*way, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from texts(inner, (*way, at))


def test_a_colleagues_enrolment_does_not_carry_the_decision(trail, verdict):
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    verifier_, officer = chain.office[Role.ADMIN_VERIFIER], chain.office[Role.DATA_PROTECTION_OFFICER]
    key_of(officer)
    first = done(decide(chain.reference, Action.PASS_ADMIN, verifier_))
    second = done(
        decide(chain.reference, Action.GIVE_OPINION, officer, {"opinion": "SUPPORTS", "reason": "Sesuai tujuan"})
    )
    trail.step()
    one = evidence.decision_file(chain.reference, first.n, trail.store)
    two = evidence.decision_file(chain.reference, second.n, trail.store)
    assert (verdict(one), verdict(two)) == ("PASS_ADMIN", "GIVE_OPINION")
    assert verdict({**one, "enrolment": two["enrolment"]}) == "foreign-key"


def test_an_assertion_moved_to_another_decision_is_found_out(trail, verdict):
    """Even by somebody who can write leaves: the office itself cannot make up what a key did not sign."""
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    event = done(decide(chain.reference, Action.PASS_ADMIN, chain.office[Role.ADMIN_VERIFIER]))
    trail.step()
    true = evidence.decision_file(chain.reference, event.n, trail.store)
    payload = true["entry"]["payload"]
    leaves.write(
        "decision.PASS_ADMIN",
        f"keputusan/{chain.reference}#{event.n}",
        {**payload, "decision": {**payload["decision"], "outcome": "REJECT"}},
    )
    trail.step()
    forged = evidence.decision_file(chain.reference, event.n, trail.store)
    assert forged["entry"]["payload"]["decision"]["outcome"] == "REJECT"
    assert verdict(forged) == "bad-assertion"


def test_the_file_is_written_by_a_command(trail, tmp_path, capsys, monkeypatch, verdict):
    monkeypatch.setattr(house, "store", lambda: trail.store)
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    chain = a_request(at=Status.ADMIN_CHECK, level="L1")
    event = done(decide(chain.reference, Action.PASS_ADMIN, chain.office[Role.ADMIN_VERIFIER]))
    file = tmp_path / "keputusan.json"

    def asked(about) -> int:
        options = parser.parse_args(["decision", "--about", about, "--out", str(file)])
        return options.run(options)

    for about, words in (
        (f"{chain.reference}#{event.n}", "belum di bawah titik periksa"),
        (f"{chain.reference}#99", f"Yang ada: {chain.reference}#{event.n}."),
        ("../etc", "Bukan nama langkah"),
    ):
        assert asked(about) == 1 and not file.exists()
        assert words in capsys.readouterr().err
    trail.step()
    assert asked(f"{chain.reference}#{event.n}") == 0
    assert verdict(json.loads(file.read_text())) == "PASS_ADMIN"
