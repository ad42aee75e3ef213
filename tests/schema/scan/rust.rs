// "SELECT emial FROM orders"
fn find<'a>(x: &'a str) {
    sqlx::query("SELECT emial FROM orders WHERE id = $1"); // expect: column public.orders.emial -> email
    sqlx::query(r#"SELECT id, "Mixed" FROM ordres"#); // expect: table ordres -> orders
    let q = format!("SELECT emial FROM {}", table);
    let c = '"';
    sqlx::query("SELECT id
        FROM orders
        WHERE emial = 1"); // expect: column public.orders.emial -> email
}
