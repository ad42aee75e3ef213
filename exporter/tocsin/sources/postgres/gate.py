"""Whether anything moved, and what: the cheap questions that come before reading definitions.

The gate compares counters that the server keeps of its catalogs' rows. What moved is told by the rows themselves: each bears
the number of the transaction that wrote it, and what an earlier snapshot could not see has a number that it did not know yet.
What was deleted left a smaller number of rows.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tocsin.schema.model import Object
from tocsin.sources.postgres.objects import FAMILIES
from tocsin.sources.postgres.pieces import dotted
from tocsin.sources.postgres.tables import KINDS, OURS

CATALOGS = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_index", "pg_constraint", "pg_inherits", "pg_partitioned_table", "pg_trigger",
    "pg_rewrite", "pg_policy", "pg_statistic_ext", "pg_sequence", "pg_foreign_table", "pg_depend", "pg_description",
    "pg_namespace", "pg_extension", "pg_proc", "pg_aggregate", "pg_type", "pg_enum", "pg_range", "pg_collation", "pg_conversion",
    "pg_cast", "pg_operator", "pg_opclass", "pg_opfamily", "pg_amop", "pg_amproc", "pg_ts_config", "pg_ts_config_map", "pg_ts_dict",
    "pg_ts_parser", "pg_ts_template", "pg_transform", "pg_am", "pg_language", "pg_publication", "pg_publication_rel",
    "pg_publication_namespace", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_user_mapping", "pg_event_trigger", "pg_default_acl",
    "pg_database", "pg_shdescription", "pg_subscription", "pg_authid", "pg_tablespace",
)  # fmt: skip
"""Every catalog that holds a part of what people define; the last five are shared by all databases."""

_STANDBY = "standby"

# Every change of a definition writes to one of these catalogs, and the server counts the rows it writes. Reading the counters
# costs microseconds and needs no privilege. They begin anew after a crash and when somebody resets them: both leave a new time.
#
# A standby counts nothing. But while it replays nothing, nothing moves there.
GATE = f"""
    SELECT CASE WHEN pg_is_in_recovery() THEN format('{_STANDBY} %s', pg_last_wal_replay_lsn()) ELSE (
        SELECT string_agg((
            pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid))::text, ',' ORDER BY oid)
        FROM pg_class WHERE oid = ANY (ARRAY(
            SELECT to_regclass('pg_catalog.' || name) FROM unnest('{{{",".join(CATALOGS)}}}'::text[]) AS name)))
        || format(';%s;%s', pg_stat_get_db_stat_reset_time((SELECT oid FROM pg_database WHERE datname = current_database())),
            pg_stat_get_bgwriter_stat_reset_time())
    END AS gate
"""


def is_standby(evidence: str) -> bool:
    return evidence.startswith(_STANDBY)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the catalogs showed: the oldest transaction whose end it could not see, and how much there was."""

    server: str
    horizon: int
    mark: str
    """Digest of the listing."""
    counts: dict[str, int]
    """Rows of the catalogs that do not belong to relations."""

    def dump(self) -> bytes:
        return json.dumps([self.server, self.horizon, self.mark, self.counts]).encode()

    @classmethod
    def load(cls, data: bytes) -> Seen:
        return cls(*json.loads(data))


@dataclass(slots=True)
class Listing:
    """The names of all roots, needed only when one comes or goes: of relations, and of everything else once it was read."""

    relations: dict[str, list[str]] = field(default_factory=dict)
    """By identity the name, and how many rows tell of the relation's parts: a part that is gone leaves fewer."""
    others: set[str] = field(default_factory=set)

    def dump(self) -> bytes:
        return zlib.compress(json.dumps([self.relations, sorted(self.others)], separators=(",", ":")).encode(), 1)

    @classmethod
    def load(cls, data: bytes) -> Listing:
        relations, others = json.loads(zlib.decompress(data))
        return cls(relations, set(others))

    @property
    def ambiguous(self) -> bool:
        """Tell whether a relation shares its name with something else, so that neither can be read again alone."""
        return not self.others.isdisjoint(self.names)

    @property
    def names(self) -> set[str]:
        """Names of the relations."""
        return {name for name, _ in self.relations.values()}


@dataclass(frozen=True, slots=True)
class Moved:
    """What has to be read again since an earlier look.

    `everything` stands for a full inspection: there was no earlier look, or it is too long ago. Of tables, views and
    partitions those in `relations` are read again, their names now by identity: they changed or are new. All that is no table
    or view is read again, or (without `others`) none of it. With `relisted` some relation came, went, lost a part or got another name.
    """

    now: Seen
    everything: bool = True
    others: bool = False
    relations: dict[str, str] = field(default_factory=dict)
    relisted: bool = False

    @property
    def nothing(self) -> bool:
        return not (self.everything or self.others or self.relations or self.relisted)


