"""From a SQLite database to a schema: a fixed number of queries, however many tables it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tocsin.schema.model import Object, Schema, schema
from tocsin.sources.sqlite.ddl import index_target, normal, read_table

# Shadow tables belong to the virtual table that made them; sqlite_* tables to SQLite.
_TABLES = """
    SELECT l.name, l.type, l.wr, l.strict, COALESCE(s.sql, '')
    FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
    WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_COLUMNS = """
    SELECT x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden FROM pragma_table_xinfo(?) AS x ORDER BY x.cid
"""
_INDEXES = """
    SELECT i.name, i."unique", i.origin, s.sql
    FROM pragma_index_list(?) AS i LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = i.name
"""
_INDEX_COLUMNS = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_FOREIGN_KEYS = """
    SELECT id, "table", group_concat("from", ', '), group_concat("to", ', '), on_update, on_delete
    FROM (SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq) GROUP BY id
"""


def inspect(connection: Any) -> Schema:
    """Return the schema of an open apsw connection's main database."""
    return schema("sqlite 3", _objects(connection))


def _objects(connection: Any) -> Iterator[Object]:
    for table, kind, without_rowid, strict, sql in connection.execute(_TABLES).fetchall():
        if kind == "virtual":
            yield Object("table", "", table, (normal(sql), None, None, None, None))
            continue
        text = read_table(sql)
        words = ["table"] + ["WITHOUT ROWID"] * without_rowid + ["STRICT"] * strict + ["AUTOINCREMENT"] * text.autoincrement
        yield Object("table", "", table, (" ".join(words), None, None, None, None))
        yield from _columns(connection, table, text.collations, text.expressions)
        yield from _indexes(connection, table)
        for _, other, columns, referenced, on_update, on_delete in connection.execute(_FOREIGN_KEYS, (table,)):
            definition = f"FOREIGN KEY ({columns}) REFERENCES {other}" + (f" ({referenced})" if referenced else "")
            definition += f" ON UPDATE {on_update}" * (on_update != "NO ACTION") + f" ON DELETE {on_delete}" * (on_delete != "NO ACTION")
            yield _constraint(table, "foreign key", definition)
        for check in text.checks:
            yield _constraint(table, "check", f"CHECK {check}")


def _columns(connection: Any, table: str, collations: dict[str, str], expressions: dict[str, str]) -> Iterator[Object]:
    key: dict[int, str] = {}
    for name, type_, notnull, default, pk, hidden in connection.execute(_COLUMNS, (table,)):
        generated = None
        if hidden in (2, 3):
            generated = f"GENERATED ALWAYS AS {expressions.get(name, '(...)')} {'VIRTUAL' if hidden == 2 else 'STORED'}"
        if pk:
            key[pk] = name
        yield Object("column", table, name, (type_, "no" if notnull else "yes", default, generated, collations.get(name), None))
    if key:
        yield _constraint(table, "primary key", f"PRIMARY KEY ({', '.join(key[i] for i in sorted(key))})")


def _indexes(connection: Any, table: str) -> Iterator[Object]:
    for name, unique, origin, sql in connection.execute(_INDEXES, (table,)).fetchall():
        if origin == "c":
            yield Object("index", table, name, ("yes" if unique else "no", index_target(sql or ""), None))
        elif origin == "u":
            columns = ", ".join(column for (column,) in connection.execute(_INDEX_COLUMNS, (name,)))
            yield _constraint(table, "unique", f"UNIQUE ({columns})")


def _constraint(table: str, form: str, definition: str) -> Object:
    """SQLite gives constraints no names that it would tell, so the definition is the name."""
    return Object("constraint", table, definition, (form, definition, None))
