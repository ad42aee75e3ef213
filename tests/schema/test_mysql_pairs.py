"""Pairs of schemas on a real MariaDB, and on MySQL 9: what one statement makes of one, and whether it is told.

A case is one file; these are one line each, for what the manuals of the two servers list under CREATE and ALTER.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from case import mysql_database
from mariadb import MariaDB, MysqlServer
from tocsin.schema.diff import diff
from tocsin.schema.model import Schema
from tocsin.schema.tell import schema_event
from watching import said

T = "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b varchar(20), c int CHECK (c > 0))"
CHILD = "CREATE TABLE child (id int PRIMARY KEY, t int, CONSTRAINT of_t FOREIGN KEY (t) REFERENCES t (id))"
LOG = (
    "CREATE TABLE log (at date, n int) PARTITION BY RANGE (TO_DAYS(at))"
    " (PARTITION p1 VALUES LESS THAN (TO_DAYS('2026-01-01')), PARTITION p2 VALUES LESS THAN (TO_DAYS('2026-02-01')))"
)
HASHED = "CREATE TABLE h (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4"
VIEW = "CREATE VIEW v AS SELECT id, a FROM t"
ROUTINE = "CREATE FUNCTION f(x int) RETURNS int DETERMINISTIC RETURN x + 1"
PROCEDURE = "CREATE PROCEDURE p(IN x int) SELECT x"
TRIGGER = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 2"
EVENT = "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO SET @x = 1"
GENERATED = "CREATE TABLE n (a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED)"
TEXTS = "CREATE TABLE w (x varchar(20) CHARACTER SET latin1, y text)"
LISTED = "CREATE TABLE l (a int) PARTITION BY LIST (a) (PARTITION pa VALUES IN (1, 2), PARTITION pb VALUES IN (3))"
OF_PAIRS = (
    "CREATE TABLE l (a int, b varchar(9)) PARTITION BY LIST COLUMNS (a, b)"
    " (PARTITION pa VALUES IN ((1, 'x; y'), (2, 'it''s)')), PARTITION pb VALUES IN ((3, 'x; y')))"
)
SUBPARTITIONED = (
    "CREATE TABLE l (a int, b int) PARTITION BY LIST (a) SUBPARTITION BY HASH (b) SUBPARTITIONS 2"
    " (PARTITION pa VALUES IN (1, 2), PARTITION pb VALUES IN (3))"
)
WITH_OTHERS = "CREATE TABLE l (a int) PARTITION BY LIST COLUMNS (a) (PARTITION pa VALUES IN (1, 2), PARTITION po DEFAULT)"
SEQUENCE = "CREATE SEQUENCE s START WITH 5 INCREMENT BY 2"
MARIADB = "mariadb"
MYSQL = "mysql"

TOLD: list[tuple[list[str], str, str, str]] = [
    # Columns
    ([T], "ALTER TABLE t ADD COLUMN d int", "column t.d added safe", ""),
    ([T], "ALTER TABLE t ADD COLUMN d int NOT NULL", "column t.d added breaking", ""),
    ([T], "ALTER TABLE t DROP COLUMN b", "column t.b dropped destructive", ""),
    ([T], "ALTER TABLE t RENAME COLUMN b TO d", "column t.b renamed breaking", ""),
    ([T], "ALTER TABLE t CHANGE b d varchar(20)", "column t.b renamed breaking", ""),
    ([T], "ALTER TABLE t MODIFY b varchar(40)", "column t.b altered safe", ""),
    ([T], "ALTER TABLE t MODIFY b varchar(10)", "column t.b altered cautious", ""),
    ([T], "ALTER TABLE t MODIFY b varchar(20) NOT NULL", "column t.b altered cautious", ""),
    ([T], "ALTER TABLE t MODIFY b blob", "column t.b altered breaking", ""),
    ([T], "ALTER TABLE t MODIFY a int unsigned DEFAULT 1", "column t.a altered cautious", ""),
    ([T], "ALTER TABLE t ALTER a SET DEFAULT 2", "column t.a altered cautious", ""),
    ([T], "ALTER TABLE t ALTER a DROP DEFAULT", "column t.a altered cautious", ""),
    ([T], "ALTER TABLE t MODIFY b varchar(20) DEFAULT (concat('x', 'y'))", "column t.b altered safe", ""),
    ([T], "ALTER TABLE t MODIFY b varchar(20) COMMENT 'said'", "comment t.b added safe", ""),
    ([T], "ALTER TABLE t MODIFY a int INVISIBLE DEFAULT 1", "column t.a altered breaking", MARIADB),
    ([T], "ALTER TABLE t MODIFY a int DEFAULT 1 INVISIBLE", "column t.a altered breaking", MYSQL),
    ([T], "ALTER TABLE t MODIFY id int AUTO_INCREMENT", "column t.id altered cautious", ""),
    ([GENERATED], "ALTER TABLE n MODIFY v int AS (a + 3) VIRTUAL", "column n.v altered breaking", ""),
    ([GENERATED], "ALTER TABLE n MODIFY s int AS (a * 2) STORED", "column n.s altered breaking", ""),
    ([GENERATED], "ALTER TABLE n DROP COLUMN v", "column n.v dropped breaking", ""),
    ([GENERATED], "ALTER TABLE n ADD COLUMN z int AS (a * 5)", "column n.z added safe", ""),
    ([TEXTS], "ALTER TABLE w MODIFY x varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "column w.x altered cautious", ""),
    ([TEXTS], "ALTER TABLE w MODIFY x varchar(20) CHARACTER SET latin1 COLLATE latin1_bin", "column w.x altered cautious", ""),
    ([TEXTS], "ALTER TABLE w MODIFY y text COLLATE utf8mb4_unicode_ci", "column w.y altered cautious", ""),
    # Indexes
    ([T], "CREATE INDEX i ON t (b)", "index t.i added safe", ""),
    ([T], "CREATE UNIQUE INDEX i ON t (b)", "index t.i added cautious", ""),
    ([T, "CREATE INDEX i ON t (b)"], "DROP INDEX i ON t", "index t.i dropped cautious", ""),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t RENAME INDEX i TO j", "index t.i renamed safe", ""),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t DROP INDEX i, ADD INDEX i (b (5))", "index t.i altered cautious", ""),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t DROP INDEX i, ADD INDEX i (b, a)", "index t.i altered cautious", ""),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t DROP INDEX i, ADD INDEX i (b DESC)", "index t.i altered cautious", ""),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t ALTER INDEX i IGNORED", "index t.i altered cautious", MARIADB),
    ([T, "CREATE INDEX i ON t (b)"], "ALTER TABLE t ALTER INDEX i INVISIBLE", "index t.i altered cautious", MYSQL),
    ([T], "CREATE INDEX i ON t (b) COMMENT 'said'", "index t.i added safe", ""),
    # Constraints
    ([T], "ALTER TABLE t ADD CONSTRAINT k CHECK (a < 9)", "constraint t.k added cautious", ""),
    ([T, "ALTER TABLE t ADD CONSTRAINT k CHECK (a < 9)"], "ALTER TABLE t DROP CONSTRAINT k", "constraint t.k dropped cautious", ""),
    ([T, "ALTER TABLE t ADD CONSTRAINT k CHECK (a < 9)"], "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k CHECK (a < 8)",
     "constraint t.k altered cautious", ""),
    ([T, "ALTER TABLE t ADD CONSTRAINT k CHECK (a < 9)"], "ALTER TABLE t ALTER CHECK k NOT ENFORCED",
     "constraint t.k altered cautious", MYSQL),
    ([T], "ALTER TABLE t ADD CONSTRAINT k CHECK (a < 9) NOT ENFORCED", "constraint t.k added safe", MYSQL),
    ([T], "ALTER TABLE t MODIFY c int CHECK (c > 5)", "constraint t.c altered cautious", MARIADB),
    ([T], "ALTER TABLE t DROP PRIMARY KEY", "constraint t.PRIMARY dropped breaking", ""),
    ([T], "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)", "", ""),
    ([T, CHILD], "ALTER TABLE child DROP FOREIGN KEY of_t", "constraint child.of_t dropped cautious", ""),
    ([T, CHILD], "ALTER TABLE child DROP FOREIGN KEY of_t, ADD CONSTRAINT of_u FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE",
     "", ""),
    # Tables
    (["CREATE TABLE o (a int)"], "DROP TABLE o", "table o dropped destructive", ""),
    (["CREATE TABLE o (a int, b int)"], "RENAME TABLE o TO p", "table o renamed breaking", ""),
    (["CREATE TABLE o (a int)"], "RENAME TABLE o TO p", "table o dropped destructive, table p added safe", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o ENGINE = MyISAM", "table o altered cautious", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o ROW_FORMAT = COMPRESSED", "table o altered cautious", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 4", "table o altered cautious", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o COMMENT = 'said'", "comment o added safe", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o DEFAULT CHARACTER SET latin1", "table o altered cautious", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o DEFAULT COLLATE utf8mb4_unicode_ci", "table o altered cautious", ""),
    (["CREATE TABLE o (x text)"], "ALTER TABLE o CONVERT TO CHARACTER SET latin1", "", ""),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o ADD SYSTEM VERSIONING", "table o altered cautious", MARIADB),
    (["CREATE TABLE o (a int)"], "ALTER TABLE o PAGE_COMPRESSED = 1", "table o altered cautious", MARIADB),
    ([LOG], "ALTER TABLE log REMOVE PARTITIONING", "table log altered cautious", ""),
    ([LOG], "ALTER TABLE log PARTITION BY HASH (n) PARTITIONS 3", "table log altered cautious", ""),
    ([HASHED], "ALTER TABLE h ADD PARTITION PARTITIONS 2", "table h altered cautious", ""),
    ([HASHED], "ALTER TABLE h COALESCE PARTITION 2", "table h altered cautious", ""),
    ([LISTED], "ALTER TABLE l DROP PARTITION pa", "table l altered destructive", ""),
    ([LISTED], "ALTER TABLE l DROP PARTITION pb", "table l altered destructive", ""),
    ([LISTED], "ALTER TABLE l ADD PARTITION (PARTITION pc VALUES IN (4))", "table l altered cautious", ""),
    ([LISTED], "ALTER TABLE l REORGANIZE PARTITION pa, pb INTO (PARTITION pa VALUES IN (1, 2, 3))", "table l altered cautious", ""),
    ([LISTED], "ALTER TABLE l REORGANIZE PARTITION pa INTO (PARTITION p1 VALUES IN (1), PARTITION p2 VALUES IN (2))",
     "table l altered cautious", ""),
    ([LISTED], "ALTER TABLE l REMOVE PARTITIONING", "table l altered cautious", ""),
    ([OF_PAIRS], "ALTER TABLE l DROP PARTITION pa", "table l altered destructive", ""),
    ([SUBPARTITIONED], "ALTER TABLE l DROP PARTITION pb", "table l altered destructive", ""),
    ([WITH_OTHERS], "ALTER TABLE l DROP PARTITION pa", "table l altered destructive", MARIADB),
    ([WITH_OTHERS], "ALTER TABLE l DROP PARTITION po", "table l altered destructive", MARIADB),
    ([WITH_OTHERS], "ALTER TABLE l REORGANIZE PARTITION pa, po INTO (PARTITION pc VALUES IN (9), PARTITION po DEFAULT)",
     "table l altered cautious", MARIADB),
    ([WITH_OTHERS], "ALTER TABLE l REORGANIZE PARTITION po INTO (PARTITION pc VALUES IN (4), PARTITION po DEFAULT)",
     "table l altered cautious", MARIADB),
    # Views and programs
    ([T, VIEW], "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t WHERE a > 0", "view v altered cautious", ""),
    ([T, VIEW], "CREATE OR REPLACE VIEW v AS SELECT id FROM t", "view v altered breaking", ""),
    ([T, VIEW], "CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT id, a FROM t", "view v altered cautious security", ""),
    ([T, VIEW], "CREATE OR REPLACE DEFINER = 'nobody'@'%' VIEW v AS SELECT id, a FROM t", "view v altered cautious security", ""),
    ([T, VIEW], "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t WITH CHECK OPTION", "view v altered cautious security", ""),
    ([T, VIEW], "CREATE OR REPLACE ALGORITHM = TEMPTABLE VIEW v AS SELECT id, a FROM t", "view v altered cautious security", MARIADB),
    ([ROUTINE], "DROP FUNCTION f", "function f dropped breaking", ""),
    ([ROUTINE], "ALTER FUNCTION f SQL SECURITY INVOKER", "function f altered breaking", ""),
    ([ROUTINE], "ALTER FUNCTION f COMMENT 'said'", "comment function f added safe", ""),
    ([ROUTINE], "ALTER FUNCTION f READS SQL DATA", "function f altered cautious", ""),
    ([PROCEDURE], "ALTER PROCEDURE p SQL SECURITY INVOKER", "procedure p altered breaking", ""),
    ([T, TRIGGER], "DROP TRIGGER g", "trigger t.g dropped cautious", ""),
    ([T, TRIGGER], "CREATE TRIGGER g2 BEFORE INSERT ON t FOR EACH ROW PRECEDES g SET NEW.a = 3", "", ""),
    ([EVENT], "ALTER EVENT e DISABLE", "event e altered cautious", ""),
    ([EVENT], "ALTER EVENT e ON SCHEDULE EVERY 2 DAY", "event e altered cautious", ""),
    ([EVENT], "ALTER EVENT e DO SET @x = 2", "event e altered cautious", ""),
    ([EVENT], "ALTER EVENT e ON COMPLETION PRESERVE", "event e altered cautious", ""),
    ([EVENT], "ALTER EVENT e RENAME TO e2", "event e renamed safe", ""),
    ([EVENT], "ALTER EVENT e COMMENT 'said'", "comment event e added safe", ""),
    ([EVENT], "ALTER DEFINER = 'nobody'@'%' EVENT e ENABLE", "event e altered cautious", ""),
    ([SEQUENCE], "ALTER SEQUENCE s INCREMENT BY 3", "sequence s altered cautious", MARIADB),
    ([SEQUENCE], "ALTER SEQUENCE s MAXVALUE 1000", "sequence s altered cautious", MARIADB),
    ([SEQUENCE], "ALTER SEQUENCE s CYCLE", "sequence s altered cautious", MARIADB),
    ([SEQUENCE], "DROP SEQUENCE s", "sequence s dropped breaking", MARIADB),
    # Rights
    ([T], "GRANT SELECT ON t TO 'pair_user'@'%'", "grant t added safe security", ""),
    ([T], "GRANT SELECT (a), UPDATE (b) ON t TO 'pair_user'@'%'", "grant t.a added safe security, grant t.b added safe security", ""),
    ([T, "GRANT SELECT, INSERT ON t TO 'pair_user'@'%'"], "REVOKE INSERT ON t FROM 'pair_user'@'%'", "grant t altered breaking", ""),
    ([T], "GRANT SELECT ON t TO 'pair_user'@'%' WITH GRANT OPTION", "grant t added safe security", ""),
    ([T], "GRANT SELECT ON {db}.* TO 'pair_user'@'%'", "grant database added safe security", ""),
    ([T], "GRANT SELECT ON t TO pair_role", "grant t added safe security", ""),
    ([ROUTINE], "GRANT EXECUTE ON FUNCTION f TO 'pair_user'@'%'", "grant function f added safe security", ""),
    ([T], "GRANT SELECT ON t TO PUBLIC", "grant t added cautious security", MARIADB),
]  # fmt: skip
"""Before, a statement, what is told, and on which server alone."""

SILENT: list[tuple[list[str], list[str], str]] = [
    ([T], ["INSERT INTO t VALUES (1, 1, 'x', 1)", "UPDATE t SET a = 2", "DELETE FROM t"], ""),
    ([T], ["ANALYZE TABLE t", "OPTIMIZE TABLE t", "CHECK TABLE t"], ""),
    ([T], ["TRUNCATE TABLE t"], ""),
    ([T], ["ALTER TABLE t ENGINE = InnoDB", "ALTER TABLE t FORCE"], ""),
    ([T], ["ALTER TABLE t AUTO_INCREMENT = 100"], ""),
    ([T], ["ALTER TABLE t STATS_PERSISTENT = 1, STATS_SAMPLE_PAGES = 30"], ""),
    ([T], ["CREATE TEMPORARY TABLE x (a int)", "DROP TEMPORARY TABLE x"], ""),
    ([T], ["ALTER TABLE t ADD COLUMN d int", "ALTER TABLE t DROP COLUMN d"], ""),
    ([T], ["ALTER TABLE t MODIFY b varchar(20) FIRST"], ""),
    ([T], ["ALTER TABLE t MODIFY a int(11) DEFAULT 1"], ""),
    ([T, VIEW], ["CREATE OR REPLACE VIEW v AS SELECT id, a FROM t"], ""),
    ([T, VIEW], ["DROP VIEW v", VIEW], ""),
    ([T, TRIGGER], ["DROP TRIGGER g", TRIGGER], ""),
    ([ROUTINE], ["DROP FUNCTION f", ROUTINE], ""),
    ([EVENT], ["DROP EVENT e", EVENT], ""),
    ([LOG], ["ALTER TABLE log ADD PARTITION (PARTITION p3 VALUES LESS THAN (TO_DAYS('2026-03-01')))"], ""),
    ([LOG], ["ALTER TABLE log DROP PARTITION p1", "ALTER TABLE log TRUNCATE PARTITION p2"], ""),
    ([LOG], ["ALTER TABLE log REORGANIZE PARTITION p2 INTO (PARTITION q VALUES LESS THAN (TO_DAYS('2026-02-01')))"], ""),
    ([HASHED], ["ALTER TABLE h REBUILD PARTITION p0", "ALTER TABLE h ANALYZE PARTITION p1"], ""),
    ([T, CHILD], ["SET foreign_key_checks = 0", "DROP TABLE t", T, "SET foreign_key_checks = 1"], ""),
    ([T, CHILD], ["ALTER TABLE child DROP FOREIGN KEY of_t",
                  "ALTER TABLE child ADD CONSTRAINT of_t FOREIGN KEY (t) REFERENCES t (id) ON DELETE NO ACTION"], ""),
    ([SEQUENCE], ["SELECT NEXTVAL(s)", "DO SETVAL(s, 101)"], MARIADB),
    ([T, "GRANT SELECT ON t TO 'pair_user'@'%'"], ["GRANT SELECT ON t TO 'pair_user'@'%'", "FLUSH PRIVILEGES"], ""),
    ([T], ["ALTER USER 'pair_user'@'%' IDENTIFIED BY 'another'"], ""),
    ([T], ["FLUSH TABLES", "FLUSH STATUS"], ""),
    # Of tables that are made later it is their own, and told with them.
    ([T], ["ALTER DATABASE {db} CHARACTER SET latin1"], ""),
    ([T, "CREATE INDEX i ON t (b)"], ["ALTER TABLE t DROP INDEX i, ADD INDEX i (b)"], ""),
    ([GENERATED], ["ALTER TABLE n MODIFY v int GENERATED ALWAYS AS ((a + 1))"], ""),
    (["CREATE TABLE o (x varchar(20) COLLATE utf8mb4_bin)"],
     ["ALTER TABLE o MODIFY x varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"], ""),
]  # fmt: skip


@pytest.fixture
def server(each_mysql: MysqlServer) -> Iterator[MysqlServer]:
    found = each_mysql
    found.execute("DROP USER IF EXISTS 'pair_user'@'%'", "DROP ROLE IF EXISTS pair_role")
    found.execute("CREATE USER 'pair_user'@'%' IDENTIFIED BY 'x'", "CREATE ROLE pair_role")
    yield found
    found.execute("DROP USER 'pair_user'@'%'", "DROP ROLE pair_role")


def changes(server: MysqlServer, before: list[str], after: list[str], only: str) -> tuple[list[str], Schema, Schema, bool]:
    if only not in ("", MARIADB if isinstance(server, MariaDB) else MYSQL):
        pytest.skip(f"only {only} has it")
    with mysql_database(server) as (execute, look):
        name = server.execute("SELECT max(SCHEMA_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'case\\_%'")[0][0]
        execute(before)
        old, gate = look()
        execute([statement.replace("{db}", name) for statement in after])
        new, now = look()
    return said([schema_event("shop", d) for d in diff(old, new)]), old, new, gate != now


@pytest.mark.parametrize(("before", "statement", "expected", "only"), TOLD, ids=lambda v: v if isinstance(v, str) else "")
def test_change_is_told(server: MysqlServer, before: list[str], statement: str, expected: str, only: str) -> None:
    told, old, new, moved = changes(server, before, [statement], only)
    assert told == (expected.split(", ") if expected else told)
    assert told, "nothing is told"
    assert moved, "the gate did not move"
    assert old.fingerprint() != new.fingerprint()


@pytest.mark.parametrize(("before", "after", "only"), SILENT, ids=lambda v: "; ".join(v) if isinstance(v, list) else v)
def test_what_changes_nothing_is_silent(server: MysqlServer, before: list[str], after: list[str], only: str) -> None:
    told, old, new, _ = changes(server, before, after, only)
    assert told == []
    assert old.fingerprint() == new.fingerprint()


def test_there_are_enough_pairs_of_both_sorts() -> None:
    for only in (MARIADB, MYSQL):
        assert len([pair for pair in TOLD if pair[3] in ("", only)]) >= 40
        assert len([pair for pair in SILENT if pair[2] in ("", only)]) >= 15
