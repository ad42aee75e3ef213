db.execute("SELECT id FROM orders WHERE email = %s AND id = %(id)s AND total IN (%s, %s) LIMIT %s")
db.execute("SELECT id FROM orders WHERE email = :email AND total > :total::numeric")
db.execute("SELECT id FROM orders WHERE email = ? AND total BETWEEN ? AND ?")
db.execute("SELECT id FROM orders WHERE email = $1 AND id = ANY($2)")
db.execute("INSERT INTO orders (id, email) VALUES %s")
db.execute("SELECT id FROM orders WHERE emial = :email")  # expect: column public.orders.emial -> email
db.execute("UPDATE orders SET emial = $1 WHERE id = $2")  # expect: column public.orders.emial -> email
db.execute("SELECT id FROM ordres WHERE email LIKE '%s%%' AND id = ?")  # expect: table ordres -> orders
