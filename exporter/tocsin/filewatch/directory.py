"""What differs between two looks at one directory: replaced is told from removed and added, rotated from tampered with. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from tocsin.filewatch.compare import Difference, FileChange, attributes, compare
from tocsin.filewatch.rotation import Rotation
from tocsin.filewatch.state import FileState


def differences(
    directory: str,
    old: Mapping[str, FileState],
    new: Mapping[str, FileState],
    *,
    grows: Collection[str] = (),
) -> list[Difference]:
    """Return how the names of one directory differ, each thing that happened once.

    `grows` are the names of logs. Of those alone a rotation is told from tampering, by this rule: the file, known by its inode, has
    a name now that is the same with a number or a date (app.log.1, app.log-20261121); or it is shorter while a file of such a name
    has come, or was written over, that was written no earlier than it was last, and can hold all of it: at least as long as it was or
    compressed, and beginning as it did; or it is another while such a compressed copy (app.log.1.gz), made since it was last written
    to, has come. What else of such names moves up, is compressed (the name with .gz or the like comes while the one without goes) or
    falls off the end, belongs to the rotation; what merely bears such a name, or was appended to, does not. Where the log has moved on
    to a higher number, the copies of lower ones were logs since, and belong to it where what had their names has moved up or fallen off.
    """
    found = [d for name in sorted({*old, *new}) if (d := compare(name, old.get(name), new.get(name), grows=name in grows)) is not None]
    if found and grows:
        found = list(Rotation(old, new, grows).explain(found))
    found = list(_renamed(found, grows))
    prefix = directory.rstrip("/")
    return [replace(d, path=f"{prefix}/{d.path}") for d in found]


def _renamed(found: list[Difference], grows: Collection[str]) -> Iterator[Difference]:
    """Make one difference of a name that went and one that came with its file."""
    came = {(d.new.kind, d.new.inode): d for d in found if d.change is FileChange.ADDED and d.new and d.new.inode and d.new.links < 2}
    pairs: dict[str, Difference] = {}
    for d in found:
        if d.change is FileChange.DROPPED and d.old is not None:
            other = came.get((d.old.kind, d.old.inode))
            if other is not None and other.new is not None and _is_same(d.old, other.new):
                pairs[d.path] = came.pop((d.old.kind, d.old.inode))
    taken = {d.path for d in pairs.values()}
    for d in found:
        other = pairs.get(d.path)
        if other is not None and d.old is not None and other.new is not None:
            changed = attributes(d.old, other.new, grows=d.path in grows)
            detail = {"new_name": other.path}
            yield replace(d, change=FileChange.RENAMED, new=other.new, attributes=changed, detail=detail, others=(other.path,))
        elif d.path not in taken:
            yield d


def _is_same(old: FileState, new: FileState) -> bool:
    """Tell whether two states of one number are the same file: the number of one that is removed is soon given to another."""
    if old.digest and new.digest:
        return old.digest == new.digest
    return (old.size, old.mtime_ns, old.target) == (new.size, new.mtime_ns, new.target)
