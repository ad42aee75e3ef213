"""Packets that vanish without a word, as behind a cut cable or a firewall: on loopback, to and from one port only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tools import lacking, need


@contextmanager
def packets_dropped(port: int) -> Iterator[None]:
    """Drop every packet to and from a port of loopback for a while. Nobody is told: no reset, no unreachable."""
    program = need("iptables")
    rules = [["INPUT", "-i", "lo", "-p", "tcp", flag, str(port), "-j", "DROP"] for flag in ("--dport", "--sport")]
    made = []
    try:
        for rule in rules:
            done = subprocess.run([program, "-w", "10", "-I", *rule], capture_output=True, text=True, timeout=20)
            if done.returncode != 0:
                lacking(f"iptables may not be used here: {done.stderr.strip()}")
            made.append(rule)
        yield
    finally:
        for rule in made:
            subprocess.run([program, "-w", "10", "-D", *rule], check=True, timeout=20)
