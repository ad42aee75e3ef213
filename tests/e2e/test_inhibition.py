"""A real Alertmanager with our routes: one root cause is one message, and nobody else is silenced by it."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tocsin.bundle.routes import alertmanager_config
from tools import need

TEMPLATES = Path(__file__).parents[2] / "alertmanager" / "templates" / "*.tmpl"
GROUP_WAIT, GROUP_INTERVAL = 5.0, 10.0  # of the fast configuration
ARRIVAL = GROUP_WAIT + 5.0
SILENCE = GROUP_WAIT + 2.0


class Sink:
    """A webhook receiver that keeps what it gets."""

    def __init__(self) -> None:
        messages: queue.Queue[dict[str, Any]] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.messages = messages
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, or None when none comes in time."""
        try:
            return self.messages.get(timeout=seconds)
        except queue.Empty:
            return None


class Alertmanager:
    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, *alerts: dict[str, str], summary: str = "") -> None:
        body = json.dumps([{"labels": labels, "annotations": {"summary": summary}} for labels in alerts]).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5):
            pass

    def inhibited(self) -> set[str]:
        """Return the names of the alerts that others hold back now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            return {alert["labels"]["alertname"] for alert in json.load(answer) if alert["status"]["inhibitedBy"]}


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()


@pytest.fixture
def alertmanager(sink: Sink, tmp_path: Path) -> Iterator[Alertmanager]:
    program = need("prometheus-alertmanager", "alertmanager")
    config = tmp_path / "alertmanager.yaml"
    config.write_text(alertmanager_config(None, None, sink.url, str(TEMPLATES), fast=True), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until_ready(f"http://{address}/-/ready", process, tmp_path / "log")
            yield Alertmanager(f"http://{address}")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"Alertmanager is not ready:\n{log.read_text()}")


def labels(alertname: str, instance: str, severity: str, **more: str) -> dict[str, str]:
    return {"alertname": alertname, "instance": instance, "severity": severity, "job": "tocsin", **more}


def symptoms(instance: str) -> list[dict[str, str]]:
    return [
        labels("CollectorFailing", instance, "warning", collector="locks"),
        labels("PostgresConnectionsNearLimit", instance, "critical", signal="connections_ratio"),
        labels("PostgresReplicationLag", instance, "warning", signal="replication_lag_seconds"),
        labels("PostgresDatabaseGrowing", instance, "warning", signal="database_growth_ratio", database="shop"),
    ]


def names(message: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    assert message is not None, "no message came"
    return sorted((a["labels"]["alertname"], a["labels"]["instance"], a["labels"]["severity"]) for a in message["alerts"])


def test_target_that_is_down_is_one_message_and_its_neighbour_is_still_heard(alertmanager: Alertmanager, sink: Sink) -> None:
    # The symptoms arrive first: within group_wait the root cause still holds them back.
    alertmanager.post(*symptoms("orders"))
    alertmanager.post(labels("TargetDown", "orders", "critical", kind="postgres"))
    assert names(sink.take(ARRIVAL)) == [("TargetDown", "orders", "critical")]
    assert sink.take(SILENCE) is None
    assert alertmanager.inhibited() == {symptom["alertname"] for symptom in symptoms("orders")}

    alertmanager.post(*symptoms("shop"))
    heard = [names(sink.take(ARRIVAL))[0] for _ in symptoms("shop")]
    assert sorted(heard) == sorted((s["alertname"], "shop", s["severity"]) for s in symptoms("shop"))


def test_critical_holds_back_the_warning_of_the_same_signal_and_database_only(alertmanager: Alertmanager, sink: Sink) -> None:
    growth, lag = {"signal": "database_growth_ratio"}, {"signal": "replication_lag_seconds"}
    alertmanager.post(
        labels("PostgresReplicationLag", "orders", "warning", **lag),
        labels("PostgresReplicationLag", "orders", "critical", **lag),
        labels("PostgresDatabaseGrowing", "mail", "warning", database="shop", **growth),
        labels("PostgresDatabaseGrowing", "mail", "critical", database="shop", **growth),
        labels("PostgresDatabaseGrowing", "mail", "warning", database="archive", **growth),
    )
    heard = sorted(names(sink.take(ARRIVAL)) for _ in range(3))
    assert heard == [
        [("PostgresDatabaseGrowing", "mail", "critical")],
        [("PostgresDatabaseGrowing", "mail", "warning")],
        [("PostgresReplicationLag", "orders", "critical")],
    ]
    assert sink.take(SILENCE) is None


def test_one_migration_is_one_message_and_the_next_one_another(alertmanager: Alertmanager, sink: Sink) -> None:
    def change(name: str, severity: str, found: str) -> dict[str, str]:
        return labels("SchemaChanged", "orders", severity, database="shop", object=name, found=found)

    first, second = "2026-11-21 04:00:00 +0000 UTC", "2026-11-21 04:01:00 +0000 UTC"
    alertmanager.post(change("public.orders.email", "critical", first), change("public.orders_email_idx", "info", first))
    message = sink.take(ARRIVAL)
    assert names(message) == [("SchemaChanged", "orders", "critical"), ("SchemaChanged", "orders", "info")]

    alertmanager.post(change("public.orders.note", "info", second))
    message = sink.take(ARRIVAL)
    assert [alert["labels"]["object"] for alert in message["alerts"]] == ["public.orders.note"]
    assert sink.take(SILENCE) is None
