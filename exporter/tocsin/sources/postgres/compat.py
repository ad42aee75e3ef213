"""The names of postgres_exporter up to 0.19, for dashboards and rules that were written for it.

Release 0.20 (2026-06-29) dropped the label `server` from several collectors and renamed the slots' series.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tocsin.metric import Metric
from tocsin.source import Run
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres.config import PostgresOptions

_WITH_SERVER = ("settings", "stat_activity", "stat_archiver", "stat_replication")

OLDER = {
    m.SLOTS_CURRENT: replace(m.SLOTS_CURRENT, name="pg_replication_slot_slot_current_wal_lsn"),
    m.SLOTS_FLUSHED: replace(m.SLOTS_FLUSHED, name="pg_replication_slot_slot_confirmed_flush_lsn"),
    m.SLOTS_IS_ACTIVE: replace(m.SLOTS_IS_ACTIVE, name="pg_replication_slot_slot_is_active"),
    m.SLOTS_SAFE: replace(m.SLOTS_SAFE, name="pg_replication_slot_safe_wal_size_bytes"),
    m.SLOTS_STATUS: replace(m.SLOTS_STATUS, name="pg_replication_slot_wal_status"),
}
"""What had another name, and under it."""


@cache
def _with_server(metric: Metric) -> Metric:
    return replace(metric, labels=(*metric.labels, "server"))


def translate(options: PostgresOptions, run: Run) -> None:
    """Give a run's samples the names and labels that the target's `compat` option asks for."""
    if options.compat != "0.19":
        return
    for metric in list(run.points):
        if metric in OLDER:
            run.points[OLDER[metric]] = run.points.pop(metric)
        elif run.collector.name in _WITH_SERVER or metric in (m.SLOTS_ACTIVE, m.SLOTS_DIFF):
            points = run.points.pop(metric)
            run.points[_with_server(metric)] = {(*labels, options.address): value for labels, value in points.items()}
