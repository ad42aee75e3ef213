"""The stream of events, followed as browsers and scripts follow it: through bursts, kills, gaps and crowds."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import random
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bcrypt
import pytest

from authority import Authority
from servers import free_port, get, tocsin, until
from tocsin import config, stream
from tocsin.event import Change, Event, EventKind, Risk
from tocsin.server import Handler
from tocsin.service import Service
from tocsin.stream import MOST_STREAMS


@dataclass
class Message:
    """One block of the stream."""

    id: int | None = None
    event: str = ""
    data: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    retry: int | None = None

    @property
    def value(self) -> Any:
        (line,) = self.data
        return json.loads(line)


class Client:
    """Follows a stream and keeps, as a browser does, the last id that it was told."""

    def __init__(self, url: str, query: str = "", last: int | None = None, timeout: float = 30.0) -> None:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
        self.connection.request("GET", f"/api/v1/events/stream{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last = last

    def blocks(self) -> Iterator[Message]:
        """Yield every block until the connection ends; one cut in the middle is none."""
        found = Message()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while line := self.answer.readline():
                text = line.decode().rstrip("\n")
                if not text:
                    self.last = self.last if found.id is None else found.id
                    yield found
                    found = Message()
                name, _, rest = text.partition(": ")
                match name:
                    case "id":
                        found.id = int(rest)
                    case "event":
                        found.event = rest
                    case "data":
                        found.data.append(rest)
                    case "retry":
                        found.retry = int(rest)
                    case "" if text:
                        found.comments.append(rest)

    def messages(self, seconds: float = 60.0) -> Iterator[Message]:
        """Yield the events; heartbeats see to it that a stream without any ends in time too."""
        limit = time.monotonic() + seconds
        for block in self.blocks():
            if block.data:
                yield block
            assert time.monotonic() < limit, "nothing came"

    def take(self, count: int) -> list[Message]:
        return [m for _, m in zip(range(count), self.messages(), strict=False)]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.answer.close()
        self.connection.close()


@contextlib.contextmanager
def following(url: str, query: str = "", last: int | None = None) -> Iterator[Client]:
    client = Client(url, query, last)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path) as found:
        yield found


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Service]:
    (folder / "t.yaml").write_text(f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {folder}/state\n")
    with Service(config.load(folder / "t.yaml")) as service:
        yield service


def change(name: str, risk: Risk = Risk.SAFE, **fields: Any) -> Event:
    return Event(
        kind=fields.pop("kind", EventKind.SCHEMA),
        object_kind="table",
        object=name,
        change=Change.ADDED,
        risk=risk,
        database="shop",
        **fields,
    )


def commit(service: Service, *names: str, target: str = "t", **fields: Any) -> None:
    service.journal.commit(target, "c", [change(name, **fields) for name in names])


def objects(messages: list[Message]) -> list[str]:
    return [m.value["object"] for m in messages]


# Its form


def test_an_event_comes_with_its_id_its_kind_and_the_json_of_the_api_in_one_line(service: Service) -> None:
    with following(service.url) as client:
        assert client.status == 200
        assert client.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert client.answer.headers["Cache-Control"] == "no-store"
        commit(service, "a", old="two\nlines\r\u2028and more")
        (message,) = client.take(1)
    assert (message.id, message.event) == (1, "schema")
    (expected,) = json.loads(get(f"{service.url}/api/v1/events")[1])["events"]
    assert message.value == expected


def test_without_an_id_the_stream_begins_now_and_says_where(service: Service) -> None:
    commit(service, "old", "older")
    with following(service.url) as client:
        first = next(client.blocks())
        assert (first.id, first.data, first.retry) == (2, [], 2000)
        commit(service, "new")
        assert objects(client.take(1)) == ["new"]


def test_who_loses_the_connection_before_the_first_event_misses_nothing(service: Service) -> None:
    with following(service.url) as client:
        next(client.blocks())
    commit(service, "meanwhile")
    with following(service.url, last=client.last) as client:
        assert objects(client.take(1)) == ["meanwhile"]


def test_since_id_serves_those_who_cannot_send_the_header_and_the_header_is_stronger(service: Service) -> None:
    commit(service, *"abcd")
    with following(service.url, "?since_id=1") as client:
        assert objects(client.take(3)) == ["b", "c", "d"]
    with following(service.url, "?since_id=1", last=3) as client:
        assert objects(client.take(1)) == ["d"]
    with following(service.url, "?since_id=0") as client:
        assert objects(client.take(4)) == ["a", "b", "c", "d"]


def test_a_wrong_id_is_refused(service: Service) -> None:
    assert get(f"{service.url}/api/v1/events/stream", {"Last-Event-ID": "x"})[0] == 400


def test_head_answers_without_following(service: Service) -> None:
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)
    with contextlib.closing(connection):
        connection.request("HEAD", "/api/v1/events/stream")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")


def test_filters_hold_for_what_was_and_for_what_comes(service: Service) -> None:
    commit(service, "safe1", "safe2")
    commit(service, "lost1", risk=Risk.DESTRUCTIVE)
    commit(service, "elsewhere", target="u", risk=Risk.DESTRUCTIVE)
    with following(service.url, "?risk=destructive&risk=breaking&target=t", last=0) as client:
        assert objects(client.take(1)) == ["lost1"]
        commit(service, "safe3")
        commit(service, "open", risk=Risk.BREAKING, security=True)
        commit(service, "lost2", risk=Risk.DESTRUCTIVE)
        assert objects(client.take(2)) == ["open", "lost2"]


def test_a_quiet_line_shows_that_it_is_open_and_how_far_it_looked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_BEAT_SECONDS", 0.3)
    monkeypatch.setattr(stream, "_WAIT_SECONDS", 0.1)
    with following(service.url, "?risk=destructive") as client:
        blocks = client.blocks()
        assert next(blocks).id == 0
        assert next(blocks).comments == ["still here"]
        commit(service, "passed", "over")
        found = next(b for b in blocks if b.id is not None)
        assert (found.id, found.comments, found.data) == (2, ["still here"], [])


# Nothing lost, nothing twice


def test_reconnecting_in_the_middle_of_bursts_loses_and_repeats_nothing(service: Service) -> None:
    total = 6000
    rng = random.Random(7)

    def write() -> None:
        sent = 0
        while sent < total:
            count = min(rng.choice([1, 3, 50, 400]), total - sent)
            commit(service, *(f"t{n}" for n in range(sent, sent + count)))
            sent += count

    writer = threading.Thread(target=write)
    seen: list[str] = []
    last = 0
    connections = 0
    writer.start()
    try:
        while len(seen) < total:
            with following(service.url, last=last) as client:
                if client.status == 503:  # the places of those that left are free within a second
                    time.sleep(0.2)
                    continue
                found = client.take(min(rng.choice([1, 10, 300, 1500]), total - len(seen)))
                seen += objects(found)
                assert found, "the stream ended by itself"
                last = found[-1].id or 0
                connections += 1
    finally:
        writer.join(60)
    assert connections > 5
    assert seen == [f"t{n}" for n in range(total)]


def test_a_killed_exporter_is_followed_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (id INTEGER)")
    port = free_port()
    (tmp_path / "t.yaml").write_text(
        f"server: {{listen: '127.0.0.1:{port}'}}\nstate_dir: {tmp_path}/state\n"
        "targets: [{name: app, kind: sqlite, path: app.db, every: {schema: 100ms}}]\n"
    )
    seen: list[Message] = []
    last: int | None = 0
    for turn in range(3):
        with tocsin(tmp_path / "t.yaml", tmp_path) as (url, child):
            until(lambda: 'collector="sqlite.schema"} 1' in get(f"{url}/metrics")[1])
            with following(url, last=last) as client:
                with contextlib.closing(sqlite3.connect(path)) as db:
                    for i in range(5):
                        db.execute(f"CREATE TABLE t{turn}_{i} (id INTEGER)")
                # The kill comes between events that were sent and events that were not.
                seen += client.take(2)
                told = f"{url}/api/v1/events?since_id={5 * turn}"
                until(lambda address=told: len(json.loads(get(address)[1])["events"]) == 5)
                child.stop(signal.SIGKILL)
                rest = client.take(5)  # whatever was on its way
                seen += rest
                last = client.last
    with tocsin(tmp_path / "t.yaml", tmp_path) as (url, _), following(url, last=last) as client:
        seen += client.take(15 - len(seen))
    assert sorted(objects(seen)) == sorted(f"t{turn}_{i}" for turn in range(3) for i in range(5))
    assert [m.id for m in seen] == list(range(1, 16))


def test_a_change_of_a_real_database_reaches_the_client_in_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
    (tmp_path / "t.yaml").write_text(
        f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {tmp_path}/state\n"
        "targets: [{name: app, kind: sqlite, path: app.db, every: {schema: 500ms}}]\n"
    )
    with tocsin(tmp_path / "t.yaml", tmp_path) as (url, _):
        until(lambda: 'collector="sqlite.schema"} 1' in get(f"{url}/metrics")[1])
        taken = []
        with following(url, "?risk=destructive") as client:
            messages = client.messages()
            for name in ("a", "b", "c"):
                with contextlib.closing(sqlite3.connect(path)) as db:
                    db.execute(f"ALTER TABLE orders ADD COLUMN {name} TEXT")
                    time.sleep(1.5)
                    db.execute(f"ALTER TABLE orders DROP COLUMN {name}")
                began = time.monotonic()
                assert next(messages).value["object"] == f"orders.{name}"
                taken.append(time.monotonic() - began)
        print("seconds from change to client:", [round(t, 3) for t in taken])
        assert min(taken) < 2


def test_events_that_retention_removed_are_announced_as_a_gap(service: Service) -> None:
    commit(service, *"abc")
    service.journal.keep_seconds = 0.05
    time.sleep(0.1)
    service.journal.prune()
    with following(service.url, last=1) as client:
        (gap,) = client.take(1)
        assert (gap.event, gap.id, gap.value) == ("gap", 3, {"since_id": 1, "oldest_id": 4})
        commit(service, "d")
        assert objects(client.take(1)) == ["d"]
    with following(service.url, last=3) as client:  # who had all of them lost nothing
        assert objects(client.take(1)) == ["d"]


def test_a_journal_that_began_anew_is_told_from_its_beginning(tmp_path: Path) -> None:
    with started(tmp_path) as service:
        commit(service, "a", "b")
        with following(service.url, last=500) as client:
            gap, *rest = client.take(3)
    assert (gap.event, gap.value) == ("gap", {"since_id": 500, "oldest_id": 1})
    assert objects(rest) == ["a", "b"]


# Many, slow and rude clients


def test_streams_are_bounded_and_never_starve_a_scrape(service: Service) -> None:
    clients = []

    def connect() -> None:
        clients.append(Client(service.url))

    def has_place() -> bool:
        connect()
        return clients[-1].status == 200

    threads = [threading.Thread(target=connect) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    try:
        statuses = sorted(c.status for c in clients)
        assert statuses == [200] * MOST_STREAMS + [503] * (50 - MOST_STREAMS)
        for refused in (c for c in clients if c.status == 503):
            assert int(refused.answer.headers["Retry-After"]) > 0
            assert b"clients follow the stream" in refused.answer.read()
        assert get(f"{service.url}/metrics")[0] == 200
        commit(service, "a")
        for client in (c for c in clients if c.status == 200):
            assert objects(client.take(1)) == ["a"]
        next(c for c in clients if c.status == 200).close()
        until(has_place)
    finally:
        for client in clients:
            client.close()
    until(lambda: len(service.app.streams) == 0)


def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "timeout", 1.0)
    host, port = service.server.server_address[:2]
    with socket.socket() as slow, following(service.url) as quick:
        seen: list[int | None] = []
        reader = threading.Thread(
            target=lambda: seen.extend(m.id for m in takewhile(lambda m: m.value["object"] != "end", quick.messages()))
        )
        reader.start()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((str(host), int(port)))
        slow.sendall(b"GET /api/v1/events/stream?since_id=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: len(service.app.streams) == 2)
        count = 0
        while len(service.app.streams) == 2 and count < 20_000:
            commit(service, *("x" for _ in range(100)), old="o" * 5000)
            count += 100
            if count % 2000 == 0:
                time.sleep(0.2)
        until(lambda: len(service.app.streams) == 1)
        commit(service, "end")
        reader.join(60)
    assert len(seen) == count


def test_shutdown_ends_every_stream_at_once(tmp_path: Path) -> None:
    ended = []

    def read(client: Client) -> None:
        list(client.blocks())
        ended.append(time.monotonic())

    with started(tmp_path) as service:
        clients = [Client(service.url) for _ in range(5)]
        threads = [threading.Thread(target=read, args=(c,)) for c in clients]
        for thread in threads:
            thread.start()
        until(lambda: len(service.app.streams) == 5)
        began = time.monotonic()
    for thread in threads:
        thread.join(20)
    assert len(ended) == 5
    assert max(ended) - began < 5
    for client in clients:
        client.close()


def test_a_client_that_leaves_makes_room_at_once(service: Service) -> None:
    for _ in range(3):
        clients = [Client(service.url) for _ in range(MOST_STREAMS)]
        assert [c.status for c in clients] == [200] * MOST_STREAMS
        for client in clients:
            client.close()
        until(lambda: len(service.app.streams) == 0, 10)


def test_the_stream_follows_the_web_configuration(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue("server")
    password = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yaml").write_text(
        f"tls_server_config: {{cert_file: server.crt, key_file: server.key}}\nbasic_auth_users: {{ann: '{password}'}}\n"
    )
    (tmp_path / "t.yaml").write_text(f"server: {{listen: '127.0.0.1:0', web_config_file: web.yaml}}\nstate_dir: {tmp_path}/state\n")
    login = {"Authorization": f"Basic {base64.b64encode(b'ann:secret').decode()}"}
    trust = authority.client()

    def connect(headers: dict[str, str]) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPSConnection(urlsplit(service.url).netloc, timeout=20, context=trust)
        connection.request("GET", "/api/v1/events/stream", headers=headers)
        return connection, connection.getresponse()

    with Service(config.load(tmp_path / "t.yaml")) as service:
        connection, refused = connect({})
        assert refused.status == 401
        connection.close()
        connection, leaving = connect(login)
        assert leaving.status == 200
        until(lambda: len(service.app.streams) == 1)
        leaving.close()
        connection.close()
        until(lambda: len(service.app.streams) == 0, 10)
        connection, answer = connect(login)
        service.journal.commit("t", "c", [change("a")])
        while not (line := answer.readline()).startswith(b"data: "):
            assert line
        assert json.loads(line[6:])["object"] == "a"
    rest = b""
    with contextlib.suppress(OSError):
        rest = answer.read()
    assert rest.strip() == b""
    answer.close()
    connection.close()


def test_waiting_costs_no_look_at_the_disk(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    events = service.journal.events
    monkeypatch.setattr(service.journal, "events", lambda *a, **k: looks.append(1) or events(*a, **k))
    monkeypatch.setattr(stream, "_WAIT_SECONDS", 0.05)
    with following(service.url) as client:
        next(client.blocks())
        time.sleep(1)
        assert len(looks) <= 1
        commit(service, "a")
        assert objects(client.take(1)) == ["a"]
