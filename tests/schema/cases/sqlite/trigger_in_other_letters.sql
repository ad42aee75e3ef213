-- A trigger belongs to its table, in whichever letters' case it names it.
-- before
CREATE TABLE Orders (id INTEGER PRIMARY KEY, b INTEGER);
-- after
CREATE TRIGGER r AFTER INSERT ON ORDERS BEGIN UPDATE orders SET b = 1; END;
-- expect
trigger Orders.r added cautious
