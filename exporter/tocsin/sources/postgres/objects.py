"""All that is no table or view: routines, types, sequences and what databases have a few of. A query a family.

Every query yields kind, name, identity, the traits as a JSON array, owner, grants and comment. Where one server version has a
column and another has not, it is taken from the row as JSON, which has what there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tocsin.schema.model import HIDDEN, Object
from tocsin.sources.postgres.pieces import (
    FIRST_OID,
    SYSTEM,
    comment,
    default_acl,
    dotted,
    enabled,
    grants,
    not_of_extension,
    options,
    part,
    role,
    routine,
    type_name,
)
from tocsin.sources.postgres.tables import attached


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds that are read together, and the catalogs that say everything about them.

    Where no row of the catalogs changes, no object does, but for the names of others that they mention. A family without
    catalogs is compared by what is read of it.
    """

    kinds: tuple[str, ...]
    catalogs: tuple[str, ...]
    query: str | Callable[[int], str]

    def sql(self, version: int) -> str:
        return self.query if isinstance(self.query, str) else self.query(version)


_BARE = ("sequence", "function", "procedure", "aggregate")
"""Kinds with names that nothing of another kind can bear; what is attached to the others says which kind it means."""


def objects(row: Sequence[bytes | None]) -> Iterator[Object]:
    """Yield an object and what is attached to it, from one row of a family's query."""
    kind, name, identity, traits = ((cell or b"").decode("utf-8", "replace") for cell in row[:4])
    if kind == "comment":  # of a part that is no object by itself: the traits are its place and its text
        parent, text = json.loads(traits)
        yield Object("comment", parent, name, (text,))
        return
    if kind != "database":  # the databases themselves are told elsewhere
        yield Object(kind, "", name, tuple(json.loads(traits)), identity)
    yield from attached("database" if kind == "database" else name if kind in _BARE else f"{kind} {name}", row[4], row[5], row[6])


_DATABASE = f"""
    SELECT 'database', '', d.oid, '[]', {role("d.datdba")}, {grants("d.datacl", default_acl("d", "d.datdba"))},
        shobj_description(d.oid, 'pg_database')
    FROM pg_database AS d WHERE d.datname = current_database()
"""

# Those that own something here or may do something with it. That of initdb is never counted among the dependencies.
_ROLES = """
    SELECT 'role', r.rolname, r.oid, '[]', NULL, NULL, NULL
    FROM pg_roles AS r
    WHERE r.oid = 10 OR r.oid IN (
        SELECT d.refobjid FROM pg_shdepend AS d
        WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
"""

_TABLESPACES = f"SELECT 'tablespace', s.spcname, s.oid, '[]', NULL, NULL, NULL FROM pg_tablespace AS s WHERE s.oid >= {FIRST_OID}"

_SCHEMAS = f"""
    SELECT 'schema', {part("n.nspname")}, n.oid, '[]', {role("n.nspowner")}, {grants("n.nspacl", default_acl("n", "n.nspowner"))},
        {comment("pg_namespace", "n.oid")}
    FROM pg_namespace AS n WHERE {SYSTEM} AND {not_of_extension("pg_namespace", "n.oid")}
"""

_EXTENSIONS = f"""
    SELECT 'extension', x.extname, x.oid, json_build_array(x.extversion, n.nspname), {role("x.extowner")}, NULL,
        {comment("pg_extension", "x.oid")}
    FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
"""

# The sequence of an identity column is told with the column.
_SEQUENCES = f"""
    SELECT 'sequence', {dotted("n.nspname", "c.relname")}, c.oid,
        json_build_array(
            format('%sAS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s',
                CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' ELSE '' END, {type_name("s.seqtypid")},
                s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END),
            (SELECT {dotted("tn.nspname", "t.relname", "a.attname")}
                FROM pg_depend AS d
                JOIN pg_class AS t ON t.oid = d.refobjid
                JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
                JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a')),
        {role("c.relowner")}, {grants("c.relacl", default_acl("s", "c.relowner"))}, {comment("pg_class", "c.oid")}
    FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE {SYSTEM} AND c.relpersistence <> 't' AND {not_of_extension("pg_class", "c.oid")}
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')
"""

_MADE_WITH = "'e', 'i'"

_ATTRIBUTES = f"""
    NULLIF(concat_ws(' ',
        CASE WHEN p.prokind = 'w' THEN 'WINDOW' END,
        (SELECT 'TRANSFORM ' || string_agg('FOR TYPE ' || {type_name("y")}, ', ') FROM unnest(p.protrftypes) AS y),
        CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' END,
        CASE WHEN p.proisstrict THEN 'STRICT' END,
        CASE WHEN p.proleakproof THEN 'LEAKPROOF' END,
        CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' END,
        CASE WHEN p.procost <> CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END THEN 'COST ' || p.procost::text END,
        CASE WHEN p.proretset AND p.prorows <> 1000 THEN 'ROWS ' || p.prorows::text END,
        CASE WHEN p.prosupport <> 0 THEN 'SUPPORT ' || {routine("p.prosupport")} END,
        (SELECT string_agg('SET ' || o, ' ' ORDER BY o) FROM unnest(p.proconfig) AS o)
    ), '')"""


