"""`tocsin discover` as a person at a shell sees it: with a configuration and without one, on real databases."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from authority import Authority
from finds import container, file, parse, process
from mariadb import MariaDB
from servers import Postgres, until
from tocsin import config, discover, once
from tocsin.discover import Answer, Report, Row

NEEDLE = "s3cr3t-needle"


def run(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tocsin.cli", "discover", *map(str, args)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env={**os.environ, "DOCKER_HOST": "", **environment})
    assert "Traceback" not in done.stderr, done.stderr
    return done


def found(*args: str | Path, **environment: str) -> dict[str, dict[str, Any]]:
    """Return what the command says as JSON, by the first address."""
    done = run("--json", *args, **environment)
    assert done.returncode == 0, done.stderr
    return {address: row for row in json.loads(done.stdout)["databases"] for address in row["addresses"]}


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    folder = tmp_path / "srv"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "app.db")) as db:
        db.execute("CREATE TABLE t (id)")
    return folder


def test_without_a_configuration_processes_and_roots_are_looked_through(srv: Path, postgres: Postgres) -> None:
    rows = found("--root", srv)
    app = rows[f"{srv}/app.db"]
    assert (app["engine"], app["reachable"], app["monitored_by"]) == ("sqlite", True, "")
    server = rows[f"127.0.0.1:{postgres.port}"]
    assert (server["engine"], server["origin"], server["reachable"], server["version"]) == ("postgres", "process", True, "PostgreSQL")
    assert "defaults.postgres" in server["missing"]


def test_the_version_of_mariadb_is_told_before_any_login(mariadb: MariaDB) -> None:
    server = found()[f"127.0.0.1:{mariadb.port}"]
    assert server["reachable"]
    assert re.fullmatch(r"MariaDB 1\d\.\d+.*", server["version"])


def test_the_end_of_a_certificate_is_told(postgres: Postgres, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.issue("server", days=30)
    certificate, key = authority.give("server", postgres.folder)
    change = "ALTER SYSTEM SET ssl = on", f"ALTER SYSTEM SET ssl_cert_file = '{certificate}'", f"ALTER SYSTEM SET ssl_key_file = '{key}'"
    postgres.execute(*change, "SELECT pg_reload_conf()")
    try:
        server = until(lambda: (row := found()[f"127.0.0.1:{postgres.port}"])["tls"] and row, 60)
    finally:
        postgres.execute("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")
    assert server["certificate_subject"] == "CN=server"
    assert 29 * 86400 < server["certificate_until"] - time.time() < 31 * 86400
    assert server["tls"].startswith("TLS")


def test_what_is_configured_is_monitored_by_its_target_whatever_is_looked_for(tmp_path: Path, srv: Path, postgres: Postgres) -> None:
    path = tmp_path / "tocsin.yaml"
    path.write_text(
        f'targets: [{{name: orders, kind: postgres, dsn: "postgresql://postgres:{NEEDLE}@localhost:{postgres.port}/"}}, '
        f"{{name: app, kind: sqlite, path: srv/app.db}}]"
    )
    rows = found("--config", path, "--root", srv)
    assert rows[f"127.0.0.1:{postgres.port}"]["monitored_by"] == "orders"
    assert rows[f"{srv}/app.db"]["monitored_by"] == "app"
    assert NEEDLE not in json.dumps(rows)
    assert not list(tmp_path.glob("tocsin-state*")), "a look leaves nothing behind"


def test_what_the_exporter_would_find_is_monitored_by_it(tmp_path: Path, srv: Path) -> None:
    path = tmp_path / "tocsin.yaml"
    path.write_text("discovery: {files: [srv]}\n")
    assert found("--config", path)[f"{srv}/app.db"]["monitored_by"] == "app.db"
    path.write_text("")
    row = found("--config", path, "--root", srv)[f"{srv}/app.db"]
    assert (row["monitored_by"], row["missing"]) == ("", "a target of its own, or its folder among discovery.files")


def test_a_search_that_fails_is_told_and_the_others_go_on(srv: Path) -> None:
    done = run("--root", srv, DOCKER_HOST="unix:///none.sock")
    assert done.returncode == 0
    assert "not looked through: containers: there is no unix:///none.sock" in done.stderr
    assert "app.db" in done.stdout


def test_an_engine_of_the_configuration_that_does_not_answer_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("targets: [{name: shop, kind: docker, url: 'unix:///none.sock'}]")
    assert "not looked through: containers of shop: there is no unix:///none.sock" in run("--config", tmp_path / "t.yaml").stderr


def test_check_says_that_it_does_not_try_what_is_found(tmp_path: Path) -> None:
    for text in ("discovery: {processes: true}", "discovery: {files: [/srv]}", "targets: [{name: d, kind: docker}]"):
        assert once.notes(parse(text)) == ["note  what discovery finds is not tried here: tocsin discover shows it"]
    assert once.notes(parse("discovery: {every: 1m}")) == []


def test_mistakes_in_the_configuration_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("discovery: {most: many}")
    done = run("--config", tmp_path / "t.yaml")
    assert done.returncode == 2
    assert "t.yaml:1: discovery.most: expected a whole number" in done.stderr


def test_check_warns_of_a_login_for_everybody() -> None:
    text = "defaults: {postgres: {userpass: {username: u}}, mysql: {userpass: {username: u}, targets: [shop]}}"
    assert once.notes(parse(text)) == [
        "warn  defaults.postgres: its login is for every postgres server that is found; name those that are meant under targets"
    ]


# The words


NOW = 1_700_000_000.0
ROWS = (
    Row(
        found=container(), name="orders", monitored_by="", missing="a login",
        answer=Answer(reachable=True, address="172.17.0.2:5432", version="PostgreSQL", tls="TLSv1.3", certificate_until=NOW + 40.5 * 86400),
    ),
    Row(found=file("/srv/app.db"), name="app.db", monitored_by="app.db", missing="", answer=Answer(reachable=True, address="/srv/app.db")),
    Row(
        found=process("mariadbd", "127.0.0.1:3306", engine="mysql"), name="mariadbd", monitored_by="", missing="a login",
        answer=Answer(reachable=False, problem="nobody\nlistens"),
    ),
)  # fmt: skip


def test_the_table_reads_like_this() -> None:
    text = discover.as_text(Report(ROWS, [], ["defaults: {}"]), NOW)
    assert (
        text
        == """\
