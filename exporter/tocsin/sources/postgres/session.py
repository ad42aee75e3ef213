"""The way to a PostgreSQL server: one connection to the DSN's database, and some to the others that are watched."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator

from tocsin.errors import CollectError, ConnectError, InternalError, Unsupported
from tocsin.source import Run
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.parameters import limits
from tocsin.sql import Ask, Query, Result
from tocsin.sticky import Sticky

STATEMENTS_KEPT = 100
"""Statements that have series of their own; the rest is summed under queryid `other`."""

_FACTS = """
    SELECT 'extension' AS what, e.extname AS name, quote_ident(n.nspname) AS detail
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    UNION ALL
    SELECT 'database', datname, '' FROM pg_database WHERE datallowconn AND has_database_privilege(oid, 'CONNECT')
"""


class PostgresSession:
    """Connections to one server, one a database, reused as long as they work.

    `databases` are those that may be connected to and are watched, as they were when the runs began.
    """

    def __init__(self, options: PostgresOptions) -> None:
        self.options = options
        self.default: Connection | None = None
        self.databases: list[str] = []
        self.statements = Sticky(STATEMENTS_KEPT)
        self._others: dict[str, Connection] = {}
        self._extensions: dict[str, str] = {}
        self._unsupported: dict[Run, Unsupported] = {}
        self._asked: deque[Run] = deque()
        self._everywhere: list[Run] = []
        self._fanned_out: dict[Run, list[Result | CollectError]] | None = None
        self._rests: dict[str, tuple[str, float]] = {}
        self._system: str | None = None
        self.looks: dict[str, float] = {}
        """By database, when its catalogs are looked at whatever the gate says (monotonic seconds)."""

    @property
    def address(self) -> str:
        """host:port of the server that answered."""
        return self.default.address if self.default is not None else ""

    def begin(self, runs: list[Run]) -> None:
        """Connect if need be and send the statements of all the runs at once; the first answer tells that the server lives."""
        deadline = max(run.deadline for run in runs)
        fresh = self.default is None
        try:
            self._send_ahead(runs, deadline)
        except CollectError as error:
            # A connection that the server closed while nobody looked says nothing about the server: try once more.
            if fresh or not isinstance(error, ConnectError):
                raise
            self.close()
            self._send_ahead(runs, deadline)

    def begin_at(self, deadline: float) -> None:
        """Connect without any run."""
        self._send_ahead([], deadline)

    def _send_ahead(self, runs: list[Run], deadline: float) -> None:
        self._unsupported, self._fanned_out = {}, None
        self._asked.clear()
        self._everywhere.clear()
        statements: list[tuple[str, int | None]] = []
        fresh = self.default is None
        if self.default is None:
            self.default = Connection(self.options, None, deadline)
        self._ask_facts(deadline, fresh=fresh)
        if fresh:
            self._take_in(deadline)  # what there is decides what is asked; later on that is learned in passing
        for run in runs:
            ask = run.collector.collect
            if not isinstance(ask, Ask):
                continue
            try:
                statement = self._statement(ask.query)
            except Unsupported as reason:
                self._unsupported[run] = reason
                continue
            if ask.everywhere:
                self._everywhere.append(run)
            if not ask.everywhere or self.default.database in self.databases:
                statements.append((statement, ask.query.most))
                self._asked.append(run)
        _send(self.default, statements)
        if not fresh:
            self._take_in(deadline)

    def _ask_facts(self, deadline: float, *, fresh: bool) -> None:
        assert self.default is not None
        self.default.send([limits(deadline, fresh=fresh)])
        self.default.send([_FACTS], standing=True)

    def _take_in(self, deadline: float) -> None:
        """Receive the answers to the limits and the facts. Raises CollectError."""
        assert self.default is not None
        for _ in range(2):
            (result,) = self.default.receive(deadline)
            if isinstance(result, CollectError):
                raise result
            self._learn(result)

    def _learn(self, result: Result) -> None:
        """Take in which extensions and databases there are; the answers of other statements are passed over."""
        if list(result.columns) != ["what", "name", "detail"]:
            return
        facts = [tuple((cell or b"").decode() for cell in row) for row in result.rows]
        self._extensions = {name: schema for what, name, schema in facts if what == "extension"}
        self.databases = sorted(name for what, name, _ in facts if what == "database" and self.watches(name))

    def watches(self, database: str) -> bool:
        """Tell whether the configuration includes a database and does not exclude it."""
        chosen = self.options.databases
        return any(re.search(p, database) for p in chosen.include) and not any(re.search(p, database) for p in chosen.exclude)

    def _statement(self, query: Query) -> str:
        assert self.default is not None
        text = query.for_version(self.default.server_version)
        if query.extension is None:
            return text
        if query.extension not in self._extensions:
            raise Unsupported(f"{query.name} needs the extension {query.extension} in the database {self.default.database}")
        return text.replace("{schema}", self._extensions[query.extension])

    def answer(self, run: Run) -> Result:
        """Return the answer to the run's query, which `begin` sent; answers that nobody fetched before it are passed over."""
        if run in self._unsupported:
            raise self._unsupported[run]
        assert self.default is not None
        if run not in self._asked:
            name = run.collector.name
            raise InternalError(f"{self.options.name}: the answer to {name} is asked for a second time, out of turn, or was never sent for")
        while (asked := self._asked.popleft()) is not run:
            _receive(self.default, _most(asked), run.deadline)
        result = _receive(self.default, _most(run), run.deadline)
        if isinstance(result, CollectError):
            raise result
        return result

    def answers(self, run: Run) -> Iterator[Result]:
        """Yield the answers of all watched databases to a query that is asked in each of them."""
        if run in self._unsupported:
            raise self._unsupported[run]
        assert self.default is not None
        if self.default.database in self.databases:
            yield self.answer(run)
        if self._fanned_out is None:
            self._fanned_out = self._fan_out(self._everywhere, run.deadline)
        for result in self._fanned_out.pop(run, []):
            if isinstance(result, CollectError):
                raise result
            yield result

    def _fan_out(self, runs: list[Run], deadline: float) -> dict[Run, list[Result | CollectError]]:
        """Ask every other watched database all that these runs want to know: one round trip a database."""
        assert self.default is not None
        found: dict[Run, list[Result | CollectError]] = {run: [] for run in runs}
        asks = [run.collector.collect for run in runs if isinstance(run.collector.collect, Ask)]
        statements = [(self._statement(ask.query), ask.query.most) for ask in asks]
        for name in self.databases:
            if name == self.default.database:
                continue
            try:
                answers = self._ask_database(name, statements, deadline)
            except CollectError as error:
                self.forget(name)
                failure = self.within(name, error)
                failure.lost = False  # of one database, not of the server
                answers = [failure] * len(runs)
            for run, answer in zip(runs, answers, strict=True):
                found[run].append(answer)
        return found

    def _ask_database(self, name: str, statements: list[tuple[str, int | None]], deadline: float) -> list[Result | CollectError]:
        reused = name in self._others
        try:
            connection, fresh = self._connected(name, deadline)
            connection.send([limits(deadline, fresh=fresh)])
            _send(connection, statements)
            connection.receive(deadline)
            return [_receive(connection, most, deadline) for _, most in statements]
        except ConnectError:
            if not reused:
                raise
            self.forget(name)
            return self._ask_database(name, statements, deadline)

    def database(self, name: str, deadline: float) -> Connection:
        """Return a connection to a database, opened within the cap on connections."""
        connection, fresh = self._connected(name, deadline)
        if fresh:
            connection.query(limits(deadline, fresh=True), deadline)
        return connection

    def _connected(self, name: str, deadline: float) -> tuple[Connection, bool]:
        """Return a connection to a database, and whether it is a new one, which knows no limits yet."""
        if self.default is not None and self.default.database == name:
            return self.default, False
        known = self._others.get(name)
        if known is not None:
            return known, False
        # There are three sessions, for live collectors, for schemas and for other scheduled ones, each with a default connection.
        # The newest makes room: databases are asked in turn, so the oldest would be needed first again.
        while self._others and len(self._others) >= self.options.max_connections // 3 - 1:
            self._others.popitem()[1].close()
        self._others[name] = Connection(self.options, name, deadline)
        return self._others[name], True

    def system(self, deadline: float) -> str:
        """Return by what number the server tells itself, and its standbys, from others; empty where it does not say so."""
        if self._system is None:
            assert self.default is not None
            try:
                ((found,),) = self.default.query("SELECT system_identifier FROM pg_control_system()", deadline).rows
                self._system = (found or b"").decode()
            except CollectError as error:
                if error.lost:
                    raise
                self._system = ""
        return self._system

    def rest(self, name: str, evidence: str, seconds: float) -> None:
        """Have a database not searched again for a while: `rested` then says what the gate said now."""
        self._rests[name] = (evidence, time.monotonic() + seconds)

    def rested(self, name: str, evidence: str) -> str:
        """Return the gate's word, or its earlier one while the database is not to be searched again."""
        before, until = self._rests.get(name, ("", 0.0))
        return before if time.monotonic() < until else evidence

    def within(self, name: str, error: CollectError) -> CollectError:
        """Return a failure that says in which database it was."""
        target = f"{self.options.name}: "
        return type(error)(f"{target}in {name}: {str(error).removeprefix(target)}", lost=error.lost)

    def forget(self, name: str) -> None:
        """Close the connection to a database, which may have broken."""
        if name in self._others:
            self._others.pop(name).close()

    def begin_anew(self, name: str) -> None:
        """Know nothing of a database any more: the name is another one's now, or nobody's."""
        self.forget(name)
        self.looks.pop(name, None)
        self._rests.pop(name, None)

    def close(self) -> None:
        self._system = None  # another one may answer next time
        if self.default is not None:
            self.default.close()
            self.default = None
        while self._others:
            self._others.popitem()[1].close()


def _most(run: Run) -> int | None:
    ask = run.collector.collect
    return ask.query.most if isinstance(ask, Ask) else None


def _send(connection: Connection, statements: list[tuple[str, int | None]]) -> None:
    """Queue statements, each with the rows that it may have at most."""
    for text, most in statements:
        connection.send([text], standing=most is None)


def _receive(connection: Connection, most: int | None, deadline: float) -> Result | CollectError:
    """Return the answer to the next of these."""
    return connection.receive(deadline)[0] if most is None else connection.receive_some(deadline, most)
