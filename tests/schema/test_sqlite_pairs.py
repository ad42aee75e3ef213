"""Pairs of schemas made by a real SQLite: whatever differs in meaning is told, whatever differs in spelling alone is not."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tocsin.schema.diff import diff
from tocsin.schema.model import Schema
from tocsin.schema.risk import weigh
from tocsin.schema.tell import schema_event
from tocsin.sources.sqlite.create_table import read_table
from tocsin.sources.sqlite.ddl import OTHERS, RESERVED, folded
from tocsin.sources.sqlite.inspect import inspect
from tocsin.sources.sqlite.overlay import open_picture, read_picture

P = "CREATE TABLE p (id INTEGER PRIMARY KEY, k TEXT UNIQUE, l TEXT, UNIQUE (k, l)); "
T = "CREATE TABLE t (a INTEGER, b TEXT, c TEXT); "

DIFFERENT = [
    # Keys and their rules
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY DESC)"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INT PRIMARY KEY)"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY ON CONFLICT IGNORE)"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY) WITHOUT ROWID"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t (a INTEGER PRIMARY KEY DESC) WITHOUT ROWID"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT"),
    ("CREATE TABLE t (a TEXT PRIMARY KEY)", "CREATE TABLE t (a TEXT PRIMARY KEY ON CONFLICT REPLACE)"),
    ("CREATE TABLE t (a TEXT, PRIMARY KEY (a))", "CREATE TABLE t (a TEXT, PRIMARY KEY (a COLLATE NOCASE))"),
    ("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b))", "CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b DESC))"),
    ("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b))", "CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (b, a))"),
    ("CREATE TABLE t (a TEXT UNIQUE)", "CREATE TABLE t (a TEXT UNIQUE ON CONFLICT IGNORE)"),
    ("CREATE TABLE t (a TEXT, UNIQUE (a))", "CREATE TABLE t (a TEXT, UNIQUE (a) ON CONFLICT ROLLBACK)"),
    ("CREATE TABLE t (a TEXT, UNIQUE (a))", "CREATE TABLE t (a TEXT, UNIQUE (a COLLATE NOCASE))"),
    ("CREATE TABLE t (a TEXT COLLATE NOCASE, UNIQUE (a))", "CREATE TABLE t (a TEXT COLLATE NOCASE, UNIQUE (a COLLATE BINARY))"),
    ("CREATE TABLE t (a TEXT, b TEXT, UNIQUE (a, b))", "CREATE TABLE t (a TEXT, b TEXT, UNIQUE (a), UNIQUE (b))"),
    # Columns
    ("CREATE TABLE t (a TEXT NOT NULL)", "CREATE TABLE t (a TEXT NOT NULL ON CONFLICT REPLACE)"),
    ("CREATE TABLE t (a TEXT NOT NULL)", "CREATE TABLE t (a TEXT NULL)"),
    ("CREATE TABLE t (a TEXT)", "CREATE TABLE t (a TEXT COLLATE NOCASE)"),
    ("CREATE TABLE t (a VARCHAR(40))", "CREATE TABLE t (a VARCHAR(20))"),
    ("CREATE TABLE t (a TEXT DEFAULT 'x')", "CREATE TABLE t (a TEXT DEFAULT 'X')"),
    ("CREATE TABLE t (a TEXT DEFAULT key)", "CREATE TABLE t (a TEXT DEFAULT KEY)"),
    ("CREATE TABLE t (a TEXT DEFAULT NULL)", "CREATE TABLE t (a TEXT DEFAULT 'NULL')"),
    ("CREATE TABLE t (a DEFAULT (1 + 2))", "CREATE TABLE t (a DEFAULT (1 - 2))"),
    ("CREATE TABLE t (a DEFAULT CURRENT_DATE)", "CREATE TABLE t (a DEFAULT CURRENT_TIME)"),
    ("CREATE TABLE t (a INT, b AS (a * 2))", "CREATE TABLE t (a INT, b AS (a * 2) STORED)"),
    (
        "CREATE TABLE t (a INT, b TEXT CHECK (CAST(b AS TEXT) <> '') AS (a || 'x'))",
        "CREATE TABLE t (a INT, b TEXT CHECK (CAST(b AS TEXT) <> '') AS (a || 'y'))",
    ),
    (
        "CREATE TABLE t (a INT, b CONSTRAINT \"AS (\" CHECK (b <> ' AS (1)') /* AS (2) */ AS (a + 3))",
        "CREATE TABLE t (a INT, b CONSTRAINT \"AS (\" CHECK (b <> ' AS (1)') /* AS (2) */ AS (a + 4))",
    ),
    # Checks
    ("CREATE TABLE t (a INT CHECK (a > 0))", "CREATE TABLE t (a INT CHECK (a >= 0))"),
    ("CREATE TABLE t (a TEXT CHECK (a IN ('x', 'y')))", "CREATE TABLE t (a TEXT CHECK (a IN ('x', 'Y')))"),
    ('CREATE TABLE t (a TEXT CHECK (a IN ("first", "last")))', 'CREATE TABLE t (a TEXT CHECK (a IN ("first", "LAST")))'),
    ('CREATE TABLE t (a, "null", CHECK (a IS NULL))', 'CREATE TABLE t (a, "null", CHECK (a IS "null"))'),
    ("CREATE TABLE t (a TEXT CHECK (a <> '--x'))", "CREATE TABLE t (a TEXT CHECK (a <> '--y'))"),
    ("CREATE TABLE t (a INT, CHECK (a > 0), CHECK (a > 0))", "CREATE TABLE t (a INT, CHECK (a > 0))"),
    ("CREATE TABLE t (a INT UNIQUE CHECK (a > 0))", "CREATE TABLE t (a INT CHECK (a > 0))"),
    # Foreign keys
    (P + "CREATE TABLE t (a REFERENCES p)", P + "CREATE TABLE t (a REFERENCES p DEFERRABLE INITIALLY DEFERRED)"),
    (P + "CREATE TABLE t (a REFERENCES p)", P + "CREATE TABLE t (a REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED)"),
    (P + "CREATE TABLE t (a REFERENCES p (k))", P + "CREATE TABLE t (a REFERENCES p (id))"),
    (P + "CREATE TABLE t (a REFERENCES p ON DELETE CASCADE)", P + "CREATE TABLE t (a REFERENCES p ON DELETE SET NULL)"),
    (P + "CREATE TABLE t (a REFERENCES p ON DELETE CASCADE)", P + "CREATE TABLE t (a REFERENCES p ON UPDATE CASCADE)"),
    (P + "CREATE TABLE t (a REFERENCES p)", P + "CREATE TABLE t (a REFERENCES p ON DELETE RESTRICT)"),
    (
        P + "CREATE TABLE t (a, b, FOREIGN KEY (a, b) REFERENCES p (k, l))",
        P + "CREATE TABLE t (a, b, FOREIGN KEY (b, a) REFERENCES p (k, l))",
    ),
    (
        P + "CREATE TABLE t (a, b, UNIQUE (a) FOREIGN KEY (a) REFERENCES p CHECK (b > 0))",
        P + "CREATE TABLE t (a, b, UNIQUE (a) FOREIGN KEY (a) REFERENCES p CHECK (b > 1))",
    ),
    # Indexes
    (T + "CREATE INDEX i ON t (b)", T + "CREATE INDEX i ON t (b DESC)"),
    (T + "CREATE INDEX i ON t (b)", T + "CREATE INDEX i ON t (b COLLATE NOCASE)"),
    (T + "CREATE INDEX i ON t (b)", T + "CREATE UNIQUE INDEX i ON t (b)"),
    (T + "CREATE INDEX i ON t (b)", T + "CREATE INDEX i ON t (b) WHERE b IS NOT NULL"),
    (T + "CREATE INDEX i ON t (b) WHERE a > 1", T + "CREATE INDEX i ON t (b) WHERE a > 2"),
    (T + "CREATE INDEX i ON t (lower(b))", T + "CREATE INDEX i ON t (upper(b))"),
    # Virtual tables
    ("CREATE VIRTUAL TABLE t USING fts5 (a)", "CREATE VIRTUAL TABLE t USING fts5 (a, b)"),
    ("CREATE VIRTUAL TABLE t USING fts5 (a)", "CREATE VIRTUAL TABLE t USING fts5 (a, tokenize = 'porter ascii')"),
    ("CREATE VIRTUAL TABLE t USING fts5 (a, prefix = '2 3')", "CREATE VIRTUAL TABLE t USING fts5 (a, prefix = '2 4')"),
    # Views and triggers
    (T + "CREATE VIEW v AS SELECT a FROM t", T + "CREATE VIEW v AS SELECT a FROM t WHERE a > 1"),
    (T + "CREATE VIEW v AS SELECT a FROM t", T + "CREATE VIEW v (x) AS SELECT a FROM t"),
    (T + "CREATE VIEW v AS SELECT 'a' AS x FROM t", T + "CREATE VIEW v AS SELECT \"a\" AS x FROM t"),
    (
        T + "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 'x'; END",
        T + "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 'y'; END",
    ),
    (
        T + "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
        T + "CREATE TRIGGER r AFTER INSERT ON t WHEN NEW.a > 1 BEGIN SELECT 1; END",
    ),
    (
        T + "CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN SELECT 1; END",
        T + "CREATE TRIGGER r AFTER UPDATE OF b ON t BEGIN SELECT 1; END",
    ),
    (T + "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", T + "CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT 1; END"),
]  # fmt: skip

ALIKE = [
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "create table t (a integer primary key asc)"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER, PRIMARY KEY (a DESC))"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE t (a INTEGER, PRIMARY KEY (A AUTOINCREMENT))"),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE \"t\"([a] 'INTEGER' PRIMARY  KEY ON CONFLICT ABORT)"),
    ("CREATE TABLE t (a TEXT UNIQUE)", "CREATE TABLE t (a TEXT, CONSTRAINT one UNIQUE (`a`))"),
    ("CREATE TABLE t (a TEXT UNIQUE)", "CREATE TABLE t (a TEXT COLLATE BINARY UNIQUE UNIQUE, UNIQUE (a COLLATE binary))"),
    ("CREATE TABLE t (a TEXT PRIMARY KEY)", "CREATE TABLE t (a TEXT UNIQUE PRIMARY KEY)"),
    ("CREATE TABLE t (a TEXT NOT NULL)", "CREATE TABLE t (a TEXT NOT /* ever */ NULL ON CONFLICT ABORT)"),
    ("CREATE TABLE t (a VARCHAR(40))", "CREATE TABLE t (a varchar ( 40 ))"),
    ("CREATE TABLE t (a DECIMAL(10,2))", "CREATE TABLE t (a decimal(10 /* digits */ , 2))"),
    ("CREATE TABLE t (a TEXT COLLATE NOCASE)", 'CREATE TABLE t (a TEXT collate "nocase")'),
    ("CREATE TABLE t (a DEFAULT CURRENT_DATE)", "CREATE TABLE t (a DEFAULT current_date)"),
    ("CREATE TABLE t (a DEFAULT NULL)", "CREATE TABLE t (a DEFAULT null)"),
    ("CREATE TABLE t (a DEFAULT -1)", "CREATE TABLE t (a DEFAULT - 1)"),
    ("CREATE TABLE t (a DEFAULT 'x')", 'CREATE TABLE t (a DEFAULT "x")'),
    ("CREATE TABLE t (a DEFAULT (1 + 2))", "CREATE TABLE t (a DEFAULT ( 1+2 ))"),
    ("CREATE TABLE t (a INT CHECK (a > 0 AND a < 9))", 'CREATE TABLE t (a INT check( "a">0 -- low\nand [a]<9 ))'),
    ("CREATE TABLE t (a INT, CHECK (a > 0))", "CREATE TABLE t (a INT, CHECK (a > 0) ON CONFLICT IGNORE)"),
    ("CREATE TABLE t (a, b AS (a || 'x'))", "CREATE TABLE t (a, b generated always as ( \"a\"||'x' ) virtual)"),
    (P + "CREATE TABLE t (a REFERENCES p)", P + 'CREATE TABLE t (a references "p" match simple)'),
    (P + "CREATE TABLE t (a REFERENCES p)", P + "CREATE TABLE t (a, FOREIGN KEY (A) REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED)"),
    (P + "CREATE TABLE t (a REFERENCES p)", P + "CREATE TABLE t (a REFERENCES p ON DELETE NO ACTION DEFERRABLE)"),
    (
        P + "CREATE TABLE t (a REFERENCES p ON DELETE CASCADE ON UPDATE SET NULL)",
        P + "CREATE TABLE t (a REFERENCES p ON UPDATE SET  NULL ON DELETE cascade)",
    ),
    (T + "CREATE INDEX i ON t (b DESC) WHERE a IS NOT NULL", T + 'create index if not exists "i" on `t`("b" desc)where a is not null'),
    (T + "CREATE INDEX i ON t (lower(b))", T + "CREATE INDEX i ON t(lower ( [b] ) )"),
    ("CREATE VIRTUAL TABLE t USING fts5 (a, b)", 'create virtual table "t" using fts5(a,  b)'),
    (T + "CREATE VIEW v AS SELECT a FROM t", T + "create view `v` as select [a] from \"t\" /* all */"),
    (
        T + "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET b = 'x'; END",
        T + "create trigger if not exists main.r after insert on [t]\nbegin\n  update t set `b`='x'; -- always\nend",
    ),
    (T, T + "CREATE TEMP TABLE t2 (x); CREATE TEMP VIEW v2 AS SELECT 1; CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END"),
    (T, T + "CREATE TEMP TABLE t (z)"),
    ('CREATE TABLE t ("é" TEXT UNIQUE, "É" TEXT)', "CREATE TABLE t ([é] TEXT, [É] TEXT, UNIQUE (é))"),
]  # fmt: skip


def look(path: Path, script: str) -> Schema:
    """Return the schema of a database that a script has made."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)

    def see(picture: Any) -> Schema:
        with contextlib.closing(open_picture(picture)) as connection:
            return inspect(connection)

    return read_picture(path, see, time.monotonic() + 10)


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_another_meaning_is_told(before: str, after: str, tmp_path: Path) -> None:
    old, new = look(tmp_path / "old.db", before), look(tmp_path / "new.db", after)
    assert old.fingerprint() != new.fingerprint()
    for found in (diff(old, new), diff(new, old)):
        assert found
        for difference in found:
            event = schema_event("main", difference)
            assert event.old != event.new
            assert "altered" not in weigh(difference).reason, "no rule of its own"


