"""The tables of the journal's file, and how those of an older release become them."""

from __future__ import annotations

APPLICATION_ID = 0x746F6373  # "tocs"
FORMAT = 3
_TOTAL_TABLE = """
    -- Counters outlive the events that they count.
    CREATE TABLE total (
        target TEXT NOT NULL,
        kind TEXT NOT NULL,
        database TEXT NOT NULL,
        object_kind TEXT NOT NULL,
        change TEXT NOT NULL,
        risk TEXT NOT NULL,
        security INTEGER NOT NULL,
        count INTEGER NOT NULL,
        last REAL NOT NULL,
        PRIMARY KEY (target, kind, database, object_kind, change, risk, security)
    ) STRICT, WITHOUT ROWID;
"""
_FIELDS = """
    -- What events are chosen by beside id, time, target and kind: read from the body, and kept in an index from which all are chosen.
    ALTER TABLE event ADD COLUMN database TEXT AS (json_extract(body, '$.database')) VIRTUAL;
    ALTER TABLE event ADD COLUMN object_kind TEXT AS (json_extract(body, '$.object_kind')) VIRTUAL;
    ALTER TABLE event ADD COLUMN change TEXT AS (json_extract(body, '$.change')) VIRTUAL;
    ALTER TABLE event ADD COLUMN risk TEXT AS (json_extract(body, '$.risk')) VIRTUAL;
    ALTER TABLE event ADD COLUMN security INTEGER AS (ifnull(json_extract(body, '$.security'), 0)) VIRTUAL;
    CREATE INDEX event_by_field ON event (id, time, target, kind, database, object_kind, change, risk, security);
"""
TABLES = f"""
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        target TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    {_FIELDS}
    CREATE TABLE memory (
        target TEXT NOT NULL,
        collector TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (target, collector, key)
    ) STRICT, WITHOUT ROWID;
    {_TOTAL_TABLE}
"""
UPGRADES = {
    # Totals are counted apart by security, and schemas are kept by root: the next inspection begins a new baseline.
    1: f"""
        ALTER TABLE total RENAME TO old_total;
        {_TOTAL_TABLE}
        INSERT INTO total SELECT target, kind, database, object_kind, change, risk, 0, count, last FROM old_total;
        DROP TABLE old_total;
        DELETE FROM memory WHERE collector LIKE '%.schema';
    """,  # noqa: S608 -- a constant
    2: f"DROP INDEX event_by_target; {_FIELDS}",
}
"""How to get from each older format to the next."""
