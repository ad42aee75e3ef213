"""What `tocsin bundle` writes can be given to a Prometheus and an Alertmanager as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tocsin import config
from tocsin.bundle import files, scrape
from tocsin.errors import ConfigError
from tools import need

SETTINGS = """
server: {listen: "127.0.0.1:7777"}
notify: {slack: {api_url_file: /etc/tocsin/slack-url, channel: "#databases"}}
"""


def test_bundle_is_accepted_by_prometheus_and_alertmanager(tmp_path: Path) -> None:
    written = files.write(tmp_path, None)
    assert all(path.is_file() for path in written)
    assert {"rules", "alertmanager", "grafana"} <= {p.name for p in tmp_path.iterdir()}
    subprocess.run([need("promtool"), "check", "config", tmp_path / "prometheus.yaml"], check=True, capture_output=True)
    subprocess.run([need("amtool"), "check-config", tmp_path / "alertmanager" / "alertmanager.yaml"], check=True, capture_output=True)


def test_bundle_takes_address_and_receivers_from_the_configuration(tmp_path: Path) -> None:
    files.write(tmp_path, config.parse(SETTINGS, "tocsin.yaml", tmp_path, {}))
    assert "127.0.0.1:7777" in (tmp_path / "prometheus.yaml").read_text()
    routes = (tmp_path / "alertmanager" / "alertmanager.yaml").read_text()
    assert "#databases" in routes
    assert "email_configs" not in routes


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        files.write(tmp_path / "file" / "bundle", None)


def test_rules_are_evaluated_as_often_as_targets_are_scraped_and_labels_are_honoured() -> None:
    document = yaml.safe_load(scrape.prometheus_config("127.0.0.1:9847", "127.0.0.1:9093", "rules/*.yaml", "5s"))
    assert document["global"] == {"scrape_interval": "5s", "evaluation_interval": "5s"}
    assert document["scrape_configs"][0]["honor_labels"] is True
    assert document["scrape_configs"][0]["job_name"] == scrape.JOB


def test_bundle_speaks_tls_where_the_exporter_does(tmp_path: Path) -> None:
    secured = 'server: {listen: "127.0.0.1:7777", web_config_file: web.yaml}'
    files.write(tmp_path, config.parse(secured + SETTINGS.partition("}")[2], "tocsin.yaml", tmp_path, {}))
    routes = (tmp_path / "alertmanager" / "alertmanager.yaml").read_text()
    assert "https://127.0.0.1:7777/api/v1/notifications" in routes
    assert "insecure_skip_verify: true" in routes
    assert yaml.safe_load((tmp_path / "prometheus.yaml").read_text())["scrape_configs"][0]["scheme"] == "https"
    subprocess.run([need("amtool"), "check-config", tmp_path / "alertmanager" / "alertmanager.yaml"], check=True, capture_output=True)


def test_bundle_without_receivers_still_knows_where_the_exporter_listens(tmp_path: Path) -> None:
    files.write(tmp_path, config.parse('server: {listen: "127.0.0.1:7777"}', "tocsin.yaml", tmp_path, {}))
    assert "http://127.0.0.1:7777/api/v1/notifications" in (tmp_path / "alertmanager" / "alertmanager.yaml").read_text()
