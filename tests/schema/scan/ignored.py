db.execute("SELECT emial FROM orders")  # tocsin: ignore
db.execute("""
    SELECT emial -- tocsin: ignore
    FROM orders
""")
db.execute("SELECT emial FROM orders")  # expect: column public.orders.emial -> email
