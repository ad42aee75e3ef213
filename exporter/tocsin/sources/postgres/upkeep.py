"""What wants tending in each watched database: sequences, indexes nobody needs, bloat. Catalogs only, on their own clocks."""

from __future__ import annotations

from tocsin.source import Run
from tocsin.sources.postgres import metrics as m
from tocsin.sources.postgres.parameters import limits
from tocsin.sources.postgres.session import PostgresSession
from tocsin.sql import Query, emit_rows

# Each of these queries gives the worst rows with names, and rows without that sum up or count all there are.

_USERS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

SEQUENCES = Query(
    "sequences",
    # Descending sequences are measured from their start, cycling ones never end. Reading a sequence waits for
    # whoever alters it, and others wait behind us: those are left out. The column may be narrower than its sequence.
    sql=(
        (
            130000,
            """
            WITH locked AS MATERIALIZED (
                SELECT DISTINCT relation FROM pg_locks
                WHERE mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') AND relation IS NOT NULL
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            ),
            filled AS MATERIALIZED (
                SELECT d.objid AS seqrelid, d.refobjid AS attrelid, d.refobjsubid AS attnum
                FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                    AND d.deptype IN ('a', 'i')
                UNION
                SELECT d.refobjid, f.adrelid, f.adnum
                FROM pg_attrdef AS f
                JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                WHERE d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
            ),
            narrowest AS (
                SELECT f.seqrelid, min(CASE a.atttypid WHEN 'int2'::regtype THEN 32767 ELSE 2147483647 END) AS highest
                FROM filled AS f JOIN pg_attribute AS a USING (attrelid, attnum)
                WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype)
                GROUP BY 1
            ),
            listed AS MATERIALIZED (
                SELECT n.nspname AS schemaname, c.relname AS sequencename, s.seqstart AS start,
                    CASE WHEN s.seqincrement > 0 THEN least(s.seqmax, w.highest) ELSE greatest(s.seqmin, -w.highest - 1) END AS bound,
                    CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN c.oid END AS readable,
                    l.relation IS NOT NULL AS is_locked
                FROM pg_sequence AS s
                JOIN pg_class AS c ON c.oid = s.seqrelid
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                LEFT JOIN narrowest AS w USING (seqrelid)
                LEFT JOIN locked AS l ON l.relation = c.oid
                WHERE NOT s.seqcycle AND (c.relpersistence = 'p' OR c.relpersistence = 'u' AND NOT pg_is_in_recovery())
            )
            (
                SELECT current_database() AS datname, schemaname, sequencename,
                    abs(pg_sequence_last_value(readable)::numeric - start) / nullif(abs(bound::numeric - start), 0) AS used,
                    NULL::int8 AS unreadable
                FROM listed
                WHERE readable IS NOT NULL AND NOT is_locked
                ORDER BY used DESC NULLS LAST
                LIMIT 50
            )
            UNION ALL
            SELECT current_database(), '', '', NULL, count(*) FILTER (WHERE readable IS NULL) FROM listed
            """,
        ),
    ),
    values={"used": m.SEQUENCE_USED, "unreadable": m.SEQUENCES_UNREADABLE},
)

UNUSED_INDEXES = Query(
    "unused_indexes",
    # What enforces something is needed without a scan. A partition's index goes only with those of the other partitions.
    sql=(
        (
            130000,
            """
            WITH unused AS MATERIALIZED (
                SELECT s.schemaname, s.relname, s.indexrelname, c.relpages::int8 * current_setting('block_size')::int8 AS bytes
                FROM pg_stat_user_indexes AS s
                JOIN pg_index AS x USING (indexrelid)
                JOIN pg_class AS c ON c.oid = s.indexrelid
                WHERE s.idx_scan = 0 AND x.indisvalid AND NOT x.indisunique AND NOT x.indisexclusion AND NOT c.relispartition
            )
            (
                SELECT current_database() AS datname, schemaname, relname, indexrelname, bytes, NULL::int8 AS indexes, NULL::numeric AS size
                FROM unused
                ORDER BY bytes DESC
                LIMIT 20
            )
            UNION ALL
            SELECT current_database(), '', '', '', NULL, count(*), COALESCE(sum(bytes), 0) FROM unused
            """,
        ),
    ),
    values={"bytes": m.UNUSED_INDEX, "indexes": m.UNUSED_INDEXES, "size": m.UNUSED_INDEXES_SIZE},
)

