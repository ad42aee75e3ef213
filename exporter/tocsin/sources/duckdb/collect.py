"""What is read from a DuckDB file: cheap facts from its headers when scraped, and on a clock what the library knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tocsin.filewatch import Watched, collect_paths
from tocsin.metric import Metric
from tocsin.schema import track
from tocsin.schema.model import Object, Schema
from tocsin.schema.snapshot import Snapshot
from tocsin.source import Run
from tocsin.sources.duckdb import metrics as m
from tocsin.sources.duckdb.config import DuckdbOptions, files_of
from tocsin.sources.duckdb.inspect import without_start
from tocsin.sources.duckdb.picture import Header, Lock, Picture, read_picture
from tocsin.sources.duckdb.session import DuckdbSession, Look, database_name

_MOST_TEMP_FILES = 10_000


def collect_database(session: DuckdbSession, run: Run) -> None:
    """Emit what headers, file system and kernel say. Needs no library and takes a fraction of a millisecond."""
    options = session.options
    header, lock, size, wal_size = read_picture(options.path, _read_facts, run.deadline)
    run.emit(m.SIZE, size)
    run.emit(m.WAL_SIZE, wal_size)
    run.emit(m.STORAGE_VERSION, header.storage_version)
    run.emit(m.FILE_INFO, 1, (header.library, "yes" if header.encrypted else "no"))
    if not header.encrypted:  # the database's own headers are encrypted too
        run.emit(m.CHECKPOINTS, header.iteration)
        run.emit(m.BLOCK_SIZE, header.block_size)
    _emit_state(run, session, header, lock)
    _emit_temporary_files(run, options)


def _read_facts(picture: Picture) -> tuple[Header, Lock | None, int, int]:
    return picture.header, picture.lock(), picture.sizes[""], picture.wal_size


def _emit_state(run: Run, session: DuckdbSession, header: Header, lock: Lock | None) -> None:
    unreadable = "encrypted" if header.encrypted else session.refusal(header.storage_version)
    state = unreadable or (lock.state if lock else None)
    if state is not None:
        for one in m.STATES:
            run.emit(m.STATE, int(one == state), (one,))
    if lock is None:
        return  # a file system that knows no locks
    run.emit(m.WRITE_LOCKED, int(lock.state == "write_locked"))
    if lock.pid:
        run.emit(m.HOLDER_PID, lock.pid)
        for metric, value in _process(lock.pid):
            run.emit(metric, value)


def _process(pid: int) -> Iterator[tuple[Metric, float]]:
    """Yield what everybody may know about a process; nothing if it is gone, or hidden from us."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")).split()[1]
    except (OSError, IndexError, StopIteration):
        return
    yield m.HOLDER_MEMORY, pages * os.sysconf("SC_PAGE_SIZE")
    yield m.HOLDER_START, int(booted) + int(started) / os.sysconf("SC_CLK_TCK")


def _emit_temporary_files(run: Run, options: DuckdbOptions) -> None:
    """Count what lies in the application's temporary directory; one that is not there holds nothing."""
    count = size = 0
    try:
        with os.scandir(options.temporary_files) as entries:
            for entry in entries:
                count += 1
                size += _size_of(entry)
                if count == _MOST_TEMP_FILES:
                    break
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        return  # it is there, and not ours to see
    run.emit(m.TEMP_FILES, count)
    run.emit(m.TEMP_SIZE, size)


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # deleted meanwhile
        return 0


def collect_storage(session: DuckdbSession, run: Run) -> None:
    """Emit what the library finds in the catalog about space and rows."""
    look = session.look(_gate(session.options, run.deadline), run.deadline)
    facts = look.facts
    run.emit(m.BLOCKS, facts["blocks"])
    run.emit(m.FREE_BLOCKS, facts["free"])
    run.emit(m.COMPATIBILITY, 1, (facts["compatible"], look.library))
    for schema, table, rows in facts["tables"]:
        run.emit(m.TABLE_ROWS, rows, (schema, table))
    run.emit(m.OTHER_TABLES, facts["other_tables"])
    run.emit(m.OTHER_ROWS, facts["other_rows"])
    for kind, count in facts["objects"].items():
        run.emit(m.OBJECTS, count, (kind,))
    run.emit(m.READ_SECONDS, look.cpu)
    run.emit(m.COPIED, int(look.copied))


def collect_schema(session: DuckdbSession, run: Run) -> None:
    """Check for schema changes: headers and log first, the library only when a checkpoint or a commit may have brought one.

    So that an application that checkpoints all the time does not cost us a child each time, the library is not asked again while the
    last look is fresh: until then that one is compared.
    """
    options = session.options
    name = database_name(options.path)
    fresh = session.fresh_look()
    gate = fresh.schema_gate if fresh else session.schema_gate(run.deadline)
    if not session.has_looked() or not track.gate_is_closed(run, name, gate, options.full_inspection_every, options.expected):
        look = session.look(gate, run.deadline)
        track.observe_roots(run, name, look.server, _with_known_starts(run, name, look), look.schema_gate, expected=options.expected)


def _with_known_starts(run: Run, database: str, look: Look) -> Iterator[tuple[str, list[Object]]]:
    """Yield the roots; a sequence in use is described as it was before that, for where it started is told no more."""
    snapshot, in_use = Snapshot(run, database), set(look.facts["sequences_in_use"])
    for root, objects in look.roots():
        known = {o.name: o for o in snapshot.part(root) if o.kind == "sequence"} if root in in_use else {}
        yield root, [known[o.name] if o.name in known and _differ_in_start(known[o.name], o) else o for o in objects]


def _differ_in_start(old: Object, new: Object) -> bool:
    return new.kind == "sequence" and without_start(old.trait("definition")) == new.trait("definition")


def collect_files(session: DuckdbSession, run: Run) -> None:
    """Look at the database's files, without opening one, and tell what befell them. Its logs come and go with its users."""
    path = session.options.path
    link, real, *logs = files_of(session.options)
    watched = [Watched(real, database=True), Watched(real.parent), *(Watched(log, comes_and_goes=True) for log in logs)]
    if path.is_symlink():
        watched.append(Watched(link))
    collect_paths(run, watched, database=database_name(path))


def read_schemas(session: DuckdbSession, deadline: float) -> Iterator[tuple[str, Schema]]:
    """Yield the database's name and its schema."""
    options = session.options
    yield database_name(options.path), session.look(_gate(options, deadline), deadline).schema()


def _gate(options: DuckdbOptions, deadline: float) -> str:
    return read_picture(options.path, Picture.gate, deadline)
