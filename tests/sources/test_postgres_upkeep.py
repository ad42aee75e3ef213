"""Sequences, indexes nobody needs and bloat: what is told of them is right, bounded, and waits for no lock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from servers import Postgres
from tocsin.sources.postgres.config import GRANTS
from watching import Page, Watch, postgres_options

INDEX = dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    found = Postgres(tmp_path_factory.mktemp("upkeep")).start(autovacuum="off")
    found.execute("CREATE EXTENSION pgstattuple", "CREATE DATABASE sequences", "CREATE DATABASE indexes", "CREATE DATABASE bloat")
    yield found
    found.stop("immediate")


@pytest.fixture(scope="module")
def bloated(server: Postgres) -> Postgres:
    """Three tables of which one has lost four fifths of its rows, one half of them and one none, each with a B-tree of equal fate."""
    server.execute("CREATE EXTENSION pgstattuple", database="bloat")
    for name, lost in (("heavy", "id % 5 <> 0"), ("half", "id % 2 = 0"), ("tight", "false")):
        server.execute(
            f"CREATE TABLE {name} (id int PRIMARY KEY, customer int, email text, note text, at timestamptz)",
            f"INSERT INTO {name} SELECT i, i % 500, 'someone' || i || '@example.org', CASE WHEN i % 3 = 0 THEN repeat('n', i % 90) END,"
            " now() FROM generate_series(1, 60000) AS i",
            f"DELETE FROM {name} WHERE {lost}",
            f"VACUUM (ANALYZE, TRUNCATE off) {name}",
            database="bloat",
        )
    return server


def look(server: Postgres, database: str, folder: Path, user: str = "postgres", wrong: bool = False) -> Page:
    """Run the scheduled collectors once and return what they found in one database."""
    options = postgres_options(server.dsn(database, user), collectors={"schema": False})
    with Watch(options, folder / f"state-{time.monotonic_ns()}") as watch:
        watch.check()
        errors = [r.error for c, r in watch.target.records.items() if c.every is not None and r.error]
        assert bool(errors) is wrong, errors
        page = watch.page()
    page.samples = [(name, labels, value) for name, labels, value in page.samples if labels.get("datname", database) == database]
    return page


# Sequences


def test_share_of_a_sequence_that_is_used_up(server: Postgres, tmp_path: Path) -> None:
    server.execute(
        "CREATE SEQUENCE short AS smallint",
        "SELECT setval('short', 16384)",
        "CREATE SEQUENCE falling INCREMENT -1 MINVALUE -101 MAXVALUE -1",
        "SELECT setval('falling', -51)",
        "CREATE SEQUENCE unused",
        "CREATE SEQUENCE round CYCLE MAXVALUE 10",
        "SELECT setval('round', 10)",
        # The sequence is wider than its column, whether it belongs to it or is only its default.
        "CREATE TABLE narrow (id int PRIMARY KEY, small smallint)",
        "CREATE SEQUENCE owned OWNED BY narrow.id",
        "SELECT setval('owned', 2147483647 / 2)",
        "CREATE SEQUENCE asked",
        "ALTER TABLE narrow ALTER small SET DEFAULT nextval('asked')",
        "SELECT setval('asked', 32767 / 2)",
        "CREATE TABLE wide (id bigserial)",
        "SELECT setval('wide_id_seq', 2147483647)",
        database="sequences",
    )
    page = look(server, "sequences", tmp_path)
    found = {labels["sequencename"]: value for labels, value in page.all("tocsin_pg_sequence_used_ratio")}
    for name in ("short", "falling", "owned", "asked"):
        assert found[name] == pytest.approx(0.5, abs=0.01), name
    assert found["wide_id_seq"] < 0.001
    assert not found.keys() & {"unused", "round"}
    assert page.value("tocsin_pg_sequences_unreadable") == 0


def test_sequence_that_somebody_alters_is_left_out_and_nobody_waits(server: Postgres, tmp_path: Path) -> None:
    server.execute("CREATE SEQUENCE altered", "SELECT nextval('altered')", database="sequences")
    with psycopg.connect(server.dsn("sequences")) as migration:
        migration.execute("ALTER SEQUENCE altered MAXVALUE 1000")
        began = time.monotonic()
        page = look(server, "sequences", tmp_path)
        assert time.monotonic() - began < 5
        assert not page.all("tocsin_pg_sequence_used_ratio", sequencename="altered")
        assert server.execute("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
        migration.rollback()
    assert look(server, "sequences", tmp_path).all("tocsin_pg_sequence_used_ratio", sequencename="altered")


def test_sequences_that_the_role_may_not_read_are_counted(server: Postgres, tmp_path: Path) -> None:
    server.execute("CREATE ROLE stranger LOGIN", "GRANT pg_monitor TO stranger")
    server.execute("CREATE SEQUENCE IF NOT EXISTS open_to_all", "GRANT SELECT ON SEQUENCE open_to_all TO PUBLIC", database="sequences")
    server.execute("SELECT nextval('open_to_all')", database="sequences")
    ((count,),) = server.execute("SELECT count(*) FROM pg_sequence WHERE NOT seqcycle", database="sequences")
    page = look(server, "sequences", tmp_path, "stranger")
    assert [labels["sequencename"] for labels, _ in page.all("tocsin_pg_sequence_used_ratio")] == ["open_to_all"]
    assert page.value("tocsin_pg_sequences_unreadable") == count - 1


# Indexes


REDUNDANT = """
    CREATE TABLE orders (id int PRIMARY KEY, a int, b int, c text COLLATE "C", d int NOT NULL UNIQUE);
    CREATE INDEX a_first ON orders (a);
    CREATE INDEX a_second ON orders (a);
    CREATE INDEX a_and_b ON orders (a, b);
    CREATE INDEX a_descending ON orders (a DESC);
    CREATE INDEX a_of_few ON orders (a) WHERE b > 5;
    CREATE INDEX a_of_few_again_by_another_name ON orders  (a)  WHERE  b > 5;
    CREATE INDEX a_with_b ON orders (a) INCLUDE (b);
    CREATE INDEX a_hashed ON orders USING hash (a);
    CREATE INDEX lowered ON orders (lower(c));
    CREATE INDEX lowered_again ON orders (lower(c));
    CREATE INDEX raised ON orders (upper(c));
    CREATE INDEX c_as_is ON orders (c);
    CREATE INDEX c_otherwise ON orders (c COLLATE "POSIX");
    CREATE INDEX c_for_like ON orders (c text_pattern_ops);
    CREATE UNIQUE INDEX id_twice ON orders (id);
    CREATE INDEX id_thrice ON orders (id);
    CREATE INDEX d_plain ON orders (d);
    CREATE UNIQUE INDEX b_once ON orders (b);
    CREATE INDEX b_and_a ON orders (b, a)
