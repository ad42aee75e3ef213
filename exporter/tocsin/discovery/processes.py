"""Database servers among the processes of this machine: told by what they are called and by the sockets that they listen at."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from tocsin.discovery.found import Found
from tocsin.discovery.listening import Listener, Listening, is_mysql_socket, owner_of, postgres_port, read_listening
from tocsin.discovery.rules import FAMILIES, port_of
from tocsin.errors import DeadlineError

PROGRAMS = {
    "postgres": "postgres", "postmaster": "postgres", "edb-postgres": "postgres",
    "mysqld": "mysql", "mariadbd": "mysql", "mysqld-debug": "mysql",
}  # fmt: skip
"""What the servers' programs are called, and the kind of source that watches them."""

MOST = 1000
_FAMILY = {family.engine: family for family in FAMILIES}
_IN_A_CONTAINER = re.compile(r"[0-9a-f]{64}|/libpod-|/lxc[./]|/kubepods|/machine-[^/]+\.scope")


class Server(NamedTuple):
    """A process that is called like a server."""

    pid: int
    engine: str
    program: str
    arguments: str
    uid: int

    @property
    def configured_port(self) -> int | None:
        found = _FAMILY[self.engine].port_option.search(self.arguments)
        return port_of(found[1]) if found else None


def find(seconds: float) -> list[Found]:
    """Return the database servers that listen on this machine, outside of containers. Raises DeadlineError.

    Whose a socket is, only root and the server's own user may see. For anybody else the user must do: the kernel tells everybody
    of which user a socket is that is listened at.
    """
    limit = time.monotonic() + seconds
    servers, sees_all = _servers(limit)
    found: list[Found] = []
    hidden = []
    for server in servers:
        listeners = _listeners(server.pid)
        if listeners is None:
            hidden.append(server)
        elif listeners:
            found.append(seen(server, listeners))
        _check(limit)
    if hidden or not sees_all:
        listening = read_listening()
        for _, group in groupby(sorted(hidden, key=lambda s: (s.engine, s.uid, s.pid)), key=lambda s: (s.engine, s.uid)):
            found += guessed(list(group), listening)
        if not sees_all:
            found += unowned(listening, {address for one in found for address in one.addresses})
    return list({one.key: one for one in sorted(found, key=lambda one: one.key)}.values())[:MOST]


def seen(server: Server, listeners: Iterable[Listener]) -> Found:
    """Return the database that a process is whose sockets are known."""
    tcp = [one for one in listeners if one.port]
    port = _main_port(server, {one.port for one in tcp})
    paths = [one.host for one in listeners if not one.port and _is_main(server.engine, one.host)]
    at = [address for one in tcp if one.port == port for address in one.addresses(both=server.engine == "mysql")]
    where = ", ".join([*([f"port {port}"] if at else ()), *paths])
    return _found(server.engine, server.program, [*at, *paths], f"pid {server.pid}", [
        f"process {server.pid} is called {server.program}", f"it listens at {where}",
    ])  # fmt: skip


def guessed(servers: list[Server], listening: Listening) -> Iterator[Found]:
    """Yield the databases that processes of one user are whose sockets this user may not see: what that user listens at is theirs."""
    engine, uid = servers[0].engine, servers[0].uid
    paths = {path: postgres_port(path) for path, owner in listening.paths if owner == uid and _is_main(engine, path)}
    ports = {port for server in servers if (port := server.configured_port) is not None}
    if len(ports) < len(servers):
        family = _FAMILY[engine]
        # PostgreSQL names its sockets after their ports, so that the user's other ports are not taken for its own.
        more = {port for port in paths.values() if port} or {one.port for one, owner in listening.tcp if owner == uid} - family.beside
        ports |= more if len(more | ports) <= len(servers) else more & {family.port}
    place = f"pid {servers[0].pid}" if len(servers) == 1 else f"one of pids {', '.join(str(server.pid) for server in servers[:5])}"
    words = [f"a process called {servers[0].program} runs", "this user may not see which sockets are its own; these are of the same user"]
    told = False
    for port in sorted(ports):
        at = [a for one, owner in listening.tcp if (one.port, owner) == (port, uid) for a in one.addresses(both=engine == "mysql")]
        at += [path for path, of in paths.items() if of == port or (not of and len(servers) == 1)]
        if at:
            told = True
            yield _found(engine, servers[0].program, at, place, words)
    if not told:
        yield from (_found(engine, servers[0].program, [path], place, words) for path in paths)


