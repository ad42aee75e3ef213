"""One connection to a PostgreSQL server: libpq's pipeline mode, results as the text that the server sent."""

from __future__ import annotations

import re
import select
import time
from typing import TYPE_CHECKING

from tocsin.errors import (
    AuthError,
    CollectError,
    ConnectError,
    DeadlineError,
    InternalError,
    LockedError,
    PrivilegeError,
    SetupError,
)  # fmt: skip
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sql import Result

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

# What differs between two sessions would differ in what the catalog says, so each session is pinned to the same.
_SETTINGS = (
    "-c client_min_messages=error -c DateStyle=ISO -c IntervalStyle=postgres "
    "-c TimeZone=UTC -c extra_float_digits=1 -c quote_all_identifiers=off -c search_path="
)

_CLASSES: dict[str, type[CollectError]] = {
    "28": AuthError, "42501": PrivilegeError, "55P03": LockedError, "57014": DeadlineError,
    "53300": ConnectError, "57P": ConnectError, "08": ConnectError, "3D000": SetupError,
    "25006": SetupError, "42": SetupError, "22": SetupError,  # an own query that is wrong
}  # fmt: skip
"""SQLSTATE, or its beginning, to the failure that it means (PostgreSQL manual, appendix A)."""

_BUSY = (
    r"too many (clients|connections)|remaining connection slots|starting up|shutting down|in recovery mode|not (yet|currently) accepting"
)
_REFUSED = r'pg_hba\.conf|authentication failed|role ".*" does not exist|not permitted to log in'
"""What a server says when it takes no connection now, and when it never will from this user."""


