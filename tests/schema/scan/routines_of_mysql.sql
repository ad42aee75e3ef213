-- dialect: mysql
DELIMITER //
CREATE PROCEDURE p(IN v INT)
BEGIN
    IF v > 1 THEN
        UPDATE nowhere SET a = v;
    END IF;
    SELECT a FROM nowhere;
END //
DELIMITER ;
SELECT emial FROM orders; -- expect: column orders.emial -> email
