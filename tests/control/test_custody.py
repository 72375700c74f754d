"""A key of the house gives way to the next one; what an older one signed is still verified, what a leaked one signs is
not."""

import argparse
import hashlib
import json
import os
import shutil
from datetime import date, timedelta

import pytest
from django.db import connection
from tests.factories import a_request
from tests.fakes import Registry
from tests.trail import witnessed

from bagipakai.control import access, clock, custody, custody_commands, keys, order_receipts, requests
from bagipakai.control.models import Grant, PlacedOrder
from bagipakai.control.signing import desk
from bagipakai.control.trail import house
from bagipakai.core.envelope import Signer
from bagipakai.core.inventory import Inventory
from bagipakai.core.keyfiles import TooOpen
from bagipakai.core.manifest import MANIFEST_NAME
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status
from bagipakai.registry import keys as registry_keys
from bagipakai.registry import trace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands", "own")]

PART = "bagian-0001.csv.age"
REASON = "Mesin gudang data dimasuki orang; diputuskan Kepala Pusdatin."
INVENTORY = Inventory.on(date.max)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A copy of the keys, and packages of this test alone."""
    registry_keys.establish(keys.folder())
    house.establish()
    desk.house(clock.now())
    shutil.copytree(keys.folder(), tmp_path / "keys")
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path))
    an_old_session_key()


def an_old_session_key():
    session = keys.folder() / "control" / "session.key"
    session.write_text("lama")
    session.chmod(0o600)


@pytest.fixture
def unused(own, tmp_path, monkeypatch):
    """The keys of an installation that has signed nothing yet."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "baru"))
    keys.establish()
    registry_keys.establish(keys.folder())
    an_old_session_key()


@pytest.fixture
def chain():
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain):
    return Grant.objects.get(request=chain.request)


def ordered():
    """A request whose order waits for the registry."""
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    return chain


def reads(chain, grant):
    witnessed()
    return not isinstance(access.download(grant, PART, chain.asking[Role.AUTHORISED_HANDLER]), Refusal)


def seal():
    """The seal as whoever can read its file has it."""
    return Signer.from_pem((keys.folder() / "registry" / "seal.pem").read_bytes())


def sealed_anew(grant, signer):
    """A manifest for the granted package under this seal, in the store; its digest."""
    envelope = access.manifest_of(grant).sealed(signer)
    (access.packages() / grant.package / MANIFEST_NAME).write_bytes(envelope)
    return hashlib.sha256(envelope).hexdigest()


def leaves(event):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT about, commitment, payload FROM trail.leaf LEFT JOIN trail.opening ON leaf = id"
            " WHERE event = %s ORDER BY id",
            [event],
        )
        return cursor.fetchall()


def public(name="seal"):
    return keys.folder() / "public" / f"{name}.pub.pem"


def test_a_package_under_the_seal_before_is_still_read_and_its_seal_handed_out(chain, grant):
    old = seal().public
    done = custody.rotate("seal")
    assert (done.old, done.new) == (old.key_id, seal().public.key_id) and done.old != done.new
    assert reads(chain, grant)
    assert access.seal_of(grant).key_id == old.key_id
    held = registry_keys.read(keys.folder())
    assert list(trace.standing(access.packages(), held.seal.public)) == []
    assert [one.package for one in trace.standing(access.packages(), held.seal.public, *held.seals)] == [grant.package]


def test_the_next_package_is_under_the_new_seal(grant):
    new = custody.rotate("seal").new
    other = Grant.objects.get(request=a_request(at=Status.ACCESS_GRANTED).request)
    assert access.seal_of(other).key_id == new == keys.seal_key().key_id
    assert access.manifest_of(grant) and access.manifest_of(other)


def test_the_new_seal_is_told_in_the_trail_by_the_digest_that_anybody_can_take():
    new = custody.rotate("seal").new
    assert leaves(custody.REPLACED) == [
        (f"kunci-rumah/seal/ed{new}", hashlib.sha256(public().read_bytes()).hexdigest(), None)
    ]
    assert leaves(custody.LEAKED) == []


