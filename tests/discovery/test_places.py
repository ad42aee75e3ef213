"""Whether two addresses are the same place, by whatever name they go."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from tocsin.discovery.core import monitored
from tocsin.discovery.places import Resolver, spot
from tocsin.options import Secret
from tocsin.sources.mysql.config import MysqlOptions
from tocsin.sources.postgres.config import PostgresOptions


def own_address() -> str:
    """An address of this machine beside the loopback's; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(
    ("dsn", "places"),
    [
        ("postgresql://u:p@db.example:5433/shop", ("db.example:5433",)),
        ("postgresql://u@db.example/shop", ("db.example:5432",)),
        ("postgresql://u:p%40@h1:1,h2:2/shop", ("h1:1", "h2:2")),
        ("postgresql://[::1]:5433/", ("[::1]:5433",)),
        ("postgresql://u@%2Frun%2Fpg:5433/", ("/run/pg/.s.PGSQL.5433",)),
        ("postgresql://u@/shop?host=/run/pg&port=5433", ("/run/pg/.s.PGSQL.5433",)),
        ("postgresql:///shop", ("/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432")),
        ("host=h1,h2 port=1,2 user=u", ("h1:1", "h2:2")),
        ("host=h1,h2 port=7", ("h1:7", "h2:7")),
        ("host='/run/pg' port=5433", ("/run/pg/.s.PGSQL.5433",)),
        ("host=db hostaddr=10.0.0.1 port=5433", ("10.0.0.1:5433", "db:5433")),
        ("host=::1", ("[::1]:5432",)),
        ("user=u password='a b host=elsewhere'", ("/var/run/postgresql/.s.PGSQL.5432", "/tmp/.s.PGSQL.5432")),
    ],
)
def test_a_postgresql_connection_string_says_every_place(dsn: str, places: tuple[str, ...]) -> None:
    assert PostgresOptions(name="t", kind="postgres", dsn=Secret(dsn)).places() == places


def test_a_connection_string_in_a_file_says_it_too(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:p@db:5433/\n")
    assert PostgresOptions(name="t", kind="postgres", dsn_file=tmp_path / "dsn").places() == ("db:5433",)


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("mysql://u:p@db.example:3307/", "db.example:3307"),
        ("mysql://u@localhost/", "localhost:3306"),
        ("mysql://u@/?socket=/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock"),
        ("u:p@tcp(db:3307)/", "db:3307"),
    ],
)
def test_a_mysql_connection_string_says_its_place(dsn: str, place: str) -> None:
    assert MysqlOptions(name="t", kind="mysql", dsn=Secret(dsn)).places() == (place,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("127.0.0.1:5432", "localhost:5432", True),
        ("LOCALHOST:5432", "127.0.0.1:5432", True),
        ("[::1]:5432", "127.0.0.1:5432", True),
        ("[0:0:0:0:0:0:0:1]:5432", "[::1]:5432", True),
        ("127.0.0.1:5432", "127.0.0.1:5433", False),
        ("127.0.0.2:5432", "127.0.0.1:5432", False),
        ("DB.example.:5432", "db.example:5432", True),
        ("172.17.0.2:5432", "127.0.0.1:5432", False),
        ("/run/pg/../pg/.s.PGSQL.5432", "/run/pg/.s.PGSQL.5432", True),
        ("/run/pg/.s.PGSQL.5432", "/run/pg/.s.PGSQL.5433", False),
    ],
)
def test_the_same_place_by_other_words(one: str, other: str, same: bool) -> None:
    assert bool(spot([one]).loose & spot([other]).loose) is same


def test_this_machines_address_is_where_localhost_is() -> None:
    assert spot([f"{own_address()}:5432"]).loose & spot(["localhost:5432"]).loose
    assert not spot(["192.0.2.1:5432"]).loose & spot(["localhost:5432"]).loose


def test_an_address_that_is_one_databases_own_is_not_taken_for_anothers_at_the_same_port() -> None:
    own = own_address()
    found = {"inner": spot(["127.0.0.1:5432"]), "outer": spot([f"{own}:5432"])}
    assert monitored(found, {"t": spot([f"{own}:5432"])}) == {"outer": "t"}
    assert monitored({"inner": found["inner"]}, {"t": spot([f"{own}:5432"])}) == {"inner": "t"}


def test_a_name_leads_to_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("172.17.0.2", 0))])
    resolver = Resolver()
    resolver.look_up(["orders-db:5432"])
    assert resolver.spot(["orders-db:5432"]).exact == {"orders-db:5432", "172.17.0.2:5432"}


def test_more_names_than_are_asked_for_at_once_are_all_known_after_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_a, **_k: [(2, 1, 6, "", (f"10.0.0.{host[1:]}", 0))])
    resolver, names = Resolver(), [f"h{number}:5432" for number in range(1, 100)]
    resolver.look_up(names, 30)
    assert {f"10.0.0.{number}:5432" for number in range(1, 100)} <= resolver.spot(names).exact


def test_a_link_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    (tmp_path / "link").symlink_to("app.db")
    resolver = Resolver()
    resolver.look_up([str(tmp_path / "link")])
    assert str(tmp_path / "app.db") in resolver.spot([str(tmp_path / "link")]).exact


def test_a_deaf_name_server_is_waited_for_only_so_long_and_what_was_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, asked = threading.Event(), 0

    def slow(*_a: object, **_k: object) -> list[object]:
        nonlocal asked
        asked += 1
        if asked == 1:
            return [(2, 1, 6, "", ("172.17.0.2", 0))]
        answer.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr("tocsin.discovery.places._KEPT_SECONDS", 0.0)
    resolver = Resolver()
    resolver.look_up(["db:5432"])
    began = time.monotonic()
    for _ in range(3):
        resolver.look_up(["db:5432"], 0.1)
    assert time.monotonic() - began < 20
    assert asked == 2, "a question that is still open is not asked again"
    answer.set()
    resolver.look_up(["db:5432"], 10)
    assert "172.17.0.2:5432" in resolver.spot(["db:5432"]).exact
