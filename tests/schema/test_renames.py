"""Renames on a real PostgreSQL: one event each way, and none for all that mentions the name or has it in its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from case import Inspect, postgres_database
from servers import Postgres
from tocsin.schema.diff import diff
from tocsin.schema.difference import Difference
from tocsin.schema.model import Object, Schema
from tocsin.schema.tell import schema_event
from watching import said

KIT = """
CREATE SCHEMA app;
CREATE SCHEMA other;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TYPE app.pair AS (x int, y app.mood);
CREATE DOMAIN app.email AS text CHECK (VALUE <> '');
CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION app.g(m app.mood, p app.pair DEFAULT ROW(1, 'ok')::app.pair) RETURNS app.mood LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE SEQUENCE app.s;
CREATE TABLE app.t (id int PRIMARY KEY DEFAULT nextval('app.s'), a int DEFAULT app.f(3) CHECK (app.f(a) > 0), b int,
    m app.mood DEFAULT 'ok', e app.email, n int GENERATED ALWAYS AS (a + 1) STORED, UNIQUE (a, m), EXCLUDE (b WITH =));
CREATE TABLE app.u (id serial PRIMARY KEY, t int REFERENCES app.t (id) ON DELETE CASCADE, a int, z int, CHECK (t <> id));
CREATE TABLE other.t (id int, a int);
CREATE INDEX t_f ON app.t (app.f(a), m) WHERE m = 'ok';
CREATE VIEW app.v AS SELECT t.id, t.m, app.f(t.a) AS fa FROM app.t JOIN app.u ON u.t = t.id;
CREATE VIEW app.on_view AS SELECT v.m FROM app.v;
CREATE VIEW app.named AS SELECT id, a AS alpha, m AS state FROM app.t;
CREATE VIEW app.joined AS SELECT * FROM app.t JOIN app.u USING (id, a);
CREATE VIEW app.natural_one AS SELECT * FROM app.t NATURAL JOIN app.u;
CREATE VIEW app.left_one AS SELECT u.z, t.a FROM app.u LEFT JOIN app.t USING (id);
CREATE VIEW app.full_one AS SELECT * FROM (SELECT id, a FROM app.t) AS one FULL JOIN app.u USING (id, a);
CREATE VIEW app.grouped AS SELECT a, count(*) AS n FROM app.t GROUP BY a HAVING max(a) > 0 ORDER BY a;
CREATE VIEW app.unions AS SELECT a FROM app.t UNION ALL SELECT z FROM app.u;
CREATE VIEW app.whole AS SELECT t FROM app.t;
CREATE VIEW app.cte AS WITH x AS (SELECT a, b FROM app.t) SELECT a, b FROM x;
CREATE VIEW app.sub AS SELECT s.a FROM (SELECT a FROM app.t) AS s WHERE EXISTS (SELECT FROM app.u WHERE u.z = s.a);
CREATE VIEW app.aliased AS SELECT x.p, x.q FROM app.t AS x (p, q);
CREATE VIEW app.windowed AS SELECT a, sum(a) OVER (PARTITION BY a ORDER BY b) FROM app.t;
CREATE VIEW app.of_one_name AS SELECT t.a FROM app.t WHERE EXISTS (SELECT FROM other.t WHERE t.id = 1) AND a IN (SELECT a FROM app.t);
CREATE VIEW app.called_the_same AS SELECT t.a FROM app.t AS t;
CREATE VIEW app.told_apart AS SELECT t.a, t_1.id FROM app.t JOIN app.u AS t_1 ON t_1.t = t.id;
CREATE VIEW app.twice AS SELECT t.a, x.a AS b FROM app.t, app.t AS x WHERE x.id = t.id;
CREATE MATERIALIZED VIEW app.mv AS SELECT a, a + 1 AS more FROM app.t;
CREATE INDEX mv_more ON app.mv (more);
CREATE TRIGGER g BEFORE UPDATE OF a, m ON app.t FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION app.touch();
CREATE POLICY p ON app.t TO case_alice, case_bob USING (a > app.f(1) AND EXISTS (SELECT FROM app.u WHERE u.t = t.id));
CREATE RULE r AS ON DELETE TO app.u DO INSTEAD DELETE FROM app.t WHERE t.id = old.t;
CREATE STATISTICS app.st ON a, m FROM app.t;
CREATE STATISTICS app.st2 ON (app.f(a)), id FROM app.t;
CREATE PUBLICATION pub FOR TABLE app.t, app.u;
CREATE FUNCTION app.of_rows(app.t) RETURNS SETOF app.u LANGUAGE sql AS 'SELECT * FROM app.u';
CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int);
CREATE CAST (app.pair AS text) WITH INOUT;
CREATE FUNCTION app.eq(app.mood, app.mood) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR app.=== (LEFTARG = app.mood, RIGHTARG = app.mood, FUNCTION = app.eq);
CREATE TABLE app.log (at date, m app.mood) PARTITION BY LIST (m);
CREATE TABLE app.log_1 PARTITION OF app.log FOR VALUES IN ('ok');
CREATE TABLE app.heir () INHERITS (app.u);
CREATE COLLATION app.plain FROM "C";
CREATE TABLE app.texts (x text COLLATE app.plain);
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
CREATE INDEX fts ON app.texts USING gin (to_tsvector('app.words', x));
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO case_bob;
ALTER DEFAULT PRIVILEGES FOR ROLE case_alice GRANT SELECT ON TABLES TO case_bob;
GRANT SELECT ON app.t TO case_bob;
GRANT SELECT ON app.t TO case_alice WITH GRANT OPTION;
GRANT SELECT (a), UPDATE (m) ON app.t TO case_bob;
GRANT USAGE ON SCHEMA app TO case_alice, case_bob;
ALTER TABLE app.u OWNER TO case_alice;
ALTER FUNCTION app.g OWNER TO case_alice;
COMMENT ON TABLE app.t IS 'x';
COMMENT ON COLUMN app.t.a IS 'x';
COMMENT ON FUNCTION app.f(int) IS 'x';
COMMENT ON TYPE app.mood IS 'x';
COMMENT ON INDEX app.t_f IS 'x';
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER srv FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR case_alice SERVER srv;
CREATE FOREIGN TABLE app.far (a int) SERVER srv;
"""

SINCE_14 = "CREATE FUNCTION app.atomic() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT u.t FROM app.u WHERE u.id > 0; END;"
SINCE_15 = "CREATE PUBLICATION part FOR TABLE app.t WHERE (id > 3), app.u (id, t);"


Place = tuple[Callable[[list[str]], None], Inspect]


@pytest.fixture(scope="module", params=["postgres", pytest.param("newest_postgres", marks=pytest.mark.newest)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A way to change a database, and one to look at it."""
    server: Postgres = request.getfixturevalue(request.param)
    with postgres_database(server) as (execute, look):
        execute([line for line in KIT.split(";\n") if line.strip()])
        execute([SINCE_14] * (server.major >= 14) + [SINCE_15] * (server.major >= 15))
        yield execute, look


