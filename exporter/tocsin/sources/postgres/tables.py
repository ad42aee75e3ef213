"""Tables, views and all that belongs to them: one row each, whatever it holds, from catalogs to objects.

What belongs to a table is gathered beside it, through the catalogs' own indexes: so one table costs what one costs, all of
them come while the server still reads, and neither side ever holds more than a few.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from tocsin.schema.model import SWITCHED_OFF, UNCHECKED, Object, parts
from tocsin.sources.postgres.pieces import SYSTEM, comment, default_acl, dotted, enabled, grants, not_of_extension, options, role, settings

OURS = f"{SYSTEM} AND c.relpersistence <> 't' AND {not_of_extension('pg_class', 'c.oid')}"
"""The condition for a relation `c` in a schema `n` to be the users' own."""

KINDS = "'r', 'p', 'f', 'v', 'm'"
"""pg_class.relkind of tables, partitioned and foreign ones, views and materialized views."""

ROOTS = ("table", "partition", "view", "materialized view")

_FORM = """
    CASE
        WHEN c.relkind = 'p' THEN 'partitioned table by ' || pg_get_partkeydef(c.oid)
        WHEN c.relkind = 'f' THEN 'foreign table'
        WHEN c.relpersistence = 'u' THEN 'unlogged table'
        ELSE 'table'
    END || CASE WHEN c.reloftype <> 0 THEN ' of ' || format_type(c.reloftype, NULL) ELSE '' END"""

# What is not the default of its access method and tablespace; the parameters of the TOAST table are set on the table.
_OPTIONS = f"""
    NULLIF(concat_ws(', ',
        CASE WHEN c.relkind = 'f' THEN (SELECT 'server ' || s.srvname || COALESCE(' OPTIONS (' || {options("f.ftoptions")} || ')', '')
            FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END,
        CASE WHEN c.relam NOT IN (0, 2) THEN (SELECT 'access method ' || m.amname FROM pg_am AS m WHERE m.oid = c.relam) END,
        CASE WHEN c.reltablespace <> 0 THEN (SELECT 'tablespace ' || s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace) END,
        CASE WHEN c.reloptions IS NOT NULL THEN {settings("c.reloptions")} END,
        (SELECT string_agg('toast.' || o, ', ' ORDER BY o) FROM pg_class AS toast, unnest(toast.reloptions) AS o
            WHERE c.reltoastrelid <> 0 AND toast.oid = c.reltoastrelid AND toast.reloptions IS NOT NULL)
    ), '')"""

_ROW_SECURITY = """
    CASE
        WHEN c.relrowsecurity THEN CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END
        ELSE CASE WHEN c.relforcerowsecurity THEN 'off, forced when on' ELSE 'off' END
    END"""

_REPLICA_IDENTITY = """
    CASE c.relreplident
        WHEN 'f' THEN 'full'
        WHEN 'n' THEN 'nothing'
        WHEN 'i' THEN COALESCE((
            SELECT 'index ' || i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
            WHERE x.indrelid = c.oid AND x.indisreplident), 'index that is gone')
    END"""

_INHERITS = f"""
    CASE WHEN c.relhassubclass OR c.relkind IN ('r', 'f') THEN (
        SELECT string_agg({dotted("pn.nspname", "p.relname")}, ', ' ORDER BY h.inhseqno)
        FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhparent JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = c.oid) END"""

# An identity column's sequence is told with the column: what its type would not have chosen.
_IDENTITY = """
    COALESCE((
        SELECT ' (' || NULLIF(concat_ws(' ',
            CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN 'START WITH ' || s.seqstart::text END,
            CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement::text END,
            CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE b.low END THEN 'MINVALUE ' || s.seqmin::text END,
            CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN b.high ELSE -1 END THEN 'MAXVALUE ' || s.seqmax::text END,
            CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache::text END,
            CASE WHEN s.seqcycle THEN 'CYCLE' END
        ), '') || ')'
        FROM pg_depend AS w
        JOIN pg_sequence AS s ON s.seqrelid = w.objid
        JOIN (VALUES (21, -32768, 32767), (23, -2147483648, 2147483647), (20, -9223372036854775808, 9223372036854775807))
            AS b (type, low, high) ON b.type = s.seqtypid::int
        WHERE w.refclassid = 'pg_class'::regclass AND w.refobjid = a.attrelid AND w.refobjsubid = a.attnum
            AND w.classid = 'pg_class'::regclass AND w.deptype = 'i'), '')"""

