CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE nowhere SET a = v_a WHERE id = NEW.id;
    RETURN NEW;
END;
$$;
CREATE FUNCTION g() RETURNS integer BEGIN ATOMIC SELECT a FROM nowhere; SELECT 1; END;
DO $body$ BEGIN PERFORM 1 FROM nowhere; END $body$;
CREATE TRIGGER t AFTER INSERT ON orders BEGIN UPDATE nowhere SET a = CASE WHEN 1 THEN 2 END; DELETE FROM nowhere; END;
SELECT emial FROM orders; -- expect: column public.orders.emial -> email