def _routines(version: int) -> str:
    sql_body = "pg_get_function_sqlbody(p.oid)" if version >= 140000 else "NULL"
    return f"""
        SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
            format('%s(%s)', {dotted("n.nspname", "p.proname")}, oidvectortypes(p.proargtypes)), p.oid,
            json_build_array(
                pg_get_function_arguments(p.oid),
                pg_get_function_result(p.oid),
                l.lanname,
                COALESCE({sql_body}, CASE WHEN p.probin IS NULL THEN p.prosrc ELSE format('%L, %L', p.probin, p.prosrc) END),
                {_ATTRIBUTES},
                CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END),
            {role("p.proowner")}, {grants("p.proacl", default_acl("f", "p.proowner"))}, {comment("pg_proc", "p.oid")}
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_language AS l ON l.oid = p.prolang
        WHERE {SYSTEM} AND p.prokind <> 'a' AND {not_of_extension("pg_proc", "p.oid", _MADE_WITH)}
    """


# format_type() and the routines' names say all that CREATE AGGREGATE takes; what is left at its default is not said.
_AGGREGATES = f"""
    SELECT 'aggregate', format('%s(%s)', {dotted("n.nspname", "p.proname")}, oidvectortypes(p.proargtypes)), p.oid,
        json_build_array(concat_ws(', ',
            '(' || pg_get_function_arguments(p.oid) || ')',
            'RETURNS ' || pg_get_function_result(p.oid),
            CASE g.aggkind WHEN 'o' THEN 'ORDERED SET' WHEN 'h' THEN 'HYPOTHETICAL' END,
            'SFUNC = ' || {routine("g.aggtransfn")}, 'STYPE = ' || {type_name("g.aggtranstype")},
            'SSPACE = ' || NULLIF(g.aggtransspace, 0)::text, 'INITCOND = ' || quote_literal(g.agginitval),
            'FINALFUNC = ' || {routine("g.aggfinalfn")}, CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
            'FINALFUNC_MODIFY = ' || g.aggfinalmodify::text, 'COMBINEFUNC = ' || {routine("g.aggcombinefn")},
            'SERIALFUNC = ' || {routine("g.aggserialfn")}, 'DESERIALFUNC = ' || {routine("g.aggdeserialfn")},
            'MSFUNC = ' || {routine("g.aggmtransfn")}, 'MINVFUNC = ' || {routine("g.aggminvtransfn")},
            CASE WHEN g.aggmtranstype <> 0 THEN 'MSTYPE = ' || {type_name("g.aggmtranstype")} END,
            'MSSPACE = ' || NULLIF(g.aggmtransspace, 0)::text, 'MINITCOND = ' || quote_literal(g.aggminitval),
            'MFINALFUNC = ' || {routine("g.aggmfinalfn")}, CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
            CASE WHEN g.aggmtransfn <> 0 THEN 'MFINALFUNC_MODIFY = ' || g.aggmfinalmodify::text END,
            CASE WHEN g.aggsortop <> 0 THEN 'SORTOP = ' || (
                SELECT format('%s.%s', o_n.nspname, o.oprname)
                FROM pg_operator AS o JOIN pg_namespace AS o_n ON o_n.oid = o.oprnamespace WHERE o.oid = g.aggsortop) END,
            CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' END)),
        {role("p.proowner")}, {grants("p.proacl", default_acl("f", "p.proowner"))}, {comment("pg_proc", "p.oid")}
    FROM pg_aggregate AS g JOIN pg_proc AS p ON p.oid = g.aggfnoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_proc", "p.oid")}
"""

_COLLATION = """
    (SELECT format('COLLATE %s.%s', cn.nspname, co.collname)
        FROM pg_collation AS co JOIN pg_namespace AS cn ON cn.oid = co.collnamespace WHERE co.oid = {})"""

_OF_TYPES = f"""
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_type", "t.oid")}
"""
_TYPE_TAIL = f"""{role("t.typowner")}, {grants("t.typacl", default_acl("T", "t.typowner"))}, {comment("pg_type", "t.oid")}"""
_TYPE_NAME = f"{dotted('n.nspname', 't.typname')}, t.oid"

