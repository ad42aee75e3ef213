"""A SQLite file with less in its schema than there is: what is asked of a few tables need not cost the reading of ten thousand.

SQLite reads all of sqlite_schema before it answers anything. That is a table like any other, but that it begins on page 1, and the
library sees the file through a layer of ours. Shown a page 1 on which a few of its rows stand, it reads those and no others. And shown
the real one as the page of a table with a name, it reads that as it reads any table.

Formats: https://www.sqlite.org/fileformat2.html, sections 1.3 to 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from tocsin.sources.sqlite.overlay import Picture

Row = tuple[str, str, str, int, str | None]
"""Of sqlite_schema: type, name, tbl_name, rootpage, sql."""

_HEADER = 100
_LEAF, _INTERIOR = 13, 5
_TREE_HEADERS = {_LEAF: 8, _INTERIOR: 12}
_ENCODINGS = {0: "utf-8", 1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_LISTING = "CREATE TABLE listing(type text, name text, tbl_name text, rootpage int, sql text)"
_LOCK_BYTE = 0x40000000


class Excerpt:
    """A picture in which some pages are others, by their offsets; it is read as pictures are."""

    def __init__(self, picture: Picture, pages: dict[int, bytes]) -> None:
        self._picture = picture
        self._pages = pages
        self.is_over: Callable[[], bool] = lambda: False

    def read(self, amount: int, offset: int) -> bytes:
        for at, page in self._pages.items():
            if at <= offset < at + len(page):
                return page[offset - at :][:amount]
        return self._picture.read(amount, offset)

    def size(self) -> int:
        return max(self._picture.size(), *(at + len(page) for at, page in self._pages.items()))

    def verify(self) -> None:
        self._picture.verify()


def listing(picture: Picture) -> Excerpt | None:
    """Return a file with one table, `listing`, whose rows are those of sqlite_schema; None for one without any schema."""
    size = picture.page_size
    page = picture.read(size, 0)
    if len(page) < size or page[_HEADER] not in _TREE_HEADERS:
        return None
    cells = int.from_bytes(page[_HEADER + 3 : _HEADER + 5], "big")
    tree = page[_HEADER : _HEADER + _TREE_HEADERS[page[_HEADER]] + 2 * cells]
    number = max(picture.size() // size, int.from_bytes(page[28:32], "big")) + 1
    number += number == _LOCK_BYTE // size + 1  # which SQLite never uses
    # Where in a page its cells are is counted from the page's beginning: they stay, and what points to them moves up.
    root = tree + page[len(tree) :]
    first = _first_page(page, [("table", "listing", "listing", number, _LISTING)], number)
    return None if first is None else Excerpt(picture, {0: first, (number - 1) * size: root})


def excerpt(picture: Picture, rows: Iterable[Row]) -> Excerpt | None:
    """Return the file with these rows alone in sqlite_schema, None where they do not fit on one page."""
    page = picture.read(picture.page_size, 0)
    first = _first_page(page, rows, max(picture.size() // picture.page_size, int.from_bytes(page[28:32], "big")))
    return None if first is None else Excerpt(picture, {0: first})


def _first_page(page: bytes, rows: Iterable[Row], pages: int) -> bytes | None:
    """Return the first page of a file of so many pages, with these rows on it."""
    usable = len(page) - page[20]
    encoding = _ENCODINGS.get(int.from_bytes(page[56:60], "big"), "utf-8")
    cells: list[bytes] = []
    for number, row in enumerate(rows, 1):
        record = _record(row, encoding)
        if len(record) > usable - 35:  # the rest of it would have to be on another page
            return None
        cells.append(_varint(len(record)) + _varint(number) + record)
    content = usable - sum(map(len, cells))
    if content < _HEADER + 8 + 2 * len(cells):
        return None
    header = page[:28] + pages.to_bytes(4, "big") + page[32:92] + page[24:28] + page[96:_HEADER]
    pointers, at = b"", usable
    for cell in cells:
        at -= len(cell)
        pointers += at.to_bytes(2, "big")
    top = header + struct.pack(">BHHHB", _LEAF, 0, len(cells), content & 0xFFFF, 0) + pointers
    return (top.ljust(content, b"\0") + b"".join(reversed(cells))).ljust(len(page), b"\0")


def _record(row: Row, encoding: str) -> bytes:
    types, values = b"", b""
    for value in row:
        if value is None:
            types += b"\0"
        elif isinstance(value, int):
            types += b"\6"
            values += value.to_bytes(8, "big", signed=True)
        else:
            text = value.encode(encoding, "surrogatepass")
            types += _varint(13 + 2 * len(text))
            values += text
    length = len(types) + 1
    return _varint(length if length < 128 else length + 1) + types + values


def _varint(number: int) -> bytes:
    """Return a number in groups of seven bits, the highest first; all but the last are marked."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))
