const rows: Row[] = await sql<Row[]>`SELECT id, ${name} FROM ordres`; // expect: table ordres -> orders
const query: string = 'UPDATE orders SET emial = ? WHERE id = ?'; // expect: column public.orders.emial -> email
await db.query(query, [1, 2]);
const parts = ['SELECT id, name FROM orders'].concat(more);