_ENUMS = f"""
    SELECT 'enum', {_TYPE_NAME},
        json_build_array((
            SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder) FROM pg_enum AS v WHERE v.enumtypid = t.oid)),
        {_TYPE_TAIL}
    {_OF_TYPES} AND t.typtype = 'e'
"""

# A constraint's name that PostgreSQL made up from the domain's says nothing.
_DOMAINS = f"""
    SELECT 'domain', {_TYPE_NAME},
        json_build_array(
            format_type(t.typbasetype, t.typtypmod),
            CASE WHEN t.typnotnull THEN 'no' ELSE 'yes' END,
            t.typdefault,
            NULLIF(concat_ws(' ',
                CASE WHEN t.typcollation <> (SELECT b.typcollation FROM pg_type AS b WHERE b.oid = t.typbasetype)
                    THEN {_COLLATION.format("t.typcollation")} END,
                (SELECT string_agg(x.told, ' ' ORDER BY x.told) FROM (
                    SELECT CASE WHEN starts_with(k.conname, left(t.typname, 28)) AND k.conname ~ '_check[0-9]*$' THEN ''
                        ELSE format('CONSTRAINT %I ', k.conname) END || pg_get_constraintdef(k.oid) AS told
                    FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c') AS x)
            ), '')),
        {_TYPE_TAIL}
    {_OF_TYPES} AND t.typtype = 'd'
    UNION ALL
    SELECT 'comment', 'constraint ' || k.conname, 0,
        json_build_array('domain ' || {dotted("n.nspname", "t.typname")}, q.description), NULL, NULL, NULL
    FROM pg_description AS q
    JOIN pg_constraint AS k ON k.oid = q.objoid
    JOIN pg_type AS t ON t.oid = k.contypid
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE q.classoid = 'pg_constraint'::regclass AND {SYSTEM} AND {not_of_extension("pg_type", "t.oid")}
"""

_COMPOSITES = f"""
    SELECT 'type', {_TYPE_NAME},
        json_build_array('(' || (
            SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attcollation <> b.typcollation THEN {_COLLATION.format("a.attcollation")} END), ', ' ORDER BY a.attnum)
            FROM pg_attribute AS a JOIN pg_type AS b ON b.oid = a.atttypid
            WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) || ')'),
        {_TYPE_TAIL}
    {_OF_TYPES} AND t.typtype = 'c' AND (SELECT c.relkind FROM pg_class AS c WHERE c.oid = t.typrelid) = 'c'
    UNION ALL
    SELECT 'comment', a.attname, 0, json_build_array('type ' || {dotted("n.nspname", "t.typname")}, q.description), NULL, NULL, NULL
    FROM pg_description AS q
    JOIN pg_class AS c ON c.oid = q.objoid AND c.relkind = 'c'
    JOIN pg_attribute AS a ON a.attrelid = q.objoid AND a.attnum = q.objsubid
    JOIN pg_type AS t ON t.oid = c.reltype
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE q.classoid = 'pg_class'::regclass AND {SYSTEM} AND {not_of_extension("pg_type", "t.oid")}
"""


def _ranges(version: int) -> str:
    multirange = f"'MULTIRANGE_TYPE_NAME = ' || {type_name('r.rngmultitypid')}," if version >= 140000 else ""
    return f"""
        SELECT 'type', {_TYPE_NAME},
            json_build_array('RANGE (' || concat_ws(', ',
                'SUBTYPE = ' || {type_name("r.rngsubtype")}, {multirange}
                CASE WHEN o.oprname IS NOT NULL THEN 'SUBTYPE_OPCLASS = ' || o.oprname END,
                {_COLLATION.format("NULLIF(r.rngcollation, (SELECT b.typcollation FROM pg_type AS b WHERE b.oid = r.rngsubtype))")},
                'CANONICAL = ' || {routine("r.rngcanonical")}, 'SUBTYPE_DIFF = ' || {routine("r.rngsubdiff")}) || ')'),
            {_TYPE_TAIL}
        FROM pg_range AS r
        JOIN pg_type AS t ON t.oid = r.rngtypid
        JOIN pg_namespace AS n ON n.oid = t.typnamespace
        LEFT JOIN (SELECT oid, opcname AS oprname FROM pg_opclass WHERE NOT opcdefault) AS o ON o.oid = r.rngsubopc
        WHERE {SYSTEM} AND {not_of_extension("pg_type", "t.oid")}
    """


