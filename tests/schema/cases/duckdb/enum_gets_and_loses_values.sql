-- before
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE size AS ENUM ('s', 'm', 'l');
CREATE TYPE gone AS ENUM ('x');
-- after
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s fine');
DROP TYPE size;
CREATE TYPE size AS ENUM ('s', 'l');
DROP TYPE gone;
CREATE TYPE fresh AS ENUM ('a');
-- expect
enum main.mood altered cautious
enum main.size altered breaking
enum main.gone dropped breaking
enum main.fresh added safe
