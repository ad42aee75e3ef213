-- before
CREATE TABLE `odd.table` (`ünï ``q`` ' code` int);
-- after
ALTER TABLE `odd.table` MODIFY `ünï ``q`` ' code` int NOT NULL;
-- expect
column odd.table.ünï `q` ' code altered cautious
