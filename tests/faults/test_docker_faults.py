"""A Docker engine that is absent, forbidden, hung, too old, restarted, or told of more than it remembers: nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import gc
import http.server
import multiprocessing
import os
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority import Authority
from containers import IMAGE, DockerEngine, Recorder, docker_engine
from servers import free_port, get, tocsin, until
from tocsin.config import Config
from tocsin.errors import CollectError, ConnectError
from tocsin.event import Event
from tocsin.journal import Journal
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.engine import Engine
from watching import Watch, sqlite_options

# The driver leaves a socket that could not be connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def options(url: str, **more: object) -> DockerOptions:
    return DockerOptions(name="engine", kind="docker", url=url, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as engine:
        yield engine


@pytest.fixture
def listening(engine: DockerEngine, tmp_path: Path) -> Iterator[Watch]:
    with _listening(engine, tmp_path) as watch:
        yield watch


@contextlib.contextmanager
def _listening(engine: DockerEngine, folder: Path, url: str = "") -> Iterator[Watch]:
    """Watch an engine as `serve` does: with its listener, and with the clock."""
    with Watch(options(url or engine.url), folder / "state") as watch:
        watch.scheduler.start()
        until(lambda: watch.page().value("tocsin_watch_mode", mode="listen") == 1)
        until(lambda: watch.record("lifecycle").success)
        time.sleep(0.5)
        yield watch


def told(watch: Watch, name: str) -> list[str]:
    return said(watch.journal.events(limit=1000), name)


def said(events: list[Event], name: str) -> list[str]:
    found = [e for e in events if e.object == name]
    return [e.change + (f" {e.detail['planned']}" if e.change == "died" else "") for e in found]


def failure(url: str, **more: object) -> str:
    """Return reason and message of an attempt to reach an engine."""
    with pytest.raises(CollectError) as caught:
        Engine(options(url, **more)).negotiate(time.monotonic() + 2)
    return f"{caught.value.reason}: {caught.value}"


def test_engine_that_is_not_there(tmp_path: Path) -> None:
    assert failure(f"unix://{tmp_path}/none.sock").startswith("connect: engine: there is no unix://")
    assert "nobody listens" in failure(f"tcp://127.0.0.1:{free_port()}")
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(left))
    assert "nobody listens" in failure(f"unix://{left}")


def _as_nobody(url: str, answers: multiprocessing.queues.Queue[str]) -> None:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        Engine(options(url)).negotiate(time.monotonic() + 5)
        answers.put("let in")
    except CollectError as error:
        answers.put(f"{error.reason}: {error}")


def test_socket_that_may_not_be_opened(engine: DockerEngine) -> None:
    failure("unix:///nowhere.sock")  # the driver is imported while that is allowed
    engine.home.chmod(0o755)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_as_nobody, args=(engine.url, answers))
    child.start()
    answer = answers.get(timeout=20)
    child.join(20)
    assert answer.startswith("permission: ")
    assert "proxy" in answer


def test_hung_engine_harms_nobody_else_and_comes_back(engine: DockerEngine, tmp_path: Path) -> None:
    engine.container("steady")
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as db:
        db.execute("CREATE TABLE t (a)")
    with _listening(engine, tmp_path) as watch:
        watch.scheduler.apply(Config(state_dir=watch.state, targets=(watch.options, sqlite_options(tmp_path / "app.db"))))
        assert watch.scrape().value("tocsin_target_up") == 1
        engine.send(signal.SIGSTOP)
        try:
            began = time.monotonic()
            page = watch.scrape(2)
            assert time.monotonic() - began < 2.5
            assert page.value("tocsin_target_up") == 0
            assert page.value("tocsin_target_failing", reason="timeout") == 1
            assert page.all("container_last_seen") == []
            assert "hangs or is overloaded" in str(watch.target.error) or "no answer within" in str(watch.target.error)
            other = watch.scheduler.target("app")
            assert other is not None
            assert b"sqlite_up 1" in watch.app.probe(other, 2)
        finally:
            engine.send(signal.SIGCONT)
        until(lambda: watch.scrape(5).value("tocsin_target_up") == 1)
        until(lambda: watch.scrape(5).value("container_last_seen", name="steady"))
    engine.run("rm", "--force", "steady")


@pytest.mark.parametrize(
    ("what", "instead", "message"),
    [
        (b'"ApiVersion":"1.41"', b'"ApiVersion":"1.18"', "config: engine: the engine at .* is too old: its API is 1.18, 1.25 is needed"),
        (b'"MinAPIVersion":"1.12"', b'"MinAPIVersion":"2.12"', "config: engine: the engine at .* is too new"),
    ],
)
def test_api_version_that_does_not_fit(engine: DockerEngine, tmp_path: Path, what: bytes, instead: bytes, message: str) -> None:
    recorder = Recorder(engine.socket, tmp_path / "s", lambda answer: answer.replace(what, instead))
    try:
        found = failure(recorder.url)
    finally:
        recorder.close()
    import re

    assert re.match(message, found), found


def test_something_else_that_answers(tmp_path: Path) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            self.send_response(self.status)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        assert "config: engine: what answers at tcp://127.0.0.1" in failure(f"tcp://127.0.0.1:{port}")
        Page.status = 403
        assert "permission: engine: GET /version is forbidden" in failure(f"tcp://127.0.0.1:{port}")
        server.shutdown()


@pytest.mark.parametrize("sent", [b'5\r\n{"a":\r\n', b'40\r\n{"a"', b"HTTP/1.1 500 stopped\r\n", b""])
def test_engine_that_stops_in_the_middle_of_its_events_is_told_in_words(sent: bytes) -> None:
    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        reached = Engine(options(f"tcp://127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(ConnectError) as caught, reached.stream("/events", 5.0) as response:
            list(response.iter_content(None))
        reached.close()
    assert "broke off in the middle of an answer" in str(caught.value)
    assert "literal" not in str(caught.value)


def test_engine_that_wants_certificates(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "ca"), free_port()
    authority.issue("engine")
    authority.issue("client")
    pem = {name: tmp_path / "ca" / name for name in ("ca.crt", "engine.crt", "engine.key", "client.crt", "client.key")}
    flags = ["--tlsverify", f"--tlscacert={pem['ca.crt']}", f"--tlscert={pem['engine.crt']}", f"--tlskey={pem['engine.key']}"]
    url = f"tcp://127.0.0.1:{port}"
    with docker_engine(f"--host={url}", *flags) as engine:
        engine.container("steady")
        certificates = {"tls_ca": pem["ca.crt"], "tls_cert": pem["client.crt"], "tls_key": pem["client.key"]}
        with Watch(options(url, **certificates), tmp_path / "state") as watch:
            watch.scheduler.start()
            until(lambda: watch.page().value("tocsin_watch_mode", mode="listen") == 1)
            assert watch.scrape().value("container_last_seen", name="steady")
            began = time.monotonic()
        assert time.monotonic() - began < 3, "the listener lets go of an encrypted line too"
        assert failure(url, tls_ca=pem["ca.crt"]).startswith("connect: engine: ")
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other")
        assert "look at tls_ca" in failure(url, **certificates | {"tls_ca": other.folder / "ca.crt"})
        assert failure(url, tls_ca=tmp_path / "none.pem").startswith("config: engine: ")


def test_kill_from_the_host_is_unplanned_and_a_stop_is_not(engine: DockerEngine, listening: Watch) -> None:
    engine.container("shop", "--restart", "always")
    until(lambda: told(listening, "shop") == ["created", "started"])
    engine.kill_process("shop")
    until(lambda: told(listening, "shop")[2:] == ["died no", "started"])
    died = next(e for e in listening.journal.events(limit=1000) if e.object == "shop" and e.change == "died")
    assert {k: died.detail[k] for k in ("exit_code", "restart_count", "image")} == {"exit_code": 137, "restart_count": 1, "image": IMAGE}
    page = listening.scrape()
    assert page.value("tocsin_container_deaths_total", name="shop", planned="no") == 1
    assert page.value("tocsin_container_exit_code", name="shop") == 137
    assert page.value("tocsin_container_restart_count", name="shop") == 1
    engine.run("stop", "--time", "1", "shop")
    engine.run("rm", "shop")
    until(lambda: told(listening, "shop")[4:] == ["died yes", "removed"])


def test_out_of_memory_is_told(engine: DockerEngine, listening: Watch) -> None:
    engine.container("greedy", "--memory", "20m", command=("dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"))
    until(lambda: told(listening, "greedy") == ["created", "started", "oom", "died no"])
    until(lambda: listening.page().value("container_oom_events_total", name="greedy") == 1)
    engine.run("rm", "greedy")


def test_deploy_is_not_a_crash_loop_and_a_crash_loop_is(engine: DockerEngine, listening: Watch) -> None:
    for version in ("one", "two", "three", "four"):
        engine.image("web:1", text=version)
        engine.container("web", image="web:1")
        until(lambda: told(listening, "web")[-1:] == ["started"])
        engine.run("rm", "--force", "web")
        until(lambda: told(listening, "web")[-1:] == ["removed"])
    assert told(listening, "web") == ["created", *["started", "died yes", "removed", "deployed"] * 3, "started", "died yes", "removed"]
    assert "crash_looping" not in told(listening, "web")
    engine.container("loop", "--restart", "always", command=("sh", "-c", "exit 7"))
    until(lambda: "crash_looping" in told(listening, "loop"), 60)
    until(lambda: (listening.page().value("tocsin_container_recent_crashes", name="loop") or 0) >= 3)
    engine.run("rm", "--force", "loop")


@pytest.mark.parametrize("flags", [(), ("--live-restore",)], ids=["plain", "live-restore"])
def test_restarted_engine_loses_and_repeats_nothing(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with docker_engine(*flags) as engine, _listening(engine, tmp_path) as watch:
        engine.container("always", "--restart", "always")
        engine.container("once")
        until(lambda: told(watch, "once") == ["created", "started"])
        engine.stop()
        if flags:
            time.sleep(0.5)
        engine.start()
        until(lambda: watch.scrape().value("tocsin_target_up") == 1)
        until(lambda: watch.page().value("tocsin_watch_mode", mode="listen") == 1, 60)
        time.sleep(8)  # what has not been explained by then is concluded
        if flags:
            assert told(watch, "always") == told(watch, "once") == ["created", "started"], "their processes lived on"
        else:
            (ended,) = [t for t in told(watch, "always")[2:] if t.startswith("died")]
            assert told(watch, "always") == ["created", "started", ended, "started"]
            assert ended != "died no", "it is not the container that failed"
            assert [t.split()[0] for t in told(watch, "once")] == ["created", "started", "died"]
        engine.kill_process("always")
        until(lambda: told(watch, "always")[-2:] == ["died no", "started"], 60)
        names = Counter(told(watch, "always"))
        assert names["died no"] == 1


def test_cut_stream_loses_and_repeats_nothing(engine: DockerEngine, tmp_path: Path) -> None:
    recorder = Recorder(engine.socket, tmp_path / "s")
    try:
        with _listening(engine, tmp_path, recorder.url) as watch:
            for i in range(6):
                engine.container(f"job-{i}", "--rm", command=("sh", "-c", "exit 1"))
                recorder.cut()
                until(lambda i=i: not engine.run("ps", "--quiet", "--all", "--filter", f"name=job-{i}"))
            until(lambda: len([e for e in watch.journal.events(limit=1000) if e.change == "removed"]) == 6, 60)
            time.sleep(1)
            for i in range(6):
                assert told(watch, f"job-{i}") == ["created", "started", "died no", "removed"]
    finally:
        recorder.close()


def test_more_events_at_once_than_the_engine_remembers(engine: DockerEngine, listening: Watch) -> None:
    """Heard as they happen, they do not need the engine's memory of 256."""
    engine.run("create", "--name", "burst-0", IMAGE, "true")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(engine.socket))
        answers = line.makefile("rb")
        for i in range(600):
            request = f"POST /v1.41/containers/burst-{i}/rename?name=burst-{i + 1} HTTP/1.1\r\nHost: engine\r\nContent-Length: 0\r\n\r\n"
            line.sendall(request.encode())
            while answers.readline().strip():
                pass
        answers.close()
    until(lambda: listening.journal.events(limit=1000)[-1].new == "burst-600", 60)
    time.sleep(1)
    found = [(e.old, e.new) for e in listening.journal.events(limit=1000) if e.change == "renamed"]
    # The engine leaves out events that nobody takes within 100 ms, as on a machine that is busy. A look bridges them.
    assert len(found) > 500
    assert [old for old, _ in found] == ["burst-0", *(new for _, new in found[:-1])]
    assert found[-1][1] == "burst-600"
    engine.run("rm", "burst-600")


