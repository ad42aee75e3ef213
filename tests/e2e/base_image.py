"""A base image made of this machine's own Python: no registry is asked, and the wheels of this machine fit."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pip

PYTHON = Path(os.path.realpath(sys.executable))  # the interpreter behind the virtual environment
STDLIB = Path(sysconfig.get_path("stdlib"))
WHEELHOUSE = "/wheelhouse"

ENVIRONMENT = {"PATH": f"{PYTHON.parent}:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELHOUSE}
"""What `docker import` must be told: pip in the image knows the wheelhouse and nothing else."""

# What manylinux wheels may expect of a system, beside the libraries of the interpreter itself.
_EXPECTED = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libresolv.so.2",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libpthread.so.0",
    "libz.so.1",
)
_UNUSED = {"test", "idlelib", "tkinter", "turtledemo", "site-packages", "dist-packages", "__pycache__"}
_APPLETS = ("sh", "mkdir", "cp", "cat", "echo", "ls", "false")
_FILES = {"etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "etc/group": "root:x:0:\n"}


def wheelhouse(project: Path, cache: Path) -> Path:
    """Return a folder with the wheels of what the project needs to be built and to run, downloaded when that list changed."""
    wanted = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*wanted["build-system"]["requires"], *wanted["project"]["dependencies"]]
    key = hashlib.sha256("\n".join([sys.version, *needed]).encode()).hexdigest()[:16]
    folder = cache / f"wheelhouse-{key}"
    if not (folder / "complete").exists():
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", folder, *needed]
        subprocess.run(download, check=True, timeout=600)
        (folder / "complete").touch()
    return folder


def write_base(tar: Path, wheels: Path, busybox: str) -> None:
    """Write the root file system: busybox as the shell, the interpreter with its library and pip, the wheels."""
    with tarfile.open(tar, "w") as image:
        folders: set[Path] = set()

        def add(source: Path, name: Path) -> None:
            for folder in reversed(name.parents[:-1]):
                if folder not in folders:
                    folders.add(folder)
                    image.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
            with source.open("rb") as content:
                mode = 0o755 if os.access(source, os.X_OK) else 0o644
                image.addfile(_entry(name, tarfile.REGTYPE, mode, source.stat().st_size), content)

        add(Path(busybox).resolve(), Path("bin/busybox"))
        add(PYTHON, PYTHON.relative_to("/"))
        for source, name in (*_tree(STDLIB, STDLIB, _UNUSED), *_tree(Path(pip.__path__[0]), _site_packages() / "pip", {"__pycache__"})):
            add(source, name.relative_to("/"))
        for library in _libraries([PYTHON, *(STDLIB / "lib-dynload").glob("[!_]*.so"), *(STDLIB / "lib-dynload").glob("_[!t]*.so")]):
            add(library.resolve(), library.relative_to("/"))
        for wheel in wheels.glob("*.whl"):
            add(wheel, Path(WHEELHOUSE[1:]) / wheel.name)
        for name, text in _FILES.items():
            image.addfile(_entry(Path(name), tarfile.REGTYPE, 0o644, len(text)), io.BytesIO(text.encode()))
        image.addfile(_entry(Path("tmp"), tarfile.DIRTYPE, 0o1777))
        links = {Path("bin", applet): "busybox" for applet in _APPLETS} | {PYTHON.relative_to("/").with_name("python"): PYTHON.name}
        for name, to in links.items():
            link = _entry(name, tarfile.SYMTYPE, 0o777)
            link.linkname = to
            image.addfile(link)


def _entry(name: Path, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(name))
    entry.type, entry.mode, entry.size = kind, mode, size
    return entry


def _tree(top: Path, target: Path, without: Iterable[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the files below a folder and their names below the target, without the folders of some names."""
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in without and not name.startswith("config-")]
        for name in files:
            if (path := Path(folder, name)).is_file():
                yield path, target / path.relative_to(top)


def _site_packages() -> Path:
    """Return where the interpreter of the image looks for pip: outside of any virtual environment."""
    asked = subprocess.run([PYTHON, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True)
    return Path(asked.stdout.strip())


def _libraries(programs: list[Path]) -> set[Path]:
    found = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found += "\n".join(line for line in known.splitlines() if line.split(" ", 1)[0].strip() in _EXPECTED)
    return {Path(path) for path in re.findall(r"(?:=>\s|^\s)(/\S+)", found, re.MULTILINE)}
