"""The embedded demo: a small shop's SQLite database, whose schema somebody changes now and then."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tocsin.config import Config, Server
from tocsin.errors import ConfigError
from tocsin.options import Duration
from tocsin.sources.sqlite.config import SqliteOptions

FIRST_CHANGE_AFTER = 12.0
CHANGE_EVERY = 60.0

_SHOP = """
    CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT);
    CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, total NUMERIC, email TEXT);
"""
_STEPS = (
    ("ALTER TABLE orders DROP COLUMN email", "ALTER TABLE orders ADD COLUMN email TEXT"),
    ("CREATE INDEX orders_by_customer ON orders (customer_id)", "DROP INDEX orders_by_customer"),
    ("CREATE TABLE coupons (code TEXT PRIMARY KEY, percent INTEGER NOT NULL)", "DROP TABLE coupons"),
)


class Demo:
    """Owns the demo's database file. `step()` makes the next change and says which."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.db"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path)) as db:
                db.executescript(_SHOP)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError([f"the demo's database {self.path} cannot be made: {error}; go to a folder that can be written"]) from error
        self._changes: Iterator[str] = itertools.cycle(change for pair in _STEPS for change in pair)

    def config(self, state_dir: Path) -> Config:
        return Config(
            server=Server(),
            state_dir=state_dir,
            targets=(SqliteOptions(name="demo-shop", kind="sqlite", path=self.path, every={"schema": Duration(2)}),),
        )

    def step(self) -> str | None:
        """Change the schema; None when it cannot be: the change is there already after a restart, or somebody deleted the file."""
        change = next(self._changes)
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as db:
                db.execute(change)
                db.commit()
        except sqlite3.Error:
            return None
        return change
