"""Everything between an exporter and a person: Prometheus and Alertmanager with our rules and routes, a Slack webhook and an SMTP sink.

Every wait of the rules is cut to seconds, so that every symptom of a fault fires within the test, and only the routes
keep it to one message.
"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from servers import ROOT, Child, free_port, get_json, tocsin
from sinks import Message, slack, smtp
from tocsin.bundle.routes import alertmanager_config
from tocsin.bundle.scrape import prometheus_config
from tocsin.config import Email, Slack
from tools import need

INTERVAL = "5s"  # the demo's


class Alerting(NamedTuple):
    exporter: str
    """host:port"""
    prometheus: str
    slack: list[Message]
    mail: list[Message]


@contextmanager
def alerting(config: Path, folder: Path) -> Iterator[Alerting]:
    """Run an exporter with that configuration and what makes messages of its series, with their files in the folder."""
    prometheus, alertmanager = need("prometheus"), need("alertmanager", "prometheus-alertmanager")
    ports = free_port(), free_port()
    with slack() as (slack_url, slack_box), smtp() as (smarthost, mail_box), tocsin(config, folder) as (url, _exporter):
        host = url.removeprefix("http://")
        (folder / "slack-url").write_text(slack_url)
        (folder / "alertmanager.yaml").write_text(
            alertmanager_config(
                Slack(api_url_file=folder / "slack-url"),
                Email(to="oncall@example.com", sender="tocsin@example.com", smarthost=smarthost, require_tls=False),
                f"{url}/api/v1/notifications",
                f"{ROOT}/alertmanager/templates/*.tmpl",
                fast=True,
            )
        )
        _impatient_rules(folder / "rules")
        (folder / "prometheus.yaml").write_text(prometheus_config(host, f"127.0.0.1:{ports[1]}", f"{folder}/rules/*.yaml", INTERVAL))
        children = [
            Child(
                [alertmanager, f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/am", "--cluster.listen-address=",
                 f"--web.listen-address=127.0.0.1:{ports[1]}"],
                folder / "alertmanager.log",
            ),
            Child(
                [prometheus, f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{ports[0]}"],
                folder / "prometheus.log",
            ),
        ]  # fmt: skip
        try:
            yield Alerting(host, f"http://127.0.0.1:{ports[0]}", slack_box, mail_box)
        finally:
            for child in children:
                child.stop()


def _impatient_rules(folder: Path) -> None:
    folder.mkdir()
    for file in (ROOT / "rules").glob("*.yaml"):
        text = re.sub(r"\bkeep_firing_for: \d+[smh]", "keep_firing_for: 10s", file.read_text())
        text = re.sub(r"\binterval: \d+m", f"interval: {INTERVAL}", text)
        (folder / file.name).write_text(re.sub(r"(?<!_)\bfor: \d+[smh]", "for: 5s", text))


def query(prometheus: str, expression: str) -> list[dict[str, object]]:
    answer = get_json(f"{prometheus}/api/v1/query?query={urllib.parse.quote(expression)}")
    assert answer["status"] == "success", answer
    result: list[dict[str, object]] = answer["data"]["result"]
    return result


def about(box: list[Message], *words: str, since: float = 0.0) -> list[Message]:
    return [m for m in box if m.at >= since and all(w in m.title + m.text for w in words)]


def without_data(prometheus: str, expressions: Iterable[str], seconds: float = 120) -> list[str]:
    """Return the expressions that returned nothing at any moment within so many seconds."""
    missing, limit = list(expressions), time.monotonic() + seconds
    while missing and time.monotonic() < limit:
        # A scrape every 5 seconds makes two samples in a minute too seldom on a busy machine.
        missing = [e for e in missing if not query(prometheus, e.replace("[1m]", "[2m]"))]
        time.sleep(2 if missing else 0)
    return missing
