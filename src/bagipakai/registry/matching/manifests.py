"""What a folder of sealed arrays says of itself, under a MAC of its key."""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.registry.vault import Damaged, ShelfKey


def write(path: Path, key: ShelfKey, manifest: Mapping[str, Any]) -> None:
    """Writes `manifest`, which names its `form` and the `name` of its key. Raises OSError."""
    path.write_bytes(canonical({"manifest": manifest, "mac": _mac(path.name, key, manifest)}))


def opened(path: Path, key: ShelfKey) -> dict[str, Any]:
    """The manifest in this file. Raises Damaged if it is missing or not what was written under this key."""
    try:
        text = path.read_bytes()
        told = read(text)
        manifest: dict[str, Any] = told["manifest"]
        if canonical(told) != text or not hmac.compare_digest(told["mac"], _mac(path.name, key, manifest)):
            raise Damaged("release-file-altered", path.name)
    except FileNotFoundError:
        raise Damaged("release-file-missing", path.name) from None
    except (NotCanonical, KeyError, TypeError, ValueError):
        raise Damaged("release-file-altered", path.name) from None
    return manifest


def _mac(name: str, key: ShelfKey, manifest: Mapping[str, Any]) -> str:
    return hmac.digest(key.derived(name, "hmac-sha256"), canonical(manifest), "sha256").hex()