# Transaction numbers wrap around after 2^32, and ages compare right over half of that.
_REACH = 2_000_000_000

HORIZON = """
    SELECT
        pg_snapshot_xmin(pg_current_snapshot()),
        format('%s %s %s %s', current_setting('server_version_num'), (SELECT oid FROM pg_database WHERE datname = current_database()),
            pg_postmaster_start_time(), pg_is_in_recovery())
"""


def _fresh(row: str, horizon: int | None) -> str:
    """Return the condition that a row was written by a transaction whose end the earlier look could not see."""
    return f"age({row}.xmin) <= (SELECT age('{horizon % 2**32}'::xid))" if horizon is not None else "false"


# Rows of other catalogs, by the relation that they belong to, and whether deleting one leaves no trace in the relation's own row.
_OF_RELATIONS = (
    ("pg_index", "indrelid"), ("pg_constraint", "conrelid"), ("pg_trigger", "tgrelid"), ("pg_rewrite", "ev_class"),
    ("pg_policy", "polrelid"), ("pg_statistic_ext", "stxrelid"), ("pg_inherits", "inhrelid"), ("pg_inherits", "inhparent"),
)  # fmt: skip
_WITHIN_RELATIONS = (
    ("pg_attribute", "attrelid"), ("pg_attrdef", "adrelid"), ("pg_partitioned_table", "partrelid"), ("pg_foreign_table", "ftrelid"),
    ("pg_sequence", "seqrelid"), ("pg_trigger", "tgconstrrelid"),
)  # fmt: skip
_REMARKS = """
    SELECT CASE q.classoid
        WHEN 'pg_class'::regclass THEN q.objoid
        WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = q.objoid)
        WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = q.objoid)
        WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = q.objoid)
        WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = q.objoid)
        WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_statistic_ext WHERE oid = q.objoid)
        END AS rel, {fresh} AS fresh
    FROM pg_description AS q
    WHERE q.classoid = ANY ('{{pg_class,pg_constraint,pg_trigger,pg_rewrite,pg_policy,pg_statistic_ext}}'::regclass[])
        AND q.objoid >= 16384"""


def relations(horizon: int | None) -> str:
    """Return the query for tables, views and partitions: identity, name and how many rows tell of its parts, of each that is fresh.

    Before them comes a row with a digest of the same of all of them. Without a horizon each is fresh.

    An index, a TOAST table and the sequence of an identity column are parts of their table, and a view is fresh with
    what it reads: how it is written out depends on the names there. A partition is with its table, whose rights its own are
    compared with, and the table with a partition that comes or goes.
    """
    fresh = "c.oid IN (SELECT rel FROM affected WHERE rel IS NOT NULL)" if horizon is not None else "true"
    counted = " UNION ALL ".join(
        f"SELECT x.{key} AS rel, {_fresh('x', horizon)} AS fresh FROM {catalog} AS x" for catalog, key in _OF_RELATIONS
    )
    written = " UNION ALL ".join(
        f"SELECT x.{key} AS rel FROM {catalog} AS x WHERE {_fresh('x', horizon)}" for catalog, key in _WITHIN_RELATIONS
    )
    return f"""
        WITH part AS ({counted} UNION ALL {_REMARKS.format(fresh=_fresh("q", horizon))}),
        counted AS (SELECT rel, count(*) AS parts, bool_or(fresh) AS fresh FROM part GROUP BY rel),
        written AS (
            SELECT oid AS rel FROM pg_class AS x WHERE {_fresh("x", horizon)}
            UNION {written}
            UNION SELECT rel FROM counted WHERE fresh
        ),
        changed AS (
            SELECT rel FROM written
            UNION SELECT x.indrelid FROM written JOIN pg_index AS x ON x.indexrelid = written.rel
            UNION SELECT t.oid FROM pg_class AS x JOIN pg_class AS t ON t.reltoastrelid = x.oid
                WHERE x.relkind = 't' AND {_fresh("x", horizon)}
            UNION SELECT d.refobjid FROM written JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = written.rel
                AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
        ),
        affected AS (
            SELECT rel FROM changed
            UNION SELECT h.inhrelid FROM pg_class AS x JOIN pg_inherits AS h ON h.inhparent = x.oid
                WHERE x.relkind = 'p' AND {_fresh("x", horizon)}
            UNION SELECT w.ev_class FROM changed
                JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = changed.rel
                    AND d.classid = 'pg_rewrite'::regclass
                JOIN pg_rewrite AS w ON w.oid = d.objid
        ),
        listed AS MATERIALIZED (
            SELECT c.oid, {dotted("n.nspname", "c.relname")} AS name, COALESCE(p.parts, 0) AS parts, {fresh} AS fresh
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN counted AS p ON p.rel = c.oid
            WHERE c.relkind IN ({KINDS}) AND {OURS}
        )
        SELECT NULL, md5(string_agg(format('%s %s %s', oid, parts, name), E'\\n' ORDER BY oid)), count(*) FROM listed
        UNION ALL
        SELECT oid, name, parts FROM listed WHERE fresh
    """