# Array and multirange types come and go with the types that they are of.
_BASE_TYPES = f"""
    SELECT 'type', {_TYPE_NAME},
        json_build_array(CASE WHEN t.typisdefined THEN 'BASE (' || concat_ws(', ',
            format('INPUT = %s, OUTPUT = %s', t.typinput, t.typoutput),
            CASE WHEN t.typreceive <> 0 THEN 'RECEIVE = ' || t.typreceive::text END,
            CASE WHEN t.typsend <> 0 THEN 'SEND = ' || t.typsend::text END,
            CASE WHEN t.typmodin <> 0 THEN 'TYPMOD_IN = ' || t.typmodin::text END,
            CASE WHEN t.typmodout <> 0 THEN 'TYPMOD_OUT = ' || t.typmodout::text END,
            CASE WHEN t.typanalyze <> 0 THEN 'ANALYZE = ' || t.typanalyze::text END,
            format('INTERNALLENGTH = %s, ALIGNMENT = %s, STORAGE = %s, CATEGORY = %s', t.typlen, t.typalign, t.typstorage, t.typcategory),
            CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END, CASE WHEN t.typispreferred THEN 'PREFERRED' END,
            CASE WHEN t.typelem <> 0 THEN 'ELEMENT = ' || {type_name("t.typelem")} END,
            CASE WHEN t.typdelim <> ',' THEN 'DELIMITER = ' || t.typdelim::text END, 'DEFAULT = ' || quote_literal(t.typdefault)) || ')'
            ELSE 'SHELL' END),
        {_TYPE_TAIL}
    {_OF_TYPES} AND (t.typtype = 'b' OR t.typtype = 'p' AND NOT t.typisdefined)
        AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.oid = t.typelem AND e.typarray = t.oid)
"""

_COLLATIONS = f"""
    SELECT 'collation', {dotted("n.nspname", "c.collname")}, c.oid,
        json_build_array(concat_ws(', ',
            'PROVIDER = ' || CASE c.collprovider WHEN 'd' THEN 'default' WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' ELSE 'builtin' END,
            'LOCALE = ' || quote_literal(COALESCE(j.col->>'colllocale', j.col->>'colliculocale')),
            'LC_COLLATE = ' || quote_literal(c.collcollate), 'LC_CTYPE = ' || quote_literal(c.collctype),
            'RULES = ' || quote_literal(COALESCE(j.col->>'collrules', j.col->>'collicurules')),
            CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END)),
        {role("c.collowner")}, NULL, {comment("pg_collation", "c.oid")}
    FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace, LATERAL (SELECT to_jsonb(c) AS col) AS j
    WHERE {SYSTEM} AND {not_of_extension("pg_collation", "c.oid")}
"""

_CONVERSIONS = f"""
    SELECT 'conversion', {dotted("n.nspname", "c.conname")}, c.oid,
        json_build_array(format('%sFOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END,
            pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), {routine("c.conproc")})),
        {role("c.conowner")}, NULL, {comment("pg_conversion", "c.oid")}
    FROM pg_conversion AS c JOIN pg_namespace AS n ON n.oid = c.connamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_conversion", "c.oid")}
"""

_CASTS = f"""
    SELECT 'cast', format('(%s AS %s)', {type_name("c.castsource")}, {type_name("c.casttarget")}), c.oid,
        json_build_array(concat_ws(' ',
            CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || {routine("c.castfunc")}
                WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
            CASE c.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END)),
        NULL, NULL, {comment("pg_cast", "c.oid")}
    FROM pg_cast AS c
    WHERE c.oid >= {FIRST_OID} AND {not_of_extension("pg_cast", "c.oid", _MADE_WITH)}
"""

_OPERATOR = """
    (SELECT format('%s.%s', xn.nspname, x.oprname)
        FROM pg_operator AS x JOIN pg_namespace AS xn ON xn.oid = x.oprnamespace WHERE x.oid = {})"""

_OPERATORS = f"""
    SELECT 'operator', format('%s(%s)', {dotted("n.nspname", "o.oprname")}, concat_ws(', ',
            CASE WHEN o.oprleft <> 0 THEN {type_name("o.oprleft")} ELSE 'NONE' END,
            CASE WHEN o.oprright <> 0 THEN {type_name("o.oprright")} ELSE 'NONE' END)), o.oid,
        json_build_array(concat_ws(', ',
            CASE WHEN o.oprcode = 0 THEN 'SHELL' END, 'FUNCTION = ' || {routine("o.oprcode")},
            'COMMUTATOR = ' || {_OPERATOR.format("o.oprcom")}, 'NEGATOR = ' || {_OPERATOR.format("o.oprnegate")},
            'RESTRICT = ' || {routine("o.oprrest")}, 'JOIN = ' || {routine("o.oprjoin")},
            CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)),
        {role("o.oprowner")}, NULL, {comment("pg_operator", "o.oid")}
    FROM pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_operator", "o.oid")}
"""