def test_more_happened_while_nobody_listened_than_the_engine_remembers(engine: DockerEngine, tmp_path: Path) -> None:
    engine.container("steady", "--restart", "always")
    engine.container("gone")
    with _listening(engine, tmp_path):
        pass
    engine.kill_process("steady")
    until(lambda: engine.run("inspect", "--format", "{{.RestartCount}}", "steady") == "1")
    engine.run("rm", "--force", "gone")
    engine.run("create", "--name", "noise", IMAGE, "true")
    for i in range(140):
        engine.run("rename", "noise" if not i % 2 else "noises", "noises" if not i % 2 else "noise")
        engine.run("rename", "noises" if not i % 2 else "noise", "noise" if not i % 2 else "noises")
        engine.run("rename", "noise" if not i % 2 else "noises", "noises" if not i % 2 else "noise")
    with _listening(engine, tmp_path) as watch:
        until(lambda: told(watch, "gone") == ["died unknown", "removed"], 30)
        until(lambda: told(watch, "steady") == ["died no", "started"], 30)
        time.sleep(6)
        assert told(watch, "steady") == ["died no", "started"]
        assert told(watch, "gone") == ["died unknown", "removed"]
    engine.run("rm", "--force", "steady", "noise", fails=True)


def test_killed_exporter_loses_and_repeats_nothing(engine: DockerEngine, tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {tmp_path}/state\ntargets: [{{name: engine, kind: docker, url: "{engine.url}"}}]\n'
    )
    with tocsin(config, tmp_path) as (url, _child):
        until(lambda: 'tocsin_collector_success{instance="engine",collector="docker.lifecycle"} 1' in get(f"{url}/metrics")[1])
    for i in range(5):
        with tocsin(config, tmp_path) as (_url, child):
            engine.container(f"kill-{i}", "--rm", command=("sh", "-c", "exit 1"))
            time.sleep(0.15 * i)
            child.process.kill()
            child.process.wait(10)
        engine.container(f"away-{i}", "--rm", command=("sh", "-c", "exit 1"))
    with tocsin(config, tmp_path) as (url, _child):
        until(lambda: get(f"{url}/api/v1/events?change=removed&limit=100")[1].count('"removed"') >= 10, 30)
        time.sleep(4)
    with contextlib.closing(Journal(tmp_path / "state")) as journal:
        events = journal.events(limit=1000)
    for name in [f"{kind}-{i}" for kind in ("kill", "away") for i in range(5)]:
        assert said(events, name) == ["created", "started", "died no", "removed"]
