"""/probe of servers that no configuration lists, logged in by auth modules: real servers, as the reference exporters are asked."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from mariadb import MariaDB
from servers import Postgres, free_port, get, until
from tocsin import config, visits
from tocsin.errors import ConfigError
from tocsin.service import Service

PASSWORD = "pa$$w0rd '\\ @/:%"
"""Any character, and a pair of dollar signs, which mean nothing in a configuration."""

FOO1 = """
auth_modules:
  foo1: # Set this to any name you want
    type: userpass
    userpass:
      username: first
      password: %s
    options:
      # options become key=value parameters of the DSN
      sslmode: disable
"""
"""The block of postgres_exporter's own manual."""


@pytest.fixture(scope="module")
def guarded(postgres: Postgres) -> Iterator[Postgres]:
    """The server, with a role `first` that must give its password."""
    hba = postgres.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("host all first 127.0.0.1/32 scram-sha-256\nhost all clear 127.0.0.1/32 password\n" + before)
    set_password(postgres, PASSWORD, "CREATE ROLE {} LOGIN IN ROLE pg_monitor PASSWORD {}")
    set_password(postgres, PASSWORD, "CREATE ROLE {} LOGIN IN ROLE pg_monitor PASSWORD {}", "clear")
    yield postgres
    hba.write_text(before)
    postgres.execute("SELECT pg_reload_conf()", "DROP ROLE first", "DROP ROLE clear")


def set_password(postgres: Postgres, password: str, statement: str = "ALTER ROLE {} PASSWORD {}", role: str = "first") -> None:
    from psycopg import sql

    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
        admin.execute("SELECT pg_reload_conf()")


