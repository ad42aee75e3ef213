"""TLS and basic authentication, with certificates and passwords made for the test."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import pytest
import yaml

from authority import Authority
from servers import until
from tocsin import config
from tocsin.errors import ConfigError
from tocsin.service import Service
from tocsin.webconfig import WebConfig
from tools import need

PASSWORD = "s3cr3t-needle"


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    found.issue("server")
    found.issue("client")
    return found


def write(folder: Path, **web: object) -> Path:
    """Write web.yaml, so that a change is seen even within one tick of the file system's clock."""
    path = folder / "web.yaml"
    new = folder / "web.yaml.new"
    new.write_text(yaml.safe_dump(web))
    new.rename(path)
    return path


@contextlib.contextmanager
def serving(folder: Path, **web: object) -> Iterator[Service]:
    write(folder, **web)
    (folder / "t.yaml").write_text(f"server: {{listen: '127.0.0.1:0', web_config_file: web.yaml}}\nstate_dir: {folder}/state\n")
    with Service(config.load(folder / "t.yaml")) as service:
        yield service


def ask(service: Service, authorization: str | None = None, tls: ssl.SSLContext | None = None, path: str = "/-/healthy") -> int:
    parts = urlsplit(service.url)
    assert (parts.scheme == "https") == (tls is not None)
    kind = (
        http.client.HTTPSConnection(parts.netloc, context=tls, timeout=10) if tls else http.client.HTTPConnection(parts.netloc, timeout=10)
    )
    with contextlib.closing(kind) as connection:
        connection.request("GET", path, headers={"Authorization": authorization} if authorization is not None else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# Basic authentication


def test_only_the_right_password_opens_and_every_page_is_behind_it(tmp_path: Path) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed(PASSWORD), "other": hashed("x")}) as service:
        assert ask(service, basic("prometheus", PASSWORD)) == 200
        assert ask(service, basic("prometheus", PASSWORD)) == 200
        assert ask(service, basic("other", PASSWORD)) == 401
        assert ask(service, basic("prometheus", "x")) == 401
        assert ask(service, basic("nobody", PASSWORD)) == 401
        assert ask(service, basic("prometheus", PASSWORD + "x")) == 401
        for path in ("/", "/metrics", "/probe", "/sd", "/-/healthy", "/-/ready", "/api/v1/events", "/api/v1/events/stream", "/nothing"):
            assert ask(service, path=path) == 401


@pytest.mark.parametrize(
    "header",
    [
        "", "Basic", "Basic ", "Basic !!!", "Bearer x", "Basic \xe9", "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        basic("prometheus", "\0"), basic("prometheus", "x" * 200), basic("", ""), basic("prometheus", PASSWORD).replace("Basic", "Digest"),
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path, header: str) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed(PASSWORD)}) as service:
        assert ask(service, header) == 401


def test_a_long_password_counts_in_its_first_72_bytes_as_bcrypt_has_it(tmp_path: Path) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed("x" * 72)}) as service:
        assert ask(service, basic("prometheus", "x" * 80)) == 200
        assert ask(service, basic("prometheus", "x" * 71)) == 401


def test_who_is_refused_is_told_how_to_come_in(tmp_path: Path) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed(PASSWORD)}) as service, contextlib.ExitStack() as stack:
        connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)))
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="tocsin"'
        assert b"tocsin_" not in answer.read()


def test_a_changed_password_takes_effect_without_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed("old")}) as service:
        assert ask(service, basic("prometheus", "old")) == 200
        write(tmp_path, basic_auth_users={"prometheus": hashed("new")})
        assert ask(service, basic("prometheus", "old")) == 401
        assert ask(service, basic("prometheus", "new")) == 200
        write(tmp_path)
        assert ask(service) == 200


def test_a_file_that_became_wrong_leaves_the_last_good_one_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tmp_path, basic_auth_users={"prometheus": hashed(PASSWORD)}) as service:
        for text in (f"basic_auth_users:\n  prometheus: {PASSWORD}\n", "basic_auth_users: [", "- x", "basic_auth_users: [x]"):
            (tmp_path / "web.yaml").write_text(text)
            assert ask(service) == 401
            assert ask(service, basic("prometheus", PASSWORD)) == 200
        (tmp_path / "web.yaml").unlink()
        assert ask(service) == 401
    assert caplog.messages
    assert all(m.startswith("web configuration: ") and m.endswith("the last good one stays") for m in caplog.messages)
    assert PASSWORD not in caplog.text


# TLS


def tls_of(authority: Authority, **more: object) -> dict[str, object]:
    folder = authority.folder
    return {"cert_file": str(folder / "server.crt"), "key_file": str(folder / "server.key"), **more}


def test_pages_are_served_over_tls_and_not_without(tmp_path: Path, authority: Authority) -> None:
    with serving(tmp_path, tls_server_config=tls_of(authority)) as service:
        assert ask(service, tls=authority.client()) == 200
        assert ask(service, tls=authority.client(), path="/metrics") == 200
        with contextlib.closing(http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)) as plain:
            plain.request("GET", "/metrics")
            with pytest.raises((http.client.BadStatusLine, ConnectionError)):
                plain.getresponse()
        assert ask(service, tls=authority.client()) == 200


