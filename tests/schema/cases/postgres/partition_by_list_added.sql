-- before
CREATE TABLE m (t text) PARTITION BY LIST (t);
CREATE TABLE h (n int) PARTITION BY HASH (n);
CREATE TABLE log (at date) PARTITION BY RANGE (at);
-- after
CREATE TABLE m_acme PARTITION OF m FOR VALUES IN ('acme');
CREATE TABLE m_rest PARTITION OF m DEFAULT;
CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE log_rest PARTITION OF log DEFAULT;
-- expect
partition public.h_0 added safe
partition public.log_rest added safe
partition public.m_acme added safe
partition public.m_rest added safe
