"""What changes of tables, columns, views and sequences can do."""

from __future__ import annotations

import re
from collections.abc import Callable

from tocsin.event import Risk
from tocsin.schema import types
from tocsin.schema.difference import Difference
from tocsin.schema.model import UNCHECKED, Object, parts, rotates
from tocsin.schema.risk.partitions import rows_went
from tocsin.schema.risk.rule import A, D, R, Rule, X, appended, both, means_another, moves, new_is, old_is
from tocsin.schema.risk.widening import type_widens


def _required(d: Difference) -> bool:
    o = d.new
    filled = o is not None and (o.trait("generated") is not None or "AUTO_INCREMENT" in (o.trait("options") or ""))
    return o is not None and o.trait("nullable") == "no" and o.trait("default") is None and not filled


def _type_verdict(expected: bool | None) -> Callable[[Difference], bool]:
    def check(d: Difference) -> bool:
        assert d.old is not None
        assert d.new is not None
        width = types.bytes_per_character(d.old.trait("collation"))
        return type_widens(d.old.trait("type"), d.new.trait("type"), width) is expected

    return check


def _numbers(o: Object | None, how: str) -> bool:
    generated = (o and o.trait("generated")) or ""
    return generated.startswith(f"GENERATED {how}") and "AS IDENTITY" in generated


def _is_numbered(d: Difference, how: str = "") -> bool:
    return _numbers(d.new, how)


def _was_numbered(d: Difference, how: str = "") -> bool:
    return _numbers(d.old, how)


_WORKING_COPY = re.compile(r"_.+_(?:gho|ghc|del|new|old)")
"""https://github.com/github/gh-ost/blob/master/doc/cheatsheet.md, and `--new-table-name` of pt-online-schema-change."""


def _is_working_copy(d: Difference) -> bool:
    return d.old is not None and _WORKING_COPY.fullmatch(parts(d.old.name)[-1]) is not None


def _leaves_by_the_clock(d: Difference) -> bool:
    return d.has_rotated or (d.old is not None and rotates(d.old))


def _in_another_character_set(d: Difference) -> bool:
    old, new = (types.character_set(o and o.trait("collation")) for o in (d.old, d.new))
    return old is not None and new is not None and old != new


