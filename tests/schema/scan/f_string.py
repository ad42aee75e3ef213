def find(column, table, suffix, joins, order):
    db.execute(f"SELECT {column}, emial FROM orders")
    db.execute(f"SELECT id FROM {table}")
    db.execute(f"SELECT id FROM orders_{suffix} WHERE nothing = 1")
    db.execute(f"SELECT id FROM {suffix}_orders")
    db.execute(f"SELECT id, name FROM orders {joins}")
    db.execute(f"SELECT id FROM ordres ORDER BY {order}")  # expect: table ordres -> orders
    db.execute(f"INSERT INTO orders (id, emial) VALUES ({column})")  # expect: column public.orders.emial -> email
    db.execute(f"INSERT INTO orders (id) {joins} SELECT i FROM numbers")
    db.execute(f"WITH {joins} SELECT i FROM numbers")
    db.execute(f"UPDATE orders SET {column} = 1 WHERE x = {order}")
