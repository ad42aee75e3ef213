"""Without Prometheus on PATH and without apt, `tocsin up` runs the official images, if a Docker engine answers.

The images cannot be had in every place that tests run; these hold the real programs of this machine under the official names.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from engine import Docker
from servers import Child, until
from tocsin.stack import ALERTMANAGER, PROMETHEUS
from tools import need


@pytest.fixture
def official_images(docker: Docker, tmp_path: Path) -> None:
    for program in (PROMETHEUS, ALERTMANAGER):
        binary = Path(need(*program.commands))
        tar = tmp_path / f"{program.package}.tar"
        libraries = re.findall(r"(?:=>\s|^\s)(/\S+)", subprocess.run(["ldd", binary], capture_output=True, text=True).stdout, re.MULTILINE)
        with tarfile.open(tar, "w", dereference=True) as image:
            image.add(binary, "bin/program")
            for file in (*libraries, *Path("/usr/share/prometheus/alertmanager").glob("*.tmpl")):
                image.add(file, str(file).lstrip("/"))
        docker("import", "--change", 'ENTRYPOINT ["/bin/program"]', tar, program.image, timeout=120)


def test_official_images_stand_in(docker: Docker, official_images: None, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").symlink_to(need("docker"))
    folder = tmp_path / "newcomer"
    folder.mkdir()
    up = Child(
        [shutil.which("env") or "env", f"--chdir={folder}", f"PATH={tools}", sys.executable, "-m", "tocsin.cli", "up"],
        tmp_path / "log",
        {"DOCKER_HOST": docker.address, "HOME": os.environ.get("HOME", "/")},  # type: ignore[attr-defined]
    )
    try:
        until(lambda: "ALERT FIRING critical: demo-shop" in up.text() or up.process.poll() is not None, 90)
        assert f"Prometheus runs as the container {PROMETHEUS.image}" in up.text()
        assert "ALERT FIRING critical: demo-shop: column orders.email dropped" in up.text()
        assert len(docker("ps", "--quiet").split()) == 2
    finally:
        assert up.stop(signal.SIGINT, 40) == 0, up.text()
    assert docker("ps", "--quiet", "--all") == ""