"""


def test_redundant_indexes_are_named_with_what_covers_them(server: Postgres, tmp_path: Path) -> None:
    server.execute(*REDUNDANT.split(";"), database="indexes")
    page = look(server, "indexes", tmp_path)
    found = {labels["indexrelname"]: (labels["kind"], labels["covered_by"]) for labels, _ in page.all("tocsin_pg_redundant_index_bytes")}
    assert found == {
        "a_first": ("prefix", "a_and_b"),
        "a_second": ("duplicate", "a_first"),
        "a_of_few_again_by_another_name": ("duplicate", "a_of_few"),
        "lowered_again": ("duplicate", "lowered"),
        "id_twice": ("duplicate", "orders_pkey"),
        "id_thrice": ("duplicate", "orders_pkey"),
        "d_plain": ("duplicate", "orders_d_key"),
    }
    assert page.value("tocsin_pg_redundant_indexes", kind="duplicate") == 6
    assert page.value("tocsin_pg_redundant_indexes", kind="prefix") == 1
    assert (page.value("tocsin_pg_redundant_indexes_size_bytes", kind="prefix") or 0) > 0


def test_what_is_called_redundant_can_be_dropped_and_every_constraint_still_holds(server: Postgres, tmp_path: Path) -> None:
    server.execute("CREATE DATABASE dropped TEMPLATE indexes")
    named = [labels["indexrelname"] for labels, _ in look(server, "dropped", tmp_path).all("tocsin_pg_redundant_index_bytes")]
    assert named
    server.execute(*(f"DROP INDEX {name}" for name in named), database="dropped")
    assert not look(server, "dropped", tmp_path).all("tocsin_pg_redundant_index_bytes")
    for row in ("(1, 1, 2, '', 4)", "(3, 1, 1, '', 4)", "(3, 1, 2, '', 1)"):
        with pytest.raises(psycopg.errors.UniqueViolation):
            server.execute("INSERT INTO orders VALUES (1, 1, 1, '', 1) ON CONFLICT DO NOTHING", f"INSERT INTO orders VALUES {row}",
                           "INSERT INTO orders VALUES (9, 9, 2, '', 4)", database="dropped")  # fmt: skip


def test_indexes_that_no_scan_used_are_named_unless_they_enforce_something(server: Postgres, tmp_path: Path) -> None:
    server.execute(
        "CREATE TABLE used (id int PRIMARY KEY, a int, b int UNIQUE, c int4range, EXCLUDE USING gist (c WITH &&))",
        "CREATE INDEX used_a ON used (a)",
        "CREATE INDEX never_used ON used (a, b)",
        "CREATE TABLE parts (a int, at date) PARTITION BY RANGE (at)",
        "CREATE INDEX parts_a ON parts (a)",
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "SET enable_seqscan = off",
        "SELECT count(*) FROM used WHERE a = 1",
        "SELECT pg_stat_force_next_flush()",
        database="indexes",
    )
    page = look(server, "indexes", tmp_path)
    if page.all("tocsin_pg_unused_index_bytes", indexrelname="used_a"):  # the planner took the wider one
        server.execute("SET enable_seqscan = off", "SELECT count(*) FROM used WHERE a = 1", database="indexes")
    named = {labels["indexrelname"] for labels, _ in page.all("tocsin_pg_unused_index_bytes", relname="used")}
    assert len(named) == 1
    assert named < {"used_a", "never_used"}
    assert not page.all("tocsin_pg_unused_index_bytes", relname="part")
    everything = {labels["indexrelname"] for labels, _ in page.all("tocsin_pg_unused_index_bytes")}
    assert page.value("tocsin_pg_unused_indexes") == len(everything)
    assert not everything & {"orders_pkey", "orders_d_key", "id_twice", "b_once"}


def test_more_indexes_than_are_named_are_counted(server: Postgres, tmp_path: Path) -> None:
    server.execute("CREATE DATABASE many", "SELECT 1")
    server.execute("CREATE TABLE t (a int)", *(f"CREATE INDEX i{n} ON t (a)" for n in range(30)), database="many")
    page = look(server, "many", tmp_path)
    assert len(page.all("tocsin_pg_unused_index_bytes")) == 20
    assert len(page.all("tocsin_pg_redundant_index_bytes")) == 20
    assert page.value("tocsin_pg_unused_indexes") == 30
    assert page.value("tocsin_pg_redundant_indexes", kind="duplicate") == 29
    size = page.value("tocsin_pg_unused_indexes_size_bytes") or 0
    assert size == 30 * 8192


# Bloat


def test_estimate_of_bloat_is_close_to_what_pgstattuple_measures(bloated: Postgres, tmp_path: Path) -> None:
    page = look(bloated, "bloat", tmp_path)
    for name, share in (("heavy", 0.8), ("half", 0.5)):
        ((free, size),) = bloated.execute(f"SELECT free_space + dead_tuple_len, table_len FROM pgstattuple('{name}')", database="bloat")
        assert free / size == pytest.approx(share, abs=0.1), "the test's own table"
        assert page.value("tocsin_pg_table_bloat_ratio", relname=name) == pytest.approx(free / size, abs=0.08)
        assert page.value("tocsin_pg_table_bloat_bytes", relname=name) == pytest.approx(free, abs=size * 0.08)
        ((density, size),) = bloated.execute(f"SELECT avg_leaf_density, index_size FROM pgstatindex('{name}_pkey')", database="bloat")
        bloat = 1 - density / 90
        assert page.value("tocsin_pg_index_bloat_ratio", indexrelname=f"{name}_pkey") == pytest.approx(bloat, abs=0.08)
    assert (page.value("tocsin_pg_table_bloat_ratio", relname="tight") or 0) < 0.08
    assert (page.value("tocsin_pg_index_bloat_ratio", indexrelname="tight_pkey") or 0) < 0.08
    assert page.value("tocsin_pg_bloat_bytes", kind="table") == sum(v for _, v in page.all("tocsin_pg_table_bloat_bytes"))
    assert page.value("tocsin_pg_bloat_bytes", kind="index") == sum(v for _, v in page.all("tocsin_pg_index_bloat_bytes"))
    assert page.value("tocsin_pg_bloat_unknown", kind="table") == 0


def test_table_that_was_never_analysed_has_no_estimate(bloated: Postgres, tmp_path: Path) -> None:
    bloated.execute(
        "CREATE TABLE unknown AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 30000) AS i", "VACUUM unknown", database="bloat"
    )
    try:
        page = look(bloated, "bloat", tmp_path)
        assert not page.all("tocsin_pg_table_bloat_bytes", relname="unknown")
        assert page.value("tocsin_pg_bloat_unknown", kind="table") == 1
    finally:
        bloated.execute("DROP TABLE unknown", database="bloat")


def test_bloat_is_estimated_while_tables_are_locked_exclusively(bloated: Postgres, tmp_path: Path) -> None:
    with psycopg.connect(bloated.dsn("bloat")) as migration:
        migration.execute("LOCK TABLE heavy, half IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        page = look(bloated, "bloat", tmp_path)
        assert time.monotonic() - began < 5
        assert (page.value("tocsin_pg_table_bloat_ratio", relname="heavy") or 0) > 0.7
        assert page.value("tocsin_pg_unused_indexes") is not None
        assert page.value("tocsin_pg_redundant_indexes", kind="prefix") == 0
        migration.rollback()


def test_granted_role_sees_bloat_and_one_without_is_told_what_is_unknown(bloated: Postgres, tmp_path: Path) -> None:
    bloated.execute("CREATE ROLE modest LOGIN", "GRANT pg_monitor TO modest")
    page = look(bloated, "bloat", tmp_path, "modest")
    assert not page.all("tocsin_pg_table_bloat_bytes")
    assert page.value("tocsin_pg_bloat_unknown", kind="table") == 3
    (grant,) = (line for line in GRANTS.splitlines() if "pg_statistic" in line)
    bloated.execute(grant.replace("TO tocsin", "TO modest"), database="bloat")
    page = look(bloated, "bloat", tmp_path, "modest")
    assert (page.value("tocsin_pg_table_bloat_ratio", relname="heavy") or 0) > 0.7
    assert page.value("tocsin_pg_bloat_unknown", kind="table") == 0
    for secret in ("SELECT stavalues1 FROM pg_statistic", "SELECT email FROM heavy"):
        with psycopg.connect(bloated.dsn("bloat", "modest")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(secret)
