"""How two masked texts differ, in a form that people know, and no longer than people read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from tocsin import mask

MOST_LINES, MOST_BYTES, LONGEST_LINE = 200, 8_000, 300
_MOST_COMPARED = 2_000
"""Lines between the first and the last difference: comparing more of them would take its time."""
_CONTEXT = 3

_Code: TypeAlias = tuple[str, int, int, int, int]
"""What becomes of lines, from where to where in the old text and in the new one, as difflib says it."""


def unified(old: str, new: str) -> str:
    """Return the unified diff of two texts that are masked already; what is cut off of it is said.

    Of texts that are the same it says that only what is masked changed: whoever asks knows that something did.
    """
    if old == new:
        return mask.ONLY_MASKED
    a, b = old.splitlines(), new.splitlines()
    if a == b:
        return "(ends of lines)"
    first, behind = _same_ends(a, b)
    middle_a, middle_b = a[first : len(a) - behind], b[first : len(b) - behind]
    if max(len(middle_a), len(middle_b)) > _MOST_COMPARED:
        lines = [f"@@ -{first + 1},{len(middle_a)} +{first + 1},{len(middle_b)} @@"]
        lines += [f"-{line}" for line in islice(middle_a, MOST_LINES // 2)] + [f"+{line}" for line in islice(middle_b, MOST_LINES // 2)]
        return _bounded(lines, len(middle_a) + len(middle_b) + 1)
    found = _numbered(a, b, first, behind)
    return _bounded(found, len(found))


def _same_ends(a: list[str], b: list[str]) -> tuple[int, int]:
    """Return how many lines are the same at the beginning, and at the end."""
    shorter = min(len(a), len(b))
    first = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    behind = next((i for i in range(shorter - first) if a[-1 - i] != b[-1 - i]), shorter - first)
    return first, behind


def _numbered(a: list[str], b: list[str], first: int, behind: int) -> list[str]:
    """Return a unified diff without its head. So many lines at the beginning and at the end are the same, and are the context there."""
    import difflib  # only where something is to be compared

    end_a, end_b, after = len(a) - behind, len(b) - behind, min(_CONTEXT, behind)
    between = difflib.SequenceMatcher(None, a[first:end_a], b[first:end_b]).get_opcodes()
    codes: list[_Code] = [
        ("equal", max(0, first - _CONTEXT), first, max(0, first - _CONTEXT), first),
        *((tag, first + i1, first + i2, first + j1, first + j2) for tag, i1, i2, j1, j2 in between),
        ("equal", end_a, end_a + after, end_b, end_b + after),
    ]
    lines = []
    for group in _grouped(codes):
        (_, a1, _, b1, _), (_, _, a2, _, b2) = group[0], group[-1]
        lines.append(f"@@ -{_range(a1, a2 - a1)} +{_range(b1, b2 - b1)} @@")
        for tag, i1, i2, j1, j2 in group:
            lines += [f" {line}" for line in a[i1:i2]] if tag == "equal" else [f"-{line}" for line in a[i1:i2]]
            lines += [f"+{line}" for line in b[j1:j2]] if tag != "equal" else []
    return lines


def _grouped(codes: list[_Code]) -> Iterator[list[_Code]]:
    """Yield what makes a hunk each: between two lie more lines that are the same than are shown."""
    group: list[_Code] = []
    for tag, i1, i2, j1, j2 in codes:
        i, j = i1, j1
        if tag == "equal" and i2 - i1 > 2 * _CONTEXT:
            yield [*group, (tag, i1, i1 + _CONTEXT, j1, j1 + _CONTEXT)]
            group, i, j = [], i2 - _CONTEXT, j2 - _CONTEXT
        group.append((tag, i, i2, j, j2))
    yield group


def _range(start: int, count: int) -> str:
    """Return a range as diff(1) counts: from 1, and one less where nothing is in it."""
    return f"{start + 1 if count else start},{count}" if count != 1 else str(start + 1)


def _bounded(lines: list[str], count: int) -> str:
    """Return as many of the lines as may be, each of them cut, and how many more there are."""
    told: list[str] = []
    size = 0
    for line in lines[:MOST_LINES]:
        short = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ... ({len(line) - LONGEST_LINE} characters more)"
        size += len(short.encode()) + 1
        if size > MOST_BYTES:
            break
        told.append(short)
    if len(told) < count:
        told.append(f"... ({count - len(told)} lines more)")
    return "\n".join(told)
