"""What changes of owners, rights and roles can do."""

from __future__ import annotations

from tocsin.event import Risk
from tocsin.schema.defaults import WITHOUT
from tocsin.schema.difference import Difference
from tocsin.schema.model import Object
from tocsin.schema.risk.rule import A, D, R, Rule, X, means_another

_EVERYBODY = "PUBLIC"


def _rights(o: Object | None, separator: str) -> set[tuple[str, str]]:
    """Return who may do what (separator `=`), or may not do what the default allows (` without `), as pairs.

    Who may grant a right on, which is a star behind it, has it, too.
    """
    lines = ((o and o.traits[0]) or "").split("; ")
    parts = (line.partition(separator) for line in lines)
    found = {(who, right) for who, said, rights in parts if said for right in rights.split(", ")}
    return found | {(who, right.rstrip("*")) for who, right in found}


def _gained(d: Difference) -> set[tuple[str, str]]:
    return (_rights(d.new, "=") - _rights(d.old, "=")) | (_rights(d.old, WITHOUT) - _rights(d.new, WITHOUT))


def _lost(d: Difference) -> set[tuple[str, str]]:
    return (_rights(d.old, "=") - _rights(d.new, "=")) | (_rights(d.new, WITHOUT) - _rights(d.old, WITHOUT))


def _by_everybody(d: Difference) -> bool:
    return any(who == _EVERYBODY for who, _ in _gained(d))


def _from_everybody(d: Difference) -> bool:
    return any(who == _EVERYBODY for who, _ in _lost(d))


def _on_the_server(d: Difference) -> bool:
    return d.subject.parent == "server"


RULES: tuple[Rule, ...] = (
    Rule("role", R, Risk.BREAKING, "whoever logs in by the old name fails, and a password that was kept as MD5 is gone with it",
         security=True),
    Rule("role", X, Risk.BREAKING, "a role of this name was dropped and made again, or another one was renamed to it: its password, its"
         " settings and the roles that it is a member of are not those of the old one", security=True),
    Rule("user mapping", A, Risk.SAFE, "a role can log in at a foreign server from now on", security=True),
    Rule("user mapping", D, Risk.BREAKING, "the role can no longer use the foreign tables of the server"),
    Rule("user mapping", X, Risk.CAUTIOUS, "the role logs in at the foreign server in another way", None, "definition", security=True),
    Rule("owner", A, Risk.CAUTIOUS, "another role than its table's owner may do everything with the partition", security=True),
    Rule("owner", D, Risk.CAUTIOUS, "the partition belongs to its table's owner again", security=True),
    Rule("owner", X, Risk.CAUTIOUS, "the new owner may do everything with it, the old one only what is granted", None, "role",
         security=True),
    Rule("grant", X, Risk.BREAKING, "the rights are those of another role, which bears the name now", means_another("privileges"),
         "privileges", security=True),
    Rule("grant", X, Risk.BREAKING, "some lose rights, and their statements fail; others gain some",
         lambda d: bool(_lost(d) and _gained(d)), "privileges", security=True),
    *(
        rule
        for change, trait in ((D, None), (X, "privileges"))
        for rule in (
            Rule("grant", change, Risk.BREAKING, "what everybody had was taken away: statements of roles without a right of their own fail",
                 _from_everybody, trait),
            Rule("grant", change, Risk.BREAKING, "statements of those who lost rights fail", lambda d: bool(_lost(d)), trait),
        )
    ),
    *(
        rule
        for change, trait in ((A, None), (X, "privileges"))
        for rule in (
            Rule("grant", change, Risk.CAUTIOUS, "everybody who can connect has rights that not everybody had", _by_everybody, trait,
                 security=True),
            Rule("grant", change, Risk.CAUTIOUS, "the account may do more than before on the whole server, in every database",
                 _on_the_server, trait, security=True),
            Rule("grant", change, Risk.SAFE, "more may use it than before", None, trait, security=True),
        )
    ),
    Rule("default privileges", A, Risk.CAUTIOUS, "what is made from now on comes with other rights", security=True),
    Rule("default privileges", D, Risk.CAUTIOUS, "what is made from now on comes without these rights", security=True),
    Rule("default privileges", X, Risk.CAUTIOUS, "what is made from now on comes with other rights", None, "privileges", security=True),
)  # fmt: skip
