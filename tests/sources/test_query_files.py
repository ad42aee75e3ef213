"""Own queries in files: Tocsin's own format on every engine, postgres_exporter's beside postgres_exporter itself, and their mistakes."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mariadb import MariaDB
from servers import ROOT, Child, Postgres, free_port, get, until
from tocsin import config, environment, once
from tocsin.config import Config
from tocsin.errors import ConfigError
from tocsin.service import Service
from tools import lacking

EXPORTER = ROOT / ".cache" / "bin" / "prometheus-postgres-exporter"

QUERIES = """
queries:
  - name: own_version
    sql:
      "3.0": SELECT 3 AS n, 'sqlite' AS engine
      "8.0": SELECT 8 AS n, 'mysql' AS engine
      "10.5": SELECT 105 AS n, 'mariadb' AS engine
      "99": SELECT nonsense
    labels: [engine]
    metrics: {n: {name: shop_engine, help: The engine.}}
"""
EXPECTED = {"mysql": 'shop_engine{instance="shop",engine="mariadb"} 105', "sqlite": 'shop_engine{instance="shop",engine="sqlite"} 3'}


def load(folder: Path, target: str) -> Config:
    (folder / "tocsin.yaml").write_text(
        f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {folder}/state\ntargets: [{{name: shop, {target}}}]\n"
    )
    return config.load(folder / "tocsin.yaml", {})


def page(loaded: Config, start: str = "shop_") -> list[str]:
    return [line for line in once.page(loaded, 10).decode().splitlines() if line.startswith(start)]


def sqlite_file(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "shop.db")) as db:
        db.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER)")
    return "kind: sqlite, path: shop.db"


@pytest.mark.parametrize("kind", EXPECTED)
def test_sql_is_chosen_by_the_servers_version(kind: str, mariadb: MariaDB, tmp_path: Path) -> None:
    (tmp_path / "queries.d").mkdir()
    (tmp_path / "queries.d" / "engine.yml").write_text(QUERIES)
    (tmp_path / "queries.d" / "notes.txt").write_text("no YAML: [")
    target = f"kind: mysql, dsn: '{mariadb.dsn()}'" if kind == "mysql" else sqlite_file(tmp_path)
    assert page(load(tmp_path, f"{target}, query_files: [queries.d]")) == [EXPECTED[kind]]


def test_postgresqls_versions_have_one_part_or_two(postgres: Postgres, tmp_path: Path) -> None:
    ((number,),) = postgres.execute("SELECT current_setting('server_version_num')::int")
    major, minor = divmod(number, 10000)
    sql = f'{{"13": "SELECT 13 AS n", "{major}.{minor}": "SELECT 1 AS n", "{major}.{minor + 1}": "SELECT 2 AS n"}}'
    own = f"queries: [{{name: own, sql: {sql}, metrics: {{n: {{name: shop_n, help: N.}}}}}}]"
    assert page(load(tmp_path, f"kind: postgres, dsn: '{postgres.dsn()}', {own}")) == ['shop_n{instance="shop"} 1']


def test_server_older_than_all_of_them_has_no_sample_and_no_failure(tmp_path: Path) -> None:
    own = 'queries: [{name: own, sql: {"99": SELECT 1 AS n}, metrics: {n: {name: shop_n, help: N.}}}]'
    loaded = load(tmp_path, f"{sqlite_file(tmp_path)}, {own}")
    assert page(loaded) == []
    assert once.check(loaded, 10)[0].good


def test_everywhere_asks_in_each_watched_database(postgres: Postgres, database: str, tmp_path: Path) -> None:
    postgres.execute("CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (1), (2)", database=database)
    watched = f"kind: postgres, dsn: '{postgres.dsn()}', databases: {{include: [^postgres$, ^{database}$]}}"
    sql = "SELECT current_database() AS datname, count(*) AS n FROM pg_class WHERE relname = 'orders'"
    own = f'name: own, sql: "{sql}", labels: [datname], metrics: {{n: {{name: shop_n, help: N.}}}}'
    every = [f'shop_n{{instance="shop",datname="{name}"}} {n}' for name, n in (("postgres", 0), (database, 1))]
    assert sorted(page(load(tmp_path, f"{watched}, queries: [{{{own}, everywhere: true}}]"))) == sorted(every)
    assert page(load(tmp_path, f"{watched}, queries: [{{{own}}}]")) == every[:1]
    assert sorted(page(load(tmp_path, f"{watched}, queries: [{{{own}, everywhere: true, every: 1h}}]"))) == sorted(every)


def test_reload_takes_in_files_that_changed_came_and_went(tmp_path: Path) -> None:
    def write(name: str, n: int) -> None:
        text = f"queries: [{{name: {name}, sql: SELECT {n} AS n, metrics: {{n: {{name: shop_{name}, help: N.}}}}}}]"
        (tmp_path / f"{name}.query.yaml").write_text(text)

    write("one", 1)
    write("two", 1)
    with Service(load(tmp_path, f"{sqlite_file(tmp_path)}, query_files: ['*.query.yaml']"), tmp_path / "tocsin.yaml") as service:

        def served() -> set[str]:
            return {line for line in get(f"{service.url}/metrics")[1].splitlines() if line.startswith("shop_")}

        assert served() == {'shop_one{instance="shop"} 1', 'shop_two{instance="shop"} 1'}
        write("one", 2)
        write("three", 3)
        (tmp_path / "two.query.yaml").unlink()
        service.reload()
        assert served() == {'shop_one{instance="shop"} 2', 'shop_three{instance="shop"} 3'}
        (tmp_path / "three.query.yaml").write_text("queries: [{name: three, sql: 1}]")
        service.reload()
        assert not service.app.reload_ok
        assert served() == {'shop_one{instance="shop"} 2', 'shop_three{instance="shop"} 3'}


def test_check_lists_queries_by_file_with_their_series(tmp_path: Path) -> None:
    (tmp_path / "engine.yaml").write_text(QUERIES)
    assert once.notes(load(tmp_path, f"{sqlite_file(tmp_path)}, query_files: [engine.yaml]")) == [
        f"query shop: {tmp_path}/engine.yaml: query own_version: shop_engine"
    ]


WRONG = {
    "SELECT 'many' AS n": "column n is b'many', not a number",
    "SELECT 1 AS m": "the result has no column n",
    "SELECT nonsense AS n": "nonsense",
}


@pytest.mark.parametrize("sql", WRONG)
@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite"])
def test_failure_names_file_query_and_column(kind: str, sql: str, postgres: Postgres, mariadb: MariaDB, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text(f'queries: [{{name: own, sql: "{sql}", metrics: {{n: {{name: shop_n, help: N.}}}}}}]')
    dsn = {"postgres": postgres.dsn(), "mysql": mariadb.dsn()}.get(kind)
    target = f"kind: {kind}, dsn: '{dsn}'" if dsn else sqlite_file(tmp_path)
    (report,) = once.check(load(tmp_path, f"{target}, query_files: [q.yaml]"), 10)
    assert not report.good
    assert f"own: config: {tmp_path}/q.yaml: query own: " in report.line
    assert WRONG[sql] in report.line
    assert page(load(tmp_path, f"{target}, query_files: [q.yaml]")) == []


BAD = {
    "queries: [{name: own, sql: s, metrics: {n: {name: shop-n, help: N.}}}]": "q.yaml:1: queries[own].metrics.n.name: expected a metric",
    "queries:\n- {name: own, sql: s, labels: [n], metrics: {n: {name: shop_n, help: N.}}}": (
        "q.yaml:2: queries[own].metrics.n: the column n is a label already"
    ),
    "queries: [{name: own, sql: s, metrics: {}}]": "q.yaml:1: queries[own].metrics: expected a column or more",
    "queries: [{name: own, sql: {}, metrics: {n: {name: shop_n, help: N.}}}]": "q.yaml:1: queries[own].sql: expected SQL, or versions",
    "queries: [{name: own, sql: {v8: s}, metrics: {n: {name: shop_n, help: N.}}}]": "q.yaml:1: queries[own].sql.v8: expected the lowest",
    "queries: [{name: own, sql: s, rows: 0, metrics: {n: {name: shop_n, help: N.}}}]": "q.yaml:1: queries[own].rows: expected more than 0",
    "queries: [{name: own, sql: s, everywhere: true, metrics: {n: {name: shop_n, help: N.}}}]": (
        "q.yaml:1: queries[own].everywhere: sqlite has no databases"
    ),
    "queries: [{name: database, sql: s, metrics: {n: {name: shop_n, help: N.}}}]": "q.yaml:1: queries[database].name: 'database' is",
    "queries: [{name: first, sql: s, metrics: {n: {name: shop_n, help: N.}}}]": "q.yaml:1: queries[first].name: 'first' is another",
    "queries: [{name: own, sql: s, metrics: {n: {name: shop_first, help: N.}}}]": "q.yaml:1: queries[own].metrics.n: shop_first is a",
    "queries: [{name: own, sql: s, metrics: {n: {name: shop_b, help: Other.}}}]": "shop_b is declared otherwise in ",
    "colour: red": "q.yaml:1: the file: expected `queries:` and a list of them",
    "queries: [\n": "q.yaml:2: not YAML: ",
    "queries: []\ncolour: red": "q.yaml:2: colour: unknown option",
}


@pytest.mark.parametrize("text", BAD)
def test_mistake_in_a_file_is_told_with_file_query_and_column(text: str, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text(text)
    first = "{name: first, sql: s, metrics: {n: {name: shop_first, help: N.}}}"
    other = "{name: other, kind: sqlite, path: x, queries: [{name: b, sql: s, metrics: {n: {name: shop_b, help: B.}}}]}"
    whole = f"targets: [{{name: a, kind: sqlite, path: x, queries: [{first}], query_files: [q.yaml]}}, {other}]"
    with pytest.raises(ConfigError) as told:
        config.parse(whole, "t.yaml", tmp_path, {})
    assert any(BAD[text] in m.replace(f"{tmp_path}/", "") for m in told.value.mistakes), told.value.mistakes


def test_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape("t.yaml:1: targets[0].query_files: none.yaml: no such file or folder")):
        config.parse("targets: [{name: a, kind: sqlite, path: x, query_files: [none.yaml]}]", "t.yaml", tmp_path, {})


# postgres_exporter's format

THEIRS = """
pg_shop:
  query: "SELECT 'new' AS status, 2 AS orders, 12.5::numeric AS amount, true AS open, '1.5s' AS took, 'bad' AS health, 'x' AS noise,
    timestamptz '2026-01-01 00:00:00+00' AS since, ARRAY[1, 5, 10] AS wait, ARRAY[1, 3, 4]::bigint[] AS wait_bucket, 31 AS wait_sum,
    5::bigint AS wait_count"
  master: true
  metrics:
    - status:
        usage: "LABEL"
        description: "Status"
    - orders:
        usage: "COUNTER"
        description: "Orders by status"
    - amount:
        usage: "GAUGE"
        description: "Their worth"
    - open:
        usage: "GAUGE"
        description: "Whether it is open"
    - took:
        usage: "DURATION"
        description: "How long it took"
    - since:
        usage: "GAUGE"
        description: "Since when"
    - noise:
        usage: "DISCARD"
    - health:
        usage: "MAPPEDMETRIC"
        description: "Health"
        metric_mapping: {good: 1, bad: 0}
    - wait:
        usage: "HISTOGRAM"
        description: "Waits"
