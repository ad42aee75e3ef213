\connect shop
COPY public.orders (id, email) FROM stdin;
1	SELECT x FROM nowhere;
\.
SET search_path = '';
SELECT pg_catalog.setval('public.orders_id_seq', 1);
SELECT emial FROM orders; -- expect: column public.orders.emial -> email