REDUNDANT_INDEXES = Query(
    "redundant_indexes",
    # Expressions and predicates are compared as the server stores them, but for where in a statement they stood: asking
    # for their text would lock the table. Of two equals the older stays, unless only the younger enforces something.
    sql=(
        (
            130000,
            rf"""
            WITH indexes AS MATERIALIZED (
                SELECT
                    x.indexrelid, x.indrelid, n.nspname AS schemaname, t.relname, i.relname AS indexrelname, i.relam,
                    i.relpages::int8 * current_setting('block_size')::int8 AS bytes,
                    x.indisunique AS is_unique,
                    x.indimmediate AS is_immediate,
                    to_jsonb(x) ->> 'indnullsnotdistinct' AS nulls_equal,
                    x.indnatts AS width, x.indnkeyatts AS keys,
                    x.indkey::int2[] AS columns, x.indclass::oid[] AS classes, x.indcollation::oid[] AS collations,
                    x.indoption::int2[] AS options,
                    COALESCE(regexp_replace(x.indexprs::text, ':location -?\d+', '', 'g'), '') AS expressions,
                    COALESCE(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g'), '') AS predicate,
                    x.indisprimary OR x.indisreplident OR i.relispartition
                        OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid) AS is_needed
                FROM pg_index AS x
                JOIN pg_class AS i ON i.oid = x.indexrelid
                JOIN pg_class AS t ON t.oid = x.indrelid
                JOIN pg_namespace AS n ON n.oid = t.relnamespace
                WHERE x.indisvalid AND t.relkind IN ('r', 'm') AND t.relpersistence <> 't' AND {_USERS}
            ),
            redundant AS MATERIALIZED (
                SELECT DISTINCT ON (r.indexrelid)
                    r.schemaname, r.relname, r.indexrelname, r.bytes, k.indexrelname AS covered_by,
                    CASE WHEN same.keys THEN 'duplicate' ELSE 'prefix' END AS kind
                FROM indexes AS r
                JOIN indexes AS k ON k.indrelid = r.indrelid AND k.indexrelid <> r.indexrelid AND k.relam = r.relam
                    AND k.predicate = r.predicate AND k.expressions = r.expressions
                CROSS JOIN LATERAL (
                    SELECT (k.keys, k.columns, k.classes, k.collations, k.options) = (r.keys, r.columns, r.classes, r.collations, r.options)
                        AS keys) AS same
                WHERE NOT r.is_needed AND CASE
                    WHEN same.keys THEN
                        (NOT r.is_unique OR k.is_unique AND k.is_immediate AND k.nulls_equal IS NOT DISTINCT FROM r.nulls_equal)
                        AND (k.is_needed OR k.is_unique > r.is_unique OR k.is_unique = r.is_unique AND k.indexrelid < r.indexrelid)
                    ELSE
                        NOT r.is_unique AND r.width = r.keys AND r.keys < k.keys AND r.expressions = ''
                        AND r.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
                        AND k.columns[0:r.keys - 1] = r.columns[0:r.keys - 1]
                        AND k.classes[0:r.keys - 1] = r.classes[0:r.keys - 1]
                        AND k.collations[0:r.keys - 1] = r.collations[0:r.keys - 1]
                        AND k.options[0:r.keys - 1] = r.options[0:r.keys - 1]
                END
                ORDER BY r.indexrelid, same.keys DESC, k.indexrelid
            )
            (
                SELECT current_database() AS datname, schemaname, relname, indexrelname, covered_by, kind, bytes,
                    NULL::int8 AS indexes, NULL::numeric AS size
                FROM redundant
                ORDER BY bytes DESC
                LIMIT 20
            )
            UNION ALL
            SELECT current_database(), '', '', '', '', kind.name, NULL, count(r.bytes), COALESCE(sum(r.bytes), 0)
            FROM (VALUES ('duplicate'), ('prefix')) AS kind (name) LEFT JOIN redundant AS r ON r.kind = kind.name
            GROUP BY kind.name
            """,
        ),
    ),
    values={"bytes": m.REDUNDANT_INDEX, "indexes": m.REDUNDANT_INDEXES, "size": m.REDUNDANT_INDEXES_SIZE},
)

