"""Dashboards are what their builders say, what Grafana admits, and what the exporter can answer."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard_lint import RULES, Json, panels, undeclared, variables
from tocsin import catalog
from tocsin.bundle.dashboard import UNITS, queries
from tocsin.bundle.elsewhere import ELSEWHERE
from tocsin.bundle.lint import vocabulary

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the builders lie beside the package, not in it

from grafana.build import FOLDER, built  # noqa: E402

DASHBOARDS: dict[str, Json] = {name: json.loads(text) for name, text in built().items()}
FLEET = DASHBOARDS["fleet.json"]

WORDS = vocabulary((*catalog.metrics(), *ELSEWHERE), catalog.thresholds().values())

SCHEMAS = ROOT.parent / "shared" / "grafana-jsonschema"

SERIES_OF_EXPORTER = "these series belong to the exporter's process, whose instance is no target's name"
EXCEPTIONS = {
    ("target_job", "Alerts firing"): "an alert keeps the job only if its expression does",
    ("target_job", "Alerts"): "an alert keeps the job only if its expression does",
    ("target_instance", "Alerts firing"): 'matches "$instance|": alerts about several targets have no instance',
    ("target_instance", "Alerts"): 'matches "$instance|": alerts about several targets have no instance',
    ("target_instance", "Exporter"): SERIES_OF_EXPORTER,
    ("target_rate_interval", "Changes in a day"): "the panel's title says of what time",
    ("target_rate_interval", "Destructive in a day"): "the panel's title says of what time",
    ("target_rate_interval", "Security in a day"): "the panel's title says of what time",
    ("target_instance", "By how they are watched"): SERIES_OF_EXPORTER,
    ("target_instance", "Not monitored"): SERIES_OF_EXPORTER,
    ("target_instance", "Searches"): SERIES_OF_EXPORTER,
    ("target_instance", "Memory"): SERIES_OF_EXPORTER,
    ("target_instance", "Processor"): SERIES_OF_EXPORTER,
    ("target_instance", "Scrapes"): SERIES_OF_EXPORTER,
}
"""What the linter's rules may not hold for, with the reason."""


def test_committed_dashboards_equal_what_is_built() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert committed == built(), "grafana/dashboards/ differs from its builders: run `make docs`"


@pytest.mark.parametrize("name", DASHBOARDS)
@pytest.mark.parametrize("rule", RULES)
def test_dashboard_keeps_the_linters_rules(name: str, rule: str) -> None:
    excepted = [title for of, title in EXCEPTIONS if of == rule]
    complaints = [c for c in RULES[rule](DASHBOARDS[name]) if not any(c.startswith(f"panel {title!r}") for title in excepted)]
    assert complaints == []


@pytest.mark.parametrize(("rule", "title"), EXCEPTIONS)
def test_every_exception_is_needed(rule: str, title: str) -> None:
    assert any(c.startswith(f"panel {title!r}") for dashboard in DASHBOARDS.values() for c in RULES[rule](dashboard))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_metric_and_label_of_a_query_is_declared(name: str) -> None:
    assert list(undeclared(DASHBOARDS[name], WORDS)) == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_query_keeps_a_variable_for_prometheus(name: str) -> None:
    asked = queries(DASHBOARDS[name])
    assert len(asked) >= len(panels(DASHBOARDS[name]))
    assert [expr for expr in asked if "$" in expr] == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_an_end_to_end_test_asks_for_the_dashboards_data(name: str) -> None:
    assert [test.name for test in (ROOT / "tests" / "e2e").glob("test_*.py") if f'"{name}"' in test.read_text()], (
        f"no test in tests/e2e runs the queries of {name} against a Prometheus"
    )


