"""Arrays sealed at rest, of which any elements are opened alone, hundreds of thousands at a time.

A file is lines of 64 bytes (or of one element, where that is longer than a word), each followed by its tag of 8 bytes:

    line     the plaintext XOR AES-256(k0, number of the 16-byte block in the file): counter mode, each block alone
    tag      the first 8 bytes of AES-256(k2, XOR over the line's 8-byte words of AES-256(k1, place of the word ‖ word))

The tag is a protected counter sum, the heart of LightMAC (ISO/IEC 29192-6), over the sealed line: it says that these
bytes stand at this place of this file, and it is compared each time, for the very bytes that are used then. Both are a
few calls of AES over all wanted lines together, so the cost follows what is touched (decision 0123). The three keys are
HKDF of the folder's key and the file's path; a file is written once, under a key that nothing else was written with.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from bagipakai.registry.vault import Damaged, ShelfKey, look

SCHEME: Final = "aes-256-ctr-lines/v1"
LINE: Final = 64  # bytes, where an element is not longer than a word
WORD: Final = 8
STEP: Final = 4_096  # lines that are sealed or opened together: they stay in the processor's cache

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """A sealed array as a manifest tells it: its elements, the bytes of its file and their SHA-256."""

    count: int
    bytes: int
    sha256: str


def line_of(kind: np.dtype[Any]) -> int:
    """The bytes of a line: a whole number of elements and of AES blocks. Raises ValueError for a kind with none."""
    line = LINE if kind.itemsize <= WORD else kind.itemsize
    if line % kind.itemsize or line % 16:
        raise ValueError("elements of this size do not fill lines")
    return line


class _Seal:
    """The keys of one file, at work on whole lines of `words` words each."""

    def __init__(self, key: ShelfKey, name: str, words: int) -> None:
        raw = key.derived(name, SCHEME, 96)
        self._stream, self._word, self._sum = (_Blocks(raw[at : at + 32]) for at in (0, 32, 64))
        self._words = words

    def stream(self, lines: Numbers) -> Numbers:
        """What the lines with these numbers are covered with: (lines, words)."""
        half = self._words // 2
        blocks = np.zeros((len(lines), half, 2), np.uint64)
        np.add(lines[:, None] * np.uint64(half), np.arange(half, dtype=np.uint64), out=blocks[:, :, 0])
        return self._stream.enciphered(blocks).reshape(len(lines), self._words)

    def tags(self, lines: Numbers, sealed: Numbers) -> Numbers:
        """Of these sealed lines, (lines, words), at these places."""
        words = self._words
        blocks = np.empty((words, len(lines), 2), np.uint64)
        np.add(lines * np.uint64(words), np.arange(words, dtype=np.uint64)[:, None], out=blocks[:, :, 0])
        blocks[:, :, 1] = sealed.T
        sums = np.bitwise_xor.reduce(self._word.enciphered(blocks), axis=0)
        return self._sum.enciphered(sums)[:, 0]


class _Blocks:
    """AES over blocks, each alone. Each is a number of its own, never a plaintext: what ECB gives away is not there."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(AES(key), ECB())  # noqa: S305
        self._idle: list[CipherContext] = []  # whole blocks leave nothing behind, and each beginning costs 20 μs

    def enciphered(self, blocks: Numbers) -> Numbers:
        try:
            context = self._idle.pop()
        except IndexError:  # the first, or another thread has it
            context = self._cipher.encryptor()
        out = np.empty(blocks.nbytes + 15, np.uint8)
        context.update_into(blocks.reshape(-1).view(np.uint8).data, out.data)
        self._idle.append(context)
        return out[: blocks.nbytes].view(np.uint64).reshape(blocks.shape)


