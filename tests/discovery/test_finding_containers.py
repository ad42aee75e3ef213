"""Databases in containers: real servers in a real engine's containers, and where they are reached from."""

from __future__ import annotations

import gc
import random
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from containers import DockerEngine, Recorder, docker_engine
from database_images import mariadb_image, newest_image, pooler_image, postgres_image
from fuse import mounted
from servers import free_port, until
from tocsin.config import Config
from tocsin.discovery import containers, processes
from tocsin.discovery.containers import Here, addresses, servers, whereabouts
from tocsin.discovery.core import Catch, Discoveries, Search
from tocsin.discovery.found import Found
from tocsin.discovery.lookout import Lookouts
from tocsin.errors import ConnectError
from tocsin.runner import guarded
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import Container, Mount, Port, read
from tocsin.sources.docker.listen import listen
from tocsin.sources.docker.session import list_containers
from tocsin.sources.docker.view import view_of
from tools import lacking


class Images:
    """An engine with a network, and the images of the tests; none of the servers' names tells what it is."""

    def __init__(self, engine: DockerEngine) -> None:
        self.engine = engine
        self.postgres, self.mariadb, self.pooler = "registry.corp/acme/orders:1", "registry.corp/acme/shop:1", "edoburu/pgbouncer:1"
        self.postgres_id = postgres_image(engine, self.postgres)
        mariadb_image(engine, self.mariadb)
        pooler_image(engine, self.pooler)
        subnet = f"10.{random.randrange(100, 250)}.{random.randrange(250)}.0/24"  # not what another engine has at the same time
        if not engine.run("network", "create", "--subnet", subnet, "shop", fails=True):
            lacking("the engine may make no network here")

    def options(self) -> DockerOptions:
        return DockerOptions(name="engine", kind="docker", url=self.engine.url)

    def find(self) -> dict[str, Found]:
        return {found.name: found for found in containers.look(self.options(), 30).found}

    def container(self, name: str, *options: str, image: str, command: tuple[str, ...] = ()) -> str:
        return self.engine.container(name, *options, image=image, command=command)


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    with docker_engine() as engine:
        images = Images(engine)
        yield images
        remove(engine)
        engine.run("network", "rm", "shop")


def remove(engine: DockerEngine) -> None:
    if ids := engine.run("ps", "--quiet", "--all").split():
        engine.run("rm", "--force", "--volumes", *ids)


@pytest.fixture
def clean(images: Images) -> Iterator[Images]:
    yield images
    remove(images.engine)


def major_at(address: str) -> int:
    """Log in, and return the major version of PostgreSQL."""
    host, _, port = address.rpartition(":")
    try:
        with psycopg.connect(host=host, port=port, user="postgres", connect_timeout=5) as connection:
            return connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        raise OSError(str(error)) from error


def greeting_at(address: str) -> bytes:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.settimeout(5)
        return connection.recv(100)


def test_servers_are_found_whatever_their_images_are_called_and_answer_where_it_says(clean: Images) -> None:
    network = ("--network", "shop", "--publish", "127.0.0.1::5432", "--publish", "127.0.0.1::3306")
    id = clean.container("orders", *network, image=clean.postgres)
    clean.container("shop", *network, image=clean.mariadb)
    clean.container("by-digest", "--network", "shop", image=clean.postgres_id)
    clean.container("pool", "--network", "shop", image=clean.pooler)
    found = clean.find()
    assert set(found) == {"orders", "shop", "by-digest"}, "and no pooler"
    assert clean.engine.run("inspect", "--format", "{{.State.Status}}", "pool") == "running"
    orders, shop = found["orders"], found["shop"]
    assert (orders.engine, orders.origin, orders.place, orders.key, orders.image) == ("postgres", "container", "orders", id, clean.postgres)
    assert (shop.engine, shop.image) == ("mysql", clean.mariadb)
    published = clean.engine.run("port", "orders", "5432/tcp").splitlines()[0]
    inside = clean.engine.run("inspect", "--format", "{{.NetworkSettings.Networks.shop.IPAddress}}", "orders")
    assert orders.addresses == (published, f"{inside}:5432"), "the published port first"
    assert orders.evidence[0] == "its environment has PGDATA, PG_MAJOR"
    assert "it runs postgres" in orders.evidence
    for address in (*orders.addresses, *found["by-digest"].addresses):
        assert until(lambda address=address: major_at(address)) >= 13
    for address in shop.addresses:
        assert b"MariaDB" in until(lambda address=address: greeting_at(address), 60)


