"""Rights on a whole MariaDB or MySQL server: told once, whatever databases there are, and only where all of them can be seen."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mariadb import FULL, MysqlServer, mysql_options
from tocsin.event import Event
from tocsin.options import DatabaseFilter
from watching import Watch, eventually, said


@pytest.fixture
def server(each_mysql: MysqlServer) -> MysqlServer:
    return each_mysql


@pytest.fixture
def name(server: MysqlServer) -> Iterator[str]:
    """A prefix of two databases and two accounts: one that watches, and one that it watches."""
    prefix = f"own_{uuid.uuid4().hex[:8]}"
    server.execute(*(f"CREATE DATABASE {prefix}{number}" for number in "12"))
    server.execute(f"CREATE USER {prefix}@'%' IDENTIFIED BY 'x'", f"CREATE USER {prefix}_eve@'%' IDENTIFIED BY 'hush-1234'")
    yield prefix
    server.execute(*(f"DROP DATABASE {prefix}{number}" for number in "12"))
    server.execute(f"DROP USER IF EXISTS {prefix}@'%', {prefix}_eve@'%', {prefix}_mallory@'%'")


@pytest.fixture
def watch(server: MysqlServer, name: str, tmp_path: Path) -> Iterator[Watch]:
    server.execute(f"GRANT {FULL} ON *.* TO {name}@'%'")
    options = mysql_options(server.dsn(name), databases=DatabaseFilter(include=(f"^{name}",), exclude=()))
    with Watch(options, tmp_path / "state") as found:
        assert found.check() == []
        yield found


def told(watch: Watch, name: str) -> list[str]:
    return [line.replace(name, "own") for line in said(watch.check())]


def test_rights_on_the_whole_server_are_told_once(watch: Watch, server: MysqlServer, name: str) -> None:
    eve = f"{name}_eve@'%'"
    server.execute(f"GRANT FILE, SUPER ON *.* TO {eve}")
    (event,) = watch.check()
    assert said([event]) == [f"grant server.{name}_eve@% added cautious security"]
    assert (event.database, event.source, event.old, event.new) == (None, "mysql", None, f"{name}_eve@%=FILE, SUPER")
    server.execute(f"GRANT RELOAD ON *.* TO {eve}")
    assert told(watch, name) == ["grant server.own_eve@% altered cautious security"]
    server.execute(f"REVOKE SUPER ON *.* FROM {eve}")
    assert told(watch, name) == ["grant server.own_eve@% altered breaking"]
    server.execute(f"GRANT ALL ON *.* TO {eve} WITH GRANT OPTION")
    assert told(watch, name) == ["grant server.own_eve@% altered cautious security"]
    server.execute(f"RENAME USER {eve} TO {name}_mallory@'%'")
    assert told(watch, name) == ["grant server.own_eve@% dropped breaking", "grant server.own_mallory@% added cautious security"]
    server.execute(f"DROP USER {name}_mallory@'%'")
    assert told(watch, name) == ["grant server.own_mallory@% dropped breaking"]
    assert told(watch, name) == []
    assert watch.record("schema").error is None


def test_what_is_no_right_on_the_whole_server_is_not_told(watch: Watch, server: MysqlServer, name: str) -> None:
    eve = f"{name}_eve@'%'"
    server.execute(f"ALTER USER {eve} IDENTIFIED BY 'another'", f"CREATE USER {name}_mallory@'%' IDENTIFIED BY 'x'")
    server.execute("FLUSH PRIVILEGES", f"DROP USER {name}_mallory@'%'", f"GRANT USAGE ON *.* TO {eve}")
    assert watch.check() == []
    server.execute(f"GRANT SELECT ON {name}1.* TO {eve}")
    found: list[str] = []
    assert eventually(lambda: found.extend(told(watch, name)) or found)  # it rests a little, having been read in vain
    assert found == ["grant database added safe security"]


def test_own_account_makes_no_noise(watch: Watch, server: MysqlServer, name: str) -> None:
    """Without SELECT it sees itself alone: nobody else has lost anything, and what came meanwhile is told when it sees them again."""
    server.execute(f"GRANT RELOAD ON *.* TO {name}@'%'")
    assert watch.check() == []
    server.execute(f"REVOKE SELECT ON *.* FROM {name}@'%'")
    assert rights(watch.check()) == []
    server.execute(f"GRANT FILE ON *.* TO {name}_eve@'%'")
    assert rights(watch.check()) == []
    server.execute(f"GRANT SELECT ON *.* TO {name}@'%'")
    assert rights(watch.check()) == [f"grant server.{name}_eve@% added cautious security"]
    assert watch.check() == []


def test_rights_that_were_hidden_from_the_beginning_are_not_news(server: MysqlServer, name: str, tmp_path: Path) -> None:
    server.execute(f"GRANT FILE ON *.* TO {name}_eve@'%'", f"GRANT SELECT ON {name}1.* TO {name}@'%'")
    options = mysql_options(server.dsn(name), databases=DatabaseFilter(include=(f"^{name}",), exclude=()))
    with Watch(options, tmp_path / "state") as watch:
        assert watch.check() == []
        server.execute(f"GRANT {FULL} ON *.* TO {name}@'%'")
        assert rights(watch.check()) == []
        server.execute(f"REVOKE FILE ON *.* FROM {name}_eve@'%'")
        assert rights(watch.check()) == [f"grant server.{name}_eve@% dropped breaking"]


def test_quiet_server_is_not_asked_for_all_accounts_again(watch: Watch, server: MysqlServer, name: str) -> None:
    watch.check()
    asked = "SHOW GLOBAL STATUS LIKE 'Com_show_grants'"
    before = int(server.execute(asked)[0][1])
    for _ in range(3):
        assert watch.check() == []
    assert int(server.execute(asked)[0][1]) == before + 3  # with each look at the accounts there would be one more


def rights(events: list[Event]) -> list[str]:
    return [line for line in said(events) if line.startswith("grant server.")]
