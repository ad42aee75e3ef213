-- before
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01 00:00:00' DO SET @a = 1;
-- after
ALTER EVENT e RENAME TO f;
-- expect
event e renamed safe
