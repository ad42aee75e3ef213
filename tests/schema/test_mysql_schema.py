"""Schemas of MariaDB and MySQL over time: the gate, what privileges hide, locks, restarts, and what is read again.

Tests run against MariaDB, and with the mark `newest` against MySQL 9, where every case is tried as well.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest

from case import CASES, Case, mysql_database, run
from mariadb import FULL, MariaDB, MysqlServer, mysql_options
from servers import until
from tocsin import schemas
from tocsin.options import DatabaseFilter
from tocsin.schema.model import Schema, by_root
from tocsin.schema.tell import schema_event
from tocsin.sources.mysql import SOURCE
from tocsin.sources.mysql.config import GRANTS
from tocsin.sources.mysql.gate import evidence
from tocsin.sources.mysql.inspect import SYSTEM, Inspection, inspect
from tocsin.sources.mysql.rights import EVERY_KIND, Rights
from tocsin.sources.mysql.session import Connection, MysqlSession
from watching import Watch, eventually, said

HERE = Path(__file__).parent / "cases" / "mysql"
ON_MYSQL = sorted([p for p in CASES if p.parent == HERE and "-- MariaDB only" not in p.read_text("utf-8")] + [*HERE.glob("newest/*.sql")])


@pytest.fixture
def server(each_mysql: MysqlServer) -> MysqlServer:
    return each_mysql


@pytest.fixture
def name(server: MysqlServer) -> Iterator[str]:
    """A prefix of names of databases and accounts of the test's own; they are dropped at the end."""
    prefix = f"own_{uuid.uuid4().hex[:8]}"
    yield prefix
    for (found,) in server.execute(f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{prefix}%'"):
        server.execute(f"DROP DATABASE {found}")
    server.execute(f"DROP USER IF EXISTS {prefix}@'%'")


def account(server: MysqlServer, name: str, *grants: str) -> str:
    """Make an account with these privileges and no others, and return its address."""
    server.execute(f"DROP USER IF EXISTS {name}@'%'", f"CREATE USER {name}@'%' IDENTIFIED BY 'x'")
    for grant in grants:
        server.execute(f"GRANT {grant} TO {name}@'%'")
    return server.dsn(name)


def watching(dsn: str, prefix: str, state: Path, **more: object) -> Watch:
    return Watch(mysql_options(dsn, databases=DatabaseFilter(include=(f"^{prefix}",), exclude=()), **more), state)


@pytest.fixture
def watch(server: MysqlServer, name: str, tmp_path: Path) -> Iterator[Watch]:
    """Watches a database of that name, with a table."""
    server.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a int)")
    with watching(account(server, name, f"{FULL} ON *.*"), name, tmp_path / "state") as found:
        yield found


@pytest.fixture
def connect(server: MysqlServer) -> Iterator[Callable[[], Connection]]:
    opened: list[Connection] = []

    def find() -> Connection:
        opened.append(Connection(mysql_options(f"mysql://root@/?socket={server.socket}"), time.monotonic() + 30))
        return opened[-1]

    yield find
    for connection in opened:
        connection.close()


def inspections(watch: Watch, database: str) -> float:
    return watch.page().value("tocsin_schema_inspections_total", database=database) or 0


def soon() -> float:
    return time.monotonic() + 30


# The cases, on MySQL


@pytest.mark.newest
@pytest.mark.parametrize("path", ON_MYSQL, ids=lambda p: p.stem)
def test_case_on_mysql(path: Path, newest_mysql: MysqlServer) -> None:
    case = Case.load(path)
    with mysql_database(newest_mysql) as (execute, look):
        found = run(case, execute, look)
    assert sorted(said([schema_event("shop", d) for d in found.differences])) == case.expect
    assert (found.old.fingerprint() == found.new.fingerprint()) == (not case.expect)
    assert found.gate_moved or not case.expect


def test_there_are_enough_cases_of_every_sort() -> None:
    cases = [Case.load(p) for p in CASES if p.parent == HERE]
    assert len(cases) >= 45
    assert len([c for c in cases if not c.expect]) >= 10
    kinds = {line.split(" ")[0] for c in cases for line in c.expect}
    assert kinds == EVERY_KIND


# Over time


def test_change_is_told_once(watch: Watch, server: MysqlServer, name: str) -> None:
    assert watch.check() == []
    server.execute(f"ALTER TABLE {name}.t ADD COLUMN b text NOT NULL")
    (event,) = watch.check()
    assert said([event]) == ["column t.b added breaking"]
    assert (event.source, event.database, event.old) == ("mysql", name, None)
    assert (event.new or "").startswith("b text COLLATE ")
    assert watch.check() == []
    assert watch.record("schema").error is None


