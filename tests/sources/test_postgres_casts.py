"""What users define for operators and types of the server's own must not blind us: casts hold in every schema."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from servers import Postgres
from tocsin.options import DatabaseFilter
from tocsin.sources.postgres import gate, listen, objects, tables, upkeep
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.inspect import read
from watching import Watch, postgres_options

PLAYED_TRICKS_ON = (
    "smallint", "integer", "bigint", "real", "double precision", "numeric", "oid", "regproc", "xid", "pg_lsn",
    "timestamp with time zone", "interval", "jsonb",
)  # fmt: skip
"""Types that our queries meet."""

ODD = """
CREATE FUNCTION public.odd(text, integer) RETURNS text LANGUAGE sql AS 'SELECT ''odd''';
CREATE FUNCTION public.odd(oid, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION public.odd(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = integer, FUNCTION = public.odd);
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = public.odd);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.odd);
CREATE TABLE public.t (id int GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3 CACHE 7), a text);
ALTER TABLE public.t ALTER COLUMN a SET STATISTICS 500;
CREATE STATISTICS public.st ON id, a FROM public.t;
ALTER STATISTICS public.st SET STATISTICS 300;
CREATE FUNCTION public.many() RETURNS SETOF int LANGUAGE sql COST 7 ROWS 9 AS 'SELECT 1';
CREATE AGGREGATE public.total(int) (SFUNC = int4pl, STYPE = int, SSPACE = 64);
"""


@pytest.fixture
def tricky(postgres: Postgres, database: str) -> str:
    """Give the name of a database where almost everything may become a text, and a text almost everything, unasked."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as session:
        session.execute(ODD)
        for type_ in PLAYED_TRICKS_ON:
            session.execute(f"CREATE CAST ({type_} AS text) WITH INOUT AS IMPLICIT")
            session.execute(f"CREATE CAST (text AS {type_}) WITH INOUT AS IMPLICIT")
        # Of boolean and some others there are casts already, for assignments: migrations have made them implicit by hand.
        session.execute("UPDATE pg_cast SET castcontext = 'i' WHERE casttarget = 'text'::regtype AND castcontext = 'a'")
    return database


def test_everything_is_inspected_and_scraped_beside_implicit_casts(postgres: Postgres, tricky: str, tmp_path: Path) -> None:
    options = postgres_options(postgres.dsn(tricky), databases=DatabaseFilter(include=(f"^{tricky}$",)))
    with Watch(options, tmp_path / "state") as watch:
        page = watch.scrape()
        watch.check()
        watch.check()  # by the search for what moved
        assert {c.name: str(r.error) for c, r in watch.target.records.items() if r.error is not None} == {}
        assert page.all("tocsin_collector_success")
        assert all(value == 1 for _, value in page.all("tocsin_collector_success"))
        assert watch.page().value("tocsin_schema_fingerprint", database=tricky)


def test_what_is_read_beside_implicit_casts_is_right(postgres: Postgres, tricky: str) -> None:
    connection = Connection(postgres_options(postgres.dsn()), tricky, time.monotonic() + 10)
    try:
        found = {(o.kind, o.full_name): o for o in read(connection, time.monotonic() + 20).objects}
        assert found["column", "public.t.a"].trait("options") == "STATISTICS 500"
        generated = found["column", "public.t.id"].trait("generated")
        assert generated == "GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3 CACHE 7)"
        assert "STATISTICS 300" in (found["statistics", "public.t.st"].trait("definition") or "")
        assert found["function", "public.many()"].trait("attributes") == "COST 7 ROWS 9"
        assert "SSPACE = 64" in (found["aggregate", "public.total(integer)"].trait("definition") or "")
        version = connection.server_version
        for statement in (
            f"{gate.GATE}, {listen.TRIGGER}", gate.HORIZON, gate.relations(700), gate.catalogs(700, version), tables.query(version, ["1"]),
            objects.VEILED, *(t.format(widths=w) for t in (upkeep._TABLES, upkeep._INDEXES)
                for w in (upkeep._WIDTHS, upkeep._WIDTHS_OF_READABLE_TABLES)),
        ):  # fmt: skip
            connection.query(statement, time.monotonic() + 20)
    finally:
        connection.close()


def test_a_database_that_cannot_be_inspected_hides_no_other(postgres: Postgres, tmp_path: Path) -> None:
    """The catalogs of one are spoiled; the others are followed on, and the failure says which one it is."""
    names = [f"beside_{word}" for word in ("a", "b", "c")]
    for name in names:
        postgres.execute(f"CREATE DATABASE {name}")
    try:
        options = postgres_options(postgres.dsn(), databases=DatabaseFilter(include=("^beside_",)))
        with Watch(options, tmp_path / "state") as watch, psycopg.connect(postgres.dsn("beside_b")) as holder:
            holder.execute("CREATE TABLE t (a int)")
            holder.execute("LOCK TABLE pg_catalog.pg_policy IN ACCESS EXCLUSIVE MODE")
            watch.check()
            record = watch.record("schema")
            assert record.success is False
            assert "in beside_b: " in str(record.error)
            assert record.error is not None
            assert record.error.reason == "locked"
            page = watch.page()
            shown = {labels["database"] for labels, _ in page.all("tocsin_schema_fingerprint")}
            assert shown == {"beside_a", "beside_c"}
            assert page.value("tocsin_collector_success", collector="postgres.schema") == 0
            assert record.series > 0
            holder.rollback()
            watch.check()
            assert {labels["database"] for labels, _ in watch.page().all("tocsin_schema_fingerprint")} == set(names)
    finally:
        for name in names:
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
