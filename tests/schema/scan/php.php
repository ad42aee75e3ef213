<?php
// "SELECT emial FROM orders"
$db->query("SELECT emial FROM orders WHERE id = ?"); // expect: column public.orders.emial -> email
$db->query("SELECT emial FROM $table");
$db->query("SELECT emial FROM {$this->table} WHERE id = 1");
$db->query('SELECT id FROM ' . $table . ' WHERE emial = 1');
$db->query('SELECT id, ' . 'emial FROM orders'); // expect: column public.orders.emial -> email
$sql = "SELECT id, name FROM orders";
$sql .= " JOIN customers USING (id)";
$text = <<<SQL
SELECT id
FROM ordres -- expect: table ordres -> orders
SQL;
