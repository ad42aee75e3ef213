"""The exporter's own receiver of alerts: what Alertmanager delivers becomes events, counters and log lines."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter, OrderedDict
from typing import Any

from tocsin.event import Event, EventKind, one_line
from tocsin.journal import Journal

_log = logging.getLogger("tocsin.alerts")

_LONGEST_TEXT = 4096
_MOST_LABELS = 64
_REMEMBERED = 1000


class Inbox:
    """Keeps each alert once per state: Alertmanager repeats messages, and groups repeat their alerts."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self.counts: Counter[str] = Counter(firing=0, resolved=0)

    def receive(self, body: bytes) -> None:
        """Take one webhook message. Raises ValueError when it is none, JournalError when it cannot be kept.

        Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. The Watchdog's
        heartbeat is counted and not kept: it comes every minute and says nothing new.
        """
        try:
            message = json.loads(body)
        except RecursionError as error:
            raise ValueError("lists within lists without end") from error
        if not isinstance(message, dict) or not isinstance(message.get("alerts"), list):
            raise ValueError("no list of alerts in it")  # noqa: TRY004 -- the caller's one error
        with self._lock:
            self._keep(message["alerts"])

    def _keep(self, alerts: list[Any]) -> None:
        fresh: dict[tuple[str, str, str], tuple[Event, str]] = {}
        for alert in alerts:
            if not isinstance(alert, dict) or alert.get("status") not in ("firing", "resolved"):
                raise ValueError("an alert without a status")
            mark = (str(alert.get("fingerprint")), alert["status"], str(alert.get("startsAt")))
            severity = _words(alert, "labels").get("severity", "")
            if mark not in self._seen and severity != "none":
                fresh[mark] = (_event(alert), severity)
        if fresh:
            self._journal.commit("", "", [event for event, _ in fresh.values()])
        for mark, (event, severity) in fresh.items():
            self._seen[mark] = None
            _log.warning("ALERT %s %s: %s", event.change.upper(), one_line(severity), one_line(event.reason))
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self.counts.update(alert["status"] for alert in alerts)


def _event(alert: dict[str, Any]) -> Event:
    labels, notes = _words(alert, "labels"), _words(alert, "annotations")
    return Event(
        kind=EventKind.NOTIFICATION,
        target=labels.get("instance", ""),
        source="alertmanager",
        database=labels.get("database"),
        object_kind="alert",
        object=labels.get("alertname", ""),
        change=alert["status"],
        reason=notes.get("summary"),
        new=notes.get("description"),
        detail={"labels": labels, "starts_at": str(alert.get("startsAt", "")), "runbook_url": notes.get("runbook_url")},
    )


def _words(alert: dict[str, Any], key: str) -> dict[str, str]:
    found = alert.get(key)
    items = list(found.items())[:_MOST_LABELS] if isinstance(found, dict) else []
    return {str(k)[:_LONGEST_TEXT]: str(v)[:_LONGEST_TEXT] for k, v in items}