@pytest.mark.newest
def test_the_newest_servers_in_a_debian_of_their_own_are_found(clean: Images) -> None:
    image = "registry.corp/base/system:1"
    newest_image(clean.engine, image)
    options = ("--network", "shop", "--label", "com.docker.compose.service=mysql", "--expose", "3306", "--expose", "33060")
    clean.container("one", *options, "--env", "MYSQL_ALLOW_EMPTY_PASSWORD=1", image=image, command=("mysqld",))
    options = ("--network", "shop", "--expose", "5432", "--env", "PGDATA=/var/lib/postgresql/18/docker")
    clean.container("two", *options, image=image, command=("postgres",))
    clean.container("idle", *options, image=image, command=("sleep", "1000"))
    found = clean.find()
    assert {name: one.engine for name, one in found.items()} == {"one": "mysql", "two": "postgres"}
    assert until(lambda: major_at(found["two"].addresses[0]), 60) == 18
    assert b"this MySQL server" in until(lambda: greeting_at(found["one"].addresses[0]), 60), "it lets nobody in from there, and says so"


def test_found_while_it_runs_known_until_it_is_removed(clean: Images) -> None:
    id = clean.container("orders", image=clean.postgres)
    assert "orders" in clean.find()
    clean.engine.run("pause", "orders")
    assert "orders" in clean.find(), "it is there, and answers nobody"
    clean.engine.run("unpause", "orders")
    clean.engine.run("stop", "--time", "1", "orders")
    look = containers.look(clean.options(), 30)
    assert (look.found, look.present) == ([], {id})
    clean.engine.run("start", "orders")
    assert "orders" in clean.find()
    clean.engine.run("rm", "--force", "--volumes", "orders")
    assert containers.look(clean.options(), 30) == ([], frozenset())
    clean.engine.run("create", "--name", "orders", clean.postgres)
    assert clean.find() == {}, "created and never started"


def test_whose_address_it_is_is_asked_before_anybody_connects(clean: Images, tmp_path: Path) -> None:
    """From the moment of the container's end, with the engine's events and without them."""
    recorder = Recorder(clean.engine.socket, tmp_path / "s")
    options = DockerOptions(name="asked", kind="docker", url=recorder.url)
    discoveries = Discoveries()
    lookouts = Lookouts(discoveries, lambda: None)
    clean.container("orders", "--network", "shop", image=clean.postgres)
    clean.container("lodger", "--network", "container:orders", image=clean.mariadb)
    for name, answer in (("orders", major_at), ("lodger", greeting_at)):  # one killed while it fills its data folder never comes up again
        until(lambda name=name, answer=answer: answer(clean.find()[name].addresses[0]))
    lookouts.apply(Config(targets=(options,)))
    stopped = threading.Event()
    listener = threading.Thread(target=guarded, args=("listener", lambda: listen(options, lambda: None, stopped)))

    def look() -> None:
        discoveries.note(Search("containers", "asked"), Catch(*containers.look(options, 30)))

    def suspected() -> list[str]:
        return [name for name in ("orders", "lodger") if lookouts.suspicion(name) is not None]

    try:
        for hears in (False, True):
            if hears:
                listener.start()
                until(lambda: view_of(options).listening)
            look()
            assert suspected() == []
            assert lookouts.suspicion("nobody") is None
            before = len(recorder.requests)
            assert suspected() == []
            assert (len(recorder.requests) == before) is hears, "nobody is asked while the engine tells by itself"
            clean.engine.run("restart", "--time", "1", "lodger")
            until(lambda: suspected() == ["lodger"])  # it may have another address; an event takes its moment
            clean.engine.run("kill", "orders")
            until(lambda: suspected() == ["orders", "lodger"])  # whose network is the other's
            clean.engine.run("start", "orders")
            until(lambda: "orders" in suspected())
            clean.engine.run("restart", "--time", "1", "lodger")
            look()
            assert suspected() == []
        clean.engine.run("rm", "--force", "--volumes", "lodger")
        until(lambda: "lodger" in suspected())
    finally:
        stopped.set()
        if listener.is_alive():
            listener.join(10)
        recorder.close()


