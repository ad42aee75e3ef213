// SELECT emial FROM orders
/* "SELECT emial FROM orders" */
db.query("SELECT emial FROM orders WHERE id = $1", [id]); // expect: column public.orders.emial -> email
db.query('SELECT id FROM ordres'); // expect: table ordres -> orders
db.query(`
  SELECT id, emial -- expect: column public.orders.emial -> email
  FROM orders
`);
db.query(`SELECT emial, ${columns.map(c => `"${c}"`).join(", ")} FROM orders`);
db.query(`SELECT id FROM ${table} WHERE emial = 1`);
db.query("SELECT id, " + "emial FROM orders"); // expect: column public.orders.emial -> email
db.query("SELECT id, name FROM orders" + joins);
db.query("SELECT " + columns + " FROM ordres"); // expect: table ordres -> orders
let sql = "SELECT id, name FROM orders";
sql += " JOIN customers USING (id)";
const text = "it's; \"quoted\" SELECT emial FROM orders";
const label = "Select an item from the list";
db.query("SELECT emial FROM orders"); // tocsin: ignore
