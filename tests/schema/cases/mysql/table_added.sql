-- before
CREATE TABLE t (a int);
-- after
CREATE TABLE u (b int PRIMARY KEY, c varchar(9), KEY (c)) COMMENT 'not told by itself';
-- expect
table u added safe
