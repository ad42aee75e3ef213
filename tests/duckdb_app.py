"""Applications that use a DuckDB file, in processes of their own, and a reader that reads it as the exporter's child does."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.sources.duckdb.config import DuckdbOptions

MEGABYTE = 2**20


def duckdb_options(path: Path, **more: object) -> DuckdbOptions:
    return DuckdbOptions(name="lake", kind="duckdb", path=path, **more)  # type: ignore[arg-type]


SHELL = """
import json, sys
import duckdb
connection = None
for line in sys.stdin:
    todo, sql = json.loads(line)
    try:
        if todo == "open":
            connection = duckdb.connect(sql, read_only=False)
        elif todo == "open read-only":
            connection = duckdb.connect(sql, read_only=True)
        elif todo == "close":
            connection.close()
        answer = [None, [[str(cell) for cell in row] for row in connection.execute(sql).fetchall()] if todo == "sql" else []]
    except duckdb.Error as error:
        answer = [str(error), []]
    print(json.dumps(answer), flush=True)
"""


class App:
    """An application that has a database open; a context manager. A crash is `app.process.kill()`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only

    def __enter__(self) -> App:
        self.process = subprocess.Popen([sys.executable, "-c", SHELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _say(self, todo: str, sql: str) -> list[list[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([todo, sql]) + "\n")
        self.process.stdin.flush()
        error, rows = json.loads(self.process.stdout.readline())
        if error:
            raise RuntimeError(error)
        found: list[list[str]] = rows
        return found

    def execute(self, *statements: str) -> list[list[str]]:
        """Execute statements and return the last one's rows as text."""
        rows: list[list[str]] = []
        for statement in statements:
            rows = self._say("sql", statement)
        return rows

    def open(self) -> None:
        self._say("open read-only" if self.read_only else "open", str(self.path))

    def close(self) -> None:
        self._say("close", "")

    def reopen(self) -> None:
        """Close the database, which checkpoints it, and open it again."""
        self.close()
        self.open()


# Each transaction keeps four promises, so that a reader can tell a wrong picture: two counters are equal, tables come
# in pairs, `filler` has as many rows as `kept` says, and their sum is as `kept` says.
HAMMER = """
import random, select, sys, time
import duckdb
path, pause = sys.argv[1], float(sys.argv[2])
chance = random.Random(7)
rounds = errors = reopened = checkpoints = 0
db = duckdb.connect(path)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    rounds += 1
    try:
        db.execute("BEGIN")
        db.execute("UPDATE left_side SET n = n + 1")
        rows = chance.choice((1, 50, 3000))
        db.execute(f"INSERT INTO filler SELECT i, repeat('z', 40) FROM range({rows}) AS r (i)")
        if rounds % 5 == 0:
            db.execute("DELETE FROM filler WHERE n > 1000")
        if rounds % 40 == 0:
            db.execute("DELETE FROM filler")
        if rounds % 3 == 0:
            db.execute(f"CREATE TABLE pair_{rounds}_a (x INTEGER PRIMARY KEY)")
            db.execute(f"CREATE TABLE pair_{rounds}_b (x INTEGER DEFAULT 7)")
        if rounds % 3 == 1 and rounds > 30:
            for side in "ab":
                db.execute(f"DROP TABLE IF EXISTS pair_{rounds - 25}_{side}")
        if rounds % 11 == 0:
            db.execute("CREATE OR REPLACE VIEW seen AS SELECT count(*) AS c FROM filler")
        if rounds % 17 == 0:
            db.execute("CREATE INDEX IF NOT EXISTS filler_n ON filler (n)" if rounds % 2 else "DROP INDEX IF EXISTS filler_n")
        db.execute("UPDATE kept SET c = (SELECT count(*) FROM filler), s = (SELECT coalesce(sum(n), 0) FROM filler)")
        db.execute("UPDATE right_side SET n = n + 1")
        db.execute("ROLLBACK" if rounds % 13 == 0 else "COMMIT")
        if rounds % 4 == 0:
            db.execute("CHECKPOINT")
            checkpoints += 1
        if rounds % 15 == 0:
            db.close()
            db = duckdb.connect(path)
            reopened += 1
        time.sleep(pause)
    except duckdb.Error as error:
        errors += 1
        print(rounds, type(error).__name__, error, flush=True)
        try:
            db.execute("ROLLBACK")
        except duckdb.Error:
            db = duckdb.connect(path)
db.close()
print("rounds", rounds, "checkpoints", checkpoints, "reopened", reopened, "errors", errors, flush=True)
"""


@contextlib.contextmanager
def hammered(path: Path, pause: float = 0.01) -> Iterator[list[str]]:
    """Let an application write without rest, but for so many seconds; afterwards the list holds what it had to say."""
    with App(path) as app:
        for side in ("left_side", "right_side"):
            app.execute(f"CREATE TABLE {side} (n INTEGER)", f"INSERT INTO {side} VALUES (0)")
        app.execute("CREATE TABLE filler (n INTEGER, body TEXT)")
        app.execute("CREATE TABLE kept (c BIGINT, s BIGINT)", "INSERT INTO kept VALUES (0, 0)")
    words: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HAMMER, str(path), str(pause)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            yield words
        finally:
            child.stdin.close()
            words += child.stdout.read().splitlines()
            child.wait(60)


PROMISES = """
    SELECT
        (SELECT n FROM left_side) AS l, (SELECT n FROM right_side) AS r,
        (SELECT count(*) FROM filler) AS c, (SELECT c FROM kept) AS kc,
        (SELECT coalesce(sum(n), 0) FROM filler) AS s, (SELECT s FROM kept) AS ks,
        (SELECT string_agg(table_name, ' ') FROM duckdb_tables() WHERE NOT temporary) AS tables
"""

READER = """
import collections, json, sys, time
from tocsin.errors import CollectError
from tocsin.sources.duckdb.parcel import unpacked
from tocsin.sources.duckdb import child
request, reads, seconds = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
told = collections.Counter()
moments, wrong, began = set(), [], time.monotonic()
for i in range(reads):
    if time.monotonic() - began > seconds:
        break
    told["reads"] += 1
    request["look"] = i % 10 == 0
    try:
        answer, schema = child.answered(request)
    except CollectError as error:
        told[error.reason] += 1
        if error.reason != "locked":
            wrong.append(str(error))
        continue
    (result,) = answer["results"]
    if "error" in result:
        wrong.append(str(result))
        continue
    ((l, r, c, kc, s, ks, tables),) = result["rows"]
    names = set(tables.split())
    if schema and {o.name.removeprefix("main.") for _, objects in unpacked(schema) for o in objects if o.kind == "table"} != names:
        wrong.append(["schema", sorted(names)])
    pairs = {n for n in names if n.startswith("pair_")}
    lonely = {n for n in pairs if n[:-1] + ("b" if n[-1] == "a" else "a") not in names}
    if (l, c, s) != (r, kc, ks) or lonely or not {"left_side", "right_side", "filler", "kept"} <= names:
        wrong.append([l, r, c, kc, s, ks, sorted(lonely)])
    moments.add(int(l))
    told["copied"] += answer["copied"]
print(json.dumps({"told": told, "moments": len(moments), "wrong": wrong[:5], "seconds": time.monotonic() - began}))
"""


def request_of(path: Path, **more: Any) -> dict[str, Any]:
    """Return what the exporter would ask of a child."""
    return {
        "path": str(path), "database": path.name.split(".")[0], "memory": 512 * MEGABYTE, "copy_limit": 64 * MEGABYTE,
        "tables": 50, "seconds": 30.0, "look": True, "queries": [],
    } | more  # fmt: skip


def read_beside(path: Path, reads: int, seconds: float, **more: Any) -> tuple[Counter[str], dict[str, Any]]:
    """Read so many times, each from opening to closing, in a process of its own; return counts and the rest of what it saw."""
    request = request_of(path, queries=[{"sql": PROMISES, "rows": 2}], **more)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", READER, json.dumps(request), str(reads), str(seconds)],
        stdout=subprocess.PIPE, text=True, timeout=seconds + 60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return Counter(found.pop("told")), found