def _members(holder: str, oid: str) -> str:
    """Return the expression for the operators and functions that depend on a class, or on a family by themselves."""
    depends = """EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = '{}'::regclass AND d.objid = m.oid
        AND d.refclassid = '{}'::regclass AND d.refobjid = {} AND d.deptype IN ('i', 'a'))"""
    return f"""
        (SELECT string_agg(x.told, ', ' ORDER BY x.told) FROM (
            SELECT format('OPERATOR %s %s(%s, %s)%s', m.amopstrategy, {_OPERATOR.format("m.amopopr")},
                {type_name("m.amoplefttype")}, {type_name("m.amoprighttype")},
                CASE WHEN m.amoppurpose = 'o' THEN ' FOR ORDER BY' ELSE '' END) AS told
            FROM pg_amop AS m WHERE m.amopfamily = f.oid AND {depends.format("pg_amop", holder, oid)}
            UNION ALL
            SELECT format('FUNCTION %s (%s, %s) %s', m.amprocnum, {type_name("m.amproclefttype")}, {type_name("m.amprocrighttype")},
                {routine("m.amproc")})
            FROM pg_amproc AS m WHERE m.amprocfamily = f.oid AND {depends.format("pg_amproc", holder, oid)}
        ) AS x)"""


_OPERATOR_CLASSES = f"""
    SELECT 'operator class', format('%s USING %s', {dotted("n.nspname", "c.opcname")}, m.amname), c.oid,
        json_build_array(concat_ws(', ',
            'FOR TYPE ' || {type_name("c.opcintype")}, CASE WHEN c.opcdefault THEN 'DEFAULT' END,
            'FAMILY ' || (SELECT format('%s.%s', fn.nspname, f.opfname) FROM pg_namespace AS fn WHERE fn.oid = f.opfnamespace),
            CASE WHEN c.opckeytype <> 0 THEN 'STORAGE ' || {type_name("c.opckeytype")} END, {_members("pg_opclass", "c.oid")})),
        {role("c.opcowner")}, NULL, {comment("pg_opclass", "c.oid")}
    FROM pg_opclass AS c
    JOIN pg_opfamily AS f ON f.oid = c.opcfamily
    JOIN pg_am AS m ON m.oid = c.opcmethod
    JOIN pg_namespace AS n ON n.oid = c.opcnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_opclass", "c.oid")}
"""

# The family that came with a class is part of it; of others, what belongs to none of their classes is told here.
_OPERATOR_FAMILIES = f"""
    SELECT 'operator family', format('%s USING %s', {dotted("n.nspname", "f.opfname")}, m.amname), f.oid,
        json_build_array({_members("pg_opfamily", "f.oid")}),
        {role("f.opfowner")}, NULL, {comment("pg_opfamily", "f.oid")}
    FROM pg_opfamily AS f
    JOIN pg_am AS m ON m.oid = f.opfmethod
    JOIN pg_namespace AS n ON n.oid = f.opfnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_opfamily", "f.oid")}
"""

_TEXT_SEARCH = f"""
    SELECT 'text search', 'configuration ' || {dotted("n.nspname", "c.cfgname")}, c.oid,
        json_build_array(concat_ws(', ',
            'PARSER = ' || (SELECT format('%s.%s', pn.nspname, p.prsname)
                FROM pg_ts_parser AS p JOIN pg_namespace AS pn ON pn.oid = p.prsnamespace WHERE p.oid = c.cfgparser),
            (SELECT string_agg(format('%s WITH %s', x.alias, x.dictionaries), ', ' ORDER BY x.alias) FROM (
                SELECT k.alias, string_agg(format('%s.%s', dn.nspname, d.dictname), ', ' ORDER BY w.mapseqno) AS dictionaries
                FROM pg_ts_config_map AS w
                JOIN pg_ts_dict AS d ON d.oid = w.mapdict
                JOIN pg_namespace AS dn ON dn.oid = d.dictnamespace
                JOIN ts_token_type(c.cfgparser) AS k ON k.tokid = w.maptokentype
                WHERE w.mapcfg = c.oid GROUP BY k.alias) AS x))),
        {role("c.cfgowner")}, NULL, {comment("pg_ts_config", "c.oid")}
    FROM pg_ts_config AS c JOIN pg_namespace AS n ON n.oid = c.cfgnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_ts_config", "c.oid")}
    UNION ALL
    SELECT 'text search', 'dictionary ' || {dotted("n.nspname", "d.dictname")}, d.oid,
        json_build_array((SELECT format('TEMPLATE = %s.%s', tn.nspname, t.tmplname)
            FROM pg_ts_template AS t JOIN pg_namespace AS tn ON tn.oid = t.tmplnamespace WHERE t.oid = d.dicttemplate)
            || COALESCE(', ' || d.dictinitoption, '')),
        {role("d.dictowner")}, NULL, {comment("pg_ts_dict", "d.oid")}
    FROM pg_ts_dict AS d JOIN pg_namespace AS n ON n.oid = d.dictnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_ts_dict", "d.oid")}
    UNION ALL
    SELECT 'text search', 'parser ' || {dotted("n.nspname", "p.prsname")}, p.oid,
        json_build_array(format('START = %s, GETTOKEN = %s, END = %s, HEADLINE = %s, LEXTYPES = %s',
            p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)),
        NULL, NULL, {comment("pg_ts_parser", "p.oid")}
    FROM pg_ts_parser AS p JOIN pg_namespace AS n ON n.oid = p.prsnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_ts_parser", "p.oid")}
    UNION ALL
    SELECT 'text search', 'template ' || {dotted("n.nspname", "t.tmplname")}, t.oid,
        json_build_array(format('INIT = %s, LEXIZE = %s', t.tmplinit, t.tmpllexize)),
        NULL, NULL, {comment("pg_ts_template", "t.oid")}
    FROM pg_ts_template AS t JOIN pg_namespace AS n ON n.oid = t.tmplnamespace
    WHERE {SYSTEM} AND {not_of_extension("pg_ts_template", "t.oid")}
"""

