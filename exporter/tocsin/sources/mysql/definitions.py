"""From rows of information_schema to objects: what the servers spell differently becomes one, what says nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from tocsin.schema.model import Object

Row = Sequence[str | None]
Rows = list[Row]

_UNTOLD = ("partitioned", "stats_persistent", "stats_auto_recalc", "stats_sample_pages", "avg_row_length", "max_rows", "min_rows")
"""Options of a table that say how it is doing and not what it is; that it is partitioned its form says better."""


def objects(rows: Mapping[str, Rows], database: str, mariadb: bool) -> Iterator[Object]:
    """Yield the objects of a database from the answers to the questions of that name in `inspect.py`."""
    yield from _tables(rows)
    yield from _columns(
        rows["columns"], {name for name, form, *_ in rows["tables"] if form not in ("VIEW", "SEQUENCE", "SYSTEM VIEW")}, mariadb
    )
    yield from _indexes(rows["indexes"])
    yield from _constraints(rows, database)
    yield from _views(rows, database)
    yield from _routines(rows)
    yield from _triggers(rows["triggers"])
    yield from _events(rows["events"])
    yield from _sequences(rows["sequences"])
    yield from _grants(rows["grants"])


# Tables


def _tables(rows: Mapping[str, Rows]) -> Iterator[Object]:
    partitioned = {name: _partitioning(group) for name, group in _grouped(rows["partitions"])}
    for name, form, engine, collation, options, comment, *_ in rows["tables"]:
        if form in ("VIEW", "SEQUENCE", "SYSTEM VIEW"):
            continue
        word = "system versioned table" if form == "SYSTEM VERSIONED" else "table"
        how = f"partitioned {word} by {partitioned[name or '']}" if name in partitioned else word
        yield Object("table", "", name or "", (how, _table_options(engine, collation, options), None, None, None))
        yield from _comment(name or "", "", comment)


def _table_options(engine: str | None, collation: str | None, options: str | None) -> str:
    """Return the options as `ENGINE=InnoDB COLLATE=utf8mb4_bin ROW_FORMAT=COMPRESSED`."""
    found = []
    for name, value in re.findall(r"[`\"]?(\w+)[`\"]?=(\"[^\"]*\"|'[^']*'|\S+)", options or ""):
        if name.lower() not in _UNTOLD:
            found.append(f"{name.upper()}={value.strip(chr(34) + chr(39)).upper()}")
    words = [f"ENGINE={engine}"] + [f"COLLATE={utf8mb3(collation)}"] * bool(collation)
    return " ".join(words + sorted(found))


def _partitioning(group: Rows) -> str:
    """Return how a table is partitioned. Ranges come and go with time; a list says which values there may be, a hash how many parts."""
    _, _, _, method, submethod, expression, subexpression, _ = group[0]
    text = f"{method} ({expression or ''})"
    first = {row[1]: row for row in group}
    if method and method.startswith("LIST"):
        text += f": {'; '.join(sorted(row[7] or '' for row in first.values()))}"
    elif method and ("HASH" in method or "KEY" in method):
        text += f", {len(first)} partitions"
    if submethod:
        text += f", subpartitioned by {submethod} ({subexpression or ''}), {len(group) // len(first)} each"
    return text


def _columns(rows: Rows, tables: set[str | None], mariadb: bool) -> Iterator[Object]:
    for table, name, ordinal, default, nullable, type_, collation, extra, comment, expression, srid in rows:
        if table not in tables:
            continue
        words = (extra or "").upper()
        generated = None
        if expression:
            generated = f"GENERATED ALWAYS AS ({expression_text(expression)}) {'STORED' if 'STORED' in words else 'VIRTUAL'}"
            default = None
        elif default is not None:
            default = _default(default, type_ or "", "DEFAULT_GENERATED" in words, mariadb)
        options = [word for word in ("AUTO_INCREMENT", "INVISIBLE", "WITHOUT SYSTEM VERSIONING") if word in words]
        if match := re.search(r"ON UPDATE (\S+)", words):
            options.append(f"ON UPDATE {_now(match[1])}")
        if srid:
            options.append(f"SRID {srid}")
        traits = (
            column_type(type_),
            "yes" if nullable == "YES" else "no",
            default,
            generated,
            utf8mb3(collation),
            " ".join(options) or None,
        )
        yield Object("column", table or "", name or "", traits, f"#{ordinal}")
        yield from _comment(table or "", name or "", comment)


def column_type(text: str | None) -> str:
    """Return a type without what MySQL 8 no longer shows: the width of integers, which only pads zeros and tells truth values.

    >>> column_type("int(11)"), column_type("bigint(20) unsigned"), column_type("tinyint(1)"), column_type("int(5) unsigned zerofill")
    ('int', 'bigint unsigned', 'tinyint(1)', 'int(5) unsigned zerofill')
    """
    found = re.sub(r"/\*M?!\d+ (\w+) ?\*/", r"\1", text or "")
    if "zerofill" in found or re.match(r"tinyint\(1\)(?! unsigned)", found):
        return found
    return re.sub(r"^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)", r"\1", found)


def _default(text: str, type_: str, is_expression: bool, mariadb: bool) -> str | None:
    """Return a default as SQL. MariaDB gives SQL, and the word NULL where there is none; MySQL gives literals without their quotes."""
    if mariadb:
        return None if text.upper() == "NULL" else _now(expression_text(text))
    if is_expression or text.upper().startswith("CURRENT_TIMESTAMP"):
        return _now(expression_text(text))
    if re.match(r"(\w*int|decimal|float|double|bit|year)\b", type_) or (text.startswith("0x") and "binary" in type_):
        return text
    return "'" + text.replace("'", "''") + "'"


def _now(text: str) -> str:
    """Return CURRENT_TIMESTAMP as MySQL spells it."""
    return re.sub(r"(?i)^(?:current_timestamp|now)(?:\(\)|(\(\d\)))?$", r"CURRENT_TIMESTAMP\1", text)


def expression_text(text: str) -> str:
    """Return an expression without what MySQL adds to it: parentheses around all, character sets before strings, escaped quotes.

    The character sets are those of the connection that made it.

    >>> expression_text(r"(concat(`c`,_utf8mb4\\'x\\') = `d`)")
    "concat(`c`,'x') = `d`"
    """
    found = re.sub(r"(?<![\w`])_(?:utf8mb4|utf8mb3|utf8|latin1|ascii)(?=')", "", text.replace("\\'", "'"))
    return found[1:-1] if _is_enclosed(found) else found


def _is_enclosed(text: str) -> bool:
    """Tell whether the first parenthesis is closed by the last character."""
    depth = 0
    for match in re.finditer(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`|.", text, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match[0] == ")" and match.end() == len(text)
    return False


def utf8mb3(collation: str | None) -> str | None:
    """Return a collation by the name that its character set has today."""
    return re.sub(r"^utf8(?=_|$)", "utf8mb3", collation) if collation else None


def name_text(name: str | None) -> str:
    """Return a name as SQL, in quotes only where it needs them."""
    return name or "" if re.fullmatch(r"[^\W\d]\w*", name or "") else "`" + (name or "").replace("`", "``") + "`"


def _comment(parent: str, name: str, text: str | None) -> Iterator[Object]:
    if text:
        yield Object("comment", parent, name, (text,))


# Indexes and constraints. A unique key is an index here: these servers have no other word for it.


def _indexes(rows: Rows) -> Iterator[Object]:
    for table, group in _grouped(rows):
        for name, parts in groupby(sorted(group, key=lambda row: (row[1] or "", int(row[3] or 0))), key=lambda row: row[1]):
            yield from _index(table, name or "", list(parts))


def _index(table: str, name: str, parts: Rows) -> Iterator[Object]:
    _, _, not_unique, _, first, _, _, type_, comment, visible, _ = parts[0]
    columns = f"({', '.join(_index_part(part) for part in parts)})"
    if name == "PRIMARY":
        yield Object("constraint", table, name, ("primary key", f"PRIMARY KEY {columns}", "yes"))
        named = f"constraint {name}"
    else:
        kind = "UNIQUE" if not_unique == "0" else type_ if type_ in ("FULLTEXT", "SPATIAL") else None
        words = [kind, "INDEX", columns, "USING HASH" if type_ == "HASH" else None]
        made_up = re.fullmatch(rf"{re.escape(first or 'functional_index')}(_\d+)?", name) is not None
        traits = ("no" if not_unique == "1" else "yes", " ".join(w for w in words if w), "yes" if visible == "1" else "invisible")
        yield Object("index", table, name, traits, None, made_up)
        named = f"index {name}"
    yield from _comment(table, named, comment)


def _index_part(row: Row) -> str:
    _, _, _, _, column, order, length, type_, _, _, expression = row
    text = name_text(column) if column else f"({expression_text(expression or '')})"
    return text + (f"({length})" if length and type_ != "SPATIAL" else "") + (" DESC" if order == "D" else "")


def _constraints(rows: Mapping[str, Rows], database: str) -> Iterator[Object]:
    rules = {(table, name): f"{_rule('UPDATE', update)}{_rule('DELETE', delete)}" for table, name, update, delete in rows["rules"]}
    for table, group in _grouped(rows["references"]):
        for key, parts in groupby(sorted(group, key=lambda row: (row[1] or "", int(row[2] or 0))), key=lambda row: row[1]):
            name, keys = key or "", list(parts)
            _, _, _, _, schema, other, _ = keys[0]
            place = name_text(other) if schema == database else f"{name_text(schema)}.{name_text(other)}"
            columns, referenced = (", ".join(name_text(row[i]) for row in keys) for i in (3, 6))
            definition = f"FOREIGN KEY ({columns}) REFERENCES {place} ({referenced}){rules.get((table, name), '')}"
            yield Object("constraint", table, name, ("foreign key", definition, "yes"), None, _is_numbered(table, name))
    for owner, check, clause, enforced in rows["checks"]:
        traits = ("check", f"CHECK ({expression_text(clause or '')})", "yes" if enforced == "YES" else "not enforced")
        yield Object("constraint", owner or "", check or "", traits, None, _is_numbered(owner, check))


def _rule(event: str, rule: str | None) -> str:
    return "" if rule in ("RESTRICT", "NO ACTION", None) else f" ON {event} {rule}"


def _is_numbered(table: str | None, name: str | None) -> bool:
    """Tell whether the server has made the name up."""
    return re.fullmatch(rf"{re.escape(table or '')}_(ibfk|chk)_\d+|CONSTRAINT_\d+", name or "") is not None


# Views and programs. Whose rights count is told with the account that they are taken from.


def _views(rows: Mapping[str, Rows], database: str) -> Iterator[Object]:
    views = {row[0] for row in rows["views"]}
    columns: dict[str, list[str]] = {}
    for row in sorted((row for row in rows["columns"] if row[0] in views), key=lambda row: int(row[2] or 0)):
        columns.setdefault(row[0] or "", []).append(f"{name_text(row[1])} {column_type(row[5])}")
    for name, text, check, definer, security, algorithm in rows["views"]:
        options = [_as_whom(security, definer)]
        options += [f"algorithm {algorithm.lower()}"] if algorithm not in (None, "UNDEFINED") else []
        options += [f"{check.lower()} check option"] if check not in (None, "NONE") else []
        seen = ", ".join(columns[name or ""]) if name in columns else None
        yield Object("view", "", name or "", (_unqualified(text or "", database), seen, ", ".join(options)))


def _unqualified(text: str, database: str) -> str:
    """Return a view's text without its own database's name, by which the server qualifies all others."""
    own = re.escape("`" + database.replace("`", "``") + "`.")
    return re.sub(rf"('(?:[^'\\]|\\.|'')*')|(?<!\.){own}", lambda match: match[1] or "", text, flags=re.DOTALL)


def _as_whom(security: str | None, definer: str | None) -> str:
    return "invoker" if security == "INVOKER" else f"definer {definer}"


def _routines(rows: Mapping[str, Rows]) -> Iterator[Object]:
    arguments: dict[tuple[str | None, str | None], list[str]] = {}
    for type_, name, position, mode, argument, text, collation, own in rows["parameters"]:
        if position != "0":
            words = [mode if type_ == "PROCEDURE" else None, name_text(argument), _typed(text, collation, own)]
            arguments.setdefault((type_, name), []).append(" ".join(word for word in words if word))
    for type_, name, returns, collation, own, language, body, deterministic, access, security, definer, mode, comment in rows["routines"]:
        kind = "function" if type_ == "FUNCTION" else "procedure"
        full_name = name or "" if type_ in ("FUNCTION", "PROCEDURE") else f"{(type_ or '').lower()} {name}"
        attributes = ["deterministic"] * (deterministic == "YES") + [(access or "").lower()] + [f"sql_mode {mode}"] * bool(mode)
        traits = (
            ", ".join(arguments.get((type_, name), ())), _typed(returns, collation, own) if returns else None, (language or "SQL").lower(),
            body, ", ".join(attributes), _as_whom(security, definer),
        )  # fmt: skip
        yield Object(kind, "", full_name, traits)
        yield from _comment(f"{kind} {full_name}", "", comment)


def _typed(text: str | None, collation: str | None, own: str | None) -> str:
    """Return the type of an argument or a result, with its collation where that is not the database's."""
    return column_type(text) + (f" collate {utf8mb3(collation)}" if collation and collation != own else "")


