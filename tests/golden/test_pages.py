"""Whole pages as they are served, kept: `make golden` writes them again, and the diff is the review."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority import Authority
from containers import docker_engine
from duckdb_app import App, duckdb_options
from mariadb import MariaDB, MysqlServer, mysql_options
from newest import MySQL, NewestPostgres
from servers import Postgres, until
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.endpoint.config import EndpointOptions
from tocsin.sources.files.config import FilesOptions
from tools import lacking
from watching import Watch, host_options, postgres_options, sqlite_options

PAGES = Path(__file__).parent / "pages"

LOAD = "depends on what the server did in the moment before"
SIZE = "differs between minor versions and builds"
CLOCK = "a time"
PLACE = "differs from machine to machine"

# Regular expressions of names whose values are not kept, with the reason.
VALUES = {
    r"pg_database_size_bytes|pg_wal_size_bytes|pg_wal_segments": SIZE,
    r"pg_database_wraparound_age_.*": LOAD,
    r"pg_stat_database_(xact|blks|tup|blk|active)_.*": LOAD,
    r"pg_stat_(bgwriter|checkpointer)_.*": LOAD,
    r"pg_stat_database_stats_reset": CLOCK,
    r"pg_stat_activity_max_tx_duration|pg_long_running_transactions_oldest_timestamp_seconds": CLOCK,
    r"pg_stat_user_tables_table_size_bytes|pg_stat_user_tables_index_size_bytes": SIZE,
    r"pg_stat_user_tables_(seq_scan|seq_tup_read|idx_scan|idx_tup_fetch)": LOAD,
    r"pg_stat_user_tables_last_.*": CLOCK,
    r"pg_statio_user_tables_.*": LOAD,
    r"pg_process_idle_seconds_.*": CLOCK,
    r"pg_postmaster_start_time_seconds": CLOCK,
    r"pg_settings_port|pg_settings_max_stack_depth_bytes": PLACE,
    r"pg_settings_server_version_num": "the minor version",
    r"pg_settings_shared_memory_size.*": SIZE,
    r"pg_scrape_collector_duration_seconds|pg_exporter_last_scrape_duration_seconds": CLOCK,
    r"tocsin_pg_session_seconds_total": CLOCK,
    r"tocsin_pg_wal_.*": LOAD,
    r"tocsin_pg_(io|slru|sessions)_.*": LOAD,
    r"mysql_global_status_.*": LOAD,
    r"mysql_global_variables_((report_)?port|thread_pool_size)": PLACE,
    r"mysql_global_variables_(open_files_limit|table_open_cache|table_definition_cache)": PLACE,
    r"mysql_global_variables_performance_schema_.*": "chosen by the server from those above",
    r"mysql_info_schema_processlist_seconds": CLOCK,
    r"mysql_info_schema_innodb_cmpmem_.*": LOAD,
    r"mysql_exporter_collector_duration_seconds": CLOCK,
    r"tocsin_collector_(duration|age)_seconds": CLOCK,
    r"tocsin_schema_last_check_timestamp_seconds": CLOCK,
    r"sqlite_wal_size_bytes|sqlite_wal_frames": "frames that SQLite's version wrote",
    r"sqlite_wal_salt": "begins at random",
    r"sqlite_check_timestamp_seconds": CLOCK,
    r"sqlite_change_counter": LOAD,
    r"duckdb_read_cpu_seconds": CLOCK,
    r"tocsin_file_(modified|status_changed|change)_timestamp_seconds|tocsin_files_look_age_seconds": CLOCK,
    r"tocsin_file_inode": PLACE,
    r"tocsin_files_looks_total": "how long a change took to settle",
    r"node_scrape_collector_duration_seconds": CLOCK,
    r"node_time_seconds": CLOCK,
    r"node_timex_.*": CLOCK,
    r"node_time_zone_offset_seconds": PLACE,
    r"node_filesystem_(size|free|avail)_bytes|node_filesystem_files(_free)?": PLACE,
    r"container_(cpu|memory|fs|blkio)_.*": LOAD,
    r"container_(last_seen|start_time_seconds|creation_time_seconds)": CLOCK,
    r"container_processes|container_threads": LOAD,
    r"tocsin_container_(created|started|finished)_timestamp_seconds": CLOCK,
    r"tocsin_endpoint_handshake_seconds|tocsin_tls_.*_timestamp_seconds": CLOCK,
    r"duckdb_database_size_bytes|duckdb_blocks|duckdb_free_blocks|duckdb_storage_version": "what DuckDB's version writes",
}
# Names whose label values are not kept.
LABELS = {
    ("pg_static", "version"): "the minor version and the compiler",
    ("pg_static", "short_version"): "the minor version",
    ("pg_static", "server"): PLACE,
    (r"pg_stat_database_conflicts_.*", "server"): PLACE,
    (r"pg_stat_activity_.*", "wait_event"): LOAD,
    (r"pg_stat_activity_.*", "wait_event_type"): LOAD,
    **{(r"tocsin_pg_io_.*", label): LOAD for label in ("backend_type", "object", "context", "operation")},
    ("mysql_version_info", "version"): "the minor version",
    ("mysql_version_info", "version_comment"): "the build",
    ("tocsin_target_info", "address"): PLACE,
    ("node_time_zone_offset_seconds", "time_zone"): PLACE,
    **{("node_uname_info", label): PLACE for label in ("sysname", "release", "version", "machine", "nodename")},
    (r"container_.*", "id"): "chosen by the engine",
    (r"container_.*", "device"): PLACE,
    (r"container_.*", "major"): PLACE,
    (r"container_.*", "minor"): PLACE,
    **{("cadvisor_version_info", label): "the engine's and the kernel's version" for label in ("kernelVersion", "dockerVersion")},
    (r"tocsin_container_info", "container_id"): "chosen by the engine",
    (r"tocsin_container_(info|image)", "image_id"): "depends on the shell that is in it",
    ("duckdb_file_info", "created_by"): "the library's version",
    ("duckdb_compatibility_info", "storage"): "the library's version",
    ("duckdb_compatibility_info", "library"): "the library's version",
    ("sqlite_format_info", "written_by"): "SQLite's version",
    **{("tocsin_file_info", label): "who runs the test" for label in ("owner", "group")},
    ("tocsin_endpoint_server_info", "version"): "the minor version",
    **{("tocsin_tls_session_info", label): "what the two libraries agree on" for label in ("version", "cipher")},
    **{("tocsin_tls_certificate_info", label): "made anew each time" for label in ("subject", "issuer", "serial", "fingerprint_sha256")},
}

OF_TESTS = re.compile(r"/tmp/(?:[^/\"]*pytest[^/\"]*/)*(?:test_|tocsin-)?[^/\"]+")
"""The folders of a test's databases, of which neither the name nor a size is kept."""

SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def masked(line: str) -> str:
    """Return a sample line with what is volatile replaced by a star."""
    match = SAMPLE.fullmatch(line)
    assert match is not None, line
    name, labels, value = match.groups()
    shown = []
    for label, text in LABEL.findall(labels or ""):
        volatile = any(label == which and re.fullmatch(pattern, name) for pattern, which in LABELS)
        shown.append(f'{label}="{"*" if volatile else OF_TESTS.sub("*", text)}"')
    of_a_test = OF_TESTS.search(labels or "") is not None and name in ("tocsin_file_size_bytes", "tocsin_file_content_fingerprint")
    if of_a_test or any(re.fullmatch(pattern, name) for pattern in VALUES):
        value = "*"
    return name + ("{" + ",".join(shown) + "}" if shown else "") + " " + value


def kept(text: str) -> str:
    """Return a page in the form that is kept: masked, and the samples of a family in order."""
    families: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            families.append([line])
        elif line.startswith("# TYPE "):
            families[-1].append(line)
        else:
            families[-1].append(masked(line))
    return "".join(f"{line}\n" for family in families for line in [*family[:2], *sorted(set(family[2:]))])


def compare(name: str, text: str) -> None:
    path = PAGES / name
    found = kept(text)
    if os.environ.get("TOCSIN_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    expected = path.read_text("utf-8") if path.exists() else ""
    if found != expected:
        lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), f"pages/{name}", "served now", lineterm="", n=1)
        pytest.fail("\n".join(["the page is not the one that is kept; where that is right: make golden", *lines]), pytrace=False)


NEWEST = pytest.mark.newest


