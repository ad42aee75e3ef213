"""The series of a SQLite target; there is no incumbent, so the names are ours: base units, plain words."""

from __future__ import annotations

from tocsin.metric import gauge, info
from tocsin.source import Threshold

UP = gauge("sqlite_up", "Whether the file is there, may be read and is a SQLite database; a locked one is.")
SIZE = gauge("sqlite_database_size_bytes", "Size of the main database file.")
PAGE_SIZE = gauge("sqlite_page_size_bytes", "Size of one page.")
PAGES = gauge("sqlite_pages", "Pages in the database, the write-ahead log's included.")
FREELIST = gauge("sqlite_freelist_pages", "Unused pages; VACUUM would give them back.")
CHANGE_COUNTER = gauge(
    "sqlite_change_counter", "Transactions that wrote to the main file; with a write-ahead log not each of them counts.", unit="none"
)
DEFAULT_CACHE = gauge(
    "sqlite_default_cache_pages",
    "Page cache that the file suggests; 0 leaves it to the library. What a connection really has, only itself knows.",
)
FORMAT = info(
    "sqlite_format_info",
    "Text encoding, auto_vacuum mode, schema format number, and the version of SQLite that last wrote to the main file.",
    ("encoding", "auto_vacuum", "schema_format", "written_by"),
)
WAL_SIZE = gauge("sqlite_wal_size_bytes", "Size of the write-ahead log file; 0 without one.")
WAL_FRAMES = gauge("sqlite_wal_frames", "Committed pages in the write-ahead log, applied or not.")
WAL_APPLIED = gauge(
    "sqlite_wal_checkpointed_frames",
    "Frames of the log that a checkpoint has applied to the main file; absent while an application keeps the log's index to itself.",
)
WAL_BLOCKED = gauge(
    "sqlite_wal_blocked_frames",
    "Frames that no checkpoint can apply while the present readers last, because they came after what the oldest of them reads.",
)
WAL_SALT = gauge("sqlite_wal_salt", "First salt of the log: one more each time that the log is begun anew.", unit="none")
WAL_CHECKPOINTING = gauge("sqlite_wal_checkpoint_running", "Whether somebody was just applying the log to the main file.")
JOURNAL_MODE = info("sqlite_journal_mode_info", "Journal mode as another process can see it: `wal` or `rollback`.", ("mode",))
SCHEMA_VERSION = gauge("sqlite_schema_version", "Schema cookie: SQLite changes it with every change of the schema.", unit="none")
USER_VERSION = gauge("sqlite_user_version", "The application's own version number (PRAGMA user_version).", unit="none")
APPLICATION_ID = gauge("sqlite_application_id", "The application's identifier (PRAGMA application_id).", unit="none")

LOCK_STATE = gauge(
    "sqlite_lock_state",
    "The strongest lock at this moment, one of the states is 1: `reserved` has a writer beside readers, `pending` lets no new reader in, "
    "`exclusive` shuts everybody out.",
    ("state",),
)
LOCK_HELD = gauge(
    "sqlite_lock_held_seconds",
    "For how long at least the same process has held a write lock without a commit, as seen at scrapes; 0 without a writer.",
)
LOCK_HOLDER = gauge(
    "sqlite_lock_holder_pid", "Process that holds the write lock; absent without one, and where it is not visible from here.", unit="none"
)
HOT_JOURNAL = gauge(
    "sqlite_hot_journal",
    "Whether a writer that died left half a transaction, which the next program that opens the database for writing rolls back.",
)

TABLES = gauge("sqlite_tables", "Tables of the application, virtual ones not counted.")
TABLES_COUNTED = gauge(
    "sqlite_counted_tables", "Tables whose rows were counted; of the others there was not the time, or the file never stood still."
)
TABLE_ROWS = gauge("sqlite_table_rows", "Rows of a table, counted exactly; the 100 largest.", ("table",))
QUICK_CHECK_OK = gauge("sqlite_quick_check_ok", "Whether the last completed PRAGMA quick_check found nothing wrong.")
QUICK_CHECK_ERRORS = gauge("sqlite_quick_check_errors", "What the last completed PRAGMA quick_check found wrong, 100 at most.")
FOREIGN_KEY_VIOLATIONS = gauge(
    "sqlite_foreign_key_violations", "Rows that refer to no row, by the last completed PRAGMA foreign_key_check; 10,000 at most."
)
LAST_CHECK = gauge("sqlite_check_timestamp_seconds", "Unix time of the last completed check.", ("check",))
CHECK_UNDONE = info(
    "sqlite_check_undone",
    "A check that is due and could not be completed: the file is larger than `check_up_to` (`size`), never stood still (`busy`), took too "
    "long (`time`), or needs functions or collations of the application's own (`functions`).",
    ("check", "reason"),
)

THRESHOLDS = (
    Threshold("database_growth_ratio", "Growth of the database within a day, as a share of its size a day before.", "ratio", 0.5, 2.0),
    Threshold("wal_size_bytes", "Size of the write-ahead log; it grows when checkpoints cannot finish.", "bytes", 256 * 2**20, 2**30),
    Threshold("wal_pending_bytes", "Committed pages in the log that no checkpoint has applied yet.", "bytes", 64 * 2**20, 512 * 2**20),
    Threshold("lock_held_seconds", "How long one process holds a write lock without a commit.", "seconds", 60.0, 600.0),
)