RULES: tuple[Rule, ...] = (
    Rule("table", A, Risk.SAFE, "nobody uses a new table yet"),
    Rule("table", D, Risk.SAFE, "rotation: until a while ago it was a partition by range, and such come and go with time",
         _leaves_by_the_clock),
    Rule("table", D, Risk.CAUTIOUS, "by its name the working copy of an online schema change (gh-ost, pt-online-schema-change): the table"
         " itself has its rows", _is_working_copy),
    Rule("table", D, Risk.DESTRUCTIVE, "its rows are gone, and every statement that names it fails"),
    Rule("table", R, Risk.SAFE, "rotation: until a while ago it was a partition by range, which few statements name",
         _leaves_by_the_clock),
    Rule("table", R, Risk.SAFE, "by its name the working copy of an online schema change (gh-ost, pt-online-schema-change)",
         _is_working_copy),
    Rule("table", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("table", X, Risk.DESTRUCTIVE, "a partition went whose values are in no other one: its rows are gone with it",
         rows_went, "form"),
    Rule("table", X, Risk.CAUTIOUS, "the table is stored in another way; its load may behave differently", trait="form"),
    Rule("table", X, Risk.CAUTIOUS, "its parameters changed: load and maintenance may behave differently", trait="options"),
    Rule("table", X, Risk.CAUTIOUS, "policies hold nobody back any more: whoever may read the table reads all its rows",
         lambda d: d.new is not None and (d.new.trait("row_security") or "off").startswith("off"), "row_security", security=True),
    Rule("table", X, Risk.CAUTIOUS, "the table's owner is no longer held back by its policies", old_is("row_security", "forced"),
         "row_security", security=True),
    Rule("table", X, Risk.BREAKING, "rows that no policy allows can no longer be seen or written", None, "row_security"),
    Rule("table", X, Risk.CAUTIOUS, "logical replication tells rows apart in another way", trait="replica_identity"),
    Rule("table", X, Risk.BREAKING, "queries of its parents see other rows than before", trait="inherits"),
    Rule("partition", A, Risk.SAFE, "rows of its bounds have a place of their own from now on"),
    Rule("partition", D, Risk.DESTRUCTIVE, "its rows are gone, and such rows are refused unless another partition takes them"),
    Rule("partition", R, Risk.SAFE, "rotation: it is a table of its own now, and few statements name a partition by range",
         _leaves_by_the_clock),
    Rule("partition", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("partition", X, Risk.CAUTIOUS, "who reads it through its table is held back by that one's policies alone",
         lambda d: old_is("of", None)(d) and not new_is("row_security", None)(d), "of", security=True),
    Rule("partition", X, Risk.SAFE, "queries of the table that it is a partition of now see its rows, too", old_is("of", None), "of"),
    Rule("partition", X, Risk.SAFE, "rotation: a partition by range is a table of its own now, whose rows queries of the one that it"
         " belonged to no longer see", both(new_is("of", None), _leaves_by_the_clock), "of"),
    Rule("partition", X, Risk.CAUTIOUS, "it is a table of its own now: queries of the one that it belonged to no longer see its rows",
         new_is("of", None), "of"),
    Rule("partition", X, Risk.BREAKING, "queries of another table see its rows than before", None, "of"),
    Rule("partition", X, Risk.SAFE, "what it takes follows from the table that it belongs to",
         lambda d: old_is("bounds", None)(d) or new_is("bounds", None)(d), "bounds"),
    Rule("partition", X, Risk.BREAKING, "rows that it took are refused unless another partition takes them", None, "bounds"),
    Rule("partition", X, Risk.CAUTIOUS, "policies hold nobody back any more: whoever may read the partition itself reads all its rows",
         new_is("row_security", None), "row_security", security=True),
    Rule("partition", X, Risk.BREAKING, "statements that name the partition no longer see or write the rows that no policy allows", None,
         "row_security"),
    Rule("partitions", A, Risk.SAFE, "rows have a first partition to go to"),
    Rule("partitions", D, Risk.DESTRUCTIVE, "no partition of the table is left: their rows are gone, or in tables of their own"),
    Rule("column", A, Risk.BREAKING, "inserts that do not name it fail: it is NOT NULL and has no default", _required),
    Rule("column", A, Risk.SAFE, "statements that do not name it go on as before"),
    Rule("column", D, Risk.BREAKING, "statements that name it fail; its values were computed, so no data is lost",
         lambda d: d.old is not None and d.old.trait("generated") is not None),
    Rule("column", D, Risk.DESTRUCTIVE, "its values are gone, and every statement that names it fails"),
    Rule("column", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("column", X, Risk.BREAKING, "the type is another one that bears the name now: values are of other kinds than before",
         means_another("type"), "type"),
    Rule("column", X, Risk.SAFE, "every old value fits the wider type", _type_verdict(True), "type"),
    Rule("column", X, Risk.CAUTIOUS, "the type is narrower: values that used to fit are refused or cut", _type_verdict(False), "type"),
    Rule("column", X, Risk.BREAKING, "the type is of another family: comparisons, casts and drivers treat it differently", None, "type"),
    Rule("column", X, Risk.SAFE, "old rows have been checked for NULL now",
         both(old_is("nullable", UNCHECKED), new_is("nullable", "no")), "nullable"),
    Rule("column", X, Risk.CAUTIOUS, "NULL is refused from now on, but old rows may hold it", new_is("nullable", UNCHECKED), "nullable"),
    Rule("column", X, Risk.CAUTIOUS, "NULL is refused from now on: inserts and updates that write NULL or leave it out fail",
         new_is("nullable", "no"), "nullable"),
    Rule("column", X, Risk.BREAKING, "NULL is allowed from now on: readers that do not expect it fail", None, "nullable"),
    Rule("column", X, Risk.SAFE, "rows that leave it out are numbered by the server itself",
         both(new_is("default", None), _is_numbered), "default"),
    Rule("column", X, Risk.BREAKING, "inserts that leave it out fail: it is NOT NULL and lost its default",
         both(new_is("default", None), new_is("nullable", "no")), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get NULL, no default", new_is("default", None), "default"),
    Rule("column", X, Risk.SAFE, "only rows that leave it out get the new default; before they got NULL",
         old_is("default", None), "default"),
    Rule("column", X, Risk.CAUTIOUS, "new rows that leave it out get another default", None, "default"),
    Rule("column", X, Risk.BREAKING, "inserts that give a value fail: the server numbers all rows",
         lambda d: _is_numbered(d, "ALWAYS") and not _was_numbered(d, "ALWAYS"), "generated"),
    Rule("column", X, Risk.SAFE, "the server numbers rows that give no value",
         lambda d: _is_numbered(d) and not _was_numbered(d), "generated"),
    Rule("column", X, Risk.CAUTIOUS, "the server numbers rows in another way, or takes a value that is given",
         lambda d: _is_numbered(d) and _was_numbered(d), "generated"),
    Rule("column", X, Risk.BREAKING, "the way its value is computed changed", None, "generated"),
    Rule("column", X, Risk.CAUTIOUS, "it is stored in another character set: characters that this one lacks are refused or lost",
         _in_another_character_set, "collation"),
    Rule("column", X, Risk.CAUTIOUS, "sorting and comparing follow another collation", None, "collation"),
    Rule("column", X, Risk.BREAKING, "inserts that leave it out fail: the server no longer numbers new rows",
         lambda d: _required(d) and d.old is not None and "AUTO_INCREMENT" in (d.old.trait("options") or ""), "options"),
    Rule("column", X, Risk.BREAKING, "statements that take all columns without naming them have one more or one less",
         moves("options", "INVISIBLE"), "options"),
    Rule("column", X, Risk.CAUTIOUS, "the server fills or checks it in another way",
         moves("options", "AUTO_INCREMENT", "ON UPDATE", "SRID"), "options"),
    Rule("column", X, Risk.CAUTIOUS, "what becomes of a write of NULL is another: refused, left out, or changed to the default",
         moves("options", "ON CONFLICT"), "options"),
    Rule("column", X, Risk.SAFE, "it is stored or analysed in another way; statements give the same results", None, "options"),
    Rule("view", A, Risk.SAFE, "nobody uses a new view yet"),
    Rule("view", D, Risk.BREAKING, "every statement that names it fails; its rows are other tables'"),
    Rule("view", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("view", X, Risk.CAUTIOUS, "it gives other rows or values from now on", None, "definition"),
    Rule("view", X, Risk.SAFE, "it gives more columns, after those it gave", appended("columns"), "columns"),
    Rule("view", X, Risk.BREAKING, "it gives other columns: statements that name those that went fail", None, "columns"),
    Rule("view", X, Risk.CAUTIOUS, "it is decided in another way who sees which rows through it", None, "options", security=True),
    Rule("materialized view", A, Risk.SAFE, "nobody uses a new materialized view yet"),
    Rule("materialized view", D, Risk.BREAKING, "every statement that names it fails; its rows can be computed again"),
    Rule("materialized view", R, Risk.BREAKING, "every statement that uses the old name fails"),
    Rule("materialized view", X, Risk.CAUTIOUS, "it gives other rows or values from now on", None, "definition"),
    Rule("materialized view", X, Risk.BREAKING, "it gives other columns: statements that name those that went fail", None, "columns"),
    Rule("materialized view", X, Risk.SAFE, "it is stored in another way; statements give the same results", None, "options"),
    Rule("sequence", A, Risk.SAFE, "nobody draws from a new sequence yet"),
    Rule("sequence", D, Risk.BREAKING, "statements and defaults that draw numbers from it fail"),
    Rule("sequence", R, Risk.BREAKING, "statements that draw numbers from it by the old name fail"),
    Rule("sequence", X, Risk.CAUTIOUS, "its next numbers come in other steps, or end elsewhere", None, "definition"),
    Rule("sequence", X, Risk.SAFE, "it goes with another column when that is dropped", None, "owned_by"),
)  # fmt: skip