def test_closed_gate_spares_the_inspection(watch: Watch, server: MysqlServer, name: str) -> None:
    watch.check()
    server.execute(f"INSERT INTO {name}.t VALUES (1)", f"UPDATE {name}.t SET a = 2", f"DELETE FROM {name}.t", f"TRUNCATE {name}.t")
    for _ in range(3):
        watch.check()
    assert inspections(watch, name) == 1
    server.execute(f"CREATE TABLE {name}.u (a int)")
    assert said(watch.check()) == ["table u added safe"]
    assert inspections(watch, name) == 2


def test_schema_read_in_vain_rests_before_it_is_read_again(
    server: MysqlServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes tables elsewhere all the time keeps the gate open; the server must not pay for it."""
    monkeypatch.setattr("tocsin.sources.mysql.inspect._REST_SHARE", 1e6)
    server.execute(f"CREATE DATABASE {name}", f"CREATE DATABASE {name}_other")
    with watching(account(server, name, f"{FULL} ON *.*"), f"{name}$", tmp_path / "state") as watch:
        watch.check()
        for i in range(3):
            server.execute(f"CREATE TABLE {name}_other.t{i} (a int)")
            watch.check()
        assert inspections(watch, name) == 2


def test_database_created_and_dropped_is_told(watch: Watch, server: MysqlServer, name: str) -> None:
    watch.check()
    server.execute(f"CREATE DATABASE {name}_b", f"CREATE TABLE {name}_b.t (a int)")
    assert said(watch.check()) == [f"database {name}_b added safe"]
    server.execute(f"DROP DATABASE {name}_b")
    assert said(watch.check()) == [f"database {name}_b dropped destructive"]
    server.execute(f"CREATE DATABASE {name}_b")
    assert said(watch.check()) == [f"database {name}_b added safe"]
    assert watch.check() == []


def test_schemas_are_given_to_commands(watch: Watch, server: MysqlServer, name: str) -> None:
    server.execute(f"CREATE DATABASE {name}_b")
    session = MysqlSession(watch.options)  # type: ignore[arg-type]
    session.connection = Connection(session.options, soon())
    try:
        assert SOURCE.schemas is not None
        found: dict[str, Schema] = dict(SOURCE.schemas(session, soon()))
    finally:
        session.close()
    assert list(found) == [name, f"{name}_b"]
    assert found[name].counts() == {"table": 1, "column": 1}
    assert not SYSTEM & set(found)


# The gate


def moved(connection: Connection, *, by: Callable[[], object]) -> bool:
    before = evidence(connection, soon())
    by()
    return evidence(connection, soon()) != before


def test_gate_stands_still_while_nobody_changes_a_schema(server: MysqlServer, name: str, connect: Callable[[], Connection]) -> None:
    server.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a int)")
    connection = connect()

    def work() -> None:
        server.execute(f"INSERT INTO {name}.t VALUES (1)", f"SELECT * FROM {name}.t", f"ANALYZE TABLE {name}.t", "SHOW TABLES FROM mysql")
        time.sleep(1.1)  # the clock moves on

    assert not moved(connection, by=work)


def test_gate_is_told_apart_by_flush_status(server: MysqlServer, connect: Callable[[], Connection]) -> None:
    """Some servers begin to count anew then."""
    time.sleep(1.1)
    assert moved(connect(), by=lambda: server.execute("FLUSH STATUS"))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE {}.t ADD COLUMN slow int, ALGORITHM=COPY",
        "/* of the application; 'quoted' */ -- and\n alter table {}.t add column slow int, algorithm=copy",
        "CALL {}.p()",
        "EXECUTE s",
    ],
)
def test_statement_that_takes_long_is_noticed_when_it_ends(
    server: MysqlServer, name: str, connect: Callable[[], Connection], statement: str
) -> None:
    """It is counted when it begins, and until it ends nothing has changed."""
    server.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a int)", f"INSERT INTO {name}.t VALUES (1)")
    server.execute(f"CREATE PROCEDURE {name}.p() ALTER TABLE {name}.t ADD COLUMN slow int, ALGORITHM=COPY")
    connection = connect()
    # A transaction that has read the table holds up whoever wants to change it.
    with server.session() as holder, server.session() as other:
        holder.execute("BEGIN")
        holder.execute(f"SELECT * FROM {name}.t")
        other.execute(f"PREPARE s FROM 'ALTER TABLE {name}.t ADD COLUMN slow int, ALGORITHM=COPY'")
        before = evidence(connection, soon())
        thread = threading.Thread(target=other.execute, args=(statement.format(name),))
        thread.start()
        try:
            until(lambda: evidence(connection, soon()).rpartition(";")[2] != before.rpartition(";")[2])
            during = evidence(connection, soon())
            assert inspect(connection, name, soon())[0].schema.counts()["column"] == 1
            assert evidence(connection, soon()) == during
        finally:
            holder.execute("COMMIT")
            thread.join(20)
        assert evidence(connection, soon()) not in (before, during)
    assert inspect(connection, name, soon())[0].schema.counts()["column"] == 2


def test_restart_is_no_change_and_hides_none(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The counters begin anew: what they show then may well be what they showed before."""
    server = MariaDB(tmp_path_factory.mktemp("restart")).start()
    try:
        server.execute("CREATE DATABASE shop", "CREATE TABLE shop.t (a int)")
        dsn = account(server, "own", f"{FULL} ON *.*")
        server.stop()
        server.start()
        with watching(dsn, "shop", tmp_path / "state") as watch:
            assert watch.check() == []
            time.sleep(1.1)
            server.execute("ALTER TABLE shop.t ADD COLUMN b int")
            server.stop()
            server.start()
            assert said(watch.check()) == ["column t.b added safe"]
            server.kill()
            server.start()
            assert watch.check() == []
            assert watch.record("schema").error is None
    finally:
        server.stop()


# Locks


def test_locked_table_is_not_waited_for_and_hides_no_change_elsewhere(mariadb: MariaDB, tmp_path: Path) -> None:
    """MySQL answers from its dictionary without a lock; MariaDB opens the tables."""
    name = f"own_{uuid.uuid4().hex[:8]}"
    mariadb.execute(f"CREATE DATABASE {name}_a", f"CREATE TABLE {name}_a.t (a int)", f"CREATE DATABASE {name}_b")
    dsn = account(mariadb, name, f"{FULL} ON *.*")

    def make(cursor: pymysql.cursors.Cursor) -> None:
        cursor.execute(f"CREATE TABLE {name}_a.made AS SELECT SLEEP(6) AS s")

    try:
        with watching(dsn, name, tmp_path / "state") as watch, mariadb.session() as other:
            watch.check()
            thread = threading.Thread(target=make, args=(other,))
            thread.start()
            try:
                until(lambda: [row for row in mariadb.execute("SHOW PROCESSLIST") if "SLEEP(6)" in str(row[7])])
                mariadb.execute(f"CREATE TABLE {name}_b.u (a int)")
                began = time.monotonic()
                assert said(watch.check()) == ["table u added safe"]
                assert time.monotonic() - began < 5
                error = watch.record("schema").error
                assert error is not None
                assert error.reason == "locked"
                assert f"{name}_a" in str(error)
            finally:
                thread.join(20)
            assert said(watch.check()) == ["table made added safe"]
            assert watch.record("schema").error is None
    finally:
        mariadb.execute(f"DROP DATABASE {name}_a", f"DROP DATABASE {name}_b", f"DROP USER {name}@'%'")


def test_damaged_table_keeps_what_is_known_of_it(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    server = MariaDB(tmp_path_factory.mktemp("damaged")).start()
    try:
        server.execute("CREATE DATABASE shop", "CREATE TABLE shop.t (a int PRIMARY KEY, b int)", "CREATE TABLE shop.u (a int)")
        with watching(account(server, "own", f"{FULL} ON *.*"), "shop", tmp_path / "state") as watch:
            watch.check()
            (server.data / "shop" / "t.frm").write_bytes(b"now this is something else")
            server.execute("FLUSH TABLES", "ALTER TABLE shop.u ADD COLUMN b int")
            assert said(watch.check()) == ["column u.b added safe"]
            assert watch.page().value("tocsin_schema_objects", database="shop", object_kind="table") == 2
    finally:
        server.stop()


# What privileges hide


EVERYTHING = (
    "CREATE TABLE {}.t (a int PRIMARY KEY, b int, KEY (b), CHECK (b > 0)) COMMENT 'told'",
    "CREATE TABLE {}.u (a int, FOREIGN KEY (a) REFERENCES t (a))",
    "CREATE VIEW {0}.v AS SELECT a FROM {0}.t",
    "CREATE TRIGGER {0}.r BEFORE INSERT ON {0}.t FOR EACH ROW SET NEW.a = 1",
    "CREATE EVENT {}.e ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
    "CREATE PROCEDURE {}.p(a int) SET @a = 1",
    "CREATE FUNCTION {}.f() RETURNS int DETERMINISTIC RETURN 1",
    "GRANT SELECT ON {0}.t TO {0}@'%'",
)


def everything(server: MysqlServer, name: str, dsn: str) -> str:
    server.execute(f"CREATE DATABASE {name}", *(statement.format(name) for statement in EVERYTHING))
    if isinstance(server, MariaDB):
        server.execute(f"CREATE SEQUENCE {name}.s")
    return dsn


def unseen(watch: Watch, name: str) -> set[str]:
    return {labels["object_kind"] for labels, _ in watch.page().all("tocsin_schema_unseen", database=name)}


def granted(server: MysqlServer) -> list[str]:
    """Return what `tocsin grants mysql` grants on this server."""
    mysql, _, rest = GRANTS.partition("-- MariaDB")
    lines = [line.removeprefix("-- ") for line in (rest.splitlines()[1:3] if isinstance(server, MariaDB) else mysql.splitlines())]
    return [line.removeprefix("GRANT ").partition(" TO ")[0] for line in lines if line.startswith("GRANT")]


def test_account_of_tocsin_grants_sees_everything(
    server: MysqlServer, name: str, tmp_path: Path, connect: Callable[[], Connection]
) -> None:
    with watching(everything(server, name, account(server, name, *granted(server))), name, tmp_path / "state") as watch:
        watch.check()
        assert watch.record("schema").error is None
        assert unseen(watch, name) == set()
        ((labels, _),) = watch.page().all("tocsin_schema_info", database=name)
        assert labels["fingerprint"] == inspect(connect(), name, soon())[0].schema.fingerprint(), "root sees more"
        kinds = {labels["object_kind"] for labels, _ in watch.page().all("tocsin_schema_objects", database=name)}
        assert kinds == EVERY_KIND - (set() if isinstance(server, MariaDB) else {"sequence"})


def test_account_that_reads_no_data_says_what_it_does_not_see(server: MysqlServer, name: str, tmp_path: Path) -> None:
    more = "SELECT ON mysql.proc" if isinstance(server, MariaDB) else "SHOW_ROUTINE ON *.*"
    with watching(
        everything(server, name, account(server, name, "REFERENCES, TRIGGER, EVENT, PROCESS ON *.*", more)), name, tmp_path / "s"
    ) as watch:
        watch.check()
        assert unseen(watch, name) == {"view", "grant"} | ({"sequence"} if isinstance(server, MariaDB) else set())
        server.execute(f"DROP VIEW {name}.v", f"ALTER TABLE {name}.u ADD COLUMN b int", f"DROP EVENT {name}.e", f"DROP PROCEDURE {name}.p")
        assert sorted(said(watch.check())) == ["column u.b added safe", "event e dropped cautious", "procedure p dropped breaking"]


def test_commands_are_told_what_an_account_does_not_see(server: MysqlServer, name: str) -> None:
    dsn = everything(server, name, account(server, name, "PROCESS ON *.*"))
    options = mysql_options(dsn, databases=DatabaseFilter(include=(f"^{name}$",)))
    found = schemas.of_target(options, (), 30)
    assert found.hidden == {""}, "there may be databases that it has no privilege on"
    ((gap),) = schemas.gaps(found, ("table", "trigger", "procedure"))
    assert gap == f"cannot see every table, procedure, trigger of {name}"
    assert schemas.gaps(found, ("table",), (name, "elsewhere"))[1:] == ["cannot see the database elsewhere"]
    server.execute(f"GRANT {FULL} ON *.* TO {name}@'%'", f"GRANT SELECT ON mysql.* TO {name}@'%'")
    found = schemas.of_target(options, (), 30)
    assert (found.hidden, schemas.gaps(found, ("table", "trigger", "procedure", "view"))) == (frozenset(), [])


def test_account_with_one_table_sees_a_part_and_says_so(server: MysqlServer, name: str, tmp_path: Path) -> None:
    dsn = everything(server, name, account(server, name, "PROCESS ON *.*"))
    with watching(dsn, name, tmp_path / "state") as watch:
        assert watch.check() == []
        assert watch.page().value("tocsin_schema_objects", database=name, object_kind="table") == 1
        assert unseen(watch, name) == EVERY_KIND - (set() if isinstance(server, MariaDB) else {"sequence"})
        server.execute(f"ALTER TABLE {name}.t MODIFY b bigint", f"DROP TABLE {name}.u")
        assert said(watch.check()) == ["column t.b altered safe"]


@pytest.mark.parametrize(
    "lost",
    ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "SELECT, SHOW VIEW, TRIGGER, EVENT", "SELECT, TRIGGER, EVENT"],
)
@pytest.mark.parametrize("place", ["*.*", "{}.*"])
def test_privilege_taken_away_drops_nothing(server: MysqlServer, name: str, tmp_path: Path, lost: str, place: str) -> None:
    on = place.format(name)
    more = ["PROCESS ON *.*", "SELECT ON mysql.*"] + ([] if isinstance(server, MariaDB) else ["SHOW_ROUTINE ON *.*"])
    with watching(
        everything(server, name, account(server, name, *more, f"SELECT, SHOW VIEW, TRIGGER, EVENT ON {on}")), name, tmp_path / "s"
    ) as watch:
        watch.check()
        assert unseen(watch, name) == set()
        before = sorted((labels["object_kind"], value) for labels, value in watch.page().all("tocsin_schema_objects", database=name))
        server.execute(f"REVOKE {lost} ON {on} FROM {name}@'%'")
        told = watch.check()
        if len(lost) < 30 or on != "*.*":  # else nothing of the database is left to see, and its series are gone
            assert [e for e in told if e.object_kind != "grant"] == []
        else:
            assert told == []
        server.execute(f"GRANT {lost} ON {on} TO {name}@'%'")
        assert [e for e in watch.check() if e.object_kind != "grant"] == []
        after = sorted((labels["object_kind"], value) for labels, value in watch.page().all("tocsin_schema_objects", database=name))
        assert after == before
        assert unseen(watch, name) == set()
        told.clear()
        server.execute(f"DROP VIEW {name}.v", f"DROP TRIGGER {name}.r")
        assert eventually(lambda: told.extend(watch.check()) or len(told) > 1)  # it rests a little, having been read in vain
        assert sorted(said(told)) == ["trigger t.r dropped cautious", "view v dropped breaking"]


@pytest.mark.parametrize("place", ["*.*", "{}.*"])
def test_what_came_while_it_was_hidden_is_told_when_the_privilege_returns(
    server: MysqlServer, name: str, tmp_path: Path, place: str
) -> None:
    on = place.format(name)
    more = ["PROCESS ON *.*", "SELECT ON mysql.*"] + ([] if isinstance(server, MariaDB) else ["SHOW_ROUTINE ON *.*"])
    dsn = everything(server, name, account(server, name, *more, f"SELECT, SHOW VIEW, TRIGGER, EVENT ON {on}"))
    with watching(dsn, name, tmp_path / "s") as watch:
        watch.check()
        server.execute(f"REVOKE SELECT, SHOW VIEW, TRIGGER, EVENT ON {on} FROM {name}@'%'")
        watch.check()
        assert unseen(watch, name)
        server.execute(
            f"CREATE TABLE {name}.late (a int PRIMARY KEY)",
            f"ALTER TABLE {name}.u ADD COLUMN b int",
            f"CREATE VIEW {name}.w AS SELECT 1 AS one",
            f"CREATE TRIGGER {name}.q BEFORE INSERT ON {name}.u FOR EACH ROW SET NEW.a = 1",
            f"DROP EVENT {name}.e",
        )
        assert watch.check() == []
        server.execute(f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {on} TO {name}@'%'")
        told = [e for e in watch.check() if e.object_kind != "grant"]
        assert sorted(said(told)) == [
            "column u.b added safe", "event e dropped cautious", "table late added safe", "trigger u.q added cautious", "view w added safe",
        ]  # fmt: skip
        assert watch.check() == []


def test_what_was_hidden_from_the_beginning_is_said_to_be_perhaps_old(server: MysqlServer, name: str, tmp_path: Path) -> None:
    dsn = everything(server, name, account(server, name, "PROCESS ON *.*"))
    with watching(dsn, name, tmp_path / "state") as watch:
        assert watch.check() == []
        server.execute(f"CREATE TABLE {name}.late (a int)", f"GRANT SELECT ON {name}.* TO {name}@'%'")
        told = watch.check()
        assert said([e for e in told if e.object_kind != "grant"]) == [f"database {name} rebaselined safe"]
        event = told[-1]
        assert event.new is not None
        assert {"table u", "table late"} <= set(event.new.splitlines())
        server.execute(f"CREATE TABLE {name}.later (a int)")
        assert said(watch.check()) == ["table later added safe"]


def test_database_that_a_grant_shows_may_be_old_and_one_that_is_created_is_new(server: MysqlServer, name: str, tmp_path: Path) -> None:
    server.execute(f"CREATE DATABASE {name}", f"CREATE DATABASE {name}_old")
    with watching(account(server, name, f"SELECT ON {name}.*", f"SELECT ON `{name}\\_new%`.*"), name, tmp_path / "state") as watch:
        assert watch.check() == []
        server.execute(f"CREATE DATABASE {name}_new1", f"CREATE TABLE {name}_new1.t (a int)")
        assert said(watch.check()) == [f"database {name}_new1 added safe"]
        server.execute(f"GRANT SELECT ON {name}_old.* TO {name}@'%'")
        assert said(watch.check()) == [f"database {name}_old rebaselined safe"]
        assert watch.check() == []


def test_account_that_only_reads_sees_foreign_keys(mariadb: MariaDB, tmp_path: Path) -> None:
    """In information_schema MariaDB hides them from it; InnoDB's own catalog does not."""
    name = f"own_{uuid.uuid4().hex[:8]}"
    dsn = account(mariadb, name, "PROCESS ON *.*", f"SELECT ON {name}.*")
    mariadb.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.`pär-ent` (a int PRIMARY KEY)")
    mariadb.execute(f"CREATE TABLE {name}.`chi$ld` (a int, b int, FOREIGN KEY (a) REFERENCES `pär-ent` (a) ON DELETE SET NULL)")
    try:
        with watching(dsn, name, tmp_path / "state") as watch:
            watch.check()
            assert "constraint" not in unseen(watch, name)
            assert watch.page().value("tocsin_schema_objects", database=name, object_kind="constraint") == 2
            mariadb.execute(f"ALTER TABLE {name}.`chi$ld` DROP FOREIGN KEY `chi$ld_ibfk_1`")
            (event,) = watch.check()
            assert event.old == "FOREIGN KEY (a) REFERENCES `pär-ent` (a) ON DELETE SET NULL"
        # Without PROCESS the words of information_schema have to do, and are the same.
        mariadb.execute(f"ALTER TABLE {name}.`chi$ld` ADD FOREIGN KEY (a) REFERENCES `pär-ent` (a) ON UPDATE CASCADE")
        found = []
        for privileges in ("PROCESS, REFERENCES", "REFERENCES"):
            connection = Connection(mysql_options(account(mariadb, name, f"{privileges} ON *.*")), soon())
            found.append(inspect(connection, name, soon())[0].schema.fingerprint())
            connection.close()
        assert found[0] == found[1]
    finally:
        mariadb.execute(f"DROP DATABASE {name}", f"DROP USER {name}@'%'")


def test_database_that_may_no_longer_be_seen_is_not_gone(server: MysqlServer, name: str, tmp_path: Path) -> None:
    server.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a int)")
    with watching(account(server, name, "PROCESS ON *.*", f"SELECT ON {name}.*"), name, tmp_path / "state") as watch:
        watch.check()
        server.execute(f"REVOKE SELECT ON {name}.* FROM {name}@'%'")
        for _ in range(2):
            assert watch.check() == []
        assert watch.page().value("tocsin_schema_unseen", database=name, object_kind="database") == 1
        server.execute(f"ALTER TABLE {name}.t ADD COLUMN b int", f"GRANT SELECT ON {name}.* TO {name}@'%'")
        assert said(watch.check()) == ["column t.b added safe"]
        # A privilege outlives what it is on: this one is gone.
        server.execute(f"DROP DATABASE {name}")
        assert said(watch.check()) == [f"database {name} dropped destructive"]


def test_privileges_that_come_with_a_role_count(server: MysqlServer, name: str, tmp_path: Path) -> None:
    role = f"{name}_role"
    server.execute(f"CREATE ROLE {role}", f"GRANT {FULL} ON *.* TO {role}")
    try:
        dsn = everything(server, name, account(server, name))
        link = "FOR" if isinstance(server, MariaDB) else "TO"
        server.execute(f"GRANT {role} TO {name}@'%'", f"SET DEFAULT ROLE {role} {link} {name}@'%'")
        with watching(dsn, name, tmp_path / "state") as watch:
            watch.check()
            assert unseen(watch, name) == set()
            assert watch.page().value("tocsin_schema_objects", database=name, object_kind="trigger") == 1
            server.execute(f"REVOKE {role} FROM {name}@'%'")
            assert watch.check() == []
    finally:
        server.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("lines", "database", "expected"),
    [
        (["GRANT SELECT, PROCESS ON *.* TO `w`@`%` IDENTIFIED BY PASSWORD '*00'"], "shop", {"SELECT", "PROCESS"}),
        (["GRANT ALL PRIVILEGES ON `shop`.* TO `w`@`%`"], "shop", "TRIGGER"),
        (["GRANT EVENT ON `s\\_%`.* TO `w`@`%`"], "s_x", {"EVENT"}),
        (["GRANT EVENT ON `s\\_%`.* TO `w`@`%`"], "sax", set()),
        (["GRANT EVENT ON `s_x`.* TO `w`@`%`"], "sax", {"EVENT"}),
        (["GRANT SELECT ON `%`.* TO `w`@`%`", "GRANT TRIGGER ON `shop`.* TO `w`@`%`"], "shop", {"TRIGGER"}),
        (["GRANT SELECT ON `%`.* TO `w`@`%`", "GRANT TRIGGER ON `shop`.* TO `role`"], "shop", {"SELECT", "TRIGGER"}),
        (["GRANT SELECT ON *.* TO `w`@`%`", "REVOKE SELECT ON `shop`.* FROM `w`@`%`"], "shop", set()),
        (["GRANT SELECT (`a`, `b`), INSERT (`a`) ON `shop`.`t` TO `w`@`%`"], "shop", set()),
        (["GRANT SELECT (`a`), TRIGGER ON `shop`.* TO `w`@`%`"], "shop", {"TRIGGER"}),
        (["GRANT `r`@`%` TO `w`@`%`", "GRANT PROXY ON ''@'%' TO 'w'@'%'", "SET DEFAULT ROLE `r` FOR `w`@`%`"], "shop", set()),
        (["GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `w`@`%`"], "shop", set()),
        (["GRANT SELECT ON `a``b`.* TO `w`@`%`"], "a`b", {"SELECT"}),
    ],
)  # fmt: skip
def test_grants_are_understood(lines: list[str], database: str, expected: set[str] | str) -> None:
    held = Rights.read(lines).held(database)
    assert held == expected if isinstance(expected, set) else expected in held


