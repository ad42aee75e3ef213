"""The HTTP server: /metrics, /probe, /sd, the API and the landing page. Nothing here thinks."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from isal import isal_zlib

from tocsin import catalog, events_api, exposition
from tocsin.app import App
from tocsin.errors import JournalError, ProbeError, TocsinError
from tocsin.stream import FullError
from tocsin.visits import DEFAULT_MODULE
from tocsin.webconfig import WebConfig

_log = logging.getLogger("tocsin.server")

_DEFAULT_TIMEOUT = 10.0
_TIMEOUT_OFFSET = 0.5
_LONGEST_TIMEOUT = 300.0
_MOST_CONNECTIONS = 64
_MOST_BODY = 1 << 20
# Longer than a slow request takes to arrive, short enough that idle clients do not hold the places of others.
_IDLE_SECONDS = 10.0


STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


def scrape_seconds(header: str | None) -> float:
    """Return how long a scrape may take: what Prometheus says in its header less an offset for the way back."""
    try:
        seconds = float(header) if header else _DEFAULT_TIMEOUT
    except ValueError:
        seconds = _DEFAULT_TIMEOUT
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        seconds = _DEFAULT_TIMEOUT
    return seconds - min(_TIMEOUT_OFFSET, seconds / 2)


def _takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header allows gzip; a weight of 0 forbids it."""
    for word in accepted.lower().split(","):
        coding, _, weight = word.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


