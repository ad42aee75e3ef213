"""Names that something else bears now, on a real PostgreSQL.

What was made again for the other one is told, though its text reads as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from case import postgres_database
from servers import Postgres
from test_identity import SWAP, SWAP_COLUMNS, watched
from test_track import settled, until_told
from tocsin.schema.diff import diff
from tocsin.schema.model import Object, Schema
from tocsin.schema.tell import schema_event
from watching import Watch, said

__all__ = ["watched"]

KIT = """
CREATE TABLE t (id int PRIMARY KEY, a int, b int, owner name, status name, grp int);
CREATE TABLE u (id int PRIMARY KEY, a int, b int);
CREATE TABLE k (i int CONSTRAINT fk REFERENCES t (id), j int);
CREATE TABLE other (x int);
CREATE SCHEMA s1;
CREATE SCHEMA s2;
CREATE FUNCTION s1.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION s2.f() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION g1() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION g2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION over(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION over(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION as_text() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t';
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TYPE e9 AS ENUM ('a', 'c');
CREATE SEQUENCE n1;
CREATE SEQUENCE n2;
CREATE TABLE typed (x e, y int DEFAULT s1.f(), z int DEFAULT nextval('n1'), w int CHECK (over('a') > w));
CREATE VIEW v AS SELECT t.a, t.b FROM t;
CREATE VIEW of_other AS SELECT x, 'public.t'::text AS word FROM other;
CREATE POLICY p ON t USING (owner = current_user AND grp > 0);
CREATE POLICY to_them ON u TO case_alice USING (true);
CREATE POLICY by_t ON u USING (EXISTS (SELECT FROM t WHERE t.id = u.id));
CREATE TRIGGER g BEFORE UPDATE ON u FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION g1();
CREATE INDEX ix ON t (a, b);
ALTER TABLE other OWNER TO case_alice;
GRANT SELECT ON u TO case_alice;
GRANT SELECT ON k TO case_alice, case_bob;
CREATE PUBLICATION pub FOR TABLE t, u;
CREATE PUBLICATION half FOR TABLE t;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER srv FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR case_alice SERVER srv;
ALTER DEFAULT PRIVILEGES FOR ROLE case_alice IN SCHEMA s1 GRANT SELECT ON TABLES TO case_bob;
CREATE CAST (e AS e9) WITH INOUT;
"""

MADE_AGAIN = "DROP POLICY p ON t; CREATE POLICY p ON t USING (owner = current_user AND grp > 0)"
ANOTHER_ROLE = "ALTER ROLE case_alice RENAME TO case_gone; CREATE ROLE case_alice"

T_AND_U = ["table public.t renamed breaking", "table public.u renamed breaking"]
A_AND_B = ["column public.t.a renamed breaking", "column public.t.b renamed breaking"]
ALICE = "role case_alice renamed breaking security"
OTHER_ALICE = "role case_alice is another one than before"


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        # Beside a rename that explains a part of the text
        (
            "ALTER TABLE t RENAME owner TO owner_old; ALTER TABLE t ADD owner name; ALTER TABLE t RENAME grp TO team;"
            "ALTER POLICY p ON t USING (owner = current_user AND team > 0)",
            ["column public.t.grp renamed breaking", "column public.t.owner added safe", "column public.t.owner renamed breaking",
             "policy public.t.p altered cautious security: public.t.owner is another one than before (that one is called owner_old now)"],
        ),
        (
            "ALTER TABLE t RENAME owner TO owner_old; ALTER TABLE t RENAME status TO owner; ALTER TABLE t RENAME grp TO team;"
            "ALTER POLICY p ON t USING (owner = current_user AND team > 0)",
            ["column public.t.grp renamed breaking", "column public.t.owner renamed breaking", "column public.t.status renamed breaking",
             "policy public.t.p altered cautious security: public.t.owner is another one than before (that one is called owner_old now)"],
        ),
        (
            f"{SWAP.format(what='SCHEMA', a='s1', b='s2')}; ALTER TABLE typed RENAME w TO ww; ALTER TABLE typed ALTER y SET DEFAULT s1.f()",
            ["column public.typed.w renamed breaking", "schema s1 renamed breaking", "schema s2 renamed breaking",
             "column public.typed.y altered cautious: s1.f is another one than before (that one is called s2.f now)"],
        ),
        # Where the whole text is as it was
        (
            f"{SWAP_COLUMNS.format(t='t', a='owner', b='status')}; {MADE_AGAIN}",
            ["column public.t.owner renamed breaking", "column public.t.status renamed breaking",
             "policy public.t.p altered cautious security: public.t.owner is another one than before (that one is called status now)"],
        ),
        (
            f"DROP INDEX ix; {SWAP_COLUMNS.format(t='t', a='a', b='b')}; CREATE INDEX ix ON t (a, b)",
            [*A_AND_B, "index public.t.ix altered cautious: public.t.a is another one than before (that one is called b now);"
             " public.t.b is another one than before (that one is called a now)"],
        ),
        (
            f"{SWAP.format(what='TABLE', a='t', b='u')}; CREATE OR REPLACE VIEW v AS SELECT t.a, t.b FROM t",
            [*T_AND_U, "view public.v altered cautious: public.t is another one than before (that one is called public.u now)"],
        ),
        (
            "ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id int PRIMARY KEY);"
            "ALTER TABLE k DROP CONSTRAINT fk; ALTER TABLE k ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES t (id)",
            ["table public.t added safe", "table public.t renamed breaking",
             "constraint public.k.fk altered cautious: public.t is another one than before (that one is called public.t_old now)"],
        ),
        (
            "ALTER TABLE t RENAME TO t_base; CREATE VIEW t AS SELECT * FROM t_base;"
            "ALTER POLICY by_t ON u USING (EXISTS (SELECT FROM t WHERE t.id = u.id))",
            ["table public.t renamed breaking", "view public.t added safe",
             "policy public.u.by_t altered cautious security: public.t is another one than before (that one is called public.t_base now)"],
        ),
        (
            "ALTER TYPE e RENAME TO e0; ALTER TYPE e9 RENAME TO e; ALTER TABLE typed ALTER x TYPE e USING NULL",
            ["enum public.e renamed breaking", "enum public.e9 renamed breaking",
             "column public.typed.x altered breaking: public.e is another one than before (that one is called public.e0 now)"],
        ),
        (
            f"{SWAP.format(what='SCHEMA', a='s1', b='s2')}; ALTER TABLE typed ALTER y SET DEFAULT s1.f()",
            ["schema s1 renamed breaking", "schema s2 renamed breaking",
             "column public.typed.y altered cautious: s1.f is another one than before (that one is called s2.f now)"],
        ),
        (
            f"{SWAP.format(what='SEQUENCE', a='n1', b='n2')}; ALTER TABLE typed ALTER z SET DEFAULT nextval('n1')",
            ["sequence public.n1 renamed breaking", "sequence public.n2 renamed breaking",
             "column public.typed.z altered cautious: public.n1 is another one than before (that one is called public.n2 now)"],
        ),
        (
            f"{SWAP.format(what='FUNCTION', a='g1', b='g2')}; DROP TRIGGER g ON u; CREATE TRIGGER g BEFORE UPDATE ON u FOR EACH ROW"
            " WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION g1()",
            ["function public.g1() renamed breaking", "function public.g2() renamed breaking",
             "trigger public.u.g altered cautious: public.g1 is another one than before (that one is called public.g2 now)"],
        ),
        (
            f"{SWAP_COLUMNS.format(t='u', a='a', b='b')}; DROP TRIGGER g ON u; CREATE TRIGGER g BEFORE UPDATE ON u FOR EACH ROW"
            " WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION g1()",
            ["column public.u.a renamed breaking", "column public.u.b renamed breaking",
             "trigger public.u.g altered cautious: public.u.a is another one than before (that one is called b now)"],
        ),
        (
            "DROP PUBLICATION half; ALTER TABLE t RENAME TO aside; ALTER TABLE u RENAME TO t; ALTER TABLE aside RENAME TO u;"
            "CREATE PUBLICATION half FOR TABLE t",
            [*T_AND_U, "publication half altered breaking: public.t is another one than before (that one is called public.u now)"],
        ),
        # Roles: one that has nothing here any more is not seen
        (
            f"{ANOTHER_ROLE}; ALTER TABLE other OWNER TO case_alice",
            [ALICE, f"owner public.other altered cautious security: {OTHER_ALICE} (that one is called case_gone now)"],
        ),
        (
            f"{ANOTHER_ROLE}; REVOKE SELECT ON u FROM case_gone; GRANT SELECT ON u TO case_alice",
            [ALICE, f"grant public.u altered breaking security: {OTHER_ALICE} (that one is called case_gone now)"],
        ),
        (
            f"{ANOTHER_ROLE}; ALTER POLICY to_them ON u TO case_alice",
            [ALICE,
             f"policy public.u.to_them altered cautious security: {OTHER_ALICE} (that one is called case_gone now)"],
        ),
        (
            f"{ANOTHER_ROLE}; REASSIGN OWNED BY case_gone TO case_alice; DROP OWNED BY case_gone;"
            "GRANT SELECT ON u, k TO case_alice",
            ["role case_alice altered breaking security: 3 name it",
             "policy public.u.to_them dropped breaking", "user mapping case_alice SERVER srv dropped breaking",
             "default privileges of case_alice on tables in schema s1 dropped cautious security"],
        ),
        (
            "ALTER ROLE case_alice RENAME TO case_gone; ALTER ROLE case_bob RENAME TO case_alice; CREATE ROLE case_bob;"
            "REASSIGN OWNED BY case_gone TO case_alice; DROP OWNED BY case_gone; GRANT INSERT, SELECT ON u TO case_alice",
            ["role case_alice altered breaking security: 3 name it", "role case_bob renamed breaking security",
             "grant public.k altered breaking", "grant public.u altered safe security",
             "policy public.u.to_them dropped breaking",
             "user mapping case_alice SERVER srv dropped breaking",
             "default privileges of case_alice on tables in schema s1 dropped cautious security"],
        ),
        # What has no name of its own
        (
            f"{ANOTHER_ROLE}; DROP USER MAPPING FOR case_gone SERVER srv; CREATE USER MAPPING FOR case_alice SERVER srv",
            [ALICE, f"user mapping case_alice SERVER srv altered cautious security: {OTHER_ALICE} (that one is called case_gone now)"],
        ),
        (
            f"{ANOTHER_ROLE}; ALTER DEFAULT PRIVILEGES FOR ROLE case_gone IN SCHEMA s1 REVOKE SELECT ON TABLES FROM case_bob;"
            "ALTER DEFAULT PRIVILEGES FOR ROLE case_alice IN SCHEMA s1 GRANT SELECT ON TABLES TO case_bob",
            [ALICE, "default privileges of case_alice on tables in schema s1 altered cautious security:"
             f" {OTHER_ALICE} (that one is called case_gone now)"],
        ),
        (
            "DROP CAST (e AS e9); ALTER TYPE e RENAME TO e0; CREATE TYPE e AS ENUM ('z'); CREATE CAST (e AS e9) WITH INOUT",
            ["cast (public.e AS public.e9) altered cautious: public.e is another one than before (that one is called public.e0 now)",
             "enum public.e added safe", "enum public.e renamed breaking"],
        ),
        # What is not touched, and what means the same, is not told
        (SWAP.format(what="TABLE", a="t", b="u"), T_AND_U),
        (SWAP_COLUMNS.format(t="t", a="a", b="b"), A_AND_B),
        (SWAP.format(what="SCHEMA", a="s1", b="s2"), ["schema s1 renamed breaking", "schema s2 renamed breaking"]),
        (SWAP.format(what="ROLE", a="case_alice", b="case_bob"), [ALICE, "role case_bob renamed breaking security"]),
        (
            "ALTER FUNCTION over(int) RENAME TO over_old; CREATE FUNCTION over(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ["function public.over(integer) added safe", "function public.over(integer) renamed breaking"],
        ),
        (
            "DROP PUBLICATION half; DROP VIEW v; DROP POLICY by_t ON u; CREATE TABLE t_new (LIKE t INCLUDING ALL);"
            "CREATE POLICY p ON t_new USING (owner = current_user AND grp > 0); ALTER PUBLICATION pub DROP TABLE t;"
            "ALTER TABLE k DROP CONSTRAINT fk; DROP TABLE t; ALTER TABLE t_new RENAME TO t;"
            "ALTER INDEX t_new_pkey RENAME TO t_pkey; ALTER INDEX t_new_a_b_idx RENAME TO ix;"
            "ALTER TABLE k ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES t (id); CREATE VIEW v AS SELECT t.a, t.b FROM t;"
            "CREATE POLICY by_t ON u USING (EXISTS (SELECT FROM t WHERE t.id = u.id));"
            "CREATE PUBLICATION half FOR TABLE t; ALTER PUBLICATION pub ADD TABLE t",
            [],
        ),
    ],
)  # fmt: skip
def test_what_was_made_again_for_another_of_the_name_is_told(own_roles: Postgres, done: str, expected: list[str]) -> None:
    with postgres_database(own_roles) as (execute, look):
        execute([line for line in KIT.split(";\n") if line.strip()])
        before, _ = look()
        execute(["BEGIN", *(s for s in done.split(";") if s.strip()), "COMMIT"])
        after, _ = look()
        assert sorted(in_words(before, after)) == sorted(expected)


@pytest.fixture
def own_roles(postgres: Postgres) -> Iterator[Postgres]:
    """The server, without the role that was put aside."""
    yield postgres
    postgres.execute("DROP ROLE IF EXISTS case_gone")


def in_words(before: Schema, after: Schema) -> list[str]:
    """Return what is told, as `said` has it, with the names that mean something else."""
    found = []
    for d in diff(before, after):
        event = schema_event("shop", d)
        others = event.reason[event.reason.find(f"{d.others[0].name} is another one") :] if d.others else ""
        roles = f"{event.detail['objects']} name it" if d.change == "altered" and d.objects is not None else ""
        assert not roles or event.reason.endswith(f"rights and objects that name it: {d.objects}")
        found.append(said([event])[0] + (f": {others or roles}" if others or roles else ""))
        assert not d.others or set(event.detail["traits"]) >= {other.trait for other in d.others}
        assert "diff" not in event.detail or event.detail["diff"]
    return found


def test_what_was_not_read_again_is_told_too(watched: tuple[Watch, str], postgres: Postgres) -> None:
    """A view that was replaced by itself has not moved: it is found among what is remembered."""
    watch, name = watched
    settled(postgres, name, "CREATE TABLE t (a int)", "CREATE TABLE u (a int)", "CREATE VIEW v AS SELECT t.a FROM t")
    assert watch.check() == []
    settled(
        postgres,
        name,
        "BEGIN",
        *SWAP.format(what="TABLE", a="t", b="u").split("; "),
        "CREATE OR REPLACE VIEW v AS SELECT t.a FROM t",
        "COMMIT",
    )
    assert until_told(watch, "table public.t renamed breaking", "table public.u renamed breaking", "view public.v altered cautious")


def test_owner_of_the_same_name_that_is_another_role_is_told(watched: tuple[Watch, str], postgres: Postgres) -> None:
    """The old one has nothing in the database any more, and so is not seen in it: only its number tells."""
    watch, name = watched
    role = f"{name}_owner"
    postgres.execute(f"CREATE ROLE {role}")
    settled(postgres, name, "CREATE TABLE t (a int)", "CREATE TABLE u (a int)", f"ALTER TABLE t OWNER TO {role}")
    assert watch.check() == []
    settled(
        postgres,
        name,
        "BEGIN",
        f"ALTER ROLE {role} RENAME TO {role}_old",
        f"CREATE ROLE {role}",
        f"ALTER TABLE t OWNER TO {role}",
        "COMMIT",
    )
    assert until_told(watch, f"role {role} altered breaking security")
    settled(postgres, name, f"DROP OWNED BY {role}", f"DROP ROLE {role}", f"DROP ROLE {role}_old")


def test_role_that_was_made_again_is_told_once_however_much_names_it(watched: tuple[Watch, str], postgres: Postgres) -> None:
    watch, name = watched
    role = f"{name}_reader"
    postgres.execute(f"CREATE ROLE {role}")
    tables = (f"CREATE TABLE t{n} (a int)" for n in range(30))
    settled(postgres, name, *tables, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    assert watch.check() == []
    again = ("BEGIN", f"DROP OWNED BY {role}", f"DROP ROLE {role}", f"CREATE ROLE {role}")
    settled(postgres, name, *again, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", "COMMIT")
    assert until_told(watch, f"role {role} altered breaking security")
    settled(postgres, name, *again, f"GRANT SELECT ON t1, t2 TO {role}", f"GRANT INSERT ON t2 TO {role}", "COMMIT")
    lost = [f"grant public.t{n} dropped breaking" for n in range(30) if n not in (1, 2)]
    assert until_told(watch, f"role {role} altered breaking security", *sorted([*lost, "grant public.t2 altered safe security"]))
    settled(postgres, name, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


# Where no server is needed


def table(name: str, identity: str) -> Object:
    return Object("table", "", name, ("table", None, None, None, None), identity)


def column(parent: str, name: str, identity: str, type_: str = "integer") -> Object:
    return Object("column", parent, name, (type_, "yes", None, None, None, None), identity)


def policy(parent: str, using: str, roles: str = "PUBLIC") -> Object:
    return Object("policy", parent, "p", ("permissive", "ALL", roles, using, None), "77")


@pytest.mark.parametrize(
    ("using", "is_told"),
    [
        ("(owner > 0)", True),
        ("((now() > '2020'::owner) AND owner(1))", False),
        ("(x > (y)::timestamp without time zone)", False),
        ("('owner'::text = x)", False),
        ("(EXISTS ( SELECT 1 FROM p.u WHERE (u.owner = 1)))", False),
        ("(EXISTS ( SELECT 1 FROM p.u WHERE (u.owner = t.owner)))", True),
        ("(EXISTS ( SELECT owner AS z FROM p.u))", False),
        ("(EXISTS ( SELECT u.x AS owner FROM p.u))", False),
        ("(x = (SELECT EXTRACT(owner FROM now())))", False),
    ],
)
def test_word_is_a_column_only_where_it_is_certainly_one(using: str, is_told: bool) -> None:
    before = [table("p.t", "1"), column("p.t", "owner", "1.1"), column("p.t", "zone", "1.2"), policy("p.t", using)]
    after = [table("p.t", "1"), column("p.t", "zone", "1.1"), column("p.t", "owner", "1.2"), policy("p.t", using)]
    found = diff(Schema("postgres 15", tuple(before)), Schema("postgres 15", tuple(after)))
    assert [d.subject.kind for d in found] == ["column", "column"] + ["policy"] * is_told


def test_word_of_the_language_that_a_column_is_called_by_is_no_column() -> None:
    names = ["date", "key", "hash", "yes", "permissive", "zone", "time"]
    rest = [
        policy("p.t", "(x > (y)::timestamp(3) without time zone)"),
        Object("constraint", "p.t", "k", ("primary key", "PRIMARY KEY (id)", "yes"), "5"),
        Object("index", "p.t", "i", ("yes", "CREATE INDEX ON p.t USING hash (id)", "yes"), "6"),
        column("p.t", "x", "1.90", "date"),
        column("p.t", "y", "1.91", "timestamp(3) without time zone"),
    ]
    before = [table("p.t", "1"), *(column("p.t", name, f"1.{n}") for n, name in enumerate(names)), *rest]
    after = [table("p.t", "1"), *(column("p.t", name, f"1.{n}") for n, name in enumerate([*names[1:], names[0]])), *rest]
    found = diff(Schema("postgres 15", tuple(before)), Schema("postgres 15", tuple(after)))
    assert [d.subject.name for d in found if d.change != "renamed"] == []
    assert len(found) == len(names)


def test_table_that_takes_the_name_of_one_that_is_gone_is_another() -> None:
    view = Object("view", "", "p.v", ("SELECT t.a FROM p.t", "a integer", None), "9")
    before, after = [table("p.t", "1"), table("p.o", "2"), view], [table("p.t", "2"), view._replace(identity="10")]
    found = diff(Schema("postgres 15", tuple(before)), Schema("postgres 15", tuple(after)))
    assert [(d.subject.full_name, d.change) for d in found] == [("p.o", "renamed"), ("p.t", "dropped"), ("p.v", "altered")]
    assert [(other.name, other.became) for other in found[2].others] == [("p.t", None)]


def test_rest_is_asked_for_only_where_a_name_changed_hands() -> None:
    asked: list[int] = []

    def rest() -> list[Object]:
        asked.append(1)
        return [Object("view", "", "p.v", ("SELECT t.a FROM p.t", "a integer", None), "9")]

    before, after = Schema("postgres 15", (table("p.t", "1"),)), Schema("postgres 15", (table("p.z", "1"),))
    assert [d.change for d in diff(before, after, rest)] == ["renamed"]
    assert not asked
    taken = Schema("postgres 15", (table("p.z", "1"), table("p.t", "2")))
    assert {d.subject.full_name: d.change for d in diff(before, taken, rest)} == {"p.t": "renamed", "p.v": "altered"}
    assert len(asked) == 1


def test_engine_without_numbers_claims_nothing(tmp_path: Path) -> None:
    view = Object("view", "", "v", ("SELECT a FROM t", "a", None))
    one, two = ([table("t", "")._replace(identity=None), column("t", c, "#1")] for c in "ab")
    before, after = Schema("sqlite", (*one, view)), Schema("sqlite", (*two, one[0]._replace(name="z"), column("z", "a", "#1"), view))
    assert "view" not in {d.subject.kind for d in diff(before, after)}
