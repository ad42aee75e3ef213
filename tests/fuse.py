"""A file system of the test's own that answers when it is told to: a server of /dev/fuse in few lines, mounted by mount(2)."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

from tools import lacking

_MNT_FORCE, _MNT_DETACH = 1, 2
_MS_NOSUID, _MS_NODEV = 2, 4
_INIT, _STATFS = 26, 17
_REQUEST = struct.Struct("<IIQQIIII")
_ANSWER = struct.Struct("<IiQ")
BLOCKS, FREE, BLOCK_SIZE, GOOD_READ = 1000, 250, 4096, 2**20
"""What it says of itself; like many a network file system it prefers reads that are larger than what it counts in."""


class FuseMount:
    """Mounted, and silent: whoever asks it for its state hangs, until it serves, dies or is unmounted."""

    def __init__(self, point: Path) -> None:
        self.point = point
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._fd},rootmode=40000,user_id=0,group_id=0".encode()
        if self._libc.mount(b"tocsin-test", os.fsencode(point), b"fuse", _MS_NOSUID | _MS_NODEV, options):
            os.close(self._fd)
            raise OSError(ctypes.get_errno(), "mount")
        self._number = self._mounted()

    def serve(self) -> None:
        """Answer from now on, also what was asked before."""
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # unmounted
            while True:
                request = os.read(self._fd, 2**17)
                _, operation, unique, *_ = _REQUEST.unpack_from(request)
                error, body = 0, b""
                if operation == _INIT:
                    body = struct.pack("<IIIIHHIIHHII", 7, 31, 0, 0, 12, 9, 2**16, 1, 0, 0, 0, 0) + bytes(24)
                elif operation == _STATFS:
                    body = struct.pack("<QQQQQIIII", BLOCKS, FREE, FREE, 100, 60, GOOD_READ, 255, BLOCK_SIZE, 0) + bytes(24)
                else:
                    error = -errno.ENOSYS
                os.write(self._fd, _ANSWER.pack(_ANSWER.size + len(body), error, unique) + body)

    def die(self) -> None:
        """End as a server that is killed: everybody who waits gets an error."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def unmount(self) -> None:
        """Leave nothing behind, and nobody waiting. A server that reads from /dev/fuse keeps it alive: the connection is ended first."""
        with contextlib.suppress(OSError):  # gone with the mount, or fusectl is not mounted: then the umount below must do
            Path(f"/sys/fs/fuse/connections/{self._number}/abort").write_text("1")
        self.die()
        if self._mounted():
            self._libc.umount2(os.fsencode(self.point), _MNT_FORCE | _MNT_DETACH)

    def _mounted(self) -> str | None:
        """Return the number of its connection, None where it is mounted no longer."""
        lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return next((words[2].partition(":")[2] for words in lines if words[4] == str(self.point) and "tocsin-test" in words), None)


@contextlib.contextmanager
def mounted(point: Path) -> Iterator[FuseMount]:
    """Mount it at a folder that is made for it. Only root may, and the kernel must know FUSE."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        lacking("a file system that hangs needs root and /dev/fuse")
    point.mkdir(parents=True)
    try:
        mount = FuseMount(point)
    except PermissionError:  # root of a container that may not mount
        lacking("a file system that hangs needs the right to mount")
    try:
        yield mount
    finally:
        mount.unmount()
