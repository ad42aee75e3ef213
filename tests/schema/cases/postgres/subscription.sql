-- before
CREATE SUBSCRIPTION case_gone CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_old CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_changed CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_on CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = x);
CREATE SUBSCRIPTION case_off CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = x);
UPDATE pg_subscription SET subenabled = true WHERE subname = 'case_off';
CREATE SUBSCRIPTION case_moved CONNECTION 'host=/nowhere port=1 password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_uri CONNECTION 'postgresql://me:hidden@here/a' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_secret CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
-- after
ALTER SUBSCRIPTION case_moved CONNECTION 'host=/nowhere port=2 password=hidden';
ALTER SUBSCRIPTION case_uri CONNECTION 'postgresql://me:hidden@there/a';
ALTER SUBSCRIPTION case_secret CONNECTION 'host=/nowhere password=other';
CREATE SUBSCRIPTION case_come CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
DROP SUBSCRIPTION case_gone;
ALTER SUBSCRIPTION case_old RENAME TO case_new;
ALTER SUBSCRIPTION case_changed SET (synchronous_commit = on);
UPDATE pg_subscription SET subenabled = false WHERE subname = 'case_off';
UPDATE pg_subscription SET subenabled = true WHERE subname = 'case_on';
-- expect
subscription case_come added cautious
subscription case_gone dropped breaking
subscription case_old renamed safe
subscription case_changed altered cautious
subscription case_moved altered cautious security
subscription case_uri altered cautious security
subscription case_off altered breaking
subscription case_on altered cautious
