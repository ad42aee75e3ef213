"""Files of expected schemas that somebody has spoiled: what is wrong in them is told, and schemas are watched as before."""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from duckdb_app import duckdb_options
from tocsin.schema import drift
from watching import Page, Watch, said, sqlite_options

Json = Any


def execute(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(script)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    execute(path, "CREATE TABLE t (a int, b text)")
    (tmp_path / "tocsin.yaml").write_text(f"state_dir: {tmp_path}/state\ntargets: [{{name: app, kind: sqlite, path: app.db}}]\n")
    return path


def written(app: Path) -> Json:
    with Watch(sqlite_options(app), app.with_name("another")) as watch:
        watch.check()
    done = tocsin(app, "export", "app")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tocsin(app: Path, *args: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tocsin.cli", "schema", *args, "--config", "tocsin.yaml"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=app.parent)


def in_object(kind: str, /, **values: Json) -> Callable[[Json], str]:
    def spoil(found: Json) -> str:
        found = copy.deepcopy(found)
        next(o for o in found["databases"]["main"]["objects"] if o["kind"] == kind).update(values)
        return json.dumps(found)

    return spoil


def in_database(**values: Json) -> Callable[[Json], str]:
    return lambda found: json.dumps(found | {"databases": {"main": found["databases"]["main"] | values}})


def in_file(**values: Json) -> Callable[[Json], str]:
    return lambda found: json.dumps(found | values)


def text(content: str) -> Callable[[Json], str]:
    return lambda _: content


def twice(words: str, instead: str) -> Callable[[Json], str]:
    return lambda found: json.dumps(found).replace(words, instead)


def twice_in_objects(found: Json) -> str:
    objects = found["databases"]["main"]["objects"]
    return in_database(objects=[*objects, objects[1] | {"type": "text"}])(found)


SPOILED = [
    (in_object("column", type=5), "`type` of object 2 of database main, column a is 5, and not text"),
    (in_object("column", type=["a"]), 'is ["a"], and not text'),
    (in_object("column", nullable=True), "`nullable` of object 2 of database main, column a is true, and not text"),
    (in_object("table", name=5), "`name` of object 1 of database main is 5, and not text"),
    (in_object("table", name=None), "`name` of object 1 of database main is null, and not text"),
    (in_object("table", name=""), "object 1 of database main, table : its name is empty"),
    (in_object("table", name="\ud800"), "`name` of object 1 of database main is no text: surrogates not allowed"),
    (in_object("column", parent=5), "`parent` of object 2 of database main, column a is 5, and not text"),
    (in_object("column", kind=["column"]), '`kind` of object 2 of database main is ["column"], and not text'),
    (in_object("column", generated_name=1), "`generated_name` of object 2 of database main, column a is 1, and not true or false"),
    (in_database(server=None), "`server` of database main is null, and not text"),
    (in_database(objects=None), "`objects` of database main is null, and not a list"),
    (in_database(objects=["x"]), 'object 1 of database main is "x", and not an object'),
    (in_database(objects=[{"kind": "table"}]), "object 1 of database main has no `name`"),
    (in_file(kinds=[1]), "a kind in `kinds` is 1, and not text"),
    (in_file(kinds="table"), '`kinds` of the file is "table", and not a list'),
    (in_file(databases=[]), "`databases` of the file is [], and not an object"),
    (in_file(format=True), "`format` of the file is true, and not a number"),
    (text("[" * 100_000), "is not JSON"),
    (text('{"format": 1, "kinds": ' + "[" * 990 + "]" * 990 + "}"), "app.json is not"),
    (in_file(kinds=[]), "`kinds` of the file is empty"),
    (in_file(kinds=["table", "column", "table"]), "app.json: the kind table stands twice in `kinds`: take one of the two out"),
    (twice_in_objects, "app.json: column t.a stands twice in database main, as object 2 and as object 4: take one of the two out"),
    (twice('"name": "a"', '"name": "a", "name": "z"'), 'app.json: "name" of column z stands twice in one object: take one of the two out'),
    (twice('"databases": {', '"databases": {"main": {"server": "sqlite 3", "objects": []}, '), '"main" stands twice in one object'),
    (text("null"), "the file is null, and not an object"),
    (text(""), "is not JSON"),
    (text("\x00\x01"), "is not JSON"),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILED)
def test_spoiled_file_is_told_and_does_not_stop_the_watching(
    app: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Json], str], words: str
) -> None:
    path = app.with_name("app.json")
    path.write_text(spoil(written(app)))
    with Watch(sqlite_options(app, expected=path), app.with_name("state")) as watch:
        assert watch.check() == []
        assert watch.page().value("tocsin_schema_expected_readable") == 0
        assert words in caplog.text
        execute(app, "ALTER TABLE t ADD COLUMN c int")
        assert said(watch.check()) == ["column t.c added safe"]
        assert watch.record("schema").success
    done = tocsin(app, "diff", "app.json", "app")
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "app.json" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        in_object("column", type=None),
        in_object("table", form=None, options=None),
        in_object("column", parent="nope"),
        in_object("table", name="t\n\0"),
    ],
)
def test_file_that_is_odd_and_no_more_is_compared(app: Path, spoil: Callable[[Json], str]) -> None:
    path = app.with_name("app.json")
    path.write_text(spoil(written(app)))
    with Watch(sqlite_options(app, expected=path), app.with_name("state")) as watch:
        watch.check()
        page = watch.page()
        assert page.value("tocsin_schema_expected_readable") == 1
        assert drifts(page)
    done = tocsin(app, "diff", "app.json", "app")
    assert (done.returncode, done.stderr) == (1, "")


def test_byte_order_mark_is_no_mistake(app: Path) -> None:
    path = app.with_name("app.json")
    path.write_text(json.dumps(written(app)), "utf-8-sig")
    assert drift.read(path).schemas.keys() == {"main"}
    assert tocsin(app, "diff", "app.json", "app").returncode == 0


def drifts(page: Page) -> set[tuple[str, str, str]]:
    return {(o["object_kind"], o["object"], o["drift"]) for o, _ in page.all("tocsin_schema_drift_object")}


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_file_of_another_database_is_no_agreement(app: Path, caplog: pytest.LogCaptureFixture, engine: str) -> None:
    path = app.with_name("app.json")
    one = written(app)["databases"]["main"]
    path.write_text(json.dumps({"format": 1, "kinds": ["table"], "databases": {"elsewhere": one}}))
    if engine == "duckdb":
        with duckdb.connect(str(app.with_name("lake.duckdb"))) as connection:
            connection.execute("CREATE TABLE t (a int)")
        options: Any = duckdb_options(app.with_name("lake.duckdb"), expected=path)
    else:
        options = sqlite_options(app, expected=path)
    with Watch(options, app.with_name("state")) as watch:
        watch.check()
        page = watch.page()
    database = {"sqlite": "main", "duckdb": "lake"}[engine]
    assert drifts(page) == {("database", "elsewhere", "missing")}
    assert page.value("tocsin_schema_drift", database=database, object_kind="database", drift="missing") == 1
    assert f"app.json is of elsewhere, and not of {database}" in caplog.text
    assert page.value("tocsin_schema_expected_readable") == 1


def test_file_of_no_database_is_told(app: Path) -> None:
    path = app.with_name("app.json")
    path.write_text('{"format": 1, "kinds": ["table"], "databases": {}}')
    with Watch(sqlite_options(app, expected=path), app.with_name("state")) as watch:
        watch.check()
        assert watch.page().value("tocsin_schema_expected_readable") == 0
