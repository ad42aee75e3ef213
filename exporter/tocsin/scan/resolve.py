"""From a parsed statement to the names in it that nothing stands behind: scopes, aliases, CTEs, subqueries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from tocsin.scan.catalogue import Catalogue, Relation

MARK = "tocsin_unknown"
"""Begins every identifier that stands for an unknown part."""

_ARTICLES = frozenset(("the", "a", "an", "this", "that", "your", "my", "our", "its", "their", "all", "any", "each", "these", "those"))
_WORDS = frozenset((
    "current_user", "session_user", "user", "current_role", "current_catalog", "current_schema", "current_database", "current_date",
    "current_time", "current_timestamp", "localtime", "localtimestamp", "default", "true", "false", "null", "value", "row_number",
    "new", "old", "excluded", "inserted", "deleted", "utc_timestamp", "utc_date", "utc_time", "sysdate", "rownum", "level", "unknown",
))  # fmt: skip
_ROW_NAMES = ("new", "old", "excluded", "inserted", "deleted")


@dataclass(frozen=True, slots=True)
class Problem:
    """A name that does not exist. `line` counts from the statement's first."""

    what: str
    name: str
    line: int
    suggestion: str | None
    word: str
    """The name as it is written."""
    table: str = ""
    """The folded name of a missing table without its schema."""


@dataclass(slots=True)
class _Source:
    """Something to select from. Without relations: `columns`, or None where they cannot be told."""

    relations: list[Relation] = field(default_factory=list)
    columns: frozenset[str] | None = None

    def has(self, column: str) -> bool | None:
        if not self.relations:
            return None if self.columns is None else column in self.columns
        answers = [r.has(column) for r in self.relations]
        return True if True in answers else None if None in answers else False


_UNKNOWN = _Source()
_Sources = dict[str, _Source]


