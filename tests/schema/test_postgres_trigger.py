"""The event trigger: what it tells, that it tells no secret, and that nobody's DDL ever fails or waits because of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from servers import Postgres, until
from tocsin.errors import PrivilegeError
from tocsin.event import Change
from tocsin.options import DatabaseFilter
from tocsin.schema.difference import Difference
from tocsin.schema.model import Object
from tocsin.sources.postgres import trigger
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.listen import HEARD, Notice, explain, listen
from watching import Watch, postgres_options, said


@pytest.fixture
def shop(postgres: Postgres, database: str) -> str:
    """A database in which the trigger is installed."""
    assert trigger.apply(options_of(postgres, database), 20) == [database]
    return database


def options_of(server: Postgres, database: str) -> PostgresOptions:
    return postgres_options(server.dsn(database), databases=DatabaseFilter(include=(f"^{database}$",)))


@contextmanager
def heard(server: Postgres, database: str) -> Iterator[list[str]]:
    """Collect the payloads that are sent while the block runs, in order."""
    found: list[str] = []
    with psycopg.connect(server.dsn(database), autocommit=True) as session:
        session.execute(f"LISTEN {trigger.CHANNEL}")
        yield found
        server.execute("NOTIFY tocsin_schema, 'the end'", database=database)
        for notice in session.notifies(timeout=10):
            if notice.payload == "the end":
                return
            found.append(notice.payload)
    raise AssertionError("the end never came")


def test_it_tells_who_and_which_statement_and_what(postgres: Postgres, shop: str) -> None:
    with heard(postgres, shop) as payloads, psycopg.connect(postgres.dsn(shop), autocommit=True, application_name="migrate") as session:
        session.execute("CREATE TABLE orders (id int PRIMARY KEY, note text DEFAULT 'none')")
        session.execute("DROP TABLE orders")
    made, dropped = (json.loads(p) for p in payloads if json.loads(p)["objects"])
    assert made["by"] == "postgres"
    assert made["application"] == "migrate"
    assert made["client"] == "127.0.0.1"
    assert made["statement"] == "CREATE TABLE orders (id int PRIMARY KEY, note text DEFAULT '***')"
    assert ["table", "public.orders"] in made["objects"]
    assert dropped["tag"] == "DROP TABLE"
    assert ["table", "public.orders"] in dropped["objects"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER MAPPING FOR PUBLIC SERVER there OPTIONS (password 'hunter2')",
        "ALTER SERVER there OPTIONS (ADD secret_access_key 'hunter2')",
        "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere password=hunter2' PUBLICATION p WITH (connect = false, slot_name = NONE)",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'password=hunter2' $$",
        "CREATE TABLE a (b text DEFAULT E'\\'hunter2'); ALTER ROLE postgres PASSWORD 'hunter2'",
        "DO $$ BEGIN CREATE TABLE a (b text DEFAULT 'hunter2'); END $$",
        "SELECT make_table('hunter2')",
    ],
)
def test_no_secret_is_sent(postgres: Postgres, shop: str, statement: str) -> None:
    postgres.execute(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER there FOREIGN DATA WRAPPER w",
        "CREATE FUNCTION make_table(text) RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE made (); END'",
        database=shop,
    )
    with heard(postgres, shop) as payloads:
        postgres.execute(statement, database=shop)
    postgres.execute("DELETE FROM pg_subscription")
    assert payloads
    assert "hunter2" not in "".join(payloads)
    assert "***" in payloads[0]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("CREATE TABLE a (); INSERT INTO b VALUES ('hunter2', 7), (E'\\'hunter2', 4111111111111111)",
         "CREATE TABLE a (); INSERT INTO b VALUES ('***', 7), ('***', '***')"),
        ("CREATE TABLE a (x numeric(10, 2) DEFAULT 12)", "CREATE TABLE a (x numeric(10, 2) DEFAULT 12)"),
        ("CREATE TABLE \"it's\" (); SELECT 'hunter2'", "CREATE TABLE \"it's\" (); SELECT '***'"),
        ("CREATE TABLE a$$b (); SELECT 'it''s hunter2'", "CREATE TABLE a$$b (); SELECT '***'"),
        ("CREATE TABLE a (); -- don't tell hunter2\nSELECT 'hunter2'", "CREATE TABLE a (); \nSELECT '***'"),
        ("/* don't */ CREATE TABLE a (); SELECT 'hunter2'", " CREATE TABLE a (); SELECT '***'"),
        ("CREATE TABLE a () /* a /* hunter2 */ don't */; SELECT 'hunter2'", "CREATE TABLE a () "),
        ("DO $x$ BEGIN CREATE TABLE a (b text DEFAULT $$hunter2$$); END $x$; SELECT 'hunter2'", "DO '***'"),
        ("SET standard_conforming_strings = off\0CREATE TABLE a (b text DEFAULT 'a\\'hunter2')", None),
        ("CREATE TABLE a (b text DEFAULT E'a'\n'b\\'hunter2')", "CREATE TABLE a (b text DEFAULT '***'\n'***'"),
        ("CREATE TABLE a (); SELECT '" + "x" * 1470 + "hunter2" * 9 + "'", "CREATE TABLE a (); SELECT '***'"),
        ("CREATE TABLE a (); SELECT U&'hunter2', B'101', e'hunter2', 'hunter2'::text",
         "CREATE TABLE a (); SELECT U&'***', B'***', '***', '***'::text"),
    ],
)  # fmt: skip
def test_no_data_is_sent_with_a_statement(postgres: Postgres, shop: str, statement: str, told: str | None) -> None:
    postgres.execute("CREATE TABLE b (x text, n numeric)", database=shop)
    with heard(postgres, shop) as payloads, psycopg.connect(postgres.dsn(shop), autocommit=True) as session:
        for one in statement.split("\0"):
            session.execute(one)
    assert len(payloads) == 1
    assert "hunter2" not in payloads[0]
    assert "4111" not in payloads[0]
    assert told is None or json.loads(payloads[0])["statement"] == told


def test_temporary_things_and_members_of_extensions_are_not_told(postgres: Postgres, shop: str) -> None:
    with heard(postgres, shop) as payloads:
        postgres.execute("CREATE TEMPORARY TABLE t (a serial PRIMARY KEY)", "DROP TABLE t", database=shop)
        postgres.execute("CREATE EXTENSION fuzzystrmatch", "DROP EXTENSION fuzzystrmatch", database=shop)
    told = [tuple(o) for p in payloads for o in json.loads(p)["objects"]]
    assert set(told) == {("extension", "fuzzystrmatch")}


def test_long_statements_and_many_objects_fit_into_a_notification(postgres: Postgres, shop: str) -> None:
    longest = "ü" * 31
    columns = ", ".join(f'"{longest[:27]}{i:03}" int UNIQUE' for i in range(300))
    with heard(postgres, shop) as payloads:
        postgres.execute(f'CREATE TABLE "{longest}" ({columns})', database=shop)
        postgres.execute(f'DROP TABLE "{longest}"', database=shop)
    assert len(payloads) >= 2
    assert all(len(p.encode()) < 8000 for p in payloads)


def test_ordinary_roles_and_replica_sessions_are_told_too(postgres: Postgres, shop: str) -> None:
    postgres.execute("DO $$ BEGIN CREATE ROLE trigger_plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    postgres.execute("GRANT CREATE ON SCHEMA public TO trigger_plain", database=shop)
    with heard(postgres, shop) as payloads:
        with psycopg.connect(postgres.dsn(shop, user="trigger_plain"), autocommit=True) as session:
            session.execute("CREATE TABLE mine (a int)")
        postgres.execute("SET session_replication_role = replica", "CREATE TABLE replicated (a int)", database=shop)
    assert [json.loads(p)["by"] for p in payloads] == ["trigger_plain", "postgres"]


def test_what_is_rolled_back_is_not_told(postgres: Postgres, shop: str) -> None:
    with heard(postgres, shop) as payloads:
        postgres.execute("BEGIN", "CREATE TABLE t (a int)", "ROLLBACK", database=shop)
    assert payloads == []


def test_ddl_goes_on_when_the_trigger_fails(postgres: Postgres, shop: str) -> None:
    """Its function is made to fail at its first statement, as a server that changed under it might."""
    postgres.execute("ALTER FUNCTION tocsin.tell() SET session_replication_role = replica", database=shop)
    postgres.execute("ALTER FUNCTION tocsin.tell() RESET session_replication_role", database=shop)
    body = trigger._FUNCTION.replace("IF current_setting('max_prepared_transactions')", "PERFORM 1 / 0; IF current_setting('x.y')")
    postgres.execute(body, "CREATE TABLE t (a int)", "DROP TABLE t", "DROP SCHEMA tocsin CASCADE", "CREATE TABLE t (a int)", database=shop)


def test_ddl_is_prepared_where_transactions_may_be(tmp_path: Path) -> None:
    """PREPARE TRANSACTION refuses a transaction that has notified."""
    server = Postgres(tmp_path / "prepared").start(max_prepared_transactions=5, max_connections=20)
    try:
        trigger.apply(options_of(server, "postgres"), 20)
        with heard(server, "postgres") as payloads:
            server.execute("BEGIN", "CREATE TABLE t (a int)", "PREPARE TRANSACTION 'two'", "COMMIT PREPARED 'two'")
        assert payloads == []
    finally:
        server.stop("immediate")


def test_it_is_installed_again_over_itself_and_removed_without_a_trace(postgres: Postgres, shop: str) -> None:
    trigger.apply(options_of(postgres, shop), 20)
    trigger.apply(options_of(postgres, shop), 20, remove=True)
    assert postgres.execute("SELECT evtname FROM pg_event_trigger", database=shop) == []
    assert postgres.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'tocsin'", database=shop) == []
    # What is printed does the same.
    postgres.execute(trigger.script(), database=shop)
    assert len(postgres.execute("SELECT evtname FROM pg_event_trigger WHERE evtenabled = 'A'", database=shop)) == 2
    postgres.execute(trigger.script(remove=True), database=shop)
    assert postgres.execute("SELECT evtname FROM pg_event_trigger", database=shop) == []


def test_command_line_prints_it_and_installs_it(postgres: Postgres, database: str, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from tocsin.cli import main

    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f"targets: [{{name: orders, kind: postgres, dsn: '{postgres.dsn(database)}', databases: {{include: ['^{database}$']}}}}]\n"
    )
    assert CliRunner().invoke(main, ["install", "postgres-trigger"]).output == trigger.script()
    done = CliRunner().invoke(main, ["install", "postgres-trigger", "--apply", "orders", "--config", str(config)])
    assert (done.exit_code, done.output) == (0, f"postgres-trigger installed in {database}\n")
    done = CliRunner().invoke(main, ["install", "postgres-trigger", "--apply", "nobody", "--config", str(config)])
    assert done.exit_code == 1
    assert "no target 'nobody'" in done.output
    postgres.execute("DO $$ BEGIN CREATE ROLE trigger_plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    config.write_text(config.read_text().replace("postgres@", "trigger_plain@"))
    done = CliRunner().invoke(main, ["install", "postgres-trigger", "--apply", "orders", "--config", str(config)])
    assert done.exit_code == 1
    assert "only a superuser makes event triggers" in done.output
    assert "pg_monitor" not in done.output, "which would not help"


@contextmanager
def listening(options: PostgresOptions) -> Iterator[threading.Event]:
    """Run the listener as the exporter does; the event is set when it wakes the collector."""
    woken, stopped = threading.Event(), threading.Event()
    thread = threading.Thread(target=listen, args=(options, woken.set, stopped))
    thread.start()
    try:
        yield woken
    finally:
        stopped.set()
        thread.join(10)
        assert not thread.is_alive()


def test_change_wakes_and_its_event_says_who_made_it(postgres: Postgres, shop: str, tmp_path: Path) -> None:
    options = options_of(postgres, shop)
    with Watch(options, tmp_path / "state") as watch:
        assert watch.check() == []
        page = watch.page()
        assert page.value("tocsin_pg_schema_trigger_installed", database=shop) == 1
        assert page.value("tocsin_pg_schema_trigger_enabled", database=shop) == 1
        with listening(options) as woken:
            assert woken.wait(10), "it did not begin to listen"
            woken.clear()
            with psycopg.connect(postgres.dsn(shop), autocommit=True, application_name="migrate") as session:
                session.execute("CREATE TABLE orders (id int PRIMARY KEY)")
                assert woken.wait(10)
                (event,) = watch.check()  # though the session has not given its counters yet
                assert said([event]) == ["table public.orders added safe"]
                assert event.detail == {
                    "by": "postgres", "application": "migrate", "client": "127.0.0.1",
                    "statement": "CREATE TABLE orders (id int PRIMARY KEY)",
                }  # fmt: skip
                for statement, expected in (
                    ("ALTER TABLE orders ADD COLUMN email text", "column public.orders.email added safe"),
                    ("CREATE INDEX by_email ON orders (email)", "index public.orders.by_email added safe"),
                    ("GRANT SELECT ON orders TO PUBLIC", "grant public.orders added cautious security"),
                    ("COMMENT ON COLUMN orders.email IS '***'", "comment public.orders.email added safe"),
                    ("ALTER TABLE orders RENAME COLUMN email TO mail", "column public.orders.email renamed breaking"),
                    ("DROP INDEX by_email", "index public.orders.by_email dropped cautious"),
                ):
                    woken.clear()
                    session.execute(statement)
                    assert woken.wait(10)
                    (event,) = watch.check()
                    assert said([event]) == [expected]
                    assert event.detail["statement"] == statement
        postgres.execute("ALTER EVENT TRIGGER tocsin_sql_drop DISABLE", database=shop)
        until(lambda: watch.check() and watch.page().value("tocsin_pg_schema_trigger_enabled", database=shop) == 0)
        assert HEARD.databases("pg") == set()


def test_flood_of_foreign_notifications_is_survived(postgres: Postgres, shop: str, tmp_path: Path) -> None:
    """Everybody may notify the channel: what is no notice of the trigger's wakes, and is good for nothing else."""
    options = options_of(postgres, shop)
    with Watch(options, tmp_path / "state") as watch:
        watch.check()
        with listening(options) as woken:
            assert woken.wait(10)
            woken.clear()
            postgres.execute(
                "SELECT pg_notify('tocsin_schema', p)"
                " FROM unnest(ARRAY['', '{', '[]', '{\"objects\": 1}', 'null', repeat('[', 7000)]) AS p",
                'SELECT pg_notify(\'tocsin_schema\', format(\'{"objects": [["table", "public.t%s"]], "by": [1]}\', i))'
                " FROM generate_series(1, 5000) AS i",
                database=shop,
            )
            assert woken.wait(10)
            time.sleep(0.3)
            assert watch.check() == []
            assert watch.record("schema").error is None
    HEARD.forget("pg")


