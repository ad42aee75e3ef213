"""The options of a SQLite target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tocsin.options import Duration, Size, option
from tocsin.sql import SqlOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions(SqlOptions):
    path: Path = option(help="the database file", example="/srv/app/app.db")
    check_every: Duration = option(Duration(86400), help="after so long quick_check and foreign_keys read the whole database again")
    check_up_to: Size = option(Size(2**30), help="quick_check and foreign_keys leave larger databases alone")

    @property
    def address(self) -> str:
        return str(self.path)
