"""`kill -9` at random moments, dozens of times, while a real database changes: nothing is lost and nothing is told twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from servers import until
from tocsin.event import EventKind
from tocsin.journal import Journal

KILLS = 60
TABLES = 8
OLD_COLUMNS = 60
# The exporter as `tocsin serve` runs it, without the command line's own start-up time.
SERVE = """
import signal, sys
from pathlib import Path
from tocsin import config, service
path = Path(sys.argv[1])
with service.Service(config.load(path), path):
    print("ready", flush=True)
    signal.pause()
"""


class Changes:
    """Changes the database's schema without a pause, each change for good, and keeps what was done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: Counter[tuple[str, str]] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            for t in range(TABLES):
                # The types differ from those of new columns, so that nothing looks like a column with a new name.
                db.execute(f"CREATE TABLE t{t} (id INTEGER, {', '.join(f'old{i} BLOB' for i in range(OLD_COLUMNS))})")

    def _work(self) -> None:
        added = dropped = 0
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None, timeout=30)) as db:
            while not self._stop.is_set():
                if random.random() < 0.3 and dropped < TABLES * OLD_COLUMNS:
                    table, column = f"t{dropped % TABLES}", f"old{dropped // TABLES}"
                    db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
                    self.done["dropped", f"{table}.{column}"] += 1
                    dropped += 1
                else:
                    table, column = f"t{added % TABLES}", f"new{added // TABLES}"
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER")
                    self.done["added", f"{table}.{column}"] += 1
                    added += 1
                time.sleep(random.uniform(0.005, 0.05))

    def __enter__(self) -> Changes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)


@contextlib.contextmanager
def exporter(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SERVE, str(config)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"


def kept(state: Path) -> tuple[list[int], Counter[tuple[str, str]]]:
    """Return the ids and the changes of the journal's events, as another process may read them at any time."""
    with contextlib.closing(sqlite3.connect(f"file:{state}/journal.db?mode=ro", uri=True, timeout=30)) as db:
        rows = db.execute(
            "SELECT id, kind, json_extract(body, '$.change'), json_extract(body, '$.object') FROM event ORDER BY id"
        ).fetchall()
    assert {kind for _, kind, _, _ in rows} <= {"schema"}, "the journal was never damaged"
    return [id for id, *_ in rows], Counter((change, name) for _, _, change, name in rows)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tocsin.yaml"
    path.write_text(f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {tmp_path}/state
targets: [{{name: app, kind: sqlite, path: app.db, every: {{schema: 50ms}}}}]
""")
    return path


def test_killed_again_and_again_every_change_is_told_exactly_once(config: Path, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    random.seed(seed)
    state = tmp_path / "state"
    changes = Changes(tmp_path / "app.db")
    with exporter(config) as process:  # the first look is the baseline
        wait_until_ready(process)
        until(lambda: _baseline(state))
    seen: list[int] = []
    with changes:
        for _ in range(KILLS):
            with exporter(config) as process:
                began = time.monotonic()
                if random.random() < 0.8:
                    wait_until_ready(process)
                # A machine that takes long to start it takes long to find changes too.
                time.sleep(random.uniform(0, max(0.5, time.monotonic() - began)))
                os.kill(process.pid, signal.SIGKILL)
                assert process.wait(10) == -signal.SIGKILL
            seen.append(len(kept(state)[0]))
    assert sum(after > before for before, after in pairwise(seen)) > KILLS / 4, "events were written between the kills"
    with exporter(config) as process:
        wait_until_ready(process)
        until(lambda: sum(kept(state)[1].values()) >= sum(changes.done.values()))
        time.sleep(0.3)
    ids, told = kept(state)
    print(f"{KILLS} kills, {sum(changes.done.values())} changes, {len(ids)} events")
    assert told == changes.done
    assert set(told.values()) == {1}
    assert all(before < after for before, after in pairwise(ids))
    journal = Journal(state)
    with contextlib.closing(journal):
        assert sum(count for count, _ in journal.totals("app").values()) == len(ids)
        assert {e.kind for e in journal.events()} == {EventKind.SCHEMA}


def _baseline(state: Path) -> bool:
    with contextlib.closing(sqlite3.connect(f"file:{state}/journal.db?mode=ro", uri=True, timeout=30)) as db:
        return bool(db.execute("SELECT count(*) FROM memory WHERE collector = 'sqlite.schema'").fetchone()[0])


def test_changes_made_while_it_was_down_are_told_once_at_the_next_start_and_not_again(config: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
        with exporter(config) as process:
            wait_until_ready(process)
            until(lambda: _baseline(state))
        db.execute("ALTER TABLE orders DROP COLUMN email")
        db.execute("CREATE TABLE invoices (id INTEGER)")
        for _ in range(3):
            with exporter(config) as process:
                wait_until_ready(process)
                until(lambda: kept(state)[0])
                time.sleep(0.3)
    assert kept(state)[1] == {("dropped", "orders.email"): 1, ("added", "invoices"): 1}
