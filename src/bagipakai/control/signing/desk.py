"""The signing desk: which means seals here, and sealing and checking as the rest of the office asks for it.

`keys/control/signing/means.toml` says which means makes the institutions' seals; without it, the local one does:

    [seal]
    means = "device"
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "bagipakai"
    key = "segel"
    pin = "pin"                      # a file beside this one, mode 0600

    [seal]
    means = "national"
    address = "https://…"
    signer = "…"                     # as the service knows the seal
    token = "national.token"         # a file beside this one, mode 0600
    roots = ["root.crt.pem"]         # files beside this one
    time_roots = ["time.crt.pem"]
    certified = true                 # only where the office has that in writing
    patience = 20                    # seconds; a seal answers by itself, and an act waits for it

The roots of the local authorities are laid out for whoever wants to check our papers: `keys/public/signing.crt.pem` and
`keys/public/time.crt.pem`.
"""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bagipakai.control import keys
from bagipakai.control.signing.acts import NOT_CERTIFIED, Act, Holder, Signer
from bagipakai.control.signing.device import Device
from bagipakai.control.signing.local import House
from bagipakai.control.signing.national import National
from bagipakai.control.signing.validation import Expected, Roots, Validated, validate
from bagipakai.core.keyfiles import write_once
from bagipakai.core.refusal import Refusal


class MeansUnclear(Exception):
    """`means.toml` names no means that there is, or leaves out what it needs. Names the entry, never a secret."""


def folder() -> Path:
    return keys.folder() / "control" / "signing"


def house(at: datetime) -> House:
    """The office's own authorities, made if they are missing."""
    found, public = House(folder()), keys.folder() / "public"
    public.mkdir(parents=True, exist_ok=True)
    for place in (folder().parent, folder()):
        place.mkdir(exist_ok=True, mode=0o700)
    found.establish(at)
    for name, one in (("signing", found.authority), ("time", found.time)):
        write_once(public / f"{name}.crt.pem", one.root.public_bytes(Encoding.PEM), 0o644)
    return found


def roots(at: datetime) -> Roots:
    """Whom this installation trusts."""
    told, own = _told(), house(at).roots()
    return own + _outside(told) if told.get("means") == "national" else own


def seal_of(code: str, institution: str) -> Holder:
    """The holder of an institution's seal."""
    return Holder(f"SEGEL/{code}", f"Segel {institution}", "", institution)


def seal(holder: Holder, at: datetime) -> Signer:
    """Whoever makes that seal here. Raises MeansUnclear."""
    told = _told()
    try:
        match told.get("means", "local"):
            case "local":
                return house(at).signer(holder)
            case "device":
                pin = folder() / told["pin"]
                return Device(house(at), holder, Path(told["module"]), told["token"], told["key"], pin)
            case "national":
                notice = "" if told.get("certified") is True else NOT_CERTIFIED
                token = folder() / told["token"]
                wait = int(told.get("patience", 20))
                return National(holder, told["signer"], told["address"], token, _outside(told), notice, wait)
    except KeyError as missing:
        raise MeansUnclear(str(missing)) from None
    raise MeansUnclear("means")


def officer(holder: Holder, at: datetime) -> Signer:
    """The signer of a person in a post. Their certificate is the local authority's."""
    return house(at).signer(holder)


def sealed(pdf: bytes, holder: Holder, act: Act) -> bytes | Refusal:
    """The file under that institution's seal, validated."""
    return _proven(seal(holder, act.at).sign(pdf, act), holder, act)


def signed(pdf: bytes, holder: Holder, act: Act, before: Sequence[Expected] = ()) -> bytes | Refusal:
    """The file with the signature of an officer, validated, `before` being who must have signed it earlier. It names
    the statement of their passkey."""
    return _proven(officer(holder, act.at).sign(pdf, act), holder, act, before)


def checked(pdf: bytes, *, at: datetime, expected: Sequence[Expected] = ()) -> Validated | Refusal:
    """What a file proves by the roots of this installation."""
    return validate(pdf, roots(at), at=at, expected=expected)


def _proven(outcome: bytes | Refusal, holder: Holder, act: Act, before: Sequence[Expected] = ()) -> bytes | Refusal:
    """Nothing that we signed goes further before we have validated it like a stranger's."""
    if isinstance(outcome, Refusal):
        return outcome
    found = checked(outcome, at=act.at, expected=before)
    if isinstance(found, Refusal):
        return found
    last = found.signatures[-1]
    ours = (last.reason.startswith(act.reason), last.statement_digest == act.statement_digest)
    return outcome if all(ours) else Refusal("signature-of-another", {"signer": holder.name})


def _told() -> dict[str, Any]:
    try:
        told: dict[str, Any] = tomllib.loads((folder() / "means.toml").read_text())["seal"]
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, KeyError) as unclear:
        raise MeansUnclear(str(unclear)) from None
    return told


def _outside(told: dict[str, Any]) -> Roots:
    def read(names: Sequence[str]) -> tuple[x509.Certificate, ...]:
        return tuple(x509.load_pem_x509_certificate((folder() / name).read_bytes()) for name in names)

    return Roots(read(told["roots"]), read(told["time_roots"]))
