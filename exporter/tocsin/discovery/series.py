"""What was found, as series of the exporter itself."""

from __future__ import annotations

import time
from collections import Counter

from tocsin import vitals
from tocsin.discovery.core import Discovered, Discoveries
from tocsin.event import one_line
from tocsin.metric import Labels, Metric, Value

_LONGEST = 300
"""Of what somebody else may have written: names of images, of files, of programs."""

Points = dict[Metric, dict[Labels, Value]]


def points(discoveries: Discoveries) -> Points:
    """Return the samples: who looked and how that went, and each database with what is missing."""
    outcome = discoveries.outcome
    found: Points = {
        vitals.DISCOVERED_INFO: {_labels(d): 1 for d in outcome.discovered},
        vitals.DISCOVERED: dict(Counter((d.found.engine, d.found.origin, _yes(bool(d.monitored_by))) for d in outcome.discovered)),
        vitals.DISCOVERY_LEFT_OUT: {(): outcome.left_out},
        vitals.DISCOVERY_SUCCESS: {},
        vitals.DISCOVERY_FAILING: {},
        vitals.DISCOVERY_AGE: {},
    }
    for search, look in discoveries.looks.items():
        if look.error is not None:
            found[vitals.DISCOVERY_FAILING][*search, look.error.reason] = 1
        if look.error is not None or look.succeeded_at is not None:
            found[vitals.DISCOVERY_SUCCESS][search] = int(look.error is None)
        if look.succeeded_at is not None:
            found[vitals.DISCOVERY_AGE][search] = round(time.time() - look.succeeded_at, 3)
    return found


def _labels(one: Discovered) -> Labels:
    found = one.found
    told = (found.place, found.image, found.addresses[0] if found.addresses else "", one.monitored_by, one.missing)
    shown = (one_line(word)[:_LONGEST] for word in told)
    return (one.name, found.engine, found.origin, _yes(bool(one.monitored_by)), *shown)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
