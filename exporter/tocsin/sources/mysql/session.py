"""The way to a MySQL or MariaDB server: one connection, every wait limited, results as the text that the server sent."""

from __future__ import annotations

import re
import select
import time
from collections.abc import Sequence
from typing import Any

from tocsin.errors import (
    AuthError,
    CollectError,
    ConnectError,
    DeadlineError,
    InternalError,
    LockedError,
    PrivilegeError,
    SetupError,
    Unsupported,
)  # fmt: skip
from tocsin.handshake.greeting import Tls
from tocsin.handshake.peer import tls_of
from tocsin.options import masked
from tocsin.source import Run
from tocsin.sources.mysql import login, tls
from tocsin.sources.mysql.config import GUARDED, MysqlOptions
from tocsin.sources.mysql.wire import MALFORMED, read_rows, read_until
from tocsin.sql import Ask, Result
from tocsin.sticky import Sticky

MARIADB = 100000
"""MariaDB's version numbers begin here, and those of MySQL end: 10.11.6 is 101106, 8.0.36 is 80036."""

STATEMENTS_KEPT = 250
"""Statements that have series of their own, as many as the reference exporter's; the rest is summed under digest `other`."""

_REASONS: dict[int, type[CollectError]] = {
    1040: ConnectError,    # too many connections
    1044: PrivilegeError,  # access denied to database
    1045: AuthError,       # access denied for user
    1049: SetupError,      # unknown database
    1053: ConnectError,    # server shutdown in progress
    1054: SetupError, 1064: SetupError, 1146: SetupError, 1305: SetupError,  # unknown column, syntax, unknown table, unknown function
    1080: ConnectError,    # forced close of thread
    1129: ConnectError,    # host is blocked because of many connection errors
    1130: AuthError,       # host is not allowed to connect
    1142: PrivilegeError,  # command denied for table
    1143: PrivilegeError,  # command denied for column
    1152: ConnectError,    # aborted connection
    1158: ConnectError, 1159: ConnectError, 1160: ConnectError, 1161: ConnectError,  # packets that did not arrive
    1184: ConnectError,    # aborted new connection
    1203: ConnectError,    # max_user_connections of the server
    1205: LockedError,     # lock wait timeout
    1213: LockedError,     # deadlock
    1226: ConnectError,    # a limit of the account
    1227: PrivilegeError,  # one of these privileges is needed
    1251: AuthError,       # the client does not know the authentication
    1275: AuthError,
    1317: DeadlineError,   # query execution was interrupted
    1370: PrivilegeError,  # routine
    1524: AuthError,       # authentication plugin is not loaded
    1698: AuthError,       # access denied for user, by a plugin that asks for no password
    1792: SetupError,      # a statement that writes, in a read-only session
    1820: AuthError, 1862: AuthError,  # password expired
    1927: ConnectError,    # connection was killed (MariaDB)
    1969: DeadlineError,   # max_statement_time exceeded (MariaDB)
    2002: ConnectError, 2003: ConnectError, 2006: ConnectError, 2013: ConnectError, 2055: ConnectError,
    2026: ConnectError,    # TLS
    2059: AuthError, 2061: AuthError,  # authentication plugin
    3024: DeadlineError,   # max_execution_time exceeded (MySQL)
    3118: AuthError, 3955: AuthError,  # account locked
    3159: AuthError,       # connections using insecure transport are prohibited
    4031: ConnectError,    # disconnected because of inactivity (MySQL)
    4151: AuthError,       # account locked (MariaDB)
    4166: AuthError,       # account locked after too many wrong passwords (MariaDB)
}  # fmt: skip
"""Error numbers and the failures that they mean: https://mariadb.com/kb/en/mariadb-error-code-reference/ and MySQL's own."""

_LACKING = {1109, 1193, 1286, 1235}
"""Unknown table of information_schema, system variable or storage engine, unsupported statement: the server lacks the feature."""

_IDLE = 300
"""Seconds that the server keeps a connection of ours that says nothing; whoever scrapes more seldom connects anew."""

_GRACE = 0.5
"""Seconds that a killed statement has to end in, and the second connection to kill it."""


