"""The questions to information_schema about one database: a fixed number of them, however many tables there are."""

from __future__ import annotations

from collections.abc import Collection

from tocsin.errors import LockedError
from tocsin.sources.mysql.definitions import Rows, name_text
from tocsin.sources.mysql.rights import Rights
from tocsin.sources.mysql.session import MARIADB, Connection

MOST_LOOKUPS = 100
"""Tables that are asked for each by name; beyond that the whole database costs less."""

# A table's time is that of its definition, in whole seconds: one that is younger than that may change again unseen.
# On MariaDB every change of a definition moves it, with InnoDB; partitions have times of their own.
_STAMP = "IF(CREATE_TIME > NOW() - INTERVAL 2 SECOND OR ENGINE <> 'InnoDB' OR CREATE_OPTIONS LIKE '%partitioned%', NULL, CREATE_TIME)"

# Statistics and sizes are left out: they would have the server read from the tables themselves.
_TABLES = f"""
    SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COLLATION, CREATE_OPTIONS, TABLE_COMMENT, {_STAMP}
    FROM information_schema.TABLES WHERE TABLE_SCHEMA = {{db}}{{only}}
"""

_COLUMNS = """
    SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, COLLATION_NAME, EXTRA, COLUMN_COMMENT,
        GENERATION_EXPRESSION, {srid}
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {db}{only}
"""

_INDEXES = """
    SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX, COLUMN_NAME, COLLATION, SUB_PART, INDEX_TYPE, INDEX_COMMENT,
        {visible}, {expression}
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = {db}{only}
"""

_REFERENCES = """
    SELECT TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME,
        REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = {db} AND REFERENCED_TABLE_NAME IS NOT NULL
"""

_RULES = """
    SELECT TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE
    FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = {db}
"""

# To say it in the words above MariaDB opens every table, which InnoDB's own catalog spares it. Names are as in file names there.
_FILE_NAME = "CONVERT(CONVERT(CAST(SUBSTRING_INDEX({}, '/', {}) AS BINARY) USING filename) USING utf8mb4)"
_INNODB_REFERENCES = f"""
    SELECT ID, {_FILE_NAME.format("FOR_NAME", -1)}, SUBSTRING_INDEX(ID, '/', -1), {_FILE_NAME.format("REF_NAME", 1)},
        {_FILE_NAME.format("REF_NAME", -1)}, TYPE & 8, TYPE & 4, TYPE & 2, TYPE & 1
    FROM information_schema.INNODB_SYS_FOREIGN WHERE {_FILE_NAME.format("FOR_NAME", 1)} = {{db}}
"""
_INNODB_KEYS = "SELECT ID, POS, FOR_COL_NAME, REF_COL_NAME FROM information_schema.INNODB_SYS_FOREIGN_COLS"

_CHECKS_MARIADB = """
    SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, 'YES' FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = {db}{only}
"""
_CHECKS_MYSQL = """
    SELECT t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED
    FROM information_schema.TABLE_CONSTRAINTS AS t
    JOIN information_schema.CHECK_CONSTRAINTS AS c ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
    WHERE t.TABLE_SCHEMA = {db} AND t.CONSTRAINT_TYPE = 'CHECK'{only}
"""

_PARTITIONS = """
    SELECT TABLE_NAME, PARTITION_NAME, SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD, PARTITION_EXPRESSION,
        SUBPARTITION_EXPRESSION, PARTITION_DESCRIPTION
    FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = {db}{only} AND PARTITION_NAME IS NOT NULL
"""

_VIEWS = """
    SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, {algorithm}
    FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {db}
"""

_ROUTINES = """
    SELECT ROUTINE_TYPE, ROUTINE_NAME, DTD_IDENTIFIER, COLLATION_NAME, DATABASE_COLLATION, EXTERNAL_LANGUAGE, ROUTINE_DEFINITION,
        IS_DETERMINISTIC, SQL_DATA_ACCESS, SECURITY_TYPE, DEFINER, SQL_MODE, ROUTINE_COMMENT
    FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {db}
"""

_PARAMETERS = """
    SELECT p.ROUTINE_TYPE, p.SPECIFIC_NAME, p.ORDINAL_POSITION, p.PARAMETER_MODE, p.PARAMETER_NAME, p.DTD_IDENTIFIER, p.COLLATION_NAME,
        r.DATABASE_COLLATION
    FROM information_schema.PARAMETERS AS p
    JOIN information_schema.ROUTINES AS r
        ON r.ROUTINE_SCHEMA = p.SPECIFIC_SCHEMA AND r.SPECIFIC_NAME = p.SPECIFIC_NAME AND r.ROUTINE_TYPE = p.ROUTINE_TYPE
    WHERE p.SPECIFIC_SCHEMA = {db} AND r.ROUTINE_SCHEMA = {db}
    ORDER BY p.ORDINAL_POSITION
"""

# By the database of the table, which is the trigger's own, MariaDB need not look through all databases.
_TRIGGERS = """
    SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, DEFINER, SQL_MODE
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {db} AND EVENT_OBJECT_SCHEMA = {db}
"""

_EVENTS = """
    SELECT EVENT_NAME, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, ENDS, TIME_ZONE, ON_COMPLETION, STATUS,
        EVENT_DEFINITION, DEFINER, SQL_MODE, EVENT_COMMENT, CREATED, LAST_ALTERED
    FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {db}
"""

