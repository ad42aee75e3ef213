"""SQLite and DuckDB: files rather than servers. Are they readable and sound, who holds them, what grows, what is in them."""

from __future__ import annotations

from grafana.schema import changes_annotation
from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Json,
    Panel,
    Query,
    dashboard,
    lines,
    row,
    select,
    stat,
    steps,
    table,
    words,
)  # fmt: skip
from tocsin.metric import Metric
from tocsin.sources.duckdb import metrics as d
from tocsin.sources.sqlite import metrics as s
from tocsin.vitals import TARGET_INFO

KINDS = 'kind=~"sqlite|duckdb"'
UNREADABLE = 'state=~"encrypted|unsupported_format"'
STRONG = 'state!="none"'
LEVELS = {threshold.signal: threshold for threshold in (*s.THRESHOLDS, *d.THRESHOLDS)}
NONE_IS_GOOD = steps((None, GREEN), (1, RED))
UP_OR_DOWN = words({"1": ("Up", GREEN), "0": ("Down", RED)})


def embedded() -> Json:
    return dashboard(
        "tocsin-embedded",
        "Tocsin / SQLite and DuckDB",
        "Database files: whether they can be read and are sound, who holds them, what grows, and what is in them.",
        jobs=TARGET_INFO,
        targets=TARGET_INFO,
        annotations=[changes_annotation()],
        grid=[
            _glance(),
            [_files(), _sizes()],
            [row("SQLite")],
            [_locks(), _held(), _log()],
            [_pages(), _checks()],
            [row("DuckDB")],
            [_states(), _holders(), _spilled()],
            [_blocks(), _checkpoints(), _reading()],
            [row("What is in them")],
            _rows(),
            _formats(),
        ],
    )


def _either(of_sqlite: Metric, of_duckdb: Metric) -> str:
    return f"{select(of_sqlite)} or {select(of_duckdb)}"


