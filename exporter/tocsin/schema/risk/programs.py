"""What changes of functions, procedures, macros, aggregates, events, languages and extensions can do."""

from __future__ import annotations

from tocsin.event import Risk
from tocsin.schema.difference import Difference
from tocsin.schema.risk.rule import A, D, R, Rule, X, new_is


def _finds_by_callers_path(d: Difference) -> bool:
    """Tell whether a routine of PostgreSQL runs with its owner's rights and looks for what it names where its caller says."""
    o = d.new
    return (
        o is not None
        and o.trait("security") == "definer"
        and o.trait("language") != "SQL"
        and "SET search_path" not in (o.trait("attributes") or "")
    )


RULES: tuple[Rule, ...] = (
    Rule("macro", A, Risk.SAFE, "nobody calls a new macro yet"),
    Rule("macro", D, Risk.BREAKING, "every statement that calls it fails"),
    Rule("macro", R, Risk.BREAKING, "every statement that calls it by its old name fails"),
    Rule("macro", X, Risk.CAUTIOUS, "every statement that calls it computes something else", None, "definition"),
    Rule("event", A, Risk.CAUTIOUS, "from now on the server does by itself what the event says"),
    Rule("event", D, Risk.CAUTIOUS, "what it did at its times is done no longer"),
    Rule("event", R, Risk.SAFE, "only maintenance scripts know an event by its name"),
    Rule("event", X, Risk.CAUTIOUS, "the server does something else by itself, or at other times", None, "definition"),
    Rule("event", X, Risk.CAUTIOUS, "the server does by itself again what the event says", new_is("enabled", "yes"), "enabled"),
    Rule("event", X, Risk.CAUTIOUS, "what it did at its times is done no longer", None, "enabled"),
    *(
        rule
        for kind in ("function", "procedure")
        for rule in (
            Rule(kind, A, Risk.CAUTIOUS, "it runs with its owner's rights and finds what it names by its caller's search_path: pin that",
                 _finds_by_callers_path, security=True),
            Rule(kind, A, Risk.SAFE, f"nobody calls a new {kind} yet"),
            Rule(kind, D, Risk.BREAKING, "every statement that calls it fails"),
            Rule(kind, R, Risk.BREAKING, "every statement that calls it by its old name fails"),
            Rule(kind, X, Risk.BREAKING, "calls that name an argument, or leave one out, can fail or mean something else", None,
                 "arguments"),
            Rule(kind, X, Risk.CAUTIOUS, "it is written in another language", None, "language"),
            Rule(kind, X, Risk.CAUTIOUS, "it does something else than before", None, "body"),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with its owner's rights and finds what it names by its caller's search_path: pin that",
                 _finds_by_callers_path, "attributes", security=True),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with other settings, or the planner calls it at other moments", None, "attributes"),
            Rule(kind, X, Risk.BREAKING, "it runs with its caller's rights, which may not suffice", new_is("security", "invoker"),
                 "security"),
            Rule(kind, X, Risk.CAUTIOUS, "it runs with its owner's rights: callers can do what they may not do themselves", None,
                 "security", security=True),
        )
    ),
    Rule("function", X, Risk.BREAKING, "callers get values of another type", None, "returns"),
    Rule("event trigger", A, Risk.CAUTIOUS, "it acts on statements that change the schema, and an error in it fails them"),
    Rule("event trigger", D, Risk.CAUTIOUS, "what it did when the schema changed is done no longer"),
    Rule("event trigger", R, Risk.SAFE, "only maintenance scripts know it by its name"),
    Rule("event trigger", X, Risk.CAUTIOUS, "it acts at other moments, or does something else", None, "definition"),
    Rule("event trigger", X, Risk.CAUTIOUS, "it acts in other sessions than before, or in none", None, "enabled"),
    Rule("aggregate", X, Risk.CAUTIOUS, "it computes something else than before", None, "definition"),
    Rule("language", X, Risk.CAUTIOUS, "functions of the language are run by other code", None, "definition"),
    Rule("extension", A, Risk.SAFE, "nobody uses a new extension yet"),
    Rule("extension", D, Risk.BREAKING, "every statement that uses its functions and types fails"),
    Rule("extension", X, Risk.CAUTIOUS, "its functions are of another version and may behave differently", None, "version"),
    Rule("extension", X, Risk.BREAKING, "statements that name its functions in the old schema fail", None, "schema"),
)  # fmt: skip
