"""TLS towards a MariaDB whose certificate an authority of the test signed: used where it must be, never less than was asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority import Authority
from mariadb import MariaDB, mysql_options
from watching import Page, Watch


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    found.issue("server")
    found.issue("elsewhere", "DNS:elsewhere.example")
    found.issue("client")
    return found


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


def serve(server: MariaDB, authority: Authority, name: str) -> MariaDB:
    for file in ("ca.crt", f"{name}.crt", f"{name}.key"):
        shutil.copy(authority.folder / file, server.folder / file)
        shutil.chown(server.folder / file, server.folder.owner())
    words = {"ssl_ca": "ca.crt", "ssl_cert": f"{name}.crt", "ssl_key": f"{name}.key"}
    server.start(
        performance_schema="ON", plugin_load_add="auth_pam_v1", pam_use_cleartext_plugin="ON",
        **{word: str(server.folder / file) for word, file in words.items()},
    )  # fmt: skip
    server.exporter_account()
    return server


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server with a certificate for 127.0.0.1."""
    server = serve(MariaDB(tmp_path_factory.mktemp("tls")), authority, "server")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def elsewhere(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server with a certificate for another host."""
    server = serve(MariaDB(tmp_path_factory.mktemp("tls")), authority, "elsewhere")
    yield server
    server.stop()


def ask(server: MariaDB, state: Path, **options: object) -> tuple[Page, str]:
    """Return the page of one scrape, and why the target is down."""
    with Watch(mysql_options(server.dsn(), **options), state) as watch:
        page = watch.scrape(5)
        return page, str(watch.target.error or "")


def encrypted(server: MariaDB, state: Path, **options: object) -> bool:
    """Tell whether the exporter's connection is."""
    with Watch(mysql_options(server.dsn(), **options), state) as watch:
        assert watch.scrape(5).value("mysql_up") == 1, watch.target.error
        (thread,) = server.ours()
        ((cipher,),) = server.execute(
            "SELECT variable_value FROM performance_schema.status_by_thread JOIN performance_schema.threads USING (thread_id)"
            f" WHERE processlist_id = {thread} AND variable_name = 'Ssl_cipher'"
        )
        return cipher != ""


def test_right_certificate_is_accepted_in_every_mode(server: MariaDB, authority: Authority, tmp_path: Path) -> None:
    ca = authority.folder / "ca.crt"
    for i, options in enumerate(({}, {"ssl_mode": "required"}, {"ssl_mode": "verify_ca", "ssl_ca": ca}, {"ssl_ca": ca})):
        page, why = ask(server, tmp_path / str(i), **options)
        assert page.value("mysql_up") == 1, why


def test_connection_is_encrypted_unless_that_is_switched_off(server: MariaDB, tmp_path: Path) -> None:
    assert encrypted(server, tmp_path / "a")
    assert encrypted(server, tmp_path / "b", ssl_mode="required")
    assert not encrypted(server, tmp_path / "c", ssl_mode="disabled")


@pytest.mark.parametrize("mode", ["", "verify_ca", "verify_identity"])
def test_certificate_of_another_authority_is_refused(server: MariaDB, stranger: Authority, tmp_path: Path, mode: str) -> None:
    page, why = ask(server, tmp_path, ssl_mode=mode, ssl_ca=stranger.folder / "ca.crt")
    assert page.value("tocsin_target_failing", reason="connect") == 1
    assert "no authority of ssl_ca has signed the server's certificate" in why
    assert server.ours() == []


def test_certificate_of_an_authority_that_the_system_does_not_know_is_refused(server: MariaDB, tmp_path: Path) -> None:
    page, why = ask(server, tmp_path, ssl_mode="verify_identity")
    assert page.value("tocsin_target_failing", reason="connect") == 1
    assert "ssl_ca" in why


def test_certificate_for_another_host_is_refused_unless_only_its_authority_matters(
    elsewhere: MariaDB, authority: Authority, tmp_path: Path
) -> None:
    ca = authority.folder / "ca.crt"
    for i, mode in enumerate(("", "verify_identity")):
        page, why = ask(elsewhere, tmp_path / str(i), ssl_mode=mode, ssl_ca=ca)
        assert page.value("tocsin_target_failing", reason="connect") == 1
        assert "not valid for '127.0.0.1'" in why
        assert "connect by a name that the server's certificate has, or say ssl_mode: verify_ca" in why
    page, why = ask(elsewhere, tmp_path / "ca", ssl_mode="verify_ca", ssl_ca=ca)
    assert page.value("mysql_up") == 1, why


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_server_without_tls_is_refused_where_tls_must_be(mariadb: MariaDB, authority: Authority, tmp_path: Path, mode: str) -> None:
    page, why = ask(mariadb, tmp_path, ssl_mode=mode, ssl_ca=authority.folder / "ca.crt")
    assert page.value("tocsin_target_failing", reason="connect") == 1
    assert "give the server a certificate" in why
    assert mariadb.ours() == []


def test_file_that_cannot_be_used_is_told(mariadb: MariaDB, tmp_path: Path) -> None:
    page, why = ask(mariadb, tmp_path, ssl_ca=tmp_path / "absent.pem")
    assert page.value("tocsin_target_failing", reason="config") == 1
    assert "ssl_ca" in why


def test_account_that_must_show_a_certificate_shows_it(server: MariaDB, authority: Authority, tmp_path: Path) -> None:
    server.execute("ALTER USER exporter@'%' REQUIRE X509")
    try:
        page, _ = ask(server, tmp_path / "a", ssl_ca=authority.folder / "ca.crt")
        assert page.value("tocsin_target_failing", reason="auth") == 1
        own = {"ssl_cert": authority.folder / "client.crt", "ssl_key": authority.folder / "client.key"}
        page, why = ask(server, tmp_path / "b", ssl_ca=authority.folder / "ca.crt", **own)
        assert page.value("mysql_up") == 1, why
    finally:
        server.execute("ALTER USER exporter@'%' REQUIRE NONE")


def test_server_that_wants_tls_says_so(server: MariaDB, tmp_path: Path) -> None:
    server.execute("SET GLOBAL require_secure_transport = 1")
    try:
        page, why = ask(server, tmp_path, ssl_mode="disabled")
        assert page.value("tocsin_target_failing", reason="auth") == 1
        assert "must use TLS" in why
    finally:
        server.execute("SET GLOBAL require_secure_transport = 0")


def test_password_that_is_asked_for_in_clear_is_given_to_a_verified_server_alone(
    server: MariaDB, authority: Authority, tmp_path: Path
) -> None:
    server.execute("CREATE USER clear@'%' IDENTIFIED VIA pam USING 'mysql'")
    try:
        dsn, ca = server.dsn("clear", "no such password"), authority.folder / "ca.crt"
        for i, options in enumerate(({}, {"ssl_mode": "required"}, {"ssl_mode": "disabled"}, {"ssl_mode": "preferred", "ssl_ca": ca})):
            with Watch(mysql_options(dsn, **options), tmp_path / f"refused{i}") as watch:
                assert watch.scrape(5).value("tocsin_target_failing", reason="auth") == 1
                assert "asks for the password in clear" in str(watch.target.error)
        for i, mode in enumerate(("", "verify_ca", "verify_identity")):  # the password arrives, and PAM does not like it
            with Watch(mysql_options(dsn, ssl_ca=ca, ssl_mode=mode), tmp_path / f"given{i}") as watch:
                assert watch.scrape(15).value("tocsin_target_failing", reason="auth") == 1
                assert "Access denied" in str(watch.target.error)
    finally:
        server.execute("DROP USER clear@'%'")