def test_uids_and_titles_are_unique() -> None:
    for key in ("uid", "title"):
        assert len({dashboard[key] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS), key


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard_is_valid_for_grafana(name: str) -> None:
    if not SCHEMAS.is_dir():
        pytest.skip(f"Grafana's JSON Schemas are test data beside the checkout, and {SCHEMAS} is not there")
    assert list(invalid(DASHBOARDS[name])) == []


def invalid(dashboard: Json) -> list[str]:
    """Return what Grafana's published schemas find wrong: the model, and what each kind of panel adds to it."""
    found = _errors("dashboard", "Dashboard", dashboard)
    units = {unit["const"] for unit in json.loads((SCHEMAS / "units.jsonschema.json").read_text())["definitions"].values()}
    found += [f"{unit} is no unit of Grafana's" for unit in sorted(set(UNITS.values()) - units)]
    for panel in panels(dashboard):
        kind, defaults = panel["type"], panel["fieldConfig"]["defaults"]
        found += _errors(kind, "Options", panel["options"])
        if "custom" in defaults:
            found += _errors(kind, "FieldConfig", defaults["custom"])
        if defaults["unit"] not in units:
            found.append(f"panel {panel['title']!r}: {defaults['unit']} is no unit of Grafana's")
        for target in panel["targets"]:
            found += _errors("prometheus", "Dataquery", target)
    return found


def _errors(schema: str, definition: str, value: Any) -> list[str]:
    import jsonschema

    rules = json.loads((SCHEMAS / f"{schema}.jsonschema.json").read_text())
    validator = jsonschema.Draft7Validator(rules | {"$ref": f"#/definitions/{definition}"})
    return [f"{schema}: {error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _panel(dashboard: Json, title: str) -> Json:
    return next(panel for panel in panels(dashboard) if panel["title"] == title)


def _expr(title: str, expr: str) -> Callable[[Json], None]:
    return lambda dashboard: _panel(dashboard, title)["targets"][0].update(expr=expr)


BREAKS: list[tuple[str, Callable[[Json], Any]]] = [
    ("template_datasource", lambda d: variables(d)["datasource"].update(label="Source")),
    ("template_job", lambda d: variables(d)["job"].update(multi=False)),
    ("template_job", lambda d: variables(d)["job"]["datasource"].update(uid="abc")),
    ("template_instance", lambda d: d["templating"]["list"].pop()),
    ("template_label_promql", lambda d: variables(d)["job"].update(query="label_names()")),
    ("template_on_time_change_reload", lambda d: variables(d)["instance"].update(refresh=1)),
    ("panel_datasource", lambda d: _panel(d, "Down").pop("datasource")),
    ("panel_title_description", lambda d: _panel(d, "Down").update(description="")),
    ("panel_units", lambda d: _panel(d, "Down")["fieldConfig"]["defaults"].pop("unit")),
    ("panel_no_targets", lambda d: _panel(d, "Down").update(targets=[])),
    ("target_promql", _expr("Down", "sum(")),
    ("target_rate_interval", _expr("Processor", 'rate(process_cpu_seconds_total{job=~"$job"}[5m])')),
    ("target_job", _expr("Down", 'count(tocsin_target_up{instance=~"$instance"})')),
    ("target_instance", _expr("Down", 'count(tocsin_target_up{job=~"$job"})')),
    ("target_counter_agg", _expr("Down", "sum(tocsin_events_total)")),
    ("uneditable_dashboard", lambda d: d.pop("editable")),
    ("provisioned", lambda d: d.update(uid="x" * 41)),
    ("provisioned", lambda d: d.update(id=7)),
    ("provisioned", lambda d: d.update(__inputs=[])),
    ("panels_fit", lambda d: _panel(d, "Down")["gridPos"].update(x=0)),
    ("panels_fit", lambda d: _panel(d, "Exporter")["gridPos"].update(w=5)),
    ("panels_fit", lambda d: _panel(d, "Exporter").update(id=1)),
]


@pytest.mark.parametrize(("rule", "harm"), BREAKS, ids=[rule for rule, _ in BREAKS])
def test_rule_notices_a_broken_dashboard(rule: str, harm: Callable[[Json], Any]) -> None:
    broken = copy.deepcopy(FLEET)
    before = list(RULES[rule](broken))
    harm(broken)
    assert len(list(RULES[rule](broken))) > len(before)


def test_every_rule_is_proven() -> None:
    assert {rule for rule, _ in BREAKS} == set(RULES)


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ("sum(pg_replication_delay)", "nobody serves pg_replication_delay"),
        ('count(tocsin_target_up{sort="postgres"})', "tocsin_target_up has no label sort"),
        ("sum by (database) (tocsin_target_up)", "sum names database, which its series do not have"),
        ("tocsin_target_up and on (address) tocsin_target_info", "on() of and names address, which its series do not have"),
    ],
)
def test_undeclared_names_are_noticed(expr: str, complaint: str) -> None:
    broken = copy.deepcopy(FLEET)
    _panel(broken, "Down")["targets"][0]["expr"] = expr
    assert list(undeclared(broken, WORDS)) == [f"{expr}: {complaint}"]


def test_undeclared_labels_in_legends_and_columns_are_noticed() -> None:
    broken = copy.deepcopy(FLEET)
    _panel(broken, "Memory")["targets"][0]["legendFormat"] = "{{database}}"
    _panel(broken, "Alerts")["transformations"][-1]["options"]["renameByName"]["team"] = "Team"
    assert list(undeclared(broken, WORDS)) == [
        "panel 'Alerts' shows team, which its queries do not give",
        "panel 'Memory' shows database, which its queries do not give",
    ]


@pytest.mark.parametrize(
    "harm",
    [
        lambda d: d.update(colour="red"),
        lambda d: _panel(d, "Down")["options"].pop("graphMode"),
        lambda d: _panel(d, "Targets")["fieldConfig"]["defaults"].update(unit="bananas"),
        lambda d: _panel(d, "Targets")["targets"][0].update(format="tabular"),
    ],
    ids=["model", "options", "unit", "query"],
)
def test_grafanas_schemas_notice_a_broken_dashboard(harm: Callable[[Json], Any]) -> None:
    if not SCHEMAS.is_dir():
        pytest.skip(f"Grafana's JSON Schemas are test data beside the checkout, and {SCHEMAS} is not there")
    broken = copy.deepcopy(FLEET)
    harm(broken)
    assert invalid(broken)