_TRANSFORMS = f"""
    SELECT 'transform', format('FOR %s LANGUAGE %s', {type_name("t.trftype")}, l.lanname), t.oid,
        json_build_array(concat_ws(', ', 'FROM SQL WITH FUNCTION ' || {routine("t.trffromsql")},
            'TO SQL WITH FUNCTION ' || {routine("t.trftosql")})),
        NULL, NULL, {comment("pg_transform", "t.oid")}
    FROM pg_transform AS t JOIN pg_language AS l ON l.oid = t.trflang
    WHERE t.oid >= {FIRST_OID} AND {not_of_extension("pg_transform", "t.oid")}
"""

_ACCESS_METHODS = f"""
    SELECT 'access method', m.amname, m.oid,
        json_build_array(format('TYPE %s HANDLER %s', CASE m.amtype WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, {routine("m.amhandler")})),
        NULL, NULL, {comment("pg_am", "m.oid")}
    FROM pg_am AS m
    WHERE m.oid >= {FIRST_OID} AND {not_of_extension("pg_am", "m.oid")}
"""

_LANGUAGES = f"""
    SELECT 'language', l.lanname, l.oid,
        json_build_array(concat_ws(' ', CASE WHEN l.lanpltrusted THEN 'TRUSTED' END, 'HANDLER ' || {routine("l.lanplcallfoid")},
            'INLINE ' || {routine("l.laninline")}, 'VALIDATOR ' || {routine("l.lanvalidator")})),
        {role("l.lanowner")}, {grants("l.lanacl", default_acl("l", "l.lanowner"))}, {comment("pg_language", "l.oid")}
    FROM pg_language AS l
    WHERE l.lanispl AND l.oid >= {FIRST_OID} AND {not_of_extension("pg_language", "l.oid")}
"""


def _publications(version: int) -> str:
    columns = """
        COALESCE((SELECT ' (' || string_agg(a.attname, ', ' ORDER BY a.attnum) || ')'
            FROM pg_attribute AS a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), '')
        || COALESCE(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')"""
    schemas = """
        UNION ALL SELECT 'TABLES IN SCHEMA ' || sn.nspname
        FROM pg_publication_namespace AS s JOIN pg_namespace AS sn ON sn.oid = s.pnnspid WHERE s.pnpubid = p.oid"""
    return f"""
        SELECT 'publication', p.pubname, p.oid,
            json_build_array(
                concat_ws(', ', CASE WHEN p.puballtables THEN 'FOR ALL TABLES' END,
                    'publish = ' || concat_ws(' ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
                    CASE WHEN p.pubviaroot THEN 'publish_via_partition_root' END,
                    'publish_generated_columns = ' || NULLIF(NULLIF(to_jsonb(p)->>'pubgencols', 'n'), 'false')),
                (SELECT string_agg(x.told, ', ' ORDER BY x.told) FROM (
                    SELECT {dotted("tn.nspname", "t.relname")} || {columns if version >= 150000 else "''"} AS told
                    FROM pg_publication_rel AS r JOIN pg_class AS t ON t.oid = r.prrelid JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
                    WHERE r.prpubid = p.oid
                    {schemas if version >= 150000 else ""}
                ) AS x)),
            {role("p.pubowner")}, NULL, {comment("pg_publication", "p.oid")}
        FROM pg_publication AS p WHERE {not_of_extension("pg_publication", "p.oid")}
    """


