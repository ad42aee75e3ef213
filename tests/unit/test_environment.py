"""A deployment of postgres_exporter keeps its environment variables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mariadb import MariaDB
from servers import Child, Postgres, get, until
from tocsin import environment, once
from tocsin.errors import ConfigError, SetupError
from tocsin.sources.postgres.config import PostgresOptions


def dsns(variables: dict[str, str]) -> list[tuple[str, str]]:
    found = environment.config(variables)
    assert found is not None
    return [(t.name, t.connection_string().reveal()) for t in found.targets if isinstance(t, PostgresOptions)]


def test_nothing_named_is_no_configuration() -> None:
    assert environment.config({"PATH": "/bin"}) is None


def test_name_holds_one_or_more_connection_strings() -> None:
    one, two = "postgresql://u@db1:5432/postgres?sslmode=disable", "postgres://u@db2:5433/postgres"
    assert dsns({"DATA_SOURCE_NAME": one}) == [("db1:5432", one)]
    assert dsns({"DATA_SOURCE_NAME": f"{one},{two}"}) == [("db1:5432", one), ("db2:5433", two)]


def test_uri_user_and_password_are_put_together_whatever_is_in_them() -> None:
    variables = {"DATA_SOURCE_URI": "db:5432/shop?sslmode=disable", "DATA_SOURCE_USER": "me@corp", "DATA_SOURCE_PASS": "p@ss/w:o%rd"}
    assert dsns(variables) == [("db:5432", "postgresql://me%40corp:p%40ss%2Fw%3Ao%25rd@db:5432/shop?sslmode=disable")]


def test_files_are_read_and_that_of_the_password_at_every_login(tmp_path: Path) -> None:
    for name, text in (("uri", "db:5432/shop\n"), ("user", "me\n"), ("password", "first\n")):
        (tmp_path / name).write_text(text)
    found = environment.config(
        {
            "DATA_SOURCE_URI_FILE": f"{tmp_path}/uri",
            "DATA_SOURCE_USER_FILE": f"{tmp_path}/user",
            "DATA_SOURCE_PASS_FILE": f"{tmp_path}/password",
        }
    )
    assert found is not None
    (target,) = found.targets
    assert isinstance(target, PostgresOptions)
    assert target.connection_string().reveal() == "postgresql://me@db:5432/shop"
    assert target.password() == "first"
    (tmp_path / "password").write_text("second\n")
    assert target.password() == "second"


def test_missing_file_is_named() -> None:
    with pytest.raises(SetupError, match="/nowhere/pass"):
        environment.config({"DATA_SOURCE_URI": "db", "DATA_SOURCE_PASS_FILE": "/nowhere/pass"})


def test_databases_of_one_server_have_names_of_their_own_and_the_same_twice_is_a_mistake() -> None:
    found = dsns({"DATA_SOURCE_NAME": "postgresql://u:p@db:5432/a?sslmode=disable,postgresql://u@db:5432/b,postgresql://u@other:5432/b"})
    assert [name for name, _ in found] == ["db:5432/a", "db:5432/b", "other:5432"]
    with pytest.raises(ConfigError, match="same host, port and database"):
        environment.config({"DATA_SOURCE_NAME": "postgresql://u@db:5432/a,postgresql://v@db:5432/a"})


@pytest.mark.parametrize("form", ["root:p@(127.0.0.1:{port})/", "root:p@tcp(127.0.0.1:{port})/", "mysql://root:p@127.0.0.1:{port}/"])
def test_data_source_name_of_mysqld_exporter_is_a_mysql_target(form: str) -> None:
    found = environment.config({"DATA_SOURCE_NAME": form.format(port=3307)})
    assert found is not None
    assert [(t.name, t.kind, t.stands_alone) for t in found.targets] == [("127.0.0.1:3307", "mysql", True)]


@pytest.mark.parametrize("dsn", ["host=/run/postgresql user=a password=b@/ dbname=c", "postgresql://u@/db", "user=u"])
def test_what_is_postgresqls_stays_so(dsn: str) -> None:
    found = environment.config({"DATA_SOURCE_NAME": dsn})
    assert found is not None
    assert [t.kind for t in found.targets] == ["postgres"]


def test_only_data_source_has_no_instance_and_several_have_one_each(postgres: Postgres, mariadb: MariaDB) -> None:
    for source, up in ((postgres.dsn(), "pg_up 1"), (mariadb.dsn(), "mysql_up 1")):
        found = environment.config({"DATA_SOURCE_NAME": source})
        assert found is not None
        page = once.page(found, 10).decode()
        assert up in page.splitlines()
        assert "instance=" not in page
    found = environment.config({"DATA_SOURCE_NAME": f"{postgres.dsn('postgres')},{postgres.dsn('template1')}"})
    assert found is not None
    page = once.page(found, 10).decode()
    assert len([line for line in page.splitlines() if line.startswith("pg_up{instance=")]) == 2
    assert 'tocsin_target_up{instance="' in page


@contextmanager
def serving(folder: Path, postgres: Postgres, *args: str, **variables: str) -> Iterator[tuple[str, Child]]:
    """Serve without a configuration, started in that folder."""
    argv = ["env", f"--chdir={folder}", sys.executable, "-m", "tocsin.cli", "serve", "--listen", "127.0.0.1:0", *args]
    logs = folder.parent / f"log-{time.monotonic_ns()}"
    child = Child(argv, logs, {"DATA_SOURCE_NAME": postgres.dsn(), "TMPDIR": str(folder.parent), **variables})
    try:
        until(lambda: " listens on " in child.text() or child.process.poll() is not None)
        (url,) = re.findall(r"listens on (\S+),", child.text()) or [child.text()]
        yield url, child
    finally:
        child.stop()


WARNING = "changes found are forgotten at restart: give --state-dir DIR"


def test_two_without_a_configuration_start_in_one_folder_and_leave_nothing_behind(postgres: Postgres, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    folder.mkdir()
    with serving(folder, postgres) as (one, child), serving(folder, postgres) as (two, _):
        assert "\npg_up 1\n" in get(f"{one}/metrics")[1]
        assert "\npg_up 1\n" in get(f"{two}/metrics")[1]
        assert len(list(tmp_path.glob("tocsin-*/journal.db"))) == 2
        assert child.text().count(WARNING) == 1
    assert list(folder.iterdir()) == []
    assert list(tmp_path.glob("tocsin-*")) == []


def test_journal_is_where_systemd_or_the_command_line_says(postgres: Postgres, tmp_path: Path) -> None:
    folder = tmp_path / "cwd"
    folder.mkdir()
    for args, variables in (((), {"STATE_DIRECTORY": f"{tmp_path}/systemd:{tmp_path}/x"}), (("--state-dir", f"{tmp_path}/given"), {})):
        with serving(folder, postgres, *args, **variables) as (url, child):
            assert get(f"{url}/-/ready")[0] == 200
            assert WARNING not in child.text()
    assert (tmp_path / "systemd" / "journal.db").exists()
    assert (tmp_path / "given" / "journal.db").exists()


def test_check_takes_the_environment_as_serve_does(postgres: Postgres) -> None:
    argv = [sys.executable, "-m", "tocsin.cli", "check"]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "DATA_SOURCE_NAME": postgres.dsn()}, timeout=60)
    assert (done.returncode, done.stdout[:6]) == (0, "ok    ")


def test_real_server_is_watched_by_environment_alone(postgres: Postgres) -> None:
    found = environment.config({"DATA_SOURCE_NAME": postgres.dsn()})
    assert found is not None
    assert [r.good for r in once.check(found, 10)] == [True]


def test_serve_without_anything_says_what_to_give() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", "serve"], capture_output=True, text=True, env={"PATH": "/usr/bin"}, timeout=30
    )
    assert done.returncode == 2
    assert "--config FILE" in done.stderr
    assert "DATA_SOURCE_NAME" in done.stderr
