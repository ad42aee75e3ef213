"""Where alerts arrive in tests: a Slack webhook and an SMTP server that keep what they get."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller

from servers import free_port


class Message:
    """One message and the moment it arrived (Unix seconds)."""

    def __init__(self, title: str, text: str) -> None:
        self.at = time.time()
        self.title = title
        self.text = text

    def __repr__(self) -> str:
        return f"{self.title!r}: {self.text!r}"


@contextmanager
def slack() -> Iterator[tuple[str, list[Message]]]:
    """Give the address of a Slack webhook and the messages that it has received."""
    received: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for attachment in body["attachments"]:
                received.append(Message(attachment["title"], attachment["text"]))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/services/hook", received
        server.shutdown()


@contextmanager
def smtp() -> Iterator[tuple[str, list[Message]]]:
    """Give host:port of an SMTP server and the messages that it has received."""
    received: list[Message] = []

    class Keep:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            mail = message_from_bytes(envelope.content, policy=policy.default)
            body = mail.get_body(("plain", "html"))
            received.append(Message(mail["Subject"], body.get_content() if body else ""))
            return "250 OK"

    controller = Controller(Keep(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"127.0.0.1:{controller.port}", received
    finally:
        controller.stop()
