"""What the server sends, read by ourselves: within one deadline however slowly it comes, and rows without the driver's detours."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

MALFORMED = (IndexError, AssertionError, struct.error)
"""What the driver raises, and so do we, for a packet that ends before its time."""


class _Punctual(io.RawIOBase):
    """Reads a socket until a moment: the socket's own timeout begins anew with each byte that drips in."""

    def __init__(self, socket: Any) -> None:
        self.until = float("inf")
        self._socket = socket

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        return int(self._socket.recv_into(buffer))


def read_until(driver: Any, moment: float) -> None:
    """Have all reading of the driver, and ours, end at a moment (monotonic seconds) until the next is given."""
    raw = getattr(driver._rfile, "raw", None)
    if not isinstance(raw, _Punctual):  # the first statement after the login, which has left nothing unread
        raw = _Punctual(driver._sock)
        driver._rfile.close()
        driver._rfile = io.BufferedReader(raw)
    raw.until = moment


def read_rows(driver: Any, most: int | None = None) -> tuple[list[list[bytes | None]], int]:
    """Read the rows of a result whose columns the driver has just read. Raises the driver's errors, OSError and MALFORMED.

    Returns those that are held, `most` at most, and how many came after them.

    The driver makes an object of each row and a step of each column, which on 20,000 rows is most of what a scrape costs.
    https://mariadb.com/kb/en/result-set-packets/
    """
    from pymysql.err import OperationalError, raise_mysql_exception

    driver._result.unbuffered_active = False  # no longer the driver's to finish
    driver._result.connection = driver._result = None
    read = driver._rfile.read
    rows: list[list[bytes | None]] = []
    rest = b""
    left_out = 0
    while True:
        header = read(4)
        size = int.from_bytes(header[:3], "little")
        data = read(size)
        if len(header) < 4 or len(data) < size:
            raise OperationalError(2013, "Lost connection to server during query")
        if size == 0xFFFFFF:  # a row of more than 16 MB goes on in the next packet
            rest += data
            continue
        if rest:
            data, rest = rest + data, b""
        elif data[0] == 0xFE and size < 9:
            return rows, left_out
        elif data[0] == 0xFF:
            raise_mysql_exception(data)
        if most is None or len(rows) < most:
            rows.append(_row(data))
        else:
            left_out += 1


def _row(data: bytes) -> list[bytes | None]:
    """Split a row into its columns, each with its length before it; 251 stands for NULL."""
    row: list[bytes | None] = []
    position, size = 0, len(data)
    while position < size:
        length = data[position]
        position += 1
        if length == 251:
            row.append(None)
            continue
        if length > 251:
            width = {252: 2, 253: 3}.get(length, 8)
            length = int.from_bytes(data[position : position + width], "little")
            position += width
        row.append(data[position : position + length])
        position += length
    return row
