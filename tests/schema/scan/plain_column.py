db.execute("SELECT id, emial FROM orders")  # expect: column public.orders.emial -> email
