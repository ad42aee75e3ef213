"""The difference of two schemas: pure cases, and properties that hold for any two."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.event import Change
from tocsin.schema.diff import diff
from tocsin.schema.difference import Difference
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
    """The rows are under the other name now."""
    before = [table("t", "1"), column("t", "a", identity="1.1")]
    after = [table("t", "2"), column("t", "a", identity="2.1"), table("t_old", "1"), column("t_old", "a", identity="1.1")]
    assert told(before, after) == ["table t added", "table t renamed"]
    assert told(after, before) == ["table t dropped", "table t_old renamed"]


def test_what_no_number_leads_to_is_compared_under_its_name() -> None:
    before = [table("t", "1"), column("t", "a", identity="1.1"), column("t", "b", identity="1.2")]
    assert told(before, [table("t", "2"), column("t", "b", identity="2.1"), column("t", "a", identity="2.2")]) == []
    assert told(before, [table("t", "2"), column("t", "a", identity="2.1"), column("t", "c", identity="2.2")]) == [
        "column t.b dropped",
        "column t.c added",
    ]
    assert told(before, [table("t"), column("t", "a"), column("t", "b")]) == []


def test_table_that_takes_the_name_of_another_is_not_gone() -> None:
    before = [table("t", "1"), column("t", "a", identity="1.1"), table("t_new", "2"), column("t_new", "b", identity="2.1")]
    after = [table("t_old", "1"), column("t_old", "a", identity="1.1"), table("t", "2"), column("t", "b", identity="2.1")]
    assert told(before, after) == ["table t renamed", "table t_new renamed"]
    assert told(before[:2], after) == ["table t added", "table t renamed"]


@pytest.mark.parametrize("type_", ["integer", "text"])
def test_columns_that_change_places_are_two_renames(type_: str) -> None:
    before = [table("t", "1"), column("t", "a", identity="1.1"), column("t", "b", type_, identity="1.2")]
    after = [table("t", "1"), column("t", "b", identity="1.1"), column("t", "a", type_, identity="1.2")]
    assert told(before, after) == told(after, before) == ["column t.a renamed", "column t.b renamed"]


def test_name_of_a_column_that_went_is_taken_by_another() -> None:
    remarks = [Object("comment", "t", name, (text,)) for name, text in (("b", "of b"), ("c", "of c"))]
    before = [table("t", "1"), column("t", "b", identity="1.2"), column("t", "c", identity="1.3"), *remarks]
    after = [table("t", "1"), column("t", "b", identity="1.3"), remarks[1]._replace(name="b")]
    assert told(before, after) == ["column t.b dropped", "column t.c renamed"]
    assert told(after, before) == ["column t.b added", "column t.b renamed"]
    assert told(before, after[:2]) == ["column t.b dropped", "column t.c renamed", "comment t.b dropped"]


def test_index_that_was_made_again_is_the_same_whatever_others_are_called() -> None:
    """It holds nothing but what it says."""
    before = [table("t", "1"), index("t", "i", "(a)", identity="5")]
    after = [table("t", "1"), index("t", "i", "(a)", identity="6"), index("t", "j", "(a)", identity="5")]
    assert told(before, after) == ["index t.j added"]


def test_table_that_takes_the_name_of_a_partition_keeps_its_parts() -> None:
    part = partition("p", "7")
    before = [part, table("t", "1"), column("t", "a", identity="1.1")]
    after = [part._replace(name="p_old"), table("p", "1"), column("p", "a", identity="1.1")]
    assert told(before, after) == ["table t renamed"]
    out = [table("p_old", "7"), column("p_old", "a", identity="7.1"), *after[1:]]
    assert told(before, out) == ["partition p renamed", "partition p_old altered", "table t renamed"]
    assert told(out, before) == ["partition p altered", "partition p_old renamed", "table p renamed"]


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


def partition(name: str, identity: str, of: str = "t", bounds: str | None = None, row_security: str | None = None) -> Object:
    return Object("partition", "", name, (of, bounds, row_security), identity)


def test_table_that_becomes_a_partition_is_neither_gone_nor_new() -> None:
    part = partition("p", "7")
    whole = [table("p", "7"), column("p", "a", identity="7.1")]
    assert told(whole, [part]) == ["partition p altered"]
    assert told([part], whole) == ["partition p altered"]
    assert told(whole, [partition("q", "7")]) == ["partition p renamed", "partition q altered"]


def test_partition_that_rotates_is_told_only_when_it_stays() -> None:
    part, owner = partition("p", "7"), Object("owner", "p", "", ("eve",))
    assert told([part, owner], []) == told([], [part, owner]) == []
    assert told([part], [partition("p_old", "7")]) == []
    assert told([part], [part, owner]) == ["owner p added"]
    assert told([part], [partition("p", "8"), owner]) == []
    assert told([part], [partition("p", "7", row_security="on")]) == ["partition p altered"]
    assert Schema("x", (part, owner)).fingerprint() == Schema("x", ()).fingerprint()


def test_partition_by_list_is_told_unless_its_table_goes_with_it() -> None:
    part = partition("p", "7", bounds="FOR VALUES IN (1)")
    assert told([table("t", "1"), part], [table("t", "1")]) == ["partition p dropped"]
    assert told([table("t", "1"), part], []) == ["table t dropped"]
    assert told([part], [partition("q", "7", bounds="FOR VALUES IN (1)")]) == ["partition p renamed"]


def test_partition_of_which_less_was_remembered_is_no_news() -> None:
    kept = load(dump([Object("partition", "", "p", (), "7"), Object("partition", "", "q", (), "8")]))
    assert told(kept, [partition("p", "7", bounds="FOR VALUES IN (1)")]) == []


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
    """Do to a schema what the differences say, all at once. The parts of an added table come with it, those of a dropped one go."""
    roots = {d.old.full_name: d for d in differences if d.old and d.old.kind == "table" and d.change is not Change.ALTERED}
    now = []
    for o in before.objects:
        of = roots.get(o.parent or o.full_name)
        if of is None:
            now.append(o)
        elif of.new is not None:
            now.append(o._replace(parent=of.new.full_name) if o.parent else o._replace(name=of.new.name))
    # A renamed part may be altered too, and is then spoken of twice.
    for d in differences:
        names = {o.full_name: o.name for o in (d.old,) if o is not None and o.kind != "table"}
        if names or (d.old is not None and d.change is Change.ALTERED):
            now = [o for o in now if d.old is None or (o.kind, o.parent, o.name, o.traits) != d.old[:4]]
    for d in differences:
        if d.new is not None and d.new.kind == "table" and d.change is Change.ADDED:
            now += [d.new, *(o for o in after.objects if o.parent == d.new.full_name)]
        elif d.new is not None and d.new.kind != "table" and d.new not in now:
            now.append(d.new)
        elif d.new is not None and d.change is Change.ALTERED:
            now = [o for o in now if (o.kind, o.parent, o.name) != (d.new.kind, d.new.parent, d.new.name)] + [d.new]
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
    """But for what changed places: the fingerprint does not know one from the other."""
    found = diff(before, after)
    told = found != [] and (Change.RENAMED not in {d.change for d in found} or before.fingerprint() != after.fingerprint())
    assert told == (before.fingerprint() != after.fingerprint())


@given(schemas(), schemas())
@settings(max_examples=150, deadline=None)
def test_without_numbers_nothing_is_told_exactly_when_the_fingerprints_are_equal(before: Schema, after: Schema) -> None:
    one, other = (Schema(s.server, tuple(o._replace(identity=None) for o in s.objects)) for s in (before, after))
    assert (diff(one, other) == []) == (before.fingerprint() == after.fingerprint())


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
