"""How logs and their copies begin, compressed or not: by that a copy is known to be one, whatever its name and its times say."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable, Container
from itertools import takewhile

from tocsin.filewatch.content import belongs_to_database, open_to_look
from tocsin.magic import Inode

BINARY, BROKEN = "binary", "broken"
"""Heads of what is no text, as logs are, and of what is not compressed though its name says so."""
_LENGTHS = (64, 256, 1024, 4096)
"""Bytes of which a head has digests, as far as there are so many: a log has more of them once it has grown."""
_MOST_PACKED = 64 * 1024

_PACKED: dict[str, tuple[bytes, float, Callable[[bytes], bytes] | None]] = {
    ".gz": (b"\x1f\x8b\x08", 1032, lambda data: zlib.decompressobj(31).decompress(data, _LENGTHS[-1])),
    ".xz": (b"\xfd7zXZ\0", 1e4, lambda data: lzma.LZMADecompressor(memlimit=2**25).decompress(data, _LENGTHS[-1])),
    ".bz2": (b"BZh", 5e4, lambda data: bz2.BZ2Decompressor().decompress(data, _LENGTHS[-1])),
    ".zst": (b"\x28\xb5\x2f\xfd", 5e4, None),
    ".lz4": (b"\x04\x22\x4d\x18", 255, None),
    ".Z": (b"\x1f\x9d", 5e4, None),
}
"""By the end of the name: how such a file begins, how much of a log one byte can hold at most, and what unpacks its beginning.
Deflate's bound is its own (RFC 1951: 258 bytes in two bits); the others' are beyond any text's."""
SUFFIXES = tuple(_PACKED)


def packing(name: str) -> str | None:
    """Return the end of a name that says how the file is compressed, None for one that does not."""
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def could_hold(name: str, size: int, log_size: int) -> bool:
    """Tell whether a copy of that name and size can be one of a log of the other size."""
    suffix = packing(name)
    return size >= log_size if suffix is None else size * _PACKED[suffix][1] >= log_size


def differ(one: str | None, other: str | None) -> bool:
    """Tell whether two heads cannot be those of the same log; not where one is not known, or too short to tell."""
    if not one or not other:
        return False
    return not (one.startswith(other) or other.startswith(one))


def read(path: str, name: str, ours: Container[Inode]) -> str | None:
    """Return the head of a log or of its copy, `""` for what is too short to have one; None where it may not be read.

    `ours` are the files that this process writes; see `magic.written_here`.
    """
    suffix = packing(name)
    try:
        found = os.lstat(path)
        if (found.st_dev, found.st_ino) in ours or belongs_to_database(path, ours):
            return None
        fd = open_to_look(path)
    except OSError:
        return None
    try:
        data = os.pread(fd, _MOST_PACKED if suffix else _LENGTHS[-1], 0)
    except OSError:
        return None
    finally:
        os.close(fd)
    return of_packed(data, suffix) if suffix else of_text(data)


def of_text(data: bytes) -> str:
    if b"\0" in data:
        return BINARY
    lengths = takewhile(lambda length: length <= len(data), _LENGTHS)
    return "".join(hashlib.blake2b(data[:length], digest_size=4).hexdigest() for length in lengths)


def of_packed(data: bytes, suffix: str) -> str:
    magic, _, unpack = _PACKED[suffix]
    if not data.startswith(magic):
        return BROKEN if data else ""
    try:
        return of_text(unpack(data)[: _LENGTHS[-1]]) if unpack is not None else ""
    except (zlib.error, OSError, EOFError):
        return BROKEN
    except lzma.LZMAError:  # more memory than it is worth, too
        return ""