@pytest.fixture(scope="module", params=[(Postgres, 15), pytest.param((NewestPostgres, 18), marks=NEWEST)], ids=["15", "18"])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster that nobody else uses, with settings that initdb and the machine would choose otherwise."""
    kind, version = request.param
    server = kind(tmp_path_factory.mktemp("golden"))
    if server.major != version:
        lacking(f"the golden page is PostgreSQL {version}'s, and {server.major} is installed")
    server.start(
        max_connections=50, shared_buffers="16MB", autovacuum="off", jit="on", max_wal_size="1GB", min_wal_size="80MB",
        max_files_per_process=1000, effective_io_concurrency=1, maintenance_io_concurrency=10, ssl="off",
    )  # fmt: skip
    yield server
    server.stop("immediate")


SHOP = (
    "CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE)",
    "CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, total numeric(10,2) CHECK (total >= 0))",
    "CREATE INDEX ON orders (customer)",
    "INSERT INTO customers (email) SELECT format('%s@example.org', i) FROM generate_series(1, 50) AS i",
    "INSERT INTO orders SELECT i, i % 50 + 1, i FROM generate_series(1, 200) AS i",
    "ANALYZE",
    "SELECT pg_stat_force_next_flush()",
)


def test_postgres(fresh: Postgres, tmp_path: Path) -> None:
    fresh.execute("CREATE DATABASE shop", "ALTER DATABASE shop CONNECTION LIMIT 40")
    fresh.execute(*SHOP, database="shop")
    fresh.execute("CHECKPOINT")
    with Watch(postgres_options(fresh.dsn(), labels={"team": "payments"}), tmp_path / "state") as watch:
        watch.check()
        watch.scrape()
        compare(f"postgres-{fresh.major}.prom", watch.scrape().text)


MYSQL_SHOP = (
    "CREATE TABLE shop.customers (id int AUTO_INCREMENT PRIMARY KEY, email varchar(80) NOT NULL UNIQUE COMMENT 'where to write')",
    "CREATE TABLE shop.orders (id int PRIMARY KEY, customer int NOT NULL, total decimal(10,2) CHECK (total >= 0), KEY (customer))",
    "ALTER TABLE shop.orders ADD FOREIGN KEY (customer) REFERENCES shop.customers (id)",
    "CREATE VIEW shop.spent AS SELECT customer, SUM(total) AS total FROM shop.orders GROUP BY customer",
    "CREATE TRIGGER shop.rounded BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.total = ROUND(NEW.total)",
    "CREATE PROCEDURE shop.forget(who int) DELETE FROM shop.customers WHERE id = who",
    "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM shop.orders WHERE total = 0",
    "GRANT SELECT ON shop.orders TO shop_reader",
)


@pytest.mark.parametrize(("kind", "version"), [(MariaDB, "10.11"), pytest.param(MySQL, "9.7", marks=NEWEST)], ids=["mariadb", "mysql"])
def test_mysql(kind: type[MysqlServer], version: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    server = kind(tmp_path_factory.mktemp("golden"))
    server.start(performance_schema="ON", server_id=1)
    try:
        ((found,),) = server.execute("SELECT VERSION()")
        if not found.startswith(f"{version}."):
            lacking(f"the golden page is {kind.__name__} {version}'s, and {found} is installed")
        server.exporter_account(grants=f"{kind.grants}, SHOW VIEW, TRIGGER, EVENT")
        server.execute("CREATE DATABASE shop", "CREATE USER shop_reader", *MYSQL_SHOP)
        with Watch(mysql_options(server.dsn(), labels={"team": "payments"}), tmp_path / "state") as watch, server.session():
            watch.check()
            watch.scrape()
            compare(f"{kind.__name__.lower()}-{version}.prom", watch.scrape().text)
    finally:
        server.stop()


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in ("PRAGMA page_size = 4096", "PRAGMA journal_mode = WAL", "PRAGMA user_version = 7", "PRAGMA application_id = 42"):
            connection.execute(statement).fetchall()
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, CHECK (length(email) > 3))")
        connection.execute("CREATE INDEX by_email ON orders (lower(email))")
        connection.execute("CREATE TABLE items (number INTEGER REFERENCES orders (id))")
        connection.commit()
        with Watch(sqlite_options(path), tmp_path / "state") as watch:
            watch.check()
            compare("sqlite.prom", watch.scrape().text)


def test_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    with App(path) as app:
        app.execute("CREATE SEQUENCE ids")
        app.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY DEFAULT nextval('ids'), email VARCHAR NOT NULL UNIQUE)")
        app.execute("CREATE TABLE items (number INTEGER REFERENCES orders (id), CHECK (number > 0))")
        app.execute("CREATE INDEX by_email ON orders (lower(email))")
        app.execute("CREATE VIEW emails AS SELECT email FROM orders", "COMMENT ON TABLE orders IS 'What was ordered.'")
        app.execute("INSERT INTO orders (email) SELECT i || '@example.org' FROM range(50) AS r (i)")
    with Watch(duckdb_options(path), tmp_path / "state") as watch:
        watch.check()
        compare("duckdb.prom", watch.scrape().text)


def test_endpoint(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    authority, server = Authority(tmp_path / "authority"), MariaDB(tmp_path_factory.mktemp("golden"))
    authority.issue("server", "IP:127.0.0.1,DNS:shop.example")
    certificate, key = authority.give("server", server.folder)
    server.start(ssl_cert=certificate, ssl_key=key)
    try:
        server.exporter_account(grants="")
        options = EndpointOptions(
            name="shop", kind="endpoint", address=f"127.0.0.1:{server.port}", protocol="mysql", labels={"team": "shop"}
        )
        with Watch(options, tmp_path / "state") as watch:
            watch.check()
            compare("endpoint.prom", watch.scrape().text)
    finally:
        server.stop()


def test_docker(tmp_path: Path) -> None:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        lacking("the golden page is that of a host with cgroup v1")
    with docker_engine() as engine:
        limits = ("--memory", "64m", "--cpus", "0.5", "--label", "team=payments", *engine.disk_counting())
        work = "dd if=/dev/zero of=/data bs=1M count=4 conv=fsync; touch /done; sleep 1000"
        engine.container("shop", *limits, "--restart", "always", "--network", "none", command=("sh", "-c", work))
        engine.container("job", command=("sh", "-c", "exit 3"))
        until(lambda: engine.run("inspect", "--format", "{{.State.Status}}", "job") == "exited")
        until(lambda: "done" in engine.run("exec", "shop", "sh", "-c", "test -e /done && echo done", fails=True))
        options = DockerOptions(
            name="engine",
            kind="docker",
            url=engine.url,
            container_labels=("team",),
            collectors={"processes": True, "machine": False, "sizes": False},
        )
        with Watch(options, tmp_path / "state") as watch:
            watch.check()
            compare("docker-cgroup1.prom", watch.scrape().text)


def test_files(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tocsin-golden-") as name:
        root = Path(name)
        (root / "etc" / "app").mkdir(parents=True)
        for file, mode, text in (("app.conf", 0o640, "port = 1"), ("app.log", 0o644, "began"), ("server.key", 0o600, "key")):
            (root / "etc" / "app" / file).write_text(text)
            (root / "etc" / "app" / file).chmod(mode)
        (root / "etc").chmod(0o755)
        (root / "etc" / "current").symlink_to("app")
        paths = (str(root / "etc"), str(root / "missing.conf"))
        with Watch(FilesOptions(name="configs", kind="files", paths=paths), tmp_path / "state") as watch:
            watch.check()
            (root / "etc" / "app" / "app.conf").chmod(0o666)
            watch.check()
            compare("files.prom", watch.scrape().text.replace(name, ""))


def test_host(tmp_path: Path) -> None:
    """A host as it was recorded: the processors, disks and interfaces of this machine are not those of the next."""
    parts = re.split(r"^==> (\S+) <==\n", (PAGES.parent / "host.txt").read_text("utf-8"), flags=re.MULTILINE)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "root/srv/with blank").mkdir(parents=True)
    options = host_options(procfs=tmp_path / "proc", sysfs=tmp_path / "sys", rootfs=tmp_path / "root")
    with Watch(options, tmp_path / "state") as watch:
        compare("host.prom", watch.scrape().text)


def test_every_mask_is_needed_and_has_its_reason() -> None:
    """A mask that matches nothing any more would hide what comes by that name later."""
    text = "".join(path.read_text("utf-8") for path in sorted(PAGES.glob("*.prom")))
    names = {m[1] for line in text.splitlines() if (m := SAMPLE.fullmatch(line))}
    for pattern in VALUES:
        for part in pattern.split("|") if "(" not in pattern else [pattern]:
            assert any(re.fullmatch(part, name) for name in names), f"{part} masks nothing"
    for pattern, label in LABELS:
        assert any(re.fullmatch(pattern, line.partition("{")[0]) and f'{label}="' in line for line in text.splitlines()), (pattern, label)
    assert all({**VALUES, **LABELS}.values())
