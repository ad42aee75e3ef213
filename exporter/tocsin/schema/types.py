"""Whether every value of one column type fits another, where only MySQL and MariaDB have them: unsigned, texts by size, enumerations."""

from __future__ import annotations

import re
from types import EllipsisType

UNKNOWN = ...
"""Neither type is one of MySQL's own."""

_INTEGERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "bigint": 8}
_CAPACITY = {"tiny": 2**8 - 1, "": 2**16 - 1, "medium": 2**24 - 1, "long": 2**32 - 1}
_TEXTS = {f"{size}text": most for size, most in _CAPACITY.items()}
_BLOBS = {f"{size}blob": most for size, most in _CAPACITY.items()}
_BYTES = {
    "ascii": 1,
    "latin1": 1,
    "latin2": 1,
    "latin5": 1,
    "latin7": 1,
    "cp1250": 1,
    "cp1251": 1,
    "cp1252": 1,
    "binary": 1,
    "ucs2": 2,
    "utf8mb3": 3,
}

_OWN = re.compile(
    r"(enum|set|char|binary|varbinary)\(|(datetime|timestamp|time)\(\d\)$|(datetime|(tiny|medium|long)(text|blob))$"
    r"|tinyint\(1\)$|.* unsigned\b|.* zerofill\b|double$|varchar\(\d+\) compressed$"
)


def bytes_per_character(collation: str | None) -> int:
    """Return how many bytes a character takes at most; 4 where nothing is known.

    >>> bytes_per_character("latin1_swedish_ci"), bytes_per_character("utf8mb3_bin"), bytes_per_character(None)
    (1, 3, 4)
    """
    return _BYTES.get(character_set(collation) or "", 4)


def character_set(collation: str | None) -> str | None:
    return collation.partition("_")[0] if collation else None


def widens(old: str, new: str, width: int = 4) -> bool | None | EllipsisType:
    """Tell whether every value of one type fits the other: None for another family, UNKNOWN where neither is MySQL's own.

    A character takes `width` bytes at most.
    """
    a, b = (re.sub(r" (zerofill|compressed)\b", "", text.strip().lower()) for text in (old, new))
    if not any(_OWN.match(text.strip().lower()) for text in (old, new)):
        return UNKNOWN
    if a == b:
        return True
    if a.startswith(("enum(", "set(")) or b.startswith(("enum(", "set(")):
        return _lists(old, new)
    (name, numbers, unsigned), (other, others, only_positive) = _parsed(a), _parsed(b)
    if "tinyint(1)" in (a, b):
        return None  # drivers take it for a truth value, and nothing else
    if name in _INTEGERS and other in _INTEGERS:
        return (
            _range(_INTEGERS[name], unsigned)[0] >= _range(_INTEGERS[other], only_positive)[0]
            and _range(_INTEGERS[name], unsigned)[1] <= _range(_INTEGERS[other], only_positive)[1]
        )
    if only_positive and not unsigned and name == other:
        return False
    if name == other == "decimal":
        (precision, scale), (wider, finer) = (*numbers, 0)[:2], (*others, 0)[:2]
        return finer >= scale and wider - finer >= precision - scale
    if {name, other} == {"float", "double"}:
        return name == "float"
    if name == other in ("datetime", "timestamp", "time"):
        return (*numbers, 0)[0] <= (*others, 0)[0]
    if name == other == "binary":
        return False  # shorter ones are filled up, longer ones cut
    if name == other and len(numbers) == len(others):
        return all(x <= y for x, y in zip(numbers, others, strict=True))
    return _strings((name, numbers), (other, others), width)


def _range(size: int, unsigned: bool) -> tuple[int, int]:
    return (0, 2 ** (8 * size) - 1) if unsigned else (-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1)


def _parsed(text: str) -> tuple[str, tuple[int, ...], bool]:
    """Split `decimal(10,2) unsigned` into its name, its numbers, and whether it is unsigned."""
    match = re.fullmatch(r"(\w+)(?:\(([\d, ]+)\))?( unsigned)?", text)
    if match is None:
        return text, (), False
    return match[1], tuple(int(n) for n in (match[2] or "").split(",") if n), bool(match[3])


def _lists(old: str, new: str) -> bool | None:
    """Compare enumerations and sets: they hold numbers, so that only what is added at the end leaves old values as they were."""
    if old.partition("(")[0].lower() != new.partition("(")[0].lower():
        return None
    values, others = (re.findall(r"'(?:[^']|'')*'", text) for text in (old, new))
    return others[: len(values)] == values


def _strings(old: tuple[str, tuple[int, ...]], new: tuple[str, tuple[int, ...]], width: int) -> bool | None:
    """Compare strings by what they hold: characters where both count them, bytes where one does."""
    for limited, unlimited, unit in ((("char", "varchar"), _TEXTS, width), (("binary", "varbinary"), _BLOBS, 1)):
        if all(name in limited or name in unlimited for name, _ in (old, new)):
            (name, numbers), (other, others) = old, new
            if other in unlimited:
                return (unlimited[name] if name in unlimited else numbers[0] * unit) <= unlimited[other]
            return (unlimited[name] if name in unlimited else numbers[0]) <= others[0]
    return None
