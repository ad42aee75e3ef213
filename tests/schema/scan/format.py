def find(table):
    db.execute("SELECT emial FROM {}".format(table))
    db.execute("SELECT id, {columns} FROM ordres".format(columns=1))  # expect: table ordres -> orders
    later = "SELECT emial FROM {table} WHERE id = 1"
    db.execute(later.format(table=table))