def _glance() -> list[Panel]:
    held, log = LEVELS["lock_held_seconds"], LEVELS["wal_size_bytes"]
    return [
        stat(
            "Files", Query(f"count({_either(s.UP, d.UP)})"), [s.UP, d.UP], first="How many database files are watched.",
            thresholds=steps((None, BLUE)),
        ),
        stat(
            "Down", Query(f"count(({_either(s.UP, d.UP)}) == 0) or vector(0)"), [s.UP, d.UP], first="Files missing, or no database.",
            thresholds=NONE_IS_GOOD,
        ),
        stat(
            "Unsound", Query(f"count({select(s.QUICK_CHECK_OK)} == 0) or vector(0)"), [s.QUICK_CHECK_OK],
            first="SQLite databases in which a check found damage.", thresholds=NONE_IS_GOOD,
        ),
        stat(
            "Longest write lock", Query(f"max({select(s.LOCK_HELD)}) or vector(0)"), [s.LOCK_HELD],
            thresholds=steps((None, GREEN), (held.warning, ORANGE), (held.critical, RED)),
        ),
        stat(
            "Largest write-ahead log", Query(f"max({_either(s.WAL_SIZE, d.WAL_SIZE)})"), [s.WAL_SIZE, d.WAL_SIZE],
            thresholds=steps((None, GREEN), (log.warning, ORANGE), (log.critical, RED)),
        ),
        stat(
            "Unreadable DuckDB files", Query(f'count({select(d.STATE, UNREADABLE)} == 1) or vector(0)'), [d.STATE],
            first="Encrypted, or of a storage format that is unknown here.", thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
    ]  # fmt: skip


def _files() -> Panel:
    queries = [
        Query(f"max by (instance) ({_either(s.UP, d.UP)})"),
        Query(f"max by (instance, kind, address) ({select(TARGET_INFO, KINDS)})"),
        Query(f"max by (instance) ({_either(s.SIZE, d.SIZE)})"),
        Query(f"max by (instance) ({_either(s.WAL_SIZE, d.WAL_SIZE)})"),
    ]
    columns = {
        "instance": "Target", "kind": "Kind", "Value #A": "Status", "address": "File", "Value #C": "Size", "Value #D": "Write-ahead log",
    }  # fmt: skip
    return table(
        "Files", queries, columns, [s.SIZE, d.SIZE, s.WAL_SIZE, d.WAL_SIZE], first="One row a file, those that are down first.",
        unit="bytes", width=12, height=9, mappings=UP_OR_DOWN, colored=["Status"], sort="Status",
    )  # fmt: skip


def _sizes() -> Panel:
    return lines(
        "Sizes", [Query(_either(s.SIZE, d.SIZE), "{{instance}}"), Query(_either(s.WAL_SIZE, d.WAL_SIZE), "{{instance}} log")],
        [s.SIZE, d.SIZE, s.WAL_SIZE, d.WAL_SIZE], width=12, height=9, dashed=" log$",
    )  # fmt: skip


def _locks() -> Panel:
    return lines(
        "Lock state", [Query(f'{select(s.LOCK_STATE, STRONG)} == 1', "{{instance}} {{state}}")], [s.LOCK_STATE], width=8,
        first="As seen at scrapes; nothing is drawn while nobody writes.",
    )  # fmt: skip


def _held() -> Panel:
    held = LEVELS["lock_held_seconds"]
    return lines(
        "Write lock held", [Query(select(s.LOCK_HELD), "{{instance}}")], [s.LOCK_HELD], width=8,
        thresholds=steps((None, "transparent"), (held.warning, ORANGE), (held.critical, RED)),
    )  # fmt: skip


def _log() -> Panel:
    return lines(
        "Write-ahead log",
        [
            Query(select(s.WAL_FRAMES), "{{instance}} committed"),
            Query(select(s.WAL_APPLIED), "{{instance}} applied"),
            Query(select(s.WAL_BLOCKED), "{{instance}} held back by readers"),
        ],
        [s.WAL_FRAMES, s.WAL_APPLIED, s.WAL_BLOCKED], width=8,
    )  # fmt: skip


def _pages() -> Panel:
    return lines(
        "Unused pages", [Query(f"{select(s.FREELIST)} / ({select(s.PAGES)} > 0)", "{{instance}}")], [s.FREELIST, s.PAGES],
        first="As a share of all.", unit="ratio", width=12,
    )  # fmt: skip


def _checks() -> Panel:
    queries = [
        Query(f"max by (instance, check) ({select(s.LAST_CHECK)}) * 1000"),
        Query(f"max by (instance) ({select(s.QUICK_CHECK_ERRORS)})"),
    ]
    columns = {"instance": "Target", "check": "Check", "Value #A": "Last completed", "Value #B": "Errors"}
    return table(
        "Checks", queries, columns, [s.LAST_CHECK, s.QUICK_CHECK_ERRORS], width=12, height=8, times=["Value #A"], sort="Last completed",
    )  # fmt: skip


def _states() -> Panel:
    return lines("State", [Query(f"{select(d.STATE)} == 1", "{{instance}} {{state}}")], [d.STATE], width=8)


def _holders() -> Panel:
    return lines(
        "Memory of the process that has the file open", [Query(select(d.HOLDER_MEMORY), "{{instance}}")], [d.HOLDER_MEMORY], width=8,
    )  # fmt: skip


def _spilled() -> Panel:
    return lines("Temporary files", [Query(select(d.TEMP_SIZE), "{{instance}}")], [d.TEMP_SIZE], width=8)


def _blocks() -> Panel:
    return lines(
        "Blocks", [Query(select(d.BLOCKS), "{{instance}} all"), Query(select(d.FREE_BLOCKS), "{{instance}} free")],
        [d.BLOCKS, d.FREE_BLOCKS], width=8, dashed=" all$",
    )  # fmt: skip


def _checkpoints() -> Panel:
    return lines(
        "Checkpoints", [Query(f"rate({select(d.CHECKPOINTS)}[$__rate_interval]) * 60", "{{instance}}")], [d.CHECKPOINTS],
        first="A minute.", width=8,
    )  # fmt: skip


def _reading() -> Panel:
    return lines("Cost of reading", [Query(select(d.READ_SECONDS), "{{instance}}")], [d.READ_SECONDS], width=8)


def _rows() -> list[Panel]:
    columns = {"instance": "Target", "table": "Table", "Value": "Rows"}
    return [
        table(
            "Largest tables of SQLite", [Query(f"topk(50, {select(s.TABLE_ROWS)})")], columns, [s.TABLE_ROWS],
            width=12, height=8, sort="Rows", descending=True,
        ),
        table(
            "Largest tables of DuckDB", [Query(f"topk(50, {select(d.TABLE_ROWS)})")], columns | {"schema": "Schema"}, [d.TABLE_ROWS],
            width=12, height=8, sort="Rows", descending=True,
        ),
    ]  # fmt: skip


def _formats() -> list[Panel]:
    return [
        table(
            "Formats of SQLite", [Query(f"max by (instance, encoding, auto_vacuum, written_by) ({select(s.FORMAT)})")],
            {"instance": "Target", "encoding": "Encoding", "auto_vacuum": "auto_vacuum", "written_by": "Written by"}, [s.FORMAT],
            width=12, height=6, sort="Target",
        ),
        table(
            "Formats of DuckDB", [Query(f"max by (instance, created_by, encrypted) ({select(d.FILE_INFO)})")],
            {"instance": "Target", "created_by": "Created by", "encrypted": "Encrypted"}, [d.FILE_INFO],
            width=12, height=6, sort="Target",
        ),
    ]  # fmt: skip
