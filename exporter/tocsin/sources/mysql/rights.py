"""What an account may see: information_schema leaves out whatever it has no privilege on, and what is left out is not gone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

TABLE_KINDS = ("table", "column", "index", "constraint")
ROUTINE_KINDS = ("function", "procedure")
EVERY_KIND = frozenset((*TABLE_KINDS, "view", "trigger", *ROUTINE_KINDS, "event", "sequence", "grant", "comment"))

_ON_COLUMNS = {"SELECT", "INSERT", "UPDATE", "REFERENCES"}
_ON_TABLES = _ON_COLUMNS | {"DELETE", "CREATE", "DROP", "INDEX", "ALTER", "CREATE VIEW", "SHOW VIEW", "TRIGGER"}
_ALL = _ON_TABLES | {"EVENT", "EXECUTE", "SHOW_ROUTINE", "SHOW CREATE ROUTINE", "SHOW DATABASES", "PROCESS"}

_NAME = r"`((?:[^`]|``)+)`"
_LINE = re.compile(rf"(GRANT|REVOKE) (.+?) ON (?:TABLE )?(?:(\*)|{_NAME})\.(?:(\*)|{_NAME}) (?:TO|FROM) (\S+)")


@dataclass(frozen=True, slots=True)
class Rights:
    """What SHOW GRANTS says: privileges everywhere, by pattern of databases, and on single tables. Enabled roles are included."""

    everywhere: frozenset[str] = frozenset()
    databases: tuple[tuple[str, str, frozenset[str]], ...] = ()
    """Grantee, pattern with `%` and `_`, privileges."""
    revoked: tuple[tuple[str, frozenset[str]], ...] = ()
    """Databases that what holds everywhere does not hold in."""
    tables: tuple[tuple[str, str, frozenset[str]], ...] = field(default=())

    @classmethod
    def read(cls, lines: Iterable[str]) -> Rights:
        """Return what the lines of SHOW GRANTS say; those that grant a role or a login are passed over."""
        everywhere: set[str] = set()
        databases, revoked, tables = [], [], []
        for line in lines:
            match = _LINE.match(line)
            if match is None:
                continue
            word, names, all_databases, database, all_tables, table, grantee = match.groups()
            held = _privileges(names)
            if word == "REVOKE":
                revoked.append((database or "", held))
            elif all_databases:
                everywhere |= held
            elif all_tables:
                databases.append((grantee, _plain(database), held))
            else:
                tables.append((_plain(database), _plain(table), held))
        return cls(
            frozenset(everywhere), tuple(sorted(databases, key=str)), tuple(sorted(revoked, key=str)), tuple(sorted(tables, key=str))
        )

    def held(self, database: str) -> frozenset[str]:
        """Return the privileges on everything in a database.

        Of several patterns that match, the server takes the most precise one of each grantee, and it alone.
        """
        best: dict[str, tuple[int, frozenset[str]]] = {}
        for grantee, pattern, privileges in self.databases:
            precision = _precision(pattern)
            if _matches(pattern, database) and precision >= best.get(grantee, (-1, frozenset()))[0]:
                best[grantee] = precision, privileges
        found = self.everywhere.union(*(privileges for _, privileges in best.values()))
        return found.difference(*(privileges for name, privileges in self.revoked if name == database))

    def sees_every_database(self) -> bool:
        return "SHOW DATABASES" in self.everywhere or bool(self.everywhere & _ON_TABLES)

    def reaches(self, database: str) -> bool:
        """Tell whether the database is shown at all, if it exists: privileges outlive what they are on."""
        on_it = any(_matches(pattern, database) for _, pattern, _ in self.databases) or any(name == database for name, _, _ in self.tables)
        return self.sees_every_database() or on_it

    def unseen(self, database: str, *, mariadb: bool) -> frozenset[str]:
        """Return the kinds of objects of which something may be hidden."""
        held = self.held(database)
        if not held & _ON_TABLES:
            return EVERY_KIND if mariadb else EVERY_KIND - {"sequence"}
        found = set()
        if not held & _ON_COLUMNS:
            found |= {"column", "comment"}
        if not (held & _ON_TABLES - {"SELECT"} or "PROCESS" in self.everywhere if mariadb else held & _ON_COLUMNS):
            found |= {"constraint"}  # MariaDB tells of foreign keys whoever may do more than read, or sees InnoDB's own catalog
        if not {"SELECT", "SHOW VIEW"} <= held:
            found |= {"view"}
        found |= {kind for kind, privilege in (("trigger", "TRIGGER"), ("event", "EVENT")) if privilege not in held}
        catalog = self.held("mysql")
        if not (self._reads_routines(held, catalog) if mariadb else self.everywhere & {"SELECT", "SHOW_ROUTINE"}):
            found |= {*ROUTINE_KINDS}
        if mariadb and "SELECT" not in held:
            found |= {"sequence"}
        if "SELECT" not in catalog:
            found |= {"grant"}
        return frozenset(found | ({"comment"} if found & {"event", *ROUTINE_KINDS} else set()))

    def _reads_routines(self, held: frozenset[str], catalog: frozenset[str]) -> bool:
        by_table = any((name, table) == ("mysql", "proc") and "SELECT" in p for name, table, p in self.tables)
        return "SELECT" in catalog or by_table or "SHOW CREATE ROUTINE" in held


def _privileges(text: str) -> frozenset[str]:
    """Return the privileges that are not on single columns."""
    if text.startswith("ALL PRIVILEGES"):
        return frozenset(_ALL)
    return frozenset(word.strip() for word in re.sub(r"[\w ]+ \([^)]*\),?", "", text).split(",") if word.strip())


def _plain(name: str | None) -> str:
    return (name or "").replace("``", "`")


def _precision(pattern: str) -> int:
    """Return how many characters stand before the first wildcard; a pattern without one is the most precise."""
    match = re.search(r"(?<!\\)[%_]", pattern)
    return match.start() if match else 1000


def _matches(pattern: str, database: str) -> bool:
    parts = (".*" if part == "%" else "." if part == "_" else re.escape(part[-1]) for part in re.findall(r"\\.|.", pattern, re.DOTALL))
    return re.fullmatch("".join(parts), database, re.DOTALL) is not None
