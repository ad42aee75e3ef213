"""The series of a SQLite target; there is no incumbent, so the names are ours: base units, plain words."""

from __future__ import annotations

from tocsin.metric import gauge, info
from tocsin.source import Threshold

UP = gauge("sqlite_up", "Whether the database file could be read as a SQLite database.")
SIZE = gauge("sqlite_database_size_bytes", "Size of the main database file.")
PAGE_SIZE = gauge("sqlite_page_size_bytes", "Size of one page.")
PAGES = gauge("sqlite_pages", "Pages in the database, the write-ahead log's included.")
FREELIST = gauge("sqlite_freelist_pages", "Unused pages; VACUUM would give them back.")
WAL_SIZE = gauge("sqlite_wal_size_bytes", "Size of the write-ahead log file; 0 without one.")
JOURNAL_MODE = info("sqlite_journal_mode_info", "Journal mode as another process can see it: `wal` or `rollback`.", ("mode",))
SCHEMA_VERSION = gauge("sqlite_schema_version", "Schema cookie: SQLite changes it with every change of the schema.", unit="none")
USER_VERSION = gauge("sqlite_user_version", "The application's own version number (PRAGMA user_version).", unit="none")
APPLICATION_ID = gauge("sqlite_application_id", "The application's identifier (PRAGMA application_id).", unit="none")

THRESHOLDS = (
    Threshold("database_growth_ratio", "Growth of the database within a day, as a share of its size a day before.", "ratio", 0.5, 2.0),
    Threshold("wal_size_bytes", "Size of the write-ahead log; it grows when checkpoints cannot finish.", "bytes", 256 * 2**20, 2**30),
)