# Widths of columns, which need no look at a row. pg_statistic holds samples of the values too, so a role sees these
# columns only where they were granted; the view pg_stats shows what belongs to tables that the role may read anyway.
_MAY_READ_WIDTHS = """
    SELECT bool_and(has_column_privilege('pg_catalog.pg_statistic', c.name, 'SELECT'))::int
    FROM (VALUES ('starelid'), ('staattnum'), ('stainherit'), ('stanullfrac'), ('stawidth')) AS c (name)
"""
_WIDTHS = """
    SELECT starelid AS relid, staattnum AS attnum, stanullfrac AS null_frac, stawidth AS width
    FROM pg_catalog.pg_statistic WHERE NOT stainherit
"""
_WIDTHS_OF_READABLE_TABLES = """
    SELECT a.attrelid AS relid, a.attnum, s.null_frac, s.avg_width AS width
    FROM pg_stats AS s
    JOIN pg_namespace AS n ON n.nspname = s.schemaname
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.tablename
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.attname
    WHERE NOT s.inherited
"""

# Both estimates compare the pages there are with those that as many rows of that width would fill ("Database Page
# Layout" and "B-Tree Structure" in the PostgreSQL manual). Pages and rows are those of the last vacuum or analyze,
# so no file is looked at and no lock is taken. Padding between columns is not known: the estimate errs upward.
_FILLFACTOR = "COALESCE((SELECT option_value::float8 FROM pg_options_to_table({rel}.reloptions) WHERE option_name = 'fillfactor'), {usual})"
_WORST = """
    (
        SELECT current_database() AS datname, {names}, '' AS kind, bloat * block AS bytes, bloat / pages AS ratio,
            NULL::float8 AS total, NULL::int8 AS unknown
        FROM estimated WHERE bloat > 0 ORDER BY bloat DESC LIMIT 20
    )
    UNION ALL
    SELECT current_database(), {blanks}, '{kind}', NULL, NULL, COALESCE(sum(bloat * block), 0), count(*) - count(bloat) FROM estimated
"""
_SMALLEST = "1048576 / current_setting('block_size')::int"

# A row: 23 bytes of header and a bit a column if any is NULL, the columns, each part rounded up to 8; and 4 bytes to find
# it in the page, whose header has 24.
_TABLES = f"""
    WITH widths AS MATERIALIZED ({{widths}}),
    rows AS (
        SELECT n.nspname AS schemaname, c.relname, c.relpages::float8 AS pages, c.reltuples::float8 AS tuples,
            current_setting('block_size')::float8 AS block,
            {_FILLFACTOR.format(rel="c", usual=100)} / 100 AS filled,
            count(*) = count(w.width) AND c.reltuples >= 0 AS is_known,
            ceil((23 + CASE WHEN max(w.null_frac) > 0 THEN ceil(count(*) / 8.0) ELSE 0 END) / 8) * 8
                + ceil(sum((1 - w.null_frac) * w.width) / 8) * 8 + 4 AS width
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
        LEFT JOIN widths AS w ON w.relid = a.attrelid AND w.attnum = a.attnum
        WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.relpages >= {_SMALLEST} AND {_USERS}
            AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'heap')
        GROUP BY c.oid, n.nspname
    ),
    estimated AS MATERIALIZED (
        SELECT schemaname, relname, pages, block,
            CASE WHEN is_known THEN
                greatest(0, pages - ceil(tuples / greatest(1, floor((block - 24) * filled / width)))) END AS bloat
        FROM rows
    )
    {_WORST.format(names="schemaname, relname", blanks="'', ''", kind="table")}
"""
TABLE_BLOAT = {"bytes": m.TABLE_BLOAT, "ratio": m.TABLE_BLOAT_RATIO, "total": m.BLOAT, "unknown": m.BLOAT_UNKNOWN}

