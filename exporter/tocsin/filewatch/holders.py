"""Who has a file open that has no name any more, as far as this user may see: others' processes show it to root alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_MOST = 5
_SECONDS = 0.5
_GONE = " (deleted)"


def holders(path: str) -> list[str]:
    """Return processes that still use a file that was deleted under that path, as `app (pid 17)`; some of them, where there are many."""
    wanted = os.path.realpath(path) + _GONE
    limit = time.monotonic() + _SECONDS
    found: list[str] = []
    for pid in filter(str.isdecimal, _names("/proc")):
        if time.monotonic() > limit or len(found) >= _MOST:
            break
        if any(_target(f"/proc/{pid}/fd/{number}") == wanted for number in _names(f"/proc/{pid}/fd")):
            found.append(f"{_command(pid)} (pid {pid})")
    return found


def _names(directory: str) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                yield entry.name
    except OSError:  # gone meanwhile, or somebody else's
        return


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 -- the text as it is
    except OSError:
        return ""


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "process"