# How a subscription connects is for superusers alone to read. To name the column at all is refused to others, so that it is asked for
# by a statement of its own, which runs where it may. Of that only what is named here leaves the server: what else may be said there
# has secrets in it. It has the form of a URI or of words, both as libpq reads them; the server takes no others.
_CONNECTION_WORDS = (
    "host", "hostaddr", "port", "dbname", "user", "sslmode", "sslrootcert", "sslnegotiation", "gssencmode", "channel_binding",
    "require_auth", "target_session_attrs", "load_balance_hosts", "application_name", "connect_timeout",
)  # fmt: skip
_CONNECTION_TOLD = f"""$told$
    SELECT CASE WHEN s.subconninfo ~ '^postgres(ql)?://' THEN
        regexp_replace(
            regexp_replace(s.subconninfo, '^([a-z]+://[^:/@]*):[^/@]*@', '\\1:***@'),
            '([?&])(?!(?:{"|".join(_CONNECTION_WORDS)})=)([^=&]*)=[^&]*', '\\1\\2=***', 'g')
        ELSE (
            SELECT string_agg(
                w[1] || '=' || CASE WHEN w[1] IN ('{"', '".join(_CONNECTION_WORDS)}') THEN w[2] ELSE '***' END, ' ' ORDER BY n)
            FROM regexp_matches(s.subconninfo,
                '([^\\s=]+)\\s*=\\s*(''(?:[^''\\\\]|\\\\.)*''|(?:[^\\s''\\\\]|\\\\.)(?:[^\\s\\\\]|\\\\.)*|)', 'g')
                WITH ORDINALITY AS words(w, n)) END AS told
    FROM pg_subscription AS s WHERE s.oid = $told$"""
_CONNECTION = f"""
    CASE WHEN has_column_privilege('pg_subscription', 'subconninfo', 'SELECT') THEN
        replace(replace(replace(
            substring(query_to_xml({_CONNECTION_TOLD} || s.oid::text, true, true, '')::text FROM '<told>(.*)</told>'),
            '&lt;', '<'), '&gt;', '>'), '&amp;', '&')
        ELSE '{HIDDEN}' END"""


def _subscriptions(version: int) -> str:
    newer = {140000: ("subbinary", "substream"), 150000: ("subtwophasestate", "subdisableonerr"),
             160000: ("suborigin", "subpasswordrequired", "subrunasowner"), 170000: ("subfailover",)}  # fmt: skip
    more = "".join(
        f", '{c.removeprefix('sub')} = ' || s.{c}::text" for lowest, columns in newer.items() if version >= lowest for c in columns
    )
    return f"""
        SELECT 'subscription', s.subname, s.oid,
            json_build_array(
                concat_ws(', ', 'PUBLICATION ' || array_to_string(s.subpublications, ', '), 'slot_name = ' || s.subslotname,
                    'synchronous_commit = ' || s.subsynccommit{more}),
                {_CONNECTION},
                CASE WHEN s.subenabled THEN 'yes' ELSE 'no' END),
            {role("s.subowner")}, NULL, {comment("pg_subscription", "s.oid")}
        FROM pg_subscription AS s WHERE s.subdbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    """


_WRAPPERS = f"""
    SELECT 'foreign data wrapper', w.fdwname, w.oid,
        json_build_array(NULLIF(concat_ws(' ', 'HANDLER ' || {routine("w.fdwhandler")}, 'VALIDATOR ' || {routine("w.fdwvalidator")},
            'OPTIONS (' || {options("w.fdwoptions")} || ')'), '')),
        {role("w.fdwowner")}, {grants("w.fdwacl", default_acl("F", "w.fdwowner"))}, {comment("pg_foreign_data_wrapper", "w.oid")}
    FROM pg_foreign_data_wrapper AS w WHERE {not_of_extension("pg_foreign_data_wrapper", "w.oid")}
"""

_SERVERS = f"""
    SELECT 'foreign server', s.srvname, s.oid,
        json_build_array(concat_ws(' ', 'TYPE ' || quote_literal(s.srvtype), 'VERSION ' || quote_literal(s.srvversion),
            'FOREIGN DATA WRAPPER ' || w.fdwname, 'OPTIONS (' || {options("s.srvoptions")} || ')')),
        {role("s.srvowner")}, {grants("s.srvacl", default_acl("S", "s.srvowner"))}, {comment("pg_foreign_server", "s.oid")}
    FROM pg_foreign_server AS s JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
    WHERE {not_of_extension("pg_foreign_server", "s.oid")}
"""

# Others' options are shown to few. Without them there is still to see that there is a mapping, and that is what is compared then.
_SEES_MAPPING = """CASE
    WHEN (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN true
    WHEN u.umuser = 0 THEN pg_has_role((SELECT s.srvowner FROM pg_foreign_server AS s WHERE s.oid = u.srvid), 'USAGE')
    ELSE u.usename = current_user
        AND (pg_has_role((SELECT s.srvowner FROM pg_foreign_server AS s WHERE s.oid = u.srvid), 'USAGE')
            OR has_server_privilege(u.srvid, 'USAGE')) END"""