def test_a_seal_of_sixteen_figures_can_be_told():
    """It is no person's number."""
    leaf = custody.about("seal", "1234567890123456")
    custody.leaves.write_public(custody.REPLACED, leaf, "ab" * 32)
    assert leaves(custody.REPLACED)[0][0] == leaf


def test_a_leaked_seal_vouches_for_what_the_trail_held_before_and_for_nothing_else(chain, grant):
    leaked = seal()
    custody.compromised("seal", REASON, [grant.package])
    assert reads(chain, grant)
    assert access.manifest_in(grant.package, sealed_anew(grant, leaked)) is not None, "byte for byte the same"
    forged = access.packages() / "paket-00000000-0000-4000-8000-000000000000"
    forged.mkdir()
    envelope = type(access.manifest_of(grant))(**{**vars(access.manifest_of(grant)), "package": forged.name})
    written = envelope.sealed(leaked)
    (forged / MANIFEST_NAME).write_bytes(written)
    sha256 = hashlib.sha256(written).hexdigest()
    assert access.manifest_in(forged.name, sha256) is None
    custody.leaves.write_public("package.SEAL", forged.name, sha256)
    assert access.manifest_in(forged.name, sha256) is None, "told too late"
    (forged / MANIFEST_NAME).write_bytes(envelope.sealed(seal()))
    assert access.manifest_in(forged.name, hashlib.sha256(envelope.sealed(seal())).hexdigest()) is not None


def test_a_package_that_came_under_a_leaked_seal_is_refused_and_ordered_again():
    """It was sealed before the leak was told, and is in no trail yet."""
    chain = ordered()
    registry = Registry()
    registry.answer(registry.orders()[0])
    custody.compromised("seal", REASON)
    assert order_receipts.collect() == 1
    assert chain.state.delivered.refusal == "receipt-differs-from-its-package"
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trail.leaf WHERE event = 'package.SEAL'")
        assert cursor.fetchone() == (0,)


def run(verb, name, reason=REASON):
    command = {"rotate": custody_commands._rotate, "compromised": custody_commands._compromised}[verb]
    return command(argparse.Namespace(name=name, reason=reason))


def test_the_command_names_every_package_under_a_leaked_seal(grant, capsys):
    custody.rotate("seal")
    other = Grant.objects.get(request=a_request(at=Status.ACCESS_GRANTED).request)
    assert run("compromised", "seal") == 0
    told = capsys.readouterr().out
    assert f"{other.package}  {other.request.reference}  {other.request.institution.name}" in told
    assert "di jejak sebelum laporan ini" in told and "TIDAK di jejak" not in told
    assert grant.package not in told, "it lies under the seal before, which did not leak"
    ((_, _, payload),) = leaves(custody.LEAKED)
    assert json.loads(payload)["touched"] == [other.package] and json.loads(payload)["reason"] == REASON


def test_a_leak_needs_a_reason(capsys):
    before = public().read_bytes()
    assert run("compromised", "seal", "bocor") == 1
    assert "Alasan" in capsys.readouterr().err
    assert public().read_bytes() == before and leaves(custody.LEAKED) == []


