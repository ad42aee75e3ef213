-- MariaDB only.
-- before
CREATE SEQUENCE s START 5 CACHE 10;
-- after
DO NEXTVAL(s);
DO NEXTVAL(s);
DO SETVAL(s, 500);
-- expect
