"""What watching a SQLite file costs, and ten thousand pictures beside a writer that never rests, in every mode and as every user."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from hammer import MODES
from watching import Watch, sqlite_options

sys.path.insert(0, str(Path(__file__).parent.parent / "sources"))

from test_sqlite_beside import APPLICATION, STRANGER, beside, folder  # noqa: F401 -- `folder` is a fixture

PICTURES = 10_000
TABLES = 10_000


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("writer", "reader"), [(None, None), (APPLICATION, None), (APPLICATION, STRANGER)])
def test_ten_thousand_pictures(folder: Path, mode: str, writer: int | None, reader: int | None) -> None:  # noqa: F811
    if writer is not None and os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    print(f"\n{mode}, writer {writer or 'root'}, reader {reader or 'root'}: {beside(folder, mode, PICTURES, writer=writer, reader=reader)}")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("exclusive", "reopen"), [(True, False), (False, True), (True, True)])
def test_ten_thousand_pictures_of_a_writer_with_odd_habits(folder: Path, mode: str, exclusive: bool, reopen: bool) -> None:  # noqa: F811
    habits = f"{'exclusive ' * exclusive}{'reopening' * reopen}".strip()
    print(f"\n{mode}, {habits}: {beside(folder, mode, PICTURES, exclusive=exclusive, reopen=reopen)}")


def test_schema_of_ten_thousand_tables(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    columns = ", ".join(f"c{i} TEXT" for i in range(9))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("BEGIN")
        for i in range(TABLES):
            db.execute(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, {columns})")
            db.execute(f"CREATE INDEX i{i} ON t{i} (c1)")
        db.commit()
    options = sqlite_options(path, collectors={"rows": False, "quick_check": False})
    with Watch(options, tmp_path / "state") as watch:

        def check() -> float:
            began = time.perf_counter()
            found = watch.check(60)
            taken = time.perf_counter() - began
            events.append(len(found))
            return taken

        events: list[int] = []
        baseline = check()
        unchanged = [check() for _ in range(100)]
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("ALTER TABLE t77 ADD COLUMN added")
        began = time.process_time()
        changed = check()
        ours = time.process_time() - began
    print(
        f"\n{TABLES:,} tables of 10 columns and an index each: baseline {baseline:.2f} s, unchanged {min(unchanged) * 1e3:.2f} ms at best,",
        end=" ",
    )
    print(f"{sorted(unchanged)[50] * 1e3:.2f} ms in the middle; one changed table found and named in {changed * 1e3:.0f} ms,", end=" ")
    print(f"{ours * 1e3:.0f} ms of it ours")
    assert events[-1] == 1
    assert sum(events) == 1
    assert sorted(unchanged)[50] <= 0.005
    assert ours <= 0.2