_MAPPINGS = f"""
    SELECT 'user mapping', format('%s SERVER %s', CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE u.usename::text END, u.srvname), u.umid,
        json_build_array(CASE WHEN u.umoptions IS NOT NULL OR {_SEES_MAPPING} THEN {options("u.umoptions")} ELSE '{HIDDEN}' END),
        NULL, NULL, NULL
    FROM pg_user_mappings AS u
"""

_EVENT_TRIGGERS = f"""
    SELECT 'event trigger', t.evtname, t.oid,
        json_build_array(
            format('ON %s%s EXECUTE FUNCTION %s', t.evtevent,
                (SELECT ' WHEN TAG IN (' || string_agg(quote_literal(g), ', ' ORDER BY g) || ')' FROM unnest(t.evttags) AS g),
                {routine("t.evtfoid")}),
            {enabled("t.evtenabled")}),
        {role("t.evtowner")}, NULL, {comment("pg_event_trigger", "t.oid")}
    FROM pg_event_trigger AS t WHERE {not_of_extension("pg_event_trigger", "t.oid")}
"""

# Without a schema they replace the server's default, within one they add to it.
_REPLACED = """CASE WHEN a.defaclnamespace = 0 THEN
    acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole) END"""
_DEFAULT_PRIVILEGES = f"""
    SELECT 'default privileges', format('of %s on %s%s', {role("a.defaclrole")},
            CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
                WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
            COALESCE(' in schema ' || n.nspname, '')), a.oid,
        json_build_array(COALESCE({
    grants(
        "a.defaclacl",
        '''CASE WHEN a.defaclnamespace = 0 THEN
            acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole) END''',
    )
}, 'as without them')),
        NULL, NULL, NULL
    FROM pg_default_acl AS a LEFT JOIN pg_namespace AS n ON n.oid = a.defaclnamespace
"""

VEILED = f"SELECT 1 FROM pg_user_mappings AS u WHERE u.umoptions IS NULL AND NOT {_SEES_MAPPING} LIMIT 1"
"""Yields a row where the options of some user mapping are hidden. How subscriptions connect always is, but for superusers."""

FAMILIES = (
    Family(("database",), (), _DATABASE),
    Family(("role",), (), _ROLES),
    Family(("tablespace",), (), _TABLESPACES),
    Family(("schema",), ("pg_namespace",), _SCHEMAS),
    Family(("extension",), ("pg_extension",), _EXTENSIONS),
    Family(("sequence",), ("pg_sequence",), _SEQUENCES),
    Family(("function", "procedure"), ("pg_proc",), _routines),
    Family(("aggregate",), ("pg_proc", "pg_aggregate"), _AGGREGATES),
    Family(("enum",), ("pg_type", "pg_enum"), _ENUMS),
    Family(("domain",), ("pg_type", "pg_constraint of domains"), _DOMAINS),
    Family(("type",), ("pg_type", "pg_attribute of types"), _COMPOSITES),
    Family(("type",), ("pg_type", "pg_range"), _ranges),
    Family(("type",), ("pg_type",), _BASE_TYPES),
    Family(("collation",), ("pg_collation",), _COLLATIONS),
    Family(("conversion",), ("pg_conversion",), _CONVERSIONS),
    Family(("cast",), ("pg_cast",), _CASTS),
    Family(("operator",), ("pg_operator",), _OPERATORS),
    Family(("operator class",), ("pg_opclass", "pg_amop", "pg_amproc", "pg_opfamily"), _OPERATOR_CLASSES),
    Family(("operator family",), ("pg_opfamily", "pg_amop", "pg_amproc"), _OPERATOR_FAMILIES),
    Family(("text search",), ("pg_ts_config", "pg_ts_config_map", "pg_ts_dict", "pg_ts_parser", "pg_ts_template"), _TEXT_SEARCH),
    Family(("transform",), ("pg_transform",), _TRANSFORMS),
    Family(("access method",), ("pg_am",), _ACCESS_METHODS),
    Family(("language",), ("pg_language",), _LANGUAGES),
    Family(("publication",), ("pg_publication", "pg_publication_rel", "pg_publication_namespace"), _publications),
    Family(("subscription",), (), _subscriptions),
    Family(("foreign data wrapper",), ("pg_foreign_data_wrapper",), _WRAPPERS),
    Family(("foreign server",), ("pg_foreign_server",), _SERVERS),
    Family(("user mapping",), (), _MAPPINGS),
    Family(("event trigger",), ("pg_event_trigger",), _EVENT_TRIGGERS),
    Family(("default privileges",), ("pg_default_acl",), _DEFAULT_PRIVILEGES),
)
