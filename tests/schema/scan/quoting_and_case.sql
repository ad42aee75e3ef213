SELECT ID, Email FROM ORDERS;
SELECT "Mixed" FROM orders;
SELECT mixed FROM orders; -- expect: column public.orders.mixed -> Mixed
SELECT "ID" FROM orders; -- expect: column public.orders.ID -> id
SELECT id FROM "Orders"; -- expect: table Orders -> orders
