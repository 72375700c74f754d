"""Files at rest, of a release or of what was accepted of a submission: sealed in blocks, and opened block by block.

A sealed file is its plaintext cut into blocks, each under AES-256-GCM, and behind them the BLAKE3 and the length of
every block. The manifest names the SHA-256 of that list, so a block is known to be what was published *before* one byte
of it is used, and a reader pays only for the blocks that it reads: they begin and end where its writer did, which in
Parquet is where a page does, so that a long column is mostly whole blocks of its own (decision 0152). The key
of a file is derived from the key of its release and its path; the key of the release lies beside it, wrapped by the
registry's storage key, which lies elsewhere (decisions 0103, 0113). Whoever destroys that one small file has destroyed
the release.
"""

import hashlib
import io
import os
import secrets
import stat
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from threading import get_ident
from typing import Any

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.core.refusal import Refusal
from bagipakai.registry.keys import StorageKey

KEY = "key.json"
KEY_FORM = "bagipakai-release-key-1"
BLOCK = 262_144  # bytes of plaintext in a block, at most
SHORT = 16_384  # what is shorter shares a block with what is beside it
HEADER = 1_024  # what is shorter still is most likely the header of a page, and stays with what follows
ROOM = 1_048_576  # bytes of plaintext that are read and opened at once
TAG, DIGEST = 16, 32
_END = struct.Struct(">8sI4s")  # of a sealed file: its salt, how many blocks it has, and the mark
_MARK = b"blk2"  # a file without it is of the form before: blocks of 16 KiB, their SHA-256, no lengths and no salt


class Damaged(Exception):
    """A file of a release is not what was published. `code` says how, `file` which, relative to the release."""

    def __init__(self, code: str, file: str) -> None:
        super().__init__(f"{code}: {file}")
        self.code, self.file = code, file

    @property
    def refusal(self) -> Refusal:
        return Refusal(self.code, {"file": self.file})


class ShelfKey:
    """32 random bytes that open the files of one shelf: those of the release, or the submission, that `name` tells
    ("2026.3.0", "submission/pln/3"). Prints as nothing."""

    def __init__(self, raw: bytes, name: str) -> None:
        self._raw, self.name = raw, name

    def __repr__(self) -> str:
        return "<ShelfKey>"

    @classmethod
    def new(cls, name: str) -> "ShelfKey":
        return cls(secrets.token_bytes(32), name)

    def wrapped(self, storage: StorageKey) -> bytes:
        """What lies beside the files as `key.json`."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + AESGCM(storage.raw).encrypt(nonce, self._raw, self.name.encode("ascii"))
        return canonical({"form": KEY_FORM, "release": self.name, "storage": storage.id, "wrapped": sealed.hex()})

    @classmethod
    def unwrapped(cls, folder: Path, name: str, storage: StorageKey) -> "ShelfKey":
        """The key of the files in `folder`. Raises Damaged if it is missing, malformed, or not of this name and
        storage."""
        try:
            told = read((folder / KEY).read_bytes())
            sealed, by = bytes.fromhex(told["wrapped"]), storage.named(told["storage"])
            if told["form"] != KEY_FORM or by is None:
                raise Damaged("release-key-of-another-storage", KEY)
            return cls(AESGCM(by.raw).decrypt(sealed[:12], sealed[12:], name.encode("ascii")), name)
        except FileNotFoundError:
            raise Damaged("release-key-missing", KEY) from None
        except (IsADirectoryError, NotADirectoryError, NotCanonical, KeyError, TypeError, ValueError, InvalidTag):
            raise Damaged("release-key-malformed", KEY) from None

    def itself(self) -> AESGCM:
        """For what is no file in blocks: each text of it needs a nonce of its own."""
        return AESGCM(self._raw)

    def cipher(self, path: str) -> AESGCM:
        """Of the one file with this path within the folder; no two blocks are ever sealed under one key and nonce."""
        return AESGCM(self.derived(path, "aes-256-gcm-blocks/v1"))

    def derived(self, path: str, scheme: str, length: int = 32) -> bytes:
        """So many secret bytes of the one file with this path within the folder, for one way of sealing it."""
        info = canonical({"file": path, "release": self.name, "scheme": scheme})
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(self._raw)


def wrapped_as(folder: Path) -> tuple[str, str]:
    """The name of the key in `folder`, and the id of the storage key that wraps it. Raises Damaged."""
    try:
        told = read((folder / KEY).read_bytes())
        return str(told["release"]), str(told["storage"])
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, NotCanonical, KeyError, TypeError, ValueError):
        raise Damaged("release-key-malformed", KEY) from None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file: its size in bytes, its SHA-256, and the SHA-256 of what it tells of its blocks."""

    bytes: int
    sha256: str
    blocks: str