def _triggers(rows: Rows) -> Iterator[Object]:
    """Yield triggers. They run in the order in which they were made, unless somebody said otherwise."""
    for table, group in _grouped(rows):
        before: dict[tuple[str | None, str | None], str] = {}
        for _, name, timing, event, _, body, definer, mode in sorted(group, key=lambda row: int(row[4] or 0)):
            other = before.get((timing, event))
            lines = [f"{timing} {event}" + (f" FOLLOWS {name_text(other)}" if other else ""), body or "", f"definer {definer}"]
            yield Object("trigger", table, name or "", ("\n".join(lines + [f"sql_mode {mode}"] * bool(mode)), "yes"))
            before[timing, event] = name or ""


def _events(rows: Rows) -> Iterator[Object]:
    for name, type_, at, number, unit, starts, ends, zone, kept, status, body, definer, mode, comment, created, altered in rows:
        if type_ == "ONE TIME":
            when = f"AT {at}"
        else:
            # Without a start it is the moment at which somebody made it, or altered it.
            when = (
                f"EVERY {number} {unit}"
                + (f" STARTS {starts}" if starts not in (None, created, altered) else "")
                + (f" ENDS {ends}" if ends else "")
            )
        lines = (
            [f"{when} ({zone})" if zone != "SYSTEM" else when]
            + ["ON COMPLETION PRESERVE"] * (kept == "PRESERVE")
            + [body or "", f"definer {definer}"]
        )
        enabled = {"ENABLED": "yes", "DISABLED": "no"}.get(status or "", "not on replicas")
        yield Object("event", "", name or "", ("\n".join(lines + [f"sql_mode {mode}"] * bool(mode)), enabled))
        yield from _comment(f"event {name}", "", comment)


