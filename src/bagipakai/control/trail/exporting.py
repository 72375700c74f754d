"""What an auditor takes along: a copy of the public log, and content that may be shown."""

import os
from collections.abc import Iterator
from pathlib import Path

from bagipakai.control.trail.openings import openings
from bagipakai.control.trail.store import Store
from bagipakai.core.canonical import canonical
from bagipakai.core.tiles import HEIGHT, WIDTH, BadTile, bundle_name, tile_name

EVERYTHING = "semua"


def export(store: Store, policy: bytes, folder: Path, *things: str) -> tuple[int, int]:
    """Copies the public log into `folder` (new or empty), and the content of leaves about `things` (EVERYTHING: of
    all) into its `opened.jsonl`; how many leaves there are, and how many are opened. Raises FileExistsError, BadNote,
    BadTile, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(folder)
    public = store.checkpoint("checkpoint")  # first: what it covers is there already, whatever comes meanwhile
    if public is None:
        raise FileNotFoundError(store.folder / "checkpoint")
    note, checkpoint = public
    for names in _names(checkpoint.size):
        _copy(store, folder, *names)
    for kept in ("past", "disputed"):
        for file in sorted((store.folder / kept).glob("*")):
            _copy(store, folder, f"{kept}/{file.name}")
    (folder / "policy").write_bytes(policy)
    (folder / "checkpoint").write_bytes(bytes(note))
    return checkpoint.size, _open(folder, checkpoint.size, things) if things else 0


def _names(size: int) -> Iterator[tuple[str, str]]:
    """Of each file that a log of `size` entries needs, its own name and that of the full one which may have followed
    it."""
    for index in range(-(-size // WIDTH)):
        yield bundle_name(index, min(WIDTH, size - index * WIDTH)), bundle_name(index)
    level = 0
    while rows := size >> HEIGHT * level:
        for index in range(-(-rows // WIDTH)):
            yield tile_name(level, index, min(WIDTH, rows - index * WIDTH)), tile_name(level, index)
        level += 1


def _copy(store: Store, folder: Path, *names: str) -> None:
    """The first of `names` that is there."""
    for name in names:
        try:
            content = store.read(name)
        except FileNotFoundError:
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return
    raise BadTile(names[0])


def _open(folder: Path, size: int, things: tuple[str, ...]) -> int:
    shown = 0
    handle = os.open(folder / "opened.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        for one in openings(*(() if EVERYTHING in things else things)):
            if one.seq is not None and one.seq < size and one.payload is not None:
                out.write(canonical({"seq": one.seq, "salt": one.salt.hex(), "payload": one.payload}) + b"\n")
                shown += 1
    return shown
