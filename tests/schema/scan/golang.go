package shop

// "SELECT emial FROM orders"
func find(db *sql.DB, table string) {
	db.Query("SELECT id, emial FROM orders WHERE id = $1", 1) // expect: column public.orders.emial -> email
	db.Query(`
		SELECT id
		FROM ordres -- expect: table ordres -> orders
		WHERE id = $1`, '"')
	db.Query(fmt.Sprintf("SELECT emial FROM %s", table))
	db.Query(fmt.Sprintf("SELECT %s, emial FROM orders", table))
	query := "SELECT id, name FROM orders"
	query += " JOIN customers USING (id)"
	var b strings.Builder
	b.WriteString("SELECT id, name FROM orders ")
	b.WriteString("JOIN customers USING (id)")
}
