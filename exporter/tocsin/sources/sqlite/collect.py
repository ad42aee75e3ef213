"""What is read from a SQLite file: its header as the newest commit has it, and its schema."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

from tocsin.errors import DeadlineError, SetupError
from tocsin.schema import track
from tocsin.schema.model import Schema
from tocsin.source import Run
from tocsin.sources.sqlite import metrics as m
from tocsin.sources.sqlite.config import SqliteOptions
from tocsin.sources.sqlite.inspect import inspect
from tocsin.sources.sqlite.overlay import Picture, open_picture, read_picture
from tocsin.sql import Ask, Result

_MOST_ROWS = 100_000


class SqliteSession:
    """Holds nothing open between runs: a file that is replaced or deleted is seen at the next one."""

    def __init__(self, options: SqliteOptions) -> None:
        self.options = options

    def begin(self, runs: list[Run]) -> None:
        """Look at the file once; raises CollectError when it cannot be read as a database."""
        read_picture(self.options.path, lambda _picture: None, max(run.deadline for run in runs))

    def answer(self, run: Run) -> Result:
        """Run the query of an own collector on a still picture of the database; raises CollectError."""
        assert isinstance(run.collector.collect, Ask)
        sql = run.collector.collect.query.for_version(3)
        return read_picture(self.options.path, lambda picture: _query(self.options, picture, sql, run.deadline), run.deadline)

    def close(self) -> None:
        """Nothing is open."""


def collect_database(session: SqliteSession, run: Run) -> None:
    """Emit what the header says, and the sizes of the files."""
    header, main_size, wal_size, mode = read_picture(
        session.options.path,
        lambda p: (p.read(100, 0), p.main_size(), p.wal_size, "wal" if p.wal_mode else "rollback"),
        run.deadline,
    )
    run.emit(m.SIZE, main_size)
    run.emit(m.WAL_SIZE, wal_size)
    run.emit(m.JOURNAL_MODE, 1, (mode,))
    if len(header) < 100:
        return  # an empty file is an empty database without a header
    # Offsets: section 1.3 of SQLite's file format. The page count is valid only if two counters agree.
    page_size, change, pages = struct.unpack(">16xH6xII", header[:32])
    free, cookie = struct.unpack(">II", header[36:44])
    user_version, application_id, valid_for = struct.unpack(">i4xi20xI", header[60:96])
    run.emit(m.PAGE_SIZE, 65536 if page_size == 1 else page_size)
    if change == valid_for:
        run.emit(m.PAGES, pages)
    run.emit(m.FREELIST, free)
    run.emit(m.SCHEMA_VERSION, cookie)
    run.emit(m.USER_VERSION, user_version)
    run.emit(m.APPLICATION_ID, application_id)


def collect_schema(session: SqliteSession, run: Run) -> None:
    """Check for schema changes: the schema cookie and the file's identity first, a full inspection only behind them."""
    path = session.options.path
    gate = read_picture(path, _gate, run.deadline)
    if not track.gate_is_closed(run, "main", gate, session.options.full_inspection_every):
        schema = read_picture(path, lambda picture: _inspect(session.options, picture, run.deadline), run.deadline)
        track.observe(run, "main", schema, gate)


def _gate(picture: Picture) -> str:
    """Return the schema cookie with the file's inode: a file put in its place may carry the same cookie."""
    return f"{picture.inode()}:{picture.read(4, 40).hex()}"


def _inspect(options: SqliteOptions, picture: Picture, deadline: float) -> Schema:
    with _opened(options, picture, deadline) as connection:
        return inspect(connection)


def _query(options: SqliteOptions, picture: Picture, sql: str, deadline: float) -> Result:
    """Return a bounded number of rows, as text."""
    columns: list[str] = []

    def look(cursor: Any, _sql: str, _bindings: object) -> bool:
        columns[:] = [name for name, *_ in cursor.get_description()]  # known here even where no row will come
        return True

    with _opened(options, picture, deadline) as connection:
        cursor = connection.cursor()
        cursor.exec_trace = look
        rows = [tuple(_as_text(value) for value in row) for row in islice(cursor.execute(sql), _MOST_ROWS)]
        cursor.close(True)
        return Result(columns, rows)


@contextmanager
def _opened(options: SqliteOptions, picture: Picture, deadline: float) -> Iterator[Any]:
    """Give an apsw connection to the picture, and turn its errors into ours."""
    import apsw

    try:
        with closing(open_picture(picture)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            yield connection
    except apsw.InterruptError:
        raise DeadlineError(f"{options.name}: reading {options.path} took longer than the run may") from None
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise SetupError(f"{options.name}: {options.path} is damaged or encrypted: {error}") from error
    except (apsw.SQLError, apsw.ReadOnlyError) as error:
        raise SetupError(f"{options.name}: {error}") from error


def _as_text(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return repr(value).encode() if isinstance(value, (int, float)) else str(value).encode("utf-8", "replace")
