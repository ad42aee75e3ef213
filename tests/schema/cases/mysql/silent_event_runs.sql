-- before
CREATE EVENT e ON SCHEDULE EVERY 1 SECOND STARTS '2026-01-01 00:00:00' DO SET @a = 1;
-- after
SET GLOBAL event_scheduler = ON;
DO SLEEP(2.2);
SET GLOBAL event_scheduler = OFF;
-- expect