DATABASE  ENGINE    WHERE            ANSWERS  VERSION     CERTIFICATE ENDS      MONITORED BY
orders    postgres  172.17.0.2:5432  yes      PostgreSQL  2023-12-25 (40 days)  nobody
    found in container orders, image postgres:16
    the image is called postgres
    missing: a login
app.db    sqlite    /srv/app.db      yes      -           -                     app.db
mariadbd  mysql     127.0.0.1:3306   no       -           -                     nobody
    no answer: nobody listens
    missing: a login

To monitor what nobody monitors yet, add to the configuration file:

  defaults: {}"""
    )


def test_no_database_is_told_in_words() -> None:
    assert discover.as_text(Report([], [], []), NOW).startswith("No database was found. ")


@pytest.mark.parametrize(("days", "words"), [(40.5, "2023-12-25 (40 days)"), (0.5, "2023-11-15 (0 days)"), (-0.5, "2023-11-14 (expired)")])
def test_the_end_of_a_certificate_is_told_in_days(days: float, words: str) -> None:
    assert discover._ends(Answer(reachable=True, version="MySQL", certificate_until=NOW + days * 86400), NOW) == words


def test_the_lines_to_add_make_everything_monitored(tmp_path: Path) -> None:
    lacking = [
        *ROWS,
        Row(found=container("it's", "172.17.0.3:5432"), name="it's", monitored_by="", missing="x", answer=Answer(reachable=True)),
        Row(
            found=process("postgres", "/run/pg/.s.PGSQL.5433"), name="postgres", monitored_by="", missing="x", answer=Answer(reachable=True)
        ),
        Row(found=file('/srv/"odd" name.db'), name='"odd" name.db', monitored_by="", missing="x", answer=Answer(reachable=True)),
    ]
    text = "\n".join(discover._lines(lacking, parse("")))
    added = config.parse(text, "added.yaml", tmp_path, {})
    assert [(t.name, t.kind, t.places()) for t in added.targets[1:] if t.kind != "mysql"] == [
        ("postgres", "postgres", ("/run/pg/.s.PGSQL.5433",)),
        ('"odd" name.db', "sqlite", ('/srv/"odd" name.db',)),
    ]
    assert [t.kind for t in added.targets] == ["docker", "mysql", "postgres", "sqlite"]
    assert added.defaults["postgres"].targets == ("it's", "orders")
    assert "# `tocsin grants postgres` prints the SQL that makes the role tocsin" in text


def test_what_is_there_already_is_not_added_again() -> None:
    known = parse(
        "targets: [{name: engine, kind: docker}]\n"
        "defaults: {postgres: {userpass: {username: u}, targets: [shop]}}"
    )  # fmt: skip
    assert list(discover._lines([ROWS[0]], known)) == [
        '# to defaults.postgres.targets, which leave them out: ["orders"]',
        "# `tocsin grants postgres` prints the SQL that makes the role tocsin",
        "# a password_file holds the role's password and nothing else; `tocsin check` then tries every target",
    ]
    assert list(discover._lines([ROWS[1]], known)) == []


def test_why_a_server_refuses_is_told() -> None:
    refuses = Answer(reachable=True, address="127.0.0.1:3306", problem="Host 'monitor' is blocked (1129)")
    row = Row(found=process("mariadbd", "127.0.0.1:3306", engine="mysql"), name="mariadbd", answer=refuses, monitored_by="m", missing="")
    assert "    refuses: Host 'monitor' is blocked (1129)" in discover.as_text(Report([row], [], []), NOW).splitlines()


def test_a_server_that_refuses_says_why_when_it_is_asked() -> None:
    message = b"\xff" + (1129).to_bytes(2, "little") + b"Host 'monitor' is blocked"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(len(message).to_bytes(3, "little") + b"\0" + message)

        threading.Thread(target=serve, daemon=True).start()
        said = discover.answer(process("mariadbd", f"127.0.0.1:{server.getsockname()[1]}", engine="mysql"))
    assert (said.reachable, said.problem) == (True, "Host 'monitor' is blocked (1129)")


@pytest.mark.parametrize(
    "folder", ["/run/a&b=c", "/run/50%20x", "/run/a#b", "/run/a+b", "/tmp/my dir", "/tmp/it's", "/tmp/back\\slash", "/run/bücher"]
)
@pytest.mark.parametrize(("engine", "name"), [("mysql", "mysqld.sock"), ("postgres", ".s.PGSQL.5432")])
def test_the_line_to_add_leads_to_the_socket_whatever_it_is_called(tmp_path: Path, engine: str, name: str, folder: str) -> None:
    row = Row(
        found=process("server", f"{folder}/{name}", engine=engine), name="s", monitored_by="", missing="x", answer=Answer(reachable=True)
    )
    (tmp_path / "password").write_text("x")
    line = discover._target(row).replace(f"/etc/tocsin/{engine}-password", f"{tmp_path}/password")
    (target,) = config.parse(f"targets:\n  - {line}\n", "added.yaml", tmp_path, {}).targets
    assert target.places() == (f"{folder}/{name}",)
