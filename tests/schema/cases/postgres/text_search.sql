-- before
CREATE TEXT SEARCH CONFIGURATION gone (COPY = simple);
CREATE TEXT SEARCH CONFIGURATION old (COPY = simple);
CREATE TEXT SEARCH CONFIGURATION changed (COPY = simple);
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE plain (LEXIZE = dsimple_lexize, INIT = dsimple_init);
-- after
CREATE TEXT SEARCH CONFIGURATION come (COPY = simple);
DROP TEXT SEARCH CONFIGURATION gone;
ALTER TEXT SEARCH CONFIGURATION old RENAME TO new;
ALTER TEXT SEARCH CONFIGURATION changed DROP MAPPING FOR email;
ALTER TEXT SEARCH DICTIONARY words (STOPWORDS = english);
DROP TEXT SEARCH PARSER p;
DROP TEXT SEARCH TEMPLATE plain;
-- expect
text search configuration public.come added safe
text search configuration public.gone dropped breaking
text search configuration public.old renamed breaking
text search configuration public.changed altered cautious
text search dictionary public.words altered cautious
text search parser public.p dropped breaking
text search template public.plain dropped breaking
