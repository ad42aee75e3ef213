"""Memory is spent only on what is configured: no driver is imported before its source has a target."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tocsin import catalog
from tocsin.source import Later, Source

DRIVERS = ("psycopg", "pymysql", "apsw", "duckdb", "fsspec", "docker", "psutil", "requests", "bcrypt", "sqlglot")


def loaded(statements: str) -> set[str]:
    script = f"{statements}\nimport sys\nprint(*(m for m in {DRIVERS!r} if m in sys.modules))"
    return set(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("module", ["tocsin.cli", "tocsin.service", "tocsin.catalog", "tocsin.stack", "tocsin.bundle.docs"])
def test_importing_a_module_imports_no_driver(module: str) -> None:
    assert loaded(f"import {module}") == set()


@pytest.mark.parametrize("source", catalog.SOURCES, ids=lambda source: source.kind)
def test_what_a_source_imports_later_is_there(source: Source) -> None:
    hooks = (source.open, source.schemas, source.files, source.listen, source.finish, *(c.collect for c in source.collectors))
    for hook in hooks:
        if isinstance(hook, Later):
            assert callable(hook.function), hook


def test_sources_that_nobody_configured_cost_their_declarations_alone() -> None:
    script = "import sys, tocsin.service\nprint(*(m for m in sys.modules if m.startswith('tocsin.sources.')))"
    modules = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert modules
    assert [m for m in modules if m.rpartition(".")[2] in ("collect", "inspect", "listen", "objects", "lifecycle", "child")] == []


def test_what_only_a_change_needs_is_not_imported_before_one() -> None:
    """Patterns of secrets; and what compares texts and schemas, follows renames and weighs changes."""
    script = (
        "import sys, tocsin.service, tocsin.schema.track, tocsin.sources.postgres.inspect\n"
        "print(*(m for m in sys.modules if m.startswith(('tocsin.mask.', 'tocsin.schema.', 'difflib'))))"
    )
    modules = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert [m for m in modules if m.startswith("tocsin.mask.")] == ["tocsin.mask.names", "tocsin.mask.values"]
    assert {m for m in modules if not m.startswith("tocsin.mask.")} == {
        f"tocsin.schema.{name}" for name in ("databases", "drift", "masked", "model", "snapshot", "track")
    }


def test_a_sqlite_target_imports_no_other_driver(tmp_path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (x)").connection.close()
    run = f"""
from pathlib import Path
from tocsin import config, once
text = "targets: [{{name: a, kind: sqlite, path: {tmp_path}/a.db}}]"
assert all(r.good for r in once.check(config.parse(text, "x", Path("."), {{}}), 5))
"""
    assert loaded(run) == {"apsw"}


def test_a_duckdb_target_imports_no_driver_at_all(tmp_path) -> None:
    """The library lives in a child process: for its 40 MB, and because it must not share a process with who opens the file."""
    script = f"import duckdb; duckdb.connect('{tmp_path}/a.duckdb').execute('CREATE TABLE t (x INTEGER)')"
    subprocess.run([sys.executable, "-c", script], check=True)
    run = f"""
from pathlib import Path
from tocsin import config, once
query = "{{name: own, sql: SELECT count(*) AS n FROM t, metrics: {{n: {{name: own_n, help: N.}}}}}}"
text = f"targets: [{{{{name: a, kind: duckdb, path: {tmp_path}/a.duckdb, queries: [{{query}}]}}}}]"
assert all(r.good for r in once.check(config.parse(text, "x", Path("."), {{}}), 20))
"""
    assert loaded(run) == set()
