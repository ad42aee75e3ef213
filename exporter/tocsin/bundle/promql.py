"""What a PromQL expression uses and which labels its result has, read from the parsed expression."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, NamedTuple

OWN = "*"
"""Stands for the labels that a user gave a target: every series has them, no rule can name them."""

_COUNTERS_ONLY = frozenset({"rate", "increase", "irate", "resets"})
_GAUGES_ONLY = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_NOT_EVERYWHERE = frozenset({"double_exponential_smoothing", "mad_over_time", "sort_by_label", "sort_by_label_desc", "info"})
_SHORTEST_WINDOW = timedelta(minutes=1)  # four scrapes of 15 s

_NOTHING: frozenset[str] = frozenset()


class Known(NamedTuple):
    """What is known of a series: its type and the labels it may carry."""

    type: str
    labels: frozenset[str]


Find = Callable[[str], Known | None]


def complaints_of(promql: str, find: Find, signals: Collection[str]) -> tuple[list[str], frozenset[str]]:
    """Return what is wrong with an expression, and the labels that its result carries.

    `find` knows the series; `signals` are the values that `tocsin_threshold` may be asked for.
    """
    import promql_parser  # needed by tests only, and so not a dependency

    reader = _Reader(find, signals)
    try:
        labels = reader.labels(promql_parser.parse(promql))
    except ValueError as error:
        return [f"{error}: {promql}"], _NOTHING
    return reader.complaints, labels or _NOTHING


class _Reader:
    """Walks an expression once, from the leaves up. A scalar has no labels: None."""

    def __init__(self, find: Find, signals: Collection[str]) -> None:
        self.find = find
        self.signals = signals
        self.complaints: list[str] = []

    def labels(self, node: Any) -> frozenset[str] | None:
        match type(node).__name__:
            case "VectorSelector":
                return self.selector(node).labels
            case "MatrixSelector":
                if node.range < _SHORTEST_WINDOW:
                    self.complaints.append(f"[{node.range.seconds}s] is shorter than four scrapes")
                return self.selector(node.vector_selector).labels
            case "AggregateExpr":
                return self.aggregation(node)
            case "BinaryExpr":
                return self.operation(node)
            case "Call":
                return self.call(node)
            case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
                return self.labels(node.expr)
        return None

    def selector(self, node: Any) -> Known:
        known = self.find(node.name or "")
        if known is None:
            self.complaints.append(f"nobody serves {node.name or 'a series without a name'}")
            return Known("untyped", _NOTHING)
        for matcher in node.matchers.matchers:
            if matcher.name not in known.labels:
                self.complaints.append(f"{node.name} has no label {matcher.name}")
            if node.name == "tocsin_threshold" and matcher.name == "signal" and matcher.value not in self.signals:
                self.complaints.append(f"no source declares the threshold {matcher.value}")
        return known

    def aggregation(self, node: Any) -> frozenset[str] | None:
        inner = self.labels(node.expr) or _NOTHING
        if str(node.op) in ("topk", "bottomk"):
            return inner
        if node.modifier is None:
            return _NOTHING
        named = frozenset(node.modifier.labels)
        self.must_have(named, inner, str(node.op))
        return named & inner if str(node.modifier.type).endswith("By") else inner - named

    def call(self, node: Any) -> frozenset[str] | None:
        name = node.func.name
        if name in _NOT_EVERYWHERE:
            self.complaints.append(f"{name}() does not exist in every Prometheus that we support")
        found = [self.labels(argument) for argument in node.args]
        for argument in node.args:
            series = getattr(getattr(argument, "vector_selector", None), "name", None) or ""
            known = self.find(series)
            # Whether an untyped series counts or measures, only its reader knows.
            if known and known.type != "untyped" and name in (_GAUGES_ONLY if known.type == "counter" else _COUNTERS_ONLY):
                self.complaints.append(f"{name}() of {series}, which is a {known.type}")
        if name in ("vector", "absent", "absent_over_time"):
            return _NOTHING
        if name in ("label_replace", "label_join"):
            return (found[0] or _NOTHING) | {node.args[1].val}
        return None if name == "scalar" else next((labels for labels in found if labels is not None), None)

    def operation(self, node: Any) -> frozenset[str] | None:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        how, cardinality = node.modifier, str(node.modifier.card).rpartition(".")[2] if node.modifier else "OneToOne"
        compared = self.compared(node, left, right)
        match str(node.op), cardinality:
            case (("and" | "unless"), _):
                return left
            case "or", _:
                return left & right
            case _, "ManyToOne":
                return left | set(how.group_labels or ())
            case _, "OneToMany":
                return right | set(how.group_labels or ())
        return compared

    def compared(self, node: Any, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        """Return the labels that two vectors are matched by; complain where they can never match."""
        matching = node.modifier.matching if node.modifier else None
        if matching is not None and str(matching.type).endswith("Include"):
            named = frozenset(matching.labels)
            for side in (left, right):
                self.must_have(named, side, f"on() of {node.op}")
            return named
        ignored = frozenset(matching.labels) if matching is not None else _NOTHING
        if left - ignored != right - ignored and str(node.op) not in ("or", "unless"):
            odd = ", ".join(sorted((left ^ right) - ignored)).replace(OWN, "the target's own labels")
            self.complaints.append(f"the sides of {node.op} never match: only one of them has {odd}")
        return left - ignored

    def must_have(self, named: frozenset[str], labels: frozenset[str], where: str) -> None:
        self.complaints += [f"{where} names {label}, which its series do not have" for label in sorted(named - labels)]
