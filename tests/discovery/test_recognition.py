"""Which containers are databases: the table in containers.yaml, and what no table shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.discovery import rules
from tocsin.discovery.command import steps_of
from tocsin.discovery.containers import Here, addresses
from tocsin.discovery.rules import ENOUGH, recognise
from tocsin.sources.docker.container import MOST_PORTS, Container, read

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "containers.yaml").read_text())
SERVERS = [case for case in CASES if case["is"] != "none" and "tocsin.engine" not in case.get("labels", {})]


def container(case: dict[str, Any]) -> Container:
    """Return what a case tells, by way of what an engine answers."""
    mounts = [mount.partition(":") for mount in case.get("mounts", ())]
    return read({
        "Id": "0" * 64, "Name": "/one", "State": {"Status": "running", "Running": True}, "HostConfig": {},
        "Config": {
            "Image": case.get("image", ""), "Cmd": case.get("command"), "Env": [f"{name}=x" for name in case.get("env", ())],
            "Labels": case.get("labels"),
            "ExposedPorts": {str(port) if "/" in str(port) else f"{port}/tcp": {} for port in case.get("ports", ())},
        },
        "Mounts": [{"Type": "volume", "Destination": place, "RW": mode != "ro"} for place, _, mode in mounts],
    })  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_container_is_what_the_table_says(case: dict[str, Any]) -> None:
    found = recognise(container(case))
    assert (found.engine if found else "none") == case["is"], found
    if found is not None and "port" in case:
        assert found.port == case["port"]


def test_table_is_large_and_tells_each_case_apart() -> None:
    assert len({case["case"] for case in CASES}) == len(CASES) > 60
    assert len([case for case in CASES if case["is"] == "none"]) > 30


@pytest.mark.parametrize("case", SERVERS, ids=[case["case"] for case in SERVERS])
def test_no_trait_of_a_server_is_enough_by_itself_and_some_do_without_one(case: dict[str, Any]) -> None:
    traits = [key for key in ("image", "command", "env", "ports", "mounts", "labels") if case.get(key)]
    for trait in traits:
        assert recognise(container({trait: case[trait]})) is None, trait


@pytest.mark.parametrize("without", ["image", "command", "env", "ports", "mounts"])
def test_an_official_image_is_recognised_without_any_one_of_its_traits(without: str) -> None:
    for name in ("official postgres", "official mysql", "official mariadb"):
        (case,) = [case for case in CASES if case["case"] == name]
        assert recognise(container({key: value for key, value in case.items() if key != without})) is not None, name


def test_evidence_is_in_words_the_strongest_first_and_the_objection_last() -> None:
    found = recognise(container({
        "image": "bitnami/postgresql:16", "command": ["/start.sh"], "env": ["PGDATA", "POSTGRES_HOST"], "ports": [5432],
        "mounts": ["/bitnami/postgresql"], "labels": {"tocsin.user": "watcher", "other": "label"},
    }))  # fmt: skip
    assert found is not None
    assert found.evidence == (
        "the image is bitnami/postgresql:16", "its environment has PGDATA", "/bitnami/postgresql is mounted", "it exposes port 5432",
        "although its environment has POSTGRES_HOST",
    )  # fmt: skip
    assert found.hints == {"user": "watcher"}
    assert found.score == 7 >= ENOUGH


def test_label_is_the_whole_evidence_and_outweighs_what_the_container_looks_like() -> None:
    labels = {"tocsin.engine": "MariaDB", "tocsin.port": "13306"}
    found = recognise(container({"image": "postgres:16", "command": ["postgres"], "ports": [5432], "labels": labels}))
    assert found is not None
    assert (found.engine, found.port, found.evidence) == ("mysql", 13306, ("its label tocsin.engine says so",))


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "postgres", "²"])
def test_label_that_is_no_port_counts_for_nothing(port: str) -> None:
    found = recognise(container({"image": "postgres", "ports": [5432], "command": ["postgres"], "labels": {"tocsin.port": port}}))
    assert found is not None
    assert found.port == 5432


def test_evidence_shows_no_argument_of_a_command_and_is_bounded() -> None:
    told = container({"image": "postgres:16", "command": ["postgres", "-c", "password=hunter2"], "env": ["PGDATA"]})
    found = recognise(replace(told, image="a" * 5000 + "/postgres\n:16"))
    assert found is not None
    assert "hunter2" not in str(found)
    assert all(len(words) < 150 and words.isprintable() for words in found.evidence)


HOSTILE: dict[str, dict[str, Any]] = {
    "a label of ten megabytes": {"Labels": {"tocsin.name": "x" * 10**7, "org.opencontainers.image.title": "postgres " * 10**6}},
    "a hundred thousand labels of ours": {"Labels": {f"tocsin.x{i}": "y" * 100 for i in range(10**5)}},
    "labels of several lines": {"Labels": {"tocsin.name": "a\nb\x1b[31m", "tocsin.user": 'a"b', "tocsin.port": "5432\n"}},
    "every port there is": {"ExposedPorts": {f"{number}/{protocol}": {} for number in range(1, 65536) for protocol in ("tcp", "udp")}},
    "ports that are none": {"ExposedPorts": {port: {} for port in ("0/tcp", "65536/tcp", "x/tcp", "²/tcp", "/", "1" * 5000 + "/tcp")}},
    "a thousand variables and more": {"Env": [*(f"A{i}=x" for i in range(10**5)), "A_" * 5 * 10**6, "=", "", "PGDATA"]},
    "wrapper upon wrapper": {"Cmd": ["env"] * 10**6},
    "option upon option": {"Cmd": ["env", *["--x"] * 10**6]},
    "shell within shell": {"Cmd": ["sh", "-c", "sh -c " * 10**5]},
    "an endless script": {"Cmd": ["sh", "-c", "do " * 10**6 + ";" * 10**6]},
    "a command that is no list": {"Entrypoint": "docker-entrypoint.sh", "Cmd": "postgres"},
    "nothing where something is due": {"Env": None, "Cmd": None, "Entrypoint": None, "Labels": None, "ExposedPorts": None},
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_whatever_an_image_says_of_itself_costs_little_and_is_shown_bounded(config: dict[str, Any]) -> None:
    ports = {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": port} for port in ("0", "65536", "", "x", "15432")]}
    told = read({
        "Id": "0" * 64, "Name": "/" + "n" * 10**6, "State": {}, "HostConfig": {}, "NetworkSettings": {"Ports": ports},
        "Config": {"Image": "postgres:16", **config},
    })  # fmt: skip
    assert len(repr(told)) < 2 * 10**6
    assert len(told.ports) <= MOST_PORTS
    assert told.ports[0].number == 5432, "the published ones first"
    found = recognise(told)  # without the bounds this takes minutes
    assert found is None or all(len(words) < 150 and words.isprintable() for words in found.evidence)
    here = Here("127.0.0.1", on_host=True)
    assert addresses(told, 5432, {told.id: told}, here) == ["127.0.0.1:15432"]


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        (("docker-entrypoint.sh", "postgres", "-p", "5433"), ["postgres"]),
        (("/tini", "-g", "--", "gosu", "mysql", "/usr/sbin/mysqld"), ["/usr/sbin/mysqld"]),
        (("sh", "-c", "until pg_isready; do sleep 1; done && exec su-exec app /srv/run"), ["/srv/run"]),
        (("bash", "-ec", "cd /x; A=1 exec mariadbd | tee log"), ["mariadbd", "tee"]),
        (("sh", "-c", "echo 'it; is \" odd"), ["is"]),
        (("sh", "-c", "sh -c 'sh -c \"sh -c deep\"'"), []),
        (("sh", "-c"), []),
        (("sh",), ["sh"]),
        (("/bin/sh", "/start.sh"), ["/start.sh"]),
        (("python3", "/usr/bin/patroni", "x.yml"), ["python3", "/usr/bin/patroni"]),
        (("docker-entrypoint.sh", "--port=1"), [""]),
        (("PGDATA=/x", "env", "-i", "postgres"), ["postgres"]),
        ((), []),
    ],
)
def test_program_is_found_behind_its_wrappers(command: tuple[str, ...], programs: list[str]) -> None:
    assert [step.program for step in steps_of(command)] == programs


def test_names_of_the_table_hold_what_they_are_split_into() -> None:
    """A word that `_split` never gives would never be found."""
    for family in rules.FAMILIES:
        for word in family.names | family.qualifiers | rules.PLAIN | rules.OTHERS | rules.RELATIVES:
            assert rules._split(word) == {word}
    assert not (rules.OTHERS | rules.RELATIVES) & (
        rules.PLAIN | {name for family in rules.FAMILIES for name in family.names | family.qualifiers}
    )
