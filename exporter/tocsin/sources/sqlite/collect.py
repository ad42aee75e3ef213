"""What is read from a SQLite file: its header as the newest commit has it, its log, its locks, and its schema."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256

from tocsin.filewatch import Watched, collect_paths
from tocsin.schema import track
from tocsin.schema.model import Object, Schema, by_root
from tocsin.source import Run
from tocsin.sources.sqlite import metrics as m
from tocsin.sources.sqlite.config import SqliteOptions
from tocsin.sources.sqlite.excerpt import excerpt, listing
from tocsin.sources.sqlite.files import beside, journal_mark, open_file
from tocsin.sources.sqlite.inspect import SERVER, Texts, inspect, objects
from tocsin.sources.sqlite.locks import RESERVED, STATES, Locks, holder, locks
from tocsin.sources.sqlite.overlay import Picture, read_picture
from tocsin.sources.sqlite.session import SqliteSession, opened
from tocsin.sources.sqlite.wal import Progress, progress

_ENCODINGS = {0: "UTF-8", 1: "UTF-8", 2: "UTF-16le", 3: "UTF-16be"}
# Longer than two ticks of the clock by which the kernel stamps files.
_JOURNAL_PAUSE = 0.025


def collect_database(session: SqliteSession, run: Run) -> None:
    """Emit what the header says, how far the log has been applied, and the sizes of the files."""
    header, main_size, wal_size, mode, log = read_picture(
        session.options.path,
        lambda p: (p.read(100, 0), p.main_size(), p.wal_size, "wal" if p.wal_mode else "rollback", progress(p) if p.wal_mode else None),
        run.deadline,
    )
    run.emit(m.SIZE, main_size)
    run.emit(m.WAL_SIZE, wal_size)
    run.emit(m.JOURNAL_MODE, 1, (mode,))
    if log is not None:
        _emit_log(run, log)
    if len(header) >= 100:  # an empty file is an empty database without a header
        _emit_header(run, header)


def _emit_log(run: Run, log: Progress) -> None:
    run.emit(m.WAL_FRAMES, log.frames)
    run.emit(m.WAL_APPLIED, log.applied)
    run.emit(m.WAL_BLOCKED, log.blocked)
    run.emit(m.WAL_SALT, log.salt)


def _emit_header(run: Run, header: bytes) -> None:
    """Emit the fields of the header; offsets: section 1.3 of SQLite's file format."""
    page_size, change, pages = struct.unpack(">16xH6xII", header[:32])
    free, cookie, schema_format, cache = struct.unpack(">IIIi", header[36:52])
    largest_root, encoding, user_version, incremental, application_id = struct.unpack(">IIiIi", header[52:72])
    valid_for, written_by = struct.unpack(">II", header[92:100])
    run.emit(m.PAGE_SIZE, 65536 if page_size == 1 else page_size)
    if change == valid_for:
        run.emit(m.PAGES, pages)
    run.emit(m.FREELIST, free)
    run.emit(m.CHANGE_COUNTER, change)
    run.emit(m.SCHEMA_VERSION, cookie)
    run.emit(m.USER_VERSION, user_version)
    run.emit(m.APPLICATION_ID, application_id)
    run.emit(m.DEFAULT_CACHE, abs(cache))
    vacuum = "incremental" if incremental else "full" if largest_root else "none"
    version = f"{written_by // 1_000_000}.{written_by // 1000 % 1000}.{written_by % 1000}" if written_by else "unknown"
    run.emit(m.FORMAT, 1, (_ENCODINGS.get(encoding, "unknown"), vacuum, str(schema_format), version))


def collect_locks(session: SqliteSession, run: Run) -> None:
    """Emit who holds which lock, for how long at least, and whether a crashed writer left its journal."""
    path = session.options.path
    with ExitStack() as stack:
        main, shm = (open_file(file, required=file == path) for file in (path, beside(path, "-shm")))
        for fd in (main, shm):
            stack.callback(_close, fd)
        found = locks(main, shm)
        for state in STATES:
            run.emit(m.LOCK_STATE, int(state == found.state), (state,))
        run.emit(m.LOCK_HELD, _held_for(session, found, _commits(main, shm)))
        run.emit(m.LOCK_HOLDER, found.pid or None)
        if shm >= 0:
            run.emit(m.WAL_CHECKPOINTING, int(found.checkpointing))
        first = journal_mark(path)
        hot = first is not None and holder(main, RESERVED) is None
        if hot:  # it may be one that was just being finished when we looked: then it is another now, or none
            time.sleep(min(_JOURNAL_PAUSE, run.remaining()))
            hot = journal_mark(path) == first and holder(main, RESERVED) is None
        run.emit(m.HOT_JOURNAL, int(hot))


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


