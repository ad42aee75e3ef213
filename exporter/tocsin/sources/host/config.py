"""The options of a host target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tocsin.options import Duration, LocalOptions, option

MOUNT_POINTS = r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
FS_TYPES = (
    r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs"
    r"|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$"
)
DISKS = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"
"""node_exporter's defaults: what is no file system of the host's own, and no disk but a part of one."""


def _is_pattern(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"a regular expression ({error})"
    return None


def _is_patience(seconds: Duration) -> str | None:
    return None if 0.05 <= seconds <= 60 else "between 50ms and 1m"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions(LocalOptions):
    procfs: Path = option(Path("/proc"), help="where the host's /proc is; in a container with the host's root at /host: `/host/proc`")
    sysfs: Path = option(Path("/sys"), help="where the host's /sys is")
    rootfs: Path = option(Path("/"), help="where the host's root directory is; file systems are asked below it, and named without it")
    mount_points_exclude: str = option(
        MOUNT_POINTS, help="file systems to leave out by where they are mounted, as a regular expression", check=_is_pattern
    )
    fs_types_exclude: str = option(FS_TYPES, help="file systems to leave out by type, as a regular expression", check=_is_pattern)
    disks_exclude: str = option(DISKS, help="disks to leave out, as a regular expression", check=_is_pattern)
    interfaces_exclude: str = option("^$", help="network interfaces to leave out, as a regular expression", check=_is_pattern)
    mount_timeout: Duration = option(
        Duration(1.0), help="how long a file system may take to answer before it counts as hung", check=_is_patience
    )

    @property
    def address(self) -> str:
        return str(self.procfs)
