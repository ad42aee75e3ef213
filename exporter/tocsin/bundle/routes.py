"""Where alerts go: Alertmanager's configuration, rendered from what the user said about Slack and e-mail.

Only what Alertmanager 0.25 knows already; secrets stay in their files. The committed example is made by
`python -m tocsin.bundle.routes > alertmanager/alertmanager.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tocsin.config import Email, Slack

Json = dict[str, Any]


class Channel(NamedTuple):
    """A way to people: which alerts take it, and what Alertmanager needs for it."""

    name: str
    matcher: str
    key: str
    settings: Json


EVERYTHING = 'severity!="none"'
CRITICAL = 'severity="critical"'
CHANGES = 'found!=""'
"""An alert with the moment of a change: it names what happened, and there is nothing to recover from."""


def alertmanager_config(slack: Slack | None, email: Email | None, webhook_url: str | None, templates: str, fast: bool = False) -> str:
    """Render Alertmanager's configuration as YAML.

    `webhook_url` is a receiver that gets every alert beside the others, and Watchdog as a heartbeat. `templates` is
    the glob of the message templates. `fast` is for demonstrations: rules are then evaluated every 5 seconds.
    """
    # group_wait is never shorter than the interval of rule evaluation, or a symptom would be sent before its cause.
    wait, quick, calm = ("5s", "10s", "10s") if fast else ("20s", "1m", "5m")
    channels = list(_channels(slack, email, webhook_url))
    receivers: list[Json] = [{"name": "none"}]
    for channel in channels:
        for suffix, resolved in (("", True), ("-changes", False)):
            receivers.append({"name": channel.name + suffix, channel.key: [{"send_resolved": resolved, **channel.settings}]})
    if webhook_url:
        receivers.append({"name": "heartbeat", "webhook_configs": [{"send_resolved": False, **_webhook(webhook_url)}]})
    document = {
        **_globals(slack, email),
        "templates": [templates],
        "route": {
            "receiver": "none",
            "group_by": ["alertname", "instance"],
            "group_wait": wait,
            "group_interval": calm,
            "repeat_interval": "24h",
            "routes": [_heartbeat("heartbeat" if webhook_url else "none"), *(_route(channel, quick) for channel in channels)],
        },
        "inhibit_rules": INHIBIT_RULES,
        "receivers": receivers,
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)


def _channels(slack: Slack | None, email: Email | None, webhook_url: str | None) -> list[Channel]:
    channels = []
    if webhook_url:
        channels.append(Channel("tocsin", EVERYTHING, "webhook_configs", _webhook(webhook_url)))
    settings: Json
    if slack:
        settings = {
            "channel": slack.channel,
            "color": '{{ template "tocsin.slack.color" . }}',
            "title": '{{ template "tocsin.title" . }}',
            "title_link": '{{ template "tocsin.link" . }}',
            "text": '{{ template "tocsin.slack.text" . }}',
            "fallback": '{{ template "tocsin.title" . }}',
        }
        channels.append(Channel("slack", EVERYTHING, "slack_configs", settings))
    if email:
        settings = {
            "to": email.to,
            "headers": {"Subject": '{{ template "tocsin.title" . }}'},
            "html": '{{ template "tocsin.email.html" . }}',
            "text": '{{ template "tocsin.email.text" . }}',
        }
        channels.append(Channel("email", CRITICAL if slack else EVERYTHING, "email_configs", settings))
    return channels


def _webhook(url: str) -> Json:
    """Return how the exporter's own receiver is reached; its certificate is not checked, as Prometheus does not either."""
    return {"url": url, "http_config": {"tls_config": {"insecure_skip_verify": True}}} if url.startswith("https:") else {"url": url}


def _route(channel: Channel, quick: str) -> Json:
    return {
        "receiver": channel.name,
        "matchers": [channel.matcher],
        "continue": True,
        "routes": [
            # One migration, one message: its changes share database and moment, whatever their severity.
            {
                "receiver": f"{channel.name}-changes",
                "matchers": [CHANGES],
                "group_by": ["alertname", "instance", "database", "found"],
                "group_interval": quick,
            },
            # A critical alert that joins a group which was already told waits for no more than this.
            {"receiver": channel.name, "matchers": [CRITICAL], "group_interval": quick, "repeat_interval": "4h"},
        ],
    }


def _heartbeat(receiver: str) -> Json:
    """Route Watchdog. A repeat_interval just below group_interval sends once every group_interval."""
    return {
        "receiver": receiver,
        "matchers": ['alertname="Watchdog"'],
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "50s",
    }


_ROOT_CAUSES = "TargetDown|TocsinDown"

INHIBIT_RULES: list[Json] = [
    # One root cause, one message. No rule holds back the targets' alerts while the exporter is down: their series
    # are gone with it, and a second exporter's targets must still be heard. What was changed is no symptom of a target that
    # is down, but may well be why it is.
    {
        "source_matchers": [f'alertname=~"{_ROOT_CAUSES}"'],
        "target_matchers": [f'alertname!~"{_ROOT_CAUSES}"', EVERYTHING, 'found=""'],
        "equal": ["instance"],
    },
    # Critical and warning of one signal, `signal` being what the threshold is called. Two rules, because a label that is
    # compared must be there: signals of a whole instance have no database.
    *(
        {
            "source_matchers": [CRITICAL, 'signal!=""', database],
            "target_matchers": ['severity=~"warning|info"', 'signal!=""', database],
            "equal": ["alertname", "instance", "signal", *labels],
        }
        for database, labels in (('database=""', ()), ('database!=""', ("database",)))
    ),
]


def _globals(slack: Slack | None, email: Email | None) -> Json:
    values: Json = {}
    if slack:
        values["slack_api_url_file"] = str(slack.api_url_file)
    if email:
        values |= {"smtp_smarthost": email.smarthost, "smtp_from": email.sender, "smtp_require_tls": email.require_tls}
        if email.username:
            values["smtp_auth_username"] = email.username
        if email.password_file:
            values["smtp_auth_password_file"] = str(email.password_file)
    return {"global": values} if values else {}


class _Dumper(yaml.SafeDumper):
    """Writes lists of plain values on one line, and never an alias."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_list(self, data: Iterable[Any]) -> yaml.SequenceNode:
        data = list(data)
        plain = not any(isinstance(value, (dict, list)) for value in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


_Dumper.add_representer(list, _Dumper.represent_list)

_HEADER = """\
# Alertmanager with Slack, e-mail and the exporter's own record of deliveries.
# Edit: global (addresses), the Slack channel, the address after `to`, and the files below /run/secrets.
# This example is made by: python -m tocsin.bundle.routes > alertmanager/alertmanager.yaml
# `tocsin up` renders its own from the `notify` section of Tocsin's configuration.
"""


def example(exporter: str = "127.0.0.1:9847") -> str:
    """Render the configuration that is shipped as alertmanager/alertmanager.yaml; `exporter` is host:port as Alertmanager reaches it."""
    return _HEADER + alertmanager_config(
        Slack(api_url_file=Path("/run/secrets/slack_api_url"), channel="#alerts"),
        Email(
            to="oncall@example.org",
            sender="tocsin@example.org",
            smarthost="smtp.example.org:587",
            username="tocsin@example.org",
            password_file=Path("/run/secrets/smtp_password"),
        ),
        webhook_url=f"http://{exporter}/api/v1/notifications",
        templates="templates/*.tmpl",
    )


if __name__ == "__main__":
    print(example(), end="")
