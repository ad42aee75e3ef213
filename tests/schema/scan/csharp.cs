// "SELECT emial FROM orders"
var a = "SELECT emial FROM orders WHERE id = @id"; // expect: column public.orders.emial -> email
var b = $"SELECT emial FROM {table} WHERE id = 1";
var c = @"SELECT id, ""Mixed""
FROM ordres"; // expect: table ordres -> orders
var d = $@"SELECT {columns}, emial FROM orders";
cmd.CommandText = "SELECT id, name FROM orders" + joins;