class Connection:
    """One connection; every wait ends at the deadline that the caller gives (monotonic seconds)."""

    def __init__(self, options: PostgresOptions, database: str | None, deadline: float) -> None:
        from psycopg import OperationalError, pq  # 15 MB that only PostgreSQL targets pay

        self._pq = pq
        self._broken = OperationalError
        self._name = options.name
        self._waiting = 0
        parameters = _parameters(options, database)
        self.database = parameters.get("dbname") or parameters.get("user") or ""
        self._secret = parameters.get("password", "")
        words = " ".join(f"{k}='{_escape(v)}'" for k, v in parameters.items())
        self._pg: PGconn = pq.PGconn.connect_start(words.encode())
        try:
            self._finish_connecting(deadline)
        except BaseException:
            self._pg.finish()
            raise
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()

    @property
    def server_version(self) -> int:
        return self._pg.server_version

    @property
    def address(self) -> str:
        """host:port of the server that answered, wherever the DSN came from."""
        return f"{self._pg.host.decode()}:{self._pg.port.decode()}"

    def _finish_connecting(self, deadline: float) -> None:
        pq, pg = self._pq, self._pg
        while True:
            if pg.status == pq.ConnStatus.BAD:
                raise self._refusal()
            state = pg.connect_poll()
            if state == pq.PollingStatus.OK:
                return
            if state == pq.PollingStatus.FAILED:
                raise self._refusal()
            self._wait(deadline, write=state == pq.PollingStatus.WRITING, doing="connecting")

    def _refusal(self) -> CollectError:
        """Tell why no connection came about. libpq gives no SQLSTATE here, so the server's words decide."""
        pg = self._pg
        text = self._clean(pg.error_message)
        if re.search(_BUSY, text):
            return ConnectError(f"{self._name}: the server refuses connections now: {text}; tried again at the next run", lost=True)
        if re.search(r'database ".*" does not exist', text):
            return SetupError(f"{self._name}: {text}; mend the dsn", lost=True)
        if re.search(r'permission denied for database ".*"', text):
            return PrivilegeError(f"{self._name}: {text}; grant the role CONNECT on it", lost=True)
        broke = "server closed the connection" in text
        if not broke and (pg.needs_password or pg.used_password or re.search(_REFUSED, text)):
            return AuthError(f"{self._name}: the server refuses the login: {text}; check user, password and pg_hba.conf", lost=True)
        return ConnectError(f"{self._name}: cannot connect: {text}; is the server running, and are host and port right?", lost=True)

    def _wait(self, deadline: float, *, write: bool, doing: str) -> None:
        left = deadline - time.monotonic()
        poller = select.poll()  # not select(): descriptors above 1023 are ordinary in a busy process
        poller.register(self._pg.socket, select.POLLIN | (select.POLLOUT if write else 0))
        if left <= 0 or not poller.poll(left * 1000):
            raise DeadlineError(
                f"{self._name}: no answer within the deadline while {doing}; is the server overloaded or cut off?", lost=True
            )

    def send(self, statements: list[str]) -> None:
        """Queue statements, each in a transaction of its own, so that one failing spoils no other."""
        try:
            for sql in statements:
                self._pg.send_query_params(sql.encode(), None)
                self._pg.pipeline_sync()
                self._waiting += 1
        except self._broken as error:
            raise self._breakage(error) from error

    def send_together(self, statements: list[str]) -> None:
        """Queue statements as one transaction. One result each; after the first that fails, errors."""
        try:
            for sql in statements:
                self._pg.send_query_params(sql.encode(), None)
            self._pg.pipeline_sync()
        except self._broken as error:
            raise self._breakage(error) from error
        self._waiting += 1

    def receive(self, deadline: float, count: int = 1) -> list[Result | CollectError]:
        """Return the results of the next queued transaction, `count` statements of it."""
        pq = self._pq
        results: list[Result | CollectError] = []
        while True:
            raw = self._next_result(deadline)
            if raw is None:
                continue  # the end of one statement's results
            if raw.status == pq.ExecStatus.PIPELINE_SYNC:
                self._waiting -= 1
                break
            results.append(self._read(raw))
        if len(results) != count:
            raise InternalError(f"{self._name}: {len(results)} results for {count} statements", lost=True)
        return results

    def query(self, sql: str, deadline: float) -> Result:
        """Run one statement and return its result; raises CollectError."""
        if self._waiting:
            raise InternalError(f"{self._name}: a statement in the middle of others' results", lost=True)
        self.send([sql])
        (result,) = self.receive(deadline)
        if isinstance(result, CollectError):
            raise result
        return result

    def _next_result(self, deadline: float) -> PGresult | None:
        pg = self._pg
        try:
            unsent = pg.flush()
            while unsent or pg.is_busy():
                self._wait(deadline, write=bool(unsent), doing="waiting for a result")
                pg.consume_input()
                unsent = pg.flush()
            return pg.get_result()
        except self._broken as error:
            raise self._breakage(error) from error

    def _breakage(self, error: Exception) -> ConnectError:
        text = self._clean(self._pg.error_message or str(error).encode())
        return ConnectError(f"{self._name}: the connection broke: {text}; is the server running?", lost=True)

    def _read(self, raw: PGresult) -> Result | CollectError:
        pq = self._pq
        if raw.status == pq.ExecStatus.PIPELINE_ABORTED:
            return InternalError(f"{self._name}: not run, because a statement before it failed")
        if raw.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return self._failure(raw)
        width = range(raw.nfields)
        columns = [(raw.fname(i) or b"").decode() for i in width]
        get = raw.get_value
        return Result(columns, ([get(i, j) for j in width] for i in range(raw.ntuples)))

    def _failure(self, raw: PGresult) -> CollectError:
        state = (raw.error_field(self._pq.DiagnosticField.SQLSTATE) or b"").decode()
        text = self._clean(raw.error_field(self._pq.DiagnosticField.MESSAGE_PRIMARY) or b"the connection broke")
        kind = next((c for prefix, c in _CLASSES.items() if state.startswith(prefix)), InternalError if state else ConnectError)
        advice = {
            PrivilegeError: "; grant the role pg_monitor",
            LockedError: "; another session holds a lock on it, tried again at the next run",
            DeadlineError: "; the statement is slow or the server busy, allow a longer scrape timeout",
            ConnectError: "; is the server running?",
        }.get(kind, "")
        return kind(f"{self._name}: {text} ({state or 'no SQLSTATE'}){advice}", lost=kind is ConnectError)

    def _clean(self, message: bytes) -> str:
        text = " ".join(message.decode("utf-8", "replace").split())
        return text.replace(self._secret, "***") if self._secret else text

    def cancel(self) -> None:
        """Ask the server to stop what it is doing for us; waits half a second at most."""
        pq = self._pq
        try:
            request = self._pg.cancel_conn()
            request.start()
            limit = time.monotonic() + 0.5
            while (state := request.poll()) not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED) and time.monotonic() < limit:
                poller = select.poll()
                poller.register(request.socket, select.POLLIN if state == pq.PollingStatus.READING else select.POLLOUT)
                poller.poll(100)
            request.finish()
        except self._broken:
            pass  # the server is gone or deaf; closing is all that is left

    def close(self) -> None:
        if self._waiting:
            self.cancel()
        self._pg.finish()


def _parameters(options: PostgresOptions, database: str | None) -> dict[str, str]:
    """Merge the DSN with what every session of ours has. Raises SetupError without quoting the DSN."""
    from psycopg import ProgrammingError, conninfo

    dsn = options.connection_string().reveal()
    try:
        given = {k: str(v) for k, v in conninfo.conninfo_to_dict(dsn).items()}
    except ProgrammingError:
        raise SetupError(f"target {options.name}: dsn is not a connection string that libpq understands") from None
    password = options.password()
    if password is not None:
        given["password"] = password.reveal()
    given["application_name"] = "tocsin"
    given.setdefault("gssencmode", "disable")
    given["options"] = f"{given.get('options', '')} {_SETTINGS}".strip()
    if database is not None:
        given["dbname"] = database
    return given


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def limits(deadline: float) -> str:
    """Return the statement that limits those after it: they only read, each for half of what is left, a tenth (at most 1 s) for a lock.

    Half, so that one slow statement cannot spend the whole scrape. Set in the session and not when it
    begins, so that pg_settings still tells the server's own values, as those that RESET would bring back.
    """
    left = max(0.1, deadline - time.monotonic())
    statement = int(left * 500)
    lock = min(1000, int(left * 100))
    values = {"default_transaction_read_only": "on", "statement_timeout": statement, "lock_timeout": lock}
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in values.items())
