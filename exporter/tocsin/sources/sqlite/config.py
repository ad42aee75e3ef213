"""The options of a SQLite target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tocsin.options import Duration, TargetOptions, option
from tocsin.sql import OwnQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions(TargetOptions):
    path: Path = option(help="the database file", example="/srv/app/app.db")
    queries: tuple[OwnQuery, ...] = option((), help="queries of your own")
    full_inspection_every: Duration = option(
        Duration(1800), help="after so long the schema is read in full even if its cookie did not move"
    )

    @property
    def address(self) -> str:
        return str(self.path)
