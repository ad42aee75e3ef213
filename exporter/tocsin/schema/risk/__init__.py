"""How much harm a schema change can do: tables of rules, each with its reason in words."""

from __future__ import annotations

from typing import NamedTuple

from tocsin.event import Change, Risk
from tocsin.schema.difference import Content, Difference
from tocsin.schema.risk import definitions, parts, programs, relations, rights
from tocsin.schema.risk.rule import Rule
from tocsin.schema.risk.widening import type_widens

__all__ = ["RULES", "Rule", "Verdict", "type_widens", "weigh"]

RULES: tuple[Rule, ...] = (
    *(
        Rule(
            kind,
            Change.RENAMED,
            Risk.SAFE,
            "the engine takes no account of letters' case in names: statements go on as before",
            lambda d: d.respelled,
        )
        for kind in ("schema", "table", "column", "view", "sequence", "enum", "type", "macro")
    ),
    *relations.RULES,
    *parts.RULES,
    *programs.RULES,
    *definitions.RULES,
    *rights.RULES,
)
"""Of those that speak of a change the first that fits decides."""


_MOST_NAMES = 3

_CONCLUDED = {
    ("column", Content.ALL): "concluded from its place and its type: if it was dropped and another one added, its values are gone",
    ("table", Content.ALL): "concluded from its parts, which are all the same: if another table was made instead, the rows of the"
    " old one are gone",
    ("table", Content.NEARLY_ALL): "concluded from its parts, which are the same but for one: if another table was made instead, the rows"
    " of the old one are gone",
}  # fmt: skip
"""What is said where no number of the engine tells a rename, and what it would be otherwise."""


class Verdict(NamedTuple):
    """How much harm a change can do, why, and whether it bears on who may do what."""

    risk: Risk
    reason: str
    security: bool = False


def weigh(difference: Difference) -> Verdict:
    """Return the risk of a difference, and why.

    Of an altered object every altered trait is weighed; the heaviest counts. Its reasons are told, and those of security.
    """
    kind = difference.subject.kind
    traits: list[str | None] = list(difference.altered_traits()) if difference.change is Change.ALTERED else []
    verdicts = [_verdict(kind, difference, trait) for trait in traits or [None]]
    order = list(Risk)
    heaviest = max((v.risk for v in verdicts), key=order.index)
    reasons = dict.fromkeys(v.reason for v in verdicts if v.risk is heaviest or v.security)
    return Verdict(heaviest, "; ".join([*reasons, *_besides(difference)]), any(v.security for v in verdicts))


def _besides(difference: Difference) -> list[str]:
    """Return what a reader of the two definitions would not see."""
    found = dict.fromkeys(
        f"{o.name} is another one than before" + (f" (that one is called {o.became} now)" if o.became else "") for o in difference.others
    )
    told = list(found)[:_MOST_NAMES]
    if len(found) > len(told):
        told.append(f"{len(found) - len(told)} more names mean something else")
    if difference.change is Change.ALTERED and difference.objects is not None:
        told.append(f"rights and objects that name it: {difference.objects}")
    if difference.concluded is not None:
        told.append(
            _CONCLUDED.get((difference.subject.kind, difference.concluded), "concluded from what it consists of, which is the same")
        )
    return told


def _verdict(kind: str, difference: Difference, trait: str | None) -> Verdict:
    for rule in RULES:
        if (rule.kind, rule.change, rule.trait) == (kind, difference.change, trait) and (rule.when is None or rule.when(difference)):
            return Verdict(rule.risk, rule.reason, rule.security)
    return Verdict(Risk.CAUTIOUS, f"{trait or kind} {difference.change}")