@pytest.mark.parametrize(
    ("what", "old", "new", "expected"),
    [
        ("SCHEMA {}", "app", "application", "schema app"),
        ("SCHEMA {}", "app", "My app", "schema app"),
        ("TABLE app.{}", "t", "tee", "table app.t"),
        ("TABLE app.{}", "t", "The T", "table app.t"),
        ("TABLE app.{}", "u", "order", "table app.u"),
        ("TABLE app.{}", "t", "zz", "table app.t"),
        ("TABLE app.t RENAME COLUMN {}", "a", "alpha", "column app.t.a"),
        ("TABLE app.t RENAME COLUMN {}", "a", "x y", "column app.t.a"),
        ("TABLE app.t RENAME COLUMN {}", "b", "bee", "column app.t.b"),
        ("TABLE app.t RENAME COLUMN {}", "id", "ident", "column app.t.id"),
        ("TABLE app.t RENAME COLUMN {}", "m", "state", "column app.t.m"),
        ("TABLE app.u RENAME COLUMN {}", "t", "of t", "column app.heir.t, column app.u.t"),
        ("TABLE app.u RENAME COLUMN {}", "z", "a1", "column app.heir.z, column app.u.z"),
        ("VIEW app.{}", "v", "vee", "view app.v"),
        ("MATERIALIZED VIEW app.{}", "mv", "kept", "materialized view app.mv"),
        ("FUNCTION app.{}", "f", "eff", "function app.f(integer)"),
        ("FUNCTION app.{}", "f", "An F", "function app.f(integer)"),
        ("FUNCTION app.{}", "touch", "touched", "function app.touch()"),
        ("FUNCTION app.{}", "eq", "equal", "function app.eq(app.mood, app.mood)"),
        ("SEQUENCE app.{}", "s", "numbers", "sequence app.s"),
        ("TYPE app.{}", "mood", "state", "enum app.mood"),
        ("TYPE app.{}", "mood", "the Mood", "enum app.mood"),
        ("TYPE app.{}", "pair", "couple", "type app.pair"),
        ("DOMAIN app.{}", "email", "mail", "domain app.email"),
        ("COLLATION app.{}", "plain", "simple", "collation app.plain"),
        ("TEXT SEARCH CONFIGURATION app.{}", "words", "wording", "text search configuration app.words"),
        ("FOREIGN DATA WRAPPER {}", "w", "wrapper", "foreign data wrapper w"),
        ("SERVER {}", "srv", "elsewhere", "foreign server srv"),
        ("ROLE {}", "case_alice", "case_zoe", "role case_alice"),
    ],
)
def test_rename_is_one_event_each_way(place: Place, what: str, old: str, new: str, expected: str) -> None:
    execute, look = place
    before, gate = look()
    for one, other in ((old, new), (new, old)):
        words = what if "RENAME" in what else what + " RENAME"
        head, _, tail = words.partition("{}")
        execute([f'ALTER {head}"{one}"{tail} TO "{other}"'])
        after, now = look()
        assert gate != now
        told = diff(before, after)
        assert [f"{d.subject.kind} {d.subject.full_name}" for d in told if d.change != "renamed"] == []
        if one == old:
            assert ", ".join(f"{d.subject.kind} {d.subject.full_name}" for d in told) == expected
        assert len(told) == expected.count(", column") + 1
        before, gate = after, now


