"""What accounts may do on the whole server, in every database: told once, and not with each database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tocsin.schema.model import Object, Schema
from tocsin.schema.tell import schema_event
from tocsin.source import Run
from tocsin.sources.mysql.definitions import account_text
from tocsin.sources.mysql.gate import concerning_accounts, evidence, has_running
from tocsin.sources.mysql.rights import Rights
from tocsin.sources.mysql.session import Connection, MysqlSession

_KEY = "accounts"

# An account that may merely log in has USAGE. Our own is left out: what it may see decides what else is told, and is told with that.
_PRIVILEGES = """
    SELECT GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.USER_PRIVILEGES
    WHERE PRIVILEGE_TYPE <> 'USAGE' AND REPLACE(GRANTEE, '''', '') <> CURRENT_USER()
"""


def observe(session: MysqlSession, run: Run, rights: Rights, server: str, ask: Callable[[Connection, float], Rights]) -> bool:
    """Tell whose rights on the whole server are others now, and return whether we had to log in again to see them.

    Without SELECT on the database `mysql` the server shows our own alone: what is known of the others then stands.
    """
    assert session.connection is not None
    if "SELECT" not in rights.held("mysql"):
        return False
    kept = run.recall(_KEY)
    known = json.loads(kept) if kept else None
    counted = concerning_accounts(session.connection, run.deadline)
    if known and known["counted"] == counted and time.time() - known["read"] <= session.options.full_inspection_every:
        return False
    settled = not has_running(evidence(session.connection, run.deadline))
    session.renew(run.deadline)  # a connection keeps the privileges that it began with, and would see our own alone
    found = _read(session.connection, run.deadline)
    if ask(session.connection, run.deadline) != rights:
        return True  # ours were changed meanwhile: what we saw may not have been all
    place = f"{session.connection.version} {server}"
    if known and known["server"] == place:  # else the server's version has other privileges, or it is another server
        _tell(run, known["rights"], found)
    fresh = {"counted": counted if settled else None, "read": time.time(), "server": place, "rights": found}
    run.remember(_KEY, json.dumps(fresh).encode())
    return True


def _read(connection: Connection, deadline: float) -> dict[str, str]:
    """Return the rights of each account that has any, in the form of all grants: `app@%=FILE, PROCESS*`."""
    found: dict[str, set[str]] = {}
    for grantee, privilege, may_grant in connection.query(_PRIVILEGES, deadline).rows:
        who = account_text((grantee or b"").decode("utf-8", "replace"))
        found.setdefault(who, set()).add((privilege or b"").decode() + ("*" if may_grant == b"YES" else ""))
    return {who: f"{who}={', '.join(sorted(words))}" for who, words in sorted(found.items())}


def _tell(run: Run, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    if before == now:
        return
    from tocsin.schema.diff import diff  # only where something has changed

    for difference in diff(Schema("", tuple(_objects(before))), Schema("", tuple(_objects(now)))):
        run.event(replace(schema_event("", difference), database=None))


def _objects(rights: Mapping[str, str]) -> Iterator[Object]:
    for who, text in rights.items():
        yield Object("grant", "server", who, (text,))