_GRANTS = """
    SELECT 'database', NULL, NULL, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE
    FROM information_schema.SCHEMA_PRIVILEGES WHERE {db} LIKE TABLE_SCHEMA
    UNION ALL
    SELECT 'table', TABLE_NAME, NULL, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE
    FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = {db}
    UNION ALL
    SELECT 'column', TABLE_NAME, COLUMN_NAME, GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE
    FROM information_schema.COLUMN_PRIVILEGES WHERE TABLE_SCHEMA = {db}
    UNION ALL
    SELECT LOWER(Routine_type), Routine_name, NULL, CONCAT(User, '@', Host), Proc_priv, IF(FIND_IN_SET('Grant', Proc_priv), 'YES', 'NO')
    FROM mysql.procs_priv WHERE Db = {db}
"""

# A sequence is a table of one row; where it stands is no part of what it is.
_SEQUENCE = "SELECT {name}, start_value, minimum_value, maximum_value, increment, cache_size, cycle_option FROM {place}"

_LOCK_WAIT = b"1205"


class Reader:
    """Puts the questions. Raises LockedError when somebody holds a table exclusively: it is not waited for."""

    def __init__(self, connection: Connection, database: str, deadline: float, rights: Rights) -> None:
        self.mariadb = connection.version >= MARIADB
        self.unseen = rights.unseen(database, mariadb=self.mariadb)
        self._knows_innodb = self.mariadb and "PROCESS" in rights.everywhere
        self._connection = connection
        self._deadline = deadline
        self._place = name_text(database)
        self._words = {
            "db": _literal(database),
            "srid": "NULL" if self.mariadb else "SRS_ID",
            "visible": "IGNORED = 'NO'" if self.mariadb else "IS_VISIBLE = 'YES'",
            "expression": "NULL" if self.mariadb else "EXPRESSION",
            "algorithm": "ALGORITHM" if self.mariadb else "NULL",
        }
        if self.mariadb:
            # Whoever holds a table holds it for longer than we would wait, and every question would wait again.
            connection.query("SET SESSION lock_wait_timeout = 0", deadline)

    def names(self) -> Rows:
        """Return the tables as `tables` has them."""
        return self._ask(_TABLES)

    def programs(self) -> dict[str, Rows]:
        """Return what is not said by the definitions of tables themselves."""
        rows = self._innodb_references() if self._knows_innodb else {"references": self._ask(_REFERENCES), "rules": self._ask(_RULES)}
        rows |= {"views": self._ask(_VIEWS), "triggers": self._ask(_TRIGGERS), "events": self._ask(_EVENTS)}
        rows |= {"routines": self._ask(_ROUTINES), "parameters": self._ask(_PARAMETERS)}
        rows["grants"] = self._ask(_GRANTS) if "grant" not in self.unseen else []
        return rows

    def details(self, tables: Rows, only: Collection[str] | None = None) -> dict[str, Rows]:
        """Return what tables are made of, of all or of some. `tables` are the rows about the tables and views themselves."""
        rows = {"tables": tables, "columns": self._ask(_COLUMNS, only), "indexes": self._ask(_INDEXES, only)}
        rows["checks"] = self._ask(_CHECKS_MARIADB if self.mariadb else _CHECKS_MYSQL, only, "" if self.mariadb else "t.")
        partitioned = [row[0] or "" for row in tables if "partitioned" in (row[4] or "")]
        rows["partitions"] = self._ask(_PARTITIONS, partitioned if only is not None or len(partitioned) <= MOST_LOOKUPS else None)
        sequences = [row[0] or "" for row in tables if row[1] == "SEQUENCE"]
        rows["sequences"] = self._sequences(sequences) if "sequence" not in self.unseen else []
        return rows

    def _innodb_references(self) -> dict[str, Rows]:
        """Return foreign keys in the form that information_schema has."""
        keys: dict[str | None, Rows] = {}
        for number, position, column, referenced in self._ask(_INNODB_KEYS):
            keys.setdefault(number, []).append((position, column, referenced))
        references: Rows = []
        rules: Rows = []
        for number, table, name, schema, other, *bits in self._ask(_INNODB_REFERENCES):
            references += [
                (table, name, position, column, schema, other, referenced) for position, column, referenced in keys.get(number, ())
            ]
            update_null, update_cascade, delete_null, delete_cascade = (bit != "0" for bit in bits)
            rules.append((table, name, _innodb_rule(update_null, update_cascade), _innodb_rule(delete_null, delete_cascade)))
        return {"references": references, "rules": rules}

    def _sequences(self, names: Collection[str]) -> Rows:
        parts = [_SEQUENCE.format(name=_literal(name), place=f"{self._place}.{name_text(name)}") for name in names]
        return self._query(" UNION ALL ".join(parts)) if parts else []

    def _ask(self, sql: str, only: Collection[str] | None = None, alias: str = "") -> Rows:
        """Ask about the whole database, or about these tables each by name: what the server looks up without looking at the others."""
        if only is None:
            return self._query(sql.format(**self._words, only=""))
        parts = (sql.format(**self._words, only=f" AND {alias}TABLE_NAME = {_literal(name)}") for name in only)
        return self._query(" UNION ALL ".join(parts)) if only else []

    def _query(self, sql: str) -> Rows:
        result = self._connection.query(sql, self._deadline)
        rows: Rows = [[None if cell is None else cell.decode("utf-8", "replace") for cell in row] for row in result.rows]
        if self.mariadb:
            self._refuse_gaps()
        return rows

    def _refuse_gaps(self) -> None:
        """Raise LockedError when MariaDB has left a locked table out of its answer, of which it says so in a warning only."""
        for _, number, message in self._connection.query("SHOW WARNINGS", self._deadline).rows:
            if number == _LOCK_WAIT:
                text = (message or b"").decode("utf-8", "replace")
                raise LockedError(f"a table of {self._place} is held by another session ({text}); tried again at the next run")


def _innodb_rule(sets_null: bool, cascades: bool) -> str | None:
    return "SET NULL" if sets_null else "CASCADE" if cascades else None


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
