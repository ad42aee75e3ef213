-- In other letters' case of the words, other white space and comments.
-- before
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'x' CHECK (b <> ''));
CREATE INDEX i ON t (b);
-- after
DROP TABLE t;
create table t (
  a INTEGER primary key, -- a comment, with a comma
  b TEXT default 'x' check ( b  <>  '' )
);
CREATE INDEX i
  on t(b);
-- expect
