"""What is asked in every watched database: tables, indexes, and the statements that ran there."""

from __future__ import annotations

from tocsin import mask
from tocsin.source import Run
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sql import Query, Result

# The size functions wait for whoever holds a table exclusively, and everybody who comes later waits behind us.
# So a table with such a lock, held or awaited, is told by the pages that its last vacuum counted.
USER_TABLES = Query(
    "stat_user_tables",
    sql=(
        (
            130000,
            """
            WITH locked AS MATERIALIZED (
                SELECT relation FROM pg_locks
                WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            )
            SELECT
                current_database() AS datname, s.schemaname, s.relname,
                s.seq_scan, s.seq_tup_read, s.idx_scan, s.idx_tup_fetch,
                s.n_tup_ins, s.n_tup_upd, s.n_tup_del, s.n_tup_hot_upd,
                s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze,
                COALESCE(extract(EPOCH FROM s.last_vacuum), 0)::float8 AS last_vacuum,
                COALESCE(extract(EPOCH FROM s.last_autovacuum), 0)::float8 AS last_autovacuum,
                COALESCE(extract(EPOCH FROM s.last_analyze), 0)::float8 AS last_analyze,
                COALESCE(extract(EPOCH FROM s.last_autoanalyze), 0)::float8 AS last_autoanalyze,
                s.vacuum_count, s.autovacuum_count, s.analyze_count, s.autoanalyze_count,
                CASE WHEN busy.relation IS NULL THEN pg_indexes_size(s.relid) ELSE (
                    SELECT sum(i.relpages::int8) * current_setting('block_size')::int8
                    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid WHERE x.indrelid = s.relid)
                END AS index_size,
                CASE WHEN busy.relation IS NULL THEN pg_table_size(s.relid)
                    ELSE c.relpages::int8 * current_setting('block_size')::int8 END AS table_size
            FROM pg_stat_user_tables AS s
            JOIN pg_class AS c ON c.oid = s.relid
            LEFT JOIN (SELECT DISTINCT relation FROM locked) AS busy ON busy.relation = s.relid
            ORDER BY table_size DESC NULLS LAST
            """,
        ),
    ),
    values={
        "seq_scan": m.TABLE_SEQ_SCAN, "seq_tup_read": m.TABLE_SEQ_READ, "idx_scan": m.TABLE_IDX_SCAN, "idx_tup_fetch": m.TABLE_IDX_FETCH,
        "n_tup_ins": m.TABLE_INS, "n_tup_upd": m.TABLE_UPD, "n_tup_del": m.TABLE_DEL, "n_tup_hot_upd": m.TABLE_HOT_UPD,
        "n_live_tup": m.TABLE_LIVE, "n_dead_tup": m.TABLE_DEAD, "n_mod_since_analyze": m.TABLE_MOD, "last_vacuum": m.TABLE_LAST_VACUUM,
        "last_autovacuum": m.TABLE_LAST_AUTOVACUUM, "last_analyze": m.TABLE_LAST_ANALYZE, "last_autoanalyze": m.TABLE_LAST_AUTOANALYZE,
        "vacuum_count": m.TABLE_VACUUMS, "autovacuum_count": m.TABLE_AUTOVACUUMS, "analyze_count": m.TABLE_ANALYZES,
        "autoanalyze_count": m.TABLE_AUTOANALYZES, "index_size": m.TABLE_INDEX_SIZE, "table_size": m.TABLE_SIZE,
    },
    rank="table_size",
)  # fmt: skip

IO_TABLES = Query(
    "statio_user_tables",
    sql=(
        (
            130000,
            """
            SELECT
                current_database() AS datname, schemaname, relname,
                heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit,
                toast_blks_read, toast_blks_hit, tidx_blks_read, tidx_blks_hit,
                heap_blks_read + heap_blks_hit + COALESCE(idx_blks_read + idx_blks_hit, 0) AS blocks
            FROM pg_statio_user_tables
            ORDER BY blocks DESC NULLS LAST
            """,
        ),
    ),
    values={
        "heap_blks_read": m.TABLE_HEAP_READ, "heap_blks_hit": m.TABLE_HEAP_HIT, "idx_blks_read": m.TABLE_IDX_READ,
        "idx_blks_hit": m.TABLE_IDX_HIT, "toast_blks_read": m.TABLE_TOAST_READ, "toast_blks_hit": m.TABLE_TOAST_HIT,
        "tidx_blks_read": m.TABLE_TIDX_READ, "tidx_blks_hit": m.TABLE_TIDX_HIT,
    },
    rank="blocks",
)  # fmt: skip