class Resolver:
    """Looks one statement through. `dynamic` tells that there is more to it at run time: names without a table prove nothing then.

    Put into another text (`embedded`) a table without a schema may be a CTE of that.
    """

    def __init__(self, catalogue: Catalogue, *, dynamic: bool, embedded: bool, ignored: frozenset[str]) -> None:
        self._catalogue = catalogue
        self._dynamic = dynamic
        self._embedded = embedded
        self._ignored = ignored
        self.problems: list[Problem] = []
        self.sound = True
        """Whether it is SQL at all: a sentence in plain words can have its form."""

    def look(self, statement: Any) -> None:
        match statement:
            case exp.Select() | exp.SetOperation() | exp.Subquery():
                self._query(statement, {}, [])
            case exp.Insert():
                self._insert(statement)
            case exp.Update():
                self._change(statement, [e.this for e in statement.expressions if isinstance(e, exp.EQ)])
            case exp.Delete():
                self._change(statement, [])
            case exp.Merge():
                self._with(statement, {}, [])
                self._table(statement.this, {})

    # Queries

    def _query(self, node: Any, ctes: _Sources, outer: list[_Sources]) -> frozenset[str] | None:
        """Resolve a query and return the names of its columns, None where they cannot be told."""
        ctes = self._with(node, ctes, outer)
        match node:
            case exp.Subquery():
                if node.args.get("joins"):
                    return None
                return self._query(node.this, ctes, outer)
            case exp.SetOperation():
                names = self._query(node.left, ctes, outer)
                self._query(node.right, ctes, outer)
                return names
            case exp.Select():
                return self._select(node, ctes, outer)
        return None

    def _with(self, node: Any, ctes: _Sources, outer: list[_Sources]) -> _Sources:
        clause = node.args.get("with_") or node.args.get("with")
        if clause is None:
            return ctes
        found = dict(ctes)
        for cte in clause.expressions:
            name = self._folded(cte.args["alias"].this)
            given = [self._folded(c) for c in cte.args["alias"].args.get("columns") or ()]
            if clause.args.get("recursive"):
                found[name] = _UNKNOWN
            columns = self._query(cte.this, found, outer) if isinstance(cte.this, exp.Query) else None
            if not isinstance(cte.this, exp.Query):
                self.look(cte.this)
            found[name] = _Source(columns=frozenset(given) if given else columns)
        return found

    def _select(self, node: Any, ctes: _Sources, outer: list[_Sources]) -> frozenset[str] | None:
        start = node.args.get("from_") or node.args.get("from")
        places = [start.this] if start is not None else []
        places += [j.this for j in node.args.get("joins") or ()]
        sources: _Sources = {}
        for place in places:
            self._add(place, ctes, sources, outer)
        for lateral in node.args.get("laterals") or ():
            sources[lateral.alias_or_name or f"?{len(sources)}"] = _UNKNOWN
        if node.args.get("into"):
            return None
        aliases = frozenset(self.fold(e.alias) for e in node.expressions if isinstance(e, exp.Alias))
        self._columns(node, sources, ctes, outer, aliases, skip=places)
        return self._outputs(node)

    def _add(self, place: Any, ctes: _Sources, sources: _Sources, outer: list[_Sources]) -> None:
        """Add one thing that is selected from, and what is joined to it."""
        name = self.fold(place.alias_or_name) if place.alias_or_name else f"?{len(sources)}"
        alias = place.args.get("alias")
        renamed = bool(alias is not None and alias.args.get("columns"))
        match place:
            case exp.Table() if isinstance(place.this, exp.Identifier):
                source = self._table(place, ctes)
            case exp.Subquery():
                source = _Source(columns=self._query(place, ctes, [sources, *outer]))
            case _:
                source = _UNKNOWN
                for query in self._nearest_queries(place):
                    self._query(query, ctes, [sources, *outer])
        sources[name] = _UNKNOWN if renamed or place.args.get("pivots") else source
        for join in place.args.get("joins") or ():
            self._add(join.this, ctes, sources, outer)

    def _table(self, table: Any, ctes: _Sources) -> _Source:
        """Return what a table's name means; a name without meaning is a problem."""
        identifier = table.this
        if not isinstance(identifier, exp.Identifier):
            return _UNKNOWN
        schema, name = self._folded(table.args.get("db")), self._folded(identifier)
        if not schema and name in ctes:
            return ctes[name]
        if table.args.get("catalog") or MARK in name or MARK in schema or name in self._ignored:
            return _UNKNOWN
        if name in _ARTICLES and not identifier.args.get("quoted"):
            self.sound = False
        found = self._catalogue.find(schema, name)
        if found is None and self._embedded and not schema:
            return _UNKNOWN
        if found is None:
            shown = f"{schema}.{name}" if schema else name
            self._report("table", shown, identifier, self._catalogue.similar_table(name), name)
        return _Source(found or [])

    def _outputs(self, node: Any) -> frozenset[str] | None:
        names: set[str] = set()
        for e in node.expressions:
            if e.is_star or (isinstance(e, exp.Column) and isinstance(e.this, exp.Star)):
                return None
            if MARK in e.alias_or_name or not e.alias_or_name:
                # A function's column is called after it, by rules that differ.
                if not isinstance(e, (exp.Literal, exp.Column)):
                    return None
                continue
            names.add(self.fold(e.alias_or_name))
        return None if self._dynamic else frozenset(names)

    # Statements that write

    def _insert(self, node: Any) -> None:
        ctes = self._with(node, {}, [])
        target = node.this.this if isinstance(node.this, exp.Schema) else node.this
        if not isinstance(target, exp.Table):
            return
        source = self._table(target, {})
        if isinstance(node.this, exp.Schema):
            for identifier in node.this.expressions:
                if isinstance(identifier, (exp.Identifier, exp.Column)):
                    self._written(identifier, source)
        if isinstance(node.expression, exp.Query):
            self._query(node.expression, ctes, [])
        own = {self.fold(target.alias_or_name): source, **dict.fromkeys(_ROW_NAMES, source)}
        for part in ("conflict", "returning"):
            clause = node.args.get(part)
            if clause is not None:
                self._columns(clause, own, ctes, [], frozenset(), skip=[])

    def _change(self, node: Any, written: list[Any]) -> None:
        """Look through an UPDATE or a DELETE."""
        ctes = self._with(node, {}, [])
        sources: _Sources = {}
        start = node.args.get("from_") or node.args.get("from")
        more = [*(node.args.get("using") or ()), *(node.args.get("tables") or ()), *([start.this] if start is not None else [])]
        more += [j.this for j in node.args.get("joins") or ()]
        if not isinstance(node.this, exp.Table):
            return
        aliases = {self.fold(p.alias) for p in more if p.alias}
        if self.fold(node.this.name) in aliases and not node.this.args.get("db"):
            return  # UPDATE o SET ... FROM orders AS o
        self._add(node.this, ctes, sources, [])
        target = sources[self.fold(node.this.alias_or_name)]
        joined = len(sources) > 1 or bool(more)
        for place in more:
            if self.fold(place.name) not in sources:
                self._add(place, ctes, sources, [])
        for column in written:
            if isinstance(column, exp.Column) and not column.table and not joined:
                self._written(column.this, target)
        self._columns(node, sources, ctes, [], frozenset(), skip=[node.this, *more, *(c for c in written if not joined and not c.table)])

    def _written(self, identifier: Any, target: _Source) -> None:
        """Look up a column that is written: it can be the target's alone."""
        name = self._folded(identifier)
        if MARK not in name and target.has(name) is False:
            self._missing(identifier if isinstance(identifier, exp.Identifier) else identifier.this, name, [target])

    # Columns

    def _columns(
        self, node: Any, sources: _Sources, ctes: _Sources, outer: list[_Sources], aliases: frozenset[str], skip: list[Any]
    ) -> None:
        """Look up every column below a node, queries within it in scopes of their own."""
        skipped = {id(s) for s in skip}
        stack = [child for child in node.iter_expressions() if id(child) not in skipped]
        bound: set[str] = {self.fold(i.name) for la in node.find_all(exp.Lambda) for i in la.expressions}
        while stack:
            inner = stack.pop()
            if id(inner) in skipped or isinstance(inner, (exp.With, exp.DataType)):
                continue
            if isinstance(inner, exp.Query):
                self._query(inner, ctes, [sources, *outer])
            elif isinstance(inner, exp.Column):
                self._column(inner, [sources, *outer], aliases | bound)
            else:
                stack += inner.iter_expressions()

    @staticmethod
    def _nearest_queries(node: Any) -> Iterator[Any]:
        stack = list(node.iter_expressions())
        while stack:
            inner = stack.pop()
            if isinstance(inner, exp.Query):
                yield inner
            else:
                stack += inner.iter_expressions()

    def _column(self, column: Any, scopes: list[_Sources], aliases: frozenset[str] | set[str]) -> None:
        identifier = column.this
        if not isinstance(identifier, exp.Identifier) or column.args.get("db"):
            return
        name = self._folded(identifier)
        if MARK in name or self._catalogue.is_system_column(name):
            return
        if column.table:
            source = next((s[self._folded(column.args["table"])] for s in scopes if self._folded(column.args["table"]) in s), None)
            if source is not None and source.has(name) is False:
                self._missing(identifier, name, [source])
            return
        quoted = bool(identifier.args.get("quoted"))
        passed = (
            self._dynamic
            or name in aliases
            or (name in _WORDS and not quoted)
            or (quoted and self._catalogue.dialect == "sqlite")  # an unknown name in quotes is a text there
            or isinstance(column.parent, exp.Anonymous)
            or any(name in sources for sources in scopes)
        )
        everything = [s for sources in scopes for s in sources.values()]
        if not passed and everything and all(s.has(name) is False for s in everything):
            self._missing(identifier, name, everything)

    def _missing(self, identifier: Any, name: str, sources: list[_Source]) -> None:
        relations = list({r.name: r for s in sources for r in s.relations}.values())
        shown = f"{relations[0].name}.{name}" if len(relations) == 1 else name
        self._report("column", shown, identifier, self._catalogue.similar_column(name, relations))

    def _report(self, what: str, shown: str, identifier: Any, suggestion: str | None, table: str = "") -> None:
        problem = Problem(what, shown, int(identifier.meta.get("line", 1)), suggestion, identifier.name, table)
        if problem not in self.problems:
            self.problems.append(problem)

    def fold(self, name: str) -> str:
        return self._catalogue.fold(name)

    def _folded(self, identifier: Any) -> str:
        if identifier is None:
            return ""
        if isinstance(identifier, exp.Column):
            identifier = identifier.this
        return self._catalogue.fold(identifier.name, bool(identifier.args.get("quoted")))
