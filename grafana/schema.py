"""Schema changes: when they came and how bad they are, drift from what is expected, what cannot be seen, and what looking costs."""

from __future__ import annotations

from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Json,
    Panel,
    Query,
    annotation,
    dashboard,
    lines,
    row,
    select,
    stat,
    steps,
    table,
    words,
)  # fmt: skip
from tocsin.event import RISK_HELP, Risk
from tocsin.metric import Metric
from tocsin.vitals import (
    COLLECTOR_DURATION,
    COLLECTOR_SUCCESS,
    SCHEMA_CHANGE_TIME,
    SCHEMA_CHANGES,
    SCHEMA_DRIFT,
    SCHEMA_DRIFT_OBJECT,
    SCHEMA_EXPECTED,
    SCHEMA_INFO,
    SCHEMA_INSPECTIONS,
    SCHEMA_LAST_CHANGE,
    SCHEMA_LAST_CHECK,
    SCHEMA_OBJECTS,
    SCHEMA_SECURITY_CHANGES,
    SCHEMA_UNSEEN,
)  # fmt: skip

RISKS = words({risk.value: (risk.value, color) for risk, color in zip(Risk, (GREEN, YELLOW, ORANGE, RED), strict=True)})
WORST_FIRST = " ".join(f"*{risk.value}*: {help}" for risk, help in reversed(RISK_HELP.items()))
INSPECTOR = r'collector=~".+\\.schema"'
NONE_IS_GOOD = steps((None, GREEN), (1, RED))


def schema() -> Json:
    return dashboard(
        "tocsin-schema",
        "Tocsin / Schema changes",
        "What changed where, how bad it is, what differs from the expected schema, what cannot be seen, and what looking costs.",
        jobs=SCHEMA_INFO,
        targets=SCHEMA_INFO,
        annotations=[changes_annotation()],
        grid=[
            _glance(),
            [_by_risk(), _by_kind()],
            [what_changed(24)],
            [row("Expected schema")],
            [_drift(), _drifted()],
            [row("Databases")],
            [_databases(), _objects()],
            [row("What is not seen, and what looking costs")],
            [_unseen(), _cost(), _inspections()],
        ],
    )


def changes_annotation() -> Json:
    """Return a mark on every graph for each recent change."""
    return annotation(
        "Schema changes",
        f"{select(SCHEMA_CHANGE_TIME)} * 1000",
        title="{{instance}}: {{object}} {{change}}",
        text="{{object_kind}} in {{database}}, {{risk}}",
        tags="instance,risk",
        color=ORANGE,
    )


def what_changed(width: int) -> Panel:
    columns = {
        "Value": "Found", "instance": "Target", "database": "Database", "object_kind": "Kind", "object": "Object",
        "change": "Change", "risk": "Risk", "security": "Security",
    }  # fmt: skip
    labels = ", ".join(["instance", *SCHEMA_CHANGE_TIME.labels])
    return table(
        "What changed", [Query(f"max by ({labels}) ({select(SCHEMA_CHANGE_TIME)}) * 1000")], columns, [SCHEMA_CHANGE_TIME],
        first=WORST_FIRST, width=width, height=8, mappings=RISKS, colored=["Risk"], times=["Value"], sort="Found", descending=True,
        empty="No schema change within the last hour",
    )  # fmt: skip


def _glance() -> list[Panel]:
    def recent(metric: Metric, *matchers: str) -> Query:
        return Query(f"sum(increase({select(metric, *matchers)}[24h])) or vector(0)")

    return [
        stat(
            "Databases", Query(f"count({select(SCHEMA_INFO)})"), [SCHEMA_INFO], first="How many databases are watched for changes.",
            unit="count", thresholds=steps((None, BLUE)),
        ),
        stat(
            "Changes in a day", recent(SCHEMA_CHANGES), [SCHEMA_CHANGES], first="Of the last 24 hours.", thresholds=steps((None, BLUE)),
        ),
        stat(
            "Destructive in a day", recent(SCHEMA_CHANGES, f'risk="{Risk.DESTRUCTIVE}"'), [SCHEMA_CHANGES],
            first=RISK_HELP[Risk.DESTRUCTIVE], thresholds=NONE_IS_GOOD,
        ),
        stat(
            "Security in a day", recent(SCHEMA_SECURITY_CHANGES), [SCHEMA_SECURITY_CHANGES], thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Drifting objects", Query(f"sum({select(SCHEMA_DRIFT)}) or vector(0)"), [SCHEMA_DRIFT], unit="count",
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Not inspected", Query(f"count({select(COLLECTOR_SUCCESS, INSPECTOR)} == 0) or vector(0)"), [COLLECTOR_SUCCESS],
            first="Targets whose last check for schema changes failed.", unit="count", thresholds=NONE_IS_GOOD,
        ),
    ]  # fmt: skip


