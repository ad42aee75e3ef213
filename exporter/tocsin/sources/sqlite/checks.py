"""What reads the whole database, seldom and within bounds: rows of each table, quick_check, foreign keys.

All of it on still pictures, so that nobody has to wait. A file that never stands still long enough goes unchecked,
and the series say so; a copy of it, such as its backup, can be checked instead.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from heapq import nlargest
from itertools import islice
from typing import Any

from tocsin.errors import DeadlineError, LockedError
from tocsin.source import Run
from tocsin.sources.sqlite import metrics as m
from tocsin.sources.sqlite.overlay import NEVER_STILL, Moved, Picture, read_picture
from tocsin.sources.sqlite.session import SqliteSession, limit, opened

_ROWS_SECONDS, _TABLE_SECONDS = 5.0, 1.0
_MOST_TABLES, _SHOWN_TABLES = 1000, 100
_TRIES = 5
_MOST_ERRORS, _MOST_VIOLATIONS = 100, 10_000

# Shadow tables belong to the virtual table that made them; sqlite_* tables to SQLite.
_TABLES = """
    SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""


def collect_rows(session: SqliteSession, run: Run) -> None:
    """Emit the exact number of rows of as many tables as the time allows; an estimate would be as old as the last ANALYZE."""
    counting = _Counting(session, min(run.deadline, time.monotonic() + _ROWS_SECONDS))
    while counting.goes_on():
        try:
            counting.go_on()
        except Moved:
            time.sleep(0.001)
    if counting.left is None:
        raise LockedError(f"{session.options.path} {NEVER_STILL}")
    run.emit(m.TABLES, counting.total)
    run.emit(m.TABLES_COUNTED, len(counting.rows))
    shown = nlargest(_SHOWN_TABLES, counting.rows.items(), key=lambda item: item[1])
    for table, rows in shown:
        run.emit(m.TABLE_ROWS, rows, (table,))
    run.dropped += len(counting.rows) - len(shown)


class _Counting:
    """Tables still to be counted, and the rows of those that were; it survives the pictures that it is done on."""

    def __init__(self, session: SqliteSession, deadline: float) -> None:
        self.rows: dict[str, int] = {}
        self.left: deque[str] | None = None
        self.total = 0
        self._session = session
        self._deadline = deadline
        self._tries = 0

    def goes_on(self) -> bool:
        return time.monotonic() < self._deadline and (self.left is None or bool(self.left))

    def go_on(self) -> None:
        """Count on one picture. Raises Moved when the files moved under it; the table that was being counted gets a few tries."""
        with closing(Picture(self._session.options.path)) as picture:
            try:
                with opened(self._session.options, picture, self._deadline) as connection:
                    if self.left is None:
                        names = [name for (name,) in connection.execute(_TABLES)]
                        picture.verify()
                        self.left, self.total = deque(names[:_MOST_TABLES]), len(names)
                    while self.left and time.monotonic() < self._deadline:
                        self._count(connection, picture, self.left[0])
                        self.left.popleft()
                        self._tries = 0
            except DeadlineError:
                return
            finally:
                self._note_move(picture)

    def _count(self, connection: Any, picture: Picture, table: str) -> None:
        import apsw

        limit(connection, picture, min(self._deadline, time.monotonic() + _TABLE_SECONDS))
        quoted = table.replace('"', '""')
        try:
            ((rows,),) = connection.execute(f'SELECT count(*) FROM main."{quoted}"').fetchall()  # noqa: S608 -- an identifier, quoted
        except (apsw.InterruptError, apsw.SQLError):
            picture.verify()
            return  # too large for its share of the time, or dropped since the first picture
        picture.verify()
        self.rows[table] = rows

    def _note_move(self, picture: Picture) -> None:
        """Raise Moved when the files moved, whatever else went wrong because of it; give up a table that moves each time."""
        try:
            picture.verify()
        except Moved:
            self._tries += 1
            if self.left and self._tries >= _TRIES:
                self.left.popleft()
                self._tries = 0
            raise


def collect_quick_check(session: SqliteSession, run: Run) -> None:
    """Emit the verdict of PRAGMA quick_check, done again when it is a day old, or bad."""
    errors = _checked(session, run, _quick_check)
    if errors is not None:
        run.emit(m.QUICK_CHECK_OK, int(errors == 0))
        run.emit(m.QUICK_CHECK_ERRORS, errors)


def collect_foreign_keys(session: SqliteSession, run: Run) -> None:
    """Emit how many rows refer to no row, counted again when that is a day old, or not 0."""
    run.emit(m.FOREIGN_KEY_VIOLATIONS, _checked(session, run, _foreign_key_check))


def _quick_check(connection: Any) -> int:
    import apsw

    try:
        lines = connection.execute(f"PRAGMA quick_check({_MOST_ERRORS})").fetchall()
    except (apsw.CorruptError, apsw.NotADBError):
        return 1  # it cannot even be begun
    return 0 if lines == [("ok",)] else len(lines)


def _foreign_key_check(connection: Any) -> int:
    return sum(1 for _ in islice(connection.execute("PRAGMA foreign_key_check"), _MOST_VIOLATIONS))


def _checked(session: SqliteSession, run: Run, check: Callable[[Any], int]) -> int | None:
    """Return how many things the last completed check found wrong, this one's or an earlier one's; None before the first."""
    kept = run.recall("verdict")
    verdict: dict[str, Any] | None = json.loads(kept) if kept else None
    inode, size = read_picture(session.options.path, lambda picture: (picture.inode(), picture.size()), run.deadline)
    if verdict is not None and verdict["inode"] != inode:
        verdict = None  # of a file that has been replaced
    if verdict is None or verdict["found"] or not 0 <= time.time() - verdict["time"] < session.options.check_every:
        found = "size" if size > session.options.check_up_to else _result(session, run, check)
        if isinstance(found, str):
            run.emit(m.CHECK_UNDONE, 1, (run.collector.name, found))
        else:
            verdict = {"time": time.time(), "inode": inode, "found": found}
            run.remember("verdict", json.dumps(verdict).encode())
    if verdict is None:
        return None
    run.emit(m.LAST_CHECK, verdict["time"], (run.collector.name,))
    return int(verdict["found"])


def _result(session: SqliteSession, run: Run, check: Callable[[Any], int]) -> int | str:
    """Return what a check on a still picture found, or why it could not be done."""
    import apsw

    def look(connection: Any) -> int | str:
        try:
            return check(connection)
        except apsw.SQLError:
            return "functions"  # of the application's own, which checks and indexes of its tables use

    try:
        # A little before the end: that it could not be done is a result, too.
        return session.read(look, run.deadline - 2, _TRIES)
    except LockedError:
        return "busy"
    except DeadlineError:
        return "time"
