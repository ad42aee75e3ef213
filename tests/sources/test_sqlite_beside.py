"""The SQLite source beside a writer that never rests: no failure of the writer's, no wrong picture, no file of ours.

A few hundred pictures each way here, ten thousand each in tests/bench/bench_sqlite.py.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hammer import MODES, hammered, read_beside

APPLICATION, STRANGER = 12345, 23456
"""User ids that own nothing."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """The application's folder, which other users get to; not among pytest's own, to which they do not."""
    with tempfile.TemporaryDirectory(prefix="tocsin-beside-") as found:
        Path(found).chmod(0o755)
        yield Path(found)


USERS = [
    pytest.param(None, None, id="same-user"),
    *(
        pytest.param(*users, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"), id=name)
        for *users, name in ((APPLICATION, None, "root-reads"), (APPLICATION, STRANGER, "stranger-reads"))
    ),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("writer", "reader"), USERS)
def test_pictures_beside_a_writer(folder: Path, mode: str, writer: int | None, reader: int | None) -> None:
    beside(folder, mode, 300, writer=writer, reader=reader)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("exclusive", "reopen"), [(True, False), (False, True), (True, True)])
def test_pictures_beside_a_writer_with_odd_habits(folder: Path, mode: str, exclusive: bool, reopen: bool) -> None:
    beside(folder, mode, 200, exclusive=exclusive, reopen=reopen)


def beside(
    folder: Path,
    mode: str,
    count: int,
    *,
    writer: int | None = None,
    reader: int | None = None,
    exclusive: bool = False,
    reopen: bool = False,
) -> str:
    """Take so many pictures beside a writer, see to it that nothing went wrong, and say what was done."""
    path = folder / "app.db"
    with hammered(path, mode, exclusive=exclusive, reopen=reopen, user=writer) as words:
        found = read_beside(path, count, user=reader)
    assert words[-1].endswith("errors 0"), words
    assert found.wrong == []
    assert found.strangers == []
    rounds = int(words[-1].split()[1])
    assert rounds > count / 10, "the writer hardly wrote"
    # A log whose index nobody else sees can be read only in moments in which nothing is written to the main file.
    assert found.locked <= count * (0.5 if exclusive else 0.02)
    assert found.moments > count / 20, "the reader always saw the same"
    left = {p.name for p in folder.iterdir()}
    assert left == {"app.db"} if mode == "wal" else left <= {"app.db", "app.db-journal"}
    assert writer is None or {p.stat().st_uid for p in folder.iterdir()} == {writer}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return f"{found.read} pictures of {found.moments} states, {found.locked} times no still moment, beside {rounds} transactions"
