"""What a command names: a release, by its folder or by its version alone where releases lie; a plan, by its file."""

import json
from pathlib import Path

from bagipakai import postgres
from bagipakai.core.envelope import PublicKey
from bagipakai.core.plan import Plan, PlanError
from bagipakai.core.refusal import Refusal
from bagipakai.registry import keys
from bagipakai.registry.releases import Release, UnknownRelease
from bagipakai.registry.vault import Damaged


def place(named: Path) -> tuple[Path, str]:
    """Folder of releases and version."""
    return (named.parent if named.is_dir() else postgres.var() / "releases", named.name)


def trusted() -> list[PublicKey]:
    """The house's seals, under one of which every release lies."""
    return keys.seals(postgres.var() / "keys")


def plan_in(file: Path) -> Plan | Refusal:
    """The plan, or why the file holds none."""
    told = {"file": file.name}
    try:
        return Plan.from_json(json.loads(file.read_bytes()))
    except OSError:
        return Refusal("plan-file-unreadable", told)
    except PlanError as wrong:
        field = str(wrong)
        return Refusal("plan-field-wrong", told | {"field": field}) if field else Refusal("plan-is-none", told)
    except ValueError:  # no JSON, or no text
        return Refusal("plan-is-none", told)


def opened(named: Path) -> Release | Refusal:
    """The release, its seal checked; or why it cannot be read."""
    try:
        return Release.open(*place(named), trusted=trusted())
    except UnknownRelease:
        return Refusal("release-unknown", {"version": named.name})
    except Damaged as damage:
        return damage.refusal
