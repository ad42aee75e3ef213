"""The pieces that a Grafana dashboard is built from: selectors, panels, a layout; plain values in, plain values out.

Per-column settings of tables are given only where their value is an object, with matchers whose options are
one: Grafana's published JSON Schema admits nothing else there, and the dashboards stay valid against it as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tocsin.metric import Metric

Json: TypeAlias = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"

UNITS = {
    "bytes": "bytes", "seconds": "s", "milliseconds": "ms", "ratio": "percentunit", "count": "short", "none": "none", "info": "none",
}  # fmt: skip
"""Grafana's unit for each unit that a metric declares."""

SCHEMA_VERSION = 41
"""Of the dashboard model: what Grafana 12.0 writes. Newer ones migrate it, older ones do not care."""

_SUBSTITUTES = {"__rate_interval": "1m", "__range": "1h", "job": ".+", "instance": ".+"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


OF_TARGETS = ('job=~"$job"', 'instance=~"$instance"')
OF_EXPORTER = ('job=~"$job"',)
"""What a selector must match: series of the chosen targets, or of the exporter's process, whose `instance` is no target's name."""


def select(metric: Metric, *matchers: str, scope: Sequence[str] = OF_TARGETS) -> str:
    """Return the PromQL selector of a metric within the scope."""
    return f"{metric.name}{{{','.join((*scope, *matchers))}}}"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression of a panel; `legend` is Grafana's format, with label names in double braces."""

    expr: str
    legend: str = ""

    def target(self, ref: str, *, instant: bool = True, table: bool = False) -> Json:
        return {
            "datasource": DATASOURCE,
            "expr": self.expr,
            "format": "table" if table else "time_series",
            "instant": instant,
            "range": not instant,
            "legendFormat": self.legend or "__auto",
            "refId": ref,
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel before it has a place: its size in the grid of 24 columns, and its JSON."""

    width: int
    height: int
    body: Json


def describe(metrics: Sequence[Metric], first: str = "") -> str:
    """Join a panel's own sentence, if any, with the help of the metrics that it shows."""
    return " ".join(filter(None, (first, *dict.fromkeys(m.help for m in metrics))))


def steps(*levels: tuple[float | None, str]) -> Json:
    """Return Grafana's thresholds: each colour from its value upwards; the first value is None."""
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in levels]}