_LASTING = "c.relkind = 'S' AND c.relpersistence <> 't'"

# Table row types and arrays come with their tables, and say nothing by themselves.
_SLICES = {
    "pg_namespace": "pg_namespace AS x WHERE x.nspname !~ '^pg_'",
    "pg_sequence": f"pg_sequence AS x JOIN pg_class AS c ON c.oid = x.seqrelid AND {_LASTING} WHERE true",
    "pg_attribute of types": "pg_attribute AS x JOIN pg_class AS c ON c.oid = x.attrelid AND c.relkind = 'c' WHERE true",
    "pg_constraint of domains": "pg_constraint AS x WHERE x.contypid <> 0",
    "pg_type": """
        pg_type AS x LEFT JOIN pg_class AS c ON c.oid = x.typrelid AND c.relkind = 'c'
        WHERE (x.typtype <> 'c' OR c.oid IS NOT NULL) AND (x.typcategory <> 'A' OR left(x.typname, 1) <> '_')""",
}

# Of these catalogs the rows are counted by what they are about.
_SPLIT = {
    "pg_class": ("relkind", "pg_class AS x WHERE x.relkind IN ('S', 'c') AND x.relpersistence <> 't'"),
    "pg_description": (
        "classoid",
        """pg_description AS x
            LEFT JOIN pg_class AS c ON x.classoid = 'pg_class'::regclass AND c.oid = x.objoid
            LEFT JOIN pg_constraint AS k ON x.classoid = 'pg_constraint'::regclass AND k.oid = x.objoid
            WHERE (x.classoid <> 'pg_class'::regclass OR c.relkind IN ('S', 'c'))
                AND (x.classoid <> 'pg_constraint'::regclass OR k.contypid <> 0)
                AND x.classoid <> ALL ('{pg_trigger,pg_rewrite,pg_policy,pg_statistic_ext}'::regclass[])""",
    ),
    "pg_depend": (
        "classid",
        f"""pg_depend AS x LEFT JOIN pg_class AS c ON x.classid = 'pg_class'::regclass AND c.oid = x.objid AND {_LASTING}
            WHERE x.deptype = 'e' OR x.deptype = 'a' AND x.classid = 'pg_class'::regclass AND c.oid IS NOT NULL""",
    ),
}


def catalogs(horizon: int | None, version: int) -> str:
    """Return the query for every other catalog: how many rows there are, and whether any is fresh.

    Comments and dependencies, which tell of an extension's members and a column's sequences, are counted by catalog.
    Where a family names no catalogs the number is a hash of all that is read of it.
    """
    names = {name for family in FAMILIES for name in family.catalogs if version >= 150000 or name != "pg_publication_namespace"}
    counted = [
        f"SELECT '{name}', count(*), COALESCE(bool_or({_fresh('x', horizon)}), false) FROM {_SLICES.get(name, f'{name} AS x WHERE true')}"
        for name in sorted(names)
    ]
    split = [
        f"SELECT '{catalog} ' || x.{key}::text, count(*), bool_or({_fresh('x', horizon)}) FROM {rows} GROUP BY x.{key}"
        for catalog, (key, rows) in _SPLIT.items()
    ]
    # Their rows do not say when they were written, or not to everybody. There are a few at most.
    hashed = [
        f"SELECT '{family.kinds[0]}', COALESCE(sum(hashtextextended(x::text, 0)), 0), false FROM ({family.sql(version)}) AS x"
        for family in FAMILIES
        if not family.catalogs
    ]
    return " UNION ALL ".join([*counted, *split, *hashed])


def judge(before: Seen | None, now: Seen, relations: dict[str, str], catalogs: Collection[str]) -> Moved:
    """Return what has moved between two looks, of which the second found these relations and these catalogs fresh."""
    if before is None or before.server != now.server or not 0 <= now.horizon - before.horizon < _REACH:
        return Moved(now)
    return Moved(now, False, bool(catalogs) or before.counts != now.counts, relations, before.mark != now.mark)


def reaches_further(before: Iterable[Object], after: Iterable[Object]) -> bool:
    """Tell whether what was read again may have changed how other objects are written out, so that all must be read.

    Definitions mention others by name, and the labels of enums and the attributes of types by theirs. Those in
    another schema now, or in another version, may mention what an extension has.
    """
    known = {(o.kind, o.identity): o for o in before if o.identity is not None}
    for o in after:
        old = known.get((o.kind, o.identity)) if o.identity is not None else None
        if old is not None and (old.name != o.name or (o.kind in ("enum", "type", "extension") and old.traits != o.traits)):
            return True
    return False
