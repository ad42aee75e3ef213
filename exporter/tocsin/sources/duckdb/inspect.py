"""From a DuckDB catalog to a schema: a fixed number of queries, however many tables there are.

Left out because it moves by itself: object ids, estimated sizes, where a sequence stands, whether a view has been
bound yet. The names of constraints are DuckDB's own choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tocsin.schema.model import Object, Schema, dotted, part, schema

_TABLES = """
    SELECT schema_name, table_name, comment, sql
    FROM duckdb_tables()
    WHERE database_name = $1 AND NOT internal AND NOT temporary
"""
_COLUMNS = """
    SELECT schema_name, table_name, column_name, column_index, data_type, is_nullable, comment, is_generated,
        CASE WHEN is_generated THEN generation_expression ELSE column_default END
    FROM duckdb_columns()
    WHERE database_name = $1 AND NOT internal
    ORDER BY column_index
"""
_CONSTRAINTS = """
    SELECT schema_name, table_name, constraint_type, constraint_text, constraint_name
    FROM duckdb_constraints()
    WHERE database_name = $1 AND constraint_type <> 'NOT NULL'
    ORDER BY constraint_text
"""
_INDEXES = """
    SELECT schema_name, table_name, index_name, is_unique, comment, sql
    FROM duckdb_indexes()
    WHERE database_name = $1 AND sql IS NOT NULL
"""
_TRIGGERS = """
    SELECT schema_name, table_name, trigger_name, comment, sql
    FROM duckdb_triggers()
    WHERE database_name = $1 AND NOT temporary
"""
_SCHEMAS = """
    SELECT schema_name, comment
    FROM duckdb_schemas()
    WHERE database_name = $1 AND NOT internal AND schema_name <> 'main'
"""
_VIEWS = """
    SELECT schema_name, view_name, comment, sql
    FROM duckdb_views()
    WHERE database_name = $1 AND NOT internal AND NOT temporary
"""
_SEQUENCES = """
    SELECT schema_name, sequence_name, comment, increment_by, min_value, max_value, cycle, start_value, last_value
    FROM duckdb_sequences()
    WHERE database_name = $1 AND NOT temporary
"""
_TYPES = """
    SELECT schema_name, type_name, comment, logical_type, labels
    FROM duckdb_types()
    WHERE database_name = $1 AND NOT internal
"""
_MACROS = """
    SELECT schema_name, function_name, comment, function_type, parameters, parameter_types, macro_definition
    FROM duckdb_functions()
    WHERE database_name = $1 AND NOT internal AND function_type IN ('macro', 'table_macro')
"""

_START = " START "
_NO_PARAMETER = "no_parameter_has_this_name"

_NAME = r'(?:"(?:[^"]|"")*"|[^\s"(]+?)'
_CREATE = re.compile(rf"CREATE\s+(?:\w+\s+)*?(?:VIEW|INDEX|TRIGGER)\s+{_NAME}(?:\.{_NAME})*\s*(?=[\s(])(?:ON\s)?\s*", re.IGNORECASE)
_TOKEN = re.compile(r"""\s+|"(?:[^"]|"")*"|'(?:[^']|'')*'|[\w$]+|.""", re.DOTALL)


def inspect(connection: Any, database: str) -> Schema:
    """Return the schema of an attached database."""
    ((version,),) = connection.execute("SELECT version()").fetchall()
    return schema(f"duckdb {str(version).lstrip('v').split('.')[0]}", _objects(connection, database))


def _objects(connection: Any, database: str) -> Iterator[Object]:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = connection.execute(sql, [database]).fetchall()
        return found

    for name, comment in ask(_SCHEMAS):
        yield Object("schema", "", part(name))
        yield from _comment(f"schema {part(name)}", "", comment)
    collations = {}
    for schema_name, table, comment, sql in ask(_TABLES):
        name = dotted(schema_name, table)
        collations[name] = _collations(sql or "")
        yield Object("table", "", name, ("table", None, None, None, None))
        yield from _comment(name, "", comment)
    for schema_name, table, column, index, type_, nullable, comment, generated, expression in ask(_COLUMNS):
        name = dotted(schema_name, table)
        if name in collations:  # else it is a view's, whose columns follow from its text
            value = (None, f"GENERATED ALWAYS AS ({expression})") if generated else (expression, None)
            traits = (type_, "yes" if nullable else "no", *value, collations[name].get(column), None)
            yield Object("column", name, column, traits, f"#{index}")
        yield from _comment(name, column, comment)
    yield from _constraints(ask(_CONSTRAINTS))
    for schema_name, table, index, unique, comment, sql in ask(_INDEXES):
        yield Object("index", dotted(schema_name, table), index, ("yes" if unique else "no", _target(sql), None))
        yield from _comment(dotted(schema_name, table), f"index {index}", comment)
    for schema_name, table, trigger, comment, sql in ask(_TRIGGERS):
        yield Object("trigger", dotted(schema_name, table), trigger, (_target(sql), None))
        yield from _comment(dotted(schema_name, table), f"trigger {trigger}", comment)
    for schema_name, view, comment, sql in ask(_VIEWS):
        yield Object("view", "", dotted(schema_name, view), (_target(sql or ""), None, None))
        yield from _comment(dotted(schema_name, view), "", comment)
    for schema_name, sequence, comment, *numbers in ask(_SEQUENCES):
        yield Object("sequence", "", dotted(schema_name, sequence), (_sequence(*numbers), None))
        yield from _comment(f"sequence {dotted(schema_name, sequence)}", "", comment)
    yield from _types(connection, database, ask(_TYPES))
    yield from _macros(connection, database, ask(_MACROS))