class Handler(BaseHTTPRequestHandler):
    """One connection. Its socket times out, so that a client that says nothing holds its place only so long."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "tocsin"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def setup(self) -> None:
        web = self.server.web
        if web is not None:
            problem = web.refresh()
            if problem is not None:
                _log.error("web configuration: %s; the last good one stays", problem)
            if web.context is not None:
                self.request.settimeout(10)
                self.request = web.context.wrap_socket(self.request, server_side=True)
        super().setup()
        # Headers and body go out in two writes; without this the second waits for the client's delayed acknowledgement.
        self.connection.setsockopt(6, 1, 1)

    def finish(self) -> None:
        super().finish()
        if self.request.fileno() != -1:
            self.request.close()  # of a TLS connection the server knows only the socket beneath

    def do_GET(self) -> None:
        self._answer(self.routes)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self.post_routes)

    def _answer(self, routes: dict[str, Callable[[Handler], None]]) -> None:
        try:
            path = urlsplit(self.path).path
        except ValueError:
            path = self.path
        self.body_read = "Transfer-Encoding" not in self.headers and self.headers.get("Content-Length", "0") == "0"
        self.query = parse_qs(self.path.partition("?")[2])
        if self.server.web is not None and not self.server.web.authorised(self.headers.get("Authorization")):
            self.send(HTTPStatus.UNAUTHORIZED, "who are you?\n", headers={"WWW-Authenticate": 'Basic realm="tocsin"'})
            return
        if path not in routes:
            wrong = path in self.routes or path in self.post_routes
            status = HTTPStatus.METHOD_NOT_ALLOWED if wrong else HTTPStatus.NOT_FOUND
            self.send(status, f"{path}: {status.phrase.lower()}; / lists what there is\n")
            return
        try:
            routes[path](self)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            raise
        except ProbeError as error:
            self.send(HTTPStatus(error.status), f"{error}\n")
        except events_api.WrongParameterError as error:
            self.send(HTTPStatus.BAD_REQUEST, f"{error}\n")
        except TocsinError as error:
            self.send(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")

    def send(
        self,
        status: HTTPStatus,
        body: str | bytes | list[bytes],
        content_type: str = "text/plain; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        pieces = body if isinstance(body, list) else [body.encode() if isinstance(body, str) else body]
        if sum(map(len, pieces)) > 1024 and _takes_gzip(self.headers.get("Accept-Encoding", "")):
            # Piece by piece: the page in full would be held beside the samples that it is made of.
            squeeze = isal_zlib.compressobj(1, wbits=31)
            pieces = [*(squeeze.compress(piece) for piece in pieces), squeeze.flush()]
            headers = {**(headers or {}), "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        else:
            pieces = [b"".join(pieces)]
        length = sum(map(len, pieces))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not self.body_read:
            self.send_header("Connection", "close")  # whatever was not read of the body must not become the next request
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)

    def send_json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self.send(HTTPStatus.OK, json.dumps(value, ensure_ascii=False) + "\n", "application/json", headers)

    def _seconds(self) -> float:
        return scrape_seconds(self.headers.get("X-Prometheus-Scrape-Timeout-Seconds"))

    def _collectors(self) -> list[str]:
        """Return what `collect[]` names, as mysqld_exporter reads it. Raises ProbeError for a name that no collector has."""
        names = self.query.get("collect[]", [])
        app = self.server.app
        own = app.visits.collectors() | {c.name for target in app.scheduler.targets() for c in target.records}
        unknown = [name for name in names if name not in own and not any(s.collector(name) for s in catalog.SOURCES)]
        if unknown:
            raise ProbeError(400, f"collect[]: no collector is called {unknown[0]!r}; CONFIG.md lists them by kind")
        return names

    def metrics(self) -> None:
        self.send(HTTPStatus.OK, self.server.app.metrics(self._seconds(), self._collectors()), exposition.CONTENT_TYPE)

    def probe(self) -> None:
        app = self.server.app
        address, module = self.query.get("target", [""])[0], self.query.get("auth_module", [""])[0]
        target = None if module else app.scheduler.target(address)
        if target is not None:
            self.send(HTTPStatus.OK, app.probe(target, self._seconds(), self._collectors()), exposition.CONTENT_TYPE)
        elif address and (module or app.visits.offers(DEFAULT_MODULE)):
            body = app.visit(module or DEFAULT_MODULE, address, self._seconds(), self._collectors())
            self.send(HTTPStatus.OK, body, exposition.CONTENT_TYPE)
        else:
            known = ", ".join(t.name for t in app.scheduler.targets()) or "none"
            self.send(HTTPStatus.NOT_FOUND, f"no such target; there are: {known}; any other needs &auth_module=NAME\n")

    def discovery(self) -> None:
        host = self.headers.get("Host") or "{}:{}".format(*self.server.server_address[:2])
        self.send_json(self.server.app.discovery(host))

    def healthy(self) -> None:
        self.send(HTTPStatus.OK, "tocsin is healthy\n")

    def ready(self) -> None:
        if self.server.app.ready:
            self.send(HTTPStatus.OK, "tocsin is ready\n")
        else:
            self.send(HTTPStatus.SERVICE_UNAVAILABLE, "tocsin is starting\n")

    def landing(self) -> None:
        from tocsin import page  # only where somebody looks at it: with it comes all that is known of HTML

        app = self.server.app
        self.send(HTTPStatus.OK, page.landing(app.scheduler.targets(), app.discoveries, app.journal), "text/html; charset=utf-8")

    def events(self) -> None:
        self.send_json(events_api.page(self.server.app.journal, events_api.parse(self.query)))

    def stream(self) -> None:
        since_id = self.headers.get("Last-Event-ID")
        # A browser that comes back repeats the address that it began with, and says in the header where it was.
        request = events_api.parse({**self.query, **({"since_id": [since_id]} if since_id else {})}, stream=True)
        streams = self.server.app.streams
        # Before the first byte: who has the answer's head hears of all that happens from then on.
        position = self.server.app.journal.span().newest if request.since_id is None else request.since_id
        try:
            with streams.place(self.connection):
                self.send_response(HTTPStatus.OK)
                for name, value in STREAM_HEADERS.items():
                    self.send_header(name, value)
                self.close_connection = True
                self.end_headers()
                if self.command != "HEAD":
                    streams.follow(self.connection, self.wfile.write, request.chosen, position)
        except FullError as error:
            self.send(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n", headers={"Retry-After": "5"})

    def notified(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BODY:
            self.send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of known length, at most {_MOST_BODY} bytes\n")
            return
        body = self.rfile.read(int(length))
        self.body_read = len(body) == int(length)
        try:
            self.server.app.notifications.receive(body)
        except ValueError as error:
            self.send(HTTPStatus.BAD_REQUEST, f"not a message of Alertmanager: {error}\n")
        except JournalError as error:
            self.send(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")  # Alertmanager tries again
        else:
            self.send_json({"status": "ok"})

    def reload(self) -> None:
        self.server.app.reload()
        if self.server.app.reload_ok:
            self.send(HTTPStatus.OK, "loaded\n")
        else:
            self.send(HTTPStatus.INTERNAL_SERVER_ERROR, "the configuration has mistakes, the last good one stays; see the log\n")

    routes: ClassVar[dict[str, Callable[[Handler], None]]] = {
        "/": landing,
        "/metrics": metrics,
        "/probe": probe,
        "/sd": discovery,
        "/-/healthy": healthy,
        "/-/ready": ready,
        "/api/v1/events": events,
        "/api/v1/events/stream": stream,
    }
    post_routes: ClassVar[dict[str, Callable[[Handler], None]]] = {
        "/api/v1/notifications": notified,
        "/-/reload": reload,
    }

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 -- the base class's signature
        # Without what follows the path: somebody may have put a login into the target.
        self.log_message("%s %s %s", self.command, getattr(self, "path", "").partition("?")[0], code)

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s %s", self.address_string(), format % args)


class Server(ThreadingHTTPServer):
    """A thread a connection, a bounded number of connections: one too many is told to come back."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App, web: WebConfig | None) -> None:
        self.app = app
        self.web = web
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = 10  # AF_INET6
        super().__init__(address, Handler)

    def shutdown(self) -> None:
        self.app.streams.close()
        super().shutdown()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            request.settimeout(1)
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:  # no thread to be had
            self._places.release()
            _log.error("%s: %s", client_address, error)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- socketserver's signature
        import sys

        error = sys.exc_info()[1]
        if isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            _log.debug("%s went away: %s", client_address, error)
        else:
            _log.exception("%s: a request failed", client_address)
