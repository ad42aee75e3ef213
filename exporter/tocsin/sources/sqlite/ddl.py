"""What SQLite's own catalog does not tell about a table: read from the text of its CREATE statement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<text>'(?:[^']|'')*')
    |(?P<word>[\w$]+)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(slots=True)
class TableText:
    """The parts of a CREATE TABLE statement that matter: per column its collation and expression, and the checks."""

    collations: dict[str, str] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    autoincrement: bool = False


def tokens(sql: str) -> list[str]:
    """Split SQL into tokens, white space and comments left out."""
    return [m[0] for m in _TOKEN.finditer(sql) if m.lastgroup != "space"]


def normal(sql: str) -> str:
    """Return SQL with its white space and comments evened out, and every letter kept as it is."""
    return " ".join(tokens(sql))


def after_name(sql: str) -> str:
    """Return what comes after the name in a CREATE TRIGGER or CREATE VIEW statement as SQLite keeps it."""
    words = tokens(sql)
    return " ".join(words[5 if words[3:4] == ["."] else 3 :])


def index_target(sql: str) -> str:
    """Return what comes after the index's name in a CREATE INDEX statement: `ON t ( a ) WHERE b > 3`."""
    words = tokens(sql)
    at = next((i for i, word in enumerate(words) if word.upper() == "ON"), len(words))
    return " ".join(["ON", *words[at + 1 :]])


def read_table(sql: str) -> TableText:
    """Read the statement's column list; a statement without one (CREATE ... AS, virtual) gives nothing."""
    text = TableText()
    for item in _items(tokens(sql)):
        upper = [w.upper() for w in item]
        text.autoincrement |= "AUTOINCREMENT" in upper
        for at, word in enumerate(upper):
            if word == "CHECK":
                text.checks.append(" ".join(_parenthesis(item, at + 1)))
        if not item or upper[0] in _TABLE_CONSTRAINTS:
            continue
        name = _unquoted(item[0])
        if "COLLATE" in upper:
            text.collations[name] = upper[upper.index("COLLATE") + 1]
        if "AS" in upper:
            text.expressions[name] = " ".join(_parenthesis(item, upper.index("AS") + 1))
    return text


def _items(words: list[str]) -> list[list[str]]:
    """Split the first parenthesis at its commas."""
    items: list[list[str]] = [[]]
    depth = 0
    for word in words:
        if word == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and word == ",":
            items.append([])
        elif depth >= 1:
            items[-1].append(word)
        if word == "(":
            depth += 1
    return items


def _parenthesis(words: list[str], start: int) -> list[str]:
    """Return the words from an opening parenthesis to the one that closes it."""
    depth = 0
    for at in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[at], 0)
        if depth == 0:
            return words[start : at + 1]
    return words[start:]


def _unquoted(name: str) -> str:
    if name[:1] in '"`':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[:1] == "[" else name
