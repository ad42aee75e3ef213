"""From a real database to a message that a person reads, with real parts only.

PostgreSQL and SQLite are watched, Prometheus scrapes and evaluates, Alertmanager sends, and a Slack webhook
and an SMTP server receive.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

import public_queries
from alerting import about, alerting, query
from authority import Authority
from mariadb import MariaDB
from servers import ROOT, Postgres, until
from sinks import Message
from tocsin.bundle.dashboard import queries
from tocsin.bundle.links import runbook_url
from tocsin.schema.drift import write
from tocsin.schema.model import Object, Schema

SETTINGS = {"shared_preload_libraries": "pg_stat_statements"}
"""Of the PostgreSQL server. With them, a slot and a vacuumed table every panel has something to show."""

DASHBOARDS = ("fleet.json", "postgres.json", "mysql.json", "schema.json", "embedded.json")
ELSEWHERE = "tocsin_discover"
"""What was found is shown in test_containers.py: here nothing is looked for."""


class Stack(NamedTuple):
    postgres: Postgres
    prometheus: str
    slack: list[Message]
    mail: list[Message]
    sqlite: Path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("whole-path")
    authority, server = Authority(folder / "authority"), Postgres(folder / "postgres")
    authority.issue("server")
    certificate, key = authority.give("server", server.folder)
    server.start(**SETTINGS)
    files = {"ssl_cert_file": certificate, "ssl_key_file": key, "ssl": "on"}
    server.execute(*(f"ALTER SYSTEM SET {word} = '{value}'" for word, value in files.items()), "SELECT pg_reload_conf()")
    server.execute(
        "CREATE DATABASE shop", "CREATE EXTENSION pg_stat_statements", "SELECT pg_create_physical_replication_slot('replica', true)"
    )
    server.execute(
        "CREATE TABLE orders (id serial PRIMARY KEY, email text NOT NULL, total numeric(10,2))",
        "INSERT INTO orders (email, total) VALUES ('someone@example.com', 1)",
        "VACUUM orders",
        "CREATE TABLE bloated AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 90000) AS i",
        "CREATE INDEX bloated_once ON bloated (i)",
        "CREATE INDEX bloated_twice ON bloated (i)",
        "DELETE FROM bloated WHERE i % 5 > 0",
        "VACUUM ANALYZE bloated",
        database="shop",
    )
    maria = MariaDB(folder / "mariadb").start(performance_schema="ON", log_bin="bin", server_id=1)
    # Without SHOW VIEW and TRIGGER: some of the schema cannot be seen.
    maria.exporter_account()
    copy = MariaDB(folder / "copy").start(server_id=2)
    copy.exporter_account()
    maria.execute(
        "CREATE USER follower@'%' IDENTIFIED BY 'f'", "GRANT REPLICATION SLAVE ON *.* TO follower@'%'", "CREATE DATABASE store",
        "CREATE VIEW store.one AS SELECT 1",
    )  # fmt: skip
    copy.execute(
        f"CHANGE MASTER TO master_host='127.0.0.1', master_port={maria.port}, master_user='follower', master_password='f'", "START SLAVE"
    )
    idle = maria.connect()
    app = folder / "app.db"
    with closing(sqlite3.connect(app)) as db:
        db.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, phone TEXT)")
        db.commit()
    # Two databases that somebody is just writing to.
    ledger = sqlite3.connect(folder / "ledger.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE entry (n)", "INSERT INTO entry VALUES (1)", "BEGIN IMMEDIATE"):
        ledger.execute(statement)
    lake = duckdb.connect(folder / "lake.duckdb")
    lake.execute("CREATE TABLE event AS SELECT range AS n FROM range(1000)")
    wanted = Object("table", "", "invoices", ("table", None, None, None, None))
    (folder / "schema.json").write_text("\n".join(write([("main", Schema("sqlite 3", (wanted,)))])))
    with closing(sqlite3.connect(folder / "archive.db")) as db:
        db.execute("CREATE TABLE old (n)")
    (folder / "broken.json").write_text("{")
    config = folder / "tocsin.yaml"
    config.write_text(
        f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets:
  - {{name: orders, kind: postgres, dsn: "{server.dsn()}", every: {{schema: 2s}}}}
  - {{name: ledgers, kind: endpoint, address: "127.0.0.1:{server.port}", protocol: postgres}}
  - {{name: stock, kind: mysql, dsn: "{maria.dsn()}"}}
  - {{name: copy, kind: mysql, dsn: "{copy.dsn()}"}}
  - {{name: archive, kind: sqlite, path: {folder}/archive.db, expected: broken.json}}
  - {{name: app, kind: sqlite, path: {app}, every: {{schema: 2s}}, expected: schema.json}}
  - {{name: ledger, kind: sqlite, path: {folder}/ledger.db}}
  - {{name: lake, kind: duckdb, path: {folder}/lake.duckdb}}
  - {{name: lost, kind: sqlite, path: {folder}/nothing.db}}
"""
    )
    try:
        with alerting(config, folder) as running:
            until(lambda: query(running.prometheus, 'pg_up{instance="orders"} == 1'), 60)
            until(lambda: query(running.prometheus, "tocsin_schema_info"), 60)
            # The first pages have told what was wrong from the start.
            until(lambda: [m for m in running.slack if "lost" in m.title], 60)
            yield Stack(server, running.prometheus, running.slack, running.mail, app)
    finally:
        ledger.close()
        lake.close()
        idle.close()
        server.stop("immediate")
        copy.stop()
        maria.stop()


