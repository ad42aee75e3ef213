"""The compose stack runs without privileges, is pinned and health-checked, and every file it mounts is there and is valid."""

from __future__ import annotations

import copy
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.bundle.routes import example
from tocsin.config import load
from tools import need

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "compose"
STACK: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]

HOST, EXPORTER = "127.0.0.1:9847", "exporter:9847"
_PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?")
_HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "restart": "unless-stopped"}
_SECRET = re.compile(r"password|secret|token|api_url|webhook", re.IGNORECASE)


def careless(stack: dict[str, Any]) -> Iterator[str]:
    """Yield what a careful operator would not accept in a compose file."""
    for name, service in stack["services"].items():
        for complaint in (*_powers(service), *_limits(service), *_reach(service)):
            yield f"{name}: {complaint}"
    for name, secret in stack["secrets"].items():
        if not secret.get("file", "").startswith("./secrets/"):
            yield f"the secret {name} must come from a file in compose/secrets"
    if not any((network or {}).get("internal") for network in stack["networks"].values()):
        yield "no network is internal"


def _powers(service: dict[str, Any]) -> Iterator[str]:
    yield from (f"{key} must be {value!r}" for key, value in _HARDENED.items() if service.get(key) != value)
    if "build" not in service and not _PINNED.fullmatch(service["image"]):
        yield f"{service['image']} is not pinned to a version"
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", service.get("user", "")):
        yield "the user must be a number, not root's"
    if service.get("privileged") or any("docker.sock" in volume for volume in service["volumes"]):
        yield "has the machine in its hands"


def _limits(service: dict[str, Any]) -> Iterator[str]:
    yield from (f"has no {limit}" for limit in ("pids_limit", "mem_limit") if not service.get(limit))
    if service.get("logging", {}).get("options", {}).keys() != {"max-size", "max-file"}:
        yield "its log is not rotated"
    if service.get("healthcheck", {}).get("test", ["NONE"])[0] != "CMD":
        yield "has no health check that names its program"
    for other, how in service.get("depends_on", {}).items():
        if how != {"condition": "service_healthy"}:
            yield f"starts before {other} is healthy"


def _reach(service: dict[str, Any]) -> Iterator[str]:
    yield from (f"publishes {port} beyond loopback" for port in service.get("ports", ()) if not port.startswith("127.0.0.1:"))
    for volume in service["volumes"]:
        source, _, options = volume.partition(":")
        if source.startswith(".") and not options.endswith(":ro"):
            yield f"may write to {source}"
    for key, value in service.get("environment", {}).items():
        if _SECRET.search(key) and not str(value).startswith("/run/secrets/"):
            yield f"{key} is written in the open"


def test_every_service_is_hardened() -> None:
    assert list(careless(STACK)) == []


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda s: s["prometheus"].update(image="prom/prometheus:latest"), "prometheus: prom/prometheus:latest is not pinned to a version"),
        (lambda s: s["exporter"].update(user="0:0"), "exporter: the user must be a number, not root's"),
        (lambda s: s["exporter"].pop("user"), "exporter: the user must be a number, not root's"),
        (lambda s: s["grafana"].update(read_only=False), "grafana: read_only must be True"),
        (lambda s: s["grafana"].pop("cap_drop"), "grafana: cap_drop must be ['ALL']"),
        (lambda s: s["exporter"]["volumes"].append("/var/run/docker.sock:/s:ro"), "exporter: has the machine in its hands"),
        (lambda s: s["alertmanager"].pop("mem_limit"), "alertmanager: has no mem_limit"),
        (lambda s: s["alertmanager"].pop("logging"), "alertmanager: its log is not rotated"),
        (lambda s: s["alertmanager"].pop("healthcheck"), "alertmanager: has no health check that names its program"),
        (lambda s: s["grafana"].update(ports=["3000:3000"]), "grafana: publishes 3000:3000 beyond loopback"),
        (lambda s: s["grafana"].update(depends_on={"prometheus": {}}), "grafana: starts before prometheus is healthy"),
        (lambda s: s["prometheus"]["volumes"].append("../rules:/rules"), "prometheus: may write to ../rules"),
        (
            lambda s: s["grafana"]["environment"].update(GF_SECURITY_ADMIN_PASSWORD="admin"),
            "grafana: GF_SECURITY_ADMIN_PASSWORD is written in the open",
        ),
    ],
)
def test_carelessness_is_noticed(harm: Callable[[dict[str, Any]], Any], complaint: str) -> None:
    broken = copy.deepcopy(STACK)
    harm(broken["services"])
    assert list(careless(broken)) == [complaint]


