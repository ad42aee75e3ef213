"""The difference of two schemas: pure cases, and properties that hold for any two."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.event import Change
from tocsin.schema.diff import Difference, diff
from tocsin.schema.model import Object, Schema, dump, load


def table(name: str, identity: str | None = None) -> Object:
    return Object("table", "", name, ("table", None, None, None, None), identity)


def column(parent: str, name: str, type_: str = "integer", identity: str | None = None) -> Object:
    return Object("column", parent, name, (type_, "yes", None, None, None, None), identity)


def index(parent: str, name: str, definition: str, *, generated: bool = False, identity: str | None = None) -> Object:
    return Object("index", parent, name, ("no", definition, "yes"), identity, generated)


def check(parent: str, name: str, definition: str, *, generated: bool = False) -> Object:
    return Object("constraint", parent, name, ("check", definition, "yes"), None, generated)


def told(before: list[Object], after: list[Object]) -> list[str]:
    found = diff(Schema("x 1", tuple(before)), Schema("x 1", tuple(after)))
    return [f"{d.subject.kind} {d.subject.full_name} {d.change}" for d in found]


def test_parts_of_an_added_or_dropped_table_are_not_listed() -> None:
    whole = [table("t"), column("t", "a"), index("t", "i", "(a)"), check("t", "k", "a > 0")]
    assert told([], whole) == ["table t added"]
    assert told(whole, []) == ["table t dropped"]


def test_renamed_table_keeps_silence_about_its_parts() -> None:
    before = [table("s.old", "1"), column("s.old", "a", identity="1.1"), index("s.old", "i", "ON s.old (a)"), check("s.old", "k", "a > 0")]
    after = [table("s.new", "1"), column("s.new", "a", identity="1.1"), index("s.new", "i", "ON s.new (a)"), check("s.new", "k", "a > 0")]
    assert told(before, after) == ["table s.old renamed"]


def test_parts_that_changed_with_a_renamed_table_are_told_under_its_new_name() -> None:
    before = [table("old", "1"), column("old", "a"), column("old", "b")]
    after = [table("new", "1"), column("new", "a", "text"), column("new", "c")]
    assert told(before, after) == ["table old renamed", "column new.a altered", "column new.b dropped", "column new.c added"]


def test_table_renamed_while_another_takes_its_name() -> None:
    """For clients nothing is gone: the name still answers, and another table is there."""
    assert told([table("t", "1")], [table("t", "2"), table("t_old", "1")]) == ["table t_old added"]


def test_table_that_takes_the_name_of_another_is_not_gone() -> None:
    """Both are compared under the name, as clients see it, and no rows are lost."""
    before = [table("t", "1"), column("t", "a", identity="1.1"), table("t_new", "2"), column("t_new", "b", identity="2.1")]
    after = [table("t_old", "1"), column("t_old", "a", identity="1.1"), table("t", "2"), column("t", "b", identity="2.1")]
    assert told(before, after) == ["table t_new renamed", "table t_old added", "column t.a dropped", "column t.b added"]
    assert told(before[:2], after) == ["table t_old added", "column t.a dropped", "column t.b added"]


def test_without_identity_a_rename_is_gone_and_come() -> None:
    assert told([table("a")], [table("b")]) == ["table b added", "table a dropped"] or told([table("a")], [table("b")]) == [
        "table a dropped",
        "table b added",
    ]


def test_made_up_names_say_nothing() -> None:
    before = [table("t"), check("t", "t_check", "a > 0", generated=True), check("t", "t_check1", "a < 9", generated=True)]
    after = [table("t"), check("t", "t_check", "a < 9", generated=True), check("t", "t_check2", "a > 0", generated=True)]
    assert told(before, after) == []


def test_made_up_name_that_becomes_a_given_one_is_a_rename() -> None:
    before = [table("t"), index("t", "t_a_idx", "(a)", generated=True)]
    assert told(before, [table("t"), index("t", "by_a", "(a)")]) == ["index t.t_a_idx renamed"]


def test_index_of_other_content_is_no_rename() -> None:
    before = [table("t"), index("t", "i", "(a)")]
    assert told(before, [table("t"), index("t", "j", "(b)")]) == ["index t.i dropped", "index t.j added"]


def test_definition_that_changed_beside_a_rename_is_told() -> None:
    before = [table("t"), column("t", "a", identity="1"), index("t", "i", "ON t (a)")]
    after = [table("t"), column("t", "b", identity="1"), index("t", "i", "ON t (b) WHERE b > 0")]
    assert told(before, after) == ["column t.a renamed", "index t.i altered"]


def test_quoted_names_are_followed() -> None:
    before = [table("t"), column("t", "a", identity="1"), index("t", "i", 'ON t (a, "other""name")')]
    after = [table("t"), column("t", "A b", identity="1"), index("t", "i", 'ON t ("A b", "other""name")')]
    assert told(before, after) == ["column t.a renamed"]


def test_partition_is_neither_gone_nor_new() -> None:
    part = Object("partition", "", "p", (), "7")
    whole = [table("p", "7"), column("p", "a", identity="7.1")]
    assert told(whole, [part]) == []
    assert told([part], whole) == []
    assert told([part], []) == []
    assert told([], [part]) == []


def test_order_is_tables_first_and_then_by_name() -> None:
    before = [table("t"), table("z"), column("t", "b"), column("t", "a"), index("t", "i", "(a)")]
    after = [table("t"), table("a"), column("t", "c")]
    assert told(before, after) == [
        "table a added", "table z dropped", "column t.a dropped", "column t.b dropped", "column t.c added", "index t.i dropped",
    ]  # fmt: skip


# Properties


MADE_UP = {"t_idx", "t_idx1"}


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema of a few tables, columns, indexes and constraints; identities, where they are, are unique."""
    objects: list[Object] = []
    numbers = draw(st.permutations(range(40)))
    for t in draw(st.lists(st.sampled_from("ABCD"), unique=True)):
        objects.append(
            Object(
                "table",
                "",
                t,
                (draw(st.sampled_from(["plain", "unlogged"])), None, None, None, None),
                identity(draw, numbers[len(objects)]),
            )
        )
        for c in draw(st.lists(st.sampled_from("abc"), unique=True)):
            traits = (draw(st.sampled_from(["int", "text"])), draw(st.sampled_from(["yes", "no"])), None, None, None, None)
            objects.append(Object("column", t, c, traits, identity(draw, numbers[len(objects)])))
        for kind in ("index", "constraint"):
            for name in draw(st.lists(st.sampled_from(sorted(MADE_UP | {"k1", "k2"})), unique=True, max_size=3)):
                traits3 = (draw(st.sampled_from(["yes", "no"])), draw(st.sampled_from(["(1)", "(2)", "(3)"])), "yes")
                objects.append(Object(kind, t, name, traits3, identity(draw, numbers[len(objects)]), name in MADE_UP))
    return Schema("x 1", tuple(objects))


