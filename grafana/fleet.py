"""The fleet at a glance: what is down, what changed, what alarms, how full it is, and what watching it costs."""

from __future__ import annotations

from grafana.schema import changes_annotation, what_changed
from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    GREY,
    OF_EXPORTER,
    ORANGE,
    RED,
    Json,
    Panel,
    Query,
    bars,
    dashboard,
    lines,
    row,
    select,
    stat,
    steps,
    table,
    value,
    words,
)  # fmt: skip
from tocsin.bundle.elsewhere import ALERTS, PROCESS_CPU, PROCESS_MEMORY, SCRAPE_DURATION, UP
from tocsin.handshake import series
from tocsin.sources.endpoint import metrics as endpoint
from tocsin.sources.mysql import metrics as mysql
from tocsin.sources.postgres import metrics as postgres
from tocsin.sources.sqlite import metrics as sqlite
from tocsin.vitals import (
    BUILD_INFO,
    COLLECTOR_DURATION,
    COLLECTOR_FAILING,
    COLLECTOR_SUCCESS,
    DISCOVERED,
    DISCOVERED_INFO,
    DISCOVERY_AGE,
    DISCOVERY_FAILING,
    DISCOVERY_LEFT_OUT,
    DISCOVERY_SUCCESS,
    SCHEMA_CHANGE_TIME,
    SCHEMA_LAST_CHANGE,
    TARGET_FAILING,
    TARGET_INFO,
    TARGET_UP,
)  # fmt: skip

MAX_CONNECTIONS = postgres.SETTINGS.metric("pg_settings_max_connections", "Connections that the server allows.")
MYSQL_CONNECTIONS = mysql.STATUS.metric("mysql_global_status_threads_connected", "Connections that are open.")
MYSQL_MAX_CONNECTIONS = mysql.VARIABLES.metric("mysql_global_variables_max_connections", "Connections that the server allows.")
IN_USE = [postgres.DB_BACKENDS, MYSQL_CONNECTIONS, MAX_CONNECTIONS, MYSQL_MAX_CONNECTIONS]
CONNECTIONS = next(t for t in postgres.THRESHOLDS if t.signal == "connections_ratio")
MEMORY_AIM, MEMORY_LIMIT = 40 * 2**20, 50 * 2**20

TRUSTED = words({"1": ("yes", GREEN), "0": ("no", ORANGE)})
UP_OR_DOWN = words({"1": ("Up", GREEN), "0": ("Down", RED)})
WORKS = words({"1": ("works", GREEN), "0": ("fails", RED)})
ALARMS = words({"critical": ("critical", RED), "warning": ("warning", ORANGE), "info": ("info", BLUE), "pending": ("pending", GREY)})

USED = f"(sum by (instance) ({select(postgres.DB_BACKENDS)}) or max by (instance) ({select(MYSQL_CONNECTIONS)}))"
ALLOWED = f"(max by (instance) ({select(MAX_CONNECTIONS)}) or max by (instance) ({select(MYSQL_MAX_CONNECTIONS)}))"
# Every process serves up and process_*, and "All" means every job: ours are those that serve a build of Tocsin, or did today.
BUILDS = select(BUILD_INFO, scope=OF_EXPORTER)
OURS = f"and on (job, instance) {BUILDS}"
EVER_OURS = f"and on (job, instance) last_over_time({BUILDS}[1d])"
# Alerts about several targets at once have no instance and must not vanish when one is chosen; Watchdog always fires, on purpose.
SHOWN_ALERTS = ('instance=~"$instance|"', 'alertname!="Watchdog"')
FIRING = 'alertstate="firing"'


def fleet() -> Json:
    return dashboard(
        "tocsin-fleet",
        "Tocsin / Fleet",
        "Every target that Tocsin watches: one row each, what is down, what changed, connections, sizes, and the exporter's own cost.",
        jobs=BUILD_INFO,
        targets=TARGET_INFO,
        annotations=[changes_annotation()],
        grid=[
            _glance(),
            [_targets(), _connections_now()],
            [what_changed(14), _alerts()],
            [row("Databases")],
            [_connections(), _sizes()],
            [row("Reach and certificates")],
            [_handshakes(), _certificates()],
            [row("Databases that were found")],
            [_found(), _missing()],
            [_searches()],
            [row("The exporter itself")],
            [_failing(), _slowest()],
            [_memory(), _processor(), _scrapes()],
        ],
    )