class Connection:
    """One connection; every wait ends at the deadline that the caller gives (monotonic seconds)."""

    def __init__(self, options: MysqlOptions, deadline: float) -> None:
        from pymysql import MySQLError  # 7 MB that only MySQL and MariaDB targets pay

        self._errors = MySQLError
        self._options = options
        self._name = options.name
        self.server = options.server()
        self._secret = self.server.password.reveal()
        self._patience = float("inf")
        self._sql = self._connect(deadline)
        try:
            ((version,),) = self.query("SELECT VERSION()", deadline).rows
            self.version = version_number((version or b"").decode())
            # Read-only by the session too; an empty mode so that the same SQL means the same on every server. What is left of us
            # when the network goes away is closed by the server, or it would hold its place for the usual eight hours.
            self.query("SET SESSION TRANSACTION READ ONLY", deadline)
            # MySQL else tells a table's size and next number as they were up to a day ago; MariaDB keeps no such copies.
            fresh = "" if self.version >= MARIADB else ", information_schema_stats_expiry = 0"
            self.query(f"SET SESSION sql_mode = '', sql_quote_show_create = 1, wait_timeout = {_IDLE}{fresh}", deadline)
        except BaseException:
            self.close()
            raise

    def _connect(self, deadline: float) -> Any:
        server, left = self.server, deadline - time.monotonic()
        if left <= 0:
            raise DeadlineError(f"{self._name}: no time left to connect", lost=True)
        try:
            return login.careful_driver(full=server.ssl.get("mode") != GUARDED)(
                host=server.host,
                port=server.port,
                unix_socket=server.socket or None,
                user=server.user,
                password=self._secret.encode(),
                connect_timeout=left,
                read_timeout=left,
                write_timeout=left,
                charset="utf8mb4",
                use_unicode=False,
                conv={},
                autocommit=True,
                program_name="tocsin",
                **tls.options(server, self._name),
            )
        except self._errors as error:
            raise self._failure(error, connecting=True) from error
        except (OSError, ValueError, RuntimeError) as error:
            # TLS handshakes fail as OSError, an authentication that needs another package as RuntimeError.
            text = self._clean(str(error))
            raise ConnectError(f"{self._name}: cannot connect: {text}{tls.advice(text)}", lost=True) from error
        except MALFORMED as error:
            raise self._malformed() from error

    def encryption(self) -> Tls | None:
        """Return what the server showed when the connection was encrypted; None for one that is not."""
        from ssl import SSLSocket

        return tls_of(self._sql._sock) if isinstance(self._sql._sock, SSLSocket) else None

    def limit(self, deadline: float) -> None:
        """Limit the statements after this one: half of what is left for each, a second for a lock.

        Half, so that one slow statement cannot spend the whole scrape. MySQL's own limit is for SELECT only, so
        that ours, a little later, must stop the others.
        """
        self._patience = float("inf")
        milliseconds = max(100, int((deadline - time.monotonic()) * 500))
        self._patience = milliseconds / 1000 * 1.1 + 0.1
        if self.version >= MARIADB:
            words = f"SET SESSION max_statement_time = {milliseconds / 1000}, lock_wait_timeout = 1"
        else:
            words = f"SET SESSION max_execution_time = {milliseconds}, lock_wait_timeout = 1"
        self.query(words, deadline)

    def query(self, sql: str, deadline: float, most: int | None = None) -> Result:
        """Run one statement and return its result, of which `most` rows are held.

        Raises CollectError, or Unsupported for what the server does not know.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineError(f"{self._name}: no time left to ask", lost=False)
        driver = self._sql
        try:
            # The driver's reading and sending apart, so that a statement can be stopped and the connection kept.
            driver._write_timeout = left
            driver._execute_command(3, sql)  # COM_QUERY
            stopped = not self._answers_within(min(left, self._patience))
            if stopped:
                self._stop(driver.thread_id())
            read_until(driver, max(time.monotonic() + 0.05, deadline + 2 * _GRACE))
            driver._read_query_result(unbuffered=True)
            result = driver._result
            rows, left_out = read_rows(driver, most) if result.unbuffered_active else ([], 0)
        except self._errors as error:
            raise self._failure(error) from error
        except OSError as error:
            raise DeadlineError(f"{self._name}: no answer within the deadline while reading", lost=True) from error
        except (*MALFORMED, RuntimeError) as error:  # the last for a server that asks for a file of ours
            raise self._malformed() from error
        if stopped:  # some statements answer a KILL with a value of no meaning instead of an error
            raise DeadlineError(f"{self._name}: stopped, because it took longer than its part of the scrape")
        return Result([name for name, *_ in result.description or ()], rows, left_out)

    def _answers_within(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._sql._sock, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def _stop(self, thread: int) -> None:
        """Have the server stop our statement, by a second connection. Raises DeadlineError when it does not even do that."""
        late = DeadlineError(f"{self._name}: no answer within the deadline while waiting for a result", lost=True)
        try:
            other = self._connect(time.monotonic() + _GRACE)
        except CollectError:
            self.close()
            raise late from None
        try:
            other.query(f"KILL QUERY {thread:d}")
        except self._errors:
            pass  # it has just ended, or the server is deaf
        finally:
            _let_go(other)
        if not self._answers_within(_GRACE):
            self.close()
            raise late

    def _malformed(self) -> ConnectError:
        return ConnectError(f"{self._name}: the server's answer is not understood; is it a MySQL or MariaDB server?", lost=True)

    def _failure(self, error: Exception, *, connecting: bool = False) -> CollectError | Unsupported:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        text = self._clean(str(error.args[1] if len(error.args) > 1 else error))
        if number in _LACKING:
            return Unsupported(f"{self._name}: {text} ({number})")
        broken = number in (0, 1053, 1080, 1927, 4031) or 2000 <= number < 3000
        late = "timed out" in text
        kind = _REASONS.get(number, ConnectError if broken else InternalError)
        if late and kind is ConnectError:
            return DeadlineError(
                f"{self._name}: no answer within the deadline while {'connecting' if connecting else 'reading'}", lost=True
            )
        advice = _advice(kind, text, connecting)
        return kind(f"{self._name}: {text} ({number}){advice}", lost=connecting or broken)

    def _clean(self, message: str) -> str:
        return masked(message, self._secret)

    def close(self) -> None:
        _let_go(self._sql)


def _let_go(driver: Any) -> None:
    """Say goodbye without waiting: a server that does not read must not hold us up."""
    if driver.open:
        driver._write_timeout = 0.1
        driver.close()


def _advice(kind: type[CollectError], text: str, connecting: bool) -> str:
    """Return what to do about a failure, from the server's own words."""
    if kind is PrivilegeError:
        if match := re.search(r"you need \(at least one of\) the (.+?) privilege", text):
            return f"; GRANT {match[1].split(', ')[-1]} ON *.* TO the user"
        if match := re.search(r"(\w+) command denied .* for (?:table|column) (\S+)", text):
            return (
                f"; GRANT {match[1]} ON {match[2].strip('`')} TO the user" if "." in match[2] else f"; GRANT {match[1]} ON *.* TO the user"
            )
        return "; grant the user the privilege"
    if kind is AuthError and "insecure transport" in text:
        return "; this server wants TLS: say ssl_mode: required"
    if kind is AuthError:
        return "; check user, password, the host that the account is for, and whether it must use TLS"
    if kind is LockedError:
        return "; another session holds a lock on it, tried again at the next run"
    if kind is ConnectError and connecting:
        return tls.advice(text) or "; is the server running, and are host and port right?"
    return ""


