"""How Prometheus is told about the exporter: its configuration, rendered."""

from __future__ import annotations

from typing import Any

import yaml

JOB = "tocsin"


def prometheus_config(exporter: str, alertmanager: str | None, rules: str, interval: str = "15s", scheme: str = "http") -> str:
    """Render a Prometheus configuration as YAML.

    `exporter` and `alertmanager` are host:port, `rules` is a glob. Rules are evaluated as often as targets
    are scraped. `honor_labels` keeps the `instance` that the exporter puts on each target's series.
    """
    job: dict[str, Any] = {"job_name": JOB, "honor_labels": True, "static_configs": [{"targets": [exporter]}]}
    if scheme == "https":
        job |= {"scheme": "https", "tls_config": {"insecure_skip_verify": True}}
    document: dict[str, Any] = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [rules],
        "scrape_configs": [job],
    }
    if alertmanager:
        document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return yaml.safe_dump(document, sort_keys=False)
