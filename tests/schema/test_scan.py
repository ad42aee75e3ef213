"""The scan of source trees: one file a case, with what must be found on the lines where it stands."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

import pytest

from tocsin.scan.catalogue import Catalogue
from tocsin.scan.scan import Report, scan
from tocsin.scan.tree import LARGEST
from tocsin.schema.model import TRAITS, Object, Schema

FOLDER = Path(__file__).parent / "scan"
CASES = sorted(FOLDER.iterdir())
TABLES = {
    "orders": ("id", "email", "total", "customer_id", "created_at", "Mixed"),
    "customers": ("id", "name", "region"),
    "order_items": ("order_id", "sku", "qty"),
}
VIEWS = {"open_orders": "id integer, email text, total numeric(10,2)", "daily": "day date", "opaque": None}
_EXPECT = re.compile(r"expect: (table|column) (\S+)(?: -> (\S+))?")
_DIALECT = re.compile(r"dialect: (\w+)")


def root(kind: str, name: str, **traits: str | None) -> Object:
    return Object(kind, "", name, tuple(traits.get(trait) for trait in TRAITS[kind]))


def catalogue(dialect: str, **more: tuple[str, ...]) -> Catalogue:
    prefix = {"postgres": "public.", "duckdb": "main."}.get(dialect, "")
    objects = []
    for name, columns in {**{prefix + n: c for n, c in TABLES.items()}, "billing.invoices": ("id", "amount"), **more}.items():
        if prefix or "." not in name:
            objects.append(root("table", name))
            objects += [Object("column", name, c, ("text", "yes", None, None, None, None)) for c in columns]
    for name, columns in VIEWS.items():
        objects.append(root("materialized view" if name == "daily" else "view", prefix + name, columns=columns))
    database = "main" if dialect == "sqlite" else "shop"
    return Catalogue([(database, Schema(f"{dialect} 15", tuple(objects)))])


def found(report: Report) -> list[tuple[int, str, str, str | None]]:
    return sorted((f.line, f.what, f.name, f.suggestion) for f in report.findings)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_case(path: Path) -> None:
    text = path.read_text("utf-8")
    dialect = _DIALECT.search(text)
    expected = [(n, *m.groups()) for n, line in enumerate(text.splitlines(), 1) for m in _EXPECT.finditer(line)]
    report = scan(path, catalogue(dialect[1] if dialect else "postgres"))
    assert found(report) == sorted(expected)
    assert report.skipped == []


def test_there_are_cases_for_every_language() -> None:
    assert len(CASES) >= 40


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py").replace("_sql", ".sql")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_what_another_file_creates_and_the_schema_lacks_is_told_with_where(tmp_path: Path) -> None:
    write(tmp_path, migrations__001_sql="CREATE TABLE parcels (id integer);", app_py='db.execute("SELECT id FROM parcels")\n')
    (finding,) = scan(tmp_path, catalogue("postgres")).findings
    assert finding.created == f"{tmp_path}/migrations/001.sql:1"
    assert "parcels does not exist" in finding.message
    assert "001.sql:1 creates it" in finding.message


def test_migrations_speak_of_what_was_and_are_looked_through_only_on_request(tmp_path: Path) -> None:
    write(tmp_path, db__migrate__002_sql="UPDATE orders SET old_name = 1;", alembic__versions__a_py='op.execute("DELETE FROM gone")\n')
    report = scan(tmp_path, catalogue("postgres"))
    assert (report.findings, report.migrations, report.files) == ([], 2, 2)
    assert [f.name for f in scan(tmp_path, catalogue("postgres"), migrations=True).findings] == ["gone", "public.orders.old_name"]


def test_hidden_and_vendored_folders_links_and_unreadable_files_are_left_out_and_said(tmp_path: Path) -> None:
    bad = 'db.execute("SELECT 1 FROM nowhere")\n'
    for folder in (".git", ".venv", "node_modules", "vendor", "src/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text(bad)
    (tmp_path / "src" / "loop").symlink_to(tmp_path)
    (tmp_path / "src" / "dangling.py").symlink_to(tmp_path / "none")
    (tmp_path / "src" / "latin.py").write_bytes(b"# \xe9\n")
    (tmp_path / "src" / "old.py").write_text('print "SELECT a FROM b"\n')
    (tmp_path / "src" / "large.sql").write_bytes(b"-" * (LARGEST + 1))
    os.mkfifo(tmp_path / "src" / "pipe.sql")
    report = scan(tmp_path, catalogue("postgres"))
    assert report.findings == []
    assert report.folders_left_out == {".git": 1, ".venv": 1, "__pycache__": 1, "node_modules": 1, "vendor": 1}
    said = {Path(path).name: why for path, why in report.skipped}
    assert said.keys() == {"loop", "dangling.py", "latin.py", "old.py", "large.sql", "pipe.sql"}
    assert "link" in said["loop"]
    assert "UTF-8" in said["latin.py"]
    assert "larger" in said["large.sql"]


def test_a_folder_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, vendor__a_py='db.execute("SELECT 1 FROM nowhere")\n')
    assert len(scan(tmp_path / "vendor", catalogue("postgres")).findings) == 1


def test_several_databases_miss_a_name_only_when_none_has_it() -> None:
    def one(name: str, *columns: str) -> Schema:
        return Schema("mysql 8", (root("table", name), *(Object("column", name, c, (None,) * 6) for c in columns)))

    both = Catalogue([("shop", one("orders", "id")), ("lake", one("orders", "email"))])
    assert both.dialect == "mysql"
    assert {c for r in both.find("", "orders") or () for c in r.columns or ()} == {"id", "email"}
    assert [r.columns for r in both.find("lake", "orders") or ()] == [{"email"}]
    assert both.find("", "nothing") is None


def test_statements_that_nest_deeply_do_no_harm(tmp_path: Path) -> None:
    deep = "SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM orders"
    wide = "SELECT id FROM orders WHERE " + " OR ".join(f"id = {n}" for n in range(3000))
    write(tmp_path, a_sql=f"{deep};\n{wide};\nSELECT 1 FROM nowhere;\n")
    write(tmp_path, b_py=f"x = {'(' * 150}1{')' * 150}\ny = {' + '.join(['1'] * 5000)}\n")
    report = scan(tmp_path, catalogue("postgres"))
    assert [f.name for f in report.findings] == ["nowhere"]


@pytest.mark.parametrize("folder", ["exporter", "tests/schema/cases"])
def test_code_that_speaks_to_system_catalogues_and_its_own_tables_has_no_findings(folder: str) -> None:
    """Some hundred statements as people write them, most of them harder than an application's."""
    report = scan(Path(__file__).parents[2] / folder, catalogue("postgres"))
    # Our journal's tables are made in one file and used in another: of those a server that is not SQLite rightly has none.
    assert [f.message for f in report.findings if "journal_tables.py" not in f.message] == []
    assert report.statements > 150
    assert report.undecided < report.statements / 5


def test_every_column_of_a_real_database_is_known(tmp_path: Path) -> None:
    """SQLite itself judges the statements of the cases that are said to be right."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as db:
        for name, columns in TABLES.items():
            db.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        for statement in (
            "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id",
            "WITH x AS (SELECT id AS a FROM orders) SELECT a FROM x",
            "SELECT (SELECT max(total) FROM orders WHERE customer_id = c.id) FROM customers c ORDER BY region",
            "UPDATE orders SET total = 1 WHERE id IN (SELECT order_id FROM order_items)",
            "SELECT count(*) AS n, customer_id FROM orders GROUP BY customer_id HAVING n > 1",
            "SELECT id FROM orders WHERE nope = 1",
            "SELECT c.nope FROM orders AS c",
            "WITH x AS (SELECT id AS a FROM orders) SELECT id FROM x",
            "DELETE FROM nope",
        ):
            try:
                db.execute(f"EXPLAIN {statement}")
                wrong = False
            except sqlite3.OperationalError:
                wrong = True
            (tmp_path / "a.sql").write_text(statement)
            assert bool(scan(tmp_path / "a.sql", catalogue("sqlite")).findings) is wrong, statement
