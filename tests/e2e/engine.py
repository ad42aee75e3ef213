"""A Docker engine of the tests' own: its own socket and data folder, stopped by its own process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import until
from tools import lacking, need

Docker = Callable[..., str]
"""The client's command: its arguments in, what it prints out. `address` is the engine's."""


@contextmanager
def engine() -> Iterator[Docker]:
    """Start an engine of this test's own, and give the client's command for it. It has no network and needs no iptables."""
    client, daemon = need("docker"), need("dockerd")
    if os.geteuid():
        lacking("a Docker engine needs root")
    home = Path(tempfile.mkdtemp(prefix="tocsin-"))  # not pytest's folder: a gigabyte need not be kept, and a socket's path is short
    socket = f"unix://{home}/engine.sock"
    folders = ["--data-root", home / "data", "--exec-root", home / "exec", "--pidfile", home / "pid"]
    command = [daemon, "--host", socket, *folders, "--bridge", "none", "--iptables=false"]
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def run(*arguments: object, timeout: float = 60, fails: bool = False) -> str:
        command = [client, "--host", socket, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert fails or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()

    try:
        until(lambda: process.poll() is not None or run("version", "--format", "{{.Server.Version}}", fails=True), 30)
        if process.poll() is not None:
            lacking(f"no Docker engine starts here: {log.read_text(errors='replace').splitlines()[-1][:300]}")
        run.address = socket  # type: ignore[attr-defined]
        yield run
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)
