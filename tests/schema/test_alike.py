"""Tables that bear no number and change beside a new name: the same where nearly all is the same, gone and come where that is thin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from case import duckdb_database, mysql_database, sqlite_database
from mariadb import MariaDB
from tocsin.schema.diff import diff
from tocsin.schema.model import Object, Schema
from tocsin.schema.tell import schema_event
from watching import said

ORDERS = (
    "CREATE TABLE orders (id INTEGER NOT NULL, customer VARCHAR(40), total INTEGER DEFAULT 0, placed DATE, note VARCHAR(90), unit INTEGER,"
    " weight INTEGER)"
)  # fmt: skip

RENAMED = "table {}orders renamed breaking"

CASES = [
    ("a default", ORDERS, ["ALTER TABLE orders ALTER total SET DEFAULT 5", "ALTER TABLE orders RENAME TO sales"],
     ["column {}sales.total altered cautious", RENAMED]),
    ("a column that comes", ORDERS, ["ALTER TABLE orders ADD COLUMN paid INTEGER", "ALTER TABLE orders RENAME TO sales"],
     ["column {}sales.paid added safe", RENAMED]),
    ("a column that goes", ORDERS, ["ALTER TABLE orders DROP COLUMN note", "ALTER TABLE orders RENAME TO sales"],
     ["column {}sales.note dropped destructive", RENAMED]),
    ("a type", ORDERS, ["ALTER TABLE orders MODIFY note VARCHAR(20)", "ALTER TABLE orders RENAME TO sales"],
     ["column {}sales.note altered cautious", RENAMED]),
    ("a trigger", "CREATE TABLE orders (id INTEGER, total INTEGER, placed DATE, unit INTEGER);;"
     "CREATE TRIGGER counted AFTER UPDATE OF id ON orders BEGIN DELETE FROM orders WHERE id < 0; END",
     ["ALTER TABLE orders RENAME TO sales", "DROP TRIGGER counted",
      "CREATE TRIGGER counted AFTER UPDATE OF total ON sales BEGIN DELETE FROM sales WHERE id < 0; END"],
     ["trigger {}sales.counted altered cautious", RENAMED]),
    ("two things", ORDERS, ["ALTER TABLE orders DROP COLUMN note", "ALTER TABLE orders ADD COLUMN paid INTEGER",
                            "ALTER TABLE orders ADD COLUMN sent INTEGER", "ALTER TABLE orders RENAME TO sales"],
     ["table {}orders dropped destructive", "table {}sales added safe"]),
    ("too little that is the same", "CREATE TABLE orders (id INTEGER, name VARCHAR(10), made DATE, changed DATE, unit INTEGER)",
     ["DROP TABLE orders", "CREATE TABLE sales (id INTEGER, name VARCHAR(10), made DATE, changed DATE, unit INTEGER, tax INTEGER)"],
     ["table {}orders dropped destructive", "table {}sales added safe"]),
    ("one column, and that the same", "CREATE TABLE orders (id INTEGER)", ["DROP TABLE orders", "CREATE TABLE sales (id INTEGER)"],
     ["table {}orders dropped destructive", "table {}sales added safe"]),
    ("two columns, and both the same", "CREATE TABLE orders (id INTEGER, name VARCHAR(10))", ["ALTER TABLE orders RENAME TO sales"],
     [RENAMED]),
    ("one column, and the same trigger", "CREATE TABLE orders (id INTEGER);;"
     "CREATE TRIGGER counted AFTER UPDATE ON orders BEGIN DELETE FROM orders WHERE id < 0; END", ["ALTER TABLE orders RENAME TO sales"],
     [RENAMED]),
    ("two that it could be", ORDERS,
     ["DROP TABLE orders", *(ORDERS.replace("orders", name).replace("note", name) for name in ("sales", "trade"))],
     ["table {}orders dropped destructive", "table {}sales added safe", "table {}trade added safe"]),
]  # fmt: skip

ENGINES = {
    "sqlite": {
        "a column that comes",
        "a column that goes",
        "a trigger",
        "two things",
        "too little that is the same",
        "one column, and that the same",
        "two columns, and both the same",
        "one column, and the same trigger",
        "two that it could be",
    },
    "duckdb": {name for name, *_ in CASES} - {"a trigger", "one column, and the same trigger", "a type"},
    "mariadb": {name for name, *_ in CASES} - {"a trigger", "one column, and the same trigger"},
}
EACH = [pytest.param(engine, *rest, id=f"{engine}-{name}") for engine, names in ENGINES.items() for name, *rest in CASES if name in names]


@pytest.mark.parametrize(("engine", "before", "done", "expected"), EACH)
def test_table_is_known_again_beside_one_change(
    engine: str, before: str, done: list[str], expected: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Callable[[], MariaDB] = lambda: request.getfixturevalue("mariadb")  # noqa: E731
    place = (
        mysql_database(server()) if engine == "mariadb"
        else sqlite_database(tmp_path / "x.db") if engine == "sqlite" else duckdb_database(tmp_path / "x.duckdb")
    )  # fmt: skip
    with place as (execute, look):
        execute(before.split(";;"))
        old, _ = look()
        execute(done)
        new, _ = look()
    events = [schema_event("shop", d) for d in diff(old, new)]
    prefix = "main." if engine == "duckdb" else ""
    assert sorted(said(events)) == sorted(line.format(prefix) for line in expected)
    for reason in (e.reason or "" for e in events if e.change == "renamed"):
        assert "which are the same but for one:" in reason or len(events) == 1
        assert reason.endswith("if another table was made instead, the rows of the old one are gone")


def test_column_that_is_told_as_renamed_for_its_place_says_so(tmp_path: Path) -> None:
    with sqlite_database(tmp_path / "x.db") as (execute, look):
        execute(["CREATE TABLE t (a INTEGER, b TEXT)"])
        old, _ = look()
        execute(["ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ADD COLUMN c TEXT"])
        new, _ = look()
    (event,) = (schema_event("shop", d) for d in diff(old, new))
    assert said([event]) == ["column t.b renamed breaking"]
    assert (event.reason or "").endswith("from its place and its type: if it was dropped and another one added, its values are gone")


def test_nothing_is_guessed_where_many_come_and_go() -> None:
    def tables(prefix: str, last: str) -> list[Object]:
        return [
            o
            for n in range(60)
            for o in (
                Object("table", "", f"{prefix}{n}", ("table", None, None, None, None)),
                *(Object("column", f"{prefix}{n}", f"{c}{n}", ("int", "yes", None, None, None, None), "#1") for c in f"abcdef{last}"),
            )
        ]

    found = diff(Schema("sqlite 3", tuple(tables("old", "x"))), Schema("sqlite 3", tuple(tables("new", "y"))))
    assert {d.change for d in found} == {"dropped", "added"}
    few = diff(Schema("sqlite 3", tuple(tables("old", "x")[:80])), Schema("sqlite 3", tuple(tables("new", "y")[:80])))
    assert sum(d.change == "renamed" and d.subject.kind == "table" for d in few) == 10
