"""MariaDB and its relatives for tests: a server with its own port, socket and data folder, stopped by its own process id."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import pymysql
from pymysql.cursors import Cursor

from servers import Child, free_port, home_of, until
from tocsin.options import Secret
from tocsin.sources.mysql.config import MysqlOptions
from tools import lacking

FULL = "SELECT, SHOW VIEW, TRIGGER, EVENT, PROCESS"
"""The privileges with which all of a schema is seen."""


class MysqlServer:
    """What MariaDB and MySQL have in common. pymysql connects as root through the socket with `connect()`."""

    grants: ClassVar[str]
    """What every collector needs; SELECT on everything is for sizes and for mysql.user."""
    settings: ClassVar[dict[str, str | int]]
    """What tests need no more of than this."""

    def __init__(self, folder: Path) -> None:
        self.folder = self._home(folder)
        self.data = self.folder / "data"
        self.socket = self.folder / "s.sock"
        self.port = free_port()
        self.child: Child | None = None
        done = subprocess.run(self._install(), capture_output=True, text=True, timeout=120, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _home(folder: Path) -> Path:
        return home_of("mysql", folder)

    def _install(self) -> list[str]:
        """Return the command that fills the data folder."""
        raise NotImplementedError

    def _serve(self) -> list[str]:
        """Return the command that runs the server; options follow."""
        raise NotImplementedError

    def start(self, **settings: str | int) -> Self:
        words: dict[str, str | int] = {
            "datadir": str(self.data), "socket": str(self.socket), "port": self.port, "bind_address": "127.0.0.1", "skip_name_resolve": 1,
            # Of its own: a server that starts takes what lies in its folder for the leavings of an earlier one.
            "tmpdir": str(self.folder),
            "pid_file": str(self.data / "pid"), "innodb_flush_log_at_trx_commit": 0, "innodb_buffer_pool_size": "32M",
            **self.settings, **settings,
        }  # fmt: skip
        self.child = Child([*self._serve(), *(f"--{k.replace('_', '-')}={v}" for k, v in words.items())], self.folder / "log")
        try:
            until(self._answers)
        except BaseException:
            self.stop()
            raise
        return self

    def _answers(self) -> bool:
        assert self.child is not None
        assert self.child.process.poll() is None, self.child.text()
        # Not with the driver: it leaves its socket open when nobody listens. MySQL listens on the port before the socket.
        with socket.create_connection(("127.0.0.1", self.port), 5), socket.socket(socket.AF_UNIX) as local:
            local.connect(str(self.socket))
        self.execute("SELECT 1")
        return True

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.process.pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()
            self.child = None

    def kill(self) -> None:
        assert self.child is not None
        self.child.process.kill()
        self.child.process.wait(10)
        self.child = None

    def connect(self, **more: Any) -> pymysql.Connection[Cursor]:
        words: dict[str, Any] = {
            "unix_socket": str(self.socket),
            "user": "root",
            "autocommit": True,
            "charset": "utf8mb4",
            "ssl_disabled": True,
        }
        return pymysql.connect(**{**words, **more})

    @contextmanager
    def session(self, **more: Any) -> Iterator[Cursor]:
        connection = self.connect(**more)
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements, each by itself, and return the rows of the last."""
        rows: list[tuple[Any, ...]] = []
        with self.session(database=database) as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def exporter_account(self, password: str = "x", grants: str | None = None, user: str = "exporter") -> None:
        """Make the account that watches, with these privileges and no others; without them with those that every collector needs."""
        wanted = self.grants if grants is None else grants
        with self.session() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {user}@'%'")
            cursor.execute(f"CREATE USER {user}@'%%' IDENTIFIED BY %s", (password,))
            if wanted:
                cursor.execute(f"GRANT {wanted} ON *.* TO {user}@'%'")

    def dsn(self, user: str = "exporter", password: str = "x") -> str:
        return f"mysql://{user}:{password}@127.0.0.1:{self.port}/"

    def ours(self) -> list[int]:
        """Return the threads of the exporter's connections."""
        return [row[0] for row in self.execute("SHOW PROCESSLIST") if row[1] == "exporter"]


class MariaDB(MysqlServer):
    """A server of the version that is installed."""

    grants = "PROCESS, BINLOG MONITOR, SLAVE MONITOR, REPLICATION MASTER ADMIN, SELECT"  # of 10.5 and newer
    settings: ClassVar[dict[str, str | int]] = {"innodb_log_file_size": "16M"}

    def _install(self) -> list[str]:
        if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
            lacking("MariaDB is not installed: apt-get install mariadb-server")
        words = [f"--datadir={self.data}", "--auth-root-authentication-method=normal", "--skip-test-db"]
        return ["mariadb-install-db", "--no-defaults", *words, *self._user()]

    def _serve(self) -> list[str]:
        return ["mariadbd", "--no-defaults", *self._user()]

    @staticmethod
    def _user() -> list[str]:
        # mariadbd as root wants a user of its own, who must reach the folder.
        return ["--user=mysql"] if os.getuid() == 0 else []


def mysql_options(dsn: str, **more: Any) -> MysqlOptions:
    return MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn), **more)
