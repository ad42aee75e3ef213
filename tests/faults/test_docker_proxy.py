"""Docker's API through the proxy of compose/docker.yaml, which lets reading through alone."""

from __future__ import annotations

import http.client
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from containers import IMAGE, DockerEngine, docker_engine
from servers import ROOT, Child, free_port, until
from tocsin.sources.docker.config import DockerOptions
from tools import need
from watching import Watch

COMPOSE = ROOT / "compose" / "docker.yaml"
CONFIG = ROOT / "compose" / "socket-proxy.cfg"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as engine:
        engine.container("steady")
        yield engine


@pytest.fixture(scope="module")
def port(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    environment = {"PROXY_BIND": f"127.0.0.1:{port}", "DOCKER_SOCKET": f"unix@{engine.socket}"}
    proxy = Child([need("haproxy"), "-db", "-f", str(CONFIG)], tmp_path_factory.mktemp("proxy") / "log", environment)
    try:
        until(lambda: ask(port, "GET", "/_ping") == 200 or proxy.process.poll() is not None)
        assert proxy.process.poll() is None, proxy.text()
        yield port
    finally:
        proxy.stop()


def ask(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={"Content-Length": "0"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.41/containers/steady/stop"),
        ("DELETE", "/v1.41/containers/steady?force=1"),
        ("PUT", "/containers/steady/archive?path=/"),
        ("GET", "/v1.41/containers/steady/archive?path=/etc/passwd"),
        ("GET", "/v1.41/containers/steady/logs?stdout=1"),
        ("GET", "/v1.41/containers/steady/../../secrets"),
        ("GET", "/v1.41/containers/steady/export"),
        ("POST", "/containers/json"),
        ("GET", "/v1.41/secrets"),
    ],
)
def test_whatever_is_not_wanted_is_refused(engine: DockerEngine, port: int, method: str, path: str) -> None:
    assert ask(port, method, path) == 403
    assert engine.run("inspect", "--format", "{{.State.Status}}", "steady") == "running"


def test_everything_is_collected_through_the_proxy(engine: DockerEngine, port: int, tmp_path: Path) -> None:
    options = DockerOptions(name="engine", kind="docker", url=f"tcp://127.0.0.1:{port}")
    with Watch(options, tmp_path / "state") as watch:
        watch.scheduler.start()
        until(lambda: watch.page().value("tocsin_watch_mode", mode="listen") == 1)
        until(lambda: all(watch.record(name).success for name in ("lifecycle", "images", "mounts", "sizes")))
        page = watch.scrape()
        assert page.value("tocsin_target_up") == 1
        assert {labels["collector"]: value for labels, value in page.all("tocsin_collector_success") if not value} == {}
        assert page.value("container_last_seen", name="steady")
        engine.run("create", "--name", "heard", IMAGE, "true")
        until(lambda: [e for e in watch.journal.events() if e.object == "heard" and e.change == "created"])
        engine.run("rm", "heard")
    far = DockerOptions(name="far", kind="docker", url=f"tcp://127.0.0.1:{port}", cgroup_root=tmp_path, proc_root=tmp_path)
    with Watch(far, tmp_path / "far") as watch:
        assert watch.scrape(20).value("tocsin_container_usage_source", source="engine") == 1


def test_proxy_alone_has_the_socket_and_is_hardened() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert [name for name, service in services.items() if any("docker.sock" in volume for volume in service["volumes"])] == ["socket-proxy"]
    proxy = services["socket-proxy"]
    assert re.fullmatch(r"haproxy:\d+\.\d+\.\d+-alpine", proxy["image"])
    assert (proxy["read_only"], proxy["cap_drop"], proxy["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert not proxy["user"].startswith("0:")
    assert "ports" not in proxy
    assert all(volume.endswith(":ro") for volume in services["exporter"]["volumes"])


def test_compose_accepts_the_addition() -> None:
    cached = ROOT / ".cache" / "bin" / "docker-compose"
    command = [str(cached)] if cached.exists() else [need("docker-compose-v2", "docker"), "compose"]
    files = ["-f", str(ROOT / "compose" / "compose.yaml"), "-f", str(COMPOSE)]
    environment = {"PATH": "/usr/bin:/bin", "DOCKER_GROUP": "999"}
    done = subprocess.run([*command, *files, "config", "--quiet"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
