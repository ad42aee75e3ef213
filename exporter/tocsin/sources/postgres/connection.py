"""One connection to a PostgreSQL server: libpq's pipeline mode, results as the text that the server sent."""

from __future__ import annotations

import re
import select
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
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
from tocsin.options import masked
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.parameters import escaped, merged, with_addresses
from tocsin.sql import Result

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

_CHUNK = 50
"""Rows of a long result that are held at a time."""

_CLASSES: dict[str, type[CollectError]] = {
    "28": AuthError, "42501": PrivilegeError, "55P03": LockedError, "57014": DeadlineError,
    "53300": ConnectError, "57P": ConnectError, "08": ConnectError, "3D000": SetupError,
    "25006": SetupError, "42": SetupError, "22": SetupError,  # an own query that is wrong
}  # fmt: skip
"""SQLSTATE, or its beginning, to the failure that it means (PostgreSQL manual, appendix A)."""

_PLAN_IS_STALE = ("0A000", "26000")
"""A plan whose result has another type since, and one that somebody threw away: they are made anew for the next run."""

_BUSY = (
    r"too many (clients|connections)|remaining connection slots|starting up|shutting down|in recovery mode|not (yet|currently) accepting"
)
_SENSELESS = r"^invalid (integer value|port number)|^invalid \w+ value:"
_REFUSED = r'pg_hba\.conf|authentication failed|role ".*" does not exist|not permitted to log in'
"""What is said when a server takes no connection now, when libpq finds a value that makes no sense, and when a user is never let in."""


class _Rows:
    """The rows of a result, as often as they are asked for, and how many there are."""

    def __init__(self, raw: PGresult) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return self._raw.ntuples

    def __contains__(self, row: object) -> bool:
        return any(row == other for other in self)

    def __iter__(self) -> Iterator[list[bytes | None]]:
        get, width = self._raw.get_value, range(self._raw.nfields)
        return ([get(i, j) for j in width] for i in range(len(self)))


