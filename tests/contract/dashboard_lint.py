"""The rules of grafana/dashboard-linter, and those that its users miss: each takes a dashboard and yields its complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as promql

from tocsin.bundle.dashboard import expressions, queries
from tocsin.bundle.lint import Vocabulary
from tocsin.bundle.promql import complaints_of

Json = dict[str, Any]

_LABEL_VALUES = re.compile(r"label_values\((.+), \w+\)")


def variables(dashboard: Json) -> dict[str, Json]:
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def panels(dashboard: Json) -> list[Json]:
    """Return the panels that show data: all but the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Yield the panel's title and the expression of each query as it is written."""
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def nodes(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield a parsed expression's nodes, each with the nodes above it, outermost first."""
    yield node, above
    below = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")] + list(getattr(node, "args", ()))
    for child in below:
        if child is not None:
            yield from nodes(child, (*above, node))


def selectors(expr: str) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the selectors of an expression, each with the nodes above it."""
    return ((node, above) for node, above in nodes(promql.parse(expr)) if isinstance(node, promql.VectorSelector))


def written(expr: str) -> str:
    """Return an expression that parses although it has variables: inside strings they stand, a range becomes a minute."""
    return expr.replace("[$__rate_interval]", "[1m]")


def template_datasource(dashboard: Json) -> Iterator[str]:
    sources = [variable for variable in dashboard["templating"]["list"] if variable["type"] == "datasource"]
    if [(v["name"], v["label"], v["query"]) for v in sources] != [("datasource", "Data Source", "prometheus")]:
        yield "there must be one data source variable, `datasource`, labelled `Data Source`, for Prometheus"


def template_job(dashboard: Json) -> Iterator[str]:
    yield from _chooser(dashboard, "job", "Job")


def template_instance(dashboard: Json) -> Iterator[str]:
    yield from _chooser(dashboard, "instance", "Instance")


def _chooser(dashboard: Json, name: str, label: str) -> Iterator[str]:
    variable = variables(dashboard).get(name)
    wanted = {"type": "query", "label": label, "multi": True, "includeAll": True, "allValue": ".+"}
    if variable is None:
        yield f"variable `{name}` is missing"
    else:
        yield from (f"variable `{name}`: {key} must be {value!r}" for key, value in wanted.items() if variable.get(key) != value)
        if variable["datasource"]["uid"] != "${datasource}":
            yield f"variable `{name}` must ask the chosen data source"


def template_label_promql(dashboard: Json) -> Iterator[str]:
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            match = _LABEL_VALUES.fullmatch(variable["query"])
            if match is None:
                yield f"variable `{variable['name']}`: {variable['query']} is not label_values(SELECTOR, LABEL)"
            else:
                promql.parse(match[1])


def template_on_time_change_reload(dashboard: Json) -> Iterator[str]:
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"variable `{variable['name']}` must be asked again when the time range changes (refresh 2)"


def panel_datasource(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        for place in (panel, *panel["targets"]):
            if place.get("datasource", {}).get("uid") != "${datasource}":
                yield f"panel {panel['title']!r} must ask the chosen data source"


def panel_title_description(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel.get('title') or panel['id']!r} needs a title and a description"


def panel_units(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        if not defaults.get("unit") and not defaults.get("mappings"):
            yield f"panel {panel['title']!r} has no unit"


def panel_no_targets(dashboard: Json) -> Iterator[str]:
    yield from (f"panel {panel['title']!r} asks nothing" for panel in panels(dashboard) if not panel.get("targets"))


def target_promql(dashboard: Json) -> Iterator[str]:
    for expr in queries(dashboard):
        try:
            promql.parse(expr)
        except ValueError as error:
            yield f"{expr}: {error}"


def target_rate_interval(dashboard: Json) -> Iterator[str]:
    for title, expr in targets(dashboard):
        for span in re.findall(r"\b(?:rate|irate|increase)\([^\[]*\[([^\]]+)\]", expr):
            if span != "$__rate_interval":
                yield f"panel {title!r}: [{span}] must be [$__rate_interval]"


def target_job(dashboard: Json) -> Iterator[str]:
    yield from _scoped(dashboard, "job")


def target_instance(dashboard: Json) -> Iterator[str]:
    yield from _scoped(dashboard, "instance")


def _scoped(dashboard: Json, label: str) -> Iterator[str]:
    for title, expr in targets(dashboard):
        for selector, _ in selectors(written(expr)):
            matchers = [(m.name, m.op, m.value) for m in selector.matchers.matchers]
            if (label, promql.MatchOp.Re, f"${label}") not in matchers:
                yield f'panel {title!r}: {selector.name} must match {label}=~"${label}"'


def target_counter_agg(dashboard: Json) -> Iterator[str]:
    for title, expr in targets(dashboard):
        for selector, above in selectors(written(expr)):
            functions = {node.func.name for node in above if isinstance(node, promql.Call)}
            if selector.name.endswith("_total") and not functions & {"rate", "irate", "increase"}:
                yield f"panel {title!r}: the counter {selector.name} must be inside rate, irate or increase"


def uneditable_dashboard(dashboard: Json) -> Iterator[str]:
    if dashboard.get("editable") is not False:
        yield "the dashboard must not be editable: the next start would undo the edits"


def provisioned(dashboard: Json) -> Iterator[str]:
    """What makes a provisioned file safe: a fixed uid that fits Grafana's column, no numeric id, nothing to fill in at import."""
    if not 8 <= len(dashboard.get("uid", "")) <= 40:
        yield "the uid must have 8 to 40 characters"
    if dashboard.get("id", 0) is not None:
        yield "the id must be null"
    yield from (f"{key} belongs to files that are imported by hand" for key in ("__inputs", "__requires") if key in dashboard)


def panels_fit(dashboard: Json) -> Iterator[str]:
    """The grid has 24 columns and no two panels share a cell; ids are unique."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > 24:
            yield f"panel {panel['title']!r} reaches beyond column 24"
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if taken.setdefault(cell, panel["title"]) != panel["title"]:
                yield f"panel {panel['title']!r} lies over {taken[cell]!r}"
                break
    if len({panel["id"] for panel in dashboard["panels"]}) < len(dashboard["panels"]):
        yield "two panels have the same id"


RULES: dict[str, Callable[[Json], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        template_datasource, template_job, template_instance, template_label_promql, template_on_time_change_reload,
        panel_datasource, panel_title_description, panel_units, panel_no_targets,
        target_promql, target_rate_interval, target_job, target_instance, target_counter_agg,
        uneditable_dashboard, provisioned, panels_fit,
    )
}  # fmt: skip


def undeclared(dashboard: Json, words: Vocabulary) -> Iterator[str]:
    """Yield what nobody declares: a metric or label in a query, and a label that a legend or a column shows.

    Says too what could never match, as for a rule.
    """
    asked = dict(zip(queries(dashboard), expressions(dashboard), strict=True))
    for variable in variables(dashboard).values():
        if match := _LABEL_VALUES.fullmatch(variable["query"]):
            asked[match[1]] = variable["query"]
    for expr, shown in asked.items():
        yield from (f"{shown}: {complaint}" for complaint in complaints_of(expr, words.find, words.signals)[0])
    for panel in panels(dashboard):
        known = {"Time", "Value"} | {f"Value #{target['refId']}" for target in panel["targets"]}
        used: set[str] = set()
        for target in panel["targets"]:
            known |= complaints_of(written(target["expr"]), words.find, words.signals)[1]
            used |= set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
        for transformation in panel.get("transformations", ()):
            used |= set(transformation["options"].get("renameByName", ()))
        yield from (f"panel {panel['title']!r} shows {label}, which its queries do not give" for label in sorted(used - known))