def test_versions_below_the_least_are_refused(tmp_path: Path, authority: Authority) -> None:
    with serving(tmp_path, tls_server_config=tls_of(authority, min_version="TLS13")) as service:
        old = authority.client()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError):
            ask(service, tls=old)
        assert ask(service, tls=authority.client()) == 200


def test_a_renewed_certificate_takes_effect_without_a_restart(tmp_path: Path) -> None:
    first = Authority(tmp_path / "tls")
    first.issue("server")
    with serving(tmp_path, tls_server_config=tls_of(first)) as service:
        assert ask(service, tls=first.client()) == 200
        second = Authority(tmp_path / "other")
        second.issue("server")
        for name in ("server.key", "server.crt"):
            (second.folder / name).rename(first.folder / name)
        assert ask(service, tls=second.client()) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(service, tls=first.client())


def test_a_client_certificate_is_required_where_the_file_says_so(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path / "stranger")
    stranger.issue("client")
    more = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": str(authority.folder / "ca.crt")}
    with serving(tmp_path, tls_server_config=tls_of(authority, **more)) as service:
        assert ask(service, tls=authority.client("client")) == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(service, tls=authority.client())
        context = authority.client()
        context.load_cert_chain(stranger.folder / "client.crt", stranger.folder / "client.key")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(service, tls=context)
        assert ask(service, tls=authority.client("client")) == 200


def test_tls_and_passwords_go_together(tmp_path: Path, authority: Authority) -> None:
    with serving(tmp_path, tls_server_config=tls_of(authority), basic_auth_users={"prometheus": hashed(PASSWORD)}) as service:
        assert ask(service, tls=authority.client()) == 401
        assert ask(service, basic("prometheus", PASSWORD), tls=authority.client()) == 200


def test_a_handshake_that_never_comes_blocks_nobody_and_leaves_no_socket_open(tmp_path: Path, authority: Authority) -> None:
    with serving(tmp_path, tls_server_config=tls_of(authority)) as service:
        host, port = service.server.server_address[:2]
        before = open_files()
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(socket.create_connection((str(host), int(port)), timeout=5))
            assert ask(service, tls=authority.client()) == 200
        for _ in range(20):
            assert ask(service, tls=authority.client()) == 200
        until(lambda: open_files() <= before, 5)


# The file


BAD = {
    "an unknown option": ({"http_server": {}}, "http_server: not supported"),
    "an unknown option of TLS": ({"tls_server_config": {"certificate": "x"}}, "tls_server_config.certificate: not supported"),
    "a list of users": ({"basic_auth_users": ["a"]}, "basic_auth_users: expected options"),
    "a word for TLS": ({"tls_server_config": "on"}, "tls_server_config: expected options"),
    "a password that is not hashed": ({"basic_auth_users": {"a": PASSWORD}}, "basic_auth_users.a: expected a bcrypt hash"),
    "a hash that is cut off": ({"basic_auth_users": {"a": "$2b$10$abc"}}, "basic_auth_users.a: expected a bcrypt hash"),
    "a hash of another kind": ({"basic_auth_users": {"a": "$6$rounds=5$x"}}, "basic_auth_users.a: expected a bcrypt hash"),
    "no key file": ({"tls_server_config": {"cert_file": "none.crt"}}, "tls_server_config: 'key_file'"),
    "a certificate that is not there": ({"tls_server_config": {"cert_file": "none.crt", "key_file": "none.key"}}, "tls_server_config: "),
    "an unknown version": ({"tls_server_config": {"min_version": "SSL3"}}, "tls_server_config: 'SSL3'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_file_is_refused_at_the_start_and_shows_no_secret(tmp_path: Path, name: str) -> None:
    web, message = BAD[name]
    path = write(tmp_path, **web)
    with pytest.raises(ConfigError) as caught:
        WebConfig(path)
    assert f"{path}: {message}" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, a=1, b=2, basic_auth_users={"x": "y"})
    with pytest.raises(ConfigError) as caught:
        WebConfig(path)
    assert len(caught.value.mistakes) == 3


@pytest.mark.parametrize("text", ["- a", "a: [", "\tb", "word"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "web.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"web.yaml:.*(not YAML|expected options)"):
        WebConfig(tmp_path / "web.yaml")


def test_a_broken_file_is_told_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(f"basic_auth_users:\n  a: {PASSWORD}\n b: {PASSWORD}]: [\n")
    with pytest.raises(ConfigError) as caught:
        WebConfig(tmp_path / "web.yaml")
    assert PASSWORD not in str(caught.value)
    assert "web.yaml:3: not YAML" in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read: No such file"):
        WebConfig(tmp_path / "none.yaml")


def test_promtool_agrees_that_the_file_is_right(tmp_path: Path, authority: Authority) -> None:
    more = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": str(authority.folder / "ca.crt"), "min_version": "TLS12"}
    path = write(tmp_path, tls_server_config=tls_of(authority, **more), basic_auth_users={"prometheus": hashed(PASSWORD)})
    WebConfig(path)
    done = subprocess.run([need("promtool"), "check", "web-config", str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
