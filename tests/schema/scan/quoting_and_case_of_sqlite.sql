-- dialect: sqlite
SELECT ID, "mixed", `Email`, [total] FROM "Orders";
SELECT id FROM orders WHERE email = "a text";
SELECT rowid, oid FROM orders;
SELECT emial FROM Orders; -- expect: column orders.emial -> email
SELECT o."emial" FROM orders o; -- expect: column orders.emial -> email
SELECT name FROM sqlite_master;
SELECT name FROM sqlite_schema WHERE type = 'table';
SELECT x FROM other.orders;
INSERT OR REPLACE INTO orders (id, emial) VALUES (1, 2); -- expect: column orders.emial -> email
