"""The DuckDB source beside real applications: right values, no file left behind, no error in the application."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from duckdb_app import App, duckdb_options, hammered, read_beside, request_of
from tocsin import config, once
from tocsin.allowance import Allowance
from tocsin.sources.duckdb import SOURCE
from tocsin.sources.duckdb import session as sessions
from tocsin.sources.duckdb.child import answered
from tocsin.sources.duckdb.parcel import unpacked
from tocsin.sources.duckdb.picture import Picture, read_picture
from tocsin.sources.duckdb.session import DuckdbSession, database_name
from watching import Page, Watch, eventually, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The application's folder; what the exporter keeps lies elsewhere."""
    found = tmp_path / "app"
    found.mkdir()
    return found


@pytest.fixture
def app(folder: Path) -> Iterator[App]:
    with App(folder / "lake.duckdb") as found:
        yield found


@contextlib.contextmanager
def watching(path: Path, **more: object) -> Iterator[Watch]:
    with Watch(duckdb_options(path, **more), path.parent.parent / f"state-{time.monotonic_ns()}") as watch:
        yield watch


def scraped(path: Path, **more: object) -> Page:
    """Collect everything once; everything must succeed, and leave the folder as it was."""
    before = listing(path.parent)
    with watching(path, **more) as watch:
        watch.check()
        page = watch.scrape()
        assert not [r.error for r in watch.target.records.values() if r.error]
    assert page.value("duckdb_up") == 1
    assert listing(path.parent) == before
    return page


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return every file with what would tell that somebody touched it."""
    return {p.name: (s.st_ino, s.st_size, s.st_mtime_ns) for p in sorted(folder.rglob("*")) if (s := p.stat())}


def state(page: Page) -> str:
    found = {labels["state"]: value for labels, value in page.all("duckdb_state")}
    assert sorted(found.values()) == [0.0] * (len(found) - 1) + [1.0]
    return next(name for name, value in found.items() if value)


FILL = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, email VARCHAR)",
    "INSERT INTO orders SELECT i, repeat('x', 100) || i FROM range(20000) AS r (i)",
    "CREATE TABLE items (n BIGINT)",
    "INSERT INTO items SELECT i FROM range(300) AS r (i)",
    "CREATE VIEW few AS SELECT id FROM orders LIMIT 3",
)


# Values


def test_values_are_those_that_the_application_sees(app: App) -> None:
    asked = "SELECT total_blocks, free_blocks, block_size FROM pragma_database_size()"
    app.execute(*FILL, "CHECKPOINT", "DELETE FROM orders", "CHECKPOINT")
    ((total, free, block_size),) = app.execute(asked)
    page = scraped(app.path)
    assert (page.value("duckdb_blocks"), page.value("duckdb_free_blocks")) == (int(total), int(free))
    app.execute("INSERT INTO items VALUES (300)", "CHECKPOINT")
    ((total, free, block_size),) = app.execute(asked)
    page = scraped(app.path)
    assert page.value("duckdb_blocks") == int(total) > 1
    assert page.value("duckdb_free_blocks") == int(free) > 0
    assert page.value("duckdb_block_size_bytes") == int(block_size)
    assert page.value("duckdb_database_size_bytes") == app.path.stat().st_size
    assert page.value("duckdb_checkpoints_total") == 3
    assert page.value("duckdb_table_rows", schema="main", table="items") == 301
    assert page.value("duckdb_table_rows", table="orders") == 0
    assert page.value("duckdb_objects", kind="view") == 1
    ((version,),) = app.execute("SELECT version()")
    assert page.value("duckdb_file_info", created_by=version, encrypted="no") == 1
    assert page.value("duckdb_compatibility_info", library=version.lstrip("v")) == 1


def test_log_that_was_never_checkpointed_is_read(app: App) -> None:
    """The file knows nothing yet: tables, rows and views are in the log alone."""
    app.execute(*FILL)
    log = app.path.with_name("lake.duckdb.wal")
    page = scraped(app.path)
    assert page.value("duckdb_wal_size_bytes") == log.stat().st_size > 0
    assert page.value("duckdb_checkpoints_total") == 0
    assert page.value("duckdb_table_rows", table="orders") == 20000
    assert page.value("tocsin_schema_objects", object_kind="view", database="lake") == 1


def test_uncommitted_changes_are_not_seen(app: App) -> None:
    app.execute(*FILL, "CHECKPOINT", "BEGIN", "CREATE TABLE never (a INTEGER)", "INSERT INTO items SELECT * FROM range(500000)")
    page = scraped(app.path)
    assert page.value("tocsin_schema_objects", object_kind="table") == 2
    assert page.value("duckdb_table_rows", table="items") == 300


def test_only_the_largest_tables_have_rows_of_their_own(app: App) -> None:
    for i in range(5):
        app.execute(f"CREATE TABLE t{i} (n BIGINT)", f"INSERT INTO t{i} SELECT * FROM range({10**i})")
    page = scraped(app.path, largest_tables=2)
    assert {labels["table"]: value for labels, value in page.all("duckdb_table_rows")} == {"t4": 10000, "t3": 1000}
    assert page.value("duckdb_other_tables") == 3
    assert page.value("duckdb_other_tables_rows") == 111


def test_the_name_is_the_one_that_the_application_gives_it(folder: Path) -> None:
    for name in ("a.b.duckdb", "main.duckdb", "memory.duckdb", "temp.db", "with space.db", 'q"uote.db', "plain", "system"):
        with App(folder / name) as app:
            ((own,),) = app.execute("SELECT current_database()")
            app.execute("CREATE TABLE t (a INTEGER)")
            assert name == "memory.duckdb" or database_name(app.path) == own
            assert scraped(app.path).value("tocsin_schema_objects", database=database_name(app.path), object_kind="table") == 1


def test_link_to_a_file_leads_to_the_logs_beside_the_file(app: App, folder: Path) -> None:
    app.execute(*FILL)
    link = folder.parent / "links" / "lake.duckdb"
    link.parent.mkdir()
    link.symlink_to(app.path)
    page = scraped(link)
    assert page.value("tocsin_schema_objects", object_kind="table") == 2
    assert page.value("duckdb_wal_size_bytes") == app.path.with_name("lake.duckdb.wal").stat().st_size
    assert app.path.with_name("lake.duckdb.wal") in SOURCE.files(duckdb_options(link))


def test_temporary_files_of_the_application_are_counted(app: App, folder: Path) -> None:
    page = scraped(app.path)
    assert (page.value("duckdb_temporary_files"), page.value("duckdb_temporary_files_size_bytes")) == (0, 0)
    app.execute(
        "SET memory_limit = '30MB'", "SET threads = 1", "BEGIN", "CREATE TEMPORARY TABLE big AS SELECT random() AS r FROM range(9000000)"
    )
    spilled = folder / "lake.duckdb.tmp"
    files = list(spilled.iterdir())
    assert files, "the application has spilled nothing"
    page = scraped(app.path)
    assert page.value("duckdb_temporary_files") == len(files)
    assert page.value("duckdb_temporary_files_size_bytes") == sum(f.stat().st_size for f in files)
    assert scraped(app.path, temp_directory=folder).value("duckdb_temporary_files") == len(list(folder.iterdir()))


# Who has it open


def test_application_that_writes_is_seen_with_its_process(app: App) -> None:
    page = scraped(app.path)
    assert state(page) == "write_locked"
    assert page.value("duckdb_write_locked") == 1
    assert page.value("duckdb_lock_holder_pid") == app.process.pid
    process = psutil.Process(app.process.pid)
    assert page.value("duckdb_lock_holder_resident_memory_bytes") == pytest.approx(process.memory_info().rss, rel=0.2)
    assert page.value("duckdb_lock_holder_start_time_seconds") == pytest.approx(process.create_time(), abs=1.5)
    app.close()
    page = scraped(app.path)
    assert state(page) == "unlocked"
    assert page.value("duckdb_write_locked") == 0
    assert page.value("duckdb_lock_holder_pid") is None


def test_applications_that_only_read_are_another_state(app: App) -> None:
    app.execute(*FILL)
    app.close()
    with App(app.path, read_only=True) as reader:
        page = scraped(app.path)
        assert state(page) == "read_locked"
        assert page.value("duckdb_write_locked") == 0
        assert page.value("duckdb_lock_holder_pid") == reader.process.pid


def test_application_opens_for_writing_while_it_is_being_read(app: App) -> None:
    """DuckDB's own read-only mode would make this fail."""
    app.execute(*FILL, "CHECKPOINT")
    app.close()
    with contextlib.closing(Picture(app.path)):
        app.open()
        app.execute("INSERT INTO items VALUES (1)")
        scraped(app.path)
        app.reopen()
        app.execute("INSERT INTO items VALUES (2)")


