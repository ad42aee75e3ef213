SELECT emial FROM orders; -- tocsin: ignore
SELECT emial FROM orders; -- expect: column public.orders.emial -> email
-- tocsin: ignore
SELECT emial FROM orders;
SELECT emial FROM orders; -- expect: column public.orders.emial -> email
