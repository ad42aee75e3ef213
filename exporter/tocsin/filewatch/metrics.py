"""The series of a watched file, whichever source watches it."""

from __future__ import annotations

from tocsin.filewatch.risk import is_secret_name
from tocsin.filewatch.state import DIRECTORY, FILE, FileState, Seen, Unseen, group, owner, permissions, shown
from tocsin.metric import Metric, counter, gauge, info
from tocsin.source import Run

EXISTS = gauge("tocsin_file_exists", "Whether the file is there; absent where that cannot be looked at.", ("path",))
SIZE = gauge("tocsin_file_size_bytes", "Size of the file, or of the one that a link leads to.", ("path",))
MODIFIED = gauge("tocsin_file_modified_timestamp_seconds", "Unix time of the last change of its content; its owner may set it.", ("path",))
STATUS_CHANGED = gauge(
    "tocsin_file_status_changed_timestamp_seconds",
    "Unix time of the last change of content, permissions, owner or links, which the kernel alone sets.",
    ("path",),
)
LINKS = gauge("tocsin_file_links", "Names that the file has.", ("path",))
INODE = gauge("tocsin_file_inode", "The file's number in its file system: another one is another file.", ("path",), unit="none")
INFO = info("tocsin_file_info", "What it is, who may use it, who owns it, and where a link leads.",
            ("path", "kind", "mode", "owner", "group", "target"))  # fmt: skip
CONTENT = gauge(
    "tocsin_file_content_fingerprint",
    "First 52 bits of the content's SHA-256 as a number: equal contents, equal numbers; absent where it is not read, or the "
    "file's name speaks of a secret, which could be guessed.",
    ("path",),
    unit="none",
)
UNSEEN = info("tocsin_file_unseen", "A path that cannot be looked at, and why; what was known of it stands.", ("path", "reason"))
FLAPPING = info("tocsin_file_flapping", "A file that changes so often that its changes are counted and not told.", ("path",))
CHANGE_TIME = gauge(
    "tocsin_file_change_timestamp_seconds",
    "Unix time at which a recent change was found; the newest 50 of a collector, for one hour.",
    ("path", "object_kind", "change", "risk", "security"),
)
CHANGES = counter(
    "tocsin_file_changes_total",
    "Changes of files ever found, across restarts, those included that had no event of their own.",
    ("change", "risk", "security"),
)

METRICS: tuple[Metric, ...] = (
    EXISTS, SIZE, MODIFIED, STATUS_CHANGED, LINKS, INODE, INFO, CONTENT, UNSEEN, FLAPPING, CHANGE_TIME, CHANGES,
)  # fmt: skip
"""What a collector must declare that watches files by name."""


def emit_file(run: Run, path: str, seen: Seen) -> None:
    """Emit the series of one file."""
    label = shown(path)
    if isinstance(seen, Unseen):
        run.emit(UNSEEN, 1, (label, seen.reason))
        return
    run.emit(EXISTS, int(seen is not None), (label,))
    if seen is not None:
        _emit_state(run, label, seen, secret=is_secret_name(path.rpartition("/")[2]))


def _emit_state(run: Run, label: str, state: FileState, *, secret: bool) -> None:
    if state.kind == FILE or state.leads_to_file:
        run.emit(SIZE, state.size, (label,))
    if state.kind == FILE:
        run.emit(LINKS, state.links, (label,))
    if state.kind != DIRECTORY:
        run.emit(MODIFIED, state.mtime_ns / 1e9, (label,))
        run.emit(STATUS_CHANGED, state.ctime_ns / 1e9, (label,))
    run.emit(INODE, state.inode or None, (label,))
    words = (state.kind, permissions(state.mode), owner(state.uid), group(state.gid), shown(state.target or ""))
    run.emit(INFO, 1, (label, *words))
    run.emit(CONTENT, int(state.digest[:13], 16) if state.digest and not secret else None, (label,))
