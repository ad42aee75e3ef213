-- name: find_order
SELECT id FROM orders WHERE email = :email AND created_at > :'since';
SELECT emial FROM orders WHERE id = :id; -- expect: column public.orders.emial -> email
