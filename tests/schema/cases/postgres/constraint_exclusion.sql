-- before
CREATE TABLE t (during tsrange);
-- after
ALTER TABLE t ADD CONSTRAINT apart EXCLUDE USING gist (during WITH &&);
-- expect
constraint public.t.apart added cautious
