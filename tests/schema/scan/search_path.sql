SELECT amount FROM invoices; -- expect: table invoices -> billing.invoices
SELECT amuont FROM billing.invoices; -- expect: column billing.invoices.amuont -> amount
SELECT id FROM biling.invoices; -- expect: table biling.invoices -> billing.invoices
SELECT id FROM other_database.public.orders;