def test_every_mounted_file_is_in_the_repository() -> None:
    sources = [volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]]
    assert [source for source in sources if source.startswith(".") and not (FOLDER / source).exists()] == []


def test_every_secret_is_declared_explained_and_ignored_by_git() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    explained = set(re.findall(r"^\| `(\w+)` \|", (FOLDER / "secrets" / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert used == set(STACK["secrets"]) == explained
    assert "compose/secrets/*" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "compose/secrets" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_services_find_each_other_under_the_names_that_their_files_use() -> None:
    prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    asked = {t for job in prometheus["scrape_configs"] for group in job["static_configs"] for t in group["targets"]}
    asked |= {t for manager in prometheus["alerting"]["alertmanagers"] for group in manager["static_configs"] for t in group["targets"]}
    (datasource,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/tocsin.yaml").read_text(encoding="utf-8"))["datasources"]
    asked.add(datasource["url"].removeprefix("http://"))
    alertmanager = (FOLDER / "alertmanager.yaml").read_text(encoding="utf-8")
    asked |= set(re.findall(r"url: http://([^/]+)/", alertmanager))
    for address in asked - {"127.0.0.1:9090"}:
        name, _, port = address.partition(":")
        assert "inside" in SERVICES[name]["networks"], name
        assert [p for p in SERVICES[name]["ports"] if p.endswith(f":{port}")], address


def test_grafana_keeps_what_is_provisioned() -> None:
    (datasource,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/tocsin.yaml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/tocsin.yaml").read_text(encoding="utf-8"))["providers"]
    assert datasource["uid"]
    assert datasource["editable"] is False
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (True, False)
    assert provider["options"]["foldersFromFilesStructure"] is True
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    (mount,) = (volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"] if volume.startswith("../grafana/dashboards:"))
    assert mount.startswith(provider["options"]["path"] + "/")
    assert (ROOT / "grafana/dashboards" / Path(home).relative_to(mount)).is_file()


def test_the_image_and_the_stack_agree() -> None:
    dockerfile = (ROOT / "exporter/Dockerfile").read_text(encoding="utf-8")
    exporter = SERVICES["exporter"]
    assert re.search(r"^USER (.+)$", dockerfile, re.MULTILINE)[1] == exporter["user"]  # type: ignore[index]
    assert re.search(r"^VOLUME (.+)$", dockerfile, re.MULTILINE)[1] in {v.split(":")[1] for v in exporter["volumes"]}  # type: ignore[index]
    assert re.search(r'^HEALTHCHECK .* CMD \["tocsin", "healthcheck"\]$', dockerfile, re.MULTILINE)
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-\w+$|^ARG BASE=\S+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)


def test_routes_are_the_shipped_ones_with_the_exporters_name_in_the_stack() -> None:
    mended_by = f"python -m tocsin.bundle.routes | sed s/{HOST}/{EXPORTER}/ > compose/alertmanager.yaml"
    assert (FOLDER / "alertmanager.yaml").read_text(encoding="utf-8") == example().replace(HOST, EXPORTER), mended_by


def test_the_exporter_accepts_its_configuration() -> None:
    config = load(FOLDER / "tocsin.yaml", {})
    (port,) = SERVICES["exporter"]["ports"]
    assert config.server.listen == f"0.0.0.0:{port.rpartition(':')[2]}"
    assert str(config.state_dir) in {volume.split(":")[1] for volume in SERVICES["exporter"]["volumes"]}


def test_compose_accepts_the_stack() -> None:
    subprocess.run([*compose(), "-f", FOLDER / "compose.yaml", "config", "--quiet"], check=True, timeout=60)


def test_promtool_accepts_the_configuration_and_its_rules(tmp_path: Path) -> None:
    text = (FOLDER / "prometheus.yaml").read_text(encoding="utf-8")
    (mount,) = (volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"] if volume.startswith("../rules:"))
    assert f"- {mount}/*.yaml" in text
    here = tmp_path / "prometheus.yaml"
    here.write_text(text.replace(mount, str(ROOT / "rules")), encoding="utf-8")
    done = subprocess.run([need("promtool"), "check", "config", here], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(list((ROOT / 'rules').glob('*.yaml')))} rule files found" in done.stdout


def compose() -> list[str]:
    """Return the command of compose v2: the client's plugin, or the program that tests/install_docker.sh fetched."""
    cached = ROOT / ".cache" / "bin" / "docker-compose"
    if cached.exists():
        return [str(cached)]
    docker = need("docker-compose-v2", "docker")
    if subprocess.run([docker, "compose", "version"], capture_output=True, timeout=60, check=False).returncode:
        need("docker compose")
    return [docker, "compose"]
