"""The role that `tocsin grants postgres` makes suffices for everything; a role without it is told what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import Postgres
from tocsin import config, once
from tocsin.sources.postgres.config import GRANTS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("grants")).start(shared_preload_libraries="pg_stat_statements")
    server.execute("CREATE EXTENSION pg_stat_statements", "CREATE TABLE orders (id int)", "CREATE ROLE nobody LOGIN")
    statements = "".join(line for line in GRANTS.splitlines(keepends=True) if not line.startswith("--"))
    server.execute(*(statement for statement in statements.split(";") if statement.strip()))
    yield server
    server.stop("immediate")


def check(server: Postgres, user: str, folder: Path) -> tuple[once.Report, str]:
    text = f"targets: [{{name: orders, kind: postgres, dsn: '{server.dsn(user=user)}', collectors: {{statio_user_indexes: true}}}}]"
    loaded = config.parse(text, "tocsin.yaml", folder, {})
    return once.check(loaded, 10)[0], once.page(loaded, 10).decode()


def test_granted_role_suffices_for_every_collector(server: Postgres, tmp_path: Path) -> None:
    report, page = check(server, "tocsin", tmp_path)
    assert report.good, report.line
    for series in (
        "pg_wal_segments",
        "pg_database_size_bytes",
        "pg_stat_statements_calls_total",
        "pg_stat_user_tables_seq_scan",
        "pg_settings_",
    ):
        assert f"\n{series}" in page, series
    assert "tocsin_schema_info" in page


def test_role_without_it_is_told_what_it_lacks_and_the_rest_still_works(server: Postgres, tmp_path: Path) -> None:
    report, page = check(server, "nobody", tmp_path)
    assert not report.good
    assert "wal: permission" in report.line
    assert "pg_monitor" in report.line
    assert "\npg_up" in page
    assert "\npg_stat_database_xact_commit{" in page
    assert "\npg_locks_count{" in page
    assert "\npg_wal_segments" not in page
