"""The durable, ordered record of events, and of what each collector remembers between runs.

One SQLite file. What a run found and what it remembers are one transaction, so that `kill -9` at any
moment loses nothing and repeats nothing: either the events are there and the new snapshot with them, or
neither is, and the next run finds the same difference again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from tocsin.errors import ConfigError, JournalError
from tocsin.event import Event, EventKind, Risk
from tocsin.event_filter import EVERYTHING, Filter
from tocsin.journal_tables import APPLICATION_ID, FORMAT, TABLES, UPGRADES
from tocsin.vitals import RECENT_CHANGE_SECONDS, RECENT_CHANGES

_log = logging.getLogger("tocsin.journal")

_RISKS = list(Risk)
_CIRCUMSTANCES = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
}  # fmt: skip
"""SQLite's errors that say nothing about the file itself: no permission, no space, somebody else is at it."""

Total = tuple[str, str, str, str, str, int]
"""Kind, database, object kind, change, risk, and 1 where it bears on security."""


_LARGEST_ID = 2**63 - 1


class Span(NamedTuple):
    """What the journal holds: ids from `oldest` to `newest`. It held older ones once where `oldest` is more than 1."""

    oldest: int
    newest: int


class Journal:
    """Safe for use by several threads. `up` tells whether the last write succeeded."""

    def __init__(self, state_dir: Path, *, keep_seconds: float = 90 * 86400.0, keep_bytes: int = 256 * 2**20) -> None:
        """Open or create the journal. Raises ConfigError when the folder cannot be used or is in use.

        A damaged or foreign file is moved aside, said so in the log, and recorded as an event.
        """
        self.path = state_dir / "journal.db"
        self.keep_seconds = keep_seconds
        self.keep_bytes = keep_bytes
        self.up = True
        self.failures = 0
        self._lock = threading.RLock()
        # Apart from the lock on the file: who waits for news must not stand in the way of who writes some.
        self._news = threading.Condition()
        self._writes = 0
        self._claim(state_dir)
        try:
            self._open_or_replace()
        except (sqlite3.Error, JournalError) as error:
            os.close(self._claimed)
            raise ConfigError([f"{self.path}: the journal cannot be opened: {error}; is the disk full or read-only?"]) from error
        except BaseException:
            os.close(self._claimed)
            raise

    def _claim(self, state_dir: Path) -> None:
        try:
            state_dir.mkdir(parents=True, exist_ok=True)
            self._claimed = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigError(
                [f"state_dir {state_dir} cannot be used: {error.strerror}; create it, and let tocsin's user write there"]
            ) from error
        try:
            fcntl.flock(self._claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._claimed, 32, 0).decode().strip() or "unknown"
            os.close(self._claimed)
            raise ConfigError(
                [f"state_dir {state_dir} is in use by another tocsin (process {holder}); stop it, or choose another state_dir"]
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the lock holds without the number
            os.ftruncate(self._claimed, 0)
            os.pwrite(self._claimed, str(os.getpid()).encode(), 0)

    def _open_or_replace(self) -> None:
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES:
                raise  # moving the file would lose it for nothing
            aside = self.path.with_name(f"{self.path.name}.aside-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
            for suffix in ("", "-wal", "-shm"):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            _log.error("the journal %s cannot be used (%s): moved aside to %s, a new one begins", self.path, error, aside)
            self._open()
            self.commit("", "", [Event(kind=EventKind.JOURNAL, object_kind="journal", object=str(self.path), change="replaced",
                                       reason=str(error), detail={"moved_to": str(aside)})])  # fmt: skip

    def _open(self) -> None:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            owner = db.execute("PRAGMA application_id").fetchone()[0]
            fresh = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if owner != APPLICATION_ID and not fresh:
                raise sqlite3.DatabaseError("it belongs to another program")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > FORMAT:
                raise ConfigError([f"{self.path} was written by a newer tocsin; upgrade, or choose another state_dir"])
            damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA journal_size_limit = 4194304")
            if fresh:
                db.executescript(f"BEGIN; {TABLES}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT;")
            for old in range(version, 0 if fresh else FORMAT):
                db.executescript(f"BEGIN; {UPGRADES[old]}; PRAGMA user_version = {old + 1}; COMMIT;")
            if db.execute("SELECT EXISTS (SELECT * FROM event WHERE NOT json_valid(body))").fetchone()[0]:
                raise sqlite3.DatabaseError("an event in it is damaged")
            self._db = db
            found = self.path.stat()
            self._inode = (found.st_dev, found.st_ino)
            self._load()
        except BaseException:
            db.close()
            raise

    def _load(self) -> None:
        self._totals: dict[str, dict[Total, tuple[int, float]]] = {}
        for target, *key, count, last in self._db.execute("SELECT * FROM total"):
            self._totals.setdefault(target, {})[tuple(key)] = (count, last)
        self._recent: dict[str, list[Event]] = {}
        since = time.time() - RECENT_CHANGE_SECONDS
        rows = self._db.execute(
            "SELECT id, time, target, body FROM event WHERE kind = ? AND time > ? ORDER BY id", (EventKind.SCHEMA, since)
        )
        for row in rows:
            self._note(_event(*row))
        self._events: int = self._db.execute("SELECT count(*) FROM event").fetchone()[0]

    @contextmanager
    def _transaction(self, what: str) -> Iterator[sqlite3.Connection]:
        """Give the database within one durable transaction. Raises JournalError; nothing was written then."""
        with self._lock:
            try:
                if not self.present():
                    self._restore()
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if not isinstance(error, (sqlite3.Error, OSError)):
                    raise
                self.up = False
                self.failures += 1
                raise JournalError(
                    f"the journal {self.path} cannot {what}: {error}; free space on its disk, nothing is lost until then"
                ) from error
            self.up = True

    def commit(
        self,
        target: str,
        collector: str,
        events: Iterable[Event],
        memory: dict[str, bytes | None] | None = None,
        recalled: dict[str, bytes | None] | None = None,
    ) -> list[Event]:
        """Write events and what the collector remembers, all or nothing, and return the events with their ids.

        `recalled` is what the events were concluded from: if another run has written since, they would say
        twice what it has said. Raises JournalError then, and when the file cannot be written.
        """
        written: list[Event] = []
        now = round(time.time(), 3)
        with self._lock, self._transaction("be written") as db:
            for key, value in (recalled or {}).items():
                if self.recall(target, collector, key) != value:
                    raise JournalError(f"{target}: {collector} was overtaken by another run; the next one looks again")
            written = [self._insert(db, replace(event, target=target or event.target, time=event.time or now)) for event in events]
            for key, value in (memory or {}).items():
                if value is None:
                    db.execute("DELETE FROM memory WHERE target = ? AND collector = ? AND key = ?", (target, collector, key))
                else:
                    db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?, ?)", (target, collector, key, value))
        for event in written:
            self._count(event)
            self._note(event)
        self._events += len(written)
        if written:
            self.wake()
        return written

    def _insert(self, db: sqlite3.Connection, event: Event) -> Event:
        body = {k: v for k, v in asdict(event).items() if k not in ("id", "time", "target")}
        cursor = db.execute(
            "INSERT INTO event (time, target, kind, body) VALUES (?, ?, ?, ?)",
            (event.time, event.target, event.kind, json.dumps(body, ensure_ascii=False)),
        )
        db.execute(
            "INSERT INTO total VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1, last = excluded.last",
            (event.target, *_total(event), event.time),
        )
        return replace(event, id=cursor.lastrowid)

    def _count(self, event: Event) -> None:
        totals = self._totals.setdefault(event.target, {})
        count, _ = totals.get(_total(event), (0, 0.0))
        totals[_total(event)] = (count + 1, event.time or 0.0)

    def _note(self, event: Event) -> None:
        if event.kind is EventKind.SCHEMA:
            recent = self._recent.setdefault(event.target, [])
            recent.append(event)
            if len(recent) > RECENT_CHANGES:
                # A migration with a hundred harmless changes must not push the dropped table out of sight.
                least = min(range(len(recent)), key=lambda i: (_RISKS.index(recent[i].risk or Risk.SAFE), recent[i].time or 0.0))
                del recent[least]

    def recall(self, target: str, collector: str, key: str) -> bytes | None:
        """Return what a collector remembered, or None. Raises JournalError."""
        with self._lock:
            try:
                row = self._db.execute(
                    "SELECT value FROM memory WHERE target = ? AND collector = ? AND key = ?", (target, collector, key)
                ).fetchone()
            except sqlite3.Error as error:
                raise JournalError(f"the journal {self.path} cannot be read: {error}") from error
        return bytes(row[0]) if row else None

    def totals(self, target: str) -> dict[Total, tuple[int, float]]:
        """Return how many events of each sort a target ever had, and when the last was."""
        with self._lock:
            return dict(self._totals.get(target, {}))

    def recent_changes(self, target: str) -> list[Event]:
        """Return the target's newest schema changes of the last hour, oldest first."""
        since = time.time() - RECENT_CHANGE_SECONDS
        with self._lock:
            return [e for e in self._recent.get(target, []) if (e.time or 0) > since]

    def events(
        self,
        chosen: Filter = EVERYTHING,
        *,
        since_id: int = 0,
        before_id: int = _LARGEST_ID,
        limit: int = 100,
        newest: bool = False,
    ) -> list[Event]:
        """Return events with an id above `since_id` and below `before_id`, oldest first.

        Of more than `limit` the first are returned, with `newest` the last. Raises JournalError.
        """
        order = "DESC" if newest else "ASC"
        where, values = chosen.conditions()
        # Two steps: the index holds every field, so that of a hundred thousand events only those chosen are read in full.
        sql = f"""
            SELECT id, time, target, body FROM event WHERE id IN (
                SELECT id FROM event INDEXED BY event_by_field WHERE id > ? AND id < ? AND {where} ORDER BY id {order} LIMIT ?
            ) ORDER BY id
        """  # noqa: S608 -- made of constants
        with self._lock:
            try:
                return [_event(*row) for row in self._db.execute(sql, (since_id, before_id, *values, limit))]
            except sqlite3.Error as error:
                raise JournalError(f"the journal {self.path} cannot be read: {error}") from error

    def span(self) -> Span:
        """Return which ids there are. Raises JournalError."""
        sql = "SELECT (SELECT min(id) FROM event), (SELECT seq FROM sqlite_sequence WHERE name = 'event')"
        with self._lock:
            try:
                oldest, newest = self._db.execute(sql).fetchone()
            except sqlite3.Error as error:
                raise JournalError(f"the journal {self.path} cannot be read: {error}") from error
        return Span(oldest or (newest or 0) + 1, newest or 0)

    def wait(self, seen: int, seconds: float) -> int:
        """Wait until something was written after `seen`, no longer than `seconds`; return how often something was written so far."""
        with self._news:
            self._news.wait_for(lambda: self._writes != seen, seconds)
            return self._writes

    def wake(self) -> None:
        """End every wait at once."""
        with self._news:
            self._writes += 1
            self._news.notify_all()

    def size(self) -> int:
        """Bytes of the journal's file and its log; 0 when it is gone."""
        return sum(p.stat().st_size for p in (self.path, self.path.with_name(self.path.name + "-wal")) if p.exists())

    @property
    def count(self) -> int:
        return self._events

    def prune(self) -> int:
        """Remove events that are too old, and the oldest ones while the file is too large; return how many. Raises JournalError."""
        with self._transaction("be pruned") as db:
            removed: int = db.execute("DELETE FROM event WHERE time < ?", (time.time() - self.keep_seconds,)).rowcount
            while self._used(db) > self.keep_bytes:
                chunk = db.execute("DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT 1000)").rowcount
                removed += chunk
                if not chunk:
                    break
        with self._lock:
            self._events -= removed
        return removed

    @staticmethod
    def _used(db: sqlite3.Connection) -> int:
        sql = "SELECT (p.page_count - f.freelist_count) * s.page_size FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s"
        (used,) = db.execute(sql).fetchone()
        return int(used)

    def present(self) -> bool:
        """Tell whether the file is still where it was opened."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._inode

    def _restore(self) -> None:
        """Put the journal back where somebody deleted it: the open file still holds all of it.

        Raises sqlite3.Error or OSError; a file that somebody else put there is left alone.
        """
        if self.path.exists():
            raise sqlite3.DatabaseError("another file was put in its place while it was in use; remove that one")
        _log.error("the journal %s was deleted while in use: written again", self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.path)) as copy:
            self._db.backup(copy)
        self._db.close()
        os.close(self._claimed)
        self._claim(self.path.parent)
        self._open()

    def close(self) -> None:
        with self._lock:
            self._db.close()
            os.close(self._claimed)


def _total(event: Event) -> Total:
    return (event.kind, event.database or "", event.object_kind, event.change, event.risk or "", int(event.security))


def _event(id: int, time: float, target: str, body: str) -> Event:
    try:
        fields: dict[str, Any] = json.loads(body)
        fields["kind"] = EventKind(fields["kind"])
        fields["risk"] = Risk(fields["risk"]) if fields["risk"] else None
        return Event(id=id, time=time, target=target, **fields)
    except (ValueError, TypeError, KeyError) as error:
        raise sqlite3.DatabaseError(f"event {id} is damaged") from error
