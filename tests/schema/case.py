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
import pytest

from servers import Postgres
from tocsin.schema.diff import Difference, diff
from tocsin.schema.model import Schema
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.inspect import _GATE, inspect
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


@contextlib.contextmanager
def postgres_database(server: Postgres) -> Iterator[tuple[Callable[[list[str]], None], Inspect]]:
    """Give a way to execute statements in a database of its own, and a way to inspect it."""
    name = f"case_{uuid.uuid4().hex[:10]}"
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

    def look() -> tuple[Schema, str]:
        deadline = time.monotonic() + 10
        ((gate,),) = connection.query(_GATE, deadline).rows
        return inspect(connection, deadline), (gate or b"").decode()

    try:
        yield execute, look
    finally:
        connection.close()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
