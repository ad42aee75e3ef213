"""A real Docker engine and its containers, watched as the exporter watches them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers import IMAGE, DockerEngine, Recorder, docker_engine
from servers import ROOT, until
from tocsin.sources.docker.config import DockerOptions, tls_of, where
from tocsin.sources.docker.container import MOST_PORTS
from tocsin.sources.docker.session import list_containers
from watching import Page, Watch

CONTRACT = ROOT.parent / "shared" / "compat" / "containers.md"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as engine:
        yield engine


@pytest.fixture
def clean(engine: DockerEngine) -> Iterator[DockerEngine]:
    """The engine without any container, before and after."""
    yield engine
    if ids := engine.run("ps", "--quiet", "--all").split():
        engine.run("rm", "--force", *ids)


def options(engine: DockerEngine | str, **more: object) -> DockerOptions:
    return DockerOptions(name="engine", kind="docker", url=engine if isinstance(engine, str) else engine.url, **more)  # type: ignore[arg-type]


def one(page: Page, name: str, container: str) -> float:
    value = page.value(name, name=container)
    assert value is not None, f"{name} of {container} is missing"
    return value


def test_usage_of_a_container_is_what_its_cgroup_and_the_engine_say(clean: DockerEngine, tmp_path: Path) -> None:
    busy = "dd if=/dev/zero of=/data bs=1M count=20 conv=fsync; while :; do :; done"
    limits = ("--memory", "64m", "--cpus", "0.2", *clean.disk_counting())
    clean.container("busy", *limits, "--label", "team=shop", command=("sh", "-c", busy))
    clean.container("idle")
    time.sleep(8)
    with Watch(options(clean, container_labels=("team", "a.b")), tmp_path) as watch:
        page = watch.scrape()
        watch.check()
        sizes = watch.page()
    labels = dict(page.all("container_memory_usage_bytes", name="busy")[0][0])
    id = clean.run("inspect", "--format", "{{.Id}}", "busy")
    assert labels == {
        "id": f"/docker/{id}", "name": "busy", "image": IMAGE, "container_label_team": "shop", "container_label_a_b": "",
    }  # fmt: skip
    told = json.loads(subprocess.run(
        ["curl", "--silent", "--unix-socket", clean.socket, f"http://engine/containers/{id}/stats?stream=false&one-shot=true"],
        capture_output=True, check=True, timeout=30).stdout)  # fmt: skip
    cpu = page.value("container_cpu_usage_seconds_total", name="busy", cpu="total")
    assert cpu is not None
    assert 0.3 < cpu <= told["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9 < cpu + 20
    assert one(page, "container_cpu_cfs_throttled_periods_total", "busy") > 3
    assert one(page, "container_cpu_cfs_throttled_seconds_total", "busy") > 0.3
    assert one(page, "container_cpu_user_seconds_total", "busy") + one(page, "container_cpu_system_seconds_total", "busy") > 0.2
    assert one(page, "container_memory_usage_bytes", "busy") == pytest.approx(told["memory_stats"]["usage"], rel=0.2)
    assert one(page, "container_memory_working_set_bytes", "busy") < one(page, "container_memory_usage_bytes", "busy")
    assert one(page, "container_memory_cache", "busy") > 10 * 2**20
    assert one(page, "container_spec_memory_limit_bytes", "busy") == 64 * 2**20
    assert (one(page, "container_spec_cpu_quota", "busy"), one(page, "container_spec_cpu_period", "busy")) == (20_000, 100_000)
    assert one(page, "container_spec_memory_limit_bytes", "idle") == 0
    assert page.value("container_spec_cpu_quota", name="idle") is None, "only with a limit"
    assert page.value("container_cpu_cfs_periods_total", name="idle") is None
    assert one(page, "container_last_seen", "busy") == pytest.approx(time.time(), abs=60)
    assert one(page, "container_health_state", "busy") == -1
    written = page.all("container_fs_writes_bytes_total", name="busy")
    assert sum(value for _, value in written) >= 2**20, "the kernel counts only from when some container has a limit"
    assert all(labels["device"].startswith("/dev/") for labels, _ in written)
    ((_, usage),) = sizes.all("container_fs_usage_bytes", name="busy")
    assert usage >= 20 * 2**20
    assert sizes.all("container_fs_limit_bytes", name="busy")[0][1] > usage
    assert page.all("tocsin_container_usage_source", source="cgroup")[0][1] == 2


def test_network_counters_are_the_containers_own(clean: DockerEngine, tmp_path: Path) -> None:
    clean.container("shared", "--network", "host")
    clean.container("alone", "--network", "none")
    pid = str(clean.pid("alone"))
    for command in (["link", "add", "eth9", "type", "veth", "peer", "name", "veth9"], ["link", "set", "eth9", "up"]):
        subprocess.run(["nsenter", "--target", pid, "--net", "ip", *command], check=True, timeout=20)
    with Watch(options(clean), tmp_path) as watch:
        page = watch.scrape()
    assert {labels["interface"] for labels, _ in page.all("container_network_receive_bytes_total", name="alone")} == {"eth9"}
    assert page.all("container_network_receive_bytes_total", name="shared") == [], "the host's interfaces are not the container's"


def test_cgroups_out_of_reach_are_made_up_for_by_the_engine(clean: DockerEngine, tmp_path: Path) -> None:
    clean.container("far", "--memory", "64m", command=("sh", "-c", "dd if=/dev/zero of=/data bs=1M count=5; while :; do :; done"))
    time.sleep(1)
    with Watch(options(clean, cgroup_root=tmp_path / "none", proc_root=tmp_path / "none"), tmp_path / "far") as watch:
        far = watch.scrape(20)
    with Watch(options(clean), tmp_path / "near") as watch:
        near = watch.scrape()
    assert far.value("tocsin_container_usage_source", source="engine") == 1
    assert far.value("container_cpu_usage_seconds_total", name="far") == pytest.approx(
        near.value("container_cpu_usage_seconds_total", name="far"), abs=20
    )
    assert one(far, "container_memory_working_set_bytes", "far") == pytest.approx(
        one(near, "container_memory_working_set_bytes", "far"), rel=0.5
    )
    assert far.value("machine_scrape_error") == 1
    assert near.value("machine_scrape_error") == 0


def test_what_a_container_is_running_or_not(clean: DockerEngine, tmp_path: Path) -> None:
    clean.container("failed", command=("sh", "-c", "sleep 1; exit 3"))
    clean.container("checked", "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1", "--restart", "on-failure:3")
    clean.run("create", "--name", "never", "--publish", "127.0.0.1:8080:80", "--expose", "9000/udp", IMAGE, "true")
    clean.container("paused")
    clean.run("pause", "paused")
    until(lambda: clean.run("inspect", "--format", "{{.State.Health.Status}}", "checked") == "unhealthy")
    until(lambda: clean.run("inspect", "--format", "{{.State.Status}}", "failed") == "exited")
    with Watch(options(clean), tmp_path) as watch:
        watch.check()
        page = watch.scrape()
    states = {labels["name"]: labels["state"] for labels, _ in page.all("tocsin_container_state")}
    assert states == {"failed": "exited", "checked": "running", "never": "created", "paused": "paused"}
    assert page.value("tocsin_container_count", state="exited") == 1
    assert page.value("tocsin_container_health", name="checked", health="unhealthy") == 1
    assert one(page, "tocsin_container_health_failing_streak", "checked") >= 1
    assert one(page, "container_health_state", "checked") == 0
    assert one(page, "tocsin_container_exit_code", "failed") == 3
    assert one(page, "tocsin_container_finished_timestamp_seconds", "failed") > one(
        page, "tocsin_container_started_timestamp_seconds", "failed"
    )
    assert page.value("tocsin_container_started_timestamp_seconds", name="never") is None
    ((info, _),) = page.all("tocsin_container_info", name="checked")
    assert info["restart_policy"] == "on-failure"
    assert {(p["port"], p["protocol"]) for p, _ in page.all("tocsin_container_port", name="never")} == {("9000", "udp"), ("80", "tcp")}


def test_a_container_whose_author_means_ill_costs_the_others_nothing(clean: DockerEngine, tmp_path: Path) -> None:
    labels = {
        "tocsin.name": 'one\ntwo"\\', "org.opencontainers.image.title": "postgres\n# TYPE x gauge", "shop.team": "t" * 2 * 10**6,
        **{f"a{i}": "b" * 100 for i in range(5000)},
    }  # fmt: skip
    import docker

    client = docker.APIClient(base_url=clean.url, version="1.41")
    ports = [(number, "tcp") for number in range(1, 20000)]
    variables = {f"A{i}": "x" for i in range(1000)}
    host = client.create_host_config(network_mode="none")
    made = client.create_container(
        IMAGE, ["sleep", "1000"], name="bad-one", labels=labels, ports=ports, environment=variables, host_config=host
    )
    client.start(made["Id"])
    clean.container("good-one", "--expose", "80")
    with Watch(options(clean, container_labels=("shop.team",)), tmp_path) as watch:
        watch.check()
        page = watch.scrape(30)
        assert {labels["collector"] for labels, value in page.all("tocsin_collector_success") if not value} == set()
        for name in ("bad-one", "good-one"):
            assert page.value("tocsin_container_running", name=name) == 1
            assert one(page, "container_memory_usage_bytes", name) > 0
        assert len(page.all("tocsin_container_port", name="bad-one")) == MOST_PORTS
        assert len(page.all("tocsin_container_port", name="good-one")) == 1
        assert len(page.text) < 2 * 10**6
        clean.run("kill", "bad-one")
        assert "died" in [event.change for event in until(watch.check)], "though the engine repeats all of that with each event"
    client.close()


def test_image_that_its_tag_has_left_behind(clean: DockerEngine, tmp_path: Path) -> None:
    clean.image("shop:1", text="one")
    clean.container("shop", image="shop:1")
    with Watch(options(clean), tmp_path) as watch:
        watch.check()
        assert one(watch.page(), "tocsin_container_image_outdated", "shop") == 0
        clean.image("shop:1", text="two")
        watch.check()
        assert one(watch.page(), "tocsin_container_image_outdated", "shop") == 1


def test_mounts_of_database_files(clean: DockerEngine, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    (tmp_path / "app" / "readme").write_text("SQL")
    os.mkfifo(tmp_path / "app" / "pipe")
    (tmp_path / "lake.duckdb").write_bytes(bytes(8) + b"DUCK" + bytes(100))
    mounts = [f"{tmp_path}/app:/srv", f"{tmp_path}/lake.duckdb:/lake.duckdb:ro", "pgdata:/var/lib/postgresql/data"]
    clean.container("apps", *(word for mount in mounts for word in ("--volume", mount)))
    with Watch(options(clean), tmp_path / "state") as watch:
        watch.check()
        found = {(m["engine"], m["destination"]) for m, _ in watch.page().all("tocsin_container_database_mount")}
    assert found == {("sqlite", "/srv/app.db"), ("duckdb", "/lake.duckdb"), ("postgres", "/var/lib/postgresql/data")}


def test_containers_are_listed_for_whoever_wants_to_know_what_they_are(clean: DockerEngine) -> None:
    clean.container("db", "--env", "POSTGRES_PASSWORD=secret", "--label", "tocsin.user=me", "--expose", "5432")
    (found,) = list_containers(options(clean), 10)
    assert (found.name, found.image, found.environment) == ("db", IMAGE, ("POSTGRES_PASSWORD",))
    assert (found.command, found.labels["tocsin.user"], found.ports[0].number) == (("sleep", "1000"), "me", 5432)


def test_engine_is_only_ever_asked_with_get_and_once_for_what_has_not_moved(clean: DockerEngine, tmp_path: Path) -> None:
    for name in ("aa", "bb", "cc"):
        clean.container(name)
    recorder = Recorder(clean.socket, tmp_path / "s")
    try:
        with Watch(options(recorder.url, collectors={"processes": True}), tmp_path / "state") as watch:
            watch.scheduler.start()
            until(lambda: watch.page().value("tocsin_watch_mode", mode="listen") == 1)
            time.sleep(1.5)
            watch.scrape()
            before = len(recorder.requests)
            for _ in range(5):
                watch.scrape()
            asked = [line for line in recorder.requests[before:] if "/events" not in line]
            clean.run("kill", "bb")
            until(lambda: watch.scrape().value("tocsin_container_running", name="bb") == 0)
        with Watch(options(recorder.url, cgroup_root=tmp_path, proc_root=tmp_path), tmp_path / "state") as watch:
            watch.check()
            watch.scrape(20)
        list_containers(options(recorder.url), 10)
    finally:
        recorder.close()
    assert {line.split()[0] for line in recorder.requests} == {"GET"}
    paths = {re.sub(r"[0-9a-f]{64}", "ID", line.split()[1].partition("?")[0].removeprefix("/v1.41")) for line in recorder.requests}
    assert paths == {
        "/version", "/containers/json", "/containers/ID/json", "/containers/ID/stats", "/events", "/images/json", "/info",
    }  # fmt: skip
    assert [line for line in asked if "/json" in line and "/containers/json" not in line] == [], "nothing has moved"


def test_client_refuses_whatever_is_not_get(clean: DockerEngine) -> None:
    from tocsin.sources.docker.engine import Engine

    engine = Engine(options(clean))
    with pytest.raises(AssertionError, match="POST"):
        engine._api.create_container(IMAGE, "true")
    engine.close()
    assert clean.run("ps", "--quiet", "--all") == ""


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is kept beside the checkout")
def test_names_and_types_are_those_of_the_contract(clean: DockerEngine, tmp_path: Path) -> None:
    work = "dd if=/dev/zero of=/d bs=1M count=4 conv=fsync; sleep 99"
    clean.container("busy", "--memory", "64m", "--cpus", "0.5", *clean.disk_counting(), command=("sh", "-c", work))
    time.sleep(1)
    with Watch(options(clean, collectors={"processes": True}), tmp_path) as watch:
        watch.scrape()
        watch.check()
        page = watch.scrape()
    text = CONTRACT.read_text()
    most = text[text.index("Used by dashboards/alerts most") :].partition(".\n")[0]
    wanted = [name for word in re.findall(r"container_[\w{},*/]+", most) for name in _expanded(word)]
    assert len(wanted) >= 13
    missing = [name for name in wanted if not any(re.fullmatch(name, known) for known in page.names()) and "network" not in name]
    assert missing == [], "network counters have a test of their own: these containers have no interface"
    gauges = ("container_fs_inodes_total",)
    counters = ("container_memory_failcnt",)
    for name, kind in page.types.items():
        if name.startswith(("container_", "machine_")):
            assert (kind == "counter") == (name in counters or (name.endswith("_total") and name not in gauges)), name


def _expanded(word: str) -> list[str]:
    """Return the names of `a_{b,c}_d`, `a/b` and `a_*` as patterns."""
    if match := re.search(r"\{([^}]+)\}", word):
        return [name for choice in match[1].split(",") for name in _expanded(word.replace(match[0], choice, 1))]
    first, *more = word.rstrip(",").split("/")
    return [name.replace("*", ".*") for name in (first, *(first.rpartition("_")[0].rpartition("_")[0] + "_" + m for m in more))]


def test_engine_of_the_environment_is_used_where_none_is_named() -> None:
    environment = {"DOCKER_HOST": "tcp://engine.example:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    nameless = DockerOptions(name="e", kind="docker")
    assert where(nameless, environment) == "tcp://engine.example:2376"
    tls = tls_of(nameless, environment)
    assert tls is not None
    assert tls.ca == Path("/certs/ca.pem")
    assert where(nameless, {}) == "unix:///var/run/docker.sock"
    assert tls_of(options("tcp://127.0.0.1:2375"), environment) is None


def test_driver_costs_what_it_costs() -> None:
    """The official client is a matter of some megabytes, and only of a process that has a Docker target."""
    script = "import psutil, tocsin.service; p = psutil.Process(); a = p.memory_info().rss; import docker; print(p.memory_info().rss - a)"
    grown = int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    print(f"\nimporting docker: {grown / 2**20:.1f} MiB")
    assert grown < 25 * 2**20
