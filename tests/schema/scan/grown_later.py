def find(name):
    sql = "SELECT id, name FROM orders"
    if name:
        sql += " JOIN customers ON customers.id = orders.customer_id"
    db.execute(sql)
    parts = ["SELECT id, region FROM orders"]
    parts.append("JOIN customers USING (id)")
    db.execute(" ".join(parts))
    head = "SELECT id, name FROM orders"
    db.execute(head + " JOIN customers USING (id)")
    db.execute(f"{base} WHERE id = 1")
    again = "SELECT id FROM ordres"  # expect: table ordres -> orders
    again += " WHERE id = 1"
