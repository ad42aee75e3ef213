"""How much harm a schema change can do: a table of rules, each with its reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.event import Change, Risk
from tocsin.schema.diff import Difference


@dataclass(frozen=True, slots=True)
class Rule:
    """The risk of one kind of change. Without `when`, whatever the rules above it did not take."""

    kind: str
    change: Change
    risk: Risk
    reason: str
    when: Callable[[Difference], bool] | None = None
    trait: str | None = None
    security: bool = False
    """Whether the change bears on who may do what, however much or little else it breaks."""


def weigh(difference: Difference) -> tuple[Risk, str]:
    """Return the risk of a difference, and why.

    Of an altered object every altered trait is weighed; the heaviest counts and all its reasons are told.
    """
    kind = difference.subject.kind
    traits: list[str | None] = list(difference.altered_traits()) if difference.change is Change.ALTERED else [None]
    verdicts = [_verdict(kind, difference, trait) for trait in traits]
    order = list(Risk)
    heaviest = max((risk for risk, _ in verdicts), key=order.index)
    return heaviest, "; ".join(reason for risk, reason in verdicts if risk is heaviest)


def _verdict(kind: str, difference: Difference, trait: str | None) -> tuple[Risk, str]:
    for rule in RULES:
        if (rule.kind, rule.change, rule.trait) == (kind, difference.change, trait) and (rule.when is None or rule.when(difference)):
            return rule.risk, rule.reason
    return Risk.CAUTIOUS, f"{trait or kind} {difference.change}"


def _new(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.new is not None and d.new.trait(name) == value


def _old(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.old is not None and d.old.trait(name) == value


def _both(*conditions: Callable[[Difference], bool]) -> Callable[[Difference], bool]:
    return lambda d: all(condition(d) for condition in conditions)


def _required(d: Difference) -> bool:
    o = d.new
    return o is not None and o.trait("nullable") == "no" and o.trait("default") is None and o.trait("generated") is None


_INTEGERS = {"tinyint": 1, "smallint": 2, "int2": 2, "mediumint": 3, "integer": 4, "int": 4, "int4": 4, "bigint": 8, "int8": 8}
_TEXTS = ("text", "character varying", "varchar")


def type_widens(old: str | None, new: str | None) -> bool | None:
    """Tell whether every value of one type fits the other: None when the types are of different families."""
    a, b = _parsed(old), _parsed(new)
    if a[0] in _INTEGERS and b[0] in _INTEGERS:
        return _INTEGERS[a[0]] <= _INTEGERS[b[0]]
    if a[0] in _TEXTS and b[0] in _TEXTS:
        return not b[1] or bool(a[1] and a[1][0] <= b[1][0])
    if a[0] == b[0] and a[0] in ("numeric", "decimal"):
        if not a[1] or not b[1]:
            return not b[1]
        (precision, scale), (wider, finer) = (a[1] + (0,))[:2], (b[1] + (0,))[:2]
        return finer >= scale and wider - finer >= precision - scale
    if a[0] == b[0] and (a[0] in ("bit varying", "interval") or " time zone" in a[0]) and not (a[1] and b[1]):
        return not b[1]  # without a number it holds the most
    if a[0] == b[0] and len(a[1]) == len(b[1]):
        return all(x <= y for x, y in zip(a[1], b[1], strict=True))
    return {("real", "double precision"): True, ("double precision", "real"): False}.get((a[0], b[0]))


def _parsed(text: str | None) -> tuple[str, tuple[int, ...]]:
    """Split `numeric(10,2)` into its name and its numbers."""
    match = re.fullmatch(r"([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?([^(]*)", (text or "").strip().lower())
    if match is None:
        return (text or ""), ()
    numbers = tuple(int(n) for n in match.group(2, 3) if n is not None)
    return " ".join((match.group(1) + match.group(4)).split()), numbers


def _type_verdict(expected: bool | None) -> Callable[[Difference], bool]:
    return lambda d: d.old is not None and d.new is not None and type_widens(d.old.trait("type"), d.new.trait("type")) is expected


A, D, R, X = Change.ADDED, Change.DROPPED, Change.RENAMED, Change.ALTERED

RULES: tuple[Rule, ...] = (
    Rule("database", A, Risk.SAFE, "nobody uses a new database yet"),
    Rule("database", D, Risk.DESTRUCTIVE, "all its data is gone, and every client that connects to it fails"),
    Rule("database", R, Risk.BREAKING, "every client that connects to it by the old name fails"),
    Rule("table", A, Risk.SAFE, "nobody uses a new table yet"),
    Rule("table", D, Risk.DESTRUCTIVE, "its rows are gone, and every statement that names it fails"),
    Rule("table", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("table", X, Risk.CAUTIOUS, "the table is stored in another way; its load may behave differently", trait="form"),
    Rule("column", A, Risk.BREAKING, "inserts that do not name it fail: it is NOT NULL and has no default", _required),
    Rule("column", A, Risk.SAFE, "statements that do not name it go on as before"),
    Rule("column", D, Risk.BREAKING, "statements that name it fail; its values were computed, so no data is lost",
         lambda d: d.old is not None and d.old.trait("generated") is not None),
    Rule("column", D, Risk.DESTRUCTIVE, "its values are gone, and every statement that names it fails"),
    Rule("column", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("column", X, Risk.SAFE, "every old value fits the wider type", _type_verdict(True), "type"),
    Rule("column", X, Risk.CAUTIOUS, "the type is narrower: values that used to fit are refused or cut", _type_verdict(False), "type"),
    Rule("column", X, Risk.BREAKING, "the type is of another family: comparisons, casts and drivers treat it differently", None, "type"),
    Rule("column", X, Risk.CAUTIOUS, "NULL is refused from now on: inserts and updates that write NULL or leave it out fail",
         _new("nullable", "no"), "nullable"),
    Rule("column", X, Risk.BREAKING, "NULL is allowed from now on: readers that do not expect it fail", None, "nullable"),
    Rule("column", X, Risk.BREAKING, "inserts that leave it out fail: it is NOT NULL and lost its default",
         _both(_new("default", None), _new("nullable", "no")), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get NULL, no default", _new("default", None), "default"),
    Rule("column", X, Risk.SAFE, "only rows that leave it out get the new default; before they got NULL", _old("default", None), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get another default", None, "default"),
    Rule("column", X, Risk.BREAKING, "the way its value is computed changed", None, "generated"),
    Rule("column", X, Risk.CAUTIOUS, "sorting and comparing follow another collation", None, "collation"),
    Rule("index", A, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", _new("unique", "yes")),
    Rule("index", A, Risk.CAUTIOUS, "the index is not valid: its build failed or is going on; it costs writes and serves no reads",
         _new("valid", "invalid")),
    Rule("index", A, Risk.SAFE, "reads can only become faster; writes cost a little more"),
    Rule("index", D, Risk.CAUTIOUS, "duplicates are possible from now on, and queries that used the index become slow",
         _old("unique", "yes")),
    Rule("index", D, Risk.CAUTIOUS, "queries that used the index become slow"),
    Rule("index", R, Risk.SAFE, "only hints and maintenance scripts know an index by its name"),
    Rule("index", X, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", _new("unique", "yes"), "unique"),
    Rule("index", X, Risk.CAUTIOUS, "duplicates are possible from now on", None, "unique"),
    Rule("index", X, Risk.CAUTIOUS, "queries that used the old form may become slow", None, "definition"),
    Rule("index", X, Risk.SAFE, "the index is valid now", _new("valid", "yes"), "valid"),
    Rule("index", X, Risk.CAUTIOUS, "the index is not valid: it costs writes and serves no reads", None, "valid"),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on; old rows have not been checked",
         _new("validated", "not valid")),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on"),
    Rule("constraint", D, Risk.BREAKING, "rows can no longer be told apart by key: upserts and replication that rely on it fail",
         _old("form", "primary key")),
    Rule("constraint", D, Risk.CAUTIOUS, "data that breaks the rule can be written from now on"),
    Rule("constraint", R, Risk.SAFE, "only error messages and ON CONFLICT ON CONSTRAINT know a constraint by its name"),
    Rule("constraint", X, Risk.SAFE, "old rows have been checked now", _new("validated", "yes"), "validated"),
    Rule("constraint", X, Risk.CAUTIOUS, "another set of writes is refused from now on", None, "definition"),
)  # fmt: skip
