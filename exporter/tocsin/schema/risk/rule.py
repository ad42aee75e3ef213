"""A rule, and the conditions that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tocsin.event import Change, Risk
from tocsin.schema.difference import Difference

A, D, R, X = Change.ADDED, Change.DROPPED, Change.RENAMED, Change.ALTERED


@dataclass(frozen=True, slots=True)
class Rule:
    """The risk of one kind of change. Without `when`, whatever the rules above it did not take."""

    kind: str
    change: Change
    risk: Risk
    reason: str
    when: Callable[[Difference], bool] | None = None
    trait: str | None = None
    security: bool = False
    """Whether the change bears on who may do what, however much or little else it breaks."""


def new_is(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.new is not None and d.new.trait(name) == value


def old_is(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.old is not None and d.old.trait(name) == value


def both(*conditions: Callable[[Difference], bool]) -> Callable[[Difference], bool]:
    return lambda d: all(condition(d) for condition in conditions)


def moves(trait: str, *words: str) -> Callable[[Difference], bool]:
    """Return the condition that a trait says one of these words on one side only, or in another way."""

    def check(d: Difference) -> bool:
        old, new = ((o and o.trait(trait)) or "" for o in (d.old, d.new))
        return any((word in old or word in new) and old.partition(word)[1:] != new.partition(word)[1:] for word in words)

    return check


def means_another(trait: str) -> Callable[[Difference], bool]:
    """Return the condition that a trait mentions a name which another thing bears now."""
    return lambda d: any(other.trait == trait for other in d.others)


def appended(trait: str) -> Callable[[Difference], bool]:
    """Return the condition that a list only became longer at its end."""
    return lambda d: d.old is not None and d.new is not None and (d.new.trait(trait) or "").startswith(f"{d.old.trait(trait)}, ")


def keeps(trait: str) -> Callable[[Difference], bool]:
    """Return the condition that a list still has all that it had."""

    def check(d: Difference) -> bool:
        old, new = ((o and o.trait(trait)) or "" for o in (d.old, d.new))
        return set(old.split(", ")) <= set(new.split(", ")) or not old

    return check