pg_shop_cached:
  query: "SELECT 1 AS n"
  cache_seconds: 60
  metrics:
    - n: {usage: "GAUGE", description: "N"}
"""


def shapes(text: str, *, without: str = "") -> set[str]:
    """Return the lines about the queries of the user's own, with labels in order."""
    found = set()
    for line in text.splitlines():
        if re.match(r"(# (HELP|TYPE) )?pg_shop", line):
            found.add(
                re.sub(
                    r"\{(.*)\}",
                    lambda m: "{" + ",".join(sorted(p for p in m[1].split(",") if not p.startswith(without or "\0"))) + "}",
                    line,
                )
            )
    return found


def number(line: str) -> str:
    name, _, value = line.rpartition(" ")
    return line if line.startswith("#") else f"{name} {float(value):.15g}"


def test_their_file_gives_the_series_that_their_exporter_gives(postgres: Postgres, tmp_path: Path) -> None:
    if not os.access(EXPORTER, os.X_OK):
        lacking("postgres_exporter is not in .cache/bin; tests/install_peers.sh fetches it")
    # Theirs reads these two usages and never converts their text: the series are missing there.
    ours_alone = ("pg_shop_took_milliseconds", "pg_shop_health")
    file = tmp_path / "queries.yaml"
    file.write_text(THEIRS)
    port = free_port()
    variables = {"DATA_SOURCE_NAME": postgres.dsn() + "?sslmode=disable", "PG_EXPORTER_EXTEND_QUERY_PATH": str(file)}
    theirs = Child([str(EXPORTER), f"--web.listen-address=127.0.0.1:{port}"], tmp_path / "theirs.log", variables)
    try:
        expected = until(lambda: shapes(get(f"http://127.0.0.1:{port}/metrics")[1]))
    finally:
        theirs.stop()
    found = environment.config(variables)
    assert found is not None
    ours = shapes(once.page(found, 10).decode(), without="instance=")
    assert {number(line) for line in ours if not any(name in line for name in ours_alone)} == {
        number(line) for line in expected if not any(name in line for name in ours_alone)
    }
    for start, value in (("pg_shop_health{", "0"), ("pg_shop_took_milliseconds{", "1500")):
        assert any(line.startswith(start) and line.endswith(f" {value}") for line in ours)


