db.execute("SELECT id, email, total FROM orders WHERE customer_id = %s", (1,))
db.execute("SELECT id, email FROM public.orders")
db.execute("SELECT amount FROM billing.invoices")
