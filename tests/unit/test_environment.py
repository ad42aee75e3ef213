"""A deployment of postgres_exporter keeps its environment variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from servers import Postgres
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


def test_same_server_twice_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="same host and port"):
        environment.config({"DATA_SOURCE_NAME": "postgresql://u@db:5432/a,postgresql://u@db:5432/b"})


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