def _comment(parent: str, name: str, text: str | None) -> Iterator[Object]:
    if text is not None:
        yield Object("comment", parent, name, (text,))


def _constraints(rows: list[tuple[Any, ...]]) -> Iterator[Object]:
    """DuckDB forgets the names that constraints were given, and may call two of a table by the same one."""
    taken: set[tuple[str, str]] = set()
    for schema_name, table, form, text, given in rows:
        parent, name = dotted(schema_name, table), given or text
        while (parent, name) in taken:
            name += "'"
        taken.add((parent, name))
        yield Object("constraint", parent, name, (form.lower(), text, None), generated=True)


def _types(connection: Any, database: str, rows: list[tuple[Any, ...]]) -> Iterator[Object]:
    """The catalog names the members of an enum alone; of the others a NULL of the type tells its definition."""
    others = [f"{_quoted(database)}.{_quoted(s)}.{_quoted(name)}" for s, name, _, logical, _ in rows if logical != "ENUM"]
    columns = ", ".join(f"CAST(NULL AS {name}) AS c{i}" for i, name in enumerate(others))
    definitions = iter([row[1] for row in connection.execute(f"DESCRIBE SELECT {columns}").fetchall()] if others else [])
    for schema_name, type_name, comment, logical, labels in rows:
        kind = "enum" if logical == "ENUM" else "type"
        definition = ", ".join(_literal(label) for label in labels or ()) if kind == "enum" else next(definitions)
        yield Object(kind, "", dotted(schema_name, type_name), (definition,))
        yield from _comment(f"{kind} {dotted(schema_name, type_name)}", "", comment)


def _sequence(step: int, low: int, high: int, cycle: bool, start: int, last: int | None) -> str:
    """Return a sequence's definition, with the number that it starts from as long as nobody has drawn one.

    Then the catalog tells where it stands instead, from the next checkpoint on: see `without_start`.
    """
    definition = f"INCREMENT BY {step} MINVALUE {low} MAXVALUE {high} {'CYCLE' if cycle else 'NO CYCLE'}"
    return definition if last is not None or start == (low if step > 0 else high) else f"{definition}{_START}{start}"


def without_start(definition: str | None) -> str:
    """Return what of a sequence's definition can be told of one that is in use, too."""
    return (definition or "").partition(_START)[0]


def _macros(connection: Any, database: str, rows: list[tuple[Any, ...]]) -> Iterator[Object]:
    """A macro of several signatures is one object."""
    overloads: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    comments: dict[str, str | None] = {}
    for schema_name, macro, comment, form, parameters, types, body in rows:
        named = ", ".join(f"{name} {type_}" if type_ else name for name, type_ in zip(parameters, types, strict=True))
        overloads.setdefault((schema_name, macro, form), []).append((f"({named})", body))
        name = dotted(schema_name, macro)
        comments[name] = comments.get(name) or comment
    found: dict[str, list[str]] = {}
    for (schema_name, macro, form), known in overloads.items():
        signatures = _signatures(connection, database, schema_name, macro, form)
        if len(signatures) == len(known):
            known = list(zip(signatures, (body for _, body in known), strict=True))
        words = " AS TABLE " if form == "table_macro" else " AS "
        found.setdefault(dotted(schema_name, macro), []).extend(f"{signature}{words}{body}" for signature, body in known)
    for name, definitions in found.items():
        yield Object("macro", "", name, (", ".join(sorted(definitions)),))
        yield from _comment(f"macro {name}", "", comments[name])


def _signatures(connection: Any, database: str, schema_name: str, macro: str, form: str) -> list[str]:
    """Return a macro's signatures with the default values of parameters, which no catalog has.

    A call that fits none is refused with all that there are: `Candidate macros:`, each in a line of its own.
    """
    import duckdb

    call = f"{_quoted(database)}.{_quoted(schema_name)}.{_quoted(macro)}({_NO_PARAMETER} := NULL)"
    try:
        connection.execute(f"EXPLAIN {'FROM' if form == 'table_macro' else 'SELECT'} {call}")
    except duckdb.BinderException as error:
        told = str(error).partition("Candidate macros:\n\t")[2].partition("\n\nLINE ")[0]
        return [line[line.index("(", len(macro)) :] for line in told.split("\n\t") if "(" in line[len(macro) :]]
    return []


def _target(sql: str) -> str:
    """Return a CREATE statement without the words that only repeat what is created, and by which name."""
    return _CREATE.sub("", sql.rstrip(";"), count=1)


def _collations(sql: str) -> dict[str, str]:
    """Return the collations of a table's columns, which only its CREATE statement tells."""
    if " COLLATE " not in sql:
        return {}
    found: dict[str, str] = {}
    depth, words = 0, list[str]()
    for word in _TOKEN.findall(sql):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 or (depth == 1 and word in {"(", ","}):
            words = []
        elif depth == 1 and not word.isspace():
            words.append(word)
            if len(words) > 2 and words[-2] == "COLLATE":
                found[_unquoted(words[0])] = word
    return found


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
