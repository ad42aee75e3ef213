"""SQL in a source tree that names tables or columns which a schema does not have.

Built never to cry wolf: whatever cannot be decided from the text alone (parts put together at run time, functions,
temporary tables, system catalogues, statements that do not parse) is passed over.
"""