@contextmanager
def serving(folder: Path, text: str) -> Iterator[Service]:
    path = folder / "tocsin.yaml"
    path.write_text(f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {folder}/state\n{text}")
    with Service(config.load(path, {}), path) as found:
        yield found


def series(text: str) -> dict[str, float]:
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")}


def probe(service: Service, target: str, module: str = "", more: str = "", seconds: float = 10) -> tuple[int, str]:
    url = f"{service.url}/probe?target={quote(target, safe='')}{f'&auth_module={module}' if module else ''}{more}"
    return get(url, {"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}, timeout=60)


def page(service: Service, target: str, module: str = "", more: str = "") -> dict[str, float]:
    status, text = probe(service, target, module, more)
    assert status == 200, text
    return series(text)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sessions(postgres: Postgres, role: str = "first") -> int:
    ((count,),) = postgres.execute(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'")
    return int(count)


# PostgreSQL


FORMS = (
    "127.0.0.1:{port}/postgres?sslmode=disable",
    "postgresql://127.0.0.1:{port}/postgres",
    "host=127.0.0.1 port={port} dbname=postgres",
)


@pytest.mark.parametrize("form", FORMS)
def test_postgres_exporters_own_block_and_forms_of_targets_work_unchanged(guarded: Postgres, tmp_path: Path, form: str) -> None:
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        found = page(service, form.format(port=guarded.port), "foo1")
        assert found["pg_up"] == 1
        assert any(key.startswith("pg_stat_activity_count{") for key in found)
        assert not [k for k in found if "instance=" in k]
        assert service.journal.count == 0
    until(lambda: sessions(guarded) == 0)


def test_named_database_alone_is_watched_and_without_a_name_all_are(guarded: Postgres, database: str, tmp_path: Path) -> None:
    guarded.execute("CREATE TABLE here (id int)", database=database)
    guarded.execute("CREATE DATABASE first")
    try:
        with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
            of_table = f'pg_stat_user_tables_n_live_tup{{datname="{database}",schemaname="public",relname="here"}}'
            assert of_table in page(service, f"127.0.0.1:{guarded.port}/{database}", "foo1")
            assert of_table not in page(service, f"127.0.0.1:{guarded.port}/postgres", "foo1")
            assert of_table in page(service, f"127.0.0.1:{guarded.port}", "foo1")
    finally:
        guarded.execute("DROP DATABASE first WITH (FORCE)")


def test_scheduled_collectors_do_not_run_and_the_next_probe_finds_the_session_open(guarded: Postgres, tmp_path: Path) -> None:
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        target = f"127.0.0.1:{guarded.port}/postgres"
        assert not [k for k in page(service, target, "foo1") if "schema" in k and k.startswith("tocsin_collector_success")]
        pids = guarded.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'first'")
        assert page(service, target, "foo1")["pg_up"] == 1
        assert guarded.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'first'") == pids
        assert len(pids) == 1


def test_module_has_the_options_of_a_target(guarded: Postgres, tmp_path: Path) -> None:
    own = "queries: [{name: own, sql: SELECT 7 AS n, metrics: {n: {name: shop_n, help: N.}}}]"
    extra = f"    compat: '0.19'\n    collectors: {{locks: false}}\n    {own}\n    targets: [127.0.0.1]\n"
    with serving(tmp_path, FOO1 % quoted(PASSWORD) + extra) as service:
        found = page(service, f"127.0.0.1:{guarded.port}/postgres", "foo1")
        assert found["shop_n"] == 7
        assert page(service, f"127.0.0.1:{guarded.port}/postgres", "foo1", "&collect[]=own")["shop_n"] == 7
        assert not [k for k in found if k.startswith("pg_locks_count")]
        assert [k for k in found if k.startswith("pg_settings_max_connections{server=")]


def test_wrong_password_and_unreachable_host_are_down_and_not_an_error(
    guarded: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(tmp_path, FOO1 % "s3cr3t-needle") as service:
        for target, reason in ((f"127.0.0.1:{guarded.port}/postgres", "auth"), (f"127.0.0.1:{free_port()}/postgres", "connect")):
            status, text = probe(service, target, "foo1")
            assert status == 200
            assert series(text)["pg_up"] == 0
            assert f'reason="{reason}"' in text
            assert "s3cr3t-needle" not in text
    assert "s3cr3t-needle" not in caplog.text


def test_password_file_is_read_again_after_a_refusal(guarded: Postgres, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("old\n")
    text = "auth_modules: {foo1: {type: userpass, userpass: {username: first, password_file: password}}}"
    with serving(tmp_path, text) as service:
        target = f"127.0.0.1:{guarded.port}/postgres"
        assert page(service, target, "foo1")["pg_up"] == 0
        (tmp_path / "password").write_text(PASSWORD + "\n")
        assert page(service, target, "foo1")["pg_up"] == 1
        set_password(guarded, "rotated")
        guarded.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'first'")
        try:
            assert page(service, target, "foo1")["pg_up"] == 0
            (tmp_path / "password").write_text("rotated\n")
            assert page(service, target, "foo1")["pg_up"] == 1
        finally:
            set_password(guarded, PASSWORD)


def test_password_is_given_in_clear_only_to_hosts_that_the_module_lists(guarded: Postgres, tmp_path: Path) -> None:
    target = f"127.0.0.1:{guarded.port}/postgres"
    block = (FOO1 % quoted(PASSWORD)).replace("username: first", "username: clear")
    with serving(tmp_path, block) as service:
        status, text = probe(service, target, "foo1")
        assert (status, series(text)["pg_up"]) == (200, 0)
        assert 'reason="auth"' in text
    with serving(tmp_path, block + '    targets: ["127.0.0.?"]\n') as service:
        assert page(service, target, "foo1")["pg_up"] == 1


def refused(service: Service, target: str, module: str, status: int, *words: str) -> None:
    got, text = probe(service, target, module)
    assert got == status, text
    assert all(word in text for word in words), text
    assert "needle" not in text


def test_what_cannot_be_served_is_told_with_the_remedy_and_without_the_login(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(tmp_path, FOO1 % "x" + '    targets: ["*.db.example", "10.0.0.1:5432"]\n') as service:
        refused(service, "db:5432", "none", 400, "no such auth module; there are: foo1")
        refused(service, "db:5432", "", 404, "any other needs &auth_module=NAME")
        refused(service, "db:5432", "foo1", 403, "db:5432 is not among the targets", "auth_modules.foo1.targets")
        refused(service, "10.0.0.1:5433", "foo1", 403, "10.0.0.1:5433")
        refused(service, "me:needle@a.db.example", "foo1", 400, "the login in an auth module")
        refused(service, "a.db.example?password=needle", "foo1", 400, "the login in an auth module")
        refused(service, "host=a.db.example password=needle", "foo1", 400, "the login in an auth module")
        refused(service, "a.db.example?hostaddr=10.6.6.6", "foo1", 400, "options of the auth module")
        refused(service, "host=a.db.example passfile=/etc/passwd", "foo1", 400, "options of the auth module")
        refused(service, "host='a.db.example,evil'", "foo1", 400, "not host:port")
        refused(service, "a.db.example:65536", "foo1", 400, "not host:port")
        refused(service, "a b", "foo1", 400, "not host:port")
        assert probe(service, "x.db.example", "foo1", "&collect[]=nonsense")[0] == 400
        assert len(service.visits) == 0
    assert "needle" not in caplog.text


HOSTILE = {
    "127.0.0.1:1/x%0AERROR forged": "control characters",
    "127.0.0.1:1/x\nERROR forged": "control characters",
    "host='/tmp/x\nERROR forged'": "control characters",
    "a\nb:1": "not host:port",
    "h" * 60_000: "no host name",
    "h" * 64 + ".example": "no host name",
    "a..b": "no host name",
    "127.0.0.1:1/" + "d" * 60_000: "more than 255 letters",
}


@pytest.mark.parametrize("target", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_address_is_refused_and_reaches_no_log(target: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text = "auth_modules: {m: {userpass: {username: u, password: p}}, my: {kind: mysql, userpass: {username: u, password: p}}}"
    with serving(tmp_path, text) as service:
        # The server's own limit on a request line is met by some: that is an answer too.
        status, said = probe(service, target, "m")
        assert status == 414 or (status == 400 and HOSTILE[target] in said)
        assert probe(service, f"unix:///x\n{target}", "my")[0] in (400, 414)
        assert len(service.visits) == 0
    assert not [r for r in caplog.records if "forged" in r.getMessage() or len(r.getMessage()) > 1000]
    assert "Traceback" not in caplog.text


def test_host_is_counted_as_one_server_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "_MOST_OF_ONE_SERVER", 2)
    with serving(tmp_path, FOO1 % "x") as service:
        port = free_port()
        for host in ("localhost", "LOCALHOST", "LocalHost", "localHOST"):
            assert probe(service, f"{host}:{port}/x", "foo1")[0] == 200
        assert len(service.visits) == 2


def test_database_that_is_not_there_is_told_without_a_dsn_to_mend(
    guarded: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        assert 'reason="config"' in probe(service, f"127.0.0.1:{guarded.port}/none", "foo1")[1]
    assert "name one that exists, in the dsn or in the target of the request" in caplog.text


def test_modules_follow_the_file_when_it_is_loaded_again(guarded: Postgres, tmp_path: Path) -> None:
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        target, path = f"127.0.0.1:{guarded.port}/postgres", tmp_path / "tocsin.yaml"
        assert page(service, target, "foo1")["pg_up"] == 1
        good = path.read_text()
        path.write_text(good.replace("foo1:", "foo2:"))
        service.reload()
        until(lambda: sessions(guarded) == 0)
        assert probe(service, target, "foo1")[0] == 400
        assert page(service, target, "foo2")["pg_up"] == 1
        path.write_text(good.replace("foo1:", "foo2:").replace(PASSWORD.replace("'", "''"), "wrong"))
        service.reload()
        assert page(service, target, "foo2")["pg_up"] == 0


def at_once(*asks: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run(ask: Callable[[], None]) -> None:
        try:
            ask()
        except (AssertionError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures


def test_many_probes_at_once_share_sessions_and_each_has_its_page(guarded: Postgres, tmp_path: Path) -> None:
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        one, nobody = f"127.0.0.1:{guarded.port}/postgres", f"127.0.0.1:{free_port()}"

        def up() -> None:
            assert page(service, one, "foo1")["pg_up"] == 1

        def down() -> None:
            assert page(service, nobody, "foo1")["pg_up"] == 0

        at_once(*[up, down] * 10)
        assert len(service.visits) == 2
        assert sessions(guarded) <= 1


def test_distinct_targets_are_bounded_for_each_server_and_in_all(
    guarded: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "_MOST_VISITS", 8)
    with serving(tmp_path, FOO1 % quoted(PASSWORD)) as service:
        seen: list[int] = []

        def ask(targets: list[str]) -> None:
            for target in targets:
                assert probe(service, target, "foo1", seconds=60)[0] == 200
                seen.append(len(service.visits))

        ours = [f"127.0.0.1:{guarded.port}/none{i}" for i in range(200)]
        others = [f"127.1.{i // 200}.{i % 200}:1/x" for i in range(300)]
        most: list[int] = []
        stop = threading.Event()

        def count() -> None:
            while not stop.wait(0.05):
                most.append(sessions(guarded))

        counter = threading.Thread(target=count)
        counter.start()
        at_once(*[lambda part=part: ask(part) for part in (ours[::4], ours[1::4], ours[2::4], ours[3::4], others[::2], others[1::2])])  # type: ignore[misc]
        stop.set()
        counter.join(10)
        assert len(seen) == 500
        assert max(seen) <= 8
        assert max(most) <= 8
        monkeypatch.setattr(visits, "_IDLE_SECONDS", -1.0)
        service.visits.tidy()
        assert len(service.visits) == 0


def test_probe_for_which_there_is_no_room_is_told_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "_MOST_OF_ONE_SERVER", 1)
    with serving(tmp_path, FOO1 % "x") as service, socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"

        def wait() -> None:
            assert series(probe(service, f"{address}/a", "foo1", seconds=6)[1])["pg_up"] == 0

        def come_back() -> None:
            until(lambda: len(service.visits) == 1)
            status, text = probe(service, f"{address}/b", "foo1", seconds=1)
            assert (status, "too many probes at once" in text) == (503, True)

        at_once(wait, come_back)
        assert series(probe(service, f"{address}/b", "foo1", seconds=1)[1])["pg_up"] == 0


# MySQL and MariaDB


def option_file(folder: Path, mariadb: MariaDB, password: str = "x") -> Path:
    path = folder / ".my.cnf"
    path.write_text(
        f"[mysqld]\nuser=mysql\n[client]\nuser = exporter\npassword = {password}\nhost=nowhere\n"
        f"[client.servers]\nport = 1\n[client.wrong]\npassword = nonsense\n"
    )
    return path


def test_groups_of_my_cnf_are_auth_modules_and_client_is_the_default(mariadb: MariaDB, tmp_path: Path) -> None:
    option_file(tmp_path, mariadb)
    with serving(tmp_path, "my_cnf: .my.cnf") as service:
        target = f"127.0.0.1:{mariadb.port}"
        for module in ("", "client", "client.servers"):
            assert page(service, target, module)["mysql_up"] == 1
        assert page(service, f"unix://{mariadb.socket}", "client")["mysql_up"] == 1
        status, text = probe(service, target, "client.wrong")
        assert (status, series(text)["mysql_up"]) == (200, 0)
        assert "nonsense" not in text
        assert page(service, f"127.0.0.1:{free_port()}")["mysql_up"] == 0
        refused(service, target, "mysqld", 400, "there are: client, client.servers, client.wrong")
        refused(service, "exporter:needle@127.0.0.1", "client", 400, "the login in an auth module")
    until(lambda: mariadb.ours() == [])


def test_password_of_an_option_file_is_read_again(mariadb: MariaDB, tmp_path: Path) -> None:
    option_file(tmp_path, mariadb, "old")
    with serving(tmp_path, "my_cnf: .my.cnf") as service:
        target = f"127.0.0.1:{mariadb.port}"
        assert page(service, target)["mysql_up"] == 0
        option_file(tmp_path, mariadb)
        assert page(service, target)["mysql_up"] == 1


def test_module_of_kind_mysql_logs_in_with_any_password(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.exporter_account(PASSWORD, user="odd")
    module = f"auth_modules: {{shop: {{kind: mysql, userpass: {{username: odd, password: {quoted(PASSWORD)}}}, ssl_mode: disabled}}}}"
    with serving(tmp_path, module) as service:
        assert page(service, f"127.0.0.1:{mariadb.port}", "shop")["mysql_up"] == 1


def success(found: dict[str, float]) -> set[str]:
    return {m[1] for k in found if (m := re.match(r'mysql_exporter_collector_success\{.*collector="collect\.([^"]+)"', k))}


def test_collect_chooses_collectors_as_mysqld_exporter_does(mariadb: MariaDB, tmp_path: Path) -> None:
    option_file(tmp_path, mariadb)
    target = f"targets: [{{name: my, kind: mysql, dsn: '{mariadb.dsn()}'}}]\n"
    with serving(tmp_path, target + "my_cnf: .my.cnf") as service:
        address = f"127.0.0.1:{mariadb.port}"
        for name, module in ((address, "client"), ("my", "")):
            found = page(service, name, module, "&collect[]=global_status&collect[]=slave_status")
            assert success(found) == {"global_status", "slave_status"}
            assert found["mysql_up"] == 1
            assert "mysql_global_status_uptime" in found
            assert "mysql_global_variables_max_connections" not in found
            assert "mysql_global_variables_max_connections" in page(service, name, module)
            # and what another scrape has brought is not on it either
            assert "mysql_global_variables_max_connections" not in page(service, name, module, "&collect[]=global_status")
        text = get(f"{service.url}/metrics?collect[]=global_status")[1]
        assert success(series(text)) == {"global_status"}
        assert 'mysql_up{instance="my"} 1' in text


def test_different_choices_at_once_each_have_their_page(mariadb: MariaDB, tmp_path: Path) -> None:
    option_file(tmp_path, mariadb)
    with serving(tmp_path, "my_cnf: .my.cnf") as service:

        def ask(name: str) -> None:
            assert success(page(service, f"127.0.0.1:{mariadb.port}", "", f"&collect[]={name}")) == {name}

        at_once(*[lambda name=name: ask(name) for name in ("global_status", "global_variables", "slave_status") * 5])  # type: ignore[misc]


# Configuration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("auth_modules: {m: {kind: sqlite}}", "t.yaml:1: auth_modules.m.kind: expected one of postgres, mysql"),
        ("auth_modules: {m: {type: token}}", "t.yaml:1: auth_modules.m.type: expected userpass, got 'token'"),
        ("auth_modules: {m: {dsn: x}}", "t.yaml:1: auth_modules.m.dsn: is not for an auth module"),
        ("auth_modules: {m: {colour: red}}", "t.yaml:1: auth_modules.m.colour: unknown option 'colour'"),
        ("auth_modules: {m: {userpass: {user: x}}}", "t.yaml:1: auth_modules.m.userpass.user: unknown option 'user'"),
        ("auth_modules: {m: {kind: mysql, options: {sslmode: x}}}", "t.yaml:1: auth_modules.m.options: is for PostgreSQL"),
        ("my_cnf: none.cnf", "t.yaml:1: my_cnf: cannot read the secret file /nowhere/none.cnf"),
    ],
)
def test_mistake_in_a_module_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        config.parse(text, "t.yaml", Path("/nowhere"), {})
    assert any(m.startswith(message) for m in told.value.mistakes), told.value.mistakes
