"""`tocsin up`: the exporter in this process, and Prometheus and Alertmanager as its children."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.bundle import files
from tocsin.bundle.routes import alertmanager_config
from tocsin.bundle.scrape import prometheus_config
from tocsin.config import Config
from tocsin.demo import CHANGE_EVERY, FIRST_CHANGE_AFTER, Demo
from tocsin.errors import ConfigError
from tocsin.service import Service, wait_for_signal

_log = logging.getLogger("tocsin.up")

_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A server that is run beside the exporter: where it may come from, and where it usually listens."""

    name: str
    commands: tuple[str, ...]
    package: str
    image: str
    port: int


PROMETHEUS = Program("Prometheus", ("prometheus",), "prometheus", "prom/prometheus:v3.5.0", 9090)
ALERTMANAGER = Program(
    "Alertmanager", ("alertmanager", "prometheus-alertmanager"), "prometheus-alertmanager", "prom/alertmanager:v0.28.1", 9093
)


def up(config: Config | None, path: Path | None) -> int:
    """Run everything until SIGINT or SIGTERM, and return the exit code. Without a configuration the demo is watched."""
    _speak_plainly()
    demo = None
    if config is None:
        state = Path("tocsin-state")
        demo = Demo(state / "demo")
        config = demo.config(state)
        _say("no configuration given: watching a demo, a shop's SQLite database in %s", demo.path)
    config = replace(config, server=replace(config.server, listen=_listen(config.server.listen)))
    with Service(config, path) as service:
        if service.server.web is not None and service.server.web.users:
            raise ConfigError(
                ["tocsin up: its Prometheus does not know the passwords of basic_auth_users; run `tocsin serve` and your own Prometheus"]
            )
        _say("exporter      %s/", service.url)
        children: list[Child] = []
        try:
            _start_children(config, service, children, fast=demo is not None)
            _say("alerts that arrive are printed here and shown at %s/ ; Ctrl-C stops everything", service.url)
            wait_for_signal(service, tick=_Tick(demo, children))
        finally:
            for child in reversed(children):
                child.stop()
        _say("stopped")
    return 0


class _Tick:
    """What is done every second while everything runs: look after the children, and move the demo on."""

    def __init__(self, demo: Demo | None, children: list[Child]) -> None:
        self._demo = demo
        self._children = children
        self._next_change = time.monotonic() + FIRST_CHANGE_AFTER

    def __call__(self) -> None:
        for child in self._children:
            child.report_death()
        if self._demo is not None and time.monotonic() >= self._next_change:
            self._next_change = time.monotonic() + CHANGE_EVERY
            change = self._demo.step()
            if change:
                _say("demo: somebody runs  %s", change)


