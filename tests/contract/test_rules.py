"""Rules say only what the exporter declares, every alert is documented and tested, and the lint that says so can fail."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin import catalog
from tocsin.bundle.elsewhere import ELSEWHERE
from tocsin.bundle.lint import Vocabulary, carried_labels, lint_inhibition, lint_rules, lint_runbooks, lint_tests, rules_of, vocabulary
from tocsin.bundle.promql import complaints_of
from tocsin.bundle.routes import INHIBIT_RULES
from tocsin.event import RISK_HELP
from tools import need

ROOT = Path(__file__).parents[2]
RULES = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in sorted(ROOT.glob("rules/*.yaml"))}
TESTS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in sorted(ROOT.glob("rules/tests/*.yaml"))}
TRIAGE = ("up", "failing", "slow", "filling", "changed")


@pytest.fixture
def words() -> Vocabulary:
    return vocabulary((*catalog.metrics(), *ELSEWHERE), catalog.thresholds().values())


def promtool(*arguments: str) -> None:
    done = subprocess.run([need("promtool"), *arguments], cwd=ROOT / "rules", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_every_rule_file() -> None:
    promtool("check", "rules", *RULES)


def test_every_rule_test_passes() -> None:
    promtool("test", "rules", *(f"tests/{name}" for name in TESTS))


def test_rules_use_only_what_is_declared(words: Vocabulary) -> None:
    assert lint_rules(RULES, words) == []


def test_every_alert_has_a_case_that_fires_and_one_that_stays_silent() -> None:
    assert lint_tests(RULES, TESTS) == []


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert lint_runbooks(RULES, (path.stem for path in ROOT.glob("rules/runbooks/*.md"))) == []


def test_alerts_carry_what_inhibition_compares_and_are_never_on_both_sides(words: Vocabulary) -> None:
    assert lint_rules(RULES, words) == []  # also records the names that alerts use
    assert lint_inhibition(INHIBIT_RULES, carried_labels(RULES, words)) == []


@pytest.mark.parametrize("name", RULES)
def test_groups_are_in_triage_order(name: str) -> None:
    steps = [group["name"].split(".") for group in RULES[name]["groups"]]
    assert {source for source, _step in steps} == {Path(name).stem}
    assert [step for _source, step in steps] == sorted((step for _source, step in steps), key=TRIAGE.index)


def test_alert_of_each_risk_says_what_the_risk_means() -> None:
    impacts = {rule.body["labels"]["risk"]: rule.body["annotations"]["impact"] for rule in rules_of(RULES) if rule.alert == "SchemaChanged"}
    assert impacts == {str(risk): text for risk, text in RISK_HELP.items()}


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ("pg_replication_delay > 5", "nobody serves pg_replication_delay"),
        ('{job="tocsin"} > 5', "nobody serves a series without a name"),
        ('pg_database_size_bytes{database="shop"} > 5', "pg_database_size_bytes has no label database"),
        ("sum by (database) (pg_database_size_bytes) > 5", "sum names database, which its series do not have"),
        ("rate(pg_stat_activity_max_tx_duration[5m]) > 120", "rate() of pg_stat_activity_max_tx_duration, which is a gauge"),
        ("deriv(pg_stat_database_xact_commit[5m]) > 1", "deriv() of pg_stat_database_xact_commit, which is a counter"),
        ("rate(pg_stat_database_xact_commit[30s]) > 1", "[30s] is shorter than four scrapes"),
        ("mad_over_time(pg_replication_lag_seconds[1h]) > 1", "mad_over_time() does not exist in every Prometheus that we support"),
        (
            "sum by (instance) (pg_stat_activity_count) / pg_settings_max_connections > 0.8",
            "the sides of / never match: only one of them has the target's own labels, job",
        ),
        ("pg_up == on (datname) group_left () pg_database_size_bytes", "on() of == names datname, which its series do not have"),
        (
            'pg_replication_lag_seconds > on (instance) group_left () tocsin_threshold{signal="lag", severity="warning"}',
            "no source declares the threshold lag",
        ),
    ],
)
def test_dead_expression_is_found(expr: str, complaint: str, words: Vocabulary) -> None:
    found, _labels = complaints_of(expr, words.find, words.signals)
    assert found == [complaint]


def test_text_that_is_no_promql_is_found(words: Vocabulary) -> None:
    found, _labels = complaints_of("pg_up >", words.find, words.signals)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("vector(1)", set()),
        ("sum without (datname) (pg_database_size_bytes)", {"job", "instance", "*"}),
        ("sum by (instance) (pg_database_size_bytes)", {"instance"}),
        ("topk(3, pg_database_size_bytes)", {"job", "instance", "datname", "*"}),
        ("pg_up == on (instance) pg_replication_is_replica", {"instance"}),
        ("pg_database_size_bytes * on (instance) group_left (kind) tocsin_target_up", {"job", "instance", "datname", "kind", "*"}),
        ("time() - tocsin_schema_last_check_timestamp_seconds", {"job", "instance", "database", "*"}),
        ("pg_settings_max_connections unless on (instance) pg_up", {"job", "instance", "*"}),
    ],
)
def test_labels_of_a_result_are_known(expr: str, labels: set[str], words: Vocabulary) -> None:
    assert complaints_of(expr, words.find, words.signals) == ([], labels)


def good_alert() -> dict[str, Any]:
    """The alert that the next test spoils, one thing at a time."""
    return copy.deepcopy(next(r.body for r in rules_of({"postgres.yaml": RULES["postgres.yaml"]}) if r.alert == "PostgresLongTransaction"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "key", "value", "complaint"),
    [
        ("labels", "severity", "page", "severity is 'page', not one of"),
        ("labels", "signal", "connections_ratio", "are not those of the threshold"),
        ("annotations", "summary", "", "has no summary"),
        ("annotations", "description", "a transaction is old", "description does not name the instance"),
        ("annotations", "description", "{{ $labels.instance }} {{ $labels.datname }}", "description shows the label datname"),
        ("annotations", "impact", "{{ with printf `lag{a=%q}` $labels.job | query }}{{ else }}{{ end }}", "impact: nobody serves lag"),
        ("annotations", "impact", "{{ with printf `pg_up{job=%q}` $labels.job | query }}{{ end }}", "impact asks a query and has no else"),
        ("annotations", "runbook_url", "https://example.org/PostgresLongTransaction.md", "runbook_url is not"),
    ],
)
def test_spoiled_alert_is_found(part: str, key: str, value: str, complaint: str, words: Vocabulary) -> None:
    alert = good_alert()
    alert[part][key] = value
    found = lint_rules({"x.yaml": {"groups": [{"name": "x.slow", "rules": [alert]}]}}, words)
    assert any(complaint in one for one in found), found


def test_untested_alert_and_missing_runbook_and_long_summary_are_found() -> None:
    rules = {"x.yaml": {"groups": [{"name": "x.up", "rules": [{"alert": "Odd", "expr": "up == 0", "labels": {"severity": "info"}}]}]}}
    assert lint_tests(rules, {}) == ["x.yaml: Odd: no test in which it fires as info", "x.yaml: Odd: no test in which it stays silent"]
    assert lint_runbooks(rules, ["Even"]) == ["the alert Odd has no runbook", "the runbook Even has no alert"]
    case = {"alertname": "Odd", "exp_alerts": [{"exp_labels": {"severity": "info"}, "exp_annotations": {"summary": "x" * 81}}]}
    silent = {"alertname": "Odd", "exp_alerts": []}
    assert len(lint_tests(rules, {"x.yaml": {"tests": [{"alert_rule_test": [case, silent]}]}})) == 1


def test_inhibition_that_would_silence_strangers_is_found() -> None:
    rule = {"source_matchers": ['severity="critical"'], "target_matchers": ['severity!="none"'], "equal": ["instance", "database"]}
    alert = ("x.yaml: Odd", {"alertname": "Odd", "severity": "critical", "instance": None})
    assert lint_inhibition([rule], [alert]) == [
        "x.yaml: Odd: is both source and target of ['severity=\"critical\"']",
        "x.yaml: Odd: lacks database, which an inhibit rule compares",
    ]
