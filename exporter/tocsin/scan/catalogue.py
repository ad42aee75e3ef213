"""The tables and columns that there are, looked up as a database would look them up."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tocsin.schema.model import Object, Schema, parts

_TABLES = ("table", "view", "materialized view", "partition")
_DIALECTS = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite", "duckdb": "duckdb"}
_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys", "temp")
# Of every engine: a tree may speak to more than one.
_SYSTEM_TABLES = ("pg_", "sqlite_", "pragma_", "duckdb_")
_SYSTEM_COLUMNS = {
    "postgres": ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"),
    "mysql": ("_rowid",),
    "sqlite": ("rowid", "oid", "_rowid_"),
    "duckdb": ("rowid", "filename"),
}


@dataclass(slots=True)
class Relation:
    """A table or a view. `columns` is None where they are not known; `text` describes them where only that is."""

    name: str
    columns: set[str] | None
    shown: list[str] = field(default_factory=list)
    text: str = ""

    def has(self, column: str) -> bool | None:
        """Tell whether there is such a column, by its folded name; None where that cannot be told."""
        if self.columns is not None:
            return column in self.columns
        return column in self.text if self.text else None


class Catalogue:
    """All relations of one target's databases. A name is missing when no database has it."""

    def __init__(self, schemas: Iterable[tuple[str, Schema]], search_path: Iterable[str] = ("public",)) -> None:
        self._relations: dict[tuple[str, str], list[Relation]] = {}
        engine = ""
        for database, schema in schemas:
            engine = schema.server.partition(" ")[0].lower()
            self.dialect = _DIALECTS.get(engine, "")
            for relation, place in self._read(database, schema):
                self._relations.setdefault(place, []).append(relation)
        self.dialect = _DIALECTS.get(engine, "")
        self.engine = engine
        self._path = {"postgres": tuple(search_path), "duckdb": ("main", *search_path)}.get(self.dialect)
        self._schemas = {place[0] for place in self._relations}

    def _read(self, database: str, schema: Schema) -> Iterable[tuple[Relation, tuple[str, str]]]:
        columns: dict[str, list[Object]] = {}
        for o in schema.objects:
            if o.kind == "column":
                columns.setdefault(o.parent, []).append(o)
        for o in schema.objects:
            if o.kind not in _TABLES or o.parent:
                continue
            words = parts(o.name) if self.dialect in ("postgres", "duckdb") else [database, o.name]
            space, name = words if len(words) == 2 else ("", o.name)
            own = columns.get(o.full_name)
            names = [c.name for c in own or ()]
            text = self.fold(o.trait("columns") or "") if o.kind in ("view", "materialized view") else ""
            relation = Relation(o.full_name, {self.fold(n, quoted=True) for n in names} if own else None, names, text)
            yield relation, (self.fold(space, quoted=True), self.fold(name, quoted=True))

    def fold(self, name: str, quoted: bool = False) -> str:
        """Return a name in the form in which it is compared: PostgreSQL keeps what is quoted, the others know no case."""
        return name if quoted and self.dialect == "postgres" else name.lower()

    def find(self, schema: str, table: str) -> list[Relation] | None:
        """Return what a folded name may mean, [] where that cannot be decided, None where there is no such thing."""
        if schema in _SYSTEM_SCHEMAS or table.startswith(_SYSTEM_TABLES) or not table.isidentifier():
            return []
        if schema:
            known = self.dialect == "postgres" or schema in self._schemas
            return self._relations.get((schema, table)) or (None if known else [])
        spaces = self._path if self._path is not None else self._schemas
        return [r for space in spaces for r in self._relations.get((space, table), ())] or None

    def is_system_column(self, name: str) -> bool:
        return name in _SYSTEM_COLUMNS.get(self.dialect, ())

    def similar_table(self, table: str) -> str | None:
        """Return the table that was probably meant."""
        names = {name: (space, name) for space, name in self._relations}
        if table in names:  # it is there, in a schema that is not looked into
            return ".".join(names[table])
        near = {name.lower(): name for name in names}
        return next((near[n] for n in difflib.get_close_matches(table.lower(), near, 1, 0.6)), None)

    @staticmethod
    def similar_column(column: str, relations: Iterable[Relation]) -> str | None:
        names = {n.lower(): n for r in relations for n in r.shown}
        return next((names[n] for n in difflib.get_close_matches(column.lower(), names, 1, 0.6)), None)
