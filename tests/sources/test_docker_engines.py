"""Engines of other releases than the one that runs here: what they answer differently, and that nothing is told wrongly for it.

The answers are written by hand after the API's reference and its version history (v1.40 to v1.52), and after what Podman answers at
Docker's API; the engines themselves are not to be had here. Everything else about Docker is tested against a real engine.
"""

from __future__ import annotations

import copy
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tocsin.discovery.rules import recognise
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import read
from watching import Page, Watch

ID, OTHER = "1" * 64, "2" * 64
IMAGE, NEWER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NEVER = "0001-01-01T00:00:00Z"

Answers = dict[str, Any]


def release(api: str, oldest: str, *, containerd: bool) -> Answers:
    """Return what an engine of that release answers, by path. With containerd's store of images an image's id is its index's digest."""
    state: dict[str, Any] = {
        "Status": "running", "Running": True, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False, "Pid": 4194300,
        "ExitCode": 0, "Error": "", "StartedAt": "2026-01-02T03:04:05.123456789Z", "FinishedAt": NEVER,
    }  # fmt: skip
    network: dict[str, Any] = {"Ports": {"5432/tcp": [{"HostIp": "", "HostPort": "15432"}], "8008/tcp": None}, "Networks": {
        "shop_default": {"IPAddress": "172.18.0.2", "IPPrefixLen": 16, "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "DNSNames": None},
    }}  # fmt: skip
    one: dict[str, Any] = {
        "Id": ID, "Created": "2026-01-02T03:04:05Z", "Path": "docker-entrypoint.sh", "Args": ["postgres"], "State": state, "Image": IMAGE,
        "Name": "/orders", "RestartCount": 0, "HostConfig": {"RestartPolicy": {"Name": "always"}, "NetworkMode": "shop_default"},
        "Mounts": [{"Type": "volume", "Name": "v", "Source": "/v", "Destination": "/var/lib/postgresql/data", "RW": True}],
        "Config": {"Image": "postgres:16", "Env": ["PGDATA=/x"], "Cmd": ["postgres"], "Entrypoint": ["docker-entrypoint.sh"],
                   "Labels": {}, "ExposedPorts": {"5432/tcp": {}}}, "NetworkSettings": network,
    }  # fmt: skip
    created = copy.deepcopy(one) | {"Id": OTHER, "Name": "/waiting"}
    created["State"] |= {"Status": "created", "Running": False, "Pid": 0, "StartedAt": NEVER}
    created["NetworkSettings"] = {"Ports": {}, "Networks": {"shop_default": {"IPAddress": "", "IPPrefixLen": 0}}}
    listed: list[dict[str, Any]] = [
        {"Id": ID, "Names": ["/orders"], "Image": "postgres:16", "ImageID": IMAGE, "State": "running", "Status": "Up 2 hours (healthy)"},
        {"Id": OTHER, "Names": ["/waiting"], "Image": "postgres:16", "ImageID": IMAGE, "State": "created", "Status": "Created"},
    ]
    old = {"status": "start", "id": ID, "from": "postgres:16"}
    event = {"Type": "container", "Action": "start", "Actor": {"ID": ID, "Attributes": {"image": "postgres:16", "name": "orders"}},
             "scope": "local", "time": 1767323045, "timeNano": 1767323045200000000}  # fmt: skip
    if containerd:
        one["ImageManifestDescriptor"] = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": NEWER, "size": 1}
        one["Storage"] = {"RootFS": {"Snapshot": {"Name": "overlayfs"}}}
        listed[0] |= {"Health": {"Status": "healthy", "FailingStreak": 0}, "ImageManifestDescriptor": one["ImageManifestDescriptor"]}
        state["Health"] = {"Status": "healthy", "FailingStreak": 0, "Log": []}
    else:
        one["GraphDriver"] = {"Name": "overlay2", "Data": {}}
        one["Config"]["MacAddress"] = network["MacAddress"] = "02:42:ac:12:00:02"
        network |= {"IPAddress": "", "Bridge": "", "Gateway": "", "SandboxID": "x", "SecondaryIPAddresses": None}
        event |= old
    return {
        "/version": {"Version": "x", "ApiVersion": api, "MinAPIVersion": oldest, "Os": "linux", "KernelVersion": "6.12"},
        "/containers/json": listed,
        f"/containers/{ID}/json": one,
        f"/containers/{OTHER}/json": created,
        f"/containers/{ID}/stats": STATS,
        "/images/json": [
            {"Id": IMAGE, "RepoTags": ["postgres:16"], "RepoDigests": ["postgres@sha256:" + "c" * 64], "Containers": -1, "SharedSize": -1},
            {"Id": NEWER, "RepoTags": None if containerd else ["<none>:<none>"], "RepoDigests": [] if containerd else ["<none>@<none>"]},
        ],
        "/info": {"NCPU": 4, "MemTotal": 8 * 2**30, "DockerRootDir": "/var/lib/docker", "Driver": "overlayfs", "CgroupVersion": "2"},
        "/events": [event],
    }  # fmt: skip


STATS = {
    "name": "/orders", "id": ID, "read": "2026-01-02T03:04:06Z", "preread": NEVER, "os_type": "linux", "pids_stats": {"current": 7},
    "blkio_stats": {"io_service_bytes_recursive": [{"major": 8, "minor": 0, "op": "read", "value": 5}], "io_serviced_recursive": None},
    "cpu_stats": {"cpu_usage": {"total_usage": 2_000_000_000, "usage_in_kernelmode": 5, "usage_in_usermode": 7}, "online_cpus": 4},
    "memory_stats": {"usage": 4096, "stats": {"inactive_file": 96, "anon": 1}, "limit": 2**33},
    "networks": {"eth0": {"rx_bytes": 3, "tx_bytes": 4}},
}  # fmt: skip


def podman() -> Answers:
    """Return what Podman answers: words of its own, a command that is no list, and things left out."""
    found = release("1.41", "1.24", containerd=False)
    one = found[f"/containers/{ID}/json"]
    one["Config"] |= {"Entrypoint": "docker-entrypoint.sh", "Labels": None, "ExposedPorts": None}
    one["State"] |= {"Health": {"Status": "", "FailingStreak": 0}}
    one["HostConfig"]["RestartPolicy"] = {"Name": ""}
    found["/containers/json"][1] |= {"Names": None, "State": None, "Status": None}
    found[f"/containers/{OTHER}/json"]["State"]["Status"] = "initialized"
    return found


RELEASES = {
    "engine 19.03, API 1.40": release("1.40", "1.12", containerd=False),
    "engine 24, API 1.43": release("1.43", "1.12", containerd=False),
    "engine 27, API 1.47": release("1.47", "1.24", containerd=True),
    "engine 29, API 1.52": release("1.52", "1.44", containerd=True),
    "one that is to come": release("1.60", "1.44", containerd=True),
    "podman": podman(),
}


@contextmanager
def engine(answers: Answers) -> Iterator[DockerOptions]:
    """Answer what is asked from a table; what is not in it is not there, and what is a number is that status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one piece, or each answer waits for the network's patience

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            found = answers.get("/" + path.split("/", 2)[2] if path.startswith("/v1.") else path, 404)
            status = found if isinstance(found, int) else 200
            if path.endswith("/events"):
                body = b"".join(json.dumps(event).encode() + b"\n" for event in found)
            else:
                body = json.dumps({"message": "RWLayer is unexpectedly nil"} if isinstance(found, int) else found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield DockerOptions(name="engine", kind="docker", url=f"tcp://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join(10)


def failures(page: Page) -> list[str]:
    return [labels["collector"] for labels, value in page.all("tocsin_collector_success") if not value]


@pytest.mark.parametrize("answers", RELEASES.values(), ids=RELEASES)
def test_each_release_is_understood(answers: Answers, tmp_path: Path) -> None:
    with engine(answers) as options, Watch(options, tmp_path) as watch:
        assert watch.check() == []
        page = watch.scrape()
        assert failures(page) == []
        assert page.value("docker_up") == 1
        assert page.value("container_cpu_usage_seconds_total", name="orders") == 2
        assert page.value("tocsin_container_running", name="orders") == 1
        assert page.value("tocsin_container_running", name="waiting") == 0
        assert page.value("tocsin_container_image_outdated", name="orders") == 0
        assert page.value("tocsin_container_port", name="orders", port="5432", host_port="15432") == 1
        started = page.all("tocsin_container_started_timestamp_seconds")
        assert [labels["name"] for labels, _ in started] == ["orders"], "the other one never was"
        (image,) = [labels for labels, _ in page.all("tocsin_container_image", name="orders")]
        assert image["digest"] == "sha256:" + "c" * 64
        assert watch.check() == [], "nothing has happened"
    found = recognise(read(answers[f"/containers/{ID}/json"]))
    assert found is not None
    assert found.engine == "postgres"


@pytest.mark.parametrize("answers", RELEASES.values(), ids=RELEASES)
def test_a_container_made_anew_from_the_same_image_is_not_deployed(answers: Answers, tmp_path: Path) -> None:
    answers = copy.deepcopy(answers)
    with engine(answers) as options, Watch(options, tmp_path) as watch:
        watch.check()
        again = "3" * 64
        for path, told in list(answers.items()):
            if ID in path:
                answers[path.replace(ID, again)] = {**told, "Id": again} if "Id" in told else told
        answers["/containers/json"][0]["Id"] = again
        since = int(time.time()) + 5
        answers["/events"] = [
            {"Type": "container", "Action": action, "Actor": {"ID": id, "Attributes": {"image": "postgres:16", "name": "orders", **more}},
             "timeNano": (since + i) * 10**9}
            for i, (id, action, more) in enumerate([
                (ID, "kill", {"signal": "15"}), (ID, "die", {"exitCode": "0", "execDuration": "9"}), (ID, "destroy", {}),
                (again, "create", {}), (again, "start", {}), (again, "health_status: healthy", {}),
            ])
        ]  # fmt: skip
        assert [event.change for event in watch.check()] == ["died", "removed", "recreated", "started"]
        page = watch.scrape()
        assert page.value("tocsin_container_deaths_total", name="orders", planned="yes") == 1


def test_tag_that_has_moved_on_is_told_and_ids_of_two_kinds_are_not_compared(tmp_path: Path) -> None:
    answers = release("1.52", "1.44", containerd=True)
    with engine(answers) as options, Watch(options, tmp_path) as watch:
        images = answers["/images/json"]
        images[0]["RepoTags"], images[1]["RepoTags"] = [], ["postgres:16"]
        watch.check()
        assert watch.scrape().value("tocsin_container_image_outdated", name="orders") == 1
        images[0]["Id"] = "sha256:" + "d" * 64  # of the configuration, say, where the container has the index's
        watch.check()
        assert watch.scrape().value("tocsin_container_image_outdated", name="orders") is None


def test_a_container_that_the_engine_cannot_inspect_hides_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A layer that is gone has the engine answer so for good; what is known of the container stands, and is no removal."""
    answers = release("1.43", "1.12", containerd=False)
    with engine(answers) as options, Watch(options, tmp_path) as watch:
        watch.check()
        for state, broken in (("dead", 500), ("removing", {"Id": OTHER, "Name": None})):
            answers[f"/containers/{OTHER}/json"] = broken
            answers["/containers/json"][1]["State"] = state
            assert watch.check() == []
            page = watch.scrape()
            assert failures(page) == []
            assert page.value("tocsin_container_running", name="orders") == 1
            assert page.value("tocsin_container_running", name="waiting") == 0
    assert "cannot be inspected" in caplog.text
    assert "RWLayer is unexpectedly nil" in caplog.text
