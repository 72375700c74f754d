"""Under what the office works: its policies and its configuration, told in the trail whenever they are other than they
were last told. The worker looks at its start and each minute."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from django.conf import settings

from bagipakai.control import keys
from bagipakai.control.signing import desk
from bagipakai.control.trail import house, things
from bagipakai.core import policy


def notice() -> int:
    """Tells what changed since it was last told; how many things did."""
    return policies() + configuration()


def policies() -> bool:
    """The policy files, each with its SHA-256, and the version that they make together."""
    told = {"version": policy.version(), "files": dict(policy.digests())}
    return things.notice("policy.SEEN", "kebijakan", told)


def configuration() -> bool:
    """The address, the product's version, and the digests of what the office believes and signs by. No secret, and
    nothing made from one."""
    return things.notice(
        "configuration.SEEN",
        "konfigurasi",
        {
            "origin": settings.ORIGIN,
            "product": version("bagipakai"),
            "witnesses": _digest(house.policy_file()),
            "signing": _digest(desk.folder() / "means.toml"),
            "keys": {file.name: _digest(file) for file in sorted((keys.folder() / "public").glob("*"))},
        },
    )


def _digest(file: Path) -> str:
    """SHA-256; nothing for a file that is not there."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