class Sealing(io.RawIOBase):
    """A new file into which plaintext is written, and which holds it sealed: nothing else of it is ever on a disk. Once
    it is closed it is on the disk, and `sealed` tells what it is. Raises OSError."""

    sealed: Sealed

    def __init__(self, target: Path, cipher: AESGCM) -> None:
        super().__init__()
        self._out, self._cipher = target.open("xb"), cipher
        self._salt = secrets.token_bytes(8)  # a file begun twice, by somebody who was killed over it, is under two
        self._whole, self._digests, self._lengths = hashlib.sha256(), bytearray(), list[int]()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, plain: Any) -> int:
        """A block ends with what makes it SHORT bytes long, before what would make it longer than twice that, if it has
        HEADER, and with BLOCK."""
        if len(self._waiting) >= HEADER and len(self._waiting) + len(plain) > 2 * SHORT:
            self._seal_waiting()
        self._waiting += plain
        if len(self._waiting) >= SHORT:
            self._seal_waiting()
        return len(plain)

    def _seal_waiting(self) -> None:
        for start in range(0, len(self._waiting), BLOCK):
            self._seal(self._waiting[start : start + BLOCK])
        self._waiting.clear()

    def _seal(self, block: bytearray) -> None:
        sealed = self._cipher.encrypt(_nonce(self._salt, len(self._lengths)), block, None)
        self._lengths.append(len(block))
        self._digests += blake3(sealed).digest()
        self._put(sealed)

    def _put(self, piece: bytes | bytearray) -> None:
        self._whole.update(piece)
        self._out.write(piece)

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._seal_waiting()
            many = len(self._lengths)
            told = self._digests + struct.pack(f">{many}I", *self._lengths) + _END.pack(self._salt, many, _MARK)
            self._put(told)
            self.sealed = Sealed(self._out.tell(), self._whole.hexdigest(), _sha256(told))
            self._out.flush()
            os.fsync(self._out.fileno())
        finally:
            self._out.close()
            super().close()


def seal_file(source: Path, target: Path, cipher: AESGCM) -> Sealed:
    """Writes `target`, a new file, from the plaintext in `source`; it is on the disk then. Raises OSError."""
    with source.open("rb") as plain, Sealing(target, cipher) as out:
        while block := plain.read(BLOCK):
            out.write(block)
    return out.sealed


def _sha256(content: bytes | bytearray) -> str:
    return hashlib.sha256(content).hexdigest()


