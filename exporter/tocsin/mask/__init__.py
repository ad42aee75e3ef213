"""Secrets taken out of text that people will read: configuration, SQL, definitions, messages.

Three ways lead to a secret: the name of what holds it (`password = ...`, whatever the syntax around), its own shape (a private
key, an address with a login, a token of a known vendor), and the line of a known kind that it stands in. Where it is unclear how
far a value goes, more is masked rather than less. Every line stays a line, so that a diff of masked texts reads like a diff. What
nobody can tell from other words is not found: a password that is a word, in a sentence, or a bare one in a file of nothing else.
"""

from __future__ import annotations

from tocsin.mask.names import is_secret
from tocsin.mask.values import STARS

__all__ = ["ONLY_MASKED", "STARS", "is_secret", "text", "value"]

ONLY_MASKED = "(nothing else than masked values)"
"""What is said of two texts that differ, and are the same once they are masked."""

_MOST_ROUNDS = 4
_SHORT, _MOST_CLEAN = 120, 4096
_clean: set[str] = set()
"""Short texts that hold no secret: types, defaults and the like, of which a schema has the same ones over and over."""


def text(original: str) -> str:
    """Return the text with stars where it holds a secret. Masking what is masked changes nothing. Takes linear time."""
    if original in _clean:
        return original
    from tocsin.mask.labelled import mask_labelled  # megabytes of patterns, only where something is to be masked
    from tocsin.mask.layouts import mask_layouts
    from tocsin.mask.lines import mask_lines
    from tocsin.mask.named import mask_named, may_name
    from tocsin.mask.shapes import mask_blocks, mask_shapes

    found = original
    for _ in range(_MOST_ROUNDS):
        before, found = found, mask_lines(mask_shapes(mask_named(mask_layouts(mask_blocks(found)))))
        found = mask_labelled(found) if may_name(found) else found
        if found == before:
            break
    if found == original and len(original) <= _SHORT:
        if len(_clean) >= _MOST_CLEAN:
            _clean.clear()
        _clean.add(original)
    return found


def value(name: str, original: str) -> str:
    """Return what something of this name has, masked: all its literals where the name says that it is a secret.

    >>> value("api_token", "'abc'::text"), value("title", "'abc'::text")
    ("'***'::text", "'abc'::text")
    """
    from tocsin.mask.shapes import literals

    return text(literals(original) if is_secret(name) else original)
