"""Statements by their digest: those that take most time have series of their own, and the others are summed."""

from __future__ import annotations

from tocsin.source import Run
from tocsin.sources.mysql import metrics as m
from tocsin.sources.mysql.session import MARIADB, MysqlSession
from tocsin.sql import Ask, Query, Result, emit_rows

REST = ("", "other", "")
"""The labels of all statements together that have no series of their own."""

# Times of performance_schema are picoseconds; / 1e12 gives a float, where / 1000000000000 would cut after the fourth digit.
# All statements are asked for, the server keeps 10,000 at most: what the others add could not be told otherwise. Those of the last
# day come first, so that last year's heaviest keep no place from this year's.
_STATEMENTS = """
    SELECT
        schema_name AS `schema`, digest AS digest, LEFT(digest_text, 120) AS digest_text,
        count_star AS a, sum_timer_wait / 1e12 AS b, sum_lock_time / 1e12 AS c, sum_errors AS d, sum_warnings AS e,
        sum_rows_affected AS f, sum_rows_sent AS g, sum_rows_examined AS h, sum_created_tmp_tables AS i,
        sum_created_tmp_disk_tables AS j, sum_sort_merge_passes AS k, sum_sort_rows AS l, sum_no_index_used AS m,
        {} AS cpu, {} AS p95, {} AS p99, {} AS p999
    FROM performance_schema.events_statements_summary_by_digest
    WHERE schema_name NOT IN ('mysql', 'performance_schema', 'information_schema', '')
    ORDER BY last_seen > NOW() - INTERVAL 1 DAY DESC, sum_timer_wait DESC
"""
_QUANTILES = ("quantile_95 / 1e12", "quantile_99 / 1e12", "quantile_999 / 1e12")
_QUANTILE_NAMES = ("95", "99", "999")
STATEMENTS = Query(
    "perf_schema.eventsstatements",
    sql=(
        (MARIADB, _STATEMENTS.format(*4 * ["NULL"])),
        (80028, _STATEMENTS.format("sum_cpu_time / 1e12", *_QUANTILES)),
        (80000, _STATEMENTS.format("NULL", *_QUANTILES)),
    ),
    values=dict(zip("abcdefghijklm", m.STATEMENTS, strict=True)) | {"cpu": m.STATEMENTS_CPU},
)


def emit_statements(session: MysqlSession, run: Run, result: Result) -> None:
    """Emit the columns of those that are followed as they are declared, quantiles, which MariaDB has not, as a summary, and the rest."""
    keys, width = 3, len(result.columns) - len(_QUANTILES)
    rows = {tuple((cell or b"").decode("utf-8", "replace") for cell in row[:2]): list(row) for row in result.rows}
    statements = session.statements
    statements.take((key, [float(cell or 0) for cell in row[keys:width]]) for key, row in rows.items())
    shown = [row for key, row in rows.items() if key in statements.followed]
    emit_rows(STATEMENTS, run, result.columns[:width], (row[:width] for row in shown))
    for row in shown:
        _emit_latency(run, row[:keys], row[keys], row[keys + 1], row[width:])
    if statements.rest is not None:
        *measured, cpu = statements.rest
        for metric, number in zip(m.STATEMENTS, measured, strict=True):
            run.emit(metric, number, REST)
        if any(row[width - 1] is not None for row in rows.values()):  # MySQL 8.0.28 and newer
            run.emit(m.STATEMENTS_CPU, cpu, REST)


def _emit_latency(run: Run, key: list[bytes | None], count: bytes | None, seconds: bytes | None, quantiles: list[bytes | None]) -> None:
    if quantiles[0] is None:
        return
    labels = tuple((cell or b"").decode("utf-8", "replace") for cell in key)
    for name, value in zip(_QUANTILE_NAMES, quantiles, strict=True):
        run.emit(m.STATEMENTS_LATENCY, value, (*labels, name))
    run.emit(m.STATEMENTS_LATENCY_SUM, seconds, labels)
    run.emit(m.STATEMENTS_LATENCY_COUNT, count, labels)


ASK_STATEMENTS = Ask(STATEMENTS, emit_statements)
