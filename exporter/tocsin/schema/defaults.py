"""Rights that something has without a word: what differs from them comes and goes as an object of its own, and is told as altered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tocsin.event import Change
from tocsin.schema.model import Object

if TYPE_CHECKING:
    from tocsin.schema.difference import Difference

WITHOUT = " without "
"""Stands between who has less than the default and what is missing."""
BY_DEFAULT = "as by default"


def told(difference: Difference) -> Difference:
    """Return the difference as people made it: a right that was there by default and is taken away adds nothing."""
    old, new = difference.old, difference.new
    if old is None and _is_less(new):
        return replace(difference, change=Change.ALTERED, old=_by_default(new))
    if new is None and _is_less(old):
        return replace(difference, change=Change.ALTERED, new=_by_default(old))
    return difference


def _is_less(o: Object | None) -> bool:
    return o is not None and o.kind == "grant" and WITHOUT in (o.traits[0] or "")


def _by_default(o: Object | None) -> Object | None:
    return o and o._replace(traits=(BY_DEFAULT,), identity=None)