def identity(draw: st.DrawFn, number: int) -> str | None:
    return str(number) if draw(st.booleans()) else None


def apply(before: Schema, differences: list[Difference], after: Schema) -> Schema:
    """Do to a schema what the differences say. The parts of an added table come with it, those of a dropped one go."""
    now = list(before.objects)
    for d in differences:
        for o in [o for o in now if d.old is not None and (o.kind, o.parent, o.name, o.traits) == d.old[:4]]:
            now.remove(o)
        if d.old is not None and d.old.kind == "table":
            parts = [o for o in now if o.parent == d.old.full_name]
            now = [o for o in now if o.parent != d.old.full_name]
            if d.new is not None and not any(o.kind == "table" and o.name == d.new.name for o in now):
                now += [o._replace(parent=d.new.full_name) for o in parts]
        if d.new is not None and d.new not in now:
            now.append(d.new)
            if d.change is Change.ADDED and d.new.kind == "table":
                now += [o for o in after.objects if o.parent == d.new.full_name]
    return Schema(before.server, tuple(now))


@given(schemas(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_schema_does_not_differ_from_itself_in_any_order(schema: Schema, order: random.Random) -> None:
    shuffled = list(schema.objects)
    order.shuffle(shuffled)
    assert diff(schema, Schema(schema.server, tuple(shuffled))) == []
    assert Schema(schema.server, tuple(shuffled)).fingerprint() == schema.fingerprint()


@given(schemas(), schemas())
@settings(max_examples=150, deadline=None)
def test_nothing_is_told_exactly_when_the_fingerprints_are_equal(before: Schema, after: Schema) -> None:
    assert (diff(before, after) == []) == (before.fingerprint() == after.fingerprint())


@given(schemas(), schemas())
@settings(max_examples=150, deadline=None)
def test_differences_are_complete(before: Schema, after: Schema) -> None:
    assert apply(before, diff(before, after), after).fingerprint() == after.fingerprint()


@given(schemas(), schemas())
@settings(max_examples=60, deadline=None)
def test_no_object_is_told_of_twice_in_one_way(before: Schema, after: Schema) -> None:
    found = [(d.change, d.subject.kind, d.subject.full_name) for d in diff(before, after)]
    assert len(found) == len(set(found))


@given(schemas(), schemas())
@settings(max_examples=60, deadline=None)
def test_difference_does_not_depend_on_the_order_of_objects(before: Schema, after: Schema) -> None:
    turned = Schema(before.server, before.objects[::-1]), Schema(after.server, after.objects[::-1])
    assert diff(before, after) == diff(*turned)


@given(schemas())
@settings(max_examples=30, deadline=None)
def test_snapshot_is_kept_whole(schema: Schema) -> None:
    assert load(dump(schema.objects)) == list(schema.objects)


def test_root_that_shares_its_name_with_one_that_came_or_went_keeps_its_parts() -> None:
    """A routine and a table may have one name."""
    column = Object("column", "t", "a", ("int", "yes", None, None, None, None))
    table = [Object("table", "", "t", ("table", None, None, None, None)), column]
    routine = Object("procedure", "", "t", ("", None, "sql", "SELECT 1", None, None))
    without, both = Schema("", tuple(table)), Schema("", (*table, routine))
    assert [(d.change, d.subject.kind) for d in diff(without, both)] == [("added", "procedure")]
    assert [(d.change, d.subject.kind) for d in diff(both, without)] == [("dropped", "procedure")]
