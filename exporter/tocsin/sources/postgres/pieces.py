"""Pieces of SQL that the inspection's queries share."""

from __future__ import annotations

from tocsin.mask.names import SQL_WORDS

FIRST_OID = 16384
"""Objects with smaller numbers came with the server (FirstNormalObjectId)."""

SYSTEM = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
"""Excludes the server's own schemas, and those of temporary and TOAST tables."""

_HIDDEN = "://[^/]*:[^/]*@|password"
"""Values that hold a secret: an address with a login, a connection string."""


def not_of_extension(catalog: str, oid: str, kinds: str = "'e'") -> str:
    """Return the condition that an object belongs to no extension: the extension's version tells for its members.

    With `kinds` "'e', 'i'" it was not made with another one either, as a range type's functions and casts are.
    """
    return f"NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype IN ({kinds}))"


def comment(catalog: str, oid: str, number: str = "0") -> str:
    of_it = f"q.objoid = {oid} AND q.classoid = '{catalog}'::regclass AND q.objsubid = {number}"
    return f"(SELECT q.description FROM pg_description AS q WHERE {of_it})"


def part(name: str) -> str:
    """Return the expression for a name as a part of a longer one, as `model.part` writes it: `"a.b".c` is not `a."b.c"`."""
    return f"""CASE WHEN {name} ~ '[."]' THEN '"' || replace({name}, '"', '""') || '"' ELSE {name} END"""


def dotted(*names: str) -> str:
    """Return the expression for names joined by dots."""
    return " || '.' || ".join(f"({part(name)})" for name in names)


def role(oid: str) -> str:
    return f"pg_get_userbyid({oid})"


def grants(acl: str, default: str) -> str:
    """Return the expression for who may do what: `grantee=PRIVILEGE, PRIVILEGE*; ...`, a star for the right to grant it on.

    `default` is acldefault() of the kind of object; NULL stands for it. What the owner and, of functions, types, languages and
    databases, PUBLIC have by default is left out; what of that was taken away is told as `grantee without PRIVILEGE`.
    """
    held = "SELECT grantee, privilege_type, bool_or(is_grantable) AS passes_on FROM aclexplode({}) GROUP BY grantee, privilege_type"
    return f"""CASE WHEN {acl} IS NOT NULL THEN (
        SELECT string_agg(told, '; ' ORDER BY told)
        FROM (
            SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END
                || CASE WHEN h.passes_on IS NULL THEN ' without ' ELSE '=' END
                || string_agg(privilege_type || CASE WHEN h.passes_on THEN '*' ELSE '' END, ', ' ORDER BY privilege_type) AS told
            FROM ({held.format(acl)}) AS h FULL JOIN ({held.format(default)}) AS usual USING (grantee, privilege_type)
            WHERE h.passes_on IS DISTINCT FROM usual.passes_on
            GROUP BY grantee, h.passes_on IS NULL
        ) AS lines) END"""


def default_acl(kind: str, owner: str) -> str:
    return f"acldefault('{kind}', {owner})"


def options(expression: str) -> str:
    """Return the expression for `name value` pairs of foreign data, in order; what may be a secret is three stars.

    The server masks them, so that we never hold them; what it cannot tell is masked as everything else is before it is shown.
    """
    return f"""(
        SELECT string_agg(format('%s %L', split_part(o, '=', 1), CASE
            WHEN split_part(o, '=', 1) ~* '{SQL_WORDS}' OR o ~* '{_HIDDEN}' THEN '***'
            ELSE substr(o, strpos(o, '=') + 1) END), ', ' ORDER BY o)
        FROM unnest({expression}) AS o)"""


def settings(expression: str) -> str:
    """Return the expression for storage parameters, which are `name=value` pairs, in order."""
    return f"(SELECT string_agg(o, ', ' ORDER BY o) FROM unnest({expression}) AS o)"


def enabled(letter: str) -> str:
    """Return the expression for when a trigger or a rule fires."""
    return f"CASE {letter} WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas' ELSE 'always' END"


def routine(oid: str) -> str:
    """Return the expression for a routine's name with the types of its arguments; NULL for 0. Never waits for a lock."""
    return f"""(
        SELECT format('%s.%s(%s)', home.nspname, called.proname, oidvectortypes(called.proargtypes))
        FROM pg_proc AS called JOIN pg_namespace AS home ON home.oid = called.pronamespace WHERE called.oid = {oid})"""


def type_name(oid: str) -> str:
    return f"format_type({oid}, NULL)"
