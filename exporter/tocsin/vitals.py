"""The series that Tocsin serves about itself, its targets and its collectors.

A target's series carry `instance` (and the target's own labels) beside the labels declared here.
"""

from __future__ import annotations

from tocsin.metric import Metric, counter, gauge, info

BUILD_INFO = info("tocsin_build_info", "Version of Tocsin and of the Python it runs on; always 1.", ("version", "python"))
CONFIG_RELOAD_OK = gauge("tocsin_config_last_reload_successful", "Whether the last load of the configuration file succeeded.")
CONFIG_RELOAD_TIME = gauge(
    "tocsin_config_last_reload_success_timestamp_seconds", "Unix time of the last successful load of the configuration file."
)
NOTIFICATIONS = counter(
    "tocsin_notifications_total", "Alerts that Alertmanager delivered to this exporter's own webhook receiver.", ("status",)
)

JOURNAL_UP = gauge("tocsin_journal_up", "Whether the journal's last write succeeded; at 0 changes are found but not kept yet.")
JOURNAL_FAILURES = counter("tocsin_journal_failures_total", "Writes that the journal refused since start.")
JOURNAL_SIZE = gauge("tocsin_journal_size_bytes", "Size of the journal's database file.")
JOURNAL_EVENTS = gauge("tocsin_journal_events", "Events that the journal holds now; retention removes the oldest.")

WATCH_OVERFLOWS = counter(
    "tocsin_watch_overflows_total", "How often the kernel's queue of file events ran over since start; everything is looked at then."
)

DISCOVERED = gauge(
    "tocsin_discovered_databases",
    "Databases that were found in containers, behind sockets of processes and in files, by whether a target collects from them.",
    ("engine", "origin", "monitored"),
)
DISCOVERED_INFO = info(
    "tocsin_discovered_database_info",
    "A database that was found; `monitored` is `no` while no target collects from it, and `missing` says in words what that takes.",
    ("name", "engine", "origin", "monitored", "place", "image", "address", "target", "missing"),
)
DISCOVERY_LEFT_OUT = gauge("tocsin_discovery_left_out_databases", "Databases that were found beyond discovery.most and are not watched.")
DISCOVERY_SUCCESS = gauge(
    "tocsin_discovery_success",
    "Whether the last look succeeded; after a failure what was found before stays. `target` is the one whose containers were looked at.",
    ("finder", "target"),
)
DISCOVERY_FAILING = info(
    "tocsin_discovery_failing",
    "Why the last look failed; present only while tocsin_discovery_success is 0.",
    ("finder", "target", "reason"),
)
DISCOVERY_AGE = gauge("tocsin_discovery_age_seconds", "Time since the last look that succeeded.", ("finder", "target"))

TARGET_UP = gauge("tocsin_target_up", "Whether the target answered the last time it was asked, whatever kind it is.", ("kind",))
TARGET_FAILING = info(
    "tocsin_target_failing", "Why the target does not answer; present only while tocsin_target_up is 0.", ("kind", "reason")
)
TARGET_INFO = info("tocsin_target_info", "One series for each configured target, up or down.", ("kind", "address"))

WATCH_MODE = gauge(
    "tocsin_watch_mode",
    "Ways by which changes wake scheduled collectors, and whether each works now: `inotify` or `polling` of files, `listen` to the target.",
    ("mode",),
)

COLLECTOR_SUCCESS = gauge("tocsin_collector_success", "Whether the collector's last run succeeded.", ("collector",))
COLLECTOR_FAILING = info(
    "tocsin_collector_failing", "Why the collector's last run failed; present only while its success is 0.", ("collector", "reason")
)
COLLECTOR_DURATION = gauge("tocsin_collector_duration_seconds", "How long the collector's last run took.", ("collector",))
COLLECTOR_FAILURES = counter("tocsin_collector_failures_total", "Failed runs since start, by reason.", ("collector", "reason"))
COLLECTOR_AGE = gauge("tocsin_collector_age_seconds", "Age of a scheduled collector's latest successful result.", ("collector",))
COLLECTOR_DEFERRED = gauge(
    "tocsin_collector_deferred",
    "Whether a scheduled collector's last run was put off, because somebody holds a lock that it does not wait for.",
    ("collector",),
)
COLLECTOR_SERIES = gauge("tocsin_collector_series", "Series that the collector's last run produced.", ("collector",))
COLLECTOR_DROPPED = counter(
    "tocsin_collector_dropped_series_total",
    "Series left out since start: beyond the collector's series budget, or a second time in one run.",
    ("collector",),
)
THRESHOLD = gauge(
    "tocsin_threshold",
    "The value from configuration that rules compare a signal with; unit as the signal's.",
    ("signal", "severity"),
    unit="as signal",
)