@pytest.mark.parametrize(("before", "after"), ALIKE)
def test_another_spelling_is_not_told(before: str, after: str, tmp_path: Path) -> None:
    old, new = look(tmp_path / "old.db", before), look(tmp_path / "new.db", after)
    assert diff(old, new) == diff(new, old) == []
    assert old.fingerprint() == new.fingerprint()


def test_there_are_enough_pairs() -> None:
    assert len(DIFFERENT) >= 40
    assert len(ALIKE) >= 20


SCRIPTS = sorted({script for pair in DIFFERENT + ALIKE for script in pair})


@pytest.mark.parametrize("script", SCRIPTS)
def test_constraints_are_read_as_sqlite_reads_them(script: str) -> None:
    """Keys, their collations and orders, and foreign keys, against SQLite's own catalog."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        ask = connection.execute
        tables = (
            "SELECT l.name, wr, sql FROM pragma_table_list AS l JOIN sqlite_schema USING (name) WHERE l.type = 'table' AND schema = 'main'"
        )
        for name, without_rowid, sql in ask(tables).fetchall():
            if not sql or name.startswith("sqlite_"):
                continue
            table = read_table(sql, without_rowid=bool(without_rowid))
            columns = ask("SELECT name FROM pragma_table_xinfo(?, 'main')", (name,)).fetchall()
            assert [(c.name,) for c in table.columns.values()] == columns
            known = sorted(c.definition for c in table.constraints() if c.form in ("primary key", "unique"))
            assert [re.sub(" ON CONFLICT .*", "", definition) for definition in known] == sorted(keys(connection, name))
            count = ask("SELECT count(DISTINCT id) FROM pragma_foreign_key_list(?)", (name,)).fetchone()[0]
            assert len([c for c in table.constraints() if c.form == "foreign key"]) == count
            for _, _, other, column, _, on_update, on_delete, _ in ask(f'PRAGMA foreign_key_list("{name}")'):
                found = [c.definition for c in table.constraints() if c.form == "foreign key" and column in c.name and other in c.name]
                for words in (f"ON UPDATE {on_update}", f"ON DELETE {on_delete}"):
                    assert all((words in definition) == ("NO ACTION" not in words) for definition in found)


def keys(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return what SQLite's catalog tells of a table's keys, in our words."""
    found = []
    primary = connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", (table,)).fetchall()
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    own = {folded(c.name): c.collation or "BINARY" for c in read_table(sql, without_rowid=False).columns.values()}
    indexes = connection.execute("SELECT name, origin FROM pragma_index_list(?) WHERE origin <> 'c'", (table,)).fetchall()
    primary_names = [name for (name,) in primary]
    for index, origin in indexes:
        rows = connection.execute("SELECT name, coll, desc FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (index,)).fetchall()
        rows = rows if origin == "u" else rows[: len(primary)]
        if origin == "u" and [name for name, _, _ in rows] == primary_names and all(coll == own[folded(n)] for n, coll, _ in rows):
            continue  # a second rule about the primary key says nothing new
        words = ", ".join(n + (f" COLLATE {coll}" if coll != own[folded(n)] else "") + " DESC" * desc for n, coll, desc in rows)
        found.append(f"{'UNIQUE' if origin == 'u' else 'PRIMARY KEY'} ({words})")
    if primary and not any(origin == "pk" for _, origin in indexes):
        found.append(f"INTEGER PRIMARY KEY ({primary_names[0]})")
    return found


def test_keywords_are_those_of_sqlite() -> None:
    import apsw

    assert set(apsw.keywords) <= RESERVED | OTHERS
    assert set(apsw.keywords) >= (RESERVED | OTHERS) - {"TRUE", "FALSE"}
    assert not RESERVED & OTHERS
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for word in OTHERS:
            connection.execute(f"CREATE TABLE {word}_table ({word} TEXT)")  # those that are names without quotes
