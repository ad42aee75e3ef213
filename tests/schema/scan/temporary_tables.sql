CREATE TEMPORARY TABLE work (a integer);
INSERT INTO work (a, b) VALUES (1, 2);
SELECT a INTO TEMP result FROM work;
SELECT c FROM result;
CREATE TABLE IF NOT EXISTS "of_its_own" (a integer);
SELECT b FROM of_its_own;
ALTER TABLE of_its_own RENAME TO renamed;
SELECT b FROM renamed;
