"""What MySQL and MariaDB spell differently becomes one, and what only looks different stays silent."""

from __future__ import annotations

import pytest

from tocsin.schema.model import Object
from tocsin.sources.mysql.definitions import Row, column_type, expression_text, objects, utf8mb3

NOTHING: dict[str, list[Row]] = {
    question: []
    for question in (
        "tables", "columns", "indexes", "references", "rules", "checks", "partitions", "views", "routines", "parameters", "triggers",
        "events", "sequences", "grants",
    )
}  # fmt: skip
TABLE: Row = ("t", "BASE TABLE", "InnoDB", "utf8mb4_bin", "", "", None)


def column(*, mariadb: bool, default: str | None = None, type_: str = "int", extra: str = "", expression: str | None = None) -> Object:
    row: Row = ("t", "c", "1", default, "YES", type_, None, extra, "", expression, None)
    found = [o for o in objects(NOTHING | {"tables": [TABLE], "columns": [row]}, "shop", mariadb) if o.kind == "column"]
    return found[0]


@pytest.mark.parametrize(
    ("type_", "on_mariadb", "on_mysql", "extra", "expected"),
    [
        ("int", "NULL", None, "", None), ("int", None, None, "", None), ("int", "5", "5", "", "5"),
        ("decimal(4,2)", "1.50", "1.50", "", "1.50"),
        ("varchar(9)", "'x'", "x", "", "'x'"), ("varchar(9)", "'it''s'", "it's", "", "'it''s'"), ("varchar(9)", "''", "", "", "''"),
        ("varchar(9)", "'NULL'", "NULL", "", "'NULL'"), ("date", "'2026-01-01'", "2026-01-01", "", "'2026-01-01'"),
        ("enum('a','b')", "'a'", "a", "", "'a'"), ("bit(3)", "b'101'", "b'101'", "", "b'101'"),
        ("datetime", "current_timestamp()", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED", "CURRENT_TIMESTAMP"),
        ("datetime(3)", "current_timestamp(3)", "CURRENT_TIMESTAMP(3)", "DEFAULT_GENERATED", "CURRENT_TIMESTAMP(3)"),
        ("date", "curdate()", "curdate()", "DEFAULT_GENERATED", "curdate()"),
        ("varchar(9)", "concat('a','b')", "concat(_utf8mb4\\'a\\',_latin1\\'b\\')", "DEFAULT_GENERATED", "concat('a','b')"),
    ],
)  # fmt: skip
def test_defaults(type_: str, on_mariadb: str | None, on_mysql: str | None, extra: str, expected: str | None) -> None:
    assert column(mariadb=True, default=on_mariadb, type_=type_).trait("default") == expected
    assert column(mariadb=False, default=on_mysql, type_=type_, extra=extra).trait("default") == expected


def test_generated_columns_have_no_default() -> None:
    one = column(mariadb=True, default="NULL", extra="STORED GENERATED", expression="`a` + 1")
    other = column(mariadb=False, extra="STORED GENERATED", expression="(`a` + 1)")
    assert one.traits == other.traits
    assert (one.trait("generated"), one.trait("default")) == ("GENERATED ALWAYS AS (`a` + 1) STORED", None)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("int(11)", "int"), ("int", "int"), ("bigint(20) unsigned", "bigint unsigned"), ("year(4)", "year"), ("tinyint(4)", "tinyint"),
        ("tinyint(1)", "tinyint(1)"), ("tinyint(1) unsigned", "tinyint unsigned"), ("int(5) unsigned zerofill", "int(5) unsigned zerofill"),
        ("decimal(10,2)", "decimal(10,2)"), ("varchar(5) /*M!100301 COMPRESSED*/", "varchar(5) COMPRESSED"),
        ("enum('int(11)')", "enum('int(11)')"),
    ],
)  # fmt: skip
def test_types(shown: str, expected: str) -> None:
    assert column_type(shown) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("(`a` > 0)", "`a` > 0"), ("(`a`) + (`b`)", "(`a`) + (`b`)"), ("(`a)` > 0)", "`a)` > 0"), ("(`a` = ')')", "`a` = ')'"),
        ("f(`a`)", "f(`a`)"), ("(_utf8mb4'x' = `_utf8mb4`)", "'x' = `_utf8mb4`"),
    ],
)  # fmt: skip
def test_expressions(shown: str, expected: str) -> None:
    assert expression_text(shown) == expected


def test_old_name_of_a_character_set() -> None:
    assert [utf8mb3(c) for c in ("utf8_general_ci", "utf8mb3_general_ci", "utf8mb4_bin", None)] == [
        "utf8mb3_general_ci", "utf8mb3_general_ci", "utf8mb4_bin", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select `shop`.`t`.`a` AS `a` from `shop`.`t`", "select `t`.`a` AS `a` from `t`"),
        ("select '`shop`.`t`' AS `a` from `other`.`t`", "select '`shop`.`t`' AS `a` from `other`.`t`"),
        ("select `shop`.`shop`.`shop` AS `shop` from `shop`.`shop`", "select `shop`.`shop` AS `shop` from `shop`"),
        (r"select 'it\'s `shop`.' AS `a` from `shop`.`t`", r"select 'it\'s `shop`.' AS `a` from `t`"),
    ],
)
def test_view_does_not_name_its_own_database(text: str, expected: str) -> None:
    rows = NOTHING | {"views": [("v", text, "NONE", "root@localhost", "DEFINER", None)]}
    (view,) = objects(rows, "shop", mariadb=True)
    assert view.trait("definition") == expected


def test_grants_are_one_line_an_object() -> None:
    rows: list[Row] = [
        ("table", "t", None, "'b'@'%'", "SELECT", "NO"),
        ("table", "t", None, "'a'@'10.%'", "SELECT", "YES"),
        ("table", "t", None, "'a'@'10.%'", "DELETE", "YES"),
        ("column", "t", "c", "'b'@'%'", "UPDATE", "NO"),
        ("database", None, None, "'PUBLIC'@''", "SELECT", "NO"),
        ("procedure", "p", None, "b@%", "Execute,Alter Routine,Grant", "YES"),
    ]
    found = {o.full_name: o.traits[0] for o in objects(NOTHING | {"grants": rows}, "shop", mariadb=True)}
    assert found == {
        "t": "a@10.%=DELETE*, SELECT*; b@%=SELECT", "t.c": "b@%=UPDATE", "database": "PUBLIC=SELECT",
        "procedure p": "b@%=ALTER ROUTINE*, EXECUTE*",
    }  # fmt: skip
