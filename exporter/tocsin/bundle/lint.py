"""What is wrong with a rule: its names and labels held against what the exporter declares.

Pure functions over parsed YAML. Each returns its complaints as sentences; none means that all is well. An alert
on a misspelled metric is valid PromQL and never fires: only the declarations can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tocsin.bundle.links import runbook_url
from tocsin.bundle.promql import OWN, Known, complaints_of
from tocsin.metric import Declared, Metric, MetricFamily
from tocsin.source import Threshold

SEVERITIES = ("critical", "warning", "info", "none")
SUMMARY_LIMIT = 80

_COMMON = frozenset({"job", "instance", OWN})
_QUERY = re.compile(r"printf\s+`([^`]+)`[^|}]*\|\s*query\b")
_ASKS = re.compile(r"\|\s*query\b")
_ELSE = re.compile(r"\{\{-?\s*else\s*-?\}\}")
_USED_LABEL = re.compile(r"\$labels\.(\w+)")

Document = Mapping[str, Any]
"""One parsed rule file or rule test."""


@dataclass(frozen=True)
class Vocabulary:
    """Every word that a rule may use: series with their types and labels, and the signals that have thresholds."""

    series: dict[str, Known]
    families: tuple[MetricFamily, ...]
    signals: frozenset[str]
    recorded: dict[str, Known] = field(default_factory=dict)

    def find(self, name: str) -> Known | None:
        known = self.series.get(name) or self.recorded.get(name)
        if known is None:
            for family in self.families:
                if family.pattern.fullmatch(name):
                    return Known(family.type, _COMMON | set(family.labels))
        return known


def vocabulary(declared: Iterable[Declared], thresholds: Iterable[Threshold]) -> Vocabulary:
    """Gather the words from declarations. Every series may carry `job`, `instance` and its target's own labels."""
    series: dict[str, Known] = {}
    families: list[MetricFamily] = []
    for metric in declared:
        if isinstance(metric, Metric):
            series[metric.name] = Known(metric.type, _COMMON | set(metric.labels))
        else:
            families.append(metric)
    return Vocabulary(series, tuple(families), frozenset(t.signal for t in thresholds))


class Rule(NamedTuple):
    """One rule of a file, and what to call it in a complaint."""

    where: str
    body: Document

    @property
    def alert(self) -> str:
        return str(self.body.get("alert", ""))


def rules_of(documents: Mapping[str, Document]) -> Iterator[Rule]:
    """Give every rule of the files, by file name."""
    for file, document in documents.items():
        for group in document["groups"]:
            for body in group["rules"]:
                yield Rule(f"{file}: {body.get('alert') or body.get('record')}", body)


def lint_rules(documents: Mapping[str, Document], words: Vocabulary) -> list[str]:
    """Check every expression, recorded name and alert. A recording rule adds its name to `words.recorded`."""
    complaints = []
    rules = list(rules_of(documents))
    records = [r for r in rules if not r.alert]
    for rule in records:  # their names first: a rule may use what a later file records
        _record(rule, complaints_of(str(rule.body["expr"]), words.find, words.signals)[1], words)
    for rule in records + [r for r in rules if r.alert]:
        found, labels = complaints_of(str(rule.body["expr"]), words.find, words.signals)
        if rule.alert:
            found += [*_alert(rule, labels), *_annotation_queries(rule, words)]
        else:
            found += _recorded_name(str(rule.body["record"]))
            _record(rule, labels, words)
        complaints += [f"{rule.where}: {complaint}" for complaint in found]
    return complaints


def _record(rule: Rule, labels: frozenset[str], words: Vocabulary) -> None:
    words.recorded[str(rule.body["record"])] = Known("gauge", labels | set(rule.body.get("labels", {})))


def _recorded_name(name: str) -> list[str]:
    return [] if re.fullmatch(r"[a-z_]+:\w+:\w+", name) else [f"{name} is not level:metric:operations"]


def _alert(rule: Rule, labels: frozenset[str]) -> Iterator[str]:
    annotations, own = rule.body.get("annotations", {}), rule.body.get("labels", {})
    if own.get("severity") not in SEVERITIES:
        yield f"severity is {own.get('severity')!r}, not one of {', '.join(SEVERITIES)}"
    for needed in ("summary", "description", "runbook_url"):
        if not annotations.get(needed):
            yield f"has no {needed}"
    if annotations.get("runbook_url", "") != runbook_url(rule.alert):
        yield f"runbook_url is not {runbook_url(rule.alert)}"
    for name, text in {**annotations, **own}.items():
        for label in sorted(set(_USED_LABEL.findall(str(text))) - labels):
            yield f"{name} shows the label {label}, which the expression does not give"
        if len(_ASKS.findall(str(text))) > len(_ELSE.findall(str(text))):
            yield f"{name} asks a query and has no else"
    for name in ("summary", "description"):
        if "instance" in labels and "$labels.instance" not in annotations.get(name, ""):
            yield f"{name} does not name the instance"
    if (signal := own.get("signal")) and f'signal="{signal}", severity="{own["severity"]}"' not in rule.body["expr"]:
        yield f"the label signal={signal} and the severity are not those of the threshold that the expression compares with"