# What is read again


class Follower:
    """Keeps up with a database of MariaDB by reading again only what moved."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.name = connection, name
        self.before: tuple[object, ...] | None = None
        self.groups: dict[str, list[object]] = {}

    def follow(self) -> Inspection:
        found, _ = inspect(self.connection, self.name, soon(), self.before)  # type: ignore[arg-type]
        roots = by_root(found.schema.objects)
        kept = self.groups if found.standing is not None else {}
        standing = found.standing or frozenset()
        assert standing.isdisjoint(roots)
        self.groups = {root: group for root, group in kept.items() if root in standing} | dict(roots)
        self.before = (found.stamps, found.schema.server, sorted(found.unseen))
        return found

    @property
    def fingerprint(self) -> str:
        return Schema("", tuple(o for group in self.groups.values() for o in group)).fingerprint()  # type: ignore[misc]


CHANGES = (
    "ALTER TABLE t1 ADD COLUMN c int", "ALTER TABLE t1 RENAME COLUMN c TO d", "ALTER TABLE t1 ALTER d SET DEFAULT 5",
    "ALTER TABLE t1 COMMENT 'x'", "ALTER TABLE t2 ADD KEY (b)", "ALTER TABLE t2 ADD CHECK (b > 0)",
    "ALTER TABLE t2 ROW_FORMAT=COMPRESSED", "ALTER TABLE t2 ALTER INDEX b IGNORED",
    "CREATE TRIGGER r BEFORE INSERT ON t3 FOR EACH ROW SET NEW.a = 1", "DROP TRIGGER r", "GRANT SELECT ON t3 TO CURRENT_USER",
    "REVOKE SELECT ON t3 FROM CURRENT_USER", "ALTER TABLE child ADD FOREIGN KEY (a) REFERENCES t4 (a)", "RENAME TABLE t4 TO parent",
    "ALTER TABLE parent RENAME COLUMN a TO id", "ALTER TABLE child DROP FOREIGN KEY child_ibfk_1", "DROP TABLE t5",
    "CREATE TABLE t5 (x int)", "CREATE VIEW v AS SELECT * FROM t6", "ALTER TABLE t6 MODIFY b bigint", "DROP TABLE t6", "DROP VIEW v",
    "CREATE TABLE v (a int)", "CREATE PROCEDURE t7() SET @a = 1", "DROP PROCEDURE t7", "ALTER TABLE t7 ENGINE=MyISAM",
    "ALTER TABLE t7 ALTER b SET DEFAULT 9", "ALTER TABLE t8 PARTITION BY HASH (a) PARTITIONS 2",
    "ALTER TABLE t8 ADD PARTITION PARTITIONS 1", "CREATE SEQUENCE s", "ALTER SEQUENCE s MAXVALUE 9", "DROP SEQUENCE s",
    "OPTIMIZE TABLE t9", "RENAME TABLE t9 TO t10", "CREATE EVENT t10 ON SCHEDULE EVERY 1 DAY DO SET @a = 1", "DROP EVENT t10",
)  # fmt: skip


def test_what_moved_is_all_that_changed(mariadb: MariaDB) -> None:
    """After each change the tables that moved are read again, and what is known then is what a full inspection sees."""
    name = f"own_{uuid.uuid4().hex[:8]}"
    mariadb.execute(f"CREATE DATABASE {name}", *(f"CREATE TABLE {name}.t{i} (a int PRIMARY KEY, b int)" for i in range(1, 10)))
    mariadb.execute(f"CREATE TABLE {name}.child (a int)", *(f"CREATE TABLE {name}.still{i} (a int)" for i in range(5)))
    connection = Connection(mysql_options(f"mysql://root@/?socket={mariadb.socket}"), soon())
    try:
        follower = Follower(connection, name)
        time.sleep(3.1)  # as old as that, a table's time tells that it has not moved
        assert follower.follow().standing is None
        with mariadb.session(database=name) as cursor:
            for change in CHANGES:
                cursor.execute(change)
                found = follower.follow()
                assert found.standing is not None, change
                assert found.standing >= {f"still{i}" for i in range(5)}, change
                assert follower.fingerprint == inspect(connection, name, soon())[0].schema.fingerprint(), change
    finally:
        connection.close()
        mariadb.execute(f"DROP DATABASE {name}")


def test_changes_within_a_second_are_not_lost(mariadb: MariaDB) -> None:
    """The time of a definition is in whole seconds."""
    name = f"own_{uuid.uuid4().hex[:8]}"
    mariadb.execute(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (a int)")
    connection = Connection(mysql_options(f"mysql://root@/?socket={mariadb.socket}"), soon())
    try:
        follower = Follower(connection, name)
        follower.follow()
        for i in range(20):
            mariadb.execute(f"ALTER TABLE {name}.t ADD COLUMN c{i} int")
            follower.follow()
            assert len(follower.groups["t"]) == 3 + i
    finally:
        connection.close()
        mariadb.execute(f"DROP DATABASE {name}")


def test_partial_reading_tells_what_a_full_one_tells(mariadb: MariaDB, tmp_path: Path) -> None:
    name = f"own_{uuid.uuid4().hex[:8]}"
    mariadb.execute(f"CREATE DATABASE {name}", *(f"CREATE TABLE {name}.t{i} (a int PRIMARY KEY, b int)" for i in range(6)))
    mariadb.execute(f"ALTER TABLE {name}.t3 ADD COLUMN known_by text")
    mariadb.execute(
        f"CREATE VIEW {name}.v AS SELECT a FROM {name}.t0", f"CREATE TABLE {name}.child (a int, FOREIGN KEY (a) REFERENCES t3 (a))"
    )
    dsn = account(mariadb, name, f"{FULL} ON *.*")
    time.sleep(3.1)
    try:
        with watching(dsn, name, tmp_path / "state") as watch:
            assert watch.check() == []
            mariadb.execute(f"ALTER TABLE {name}.t1 DROP COLUMN b", f"DROP TABLE {name}.t2", f"RENAME TABLE {name}.t3 TO {name}.moved")
            mariadb.execute(f"DROP VIEW {name}.v", f"CREATE PROCEDURE {name}.t4() SET @a = 1")
            assert sorted(said(watch.check())) == sorted([
                "column t1.b dropped destructive", "table t2 dropped destructive", "table t3 renamed breaking", "view v dropped breaking",
                "procedure t4 added safe",
            ])  # fmt: skip
            assert watch.page().value("tocsin_schema_objects", database=name, object_kind="table") == 6
            mariadb.execute(f"DROP PROCEDURE {name}.t4")
            assert said(watch.check()) == ["procedure t4 dropped breaking"]
            assert eventually(lambda: watch.check() == [])
    finally:
        mariadb.execute(f"DROP DATABASE {name}", f"DROP USER {name}@'%'")


def test_inspection_costs_the_same_questions_however_many_tables(
    server: MysqlServer, name: str, connect: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    original = Connection.query
    monkeypatch.setattr(Connection, "query", lambda self, sql, deadline: asked.append(sql) or original(self, sql, deadline))
    connection = connect()
    counts = []
    for tables in (2, 60):
        database = f"{name}_{tables}"
        server.execute(
            f"CREATE DATABASE {database}", *(f"CREATE TABLE {database}.t{i} (a int PRIMARY KEY, b int UNIQUE)" for i in range(tables))
        )
        asked.clear()
        assert inspect(connection, database, soon())[0].schema.counts()["table"] == tables
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert not any("SHOW CREATE" in sql for sql in asked)