BAD_THEIRS = {
    "tocsin_target: {query: s, metrics: [{up: {usage: GAUGE}}]}": (
        "q.yaml:1: tocsin_target.metrics.up: tocsin_target_up is a series of Tocsin's own; leave the column out"
    ),
    "pg_shop: {query: s, metrics: [{n: {usage: NUMBER}}]}": "q.yaml:1: pg_shop.metrics[0].n.usage: expected one of LABEL, COUNTER",
    "pg_shop: {metrics: [{n: {usage: GAUGE}}]}": "q.yaml:1: pg_shop.query: is missing",
    "pg_shop: {query: s, colour: red, metrics: [{n: {usage: GAUGE}}]}": "q.yaml:1: pg_shop.colour: unknown option",
    "pg_shop: {query: s, metrics: [{instance: {usage: LABEL}}]}": "q.yaml:1: pg_shop.instance: cannot be a label",
    "pg_shop: {query: s, runonserver: '>=10', metrics: [{n: {usage: GAUGE}}]}": "Tocsin's own format has SQL by version",
    "- 1": "q.yaml:1: the file: expected queries, got a list",
}


@pytest.mark.parametrize("text", BAD_THEIRS)
def test_mistake_in_their_format_is_told_with_file_query_and_column(text: str, tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text(text)
    with pytest.raises(ConfigError) as told:
        config.parse("targets: [{name: a, kind: postgres, dsn: x, query_files: [q.yaml]}]", "t.yaml", tmp_path, {})
    assert any(BAD_THEIRS[text] in m.replace(f"{tmp_path}/", "") for m in told.value.mistakes), told.value.mistakes


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 'x' AS n", "column n is b'x', not a number"),
        ("SELECT 1 AS m", "the result has no column n"),
        ("SELECT 1 AS n, 2 AS m", "nobody asked for the column m; give it a usage, DISCARD to leave it out"),
    ],
)
def test_failure_of_their_query_names_file_query_and_column(postgres: Postgres, tmp_path: Path, sql: str, words: str) -> None:
    (tmp_path / "q.yaml").write_text(f'pg_shop: {{query: "{sql}", metrics: [{{n: {{usage: GAUGE}}}}]}}')
    (report,) = once.check(load(tmp_path, f"kind: postgres, dsn: '{postgres.dsn()}', query_files: [q.yaml]"), 10)
    assert f"{tmp_path}/q.yaml: query pg_shop: {words}" in report.line


OLD = """
pg_replication:
  query: "SELECT 0 AS lag, 7 AS own"
  metrics:
    - lag: {usage: GAUGE, description: Lag}
    - own: {usage: GAUGE, description: Not built in}
pg_postmaster:
  query: "SELECT pg_postmaster_start_time() AS start_time_seconds"
  metrics:
    - start_time_seconds: {usage: GAUGE, description: Start}
"""
"""What older files of postgres_exporter's format hold, and built-in collectors serve by now."""


def test_what_built_in_collectors_serve_is_left_out_of_their_format_with_one_warning(
    postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "q.yaml").write_text(OLD)
    loaded = load(tmp_path, f"kind: postgres, dsn: '{postgres.dsn()}', query_files: [q.yaml]")
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        f"{tmp_path}/q.yaml: left out, because built-in collectors serve it: pg_replication_lag, pg_postmaster_start_time_seconds"
    ]
    assert once.notes(loaded) == [f"query shop: {tmp_path}/q.yaml: query pg_replication: pg_replication_own"]
    (own,) = page(loaded, "pg_replication_own")
    assert own.endswith(" 7")
    assert len(page(loaded, "pg_postmaster_start_time_seconds")) == 1
