SELECT o.id, c.name, c.regoin -- expect: column public.customers.regoin -> region
FROM orders AS o
JOIN customers c ON c.id = o.customer -- expect: column public.orders.customer -> customer_id
LEFT JOIN order_items i ON i.order_id = o.id
WHERE i.qty > 1 AND sku = 'x';
SELECT id, nobody FROM orders JOIN customers USING (id); -- expect: column nobody
SELECT orders.email, public.orders.total FROM orders;
SELECT z.what FROM orders o;