_STORAGE = "CASE {} WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END"


# Looking every type up would take as long as all the rest. Of the server's own types that can be stored in more than one way
# only these (cidr, inet, numeric) are not stored EXTENDED from the beginning.
_STORED_OTHERWISE = """
    a.attlen < 0 AND (a.attstorage <> 'x' OR a.atttypid IN (650, 869, 1700) OR a.atttypid >= 16384)
    AND a.attstorage <> (SELECT t.typstorage FROM pg_type AS t WHERE t.oid = a.atttypid)"""


def _column_options(version: int) -> str:
    compression = (
        "CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END" if version >= 140000 else "NULL"
    )
    # Until 16 the target that nobody has set is -1, then NULL.
    some = "a.attoptions IS NOT NULL OR a.attfdwoptions IS NOT NULL OR a.attstattarget >= 0 OR a.attlen < 0"
    return f"""
        CASE WHEN {some} THEN NULLIF(concat_ws(' ',
            CASE WHEN {_STORED_OTHERWISE} THEN 'STORAGE ' || {_STORAGE.format("a.attstorage")} END,
            {compression},
            CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget::text END,
            CASE WHEN a.attoptions IS NOT NULL THEN '(' || {settings("a.attoptions")} || ')' END,
            CASE WHEN a.attfdwoptions IS NOT NULL THEN 'OPTIONS (' || {options("a.attfdwoptions")} || ')' END
        ), '') END"""


_DEFAULT = "(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)"

# The default collation is that of all types but name (19) and those that people make.
_COLLATION = """
    CASE WHEN a.attcollation <> 0 AND (a.attcollation <> 100 OR a.atttypid = 19 OR a.atttypid >= 16384)
        AND a.attcollation <> (SELECT t.typcollation FROM pg_type AS t WHERE t.oid = a.atttypid) THEN (
        SELECT format('%s.%s', cn.nspname, co.collname)
        FROM pg_collation AS co JOIN pg_namespace AS cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END"""


def _nullable(version: int) -> str:
    # From 18 on attnotnull holds of a constraint, too, that old rows have not been checked against.
    unchecked = """EXISTS (SELECT FROM pg_constraint AS k
        WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated)"""
    doubtful = f"WHEN a.attnotnull AND {unchecked} THEN '{UNCHECKED}'" if version >= 180000 else ""
    return f"CASE {doubtful} WHEN a.attnotnull THEN 'no' ELSE 'yes' END"