IO_INDEXES = Query(
    "statio_user_indexes",
    sql=(
        (
            130000,
            """
            SELECT
                current_database() AS datname, schemaname, relname, indexrelname, idx_blks_read, idx_blks_hit,
                idx_blks_read + idx_blks_hit AS blocks
            FROM pg_statio_user_indexes
            ORDER BY blocks DESC NULLS LAST
            """,
        ),
    ),
    values={"idx_blks_read": m.INDEX_READ, "idx_blks_hit": m.INDEX_HIT},
    rank="blocks",
)

_STATEMENTS = """
    SELECT
        COALESCE(r.rolname, s.userid::text) AS "user",
        COALESCE(d.datname, s.dbid::text) AS datname,
        s.queryid,
        sum(s.calls) AS calls,
        sum(s.total_exec_time) / 1000 AS seconds,
        sum(s.rows) AS rows,
        sum(s.{read}) / 1000 AS read,
        sum(s.{write}) / 1000 AS write
    FROM {{schema}}.pg_stat_statements(false) AS s
    LEFT JOIN pg_roles AS r ON r.oid = s.userid
    LEFT JOIN pg_database AS d ON d.oid = s.dbid
    WHERE s.queryid IS NOT NULL
    GROUP BY 1, 2, 3
    ORDER BY seconds DESC
"""
STATEMENTS = Query(
    "stat_statements",
    # Asked without the texts: reading those costs the server a file as large as all statements together.
    sql=(
        (170000, _STATEMENTS.format(read="shared_blk_read_time", write="shared_blk_write_time")),
        (130000, _STATEMENTS.format(read="blk_read_time", write="blk_write_time")),
    ),
    values={},
    extension="pg_stat_statements",
)
STATEMENT_METRICS = (m.STATEMENTS_CALLS, m.STATEMENTS_SECONDS, m.STATEMENTS_ROWS, m.STATEMENTS_READ, m.STATEMENTS_WRITE)


def emit_statements(session: PostgresSession, run: Run, result: Result) -> None:
    """Emit the statements that are followed, and all others summed under queryid `other`."""
    rows = [
        (tuple((cell or b"").decode("utf-8", "replace") for cell in row[:3]), [float(cell or 0) for cell in row[3:]]) for row in result.rows
    ]
    session.statements.take(rows)
    shown = [row for row in rows if row[0] in session.statements.followed]
    if session.statements.rest:
        shown.append((("", "", "other"), list(session.statements.rest)))
    for key, numbers in shown:
        for metric, number in zip(STATEMENT_METRICS, numbers, strict=True):
            run.emit(metric, number, key)


QUERY_TEXTS = Query(
    "stat_statements_query_id",
    # Statements that are no queries are kept as they were typed, with the passwords of roles and foreign servers.
    sql=(
        (
            130000,
            """
            SELECT DISTINCT ON (queryid)
                queryid,
                CASE WHEN query ~* 'password|secret' THEN '(hidden: it may hold a password)'
                    ELSE left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), 120) END AS query
            FROM {schema}.pg_stat_statements(true)
            WHERE queryid IS NOT NULL
            """,
        ),
    ),
    values={},
    extension="pg_stat_statements",
)


def emit_query_texts(session: PostgresSession, run: Run, result: Result) -> None:
    """Emit the texts of those statements that stat_statements, which runs before, has given series of their own."""
    followed = {queryid for _, _, queryid in session.statements.followed}
    for queryid, text in result.rows:
        labels = ((queryid or b"").decode(), mask.text((text or b"").decode("utf-8", "replace")))
        if labels[0] in followed:
            run.emit(m.STATEMENTS_TEXT, 1, labels)
