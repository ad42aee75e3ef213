"""What a newcomer sees: `tocsin up` with nothing configured ends in a delivered alert, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from servers import Child, get, get_json, until
from tools import need


def start(folder: Path, *args: str, path: str | None = None) -> Child:
    folder.mkdir(exist_ok=True)
    command = [shutil.which("env") or "env", f"--chdir={folder}", *([f"PATH={path}"] if path is not None else [])]
    return Child([*command, sys.executable, "-m", "tocsin.cli", "up", *args], folder / "up.log")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Prometheus' usual port, in use by somebody else, whom nobody may disturb."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 9090))
            other.listen()
        except OSError:
            pass  # it is in use already: the same case
        yield 9090


def test_demo_ends_in_a_delivered_alert_and_leaves_nothing_behind(tmp_path: Path, taken_port: int) -> None:
    need("prometheus")
    need("alertmanager", "prometheus-alertmanager")
    began = time.time()
    up = start(tmp_path / "newcomer")
    try:
        url = until(lambda: re.search(r"exporter +(http://\S+)/", up.text()))[1]
        until(lambda: "Prometheus " in up.text() and "Ctrl-C" in up.text(), 60)
        assert f"port {taken_port} is taken" in up.text()
        until(lambda: re.search(r"ALERT FIRING critical: demo-shop: column orders\.email dropped", up.text()), 120)
        print(f"\nfrom nothing to a delivered alert: {time.time() - began:.0f} s")
        assert time.time() - began < 120
        (told,) = [e for e in get_json(f"{url}/api/v1/events?kind=notification")["events"] if e["object"] == "SchemaChanged"]
        assert told["target"] == "demo-shop"
        assert told["change"] == "firing"
        page = get(f"{url}/")[1]
        assert "orders.email" in page
        assert "SchemaChanged" in page
        children = psutil.Process(up.process.pid).children(recursive=True)
        assert sorted(Path(c.exe()).name.removeprefix("prometheus-") for c in children) == ["alertmanager", "prometheus"]
    finally:
        code = up.stop(signal.SIGINT)
    assert code == 0, up.text()
    assert up.text().rstrip().endswith("stopped")
    assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]


def test_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    need("prometheus")
    need("setpriv")
    up = start(tmp_path / "killed")
    until(lambda: "Ctrl-C" in up.text(), 60)
    children = psutil.Process(up.process.pid).children(recursive=True)
    assert children
    up.stop(signal.SIGKILL)
    until(lambda: not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE], 20)


def test_without_prometheus_the_exporter_runs_alone_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    up = start(tmp_path / "alone", path="/nonexistent")
    try:
        until(lambda: "Prometheus is missing" in up.text() and "Alertmanager is missing" in up.text(), 30)
        assert "apt-get install prometheus" in up.text()
        url = until(lambda: re.search(r"exporter +(http://\S+)/", up.text()))[1]
        assert 'sqlite_up{instance="demo-shop"} 1' in until(lambda: get(f"{url}/metrics")[1])
    finally:
        assert up.stop(signal.SIGINT) == 0


def test_a_child_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    need("prometheus")
    up = start(tmp_path / "dying")
    try:
        until(lambda: "Ctrl-C" in up.text(), 60)
        (prometheus,) = [c for c in psutil.Process(up.process.pid).children(recursive=True) if c.name() == "prometheus"]
        prometheus.kill()
        until(lambda: "Prometheus ended with code -9" in up.text(), 20)
    finally:
        assert up.stop(signal.SIGTERM) == 0
