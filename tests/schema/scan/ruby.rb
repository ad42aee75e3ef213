# "SELECT emial FROM orders"
db.exec("SELECT emial FROM orders WHERE id = $1", [1]) # expect: column public.orders.emial -> email
db.exec("SELECT id FROM #{table} WHERE emial = 1")
db.exec(<<~SQL)
  SELECT id
  FROM ordres -- expect: table ordres -> orders
SQL
db.exec('SELECT id FROM orders ' \
        'WHERE emial = 1') # expect: column public.orders.emial -> email
sql = "SELECT id, name FROM orders"
sql << " JOIN customers USING (id)"
