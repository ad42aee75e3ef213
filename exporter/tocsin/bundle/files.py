"""The rule bundle as files: where they are, and how they are written out for somebody else's Prometheus."""

from __future__ import annotations

import shutil
from pathlib import Path

from tocsin.bundle.routes import alertmanager_config, example
from tocsin.bundle.scrape import prometheus_config
from tocsin.config import Config
from tocsin.errors import ConfigError


def share() -> Path:
    """Return the folder that holds `rules`, `alertmanager` and `grafana`: the wheel's own, or the checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "share" if (package / "share").is_dir() else package.parents[1]


def write(folder: Path, config: Config | None) -> list[Path]:
    """Write rules, routes, dashboards and scrape configuration into a folder, and return the files.

    Files of the same name are replaced, others left alone. Raises ConfigError when the folder cannot be written.
    """
    source = share()
    listen = config.server.listen if config else "127.0.0.1:9847"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copied = [
            *_copy(source / "rules", folder / "rules", "*.yaml"),
            *_copy(source / "rules" / "runbooks", folder / "rules" / "runbooks", "*.md"),
            *_copy(source / "alertmanager" / "templates", folder / "alertmanager" / "templates", "*.tmpl"),
            *_copy(source / "grafana" / "dashboards", folder / "grafana" / "dashboards", "*.json"),
            *_copy(source / "grafana" / "provisioning" / "dashboards", folder / "grafana" / "provisioning" / "dashboards", "*.yaml"),
            *_copy(source / "grafana" / "provisioning" / "datasources", folder / "grafana" / "provisioning" / "datasources", "*.yaml"),
        ]
        routes = folder / "alertmanager" / "alertmanager.yaml"
        scheme = "https" if config and config.server.web_config_file else "http"
        if config and (config.notify.slack or config.notify.email):
            webhook = f"{scheme}://{listen}/api/v1/notifications"
            text = alertmanager_config(config.notify.slack, config.notify.email, webhook, "templates/*.tmpl")
        else:
            text = example(listen)
        routes.write_text(text, "utf-8")
        prometheus = folder / "prometheus.yaml"
        prometheus.write_text(prometheus_config(listen, "127.0.0.1:9093", "rules/*.yaml", scheme=scheme), "utf-8")
    except OSError as error:
        raise ConfigError([f"{error.filename or folder} cannot be written: {error.strerror}"]) from error
    return [*copied, routes, prometheus]


def _copy(source: Path, to: Path, pattern: str) -> list[Path]:
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(source.glob(pattern)):
        shutil.copyfile(path, to / path.name)
        written.append(to / path.name)
    return written
