-- A text that is not SQLite's to change is told: a literal, another table's column, a name with a number of its own.
-- before
CREATE TABLE orders (id INTEGER, status TEXT);
CREATE TABLE orders_2023 (id INTEGER, status TEXT, state TEXT);
CREATE TABLE orders_2024 (id INTEGER, status TEXT);
CREATE TABLE other (k TEXT DEFAULT 'status', z TEXT);
CREATE VIEW v AS SELECT id FROM orders_2023;
CREATE VIEW w AS SELECT status AS x FROM orders_2023;
CREATE VIEW u AS SELECT id FROM orders WHERE status <> 'status';
CREATE VIEW follows AS SELECT status AS x FROM orders AS o WHERE o.status > '';
-- after
ALTER TABLE orders RENAME COLUMN status TO state;
DROP VIEW v;
CREATE VIEW v AS SELECT id FROM orders_2024;
DROP VIEW w;
CREATE VIEW w AS SELECT state AS x FROM orders_2023;
DROP VIEW u;
CREATE VIEW u AS SELECT id FROM orders WHERE state <> 'state';
ALTER TABLE other RENAME TO was_other;
CREATE TABLE other (k TEXT DEFAULT 'state', z TEXT);
DROP TABLE was_other;
-- expect
column orders.status renamed breaking
column other.k altered cautious
view u altered cautious
view v altered cautious
view w altered cautious