# Changes


def test_changes_become_events_whether_logged_checkpointed_or_made_while_away(app: App) -> None:
    app.execute(*FILL)
    with watching(app.path) as watch:
        assert watch.check() == []
        fresh(watch)
        app.execute("ALTER TABLE orders ADD COLUMN total DECIMAL(10, 2)")
        assert said(watch.check()) == ["column main.orders.total added safe"]
        fresh(watch)
        app.execute("CHECKPOINT")
        assert watch.check() == []
        fresh(watch)
        app.execute("DROP TABLE items", "CHECKPOINT")
        assert said(watch.check()) == ["table main.items dropped destructive"]
        state = watch.state
    app.execute("ALTER TABLE orders RENAME COLUMN total TO amount")
    with Watch(duckdb_options(app.path), state) as watch:
        assert said(watch.check()) == ["column main.orders.total renamed breaking"]
        assert watch.check() == []


def test_backup_that_was_put_in_place_while_away_is_looked_at(app: App, folder: Path) -> None:
    """Same file, same length, a change of another name: whatever is remembered, the first look of a process is a real one."""
    wal = app.path.with_name("lake.duckdb.wal")
    with Watch(duckdb_options(app.path), folder.parent / "state") as watch:
        app.execute("CREATE TABLE t (a INTEGER)")
        assert watch.check() == []
        backup = app.path.read_bytes(), wal.read_bytes()
        app.execute("ALTER TABLE t ADD COLUMN emial VARCHAR")
        fresh(watch)
        assert said(watch.check()) == ["column main.t.emial added safe"]
    app.process.kill()
    app.process.wait(30)
    app.path.write_bytes(backup[0])
    wal.write_bytes(backup[1])
    with App(app.path) as other:
        other.execute("ALTER TABLE t ADD COLUMN email VARCHAR")
        with Watch(duckdb_options(app.path), folder.parent / "state") as watch:
            assert said(watch.check()) == ["column main.t.emial renamed breaking"]


