-- Names are the same in whatever letters' case. What else changed of the table is told by itself.
-- before
CREATE TABLE Orders (id INTEGER PRIMARY KEY, a TEXT UNIQUE, CHECK (a <> ''));
CREATE TABLE u (Name TEXT UNIQUE, b INTEGER CHECK (b > 0), c TEXT);
CREATE INDEX i ON u (Name);
CREATE TABLE W (a INTEGER);
CREATE VIEW V AS SELECT a FROM Orders;
-- after
DROP VIEW V;
ALTER TABLE Orders RENAME TO other;
ALTER TABLE other RENAME TO orders;
CREATE VIEW v AS SELECT a FROM orders;
ALTER TABLE u RENAME COLUMN Name TO name;
ALTER TABLE u RENAME COLUMN b TO B;
DROP TABLE W;
CREATE TABLE w (a INTEGER, b TEXT);
-- expect
column u.Name renamed safe
column u.b renamed safe
column w.b added safe
table Orders renamed safe
table W renamed safe
view V renamed safe
