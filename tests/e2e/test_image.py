"""The image is built by a real engine on a locally made base, and the container runs with nothing but its state to write to."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from base_image import ENVIRONMENT, wheelhouse, write_base

from tools import need

ROOT = Path(__file__).parents[2]
USER = 9847
CONFIG = """\
server: {listen: "0.0.0.0:9847"}
state_dir: /var/lib/tocsin
targets:
  - {name: app, kind: sqlite, path: /data/app.db}
"""
# 127.0.0.2 is this container too, and answers only if the server listens on every address.
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.2:9847{path}', timeout=5).read().decode())"

Docker = Callable[..., str]


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """Start an engine of this test's own, and give the client's command for it. It has no network and needs no iptables."""
    client, engine = need("docker"), need("dockerd")
    if os.geteuid():
        need("dockerd as root")
    home = Path(tempfile.mkdtemp(prefix="tocsin-"))  # not pytest's folder: a gigabyte need not be kept, and a socket's path is short
    socket = f"unix://{home}/engine.sock"
    folders = ["--data-root", home / "data", "--exec-root", home / "exec", "--pidfile", home / "pid"]
    command = [engine, "--host", socket, *folders, "--bridge", "none", "--iptables=false"]
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def run(*arguments: object, timeout: float = 60, fails: bool = False) -> str:
        command = [client, "--host", socket, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert fails or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()

    try:
        wait(lambda: process.poll() is not None or run("version", "--format", "{{.Server.Version}}", fails=True), 30)
        if process.poll() is not None:
            need(f"a Docker engine that starts here ({log.read_text(errors='replace').splitlines()[-1][:300]})")
        yield run
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def image(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the exporter's image as anyone would, with another base."""
    tar = tmp_path_factory.mktemp("base") / "base.tar"
    write_base(tar, wheelhouse(ROOT, ROOT / ".cache"), need("busybox"))
    changes = [part for name, value in ENVIRONMENT.items() for part in ("--change", f"ENV {name}={value}")]
    docker("import", *changes, tar, "base:local", timeout=120)
    tar.unlink()
    started = time.monotonic()
    build = ["build", "--network", "none", "--build-arg", "BASE=base:local", "-f", ROOT / "exporter/Dockerfile", "-t", "tocsin:local", ROOT]
    docker(*build, timeout=180)
    print(f"image built in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return "tocsin:local"


@pytest.fixture(scope="module")
def container(docker: Docker, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the container as compose.yaml does, beside a SQLite database."""
    folder = tmp_path_factory.mktemp("watched")
    folder.chmod(0o755)  # the container's user must get in
    (folder / "tocsin.yaml").write_text(CONFIG, encoding="utf-8")
    with sqlite3.connect(folder / "app.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT)")
    database.close()
    hardened = "--read-only --tmpfs /tmp:size=16m,mode=1777 --cap-drop ALL --security-opt no-new-privileges --pids-limit 128 --memory 256m"
    mounts = ["-v", f"{folder}/tocsin.yaml:/etc/tocsin/tocsin.yaml:ro", "-v", f"{folder}:/data:ro", "-v", "state:/var/lib/tocsin"]
    docker("run", "--detach", "--name", "exporter", "--network", "none", "--health-interval", "1s", *hardened.split(), *mounts, image)
    yield "exporter"
    print(docker("logs", "exporter")[-2000:], file=sys.stderr)
    docker("rm", "--force", "exporter")


def test_container_answers_ready_and_is_healthy(docker: Docker, container: str) -> None:
    wait(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy", 30)
    docker("exec", container, "python", "-c", ASK.format(path="/-/ready"))
    page = docker("exec", container, "python", "-c", ASK.format(path="/metrics"))
    assert 'sqlite_up{instance="app"} 1' in page.splitlines(), page


def test_container_runs_as_nobody_special_and_keeps_its_state(docker: Docker, container: str) -> None:
    assert docker("inspect", "--format", "{{.Config.User}}", container) == f"{USER}:{USER}"
    look = "import os; print(os.getuid(), os.access('/', os.W_OK), bool(os.listdir('/var/lib/tocsin')))"
    seen = docker("exec", container, "python", "-c", look)
    assert seen == f"{USER} False True"


def test_image_has_nothing_to_build_or_install_with(docker: Docker, container: str) -> None:
    inside = docker("exec", container, "python", "-c", "import os; print(*sorted(os.listdir('/opt/tocsin/bin')))").split()
    assert "tocsin" in inside
    assert [name for name in inside if name.startswith(("pip", "hatch", "cc", "gcc"))] == []


def test_container_stops_at_once_when_asked(docker: Docker, container: str) -> None:
    started = time.monotonic()
    docker("stop", "--time", "20", container)
    assert time.monotonic() - started < 10
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"


def wait(done: Callable[[], object], seconds: float) -> None:
    """Wait until `done` is true, half a second between questions."""
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, f"not within {seconds} seconds"
        time.sleep(0.5)