@pytest.mark.parametrize("broken", [0, 1])
def test_a_drill_that_breaks_off_leaves_everything_verifiable(broken, chain, grant, monkeypatch):
    """A full disk before the secret half, or before the public file that names it; done again, it ends well."""
    replaced, real = [], custody.replace

    def replace(file, content):
        if len(replaced) == broken:
            raise OSError(28, "No space left on device", str(file))
        replaced.append(file)
        real(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(custody, "replace", replace)
        with pytest.raises(OSError, match="No space"):
            custody.rotate("seal")
    other = Grant.objects.get(request=a_request(at=Status.ACCESS_GRANTED).request)
    assert reads(chain, grant) and access.manifest_of(other)
    assert access.seal_of(other).key_id == seal().public.key_id
    custody.rotate("seal")
    assert keys.seal_key().key_id == seal().public.key_id
    assert access.manifest_of(grant) and access.manifest_of(other)
    assert INVENTORY.unlisted(keys.folder()) == []


@pytest.mark.parametrize("name", [*(key.name for key in INVENTORY.keys), "tidak-ada"])
@pytest.mark.parametrize("drill", ["rotate", "compromised"])
def test_a_drill_is_there_where_the_inventory_says_so(name, drill):
    promised = [key for key in INVENTORY.keys if key.name == name and drill in key.commands]
    before = {file: file.read_bytes() for file in keys.folder().rglob("*") if file.is_file()}
    outcome = custody.rotate(name) if drill == "rotate" else custody.compromised(name, REASON)
    after = {file: file.read_bytes() for file in keys.folder().rglob("*") if file.is_file()}
    assert (outcome == Refusal("key-has-no-drill", {"key": name})) == (not promised)
    assert (after == before) == (not promised)
    assert len(leaves(custody.REPLACED) + leaves(custody.LEAKED)) in ((1, 2) if promised else (0,))
    assert all(file.stat().st_mode & 0o077 == 0 for key in INVENTORY.keys for file in key.secrets(keys.folder()))


def test_the_orders_key_waits_for_answers_and_is_ended_at_once_when_it_leaked():
    ordered()
    placed = PlacedOrder.objects.get(collected_at=None)
    old = keys.order_signer().public
    assert custody.rotate("order") == Refusal("orders-are-waiting")
    assert keys.order_signer().public.key_id == old.key_id
    custody.compromised("order", REASON)
    obeyed = Registry().keys.order.key_id
    assert obeyed == keys.order_signer().public.key_id != old.key_id
    assert order_receipts._order_of(placed).order_id == placed.order_id, "the trail held it before"


def test_the_session_key_is_in_no_leaf():
    secret = keys.folder() / "control" / "session.key"
    custody.rotate("session")
    new = secret.read_text()
    assert new != "lama" and len(new) >= 64
    assert new not in str(leaves(custody.REPLACED)) and "lama" not in str(leaves(custody.REPLACED))


def test_a_key_that_others_can_read_is_not_replaced_in_silence(capsys):
    (keys.folder() / "registry" / "seal.pem").chmod(0o644)
    with pytest.raises(TooOpen):
        custody.rotate("seal")
    assert run("rotate", "seal") == 1 and "chmod 600" in capsys.readouterr().err
    assert leaves(custody.REPLACED) == []


def listed(capsys):
    code = custody_commands._list(argparse.Namespace())
    return code, {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}


def test_the_list_says_what_is_due_what_is_missing_and_what_nobody_knows(unused, capsys):
    file = keys.folder() / "registry" / "seal.pem"
    old = (clock.now() - timedelta(days=800)).timestamp()
    os.utime(file, (old, old))
    (keys.folder() / "control" / "order.pem").chmod(0o640)
    (keys.folder() / "registry" / "salinan.pem").write_text("x")
    code, said = listed(capsys)
    assert code == 1
    assert "JATUH TEMPO" in said["seal"] and "chmod 600" in said["order"] and "sampai" in said["receipt"]
    assert "TIDAK ADA" in said["log"] and "hanya bila" in said["device-pin"]
    assert "pertama dipakai" in said["clock"]
    assert "tidak berakhir" in said["pseudonym"] and "salinan.pem" in said["Tidak"]
    assert {key.name for key in INVENTORY.keys} < set(said)


def test_an_installation_that_was_just_set_up_needs_nobody(unused, capsys):
    house.establish()
    desk.house(clock.now())
    assert listed(capsys)[0] == 0


def test_after_the_drill_it_is_no_longer_due(capsys):
    file = keys.folder() / "registry" / "seal.pem"
    os.utime(file, (0, 0))
    assert "JATUH TEMPO" in listed(capsys)[1]["seal"]
    custody.rotate("seal")
    assert "sampai" in listed(capsys)[1]["seal"]