def test_owners_decide_by_label(clean: Images) -> None:
    clean.container("not-me", "--label", "tocsin.monitor=false", image=clean.postgres)
    clean.container("like-mysql", "--label", "tocsin.engine=mysql", "--label", "tocsin.port=7777", "--label", "tocsin.user=me",
                    "--network", "shop", image=clean.pooler)  # fmt: skip
    found = clean.find()
    assert set(found) == {"like-mysql"}
    assert found["like-mysql"].engine == "mysql"
    assert found["like-mysql"].addresses[0].endswith(":7777")
    assert found["like-mysql"].hints == {"engine": "mysql", "port": "7777", "user": "me"}


def test_a_label_that_counts_for_nothing_is_told_once(clean: Images, caplog: pytest.LogCaptureFixture) -> None:
    clean.container("typo", "--label", "tocsin.engine=postgers", image=clean.postgres)
    assert clean.find() == clean.find() == {}
    (told,) = [record.getMessage() for record in caplog.records if "typo" in record.getMessage()]
    assert "tocsin.engine='postgers' is none of duckdb, mariadb, mysql" in told


def test_databases_in_mounted_files_are_found_each_once(clean: Images, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    (folder / "deeper").mkdir(parents=True)
    for name in ("app.db", "deeper/more.sqlite"):
        with closing(sqlite3.connect(folder / name)) as db:
            db.execute("CREATE TABLE t (x)")
    (folder / "readme").write_text("SQLite")
    script = "printf 'SQLite format 3\\0%084d' 0 >/data/in-volume.db; sleep 1000"
    clean.engine.container("app", "--volume", f"{folder}:/srv", "--volume", "files:/data", command=("sh", "-c", script))
    clean.engine.container("beside", "--volume", f"{folder}/app.db:/app.db:ro", "--label", "tocsin.user=me")
    clean.engine.container("not-me", "--volume", f"{folder}:/srv", "--label", "tocsin.monitor=false")
    found = until(lambda: found if len(found := clean.find()) == 3 else None)
    assert set(found) == {"app/app.db", "app/more.sqlite", "app/in-volume.db"}
    one = found["app/app.db"]
    assert (one.engine, one.addresses, one.place, one.origin) == ("sqlite", (f"{folder}/app.db",), "app", "container")
    assert one.evidence == ("it begins with 'SQLite format 3'", "app has it mounted")
    clean.engine.run("rm", "--force", "app")
    assert set(clean.find()) == {"beside/app.db"}
    assert clean.find()["beside/app.db"].hints == {"user": "me"}


def test_a_server_in_the_hosts_network_is_told_by_its_container_alone(clean: Images) -> None:
    port = free_port()
    clean.container("on-host", "--network", "host", image=clean.postgres, command=("postgres", "-p", str(port)))
    (found,) = clean.find().values()
    assert found.addresses == (f"127.0.0.1:{port}",)
    assert until(lambda: major_at(found.addresses[0])) >= 13
    assert not [one for one in processes.find(60) if f"127.0.0.1:{port}" in one.addresses], "reported twice"


def test_a_server_in_another_containers_network_is_reached_by_that_ones_addresses(clean: Images) -> None:
    id = clean.engine.container("pod", "--network", "shop", "--publish", "127.0.0.1::5432")
    clean.container("orders", "--network", f"container:{id}", image=clean.postgres)
    (found,) = clean.find().values()
    assert found.addresses[0] == clean.engine.run("port", "pod", "5432/tcp").splitlines()[0]
    assert until(lambda: major_at(found.addresses[0])) >= 13


def test_from_within_a_container_of_the_engine_its_own_is_known_and_others_are_reached(clean: Images, tmp_path: Path) -> None:
    clean.engine.container("watcher", "--network", "shop", "--volume", f"{tmp_path}:/watched:ro")
    clean.container("orders", "--network", "shop", "--publish", "5432", image=clean.postgres)
    told = list_containers(clean.options(), 30)
    mountinfo, routes = (clean.engine.run("exec", "watcher", "cat", f"/proc/{name}") for name in ("self/mountinfo", "net/route"))
    here = whereabouts("tcp://proxy:2375", told, mountinfo, routes)
    assert here.own is not None
    assert (here.own.name, here.on_host, here.path(f"{tmp_path}/x")) == ("watcher", False, "/watched/x")
    (found,) = servers(told, here)
    inside = clean.engine.run("inspect", "--format", "{{.NetworkSettings.Networks.shop.IPAddress}}", "orders")
    gateway = clean.engine.run("inspect", "--format", "{{.NetworkSettings.Networks.shop.Gateway}}", "orders")
    published = clean.engine.run("port", "orders", "5432/tcp").splitlines()[0].rpartition(":")[2]
    assert found.addresses[:2] == (f"{inside}:5432", f"{gateway}:{published}")
    on_host = whereabouts(clean.engine.url, told, Path("/proc/self/mountinfo").read_text(), routes)
    assert on_host.own is None, "this process is in no container of that engine"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Docker's client leaves its socket open when nobody listens
def test_an_engine_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="is Docker installed and running here"):
        containers.look(DockerOptions(name="engine", kind="docker", url=f"unix://{tmp_path}/none.sock"), 5)
    gc.collect()


