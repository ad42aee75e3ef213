"""The way to a PostgreSQL server: one connection to the DSN's database, and some to the others that are watched."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from tocsin.errors import CollectError, ConnectError, Unsupported
from tocsin.source import Run
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.connection import Connection, limits
from tocsin.sources.postgres.statements import Statements
from tocsin.sql import Ask, Query, Result

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
        self.statements = Statements()
        self._others: dict[str, Connection] = {}
        self._extensions: dict[str, str] = {}
        self._unsupported: dict[Run, Unsupported] = {}
        self._asked: deque[Run] = deque()
        self._everywhere: list[Run] = []
        self._fanned_out: dict[Run, list[Result | CollectError]] | None = None

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

    def _send_ahead(self, runs: list[Run], deadline: float) -> None:
        if self.default is None:
            self.default = Connection(self.options, None, deadline)
            self._learn(self.default.query(_FACTS, deadline))
        self._unsupported, self._fanned_out = {}, None
        self._asked.clear()
        self._everywhere.clear()
        statements = [limits(deadline), _FACTS]
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
                statements.append(statement)
                self._asked.append(run)
        self.default.send(statements)
        for result in (self.default.receive(deadline)[0], self.default.receive(deadline)[0]):
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
        while self._asked.popleft() is not run:
            self.default.receive(run.deadline)
        (result,) = self.default.receive(run.deadline)
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
        statements = [self._statement(run.collector.collect.query) for run in runs if isinstance(run.collector.collect, Ask)]
        for name in self.databases:
            if name == self.default.database:
                continue
            try:
                answers = self._ask_database(name, statements, deadline)
            except CollectError as error:
                self.forget(name)
                error.lost = False  # of one database, not of the server
                answers = [error] * len(runs)
            for run, answer in zip(runs, answers, strict=True):
                found[run].append(answer)
        return found

    def _ask_database(self, name: str, statements: list[str], deadline: float) -> list[Result | CollectError]:
        reused = name in self._others
        try:
            connection = self.database(name, deadline)
            connection.send([limits(deadline), *statements])
            connection.receive(deadline)
            return [connection.receive(deadline)[0] for _ in statements]
        except ConnectError:
            if not reused:
                raise
            self.forget(name)
            return self._ask_database(name, statements, deadline)

    def database(self, name: str, deadline: float) -> Connection:
        """Return a connection to a database, opened within the cap on connections."""
        if self.default is not None and self.default.database == name:
            return self.default
        known = self._others.get(name)
        if known is None:
            # There are two sessions, one for live and one for scheduled collectors, each with a default connection.
            # The newest makes room: databases are asked in turn, so the oldest would be needed first again.
            while self._others and len(self._others) >= self.options.max_connections // 2 - 1:
                self._others.popitem()[1].close()
            known = Connection(self.options, name, deadline)
            known.query(limits(deadline), deadline)
        self._others[name] = known
        return known

    def forget(self, name: str) -> None:
        """Close the connection to a database, which may have broken."""
        if name in self._others:
            self._others.pop(name).close()

    def close(self) -> None:
        if self.default is not None:
            self.default.close()
            self.default = None
        while self._others:
            self._others.popitem()[1].close()
