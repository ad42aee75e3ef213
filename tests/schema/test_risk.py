"""Risks: how types compare, and that every rule is reached by a real case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from case import CASES, Outcome
from tocsin.event import Change, Risk
from tocsin.schema.difference import Difference
from tocsin.schema.follow import Other
from tocsin.schema.model import UNCHECKED, Object
from tocsin.schema.risk import RULES, Rule, type_widens, weigh

WIDER, NARROWER, OTHER = True, False, None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("smallint", "integer", WIDER), ("integer", "bigint", WIDER), ("smallint", "bigint", WIDER), ("int", "INTEGER", WIDER),
        ("bigint", "integer", NARROWER), ("integer", "smallint", NARROWER), ("mediumint", "smallint", NARROWER),
        ("character varying(10)", "character varying(20)", WIDER), ("character varying(20)", "character varying(10)", NARROWER),
        ("character varying(10)", "character varying", WIDER), ("character varying", "character varying(10)", NARROWER),
        ("character varying(10)", "text", WIDER), ("text", "character varying(10)", NARROWER), ("text", "character varying", WIDER),
        ("VARCHAR(255)", "varchar(300)", WIDER),
        ("numeric(8,2)", "numeric(10,2)", WIDER), ("numeric(8,2)", "numeric(10,4)", WIDER), ("numeric(8,2)", "numeric(8,4)", NARROWER),
        ("numeric(8,2)", "numeric(9,4)", NARROWER), ("numeric(10,4)", "numeric(10,2)", NARROWER), ("numeric(8,2)", "numeric", WIDER),
        ("numeric", "numeric(8,2)", NARROWER), ("numeric(5)", "numeric(6)", WIDER), ("numeric(5)", "numeric(5,2)", NARROWER),
        ("DECIMAL(10, 4)", "decimal(10,2)", NARROWER), ("numeric(3,-2)", "numeric(3,-1)", NARROWER),
        ("numeric(3,-2)", "numeric(5,0)", WIDER),
        ("real", "double precision", WIDER), ("double precision", "real", NARROWER),
        ("timestamp(3) without time zone", "timestamp(6) without time zone", WIDER),
        ("timestamp(6) without time zone", "timestamp(0) without time zone", NARROWER),
        ("timestamp(3) without time zone", "timestamp without time zone", WIDER),
        ("timestamp without time zone", "timestamp(3) without time zone", NARROWER),
        ("timestamp without time zone", "timestamp with time zone", OTHER),
        ("bit varying(8)", "bit varying(16)", WIDER), ("bit varying(8)", "bit varying", WIDER), ("bit varying", "bit varying(8)", NARROWER),
        ("character(5)", "character(3)", NARROWER), ("character(5)", "character(8)", WIDER),
        ("integer", "text", OTHER), ("text", "integer", OTHER), ("integer", "numeric", OTHER), ("text", "text[]", OTHER),
        ("integer", "real", OTHER), ("date", "timestamp without time zone", OTHER), ("json", "jsonb", OTHER), ("text", "", OTHER),
        ("", "text", OTHER), (None, "text", OTHER), ("mood", "mood2", OTHER),
        ("integer[]", "bigint[]", OTHER), ("integer[]", "integer[]", WIDER),
    ],
)  # fmt: skip
def test_types_are_compared_by_what_fits(old: str | None, new: str, expected: bool | None) -> None:
    assert type_widens(old, new) is expected


def rules_of(difference: Difference) -> Iterator[Rule]:
    traits: list[str | None] = list(difference.altered_traits()) if difference.change is Change.ALTERED else []
    for trait in traits or [None]:
        for rule in RULES:
            place = (rule.kind, rule.change, rule.trait)
            if place == (difference.subject.kind, difference.change, trait) and (rule.when is None or rule.when(difference)):
                yield rule
                break


DATABASES = [
    Difference(Change.ADDED, None, Object("database", "", "shop")),
    Difference(Change.DROPPED, Object("database", "", "shop"), None),
    Difference(Change.RENAMED, Object("database", "", "shop"), Object("database", "", "store")),
]
"""Databases come and go outside of any one database's schema: test_track.py has their cases."""


def _column(nullable: str) -> Object:
    return Object("column", "t", "c", ("integer", nullable, None, None, None, None))


def _check(validated: str) -> Object:
    return Object("constraint", "t", "k", ("check", "CHECK (c > 0)", validated))


NEWEST = [
    Difference(Change.ALTERED, _column("yes"), _column(UNCHECKED)),
    Difference(Change.ALTERED, _column(UNCHECKED), _column("no")),
    Difference(Change.ADDED, None, _check("not enforced")),
    Difference(Change.ALTERED, _check("yes"), _check("not enforced")),
]
"""What only PostgreSQL 18 has: test_postgres_newest.py has it from a real one."""


def _on_the_server(old: str | None, new: str | None) -> Difference:
    o, n = (text and Object("grant", "server", "eve@%", (text,)) for text in (old, new))
    return Difference(Change.ADDED if old is None else Change.ALTERED, o or None, n or None)


ON_THE_SERVER = [_on_the_server(None, "eve@%=FILE"), _on_the_server("eve@%=FILE", "eve@%=FILE, SUPER")]
"""Rights on the whole server are outside of any one database: test_mysql_accounts.py has them from a real one."""


def _taken(trait: str, o: Object) -> Difference:
    return Difference(Change.ALTERED, o, o, others=(Other(trait, "x", None),))


TAKEN = [
    _taken("type", _column("yes")),
    Difference(Change.ALTERED, Object("role", "", "r"), Object("role", "", "r"), objects=2),
    _taken("privileges", Object("grant", "t", "", ("alice=SELECT",))),
    _taken("tables", Object("publication", "", "p", ("publish = insert", "t"))),
]
"""What reads as before: test_names_that_changed_hands.py has it from a real PostgreSQL."""

ROTATED = [
    Difference(change, Object("table", "", "log_1", (None,) * 5), new, has_rotated=True)
    for change, new in ((Change.DROPPED, None), (Change.RENAMED, Object("table", "", "old.log_1", (None,) * 5)))
]
"""What a table was earlier is in neither schema: test_track.py has it from a real one."""


def test_every_rule_is_reached_by_a_case(outcome: Callable[[Path], Outcome]) -> None:
    differences = [d for path in CASES for d in outcome(path).differences] + DATABASES + NEWEST + ON_THE_SERVER + TAKEN + ROTATED
    reached = {rule for d in differences for rule in rules_of(d)}
    unreached = [f"{r.kind} {r.change} {r.trait or ''}: {r.reason}" for r in RULES if r not in reached]
    assert not unreached, "no case in tests/schema/cases reaches:\n" + "\n".join(unreached)


def test_no_case_falls_through_the_rules(outcome: Callable[[Path], Outcome]) -> None:
    """Whatever happens in a case has a rule of its own, and no reason made up on the way."""
    reasons = {rule.reason for rule in RULES}
    for path in CASES:
        for d in outcome(path).differences:
            told = {part for part in weigh(d)[1].split("; ") if not part.startswith("concluded from ")}
            assert told <= {part for reason in reasons for part in reason.split("; ")}, path.name


def column(**traits: str | None) -> Object:
    values = {"type": "integer", "nullable": "yes", "default": None, "generated": None, "collation": None, "options": None} | traits
    return Object("column", "t", "c", tuple(values.values()))


def test_heaviest_of_several_changes_counts_and_only_its_reasons_are_told() -> None:
    risk, reason, _ = weigh(Difference(Change.ALTERED, column(default="1"), column(type="bigint", nullable="no", default="1")))
    assert risk is Risk.CAUTIOUS
    assert reason == "NULL is refused from now on: inserts and updates that write NULL or leave it out fail"


def test_reasons_of_one_weight_are_told_together() -> None:
    risk, reason, _ = weigh(Difference(Change.ALTERED, column(type="bigint"), column(type="integer", nullable="no")))
    assert risk is Risk.CAUTIOUS
    assert reason.count(";") == 1


def test_names_that_mean_something_else_are_told_and_not_endlessly() -> None:
    o = Object("view", "", "v", ("SELECT 1 FROM a, b, c, d, e", "x integer", None))
    others = tuple(Other("definition", name, "z" if name == "a" else None) for name in "abcde")
    risk, reason, _ = weigh(Difference(Change.ALTERED, o, o, others=others))
    assert risk is Risk.CAUTIOUS
    assert reason.split("; ")[1:] == [
        "a is another one than before (that one is called z now)", "b is another one than before", "c is another one than before",
        "2 more names mean something else",
    ]  # fmt: skip


def test_what_no_rule_knows_is_cautious() -> None:
    old, new = (Object("constraint", "t", "k", (form, "UNIQUE (a)", "yes")) for form in ("unique", "exclusion"))
    assert weigh(Difference(Change.ALTERED, old, new)) == (Risk.CAUTIOUS, "form altered", False)


def test_every_rule_speaks_in_words_of_its_own() -> None:
    for rule in RULES:
        assert rule.reason[0].islower() or rule.reason.startswith("NULL ")
        assert not rule.reason.endswith(".")
        assert len(rule.reason) > 15
