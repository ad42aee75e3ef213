"""A session with a host: its kernel's files, and its file systems, which are asked while everything else is read."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tocsin.errors import CollectError, DeadlineError, PrivilegeError, SetupError, Unsupported
from tocsin.mounts import Mount, below, parse
from tocsin.source import Run
from tocsin.sources.host.config import HostOptions
from tocsin.sources.host.watchdog import WATCHDOG, Question

_MARGIN = 0.1
"""Seconds before the deadline at which a wait for file systems ends, so that what the others said is still served."""
_CHUNK = 2**16


class Asked(NamedTuple):
    mount: Mount
    question: Question


class HostSession:
    """Everything comes from /proc and /sys themselves. psutil, made for all systems, leaves out most of what node_exporter's
    series are made of: half of an interface's counters, a disk's flushes and discards, nearly all lines of meminfo, pressure."""

    def __init__(self, options: HostOptions) -> None:
        self.options = options
        self.proc = str(options.procfs)
        self.sys = str(options.sysfs)
        self.root = str(options.rootfs)
        self.skip_mount = re.compile(options.mount_points_exclude).search
        self.skip_type = re.compile(options.fs_types_exclude).search
        self.skip_disk = re.compile(options.disks_exclude).search
        self.skip_interface = re.compile(options.interfaces_exclude).search
        self.processors: dict[str, tuple[int, ...]] = {}
        """Times of each processor as last served."""
        self._asked: list[Asked] | CollectError = []

    def begin(self, runs: list[Run]) -> None:
        """See that it is the kernel's /proc, and begin to ask the file systems; raises CollectError."""
        if not self._exists("stat") or not self._exists("meminfo"):
            raise SetupError(f"{self.options.name}: {self.proc} is no /proc of Linux; mount the host's, and name the place as `procfs`")
        self._asked = []
        if any(run.collector.name == "filesystem" for run in runs):
            try:
                self._asked = self._ask()
            except CollectError as error:
                self._asked = error

    def _exists(self, name: str) -> bool:
        return os.path.exists(f"{self.proc}/{name}")  # noqa: PTH110 -- once a scrape, and a Path costs more than the call

    def _ask(self) -> list[Asked]:
        found: dict[tuple[str, str, str], Mount] = {}
        for mount in parse(self._mountinfo()):
            point = below(self.root, mount.point)
            if not self.skip_mount(point) and not self.skip_type(mount.fs_type):
                found.setdefault((mount.device, point, mount.fs_type), mount._replace(point=point))
        mounts = list(found.values())
        prefix = self.root.rstrip("/")
        questions = WATCHDOG.ask([((m.id, prefix + m.point), prefix + m.point) for m in mounts])
        return [Asked(*pair) for pair in zip(mounts, questions, strict=True)]

    def _mountinfo(self) -> str:
        """Return what init sees mounted: our own view may be a container's or a service's with a private /tmp."""
        try:
            return self.read("1/mountinfo")
        except (CollectError, Unsupported):
            return self.read("self/mountinfo")

    def file_systems(self, run: Run) -> list[Asked]:
        """Return the file systems with what they answered in time. Raises CollectError when it is not known what is mounted."""
        if isinstance(self._asked, CollectError):
            raise self._asked
        if not WATCHDOG.wait([asked.question for asked in self._asked], self.options.mount_timeout, run.deadline - _MARGIN):
            raise DeadlineError(
                f"{self.options.name}: not all file systems have answered; is `mount_timeout` longer than a scrape may take?"
            )
        return self._asked

    def read(self, name: str) -> str:
        """Return the text of a file of /proc. Raises Unsupported where this kernel has none, CollectError where it cannot be read."""
        path = f"{self.proc}/{name}"
        try:
            return read_file(path)
        except FileNotFoundError as error:
            raise Unsupported(f"{self.options.name}: the kernel has no {path}") from error
        except PermissionError as error:
            raise PrivilegeError(
                f"{self.options.name}: may not read {path}; run as a user that may, or switch the collector off"
            ) from error
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:  # pressure, where it is switched off at boot
                raise Unsupported(f"{self.options.name}: {path} is switched off") from error
            raise SetupError(f"{self.options.name}: cannot read {path}: {error.strerror}") from error

    def read_network(self, name: str) -> str:
        """Return a file of /proc/net as init sees it: the host's network, also from within a container."""
        with suppress(CollectError, Unsupported):
            return self.read(f"1/net/{name}")
        return self.read(f"net/{name}")

    def is_of_host_network(self) -> bool:
        """Tell whether we live in init's network: settings below /proc/sys/net are always those of who reads them."""
        try:
            return os.stat(f"{self.proc}/1/net/dev").st_ino == os.stat("/proc/net/dev").st_ino  # noqa: PTH116
        except OSError:
            return True

    def close(self) -> None:
        """Nothing is open."""


def read_file(path: str) -> str:
    """Return a file's text as it is when it is opened. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, _CHUNK):
            parts.append(part)
    finally:
        os.close(fd)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def peek(path: str) -> str | None:
    """Return what a small file says, None where it says nothing: many attributes of a device can be read only in some of its states."""
    try:
        return read_file(path).strip()
    except OSError:
        return None


def peek_number(path: str) -> int | None:
    """Return the number, decimal or hexadecimal with 0x, in a small file; None without one."""
    text = peek(path)
    try:
        return None if text is None else int(text, 0)
    except ValueError:
        return None


def names_in(folder: str) -> list[str]:
    """Return what lies in a folder, in order; nothing where it cannot be read."""
    try:
        return sorted(entry.name for entry in Path(folder).iterdir())
    except OSError:
        return []
