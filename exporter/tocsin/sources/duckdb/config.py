"""The options of a DuckDB target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tocsin.options import Size, option
from tocsin.sources.duckdb.picture import CHECKPOINT_WAL, WAL
from tocsin.sql import SqlOptions, is_positive


def _is_enough(size: Size) -> str | None:
    return None if size >= 64 * 2**20 else "64MB or more"


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class DuckdbOptions(SqlOptions):
    path: Path = option(help="the database file", example="/srv/lake/lake.duckdb")
    temp_directory: Path | None = option(
        None, help="where the application lets DuckDB write temporary files; without it DuckDB's default, the path with `.tmp` appended"
    )
    memory_limit: Size = option(
        Size(512 * 2**20),
        help="most memory for the short-lived process that reads the file; a catalog of 10,000 tables needs 400MB",
        check=_is_enough,
    )
    copy_limit: Size = option(
        Size(64 * 2**20),
        help="largest database that is copied into that process' memory when checkpoints leave no time to read it in place; 0: none",
    )
    largest_tables: int = option(50, help="tables with rows of their own; the others are summed up", check=is_positive)

    @property
    def temporary_files(self) -> Path:
        real = Path(os.path.realpath(self.path))
        return self.temp_directory or real.with_name(f"{real.name}.tmp")

    @property
    def address(self) -> str:
        return str(self.path)


def files_of(options: DuckdbOptions) -> tuple[Path, ...]:
    """Return the database's files: what the path names, and what DuckDB keeps beside it."""
    real = Path(os.path.realpath(options.path))
    return (options.path, real, *(real.with_name(real.name + name) for name in (WAL, CHECKPOINT_WAL)))
