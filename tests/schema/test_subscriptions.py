"""How subscriptions connect: told but for what is a secret in it, which never leaves the server, and hidden from all but superusers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import Postgres
from tocsin.options import DatabaseFilter
from tocsin.schema.model import HIDDEN
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.inspect import read
from watching import Watch, postgres_options, said

NEEDLE = "n33dle"

CONNECTIONS = [
    ("host=a port=1 dbname=d user=u password=n33dle", "host=a port=1 dbname=d user=u password=***"),
    ("password=n33dle", "password=***"),
    ("host = 'a b' password = 'n33dle n33dle' port = 5", "host='a b' password=*** port=5"),
    (r"password='n33dle\'n33dle' host=a", "password=*** host=a"),
    (r"password=n33dle\ n33dle host=a", "password=*** host=a"),
    (r"application_name='x y=' password='n33dle e' host=a", "application_name='x y=' password=*** host=a"),
    (r"application_name='it\'s password=' sslpassword=n33dle", r"application_name='it\'s password=' sslpassword=***"),
    ("password= n33dle host=<a&b>", "password=*** host=<a&b>"),
    ("host=a password=n33dle=n33dle&n33dle", "host=a password=***"),
    ("host=a passfile=/n33dle options='-c a.b=n33dle'", "host=a passfile=*** options=***"),
    ("host=a password=", "host=a password=***"),
    ("postgresql://u:n33dle@a:1/d", "postgresql://u:***@a:1/d"),
    ("postgres://u:n33dle?n33dle@a:1/d?sslmode=require", "postgres://u:***@a:1/d?sslmode=require"),
    ("postgresql://a:1,b:2/d?password=n33dle&application_name=x@y", "postgresql://a:1,b:2/d?password=***&application_name=x@y"),
    ("postgresql://u@a/d?pass%77ord=n33dle&sslmode=prefer", "postgresql://u@a/d?pass%77ord=***&sslmode=prefer"),
    ("postgresql://u:n33dle@/d?host=/run", "postgresql://u:***@/d?host=/run"),
    ("", None),
]


@pytest.fixture
def subscribed(postgres: Postgres, database: str) -> Iterator[str]:
    yield database
    for (name,) in postgres.execute(
        "SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        database=database,
    ):
        postgres.execute(f"DROP SUBSCRIPTION {name}", database=database)


def created(name: str, connection: str) -> str:
    return f"CREATE SUBSCRIPTION {name} CONNECTION $c${connection}$c$ PUBLICATION p WITH (connect = false, slot_name = NONE)"


@pytest.mark.parametrize("strings", ["on", "off"])
def test_no_secret_leaves_the_server_and_the_rest_does(postgres: Postgres, subscribed: str, strings: str) -> None:
    postgres.execute(*(created(f"s{i:02}", text) for i, (text, _) in enumerate(CONNECTIONS)), database=subscribed)
    postgres.execute(f"ALTER DATABASE {subscribed} SET standard_conforming_strings = {strings}")
    connection = Connection(postgres_options(postgres.dsn()), subscribed, time.monotonic() + 10)
    try:
        found = {o.name: o.trait("connection") for o in read(connection, time.monotonic() + 10).objects if o.kind == "subscription"}
    finally:
        connection.close()
    assert found == {f"s{i:02}": told for i, (_, told) in enumerate(CONNECTIONS)}
    assert NEEDLE not in str(found)


def test_who_may_not_read_it_sees_the_rest_and_what_is_known_of_it_stands(postgres: Postgres, subscribed: str, tmp_path: Path) -> None:
    def look(*statements: str) -> list[str]:
        postgres.execute(*statements, database=subscribed)
        chosen = DatabaseFilter(include=(f"^{subscribed}$",))
        with Watch(postgres_options(postgres.dsn(subscribed, user=role), databases=chosen), tmp_path / "state") as watch:
            told = watch.check()
            assert watch.record("schema").error is None
            assert not watch.page().all("tocsin_schema_unseen"), "there is no remedy that would give away no password"
        assert NEEDLE not in str(told)
        assert HIDDEN not in str(told)
        return said(told)

    role = f"{subscribed}_watcher"
    postgres.execute(f"CREATE ROLE {role} LOGIN SUPERUSER")
    try:
        assert look(created("s", f"host=a password={NEEDLE}")) == []
        assert look("ALTER SUBSCRIPTION s CONNECTION 'host=b password=n33dle'") == ["subscription s altered cautious security"]
        assert look(f"ALTER ROLE {role} NOSUPERUSER", "CREATE TABLE t ()") == ["table public.t added safe"]
        assert look("ALTER SUBSCRIPTION s CONNECTION 'host=c'") == []
        assert look("ALTER SUBSCRIPTION s SET (synchronous_commit = on)") == ["subscription s altered cautious"]
        assert look(f"ALTER ROLE {role} SUPERUSER", "CREATE TABLE u ()") == [
            "subscription s altered cautious security", "table public.u added safe",
        ]  # fmt: skip
    finally:
        postgres.execute(f"DROP ROLE {role}")
