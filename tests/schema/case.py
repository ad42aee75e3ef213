"""Running a schema-change case against its real engine, once a session however many tests ask for it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from duckdb_app import App, request_of
from mariadb import MysqlServer, mysql_options
from servers import Postgres
from tocsin.schema.diff import diff
from tocsin.schema.difference import Difference
from tocsin.schema.model import Object, Schema
from tocsin.sources.duckdb.child import answered
from tocsin.sources.duckdb.parcel import unpacked
from tocsin.sources.mysql.inspect import inspect as inspect_mysql
from tocsin.sources.mysql.session import Connection as MysqlConnection
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.gate import GATE, Listing
from tocsin.sources.postgres.inspect import Memory, read, read_again
from tocsin.sources.postgres.inspect import look as look_again
from tocsin.sources.sqlite.inspect import inspect as inspect_sqlite
from tocsin.sources.sqlite.overlay import open_picture, read_picture
from watching import postgres_options

CASES = sorted((Path(__file__).parent / "cases").glob("*/*.sql"))


@dataclass(frozen=True)
class Case:
    """One file: how the schema was, what was done to it, and the changes that must be told."""

    path: Path
    before: list[str]
    after: list[str]
    expect: list[str]

    @classmethod
    def load(cls, path: Path) -> Case:
        parts: dict[str, list[str]] = {}
        name = "title"
        for line in path.read_text("utf-8").splitlines():
            if line in ("-- before", "-- after", "-- expect"):
                name = line.removeprefix("-- ")
                assert name not in parts, f"{path.name}: {line} twice"
            else:
                parts.setdefault(name, []).append(line)
        expected = sorted(line for line in parts.get("expect", []) if line)
        return cls(path, statements(parts["before"]), statements(parts["after"]), expected)


def statements(lines: list[str]) -> list[str]:
    """Split lines into statements: each ends with a semicolon at the end of a line."""
    found, current = [], []
    for line in lines:
        current.append(line)
        if line.endswith(";"):
            found.append("\n".join(current))
            current = []
    assert not any(line.strip() for line in current), f"a statement without its semicolon: {current}"
    return found


def must_fail(statement: str) -> bool:
    return statement.startswith("-- must fail\n")


@dataclass(frozen=True)
class Outcome:
    """What a case led to."""

    case: Case
    old: Schema
    new: Schema
    differences: list[Difference]
    gate_moved: bool


Inspect = Callable[[], tuple[Schema, str]]


def run(case: Case, execute: Callable[[list[str]], None], look: Inspect) -> Outcome:
    execute(case.before)
    old, gate = look()
    execute(case.after)
    new, now = look()
    limit = time.monotonic() + 5
    while case.expect and gate == now and time.monotonic() < limit:
        time.sleep(0.05)
        _, now = look()
    return Outcome(case, old, new, diff(old, new), gate != now)


class Follower:
    """Keeps up with a database by reading again only what moved since the last time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.seen: bytes | None = None
        self.listing = Listing()
        self.groups: dict[str, list[Object]] = {}
        self.read = 0

    def follow(self, deadline: float) -> str:
        """Catch up and return the fingerprint of what is known now; `read` says how many roots that took."""
        found = look_again(self.connection, self.seen, deadline)
        memory = Memory(lambda: Listing.load(self.listing.dump()), lambda root: self.groups.get(root, []))
        reading = read_again(self.connection, found, memory, deadline)
        fresh = dict(reading.roots)
        self.read = len(fresh)
        if reading.gone is None:
            self.groups = fresh
        else:
            assert reading.gone.isdisjoint(fresh)
            self.groups = {root: group for root, group in self.groups.items() if root not in reading.gone} | fresh
        self.seen = found.now.dump()
        self.listing = reading.listing or self.listing
        return Schema("", tuple(o for group in self.groups.values() for o in group)).fingerprint()


@contextlib.contextmanager
def postgres_database(server: Postgres) -> Iterator[tuple[Callable[[list[str]], None], Inspect]]:
    """Give a way to execute statements in a database of its own, and a way to inspect it."""
    name = f"case_{uuid.uuid4().hex[:10]}"
    for role in ("case_alice", "case_bob"):
        server.execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    connection = Connection(postgres_options(server.dsn()), name, time.monotonic() + 10)

    def execute(todo: list[str]) -> None:
        with psycopg.connect(server.dsn(name), autocommit=True) as session:
            for statement in todo:
                if must_fail(statement):
                    with pytest.raises(psycopg.Error):
                        session.execute(statement)
                else:
                    session.execute(statement)
            if session.info.server_version >= 150000:
                session.execute("SELECT pg_stat_force_next_flush()")  # else the counters come a little later

    follower = Follower(connection)

    def look() -> tuple[Schema, str]:
        deadline = time.monotonic() + 10
        ((gate,),) = connection.query(GATE, deadline).rows
        schema = read(connection, deadline)
        assert follower.follow(deadline) == schema.fingerprint(), "what moved was not all that changed"
        return schema, (gate or b"").decode()

    try:
        yield execute, look
    finally:
        connection.close()
        server.execute(f"DELETE FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = '{name}')")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        # One that lies in the cluster's own folder would keep a later copy of this server from starting.
        for (space,) in server.execute("SELECT spcname FROM pg_tablespace WHERE spcname LIKE 'case%'"):
            server.execute(f"DROP TABLESPACE {space}")


@contextlib.contextmanager
def mysql_database(server: MysqlServer) -> Iterator[tuple[Callable[[list[str]], None], Inspect]]:
    name = f"case_{uuid.uuid4().hex[:10]}"
    server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    connection = MysqlConnection(mysql_options(f"mysql://root@/?socket={server.socket}"), time.monotonic() + 10)

    def execute(todo: list[str]) -> None:
        with server.session(database=name) as cursor:
            for statement in todo:
                if must_fail(statement):
                    with pytest.raises(pymysql.Error):
                        cursor.execute(statement)
                else:
                    cursor.execute(statement)
                    cursor.fetchall()

    def look() -> tuple[Schema, str]:
        found, gate = inspect_mysql(connection, name, time.monotonic() + 30)
        return found.schema, gate

    try:
        yield execute, look
    finally:
        connection.close()
        server.execute(f"DROP DATABASE {name}")


@contextlib.contextmanager
def sqlite_database(path: Path) -> Iterator[tuple[Callable[[list[str]], None], Inspect]]:
    def execute(todo: list[str]) -> None:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as session:
            for statement in todo:
                session.execute(statement).fetchall()

    def see(picture: Any) -> tuple[Schema, str]:
        with contextlib.closing(open_picture(picture)) as connection:
            return inspect_sqlite(connection), picture.read(4, 40).hex()

    yield execute, lambda: read_picture(path, see, time.monotonic() + 10)


@contextlib.contextmanager
def duckdb_database(path: Path) -> Iterator[tuple[Callable[[list[str]], None], Inspect]]:
    """The application keeps the file open, so that what it does is in the log alone. `REOPEN;` closes the file and opens it again."""

    def look() -> tuple[Schema, str]:
        answer, parcel = answered(request_of(path))
        return Schema(answer["server"], tuple(o for _, group in unpacked(parcel) for o in group)), answer["gate"]

    with App(path) as app:

        def execute(todo: list[str]) -> None:
            for statement in todo:
                if statement == "REOPEN;":
                    app.reopen()
                elif must_fail(statement):
                    with pytest.raises(RuntimeError):
                        app.execute(statement)
                else:
                    app.execute(statement)

        yield execute, look