def _glance() -> list[Panel]:
    none_is_good = steps((None, GREEN), (1, RED))
    return [
        stat(
            "Targets", Query(f"count({select(TARGET_INFO)})"), [TARGET_INFO], first="How many targets are configured.",
            thresholds=steps((None, BLUE)),
        ),
        stat(
            "Down", Query(f"count({select(TARGET_UP)} == 0) or vector(0)"), [TARGET_UP], first="Targets that do not answer.",
            thresholds=none_is_good,
        ),
        stat(
            "Alerts firing", Query(f"count({select(ALERTS, FIRING, scope=SHOWN_ALERTS)}) or vector(0)"), [ALERTS],
            thresholds=none_is_good,
        ),
        stat(
            "Changes in the last hour", Query(f"count({select(SCHEMA_CHANGE_TIME)}) or vector(0)"), [SCHEMA_CHANGE_TIME],
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Collectors failing", Query(f"count({select(COLLECTOR_SUCCESS)} == 0) or vector(0)"), [COLLECTOR_SUCCESS],
            first="Collectors whose last run failed.", thresholds=none_is_good,
        ),
        stat(
            "Exporter", Query(f"min({select(UP, scope=OF_EXPORTER)} {EVER_OURS})"), [UP],
            thresholds=steps((None, RED), (1, GREEN)), mappings=UP_OR_DOWN,
        ),
    ]  # fmt: skip


def _targets() -> Panel:
    sizes = " or ".join(f"sum by (instance) ({select(size)})" for size in (postgres.DATABASE_SIZE, mysql.DATABASE_SIZE, sqlite.SIZE))
    queries = [
        Query(f"max by (instance, kind) ({select(TARGET_UP)})"),
        Query(f"max by (instance, kind, reason) ({select(TARGET_FAILING)})"),
        Query(f"max by (instance, kind, address) ({select(TARGET_INFO)})"),
        Query(sizes),
        Query(f"max by (instance) ({select(SCHEMA_LAST_CHANGE)}) * 1000"),
    ]
    up, _, _, size, changed = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Target", "kind": "Kind", up: "Status", "reason": "Why", "address": "Address",
        size: "Size", changed: "Last schema change",
    }  # fmt: skip
    return table(
        "Targets", queries, columns,
        [TARGET_UP, TARGET_FAILING, postgres.DATABASE_SIZE, mysql.DATABASE_SIZE, sqlite.SIZE, SCHEMA_LAST_CHANGE],
        first="One row a target, those that are down first.", unit="bytes", width=16, height=9,
        mappings=UP_OR_DOWN, colored=["Status"], times=[changed], sort="Status",
    )  # fmt: skip


def _connections_now() -> Panel:
    return bars(
        "Connections in use", Query(f"{USED} / {ALLOWED}", "{{instance}}"), IN_USE,
        first=CONNECTIONS.help, width=8, height=9,
        thresholds=steps((None, GREEN), (CONNECTIONS.warning, ORANGE), (CONNECTIONS.critical, RED)),
    )  # fmt: skip


def _alerts() -> Panel:
    columns = {"severity": "Severity", "alertname": "Alert", "instance": "Target", "alertstate": "State", "Value": "Alerts"}
    return table(
        "Alerts",
        [Query(f"count by (alertname, severity, instance, alertstate) ({select(ALERTS, scope=SHOWN_ALERTS)})")],
        columns, [ALERTS],
        width=10, height=8, mappings=ALARMS, colored=["Severity"], sort="Severity", empty="No alert is pending or firing",
    )  # fmt: skip


def _connections() -> Panel:
    return lines(
        "Connections", [Query(USED, "{{instance}}"), Query(ALLOWED, "{{instance}} limit")], IN_USE,
        width=12, fill=0, dashed=" limit$",
    )  # fmt: skip


def _sizes() -> Panel:
    queries = [
        Query(f"max by (instance, datname) ({select(postgres.DATABASE_SIZE)})", "{{instance}} {{datname}}"),
        Query(f"max by (instance, schema) ({select(mysql.DATABASE_SIZE)})", "{{instance}} {{schema}}"),
        Query(f"max by (instance) ({select(sqlite.SIZE)})", "{{instance}}"),
    ]
    return lines("Database sizes", queries, [postgres.DATABASE_SIZE, mysql.DATABASE_SIZE, sqlite.SIZE], width=12, fill=0)


def _handshakes() -> Panel:
    query = Query(f"max by (instance, phase) ({select(endpoint.SECONDS)})", "{{instance}} {{phase}}")
    return lines("Handshakes", [query], [endpoint.SECONDS], first="Of servers that are watched without a login.", width=10, fill=0)


def _certificates() -> Panel:
    queries = [
        Query(f"max by (instance, subject, issuer, names) ({select(series.CERTIFICATE_INFO)})"),
        Query(f"min by (instance) ({select(series.CHAIN_NOT_AFTER)}) - time()"),
        Query(f"min by (instance) ({select(series.VERIFIED)})"),
    ]
    _, left, verified = (value(i, len(queries)) for i in range(len(queries)))
    columns = {"instance": "Target", left: "Ends in", verified: "Trusted", "subject": "Subject", "issuer": "Issuer", "names": "Names"}
    return table(
        "Certificates", queries, columns, [series.CERTIFICATE_INFO, series.CHAIN_NOT_AFTER, series.VERIFIED],
        first="One row a server that offers TLS, the one whose certificate ends first on top.", unit="seconds", width=14, height=8,
        mappings=TRUSTED, colored=["Trusted"], sort="Ends in", empty="No server offers TLS",
    )  # fmt: skip


