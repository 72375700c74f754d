"""The inventory of keys and the keys of a prepared installation are the same; no secret one is read that others can."""

import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from tests.control.trail.grounds import Ground

from bagipakai import postgres, settings
from bagipakai.control import keys
from bagipakai.control.signing import desk
from bagipakai.control.signing.acts import Act, Holder
from bagipakai.control.signing.device import Device
from bagipakai.control.signing.national import National
from bagipakai.control.trail import house
from bagipakai.core.inventory import Inventory
from bagipakai.core.keyfiles import TooOpen
from bagipakai.registry import keys as registry

pytestmark = pytest.mark.django_db

AT = datetime(2026, 12, 1, tzinfo=UTC)
INVENTORY = Inventory.on(date(2026, 12, 1))
OFFICER, SEAL = Holder("17/4", "Rina", "Kepala", "BPS"), desk.seal_of("BPS", "Badan Pusat Statistik")
ACT = Act(AT, "Perjanjian", "ab" * 32)


@pytest.fixture
def prepared(tmp_path, monkeypatch, django_db_setup):
    """The keys' folder after both planes were set up, and an officer and a seal have signed for the first time."""
    from django.db import connection

    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path))
    (tmp_path / "trail").mkdir()
    ground = Ground(connection.settings_dict["NAME"], tmp_path)
    setup = ground.run("control", "setup", role=postgres.OWNER)
    assert setup.returncode == 0, setup.stderr
    made = subprocess.run([sys.executable, "-m", "bagipakai.cli", "registry", "keys"], check=True, capture_output=True)
    assert b"seal" in made.stdout
    for holder in (OFFICER, SEAL):
        desk.house(AT).signer(holder).credential(AT)
    desk.house(AT).clock(AT)
    return tmp_path / "keys"


def test_every_key_file_is_listed_and_every_line_has_its_files(prepared):
    assert INVENTORY.unlisted(prepared) == []
    for key in INVENTORY.keys:
        found = {pattern: list(prepared.glob(pattern)) for pattern in (*key.secret, *key.public)}
        missing = [pattern for pattern, files in found.items() if not files]
        if key.only_if:
            assert set(missing) == set(found), key.name
        else:  # an older public half and a revocation come with time
            assert [one for one in missing if not one.endswith(("/*", "-*.pub.pem"))] == [], key.name


def test_no_file_belongs_to_two_lines(prepared):
    lay_out_other_means(prepared)
    for file in (file for file in prepared.rglob("*") if file.is_file()):
        assert sum(file in key.files(prepared) for key in INVENTORY.keys) == 1, file


def test_a_key_that_nobody_listed_is_found(prepared):
    for name in ("control/order-old.pem", "registry/seal.pem~", "new", "control/signing/authority/other.key.pem"):
        (prepared / name).write_text("x")
    assert [str(file.relative_to(prepared)) for file in INVENTORY.unlisted(prepared)] == [
        "control/order-old.pem",
        "control/signing/authority/other.key.pem",
        "new",
        "registry/seal.pem~",
    ]


def lay_out_other_means(prepared):
    for name in ("pin", "national.token"):
        file = prepared / "control/signing" / name
        file.write_text("1234")
        file.chmod(0o600)


def session():
    return settings._secret_key()


def pin():
    folder = desk.folder()
    return Device(desk.house(AT), SEAL, folder / "no-module", "token", "key", folder / "pin").sign(b"", ACT)


def token():
    roots = desk.roots(AT)
    return National(SEAL, "segel", "https://tte.invalid", desk.folder() / "national.token", roots, "", 1).sign(b"", ACT)


USED = {  # what the product does with each secret
    "session": session,
    "order": keys.order_signer,
    "receipt": lambda: registry.receipt_signer(keys.folder()),
    "seal": lambda: registry.read(keys.folder()),
    "intake": lambda: registry.intake(keys.folder()),
    "pseudonym": lambda: registry.read(keys.folder()),
    "storage": lambda: registry.storage(keys.folder()),
    "log": house.signers,
    "log-cosigner": house.signers,
    "signing-root": lambda: desk.house(AT).authority.crl(AT),
    "signers": lambda: [desk.officer(one, AT).credential(AT) for one in (OFFICER, SEAL)],
    "time-root": lambda: desk.house(AT).time.crl(AT),
    "clock": lambda: desk.house(AT).clock(AT),
    "device-pin": pin,
    "national-token": token,
}


def test_every_secret_of_the_inventory_is_tried():
    assert list(USED) == [key.name for key in INVENTORY.keys]


@pytest.mark.parametrize("key", INVENTORY.keys, ids=lambda key: key.name)
def test_a_secret_that_others_can_read_is_refused(key, prepared, monkeypatch):
    """Also where only the group can read or write it; and it is read again once it is its owner's alone."""
    monkeypatch.setattr(settings, "VAR", prepared.parent)
    lay_out_other_means(prepared)
    for file in key.secrets(prepared):
        assert file.stat().st_mode & 0o777 == 0o600
        for mode in (0o640, 0o604, 0o620):
            file.chmod(mode)
            with pytest.raises(TooOpen):
                USED[key.name]()
        file.chmod(0o600)
    if not key.only_if:
        USED[key.name]()
