"""Real servers for tests: each on its own port, with its own folder, stopped by its own process id."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from tools import lacking

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class MadeUp(Protocol):
    """A server that a test speaks for: `serve` meets the visitors that it expects, and returns."""

    listener: socket.socket

    def serve(self) -> None: ...


M = TypeVar("M", bound=MadeUp)


@contextmanager
def serving(server: M) -> Iterator[M]:
    """Have a made-up server serve meanwhile; it must have come to its end afterwards."""
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        thread.join(30)
        server.listener.close()
    assert not thread.is_alive()


def until(check: Callable[[], T], seconds: float = 30.0, pause: float = 0.05) -> T:
    """Return the first true value of `check`; fail with what it last said when none came in time. Errors of OS and HTTP are waited out."""
    limit = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < limit:
        try:
            found = check()
            if found:
                return found
            last = found
        except (OSError, ValueError) as error:
            last = error
        time.sleep(pause)
    pytest.fail(f"nothing came within {seconds} s; last: {last!r}")


def get(url: str, headers: dict[str, str] | None = None, timeout: float = 20.0) -> tuple[int, str]:
    """Return status and body of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def get_json(url: str) -> Any:
    return json.loads(get(url)[1])


class Child:
    """A process that a test started."""

    def __init__(self, argv: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as out:
            everything = {**os.environ, **(env or {})}
            self.process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=everything)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(5)

    def text(self) -> str:
        return self.log.read_text(errors="replace")


class Postgres:
    """A PostgreSQL cluster of the newest version that is installed. psycopg connects with `dsn()`.

    With `source` it is a standby of that server, following through the slot.
    """

    def __init__(self, folder: Path, port: int | None = None, source: Postgres | None = None, slot: str = "") -> None:
        self.bin = self._programs()
        # PostgreSQL refuses to run as root, and wants its folder for itself.
        self.folder = self._home(folder)
        self.port = port or free_port()
        self.data = self.folder / "data"
        if source is not None:
            self._run("pg_basebackup", "-D", str(self.data), "-R", "-S", slot, "-d", source.dsn(), "-X", "stream", "-c", "fast")
            return
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-N")

    @staticmethod
    def _programs() -> Path:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parts[-2]))
        if not found:
            lacking("PostgreSQL is not installed: apt-get install postgresql")
        return found[-1]

    @staticmethod
    def _home(folder: Path) -> Path:
        return home_of("postgres", folder)

    def _argv(self, program: str, *args: str) -> list[str]:
        return [str(self.bin / program), *args]

    def _as(self) -> dict[str, Any]:
        return {"user": "postgres"} if os.getuid() == 0 else {}

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(self._argv(program, *args), capture_output=True, text=True, cwd="/", timeout=60, **self._as())
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, **settings: str | int) -> Postgres:
        words = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": "off", **settings}
        options = " ".join(f"-c {k}='{v}'" for k, v in words.items())
        log = self.folder / "log"
        try:
            self._run("pg_ctl", "-D", str(self.data), "-o", options, "-l", str(log), "-w", "-t", "30", "start")
        except AssertionError as error:
            raise AssertionError(f"{error}{log.read_text()[-2000:]}") from None
        return self

    @property
    def major(self) -> int:
        return int(self.bin.parts[-2])

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def stop(self, mode: str = "fast") -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements, each by itself, and return the rows of the last."""
        import psycopg

        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = None
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor is not None and cursor.description else []


def home_of(user: str, folder: Path) -> Path:
    """Return a folder that a server may use. Run by root, servers have users of their own, who do not get into pytest's folders."""
    if os.getuid() != 0:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    home = Path(tempfile.mkdtemp(prefix=f"tocsin-{user}-"))
    shutil.chown(home, user)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


@contextmanager
def tocsin(config: Path, folder: Path, *args: str) -> Iterator[tuple[str, Child]]:
    """Run `tocsin serve` and give its address, once it is ready."""
    log = folder / f"tocsin-{time.monotonic_ns()}.log"
    child = Child([sys.executable, "-m", "tocsin.cli", "serve", "--config", str(config), *args], log)

    def address() -> str | None:
        if child.process.poll() is not None:
            pytest.fail(child.text())
        found = re.search(r"listens on (\S+),", child.text())
        return found[1] if found else None

    try:
        url = until(address)
        assert url is not None
        until(lambda: get(f"{url}/-/ready")[0] == 200)
        yield url, child
    finally:
        child.stop()
