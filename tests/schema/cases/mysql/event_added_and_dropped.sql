-- before
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a = 1;
-- after
DROP EVENT e;
CREATE EVENT f ON SCHEDULE AT '2037-01-01 00:00:00' DO SET @a = 1;
-- expect
event e dropped cautious
event f added cautious
