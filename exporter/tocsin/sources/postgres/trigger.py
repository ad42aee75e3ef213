"""The event trigger that tells of schema changes as they are committed: what `tocsin install postgres-trigger` prints or installs.

The change of whoever changes a schema must never fail or wait for it. So whatever goes wrong in it is swallowed; nothing is sent
where that could fail the commit, which is too late to swallow: with a queue that is half full, and where transactions
may be prepared, because PREPARE TRANSACTION refuses those that notified. And since everybody in the database may listen, and
clients send other statements along with the one that acts, with data in them, all literals and comments are taken out of the
text. It is there to recognise a statement by; what that did is told by the definitions.
"""

from __future__ import annotations

import time

from tocsin.errors import PrivilegeError
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.session import PostgresSession

CHANNEL = "tocsin_schema"
TRIGGERS = ("tocsin_ddl_command_end", "tocsin_sql_drop")

# The words of a statement, the longest that there is at each place; an end that was cut off belongs to the last of them.
_WORDS = r"""
        '[eE]''(?:[^''\\]|\\.|'''')*\\?''?'
        '|''(?:[^'']|'''')*''?'
        '|"(?:[^"]|"")*"?'
        '|--[^\n\r]*'
        '|/\*(?:[^*]|\*+[^*/])*\**/?'
        '|\$(?:[^\s$0-9''"(),;][^\s$''"(),;]*)?\$'
        '|[0-9][0-9._]*'
        '|[[:alpha:]_][\w$]*'
        '|\s+'
        '|.'"""

_FUNCTION = rf"""
CREATE OR REPLACE FUNCTION tocsin.tell() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $tocsin$
DECLARE
    told jsonb;
    word text;
    said text := '';
    message text;
BEGIN
    IF current_setting('max_prepared_transactions')::int > 0 OR pg_notification_queue_usage() > 0.5 THEN
        RETURN;
    END IF;
    IF TG_EVENT = 'sql_drop' THEN
        SELECT jsonb_agg(jsonb_build_array(d.object_type, left(d.object_identity, 200))) INTO told
        FROM (SELECT * FROM pg_event_trigger_dropped_objects()
            WHERE (original OR normal AND TG_TAG <> 'DROP EXTENSION') AND NOT is_temporary LIMIT 20) AS d;
    ELSE
        SELECT jsonb_agg(jsonb_build_array(d.object_type, left(d.object_identity, 200))) INTO told
        FROM (SELECT * FROM pg_event_trigger_ddl_commands()
            WHERE NOT in_extension AND schema_name IS DISTINCT FROM 'pg_temp' LIMIT 20) AS d;
    END IF;
    IF told IS NULL THEN
        RETURN;
    END IF;
    FOR word IN SELECT matched[1] FROM regexp_matches(left(current_query(), 1500), {_WORDS}, 'g') AS m (matched) LOOP
        IF word ~ '^([eE]?''|\$.|[0-9].{{6}})' THEN
            said := said || '''***''';
        ELSIF word !~ '^(--|/\*)' THEN
            said := said || word;
        END IF;
        -- What ends later than it seems: a dollar quote, a comment in a comment, and, by a setting, a literal with a backslash.
        EXIT WHEN word ~ '^(\$.|/\*.*/\*|''.*\\)';
    END LOOP;
    FOR attempt IN 1..3 LOOP
        message := jsonb_build_object('tag', TG_TAG, 'by', session_user, 'application', left(current_setting('application_name'), 64),
            'client', host(inet_client_addr()), 'statement', said, 'objects', told)::text;
        EXIT WHEN octet_length(message) < 7900;
        said := left(said, 300);
        IF attempt = 2 THEN
            told := '[]';
        END IF;
    END LOOP;
    PERFORM pg_notify('{CHANNEL}', message);
EXCEPTION WHEN OTHERS THEN
    NULL;
END
$tocsin$"""

REMOVE = (
    *(f"DROP EVENT TRIGGER IF EXISTS {name}" for name in TRIGGERS),
    "DROP FUNCTION IF EXISTS tocsin.tell()",
    "DROP SCHEMA IF EXISTS tocsin",
)

# Who owns the function, or the schema that it is in, decides what runs with the rights of everybody who changes a schema.
_GUARD = """DO $guard$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
        WHERE n.nspname = 'tocsin' AND NOT r.rolsuper AND r.rolname <> current_user)
    THEN
        RAISE EXCEPTION 'the schema tocsin belongs to a role that is no superuser: find out whose it is, and drop it first'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$guard$"""

# Replaced as a whole: what an older release installed is never left half. The triggers go first, so that they tell of nothing here.
INSTALL = (
    _GUARD,
    *REMOVE[: len(TRIGGERS) + 1],
    "CREATE SCHEMA IF NOT EXISTS tocsin",
    _FUNCTION.strip(),
    "REVOKE ALL ON FUNCTION tocsin.tell() FROM PUBLIC",
    *(
        statement
        for name in TRIGGERS
        for statement in (
            f"CREATE EVENT TRIGGER {name} ON {name.removeprefix('tocsin_')} EXECUTE FUNCTION tocsin.tell()",
            f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS",
        )
    ),
)


def script(*, remove: bool = False) -> str:
    """Return what a superuser runs, by psql or anything else, in each database that is watched."""
    title = "Removes" if remove else "Tells Tocsin of schema changes as they are committed, with who made them. Installs"
    head = f"-- {title} the event triggers {' and '.join(TRIGGERS)}. As a superuser, in each watched database:\n"
    return head + ";\n".join(["BEGIN", *(REMOVE if remove else INSTALL), "COMMIT"]) + ";\n"


def apply(options: PostgresOptions, seconds: float, *, remove: bool = False) -> list[str]:
    """Install the triggers in every watched database of a target, or remove them; return their names. Raises CollectError.

    Each database has all of it or nothing.
    """
    deadline = time.monotonic() + seconds
    session = PostgresSession(options)
    try:
        session.begin_at(deadline)
        for name in session.databases:
            _apply(options, name, deadline, remove)
        return session.databases
    finally:
        session.close()


def _apply(options: PostgresOptions, database: str, deadline: float, remove: bool) -> None:
    connection = Connection(options, database, deadline)
    try:
        # A lock is waited for a moment only: event triggers are looked up by everybody who changes a schema.
        for _ in connection.stream(["SET LOCAL lock_timeout = '2s'", *(REMOVE if remove else INSTALL)], deadline):
            pass
    except PrivilegeError as error:
        said = str(error).partition(";")[0]  # what would help a collector does not help here
        raise PrivilegeError(
            f"{options.name}: in {database}: {said}; only a superuser makes event triggers: have one run what this prints without --apply"
        ) from error
    finally:
        connection.close()
