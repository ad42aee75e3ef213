"""What a name stands below: in braces of its line, or on a line above that is indented less."""

from __future__ import annotations

import re

_PARENT = re.compile(
    r"""(?:^|[\s{(,\[])["']?(?P<name>[\w.\-]{1,64}+)["']?[ \t]{0,20}(?:(?:[:=]|=>)[ \t]{0,20}[{(\[]?|\{)\s{0,40}
        (?:(?<=[{(\[ ])[^{}\n]{0,100},\s{0,9})?["']?\Z""",
    re.VERBOSE,
)
_REFERENCE = re.compile(
    r"""["']?(?:arn:|alias/|projects/|(?:aws|gcp|azure)-?kms|vault:|[^\s"']{1,200}\.(?:key|pem|crt|txt)(?=["'\s,;}]|\Z))"""
)
_FARTHEST = 600
"""Characters before a name in which what it stands below is looked for."""


def parent_of(text: str, line: int, at: int) -> str | None:
    """Return the name of the mapping that the name there stands in, None if that cannot be told. Its line begins at `line`."""
    before = text[max(line, at - 200) : at]
    if before.strip(" \t\"'"):
        return _named(before)
    column = _indent(before)
    above = text[max(0, line - _FARTHEST) : line].split("\n")
    for other in reversed(above[line > _FARTHEST :]):  # the first of them may be the end of a longer one
        if other.strip() and _indent(other) < column:
            return _named(other.rstrip())
    return None


def refers(text: str, at: int) -> bool:
    """Tell whether what stands there says where a key is, instead of being one."""
    return _REFERENCE.match(text, at) is not None


def _named(before: str) -> str | None:
    found = _PARENT.search(before)
    return found["name"] if found is not None else None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
