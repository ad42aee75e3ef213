"""What is found becomes targets of a running exporter, on every page of it, with real containers of a real engine."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from containers import DockerEngine, docker_engine
from database_images import postgres_image
from servers import get, get_json, until
from tocsin import config, discover
from tocsin.service import Service
from tools import lacking

IMAGE = "registry.corp/acme/orders:1"
NEEDLE = "s3cr3t-needle"


class Exporter:
    """A running exporter and its pages."""

    def __init__(self, service: Service, path: Path) -> None:
        self.service, self.path = service, path

    def targets(self) -> dict[str, dict[str, str]]:
        return {entry["labels"]["instance"]: entry["labels"] for entry in get_json(f"{self.service.url}/sd")}

    def samples(self) -> list[Any]:
        text = get(f"{self.service.url}/metrics", timeout=60)[1]
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def series(self) -> dict[str, float]:
        """Return the samples by name and labels, those in the order of their names; an empty label is none."""
        return {s.name + "{" + ",".join(f'{k}="{v}"' for k, v in sorted(s.labels.items()) if v) + "}": s.value for s in self.samples()}

    def landing(self) -> str:
        return get(f"{self.service.url}/")[1]

    def database(self, name: str) -> dict[str, str] | None:
        """Return the labels of the series that tells about a database."""
        told = [s.labels for s in self.samples() if s.name == "tocsin_discovered_database_info" and s.labels["name"] == name]
        return told[0] if told else None

    def configure(self, text: str) -> None:
        write(self.path, text)
        self.service.reload()
        assert self.service.app.reload_ok


def write(path: Path, text: str) -> None:
    path.write_text(f'server: {{listen: "127.0.0.1:0"}}\nstate_dir: {path.parent}/state\n{text}')


@pytest.fixture
def exporter(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Exporter]:
    """An exporter of the configuration that the test's mark gives."""
    path = tmp_path / "tocsin.yaml"
    write(path, request.param if hasattr(request, "param") else "")
    with Service(config.load(path), path) as service:
        yield Exporter(service, path)


# Files, which are there on every machine


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    folder = tmp_path / "srv"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "<app>.db")) as db:
        db.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
    return folder


