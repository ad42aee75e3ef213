sql = (
    "SELECT id, "
    "emial "  # expect: column public.orders.emial -> email
    "FROM orders"
)
other = "SELECT id, " + "totl " + "FROM orders"  # expect: column public.orders.totl -> total
