"""The series of a DuckDB target; there is no incumbent, so the names are ours: base units, plain words.

A DuckDB database lives inside its application's process. What that process keeps to itself, its settings and the
memory of its buffers, cannot be seen from outside; a help text says whose a number is where one may wonder.
"""

from __future__ import annotations

from tocsin.metric import counter, gauge, info
from tocsin.source import Threshold

STATES = ("unlocked", "read_locked", "write_locked", "encrypted", "unsupported_format")

UP = gauge("duckdb_up", "Whether the file is there and its headers are a DuckDB database's; what cannot be read of it duckdb_state tells.")
SIZE = gauge("duckdb_database_size_bytes", "Size of the database file.")
WAL_SIZE = gauge("duckdb_wal_size_bytes", "Size of the write-ahead logs; 0 without one. A checkpoint empties them.")
STATE = gauge(
    "duckdb_state",
    "1 for the state that the file is in, 0 for the others. unlocked: nobody has it open; read_locked, write_locked: others have; "
    "encrypted, unsupported_format: its content cannot be read.",
    ("state",),
)
WRITE_LOCKED = gauge("duckdb_write_locked", "Whether a process has the file open for writing, as a running application does.")
HOLDER_PID = gauge(
    "duckdb_lock_holder_pid",
    "Process that has the file open; absent without one, and where it is of another container or host.",
    unit="none",
)
HOLDER_MEMORY = gauge(
    "duckdb_lock_holder_resident_memory_bytes",
    "Resident memory of the process that has the file open: all of it, not DuckDB's buffers alone.",
)
HOLDER_START = gauge("duckdb_lock_holder_start_time_seconds", "Unix time at which the process that has the file open started.")
TEMP_FILES = gauge("duckdb_temporary_files", "Files that the application's DuckDB has spilled to its temporary directory.")
TEMP_SIZE = gauge("duckdb_temporary_files_size_bytes", "Size of the files in the application's temporary directory.")
FILE_INFO = info("duckdb_file_info", "Version of DuckDB that created the file, and whether it is encrypted.", ("created_by", "encrypted"))
STORAGE_VERSION = gauge(
    "duckdb_storage_version", "Version number of the storage format: 64 since DuckDB 0.10, 69 with that of 2.0.", unit="none"
)
CHECKPOINTS = counter("duckdb_checkpoints_total", "Checkpoints that wrote the file since it was created.")
BLOCK_SIZE = gauge("duckdb_block_size_bytes", "Size of one block of the file.")

BLOCKS = gauge("duckdb_blocks", "Blocks in the file as of the last checkpoint.")
FREE_BLOCKS = gauge(
    "duckdb_free_blocks", "Blocks that hold nothing; new data fills them, and the file shrinks only if they are its last ones."
)
COMPATIBILITY = info(
    "duckdb_compatibility_info",
    "Lowest version of DuckDB that can read the file, as its headers say, and the version of the library that reads it here.",
    ("storage", "library"),
)
TABLE_ROWS = gauge(
    "duckdb_table_rows",
    "Rows of the largest tables by the catalog, deleted ones included until a checkpoint removes them.",
    ("schema", "table"),
)
OTHER_TABLES = gauge("duckdb_other_tables", "Tables beyond those in duckdb_table_rows.")
OTHER_ROWS = gauge("duckdb_other_tables_rows", "Rows of the tables beyond those in duckdb_table_rows.")
OBJECTS = gauge("duckdb_objects", "Objects in the catalog by kind.", ("kind",))
READ_SECONDS = gauge("duckdb_read_cpu_seconds", "Processor time that the last reading process needed.")
COPIED = gauge(
    "duckdb_read_from_copy", "Whether the last reading had to copy the file into memory because of checkpoints that came between."
)

THRESHOLDS = (
    Threshold("database_growth_ratio", "Growth of the database within a day, as a share of its size a day before.", "ratio", 0.5, 2.0),
    Threshold("wal_size_bytes", "Size of the write-ahead log; it grows when checkpoints cannot finish.", "bytes", 256 * 2**20, 2**30),
    Threshold("free_blocks_ratio", "Blocks that hold nothing as a share of all blocks.", "ratio", 0.5, None),
)
