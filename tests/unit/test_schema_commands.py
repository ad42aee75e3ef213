"""`tocsin schema ...` as a shell and a pipeline see it: what is printed, what is written, and with what status each ends."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import Postgres, get, until
from servers import tocsin as serving
from tocsin import schemas
from tocsin.errors import SetupError
from tocsin.schema import drift
from tocsin.schema.model import Object, Schema

TABLES = """
    CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT NOT NULL DEFAULT '', total REAL);
    CREATE INDEX by_email ON orders (email);
"""


def run(folder: Path, *args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder, and fail on anything that looks like a traceback."""
    argv = [sys.executable, "-m", "tocsin.cli", "schema", *map(str, args)]
    everything = {**os.environ, "TOCSIN_CONFIG": str(folder / "tocsin.yaml"), **environment}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=folder, env=everything)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def execute(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(script)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    execute(tmp_path / "app.db", TABLES)
    execute(tmp_path / "copy.db", TABLES)
    (tmp_path / "tocsin.yaml").write_text(f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {tmp_path}/state
targets:
  - {{name: app, kind: sqlite, path: app.db, expected: app.json, every: {{schema: 100ms}}}}
  - {{name: copy, kind: sqlite, path: copy.db}}
  - {{name: gone, kind: sqlite, path: none.db}}
""")
    return tmp_path


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Path, str, str]]:
    """A configuration with one target of two databases, and their names."""
    names = (f"t_{uuid.uuid4().hex[:8]}_a", f"t_{uuid.uuid4().hex[:8]}_b")
    for name in names:
        postgres.execute(f"CREATE DATABASE {name}")
        postgres.execute(
            "CREATE TABLE orders (id int PRIMARY KEY, email text)", "CREATE VIEW emails AS SELECT email FROM orders", database=name
        )
    (tmp_path / "tocsin.yaml").write_text(
        f"targets:\n  - {{name: pg, kind: postgres, dsn: '{postgres.dsn()}', databases: {{include: ['^({'|'.join(names)})$']}},"
        " expected: pg.json}\n"
    )
    yield tmp_path, *names
    for name in names:
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


# show


def test_show_prints_tables_with_what_belongs_to_them(folder: Path) -> None:
    done = run(folder, "show", "app")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "database main (sqlite 3)"
    assert lines[1].startswith("fingerprint ")
    assert "1 table" in lines[2]
    assert "3 column" in lines[2]
    at = lines.index("table orders")
    assert lines[at + 1 : at + 4] == ["    id INTEGER", "    email TEXT NOT NULL DEFAULT ''", "    total REAL"]
    assert any("index by_email" in line for line in lines[at:])


def test_show_gives_some_kinds_alone_and_json(folder: Path) -> None:
    done = run(folder, "show", "app", "--kind", "index")
    assert "by_email" in done.stdout
    assert "email TEXT" not in done.stdout
    found = json.loads(run(folder, "show", "app", "--json", "--kind", "column").stdout)["databases"]["main"]
    assert found["server"] == "sqlite 3"
    assert len(found["fingerprint"]) == 64
    assert [o["name"] for o in found["objects"]] == ["email", "id", "total"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["show", "nobody"], "there are: app, copy, gone"),
        (["show", "app", "--kind", "tabel"], "there are: database, schema, table"),
        (["show", "app", "--database", "x"], "there are: main"),
        (["show", "gone"], "none.db"),
        (["show", "app", "--timeout", "soon"], "timeout"),
        (["diff", "app", "nothing.json"], "neither a target nor a file"),
        (["diff", "app", "tocsin.yaml"], "not JSON"),
        (["diff", "app", "copy", "--ignore", "tabel"], "there are:"),
        (["accept", "copy"], "no `expected:` file"),
        (["scan", "."], "either --target"),
        (["scan", "none", "--target", "app"], "does not exist"),
        (["scan", ".", "--schema", "none.json"], "neither a target nor a file"),
        (["export", "app", "-o", "none/a.json"], "cannot be written"),
    ],
)
def test_an_error_names_the_thing_and_the_remedy_and_ends_with_2(folder: Path, args: list[str], words: str) -> None:
    done = run(folder, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_wrong_configuration_ends_with_2(folder: Path) -> None:
    (folder / "tocsin.yaml").write_text("targets: 1")
    assert run(folder, "show", "app").returncode == 2


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text("targets: [{name: pg, kind: postgres, dsn: 'postgresql://u:s3cr3t-needle@127.0.0.1:1/x'}]\n")
    done = run(tmp_path, "show", "pg", "--timeout", "5")
    assert done.returncode == 2
    assert "s3cr3t-needle" not in done.stdout + done.stderr
    assert "127.0.0.1" in done.stderr


# diff


def test_diff_of_equal_schemas_ends_with_0(folder: Path) -> None:
    done = run(folder, "diff", "app", "copy")
    assert (done.returncode, done.stdout) == (0, "no difference\n")
    assert (run(folder, "diff", "app", "copy", "--format", "json").stdout) == "[]\n"


def test_diff_tells_change_risk_reason_and_both_definitions_and_ends_with_1(folder: Path) -> None:
    execute(folder / "copy.db", "ALTER TABLE orders DROP COLUMN total; DROP INDEX by_email;")
    done = run(folder, "diff", "app", "copy")
    assert done.returncode == 1
    assert "column orders.total dropped (destructive): its values are gone" in done.stdout
    assert "  - total REAL" in done.stdout
    assert "2 differences: 1 destructive, 1 cautious" in done.stdout
    back = run(folder, "diff", "copy", "app", "--format", "json")
    assert {(d["object"], d["change"], d["risk"], d["new"] is not None) for d in json.loads(back.stdout)} == {
        ("orders.total", "added", "safe", True),
        ("orders.by_email", "added", "safe", True),
    }
    less = run(folder, "diff", "app", "copy", "--ignore", "index")
    assert (less.returncode, "by_email" in less.stdout) == (1, False)
    assert run(folder, "diff", "app", "copy", "--ignore", "index", "--ignore", "column").returncode == 0


def test_diff_compares_with_a_file_in_the_kinds_that_it_speaks_of(folder: Path) -> None:
    assert run(folder, "export", "app", "-o", "tables.json", "--kind", "table", "--kind", "column").returncode == 0
    execute(folder / "app.db", "DROP INDEX by_email;")
    assert run(folder, "diff", "tables.json", "app").returncode == 0
    execute(folder / "app.db", "ALTER TABLE orders ADD COLUMN note TEXT;")
    assert "orders.note added" in run(folder, "diff", "tables.json", "app").stdout
    assert "orders.note dropped" in run(folder, "diff", "app", "tables.json").stdout
    assert run(folder, "diff", "tables.json", "tables.json", TOCSIN_CONFIG="").returncode == 0, "two files need no configuration"


def test_diff_of_databases_on_a_real_server(server: tuple[Path, str, str], postgres: Postgres) -> None:
    folder, a, b = server
    same = run(folder, "diff", "pg", "pg", "--database", f"{a}={b}")
    assert (same.returncode, same.stdout) == (0, "no difference\n"), same.stdout + same.stderr
    postgres.execute("ALTER TABLE orders ALTER COLUMN id TYPE bigint", database=b)
    done = run(folder, "diff", "pg", "pg", "--database", f"{a}={b}")
    assert done.returncode == 1
    assert "column public.orders.id altered (safe): every old value fits the wider type" in done.stdout
    assert run(folder, "diff", "pg", "pg").returncode == 0
    assert run(folder, "export", "pg", "-o", "one.json", "--database", a).returncode == 0
    missing = run(folder, "diff", "pg", "one.json")
    assert missing.returncode == 1
    assert f"database {b} dropped" in missing.stdout


def test_databases_of_different_engines_are_not_compared(folder: Path, postgres: Postgres, database: str) -> None:
    with (folder / "tocsin.yaml").open("a") as file:
        file.write(f"  - {{name: pg, kind: postgres, dsn: '{postgres.dsn(database)}', databases: {{include: ['^{database}$']}}}}\n")
    assert run(folder, "export", "pg", "-o", "pg.json").returncode == 0
    for new in ("pg", "pg.json"):
        done = run(folder, "diff", "app", new)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"main of app is sqlite 3, {database} of {new} is postgres {postgres.major}: engines describe" in done.stderr


def test_targets_of_different_engines_are_not_compared_where_no_name_is_on_both_sides(
    folder: Path, server: tuple[Path, str, str], postgres: Postgres
) -> None:
    there = server[0]
    with (there / "tocsin.yaml").open("a") as file:
        file.write(f"  - {{name: lite, kind: sqlite, path: '{folder / 'app.db'}'}}\n")
    for sides in (("pg", "lite"), ("lite", "pg")):
        done = run(there, "diff", *sides)
        assert (done.returncode, done.stdout) == (2, "")
        assert "engines describe the same objects in other words" in done.stderr


def test_diff_warns_when_the_servers_are_of_different_major_versions(folder: Path) -> None:
    assert run(folder, "export", "app", "-o", "a.json").returncode == 0
    path = folder / "a.json"
    path.write_text(path.read_text().replace("sqlite 3", "sqlite 4"))
    done = run(folder, "diff", "app", "a.json")
    assert (done.returncode, done.stdout) == (0, "no difference\n")
    assert "warning: app is sqlite 3, a.json is sqlite 4: the same objects may be described in other words" in done.stderr


def test_file_of_another_database_is_no_agreement_unless_it_is_said_to_be_the_same(folder: Path) -> None:
    assert run(folder, "export", "app", "-o", "a.json").returncode == 0
    path = folder / "a.json"
    path.write_text(path.read_text().replace('"main"', '"shop"'))
    for old, new in (("app", "a.json"), ("a.json", "app")):
        done = run(folder, "diff", old, new)
        names = ("main", "shop") if old == "app" else ("shop", "main")
        assert done.returncode == 1
        assert done.stdout.startswith("database {} renamed to {}".format(*names))
        assert f"warning: {old} speaks of {names[0]}, {new} of {names[1]}; " in done.stderr
        assert "--database {}={}".format(*names) in done.stderr
        done = run(folder, "diff", old, new, "--database", "{}={}".format(*names))
        assert (done.returncode, done.stdout, done.stderr) == (0, "no difference\n", "")


# export and accept


def test_an_exported_file_reads_back_and_is_not_overwritten_unasked(folder: Path) -> None:
    assert run(folder, "export", "app", "-o", "a.json").returncode == 0
    first = (folder / "a.json").read_text()
    assert drift.read(folder / "a.json").kinds == set(drift.DEFAULT_KINDS)
    assert run(folder, "export", "app").stdout == first
    execute(folder / "app.db", "CREATE TABLE more (id INTEGER);")
    done = run(folder, "export", "app", "-o", "a.json")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (folder / "a.json").read_text() == first
    assert run(folder, "export", "app", "-o", "a.json", "--force").returncode == 0
    assert "more" in (folder / "a.json").read_text()
    assert sorted(p.name for p in folder.iterdir() if "part" in p.name) == []


def test_accept_writes_what_is_and_shows_what_changes(folder: Path) -> None:
    dry = run(folder, "accept", "app", "--dry-run")
    assert (dry.returncode, (folder / "app.json").exists()) == (0, False)
    assert run(folder, "accept", "app").returncode == 0
    assert run(folder, "diff", "app.json", "app").returncode == 0
    execute(folder / "app.db", "ALTER TABLE orders DROP COLUMN total;")
    before = (folder / "app.json").read_text()
    dry = run(folder, "accept", "app", "--dry-run")
    assert "orders.total dropped (destructive)" in dry.stdout
    assert (folder / "app.json").read_text() == before
    assert run(folder, "accept", "app").stdout == dry.stdout
    assert run(folder, "diff", "app.json", "app").returncode == 0
    again = run(folder, "accept", "app")
    assert (again.returncode, again.stdout) == (0, "no difference\n")
    assert "stays as it is" in again.stderr


def test_accept_keeps_the_files_kinds_its_mode_and_the_link_to_it(folder: Path) -> None:
    assert run(folder, "export", "app", "-o", "real.json", "--kind", "table").returncode == 0
    (folder / "real.json").chmod(0o640)
    (folder / "app.json").symlink_to("real.json")
    execute(folder / "app.db", "CREATE TABLE more (id INTEGER);")
    assert run(folder, "accept", "app").returncode == 0
    assert (folder / "app.json").is_symlink()
    assert (folder / "real.json").stat().st_mode & 0o777 == 0o640
    found = drift.read(folder / "real.json")
    assert found.kinds == {"table"}
    assert [o.name for o in found.schemas["main"].objects] == ["more", "orders"]


def test_accept_of_one_database_leaves_the_others_as_they_are_expected(server: tuple[Path, str, str], postgres: Postgres) -> None:
    folder, a, b = server
    assert run(folder, "accept", "pg").returncode == 0
    for name in (a, b):
        postgres.execute("ALTER TABLE orders ADD COLUMN note text", database=name)
    done = run(folder, "accept", "pg", "--database", a)
    assert done.returncode == 0
    assert done.stdout.count("orders.note added") == 1
    left = run(folder, "diff", "pg.json", "pg", "--format", "json")
    assert [(d["database"], d["object"]) for d in json.loads(left.stdout)] == [(b, "public.orders.note")]


@pytest.fixture
def weak(server: tuple[Path, str, str], postgres: Postgres) -> Iterator[tuple[Path, str, str]]:
    """The same, with a second target `weak` whose role may not enter the second database."""
    folder, first, second = server
    role = f"weak_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"CREATE ROLE {role} LOGIN", f"REVOKE CONNECT ON DATABASE {second} FROM PUBLIC")
    with (folder / "tocsin.yaml").open("a") as file:
        file.write(
            f"  - {{name: weak, kind: postgres, dsn: '{postgres.dsn(user=role)}', expected: pg.json,\n"
            f"     databases: {{include: ['^({first}|{second})$']}}}}\n"
        )
    yield folder, first, second
    postgres.execute(f"DROP ROLE {role}")


def test_who_cannot_see_everything_says_so_and_accepts_it_only_when_told_to(weak: tuple[Path, str, str], postgres: Postgres) -> None:
    folder, first, second = weak
    done = run(folder, "accept", "pg")
    assert (done.returncode, done.stderr) == (0, f"{folder}/pg.json was written\n")
    whole = drift.read(folder / "pg.json").schemas
    assert whole.keys() == {first, second}
    hidden = f"weak cannot see the database {second}"

    for words in (["show", "weak"], ["export", "weak", "-o", "weak.json"], ["diff", "weak", "pg.json"], ["scan", ".", "--target", "weak"]):
        done = run(folder, *words)
        assert f"warning: {hidden}: " in done.stderr, words
    assert drift.read(folder / "weak.json").schemas.keys() == {first}
    assert "warning" not in run(folder, "export", "pg").stderr
    assert "cannot see the database" in run(folder, "show", "weak", "--database", second).stderr

    postgres.execute("ALTER TABLE orders ADD COLUMN note text", database=first)
    for more in ([], ["--dry-run"]):
        done = run(folder, "accept", "weak", *more)
        assert done.returncode == 2
        assert f"{hidden}: what is hidden would be expected to be absent" in done.stderr
        assert "tocsin grants postgres; or give --partial" in done.stderr
    assert drift.read(folder / "pg.json").schemas == whole
    done = run(folder, "accept", "weak", "--partial")
    assert done.returncode == 0
    assert "note" in done.stdout
    found = drift.read(folder / "pg.json").schemas
    assert found[second] == whole[second]
    assert any(o.name == "note" for o in found[first].objects)
    # What it may see is what it is asked for: nothing is hidden of that.
    assert run(folder, "accept", "weak", "--database", first).returncode == 0


def test_kinds_that_cannot_be_seen_stay_as_they_are_expected() -> None:
    def table(name: str) -> Object:
        return Object("table", "", name, ("table", None, None, None, None))

    def trigger(parent: str) -> Object:
        return Object("trigger", parent, "g", ("BEFORE INSERT", "yes"))

    routine = Object("procedure", "", "p", ("", None, "sql", None, None, None))
    known = Schema("mysql 9", (table("t"), trigger("t"), table("gone"), trigger("gone"), routine))
    seen = Schema("mysql 9", (table("t"), table("new")), frozenset({"trigger", "procedure", "view"}))
    assert set(schemas._with_hidden(seen, known).objects) == {table("t"), table("new"), trigger("t"), routine}
    assert schemas.gaps(schemas.Schemas(shop=seen), ("table", "trigger", "procedure")) == ["cannot see every procedure, trigger of shop"]
    assert schemas.gaps(schemas.Schemas(shop=seen), ("table", "column")) == []


def test_accept_does_not_write_over_a_file_that_it_cannot_read(folder: Path) -> None:
    (folder / "app.json").write_text("{half")
    done = run(folder, "accept", "app")
    assert done.returncode == 2
    assert "app.json is not JSON" in done.stderr
    assert (folder / "app.json").read_text() == "{half"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def lines() -> Iterator[str]:
        yield "new"
        raise SetupError("in the middle")

    with pytest.raises(SetupError, match="middle"):
        schemas.write(path, lines(), replace=True)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_of_many_who_write_a_new_file_one_does(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def write(text: str) -> None:
        try:
            schemas.write(tmp_path / "a.json", [text] * 1000, replace=False)
            outcomes.append(text)
        except SetupError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=write, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    won = [o for o in outcomes if o.isdecimal()]
    assert len(won) == 1
    assert (tmp_path / "a.json").read_text() == f"{won[0]}\n" * 1000


def test_the_commands_work_beside_a_running_exporter_which_sees_what_was_accepted(folder: Path) -> None:
    with serving(folder / "tocsin.yaml", folder) as (url, _):
        assert run(folder, "accept", "app").returncode == 0
        assert run(folder, "show", "app").returncode == 0
        until(lambda: "tocsin_schema_drift{" in get(f"{url}/metrics")[1])
        execute(folder / "app.db", "ALTER TABLE orders ADD COLUMN note TEXT;")
        until(lambda: 'object="orders.note"' in drifted(url))
        assert run(folder, "accept", "app").returncode == 0
        until(lambda: not drifted(url))


def drifted(url: str) -> str:
    return "".join(line for line in get(f"{url}/metrics")[1].splitlines() if line.startswith("tocsin_schema_drift_object{"))


# scan


@pytest.fixture
def sources(folder: Path) -> Path:
    (folder / "src").mkdir()
    (folder / "src" / "a,b.py").write_text('db.execute("SELECT emial FROM orders")\ndb.execute("DELETE FROM ordres")\n')
    return folder


def test_scan_tells_file_line_and_what_was_probably_meant(sources: Path) -> None:
    done = run(sources, "scan", "src", "--target", "app")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "src/a,b.py:1: column orders.emial does not exist; did you mean email?",
        "src/a,b.py:2: table ordres does not exist; did you mean orders?",
    ]
    assert "2 findings in 1 file, 2 statements checked" in done.stderr


def test_scan_needs_no_target_with_a_file_of_the_expected_schema(sources: Path) -> None:
    assert run(sources, "export", "app", "-o", "a.json").returncode == 0
    assert run(sources, "scan", "src", "--schema", "a.json", TOCSIN_CONFIG="").returncode == 1
    assert run(sources, "export", "app", "-o", "b.json", "--kind", "table").returncode == 0
    partial = run(sources, "scan", "src", "--schema", "b.json")
    assert partial.returncode == 2
    assert "says nothing of each column" in partial.stderr


def test_scan_for_programs_and_for_github(sources: Path) -> None:
    found = json.loads(run(sources, "scan", "src", "--target", "app", "--format", "json").stdout)
    assert [(f["line"], f["what"], f["name"], f["suggestion"]) for f in found["findings"]] == [
        (1, "column", "orders.emial", "email"),
        (2, "table", "ordres", "orders"),
    ]
    first = run(sources, "scan", "src", "--target", "app", "--format", "github").stdout.splitlines()[0]
    assert first == ("::error file=src/a%2Cb.py,line=1,title=tocsin schema scan::column orders.emial does not exist; did you mean email?")


def test_scan_of_right_code_ends_with_0(sources: Path) -> None:
    (sources / "src" / "a,b.py").write_text('db.execute("SELECT email FROM orders WHERE id = ?")\n')
    done = run(sources, "scan", "src", "--target", "app")
    assert (done.returncode, done.stdout) == (0, "")


def test_scan_against_a_real_server(server: tuple[Path, str, str]) -> None:
    folder, _, _ = server
    (folder / "a.sql").write_text("SELECT email FROM emails;\nSELECT emial FROM emails;\nSELECT id FROM public.ordres;\n")
    done = run(folder, "scan", "a.sql", "--target", "pg")
    assert [line.partition(" does")[0] for line in done.stdout.splitlines()] == [
        "a.sql:2: column public.emails.emial",
        "a.sql:3: table public.ordres",
    ]


def test_the_parser_is_imported_by_the_scan_alone() -> None:
    script = "import tocsin.cli, tocsin.service, tocsin.schemas, sys; print('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
