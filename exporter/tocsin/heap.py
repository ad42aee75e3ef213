"""What the C library keeps of memory that is free: little, for a process that is to be small and whose threads come and go.

glibc gives every thread a heap of its own, eight for each processor, and hands back the top of each alone: with one target that is a
tenth of what the process holds. Other C libraries have no such knobs, and nothing is done there.
"""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8
"""M_ARENA_MAX of mallopt(3)."""

_libc = ctypes.CDLL(None)


def share() -> None:
    """Let all threads that begin from now on allocate from one heap. Python lets one of them run at a time: they wait for it anyway."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_ARENA_MAX, 1)


def trim() -> None:
    """Give back to the system what is free. Takes less than a millisecond."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(ctypes.c_size_t(0))