def _sequences(rows: Rows) -> Iterator[Object]:
    for name, start, least, most, step, cache, cycle in rows:
        definition = f"START {start} INCREMENT {step} MINVALUE {least} MAXVALUE {most} CACHE {cache}" + " CYCLE" * (cycle == "1")
        yield Object("sequence", "", name or "", (definition, None))


def _grants(rows: Rows) -> Iterator[Object]:
    """Yield what accounts may do, one object for all rights on a thing. Rights on the whole database are attached to it."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for kind, parent, name, grantee, privilege, may_grant in rows:
        place = (
            "database" if kind == "database" else f"{kind} {parent}" if kind in ("function", "procedure") else parent or "",
            name or "",
        )
        who = account_text(grantee or "")
        for word in (privilege or "").upper().split(","):
            if word != "GRANT":
                found.setdefault(place, {}).setdefault(who, set()).add(word + ("*" if may_grant == "YES" else ""))
    for (parent, name), rights in found.items():
        text = "; ".join(f"{who}={', '.join(sorted(words))}" for who, words in sorted(rights.items()))
        yield Object("grant", parent, name, (text,))


def account_text(grantee: str) -> str:
    """Return `'app'@'%'` as people write it; a role of MariaDB has no host.

    >>> account_text("'app'@'%'"), account_text("'PUBLIC'@''")
    ('app@%', 'PUBLIC')
    """
    user, _, host = grantee.rpartition("@")
    return "@".join(word for word in (user.strip("'"), host.strip("'")) if word)


def _grouped(rows: Iterable[Row]) -> Iterator[tuple[str, Rows]]:
    """Gather rows by their first column, the table's name, whatever their order."""
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row[0] or "", []).append(row)
    yield from found.items()
