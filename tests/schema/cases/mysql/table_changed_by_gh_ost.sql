-- Its working copy takes the table's place, and the table that of another, in one step; then that is dropped.
-- before
CREATE TABLE orders (id int PRIMARY KEY, a int, b int);
CREATE TABLE _orders_gho (id int PRIMARY KEY, a int, b int, c int);
CREATE TABLE _orders_ghc (id bigint PRIMARY KEY, hint varchar(64));
CREATE TABLE _items_new (id int, k int, l int, m int, n int, o int, p int);
-- after
RENAME TABLE orders TO _orders_del, _orders_gho TO orders;
DROP TABLE _orders_ghc;
RENAME TABLE _items_new TO _items_old;
-- expect
column orders.c added safe
table _items_new renamed safe
table _orders_del added safe
table _orders_ghc dropped cautious
table _orders_gho dropped cautious
