"""Networks as bad or as far away as a test needs them: packets that vanish on loopback, and another host behind a cable of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools import lacking, need


@contextmanager
def packets_dropped(port: int) -> Iterator[None]:
    """Drop every packet to and from a port of loopback for a while. Nobody is told: no reset, no unreachable.

    As behind a cut cable or a firewall.
    """
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


@dataclass(frozen=True)
class OtherHost:
    """A network of its own, joined to ours by a cable."""

    name: str
    here: str
    there: str

    def python(self, script: str, *args: str) -> str:
        """Run a script there, with this interpreter, and return what it printed."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", script, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def other_host() -> Iterator[OtherHost]:
    """Make a network namespace with a pair of virtual Ethernet devices; both end with the test."""
    program, number = need("ip"), os.getpid() % 60000
    name, cable = f"tocsin-{number}", f"tcs{number}"
    net = f"10.{200 + number // 16384}.{number // 64 % 256}.{number % 64 * 4}".rpartition(".")
    first = int(net[2])
    host = OtherHost(name, f"{net[0]}.{first + 1}", f"{net[0]}.{first + 2}")

    def ip(*words: str) -> None:
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            lacking(f"networks may not be made here: ip {' '.join(words)}: {done.stderr.strip()}")

    ip("netns", "add", name)
    try:
        ip("link", "add", f"{cable}a", "type", "veth", "peer", "name", f"{cable}b", "netns", name)
        ip("addr", "add", f"{host.here}/30", "dev", f"{cable}a")
        ip("link", "set", f"{cable}a", "up")
        ip("-n", name, "addr", "add", f"{host.there}/30", "dev", f"{cable}b")
        ip("-n", name, "link", "set", f"{cable}b", "up")
        yield host
    finally:
        subprocess.run([program, "link", "del", f"{cable}a"], capture_output=True, timeout=20)
        subprocess.run([program, "netns", "del", name], capture_output=True, timeout=20)
