"""JSON Lines: one object a line, a key that is absent is unknown. Numbers stay the text that was sent."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from bagipakai.core.sources import Contract
from bagipakai.registry.intake.delimited import decoded, shown
from bagipakai.registry.intake.reading import LONGEST_ROW, Piece, SetBroken, Torn, Weighed, texts, unblanked

ROWS, LETTERS = 20_000, 16 * 1024**2  # most rows and bytes of one piece


def pieces(file: Weighed, contract: Contract) -> Iterator[Piece]:
    """The rows of the file. Raises SetBroken for a key that the contract does not name."""
    waiting = _Waiting(file, contract)
    for number, line, size in _lines(file):
        waiting.take(number, line, size)
        if waiting.is_full():
            yield waiting.piece()
    yield waiting.piece()


def _lines(file: Weighed) -> Iterator[tuple[int, bytes | Torn, int]]:
    """Number, content and bytes of each line that has any; a line that is too long is only shown."""
    carry, number, skipping = b"", 1, False
    for chunk, last in decoded(file):
        data, carry, used = carry + chunk, b"", len(chunk)
        *whole, rest = data.split(b"\n")
        if last and rest:
            whole, rest = [*whole, rest], b""
        for at, line in enumerate(whole):
            if skipping:
                skipping = False
            elif len(line) > LONGEST_ROW:
                yield number, Torn(number, "row-is-too-long", shown(line)), used if at == 0 else 0
            elif line.strip():
                yield number, line.rstrip(b"\r"), used if at == 0 else 0
            number += 1
        if skipping:
            continue
        carry = rest
        if len(carry) > LONGEST_ROW:
            yield number, Torn(number, "row-is-too-long", shown(carry)), 0
            carry, skipping = b"", True


class _Waiting:
    """Rows of the next piece."""

    def __init__(self, file: Weighed, contract: Contract) -> None:
        self._file, self._contract = file, contract
        self._known = frozenset(contract.names)
        self._empty()

    def _empty(self) -> None:
        self._rows: list[dict[str, str | None]] = []
        self._texts: list[bytes] = []
        self._numbers: list[int] = []
        self._torn: list[Torn] = []
        self._size = self._letters = 0

    def is_full(self) -> bool:
        return len(self._rows) + len(self._torn) >= ROWS or self._letters >= LETTERS

    def take(self, number: int, line: bytes | Torn, size: int) -> None:
        self._size += size
        if isinstance(line, Torn):
            self._torn.append(line)
            return
        self._letters += len(line)
        row = _row(line)
        if row is None:
            self._torn.append(Torn(number, "row-is-not-an-object", line.decode("utf-8", "replace")))
            return
        if not self._known.issuperset(row):
            raise SetBroken("set-key-is-unknown", file=self._file.name, line=number)
        self._rows.append(row)
        self._texts.append(line)
        self._numbers.append(number)

    def piece(self) -> Piece:
        columns = [pa.array([row.get(name) for row in self._rows], pa.string()) for name in self._contract.names]
        sent = self._texts
        piece = Piece(
            unblanked(pa.table(columns, schema=texts(self._contract))),
            np.array(self._numbers, np.int64),
            lambda at: sent[at].decode("utf-8", "replace"),
            tuple(self._torn),
            self._size,
        )
        self._empty()
        return piece


def _row(line: bytes) -> dict[str, str | None] | None:
    """Key → text; None for a line that is no flat object, names a key twice, or holds half a character."""
    try:
        told = json.loads(line, object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=_refused)
        if not isinstance(told, dict):
            return None
        return {_whole(name): _text(value) for name, value in told.items()}
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refused(_: str) -> Any:
    raise ValueError("no number")


def _text(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return _whole(value)
    raise ValueError("nested")


def _whole(text: str) -> str:
    text.encode()
    return text
