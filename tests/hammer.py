"""An application that never rests, for whoever must not get into its way: it counts each of its own failures."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Of any two tables pair_N_a and pair_N_b both or none exist, and both sides are always equal, in each committed state.
_SCRIPT = """
import random, select, sqlite3, sys, time
path, mode, locking, reopen = sys.argv[2:]

def connect():
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA wal_autocheckpoint = 20")
    db.execute("PRAGMA locking_mode = " + locking)
    return db

db = connect()
rounds = errors = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    rounds += 1
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE left_side SET n = n + 1")
        db.execute("INSERT INTO filler VALUES (?, ?)", (rounds, "z" * random.randint(10, 9000)))
        if rounds % 5 == 0:
            db.execute("DELETE FROM filler WHERE n < ?", (rounds - 20,))
        if rounds % 9 == 0:
            db.execute(f"CREATE TABLE pair_{rounds}_a (x)")
            db.execute(f"CREATE TABLE pair_{rounds}_b (x)")
        if rounds % 9 == 4 and rounds > 40:
            for side in "ab":
                db.execute(f"DROP TABLE IF EXISTS pair_{rounds - 31}_{side}")
        if rounds % 50 == 0:
            db.execute("CREATE INDEX IF NOT EXISTS filler_n ON filler (n)" if rounds % 100 else "DROP INDEX IF EXISTS filler_n")
        db.execute("UPDATE right_side SET n = n + 1")
        db.execute("ROLLBACK" if rounds % 13 == 0 else "COMMIT")
        if rounds % 200 == 0:
            db.execute("VACUUM")
        if rounds % 70 == 0:
            db.execute("PRAGMA wal_checkpoint(%s)" % random.choice(("PASSIVE", "FULL", "RESTART", "TRUNCATE"))).fetchall()
        if reopen == "yes" and rounds % 23 == 0:
            db.close()  # the last connection of a log applies and removes it
            db = connect()
        if mode != "wal" or locking != "NORMAL":
            time.sleep(0.001)  # else there would never be a moment in which a picture can be taken
    except Exception as error:
        errors += 1
        print(rounds, type(error).__name__, error, flush=True)
        db.close()
        db = connect()
db.close()
print("rounds", rounds, "errors", errors, flush=True)
"""

# Takes pictures as the collectors do, and checks in each what holds in every committed state.
_READER = """
import apsw, contextlib, json, sys, time
from pathlib import Path
from tocsin.errors import LockedError
from tocsin.sources.sqlite.overlay import open_picture, read_picture

class Wrong(Exception):
    pass

def look(picture, thorough):
    with contextlib.closing(open_picture(picture)) as connection:
        ((left, right),) = connection.execute("SELECT (SELECT n FROM left_side), (SELECT n FROM right_side)").fetchall()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'pair%'")}
        lonely = {name for name in tables if name[:-1] + ("b" if name[-1] == "a" else "a") not in tables}
        verdict = connection.execute("PRAGMA integrity_check").fetchall() if thorough else [("ok",)]
        if (left - right, lonely, verdict) != (0, set(), [("ok",)]):
            raise Wrong(f"{left} {right} {lonely} {verdict}")
        return left

path, count = Path(sys.argv[2]), int(sys.argv[3])
names = {path.name + suffix for suffix in ("", "-wal", "-shm", "-journal")}
found = {"read": 0, "locked": 0, "wrong": [], "moments": 0, "strangers": []}
moments = set()
for i in range(count):
    try:
        moments.add(read_picture(path, lambda picture: look(picture, i % 50 == 0), time.monotonic() + 5))
        found["read"] += 1
    except LockedError:
        found["locked"] += 1
    except Exception as error:
        found["wrong"].append(f"{type(error).__name__}: {error}")
    if i % 20 == 0:
        found["strangers"] += sorted({p.name for p in path.parent.iterdir()} - names)
found["moments"] = len(moments)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Read:
    """What a reader saw: pictures, how many of them were wrong, tries that found no still moment, states, and files of nobody's."""

    read: int
    locked: int
    wrong: list[str]
    moments: int
    strangers: list[str]


def read_beside(path: Path, count: int, *, user: int | None = None, seconds: float = 540.0) -> Read:
    """Take that many pictures in another process, as that user."""
    argv = [*_python(_READER, user), str(path), str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return Read(**json.loads(done.stdout))


# The interpreter may lie where only its owner gets to: what is needed is imported before.
_BECOME = """
import os, sys
if sys.argv[1] != "-":
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
"""


def _python(script: str, user: int | None) -> list[str]:
    """Return the command that runs a script as a user; its own arguments follow."""
    imports = "\n".join(line for line in script.splitlines() if line.startswith(("import ", "from ")))
    return [sys.executable, "-c", imports + _BECOME + script, "-" if user is None else str(user)]


MODES = ("wal", "delete", "truncate", "persist")


def prepare(path: Path, mode: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for side in ("left_side", "right_side"):
            connection.execute(f"CREATE TABLE {side} (n INTEGER)")
            connection.execute(f"INSERT INTO {side} VALUES (0)")
        connection.execute("CREATE TABLE filler (n INTEGER, body TEXT)")
        connection.commit()


@contextlib.contextmanager
def hammered(path: Path, mode: str, *, exclusive: bool = False, reopen: bool = False, user: int | None = None) -> Iterator[list[str]]:
    """Write to a fresh database from another process without a pause; afterwards the list holds what it had to say.

    `user` is whom the process runs as, who then owns the file and its folder.
    """
    prepare(path, mode)
    if user is not None:
        for owned in (path.parent, *path.parent.iterdir()):
            os.chown(owned, user, user)
    words: list[str] = []
    argv = [*_python(_SCRIPT, user), str(path), mode, "EXCLUSIVE" if exclusive else "NORMAL", "yes" if reopen else "no"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            yield words
        finally:
            child.stdin.close()
            words += child.stdout.read().splitlines()
            child.wait(20)
