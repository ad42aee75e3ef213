"""What changes of types and of all else that a database or the server has beside tables and programs can do."""

from __future__ import annotations

from tocsin.event import Risk
from tocsin.schema.risk.rule import A, D, R, Rule, X, appended, keeps, means_another, new_is

RULES: tuple[Rule, ...] = (
    Rule("database", A, Risk.SAFE, "nobody uses a new database yet"),
    Rule("database", D, Risk.DESTRUCTIVE, "all its data is gone, and every client that connects to it fails"),
    Rule("database", R, Risk.BREAKING, "every client that connects to it by the old name fails"),
    Rule("schema", A, Risk.SAFE, "nobody uses a new schema yet"),
    Rule("schema", D, Risk.DESTRUCTIVE, "all that was in it is gone, and every statement that names it fails"),
    Rule("schema", R, Risk.BREAKING, "every statement that names it fails, and every search_path with it misses it"),
    Rule("tablespace", R, Risk.SAFE, "only statements that put something into it know it by its name"),
    Rule("enum", A, Risk.SAFE, "no column has a new type yet"),
    Rule("enum", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("enum", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("enum", X, Risk.CAUTIOUS, "programs that know all its values meet one that they do not know", appended("values"), "values"),
    Rule("enum", X, Risk.BREAKING, "statements that name a value which went fail, or values have another order", None, "values"),
    Rule("type", A, Risk.SAFE, "no column has a new type yet"),
    Rule("type", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("type", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("type", X, Risk.BREAKING, "values of it look otherwise from now on: casts to it and fields of it fail", None, "definition"),
    Rule("comment", A, Risk.SAFE, "only people read comments"),
    Rule("comment", D, Risk.SAFE, "only people miss a comment"),
    Rule("comment", X, Risk.SAFE, "only people read comments", None, "text"),
    Rule("domain", A, Risk.SAFE, "no column has a new type yet"),
    Rule("domain", D, Risk.BREAKING, "statements that name the type fail"),
    Rule("domain", R, Risk.BREAKING, "statements that use the type by its old name fail"),
    Rule("domain", X, Risk.BREAKING, "columns of the domain hold values of another type", None, "type"),
    Rule("domain", X, Risk.CAUTIOUS, "NULL is refused in columns of the domain from now on", new_is("nullable", "no"), "nullable"),
    Rule("domain", X, Risk.BREAKING, "NULL is allowed from now on: readers that do not expect it fail", None, "nullable"),
    Rule("domain", X, Risk.CAUTIOUS, "new rows that leave such columns out get another default", None, "default"),
    Rule("domain", X, Risk.CAUTIOUS, "another set of values is refused from now on", None, "definition"),
    *(
        rule
        for kind in ("aggregate", "collation", "operator", "operator class", "operator family", "conversion", "text search", "transform",
                     "access method", "language", "foreign data wrapper", "foreign server")
        for rule in (
            Rule(kind, A, Risk.SAFE, f"nobody uses the new {kind} yet"),
            Rule(kind, D, Risk.BREAKING, "what relies on it fails"),
        )
    ),
    *(
        Rule(kind, R, Risk.BREAKING, "every statement that uses its old name fails")
        for kind in ("aggregate", "collation", "operator class", "operator family", "conversion", "text search", "language",
                     "foreign data wrapper", "foreign server")
    ),
    Rule("collation", X, Risk.CAUTIOUS, "texts are sorted and compared in another way, and indexes on them may be wrong", None,
         "definition"),
    Rule("operator", X, Risk.CAUTIOUS, "it computes something else, or the planner uses it in another way", None, "definition"),
    Rule("operator class", X, Risk.CAUTIOUS, "indexes that use it sort or find in another way", None, "definition"),
    Rule("operator family", X, Risk.CAUTIOUS, "indexes of the family serve other comparisons", None, "definition"),
    Rule("conversion", X, Risk.CAUTIOUS, "texts are converted in another way", None, "definition"),
    Rule("text search", X, Risk.CAUTIOUS, "texts are split and normalised in another way: what was indexed before may not be found",
         None, "definition"),
    Rule("transform", X, Risk.CAUTIOUS, "values reach functions of the language in another form", None, "definition"),
    Rule("access method", X, Risk.CAUTIOUS, "tables or indexes are read and written by other code", None, "definition"),
    Rule("foreign data wrapper", X, Risk.CAUTIOUS, "foreign tables are reached in another way", None, "definition"),
    Rule("foreign server", X, Risk.CAUTIOUS, "foreign tables are reached elsewhere or in another way", None, "definition"),
    Rule("cast", A, Risk.CAUTIOUS, "statements that failed before can work, and others may mean something else"),
    Rule("cast", D, Risk.BREAKING, "statements that rely on the conversion fail"),
    Rule("cast", X, Risk.CAUTIOUS, "values are converted in another way, or at other places", None, "definition"),
    Rule("publication", A, Risk.SAFE, "nobody follows a new publication yet"),
    Rule("publication", D, Risk.BREAKING, "subscribers get no changes any more"),
    Rule("publication", R, Risk.BREAKING, "subscribers that know it by the old name get no changes any more"),
    Rule("publication", X, Risk.CAUTIOUS, "subscribers get other kinds of changes", None, "definition"),
    Rule("publication", X, Risk.BREAKING, "subscribers get changes of another table, which bears the name now", means_another("tables"),
         "tables"),
    Rule("publication", X, Risk.CAUTIOUS, "subscribers get changes of more tables, which they must have", keeps("tables"), "tables"),
    Rule("publication", X, Risk.BREAKING, "subscribers get no changes of some tables or columns any more", None, "tables"),
    Rule("subscription", A, Risk.CAUTIOUS, "rows come from elsewhere and may collide with those that are here"),
    Rule("subscription", D, Risk.BREAKING, "changes made elsewhere do not come any more"),
    Rule("subscription", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("subscription", X, Risk.CAUTIOUS, "other changes come from elsewhere, or in another way", None, "definition"),
    Rule("subscription", X, Risk.CAUTIOUS, "changes come from another server or database, or by another login", None, "connection",
         security=True),
    Rule("subscription", X, Risk.BREAKING, "changes made elsewhere do not come any more", new_is("enabled", "no"), "enabled"),
    Rule("subscription", X, Risk.CAUTIOUS, "changes made elsewhere come from now on", None, "enabled"),
)  # fmt: skip