class Connection:
    """One connection; every wait ends at the deadline that the caller gives (monotonic seconds)."""

    def __init__(self, options: PostgresOptions, database: str | None, deadline: float) -> None:
        from psycopg import NotSupportedError, OperationalError, pq  # 15 MB that only PostgreSQL targets pay

        self._pq = pq
        self._broken = OperationalError
        self._too_old = NotSupportedError
        self._name = options.name
        self._waiting = 0
        self._plans: dict[str, bytes] = {}
        self._named = 0
        self._preparing: deque[str | None] = deque()
        parameters = with_addresses(options.name, merged(options, database))
        self.database = parameters.get("dbname") or parameters.get("user") or ""
        self._secret = parameters.get("password", "")
        authorities = parameters.get("sslrootcert", "")
        self.authorities = "" if authorities == "system" else authorities
        """File of those that may have signed the server's certificate; empty for those that the system knows."""
        words = " ".join(f"{k}='{escaped(v)}'" for k, v in parameters.items())
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

    @property
    def place(self) -> tuple[str, str, int]:
        """Host of the server that answered, as the DSN calls it, its address, and its port; of a Unix socket the folder is the host."""
        return self._pg.host.decode(), self._pg.hostaddr.decode(), int(self._pg.port)

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
            return SetupError(f"{self._name}: {text}; name one that exists, in the dsn or in the target of the request", lost=True)
        if re.search(_SENSELESS, text):
            return SetupError(f"{self._name}: {text}; mend that word of the connection string", lost=True)
        if re.search(r'permission denied for database ".*"', text):
            return PrivilegeError(f"{self._name}: {text}; grant the role CONNECT on it", lost=True)
        if 'requirement "!password" failed' in text:
            return AuthError(
                f"{self._name}: the server asks for the password in clear; if it may have it, "
                "list the host under targets of the auth module, or say options: {require_auth: password} there",
                lost=True,
            )
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

    def send(self, statements: list[str], *, standing: bool = False) -> None:
        """Queue statements, each in a transaction of its own, so that one failing spoils no other.

        Standing ones are sent again and again. From the second time on the server keeps their plans: to plan most of
        ours takes it longer than to follow the plan.
        """
        try:
            for sql in statements:
                self._preparing.append(self._send_standing(sql) if standing else None)
                if not standing:
                    self._pg.send_query_params(sql.encode(), None)
                self._pg.pipeline_sync()
                self._waiting += 1
        except self._broken as error:
            raise self._breakage(error) from error

    def _send_standing(self, sql: str) -> str | None:
        """Send a statement by its plan's name where it has one. Returns it when its plan is made now, which has a result of its own."""
        name = self._plans.get(sql)
        if name is None:
            self._plans[sql] = b""  # seen once: a connection that is closed after one round makes no plans
            self._pg.send_query_params(sql.encode(), None)
            return None
        if name:
            self._pg.send_query_prepared(name, None)
            return None
        self._named += 1
        name = self._plans[sql] = b"tocsin_%d" % self._named
        self._pg.send_prepare(name, sql.encode())
        self._pg.send_query_prepared(name, None)
        return sql

    def send_together(self, statements: list[str]) -> None:
        """Queue statements as one transaction. One result each; after the first that fails, errors."""
        try:
            for sql in statements:
                self._pg.send_query_params(sql.encode(), None)
            self._pg.pipeline_sync()
        except self._broken as error:
            raise self._breakage(error) from error
        self._preparing.append(None)
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
        prepared = self._preparing.popleft()
        if prepared is not None:
            plan, *results = results
            if isinstance(plan, CollectError):
                self._plans.pop(prepared, None)
                results = [plan]
        if len(results) != count:
            raise InternalError(f"{self._name}: {len(results)} results for {count} statements", lost=True)
        return results

    def receive_some(self, deadline: float, most: int) -> Result | CollectError:
        """Return the result of the next queued statement, one that is not standing, with `most` rows at most.

        The others are read by the chunk and forgotten, not cancelled: the statement queued behind it would be hit as well.
        """
        self._by_chunks()
        found = Result([], [])
        failure: CollectError | None = None
        kept: list[list[bytes | None]] = []
        count = 0
        while (raw := self._next_result(deadline)) is None or raw.status != self._pq.ExecStatus.PIPELINE_SYNC:
            read = self._read(raw) if raw is not None else found
            if isinstance(read, CollectError):
                failure = read
            elif raw is not None:
                found, count = read, count + raw.ntuples
                kept += [list(row) for row in islice(read.rows, most - len(kept))]
        self._preparing.popleft()
        self._waiting -= 1
        return failure or Result(found.columns, kept, count - len(kept))

    def stream(self, statements: list[str], deadline: float) -> Iterator[tuple[int, list[bytes | None]]]:
        """Run statements as one transaction, and yield rows as they come, with the number of their statement.

        However many there are, only a few are held. Raises CollectError; a transaction that it ended is rolled back then.
        Whoever stops before the end closes the connection.
        """
        self.send_together(statements)
        finished = False
        try:
            for number in range(len(statements)):
                self._by_chunks()
                while (raw := self._next_result(deadline)) is not None:
                    found = self._read(raw)
                    if isinstance(found, CollectError):
                        self._pass_over(deadline)
                        finished = True
                        self.query("ROLLBACK", deadline)
                        raise found
                    for row in found.rows:
                        yield number, list(row)
            self._pass_over(deadline)
            finished = True
        finally:
            if not finished:
                self.close()

    def _by_chunks(self) -> None:
        try:
            self._pg.set_chunked_rows_mode(_CHUNK)
        except self._too_old:  # libpq before 17 knows single rows alone
            self._pg.set_single_row_mode()

    def _pass_over(self, deadline: float) -> None:
        """Pass over what is left of a transaction's results."""
        while (raw := self._next_result(deadline)) is None or raw.status != self._pq.ExecStatus.PIPELINE_SYNC:
            pass
        self._preparing.popleft()
        self._waiting -= 1

    def query(self, sql: str, deadline: float) -> Result:
        """Run one statement and return its result; raises CollectError."""
        if self._waiting:
            raise InternalError(f"{self._name}: a statement in the middle of others' results", lost=True)
        self.send([sql])
        (result,) = self.receive(deadline)
        if isinstance(result, CollectError):
            raise result
        return result

    def fileno(self) -> int:
        """The socket, for waiting until there is something to read."""
        return self._pg.socket

    def notifications(self) -> list[tuple[str, str]]:
        """Return channel and payload of what has arrived for a connection that listens. Raises ConnectError when it broke."""
        found: list[tuple[str, str]] = []
        try:
            self._pg.consume_input()
            while (notice := self._pg.notifies()) is not None:
                found.append((notice.relname.decode("utf-8", "replace"), notice.extra.decode("utf-8", "replace")))
        except self._broken as error:
            raise self._breakage(error) from error
        return found

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
        if raw.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.SINGLE_TUPLE, pq.ExecStatus.TUPLES_CHUNK):
            return self._failure(raw)
        columns = [(raw.fname(i) or b"").decode() for i in range(raw.nfields)]
        return Result(columns, _Rows(raw))

    def _failure(self, raw: PGresult) -> CollectError:
        state = (raw.error_field(self._pq.DiagnosticField.SQLSTATE) or b"").decode()
        text = self._clean(raw.error_field(self._pq.DiagnosticField.MESSAGE_PRIMARY) or b"the connection broke")
        if state in _PLAN_IS_STALE:
            self._plans.clear()
        kind = next((c for prefix, c in _CLASSES.items() if state.startswith(prefix)), InternalError if state else ConnectError)
        advice = {
            PrivilegeError: "; grant the role pg_monitor",
            LockedError: "; another session holds a lock on it, tried again at the next run",
            DeadlineError: "; the statement is slow or the server busy, allow a longer scrape timeout",
            ConnectError: "; is the server running?",
        }.get(kind, "")
        return kind(f"{self._name}: {text} ({state or 'no SQLSTATE'}){advice}", lost=kind is ConnectError)

    def _clean(self, message: bytes) -> str:
        return masked(message.decode("utf-8", "replace"), self._secret)

    def cancel(self) -> None:
        """Ask the server to stop what it is doing for us; waits half a second at most."""
        pq = self._pq
        try:
            request = self._pg.cancel_conn()
            request.start()
            limit = time.monotonic() + 0.5
            state = pq.PollingStatus.WRITING
            while state in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
                poller = select.poll()
                poller.register(request.socket, select.POLLIN if state == pq.PollingStatus.READING else select.POLLOUT)
                # Asked before its socket is ready libpq waits by itself, for as long as TCP does, and the whole process with it.
                if not poller.poll(max(0.0, limit - time.monotonic()) * 1000):
                    break
                state = pq.PollingStatus(request.poll())
            request.finish()
        except self._broken:
            pass  # the server is gone or deaf; closing is all that is left

    def close(self) -> None:
        if self._waiting:
            self.cancel()
        self._pg.finish()