def _found() -> Panel:
    # A database without a login bears its target's name, and what the target says bears it as the instance.
    lonely = f"""label_join({select(DISCOVERED_INFO, 'monitored="no"', scope=OF_EXPORTER)}, "instance", "", "name")"""
    answering = f"on (job, instance) ({select(endpoint.UP, scope=OF_EXPORTER)} == 1)"
    looked = f"0 * count({select(DISCOVERY_SUCCESS, scope=OF_EXPORTER)})"
    queries = [
        Query(f"""sum({select(DISCOVERED, 'monitored="yes"', scope=OF_EXPORTER)}) or {looked}""", "monitored"),
        Query(f"count({lonely} and {answering}) or {looked}", "only reached"),
        Query(f"count({lonely} unless {answering}) or {looked}", "not at all"),
        Query(f"sum({select(DISCOVERY_LEFT_OUT, scope=OF_EXPORTER)})", "left out"),
    ]
    return lines(
        "By how they are watched", queries, [DISCOVERED, endpoint.UP, DISCOVERY_LEFT_OUT],
        first="Monitored, only asked without a login whether they answer, neither, or too many.", unit="count", width=8, fill=0,
    )  # fmt: skip


def _missing() -> Panel:
    labels = "name, engine, origin, place, address, missing"
    columns = {
        "name": "Database", "engine": "Engine", "origin": "Found in", "place": "Place", "address": "Address", "missing": "What is missing",
    }  # fmt: skip
    return table(
        "Not monitored",
        [Query(f"""max by ({labels}) ({select(DISCOVERED_INFO, 'monitored="no"', scope=OF_EXPORTER)})""")],
        columns, [DISCOVERED_INFO], first="The command tocsin discover prints the lines of configuration to add.", width=16, height=8,
        sort="Database", empty="Every database that was found is monitored",
    )  # fmt: skip


def _searches() -> Panel:
    labels = "instance, finder, target"
    queries = [
        Query(f"max by ({labels}) ({select(DISCOVERY_SUCCESS, scope=OF_EXPORTER)})"),
        Query(f"max by ({labels}, reason) ({select(DISCOVERY_FAILING, scope=OF_EXPORTER)})"),
        Query(f"max by ({labels}) ({select(DISCOVERY_AGE, scope=OF_EXPORTER)})"),
    ]
    success, _, age = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Exporter", "finder": "Searches", "target": "Of target", success: "State", "reason": "Why", age: "Last succeeded ago",
    }  # fmt: skip
    return table(
        "Searches", queries, columns, [DISCOVERY_SUCCESS, DISCOVERY_FAILING, DISCOVERY_AGE],
        first="Where databases are looked for.", unit="seconds", width=24, height=6, mappings=WORKS, colored=["State"], sort="State",
        empty="Nothing is searched: see discovery in the configuration",
    )  # fmt: skip


def _failing() -> Panel:
    return table(
        "Collectors failing", [Query(f"max by (instance, collector, reason) ({select(COLLECTOR_FAILING)})")],
        {"instance": "Target", "collector": "Collector", "reason": "Reason"}, [COLLECTOR_FAILING],
        width=12, height=8, sort="Target", empty="Every collector succeeds",
    )  # fmt: skip


def _slowest() -> Panel:
    return lines(
        "Slowest collectors", [Query(f"topk(10, {select(COLLECTOR_DURATION)})", "{{instance}} {{collector}}")], [COLLECTOR_DURATION],
        first="The ten slowest at each moment.", width=12, fill=0,
    )  # fmt: skip


def _memory() -> Panel:
    return lines(
        "Memory", [Query(f"{select(PROCESS_MEMORY, scope=OF_EXPORTER)} {OURS}", "{{instance}}")], [PROCESS_MEMORY],
        first="Aimed at 40 MiB and never above 50 with one PostgreSQL target; 100 with everything.", width=8,
        thresholds=steps((None, "transparent"), (MEMORY_AIM, ORANGE), (MEMORY_LIMIT, RED)),
    )  # fmt: skip


def _processor() -> Panel:
    return lines(
        "Processor", [Query(f"rate({select(PROCESS_CPU, scope=OF_EXPORTER)}[$__rate_interval]) {OURS}", "{{instance}}")], [PROCESS_CPU],
        first="As a share of one core.", unit="ratio", width=8,
    )  # fmt: skip


def _scrapes() -> Panel:
    queries = [Query(f"{select(SCRAPE_DURATION, scope=OF_EXPORTER)} {OURS}", "{{instance}}")]
    return lines("Scrapes", queries, [SCRAPE_DURATION], width=8)