def test_files_under_a_root_become_targets_on_every_page(exporter: Exporter, srv: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tocsin")
    exporter.configure(f"discovery: {{files: [{srv}], every: 1s}}")
    labels = until(lambda: exporter.targets().get("<app>.db"))
    assert labels["kind"] == "sqlite"
    assert labels["__meta_tocsin_origin"] == "file"
    assert exporter.series()['sqlite_up{instance="<app>.db"}'] == 1
    told = exporter.database("<app>.db")
    assert told is not None
    assert (told["monitored"], told["target"], told["missing"]) == ("yes", "<app>.db", "")
    page = exporter.landing()
    assert "&lt;app&gt;.db" in page
    assert "<app>" not in page
    assert page.count(f"{srv}/&lt;app&gt;.db") == 2, "once as a target, once as found"
    assert "tocsin discover" not in page
    assert "databases found: 1, not monitored of them: 0; tocsin discover shows what is missing" in caplog.messages
    assert exporter.series()['tocsin_discovered_databases{engine="sqlite",monitored="yes",origin="file"}'] == 1
    assert exporter.series()['tocsin_discovery_success{finder="files"}'] == 1


def test_a_found_one_that_is_configured_later_goes_over_to_its_target(exporter: Exporter, srv: Path) -> None:
    looking = f"discovery: {{files: [{srv}], every: 1s}}\n"
    exporter.configure(looking)
    until(lambda: "<app>.db" in exporter.targets())
    exporter.configure(looking + f'targets: [{{name: app, kind: sqlite, path: "{srv}/<app>.db"}}]')
    assert list(exporter.targets()) == ["app"], "at once, without another look"
    told = exporter.database("<app>.db")
    assert told is not None
    assert (told["monitored"], told["target"]) == ("yes", "app")
    exporter.configure(looking)
    assert list(exporter.targets()) == ["<app>.db"]


def test_a_reload_keeps_what_was_found_as_it_is_and_a_bad_one_changes_nothing(exporter: Exporter, srv: Path) -> None:
    looking = f"discovery: {{files: [{srv}], every: 1s}}\n"
    exporter.configure(looking)
    until(lambda: "<app>.db" in exporter.targets())
    target = exporter.service.scheduler.target("<app>.db")
    exporter.configure(looking + "thresholds: {}")
    assert exporter.service.scheduler.target("<app>.db") is target
    exporter.path.write_text("discovery: {files: /srv}")
    exporter.service.reload()
    assert not exporter.service.app.reload_ok
    assert exporter.service.scheduler.target("<app>.db") is target
    exporter.configure("")
    assert exporter.targets() == {}


def test_our_own_journal_is_not_among_what_is_found(exporter: Exporter, srv: Path) -> None:
    exporter.configure(f"discovery: {{files: [{srv.parent}], every: 1s}}")
    until(lambda: "<app>.db" in exporter.targets())
    assert list(exporter.targets()) == ["<app>.db"]


def test_more_than_may_be_watched_are_counted_and_told(exporter: Exporter, srv: Path) -> None:
    for number in range(3):
        with closing(sqlite3.connect(srv / f"{number}.db")) as db:
            db.execute("CREATE TABLE t (id)")
    exporter.configure(f"discovery: {{files: [{srv}], every: 1s, most: 2}}")
    until(lambda: len(exporter.targets()) == 2)
    assert exporter.series()["tocsin_discovery_left_out_databases{}"] == 2
    assert "discovery.most" in exporter.landing()


def test_a_folder_that_is_not_there_is_a_failure_with_its_reason(exporter: Exporter, tmp_path: Path) -> None:
    exporter.configure(f"discovery: {{files: [{tmp_path}/none], every: 1s}}")
    until(lambda: 'tocsin_discovery_failing{finder="files",reason="connect"}' in exporter.series())
    assert exporter.series()['tocsin_discovery_success{finder="files"}'] == 0
    assert f"Not looked through: files: {tmp_path}/none" in exporter.landing()


# Containers


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as found:
        postgres_image(found, IMAGE)
        subnet = f"10.{random.randrange(100, 250)}.{random.randrange(250)}.0/24"  # not what another engine has at the same time
        if not found.run("network", "create", "--subnet", subnet, "shop", fails=True):
            lacking("the engine may make no network here")
        yield found
        remove(found)
        found.run("network", "rm", "shop")


@pytest.fixture
def clean(engine: DockerEngine) -> Iterator[DockerEngine]:
    yield engine
    remove(engine)


def remove(engine: DockerEngine) -> None:
    if ids := engine.run("ps", "--quiet", "--all").split():
        engine.run("rm", "--force", "--volumes", *ids, timeout=120)


def watching(engine: DockerEngine, more: str = "") -> str:
    # An hour: whatever is seen sooner was told by the engine.
    return f'discovery: {{every: 1h}}\n{more}\ntargets: [{{name: engine, kind: docker, url: "{engine.url}"}}]\n'


def start(engine: DockerEngine, name: str, *options: str) -> None:
    engine.container(name, "--network", "shop", *options, image=IMAGE, command=())


DEFAULTS = """
defaults:
  postgres:
    userpass: {username: postgres, password: s3cr3t-needle}
    targets: [orders]
"""


def test_a_database_in_a_container_with_a_login_is_collected_from_within_seconds(clean: DockerEngine, exporter: Exporter) -> None:
    exporter.configure(watching(clean, DEFAULTS))
    until(lambda: exporter.service.discoveries.looks and all(k.succeeded_at for k in exporter.service.discoveries.looks.values()))
    began = time.monotonic()
    start(clean, "orders")
    labels = until(lambda: exporter.targets().get("orders"))
    print(f"\nfrom docker run to /sd: {time.monotonic() - began:.1f} s")
    assert labels["kind"] == "postgres"
    assert labels["__meta_tocsin_image"] == IMAGE
    until(lambda: exporter.series().get('pg_up{instance="orders"}') == 1, 60)
    print(f"from docker run to pg_up 1: {time.monotonic() - began:.1f} s")
    told = exporter.database("orders")
    assert told is not None
    assert (told["monitored"], told["target"], told["image"], told["missing"]) == ("yes", "orders", IMAGE, "")
    page, sd = exporter.landing(), json.dumps(exporter.targets())
    assert IMAGE in page
    assert NEEDLE not in page + sd + repr(exporter.series())

    clean.run("stop", "--time", "20", "orders", timeout=120)
    until(lambda: exporter.series().get('pg_up{instance="orders"}') == 0, 60)
    assert "orders" in exporter.targets(), "one that stopped stays, so that an alert can fire"
    until(lambda: exporter.series() and "container orders is stopped" in str(exporter.service.scheduler.target("orders").error), 60)  # type: ignore[union-attr]
    clean.run("rm", "orders")
    until(lambda: "orders" not in exporter.targets(), 60)
    assert exporter.database("orders") is None
    assert not [key for key in exporter.series() if 'instance="orders"' in key]


def test_without_a_login_it_is_watched_from_outside_and_says_what_is_missing(clean: DockerEngine, exporter: Exporter) -> None:
    exporter.configure(watching(clean, DEFAULTS))
    start(clean, "billing")
    labels = until(lambda: exporter.targets().get("billing"), 60)
    assert labels["kind"] == "endpoint"
    told = exporter.database("billing")
    assert told is not None
    assert told["monitored"] == "no"
    page = exporter.landing()
    assert "add &#x27;billing&#x27; to them" in page
    assert "nobody: only whether it answers is known" in page
    assert "<code>tocsin discover</code> prints the lines of configuration to add" in page
    assert "add 'billing' to them" in told["missing"]
    until(lambda: exporter.series().get('tocsin_target_up{instance="billing",kind="endpoint"}') == 1, 60)
    exporter.configure(watching(clean, DEFAULTS.replace("[orders]", '["b*"]')))
    until(lambda: exporter.series().get('pg_up{instance="billing"}') == 1, 60)


def test_labels_say_what_is_not_monitored_and_by_which_name(clean: DockerEngine, exporter: Exporter) -> None:
    exporter.configure(watching(clean))
    start(clean, "scratch", "--label", "tocsin.monitor=false")
    start(clean, "orders-1", "--label", "tocsin.name=orders", "--label", "tocsin.user=postgres")
    assert until(lambda: exporter.targets().get("orders"), 60)["kind"] == "postgres"
    until(lambda: exporter.series().get('pg_up{instance="orders"}') == 1, 60)
    assert "scratch" not in exporter.targets()


def test_a_configured_target_at_the_containers_address_is_its_monitor(clean: DockerEngine, exporter: Exporter) -> None:
    start(clean, "orders")
    address = clean.run("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "orders")
    shop = f'{{name: shop, kind: postgres, dsn: "postgresql://postgres@{address}/postgres"}}'
    text = watching(clean).replace("targets: [", f"targets: [{shop}, ")
    exporter.configure(text)
    told: Any = until(lambda: exporter.database("orders"), 60)
    assert (told["monitored"], told["target"]) == ("yes", "shop")
    assert sorted(exporter.targets()) == ["engine", "shop"]


def test_the_command_shows_a_container_and_the_lines_that_make_it_monitored(clean: DockerEngine, tmp_path: Path) -> None:
    start(clean, "orders")
    text = f'targets: [{{name: engine, kind: docker, url: "{clean.url}"}}]\n'
    path = tmp_path / "tocsin.yaml"

    def row(text: str) -> tuple[discover.Row, list[str]] | None:
        path.write_text(text)
        found = discover.report(config.load(path), [])
        return next(((one, list(found.lines)) for one in found.rows if one.name == "orders" and one.answer.reachable), None)

    one, lines = until(lambda: row(text), 60, pause=1)
    assert (one.answer.version, one.monitored_by, one.found.image) == ("PostgreSQL", "", IMAGE)
    assert "defaults.postgres" in one.missing
    added = [line for line in lines[lines.index("defaults:") :] if not line.startswith("#")]  # before it what else runs here
    assert added == [
        "defaults:", '  postgres: {userpass: {username: tocsin, password_file: /etc/tocsin/postgres-password}, targets: ["orders"]}',
    ]  # fmt: skip
    one, lines = until(lambda: row(text + "\n".join(added)), 60, pause=1)
    assert (one.monitored_by, one.missing) == ("orders", "")
    assert "defaults:" not in lines


def test_an_engine_that_hangs_leaves_what_was_found_and_harms_nothing_else(clean: DockerEngine, exporter: Exporter, srv: Path) -> None:
    text = watching(clean, DEFAULTS).replace("every: 1h", f"every: 1s, files: [{srv}]")
    exporter.configure(text)
    start(clean, "orders")
    until(lambda: exporter.series().get('pg_up{instance="orders"}') == 1, 60)
    clean.send(signal.SIGSTOP)
    try:
        failed = 'tocsin_discovery_success{finder="containers",target="engine"}'
        until(lambda: exporter.series().get(failed) == 0, 90)
        page = exporter.series()
        assert page['tocsin_discovery_failing{finder="containers",reason="timeout",target="engine"}'] == 1
        assert page['tocsin_discovery_success{finder="files"}'] == 1
        assert page['sqlite_up{instance="<app>.db"}'] == 1
        until(lambda: exporter.series().get('tocsin_target_failing{instance="orders",kind="postgres",reason="connect"}') == 1, 30)
        assert 'pg_up{instance="orders"}' not in exporter.series(), "whose the address is now nobody knows, and it is not known to be down"
        with closing(sqlite3.connect(srv / "new.db")) as db:
            db.execute("CREATE TABLE t (id)")
        until(lambda: "new.db" in exporter.targets())
        began = time.monotonic()
        exporter.configure(text + "thresholds: {}\n")
        assert "orders" in exporter.targets()
        assert time.monotonic() - began < 30
    finally:
        clean.send(signal.SIGCONT)
    until(lambda: exporter.series().get(failed) == 1, 90)
    assert "orders" in exporter.targets()
