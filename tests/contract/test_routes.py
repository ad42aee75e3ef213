"""Alertmanager's configuration is what is rendered, both ends of the supported range accept it, and every alert gets where it should."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.bundle.routes import alertmanager_config, example
from tocsin.config import Email, Slack
from tools import need

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "alertmanager" / "templates"
COMMITTED = ROOT / "alertmanager" / "alertmanager.yaml"

SLACK = Slack(api_url_file=Path("/run/secrets/slack_api_url"), channel="#alerts")
EMAIL = Email(to="oncall@example.org", sender="tocsin@example.org", smarthost="smtp.example.org:587", password_file=Path("/run/smtp"))
WEBHOOK = "http://127.0.0.1:9847/api/v1/notifications"

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
DOWN = {"alertname": "TargetDown", "severity": "critical", "instance": "orders"}
SLOW = {"alertname": "PostgresReplicationLag", "severity": "warning", "instance": "orders"}
DROPPED = {"alertname": "SchemaChanged", "severity": "critical", "instance": "orders", "database": "shop", "found": "2026-11-21 04:00:00"}
ADDED = {**DROPPED, "severity": "info"}
FOREIGN = {"alertname": "SomebodyElses", "instance": "orders"}


def render(tmp_path: Path, slack: Slack | None, email: Email | None, webhook: str | None, fast: bool = False) -> Path:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(alertmanager_config(slack, email, webhook, str(TEMPLATES / "*.tmpl"), fast), "utf-8")
    return path


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_committed_file_is_what_is_rendered() -> None:
    mend = "python -m tocsin.bundle.routes > alertmanager/alertmanager.yaml"
    assert COMMITTED.read_text("utf-8") == example(), f"mend with: {mend}"


def test_committed_file_names_its_templates() -> None:
    patterns = yaml.safe_load(COMMITTED.read_text("utf-8"))["templates"]
    assert all(list(COMMITTED.parent.glob(pattern)) for pattern in patterns)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("webhook", [WEBHOOK, None])
@pytest.mark.parametrize("email", [EMAIL, None])
@pytest.mark.parametrize("slack", [SLACK, None])
def test_amtool_accepts_every_combination(
    slack: Slack | None, email: Email | None, webhook: str | None, fast: bool, tmp_path: Path
) -> None:
    run(need("amtool"), "check-config", render(tmp_path, slack, email, webhook, fast))


@pytest.mark.parametrize(
    ("slack", "email", "webhook", "alert", "receivers"),
    [
        (SLACK, EMAIL, WEBHOOK, WATCHDOG, "heartbeat"),
        (SLACK, EMAIL, WEBHOOK, DOWN, "tocsin,slack,email"),
        (SLACK, EMAIL, WEBHOOK, SLOW, "tocsin,slack"),
        (SLACK, EMAIL, WEBHOOK, DROPPED, "tocsin-changes,slack-changes,email-changes"),
        (SLACK, EMAIL, WEBHOOK, ADDED, "tocsin-changes,slack-changes"),
        (SLACK, EMAIL, WEBHOOK, FOREIGN, "tocsin,slack"),
        (SLACK, None, None, DOWN, "slack"),
        (SLACK, None, None, ADDED, "slack-changes"),
        (None, EMAIL, None, SLOW, "email"),
        (None, EMAIL, None, ADDED, "email-changes"),
        (None, EMAIL, None, WATCHDOG, "none"),
        (None, None, WEBHOOK, SLOW, "tocsin"),
        (None, None, WEBHOOK, DROPPED, "tocsin-changes"),
        (None, None, None, DOWN, "none"),
    ],
)
def test_alert_reaches_its_receivers(
    slack: Slack | None, email: Email | None, webhook: str | None, alert: dict[str, str], receivers: str, tmp_path: Path
) -> None:
    config = render(tmp_path, slack, email, webhook)
    labels = [f"{name}={value}" for name, value in alert.items()]
    run(need("amtool"), "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receivers}", *labels)


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


@pytest.mark.parametrize(("fast", "evaluation_interval"), [(False, 15), (True, 5)])
def test_group_waits_for_the_root_cause(fast: bool, evaluation_interval: int) -> None:
    route = yaml.safe_load(alertmanager_config(SLACK, EMAIL, WEBHOOK, "*.tmpl", fast))["route"]
    assert seconds(route["group_wait"]) >= evaluation_interval


def test_secrets_stay_in_their_files() -> None:
    settings = yaml.safe_load(alertmanager_config(SLACK, EMAIL, None, "*.tmpl"))["global"]
    assert settings["slack_api_url_file"] == "/run/secrets/slack_api_url"
    assert settings["smtp_auth_password_file"] == "/run/smtp"
    assert not {"slack_api_url", "smtp_auth_password"} & set(settings)


def alert(item: str, severity: str = "critical", status: str = "firing", **annotations: str) -> dict[str, Any]:
    shown = {
        "summary": f"orders: column {item} dropped (destructive)",
        "description": f"In database shop of orders the column {item} was dropped.",
        "impact": "Data is gone with the object.",
        "runbook_url": "https://example.org/SchemaChanged.md",
    }
    return {
        "status": status,
        "labels": {"alertname": "SchemaChanged", "severity": severity, "instance": "orders"},
        "annotations": {**shown, **annotations},
        "startsAt": "2026-11-21T04:00:00Z",
        "endsAt": "2026-11-21T04:15:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


@pytest.fixture
def say(tmp_path: Path) -> Any:
    """Return what a template makes of some alerts."""

    def rendered(template: str, alerts: list[dict[str, Any]]) -> str:
        shared = set.intersection(*(set(one["annotations"].items()) for one in alerts))
        data = {
            "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
            "alerts": alerts,
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": dict(shared),
            "externalURL": "http://alertmanager",
        }
        path = tmp_path / "data.json"
        path.write_text(json.dumps(data))
        kind = "html" if template.endswith("html") else "text"
        options = {"glob": TEMPLATES / "*.tmpl", "text": f'{{{{ template "{template}" . }}}}', "type": kind, "data": path}
        return run(need("amtool"), "template", "render", *(f"--template.{name}={value}" for name, value in options.items())).strip()

    return rendered


BODIES = ("tocsin.slack.text", "tocsin.email.text", "tocsin.email.html")


def test_title_tells_the_worst_alert_and_how_many_more(say: Any) -> None:
    alerts = [alert("a", "info"), alert("b", "warning"), alert("email"), alert("c")]
    assert say("tocsin.title", alerts) == "[CRITICAL] orders: column email dropped (destructive) and 3 more"


def test_title_of_a_resolved_message_says_so(say: Any) -> None:
    assert say("tocsin.title", [alert("email", status="resolved")]) == "[RESOLVED] orders: column email dropped (destructive)"


def test_title_of_an_alert_without_annotations_is_its_name(say: Any) -> None:
    assert say("tocsin.title", [{**alert("x"), "annotations": {}}]) == "[CRITICAL] SchemaChanged"


@pytest.mark.parametrize(
    ("alerts", "color"),
    [
        ([alert("a", "info"), alert("b")], "danger"),
        ([alert("a", "info"), alert("b", "warning"), alert("c", status="resolved")], "warning"),
        ([alert("a", "info")], "#439FE0"),
        ([alert("a", status="resolved")], "good"),
    ],
)
def test_color_is_that_of_the_worst_alert_that_fires(alerts: list[dict[str, Any]], color: str, say: Any) -> None:
    assert say("tocsin.slack.color", alerts) == color


@pytest.mark.parametrize("body", BODIES)
def test_body_tells_what_changed_and_where_to_read_on(body: str, say: Any) -> None:
    text = say(body, [alert("email")])
    for part in (
        "In database shop of orders the column email was dropped.",
        "Data is gone with the object.",
        "https://example.org/SchemaChanged.md",
    ):
        assert text.count(part) == 1


@pytest.mark.parametrize("body", BODIES)
def test_body_lists_twenty_critical_ones_first_and_counts_the_rest(body: str, say: Any) -> None:
    text = say(body, [alert(f"info{n}", "info") for n in range(15)] + [alert(f"critical{n}") for n in range(12)])
    assert sum(f"critical{n} dropped" in text for n in range(12)) == 12
    assert sum(f"info{n} dropped" in text for n in range(15)) == 8
    assert "and 7 more" in text
    assert text.index("critical11 dropped") < text.index("info0 dropped")


@pytest.mark.parametrize("body", BODIES)
def test_body_tells_resolved_alerts_from_firing_ones(body: str, say: Any) -> None:
    text = say(body, [alert("email"), alert("name", status="resolved")])
    assert text.index("email was dropped") < text.index("RESOLVED") < text.index("name dropped")
    assert "It lasted from 2026-11-21 04:00:00 to 2026-11-21 04:15:00 UTC." in text


@pytest.mark.parametrize("body", BODIES)
def test_advice_that_differs_stays_with_its_alert(body: str, say: Any) -> None:
    text = say(body, [alert("email"), alert("name", "warning", impact="Statements can fail.")])
    places = [text.index(part) for part in ("email was dropped", "Data is gone", "name was dropped", "Statements can fail.")]
    assert places == sorted(places)


def test_signs_that_slack_and_html_would_swallow_are_escaped(say: Any) -> None:
    assert "column &lt;a&amp;b&gt; was" in say("tocsin.slack.text", [alert("<a&b>")])
    assert "column &lt;a&amp;b&gt; was" in say("tocsin.email.html", [alert("<a&b>")])
    assert "column <a&b> was" in say("tocsin.email.text", [alert("<a&b>")])
