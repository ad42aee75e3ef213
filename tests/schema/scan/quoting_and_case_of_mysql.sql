-- dialect: mysql
SELECT `ID`, Email FROM `orders` WHERE email = "a text" LIMIT 1, 10;
SELECT emial FROM shop.orders; -- expect: column orders.emial -> email
SELECT x FROM elsewhere.orders;
INSERT INTO orders (id, emial) VALUES (1, 2) ON DUPLICATE KEY UPDATE email = VALUES(email); -- expect: column orders.emial -> email
INSERT IGNORE INTO ordres (id) VALUES (1); -- expect: table ordres -> orders
REPLACE INTO ordres (id) VALUES (1); -- expect: table ordres -> orders
UPDATE orders o JOIN customers c ON c.id = o.customer_id SET o.emial = 'x'; -- expect: column orders.emial -> email
SELECT GROUP_CONCAT(email ORDER BY id SEPARATOR ',') FROM orders;
SELECT TIMESTAMPDIFF(SECOND, created_at, NOW()), DATE_ADD(created_at, INTERVAL 1 DAY) FROM orders;
