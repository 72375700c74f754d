"""The custody of the house's keys: how old each is, and the two drills, replacing a key and ending one that leaked.

Which key has which drill stands in policies/keys.toml. A signature key gives way in an order that leaves nothing
unverifiable wherever it is broken off: the new public half is laid out, the trail is told, then the secret half is
replaced, and last the public file that names the present key. The older public halves stay (`seal-<id>.pub.pem`).
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import connection, transaction

from bagipakai.control import clock, keys
from bagipakai.control.models import PlacedIntake, PlacedOrder, PlacedRoster, Review, Sheet
from bagipakai.control.trail import leaves
from bagipakai.core.envelope import BadSeal, PublicKey, Signer
from bagipakai.core.inventory import HouseKey, Inventory, made_on
from bagipakai.core.keyfiles import read_secret, replace, write_once
from bagipakai.core.refusal import Refusal
from bagipakai.core.reviews import Status

log = logging.getLogger("bagipakai.control.custody")

REPLACED, LEAKED = "house-key.ROTATE", "house-key.COMPROMISE"
BELIEVED = """
    WITH
    leak AS (SELECT min(id) AS id FROM trail.leaf WHERE about = %s AND event = %s),
    told AS (SELECT min(id) AS id FROM trail.leaf WHERE about = %s AND commitment = %s)
    SELECT leak.id IS NULL OR coalesce(told.id < leak.id, false) FROM leak, told
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one key of the inventory stands today. `made` is the day of its oldest file, None where there is none that
    this user can see; `open_files` can be read by others."""

    key: HouseKey
    made: date | None
    ends: date | None
    open_files: tuple[Path, ...]

    def due(self, day: date) -> bool:
        """Whether somebody must replace it."""
        return self.ends is not None and self.ends <= day and not self.key.renews_itself


@dataclass(frozen=True, slots=True)
class Replaced:
    """A key gave way to the next one: the ids of both public halves, nothing where there are none."""

    old: str
    new: str


def standings() -> list[Standing]:
    """Every key of the inventory, as it lies here today."""
    return [_standing(key) for key in Inventory.on(clock.today()).keys]


def unlisted() -> list[Path]:
    """Key files that the inventory does not know."""
    return Inventory.on(clock.today()).unlisted(keys.folder())


def rotate(name: str) -> Replaced | Refusal:
    """The key of this name gives way to a new one. Raises TooOpen, OSError where its files are not this user's."""
    return _drilled(name, "rotate", REPLACED, "", ())


def compromised(name: str, reason: str, touched: Sequence[str] = ()) -> Replaced | Refusal:
    """As `rotate`, and the trail says that the old key leaked, with the names of what it had signed: from then on
    nothing is believed by it that the trail did not hold before. Raises TooOpen, OSError."""
    return _drilled(name, "compromised", LEAKED, reason, touched)


def believed(name: str, key: PublicKey, thing: str, sha256: str) -> bool:
    """Whether the document about `thing` with this digest, signed by `key`, can be believed: the key is not known to
    have leaked, or the trail held the document before that was told."""
    with connection.cursor() as cursor:
        cursor.execute(BELIEVED, [about(name, key.key_id), LEAKED, thing, sha256])
        return bool(cursor.fetchone()[0])


def about(name: str, key_id: str) -> str:
    """What the trail calls one key of the house. The letters before the id keep one of 16 figures from being taken for
    a person's number."""
    return f"kunci-rumah/{name}/ed{key_id}"


def _standing(key: HouseKey) -> Standing:
    folder = keys.folder()
    files = key.secrets(folder)
    made = min(map(made_on, files), default=None)
    return Standing(
        key,
        made,
        None if made is None else key.ends(made),
        tuple(file for file in files if file.stat().st_mode & 0o077),
    )


def _drilled(name: str, drill: str, event: str, reason: str, touched: Sequence[str]) -> Replaced | Refusal:
    key = next((one for one in Inventory.on(clock.today()).keys if one.name == name), None)
    if key is None or drill not in key.commands:
        return Refusal("key-has-no-drill", {"key": name})
    if (name, drill) == ("order", "rotate") and _orders_wait():
        return Refusal("orders-are-waiting")  # the registry would refuse them; after a leak it shall
    secret = keys.folder() / key.secret[0]
    replaced = _pair(name, secret, event, reason, touched) if key.public else _alone(name, secret, event, reason)
    log.info("key.%s key=%s old=%s new=%s", drill, name, replaced.old, replaced.new)
    return replaced


def _orders_wait() -> bool:
    """Whether the registry is still to answer an order of any kind."""
    placed = any(kind.objects.filter(collected_at=None).exists() for kind in (PlacedOrder, PlacedIntake, PlacedRoster))
    opened = Review.objects.filter(pairs=None, refusal="").exists()
    return placed or opened or Sheet.objects.filter(status=Status.ANSWERED).exists()


def _pair(name: str, secret: Path, event: str, reason: str, touched: Sequence[str]) -> Replaced:
    try:
        old, new = Signer.from_pem(read_secret(secret)).public, Signer.new()
    except BadSeal:
        raise keys.KeyMissing(secret.name) from None
    public = keys.folder() / "public"
    for one in (old, new.public):
        write_once(public / f"{name}-{one.key_id}.pub.pem", one.to_pem(), 0o644)
    with transaction.atomic():
        leaves.write_public(REPLACED, about(name, new.public.key_id), _digest(new.public))
        if event == LEAKED:
            told = {"key": old.key_id, "next": new.public.key_id, "reason": reason, "touched": list(touched)}
            leaves.write(LEAKED, about(name, old.key_id), told)
    replace(secret, new.to_pem())
    replace(public / f"{name}.pub.pem", new.public.to_pem())
    return Replaced(old.key_id, new.public.key_id)


def _alone(name: str, secret: Path, event: str, reason: str) -> Replaced:
    read_secret(secret)
    leaves.write(event, f"kunci-rumah/{name}", {"key": name, "reason": reason})
    replace(secret, secrets.token_urlsafe(64).encode())
    return Replaced("", "")


def _digest(key: PublicKey) -> str:
    """Of the public file, as anybody can take it."""
    return hashlib.sha256(key.to_pem()).hexdigest()
