"""What differs between two looks at the same name. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tocsin.filewatch import heads
from tocsin.filewatch.state import DATABASE, FILE, GROWING, LINK, NOWHERE, UNFOLLOWED, FileState


class FileChange(StrEnum):
    ADDED = "added"
    DROPPED = "dropped"
    ALTERED = "altered"
    REPLACED = "replaced"
    """Another file has the name now: written beside and renamed, or removed and made anew."""
    RENAMED = "renamed"
    """The same file has another name in the same directory: `detail` has it as `new_name`."""
    ROTATED = "rotated"
    """A log was put aside: moved to a name with a number or a date, compressed, or copied and truncated."""
    FLAPPING = "flapping"
    """It changes so often that its changes are counted and no longer told."""


CONTENT, MODE, OWNER, GROUP, TYPE, TARGET, INODE, RIGHTS = "content", "mode", "owner", "group", "type", "target", "inode", "rights"
ATTRIBUTES = (TYPE, CONTENT, TARGET, MODE, OWNER, GROUP, RIGHTS, INODE)
"""What may differ of a file, the weightiest first. Times are not among them: they say when, not what."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One name that is not as it was. `detail` is what else is known of it, for the event."""

    path: str
    change: FileChange
    old: FileState | None
    new: FileState | None
    attributes: tuple[str, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    shrank: bool = False
    """Whether it is a log that lost content, and no rotation explains it."""
    unsettled: bool = False
    """Whether it may yet turn out to be part of a rotation that is under way: a copy comes before what it was made of goes."""

    others: tuple[str, ...] = ()
    """Other names in its directory that it is about, too."""

    @property
    def subject(self) -> FileState:
        found = self.new or self.old
        assert found is not None
        return found


def attributes(old: FileState, new: FileState, *, grows: bool = False) -> tuple[str, ...]:
    """Return what differs between two states of a name. Of a file that `grows` appended content is no difference."""
    found = []
    if old.kind != new.kind:
        found.append(TYPE)
    elif _content_differs(old, new, grows):
        found.append(CONTENT)
    if old.target != new.target and LINK in (old.kind, new.kind) and TYPE not in found:
        found.append(TARGET)
    if old.mode != new.mode and LINK not in (old.kind, new.kind):  # a link's own permissions are all of them, always
        found.append(MODE)
    if old.uid != new.uid:
        found.append(OWNER)
    if old.gid != new.gid:
        found.append(GROUP)
    if old.rights is not None and new.rights is not None and old.rights != new.rights:
        found.append(RIGHTS)
    if old.inode != new.inode and old.inode and new.inode:
        found.append(INODE)
    return tuple(found)


def leads_again(old: FileState, new: FileState) -> bool:
    """Tell whether a link led to no file, and leads to one now."""
    return old.kind == LINK and old.undigested == NOWHERE and new.leads_to_file


def _content_differs(old: FileState, new: FileState, grows: bool) -> bool:
    if leads_again(old, new):
        return True
    if (old.kind != FILE and not old.leads_to_file) or new.undigested == UNFOLLOWED:
        return False  # where a link leads was not known before, or is not now
    if new.kind == LINK and not new.leads_to_file:
        return True
    if old.digest and new.digest:
        return old.digest != new.digest
    if grows and old.kind == FILE:
        return has_lost(old, new) or (old.inode != new.inode and bool(old.inode and new.inode))
    if GROWING in (old.undigested, new.undigested):
        return False  # which files grow was configured anew
    if DATABASE in (old.undigested, new.undigested):
        # What is in a database its own source tells; that it is one no longer is news.
        return bool(old.digest or new.digest)
    return (old.size, old.mtime_ns) != (new.size, new.mtime_ns)


def has_lost(old: FileState, new: FileState) -> bool:
    """Tell whether a log lacks content that it had: it is shorter, or begins otherwise."""
    return new.size < old.size or (heads.BINARY not in (old.head, new.head) and heads.differ(old.head, new.head))


def compare(path: str, old: FileState | None, new: FileState | None, *, grows: bool = False) -> Difference | None:
    """Return how a name differs, None where it does not."""
    if old is None or new is None:
        return None if old is new else Difference(path, FileChange.DROPPED if old else FileChange.ADDED, old, new)
    found = attributes(old, new, grows=grows)
    if not found:
        return None
    change = FileChange.REPLACED if INODE in found else FileChange.ALTERED
    return Difference(path, change, old, new, found, shrank=grows and old.kind == new.kind == FILE and has_lost(old, new))
