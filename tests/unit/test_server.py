"""The HTTP server, asked as Prometheus, Alertmanager, a browser and a rude client ask it."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from fakes import series
from servers import get, get_json, until
from tocsin import config, server
from tocsin.event import Event, EventKind, Risk
from tocsin.runner import Suspension
from tocsin.server import scrape_seconds
from tocsin.service import Service

CONFIG = """
server: {listen: "127.0.0.1:0"}
targets:
  - {name: app, kind: sqlite, path: app.db, every: {schema: 50ms}, labels: {team: shop}}
  - {name: "<b>&\\"odd name?", kind: sqlite, path: "<i>none.db"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(tmp_path / "app.db")) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
    (tmp_path / "tocsin.yaml").write_text(CONFIG + f"state_dir: {tmp_path}/state\n")
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    with Service(config.load(folder / "tocsin.yaml"), folder / "tocsin.yaml") as found:
        yield found


class Answer:
    """Status, headers and body, as they came over the wire."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(service: Service, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    with contextlib.closing(http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=20)) as connection:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        return Answer(connection.getresponse())


def raw(service: Service) -> socket.socket:
    host, port = service.server.server_address[:2]
    return socket.create_connection((str(host), int(port)), timeout=20)


def said(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            found += chunk
    return found


def is_answered(connection: socket.socket) -> bool:
    """Ask over a connection that stays open, and take the whole answer off it."""
    connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
    found = b""
    while not found.endswith(b"tocsin is healthy\n"):
        chunk = connection.recv(65536)
        if not chunk:
            return False
        found += chunk
    return found.startswith(b"HTTP/1.1 200 ")


# /metrics


def test_metrics_serve_every_target_with_its_name_and_the_exporter_itself(service: Service) -> None:
    answer = ask(service, "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    page = series(answer.text)
    assert page['sqlite_up{instance="app",team="shop"}'] == 1
    assert page['sqlite_up{instance="<b>&"odd name?"}'] == 0
    assert page["tocsin_journal_up"] == page["tocsin_config_last_reload_successful"] == 1
    assert page["process_resident_memory_bytes"] > 1e6
    assert [key for key in page if key.startswith("tocsin_build_info")]


def test_gzip_is_sent_to_who_asks_for_it(service: Service) -> None:
    answer = ask(service, "/metrics", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert series(gzip.decompress(answer.body).decode())['sqlite_up{instance="app",team="shop"}'] == 1


@pytest.mark.parametrize("accepted", ["deflate, GZIP;q=0.5", "gzip;q=1", "br,gzip , *"])
def test_gzip_is_found_among_others(service: Service, accepted: str) -> None:
    assert ask(service, "/metrics", Accept_Encoding=accepted).headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("accepted", ["", "identity", "deflate", "gzip;q=0", "gzip; q=0.000", "xgzip", "br;q=1, gzip;q=0"])
def test_gzip_is_not_sent_to_who_does_not_want_it(service: Service, accepted: str) -> None:
    answer = ask(service, "/metrics", Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert "sqlite_up" in answer.text


def test_a_short_answer_is_not_compressed(service: Service) -> None:
    assert "Content-Encoding" not in ask(service, "/-/healthy", Accept_Encoding="gzip").headers


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 9.5), ("", 9.5), ("10", 9.5), ("15.000000", 14.5), ("1", 0.5), ("0.5", 0.25), ("0.1", 0.05), ("300", 299.5),
        ("301", 9.5), ("0", 9.5), ("-1", 9.5), ("nan", 9.5), ("inf", 9.5), ("soon", 9.5), ("1e1", 9.5),
    ],
)  # fmt: skip
def test_a_scrape_takes_what_prometheus_allows_less_the_way_back(header: str | None, seconds: float) -> None:
    assert scrape_seconds(header) == pytest.approx(seconds)


def test_the_timeout_that_prometheus_sends_ends_the_scrape(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[float] = []
    monkeypatch.setattr(service.scheduler, "scrape", lambda _targets, deadline, _names: allowed.append(deadline - time.monotonic()))
    ask(service, "/metrics", X_Prometheus_Scrape_Timeout_Seconds="3")
    ask(service, "/probe?target=app", X_Prometheus_Scrape_Timeout_Seconds="2")
    assert allowed == [pytest.approx(2.5, abs=0.2), pytest.approx(1.5, abs=0.2)]


# /probe and /sd


def test_probe_serves_one_target_without_its_own_labels(service: Service) -> None:
    answer = ask(service, "/probe?target=app")
    page = series(answer.text)
    assert answer.status == 200
    assert page["sqlite_up"] == 1
    assert page['tocsin_collector_success{collector="sqlite.database"}'] == 1
    assert not [key for key in page if "instance=" in key or "team=" in key or key.startswith("process_")]


def test_probe_and_metrics_say_the_same_of_a_target(service: Service) -> None:
    own = series(ask(service, "/probe?target=app").text)
    own = {k for k in own if not k.startswith("tocsin_collector_failures")}
    everything = series(ask(service, "/metrics").text)
    stripped = {re.sub(r'(?<=[{,])(instance="app"|team="shop"),?', "", key).replace(",}", "}").replace("{}", "") for key in everything}
    assert own <= stripped


@pytest.mark.parametrize("query", ["?target=none", "", "?target=", "?module=x"])
def test_an_unknown_target_is_told_with_those_there_are(service: Service, query: str) -> None:
    answer = ask(service, f"/probe{query}")
    assert answer.status == 404
    assert "there are: app, " in answer.text


def test_discovery_has_the_shape_that_prometheus_reads(service: Service) -> None:
    answer = ask(service, "/sd")
    assert answer.headers["Content-Type"] == "application/json"
    groups = json.loads(answer.body)
    host = urlsplit(service.url).netloc
    assert groups[0] == {
        "targets": [host],
        "labels": {"__metrics_path__": "/probe", "__param_target": "app", "instance": "app", "kind": "sqlite", "team": "shop"},
    }
    assert len(groups) == 2
    for group in groups:
        # https://prometheus.io/docs/prometheus/latest/http_sd/: strings only, and these two keys.
        assert set(group) == {"targets", "labels"}
        assert all(re.fullmatch(r"[^/]+:\d+", t) for t in group["targets"])
        assert all(isinstance(v, str) and re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", k) for k, v in group["labels"].items())


def test_what_discovery_names_can_be_scraped(service: Service) -> None:
    for group in get_json(f"{service.url}/sd"):
        labels = group["labels"]
        url = f"http://{group['targets'][0]}{labels['__metrics_path__']}?target={quote(labels['__param_target'], safe='')}"
        assert get(url)[0] == 200


def test_discovery_names_the_host_by_which_it_was_asked(service: Service) -> None:
    assert json.loads(ask(service, "/sd", Host="tocsin.example:80").body)[0]["targets"] == ["tocsin.example:80"]


# Health and the landing page


def test_healthy_and_ready(service: Service) -> None:
    assert (ask(service, "/-/healthy").status, ask(service, "/-/ready").status) == (200, 200)
    service.app.ready = False
    assert (ask(service, "/-/healthy").status, ask(service, "/-/ready").status) == (200, 503)


class Page(HTMLParser):
    """Collects the tags, the links and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_landing_page_shows_names_and_messages_as_text(service: Service) -> None:
    evil = "<script>alert('&\"')</script>"
    service.journal.commit(
        evil, "c", [Event(kind=EventKind.SCHEMA, object_kind=evil, object=evil, change=evil, reason=evil, risk=Risk.SAFE)]
    )
    service.journal.commit(evil, "c", [Event(kind=EventKind.NOTIFICATION, object_kind="alert", object=evil, change=evil, reason=evil)])
    ask(service, "/metrics")
    answer = ask(service, "/")
    page = Page(answer.text)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script" not in page.tags
    assert not {"b", "i"} & set(page.tags)
    assert page.text.count(evil) == 9
    assert '<b>&"odd name?' in page.text
    assert f"{service.path.parent if service.path else ''}/<i>none.db does not exist" in page.text


def test_every_link_of_the_landing_page_leads_somewhere(service: Service) -> None:
    links = [link for link in Page(ask(service, "/").text).links if link.startswith("/")]
    assert len(links) >= 7
    assert {link: ask(service, link).status for link in links} == dict.fromkeys(links, 200)


def test_the_landing_page_needs_no_other_host(service: Service) -> None:
    assert not re.search(r"(src|href)=.?(https?:)?//", ask(service, "/").text)


# /api/v1/events


def events(service: Service, query: str = "") -> Any:
    return json.loads(ask(service, f"/api/v1/events{query}").body)


def test_an_event_has_the_shape_of_the_contract(service: Service, folder: Path) -> None:
    until(lambda: "sqlite.schema" in ask(service, "/metrics").text and service.scheduler.runner.store.of("app"))
    until(lambda: 'tocsin_collector_success{instance="app",team="shop",collector="sqlite.schema"} 1' in ask(service, "/metrics").text)
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as db:
        db.execute("ALTER TABLE orders DROP COLUMN email")
    (found,) = until(lambda: events(service)["events"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found.pop("reason")
    assert found == {
        "id": 1, "target": "app", "source": "sqlite", "kind": "schema", "database": "main", "object_kind": "column",
        "object": "orders.email", "change": "dropped", "risk": "destructive", "security": False,
        "old": "email TEXT", "new": None, "detail": {},
    }  # fmt: skip


def test_events_are_chosen_and_paged(service: Service) -> None:
    for i in range(5):
        kind = EventKind.NOTIFICATION if i == 4 else EventKind.SCHEMA
        service.journal.commit("ab"[i % 2], "c", [Event(kind=kind, object_kind="table", object=str(i), change="added")])

    def names(query: str) -> str:
        return "".join(e["object"] for e in events(service, query)["events"])

    assert names("") == "01234"
    assert names("?target=b") == "13"
    assert names("?kind=notification") == "4"
    assert names("?target=a&kind=schema&since_id=1") == "2"
    assert names("?limit=2") == "01"
    assert names("?limit=0") == "0"
    assert names("?limit=-5") == "0"
    first = events(service, "?limit=2")
    assert names(f"?since_id={first['next_since_id']}") == "234"
    assert events(service, "?since_id=5") == {"events": [], "next_since_id": 5}
    assert names(f"?since_id={10**30}") == ""
    assert names(f"?since_id=-{10**30}") == "01234"
    assert names(f"?limit={10**30}") == "01234"


# /api/v1/notifications

ALERT = {
    "status": "firing",
    "labels": {"alertname": "TocsinSchemaDestructive", "severity": "critical", "instance": "app", "database": "shop"},
    "annotations": {"summary": "Column dropped.", "description": "orders.email", "runbook_url": "https://example.com/r"},
    "startsAt": "2026-11-21T04:00:00Z",
    "fingerprint": "abc",
}


def notify(service: Service, *alerts: Any) -> int:
    return ask(service, "/api/v1/notifications", "POST", json.dumps({"version": "4", "alerts": alerts}).encode()).status


def test_a_delivered_alert_becomes_an_event_and_a_count(service: Service) -> None:
    assert notify(service, ALERT) == 200
    (found,) = events(service, "?kind=notification")["events"]
    assert {k: found[k] for k in ("target", "source", "database", "object_kind", "object", "change", "reason", "new")} == {
        "target": "app", "source": "alertmanager", "database": "shop", "object_kind": "alert", "object": "TocsinSchemaDestructive",
        "change": "firing", "reason": "Column dropped.", "new": "orders.email",
    }  # fmt: skip
    assert found["detail"]["runbook_url"] == "https://example.com/r"
    page = series(ask(service, "/metrics").text)
    assert (page['tocsin_notifications_total{status="firing"}'], page['tocsin_notifications_total{status="resolved"}']) == (1, 0)
    assert "Column dropped." in ask(service, "/").text


def test_a_repeated_alert_is_kept_once_and_counted_each_time(service: Service) -> None:
    for alert in (
        ALERT,
        ALERT,
        {**ALERT, "status": "resolved"},
        {**ALERT, "status": "resolved"},
        {**ALERT, "startsAt": "2026-11-22T00:00:00Z"},
    ):
        assert notify(service, alert) == 200
    assert notify(service, {**ALERT, "fingerprint": "twice"}, {**ALERT, "fingerprint": "twice"}) == 200
    assert [e["change"] for e in events(service)["events"]] == ["firing", "resolved", "firing", "firing"]
    page = series(ask(service, "/metrics").text)
    assert (page['tocsin_notifications_total{status="firing"}'], page['tocsin_notifications_total{status="resolved"}']) == (5, 2)


def test_an_alert_delivered_by_two_at_once_is_kept_once(service: Service) -> None:
    threads = [threading.Thread(target=notify, args=(service, ALERT)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(events(service)["events"]) == 1
    assert service.app.notifications.counts["firing"] == 16


def test_the_watchdogs_heartbeat_is_counted_and_not_kept(service: Service) -> None:
    watchdog = {**ALERT, "labels": {"alertname": "Watchdog", "severity": "none"}, "fingerprint": "dog"}
    assert notify(service, watchdog) == 200
    assert events(service)["events"] == []
    assert series(ask(service, "/metrics").text)['tocsin_notifications_total{status="firing"}'] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b"[]", b"{}", b"null", b'{"alerts": 5}', b'{"alerts": [5]}', b'{"alerts": [{}]}', b"\xff\xfe", b"[" * 100_000,
        b'{"alerts": [{"status": "pending"}]}', b'{"alerts": [{"status": ["firing"]}]}',
        b'{"alerts": [{"status": "firing", "labels": {"alertname": "\\ud800"}}]}',
    ],
    ids=lambda b: b[:40].decode("latin-1"),
)  # fmt: skip
def test_a_malformed_message_is_refused_and_nothing_of_it_kept(service: Service, body: bytes) -> None:
    answer = ask(service, "/api/v1/notifications", "POST", body)
    assert answer.status == 400
    assert answer.text.startswith("not a message of Alertmanager: ")
    assert events(service)["events"] == []
    assert sum(service.app.notifications.counts.values()) == 0


def test_one_bad_alert_refuses_the_whole_message(service: Service) -> None:
    assert notify(service, ALERT, {"status": "?"}) == 400
    assert events(service)["events"] == []
    assert notify(service, ALERT) == 200
    assert len(events(service)["events"]) == 1


def test_strange_labels_are_taken_as_far_as_they_make_sense(service: Service) -> None:
    alert = {"status": "firing", "labels": {"a": 1, "alertname": "x" * 10_000, "instance": None}, "annotations": ["no"]}
    assert notify(service, alert) == 200
    (found,) = events(service)["events"]
    assert found["object"] == "x" * 4096


@pytest.mark.parametrize("length", ["1048577", "-1", "x", "\xb2", "99999999999999999999999"])
def test_a_message_that_is_too_long_or_of_unknown_length_is_refused_unread(service: Service, length: str) -> None:
    with raw(service) as connection:
        connection.sendall(f"POST /api/v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        assert said(connection).startswith(b"HTTP/1.1 413 ")


def test_a_message_that_breaks_off_is_not_taken(service: Service) -> None:
    with raw(service) as connection:
        connection.sendall(b'POST /api/v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"alerts": []}')
        connection.shutdown(socket.SHUT_WR)
        said(connection)
    assert sum(service.app.notifications.counts.values()) == 0


# Paths, methods, connections


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/probe/app", "/-/reload/x", "/api/v1"])
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    assert ask(service, path).status == 404
    assert ask(service, path, "POST").status == 404


@pytest.mark.parametrize(("method", "path"), [("POST", "/metrics"), ("POST", "/"), ("GET", "/-/reload"), ("GET", "/api/v1/notifications")])
def test_a_wrong_method_is_told(service: Service, method: str, path: str) -> None:
    answer = ask(service, path, method)
    assert answer.status == 405
    assert path in answer.text


def test_an_unknown_method_is_refused(service: Service) -> None:
    assert {ask(service, "/metrics", method).status for method in ("PUT", "DELETE", "PATCH", "BREW")} == {501}


@pytest.mark.parametrize("path", ["/metrics", "/", "/probe?target=app", "/sd", "/-/healthy", "/nothing"])
def test_head_is_get_without_the_body(service: Service, path: str) -> None:
    with raw(service) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = said(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    assert b"404" in head if path == "/nothing" else head.startswith(b"HTTP/1.1 200 ")
    assert re.search(rb"Content-Length: [1-9]", head)


def test_a_connection_is_kept_for_the_next_request(service: Service) -> None:
    with contextlib.closing(http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=20)) as connection:
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            connection.request("GET", "/-/healthy")
            assert connection.getresponse().read() == b"tocsin is healthy\n"
            assert connection.sock is sock
        connection.request("POST", "/api/v1/notifications", b'{"alerts": []}')
        assert connection.getresponse().read() == b'{"status": "ok"}\n'
        assert connection.sock is sock


@pytest.mark.parametrize("start", ["GET /-/healthy", "POST /-/reload", "POST /nothing", "GET /nothing"])
@pytest.mark.parametrize("length", ["Content-Length: 40", "Transfer-Encoding: chunked"])
def test_a_body_that_nobody_read_is_not_the_next_request(service: Service, start: str, length: str) -> None:
    inner = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    with raw(service) as connection:
        connection.sendall(f"{start} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n{inner}".encode())
        answer = said(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"sqlite_up" not in answer


def test_garbage_is_refused_and_the_server_goes_on(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"x" * 70_000 + b"\r\n"):
        with raw(service) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            said(connection)
    with raw(service) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")  # and away
    assert ask(service, "/-/healthy").status == 200
    assert not [r for r in caplog.records if r.name == "tocsin.server"]


def test_too_many_connections_are_told_to_come_back_and_places_are_given_again(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(raw(service)) for _ in range(server._MOST_CONNECTIONS)]
        assert all(is_answered(connection) for connection in idle)
        with raw(service) as one_more:
            answer = said(one_more)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1\r\n" in answer
        assert is_answered(idle[0]), "who has a place keeps it"
    until(lambda: get(f"{service.url}/-/healthy")[0] == 200, 5)


def test_a_slow_client_does_not_block_others(service: Service) -> None:
    with raw(service) as slow, raw(service) as slower:
        slow.sendall(b"GET /metrics HTT")
        slower.sendall(b"POST /api/v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        assert ask(service, "/metrics").status == 200
        assert notify(service, ALERT) == 200
        assert time.monotonic() - began < 2


def test_a_client_that_says_nothing_loses_its_place(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.Handler, "timeout", 0.2)
    with raw(service) as silent:
        began = time.monotonic()
        assert said(silent) == b""
        assert time.monotonic() - began < 5


def test_scrapes_at_once_are_all_answered(service: Service) -> None:
    pages: list[dict[str, float]] = []
    threads = [threading.Thread(target=lambda: pages.append(series(ask(service, "/metrics").text))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [page['sqlite_up{instance="app",team="shop"}'] for page in pages] == [1.0] * 20


# Reload


def test_a_good_file_is_loaded_again_and_a_broken_one_is_not(service: Service, folder: Path) -> None:
    path = folder / "tocsin.yaml"
    good = path.read_text()

    def names() -> list[str]:
        return [t.name for t in service.scheduler.targets()]

    def reloaded() -> tuple[float, float]:
        page = series(ask(service, "/metrics").text)
        return page["tocsin_config_last_reload_successful"], page["tocsin_config_last_reload_success_timestamp_seconds"]

    before = reloaded()
    path.write_text(good.replace("name: app", "name: shop"))
    assert ask(service, "/-/reload", "POST").status == 200
    assert names()[0] == "shop"
    ok, at = reloaded()
    assert ok == 1
    assert at > before[1]
    path.write_text("targets: [{name: x}]\nsever: 1")
    answer = ask(service, "/-/reload", "POST")
    assert answer.status == 500
    assert "the last good one stays" in answer.text
    assert names()[0] == "shop"
    assert reloaded() == (0, at)
    path.unlink()
    assert ask(service, "/-/reload", "POST").status == 500
    path.write_text(good)
    assert ask(service, "/-/reload", "POST").status == 200
    assert reloaded()[0] == 1
    assert names()[0] == "app"


def test_reloading_by_many_at_once_takes_turns_and_leaves_one_clock_a_target(
    service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, inside, seen = service.scheduler.apply, [0], [0]

    def slowly(loaded: config.Config, suspensions: Mapping[str, Suspension | None]) -> None:
        inside[0] += 1
        seen.append(inside[0])
        time.sleep(0.01)
        apply(loaded, suspensions)
        inside[0] -= 1

    monkeypatch.setattr(service.scheduler, "apply", slowly)
    path = folder / "tocsin.yaml"
    for i in range(5):
        path.write_text(CONFIG.replace("team: shop", f"team: t{i}") + f"state_dir: {folder}/state\n")
        threads = [threading.Thread(target=ask, args=(service, "/-/reload", "POST")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    planned = [
        (clock.target.name, clock.collector.name) for due, _, clock in service.scheduler._due if clock is not None and clock.due == due
    ]
    assert len(planned) == len(set(planned))
    assert {name for name, _ in planned} == {"app", '<b>&"odd name?'}
    assert len(seen) > 1
    assert max(seen) == 1
