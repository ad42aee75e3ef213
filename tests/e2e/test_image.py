"""The image is built by a real engine on a locally made base, and the container runs with nothing but its state to write to."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator

import pytest

from base_image import ENVIRONMENT, wheelhouse, write_base
from engine import Docker
from servers import ROOT, until
from tools import need

USER = 9847
CONFIG = """\
server: {listen: "0.0.0.0:9847"}
state_dir: /var/lib/tocsin
targets:
  - {name: app, kind: sqlite, path: /data/app.db}
"""
# 127.0.0.2 is this container too, and answers only if the server listens on every address.
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.2:9847{path}', timeout=5).read().decode())"


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
    until(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy", 30)
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
