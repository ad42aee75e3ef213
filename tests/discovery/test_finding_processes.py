"""Database servers among this machine's processes: real ones, seen by root and by a user who may see nothing of theirs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from mariadb import MariaDB
from servers import Postgres, free_port, until
from tocsin.discovery import processes
from tocsin.discovery.found import Found
from tocsin.discovery.listening import Listener, Listening, is_mysql_socket, parse_tcp, parse_unix
from tocsin.discovery.processes import Server, guessed, seen, unowned
from tocsin.errors import DeadlineError
from tools import lacking, need


def by_address(address: str) -> Found | None:
    return next((found for found in processes.find(60) if address in found.addresses), None)


def test_postgresql_is_found_once_with_its_port_and_its_socket(postgres: Postgres) -> None:
    everything = [found for found in processes.find(60) if f"127.0.0.1:{postgres.port}" in found.addresses]
    assert len(everything) == 1
    servers, sees_all = processes._servers(time.monotonic() + 60)
    assert sees_all
    assert postgres.pid in {server.pid for server in servers}
    children = {child.pid for child in psutil.Process(postgres.pid).children()}
    assert children
    assert not children & {server.pid for server in servers}, "its own processes are called as it is"
    (found,) = everything
    assert found.addresses == (f"127.0.0.1:{postgres.port}", f"{postgres.folder}/.s.PGSQL.{postgres.port}")
    assert (found.engine, found.name, found.origin) == ("postgres", f"postgres:{postgres.port}", "process")
    assert (found.place, found.key) == (f"pid {postgres.pid}", f"127.0.0.1:{postgres.port}")
    assert found.evidence[0] == f"process {postgres.pid} is called postgres"


def test_mariadb_is_found_with_its_port_and_its_socket(mariadb: MariaDB) -> None:
    found = by_address(f"127.0.0.1:{mariadb.port}")
    assert found is not None
    assert found.addresses == (f"127.0.0.1:{mariadb.port}", str(mariadb.socket))
    assert (found.engine, found.name, found.place) == ("mysql", f"mariadbd:{mariadb.port}", f"pid {mariadb.pid}")


_AS_NOBODY = """
import json, os
from dataclasses import asdict
import psutil
from tocsin.discovery import processes
os.setgroups([]), os.setgid(65534), os.setuid(65534)
print(json.dumps([asdict(found) for found in processes.find(60)]))
"""


def test_another_user_finds_them_by_what_the_kernel_tells_everybody(postgres: Postgres, mariadb: MariaDB) -> None:
    if os.getuid():
        lacking("to become another user needs root")
    done = subprocess.run([sys.executable, "-c", _AS_NOBODY], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    everything = json.loads(done.stdout)
    found = {address: one for one in everything for address in one["addresses"]}
    assert found, everything
    one = found[f"127.0.0.1:{postgres.port}"]
    assert one["engine"] == "postgres"
    assert one["evidence"] == [
        "a process called postgres runs",
        "this user may not see which sockets are its own; these are of the same user",
    ]
    assert found[f"127.0.0.1:{mariadb.port}"]["engine"] == "mysql"


def test_a_port_alone_is_no_database() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", 5432))
        except OSError:
            pytest.skip("a server listens at 5432 here")
        server.listen()
        assert by_address("127.0.0.1:5432") is None


def test_a_name_alone_is_no_database(tmp_path: Path) -> None:
    shutil.copy(need("busybox"), tmp_path / "mysqld")
    process = subprocess.Popen(["busybox", "sleep", "1000"], executable=tmp_path / "mysqld")
    try:
        until(lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == "mysqld")
        assert not any(found.place == f"pid {process.pid}" for found in processes.find(60))
    finally:
        process.kill()
        process.wait(10)


def test_a_server_in_another_network_is_not_ours(tmp_path: Path) -> None:
    if os.getuid():
        lacking("another network namespace needs root")
    shutil.copy(need("busybox"), tmp_path / "mariadbd")
    ports = free_port(), free_port()

    def run(port: int, *before: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*before, "bash", "-c", f"exec -a busybox {tmp_path}/mariadbd nc -l -p {port}"])

    def listens(process: subprocess.Popen[bytes], port: int) -> bool:
        return f":{port:04X} " in Path(f"/proc/{process.pid}/net/tcp").read_text() + Path(f"/proc/{process.pid}/net/tcp6").read_text()

    ours, theirs = run(ports[0]), run(ports[1], need("unshare"), "--net")
    try:
        until(lambda: listens(ours, ports[0]) and listens(theirs, ports[1]))
        found = [one.place for one in processes.find(60)]
        assert f"pid {ours.pid}" in found
        assert f"pid {theirs.pid}" not in found
    finally:
        for process in (ours, theirs):
            process.kill()
            process.wait(10)


def test_looking_is_bounded_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineError, match="looking through the processes took too long"):
        processes.find(-1)
    assert time.monotonic() - began < 10


MYSQLD = Server(7, "mysql", "mysqld", "--user=mysql", 106)


@pytest.mark.parametrize(
    ("arguments", "listens", "wanted"),
    [
        ("", [("::", 3306), ("::", 33060)], ("127.0.0.1:3306", "[::1]:3306")),
        ("", [("0.0.0.0", 33060), ("0.0.0.0", 3307), ("127.0.0.1", 33062)], ("127.0.0.1:3307",)),
        ("--port=33060", [("0.0.0.0", 33060), ("0.0.0.0", 3306)], ("127.0.0.1:33060",)),
        ("", [("10.0.0.5", 3306)], ("10.0.0.5:3306",)),
        ("", [("/run/mysqld/mysqld.sock", 0), ("/run/mysqld/mysqlx.sock", 0)], ("/run/mysqld/mysqld.sock",)),
    ],
)
def test_the_port_of_the_usual_protocol_is_told_from_the_others(
    arguments: str, listens: list[tuple[str, int]], wanted: tuple[str, ...]
) -> None:
    assert seen(MYSQLD._replace(arguments=arguments), [Listener(*one) for one in listens]).addresses == wanted


def found_of(servers: list[Server], tcp: list[tuple[str, int, int]], paths: list[tuple[str, int]]) -> list[tuple[Any, ...]]:
    listening = Listening([(Listener(host, port), uid) for host, port, uid in tcp], paths)
    return [(one["addresses"], one["place"]) for one in map(asdict, guessed(servers, listening))]


def test_sockets_of_others_are_not_taken_for_the_servers() -> None:
    postgres = Server(9, "postgres", "postgres", "-D /data", 105)
    paths = [("/run/postgresql/.s.PGSQL.5433", 105), ("/tmp/.s.PGSQL.7777", 1000)]
    tcp = [("127.0.0.1", 5433, 105), ("127.0.0.1", 8008, 105), ("127.0.0.1", 5432, 1000)]
    assert found_of([postgres], tcp, paths) == [(("127.0.0.1:5433", "/run/postgresql/.s.PGSQL.5433"), "pid 9")]


def test_a_pooler_of_the_same_user_leaves_the_usual_port_certain() -> None:
    postgres = Server(9, "postgres", "postgres", "-D /data", 105)
    paths = [("/run/postgresql/.s.PGSQL.5432", 105), ("/run/postgresql/.s.PGSQL.6432", 105)]
    assert found_of([postgres], [], paths) == [(("/run/postgresql/.s.PGSQL.5432",), "pid 9")]
    configured = postgres._replace(arguments="-D /data -p 6000")
    assert found_of([configured], [("127.0.0.1", 6000, 105)], paths) == [(("127.0.0.1:6000",), "pid 9")]


def test_two_servers_of_one_user_are_two_without_saying_which_is_which() -> None:
    servers = [MYSQLD, MYSQLD._replace(pid=8, arguments="--port=3307")]
    tcp = [("0.0.0.0", 3306, 106), ("0.0.0.0", 3307, 106)]
    assert found_of(servers, tcp, []) == [(("127.0.0.1:3306",), "one of pids 7, 8"), (("127.0.0.1:3307",), "one of pids 7, 8")]


def test_where_processes_are_hidden_a_socket_with_the_servers_name_is_told() -> None:
    listening = Listening(
        [(Listener("127.0.0.1", 5432), 105)], [("/run/mysqld/mysqld.sock", 106), ("/run/postgresql/.s.PGSQL.5432", 105), ("/run/x.sock", 0)]
    )
    found = list(unowned(listening, set()))
    assert [(one.engine, one.addresses) for one in found] == [
        ("mysql", ("/run/mysqld/mysqld.sock",)), ("postgres", ("127.0.0.1:5432", "/run/postgresql/.s.PGSQL.5432")),
    ]  # fmt: skip
    assert found[0].evidence == ("a socket with the server's name is listened at", "the process is not to be seen by this user")


def test_the_kernels_lists_are_read() -> None:
    tcp = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 15838 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1538 0100007F:9000 01 00000000:00000000 00:00000000 00000000   105        0 15839 1 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000001000000:0CEA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   106        0 1
"""
    assert list(parse_tcp(tcp)) == [(Listener("127.0.0.1", 5432), 105), (Listener("::1", 3306), 106)]
    unix = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 15839 /run/my sql/mysqld.sock
0000000000000000: 00000003 00000000 00000000 0001 03 15840 /run/connected
0000000000000000: 00000002 00000000 00010000 0001 01 15841 @abstract
0000000000000000: 00000002 00000000 00010000 0001 01 15842
"""
    assert list(parse_unix(unix)) == ["/run/my sql/mysqld.sock"]
    assert [is_mysql_socket(f"/run/{name}.sock") for name in ("mysqld", "mysql", "mariadb", "mysqld-shop", "mysqlx", "php-fpm")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip
