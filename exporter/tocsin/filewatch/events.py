"""How a difference is told: one event, with the old and the new in words, and no secret."""

from __future__ import annotations

import time
from typing import Any

from tocsin.event import Event, EventKind
from tocsin.filewatch.compare import CONTENT, GROUP, INODE, MODE, OWNER, RIGHTS, TARGET, TYPE, Difference, FileChange
from tocsin.filewatch.risk import is_secret_name, weigh
from tocsin.filewatch.state import FILE, NOWHERE, FileState, group, owner, permissions, shown

OBJECT_KINDS = ("file", "directory", "link", "fifo", "socket", "block_device", "character_device", "unknown", "files")
"""What an event of a file can be about; `files` are many at once, of which each has no event of its own."""


def file_event(difference: Difference, diff: str | None = None, **detail: Any) -> Event:
    """Return the event of a difference; `diff` is the masked one of its text."""
    d = difference
    verdict = weigh(d)
    said = d.attributes or (CONTENT, MODE, OWNER)
    more: dict[str, Any] = {"attributes": list(d.attributes)} if d.attributes else {}
    if d.change is FileChange.REPLACED and d.old is not None and d.new is not None:
        more |= {"old_inode": d.old.inode, "new_inode": d.new.inode}
    if not {MODE, OWNER, GROUP, TARGET, RIGHTS}.issuperset(d.attributes or (CONTENT,)) and not is_secret_name(d.path.rpartition("/")[2]):
        # A short secret could be guessed until the digest fits.
        more |= {
            name: s.digest
            for name, s in (("old_sha256", d.old), ("new_sha256", d.new))
            if s is not None and s.digest and s.undigested != NOWHERE
        }
    if d.new is not None and d.new.undigested not in (None, NOWHERE) and CONTENT in d.attributes:
        more["evidence"] = f"size and time of change; no digest: {d.new.undigested}"
    if d.new is not None and d.new.mtime_ns and CONTENT in d.attributes:
        more["modified"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(d.new.mtime_ns // 10**9))
    more |= {key: shown(value) if isinstance(value, str) else value for key, value in (d.detail | detail).items() if value is not None}
    if diff and CONTENT in d.attributes:
        more["diff"] = diff
    return Event(
        kind=EventKind.FILE,
        object_kind=d.subject.kind,
        object=shown(d.path),
        change=d.change,
        risk=verdict.risk,
        reason=verdict.reason,
        security=verdict.security,
        old=in_words(d.old, said) if d.old else None,
        new=in_words(d.new, said) if d.new else None,
        detail=more,
    )


def in_words(state: FileState, attributes: tuple[str, ...]) -> str:
    """Return what a state is in the given attributes: `4096 bytes, 0644, root:adm`."""
    words = []
    if TYPE in attributes:
        words.append(state.kind.replace("_", " "))
    if (TARGET in attributes or TYPE in attributes or CONTENT in attributes) and state.target is not None:
        words.append(f"-> {shown(state.target)}")
    if (CONTENT in attributes or INODE in attributes) and (state.kind == FILE or state.leads_to_file):
        words.append(f"{state.size} bytes")
    if MODE in attributes:
        words.append(permissions(state.mode))
    if OWNER in attributes or GROUP in attributes:
        words.append(f"{owner(state.uid)}:{group(state.gid)}")
    if RIGHTS in attributes:
        words.append(state.rights or "no capabilities and no access list")
    return ", ".join(words)
