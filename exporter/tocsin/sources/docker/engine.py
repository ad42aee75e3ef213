"""The way to a Docker engine: GET alone, every wait and every answer bounded, what went wrong in words."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tocsin.errors import AuthError, CollectError, ConnectError, DeadlineError, PrivilegeError, SetupError
from tocsin.sources.docker.config import DockerOptions, tls_of, where

OLDEST, NEWEST = (1, 25), (1, 52)
"""The API's versions that are understood; the newest that the engine speaks as well is used."""

_LARGEST = 64 * 2**20
_PIECE = 2**16
_POOL = 16


class Gone(Exception):
    """The engine does not know what was asked for: it was there a moment ago."""


class Stuck(ConnectError):
    """The engine answers, and has no answer to this question."""


class Engine:
    """One engine. Used by several threads at a time, each request by one."""

    def __init__(self, options: DockerOptions) -> None:
        """Prepare without reaching out. Raises SetupError when a certificate cannot be read."""
        self.name = options.name
        self.address = where(options)
        self._api = _client(options)
        self._version = ""
        self.about: dict[str, Any] = {}
        self.now = 0.0
        """The engine's clock, in whole Unix seconds, as its last answer gave it."""

    def negotiate(self, deadline: float) -> None:
        """Agree on a version of the API, once. Raises CollectError."""
        if self._version:
            return
        about = self.get("/version", deadline)
        newest, oldest = _number(about.get("ApiVersion")), _number(about.get("MinAPIVersion", "1.12"))
        if newest < OLDEST:
            raise SetupError(
                f"{self.name}: the engine at {self.address} is too old: its API is {_text(newest)}, {_text(OLDEST)} is needed; "
                "upgrade Docker to 17.03 or newer",
                lost=True,
            )
        if oldest > NEWEST:
            raise SetupError(
                f"{self.name}: the engine at {self.address} is too new: it speaks the API from {_text(oldest)} on, "
                f"and {_text(NEWEST)} is the newest that this Tocsin knows; upgrade Tocsin",
                lost=True,
            )
        self.about, self._version = about, f"/v{_text(min(newest, NEWEST))}"

    def get(self, path: str, deadline: float, **parameters: Any) -> Any:
        """Return the answer's JSON. Raises CollectError, and Gone for what is not there."""
        limit = deadline - time.monotonic()
        if limit <= 0:
            raise self._late(path)
        with self._errors(path):
            response = self._open(path, limit, parameters)
            with response:
                body = bytearray()
                for piece in response.iter_content(_PIECE):
                    body += piece
                    if len(body) > _LARGEST:
                        raise SetupError(f"{self.name}: the engine's answer to GET {path} is larger than {_LARGEST >> 20} MiB")
                    if time.monotonic() > deadline:
                        raise self._late(path)
        self._note_clock(response.headers.get("Date"))
        return self._json(path, response.status_code, bytes(body))

    @contextmanager
    def stream(self, path: str, quiet: float, **parameters: Any) -> Iterator[Any]:
        """Give the response of a request whose answer does not end; reading it fails after so many seconds without a word."""
        with self._errors(path):
            response = self._open(path, quiet, parameters)
            with response:
                if response.status_code != 200:
                    self._json(path, response.status_code, response.raw.read(_PIECE))
                yield response

    def close(self) -> None:
        self._api.close()

    def _open(self, path: str, limit: float, parameters: dict[str, Any]) -> Any:
        asked = {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in parameters.items()}
        url = f"{self._api.base_url}{self._version}{path}"
        return self._api.get(url, params=asked, timeout=limit, stream=True, allow_redirects=False)

    def _note_clock(self, date: str | None) -> None:
        try:
            self.now = email.utils.parsedate_to_datetime(date or "").timestamp()
        except ValueError:  # a proxy may leave it out
            self.now = time.time()

    def _json(self, path: str, status: int, body: bytes) -> Any:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if status == 404 and isinstance(answer, dict):
            raise Gone(path)
        if status == 403:
            raise PrivilegeError(f"{self.name}: GET {path} is forbidden at {self.address}; let the proxy allow it")
        if status == 401:
            raise AuthError(f"{self.name}: {self.address} wants a login for GET {path}; Docker's API has none, look at the proxy")
        if status != 200:
            why = str(answer.get("message", ""))[:300] if isinstance(answer, dict) else "no words"
            raise Stuck(f"{self.name}: the engine at {self.address} answers GET {path} with {status}: {why}")
        if answer is None:
            raise SetupError(f"{self.name}: what answers at {self.address} is no Docker engine; mend the url", lost=True)
        return answer

    def _late(self, path: str) -> DeadlineError:
        return DeadlineError(
            f"{self.name}: the engine at {self.address} did not answer GET {path} in time; it hangs or is overloaded: "
            "look at journalctl -u docker",
            lost=True,
        )

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        from requests import exceptions as broken
        from urllib3 import exceptions as below

        try:
            yield
        except (broken.Timeout, below.TimeoutError) as error:
            raise self._late(path) from error
        except broken.SSLError as error:
            raise ConnectError(
                f"{self.name}: TLS with {self.address} failed: {_cause(error)}; look at tls_ca, tls_cert, tls_key", lost=True
            ) from error
        except (broken.RequestException, below.HTTPError, OSError) as error:
            if "timed out" in str(error):
                raise self._late(path) from error
            raise self._unreachable(error) from error

    def _unreachable(self, error: BaseException) -> CollectError:
        cause = _cause(error)
        if not isinstance(cause, OSError) and _is_broken_off(error):
            return ConnectError(f"{self.name}: {self.address} broke off in the middle of an answer; did Docker stop?", lost=True)
        if isinstance(cause, PermissionError):
            return PrivilegeError(
                f"{self.name}: {self.address} may not be opened: {cause.strerror}; add Tocsin's user to the group that owns the socket, "
                "or better, put a proxy before it that lets GET through alone (compose/socket-proxy.cfg)",
                lost=True,
            )
        if isinstance(cause, FileNotFoundError):
            return ConnectError(f"{self.name}: there is no {self.address}; is Docker installed and running here?", lost=True)
        if isinstance(cause, ConnectionRefusedError):
            return ConnectError(f"{self.name}: nobody listens at {self.address}; start Docker, or mend the url", lost=True)
        return ConnectError(f"{self.name}: the connection to {self.address} broke: {cause}", lost=True)


