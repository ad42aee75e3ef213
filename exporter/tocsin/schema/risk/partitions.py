"""Which rows went with a partition: of a list, where its values are in no other partition."""

from __future__ import annotations

import re

from tocsin.schema.difference import Difference

_LIST = re.compile(r"(.* by LIST.*?\)): (.*)", re.DOTALL)
_VALUE = re.compile(r"((?:'(?:[^'\\]|\\.|'')*'|\((?:'(?:[^'\\]|\\.|'')*'|[^()'])*\)|[^,;()'])+)|(;)", re.DOTALL)
_ALL_OTHERS = {"DEFAULT", "MAXVALUE"}
"""Either stands for all values that no other partition of the list takes; of a list of integers MariaDB says 0."""


def rows_went(d: Difference) -> bool:
    """Tell whether a partition of a list went with all its values.

    Where others came, rows may have gone over to or from the partition of all other values. Ranges come and go with time, and a hash
    gives the rows of a partition that goes to the others.
    """
    old, new = (_parsed((o and o.trait("form")) or "") for o in (d.old, d.new))
    if old is None or new is None or old[0] != new[0]:
        return False
    taken = set().union(*new[1])
    gone = [values for values in old[1] if not values & taken]
    came = any(values not in old[1] for values in new[1])
    return any(not (came and _ALL_OTHERS & (values | taken)) for values in gone)


def _parsed(form: str) -> tuple[str, list[set[str]]] | None:
    """Return by what a list divides a table, and the values of each partition; None for what is no list."""
    match = _LIST.fullmatch(form)
    if match is None:
        return None
    groups: list[set[str]] = [set()]
    for value, end in _VALUE.findall(match[2].rpartition(", subpartitioned by ")[0] or match[2]):
        if end:
            groups.append(set())
        elif value.strip():
            groups[-1].add(value.strip())
    return match[1], groups