def _commits(main: int, shm: int) -> bytes:
    """Return what moves with every commit: the change counter, of a log the index's counter with its place and salts."""
    return os.pread(main, 4, 24) + (os.pread(shm, 40, 0) if shm >= 0 else b"")


def _held_for(session: SqliteSession, found: Locks, commits: bytes) -> float:
    """Return for how long the write lock has been seen with the same process and without a commit between."""
    if found.pid is None:
        session.held = None
        return 0.0
    now = time.monotonic()
    mark = (found.pid, commits)
    if session.held is None or session.held[0] != mark:
        session.held = (mark, now)
    return now - session.held[1]


def collect_schema(session: SqliteSession, run: Run) -> None:
    """Check for schema changes: the schema cookie and the file's identity first, a full inspection only behind them."""
    options = session.options
    gate = read_picture(options.path, _gate, run.deadline)
    if session.has_looked and track.gate_is_closed(run, "main", gate, options.full_inspection_every, options.expected):
        return
    summary, kept = track.known(run, "main"), run.recall("texts")
    # Another major version describes the same in other words.
    is_due = summary is None or summary["server"] != SERVER or time.time() - summary["inspected"] > options.full_inspection_every
    known = None if is_due or kept is None else json.loads(kept)
    texts, gone, found = read_picture(options.path, lambda picture: _read_again(options, picture, known, run.deadline), run.deadline)
    track.observe_roots(run, "main", SERVER, by_root(found).items(), gate, gone=gone, expected=options.expected)
    session.has_looked = True
    if texts != known:
        run.remember("texts", json.dumps(texts).encode())


_Read = tuple[dict[str, str], set[str] | None, list[Object]]
"""The texts' digests, the tables and views that are gone, None with all objects, and the objects of those whose texts changed."""


def _read_again(options: SqliteOptions, picture: Picture, known: dict[str, str] | None, deadline: float) -> _Read:
    """Read what changed since the digests that are known, everything without any."""
    if known is not None:
        found = _read_what_changed(options, picture, known, deadline)
        if found is not None:
            return found
    with opened(options, picture, deadline) as connection:
        about = Texts(connection)
        return about.digests(), None, list(objects(connection, about, None))


def _read_what_changed(options: SqliteOptions, picture: Picture, known: dict[str, str], deadline: float) -> _Read | None:
    """Read the tables whose texts changed, and all views: their columns are other tables'. None where there is no list of them."""
    listed = listing(picture)
    if listed is None:
        return None
    with opened(options, listed, deadline) as connection:
        about = Texts(connection, "listing")
    texts, views = about.digests(), about.views()
    changed = {root for root, text in texts.items() if known.get(root) != text}
    part = None if views else excerpt(picture, about.of_tables(changed))
    with opened(options, part or picture, deadline) as connection:
        return texts, known.keys() - texts.keys(), list(objects(connection, about, changed | views))


def collect_files(session: SqliteSession, run: Run) -> None:
    """Look at the database's files, without opening one, and tell what befell them. The log and its like come and go with its users."""
    path = session.options.path
    real = beside(path, "")
    watched = [Watched(real, database=True), Watched(real.parent)]
    watched += [Watched(beside(path, suffix), comes_and_goes=True) for suffix in ("-wal", "-shm", "-journal")]
    if path.is_symlink():
        watched.append(Watched(path))
    collect_paths(run, watched, database="main")


def schemas(session: SqliteSession, deadline: float) -> Iterator[tuple[str, Schema]]:
    """Yield the one database that a file is."""
    yield "main", session.read(inspect, deadline)


def _gate(picture: Picture) -> str:
    """Return the file's inode and a digest of its first page: the schema cookie, and the root of the schema's table.

    Not the counters beside it, which move with every write. A file that is copied over this one may carry the same cookie; that is
    seen if its schema's table begins otherwise, after a restart, or by the slow clock.
    """
    size = int.from_bytes(picture.read(2, 16), "big")
    page = picture.read(65536 if size == 1 else size, 0) if size else b""
    return f"{picture.inode()}:{sha256(page[40:92] + page[100:]).hexdigest()}"
