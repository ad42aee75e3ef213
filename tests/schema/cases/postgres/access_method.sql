-- before
CREATE ACCESS METHOD gone TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD changed TYPE TABLE HANDLER heap_tableam_handler;
-- after
CREATE ACCESS METHOD come TYPE INDEX HANDLER bthandler;
DROP ACCESS METHOD gone;
DROP ACCESS METHOD changed;
CREATE ACCESS METHOD changed TYPE INDEX HANDLER hashhandler;
-- expect
access method come added safe
access method gone dropped breaking
access method changed altered cautious
