"""Whether a schema may have changed: what the server counts of statements that change one, and those that are running."""

from __future__ import annotations

import hashlib
import re

from tocsin.sources.mysql.session import MARIADB, Connection

# Every statement of these kinds is counted when it begins, whoever sends it: clients, programs, events and, as tests
# have shown, what applies a primary's changes on a replica. Temporary tables change no schema; MySQL counts them all the same.
_WORDS = "alter|create|drop|rename|grant|revoke"
_COUNTED = f"SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_({_WORDS})(_|$)' AND Variable_name NOT LIKE '%temporary%'"

# A password that is set counts too: it costs a question in vain.
_OF_ACCOUNTS = "SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_(grant|revoke|(alter|create|drop|rename)_(user|role))'"

# The counters begin anew at a start, and on some servers with FLUSH STATUS. Both numbers are of the same moment:
# their difference, when the server was started, is always the same.
_SINCE = """
    SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE FROM {}.global_status
    WHERE VARIABLE_NAME IN ('UPTIME', 'UPTIME_SINCE_FLUSH_STATUS') ORDER BY VARIABLE_NAME
"""

# A statement that is counted and still going will change the schema later. What runs inside another, prepared or in a
# procedure, stands here by itself.
_RUNNING = f"""
    SELECT ID, CRC32(INFO) FROM information_schema.PROCESSLIST
    WHERE ID <> CONNECTION_ID() AND LEFT(INFO, 1000) REGEXP
        '(?is)^([[:space:]]|/[*].*?[*]/|(--|#)[^\\n]*\\n|set[[:space:]]+statement[[:space:]].*?[[:space:]]for[[:space:]])*({_WORDS})[[:space:]]'
    ORDER BY ID
"""


def evidence(connection: Connection, deadline: float) -> str:
    """Return text that differs from an earlier one when a statement that may change a schema has begun or ended since.

    The counters come first: a statement that begins between the questions is then counted later or seen running now.
    Without the privilege PROCESS those of others are not seen running.
    """
    counted = _counters(connection, _COUNTED, deadline)
    since = _since(connection, deadline)
    running = [b":".join(cell or b"" for cell in row).decode() for row in connection.query(_RUNNING, deadline).rows]
    return ";".join((counted, since, digest(running)))


def has_running(evidence: str) -> bool:
    """Tell whether a statement was going on then whose effect is still to come."""
    return evidence.split(";")[2] != ""


def concerning_accounts(connection: Connection, deadline: float) -> str:
    """Return text that differs from an earlier one when a statement about accounts or their rights has begun since."""
    return f"{_counters(connection, _OF_ACCOUNTS, deadline)};{_since(connection, deadline)}"


def _counters(connection: Connection, sql: str, deadline: float) -> str:
    return ",".join((value or b"").decode() for _, value in connection.query(sql, deadline).rows)


def _since(connection: Connection, deadline: float) -> str:
    place = "information_schema" if connection.version >= MARIADB else "performance_schema"
    return ",".join(re.sub(r"\.0*$", "", (value or b"").decode()) for (value,) in connection.query(_SINCE.format(place), deadline).rows)


def digest(parts: object) -> str:
    """Return a short text that stands for a longer one; empty for nothing."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16] if parts else ""