# --- without an engine: where a container is reached from ---

ON_HOST = Here("127.0.0.1", True, None, True)
REMOTE = Here("db.example", False)


def container(name: str = "db", **more: Any) -> Container:
    told = {"Id": name[0] * 64, "Name": f"/{name}", "State": {"Status": "running"}, "HostConfig": {}, "Config": {}}
    return replace(read(told), **more)


def published(*places: tuple[str, str]) -> tuple[Port, ...]:
    return tuple(Port(5432, "tcp", host, port) for host, port in places)


def reached(one: Container, here: Here, *others: Container) -> list[str]:
    return addresses(one, 5432, {c.id: c for c in (one, *others)}, here)


def test_from_the_host_published_ports_come_before_the_containers_own_address() -> None:
    one = container(ports=published(("0.0.0.0", "15432"), ("::", "15432")), addresses=("172.17.0.2",))
    assert reached(one, ON_HOST) == ["127.0.0.1:15432", "[::1]:15432", "172.17.0.2:5432"]
    assert reached(container(ports=published(("192.0.2.7", "15432"))), ON_HOST) == ["192.0.2.7:15432"]
    assert reached(container(ports=(Port(5432, "udp", "", "5432"), Port(3306, "tcp", "", "3306"))), ON_HOST) == []


def test_from_elsewhere_only_what_is_published_to_all_is_reached() -> None:
    ports = published(("0.0.0.0", "15432"), ("127.0.0.1", "25432"), ("192.0.2.7", "35432"))
    assert reached(container(ports=ports, addresses=("172.17.0.2",)), REMOTE) == ["db.example:15432", "192.0.2.7:35432"]
    assert reached(container(network_mode="host"), REMOTE) == ["db.example:5432"]


def test_from_within_a_container_neighbours_come_first_and_the_hosts_loopback_not_at_all() -> None:
    own = container("own", addresses=("172.20.0.5",), networks=("172.20.0.5/16",))
    here = Here("172.20.0.1", False, own, True)
    ports = published(("0.0.0.0", "15432"), ("127.0.0.1", "25432"))
    assert reached(container(ports=ports, addresses=("172.18.0.2", "172.20.0.9")), here) == [
        "172.20.0.9:5432", "172.20.0.1:15432", "172.18.0.2:5432",
    ]  # fmt: skip
    assert reached(container(network_mode="host"), here) == ["172.20.0.1:5432"]


def test_a_neighbour_is_who_is_on_a_network_of_ours_however_alike_the_addresses_are() -> None:
    """Docker's later networks have prefixes of 20 bits: 192.168.16.0 and 192.168.32.0 are two of them."""

    def on(address: str, six: str = "") -> dict[str, Any]:
        return {"IPAddress": address, "IPPrefixLen": 20, "GlobalIPv6Address": six, "GlobalIPv6PrefixLen": 64 if six else 0}

    def told(name: str, *networks: dict[str, Any]) -> Container:
        told = {"Id": name[0] * 64, "Name": f"/{name}", "State": {"Status": "running"}, "HostConfig": {}, "Config": {}}
        return read({**told, "NetworkSettings": {"Networks": dict(zip("abc", networks, strict=False))}})

    here = Here("192.168.16.1", False, told("own", on("192.168.16.5", "fd00:0:0:1::5")), True)
    ports = published(("0.0.0.0", "15432"))
    there = replace(told("db", on("192.168.32.3"), on("192.168.31.9")), ports=ports)
    assert reached(there, here) == ["192.168.31.9:5432", "192.168.16.1:15432", "192.168.32.3:5432"]
    six = told("db", on("", "fd00:0:0:2::3"), on("", "fd00:0:0:1::3"))
    assert reached(six, here) == ["[fd00:0:0:1::3]:5432", "[fd00:0:0:2::3]:5432"]
    assert reached(six, ON_HOST) == ["[fd00:0:0:2::3]:5432", "[fd00:0:0:1::3]:5432"]
    silent = told("own", {"IPAddress": "10.88.0.5"})
    assert reached(there, Here("10.88.0.1", False, silent, True))[0] == "10.88.0.1:15432"


