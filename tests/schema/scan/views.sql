SELECT id, email FROM open_orders;
SELECT emial FROM open_orders; -- expect: column public.open_orders.emial
SELECT day FROM daily;
SELECT whatever FROM opaque;
SELECT id FROM open_order; -- expect: table open_order -> open_orders
