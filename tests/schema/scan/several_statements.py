SCRIPT = """
    DELETE FROM orders WHERE id = 1;
    DELETE FROM ordres;  -- expect: table ordres -> orders
    UPDATE orders SET emial = 1;  -- expect: column public.orders.emial -> email
"""
