class Java {
    // "SELECT emial FROM orders"
    String a = "SELECT id, " +
        "emial " + // expect: column public.orders.emial -> email
        "FROM orders";
    String b = """
        SELECT id
        FROM ordres -- expect: table ordres -> orders
        """;
    char quote = '"';
    String c = String.format("SELECT emial FROM %s", table);
    StringBuilder s = new StringBuilder().append("SELECT id, name FROM orders").append(" JOIN customers USING (id)");
    String d = "SELECT id FROM orders WHERE email = ? AND total = :total";
}
