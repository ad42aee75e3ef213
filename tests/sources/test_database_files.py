"""Databases' own files, watched without being asked for: who may use them, whether they are still there, and what configures them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest

from servers import Postgres
from tocsin.event import Event, EventKind, Risk
from tocsin.sources.duckdb.config import DuckdbOptions
from watching import Watch, eventually, postgres_options, sqlite_options


def file_events(watch: Watch) -> list[Event]:
    """Run the collectors that watch files once, and return the events of files."""
    return [e for e in watch.check() if e.kind is EventKind.FILE]


def said(events: list[Event]) -> list[str]:
    return [f"{Path(e.object).name} {e.change} {e.risk}" + " security" * e.security for e in events]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def a_sqlite_file(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(path, isolation_level=None)
    found.execute("PRAGMA journal_mode = wal")
    found.execute("CREATE TABLE t (a)")
    return found


class TestSqlite:
    def test_writing_is_no_news_and_widened_permissions_are(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        writer = a_sqlite_file(path)
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
            writer.execute("INSERT INTO t VALUES (1)")
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            writer.execute("INSERT INTO t VALUES (2)")
            assert not file_events(watch)
            path.chmod(0o666)
            (event,) = file_events(watch)
            assert event.object == str(path)
            assert (event.security, event.old, event.new) == (True, "0644", "0666")
            assert watch.page().value("tocsin_file_exists", instance="app", path=str(path)) == 1
        writer.close()

    def test_log_and_its_index_that_come_and_go_are_no_news(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        a_sqlite_file(path).close()
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
            writer = a_writer(path)
            assert Path(f"{path}-wal").exists()
            assert not file_events(watch)
            writer.close()
            assert not Path(f"{path}-wal").exists()
            assert not file_events(watch)

    def test_deleted_file_is_told_as_destructive_with_who_still_has_it_open(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        writer = a_sqlite_file(path)
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
            path.unlink()
            (event,) = file_events(watch)
            assert (event.change, event.risk, event.database) == ("dropped", Risk.DESTRUCTIVE, "main")
            assert f"(pid {os.getpid()})" in event.detail["still_open_in"]
            assert "loses all of it" in str(event.reason)
            assert not file_events(watch)
            assert watch.page().value("tocsin_file_exists", path=str(path)) == 0
        writer.close()

    def test_replaced_file_is_told_once(self, app: Path, tmp_path: Path) -> None:
        path, other = app / "app.db", app / "new.db"
        a_sqlite_file(path).close()
        a_sqlite_file(other).close()
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
            other.rename(path)
            assert said(file_events(watch)) == ["app.db replaced destructive"]
            assert not file_events(watch)

    def test_deletion_while_nobody_looked_is_told_after_a_restart(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        a_sqlite_file(path).close()
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
        shutil.rmtree(app)
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert sorted(said(file_events(watch))) == ["app dropped destructive", "app.db dropped destructive"]

    def test_directory_that_everybody_may_write_to_is_told(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        a_sqlite_file(path).close()
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            assert not file_events(watch)
            app.chmod(0o777)
            assert said(file_events(watch)) == ["app altered breaking security"]

    def test_busy_database_does_not_keep_the_journal_busy(self, app: Path, tmp_path: Path) -> None:
        path = app / "app.db"
        writer = a_sqlite_file(path)
        with Watch(sqlite_options(path, collectors=dict.fromkeys(("schema", "rows", "quick_check"), False)), tmp_path / "state") as watch:
            watch.check()
            before = _memory(watch)
            for i in range(3):
                writer.execute("INSERT INTO t VALUES (?)", (i,))
                watch.check()
            assert _memory(watch) == before
        writer.close()


def a_writer(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(path, isolation_level=None)
    found.execute("INSERT INTO t VALUES (1)")
    return found


def _memory(watch: Watch) -> bytes | None:
    return watch.journal.recall("app", "sqlite.files", "states")


class TestDuckdb:
    def test_deleted_file_is_told_as_destructive(self, app: Path, tmp_path: Path) -> None:
        path = app / "lake.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE t (a INTEGER)")
        with Watch(DuckdbOptions(name="lake", kind="duckdb", path=path), tmp_path / "state") as watch:
            assert not file_events(watch)
            with duckdb.connect(str(path)) as connection:
                connection.execute("INSERT INTO t VALUES (1)")
                assert not file_events(watch)
            path.chmod(0o606)
            assert said(file_events(watch)) == ["lake.duckdb altered breaking security"]
            path.unlink()
            (event,) = file_events(watch)
            assert (event.change, event.risk, event.database) == ("dropped", Risk.DESTRUCTIVE, "lake")


class TestPostgres:
    @pytest.fixture
    def server(self, tmp_path_factory: pytest.TempPathFactory):
        server = Postgres(tmp_path_factory.mktemp("files")).start()
        yield server
        server.stop("immediate")

    def test_configuration_is_told_with_what_changed_in_it_and_no_password(self, server: Postgres, tmp_path: Path) -> None:
        options = postgres_options(server.dsn(), collectors={"schema": False})
        with Watch(options, tmp_path / "state") as watch:
            assert not file_events(watch)
            assert watch.page().value("tocsin_file_exists", path=str(server.data)) == 1
            server.execute("ALTER SYSTEM SET work_mem = '5MB'")
            server.execute("ALTER SYSTEM SET primary_conninfo = 'host=x user=bob password=hunter2-Zq8'")
            (event,) = file_events(watch)
            assert event.object.endswith("postgresql.auto.conf")
            assert "+work_mem = '5MB'" in event.detail["diff"]
            assert "+primary_conninfo = 'host=x user=bob password=***'" in event.detail["diff"]
            server.execute("ALTER SYSTEM SET primary_conninfo = 'host=x user=bob password=other-Zq8'")
            (event,) = file_events(watch)
            assert event.detail["diff"] == "(nothing else than masked values)"
            assert "Zq8" not in repr(watch.journal.events(limit=1000))

    def test_who_may_log_in_is_told_as_security(self, server: Postgres, tmp_path: Path) -> None:
        with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "state") as watch:
            assert not file_events(watch)
            with (server.data / "pg_hba.conf").open("a") as file:
                file.write("host all all 0.0.0.0/0 trust\n")
            (event,) = file_events(watch)
            assert event.security
            assert "+host all all 0.0.0.0/0 trust" in event.detail["diff"]
            server.data.chmod(0o755)
            events = file_events(watch)
            assert [e.object for e in events] == [str(server.data)]
            assert (events[0].old, events[0].new) == ("0700", "0755")

    def test_work_as_usual_is_no_news(self, server: Postgres, tmp_path: Path) -> None:
        with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "state") as watch:
            assert not file_events(watch)
            server.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a")
            server.execute("CHECKPOINT")
            server.execute("SELECT pg_switch_wal()")
            assert not file_events(watch)
            server.stop("fast")
            server.start()
            assert eventually(lambda: watch.scrape().value("pg_up") == 1)
            assert not file_events(watch)

    def test_another_machines_directory_of_that_name_is_left_alone(self, server: Postgres, tmp_path: Path) -> None:
        pid_file = server.data / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        with Watch(postgres_options(server.dsn(), collectors={"schema": False}), tmp_path / "state") as watch:
            pid_file.write_text("\n".join([lines[0], lines[1], "1700000000", *lines[3:]]))
            try:
                assert not file_events(watch)
                assert not watch.page().all("tocsin_file_exists")
                assert watch.record("files").error is None
            finally:
                pid_file.write_text("\n".join(lines))
