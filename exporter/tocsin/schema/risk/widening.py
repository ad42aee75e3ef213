"""Whether every value of one column type fits another."""

from __future__ import annotations

import re
from types import EllipsisType

from tocsin.schema import types

_INTEGERS = {"tinyint": 1, "smallint": 2, "int2": 2, "mediumint": 3, "integer": 4, "int": 4, "int4": 4, "bigint": 8, "int8": 8}
_TEXTS = ("text", "character varying", "varchar")


def type_widens(old: str | None, new: str | None, width: int = 4) -> bool | None:
    """Tell whether every value of one type fits the other: None when the types are of different families.

    A character takes `width` bytes at most, where a type counts bytes.
    """
    known = types.widens(old or "", new or "", width)
    if not isinstance(known, EllipsisType):
        return known
    a, b = _parsed(old), _parsed(new)
    if a[0] in _INTEGERS and b[0] in _INTEGERS:
        return _INTEGERS[a[0]] <= _INTEGERS[b[0]]
    if a[0] in _TEXTS and b[0] in _TEXTS:
        return not b[1] or bool(a[1] and a[1][0] <= b[1][0])
    if a[0] == b[0] and a[0] in ("numeric", "decimal"):
        if not a[1] or not b[1]:
            return not b[1]
        (precision, scale), (wider, finer) = (a[1] + (0,))[:2], (b[1] + (0,))[:2]
        return finer >= scale and wider - finer >= precision - scale
    if a[0] == b[0] and (a[0] in ("bit varying", "interval") or " time zone" in a[0]) and not (a[1] and b[1]):
        return not b[1]  # without a number it holds the most
    if a[0] == b[0] and len(a[1]) == len(b[1]):
        return all(x <= y for x, y in zip(a[1], b[1], strict=True))
    return {("real", "double precision"): True, ("double precision", "real"): False}.get((a[0], b[0]))


def _parsed(text: str | None) -> tuple[str, tuple[int, ...]]:
    """Split `numeric(10,2)` into its name and its numbers."""
    match = re.fullmatch(r"([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?([^(]*)", (text or "").strip().lower())
    if match is None:
        return (text or ""), ()
    numbers = tuple(int(n) for n in match.group(2, 3) if n is not None)
    return " ".join((match.group(1) + match.group(4)).split()), numbers