def _start_children(config: Config, service: Service, children: list[Child], *, fast: bool) -> None:
    folder = (config.state_dir / "stack").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    prometheus_port, alertmanager_port = _port(PROMETHEUS), _port(ALERTMANAGER)
    exporter = service.url.partition("://")[2]
    alertmanager = _start(
        ALERTMANAGER, folder, alertmanager_port, children, lambda: _alertmanager_files(config, folder, service.url, fast), _secrets(config)
    )
    rules = folder / "rules"
    shutil.copytree(files.share() / "rules", rules, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests"))

    def prometheus_files() -> list[str]:
        text = prometheus_config(
            exporter,
            f"127.0.0.1:{alertmanager_port}" if alertmanager else None,
            f"{rules}/*.yaml",
            "5s" if fast else "15s",
            service.url.partition(":")[0],
        )
        (folder / "prometheus.yaml").write_text(text, "utf-8")
        return [
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            "--storage.tsdb.retention.time=15d",
        ]

    _start(PROMETHEUS, folder, prometheus_port, children, prometheus_files, [])


def _alertmanager_files(config: Config, folder: Path, url: str, fast: bool) -> list[str]:
    templates = files.share() / "alertmanager" / "templates"
    shutil.copytree(templates, folder / "templates", dirs_exist_ok=True)
    text = alertmanager_config(config.notify.slack, config.notify.email, f"{url}/api/v1/notifications", f"{folder}/templates/*.tmpl", fast)
    (folder / "alertmanager.yaml").write_text(text, "utf-8")
    return [f"--config.file={folder / 'alertmanager.yaml'}", f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]


def _secrets(config: Config) -> list[Path]:
    slack, email = config.notify.slack, config.notify.email
    files = [slack.api_url_file if slack else None, email.password_file if email else None]
    return [path.resolve() for path in files if path is not None]


def _start(program: Program, folder: Path, port: int, children: list[Child], prepare: Callable[[], list[str]], secrets: list[Path]) -> bool:
    """Start a program if it can be had, and tell whether it runs."""
    command = find(program, folder, secrets)
    if command is None:
        _say(
            "%s is missing: alerts will not be delivered. Install it (Debian: apt-get install %s), or run a Docker engine, and start again",
            program.name,
            program.package,
        )
        return False
    child = Child(program, [*command, *prepare(), f"--web.listen-address=127.0.0.1:{port}"], folder / f"{program.package}.log")
    children.append(child)
    if not child.wait_ready(f"http://127.0.0.1:{port}/-/ready"):
        return False
    _say("%-13s http://127.0.0.1:%d/", program.name, port)
    return True


def find(program: Program, folder: Path, secrets: list[Path]) -> list[str] | None:
    """Return how to run a program: found on PATH, else installed by apt as root, else as a container, else None.

    A container sees the folder, and the secret files to read.
    """
    for name in program.commands:
        if shutil.which(name):
            return [name]
    if os.getuid() == 0 and shutil.which("apt-get") and _apt_install(program):
        return next(([name] for name in program.commands if shutil.which(name)), None)
    if _docker_answers():
        _say("%s runs as the container %s", program.name, program.image)
        user = f"{os.getuid()}:{os.getgid()}"
        mounts = [part for path in (folder, *secrets) for part in ("--volume", f"{path}:{path}" + (":ro" if path in secrets else ""))]
        return ["docker", "run", "--rm", "--network=host", f"--user={user}", *mounts, program.image]
    return None


def _docker_answers() -> bool:
    try:
        return (
            bool(shutil.which("docker"))
            and subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def _apt_install(program: Program) -> bool:
    """Install a Debian package without letting it start its own service."""
    _say("%s is not here yet: installing Debian's package %s", program.name, program.package)
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", program.package]
    try:
        if ours:
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
        for command in (install, ["apt-get", "update", "-qq"], install):
            done = subprocess.run(command, env=environment, capture_output=True, timeout=600, check=False).returncode == 0
            if done and command is install:
                return True
    except (OSError, subprocess.TimeoutExpired):
        pass
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    _say("apt-get could not install %s", program.package)
    return False


class Child:
    """A program that runs beside the exporter, and not longer."""

    def __init__(self, program: Program, command: list[str], log: Path) -> None:
        self.program = program
        self.log = log
        self._reported = False
        with log.open("wb") as out:
            # A session of its own: Ctrl-C reaches us alone, and we stop the children in order.
            self._process = subprocess.Popen(
                [*_die_with_parent(), *command], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def wait_ready(self, url: str) -> bool:
        """Wait until the program answers; False when it died or never did, which is told."""
        limit = time.monotonic() + _READY_SECONDS
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310 -- our own address
                    return True
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
        if not self.report_death():
            _say("%s does not become ready within %.0f s; see %s", self.program.name, _READY_SECONDS, self.log)
        return False

    def report_death(self) -> bool:
        """Tell, once, that the program has ended by itself, with its last words; return whether it has."""
        if self._process.poll() is None:
            return False
        if not self._reported:
            self._reported = True
            words = self.log.read_text(errors="replace").strip().splitlines()[-3:]
            _say(
                "%s ended with code %s; alerts are not delivered without it: start again. Its last words, from %s:\n  %s",
                self.program.name,
                self._process.returncode,
                self.log,
                "\n  ".join(words),
            )
        return True

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_STOP_SECONDS)


def _die_with_parent() -> list[str]:
    """Return the prefix that has the kernel end a child when its parent dies, however that happens."""
    return ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


def _listen(listen: str) -> str:
    """Return the address, with a free port in place of one that is taken."""
    host, _, port = listen.rpartition(":")
    if port != "0" and _taken(host.strip("[]"), int(port)):
        free = _free_port()
        _say("port %s is taken: the exporter listens on %d", port, free)
        return f"{host}:{free}"
    return listen


def _port(program: Program) -> int:
    if not _taken("127.0.0.1", program.port):
        return program.port
    free = _free_port()
    _say("port %d is taken, by another %s perhaps: left alone, ours listens on %d", program.port, program.name, free)
    return free


def _taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _speak_plainly() -> None:
    """This command talks to a person: the log loses its date, and keeps the time."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))


def _say(message: str, *values: object) -> None:
    _log.info(message, *values)
