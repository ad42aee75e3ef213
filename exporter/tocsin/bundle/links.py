"""Addresses that messages point to; here and nowhere else."""

from __future__ import annotations

RUNBOOK_BASE = "https://github.com/tocsin-exporter/tocsin/blob/main/rules/runbooks"


def runbook_url(alert: str) -> str:
    """Return the address of an alert's runbook, the file `rules/runbooks/<alert>.md`."""
    return f"{RUNBOOK_BASE}/{alert}.md"