def _by_risk() -> Panel:
    return lines(
        "Changes by risk", [Query(f"sum by (risk) (increase({select(SCHEMA_CHANGES)}[$__rate_interval]))", "{{risk}}")], [SCHEMA_CHANGES],
        first=WORST_FIRST, width=12, fill=60,
    )  # fmt: skip


def _by_kind() -> Panel:
    return lines(
        "Changes by kind of object",
        [Query(f"sum by (object_kind) (increase({select(SCHEMA_CHANGES)}[$__rate_interval]))", "{{object_kind}}")],
        [SCHEMA_CHANGES], width=12, fill=60,
    )  # fmt: skip


def _drift() -> Panel:
    return lines(
        "Drift from the expected schema",
        [
            Query(f"sum by (instance, database, drift) ({select(SCHEMA_DRIFT)})", "{{instance}} {{database}} {{drift}}"),
            Query(f"1 - max by (instance) ({select(SCHEMA_EXPECTED)}) > 0", "{{instance}}: the file cannot be read"),
        ],
        [SCHEMA_DRIFT, SCHEMA_EXPECTED], unit="count", width=10,
    )  # fmt: skip


def _drifted() -> Panel:
    columns = {"instance": "Target", "database": "Database", "object_kind": "Kind", "object": "Object", "drift": "Drift"}
    labels = ", ".join(["instance", *SCHEMA_DRIFT_OBJECT.labels])
    return table(
        "What differs", [Query(f"max by ({labels}) ({select(SCHEMA_DRIFT_OBJECT)})")], columns, [SCHEMA_DRIFT_OBJECT],
        width=14, height=8, sort="Target", empty="Everything is as expected, or no expected schema is configured",
    )  # fmt: skip


def _databases() -> Panel:
    labels = "instance, database"
    queries = [
        Query(f"max by ({labels}) ({select(SCHEMA_LAST_CHECK)}) * 1000"),
        Query(f"max by ({labels}) ({select(SCHEMA_LAST_CHANGE)}) * 1000"),
        Query(f"sum by ({labels}) ({select(SCHEMA_OBJECTS)})"),
        Query(f"max by ({labels}, fingerprint) ({select(SCHEMA_INFO)})"),
    ]
    columns = {
        "instance": "Target", "database": "Database", "Value #A": "Last check", "Value #B": "Last change", "Value #C": "Objects",
        "fingerprint": "Fingerprint",
    }  # fmt: skip
    return table(
        "Databases", queries, columns, [SCHEMA_LAST_CHECK, SCHEMA_LAST_CHANGE, SCHEMA_OBJECTS, SCHEMA_INFO],
        width=14, height=8, times=["Value #A", "Value #B"], sort="Last change", descending=True,
    )  # fmt: skip


def _objects() -> Panel:
    return lines(
        "Objects by kind", [Query(f"sum by (object_kind) ({select(SCHEMA_OBJECTS)})", "{{object_kind}}")], [SCHEMA_OBJECTS],
        unit="count", width=10,
    )  # fmt: skip


def _unseen() -> Panel:
    columns = {"instance": "Target", "database": "Database", "object_kind": "Kind"}
    return table(
        "What the role may not see", [Query(f"max by (instance, database, object_kind) ({select(SCHEMA_UNSEEN)})")], columns,
        [SCHEMA_UNSEEN],
        width=8, height=8, sort="Target", empty="Everything can be seen",
    )  # fmt: skip


def _cost() -> Panel:
    return lines(
        "Time of the last check", [Query(f"max by (instance) ({select(COLLECTOR_DURATION, INSPECTOR)})", "{{instance}}")],
        [COLLECTOR_DURATION], first="The cheap check, and the inspection where it saw something.", width=8,
    )  # fmt: skip


def _inspections() -> Panel:
    return lines(
        "Inspections", [Query(f"sum by (instance) (rate({select(SCHEMA_INSPECTIONS)}[$__rate_interval])) * 3600", "{{instance}}")],
        [SCHEMA_INSPECTIONS], first="An hour, as the last minutes go.", width=8,
    )  # fmt: skip
