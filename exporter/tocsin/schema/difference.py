"""One change between two schemas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tocsin.event import Change
from tocsin.schema.follow import Other
from tocsin.schema.model import TRAITS, Object


class Content(Enum):
    """What is the same of something that has another name and no number."""

    ALL = auto()
    NEARLY_ALL = auto()


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed object: `old` is None when it was added, `new` when it was dropped.

    `objects` is, of a schema or a role with another name, how many objects are called or described by that now; of a role that
    is another one under its name, how many name it.
    """

    change: Change
    old: Object | None
    new: Object | None
    objects: int | None = None
    respelled: bool = False
    """Whether the engine takes the new name for the old one: they differ in the case of their letters alone."""
    others: tuple[Other, ...] = ()
    """The names in its texts that another thing bears now, though they read the same."""
    concluded: Content | None = None
    """How much of it is the same, where that alone tells that it was renamed, not another one made."""

    stands_in: bool = False
    """Whether it is a unique index or a constraint that comes for one of the other kind over the same columns, or goes for it."""
    has_rotated: bool = False
    """Whether it is a table that was, not long ago, a partition that rotates."""

    @property
    def subject(self) -> Object:
        """The object as people know it: as it is now, or as it was."""
        found = self.old if self.change in (Change.DROPPED, Change.RENAMED) else self.new
        assert found is not None
        return found

    def altered_traits(self) -> list[str]:
        if self.old is None or self.new is None:
            return []
        names = TRAITS[self.old.kind]
        others = {other.trait for other in self.others}
        return [n for n, a, b in zip(names, self.old.traits, self.new.traits, strict=True) if a != b or n in others]