def _columns(version: int, order: str = "") -> str:
    return f"""(
        SELECT json_agg(ARRAY[
            a.attname::text,
            a.attnum::text,
            format_type(a.atttypid, a.atttypmod),
            {_nullable(version)},
            CASE WHEN a.atthasdef AND a.attgenerated = '' THEN {_DEFAULT} END,
            CASE
                WHEN a.attidentity = 'a' THEN 'GENERATED ALWAYS AS IDENTITY' || {_IDENTITY}
                WHEN a.attidentity = 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' || {_IDENTITY}
                WHEN a.attgenerated <> '' THEN format('GENERATED ALWAYS AS (%s) %s',
                    {_DEFAULT}, CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)
            END,
            {_COLLATION},
            {_column_options(version)},
            CASE WHEN a.attacl IS NOT NULL THEN {grants("a.attacl", default_acl("c", "c.relowner"))} END
        ]{order})
        FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""


# An index that serves a constraint is told with the constraint.
_INDEXES = f"""(
    SELECT json_agg(ARRAY[
        i.relname::text,
        i.oid::text,
        CASE WHEN x.indisunique THEN 'yes' ELSE 'no' END,
        replace(pg_get_indexdef(x.indexrelid), ' INDEX ' || quote_ident(i.relname) || ' ON ', ' INDEX ON ')
            || CASE WHEN i.reltablespace = 0 THEN '' ELSE
                (SELECT ' TABLESPACE ' || s.spcname FROM pg_tablespace AS s WHERE s.oid = i.reltablespace) END
            || CASE WHEN x.indexprs IS NULL THEN '' ELSE COALESCE((
                SELECT ' STATISTICS (' || string_agg(format('%s=%s', a.attnum, a.attstattarget), ', ' ORDER BY a.attnum) || ')'
                FROM pg_attribute AS a WHERE a.attrelid = i.oid AND a.attstattarget >= 0), '') END,
        CASE WHEN x.indisvalid THEN 'yes' ELSE 'invalid' END,
        {comment("pg_class", "i.oid")}
    ])
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
    WHERE c.relhasindex AND x.indrelid = c.oid
        AND NOT ((x.indisunique OR x.indisexclusion) AND EXISTS (SELECT FROM pg_constraint AS k
            WHERE k.conrelid = c.oid AND k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))))"""

# The server's own triggers enforce foreign keys, and deferred keys when the transaction ends: somebody may have switched them off.
_SWITCHED_OFF = """
    c.relhastriggers AND EXISTS (SELECT FROM pg_trigger AS g
        WHERE g.tgconstraint = k.oid AND g.tgisinternal AND g.tgenabled IN ('D', 'R'))"""

# NOT NULL constraints, which PostgreSQL 18 lists here too, are told with their columns; inherited ones with the parent.
_CONSTRAINTS = f"""(
    SELECT json_agg(ARRAY[
        k.conname::text,
        k.oid::text,
        CASE k.contype
            WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'exclusion'
        END,
        CASE WHEN k.convalidated THEN k.definition ELSE regexp_replace(k.definition, '( NOT ENFORCED| NOT VALID)+$', '') END
            || CASE WHEN k.conindid <> 0 AND k.contype <> 'f' THEN (
            SELECT COALESCE(' WITH (' || {settings("i.reloptions")} || ')', '') || COALESCE(' USING INDEX TABLESPACE ' || s.spcname, '')
            FROM pg_class AS i LEFT JOIN pg_tablespace AS s ON s.oid = i.reltablespace AND i.reltablespace <> 0
            WHERE i.oid = k.conindid) ELSE '' END,
        CASE WHEN k.definition LIKE '% NOT ENFORCED' THEN 'not enforced' WHEN {_SWITCHED_OFF} THEN '{SWITCHED_OFF}'
            WHEN k.convalidated THEN 'yes' ELSE 'not valid' END,
        {comment("pg_constraint", "k.oid")}
    ])
    FROM (SELECT *, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE conrelid = c.oid AND contype IN ('p', 'u', 'f', 'c', 'x') AND conislocal OFFSET 0) AS k)"""

# The server's own triggers are told with their constraints; those of partitions follow the partitioned table's.
_TRIGGERS = f"""(
    SELECT json_agg(ARRAY[
        g.tgname::text,
        g.oid::text,
        replace(pg_get_triggerdef(g.oid), ' TRIGGER ' || quote_ident(g.tgname) || ' ', ' TRIGGER '),
        {enabled("g.tgenabled")},
        {comment("pg_trigger", "g.oid")}
    ])
    FROM pg_trigger AS g WHERE c.relhastriggers AND g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgparentid = 0)"""

_RULES = f"""(
    SELECT json_agg(ARRAY[
        w.rulename::text,
        w.oid::text,
        replace(pg_get_ruledef(w.oid), 'CREATE RULE ' || quote_ident(w.rulename) || ' AS', 'CREATE RULE AS'),
        {enabled("w.ev_enabled")},
        {comment("pg_rewrite", "w.oid")}
    ])
    FROM pg_rewrite AS w WHERE c.relhasrules AND w.ev_class = c.oid AND w.rulename <> '_RETURN')"""

_POLICIES = f"""(
    SELECT json_agg(ARRAY[
        p.polname::text,
        p.oid::text,
        CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT string_agg(r.who, ', ' ORDER BY r.who)
            FROM (SELECT CASE WHEN u = 0 THEN 'PUBLIC' ELSE {role("u")}::text END AS who FROM unnest(p.polroles) AS u) AS r),
        pg_get_expr(p.polqual, p.polrelid),
        pg_get_expr(p.polwithcheck, p.polrelid),
        {comment("pg_policy", "p.oid")}
    ])
    FROM pg_policy AS p WHERE p.polrelid = c.oid)"""

# Its owner and its schema are its own, but it speaks of its table alone and goes with it.
_STATISTICS = f"""(
    SELECT json_agg(ARRAY[
        CASE WHEN s.stxnamespace = c.relnamespace THEN s.stxname::text ELSE format('%s.%s', sn.nspname, s.stxname) END,
        s.oid::text,
        replace(pg_get_statisticsobjdef(s.oid), format('CREATE STATISTICS %I.%I', sn.nspname, s.stxname), 'CREATE STATISTICS')
            || CASE WHEN s.stxstattarget >= 0 THEN ' STATISTICS ' || s.stxstattarget::text ELSE '' END
            || CASE WHEN s.stxowner <> c.relowner THEN ' OWNER ' || {role("s.stxowner")} ELSE '' END,
        {comment("pg_statistic_ext", "s.oid")}
    ])
    FROM pg_statistic_ext AS s JOIN pg_namespace AS sn ON sn.oid = s.stxnamespace WHERE s.stxrelid = c.oid)"""

_COLUMN_COMMENTS = """(
    SELECT json_agg(ARRAY[a.attname::text, q.description])
    FROM pg_description AS q JOIN pg_attribute AS a ON a.attrelid = q.objoid AND a.attnum = q.objsubid
    WHERE q.objoid = c.oid AND q.classoid = 'pg_class'::regclass AND q.objsubid > 0)"""

# What people see of a view's columns, whose order matters.
_SIGNATURE = """
    (SELECT string_agg(concat_ws(' ', line->>0, line->>2, 'COLLATE ' || (line->>6), 'DEFAULT ' || (line->>4), line->>7),
            ', ' ORDER BY place)
        FROM json_array_elements(own_columns) WITH ORDINALITY AS x (line, place))"""

# A partition by list or hash, or the one for all the rest, is a part of the schema as a table is. The others come and go by the clock,
# and so does whatever is below them: their bounds, and the lock that reading them takes, are left alone.
_ROTATES = """
    k.partstrat = 'r' AND k.partdefid <> c.oid OR p.relispartition AND EXISTS (
        SELECT FROM pg_partition_ancestors(p.oid) AS a JOIN pg_partitioned_table AS above ON above.partrelid = a.relid
        WHERE a.relid <> p.oid AND above.partstrat = 'r')"""

_GRANTED, _OF_TABLE = (f"string_to_array({grants(f'{r}.relacl', default_acl('r', f'{r}.relowner'))}, '; ')" for r in ("c", "p"))

# Of its owner and its rights only what is not its table's: nobody asks the table who names the partition.
_PARTITION = f"""
    SELECT
        json_build_array({dotted("pn.nspname", "p.relname")},
            CASE WHEN NOT ({_ROTATES}) THEN pg_get_expr(c.relpartbound, c.oid) END,
            NULLIF({_ROW_SECURITY}, 'off')),
        CASE WHEN c.relowner <> p.relowner THEN {role("c.relowner")} END,
        CASE WHEN c.relacl IS DISTINCT FROM p.relacl THEN (
            SELECT string_agg(line, '; ' ORDER BY line) FROM unnest({_GRANTED}) AS line
            WHERE line <> ALL (COALESCE({_OF_TABLE}, '{{}}'))) END
    FROM pg_inherits AS h
    JOIN pg_class AS p ON p.oid = h.inhparent
    JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    JOIN pg_partitioned_table AS k ON k.partrelid = p.oid
    WHERE h.inhrelid = c.oid"""

_HAS_PARTITIONS = """
    CASE WHEN c.relkind = 'p' THEN (
        SELECT 'by range' FROM pg_partitioned_table AS k
        WHERE k.partrelid = c.oid AND k.partstrat = 'r'
            AND EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhparent = c.oid AND h.inhrelid <> k.partdefid)) END"""

_PARTS = ("index", "constraint", "trigger", "rule", "policy", "statistics")


def query(version: int, only: Sequence[str] | None) -> str:
    """Return the query for all relations, or for those with the given oids.

    In no order: sorting would hold back the first until the last is there.
    """
    # One whose DETACH CONCURRENTLY was cut off half-way is a partition of nothing already: queries of the table do not see its rows.
    attached = " AND NOT h.inhdetachpending" if version >= 140000 else ""
    chosen = "" if only is None else f"AND c.oid = ANY ('{{{','.join(str(int(oid)) for oid in only)}}}'::oid[])"
    return f"""
        SELECT
            CASE WHEN c.relispartition THEN 'partition' WHEN c.relkind = 'v' THEN 'view'
                WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'table' END,
            {dotted("n.nspname", "c.relname")},
            c.oid,
            own.*,
            part.*
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN LATERAL (SELECT
            CASE WHEN c.relkind IN ('v', 'm')
                THEN json_build_array(pg_get_viewdef(c.oid), {_SIGNATURE}, {_OPTIONS})
                ELSE json_build_array({_FORM}, {_OPTIONS}, {_ROW_SECURITY}, {_REPLICA_IDENTITY}, {_INHERITS}) END,
            {role("c.relowner")},
            {grants("c.relacl", default_acl("r", "c.relowner"))},
            {comment("pg_class", "c.oid")},
            own_columns,
            {_INDEXES},
            {_CONSTRAINTS},
            {_TRIGGERS},
            {_RULES},
            {_POLICIES},
            {_STATISTICS},
            {_COLUMN_COMMENTS},
            {_HAS_PARTITIONS}
            FROM (SELECT CASE WHEN c.relkind IN ('v', 'm') THEN {_columns(version, " ORDER BY a.attnum")} ELSE {_columns(version)} END
                OFFSET 0) AS listed (own_columns)
        ) AS own ON NOT c.relispartition
        LEFT JOIN LATERAL ({_PARTITION}{attached}) AS part ON c.relispartition
        WHERE c.relkind IN ({KINDS}) AND {OURS} {chosen}
    """


def objects(row: Sequence[bytes | None]) -> Iterator[Object]:
    """Yield a relation and what belongs to it, from one row of the query."""
    kind, name, oid = ((cell or b"").decode("utf-8", "replace") for cell in row[:3])
    if kind == "partition":  # its columns and all else are told by its table's definition
        yield Object("partition", "", name, tuple(json.loads(row[16] or b"[null, null, null]")), oid)
        yield from attached(name, row[17], row[18], None)
        return
    yield Object(kind, "", name, tuple(json.loads(row[3] or b"[]")), oid)
    yield from attached(name, row[4], row[5], row[6])
    for column, number, *traits, granted in _list(row[7]):
        if kind == "table":
            yield Object("column", name, column or "", tuple(traits), f"{oid}.{number}")
        if granted is not None:
            yield Object("grant", name, column or "", (granted,))
    table = parts(name)[-1]
    for part, cell in zip(_PARTS, row[8:14], strict=True):
        for own_name, own_oid, *traits, remark in _list(cell):
            yield Object(part, name, own_name or "", tuple(traits), own_oid, _made_up(part, table, own_name or ""))
            if remark is not None:
                yield Object("comment", name, f"{part} {own_name}", (remark,))
    for column, text in _list(row[14]):
        yield Object("comment", name, column or "", (text,))
    if row[15] is not None:
        yield Object("partitions", name, "", (row[15].decode(),))


def attached(parent: str, owner: bytes | None, granted: bytes | None, remark: bytes | None) -> Iterator[Object]:
    """Yield an object's owner, grants and comment, as far as it has them."""
    for kind, cell in (("owner", owner), ("grant", granted), ("comment", remark)):
        if cell is not None:
            yield Object(kind, parent, "", (cell.decode("utf-8", "replace"),))


def _list(cell: bytes | None) -> list[list[str | None]]:
    found: list[list[str | None]] = json.loads(cell) if cell else []
    return found


_MADE_UP = {
    kind: re.compile(rf".*_({suffixes})\d*")
    for kind, suffixes in {"index": "idx", "constraint": "pkey|key|fkey|check|excl", "statistics": "stat"}.items()
}


def _made_up(kind: str, table: str, name: str) -> bool:
    # A key or index that came with the table's statement bears a name that PostgreSQL made up from the
    # table and the columns, with a number where that was taken: it says nothing about the schema.
    pattern, beginning = _MADE_UP.get(kind), table[:28]
    return pattern is not None and name.startswith(beginning) and pattern.fullmatch(name, len(beginning)) is not None
