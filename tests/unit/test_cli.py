"""The command line as a shell and a supervisor see it: exit codes, messages, signals, and never a secret."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tocsin
from fakes import series
from servers import Child, free_port, get, until
from servers import tocsin as serving

NEEDLE = "s3cr3t-needle"


def run(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command, and fail on anything that looks like a traceback."""
    argv = [sys.executable, "-m", "tocsin.cli", *map(str, args)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
    return write(tmp_path, "targets: [{name: app, kind: sqlite, path: app.db}]")


def write(folder: Path, text: str) -> Path:
    path = folder / "tocsin.yaml"
    path.write_text(f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {folder}/state\n{text}\n")
    return path


def unreachable(folder: Path) -> Path:
    """A PostgreSQL target where nobody listens, with its secret in every place that may hold one."""
    (folder / "password").write_text(NEEDLE)
    (folder / "dsn").write_text(f"postgresql://tocsin:{NEEDLE}@127.0.0.1:{free_port()}/db")
    return write(
        folder,
        f"""
targets:
  - {{name: by-url, kind: postgres, dsn: "postgresql://tocsin:{NEEDLE}@127.0.0.1:{free_port()}/db"}}
  - {{name: by-words, kind: postgres, dsn: "host=127.0.0.1 port={free_port()} user=tocsin password={NEEDLE}"}}
  - {{name: by-file, kind: postgres, dsn_file: dsn}}
  - {{name: by-password-file, kind: postgres, dsn: "postgresql://tocsin@127.0.0.1:{free_port()}/db", password_file: password}}
  - {{name: by-environment, kind: postgres, dsn: "postgresql://tocsin:${{TOCSIN_TEST_SECRET}}@127.0.0.1:{free_port()}/db"}}
  - {{name: wrong-port, kind: postgres, dsn: "postgresql://tocsin:{NEEDLE}@127.0.0.1:port/db"}}
  - {{name: wrong-word, kind: postgres, dsn: "host=127.0.0.1 password={NEEDLE} bogus=1"}}
  - {{name: wrong-shape, kind: postgres, dsn: "password {NEEDLE}"}}
  - {{name: wrong-quote, kind: postgres, dsn: "host=127.0.0.1 password='{NEEDLE}"}}
  - {{name: wrong-at, kind: postgres, dsn: "postgresql://tocsin:p@{NEEDLE}@127.0.0.1/db"}}
  - {{name: wrong-escape, kind: postgres, dsn: "postgresql://tocsin:%zz{NEEDLE}@127.0.0.1/db"}}
  - {{name: wrong-scheme, kind: postgres, dsn: "mysql://tocsin:{NEEDLE}@127.0.0.1/db"}}
""",
    )


ENVIRONMENT = {"TOCSIN_TEST_SECRET": NEEDLE}

# serve


def test_serve_tells_where_it_listens_and_sigterm_stops_it_cleanly(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path) as (url, child):
        assert get(f"{url}/metrics")[0] == 200
        began = time.monotonic()
        assert child.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5
    assert f"tocsin {tocsin.__version__} listens on {url}, 1 targets" in child.text()
    assert child.text().rstrip().endswith("SIGTERM: stopping")
    assert "Traceback" not in child.text()
    assert not (tmp_path / "state/journal.db-wal").exists(), "the journal was closed"


@pytest.mark.parametrize("option", ["--listen", "--web.listen-address"])
def test_serve_listens_where_the_command_line_says(config: Path, tmp_path: Path, option: str) -> None:
    port = free_port()
    for address in (f"127.0.0.1:{port}", f":{port}"):
        with serving(config, tmp_path, option, address) as (url, _):
            assert url == f"http://127.0.0.1:{port}"
    done = run("serve", "--config", config, option, "nonsense")
    assert done.returncode == 2
    assert "expected HOST:PORT" in done.stderr


def test_sigint_stops_it_too(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path) as (_, child):
        assert child.stop(signal.SIGINT) == 0
    assert "Traceback" not in child.text()


def test_sigterm_stops_it_in_time_while_a_target_hangs_and_clients_hold_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = write(tmp_path, f"targets: [{{name: a, kind: postgres, dsn: 'postgresql://x@127.0.0.1:{silent.getsockname()[1]}/db'}}]")
        with serving(config, tmp_path) as (url, child):
            port = int(url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as idle, socket.create_connection(("127.0.0.1", port)) as busy:
                idle.sendall(b"GET /metr")
                busy.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.3)
                began = time.monotonic()
                assert child.stop(signal.SIGTERM) == 0
                assert time.monotonic() - began < 5
    assert "Traceback" not in child.text()


def test_sighup_loads_the_configuration_again_and_a_storm_of_it_does_no_harm(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path) as (url, child):
        config.write_text(config.read_text().replace("name: app", "name: shop"))
        child.process.send_signal(signal.SIGHUP)
        until(lambda: 'instance="shop"' in get(f"{url}/metrics")[1])
        for _ in range(100):
            child.process.send_signal(signal.SIGHUP)
        (tmp_path / "new.yaml").write_text("sever: {}\n")
        (tmp_path / "new.yaml").rename(config)
        child.process.send_signal(signal.SIGHUP)
        until(lambda: series(get(f"{url}/metrics")[1])["tocsin_config_last_reload_successful"] == 0)
        assert 'instance="shop"' in get(f"{url}/metrics")[1]
        assert "the configuration stays as it was" in child.text()
        assert child.stop() == 0


def test_a_wrong_configuration_exits_2_with_all_messages(tmp_path: Path) -> None:
    config = write(tmp_path, "sever: {}\ntargets: [{name: a, kind: sqlite}, {name: b, kind: oracle}]")
    for command in ("serve", "check", "once"):
        done = run(command, "--config", config)
        assert done.returncode == 2
        assert done.stdout == ""
        assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["sever", "targets[0].path", "targets[1].kind"]


def test_a_configuration_that_is_not_there_exits_2(tmp_path: Path) -> None:
    done = run("serve", "--config", tmp_path / "none.yaml")
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/none.yaml: cannot be read: No such file or directory\n")


def test_without_a_configuration_the_command_says_what_it_needs_and_takes_it_from_the_environment(config: Path) -> None:
    done = run("check")
    assert done.returncode == 2
    assert "--config" in done.stderr
    assert run("check", TOCSIN_CONFIG=str(config)).returncode == 0


def test_an_address_in_use_exits_2_and_says_which(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]  # noqa: UP031
        config.write_text(config.read_text().replace("127.0.0.1:0", address))
        done = run("serve", "--config", config)
    assert done.returncode == 2
    assert done.stderr == f"cannot listen on {address}: Address already in use; choose another server.listen\n"


def test_a_state_dir_in_use_exits_2_and_names_the_process(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path) as (_, child):
        done = run("serve", "--config", config)
        assert done.returncode == 2
        assert done.stderr == (
            f"state_dir {tmp_path}/state is in use by another tocsin (process {child.process.pid}); stop it, or choose another state_dir\n"
        )


def test_the_exporters_own_journal_is_refused_as_a_target(tmp_path: Path) -> None:
    done = run("serve", "--config", write(tmp_path, "targets: [{name: own, kind: sqlite, path: state/journal.db}]"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"target own: {tmp_path}/state/journal.db is this exporter's own journal; ")


def test_a_wrong_web_configuration_exits_2(config: Path, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(f"basic_auth_users: {{a: {NEEDLE}}}\n")
    config.write_text(config.read_text().replace("127.0.0.1:0'", "127.0.0.1:0', web_config_file: web.yaml"))
    done = run("serve", "--config", config)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/web.yaml: basic_auth_users.a: expected a bcrypt hash\n")


# check and once


def test_check_prints_one_line_a_target_and_exits_0_when_all_is_well(config: Path, tmp_path: Path) -> None:
    done = run("check", "--config", config)
    assert done.returncode == 0
    assert re.fullmatch(r"ok    app \(sqlite\): \d+ collectors, \d+ series\n", done.stdout)
    assert not (tmp_path / "state").exists(), "looking leaves nothing behind"


def test_check_exits_1_when_any_target_fails_and_says_why(config: Path, tmp_path: Path) -> None:
    write(tmp_path, "targets: [{name: app, kind: sqlite, path: app.db}, {name: gone, kind: sqlite, path: none.db}]")
    done = run("check", "--config", config)
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["ok    app (sqlite)", "FAIL  gone (sqlite)"]
    assert f"connect: {tmp_path}/none.db does not exist" in done.stdout


def test_check_of_a_target_that_says_nothing_ends_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = write(tmp_path, f"targets: [{{name: a, kind: postgres, dsn: 'postgresql://x@127.0.0.1:{silent.getsockname()[1]}/db'}}]")
        began = time.monotonic()
        done = run("check", "--config", config, "--timeout", "1")
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  a (postgres): timeout: ")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("hanging", ["postgresql://x@{}/db", "mysql://x@{}/"])
def test_check_of_a_healthy_target_is_not_blamed_for_another_that_hangs(config: Path, tmp_path: Path, hanging: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = hanging.format("127.0.0.1:%d" % silent.getsockname()[1])  # noqa: UP031
        kind = "postgres" if dsn.startswith("postgres") else "mysql"
        write(tmp_path, f"targets: [{{name: a, kind: {kind}, dsn: '{dsn}'}}, {{name: app, kind: sqlite, path: app.db}}]")
        done = run("check", "--config", config, "--timeout", "3")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith(f"FAIL  a ({kind}): timeout: ")
    assert second.startswith("ok    app (sqlite): ")


def test_check_lists_own_queries_and_warns_of_logins_that_go_anywhere(config: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("queries: [{name: own, sql: SELECT 1 AS n, metrics: {n: {name: shop_n, help: N.}}}]")
    module = f"userpass: {{username: u, password: {NEEDLE}}}"
    write(
        tmp_path,
        "targets: [{name: app, kind: sqlite, path: app.db, query_files: [own.yaml]}]\n"
        f"auth_modules: {{anywhere: {{{module}}}, here: {{{module}, targets: [db]}}}}",
    )
    done = run("check", "--config", config)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == [
        f"query app: {tmp_path}/own.yaml: query own: shop_n",
        "warn  auth module anywhere: its login is sent to any host that a request to /probe names; list the hosts under targets",
    ]


def test_check_says_when_there_is_nothing_to_try(tmp_path: Path) -> None:
    done = run("check", "--config", write(tmp_path, ""))
    assert (done.returncode, done.stdout) == (0, "the configuration is right; it has no targets yet\n")


def test_check_runs_beside_the_exporter_that_uses_the_same_file(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path):
        assert run("check", "--config", config).returncode == 0


def test_once_prints_the_page_with_scheduled_collectors_in_it(config: Path, tmp_path: Path) -> None:
    done = run("once", "--config", config)
    page = series(done.stdout)
    assert done.returncode == 0
    assert page['sqlite_up{instance="app"}'] == 1
    assert page['tocsin_schema_objects{database="main",instance="app",object_kind="column"}'] == 2
    assert not (tmp_path / "state").exists()


def test_once_tells_of_a_target_that_is_down_on_its_page(config: Path, tmp_path: Path) -> None:
    (tmp_path / "app.db").unlink()
    done = run("once", "--config", config)
    assert done.returncode == 0
    assert series(done.stdout)['sqlite_up{instance="app"}'] == 0


# healthcheck, version, help


def test_healthcheck_says_whether_the_exporter_is_ready(config: Path, tmp_path: Path) -> None:
    with serving(config, tmp_path) as (url, _):
        done = run("healthcheck", "--url", url)
        assert (done.returncode, done.stdout) == (0, "ready\n")
    done = run("healthcheck", "--url", url)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {url} does not answer: ")


class _Starting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def starting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Starting) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        yield "http://{}:{}".format(*server.server_address[:2])
        server.shutdown()


def test_healthcheck_of_an_exporter_that_is_not_ready_exits_1(starting: str) -> None:
    done = run("healthcheck", "--url", starting)
    assert (done.returncode, done.stderr) == (1, f"Error: {starting} is not ready: 503\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "http://127.0.0.1:99999", "nonsense", ""])
def test_healthcheck_of_an_address_that_is_none_exits_1(url: str) -> None:
    assert run("healthcheck", "--url", url).returncode == 1


def test_version_and_help() -> None:
    assert run("--version").stdout == f"tocsin, version {tocsin.__version__}\n"
    text = run("-h").stdout
    assert all(f"  {name} " in text for name in ("serve", "check", "once", "up", "bundle", "healthcheck"))


# Secrets


@pytest.mark.parametrize("command", [("check", "--timeout", "3"), ("once", "--timeout", "3")], ids=lambda c: c[0])
def test_no_secret_is_printed(tmp_path: Path, command: tuple[str, ...]) -> None:
    config = unreachable(tmp_path)
    for level in ("info", "debug"):
        done = run("--log-level", level, command[0], "--config", config, *command[1:], **ENVIRONMENT)
        assert NEEDLE not in done.stdout
        assert NEEDLE not in done.stderr
        assert "by-file" in done.stdout, "the targets were tried"
        assert "Traceback" not in done.stderr


def test_no_secret_is_on_a_page_in_the_log_or_in_the_journal(tmp_path: Path) -> None:
    config = unreachable(tmp_path)
    child = Child(
        [sys.executable, "-m", "tocsin.cli", "--log-level", "debug", "serve", "--config", str(config)], tmp_path / "log", {**ENVIRONMENT}
    )
    try:
        url = until(lambda: (found := re.search(r"listens on (\S+),", child.text())) and found[1])
        pages = {
            path: get(f"{url}{path}")[1]
            for path in ("/metrics", "/", "/sd", "/probe?target=by-url", "/probe?target=none", "/api/v1/events")
        }
        up = {key: value for key, value in series(pages["/metrics"]).items() if key.startswith("pg_up{")}
        assert len(up) == 12
        assert set(up.values()) == {0}
        pages["/ again"] = get(f"{url}/")[1]
        child.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration loaded" in child.text())
        assert child.stop() == 0
        assert [path for path, text in pages.items() if NEEDLE in text] == []
        assert NEEDLE not in child.text()
        assert "Traceback" not in child.text()
        assert [p.name for p in (tmp_path / "state").iterdir() if NEEDLE.encode() in p.read_bytes()] == []
    finally:
        child.stop()