@pytest.mark.parametrize(
    ("statement", "back", "expected"),
    [
        ("ALTER TABLE app.t SET SCHEMA public", "ALTER TABLE public.t SET SCHEMA app", "table app.t renamed breaking"),
        ("ALTER TYPE app.mood SET SCHEMA other", "ALTER TYPE other.mood SET SCHEMA app", "enum app.mood renamed breaking"),
        ("ALTER FUNCTION app.f SET SCHEMA other", "ALTER FUNCTION other.f SET SCHEMA app", "function app.f(integer) renamed breaking"),
    ],
)
def test_move_to_another_schema_is_one_event_each_way(place: Place, statement: str, back: str, expected: str) -> None:
    execute, look = place
    before, _ = look()
    execute([statement])
    after, _ = look()
    execute([back])
    assert said([schema_event("shop", d) for d in diff(before, after)]) == [expected]
    assert len(diff(after, look()[0])) == 1


def test_renamed_schema_says_how_many_objects_are_in_it(place: Place) -> None:
    execute, look = place
    before, _ = look()
    execute(["ALTER SCHEMA app RENAME TO application", "ALTER TABLE application.texts RENAME TO words"])
    after, _ = look()
    execute(["ALTER TABLE application.words RENAME TO texts", "ALTER SCHEMA application RENAME TO app"])
    schema, table = sorted((schema_event("shop", d) for d in diff(before, after)), key=lambda e: e.object_kind)
    inside = [o for o in before.objects if not o.parent and o.kind != "role" and o.name.startswith("app.")]
    assert schema.detail == {"new_name": "application", "objects": len(inside)}  # with the configuration, without the table
    assert (table.object, table.detail) == ("app.texts", {"new_name": "application.words"})