def _client(options: DockerOptions) -> Any:
    """Return Docker's own client, held to GET."""
    from docker import APIClient
    from docker.errors import DockerException
    from docker.tls import TLSConfig

    class GetOnly(APIClient):  # type: ignore[misc]
        """Nothing that changes anything leaves through here, whatever calls it."""

        def send(self, request: Any, **settings: Any) -> Any:
            if request.method != "GET":
                raise AssertionError(f"a monitor does not {request.method}")
            return super().send(request, **settings)

    tls = tls_of(options)
    try:
        config: Any = False
        if tls is not None:
            for file in filter(None, tls):
                Path(file).read_bytes()
            pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
            config = TLSConfig(client_cert=pair, ca_cert=str(tls.ca) if tls.ca else None, verify=True)
        client = GetOnly(base_url=where(options), version=_text(NEWEST), tls=config, max_pool_size=_POOL)
    except OSError as error:
        raise SetupError(f"{options.name}: {error.filename} cannot be read: {error.strerror}; mend tls_ca, tls_cert, tls_key") from error
    except DockerException as error:
        raise SetupError(f"{options.name}: {where(options)} is no address of a Docker engine: {error}") from error
    client.trust_env = False  # a proxy for the web is none for the engine
    return client


def _number(version: object) -> tuple[int, int]:
    major, _, minor = str(version or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _cause(error: BaseException) -> BaseException:
    """Return the system's own error among those that the driver wrapped around it."""
    seen: list[BaseException] = [error]
    for one in seen:
        if isinstance(one, OSError) and one.errno:
            return one
        more = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        seen += [e for e in more if isinstance(e, BaseException) and not any(e is s for s in seen)]
    return seen[-1]


def _is_broken_off(error: BaseException) -> bool:
    """Tell whether an answer ended before its end, which the driver tells in words about its own parsing."""
    from requests import exceptions as broken
    from urllib3 import exceptions as below

    return isinstance(error, broken.ChunkedEncodingError | below.ProtocolError)
