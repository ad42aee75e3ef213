"""Endpoints whose server dies, hangs or cannot be reached, and what meeting one does to a server that counts who leaves too soon."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from authority import Authority
from mariadb import MariaDB, MysqlServer
from network import OtherHost, other_host, packets_dropped
from newest import CHROOT, MySQL
from servers import Postgres
from tocsin.sources.endpoint.config import EndpointOptions
from watching import Page, Watch, eventually

LEAVE = """
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as connection:
        connection.recv(200)
"""
"""Leave after the greeting, as checks of ports do."""

MEET = """
import sys, time
from tocsin.handshake import Address, meet
for _ in range(int(sys.argv[3])):
    found = meet("far", Address(host=sys.argv[1], port=int(sys.argv[2])), "mysql", time.monotonic() + 10)
    print(found.state, found.tls is not None)
"""


def endpoint(port: int, protocol: str) -> EndpointOptions:
    return EndpointOptions(name="db", kind="endpoint", address=f"127.0.0.1:{port}", protocol=protocol)


def met(watch: Watch) -> Page:
    """Return what is told of an endpoint after it was met."""
    watch.check()
    return watch.page()


def meet_and_leave(server: MysqlServer, host: OtherHost, *, tls: bool) -> None:
    """Meet a server that blocks a host after three errors, more often than that, then show that leaving early does get us blocked."""
    at = (host.here, str(server.port))
    assert host.python(MEET, *at, "8").splitlines() == [f"answering {tls}"] * 8
    counted = "SELECT HOST_VALIDATED, SUM_CONNECT_ERRORS, COUNT_HANDSHAKE_ERRORS FROM performance_schema.host_cache WHERE IP = '{}'"
    assert server.execute(counted.format(host.there)) == [("YES", 0, 0)]
    host.python(LEAVE, *at, "4")
    assert server.execute(counted.format(host.there)) == [("YES", 3, 3)]
    assert host.python(MEET, *at, "1").split() == ["host_blocked", "False"]


COUNTING = {"skip_name_resolve": "OFF", "bind_address": "0.0.0.0", "max_connect_errors": 3, "performance_schema": "ON"}
"""Settings of a server that keeps account of hosts, which it does of those alone whose names it looks up."""


@pytest.mark.parametrize("tls", [False, True])
def test_mariadb_does_not_count_a_meeting_as_an_error(tmp_path: Path, tls: bool) -> None:
    server = MariaDB(tmp_path / "mariadb")
    files: dict[str, str | int] = {}
    if tls:
        authority = Authority(tmp_path / "authority")
        authority.issue("server")
        files = dict(zip(("ssl_cert", "ssl_key"), authority.give("server", server.folder), strict=True))
    with other_host() as host:
        try:
            server.start(**COUNTING, **files)
            server.exporter_account(grants="")
            meet_and_leave(server, host, tls=tls)
        finally:
            server.stop()


@pytest.mark.newest
def test_mysql_does_not_count_a_meeting_as_an_error(tmp_path: Path) -> None:
    server, names = MySQL(tmp_path / "mysql"), CHROOT / "etc/hosts"
    before = names.read_text("utf-8")
    with other_host() as host:
        try:
            names.write_text(f"{before}{host.there} far.example\n", "utf-8")  # there is no name server to say that it has no name
            server.start(**COUNTING)
            server.exporter_account(grants="PROCESS")
            meet_and_leave(server, host, tls=True)
        finally:
            names.write_text(before, "utf-8")
            server.stop()


@pytest.mark.parametrize("protocol", ["postgres", "mysql"])
def test_a_server_behind_a_cut_cable_is_told_in_time_and_seen_again(
    postgres: Postgres, mariadb: MariaDB, tmp_path: Path, protocol: str
) -> None:
    port = postgres.port if protocol == "postgres" else mariadb.port
    with Watch(endpoint(port, protocol), tmp_path) as watch:
        assert met(watch).value("tocsin_endpoint_up") == 1
        with packets_dropped(port):
            page = met(watch)
        assert page.value("tocsin_endpoint_up") == 0
        assert page.value("tocsin_target_failing", reason="timeout") == 1
        assert page.value("tocsin_endpoint_state", state="answering") is None
        assert eventually(lambda: met(watch).value("tocsin_endpoint_up") == 1, 60)


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give the port of a server that treats whoever comes in this way."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=treat, args=(server.accept()[0],), daemon=True).start()

    def treat(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def test_a_server_that_takes_its_time_is_met_to_the_end_however_short_a_scrape_is(mariadb: MariaDB, tmp_path: Path) -> None:
    """One that looks up our name is silent before it greets. A meeting that a scrape cut off would count as an error of our host."""
    cut = threading.Event()

    def slow(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", mariadb.port)) as behind:
            if select.select([connection], [], [], 2.0)[0]:
                cut.set()  # we speak second, so this is the end
                return
            connection.sendall(behind.recv(4096))
            behind.sendall(connection.recv(4096))
            connection.sendall(behind.recv(4096))

    with listening(slow) as port:
        with Watch(endpoint(port, "mysql"), tmp_path) as watch:
            watch.scheduler.start()
            while watch.target.up is None:
                assert not cut.is_set()
                began = time.monotonic()
                watch.scrape(0.3)
                assert time.monotonic() - began < 5
                time.sleep(0.1)
            assert watch.scrape(0.3).value("tocsin_endpoint_up") == 1
        assert not cut.is_set()


def test_no_scrape_waits_for_a_server_that_is_silent(tmp_path: Path) -> None:
    with listening(lambda connection: connection.recv(1) and None) as port, Watch(endpoint(port, "mysql"), tmp_path) as watch:
        watch.scheduler.start()
        began = time.monotonic()
        for _ in range(20):
            watch.scrape(30)
        assert time.monotonic() - began < 8, "it waited"
        assert eventually(lambda: watch.scrape().value("tocsin_endpoint_up") == 0, 60)
        assert watch.page().value("tocsin_target_failing", reason="timeout") == 1
        assert f"127.0.0.1:{port} gave no answer" in str(watch.target.error)


@pytest.mark.parametrize("protocol", ["postgres", "mysql"])
def test_a_server_that_is_killed_in_the_middle_is_told(tmp_path: Path, protocol: str) -> None:
    """Stopped before, it takes the connection and says nothing; killed then, it resets it."""
    server = Postgres(tmp_path / "s").start() if protocol == "postgres" else MariaDB(tmp_path / "s").start()
    pid = server.pid
    try:
        os.kill(pid, signal.SIGSTOP)
        killer = threading.Timer(1.5, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with Watch(endpoint(server.port, protocol), tmp_path / "state") as watch:
            began = time.monotonic()
            page = met(watch)
            assert time.monotonic() - began < 25
            why = str(watch.target.error)
        killer.join()
    finally:
        if isinstance(server, Postgres):
            os.kill(pid, signal.SIGCONT) if Path(f"/proc/{pid}").exists() else None
            (server.data / "postmaster.pid").unlink(missing_ok=True)
        else:
            server.kill()
    assert page.value("tocsin_endpoint_up") == 0
    assert page.value("tocsin_target_failing", reason="connect") == 1
    assert f"127.0.0.1:{server.port}" in why
