"""How much harm a schema change can do: a table of rules, each with its reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType
from typing import NamedTuple

from tocsin.event import Change, Risk
from tocsin.schema import types
from tocsin.schema.diff import Difference
from tocsin.schema.model import Object


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


class Verdict(NamedTuple):
    """How much harm a change can do, why, and whether it bears on who may do what."""

    risk: Risk
    reason: str
    security: bool = False


def weigh(difference: Difference) -> Verdict:
    """Return the risk of a difference, and why.

    Of an altered object every altered trait is weighed; the heaviest counts. Its reasons are told, and those of security.
    """
    kind = difference.subject.kind
    traits: list[str | None] = list(difference.altered_traits()) if difference.change is Change.ALTERED else [None]
    verdicts = [_verdict(kind, difference, trait) for trait in traits]
    order = list(Risk)
    heaviest = max((v.risk for v in verdicts), key=order.index)
    reasons = dict.fromkeys(v.reason for v in verdicts if v.risk is heaviest or v.security)
    return Verdict(heaviest, "; ".join(reasons), any(v.security for v in verdicts))


def _verdict(kind: str, difference: Difference, trait: str | None) -> Verdict:
    for rule in RULES:
        if (rule.kind, rule.change, rule.trait) == (kind, difference.change, trait) and (rule.when is None or rule.when(difference)):
            return Verdict(rule.risk, rule.reason, rule.security)
    return Verdict(Risk.CAUTIOUS, f"{trait or kind} {difference.change}")


def _new(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.new is not None and d.new.trait(name) == value


def _old(name: str, value: str | None) -> Callable[[Difference], bool]:
    return lambda d: d.old is not None and d.old.trait(name) == value


def _grows(name: str) -> Callable[[Difference], bool]:
    """The list in a trait got more entries at its end, and kept those that it had."""
    return lambda d: d.old is not None and d.new is not None and f"{d.new.trait(name)}".startswith(f"{d.old.trait(name)}, ")


def _both(*conditions: Callable[[Difference], bool]) -> Callable[[Difference], bool]:
    return lambda d: all(condition(d) for condition in conditions)


def _required(d: Difference) -> bool:
    o = d.new
    filled = o is not None and (o.trait("generated") is not None or "AUTO_INCREMENT" in (o.trait("options") or ""))
    return o is not None and o.trait("nullable") == "no" and o.trait("default") is None and not filled


_INTEGERS = {"tinyint": 1, "smallint": 2, "int2": 2, "mediumint": 3, "integer": 4, "int": 4, "int4": 4, "bigint": 8, "int8": 8}
_TEXTS = ("text", "character varying", "varchar")


def type_widens(old: str | None, new: str | None, width: int = 4) -> bool | None:
    """Tell whether every value of one type fits the other: None when the types are of different families.

    A character takes `width` bytes at most, where a type counts bytes.
    """
    known = types.widens(old or "", new or "", width)
    if not isinstance(known, EllipsisType):
        return known
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
    def check(d: Difference) -> bool:
        assert d.old is not None
        assert d.new is not None
        width = types.bytes_per_character(d.old.trait("collation"))
        return type_widens(d.old.trait("type"), d.new.trait("type"), width) is expected

    return check


def _moves(trait: str, *words: str) -> Callable[[Difference], bool]:
    """Return the condition that a trait says one of these words on one side only, or in another way."""

    def check(d: Difference) -> bool:
        old, new = ((o and o.trait(trait)) or "" for o in (d.old, d.new))
        return any((word in old or word in new) and old.partition(word)[1:] != new.partition(word)[1:] for word in words)

    return check


def _in_another_character_set(d: Difference) -> bool:
    old, new = (types.character_set(o and o.trait("collation")) for o in (d.old, d.new))
    return old is not None and new is not None and old != new


_EVERYBODY = "PUBLIC"


def _rights(o: Object | None, separator: str) -> set[tuple[str, str]]:
    """Return who may do what (separator `=`), or may not do what the default allows (` without `), as pairs.

    Who may grant a right on, which is a star behind it, has it, too.
    """
    lines = ((o and o.traits[0]) or "").split("; ")
    parts = (line.partition(separator) for line in lines)
    found = {(who, right) for who, said, rights in parts if said for right in rights.split(", ")}
    return found | {(who, right.rstrip("*")) for who, right in found}


def _gained(d: Difference) -> set[tuple[str, str]]:
    return (_rights(d.new, "=") - _rights(d.old, "=")) | (_rights(d.old, " without ") - _rights(d.new, " without "))


def _lost(d: Difference) -> set[tuple[str, str]]:
    return (_rights(d.old, "=") - _rights(d.new, "=")) | (_rights(d.new, " without ") - _rights(d.old, " without "))


def _by_everybody(d: Difference) -> bool:
    return any(who == _EVERYBODY for who, _ in _gained(d))


def _finds_by_callers_path(d: Difference) -> bool:
    """Tell whether a routine of PostgreSQL runs with its owner's rights and looks for what it names where its caller says."""
    o = d.new
    return (
        o is not None
        and o.trait("security") == "definer"
        and o.trait("language") != "SQL"
        and "SET search_path" not in (o.trait("attributes") or "")
    )