def test_notice_of_another_object_explains_nothing() -> None:
    notice = Notice.parse(json.dumps({"by": "bob", "statement": "s" * 9000, "objects": [["table", '"Odd".t']], "tag": "ALTER TABLE"}))
    assert notice.names == {"Odd.t"}
    assert len(notice.detail["statement"]) == 2000
    assert Notice.parse("no json").detail == {}


def test_function_of_somebody_else_is_never_taken_over(postgres: Postgres, database: str) -> None:
    """Who owns the function could have every superuser that changes a schema run what he likes."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as session:
        session.execute("CREATE ROLE planter")
        try:
            session.execute("CREATE SCHEMA tocsin AUTHORIZATION planter")
            with pytest.raises(PrivilegeError, match="belongs to a role that is no superuser"):
                trigger.apply(options_of(postgres, database), 20)
            assert session.execute("SELECT count(*) FROM pg_event_trigger").fetchone() == (0,)
            session.execute("ALTER SCHEMA tocsin OWNER TO postgres")
            session.execute("CREATE FUNCTION tocsin.tell() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
            session.execute("ALTER FUNCTION tocsin.tell() OWNER TO planter")
            trigger.apply(options_of(postgres, database), 20)
            owner = session.execute("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'tell'").fetchone()
            assert owner == ("postgres",)
            trigger.apply(options_of(postgres, database), 20, remove=True)
        finally:
            session.execute("DROP SCHEMA IF EXISTS tocsin CASCADE")
            session.execute("DROP OWNED BY planter CASCADE")
            session.execute("DROP ROLE planter")


def test_who_made_a_change_is_said_only_as_far_as_all_that_named_the_object_agree() -> None:
    def notice(by: str, statement: str) -> Notice:
        return Notice({"by": by, "statement": statement}, frozenset({"public.t"}), "ALTER TABLE")

    table = Object("table", "", "public.t", ("table", None, "off", None, None))
    change = Difference(Change.ADDED, None, table)
    one, two, other = notice("alice", "first"), notice("alice", "second"), notice("mallory", "third")
    assert explain([one], list)(change) == {"by": "alice", "statement": "first"}
    assert explain([one], lambda: [two])(change) == {"by": "alice"}
    assert explain([one], lambda: [other])(change) == {}
