"""The newest servers, PostgreSQL 18 and MySQL 9, which run in the chroot that tests/install_newest.sh unpacked."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from mariadb import MysqlServer
from servers import ROOT, Postgres
from tools import lacking

CHROOT = ROOT / ".cache" / "newest"


class NewestPostgres(Postgres):
    """PostgreSQL 18: used like any other, on its own port of this machine."""

    @staticmethod
    def _programs() -> Path:
        _need()
        return Path("/usr/lib/postgresql/18/bin")

    @staticmethod
    def _home(folder: Path) -> Path:
        return _home_in_chroot("postgres")

    def _argv(self, program: str, *args: str) -> list[str]:
        return _in_chroot("postgres", str(self.bin / program), *args)

    def _as(self) -> dict[str, Any]:
        return {}  # it is chroot, run by root, that changes the user


class MySQL(MysqlServer):
    """MySQL 9: used like MariaDB, on its own port of this machine."""

    grants = "PROCESS, REPLICATION CLIENT, REPLICATION SLAVE, SELECT"
    settings: ClassVar[dict[str, str | int]] = {"innodb_redo_log_capacity": "32M", "mysqlx": "OFF", "secure_file_priv": "NULL"}

    @staticmethod
    def _home(folder: Path) -> Path:
        _need()
        return _home_in_chroot("mysql")

    def _install(self) -> list[str]:
        return [*self._serve(), "--initialize-insecure", f"--datadir={self.data}"]

    def _serve(self) -> list[str]:
        return _in_chroot("mysql", "/usr/sbin/mysqld", "--no-defaults")


def _need() -> None:
    if not (CHROOT / "complete").exists() or os.getuid() != 0:
        lacking("PostgreSQL 18 and MySQL 9 are not unpacked: tests/install_newest.sh, as root")


def _in_chroot(user: str, *argv: str) -> list[str]:
    """Return the command that runs a program in there. chroot becomes the program: their process id is one."""
    return ["chroot", f"--userspec={_ids(user)}", str(CHROOT), *argv]


def _ids(user: str) -> str:
    for line in (CHROOT / "etc/passwd").read_text("utf-8").splitlines():
        name, _, number, group, *_ = line.split(":")
        if name == user:
            return f"{number}:{group}"
    raise AssertionError(f"{CHROOT} has no user {user}")


def _home_in_chroot(user: str) -> Path:
    """Return a folder for a server, which has the same short path outside: sockets and files are found by either."""
    inside = Path(tempfile.mkdtemp(prefix=f"tocsin-{user}-", dir=CHROOT / "tmp"))
    number, _, group = _ids(user).partition(":")
    os.chown(inside, int(number), int(group))
    path = Path("/tmp", inside.name)
    path.symlink_to(inside)
    atexit.register(shutil.rmtree, inside, ignore_errors=True)
    atexit.register(path.unlink, missing_ok=True)
    return path
