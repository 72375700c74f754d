"""What the tests of signatures share: a house of authorities of their own, a paper, and the means to sign it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typst
from tests.control.signing import fakes

from bagipakai.control.signing.acts import NOT_CERTIFIED, Act, Holder
from bagipakai.control.signing.device import Device
from bagipakai.control.signing.local import House
from bagipakai.control.signing.national import National

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
SEAL = Holder("SEGEL/KEMENSOS", "Segel Kementerian Sosial", "", "Kementerian Sosial")
OFFICER = Holder("P17/J4", "Ratna Wulandari", "Kepala Pusat Data", "Kementerian Sosial")
ACT = Act("Menyegel perjanjian PKS-2026-000012-1", AT)
SOFTHSM = (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib64/pkcs11/libsofthsm2.so"))


@pytest.fixture(scope="session")
def paper(tmp_path_factory) -> bytes:
    """An unsigned paper of two pages."""
    source = tmp_path_factory.mktemp("paper") / "paper.typ"
    source.write_text("#set page(margin: (top: 22mm))\n= Perjanjian\nNomor PKS-2026-000012-1\n#pagebreak()\nPenutup")
    return typst.compile(source, ignore_system_fonts=True, timestamp=0)


@pytest.fixture(scope="session")
def house(tmp_path_factory) -> House:
    made = House(tmp_path_factory.mktemp("house"))
    made.establish(AT - timedelta(days=30))
    return made


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory) -> House:
    """Another house, whose authorities bear the same names."""
    made = House(tmp_path_factory.mktemp("elsewhere"))
    made.establish(AT - timedelta(days=30))
    return made


@pytest.fixture
def sealed(house, paper) -> bytes:
    return house.signer(SEAL).sign(paper, ACT)


@pytest.fixture(scope="session")
def service(house):
    with fakes.NationalService(house) as running:
        yield running


@pytest.fixture(scope="session")
def token(tmp_path_factory):
    """A SoftHSM2 token with a P-256 key that never left it: its module, its PIN's file, its label and the key's."""
    module = _softhsm()
    place = tmp_path_factory.mktemp("softhsm")
    (place / "tokens").mkdir()
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(place / "softhsm2.conf")  # read once, when the module is loaded
    init = ["softhsm2-util", "--init-token", "--free", "--label", "bagipakai", "--pin", "4711", "--so-pin", "4712"]
    subprocess.run(init, check=True, capture_output=True)
    import pkcs11

    opened = pkcs11.lib(str(module)).get_token(token_label="bagipakai")
    with opened.open(rw=True, user_pin="4711") as session:
        curve = pkcs11.util.ec.encode_named_curve_parameters("secp256r1")
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
        )
        parameters.generate_keypair(mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN, store=True, label="segel")
    pin = place / "pin"
    pin.write_text("4711\n")
    pin.chmod(0o600)
    return module, "bagipakai", "segel", pin


@pytest.fixture(params=["local", "device", "national"])
def signer(request, house):
    """The same holder, by each means."""
    match request.param:
        case "local":
            return house.signer(SEAL)
        case "device":
            module, token, key, pin = request.getfixturevalue("token")
            return Device(house, SEAL, module, token, key, pin)
        case "national":
            return by_service(request.getfixturevalue("service"), house)


def by_service(service, house, **told) -> National:
    """SEAL, by the national service (a fake). Nobody sleeps."""
    known = {"address": service.address, "token": service.token, "roots": house.roots(), "notice": NOT_CERTIFIED}
    return National(SEAL, SEAL.ref, **(known | {"sleep": lambda seconds: None} | told))


def _softhsm() -> Path:
    """The module, installed where that can be; otherwise says aloud that nothing was tried."""
    if not any(file.exists() for file in SOFTHSM):
        subprocess.run([Path(__file__).parents[3] / "deploy" / "packages", "softhsm2"], check=False)
    found = next((file for file in SOFTHSM if file.exists()), None)
    if found is None:
        print("SOFTHSM2 TIDAK ADA: tanda tangan lewat PKCS#11 TIDAK diuji.", file=sys.stderr)
        pytest.skip("softhsm2 is not installed: PKCS#11 was NOT tried")
    return found