def test_role_under_another_name_is_told_once_and_another_owner_each_time(place: Place) -> None:
    execute, look = place
    before, _ = look()
    execute(["ALTER ROLE case_alice RENAME TO case_zoe"])
    renamed, _ = look()
    execute(["ALTER ROLE case_zoe RENAME TO case_alice"])
    (event,) = (schema_event("shop", d) for d in diff(before, renamed))
    assert (event.object, event.risk, event.security, event.detail["new_name"]) == ("case_alice", "breaking", True, "case_zoe")
    assert event.detail["objects"] >= 5
    execute(["ALTER TABLE app.u OWNER TO case_bob", "ALTER FUNCTION app.g OWNER TO case_bob"])
    given, _ = look()
    execute(["ALTER TABLE app.u OWNER TO case_alice", "ALTER FUNCTION app.g OWNER TO case_alice"])
    assert {d.subject.parent for d in diff(before, given) if d.subject.kind == "owner"} >= {"app.u", "app.g(app.mood, app.pair)"}


def test_what_changes_beside_a_rename_is_told(place: Place) -> None:
    """Nothing of it hides behind the name."""
    execute, look = place
    before, _ = look()
    execute([
        "ALTER TABLE app.t RENAME COLUMN a TO alpha",
        "CREATE OR REPLACE VIEW app.grouped AS"
        " SELECT alpha AS a, count(*) AS n FROM app.t GROUP BY alpha HAVING max(alpha) > 1 ORDER BY alpha",
        "CREATE OR REPLACE VIEW app.twice AS SELECT t.alpha AS a, t.alpha AS b FROM app.t, app.t AS x WHERE x.id = t.id",
        "REVOKE SELECT (alpha) ON app.t FROM case_bob",
        "GRANT SELECT (alpha) ON app.t TO case_alice",
    ])  # fmt: skip
    after, _ = look()
    execute(["ALTER TABLE app.t RENAME COLUMN alpha TO a"])
    told = {f"{d.subject.kind} {d.subject.full_name} {d.change}" for d in diff(before, after)}
    assert told >= {"column app.t.a renamed", "view app.grouped altered", "view app.twice altered", "grant app.t.alpha altered"}
    assert len(told) <= 5