def test_another_containers_network_counts_in_place_of_its_own() -> None:
    pod = container("pod", ports=published(("0.0.0.0", "15432")), addresses=("172.17.0.3",))
    for mode in (f"container:{pod.id}", "container:pod"):
        assert reached(container(network_mode=mode), ON_HOST, pod) == ["127.0.0.1:15432", "172.17.0.3:5432"]
    assert reached(container(network_mode="container:gone"), ON_HOST) == []
    assert reached(container(network_mode=f"container:{pod.id}"), ON_HOST, replace(pod, network_mode="host")) == ["127.0.0.1:5432"]


ID = "d" * 64
MOUNTS = f"""22 1 0:21 / / rw - overlay overlay rw
40 22 8:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw
41 22 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw
"""
ROUTES = "Iface\tDestination\tGateway \tFlags\neth0\t00000000\t010014AC\t0003\neth0\t000014AC\t00000000\t0001\n"
UNIX = "unix:///var/run/docker.sock"


def test_a_process_knows_its_own_container_by_the_files_that_the_engine_gives_it() -> None:
    own = container("d")
    assert own.id == ID
    here = whereabouts("tcp://socket-proxy:2375", [own], MOUNTS, ROUTES)
    assert (here.own, here.host, here.on_host) == (own, "172.20.0.1", False)
    with_host = whereabouts(UNIX, [replace(own, network_mode="host")], MOUNTS, ROUTES)
    assert (with_host.host, with_host.on_host) == ("127.0.0.1", True)
    on_host = f"90 22 0:50 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw\n"
    assert whereabouts(UNIX, [own], on_host, ROUTES) == ON_HOST, "what a container has mounted shows on the host, too"


@pytest.mark.parametrize(
    ("address", "host", "on_host", "files"),
    [
        (UNIX, "127.0.0.1", True, True),
        ("tcp://127.0.0.1:2375", "127.0.0.1", True, False),
        ("tcp://localhost:2375", "127.0.0.1", True, False),
        ("https://docker.example:2376", "docker.example", False, False),
    ],
)
def test_where_an_engine_is_tells_how_its_ports_are_reached(address: str, host: str, on_host: bool, files: bool) -> None:
    here = whereabouts(address, [], "", "")
    assert (here.host, here.on_host, here.files, here.own) == (host, on_host, files, None)


def test_paths_of_the_host_are_seen_from_a_container_where_they_are_mounted() -> None:
    mounts = (Mount("bind", "", "/srv", "/watched", False), Mount("bind", "", "/srv/app/data", "/data", False))
    here = Here("172.20.0.1", False, container("own", mounts=mounts), True)
    assert here.path("/srv/app/app.db") == "/watched/app/app.db"
    assert here.path("/srv/app/data/x.db") == "/data/x.db"
    assert here.path("/srv/app/data") == "/data"
    assert here.path("/srvice/x.db") is None
    with_all = Here("", False, container("own", mounts=(Mount("bind", "", "/", "/host", False),)), True)
    assert with_all.path("/srv/x.db") == "/host/srv/x.db"
    assert ON_HOST.path("/srv/x.db") == "/srv/x.db"
    assert REMOTE.path("/srv/x.db") is None


@pytest.mark.parametrize("status", ["created", "exited", "dead", "removing"])
def test_what_does_not_run_is_not_found(status: str) -> None:
    one = container(labels={"tocsin.engine": "postgres"})
    assert [found.name for found in servers([one], ON_HOST)] == ["db"]
    assert list(servers([replace(one, status=status)], ON_HOST)) == []
    for alive in ("restarting", "paused"):
        assert len(list(servers([replace(one, status=alive)], ON_HOST))) == 1


def test_mounts_that_hang_or_take_too_long_stay_as_they_were(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as db:
        db.execute("CREATE TABLE t (x)")
    place, hung = str(tmp_path), str(tmp_path / "hung")
    search = containers._Mounts()
    found = {place: ((f"{place}/app.db", "sqlite"),), hung: ()}
    with mounted(Path(hung)):
        assert search.find([place, hung], 20) == found
    (tmp_path / "app.db").unlink()
    assert search.find([place], -0.5) == {place: found[place]}, "no time to look"
    assert search.find([place], 20) == {place: ()}
