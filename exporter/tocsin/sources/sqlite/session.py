"""Reaching a SQLite database: a look at its file, and connections to still pictures of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from typing import Any, TypeVar

from tocsin.errors import DeadlineError, SetupError
from tocsin.source import Run
from tocsin.sources.sqlite.config import SqliteOptions
from tocsin.sources.sqlite.overlay import Moved, Pages, Picture, open_picture, read_picture
from tocsin.sql import Ask, Result, version_number

T = TypeVar("T")

_MOST_ROWS = 100_000
_STEPS = 2_000
"""Steps of SQLite's machine between two looks at the clock."""


class SqliteSession:
    """Holds no file open between runs: one that is replaced or deleted is seen at the next."""

    def __init__(self, options: SqliteOptions) -> None:
        self.options = options
        self.held: tuple[object, float] | None = None
        """What tells one stretch of a write lock from another, and when it was first seen (monotonic seconds)."""
        self.has_looked = False
        """Whether this session has read the schema: what a gate of before says may be of a file that was put in its place."""

    def begin(self, runs: list[Run]) -> None:
        """Look at the file; raises CollectError when it is not there or no database. That it is locked each run finds by itself."""
        if runs and all(run.collector.name == "files" for run in runs):
            return  # that it is gone is what this one tells
        with suppress(Moved):
            Picture(self.options.path).close()

    def answer(self, run: Run) -> Result:
        """Run the query of an own collector on a still picture of the database; raises CollectError."""
        assert isinstance(run.collector.collect, Ask)
        sql = run.collector.collect.query.for_version(_version())
        return self.read(lambda connection: _query(connection, sql), run.deadline)

    def read(self, look: Callable[[Any], T], deadline: float, tries: int = 200) -> T:
        """Return what `look` makes of an apsw connection to a still picture; it may be called several times. Raises CollectError."""

        def see(picture: Picture) -> T:
            with opened(self.options, picture, deadline) as connection:
                return look(connection)

        return read_picture(self.options.path, see, deadline, tries)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def opened(options: SqliteOptions, picture: Pages, deadline: float) -> Iterator[Any]:
    """Give an apsw connection to the picture, and turn its errors into ours."""
    import apsw

    try:
        with closing(open_picture(picture)) as connection:
            # Sorting that does not fit into the cache would go to a temporary file, of which our file layer has none.
            connection.execute("PRAGMA temp_store = MEMORY")
            limit(connection, picture, deadline)
            yield connection
    except apsw.InterruptError:
        picture.verify()
        raise DeadlineError(f"{options.name}: reading {options.path} took longer than the run may") from None
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise SetupError(f"{options.name}: {options.path} is damaged or encrypted: {error}") from error
    except (apsw.SQLError, apsw.ReadOnlyError) as error:
        raise SetupError(f"{options.name}: {error}") from error


def limit(connection: Any, picture: Pages, deadline: float) -> None:
    """Have statements interrupted at the deadline (monotonic seconds), and soon after the files moved under the picture."""
    looked = time.monotonic()

    def is_over() -> bool:
        nonlocal looked
        now = time.monotonic()
        if now > looked + 0.1:
            looked = now
            try:
                picture.verify()
            except Moved:
                return True
        return now > deadline

    connection.set_progress_handler(is_over, _STEPS)
    picture.is_over = is_over  # counting a table, for one, is a single step to SQLite


def _version() -> int:
    """Return the version of SQLite, which is ours: the file has none."""
    import apsw

    return version_number(apsw.sqlite_lib_version(), SqliteOptions.version_parts)


def _query(connection: Any, sql: str) -> Result:
    """Return a bounded number of rows, as text."""
    columns: list[str] = []

    def look(cursor: Any, _sql: str, _bindings: object) -> bool:
        columns[:] = [name for name, *_ in cursor.get_description()]  # known here even where no row will come
        return True

    cursor = connection.cursor()
    cursor.exec_trace = look
    rows = [tuple(_as_text(value) for value in row) for row in islice(cursor.execute(sql), _MOST_ROWS)]
    cursor.close(True)
    return Result(columns, rows)


def _as_text(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return repr(value).encode() if isinstance(value, (int, float)) else str(value).encode("utf-8", "replace")