def version_number(text: str) -> int:
    """Return a version as a number. Raises Unsupported for a server that gives none.

    >>> version_number("8.0.36-28"), version_number("5.5.5-10.11.6-MariaDB-log")
    (80036, 101106)
    """
    match = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", text)
    if match is None:
        raise SetupError(f"the server's version {text!r} is not understood", lost=True)
    major, minor, patch = (int(part) for part in match.groups())
    return major * 10000 + minor * 100 + patch


class MysqlSession:
    """One connection to one server, reused as long as it works."""

    def __init__(self, options: MysqlOptions) -> None:
        self.options = options
        self.connection: Connection | None = None
        self.statements = Sticky(STATEMENTS_KEPT)

    @property
    def version(self) -> int:
        assert self.connection is not None
        return self.connection.version

    def begin(self, runs: list[Run]) -> None:
        """Connect if need be and set the limits of what follows; the answer tells that the server lives."""
        deadline = max(run.deadline for run in runs)
        fresh = self.connection is None
        try:
            self._prepare(deadline)
        except CollectError as error:
            self.close()
            # A connection that the server closed while nobody looked says nothing about the server: try once more.
            if fresh or not isinstance(error, ConnectError):
                raise
            self._prepare(deadline)

    def _prepare(self, deadline: float) -> None:
        if self.connection is None:
            self.connection = Connection(self.options, deadline)
        self.connection.limit(deadline)

    def renew(self, deadline: float) -> None:
        """Log in again: a connection keeps the privileges on everything that it began with."""
        self.close()
        self._prepare(deadline)

    def answer(self, run: Run) -> Result:
        """Return the answer to the run's query."""
        ask = run.collector.collect
        if not isinstance(ask, Ask):
            raise InternalError(f"{run.collector.name} is not a query")
        sql = ask.query.for_version(self.version)
        if not sql:
            raise Unsupported(f"{run.collector.name}: MariaDB does not have it")
        return self.query(sql, run, ask.query.most)

    def query(self, sql: str, run: Run, most: int | None = None) -> Result:
        """Run a statement for the run, within its deadline."""
        assert self.connection is not None
        return self.connection.query(sql, run.deadline, most)

    def rows(self, sql: str, run: Run) -> Sequence[Sequence[bytes | None]]:
        return list(self.query(sql, run).rows)

    def close(self) -> None:
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.close()
