def find(column, table):
    db.execute("SELECT " + column + ", emial FROM orders")
    db.execute("SELECT id FROM " + table + " WHERE emial = 1")
    db.execute("SELECT o.emial, " + column + " FROM orders AS o")  # expect: column public.orders.emial -> email
