"""What changes of indexes, constraints, triggers, rules, policies and statistics of tables can do."""

from __future__ import annotations

from tocsin.event import Risk
from tocsin.schema.difference import Difference
from tocsin.schema.model import SWITCHED_OFF, Object
from tocsin.schema.risk.rule import A, D, R, Rule, X, both, moves, new_is, old_is


def _is_row_number(o: Object | None) -> bool:
    """Tell whether it is the key by which SQLite itself numbers rows."""
    return o is not None and (o.trait("definition") or "").startswith("INTEGER PRIMARY KEY")


_SWITCHED_OFF = "its triggers are disabled, so that nothing enforces it: rows that break it are possible, as those that refer to nothing"


def _only_owned_by_another(d: Difference) -> bool:
    old, new = ((o and o.trait("definition")) or "" for o in (d.old, d.new))
    return old.partition(" OWNER ")[0] == new.partition(" OWNER ")[0]


RULES: tuple[Rule, ...] = (
    Rule("index", A, Risk.CAUTIOUS, "the index is not valid: its build failed or is going on; it costs writes and serves no reads",
         new_is("valid", "invalid")),
    Rule("index", A, Risk.SAFE, "duplicates are refused as before: then by a constraint over the same columns",
         lambda d: d.stands_in),
    Rule("index", A, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", new_is("unique", "yes")),
    Rule("index", A, Risk.SAFE, "queries are kept from using it; it only costs writes a little", new_is("valid", "invisible")),
    Rule("index", A, Risk.SAFE, "reads can only become faster; writes cost a little more"),
    Rule("index", D, Risk.SAFE, "the index was not valid: it served no reads", old_is("valid", "invalid")),
    Rule("index", D, Risk.SAFE, "the index is a constraint's now, or one over the same columns is there instead: duplicates are refused as"
         " before", lambda d: d.stands_in),
    Rule("index", D, Risk.CAUTIOUS, "duplicates are possible from now on, and queries that used the index become slow",
         old_is("unique", "yes")),
    Rule("index", D, Risk.CAUTIOUS, "queries that used the index become slow"),
    Rule("index", R, Risk.SAFE, "only hints and maintenance scripts know an index by its name"),
    Rule("index", X, Risk.CAUTIOUS, "a unique index refuses duplicates that were allowed before", new_is("unique", "yes"), "unique"),
    Rule("index", X, Risk.CAUTIOUS, "duplicates are possible from now on", None, "unique"),
    Rule("index", X, Risk.CAUTIOUS, "queries that used the old form may become slow", None, "definition"),
    Rule("index", X, Risk.CAUTIOUS, "queries are kept from using the index: those that did may become slow",
         new_is("valid", "invisible"), "valid"),
    Rule("index", X, Risk.SAFE, "queries may use the index again", old_is("valid", "invisible"), "valid"),
    Rule("index", X, Risk.CAUTIOUS, "the index is valid now: a unique index refuses duplicates that were allowed before",
         both(new_is("valid", "yes"), new_is("unique", "yes")), "valid"),
    Rule("index", X, Risk.SAFE, "the index is valid now", new_is("valid", "yes"), "valid"),
    Rule("index", X, Risk.CAUTIOUS, "the index is not valid: it costs writes and serves no reads", None, "valid"),
    Rule("constraint", A, Risk.SAFE, "the rule is only written down, nothing enforces it", new_is("validated", "not enforced")),
    Rule("constraint", A, Risk.CAUTIOUS, _SWITCHED_OFF, new_is("validated", SWITCHED_OFF)),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on; old rows have not been checked",
         new_is("validated", "not valid")),
    Rule("constraint", A, Risk.SAFE, "duplicates are refused as before: then by a unique index over the same columns",
         lambda d: d.stands_in),
    Rule("constraint", A, Risk.CAUTIOUS, "writes that break the rule fail from now on"),
    Rule("constraint", D, Risk.BREAKING, "rows can no longer be told apart by key: upserts and replication that rely on it fail",
         old_is("form", "primary key")),
    Rule("constraint", D, Risk.CAUTIOUS, "a unique index over the same columns refuses duplicates as before; statements that name the"
         " constraint fail", lambda d: d.stands_in),
    Rule("constraint", D, Risk.CAUTIOUS, "data that breaks the rule can be written from now on"),
    Rule("constraint", R, Risk.SAFE, "only error messages and ON CONFLICT ON CONSTRAINT know a constraint by its name"),
    Rule("constraint", X, Risk.CAUTIOUS, _SWITCHED_OFF, new_is("validated", SWITCHED_OFF), "validated"),
    Rule("constraint", X, Risk.CAUTIOUS, "it is enforced again, but rows written while its triggers were disabled have not been checked",
         old_is("validated", SWITCHED_OFF), "validated"),
    Rule("constraint", X, Risk.SAFE, "old rows have been checked now", new_is("validated", "yes"), "validated"),
    Rule("constraint", X, Risk.CAUTIOUS, "data that breaks the rule can be written, or is there already", None, "validated"),
    Rule("constraint", X, Risk.BREAKING, "new rows that leave the key out are not numbered any more: they get NULL, or are refused",
         lambda d: _is_row_number(d.old) and not _is_row_number(d.new), "definition"),
    Rule("constraint", X, Risk.CAUTIOUS, "the key is the row's number now: all but whole numbers are refused",
         lambda d: _is_row_number(d.new) and not _is_row_number(d.old), "definition"),
    Rule("constraint", X, Risk.CAUTIOUS, "what becomes of a write that breaks the rule is another: refused, left out, or in place of rows",
         moves("definition", "ON CONFLICT"), "definition"),
    Rule("constraint", X, Risk.CAUTIOUS, "the rule is checked at another moment: with each statement, or when the transaction ends",
         moves("definition", "DEFERRABLE"), "definition"),
    Rule("constraint", X, Risk.CAUTIOUS, "when a row that others refer to is deleted or gets another key, something else becomes of those",
         moves("definition", "ON DELETE", "ON UPDATE"), "definition"),
    Rule("constraint", X, Risk.CAUTIOUS, "another set of writes is refused from now on", None, "definition"),
    Rule("trigger", A, Risk.CAUTIOUS, "writes do more than before from now on: they may become slow, fail or change other rows"),
    Rule("trigger", D, Risk.CAUTIOUS, "what it did with each write is done no longer"),
    Rule("trigger", R, Risk.SAFE, "only maintenance scripts know a trigger by its name"),
    Rule("trigger", X, Risk.CAUTIOUS, "writes do something else from now on", None, "definition"),
    Rule("trigger", X, Risk.CAUTIOUS, "what it did with each write is done no longer", new_is("enabled", "no"), "enabled"),
    Rule("trigger", X, Risk.CAUTIOUS, "it acts in other sessions than before", None, "enabled"),
    Rule("rule", A, Risk.CAUTIOUS, "statements on the table are rewritten from now on"),
    Rule("rule", D, Risk.CAUTIOUS, "statements on the table are rewritten no longer"),
    Rule("rule", R, Risk.SAFE, "only maintenance scripts know a rule by its name"),
    Rule("rule", X, Risk.CAUTIOUS, "statements on the table are rewritten in another way", None, "definition"),
    Rule("rule", X, Risk.CAUTIOUS, "statements are rewritten in other sessions than before", None, "enabled"),
    Rule("policy", A, Risk.BREAKING, "rows that it does not allow can no longer be seen or written", new_is("form", "restrictive")),
    Rule("policy", A, Risk.SAFE, "more rows can be seen or written by those whom it is for", security=True),
    Rule("policy", D, Risk.SAFE, "rows that it held back can be seen or written", old_is("form", "restrictive"), security=True),
    Rule("policy", D, Risk.BREAKING, "rows that it allowed can no longer be seen or written"),
    Rule("policy", R, Risk.SAFE, "only maintenance scripts know a policy by its name"),
    *(
        Rule("policy", X, Risk.CAUTIOUS, "other rows can be seen or written, or by others", None, trait, security=True)
        for trait in ("form", "command", "roles", "using", "check")
    ),
    Rule("statistics", A, Risk.SAFE, "the planner can only estimate better"),
    Rule("statistics", D, Risk.CAUTIOUS, "the planner estimates without it: plans may become worse"),
    Rule("statistics", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("statistics", X, Risk.SAFE, "another role may alter and drop them; the planner estimates as before", _only_owned_by_another,
         "definition"),
    Rule("statistics", X, Risk.CAUTIOUS, "the planner estimates in another way", None, "definition"),
)  # fmt: skip