EVENTS = counter("tocsin_events_total", "Events ever written to the journal.", ("kind",))
SCHEMA_CHANGES = counter(
    "tocsin_schema_changes_total",
    "Schema changes ever found, across restarts.",
    ("database", "object_kind", "change", "risk"),
)
SCHEMA_SECURITY_CHANGES = counter(
    "tocsin_schema_security_changes_total",
    "Schema changes ever found that bear on who may do what: grants, owners, row security, definers; counted among all the changes too.",
    ("database", "object_kind", "change", "risk"),
)
SCHEMA_CHANGE_TIME = gauge(
    "tocsin_schema_change_timestamp_seconds",
    "Unix time at which a recent schema change was found; the newest 50 of a target, for one hour.",
    ("database", "object_kind", "object", "change", "risk", "security"),
)
SCHEMA_LAST_CHANGE = gauge(
    "tocsin_schema_last_change_timestamp_seconds", "Unix time at which the newest schema change was found.", ("database",)
)

SCHEMA_INFO = info("tocsin_schema_info", "SHA-256 fingerprint of the database's schema.", ("database", "fingerprint"))
SCHEMA_FINGERPRINT = gauge(
    "tocsin_schema_fingerprint", "First 52 bits of the fingerprint as a number: equal schemas, equal numbers.", ("database",), unit="none"
)
SCHEMA_OBJECTS = gauge("tocsin_schema_objects", "Objects in the schema by kind.", ("database", "object_kind"))
SCHEMA_LAST_CHECK = gauge("tocsin_schema_last_check_timestamp_seconds", "Unix time of the last completed check for changes.", ("database",))
SCHEMA_INSPECTIONS = counter(
    "tocsin_schema_inspections_total", "Full inspections since start; the cheap checks between them are not counted.", ("database",)
)
SCHEMA_UNSEEN = info(
    "tocsin_schema_unseen",
    "Kinds of objects that the exporter's role may not see, or not what they are; what it knew stands and no change of it is told.",
    ("database", "object_kind"),
)
SCHEMA_EXPECTED = gauge(
    "tocsin_schema_expected_readable",
    "Whether the file with the expected schema could be read; present only where one is configured.",
    ("database",),
)
SCHEMA_DRIFT = gauge(
    "tocsin_schema_drift",
    "Objects that differ from the expected schema: missing, unexpected, different or renamed; 0 for each kind that agrees.",
    ("database", "object_kind", "drift"),
)
SCHEMA_DRIFT_OBJECT = info(
    "tocsin_schema_drift_object", "An object that differs from the expected schema; the first 20 of a database.",
    ("database", "object_kind", "object", "drift"),
)  # fmt: skip

RECENT_CHANGES = 50
RECENT_CHANGE_SECONDS = 3600.0

EXPORTER: tuple[Metric, ...] = (
    BUILD_INFO, CONFIG_RELOAD_OK, CONFIG_RELOAD_TIME, NOTIFICATIONS,
    JOURNAL_UP, JOURNAL_FAILURES, JOURNAL_SIZE, JOURNAL_EVENTS, WATCH_OVERFLOWS,
    DISCOVERED, DISCOVERED_INFO, DISCOVERY_LEFT_OUT, DISCOVERY_SUCCESS, DISCOVERY_FAILING, DISCOVERY_AGE,
)  # fmt: skip
"""Series of the process: one each, without a target."""

TARGET: tuple[Metric, ...] = (
    TARGET_UP, TARGET_FAILING, TARGET_INFO, WATCH_MODE, THRESHOLD,
    COLLECTOR_SUCCESS, COLLECTOR_FAILING, COLLECTOR_DURATION, COLLECTOR_FAILURES, COLLECTOR_AGE, COLLECTOR_DEFERRED,
    COLLECTOR_SERIES, COLLECTOR_DROPPED,
    EVENTS, SCHEMA_CHANGES, SCHEMA_SECURITY_CHANGES, SCHEMA_CHANGE_TIME, SCHEMA_LAST_CHANGE,
)  # fmt: skip
"""Series that every target has, whatever its kind."""

SCHEMA: tuple[Metric, ...] = (
    SCHEMA_INFO, SCHEMA_FINGERPRINT, SCHEMA_OBJECTS, SCHEMA_LAST_CHECK, SCHEMA_INSPECTIONS,
    SCHEMA_UNSEEN, SCHEMA_EXPECTED, SCHEMA_DRIFT, SCHEMA_DRIFT_OBJECT,
)  # fmt: skip
"""Series that the `schema` collector of every database source emits."""
