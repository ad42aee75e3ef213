"""Servers known by their address alone, and the certificates of those that are watched with a login: real ones, real certificates."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from authority import Authority
from mariadb import MariaDB, mysql_options
from newest import MySQL
from servers import Postgres, free_port, until
from tocsin.options import TargetOptions
from tocsin.sources.endpoint.config import EndpointOptions
from watching import Page, Watch, postgres_options

EXPIRY = "tocsin_tls_certificate_not_after_timestamp_seconds"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    found.issue("good", "IP:127.0.0.1,DNS:db.example")
    found.issue("rsa", key="rsa")
    found.issue("elsewhere", "DNS:elsewhere.example")
    found.issue("expired", days=-1)
    found.issue("soon", days=30)
    found.self_signed("self")
    found.issue_authority("between", days=1)
    found.issue("chained", issuer="between")
    found.chained("chained", "between")
    return found


@dataclass
class Shown:
    """A server that shows whichever certificate it is told to."""

    protocol: str
    server: Postgres | MariaDB
    authority: Authority

    def show(self, name: str) -> None:
        """Have it show this certificate to whoever comes from now on."""
        for ending in ("crt", "key"):
            new = self.server.folder / f"new.{ending}"
            shutil.copy(self.authority.folder / f"{name}.{ending}", new)
            shutil.chown(new, self.server.folder.owner())
            new.chmod(0o600)
            new.rename(self.server.folder / f"shown.{ending}")
        if isinstance(self.server, MariaDB):
            self.server.execute("FLUSH SSL")
        else:
            self.server.execute("SELECT pg_reload_conf()")
            until(lambda: self.is_shown(name))

    def is_shown(self, name: str) -> bool:
        """Tell whether a reload, which takes its time, has come through."""
        import ssl

        from tocsin.handshake import Address, meet

        found = meet("test", Address(host="127.0.0.1", port=self.server.port), self.protocol, time.monotonic() + 10)
        wanted = ssl.PEM_cert_to_DER_cert((self.authority.folder / f"{name}.crt").read_text().partition("-----END")[0] + _END)
        return found.tls is not None and found.tls.chain[0] == wanted

    def endpoint(self, **more: object) -> EndpointOptions:
        return endpoint(self.server.port, self.protocol, **more)

    def target(self, **more: object) -> TargetOptions:
        """The same server, watched with a login."""
        only = {"collectors": {"schema": False}, **more}
        return mysql_options(self.server.dsn(), **only) if isinstance(self.server, MariaDB) else postgres_options(self.server.dsn(), **only)


_END = "-----END CERTIFICATE-----\n"


def endpoint(port: int, protocol: str, **more: object) -> EndpointOptions:
    return EndpointOptions(name="db", kind="endpoint", address=f"127.0.0.1:{port}", protocol=protocol, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tls_postgres(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    server = Postgres(tmp_path_factory.mktemp("tls"))
    authority.give("good", server.folder)
    for ending in ("crt", "key"):
        (server.folder / f"good.{ending}").rename(server.folder / f"shown.{ending}")
    server.start(ssl="on", ssl_cert_file=f"{server.folder}/shown.crt", ssl_key_file=f"{server.folder}/shown.key", log_min_messages="debug1")
    yield Shown("postgres", server, authority)
    server.stop("immediate")


@pytest.fixture(scope="module")
def tls_mariadb(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    server = MariaDB(tmp_path_factory.mktemp("tls"))
    authority.give("good", server.folder)
    for ending in ("crt", "key"):
        (server.folder / f"good.{ending}").rename(server.folder / f"shown.{ending}")
    server.start(ssl_cert=str(server.folder / "shown.crt"), ssl_key=str(server.folder / "shown.key"))
    server.exporter_account()
    yield Shown("mysql", server, authority)
    server.stop()


@pytest.fixture(params=["tls_postgres", "tls_mariadb"])
def shown(request: pytest.FixtureRequest) -> Shown:
    found: Shown = request.getfixturevalue(request.param)
    found.show("good")
    return found


def look(options: TargetOptions, state: Path) -> Page:
    """Return everything that is told of a target after each of its collectors ran."""
    with Watch(options, state) as watch:
        watch.scrape(15)
        watch.check()
        return watch.page()


def met(watch: Watch) -> Page:
    """Return what is told of an endpoint after it was met."""
    watch.check()
    return watch.page()


def judged(page: Page) -> dict[str, float | str | None]:
    """Return what is told of the certificate, in short."""
    reasons = page.all("tocsin_tls_certificate_unverified")
    return {
        "self_signed": page.value("tocsin_tls_certificate_self_signed"),
        "name_matches": page.value("tocsin_tls_certificate_name_matches"),
        "verified": page.value("tocsin_tls_certificate_verified"),
        "reason": reasons[0][0]["reason"] if reasons else "",
    }


def test_a_server_that_answers_is_told_with_what_it_says_of_itself(shown: Shown, tmp_path: Path) -> None:
    with Watch(shown.endpoint(), tmp_path) as watch:
        watch.check()
        page = watch.scrape()
    assert page.value("tocsin_endpoint_up") == 1
    assert page.value("tocsin_endpoint_tls_offered") == 1
    assert [labels["state"] for labels, value in page.all("tocsin_endpoint_state") if value] == ["answering"]
    phases = {labels["phase"]: value for labels, value in page.all("tocsin_endpoint_handshake_seconds")}
    assert phases.keys() == {"resolve", "connect", "greeting", "tls"} | ({"login"} if shown.protocol == "mysql" else set())
    assert all(0 <= seconds < 15 for seconds in phases.values())
    ((server, _),) = page.all("tocsin_endpoint_server_info")
    if isinstance(shown.server, MariaDB):
        ((version,),) = shown.server.execute("SELECT VERSION()")
        assert server == {"protocol": "mysql", "product": "MariaDB", "version": version, "auth_plugin": "mysql_native_password"}
    else:
        assert server == {"protocol": "postgres", "product": "PostgreSQL", "version": "", "auth_plugin": ""}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", {"self_signed": 0, "name_matches": 1, "verified": 1, "reason": ""}),
        ("rsa", {"self_signed": 0, "name_matches": 1, "verified": 1, "reason": ""}),
        ("chained", {"self_signed": 0, "name_matches": 1, "verified": 1, "reason": ""}),
        ("elsewhere", {"self_signed": 0, "name_matches": 0, "verified": 1, "reason": ""}),
        ("expired", {"self_signed": 0, "name_matches": 1, "verified": 0, "reason": "expired"}),
        ("self", {"self_signed": 1, "name_matches": 1, "verified": 0, "reason": "self_signed"}),
    ],
)
def test_a_certificate_is_told_as_it_is_however_wrong(shown: Shown, tmp_path: Path, name: str, expected: dict[str, object]) -> None:
    shown.show(name)
    page = look(shown.endpoint(ca_file=shown.authority.folder / "ca.crt"), tmp_path / "endpoint")
    assert judged(page) == expected
    ends = page.value(EXPIRY)
    assert ends is not None
    assert (ends < time.time()) == (name == "expired")
    ((info, _),) = page.all("tocsin_tls_certificate_info")
    assert info["subject"] == f"CN={name}"
    assert len(info["fingerprint_sha256"]) == 64
    assert page.value("tocsin_endpoint_up") == 1
    assert {labels["authorities"] for labels, _ in page.all("tocsin_tls_certificate_verified")} == {"configured"}
    # What comes in between ends sooner than the server's own.
    first = page.value("tocsin_tls_chain_not_after_timestamp_seconds")
    assert first is not None
    assert first == pytest.approx(time.time() + 86400, abs=3600) if name == "chained" else first == ends


def test_without_a_file_the_authorities_of_the_system_decide(shown: Shown, tmp_path: Path) -> None:
    page = look(shown.endpoint(), tmp_path)
    assert page.value("tocsin_tls_certificate_verified", authorities="system") == 0
    assert page.value("tocsin_tls_certificate_unverified", authorities="system", reason="unknown_authority") == 1


def test_the_name_that_the_certificate_must_be_for_can_be_given(shown: Shown, tmp_path: Path) -> None:
    for name, matches in (("db.example", 1), ("other.example", 0)):
        page = look(shown.endpoint(server_name=name), tmp_path / name)
        assert page.value("tocsin_tls_certificate_name_matches", name=name) == matches


def test_a_watched_servers_certificate_is_told_too_and_a_renewed_one_soon(shown: Shown, tmp_path: Path) -> None:
    with Watch(shown.target(), tmp_path) as watch:
        watch.scrape(15)
        watch.check()
        first = watch.page()
        shown.show("soon")
        watch.check()
        second = watch.page()
    assert judged(first)["name_matches"] == 1
    ends = first.value(EXPIRY), second.value(EXPIRY)
    assert ends[0] == pytest.approx(time.time() + 2 * 86400, abs=3600)
    assert ends[1] == pytest.approx(time.time() + 30 * 86400, abs=3600)
    assert second.value("tocsin_threshold", signal="certificate_remaining_seconds", severity="warning") == 21 * 86400


def test_a_watched_servers_certificate_is_judged_by_the_authorities_of_its_connection(shown: Shown, tmp_path: Path) -> None:
    ca = shown.authority.folder / "ca.crt"
    if isinstance(shown.server, MariaDB):
        options: TargetOptions = mysql_options(shown.server.dsn(), ssl_ca=ca, ssl_mode="verify_ca")
    else:
        options = postgres_options(f"{shown.server.dsn()}?sslmode=verify-ca&sslrootcert={ca}")
    assert look(options, tmp_path).value("tocsin_tls_certificate_verified", authorities="configured") == 1


@pytest.mark.parametrize("kind", ["endpoint", "login"])
def test_a_server_without_tls_has_no_certificate_and_that_is_no_failure(
    postgres: Postgres, mariadb: MariaDB, tmp_path: Path, kind: str
) -> None:
    for protocol, server in (("postgres", postgres), ("mysql", mariadb)):
        with_login = postgres_options(server.dsn()) if isinstance(server, Postgres) else mysql_options(server.dsn())
        options = endpoint(server.port, protocol) if kind == "endpoint" else with_login
        page = look(options, tmp_path / protocol)
        assert page.value("tocsin_collector_success", collector=f"{options.kind}.certificate") == 1
        assert not [name for name in page.names() if name.startswith("tocsin_tls_")]
        if kind == "endpoint":
            assert page.value("tocsin_endpoint_tls_offered") == 0
            assert page.value("tocsin_endpoint_up") == 1


def test_a_watched_server_behind_a_socket_has_no_certificate(shown: Shown, tmp_path: Path) -> None:
    if isinstance(shown.server, MariaDB):
        options: TargetOptions = mysql_options(f"mysql://exporter:x@/?socket={shown.server.socket}")
    else:
        options = postgres_options(f"host={shown.server.folder} port={shown.server.port} user=postgres dbname=postgres")
    page = look(options, tmp_path)
    assert page.value("tocsin_collector_success", collector=f"{options.kind}.certificate") == 1
    assert page.value(EXPIRY) is None


def test_of_several_hosts_the_one_in_use_shows_its_certificate(tls_postgres: Shown, tmp_path: Path) -> None:
    tls_postgres.show("good")
    dsn = f"postgresql://postgres@127.0.0.1:{free_port()},localhost:{tls_postgres.server.port}/postgres"
    page = look(postgres_options(dsn), tmp_path)
    assert page.value("tocsin_tls_certificate_name_matches", name="localhost") == 0


def test_a_file_of_authorities_that_is_not_there_is_named(shown: Shown, tmp_path: Path) -> None:
    with Watch(shown.endpoint(ca_file=tmp_path / "absent.pem"), tmp_path / "state") as watch:
        watch.scrape()
        watch.check()
        page, why = watch.page(), str(watch.record("certificate").error)
    assert page.value("tocsin_collector_failing", collector="endpoint.certificate", reason="config") == 1
    assert page.value("tocsin_endpoint_up") == 1
    assert "absent.pem" in why
    assert "PEM" in why


def test_a_server_of_tls_1_2_alone_and_one_that_asks_its_clients_for_certificates(authority: Authority, tmp_path: Path) -> None:
    server = Postgres(tmp_path / "pg")
    certificate, key = authority.give("good", server.folder)
    ca, _ = authority.give("ca", server.folder)
    (server.data / "pg_hba.conf").write_text("hostssl all all all cert clientcert=verify-full\n")
    words = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key, "ssl_ca_file": ca}
    try:
        server.start(**words, ssl_max_protocol_version="TLSv1.2")
        page = look(endpoint(server.port, "postgres"), tmp_path / "state")
    finally:
        server.stop("immediate")
    assert page.value("tocsin_endpoint_up") == 1
    assert page.all("tocsin_tls_session_info")[0][0]["version"] == "TLSv1.2"
    assert page.value("tocsin_tls_certificate_name_matches") == 1


def test_mariadb_that_lets_nobody_in_without_tls_is_met(tls_mariadb: Shown, tmp_path: Path) -> None:
    server = tls_mariadb.server
    server.execute("SET GLOBAL require_secure_transport = 1")
    try:
        page = look(tls_mariadb.endpoint(), tmp_path)
    finally:
        server.execute("SET GLOBAL require_secure_transport = 0")
    assert page.value("tocsin_endpoint_up") == 1
    assert page.value(EXPIRY) is not None


def test_what_a_meeting_leaves_in_the_servers_log(shown: Shown, tmp_path: Path) -> None:
    """PostgreSQL nothing, even at its most talkative; MariaDB one line, which says who it was, and none with an account of no rights."""
    log = shown.server.folder / "log"
    before = len(log.read_text())
    with Watch(shown.endpoint(collectors={"certificate": False}), tmp_path / "a") as watch:
        for _ in range(3):
            assert met(watch).value("tocsin_endpoint_up") == 1
    time.sleep(1)
    lines = [line for line in log.read_text()[before:].splitlines() if line]
    if shown.protocol == "postgres":
        assert lines == []
        return
    assert len(lines) == 3
    assert all("Access denied for user 'tocsin_handshake'@'127.0.0.1' (using password: NO)" in line for line in lines)
    shown.server.execute("CREATE USER health@'%'")
    try:
        before = len(log.read_text())
        with Watch(shown.endpoint(user="health", collectors={"certificate": False}), tmp_path / "b") as watch:
            for _ in range(3):
                assert met(watch).value("tocsin_endpoint_up") == 1
        time.sleep(1)
        assert log.read_text()[before:].strip() == ""
    finally:
        shown.server.execute("DROP USER health@'%'")


def test_mariadb_that_is_full_answers_and_says_so(tmp_path: Path) -> None:
    server = MariaDB(tmp_path / "full").start(max_connections=10)
    server.exporter_account(grants="")
    server.execute("CREATE USER health@'%'")
    crowd = []
    try:
        for _ in range(10):
            crowd.append(server.connect(user="exporter", password="x"))
        almost = look(endpoint(server.port, "mysql", user="health"), tmp_path / "almost")
        crowd.append(server.connect())  # the place that is kept for administrators
        page = look(endpoint(server.port, "mysql"), tmp_path / "state")
    finally:
        for one in crowd:
            one.close()
        server.stop()
    assert almost.value("tocsin_endpoint_state", state="too_many_connections") == 1
    assert page.value("tocsin_endpoint_up") == 1
    assert page.value("tocsin_endpoint_state", state="too_many_connections") == 1
    assert page.value("tocsin_endpoint_state", state="answering") == 0


def test_mariadb_that_knows_no_account_for_our_host_answers_and_says_so(tmp_path: Path) -> None:
    server = MariaDB(tmp_path / "strict").start()
    try:
        for user, host in server.execute("SELECT User, Host FROM mysql.global_priv WHERE Host <> 'localhost'"):
            server.execute(f"DROP USER '{user}'@'{host}'")
        page = look(endpoint(server.port, "mysql"), tmp_path / "state")
    finally:
        server.stop()
    assert page.value("tocsin_endpoint_up") == 1
    assert page.value("tocsin_endpoint_state", state="host_not_allowed") == 1
    assert page.value("tocsin_endpoint_tls_offered") is None


@pytest.mark.newest
def test_mysql_of_today_is_met_with_the_certificate_that_it_made_for_itself(newest_mysql: MySQL, tmp_path: Path) -> None:
    for kind, options in (("a", endpoint(newest_mysql.port, "mysql")), ("b", mysql_options(newest_mysql.dsn()))):
        page = look(options, tmp_path / kind)
        assert judged(page) == {"self_signed": 0, "name_matches": 0, "verified": 0, "reason": "unknown_authority"}
        if kind == "a":
            ((server, _),) = page.all("tocsin_endpoint_server_info")
            assert (server["product"], server["auth_plugin"]) == ("MySQL", "caching_sha2_password")


def test_the_source_of_the_wrong_kind_says_what_it_met(postgres: Postgres, mariadb: MariaDB, tmp_path: Path) -> None:
    with Watch(endpoint(mariadb.port, "postgres"), tmp_path / "a") as watch:
        page = met(watch)
        assert page.value("tocsin_target_failing", reason="config") == 1
        assert "does not speak as PostgreSQL does" in str(watch.target.error)
    with Watch(endpoint(postgres.port, "mysql"), tmp_path / "b") as watch:  # which waits for us to begin
        page = met(watch)
        assert page.value("tocsin_endpoint_up") == 0
        assert page.value("tocsin_target_failing", reason="timeout") == 1
