"""Being told of changes by the server: the event trigger's notifications, and who made which change by which statement."""

from __future__ import annotations

import json
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tocsin.schema.model import Object, parts
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.postgres.connection import Connection
from tocsin.sources.postgres.parameters import limits
from tocsin.sources.postgres.trigger import CHANNEL, TRIGGERS

if TYPE_CHECKING:
    from tocsin.schema.difference import Difference

TRIGGER = f"""
    (SELECT string_agg(CASE WHEN current_setting('max_prepared_transactions') = '0' THEN evtenabled::text ELSE 'D' END, '')
     FROM pg_event_trigger
        WHERE evtname IN ({", ".join(f"'{name}'" for name in TRIGGERS)}) AND evtfoid::regproc::text = 'tocsin.tell')"""
"""SQL for the states of the triggers, a letter each: A and O act, D and R do not. NULL where there is none.

Where transactions may be prepared none acts: see there."""

_MOST_NOTICES = 200
_LONGEST = 2000
_CONNECT_SECONDS = 5.0
_LOOK_EVERY = 1.0
_SHORTEST_PAUSE = 0.05
"""Whoever floods the channel wakes us no oftener."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the trigger said of one statement. Everybody in the database can send the like: it is told, and never acted upon."""

    detail: dict[str, str]
    names: frozenset[str]
    tag: str

    @classmethod
    def parse(cls, payload: str) -> Notice:
        """Take what can be used; a payload that is none of the trigger's says nothing but that something may have moved."""
        try:
            found = json.loads(payload)
            words = {key: found.get(key) for key in ("by", "statement", "application", "client")}
            names = frozenset(_plain(identity) for _, identity in found["objects"] if isinstance(identity, str))
            tag = str(found.get("tag"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls({}, frozenset(), "")
        return cls({key: word[:_LONGEST] for key, word in words.items() if isinstance(word, str) and word}, names, tag)

    def tells_of(self, difference: Difference) -> bool:
        names = {name for o in (difference.old, difference.new) if o is not None for name in _names(o)}
        is_grant = difference.subject.kind in ("grant", "default privileges") and self.tag in (
            "GRANT",
            "REVOKE",
            "ALTER DEFAULT PRIVILEGES",
        )
        return is_grant or not names.isdisjoint(self.names)


def _plain(identity: str) -> str:
    return identity.replace('"', "")


def _names(o: Object) -> Iterable[str]:
    """Yield the identities by which the server may name an object or that which it belongs to."""
    for name in (o.full_name, o.parent, o.parent.partition(" ")[2]):
        if name:
            yield _plain(name)
    if o.parent:
        yield _plain(f"{o.name} on {o.parent}")
        yield _plain(f"{parts(o.parent)[0]}.{o.name}")


class Heard:
    """What listeners hand to the collectors of their targets, and the collectors to them; bounded, in memory alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notices: dict[tuple[str, str], deque[Notice]] = {}
        self._databases: dict[str, set[str]] = {}

    def found(self, target: str, database: str, acts: bool) -> None:
        """Tell whether a database has a trigger that acts: it is to be listened to then."""
        with self._lock:
            databases = self._databases.setdefault(target, set())
            (databases.add if acts else databases.discard)(database)

    def databases(self, target: str) -> set[str]:
        with self._lock:
            return set(self._databases.get(target, ()))

    def forget(self, target: str) -> None:
        """Drop everything of a target that is watched no longer, or from the beginning."""
        with self._lock:
            self._databases.pop(target, None)
            for key in [k for k in self._notices if k[0] == target]:
                del self._notices[key]

    def put(self, target: str, database: str, *notices: Notice) -> None:
        with self._lock:
            if notices:
                self._notices.setdefault((target, database), deque(maxlen=_MOST_NOTICES)).extend(notices)

    def put_back(self, target: str, database: str, notices: list[Notice]) -> None:
        """Put before what was heard since what was taken for nothing."""
        with self._lock:
            since = self._notices.get((target, database), ())
            self._notices[target, database] = deque([*notices, *since], maxlen=_MOST_NOTICES)

    def heard(self, target: str, database: str) -> list[Notice]:
        """Return what was heard since it was last taken, without taking it."""
        with self._lock:
            return list(self._notices.get((target, database), ()))

    def take(self, target: str, database: str) -> list[Notice]:
        """Return what was heard since it was last taken, oldest first."""
        with self._lock:
            return list(self._notices.pop((target, database), ()))


HEARD = Heard()


def explain(notices: list[Notice], late: Callable[[], list[Notice]]) -> Callable[[Difference], dict[str, Any]]:
    """Return what gives a change's event who made it, and by which statement, as far as all that named the object agree.

    `late` gives what was heard while the catalogs were read: what is seen in them may have been told only then.
    """

    def detail(difference: Difference) -> dict[str, Any]:
        told = [n.detail for n in (*notices, *late()) if n.tells_of(difference)]
        return {key: word for key, word in told[0].items() if all(other.get(key) == word for other in told)} if told else {}

    return detail


def listen(options: PostgresOptions, wake: Callable[[], None], stopped: threading.Event) -> None:
    """Listen in the databases in which the collector found the trigger, and wake it when they tell of something.

    A connection each, in no more databases than `listen` says. Raises CollectError when one breaks.
    """
    open_: dict[str, Connection] = {}
    looked = 0.0
    try:
        while not stopped.is_set():
            if time.monotonic() >= looked + _LOOK_EVERY:
                _keep_open(options, open_, wake)
                looked = time.monotonic()
            if not open_:
                stopped.wait(_LOOK_EVERY)
                continue
            if _hear(options.name, open_):
                wake()
                stopped.wait(_SHORTEST_PAUSE)
    finally:
        for connection in open_.values():
            connection.close()


def _keep_open(options: PostgresOptions, open_: dict[str, Connection], wake: Callable[[], None]) -> None:
    wanted = sorted(HEARD.databases(options.name))[: options.listen]
    for name in open_.keys() - set(wanted):
        open_.pop(name).close()
    for name in wanted:
        if name not in open_:
            deadline = time.monotonic() + _CONNECT_SECONDS
            connection = Connection(options, name, deadline)
            open_[name] = connection
            connection.query(limits(deadline, fresh=True), deadline)
            connection.query(f"LISTEN {CHANNEL}", deadline)
            wake()  # what was changed before


def _hear(target: str, open_: dict[str, Connection]) -> bool:
    """Wait for at most a second for notifications and hand them over; tell whether there were any."""
    poller = select.poll()
    by_socket = {}
    for name, connection in open_.items():
        by_socket[connection.fileno()] = name
        poller.register(connection.fileno(), select.POLLIN)
    heard = False
    for descriptor, _ in poller.poll(_LOOK_EVERY * 1000):
        name = by_socket[descriptor]
        for channel, payload in open_[name].notifications():
            if channel == CHANNEL:
                HEARD.put(target, name, Notice.parse(payload))
                heard = True
    return heard
