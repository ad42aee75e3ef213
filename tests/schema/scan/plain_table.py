db.execute("SELECT id FROM ordres")  # expect: table ordres -> orders
