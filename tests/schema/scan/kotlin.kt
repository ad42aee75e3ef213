val a = "SELECT emial FROM orders WHERE id = ?" // expect: column public.orders.emial -> email
val b = "SELECT emial FROM $table"
val c = "SELECT id, ${columns.joinToString { "x" }} FROM ordres" // expect: table ordres -> orders
val d = """
    SELECT id, emial -- expect: column public.orders.emial -> email
    FROM orders
""".trimIndent()