class Writer:
    """Writes one sealed array, a new file, piece by piece. Raises OSError."""

    def __init__(self, path: Path, kind: Any, key: ShelfKey, name: str) -> None:
        """`name`: of the file within its folder, as it will be asked for."""
        self._kind = np.dtype(kind)
        self._line = line_of(self._kind)
        self._seal = _Seal(key, name, self._line // WORD)
        self._out = path.open("xb")
        self._whole, self._count, self._lines, self._left = hashlib.sha256(), 0, 0, b""

    def append(self, values: Numbers) -> None:
        self._count += len(values)
        content = self._left + np.ascontiguousarray(values, self._kind).tobytes()
        whole = len(content) // self._line * self._line
        self._write(content[:whole])
        self._left = content[whole:]

    def close(self) -> Written:
        """The last line is filled up with zeros; the file is on the disk then."""
        self._write(self._left.ljust(-(-len(self._left) // self._line) * self._line, b"\0"))
        with self._out as out:
            out.flush()
            os.fsync(out.fileno())
            return Written(self._count, out.tell(), self._whole.hexdigest())

    def _write(self, content: bytes) -> None:
        plain = np.frombuffer(content, np.uint64).reshape(-1, self._line // WORD)
        for at in range(0, len(plain), STEP):
            some = plain[at : at + STEP]
            lines = np.arange(self._lines, self._lines + len(some), dtype=np.uint64)
            sealed = np.empty((len(some), some.shape[1] + 1), np.uint64)
            np.bitwise_xor(some, self._seal.stream(lines), out=sealed[:, :-1])
            sealed[:, -1] = self._seal.tags(lines, sealed[:, :-1])
            self._whole.update(sealed.data)
            self._out.write(sealed.data)
            self._lines += len(some)


def write(path: Path, values: Numbers, key: ShelfKey, name: str) -> Written:
    """Writes a whole array, a new file. Raises OSError."""
    writer = Writer(path, values.dtype, key, name)
    writer.append(values)
    return writer.close()


class Sealed:
    """A sealed array, mapped. Whatever it hands out was found, then, to be what was written at that place; otherwise it
    raises Damaged."""

    def __init__(self, path: Path, kind: Any, key: ShelfKey, name: str, told: Written) -> None:
        """Raises Damaged for a file that is missing, no plain file, or of another size than `told`."""
        self._kind, self._name, self.count = np.dtype(kind), name, told.count
        line = line_of(self._kind)
        self._words, self._each = line // WORD, line // self._kind.itemsize
        lines = -(-told.count // self._each)
        look(path, told.bytes, name)
        if told.bytes != lines * (line + WORD):
            raise Damaged("release-file-altered", name)
        self._seal = _Seal(key, name, self._words)
        self._mapped: Numbers = np.empty((0, self._words + 1), np.uint64)
        if lines:
            self._mapped = np.asarray(np.memmap(path, np.uint64, "r", shape=(lines, self._words + 1)))

    def __len__(self) -> int:
        return self.count

    def take(self, at: Numbers) -> Numbers:
        """The elements at these places. Raises IndexError for one beyond the end."""
        lines, within = np.divmod(self._inside(at), np.uint64(self._each))
        opened: Numbers = self._opened(lines).view(self._kind)
        return opened[:, 0] if self._each == 1 else opened[np.arange(len(lines)), within]

    def span(self, begin: int, end: int) -> Numbers:
        """The elements from `begin` up to `end`."""
        return self.ranges(np.array([begin]), np.array([end]))

    def ranges(self, begins: Numbers, ends: Numbers) -> Numbers:
        """The elements of many spans, one span behind the other; a span may be empty. Raises IndexError for one beyond
        the end, or that ends before it begins."""
        begins, ends = begins.astype(np.int64), ends.astype(np.int64)
        if len(begins) and (begins.min() < 0 or ends.max() > self.count or (ends < begins).any()):
            raise IndexError("beyond the end of an array")
        sizes, first = ends - begins, begins // self._each
        lines = np.where(sizes > 0, -(-ends // self._each) - first, 0)
        opened: Numbers = self._opened(runs(first, lines).astype(np.uint64)).reshape(-1).view(self._kind)
        at = (np.cumsum(lines) - lines - first) * self._each + begins  # of each span's first element in what is open
        return opened[runs(at, sizes)]

    def _inside(self, at: Numbers) -> Numbers:
        if len(at) and (at.min() < 0 or at.max() >= self.count):
            raise IndexError("beyond the end of an array")
        return at.astype(np.uint64)

    def _opened(self, lines: Numbers) -> Numbers:
        """The plaintext of these lines: (lines, words)."""
        out = np.empty((len(lines), self._words), np.uint64)
        for at in range(0, len(lines), STEP):
            some = lines[at : at + STEP]
            found = self._mapped.take(some, axis=0)  # a copy: what is compared is what is used
            sealed = found[:, :-1]
            if (self._seal.tags(some, sealed) != found[:, -1]).any():
                raise Damaged("release-file-altered", self._name)
            np.bitwise_xor(sealed, self._seal.stream(some), out=out[at : at + STEP])
        return out


def runs(firsts: Numbers, sizes: Numbers) -> Numbers:
    """Whole numbers that ascend from each first one, as many as its size."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(firsts - (ends - sizes), sizes) + np.arange(total, dtype=np.int64)


class HeapWriter:
    """Writes texts as two sealed arrays: where each begins, and their bytes."""

    def __init__(self, folder: Path, name: str, key: ShelfKey) -> None:
        self._names = heap_files(name)
        starts, content = self._names
        self._starts = Writer(folder / starts, np.uint64, key, starts)
        self._bytes = Writer(folder / content, np.uint8, key, content)
        self.count, self._size = 0, 0

    def append(self, texts: pa.StringArray) -> None:
        """Texts without a null."""
        offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
        content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        self._starts.append((offsets[:-1] - offsets[0]).astype(np.uint64) + np.uint64(self._size))
        self._bytes.append(content)
        self._size += len(content)
        self.count += len(texts)

    def close(self) -> dict[str, Written]:
        self._starts.append(np.array([self._size], np.uint64))
        return dict(zip(self._names, (self._starts.close(), self._bytes.close()), strict=True))


class Heap:
    """Texts by number. Raises what `Sealed` raises."""

    def __init__(self, folder: Path, name: str, key: ShelfKey, told: dict[str, Written]) -> None:
        starts, content = heap_files(name)
        self._starts = Sealed(folder / starts, np.uint64, key, starts, told[starts])
        self._bytes = Sealed(folder / content, np.uint8, key, content, told[content])

    def __len__(self) -> int:
        return len(self._starts) - 1

    def take(self, numbers: Numbers) -> pa.StringArray:
        numbers = numbers.astype(np.int64)
        ends = self._starts.ranges(numbers, numbers + 2).reshape(-1, 2)
        content = self._bytes.ranges(ends[:, 0], ends[:, 1])
        offsets = np.zeros(len(ends) + 1, np.int32)
        offsets[1:] = np.cumsum(ends[:, 1] - ends[:, 0])
        return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(content))


def heap_files(name: str) -> tuple[str, str]:
    """The names of the files of a heap."""
    return f"{name}.starts", f"{name}.bytes"
