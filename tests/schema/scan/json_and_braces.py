db.execute("""SELECT id FROM orders WHERE email = '{"a": 1}' AND total = ANY('{1,2}')""")
db.execute("SELECT emial FROM orders WHERE email @> '{1}'")
db.execute("SELECT o.emial FROM orders o WHERE email @> '{1}'")  # expect: column public.orders.emial -> email