def _nonce(salt: bytes, number: int) -> bytes:
    return salt + number.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Index:
    """What is told of the blocks of a file: the digest of each, and how it is made, the bytes of plaintext up to its
    end, and the salt."""

    digests: bytes
    hashed: Callable[[Any], Any]
    ends: Sequence[int]
    salt: bytes

    @property
    def size(self) -> int:
        """Of the plaintext, in bytes."""
        return self.ends[-1] if self.ends else 0

    def start(self, number: int) -> int:
        """The bytes of plaintext before this block."""
        return self.ends[number - 1] if number else 0

    def sealed_start(self, number: int) -> int:
        """The bytes of the file before this block."""
        return self.start(number) + number * TAG

    @classmethod
    def read(cls, file: int, blocks: str) -> "Index | None":
        """The index of an open file, if its digest is `blocks` and it fits the size of the file."""
        size = os.fstat(file).st_size
        end = os.pread(file, _END.size, max(size - _END.size, 0))
        if not end.endswith(_MARK) or len(end) < _END.size:
            return cls._before(file, size, blocks)
        salt, many, _ = _END.unpack(end)
        long = many * (DIGEST + 4) + _END.size
        if long > size or _sha256(told := os.pread(file, long, size - long)) != blocks:
            return None
        lengths = struct.unpack_from(f">{many}I", told, many * DIGEST)
        found = cls(told[: many * DIGEST], blake3, tuple(accumulate(lengths)), salt)
        fits = found.sealed_start(many) + long == size and all(0 < length <= BLOCK for length in lengths)
        return found if fits else None

    @classmethod
    def _before(cls, file: int, size: int, blocks: str) -> "Index | None":
        """Of a file of the form before."""
        many = -(-size // (SHORT + TAG + DIGEST))
        told = os.pread(file, many * DIGEST, max(size - many * DIGEST, 0))
        plain = size - many * (TAG + DIGEST)
        if _sha256(told) != blocks or (many and plain <= (many - 1) * SHORT):  # a last block of nothing
            return None
        return cls(told, hashlib.sha256, (*range(SHORT, plain, SHORT), plain) if many else (), bytes(8))


class Room:
    """Where one reader opens a stretch of blocks: made once, for memory that is new with each read costs as much as the
    cipher."""

    def __init__(self) -> None:
        self.sealed = memoryview(bytearray(ROOM + 2 * (ROOM // SHORT) * TAG))
        self.plain = memoryview(bytearray(ROOM))


class Opened(io.RawIOBase):
    """A sealed file as the plaintext that it holds. Several threads may read it, each at a place of its own."""

    def __init__(
        self,
        path: Path,
        cipher: AESGCM,
        blocks: str,
        name: str,
        index: Index | None = None,
        rooms: list[Room] | None = None,
    ) -> None:
        """`index`: of its blocks, where it is known already to be the published one; `rooms`: those that are free,
        shared with other files."""
        super().__init__()
        self._cipher, self._name = cipher, name
        self._rooms = [] if rooms is None else rooms
        try:
            self._file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise Damaged("release-file-missing", name) from None
        self._places: dict[int, int] = {}  # thread → where it reads next
        self._last: tuple[int, bytes] = (-1, b"")
        found = index or Index.read(self._file, blocks)
        if found is None:
            self.close()
            raise Damaged("release-file-altered", name)
        self.index, self.size = found, found.size

    def close(self) -> None:
        if not self.closed:
            super().close()
            if hasattr(self, "_file"):  # it was opened
                os.close(self._file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._places.get(get_ident(), 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("before the file")
        self._places[get_ident()] = start + offset
        return start + offset

    def read(self, size: int = -1) -> bytes:
        """Raises Damaged before anything of a block that is not what was published is handed on."""
        start = self.tell()
        end = self.size if size < 0 else min(start + size, self.size)
        self._places[get_ident()] = max(start, end)
        if end <= start:
            return b""
        first, last = bisect_right(self.index.ends, start), bisect_right(self.index.ends, end - 1)
        if first == last:
            before = self.index.start(first)
            return self._block(first)[start - before : end - before]
        pieces = []
        while first <= last:
            before = self.index.start(first)
            after = min(bisect_right(self.index.ends, before + ROOM), last + 1)
            plain = self._stretch(first, after)
            pieces.append(plain[max(start - before, 0) : end - before])
            first = after
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        """One block; the last one that was asked for is kept, because an engine reads the end of a file twice."""
        at, plain = self._last
        if at != number:
            plain = self._stretch(number, number + 1)
            self._last = (number, plain)
        return plain

    def _stretch(self, first: int, after: int) -> bytes:
        """What the blocks up to `after` hold, at most ROOM bytes."""
        try:
            room = self._rooms.pop()
        except IndexError:  # as many as read at the same time
            room = Room()
        index, start, plain_start = self.index, self.index.sealed_start(first), self.index.start(first)
        whole = index.sealed_start(after) - start
        if os.preadv(self._file, [room.sealed[:whole]], start) != whole:  # else what was read before stays
            raise Damaged("release-file-altered", self._name)
        for number in range(first, after):
            sealed = room.sealed[index.sealed_start(number) - start : index.sealed_start(number + 1) - start]
            self._open(number, sealed, room.plain[index.start(number) - plain_start : index.ends[number] - plain_start])
        plain = bytes(room.plain[: index.ends[after - 1] - plain_start])
        self._rooms.append(room)
        return plain

    def _open(self, number: int, sealed: Any, plain: Any) -> None:
        if self.index.hashed(sealed).digest() != self.index.digests[number * DIGEST : (number + 1) * DIGEST]:
            raise Damaged("release-file-altered", self._name)
        try:
            self._cipher.decrypt_into(_nonce(self.index.salt, number), sealed, None, plain)
        except InvalidTag:  # what was published, but not under this key
            raise Damaged("release-key-of-another-storage", KEY) from None


def look(path: Path, size: int, name: str) -> None:
    """Raises Damaged for a file that is missing, no plain file, or of another size in bytes."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise Damaged("release-file-missing", name) from None
    if not stat.S_ISREG(found.st_mode):
        raise Damaged("release-file-not-plain", name)
    if found.st_size != size:
        raise Damaged("release-file-shortened" if found.st_size < size else "release-file-extended", name)
