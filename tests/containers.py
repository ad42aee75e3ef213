"""A Docker engine that tests may stop, hang and start again, with an image of busybox, and what they do to its containers."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from servers import until
from tools import lacking, need

IMAGE = "busybox:local"
_APPLETS = ("sh", "sleep", "cat", "dd", "kill", "true", "false", "test", "touch", "rm", "mkdir", "trap")


class DockerEngine:
    """An engine with its own socket and data folder. It has no network and needs no iptables."""

    def __init__(self, *flags: str) -> None:
        self.client, self._daemon = need("docker"), need("dockerd")
        if os.geteuid():
            lacking("a Docker engine needs root")
        self.home = Path(tempfile.mkdtemp(prefix="tocsin-"))  # not pytest's folder: a socket's path is short
        self.socket = self.home / "engine.sock"
        self.url = f"unix://{self.socket}"
        self.flags = list(flags)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> DockerEngine:
        folders = ["--data-root", self.home / "data", "--exec-root", self.home / "exec", "--pidfile", self.home / "pid"]
        command = [self._daemon, "--host", self.url, *folders, "--bridge", "none", "--iptables=false", *self.flags]
        log = self.home / "log"
        with log.open("ab") as output:
            self.process = process = subprocess.Popen(command, stdout=output, stderr=output)
        until(lambda: process.poll() is not None or self.run("version", "--format", "{{.Server.Version}}", fails=True), 60)
        if process.poll() is not None:
            lacking(f"no Docker engine starts here: {log.read_text(errors='replace').splitlines()[-1][:300]}")
        if not self.run("images", "--quiet", IMAGE):
            self.image(IMAGE)
        return self

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def close(self) -> None:
        """Remove everything, the containers of an engine that lets them live on included."""
        if self.process is not None and self.process.poll() is None:
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.run("rm", "--force", *self.run("ps", "--quiet", "--all").split() or ["none"], fails=True, timeout=120)
            self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def image(self, name: str, *changes: str, text: str = "") -> str:
        """Make an image of busybox, another one for each text, and return its id."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as image:
            image.add(need("busybox"), "bin/busybox")
            for applet in _APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                image.addfile(link)
            file = tarfile.TarInfo("version")
            file.size = len(text)
            image.addfile(file, io.BytesIO(text.encode()))
        options = [word for change in changes for word in ("--change", change)]
        command = [self.client, "--host", self.url, "import", *options, "-", name]
        return subprocess.run(command, input=tar.getvalue(), capture_output=True, check=True, timeout=60).stdout.decode().strip()

    def run(self, *arguments: object, timeout: float = 60, fails: bool = False) -> str:
        """Run the client's command and return what it prints."""
        done = subprocess.run([self.client, "--host", self.url, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
        assert fails or done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.strip()

    def container(self, name: str, *options: str, command: tuple[str, ...] = ("sleep", "1000"), image: str = IMAGE) -> str:
        """Start a container and return its id."""
        return self.run("run", "--detach", "--name", name, *options, image, *command)

    def pid(self, name: str) -> int:
        return int(self.run("inspect", "--format", "{{.State.Pid}}", name))

    def disk_counting(self) -> tuple[str, ...]:
        """Return options with which the disk of the data folder is counted by cgroup: newer kernels begin with the first limit."""
        device = self.home.stat().st_dev
        try:
            name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
        except OSError:
            return ()
        disk = name.parent if (name / "partition").exists() else name
        return ("--device-write-bps", f"/dev/{disk.name}:10gb")

    def kill_process(self, name: str) -> None:
        """Kill a container's process from the host, as the kernel or a careless operator does; the engine is not asked."""
        os.kill(self.pid(name), signal.SIGKILL)


@contextmanager
def docker_engine(*flags: str) -> Iterator[DockerEngine]:
    engine = DockerEngine(*flags)
    try:
        yield engine.start()
    finally:
        engine.close()


class Recorder:
    """A proxy before an engine's socket that keeps the first line of each request, and may alter what comes back."""

    def __init__(self, engine: Path, listen: Path, alter: Callable[[bytes], bytes] = lambda answer: answer) -> None:
        self.requests: list[str] = []
        self.url = f"unix://{listen}"
        self._engine, self._alter = engine, alter
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(listen))
        self._server.listen(64)
        self.lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                engine = socket.socket(socket.AF_UNIX)
                try:
                    engine.connect(str(self._engine))
                except OSError:
                    client.close()
                    continue
                self.lines += [client, engine]
                threading.Thread(target=self._relay, args=(client, engine), daemon=True).start()

    def _relay(self, client: socket.socket, engine: socket.socket) -> None:
        with client, engine:
            asking = threading.Thread(target=self._ask, args=(client, engine), daemon=True)
            asking.start()
            self._answer(engine, client)
            asking.join()

    def _ask(self, client: socket.socket, engine: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                # A request without a body is all there is in one piece of a socket of this machine's.
                self.requests += [line.decode() for line in data.split(b"\r\n") if line.endswith(b" HTTP/1.1")]
                engine.sendall(data)
        with suppress(OSError):
            engine.shutdown(socket.SHUT_WR)

    def _answer(self, engine: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := engine.recv(65536):
                client.sendall(self._alter(data))
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break every connection there is."""
        lines, self.lines = self.lines, []
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
