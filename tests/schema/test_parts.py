"""What a schema is made of beyond tables: owners, grants, comments, routines, and objects that the engine gives no number."""

from __future__ import annotations

from tocsin.schema.diff import diff
from tocsin.schema.model import TRAITS, Object, Schema


def table(name: str, identity: str | None = None, form: str = "table") -> Object:
    return Object("table", "", name, (form, None, None, None, None), identity)


def column(parent: str, name: str, type_: str = "integer", identity: str | None = None) -> Object:
    return Object("column", parent, name, (type_, "yes", None, None, None, None), identity)


def attached(kind: str, parent: str, name: str, text: str) -> Object:
    return Object(kind, parent, name, (text,))


def told(before: list[Object], after: list[Object]) -> list[str]:
    found = diff(Schema("x 1", tuple(before)), Schema("x 1", tuple(after)))
    return [f"{d.subject.kind} {d.subject.full_name} {d.change}" for d in found]


def test_owner_grant_and_comment_are_told_by_the_object_they_are_about() -> None:
    before = [table("t", "1"), column("t", "a", identity="1.1"), attached("owner", "t", "", "alice"), attached("comment", "t", "a", "old")]
    after = [
        table("t", "1"),
        column("t", "a", identity="1.1"),
        attached("owner", "t", "", "bob"),
        attached("grant", "t", "", "carol=SELECT"),
    ]
    assert told(before, after) == ["comment t.a dropped", "grant t added", "owner t altered"]


def test_what_is_attached_goes_and_comes_with_its_object() -> None:
    rest = [attached("owner", "t", "", "alice"), attached("grant", "t", "a", "carol=SELECT"), attached("comment", "t", "a", "words")]
    whole = [table("t", "1"), column("t", "a", identity="1.1"), *rest]
    assert told(whole, []) == ["table t dropped"]
    assert told([], whole) == ["table t added"]
    assert told(whole, [table("t", "1"), rest[0]]) == ["column t.a dropped"]


def test_grant_to_everybody_is_told_even_of_a_new_object() -> None:
    assert told([], [table("t", "1"), attached("grant", "t", "", "PUBLIC=SELECT")]) == ["table t added", "grant t added"]


def test_what_is_attached_follows_a_rename() -> None:
    def named(root: str, part: str) -> list[Object]:
        about = [
            attached("owner", root, "", "alice"),
            attached("comment", root, part, "words"),
            attached("comment", root, f"index {part}_i", "w"),
        ]
        index = Object("index", root, f"{part}_i", ("no", "INDEX (x)", "yes"), "9")
        return [table(root, "1"), column(root, part, identity="1.1"), index, *about]

    assert told(named("t", "a"), named("u", "a")) == ["table t renamed"]
    assert told(named("t", "a"), named("t", "b")) == ["column t.a renamed", "index t.a_i renamed"]


def test_parts_may_name_a_root_with_its_kind() -> None:
    """An extension and a schema often share a name."""
    extension, schema = Object("extension", "", "gis", ("3", "gis"), "1"), Object("schema", "", "gis", (), "2")
    words = attached("comment", "extension gis", "", "words")
    assert told([extension, schema, words], [schema]) == ["extension gis dropped"]
    assert told([extension, schema, words], [extension, schema]) == ["comment extension gis dropped"]


# Renames that the engine does not tell


def test_table_without_a_number_is_known_again_by_what_it_is_made_of() -> None:
    before = [table("t"), column("t", "a"), column("t", "b", "text")]
    after = [table("u"), column("u", "a"), column("u", "b", "text")]
    assert told(before, after) == ["table t renamed"]


def test_tables_alike_are_not_guessed_at() -> None:
    before = [table("t"), column("t", "a"), table("v"), column("v", "a")]
    after = [table("u"), column("u", "a")]
    assert told(before, after) == ["table t dropped", "table u added", "table v dropped"]


def test_another_content_is_another_table() -> None:
    assert told([table("t"), column("t", "a")], [table("u"), column("u", "a", "text")]) == ["table t dropped", "table u added"]
    assert told([table("t")], [table("u")]) == ["table t dropped", "table u added"], "two empty tables have nothing to be known by"


def test_numbered_table_is_never_matched_by_content() -> None:
    assert told([table("t", "1"), column("t", "a")], [table("u", "2"), column("u", "a")]) == ["table t dropped", "table u added"]


def test_view_that_names_itself_is_known_again() -> None:
    def view(name: str) -> Object:
        return Object("view", "", name, (f"CREATE VIEW {name} AS SELECT 1", "x integer", None))

    assert told([view("v")], [view("w")]) == ["view v renamed"]


def test_column_without_a_number_is_known_again_by_its_place_and_type() -> None:
    def columns(*names: str) -> list[Object]:
        return [table("t"), *(column("t", n, identity=f"#{i}") for i, n in enumerate(names))]

    assert told(columns("a", "b"), columns("a", "c")) == ["column t.b renamed"]
    assert told(columns("a", "b"), columns("b")) == ["column t.a dropped"], "the place moved, the name did not"
    other = [table("t"), column("t", "a", identity="#0"), column("t", "c", "text", identity="#1")]
    assert told(columns("a", "b"), other) == ["column t.b dropped", "column t.c added"]


def test_what_only_mentions_a_renamed_routine_is_not_told() -> None:
    def schema(name: str) -> list[Object]:
        routine = Object("function", "", f"public.{name}(integer)", ("a integer", "integer", "sql", "SELECT 1", None, "invoker"), "7")
        trigger = Object("trigger", "public.t", "g", (f"BEFORE INSERT EXECUTE FUNCTION public.{name}()", "yes"), "8")
        return [table("public.t", "1"), routine, trigger]

    assert told(schema("f"), schema("g")) == ["function public.f(integer) renamed"]


def test_every_kind_has_words_for_a_person() -> None:
    spelled = ("column", "index", "constraint")  # their traits are words of SQL, not free text
    for kind, traits in TRAITS.items():
        if kind in spelled:
            continue
        o = Object(kind, "parent", "name", tuple(f"value of {t}" for t in traits))
        for i, name in enumerate(traits):
            other = o._replace(traits=(*o.traits[:i], "changed", *o.traits[i + 1 :]))
            assert other.definition != o.definition, f"{kind}: a change of {name} reads the same before and after"
