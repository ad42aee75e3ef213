-- before
CREATE SUBSCRIPTION case_gone CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_old CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_changed CONNECTION 'host=/nowhere password=hidden' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE SUBSCRIPTION case_on CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = x);
CREATE SUBSCRIPTION case_off CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = x);
UPDATE pg_subscription SET subenabled = true WHERE subname = 'case_off';
-- after
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
subscription case_off altered breaking
subscription case_on altered cautious