SIDE_BY_SIDE = """
CREATE SCHEMA z;
CREATE TABLE z.t (id int, status text);
CREATE TABLE z.other (k text DEFAULT 'status', n int, a1 text CONSTRAINT k CHECK (a1 <> 'status'));
CREATE TABLE z.orders (id int);
CREATE TABLE z.orders_2023 (id int);
CREATE TABLE z.orders_2024 (id int);
CREATE VIEW z.report AS SELECT id FROM z.orders_2023;
CREATE FUNCTION z.purge() RETURNS void LANGUAGE sql AS 'DELETE FROM z.orders_2023';
CREATE FUNCTION z.text_of_t() RETURNS bigint LANGUAGE sql AS 'SELECT count(status) FROM z.t';
CREATE TABLE z.sec (o text);
CREATE POLICY pol ON z.sec USING (o = 'case_alice');
GRANT SELECT ON z.sec TO case_alice;
CREATE TABLE z.w (a int, b int);
CREATE TABLE z.w2 (a int, b int, c int);
CREATE VIEW z.of_w2 AS SELECT a AS x FROM z.w2;
CREATE VIEW z.of_both AS SELECT w.a AS y, w2.a AS x FROM z.w, z.w2;
CREATE VIEW z.self AS SELECT one.b AS x, w.a AS y FROM z.w, z.w AS one;
CREATE FUNCTION z.f() RETURNS void LANGUAGE sql AS 'DELETE FROM z.w2 WHERE a = 1';
"""
NEXT_TO_THEM = [
    (
        "a literal",
        ["ALTER TABLE z.t RENAME status TO state", "ALTER TABLE z.other ALTER k SET DEFAULT 'state'",
         "ALTER TABLE z.other DROP CONSTRAINT k, ADD CONSTRAINT k CHECK (a1 <> 'state')"],
        {"column z.t.status renamed", "column z.other.k altered", "constraint z.other.k altered"},
    ),
    (
        "a number of the name's own",
        ["ALTER TABLE z.orders RENAME TO orders_archive", "CREATE OR REPLACE VIEW z.report AS SELECT id FROM z.orders_2024",
         "CREATE OR REPLACE FUNCTION z.purge() RETURNS void LANGUAGE sql AS 'DELETE FROM z.orders_2024'"],
        {"table z.orders renamed", "view z.report altered", "function z.purge() altered"},
    ),
    (
        "a routine's text",
        ["ALTER TABLE z.t RENAME status TO state",
         "CREATE OR REPLACE FUNCTION z.text_of_t() RETURNS bigint LANGUAGE sql AS 'SELECT count(state) FROM z.t'"],
        {"column z.t.status renamed", "function z.text_of_t() altered"},
    ),
    (
        "a role in a literal",
        ["ALTER ROLE case_alice RENAME TO case_mallory", "ALTER POLICY pol ON z.sec USING (o = 'case_mallory')"],
        {"role case_alice renamed", "policy z.sec.pol altered"},
    ),
    (
        "a column of another table",
        ["ALTER TABLE z.w RENAME a TO c", "CREATE OR REPLACE VIEW z.of_w2 AS SELECT c AS x FROM z.w2",
         "CREATE OR REPLACE VIEW z.of_both AS SELECT w.c AS y, w2.c AS x FROM z.w, z.w2",
         "CREATE OR REPLACE FUNCTION z.f() RETURNS void LANGUAGE sql AS 'DELETE FROM z.w2 WHERE c = 1'"],
        {"column z.w.a renamed", "view z.of_w2 altered", "view z.of_both altered", "function z.f() altered"},
    ),
    (
        "the other of two that are one table",
        ["ALTER TABLE z.w RENAME a TO c", "CREATE OR REPLACE VIEW z.self AS SELECT w.b AS x, w.c AS y FROM z.w, z.w AS one"],
        {"column z.w.a renamed", "view z.self altered"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "expected"), [case[1:] for case in NEXT_TO_THEM], ids=[case[0] for case in NEXT_TO_THEM])
def test_text_that_follows_no_rename_is_told_each_way(postgres: Postgres, statements: list[str], expected: set[str]) -> None:
    """What looks like the new name and is written by people is their change."""
    with postgres_database(postgres) as (execute, look):
        execute([line for line in SIDE_BY_SIDE.split(";\n") if line.strip()])
        before, _ = look()
        try:
            execute(statements)
            after, _ = look()
        finally:
            postgres.execute("DO $$ BEGIN ALTER ROLE case_mallory RENAME TO case_alice; EXCEPTION WHEN undefined_object THEN NULL; END $$")
    assert {f"{d.subject.kind} {d.subject.full_name} {d.change}" for d in diff(before, after)} == expected
    back = diff(after, before)
    assert len(back) == len(expected)
    assert sum(d.change == "renamed" for d in back) == 1


# Where no server is needed


def told(before: list[Object], after: list[Object]) -> list[str]:
    found = diff(Schema("x 1", tuple(before)), Schema("x 1", tuple(after)))
    return [f"{d.subject.kind} {d.subject.full_name} {d.change}" for d in found]


def schema(name: str, identity: str) -> Object:
    return Object("schema", "", name, (), identity)


def table(name: str, identity: str) -> Object:
    return Object("table", "", name, ("table", None, None, None, None), identity)


def test_tables_of_schemas_that_change_places_are_told() -> None:
    before = [schema("a", "1"), schema("b", "2"), table("a.only", "3"), table("b.one", "4")]
    after = [schema("b", "1"), schema("a", "2"), table("b.only", "3"), table("a.one", "4")]
    assert told(before, after) == ["schema a renamed", "schema b renamed"]


def test_roles_that_change_places_are_told_and_what_belongs_to_them_is_not() -> None:
    roles = [Object("role", "", "alice", (), "5"), Object("role", "", "bob", (), "6")]
    before = [*roles, table("t", "1"), Object("owner", "t", "", ("alice",))]
    after = [roles[0]._replace(name="bob"), roles[1]._replace(name="alice"), table("t", "1"), Object("owner", "t", "", ("bob",))]
    assert told(before, after) == ["role alice renamed", "role bob renamed"]


def test_schema_that_takes_the_name_of_another_is_not_gone() -> None:
    before = [schema("live", "1"), table("live.t", "3"), schema("next", "2"), table("next.t", "4")]
    after = [schema("old", "1"), table("old.t", "3"), schema("live", "2"), table("live.t", "4")]
    assert told(before, after) == ["schema live renamed", "schema next renamed"]


def test_roles_come_and_go_without_a_word() -> None:
    role = Object("role", "", "alice", (), "5")
    assert told([], [role]) == told([role], []) == []
    assert Schema("x 1", (role,)).fingerprint() == Schema("x 1", ()).fingerprint()
    assert told([role], [role._replace(name="zoe")]) == ["role alice renamed"]


def test_rights_that_change_hands_beside_a_renamed_role_are_told() -> None:
    role = Object("role", "", "alice", (), "5")
    before = [role, table("t", "1"), Object("grant", "t", "", ("alice=INSERT, SELECT; bob=UPDATE",))]
    after = [role._replace(name="zoe"), table("t", "1"), Object("grant", "t", "", ("bob=UPDATE; zoe=INSERT, SELECT",))]
    more = [*after[:2], Object("grant", "t", "", ("bob=INSERT, UPDATE; zoe=SELECT",))]
    assert told(before, after) == ["role alice renamed"]
    assert told(before, more) == ["role alice renamed", "grant t altered"]


def test_difference_of_no_rename_counts_no_objects() -> None:
    (found,) = diff(Schema("x 1", ()), Schema("x 1", (schema("a", "1"),)))
    assert isinstance(found, Difference)
    assert found.objects is None


def column(parent: str, name: str, identity: str, default: str | None = None) -> Object:
    return Object("column", parent, name, ("text", "yes", default, None, None, None), identity)


def view(definition: str) -> Object:
    return Object("view", "", "p.v", (definition, "a text", None), "9")


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ("SELECT t.a, t.b FROM p.t", "SELECT t.a, t.b FROM p.t t(a, b)", False),
        ("SELECT t.a, t.b FROM p.t", "SELECT t.a, t.b FROM p.t t(b, a)", True),
        ("SELECT t.a AS x FROM p.t", "SELECT t.c AS x FROM p.t", False),
        ("SELECT a AS x FROM p.t", "SELECT c AS x FROM p.t", False),
        ("SELECT t.a AS x FROM p.t, p.t t_1", "SELECT t_1.c AS x FROM p.t, p.t t_1", True),
        ("SELECT s.a AS x FROM (SELECT 1 AS a) s, p.t", "SELECT s.c AS x FROM (SELECT 1 AS c) s, p.t", True),
        ("SELECT a AS x FROM p.u WHERE EXISTS (SELECT 1 FROM p.t)", "SELECT c AS x FROM p.u WHERE EXISTS (SELECT 1 FROM p.t)", True),
        ("SELECT f.a AS x FROM p.t t, p.f() f", "SELECT f.c AS x FROM p.t t, p.f() f", True),
        ("SELECT 'p.t'::text AS x, t.a FROM p.t", "SELECT 'p.z'::text AS x, t.a FROM p.t", True),
    ],
)
def test_column_is_followed_where_it_is_certainly_that_of_the_renamed_table(old: str, new: str, is_told: bool) -> None:
    before = [table("p.t", "1"), column("p.t", "a", "1.1"), column("p.t", "b", "1.2"), view(old)]
    after = [table("p.t", "1"), column("p.t", "c", "1.1"), column("p.t", "b", "1.2"), view(new)]
    assert sorted(told(before, after)) == ["column p.t.a renamed"] + ["view p.v altered"] * is_told
    assert len(told(after, before)) == 1 + is_told


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ("nextval('p.s'::regclass)", "nextval('p.z'::regclass)", False),
        ("nextval(('p.s'::text)::regclass)", "nextval(('p.z'::text)::regclass)", True),
        ("'p.s'::text", "'p.z'::text", True),
        ("'alice'::regrole", "'zoe'::regrole", False),
        ("'alice'::name", "'zoe'::name", True),
    ],
)
def test_literal_is_a_name_only_where_it_is_kept_by_number(old: str, new: str, is_told: bool) -> None:
    def schema_with(role: str, sequence: str, default: str) -> list[Object]:
        named = [Object("role", "", role, (), "5"), Object("sequence", "", f"p.{sequence}", ("x", None), "6")]
        return [*named, table("p.t", "1"), column("p.t", "a", "1.1", default)]

    before, after = schema_with("alice", "s", old), schema_with("zoe", "z", new)
    assert set(told(before, after)) == {"role alice renamed", "sequence p.s renamed"} | ({"column p.t.a altered"} if is_told else set())
    assert len(told(after, before)) == 2 + is_told