@pytest.fixture(scope="module")
def with_data(path: Stack) -> dict[str, bool]:
    """Which of our dashboards' queries and of the public ones returned data at any of the moments that the tests came by."""
    dashboards = [json.loads((ROOT / "grafana" / "dashboards" / name).read_text()) for name in DASHBOARDS]
    ours = [expression for dashboard in dashboards for expression in queries(dashboard)]
    return dict.fromkeys([*ours, *public_queries.POSTGRES, *public_queries.MYSQL], False)


def look(path: Stack, with_data: dict[str, bool]) -> None:
    for expression, seen in with_data.items():
        with_data[expression] = seen or bool(query(path.prometheus, expression))


def test_dropped_column_is_told_by_slack_and_mail(path: Stack, with_data: dict[str, bool]) -> None:
    began = time.time()
    path.postgres.execute("ALTER TABLE orders DROP COLUMN email", database="shop")
    words = ("orders", "shop", "public.orders.email", "dropped", "destructive", runbook_url("SchemaChanged"))
    (in_slack,) = until(lambda: about(path.slack, *words), 60)
    (in_mail,) = until(lambda: about(path.mail, *words), 60)
    took = max(in_slack.at, in_mail.at) - began
    print(f"\nfrom DDL to both messages: {took:.1f} s\n{in_slack.title}\n{in_slack.text}\n")
    assert took < 60
    look(path, with_data)


def test_sqlite_column_is_told_too(path: Stack) -> None:
    with closing(sqlite3.connect(path.sqlite)) as db:
        db.execute("ALTER TABLE customers DROP COLUMN phone")
        db.commit()
    until(lambda: about(path.slack, "app", "customers.phone", "dropped", "destructive"), 60)


def test_stopped_server_is_one_message_and_resolves(path: Stack, with_data: dict[str, bool]) -> None:
    until(lambda: time.time() - max(m.at for m in path.slack) > 3, 60)
    began = time.time()
    path.postgres.stop("immediate")
    until(lambda: about(path.slack, "orders", "does not answer", since=began), 60)
    # Long enough for every symptom to fire as well; held back they are, not absent.
    until(lambda: query(path.prometheus, 'ALERTS{alertname="CollectorFailing",instance="orders",alertstate="firing"}'), 60)
    look(path, with_data)
    time.sleep(25)
    told = about(path.slack, "orders", since=began)
    assert len(told) == 1, told
    assert len(about(path.mail, "orders", since=began)) == 1

    began = time.time()
    path.postgres.start(**SETTINGS)
    until(lambda: about(path.slack, "orders", "RESOLVED", since=began), 90)
    until(lambda: about(path.mail, "orders", "RESOLVED", since=began), 90)
    assert query(path.prometheus, 'pg_up{instance="orders"} == 1')
    look(path, with_data)


def test_every_panel_and_the_public_queries_returned_data(with_data: dict[str, bool]) -> None:
    assert with_data
    assert [expression for expression, seen in with_data.items() if not seen and ELSEWHERE not in expression] == []
