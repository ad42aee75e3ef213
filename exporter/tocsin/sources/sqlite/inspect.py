"""From a SQLite database to a schema: a fixed number of queries, however many tables it has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any

from tocsin.schema.model import Object, Schema, schema
from tocsin.sources.sqlite.create_table import Column, Table, read_table
from tocsin.sources.sqlite.ddl import after_name, default_value, folded, index_target, type_name, virtual_target
from tocsin.sources.sqlite.excerpt import Row

# Shadow tables belong to the virtual table that made them; sqlite_* tables to SQLite.
_TABLES = """
    SELECT name, type, wr, strict FROM pragma_table_list
    WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_SOME_TABLES = """
    SELECT l.name, l.type, l.wr, l.strict FROM json_each(?) AS t JOIN pragma_table_list(t.value) AS l
    WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_FEW = 100
_COLUMNS = """
    SELECT t.value, x.cid, x.name, x.type, x."notnull", x.dflt_value, x.hidden
    FROM json_each(?) AS t JOIN pragma_table_xinfo(t.value) AS x
"""
_INDEXES = """
    SELECT t.value, i.name, i."unique"
    FROM json_each(?) AS t JOIN pragma_index_list(t.value) AS i
    WHERE i.origin = 'c'
"""
_TEXTS = "SELECT type, name, tbl_name, rootpage, sql FROM {}"
_VIEW_COLUMNS = "SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_xinfo(?) ORDER BY cid)"

SERVER = "sqlite 3"


class Texts:
    """The rows of sqlite_schema: what a look at them can tell, long before the objects that they define are inspected."""

    def __init__(self, connection: Any, table: str = "sqlite_schema") -> None:
        """Read the rows from the table of a picture, or from the one in which an excerpt has them (see `excerpt.listing`)."""
        self._stored: list[Row] = connection.execute(_TEXTS.format(table)).fetchall()
        # A trigger's table is written as whoever made the trigger wrote it, in whichever letters' case.
        roots = {folded(name): name for kind, name, *_ in self._stored if kind in ("table", "view")}
        self.rows = [(kind, name, roots.get(folded(of), of), sql or "") for kind, name, of, _, sql in self._stored]

    def digests(self) -> dict[str, str]:
        """Return for each table and view what changes with any text about it."""
        found: dict[str, list[str]] = {}
        for kind, name, root, sql in self.rows:
            found.setdefault(root, []).append(f"{kind}\0{name}\0{sql}\0")
        return {root: sha256("".join(sorted(texts)).encode("utf-8", "surrogatepass")).hexdigest()[:16] for root, texts in found.items()}

    def views(self) -> set[str]:
        return {name for kind, name, _, _ in self.rows if kind == "view"}

    def of_tables(self, only: Collection[str]) -> Iterator[Row]:
        """Yield the rows by which SQLite knows some tables with their indexes: with virtual ones, for their names tell shadow tables."""
        for row, (kind, _, root, _) in zip(self._stored, self.rows, strict=True):
            if (root in only and kind in ("table", "index")) or (kind == "table" and not row[3]):
                yield row


def inspect(connection: Any) -> Schema:
    """Return the schema of an open apsw connection's main database."""
    return schema(SERVER, objects(connection, Texts(connection), None))


def objects(connection: Any, about: Texts, only: Collection[str] | None) -> Iterator[Object]:
    """Yield the objects of some tables and views, of all for None."""
    texts = {(kind, name): sql for kind, name, root, sql in about.rows if only is None or root in only}
    tables: dict[str, Table] = {}
    for name, kind, without_rowid, strict in _tables(connection, only):
        sql = texts.get(("table", name))
        if sql is None:
            continue  # not one of those that are wanted
        if kind == "virtual":
            yield Object("table", "", name, ("virtual table", virtual_target(sql), None, None, None))
            continue
        table = tables[name] = read_table(sql, without_rowid=bool(without_rowid))
        words = ["table"] + ["WITHOUT ROWID"] * without_rowid + ["STRICT"] * strict + ["AUTOINCREMENT"] * table.autoincrement
        yield Object("table", "", name, (" ".join(words), None, None, None, None))
        yield from _constraints(name, table)
    names = json.dumps(list(tables))
    for of, number, name, type_, notnull, default, hidden in connection.execute(_COLUMNS, (names,)):
        column = tables[of].columns.get(folded(name)) or Column(name)
        yield Object("column", of, name, _column_traits(column, type_, notnull, default, hidden), identity=f"#{number}")
    for of, name, unique in connection.execute(_INDEXES, (names,)):
        yield Object("index", of, name, ("yes" if unique else "no", index_target(texts[("index", name)]), None))
    for kind, name, root, sql in about.rows:
        if kind == "view" and (only is None or name in only):
            yield Object("view", "", name, (after_name(sql), _view_columns(connection, name), None))
        elif kind == "trigger" and (only is None or root in only):
            yield Object("trigger", root, name, (after_name(sql), None))


def _tables(connection: Any, only: Collection[str] | None) -> Any:
    """Return name, kind and options of all tables, or of some at least."""
    if only is None or len(only) > _FEW:  # each that is asked for by name is looked for among all
        return connection.execute(_TABLES)
    return connection.execute(_SOME_TABLES, (json.dumps(sorted(only)),))


def _column_traits(column: Column, type_: str, notnull: int, default: str | None, hidden: int) -> tuple[str | None, ...]:
    generated = None
    if hidden in (2, 3):
        generated = f"GENERATED ALWAYS AS {column.expression} {'VIRTUAL' if hidden == 2 else 'STORED'}"
    options = f"ON CONFLICT {column.conflict}" if column.conflict else None
    return (type_name(type_), "no" if notnull else "yes", default_value(default), generated, column.collation, options)


def _constraints(name: str, table: Table) -> Iterator[Object]:
    """Constraints are known by what they are about: SQLite does not tell their names, and two may be about the same."""
    taken: set[str] = set()
    for form, about, definition in table.constraints():
        while about in taken:
            about += "'"
        taken.add(about)
        yield Object("constraint", name, about, (form, definition, None), generated=True)


def _view_columns(connection: Any, name: str) -> str | None:
    """Return the names of a view's columns; None for a view that does not work, or needs functions of the application's."""
    import apsw

    try:
        ((columns,),) = connection.execute(_VIEW_COLUMNS, (name,)).fetchall()
    except apsw.SQLError:
        return None
    return columns  # type: ignore[no-any-return]
