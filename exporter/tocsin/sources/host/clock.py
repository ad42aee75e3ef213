"""What the kernel tells of its clock by adjtimex(2), which Python has no function for."""

from __future__ import annotations

import errno
from typing import Any, NamedTuple

from tocsin.errors import InternalError, Unsupported
from tocsin.source import Run
from tocsin.sources.host import metrics as m
from tocsin.sources.host.session import HostSession

_LONGS_AND_INTS = (
    ("modes", "uint"), ("offset", "long"), ("freq", "long"), ("maxerror", "long"), ("esterror", "long"), ("status", "int"),
    ("constant", "long"), ("precision", "long"), ("tolerance", "long"), ("seconds", "long"), ("fraction", "long"), ("tick", "long"),
    ("ppsfreq", "long"), ("jitter", "long"), ("shift", "int"), ("stabil", "long"),
    ("jitcnt", "long"), ("calcnt", "long"), ("errcnt", "long"), ("stbcnt", "long"), ("tai", "int"),
)  # fmt: skip
_RESERVED = 11
_STA_NANO = 0x2000
_TIME_ERROR = 5
_PARTS = 65536e6
"""Frequencies are in parts per million with 16 binary digits after the point."""


class Clock(NamedTuple):
    state: int
    told: Any


def read_clock() -> Clock:
    """Ask without changing anything. Raises OSError."""
    import ctypes  # with such a target only

    types = {"long": ctypes.c_long, "int": ctypes.c_int, "uint": ctypes.c_uint}
    fields = [(name, types[kind]) for name, kind in _LONGS_AND_INTS] + [("reserved", ctypes.c_int * _RESERVED)]
    told = type("timex", (ctypes.Structure,), {"_fields_": fields})()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, "adjtimex")
    return Clock(state, told)


def collect_timex(session: HostSession, run: Run) -> None:
    """Emit how right the clock is. Raises Unsupported where a sandbox forbids to ask."""
    try:
        state, told = read_clock()
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS):
            raise Unsupported(f"{session.options.name}: not allowed to ask for the state of the clock") from error
        raise InternalError(f"{session.options.name}: adjtimex failed with error {error.errno}") from error
    fine = 1e9 if told.status & _STA_NANO else 1e6
    for metric, value in (
        (m.TIMEX_OFFSET, told.offset / fine), (m.TIMEX_FREQUENCY, 1 + told.freq / _PARTS), (m.TIMEX_MAXERROR, told.maxerror / 1e6),
        (m.TIMEX_ESTERROR, told.esterror / 1e6), (m.TIMEX_STATUS, told.status), (m.TIMEX_CONSTANT, told.constant),
        (m.TIMEX_TICK, told.tick / 1e6), (m.TIMEX_PPS_FREQUENCY, told.ppsfreq / _PARTS), (m.TIMEX_PPS_JITTER, told.jitter / fine),
        (m.TIMEX_PPS_SHIFT, told.shift), (m.TIMEX_PPS_STABILITY, told.stabil / _PARTS), (m.TIMEX_PPS_JITTERS, told.jitcnt),
        (m.TIMEX_PPS_CALIBRATIONS, told.calcnt), (m.TIMEX_PPS_ERRORS, told.errcnt), (m.TIMEX_PPS_EXCEEDED, told.stbcnt),
        (m.TIMEX_TAI, told.tai), (m.TIMEX_SYNC, int(state != _TIME_ERROR)),
    ):  # fmt: skip
        run.emit(metric, value)