def words(mapping: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Return a value mapping: value -> (text, colour)."""
    options = {value: {"text": text, "color": color, "index": i} for i, (value, (text, color)) in enumerate(mapping.items())}
    return [{"type": "value", "options": options}] if options else []


def stat(
    title: str,
    query: Query,
    metrics: Sequence[Metric],
    *,
    first: str = "",
    unit: str = "",
    thresholds: Json,
    mappings: Sequence[Json] = (),
) -> Panel:
    """Return one large number, coloured by its thresholds."""
    options = {
        "graphMode": "none",
        "colorMode": "background",
        "justifyMode": "center",
        "textMode": "value",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    shown = UNITS[unit or metrics[0].unit]
    defaults = {"unit": shown, "thresholds": thresholds, "mappings": list(mappings), "color": {"mode": "thresholds"}}
    body = _body("stat", title, describe(metrics, first), [query.target("A")], defaults, options)
    return Panel(4, 4, body)


def bars(title: str, query: Query, metrics: Sequence[Metric], *, first: str = "", width: int, height: int, thresholds: Json) -> Panel:
    """Return one horizontal bar for each series, from 0 to 1, coloured by its thresholds."""
    options = {
        "displayMode": "gradient",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
        "orientation": "horizontal",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    defaults = {"unit": UNITS["ratio"], "min": 0, "max": 1, "thresholds": thresholds, "color": {"mode": "thresholds"}}
    return Panel(width, height, _body("bargauge", title, describe(metrics, first), [query.target("A")], defaults, options))


def lines(
    title: str,
    queries: Sequence[Query],
    metrics: Sequence[Metric],
    *,
    first: str = "",
    unit: str = "",
    width: int,
    height: int = 8,
    fill: int = 10,
    dashed: str = "",
    thresholds: Json | None = None,
) -> Panel:
    """Return lines over time with a table of names and values below, largest last value first.

    `dashed` is a pattern of the series' names that are limits rather than measurements.
    """
    options = {
        "legend": {
            "displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"],
            "sortBy": "Last *", "sortDesc": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }  # fmt: skip
    custom: Json = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never", "axisSoftMin": 0, "spanNulls": False}
    defaults: Json = {"unit": UNITS[unit or metrics[0].unit], "color": {"mode": "palette-classic-by-name"}, "custom": custom}
    if thresholds:
        custom["thresholdsStyle"] = {"mode": "dashed"}
        defaults["thresholds"] = thresholds
    overrides = []
    if dashed:
        matcher = {"id": "byRegexpOrNames", "options": {"pattern": f"/{dashed}/"}}
        overrides = [{"matcher": matcher, "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}}]}]
    targets = [query.target(_ref(i), instant=False) for i, query in enumerate(queries)]
    return Panel(width, height, _body("timeseries", title, describe(metrics, first), targets, defaults, options, overrides))


def table(
    title: str,
    queries: Sequence[Query],
    columns: Mapping[str, str],
    metrics: Sequence[Metric],
    *,
    first: str = "",
    unit: str = "count",
    width: int,
    height: int,
    mappings: Sequence[Json] = (),
    colored: Iterable[str] = (),
    times: Iterable[str] = (),
    sort: str,
    descending: bool = False,
    empty: str = "",
) -> Panel:
    """Return a table of the queries' latest values, joined where their labels agree.

    `columns` maps a field (a label, or the `value(i)` of a query) to its heading, in order; other fields are left out.
    `colored` are headings whose cells take the colour of their mapping, `times` fields in Unix milliseconds.
    """
    fields = [value(i, len(queries)) for i in range(len(queries))]
    organize = {
        "excludeByName": {field: True for field in ("Time", *fields) if field not in columns},
        "indexByName": {field: i for i, field in enumerate(columns)},
        "renameByName": dict(columns),
    }
    conversions = [{"targetField": field, "destinationType": "time"} for field in times]
    transformations: list[Json] = [{"id": "merge", "options": {}}] if len(queries) > 1 else []
    if conversions:
        transformations.append({"id": "convertFieldType", "options": {"fields": {}, "conversions": conversions}})
    transformations.append({"id": "organize", "options": organize})
    cell = {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "gradient"}}
    overrides = [{"matcher": {"id": "byNames", "options": {"mode": "include", "names": list(colored)}}, "properties": [cell]}]
    defaults: Json = {
        "unit": UNITS[unit],
        "mappings": list(mappings),
        "thresholds": steps((None, "transparent")),
        "color": {"mode": "thresholds"},
        "custom": {"align": "left", "inspect": False, "filterable": True},
    }
    if empty:
        defaults["noValue"] = empty
    options = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": sort, "desc": descending}]}
    targets = [query.target(_ref(i), table=True) for i, query in enumerate(queries)]
    body = _body("table", title, describe(metrics, first), targets, defaults, options, overrides if colored else [])
    return Panel(width, height, body | {"transformations": transformations})


def value(i: int, of: int) -> str:
    """Return the name that Grafana gives to the value of query i of a table with that many queries."""
    return "Value" if of == 1 else f"Value #{_ref(i)}"


def row(title: str) -> Panel:
    return Panel(24, 1, {"type": "row", "title": title, "collapsed": False, "panels": []})


def dashboard(
    uid: str, title: str, description: str, *, jobs: Metric, targets: Metric, annotations: list[Json], grid: list[list[Panel]]
) -> Json:
    """Lay out the panels, line by line, and return the dashboard.

    The job variable offers the jobs that have the series `jobs`, the instance variable the targets that have `targets`.
    """
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["tocsin"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "links": [],
        "annotations": {"list": annotations},
        "templating": {
            "list": [
                {
                    "type": "datasource", "name": "datasource", "label": "Data Source", "query": "prometheus",
                    "refresh": 1, "hide": 0, "multi": False, "includeAll": False,
                },
                _variable("job", "Job", f"label_values({jobs.name}, job)"),
                _variable("instance", "Instance", f'label_values({targets.name}{{job=~"$job"}}, instance)'),
            ]
        },
        "panels": _place(grid),
    }  # fmt: skip


def annotation(name: str, expr: str, *, title: str, text: str, tags: str, color: str) -> Json:
    """Return marks on every graph at the times that are the values of `expr`, in Unix milliseconds."""
    return {
        "name": name, "enable": True, "hide": False, "iconColor": color, "datasource": DATASOURCE,
        "expr": expr, "titleFormat": title, "textFormat": text, "tagKeys": tags, "step": "60s", "useValueForTime": True,
    }  # fmt: skip


def expressions(dashboard: Json) -> list[str]:
    """Return every PromQL expression of a dashboard as it is written, panels first, then annotations."""
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    return targets + [mark["expr"] for mark in dashboard["annotations"]["list"] if "expr" in mark]


def queries(dashboard: Json) -> list[str]:
    """Return every PromQL expression of a dashboard as Prometheus gets it: all jobs, all targets, a minute's rates.

    Raises KeyError for a variable that the dashboards do not have.
    """
    return [_VARIABLE.sub(lambda match: _SUBSTITUTES[match[1] or match[2]], expr) for expr in expressions(dashboard)]


def render(dashboard: Json) -> str:
    """Return the text of the dashboard's committed file."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _ref(i: int) -> str:
    return chr(ord("A") + i)


def _body(
    kind: str, title: str, description: str, targets: list[Json], defaults: Json, options: Json, overrides: Sequence[Json] = ()
) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


def _variable(name: str, label: str, query: str) -> Json:
    return {
        "type": "query", "name": name, "label": label, "datasource": DATASOURCE, "query": query, "refresh": 2, "sort": 1, "hide": 0,
        "multi": True, "includeAll": True, "allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def _place(grid: list[list[Panel]]) -> list[Json]:
    placed: list[Json] = []
    y = 0
    for line in grid:
        x = 0
        for panel in line:
            position = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            placed.append({"id": len(placed) + 1, "gridPos": position, **panel.body})
            x += panel.width
        y += max(panel.height for panel in line)
    return placed