# An entry: 8 bytes of header, 16 if any column is NULL, the columns rounded up to 8, and 4 bytes to find it in the page,
# which has 24 bytes of header and 16 at its end. Above the leaves stand as many pages as it takes to name them.
_INDEXES = f"""
    WITH widths AS MATERIALIZED ({{widths}}),
    entries AS (
        SELECT n.nspname AS schemaname, t.relname, i.relname AS indexrelname, i.relpages::float8 AS pages, i.reltuples::float8 AS tuples,
            current_setting('block_size')::float8 - 40 AS room,
            current_setting('block_size')::float8 AS block,
            {_FILLFACTOR.format(rel="i", usual=90)} / 100 AS filled,
            count(*) = count(w.width) AND i.reltuples >= 0 AS is_known,
            CASE WHEN max(w.null_frac) > 0 THEN 16 ELSE 8 END + ceil(sum((1 - w.null_frac) * w.width) / 8) * 8 + 4 AS width
        FROM pg_index AS x
        JOIN pg_class AS i ON i.oid = x.indexrelid
        JOIN pg_class AS t ON t.oid = x.indrelid
        JOIN pg_namespace AS n ON n.oid = t.relnamespace
        CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
        LEFT JOIN widths AS w ON (w.relid, w.attnum) =
            (CASE k.attnum WHEN 0 THEN x.indexrelid ELSE x.indrelid END, CASE k.attnum WHEN 0 THEN k.position ELSE k.attnum END)
        WHERE t.relkind IN ('r', 'm') AND t.relpersistence <> 't' AND i.relpages >= {_SMALLEST} AND {_USERS}
            AND i.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
        GROUP BY i.oid, t.oid, n.nspname
    ),
    leaves AS (
        SELECT *, ceil(tuples / greatest(1, floor(room * filled / width))) AS leaves FROM entries
    ),
    estimated AS MATERIALIZED (
        SELECT schemaname, relname, indexrelname, pages, block,
            CASE WHEN is_known THEN
                greatest(0, pages - leaves - ceil(leaves / greatest(1, floor(room * 0.7 / width) - 1)) - 1) END AS bloat
        FROM leaves
    )
    {_WORST.format(names="schemaname, relname, indexrelname", blanks="'', '', ''", kind="index")}
"""
INDEX_BLOAT = {"bytes": m.INDEX_BLOAT, "ratio": m.INDEX_BLOAT_RATIO, "total": m.BLOAT, "unknown": m.BLOAT_UNKNOWN}
BLOAT_METRICS = (m.TABLE_BLOAT, m.TABLE_BLOAT_RATIO, m.INDEX_BLOAT, m.INDEX_BLOAT_RATIO, m.BLOAT, m.BLOAT_UNKNOWN)


def collect_bloat(session: PostgresSession, run: Run) -> None:
    """Estimate the bloat of every watched database, each with the statistics that the role may read there."""
    for name in session.databases:
        connection = session.database(name, run.deadline)
        connection.query(limits(run.deadline), run.deadline)
        ((may,),) = connection.query(_MAY_READ_WIDTHS, run.deadline).rows
        widths = _WIDTHS if may == b"1" else _WIDTHS_OF_READABLE_TABLES
        for text, values in ((_TABLES, TABLE_BLOAT), (_INDEXES, INDEX_BLOAT)):
            query = Query("bloat", ((0, text.format(widths=widths)),), values)
            result = connection.query(query.for_version(connection.server_version), run.deadline)
            emit_rows(query, run, result.columns, result.rows)
