"""How a schema travels from the reading process to the exporter: root by root, so that neither holds all of it as objects for long."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from tocsin.schema.model import Object, by_root, dump, load

_LENGTHS = struct.Struct("!II")


def packed(objects: Iterable[Object]) -> bytes:
    """Return the objects, each root's with the root's name."""
    parts: list[bytes] = []
    for root, group in by_root(objects).items():
        name, content = root.encode(), dump(group)
        parts += [_LENGTHS.pack(len(name), len(content)), name, content]
    return b"".join(parts)


def unpacked(parcel: bytes) -> Iterator[tuple[str, list[Object]]]:
    """Yield each root's name and objects."""
    at = 0
    while at < len(parcel):
        name, content = _LENGTHS.unpack_from(parcel, at)
        at += _LENGTHS.size
        yield parcel[at : at + name].decode(), load(parcel[at + name : at + name + content])
        at += name + content
