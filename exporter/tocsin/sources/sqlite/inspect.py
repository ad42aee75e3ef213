"""From a SQLite database to a schema: a fixed number of queries, however many tables it has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any

from tocsin.schema.model import Object, Schema, schema
from tocsin.sources.sqlite.ddl import TableText, after_name, index_target, normal, read_table

# Shadow tables belong to the virtual table that made them; sqlite_* tables to SQLite.
_TABLES = """
    SELECT l.name, l.type, l.wr, l.strict, COALESCE(s.sql, '')
    FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
    WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        AND (?1 IS NULL OR l.name IN (SELECT value FROM json_each(?1)))
"""
_COLUMNS = """
    SELECT t.value, x.cid, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
    FROM json_each(?) AS t JOIN pragma_table_xinfo(t.value) AS x
"""
_INDEXES = """
    SELECT t.value, i.name, i."unique", i.origin, s.sql
    FROM json_each(?) AS t JOIN pragma_index_list(t.value) AS i
    LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = i.name
"""
_INDEX_COLUMNS = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_FOREIGN_KEYS = """
    SELECT of, "table", group_concat("from", ', '), group_concat("to", ', '), on_update, on_delete
    FROM (SELECT t.value AS of, f.* FROM json_each(?) AS t JOIN pragma_foreign_key_list(t.value) AS f ORDER BY t.value, f.id, f.seq)
    GROUP BY of, id
"""
_TEXTS = "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_schema"
_VIEW_COLUMNS = "SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_xinfo(?) ORDER BY cid)"


SERVER = "sqlite 3"


class Texts:
    """The rows of sqlite_schema: what a look at them can tell, long before the objects that they define are inspected."""

    def __init__(self, connection: Any) -> None:
        rows = connection.execute(_TEXTS).fetchall()
        # A trigger's table is written as whoever made the trigger wrote it, in whichever letters' case.
        roots = {name.lower(): name for kind, name, _, _ in rows if kind in ("table", "view")}
        self.rows = [(kind, name, roots.get(of.lower(), of), sql) for kind, name, of, sql in rows]

    def digests(self) -> dict[str, str]:
        """Return for each table and view what changes with any text about it."""
        found: dict[str, list[str]] = {}
        for kind, name, root, sql in self.rows:
            found.setdefault(root, []).append(f"{kind}\0{name}\0{sql}\0")
        return {root: sha256("".join(sorted(texts)).encode("utf-8", "surrogatepass")).hexdigest()[:16] for root, texts in found.items()}

    def views(self) -> set[str]:
        return {name for kind, name, _, _ in self.rows if kind == "view"}


def inspect(connection: Any) -> Schema:
    """Return the schema of an open apsw connection's main database."""
    return schema(SERVER, objects(connection, Texts(connection), None))


def objects(connection: Any, about: Texts, only: Collection[str] | None) -> Iterator[Object]:
    """Yield the objects of some tables and views, of all for None."""
    wanted = None if only is None else json.dumps(sorted(only))
    texts: dict[str, TableText] = {}
    for name, kind, without_rowid, strict, sql in connection.execute(_TABLES, (wanted,)):
        if kind == "virtual":
            yield Object("table", "", name, (normal(sql), None, None, None, None))
            continue
        text = texts[name] = read_table(sql)
        words = ["table"] + ["WITHOUT ROWID"] * without_rowid + ["STRICT"] * strict + ["AUTOINCREMENT"] * text.autoincrement
        yield Object("table", "", name, (" ".join(words), None, None, None, None))
        for check in text.checks:
            yield _constraint(name, "check", f"CHECK {check}")
    names = json.dumps(list(texts))
    yield from _columns(connection, texts, names)
    yield from _indexes(connection, names)
    for table, other, columns, referenced, on_update, on_delete in connection.execute(_FOREIGN_KEYS, (names,)):
        definition = f"FOREIGN KEY ({columns}) REFERENCES {other}" + (f" ({referenced})" if referenced else "")
        definition += f" ON UPDATE {on_update}" * (on_update != "NO ACTION") + f" ON DELETE {on_delete}" * (on_delete != "NO ACTION")
        yield _constraint(table, "foreign key", definition)
    for kind, name, root, sql in about.rows:
        if kind == "view" and (only is None or name in only):
            yield Object("view", "", name, (after_name(sql), _view_columns(connection, name), None))
        elif kind == "trigger" and (only is None or root in only):
            yield Object("trigger", root, name, (after_name(sql), None))


def _columns(connection: Any, texts: dict[str, TableText], names: str) -> Iterator[Object]:
    keys: dict[str, dict[int, str]] = {}
    for table, number, name, type_, notnull, default, pk, hidden in connection.execute(_COLUMNS, (names,)):
        text = texts[table]
        generated = None
        if hidden in (2, 3):
            generated = f"GENERATED ALWAYS AS {text.expressions.get(name, '(...)')} {'VIRTUAL' if hidden == 2 else 'STORED'}"
        if pk:
            keys.setdefault(table, {})[pk] = name
        traits = (type_, "no" if notnull else "yes", default, generated, text.collations.get(name), None)
        yield Object("column", table, name, traits, identity=f"#{number}")
    for table, key in keys.items():
        yield _constraint(table, "primary key", f"PRIMARY KEY ({', '.join(key[i] for i in sorted(key))})")


def _indexes(connection: Any, names: str) -> Iterator[Object]:
    for table, name, unique, origin, sql in connection.execute(_INDEXES, (names,)).fetchall():
        if origin == "c":
            yield Object("index", table, name, ("yes" if unique else "no", index_target(sql or ""), None))
        elif origin == "u":
            columns = ", ".join(column for (column,) in connection.execute(_INDEX_COLUMNS, (name,)))
            yield _constraint(table, "unique", f"UNIQUE ({columns})")


def _view_columns(connection: Any, name: str) -> str | None:
    """Return the names of a view's columns; None for a view that does not work, or needs functions of the application's."""
    import apsw

    try:
        ((columns,),) = connection.execute(_VIEW_COLUMNS, (name,)).fetchall()
    except apsw.SQLError:
        return None
    return columns  # type: ignore[no-any-return]


def _constraint(table: str, form: str, definition: str) -> Object:
    """SQLite gives constraints no names that it would tell, so the definition is the name."""
    return Object("constraint", table, definition, (form, definition, None))
