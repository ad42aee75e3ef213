"""SQL as SQLite keeps it, brought into one spelling: what only its CREATE statements tell is compared as text."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<text>'(?:[^']|'')*')
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
    |(?P<word>[\w$]+)
    |(?P<operator>->>|->|\|\||<>|<=|>=|!=|==|<<|>>)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)

# https://www.sqlite.org/lang_keywords.html; those that are no names unless they are quoted, or that quotes give another meaning.
RESERVED = frozenset({
    "ADD", "ALL", "ALTER", "AND", "AS", "AUTOINCREMENT", "BETWEEN", "CASE", "CHECK", "COLLATE", "COMMIT", "CONSTRAINT", "CREATE",
    "CROSS", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "DEFAULT", "DEFERRABLE", "DELETE", "DISTINCT", "DROP", "ELSE",
    "ESCAPE", "EXCEPT", "EXISTS", "FILTER", "FOREIGN", "FROM", "FULL", "GROUP", "HAVING", "IN", "INDEX", "INDEXED", "INNER",
    "INSERT", "INTERSECT", "INTO", "IS", "ISNULL", "JOIN", "LEFT", "LIMIT", "NATURAL", "NOT", "NOTHING", "NOTNULL", "NULL", "ON",
    "OR", "ORDER", "OUTER", "OVER", "PRIMARY", "REFERENCES", "RETURNING", "RIGHT", "SELECT", "SET", "TABLE", "THEN", "TO",
    "TRANSACTION", "UNION", "UNIQUE", "UPDATE", "USING", "VALUES", "WHEN", "WHERE", "WINDOW", "TRUE", "FALSE",
})  # fmt: skip
OTHERS = frozenset({
    "ABORT", "ACTION", "AFTER", "ALWAYS", "ANALYZE", "ASC", "ATTACH", "BEFORE", "BEGIN", "BY", "CASCADE", "CAST", "COLUMN",
    "CONFLICT", "CURRENT", "DATABASE", "DEFERRED", "DESC", "DETACH", "DO", "EACH", "END", "EXCLUDE", "EXCLUSIVE", "EXPLAIN", "FAIL",
    "FIRST", "FOLLOWING", "FOR", "GENERATED", "GLOB", "GROUPS", "IF", "IGNORE", "IMMEDIATE", "INITIALLY", "INSTEAD", "KEY", "LAST",
    "LIKE", "MATCH", "MATERIALIZED", "NO", "NULLS", "OF", "OFFSET", "OTHERS", "PARTITION", "PLAN", "PRAGMA", "PRECEDING", "QUERY",
    "RAISE", "RANGE", "RECURSIVE", "REGEXP", "REINDEX", "RELEASE", "RENAME", "REPLACE", "RESTRICT", "ROLLBACK", "ROW", "ROWS",
    "SAVEPOINT", "TEMP", "TEMPORARY", "TIES", "TRIGGER", "UNBOUNDED", "VACUUM", "VIEW", "VIRTUAL", "WITH", "WITHOUT",
})  # fmt: skip


def tokens(sql: str) -> list[str]:
    """Split SQL into tokens, white space and comments left out."""
    return [m[0] for m in _TOKEN.finditer(sql) if m.lastgroup != "space"]


def joined(words: list[str]) -> str:
    """Return tokens as text in one spelling: keywords in capitals, names without the quotes that they do not need.

    Names keep their letters: what stands in double quotes may be a text, if nothing has that name.
    """
    return " ".join(_spelled(word) for word in words)


def normal(sql: str) -> str:
    """Return SQL in one spelling of white space, comments, quotes and keywords."""
    return joined(tokens(sql))


def _spelled(word: str) -> str:
    if word[0] in '"`[':
        name = unquoted(word)
        if not _PLAIN.fullmatch(name) or keyword(name) in RESERVED:
            return '"' + name.replace('"', '""') + '"'
        if word[0] == '"':
            return name
        word = name
    capitals = keyword(word)
    return capitals if capitals in RESERVED or capitals in OTHERS else word


def keyword(word: str) -> str:
    """Return a word in capitals, as keywords are compared; no word of other letters is one, whatever its capitals are."""
    return word.upper() if word.isascii() else word


def folded(name: str) -> str:
    """Return what two names have in common that are the same to SQLite: of the letters' case, only ASCII's means nothing to it."""
    return name.lower() if name.isascii() else name.translate(_SMALL)


def unquoted(name: str) -> str:
    """Return a name as it is meant; SQLite takes a text for a name, too, where only a name can stand."""
    if name[:1] in ('"', "`", "'"):
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[:1] == "[" else name


def after_name(sql: str) -> str:
    """Return what comes after the name in a CREATE TRIGGER or CREATE VIEW statement as SQLite keeps it."""
    words = tokens(sql)
    return joined(words[5 if words[3:4] == ["."] else 3 :])


def index_target(sql: str) -> str:
    """Return what comes after the index's name in a CREATE INDEX statement: `ON t ( a ) WHERE b > 3`."""
    words = tokens(sql)
    at = next((i for i, word in enumerate(words) if keyword(word) == "ON"), len(words))
    return joined(["ON", *words[at + 1 :]])


def virtual_target(sql: str) -> str:
    """Return what comes after the name in a CREATE VIRTUAL TABLE statement. Its arguments mean what the module makes of them."""
    words = tokens(sql)
    at = next((i for i, word in enumerate(words) if keyword(word) == "USING"), len(words))
    return " ".join(["USING", *words[at + 1 :]])


def type_name(text: str) -> str:
    """Return a column's type in one spelling: `DECIMAL(10,2)`."""
    found = ""
    for word in (keyword(unquoted(word)) for word in tokens(text)):
        apart = found and (found[-1].isalnum() or found[-1] in "_)") and (word[0].isalnum() or word[0] == "_")
        found += f" {word}" if apart else word
    return found


def default_value(text: str | None) -> str | None:
    """Return a column's default in one spelling. A bare or double-quoted word that is no keyword is a text."""
    if text is None:
        return None
    words = tokens(text)
    if len(words) == 1 and keyword(words[0]) not in RESERVED and (words[0][0] in '"`[' or _PLAIN.fullmatch(words[0])):
        return "'" + unquoted(words[0]).replace("'", "''") + "'"
    return joined(words)
