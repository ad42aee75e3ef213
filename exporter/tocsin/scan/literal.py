"""A piece of text in a source file that may be SQL, with what is not known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

UNKNOWN = "\x00"
"""Stands in a literal's text for a part that is known at run time only."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text from one place of a file: lines `first` to `last`.

    `open` tells that more may be added to its end at run time, `embedded` that it may be put into other text.
    """

    text: str
    first: int
    last: int
    open: bool = False
    embedded: bool = False
    percent: bool = False
    """Whether `%s` in it is filled in as text before a database sees it, and not a parameter."""


_VERB = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
    r"(?P<verb>select|insert|update|delete|with|merge|replace|create|alter)\b",
    re.IGNORECASE | re.DOTALL,
)
_SHAPES = {
    "select": re.compile(r"\bfrom\b", re.IGNORECASE),
    "insert": re.compile(r"\binto\b", re.IGNORECASE),
    "replace": re.compile(r"\binto\b", re.IGNORECASE),
    "merge": re.compile(r"\binto\b", re.IGNORECASE),
    "update": re.compile(r"\bset\b.*=", re.IGNORECASE | re.DOTALL),
    "delete": re.compile(r"\bfrom\b", re.IGNORECASE),
    "with": re.compile(r"\bas\s+(?:(?:not\s+)?materialized\s*)?\(", re.IGNORECASE),
    "create": re.compile(r"\b(?:table|view)\b", re.IGNORECASE),
    "alter": re.compile(r"\btable\b", re.IGNORECASE),
}
_MARKS = re.compile(r"[=<>(*;?]|%s|:\w|\$\d|[A-Z]{4}")


def looks_like_sql(text: str) -> bool:
    """Tell whether a text begins as a statement does and has its shape. `Delete from cart` on a button has neither case nor marks."""
    match = _VERB.match(text)
    if match is None:
        return False
    verb = match["verb"]
    if not (verb.isupper() or (verb.islower() and _MARKS.search(text))):
        return False
    return _SHAPES[verb.lower()].search(text, match.end()) is not None
