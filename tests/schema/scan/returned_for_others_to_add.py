def base():
    return "SELECT id, name FROM orders"


def other():
    return "SELECT id FROM ordres"  # expect: table ordres -> orders


class Query:
    columns = "id, email"
    sql = "SELECT id, name FROM orders"

    def run(self):
        db.execute(self.sql + " JOIN customers USING (id)")
