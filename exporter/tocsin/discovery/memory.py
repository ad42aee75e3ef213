"""Names of databases that were found, kept in the journal: what is remembered of a database hangs on its name."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from tocsin.errors import JournalError
from tocsin.journal import Journal

_log = logging.getLogger("tocsin.discovery")
_PLACE = ("", "discovery")
_KEY = "names"


class Names:
    """By key, in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def recall(self) -> dict[str, str]:
        try:
            kept = self._journal.recall(*_PLACE, _KEY)
        except JournalError as error:
            _log.warning("%s", error)
            return {}
        found: dict[str, str] = json.loads(kept) if kept else {}
        return found

    def remember(self, names: Mapping[str, str]) -> None:
        try:
            self._journal.commit(*_PLACE, [], {_KEY: json.dumps(names).encode()})
        except JournalError as error:  # it says itself that it cannot be written; the names hold until the next start
            _log.warning("%s", error)
