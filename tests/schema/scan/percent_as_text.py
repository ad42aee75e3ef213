def find(table, columns):
    db.execute("SELECT emial FROM %s" % table)
    db.execute("SELECT %s, emial FROM orders" % columns)
    template = "SELECT nothing, %s FROM orders"
    db.execute(template % columns)
    db.execute("SELECT emial FROM orders WHERE id = %s", 1)  # expect: column public.orders.emial -> email
