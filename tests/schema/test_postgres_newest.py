"""What PostgreSQL 18 has and older servers have not, and that everything else is read there, too."""

from __future__ import annotations

import pytest

from case import postgres_database
from newest import NewestPostgres
from test_postgres_gate import KIT
from tocsin.schema.diff import diff
from tocsin.schema.tell import schema_event
from watching import said

pytestmark = pytest.mark.newest


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["CREATE TABLE t (a int)"], ["ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT ENFORCED"], ["constraint public.t.k added safe"]),
        (
            ["CREATE TABLE p (a int PRIMARY KEY)", "CREATE TABLE t (a int CONSTRAINT k REFERENCES p)"],
            ["ALTER TABLE t ALTER CONSTRAINT k NOT ENFORCED"],
            ["constraint public.t.k altered cautious"],
        ),
        (["CREATE TABLE t (a int)"], ["ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID"], ["column public.t.a altered cautious"]),
        (
            ["CREATE TABLE t (a int)", "ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID"],
            ["ALTER TABLE t VALIDATE CONSTRAINT n"],
            ["column public.t.a altered safe"],
        ),
        (["CREATE TABLE t (a int)"], ["ALTER TABLE t ALTER COLUMN a SET NOT NULL"], ["column public.t.a altered cautious"]),
        (
            ["CREATE TABLE t (a int)"],
            ["ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) VIRTUAL"],
            ["column public.t.b added safe"],
        ),
        (["CREATE TABLE t (a int)"], ["ALTER TABLE t ALTER COLUMN a SET STATISTICS 500"], ["column public.t.a altered safe"]),
        (["CREATE TABLE t (a int)"], ["GRANT MAINTAIN ON t TO case_alice"], ["grant public.t added safe security"]),
        (
            ["CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')"],
            ["DROP COLLATION c", "CREATE COLLATION c (provider = builtin, locale = 'PG_UNICODE_FAST')"],
            ["collation public.c altered cautious"],
        ),
    ],
)
def test_newest_words(newest_postgres: NewestPostgres, before: list[str], after: list[str], expected: list[str]) -> None:
    with postgres_database(newest_postgres) as (execute, look):
        execute(before)
        old, _ = look()
        execute(after)
        new, _ = look()
    assert said([schema_event("shop", d) for d in diff(old, new)]) == expected


def test_everything_is_read(newest_postgres: NewestPostgres) -> None:
    with postgres_database(newest_postgres) as (execute, look):
        execute([KIT])
        schema, _ = look()
    assert {"subscription", "publication", "text search", "operator family", "user mapping"} <= schema.counts().keys()
