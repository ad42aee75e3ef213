"""What is read of a few tables without the schema of all of them is what is read with it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tocsin.schema.model import Object
from tocsin.sources.sqlite import collect
from tocsin.sources.sqlite.excerpt import Excerpt, excerpt, listing
from tocsin.sources.sqlite.inspect import Texts, inspect
from tocsin.sources.sqlite.overlay import Picture, read_picture
from tocsin.sources.sqlite.session import SqliteSession, opened
from watching import Watch, said, sqlite_options

ODD = """
    CREATE TABLE plain (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE, b INT DEFAULT 5, c AS (b + 1) STORED, CHECK (b > 0));
    CREATE TABLE "O'dd.näme" (k TEXT, v BLOB, PRIMARY KEY (k, v)) WITHOUT ROWID, STRICT;
    CREATE TABLE Child (p INT REFERENCES plain (id) ON DELETE CASCADE, w TEXT COLLATE NOCASE);
    CREATE INDEX by_w ON CHILD (lower(w), p) WHERE p > 3;
    CREATE TRIGGER moves AFTER INSERT ON cHiLd BEGIN SELECT 1; END;
    CREATE VIRTUAL TABLE found USING fts5(body);
    ANALYZE;
"""


def made(path: Path, script: str, *pragmas: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in pragmas:
        db.execute(f"PRAGMA {pragma}").fetchall()
    db.executescript(script)
    return db


def many(count: int) -> str:
    return "BEGIN;" + "".join(f"CREATE TABLE m{i} (id INTEGER PRIMARY KEY, a TEXT UNIQUE);" for i in range(count)) + "COMMIT;"


def both(path: Path, changed: set[str] | None = None) -> tuple[list[Object], list[Object]]:
    """Return the objects of some tables, or of all, as they are read when those changed, and as they are in the whole schema."""
    options = sqlite_options(path)

    def read(picture: Picture) -> tuple[list[Object], list[Object]]:
        with opened(options, picture, time.monotonic() + 20) as connection:
            whole = inspect(connection).objects
            known = {
                root: text if changed is not None and root not in changed else "" for root, text in Texts(connection).digests().items()
            }
        found = collect._read_what_changed(options, picture, known, time.monotonic() + 20)
        assert found is not None
        return sorted(found[2]), sorted(o for o in whole if changed is None or (o.parent or o.name) in changed)

    return read_picture(path, read, time.monotonic() + 30)


@pytest.fixture
def excerpts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether what was asked for fitted on a page, for each time."""
    found: list[bool] = []

    def noting(*args: Any) -> Excerpt | None:
        made = excerpt(*args)
        found.append(made is not None)
        return made

    monkeypatch.setattr(collect, "excerpt", noting)
    return found


@pytest.mark.parametrize("size", [512, 4096, 65536])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_all_of_a_schema_with_odd_tables(tmp_path: Path, size: int, encoding: str, mode: str, excerpts: list[bool]) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(
        made(path, ODD, f"page_size = {size}", f"encoding = '{encoding}'", "auto_vacuum = full", f"journal_mode = {mode}")
    ):
        some, whole = both(path)
        assert some == whole
        assert {o.kind for o in whole} == {"table", "column", "index", "constraint", "trigger"}
        assert not any("found_" in o.name for o in some if o.kind == "table"), "a shadow table is taken for one of the application's"
        assert excerpts == [size >= 4096]


@pytest.mark.parametrize("table", ["plain", "O'dd.näme", "Child", "found"])
def test_one_table_of_a_thousand(tmp_path: Path, table: str, excerpts: list[bool]) -> None:
    path = tmp_path / "app.db"
    made(path, many(500) + ODD + many(1000).replace(" m", " n")).close()
    some, whole = both(path, {table})
    assert some == whole
    assert any(o.name == table for o in some)
    assert excerpts == [True]


def test_list_of_a_schema_is_what_sqlite_keeps(tmp_path: Path) -> None:
    """On one page, and on many below the first; the page in which SQLite locks is never taken."""
    for count in (0, 1, 3, 1000):
        path = tmp_path / f"{count}.db"
        with contextlib.closing(made(path, many(count) + "CREATE TABLE last (a); DROP TABLE last;")) as db:
            kept = db.execute("SELECT * FROM sqlite_schema").fetchall()

        def read(picture: Picture) -> list[Any]:
            listed = listing(picture)
            assert listed is not None
            with opened(sqlite_options(path), listed, time.monotonic() + 20) as connection:  # noqa: B023 -- called at once
                assert connection.execute("PRAGMA quick_check").fetchall()[0][0]
                return connection.execute("SELECT * FROM listing").fetchall()  # type: ignore[no-any-return]

        assert read_picture(path, read, time.monotonic() + 20) == kept


def test_file_without_a_page_has_no_list(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    path.touch()
    assert read_picture(path, listing, time.monotonic() + 5) is None


def test_changes_are_told_as_before_with_views_and_without(tmp_path: Path, excerpts: list[bool]) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(made(path, many(300), "journal_mode = wal")) as db, Watch(sqlite_options(path), tmp_path / "state") as watch:

        def told(script: str) -> list[str]:
            db.executescript(script)
            return sorted(said(watch.check()))

        watch.check()
        assert told("ALTER TABLE m7 ADD COLUMN b; DROP TABLE m8;") == ["column m7.b added safe", "table m8 dropped destructive"]
        assert told("CREATE VIEW v AS SELECT a FROM m9") == ["view v added safe"]
        assert told("ALTER TABLE m9 RENAME COLUMN a TO z") == ["column m9.a renamed breaking"]  # which the view follows
        assert told("DROP VIEW v; CREATE INDEX i ON m1 (a)") == ["index m1.i added safe", "view v dropped breaking"]
        assert excerpts == [True, True]
        many_told = told("".join(f"ALTER TABLE m{i} ADD COLUMN c;" for i in range(100, 200)))
        assert many_told == sorted(f"column m{i}.c added safe" for i in range(100, 200))
        assert excerpts == [True, True, False]
        assert watch.record("schema").error is None


def test_session_reads_the_whole_schema_for_commands(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    made(path, ODD).close()
    ((_, schema),) = collect.schemas(SqliteSession(sqlite_options(path)), time.monotonic() + 20)
    assert schema.counts()["table"] == 4
