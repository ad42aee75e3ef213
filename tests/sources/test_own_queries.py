"""A user's own SQL, on the real PostgreSQL and a real SQLite file, right and wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mariadb import MariaDB
from servers import Postgres
from tocsin import config, once
from tocsin.errors import ConfigError


def target(kind: str, postgres: Postgres, folder: Path, database: str) -> str:
    """Return a target of that kind, its mapping left open, with a table of orders behind it."""
    statements = ("CREATE TABLE orders (status text, total numeric)", "INSERT INTO orders VALUES ('new', 10), ('new', 2.5), ('paid', NULL)")
    if kind == "postgres":
        postgres.execute(*statements, database=database)
        return f"name: shop, kind: postgres, dsn: '{postgres.dsn(database)}'"
    with closing(sqlite3.connect(folder / "shop.db")) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    return f"name: shop, kind: sqlite, path: {folder}/shop.db"


def run(target: str, query: str, folder: Path) -> tuple[once.Report, list[str]]:
    loaded = config.parse(f"targets: [{{{target}, queries: [{{{query}}}]}}]", "tocsin.yaml", folder, {})
    page = once.page(loaded, 10).decode()
    return once.check(loaded, 10)[0], [line for line in page.splitlines() if line.startswith("shop_")]


FROM = {"postgres": "public.orders", "sqlite": "orders"}


@pytest.mark.parametrize("every", ["", ", every: 1h"])
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_columns_become_series(kind: str, every: str, postgres: Postgres, database: str, tmp_path: Path) -> None:
    query = (
        f'name: orders, sql: "SELECT status, count(*) AS n, sum(total) AS amount FROM {FROM[kind]} GROUP BY status", labels: [status]'
        f", metrics: {{n: {{name: shop_orders, help: Orders.}}, amount: {{name: shop_amount, help: Amount., type: untyped}}}}{every}"
    )
    report, lines = run(target(kind, postgres, tmp_path, database), query, tmp_path)
    assert report.good, report.line
    assert sorted(lines) == [
        'shop_amount{instance="shop",status="new"} 12.5',
        'shop_orders{instance="shop",status="new"} 2',
        'shop_orders{instance="shop",status="paid"} 1',
    ]


WRONG = {
    "SELECT 'many' AS n": "query own: column n is b'many', not a number; cast it in the SQL",
    "SELECT '1_0' AS n": "b'1_0', not a number",
    "SELECT 1 AS m": "query own: the result has no column n",
    "SELECT 1 AS n, 2 AS left_over": "query own: nobody asked for the column left_over",
    "SELECT nonsense AS n": "nonsense",
    "SELECT 1 AS n FROM nowhere": "nowhere",
}


@pytest.mark.parametrize("sql", WRONG)
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_wrong_query_is_named_and_harms_no_other(kind: str, sql: str, postgres: Postgres, database: str, tmp_path: Path) -> None:
    query = f'name: own, sql: "{sql}", metrics: {{n: {{name: shop_n, help: N.}}}}'
    report, lines = run(target(kind, postgres, tmp_path, database), query, tmp_path)
    assert not report.good
    assert "own: config: " in report.line
    assert WRONG[sql] in report.line
    assert lines == []


def test_query_that_writes_is_refused_by_the_server(postgres: Postgres, database: str, tmp_path: Path) -> None:
    head = target("postgres", postgres, tmp_path, database)
    report, _ = run(head, 'name: own, sql: "DELETE FROM public.orders RETURNING 1 AS n", metrics: {n: {name: shop_n, help: N.}}', tmp_path)
    assert "read-only" in report.line
    assert postgres.execute("SELECT count(*) FROM orders", database=database) == [(3,)]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_rows_beyond_the_cap_are_left_out_and_counted(kind: str, postgres: Postgres, database: str, tmp_path: Path) -> None:
    numbers = {
        "postgres": "generate_series(1, 50) AS i",
        "sqlite": "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT 50) SELECT i FROM c)",
    }
    sql = f"SELECT i AS label, i AS n FROM {numbers[kind]}"
    query = f'name: own, sql: "{sql}", labels: [label], rows: 20, metrics: {{n: {{name: shop_n, help: N.}}}}'
    loaded = config.parse(f"targets: [{{{target(kind, postgres, tmp_path, database)}, queries: [{{{query}}}]}}]", "t.yaml", tmp_path, {})
    page = once.page(loaded, 10).decode()
    assert page.count("\nshop_n{") == 20
    # once.page collects twice: before it looks, and when it looks.
    assert f'tocsin_collector_dropped_series_total{{instance="shop",collector="{kind}.own"}} 60' in page


BAD = {
    "{name: locks, sql: s, metrics: {n: {name: shop_n, help: N.}}}": "another collector's name",
    "{name: own, sql: s, metrics: {n: {name: pg_n, help: N.}}}": "does not begin with pg_",
    "{name: own, sql: s, metrics: {n: {name: shop-n, help: N.}}}": "a metric name",
    "{name: own, sql: s, metrics: {n: {name: shop_n, help: N., type: gouge}}}": "gauge or counter or untyped",
    "{name: own, sql: s, metrics: {n: {name: up, help: N.}}}": "is not up",
    "{name: own, sql: s, labels: [instance], metrics: {n: {name: shop_n, help: N.}}}": "none of instance",
    "{name: own, sql: s, labels: [team], metrics: {n: {name: shop_n, help: N.}}}": "'team' is a label of the target already",
    "{name: own, sql: s, metrics: {n: {name: shop_b, help: N., type: counter}}}": "shop_b is declared otherwise in line 6",
    "{name: own, sql: s, metrics: {n: {name: shop_b, help: B.}}}": "shop_b is a series of this target already",
    "{name: own, metrics: {n: {name: shop_n, help: N.}}}": "sql: is missing",
    "{name: Own, sql: s, metrics: {n: {name: shop_n, help: N.}}}": "a-z, 0-9 and _",
}


@pytest.mark.parametrize("query", BAD)
def test_mistake_in_the_configuration_is_told_with_its_line(query: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        config.parse(
            "targets:\n- name: a\n  kind: postgres\n  dsn: x\n  labels: {team: payments}\n"
            f"  queries: [{{name: first, sql: s, metrics: {{b: {{name: shop_b, help: B.}}}}}},\n    {query}]\n",
            "tocsin.yaml",
            tmp_path,
            {},
        )
    assert any(m.startswith("tocsin.yaml:7: targets[0].queries[") and BAD[query] in m for m in told.value.mistakes), told.value.mistakes


_PEAK = """
import sys
from pathlib import Path
from tocsin import config, once
page = once.page(config.load(Path(sys.argv[1])), 60).decode()
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024)
print(*(line for line in page.splitlines() if line.startswith(("shop_", "tocsin_collector_dropped"))), sep="\\n")
"""


@pytest.mark.parametrize("everywhere", ["false", "true"])
def test_rows_beyond_the_cap_are_not_held_in_memory(everywhere: str, postgres: Postgres, database: str, tmp_path: Path) -> None:
    """400,000 rows of 500 bytes are 200 MB and more wherever they are held together."""
    sql = "SELECT i || repeat('x', 500) AS label, i AS n FROM generate_series(1, 400000) AS i; -- far too many"
    query = f'{{name: own, sql: "{sql}", labels: [label], rows: 10, everywhere: {everywhere}, metrics: {{n: {{name: shop_n, help: N.}}}}}}'
    behind = '{name: behind, sql: "SELECT 7 AS n", metrics: {n: {name: shop_behind, help: B.}}}'
    chosen = f"databases: {{include: ['^{database}$']}}"
    dsn = postgres.dsn("postgres" if everywhere == "true" else database)
    head = f"name: shop, kind: postgres, dsn: '{dsn}', {chosen}"
    (tmp_path / "t.yaml").write_text(f"targets: [{{{head}, queries: [{query}, {behind}]}}]")
    child = subprocess.run([sys.executable, "-c", _PEAK, str(tmp_path / "t.yaml")], capture_output=True, text=True, timeout=120)
    assert child.returncode == 0, child.stderr
    peak, *lines = child.stdout.splitlines()
    assert sum(line.startswith("shop_n{") for line in lines) == 10
    assert 'shop_behind{instance="shop"} 7' in lines
    # Twice: once.page collects before it looks, and when it looks.
    assert f'tocsin_collector_dropped_series_total{{instance="shop",collector="postgres.own"}} {2 * 399_990}' in lines
    assert int(peak) < 130, f"{peak} MB"


def test_rows_beyond_the_cap_are_not_held_in_memory_of_mariadb_either(mariadb: MariaDB, tmp_path: Path) -> None:
    words = "information_schema.COLLATIONS"
    many = f"SELECT 1 FROM {words} AS a, {words} AS b, {words} AS c LIMIT 400000"
    sql = f"SELECT CONCAT(n, REPEAT('x', 500)) AS label, n FROM (SELECT ROW_NUMBER() OVER () AS n FROM ({many}) AS m) AS o"
    query = f'{{name: own, sql: "{sql}", labels: [label], rows: 10, metrics: {{n: {{name: shop_n, help: N.}}}}}}'
    (tmp_path / "t.yaml").write_text(f"targets: [{{name: shop, kind: mysql, dsn: '{mariadb.dsn()}', queries: [{query}]}}]")
    child = subprocess.run([sys.executable, "-c", _PEAK, str(tmp_path / "t.yaml")], capture_output=True, text=True, timeout=120)
    assert child.returncode == 0, child.stderr
    peak, *lines = child.stdout.splitlines()
    assert sum(line.startswith("shop_n{") for line in lines) == 10
    assert f'tocsin_collector_dropped_series_total{{instance="shop",collector="mysql.own"}} {2 * 399_990}' in lines
    assert int(peak) < 130, f"{peak} MB"