def unowned(listening: Listening, told: set[str]) -> Iterator[Found]:
    """Yield the databases that sockets with servers' names stand for, where other users' processes are not to be seen at all."""
    for path, uid in listening.paths:
        if path in told:
            continue
        port = postgres_port(path)
        if port or is_mysql_socket(path):
            engine, program = ("postgres", "postgres") if port else ("mysql", "mysqld")
            at = [a for one, owner in listening.tcp if port and (one.port, owner) == (port, uid) for a in one.addresses(both=False)]
            words = ["a socket with the server's name is listened at", "the process is not to be seen by this user"]
            yield _found(engine, program, [*at, path], path, words)


def _found(engine: str, program: str, addresses: list[str], place: str, evidence: list[str]) -> Found:
    addresses = list(dict.fromkeys(addresses))
    port = addresses[0].rpartition(":")[2] if not addresses[0].startswith("/") else str(postgres_port(addresses[0]) or "")
    return Found(
        engine=engine, name=f"{program}:{port}" if port else program, addresses=tuple(addresses), origin="process", place=place,
        key=addresses[0], evidence=tuple(evidence),
    )  # fmt: skip


def _main_port(server: Server, ports: set[int]) -> int:
    """Return the port of the usual protocol among those that a server listens at; 0 for none."""
    family = _FAMILY[server.engine]
    if server.configured_port in ports and server.configured_port is not None:
        return server.configured_port
    if family.port in ports:
        return family.port
    return min(ports - family.beside or ports, default=0)


def _is_main(engine: str, path: str) -> bool:
    """Tell whether a socket's path is one at which clients ask; MySQL has one more for its X protocol."""
    return postgres_port(path) > 0 if engine == "postgres" else path.endswith(".sock") and not path.endswith(("x.sock", "admin.sock"))


def _servers(limit: float) -> tuple[list[Server], bool]:
    """Return the processes that are called like servers, each server's first one, and whether all processes are to be seen."""
    import psutil

    found: dict[int, tuple[Server, int]] = {}
    sees_all = False
    for pid in psutil.pids():
        _check(limit)
        name = _read(f"/proc/{pid}/comm").rstrip("\n")  # a tenth of what psutil takes, which reads more
        sees_all = sees_all or (pid == 1 and bool(name))
        engine = PROGRAMS.get(name)
        if engine is None or _is_in_a_container(pid):
            continue
        try:
            process = psutil.Process(pid)
            arguments = " ".join(process.cmdline()[1:])
            found[pid] = Server(pid, engine, name, arguments, process.uids().effective), process.ppid()
        except psutil.Error:  # ended meanwhile, or not for us to see
            continue
    # A server's own children, one for each connection, are called as it is.
    first = [s for s, parent in found.values() if parent not in found or found[parent][0].engine != s.engine]
    return first[:MOST], sees_all


def _listeners(pid: int) -> list[Listener] | None:
    """Return the sockets of our network at which a process listens, None where this user may not see them."""
    import psutil

    try:
        process = psutil.Process(pid)
        inet, unix = process.net_connections("tcp"), process.net_connections("unix")
    except psutil.AccessDenied:
        return None
    except psutil.Error:
        return []
    found = [Listener(c.laddr.ip, c.laddr.port) for c in inet if c.status == psutil.CONN_LISTEN]
    paths = {str(c.laddr) for c in unix}  # those of connections that it has accepted bear the same name
    return sorted(set(found)) + [Listener(path, 0) for path in sorted(paths) if path.startswith("/") and owner_of(path) is not None]


def _is_in_a_container(pid: int) -> bool:
    """Tell whether a process is in a container that we are not in: the engine tells of such, and their network may be ours."""
    cgroup = _read(f"/proc/{pid}/cgroup")
    return _IN_A_CONTAINER.search(cgroup) is not None and cgroup != _read("/proc/self/cgroup")


def _read(path: str) -> str:
    """Return the beginning of one of the kernel's files; nothing of a process that has ended or is not to be seen."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 65536).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _check(limit: float) -> None:
    if time.monotonic() > limit:
        raise DeadlineError("looking through the processes took too long; the machine is overloaded, or has very many")