def fresh(watch: Watch) -> None:
    """Let so much time pass that looks may be taken again."""
    sessions._known_of(watch.options).allowance = Allowance()


def spent(watch: Watch) -> None:
    """Let so many looks have been taken that no more may be, for 2,000 seconds."""
    sessions._known_of(watch.options).allowance.spend(105.0, time.monotonic())


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that were started to read."""
    started: list[Any] = []
    original = subprocess.Popen

    def start(argv: Any, *args: Any, **more: Any) -> Any:
        process = original(argv, *args, **more)
        if argv == sessions._COMMAND:
            started.append(process)
        return process

    monkeypatch.setattr(sessions.subprocess, "Popen", start)
    return started


def test_start_of_a_sequence_is_watched_and_that_it_is_used_is_no_change(app: App) -> None:
    """Where it started is known until somebody draws from it, and remembered after that."""

    def told(*statements: str) -> list[str]:
        app.execute(*statements)
        app.reopen()  # from then on the catalog says where a sequence stands
        sessions._known_of(watch.options).look = None
        return said(watch.check())

    with Watch(duckdb_options(app.path), app.path.parent.parent / "state") as watch:
        assert told("CREATE SEQUENCE s START 100", "CREATE SEQUENCE plain") == []
        fingerprint = watch.page().value("tocsin_schema_fingerprint")
        assert told("SELECT nextval('s')", "SELECT nextval('plain')") == []
        assert told("SELECT nextval('s')") == []
        assert watch.page().value("tocsin_schema_fingerprint") == fingerprint
        assert told("CREATE OR REPLACE SEQUENCE s START 500") == ["sequence main.s altered cautious"]
        assert told("SELECT nextval('s')") == []
        assert told("CREATE OR REPLACE SEQUENCE s") == ["sequence main.s altered cautious"]
        assert told("SELECT nextval('s')") == []
        assert told("CREATE OR REPLACE SEQUENCE s INCREMENT BY 3", "SELECT nextval('s')") == ["sequence main.s altered cautious"]


def test_collectors_that_are_due_together_cost_one_child_and_a_file_that_rests_none(app: App, children: list[Any]) -> None:
    app.execute(*FILL)
    with watching(app.path) as watch:
        watch.check()
        assert len(children) == 1
        for _ in range(3):
            watch.check()
            page = watch.scrape()
        assert len(children) == 1
        assert page.value("tocsin_schema_inspections_total") == 1
        fresh(watch)
        app.execute("INSERT INTO items VALUES (1)")
        watch.check()
        assert len(children) == 2
        assert watch.page().value("tocsin_schema_inspections_total") == 1, "a row is none of its business"


def test_rows_cost_the_schema_nothing_and_a_change_among_them_is_told_at_once(app: App, children: list[Any]) -> None:
    app.execute(*FILL)
    with watching(app.path, collectors={"storage": False}) as watch:
        watch.check()
        for _ in range(30):
            app.execute("INSERT INTO items VALUES (1)", "UPDATE items SET n = 2 WHERE n = 1", "DELETE FROM items WHERE n = 2")
            assert watch.check() == []
        assert len(children) == 1
        app.execute("BEGIN", "INSERT INTO items VALUES (1)", "ALTER TABLE items ADD COLUMN m INTEGER", "INSERT INTO items VALUES (1, 2)")
        assert watch.check() == []
        assert len(children) == 1
        app.execute("COMMIT", "INSERT INTO items VALUES (3, 4)")
        assert said(watch.check()) == ["column main.items.m added safe"]


def test_look_that_cost_much_is_not_repeated_at_once_and_what_is_known_stands(app: App, children: list[Any]) -> None:
    app.execute(*FILL)
    with watching(app.path) as watch:
        watch.check()
        spent(watch)
        app.execute("CREATE TABLE late (a INTEGER)")
        assert watch.check() == []
        page = watch.scrape()
        assert page.value("tocsin_schema_objects", object_kind="table") == 2
        assert page.value("duckdb_blocks") is not None
        assert len(children) == 1
        fresh(watch)
        assert said(watch.check()) == ["table main.late added safe"]


def test_changes_that_come_one_by_one_are_each_seen_at_once(app: App) -> None:
    """A look costs some 0.3 seconds of processor time: by a share of a core alone the next one would have to wait for 6 seconds."""
    app.execute(*FILL)
    with watching(app.path) as watch:
        watch.check()
        for i in range(4):
            app.execute(f"CREATE TABLE late_{i} (a INTEGER)")
            assert said(watch.check()) == [f"table main.late_{i} added safe"]


def test_file_that_cannot_be_read_is_not_tried_more_often_than_one_that_can(app: App, children: list[Any], folder: Path) -> None:
    app.execute(*FILL, "CHECKPOINT")
    app.close()
    whole = app.path.read_bytes()
    path = folder / "torn.duckdb"
    path.write_bytes(whole[:12288] + bytes(len(whole) - 12288))
    with watching(path) as watch:
        watch.check()
        error = watch.record("schema").error
        assert error is not None
        assert "damaged" in str(error)
        spent(watch)
        tried = len(children)
        path.write_bytes(whole[:12288] + bytes(len(whole) - 12287))
        watch.check()
        again = watch.record("schema").error
        assert (type(again), str(again)) == (type(error), str(error))
        assert len(children) == tried
        fresh(watch)
        path.write_bytes(whole)
        watch.check()
        assert watch.page().value("tocsin_schema_objects", object_kind="table") == 2


def test_full_inspection_by_the_slow_clock_asks_the_library_again(app: App, children: list[Any]) -> None:
    with watching(app.path, full_inspection_every=0.01) as watch:
        for _ in range(2):
            watch.check()
            fresh(watch)
            time.sleep(0.02)
        assert len(children) > 1


def test_schemas_are_read_for_commands(app: App) -> None:
    app.execute(*FILL)
    session = DuckdbSession(duckdb_options(app.path))
    assert SOURCE.schemas is not None
    ((name, schema),) = SOURCE.schemas(session, time.monotonic() + 20)
    assert (name, schema.counts()["table"]) == ("lake", 2)


def test_fingerprint_does_not_depend_on_the_order_of_creation_nor_on_the_file(folder: Path) -> None:
    tables = ("CREATE TABLE a (x INTEGER, y VARCHAR, CHECK (x > 0), CHECK (x < 9), UNIQUE (y))", "CREATE TABLE b (z INTEGER)")
    others = ("CREATE TABLE b (z INTEGER)", "CREATE TABLE a (y VARCHAR, x INTEGER, UNIQUE (y), CHECK (x < 9), CHECK (x > 0))")
    parts = ("CREATE INDEX i ON a (x)", "CREATE INDEX j ON b (z)", "CREATE VIEW v AS SELECT x FROM a", "CREATE MACRO m(a) AS a")
    found = []
    for name, script in (("one", [*tables, *parts]), ("two", [*others, *reversed(parts)])):
        with App(folder / f"{name}.duckdb") as app:
            app.execute(*script)
            found.append(scraped(app.path).value("tocsin_schema_fingerprint"))
    assert found[0] == found[1]


def test_inspection_costs_the_same_queries_however_many_tables(app: App) -> None:
    app.execute("CREATE TYPE p AS STRUCT(x INTEGER)")

    def asked() -> int:
        from tocsin.sources.duckdb import child, inspect

        counted: list[str] = []

        class Counting:
            def __init__(self, connection: Any) -> None:
                self._connection = connection

            def execute(self, sql: str, *more: Any) -> Any:
                counted.append(sql)
                return self._connection.execute(sql, *more)

        def read(picture: Picture) -> int:
            with child._opened(picture, request_of(app.path)) as connection:
                inspect.inspect(Counting(connection), "lake")
            return len(counted)

        return read_picture(app.path, read, time.monotonic() + 10)

    few = asked()
    app.execute(*(f"CREATE TABLE t{i} (a INTEGER PRIMARY KEY, b VARCHAR UNIQUE)" for i in range(60)), "CREATE TYPE q AS STRUCT(x INTEGER)")
    assert asked() == few


# Queries of the user's own


def own(path: Path, *queries: str) -> tuple[once.Report, list[str]]:
    loaded = config.parse(
        f"targets: [{{name: lake, kind: duckdb, path: {path}, queries: [{', '.join(queries)}]}}]", "t.yaml", path.parent, {}
    )
    page = once.page(loaded, 20).decode()
    return once.check(loaded, 20)[0], [line for line in page.splitlines() if line.startswith("lake_")]


def test_columns_of_own_queries_become_series_and_all_cost_one_child(app: App, children: list[Any]) -> None:
    app.execute(
        "CREATE TABLE orders (status VARCHAR, total DECIMAL(10, 2))", "INSERT INTO orders VALUES ('new', 10), ('new', 2.5), ('paid', NULL)"
    )
    first = (
        '{name: orders, sql: "SELECT status, count(*) AS n, sum(total) AS amount FROM orders GROUP BY status;", labels: [status], '
        "metrics: {n: {name: lake_orders, help: N.}, amount: {name: lake_amount, help: A.}}}"
    )
    second = '{name: odd, sql: {"1.4": "SELECT 1 AS v", "99": "SELECT nonsense"}, metrics: {v: {name: lake_v, help: V.}}}'
    third = (
        "{name: types, labels: [t, u], metrics: {i: {name: lake_i, help: I.}, f: {name: lake_f, help: F.}}, "
        "sql: \"SELECT TIMESTAMPTZ '2026-01-02 03:04:05+00' AS t, {'a': 1} AS u, 12345678901234567890::HUGEINT AS i, 'inf'::DOUBLE AS f\"}"
    )
    report, lines = own(app.path, first, second, third)
    assert report.good, report.line
    assert sorted(lines) == [
        'lake_amount{instance="lake",status="new"} 12.50',
        'lake_f{instance="lake",t="2026-01-02 03:04:05+00",u="{\'a\': 1}"} inf',
        'lake_i{instance="lake",t="2026-01-02 03:04:05+00",u="{\'a\': 1}"} 12345678901234567890',
        'lake_orders{instance="lake",status="new"} 2',
        'lake_orders{instance="lake",status="paid"} 1',
        'lake_v{instance="lake"} 1',
    ]
    # once.page collects twice: before it looks, and when it looks; then once.check. The scheduled collectors share one look.
    assert len(children) == 3 + 1


REFUSED = {
    "SELECT nonsense AS n": "nonsense",
    "SELECT 1 AS n FROM nowhere": "nowhere",
    "SELECT 'many' AS n": "not a number",
    "SELECT 1 AS n, 2 AS n": "the column n twice",
    "DELETE FROM t RETURNING 1 AS n": "one statement that reads",
    "SELECT 1 AS n; SELECT 2 AS n": "one statement that reads",
    "ATTACH '/tmp/other.duckdb'": "one statement that reads",
    "COPY t TO '/tmp/out.csv'": "one statement that reads",
    "SET enable_external_access = true": "one statement that reads",
    "SELECT count(*) AS n FROM read_csv('/etc/passwd')": "disabled",
    "SELECT count(*) AS n FROM '/etc/passwd'": "does not exist",
    "SELECT count(*) AS n FROM glob('/etc/*')": "disabled",
    "SELECT count(*) AS n FROM queries": "queries",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_own_query_that_is_wrong_or_reaches_outside_is_refused_and_named(app: App, sql: str) -> None:
    app.execute("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)")
    good = "{name: good, sql: SELECT a AS n FROM t, metrics: {n: {name: lake_good, help: N.}}}"
    report, lines = own(app.path, f'{{name: own, sql: "{sql}", metrics: {{n: {{name: lake_n, help: N.}}}}}}', good)
    assert not report.good
    assert "own: config: " in report.line
    assert REFUSED[sql] in report.line
    assert lines == ['lake_good{instance="lake"} 1']
    assert app.execute("SELECT count(*) FROM t") == [["1"]]


def test_own_query_that_takes_too_long_is_stopped(app: App) -> None:
    app.execute("CREATE TABLE t (a INTEGER)")
    slow = (
        "{name: slow, sql: SELECT count(*) AS n FROM range(1000000000000), every: 1h, timeout: 1s, metrics: {n: {name: lake_n, help: N.}}}"
    )
    loaded = config.parse(f"targets: [{{name: lake, kind: duckdb, path: {app.path}, queries: [{slow}]}}]", "t.yaml", app.path.parent, {})
    began = time.monotonic()
    assert "slow: timeout: " in once.check(loaded, 3)[0].line
    assert time.monotonic() - began < 20


# Beside an application that never rests


def test_readings_beside_an_application_that_never_rests(folder: Path) -> None:
    """Each from opening to closing; `make bench` does ten thousand."""
    path = folder / "lake.duckdb"
    with hammered(path) as words:
        told, found = read_beside(path, 300, 45)
    assert words[-1].endswith("errors 0"), words
    assert found["wrong"] == []
    assert told["locked"] == 0
    assert told["reads"] > 20
    assert found["moments"] > 20, "the reader always saw the same"
    assert {p.name for p in folder.iterdir()} == {"lake.duckdb"}


def test_whole_exporter_beside_an_application_that_never_rests(folder: Path) -> None:
    """The collectors as they run: changes that were found come in pairs."""
    path = folder / "lake.duckdb"
    with hammered(path, 0.05) as words, watching(path) as watch:
        until = time.monotonic() + 12
        up = scrapes = 0
        while time.monotonic() < until:
            up += int(watch.scrape().value("duckdb_up") or 0)
            scrapes += 1
            watch.check()
            fresh(watch)
        events = watch.journal.events(limit=1000)
        errors = [r.error for r in watch.target.records.values() if r.error]
    assert words[-1].endswith("errors 0"), words
    assert up == scrapes
    assert errors == []
    sides: dict[str, set[tuple[str, str]]] = {"a": set(), "b": set()}
    for event in events:
        if event.object_kind == "table" and "pair_" in event.object:
            sides[event.object[-1]].add((event.object[:-2], event.change))
    assert len(sides["a"]) > 3
    assert sides["a"] == sides["b"]


def test_application_opens_and_writes_again_and_again_while_children_read(folder: Path) -> None:
    """What a native reader would break: the next opening for writing."""
    path = folder / "lake.duckdb"
    with App(path) as app, watching(path) as watch:
        app.execute(*FILL)
        watch.check()
        session = DuckdbSession(duckdb_options(path))
        for i in range(15):
            app.execute(f"CREATE TABLE t{i} (a INTEGER)")
            with sessions._child() as process:  # one that has not answered yet
                assert process.poll() is None
                app.reopen()
            look = session._take_look(time.monotonic() + 20)
            app.reopen()
        assert look.schema().counts()["table"] == 17


def test_reading_in_the_midst_of_a_checkpoint_sees_both_logs(app: App, folder: Path) -> None:
    """A checkpoint that was cut short leaves two logs, which only together hold everything that was committed."""
    app.execute(*FILL, "PRAGMA enable_checkpoint_on_shutdown", "SET debug_checkpoint_abort = 'before_header'")
    with contextlib.suppress(RuntimeError):
        app.execute("CHECKPOINT")
    app.process.kill()
    app.process.wait()
    before = listing(folder)
    answer, parcel = answered(request_of(app.path))
    assert listing(folder) == before
    with App(app.path) as again:
        assert again.execute("SELECT count(*) FROM duckdb_tables()") == [["2"]]
    assert len([o for _, objects in unpacked(parcel) for o in objects if o.kind == "table"]) == 2
    assert answer["facts"]["objects"]["view"] == 1


def test_nothing_is_left_running(app: App) -> None:
    with watching(app.path) as watch:
        watch.check()
        assert eventually(lambda: not [c for c in psutil.Process().children() if "tocsin.sources.duckdb.child" in " ".join(c.cmdline())])


def test_what_is_known_goes_with_its_target(app: App) -> None:
    gc.collect()
    before = len(sessions._known)
    with watching(app.path) as watch:
        watch.check()
        watch.scrape()
        assert len(sessions._known) == before + 1
    del watch
    assert eventually(lambda: gc.collect() + 1 and len(sessions._known) == before)
