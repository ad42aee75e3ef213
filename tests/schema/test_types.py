"""How the types that only MySQL and MariaDB have compare."""

from __future__ import annotations

import pytest

from tocsin.schema.risk import type_widens
from tocsin.schema.types import UNKNOWN, bytes_per_character, widens

WIDER, NARROWER, OTHER = True, False, None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("int unsigned", "bigint", WIDER), ("int unsigned", "bigint unsigned", WIDER), ("int", "int unsigned", NARROWER),
        ("int unsigned", "int", NARROWER), ("bigint", "int unsigned", NARROWER), ("smallint unsigned", "int", WIDER),
        ("int", "int zerofill", WIDER), ("int(5) unsigned zerofill", "int unsigned", WIDER),
        ("mediumint unsigned", "int unsigned", WIDER), ("tinyint(1)", "int", OTHER), ("tinyint", "tinyint(1)", OTHER),
        ("decimal(8,2) unsigned", "decimal(10,2) unsigned", WIDER), ("decimal(8,2) unsigned", "decimal(10,2)", WIDER),
        ("decimal(8,2)", "decimal(10,2) unsigned", NARROWER), ("decimal(8,2) unsigned", "decimal(8,4) unsigned", NARROWER),
        ("float", "double", WIDER), ("double", "float", NARROWER), ("double", "double unsigned", NARROWER), ("double", "int", OTHER),
        ("datetime", "datetime(3)", WIDER), ("datetime(3)", "datetime", NARROWER), ("timestamp(6)", "timestamp(3)", NARROWER),
        ("time", "time(2)", WIDER), ("datetime", "timestamp", OTHER), ("date", "datetime", OTHER), ("char(3)", "char(5)", WIDER),
        ("char(5)", "char(3)", NARROWER), ("char(3)", "varchar(3)", WIDER), ("varchar(10)", "char(9)", NARROWER),
        ("varchar(63)", "tinytext", WIDER), ("varchar(64)", "tinytext", NARROWER), ("tinytext", "varchar(255)", WIDER),
        ("tinytext", "varchar(254)", NARROWER), ("text", "mediumtext", WIDER), ("longtext", "text", NARROWER),
        ("longtext", "varchar(9)", NARROWER), ("binary(4)", "binary(8)", NARROWER), ("binary(4)", "binary(4)", WIDER),
        ("varbinary(4)", "varbinary(8)", WIDER), ("varbinary(255)", "tinyblob", WIDER), ("varbinary(256)", "tinyblob", NARROWER),
        ("varchar(4)", "varbinary(4)", OTHER), ("enum('a','b')", "enum('a','b','c')", WIDER),
        ("enum('a','b')", "enum('b','a')", NARROWER), ("enum('a','b')", "enum('a')", NARROWER),
        ("enum('a,b','it''s')", "enum('a,b','it''s','c')", WIDER), ("enum('a')", "set('a')", OTHER), ("enum('a')", "varchar(9)", OTHER),
        ("set('a','b')", "set('a','b','c')", WIDER), ("set('a','b')", "set('b')", NARROWER),
        ("varchar(9) COMPRESSED", "varchar(9)", WIDER),
    ],
)  # fmt: skip
def test_types(old: str, new: str, expected: bool | None) -> None:
    assert widens(old, new) is expected
    assert type_widens(old.upper() if "'" not in old else old, new) is expected


@pytest.mark.parametrize(
    ("old", "new"), [("integer", "bigint"), ("text", "varchar(5)"), ("numeric(8,2)", "numeric(9,2)"), ("uuid", "text")]
)
def test_what_other_engines_have_too_is_left_to_the_general_rules(old: str, new: str) -> None:
    assert widens(old, new) is UNKNOWN


def test_what_fits_into_bytes_depends_on_the_character_set() -> None:
    assert widens("varchar(255)", "tinytext", bytes_per_character("latin1_swedish_ci")) is WIDER
    assert widens("varchar(255)", "tinytext", bytes_per_character("utf8mb4_bin")) is NARROWER
    assert widens("varchar(85)", "tinytext", bytes_per_character("utf8mb3_bin")) is WIDER
