"""What a DuckDB log tells without the library: nothing that changes a schema may be taken for mere rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from duckdb_app import App
from tocsin.sources.duckdb import log as log_module
from tocsin.sources.duckdb.log import Log
from tocsin.sources.duckdb.picture import Picture

ROWS = (
    "INSERT INTO t VALUES (1, 'x')", "INSERT INTO t SELECT i, 'y' FROM range(3000) AS r (i)", "UPDATE t SET a = 2 WHERE a = 1",
    "UPDATE t SET b = 'z'", "DELETE FROM t WHERE a = 2", "SELECT nextval('s')", "TRUNCATE t", "INSERT INTO u SELECT nextval('s')",
)  # fmt: skip
CATALOG = (
    "CREATE TABLE new (a INTEGER)", "ALTER TABLE new ADD COLUMN b VARCHAR DEFAULT 'x'", "ALTER TABLE new ALTER a TYPE BIGINT",
    "ALTER TABLE new RENAME COLUMN a TO c", "ALTER TABLE new ALTER c SET NOT NULL", "ALTER TABLE new RENAME TO newer",
    "ALTER TABLE newer DROP COLUMN b", "COMMENT ON TABLE newer IS 'x'", "COMMENT ON COLUMN newer.c IS 'x'",
    "CREATE INDEX i ON newer (c)", "DROP INDEX i", "DROP TABLE newer", "CREATE TABLE filled AS SELECT 1 AS a", "DROP TABLE filled",
    "CREATE SCHEMA aside",
    "DROP SCHEMA aside", "CREATE VIEW v AS SELECT a FROM t", "CREATE OR REPLACE VIEW v AS SELECT b FROM t", "DROP VIEW v",
    "CREATE SEQUENCE s2", "DROP SEQUENCE s2", "CREATE TYPE mood AS ENUM ('a')", "DROP TYPE mood", "CREATE MACRO m(x) AS x + 1",
    "DROP MACRO m", "CREATE MACRO tm(x) AS TABLE SELECT x", "DROP MACRO TABLE tm",
)  # fmt: skip
BEGINNING = ("CREATE TABLE t (a INTEGER, b VARCHAR)", "CREATE TABLE u (n BIGINT)", "CREATE SEQUENCE s")


@pytest.fixture(params=["", "STORAGE_VERSION 'v1.0.0'"], ids=["newest", "of 1.0"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    """An application that never writes a checkpoint; its storage version decides how its log is written."""
    path = tmp_path / "lake.duckdb"
    options = f"({request.param})" if request.param else ""
    with App(tmp_path / "other.duckdb") as found:
        found.execute(f"ATTACH '{path}' AS lake {options}", "USE lake", "SET wal_autocheckpoint = '1GB'")
        found.path = path
        yield found


def gate(log: Log, path: Path) -> str:
    with closing(Picture(path)) as picture:
        return log.gate(picture)


def test_rows_never_move_the_gate_and_every_change_of_the_catalog_does(app: App) -> None:
    app.execute(*BEGINNING)
    log = Log()
    before = gate(log, app.path)
    for statement in (*CATALOG, *CATALOG):
        for rows in ROWS:
            app.execute(rows)
            assert gate(log, app.path) == before, rows
        app.execute(statement)
        after = gate(log, app.path)
        assert after != before, statement
        before = gate(Log(), app.path)
        assert after == before, "whoever reads it from its beginning is told the same"


@pytest.mark.parametrize("app", [""], indirect=True)  # an older file is told from another by the time of its last write
def test_rows_that_go_to_the_file_at_once_do_not_move_the_gate(app: App) -> None:
    """Whole groups of rows do, before their commit; the log says only where they lie."""
    app.execute(*BEGINNING)
    log = Log()
    before, size = gate(log, app.path), app.path.stat().st_size
    app.execute("INSERT INTO t SELECT i, 'y' FROM range(300000) AS r (i)")
    assert app.path.stat().st_size > size
    assert gate(log, app.path) == before


def test_commit_counts_when_it_is_written_as_a_whole(app: App, tmp_path: Path) -> None:
    """However much of the log a look happens to find."""
    app.execute(*BEGINNING, "INSERT INTO t VALUES (1, 'x')", "BEGIN", "INSERT INTO t VALUES (2, 'x')")
    without = app.path.with_name("lake.duckdb.wal").stat().st_size
    app.execute("CREATE TABLE new (a INTEGER)", "INSERT INTO new VALUES (1)", "COMMIT")
    log = app.path.with_name("lake.duckdb.wal").read_bytes()
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(app.path, copy)
    growing, moves = Log(), []
    known = gate(growing, copy)
    with Path(f"{copy}.wal").open("wb", buffering=0) as file:
        for size in range(1, len(log) + 1):
            file.write(log[size - 1 : size])
            now = gate(growing, copy)
            assert now == gate(Log(), copy)
            if now != known:
                moves.append(size)
            known = now
    assert moves[-1] == len(log)
    assert moves[-2] < without
    assert len(moves) == len(BEGINNING) + 1


def test_log_of_an_unknown_form_moves_the_gate_with_every_byte(app: App, tmp_path: Path) -> None:
    app.execute(*BEGINNING)
    log = app.path.with_name("lake.duckdb.wal").read_bytes()
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(app.path, copy)
    at = log.index(b"\xff\xff") + 2
    forms = {
        "of another version": log[:5] + b"\x03" + log[6:],
        "with a head of more fields": log[: at - 2] + b"\x69\x00\x07\xff\xff" + log[at:],
        "with other lengths": log[:at] + b"\xff" * 8 + log[at + 8 :],
        "with other records": log[: at + 16] + b"\x07\x00" + log[at + 18 :],
        "encrypted": bytes(i * 37 % 256 for i in range(500)),
    }
    for name, content in forms.items():
        seen, known = set(), Log()
        for more in range(5):
            Path(f"{copy}.wal").write_bytes(content + b"x" * more)
            seen.add(gate(known, copy))
        assert len(seen) == 5, name


def test_log_that_became_shorter_is_read_anew(app: App, tmp_path: Path) -> None:
    """A commit that failed half-way is taken back."""
    app.execute(*BEGINNING)
    log = app.path.with_name("lake.duckdb.wal")
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(app.path, copy)
    shutil.copyfile(log, f"{copy}.wal")
    known = Log()
    first = gate(known, copy)
    with Path(f"{copy}.wal").open("rb+") as file:
        file.truncate(log.stat().st_size // 2)
    assert gate(known, copy) == gate(Log(), copy) != first


def test_checkpoint_moves_the_gate_and_the_next_log_is_another(app: App) -> None:
    app.execute(*BEGINNING)
    log = Log()
    gates = [gate(log, app.path)]
    app.execute("CHECKPOINT")
    gates.append(gate(log, app.path))
    app.execute("INSERT INTO t VALUES (1, 'x')")
    assert gate(log, app.path) == gates[-1]
    app.execute("CREATE TABLE new (a INTEGER)")
    gates.append(gate(log, app.path))
    assert len(set(gates)) == 3


def test_log_that_is_put_in_the_place_of_another_is_not_taken_for_it(app: App, tmp_path: Path) -> None:
    """As a backup is restored, or after a crash: same inode, same length, another name in it."""
    app.execute(*BEGINNING)
    log, copy = app.path.with_name("lake.duckdb.wal"), tmp_path / "copy.duckdb"
    shutil.copyfile(app.path, copy)
    backup = log.read_bytes()
    app.execute("ALTER TABLE t ADD COLUMN emial VARCHAR", "INSERT INTO t VALUES (1, 'x', 'y')")
    first = log.read_bytes()
    other = first.replace(b"emial", b"email")  # the checksum is then another one, too
    at = first.index(b"emial")
    begin = max(i for i in range(len(backup), at) if first[i + 16 : i + 19] == b"\x64\x00\x14") + 8
    other = other[:begin] + b"checksum" + other[begin + 8 :]
    wal, known = Path(f"{copy}.wal"), Log()
    wal.write_bytes(first)
    before = gate(known, copy)
    wal.write_bytes(other)
    assert gate(Log(), copy) != before, "after a restart"
    assert len(other) == known.at
    assert gate(known, copy) == gate(Log(), copy) != before, "while it runs"


def test_long_log_is_read_in_parts_and_until_then_every_commit_counts(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.execute(*BEGINNING)
    for _ in range(20):
        app.execute("INSERT INTO t SELECT i, 'y' FROM range(300) AS r (i)")
    whole = gate(Log(), app.path)
    size = app.path.with_name("lake.duckdb.wal").stat().st_size
    monkeypatch.setattr(log_module, "_MOST_BYTES", size // 4)
    part, seen = Log(), []
    for _ in range(8):
        seen.append(gate(part, app.path))
    with closing(Picture(app.path)) as picture:
        assert seen[0] == picture.gate()
    assert seen[-1] == whole