def _appended(trait: str) -> Callable[[Difference], bool]:
    """Return the condition that a list only became longer at its end."""
    return lambda d: d.old is not None and d.new is not None and (d.new.trait(trait) or "").startswith(f"{d.old.trait(trait)}, ")


def _keeps(trait: str) -> Callable[[Difference], bool]:
    """Return the condition that a list still has all that it had."""

    def check(d: Difference) -> bool:
        old, new = ((o and o.trait(trait)) or "" for o in (d.old, d.new))
        return set(old.split(", ")) <= set(new.split(", ")) or not old

    return check


A, D, R, X = Change.ADDED, Change.DROPPED, Change.RENAMED, Change.ALTERED

UNCHECKED = "no, but old rows are not checked"
"""A column's trait `nullable` where NULL is refused, but old rows may hold it."""

RULES: tuple[Rule, ...] = (
    Rule("database", A, Risk.SAFE, "nobody uses a new database yet"),
    Rule("database", D, Risk.DESTRUCTIVE, "all its data is gone, and every client that connects to it fails"),
    Rule("database", R, Risk.BREAKING, "every client that connects to it by the old name fails"),
    Rule("table", A, Risk.SAFE, "nobody uses a new table yet"),
    Rule("table", D, Risk.DESTRUCTIVE, "its rows are gone, and every statement that names it fails"),
    Rule("table", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("table", X, Risk.CAUTIOUS, "the table is stored in another way; its load may behave differently", trait="form"),
    Rule("table", X, Risk.CAUTIOUS, "its parameters changed: load and maintenance may behave differently", trait="options"),
    Rule("table", X, Risk.CAUTIOUS, "policies hold nobody back any more: whoever may read the table reads all its rows",
         lambda d: d.new is not None and (d.new.trait("row_security") or "off").startswith("off"), "row_security", security=True),
    Rule("table", X, Risk.CAUTIOUS, "the table's owner is no longer held back by its policies", _old("row_security", "forced"),
         "row_security", security=True),
    Rule("table", X, Risk.BREAKING, "rows that no policy allows can no longer be seen or written", None, "row_security"),
    Rule("table", X, Risk.CAUTIOUS, "logical replication tells rows apart in another way", trait="replica_identity"),
    Rule("table", X, Risk.BREAKING, "queries of its parents see other rows than before", trait="inherits"),
    Rule("column", A, Risk.BREAKING, "inserts that do not name it fail: it is NOT NULL and has no default", _required),
    Rule("column", A, Risk.SAFE, "statements that do not name it go on as before"),
    Rule("column", D, Risk.BREAKING, "statements that name it fail; its values were computed, so no data is lost",
         lambda d: d.old is not None and d.old.trait("generated") is not None),
    Rule("column", D, Risk.DESTRUCTIVE, "its values are gone, and every statement that names it fails"),
    Rule("column", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("column", X, Risk.SAFE, "every old value fits the wider type", _type_verdict(True), "type"),
    Rule("column", X, Risk.CAUTIOUS, "the type is narrower: values that used to fit are refused or cut", _type_verdict(False), "type"),
    Rule("column", X, Risk.BREAKING, "the type is of another family: comparisons, casts and drivers treat it differently", None, "type"),
    Rule("column", X, Risk.SAFE, "old rows have been checked for NULL now",
         _both(_old("nullable", UNCHECKED), _new("nullable", "no")), "nullable"),
    Rule("column", X, Risk.CAUTIOUS, "NULL is refused from now on, but old rows may hold it", _new("nullable", UNCHECKED), "nullable"),
    Rule("column", X, Risk.CAUTIOUS, "NULL is refused from now on: inserts and updates that write NULL or leave it out fail",
         _new("nullable", "no"), "nullable"),
    Rule("column", X, Risk.BREAKING, "NULL is allowed from now on: readers that do not expect it fail", None, "nullable"),
    Rule("column", X, Risk.BREAKING, "inserts that leave it out fail: it is NOT NULL and lost its default",
         _both(_new("default", None), _new("nullable", "no")), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get NULL, no default", _new("default", None), "default"),
    Rule("column", X, Risk.SAFE, "only rows that leave it out get the new default; before they got NULL", _old("default", None), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get another default", None, "default"),
    Rule("column", X, Risk.BREAKING, "the way its value is computed changed", None, "generated"),
    Rule("column", X, Risk.CAUTIOUS, "it is stored in another character set: characters that this one lacks are refused or lost",
         _in_another_character_set, "collation"),
    Rule("column", X, Risk.CAUTIOUS, "sorting and comparing follow another collation", None, "collation"),
    Rule("column", X, Risk.BREAKING, "inserts that leave it out fail: the server no longer numbers new rows",
         lambda d: _required(d) and d.old is not None and "AUTO_INCREMENT" in (d.old.trait("options") or ""), "options"),
    Rule("column", X, Risk.BREAKING, "statements that take all columns without naming them have one more or one less",
         _moves("options", "INVISIBLE"), "options"),
    Rule("column", X, Risk.CAUTIOUS, "the server fills or checks it in another way",
         _moves("options", "AUTO_INCREMENT", "ON UPDATE", "SRID"), "options"),
    Rule("column", X, Risk.SAFE, "it is stored or analysed in another way; statements give the same results", None, "options"),
    Rule("index", A, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", _new("unique", "yes")),
    Rule("index", A, Risk.CAUTIOUS, "the index is not valid: its build failed or is going on; it costs writes and serves no reads",
         _new("valid", "invalid")),
    Rule("index", A, Risk.SAFE, "queries are kept from using it; it only costs writes a little", _new("valid", "invisible")),
    Rule("index", A, Risk.SAFE, "reads can only become faster; writes cost a little more"),
    Rule("index", D, Risk.CAUTIOUS, "duplicates are possible from now on, and queries that used the index become slow",
         _old("unique", "yes")),
    Rule("index", D, Risk.CAUTIOUS, "queries that used the index become slow"),
    Rule("index", R, Risk.SAFE, "only hints and maintenance scripts know an index by its name"),
    Rule("index", X, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", _new("unique", "yes"), "unique"),
    Rule("index", X, Risk.CAUTIOUS, "duplicates are possible from now on", None, "unique"),
    Rule("index", X, Risk.CAUTIOUS, "queries that used the old form may become slow", None, "definition"),
    Rule("index", X, Risk.CAUTIOUS, "queries are kept from using the index: those that did may become slow",
         _new("valid", "invisible"), "valid"),
    Rule("index", X, Risk.SAFE, "queries may use the index again", _old("valid", "invisible"), "valid"),
    Rule("index", X, Risk.SAFE, "the index is valid now", _new("valid", "yes"), "valid"),
    Rule("index", X, Risk.CAUTIOUS, "the index is not valid: it costs writes and serves no reads", None, "valid"),
    Rule("constraint", A, Risk.SAFE, "the rule is only written down, nothing enforces it", _new("validated", "not enforced")),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on; old rows have not been checked",
         _new("validated", "not valid")),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on"),
    Rule("constraint", D, Risk.BREAKING, "rows can no longer be told apart by key: upserts and replication that rely on it fail",
         _old("form", "primary key")),
    Rule("constraint", D, Risk.CAUTIOUS, "data that breaks the rule can be written from now on"),
    Rule("constraint", R, Risk.SAFE, "only error messages and ON CONFLICT ON CONSTRAINT know a constraint by its name"),
    Rule("constraint", X, Risk.SAFE, "old rows have been checked now", _new("validated", "yes"), "validated"),
    Rule("constraint", X, Risk.CAUTIOUS, "data that breaks the rule can be written, or is there already", None, "validated"),
    Rule("constraint", X, Risk.CAUTIOUS, "another set of writes is refused from now on", None, "definition"),
    Rule("view", A, Risk.SAFE, "nobody uses a new view yet"),
    Rule("view", D, Risk.BREAKING, "every statement that names it fails; its rows are other tables'"),
    Rule("view", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("view", X, Risk.CAUTIOUS, "it gives other rows or values from now on", None, "definition"),
    Rule("view", X, Risk.SAFE, "it gives more columns, after those it gave", _appended("columns"), "columns"),
    Rule("view", X, Risk.BREAKING, "it gives other columns: statements that name those that went fail", None, "columns"),
    Rule("view", X, Risk.CAUTIOUS, "it is decided in another way who sees which rows through it", None, "options", security=True),
    Rule("materialized view", A, Risk.SAFE, "nobody uses a new materialized view yet"),
    Rule("materialized view", D, Risk.BREAKING, "every statement that names it fails; its rows can be computed again"),
    Rule("materialized view", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("materialized view", X, Risk.CAUTIOUS, "it gives other rows or values from now on", None, "definition"),
    Rule("materialized view", X, Risk.BREAKING, "it gives other columns: statements that name those that went fail", None, "columns"),
    Rule("materialized view", X, Risk.SAFE, "it is stored in another way; statements give the same results", None, "options"),
    Rule("trigger", A, Risk.CAUTIOUS, "writes do more than before from now on: they may become slow, fail or change other rows"),
    Rule("trigger", D, Risk.CAUTIOUS, "what it did with each write is done no longer"),
    Rule("trigger", R, Risk.SAFE, "only maintenance scripts know a trigger by its name"),
    Rule("trigger", X, Risk.CAUTIOUS, "writes do something else from now on", None, "definition"),
    Rule("trigger", X, Risk.CAUTIOUS, "what it did with each write is done no longer", _new("enabled", "no"), "enabled"),
    Rule("trigger", X, Risk.CAUTIOUS, "it acts in other sessions than before", None, "enabled"),
    Rule("schema", A, Risk.SAFE, "nobody uses a new schema yet"),
    Rule("schema", D, Risk.DESTRUCTIVE, "all that was in it is gone, and every statement that names it fails"),
    Rule("schema", R, Risk.BREAKING, "every statement that names it fails, and every search_path with it misses it"),
    Rule("sequence", A, Risk.SAFE, "nobody draws from a new sequence yet"),
    Rule("sequence", D, Risk.BREAKING, "statements and defaults that draw numbers from it fail"),
    Rule("sequence", R, Risk.BREAKING, "statements that draw numbers from it by the old name fail"),
    Rule("sequence", X, Risk.CAUTIOUS, "its next numbers come in other steps, or end elsewhere", None, "definition"),
    Rule("enum", A, Risk.SAFE, "no column has a new type yet"),
    Rule("enum", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("enum", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("enum", X, Risk.CAUTIOUS, "programs that know all its values meet one that they do not know", _grows("values"), "values"),
    Rule("enum", X, Risk.BREAKING, "statements that name a value which went fail, or values have another order", None, "values"),
    Rule("type", A, Risk.SAFE, "no column has a new type yet"),
    Rule("type", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("type", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("type", X, Risk.BREAKING, "values of it look otherwise from now on: casts to it and fields of it fail", None, "definition"),
    Rule("macro", A, Risk.SAFE, "nobody calls a new macro yet"),
    Rule("macro", D, Risk.BREAKING, "every statement that calls it fails"),
    Rule("macro", R, Risk.BREAKING, "every statement that calls it by its old name fails"),
    Rule("macro", X, Risk.CAUTIOUS, "every statement that calls it computes something else", None, "definition"),
    Rule("event", A, Risk.CAUTIOUS, "from now on the server does by itself what the event says"),
    Rule("event", D, Risk.CAUTIOUS, "what it did at its times is done no longer"),
    Rule("event", R, Risk.SAFE, "only maintenance scripts know an event by its name"),
    Rule("event", X, Risk.CAUTIOUS, "the server does something else by itself, or at other times", None, "definition"),
    Rule("event", X, Risk.CAUTIOUS, "the server does by itself again what the event says", _new("enabled", "yes"), "enabled"),
    Rule("event", X, Risk.CAUTIOUS, "what it did at its times is done no longer", None, "enabled"),
    Rule("comment", A, Risk.SAFE, "only people read comments"),
    Rule("comment", D, Risk.SAFE, "only people miss a comment"),
    Rule("comment", X, Risk.SAFE, "only people read comments", None, "text"),
    Rule("sequence", X, Risk.SAFE, "it goes with another column when that is dropped", None, "owned_by"),
    *(
        rule
        for kind in ("function", "procedure")
        for rule in (
            Rule(kind, A, Risk.CAUTIOUS, "it runs with its owner's rights and finds what it names by its caller's search_path: pin that",
                 _finds_by_callers_path, security=True),
            Rule(kind, A, Risk.SAFE, f"nobody calls a new {kind} yet"),
            Rule(kind, D, Risk.BREAKING, "every statement that calls it fails"),
            Rule(kind, R, Risk.BREAKING, "every statement that calls it by its old name fails"),
            Rule(kind, X, Risk.BREAKING, "calls that name an argument, or leave one out, can fail or mean something else", None,
                 "arguments"),
            Rule(kind, X, Risk.CAUTIOUS, "it is written in another language", None, "language"),
            Rule(kind, X, Risk.CAUTIOUS, "it does something else than before", None, "body"),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with its owner's rights and finds what it names by its caller's search_path: pin that",
                 _finds_by_callers_path, "attributes", security=True),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with other settings, or the planner calls it at other moments", None, "attributes"),
            Rule(kind, X, Risk.BREAKING, "it runs with its caller's rights, which may not suffice", _new("security", "invoker"),
                 "security"),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with its owner's rights: callers can do what they may not do themselves", None,
                 "security", security=True),
        )
    ),
    Rule("function", X, Risk.BREAKING, "callers get values of another type", None, "returns"),
    Rule("rule", A, Risk.CAUTIOUS, "statements on the table are rewritten from now on"),
    Rule("rule", D, Risk.CAUTIOUS, "statements on the table are rewritten no longer"),
    Rule("rule", R, Risk.SAFE, "only maintenance scripts know a rule by its name"),
    Rule("rule", X, Risk.CAUTIOUS, "statements on the table are rewritten in another way", None, "definition"),
    Rule("rule", X, Risk.CAUTIOUS, "statements are rewritten in other sessions than before", None, "enabled"),
    Rule("policy", A, Risk.BREAKING, "rows that it does not allow can no longer be seen or written", _new("form", "restrictive")),
    Rule("policy", A, Risk.SAFE, "more rows can be seen or written by those whom it is for", security=True),
    Rule("policy", D, Risk.SAFE, "rows that it held back can be seen or written", _old("form", "restrictive"), security=True),
    Rule("policy", D, Risk.BREAKING, "rows that it allowed can no longer be seen or written"),
    Rule("policy", R, Risk.SAFE, "only maintenance scripts know a policy by its name"),
    *(
        Rule("policy", X, Risk.CAUTIOUS, "other rows can be seen or written, or by others", None, trait, security=True)
        for trait in ("form", "command", "roles", "using", "check")
    ),
    Rule("event trigger", A, Risk.CAUTIOUS, "it acts on statements that change the schema, and an error in it fails them"),
    Rule("event trigger", D, Risk.CAUTIOUS, "what it did when the schema changed is done no longer"),
    Rule("event trigger", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("event trigger", X, Risk.CAUTIOUS, "it acts at other moments, or does something else", None, "definition"),
    Rule("event trigger", X, Risk.CAUTIOUS, "it acts in other sessions than before, or in none", None, "enabled"),
    Rule("domain", A, Risk.SAFE, "no column has a new type yet"),
    Rule("domain", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("domain", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("domain", X, Risk.BREAKING, "columns of the domain hold values of another type", None, "type"),
    Rule("domain", X, Risk.CAUTIOUS, "NULL is refused in columns of the domain from now on", _new("nullable", "no"), "nullable"),
    Rule("domain", X, Risk.BREAKING, "NULL is allowed from now on: readers that do not expect it fail", None, "nullable"),
    Rule("domain", X, Risk.CAUTIOUS, "new rows that leave such columns out get another default", None, "default"),
    Rule("domain", X, Risk.CAUTIOUS, "another set of values is refused from now on", None, "definition"),
    *(
        rule
        for kind in ("aggregate", "collation", "operator", "operator class", "operator family", "conversion", "text search", "transform",
                     "access method", "language", "foreign data wrapper", "foreign server")
        for rule in (
            Rule(kind, A, Risk.SAFE, f"nobody uses the new {kind} yet"),
            Rule(kind, D, Risk.BREAKING, "what relies on it fails"),
        )
    ),
    *(
        Rule(kind, R, Risk.BREAKING, "every statement that uses its old name fails")
        for kind in ("aggregate", "collation", "operator class", "operator family", "conversion", "text search", "language",
                     "foreign data wrapper", "foreign server")
    ),
    Rule("aggregate", X, Risk.CAUTIOUS, "it computes something else than before", None, "definition"),
    Rule("collation", X, Risk.CAUTIOUS, "texts are sorted and compared in another way, and indexes on them may be wrong", None,
         "definition"),
    Rule("operator", X, Risk.CAUTIOUS, "it computes something else, or the planner uses it in another way", None, "definition"),
    Rule("operator class", X, Risk.CAUTIOUS, "indexes that use it sort or find in another way", None, "definition"),
    Rule("operator family", X, Risk.CAUTIOUS, "indexes of the family serve other comparisons", None, "definition"),
    Rule("conversion", X, Risk.CAUTIOUS, "texts are converted in another way", None, "definition"),
    Rule("text search", X, Risk.CAUTIOUS, "texts are split and normalised in another way: what was indexed before may not be found",
         None, "definition"),
    Rule("transform", X, Risk.CAUTIOUS, "values reach functions of the language in another form", None, "definition"),
    Rule("access method", X, Risk.CAUTIOUS, "tables or indexes are read and written by other code", None, "definition"),
    Rule("language", X, Risk.CAUTIOUS, "functions of the language are run by other code", None, "definition"),
    Rule("foreign data wrapper", X, Risk.CAUTIOUS, "foreign tables are reached in another way", None, "definition"),
    Rule("foreign server", X, Risk.CAUTIOUS, "foreign tables are reached elsewhere or in another way", None, "definition"),
    Rule("cast", A, Risk.CAUTIOUS, "statements that failed before can work, and others may mean something else"),
    Rule("cast", D, Risk.BREAKING, "statements that rely on the conversion fail"),
    Rule("cast", X, Risk.CAUTIOUS, "values are converted in another way, or at other places", None, "definition"),
    Rule("user mapping", A, Risk.SAFE, "a role can log in at a foreign server from now on", security=True),
    Rule("user mapping", D, Risk.BREAKING, "the role can no longer use the foreign tables of the server"),
    Rule("user mapping", X, Risk.CAUTIOUS, "the role logs in at the foreign server in another way", None, "definition", security=True),
    Rule("statistics", A, Risk.SAFE, "the planner can only estimate better"),
    Rule("statistics", D, Risk.CAUTIOUS, "the planner estimates without it: plans may become worse"),
    Rule("statistics", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("statistics", X, Risk.CAUTIOUS, "the planner estimates in another way", None, "definition"),
    Rule("extension", A, Risk.SAFE, "nobody uses a new extension yet"),
    Rule("extension", D, Risk.BREAKING, "every statement that uses its functions and types fails"),
    Rule("extension", X, Risk.CAUTIOUS, "its functions are of another version and may behave differently", None, "version"),
    Rule("extension", X, Risk.BREAKING, "statements that name its functions in the old schema fail", None, "schema"),
    Rule("publication", A, Risk.SAFE, "nobody follows a new publication yet"),
    Rule("publication", D, Risk.BREAKING, "subscribers get no changes any more"),
    Rule("publication", R, Risk.BREAKING, "subscribers that know it by the old name get no changes any more"),
    Rule("publication", X, Risk.CAUTIOUS, "subscribers get other kinds of changes", None, "definition"),
    Rule("publication", X, Risk.CAUTIOUS, "subscribers get changes of more tables, which they must have", _keeps("tables"), "tables"),
    Rule("publication", X, Risk.BREAKING, "subscribers get no changes of some tables or columns any more", None, "tables"),
    Rule("subscription", A, Risk.CAUTIOUS, "rows come from elsewhere and may collide with those that are here"),
    Rule("subscription", D, Risk.BREAKING, "changes made elsewhere do not come any more"),
    Rule("subscription", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("subscription", X, Risk.CAUTIOUS, "other changes come from elsewhere, or in another way", None, "definition"),
    Rule("subscription", X, Risk.BREAKING, "changes made elsewhere do not come any more", _new("enabled", "no"), "enabled"),
    Rule("subscription", X, Risk.CAUTIOUS, "changes made elsewhere come from now on", None, "enabled"),
    Rule("owner", X, Risk.CAUTIOUS, "the new owner may do everything with it, the old one only what is granted", None, "role",
         security=True),
    *(
        rule
        for change, trait in ((A, None), (D, None), (X, "privileges"))
        for rule in (
            Rule("grant", change, Risk.BREAKING, "some lose rights, and their statements fail; others gain some",
                 lambda d: bool(_lost(d) and _gained(d)), trait, security=True),
            Rule("grant", change, Risk.BREAKING, "statements of those who lost rights fail", lambda d: bool(_lost(d)), trait),
            Rule("grant", change, Risk.CAUTIOUS, "everybody who can connect has rights that not everybody had", _by_everybody, trait,
                 security=True),
            Rule("grant", change, Risk.SAFE, "more may use it than before", None, trait, security=True),
        )
    ),
    Rule("default privileges", A, Risk.CAUTIOUS, "what is made from now on comes with other rights", security=True),
    Rule("default privileges", D, Risk.CAUTIOUS, "what is made from now on comes without these rights", security=True),
    Rule("default privileges", X, Risk.CAUTIOUS, "what is made from now on comes with other rights", None, "privileges", security=True),
)  # fmt: skip
