SELECT FROM WHERE nothing;
SELECT id FROM orders WHERE (((;
SELECT emial FROM orders; -- expect: column public.orders.emial -> email