def _annotation_queries(rule: Rule, words: Vocabulary) -> list[str]:
    complaints = []
    for name, text in rule.body.get("annotations", {}).items():
        for query in _QUERY.findall(text):
            found, _labels = complaints_of(query.replace("%q", '"x"'), words.find, words.signals)
            complaints += [f"{name}: {complaint}" for complaint in found]
    return complaints


def lint_tests(documents: Mapping[str, Document], tests: Mapping[str, Document]) -> list[str]:
    """Check that each alert, at each of its severities, has a case that fires, and that each has one that stays silent."""
    firing: set[tuple[str, str]] = set()
    silent: set[str] = set()
    complaints = []
    for file, document in tests.items():
        for case in (case for test in document["tests"] for case in test.get("alert_rule_test", ())):
            name, expected = case["alertname"], case.get("exp_alerts", ())
            if not expected:
                silent.add(name)
            for alert in expected:
                firing.add((name, alert["exp_labels"].get("severity", "")))
                summary = alert.get("exp_annotations", {}).get("summary", "")
                if len(summary) > SUMMARY_LIMIT:
                    complaints.append(f"{file}: the summary of {name} is longer than {SUMMARY_LIMIT} characters: {summary}")
    for rule in rules_of(documents):
        severity = rule.body.get("labels", {}).get("severity", "")
        if rule.alert and (rule.alert, severity) not in firing:
            complaints.append(f"{rule.where}: no test in which it fires as {severity}")
        # An alert that always fires has nothing to be silent about.
        if rule.alert and rule.alert not in silent and rule.body["expr"] != "vector(1)":
            complaints.append(f"{rule.where}: no test in which it stays silent")
    return complaints


def lint_runbooks(documents: Mapping[str, Document], runbooks: Iterable[str]) -> list[str]:
    """Check that alerts and runbook file names (without suffix) are the same set."""
    alerts, files = {rule.alert for rule in rules_of(documents) if rule.alert}, set(runbooks)
    return [f"the alert {name} has no runbook" for name in sorted(alerts - files)] + [
        f"the runbook {name} has no alert" for name in sorted(files - alerts)
    ]


def carried_labels(documents: Mapping[str, Document], words: Vocabulary) -> list[tuple[str, dict[str, str | None]]]:
    """Say for each alert which labels it carries, with the value where the rule fixes it, else None."""
    carried = []
    for rule in rules_of(documents):
        if not rule.alert:
            continue
        _complaints, labels = complaints_of(str(rule.body["expr"]), words.find, words.signals)
        known: dict[str, str | None] = dict.fromkeys(labels - {OWN})
        for name, value in rule.body["labels"].items():
            known[name] = None if "{{" in value else value
        carried.append((rule.where, {**known, "alertname": rule.alert}))
    return carried


def lint_inhibition(rules: Iterable[Document], alerts: Iterable[tuple[str, Mapping[str, str | None]]]) -> list[str]:
    """Check that whatever an inhibit rule may concern carries the labels it compares, and that no alert is on both its sides.

    Labels that are missing on both sides are equal to Alertmanager, and such a rule would silence strangers.
    """
    complaints = []
    alerts = list(alerts)
    for rule in rules:
        for where, labels in alerts:
            source = _may_match(rule["source_matchers"], labels)
            target = _may_match(rule["target_matchers"], labels)
            if source and target:
                complaints.append(f"{where}: is both source and target of {rule['source_matchers']}")
            if source or target:
                complaints += [f"{where}: lacks {name}, which an inhibit rule compares" for name in rule["equal"] if name not in labels]
    return complaints


def _may_match(matchers: Iterable[str], labels: Mapping[str, str | None]) -> bool:
    for text in matchers:
        matcher = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', text)
        if matcher is None:
            raise ValueError(f"{text!r} is not a matcher")
        name, operator, wanted = matcher.groups()
        value = labels.get(name, "")
        if value is None:  # carried, not empty, otherwise unknown
            if (operator, wanted) == ("=", ""):
                return False
            continue
        hit = bool(re.fullmatch(wanted, value)) if "~" in operator else value == wanted
        if hit == operator.startswith("!"):
            return False
    return True
