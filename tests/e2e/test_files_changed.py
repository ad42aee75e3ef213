"""From a file that changes to a message that a person reads; and the dashboard of files has data in every panel."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from alerting import about, alerting, query, without_data
from servers import ROOT, get, until
from sinks import Message
from tocsin.bundle.dashboard import queries
from tocsin.bundle.links import runbook_url


class Stack(NamedTuple):
    exporter: str
    prometheus: str
    slack: list[Message]
    app: Path
    database: Path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("files")
    app = folder / "etc"
    app.mkdir()
    (app / "app.yaml").write_text("listen: 1\npassword: hunter2Zq8\n")
    (app / "key.yaml").write_text("a: 1\n")
    database = folder / "data" / "app.db"
    database.parent.mkdir()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    config = folder / "tocsin.yaml"
    config.write_text(f"""
server: {{listen: "127.0.0.1:0"}}
state_dir: {folder}/state
targets:
  - {{name: machine, kind: host}}
  - {{name: configs, kind: files, paths: ["{app}/"]}}
  - {{name: app, kind: sqlite, path: {database}, every: {{files: 2s}}}}
""")
    with alerting(config, folder) as running:
        until(lambda: query(running.prometheus, f'tocsin_file_exists{{path="{app}/app.yaml"}} == 1'), 120)
        until(lambda: query(running.prometheus, f'tocsin_file_exists{{instance="app", path="{database}"}} == 1'), 120)
        yield Stack(running.exporter, running.prometheus, running.slack, app, database)


def test_changed_configuration_is_told_with_what_changed_and_without_the_password(path: Stack) -> None:
    began = time.time()
    (path.app / "app.yaml").write_text("listen: 2\npassword: hunter3Zq8\n")
    (message,) = until(lambda: about(path.slack, f"{path.app}/app.yaml", runbook_url("FileChanged"), since=began), 120)
    print(f"\nfrom the change to the message: {message.at - began:.1f} s\n{message.title}\n{message.text}\n")
    status, body = get(f"http://{path.exporter}/api/v1/events?kind=file")
    assert status == 200
    (event,) = [e for e in json.loads(body)["events"] if e["object"] == f"{path.app}/app.yaml"]
    assert "-listen: 1\n+listen: 2\n password: ***" in event["detail"]["diff"]
    assert "Zq8" not in body
    assert not any("Zq8" in m.text + m.title for m in path.slack)


def test_widened_permissions_are_told(path: Stack) -> None:
    began = time.time()
    (path.app / "key.yaml").chmod(0o666)
    (message,) = until(lambda: about(path.slack, f"{path.app}/key.yaml", runbook_url("FileSecurityChanged"), since=began), 120)
    print(f"\n{message.title}\n{message.text}\n")


def test_every_panel_returns_data(path: Stack) -> None:
    dashboard = json.loads((ROOT / "grafana" / "dashboards" / "files.json").read_text())
    until(lambda: not without_data(path.prometheus, set(queries(dashboard))), 120)


def test_deleted_database_file_is_told_once_and_as_a_database(path: Stack) -> None:
    began = time.time()
    path.database.unlink()
    (message,) = until(lambda: about(path.slack, str(path.database), runbook_url("DatabaseFileGone"), since=began), 120)
    print(f"\nfrom the deletion to the message: {message.at - began:.1f} s\n{message.title}\n{message.text}\n")
    assert not about(path.slack, str(path.database), runbook_url("FileChanged"), since=began)
