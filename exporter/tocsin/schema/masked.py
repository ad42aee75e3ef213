"""Objects as people may see them: what is a secret in their texts is stars. Fingerprints are of what they really are."""

from __future__ import annotations

from tocsin import mask
from tocsin.schema.model import TRAITS, Object

_VALUED = ("default", "generated", "options", "text")
"""Traits that hold a value of the object by its name."""


def masked(o: Object) -> Object:
    """Return the object with its texts masked: the same one where they hold no secret."""
    traits = tuple(t and _trait(o, name, t) for name, t in zip(TRAITS[o.kind], o.traits, strict=True))
    return o if traits == o.traits else o._replace(traits=traits)


def _trait(o: Object, name: str, text: str) -> str:
    if o.kind in ("column", "domain") and name in _VALUED:
        return mask.value(o.name, text)
    return mask.text(text)
