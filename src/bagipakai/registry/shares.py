"""More rows than fit in memory, laid apart by a number that they have, so that equal numbers meet in one share of them.

They lie in pieces of a file that nobody else has: compressed, and each sealed under a key that only this process's
memory holds. Where the file has no name (`tempfile.TemporaryFile`), a killed process leaves none, and what its blocks
held can be read by nobody. Decision 0111.
"""

import os
from itertools import pairwise
from typing import IO

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Multiplied by it, numbers that end alike fall apart (Knuth, The Art of Computer Programming 3, 6.4). By remainder they
# do not: a NIK ends in a serial, mostly small, and one remainder of ten had 89 % of 10 million synthetic ones.
_GOLDEN, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)

# Pieces are small: threads cost more than they give.
_WRITING = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READING = pa.ipc.IpcReadOptions(use_threads=False)


class Shares:
    """`count` shares of what is added. Several may lie in one `file`."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file, self._cipher, self._schema = file, AESGCM(AESGCM.generate_key(256)), pa.schema([])
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(count)]  # by share: where, and how long

    def add(self, rows: pa.Table) -> None:
        """Rows with a BIGINT `number` that is never missing; of the same columns each time. Raises OSError."""
        count = len(self._pieces)
        spread = (rows.column("number").to_numpy().view(np.uint64) * _GOLDEN) >> _HALF
        share = ((spread * np.uint64(count)) >> _HALF).astype(np.uint16)
        order = np.argsort(share, kind="stable")
        self._schema, rows = rows.schema, rows.take(order)
        ends = np.searchsorted(share[order], np.arange(count + 1))
        for pieces, (start, end) in zip(self._pieces, pairwise(ends), strict=True):
            if start < end:
                pieces.append(self._keep(rows.slice(start, end - start)))

    def __getitem__(self, at: int) -> pa.Table:
        """One share. Raises InvalidTag where the file does not say what was written, OSError."""
        found = [self._schema.empty_table()]
        for place, size in self._pieces[at]:
            self._file.seek(place)
            plain = self._cipher.decrypt(_nonce(place), self._file.read(size), None)
            found.append(pa.ipc.open_stream(plain, options=_READING).read_all())
        return pa.concat_tables(found)

    def _keep(self, rows: pa.Table) -> tuple[int, int]:
        plain = pa.BufferOutputStream()
        with pa.ipc.new_stream(plain, rows.schema, options=_WRITING) as out:
            out.write_table(rows)
        place = self._file.seek(0, os.SEEK_END)
        return place, self._file.write(self._cipher.encrypt(_nonce(place), plain.getvalue().to_pybytes(), None))


def again(numbers: np.ndarray) -> np.ndarray:
    """Those that stand more than once, in order: each as often as it stands, less one."""
    ordered: np.ndarray = np.sort(numbers)  # a ninth of what GROUP BY costs
    found: np.ndarray = ordered[1:][ordered[1:] == ordered[:-1]]
    return found


def _nonce(place: int) -> bytes:
    return place.to_bytes(12, "big")  # no two pieces of a file begin at one place
