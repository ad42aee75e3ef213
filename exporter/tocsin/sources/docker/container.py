"""A container as the engine describes it, as plain values. Values of environment variables are never kept.

Whoever makes an image chooses its labels, ports, variables and command, and how many and how long they are: each is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

DATA_FOLDERS = {
    "postgres": ("/var/lib/postgresql", "/var/lib/pgsql", "/bitnami/postgresql", "/home/postgres/pgdata", "/pgdata"),
    "mysql": ("/var/lib/mysql", "/bitnami/mysql", "/bitnami/mariadb"),
}
"""Where servers keep their data in the usual images, by the kind of source that watches them."""

MOST_PORTS = 256
_MOST, _LONGEST_NAME, _LONGEST_LABEL, _LONGEST_WORD = 1000, 255, 1000, 4000
"""Labels, variables, words and mounts of a container; letters of a name, of a label and of a word of the command."""


class Port(NamedTuple):
    """A port of a container, and where it is published; host and port are empty where it is not."""

    number: int
    protocol: str
    host_ip: str
    host_port: str


class Mount(NamedTuple):
    kind: str
    name: str
    source: str
    destination: str
    writable: bool


class Limits(NamedTuple):
    """As HostConfig has them: 0 is none."""

    memory: int
    memory_swap: int
    memory_reservation: int
    shares: int
    period: int
    quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What an inspection told. Times are Unix nanoseconds, 0 for never; `running` is not said of one that waits to be restarted."""

    id: str
    name: str
    image: str
    image_id: str
    created: int
    started: int
    finished: int
    status: str
    running: bool
    pid: int
    exit_code: int
    oom_killed: bool
    restart_count: int
    restart_policy: str
    health: str
    failing_streak: int
    limits: Limits
    network_mode: str
    cgroup_parent: str
    labels: dict[str, str]
    environment: tuple[str, ...]
    """Names of the variables alone."""
    command: tuple[str, ...]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    addresses: tuple[str, ...]
    """On the container's networks, with IPv4 and then with IPv6."""
    networks: tuple[str, ...]
    """Those networks, as `address/length of the prefix`."""

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def service(self) -> str:
        """Return what stays when the container is made anew by compose; empty without compose."""
        return service_of(self.labels)


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def service_of(labels: dict[str, Any]) -> str:
    """Return project, service and number by compose's labels; empty without them, and for `docker compose run`."""
    prefix = "com.docker.compose."
    if str(labels.get(prefix + "oneoff", "")).lower() == "true":
        return ""
    words = [str(labels.get(prefix + word, "")) for word in ("project", "service", "container-number")]
    return "/".join(words) if words[0] and words[1] else ""


def nanoseconds(text: str) -> int:
    """Return an RFC 3339 time as Unix nanoseconds, 0 for Go's year 1 and for none."""
    if not text or text.startswith("0001-"):
        return 0
    zone = text[19:].lstrip(".0123456789")
    fraction = text[19:].removesuffix(zone).lstrip(".")
    whole = datetime.fromisoformat(text[:19] + ("+00:00" if zone in ("", "Z") else zone)).astimezone(UTC)
    return int(whole.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def read(told: dict[str, Any]) -> Container:
    """Return what `GET /containers/ID/json` told."""
    state, config, host = told["State"], told["Config"], told["HostConfig"]
    at = list(_interfaces((told.get("NetworkSettings") or {}).get("Networks") or {}))
    network, policy, health = told.get("NetworkSettings") or {}, host.get("RestartPolicy") or {}, state.get("Health") or {}
    return Container(
        id=told["Id"],
        name=told["Name"].lstrip("/")[:_LONGEST_NAME],
        image=(config.get("Image") or "")[:_LONGEST_LABEL],
        image_id=told.get("Image") or "",
        created=nanoseconds(told.get("Created") or ""),
        started=nanoseconds(state.get("StartedAt") or ""),
        finished=nanoseconds(state.get("FinishedAt") or ""),
        status=state.get("Status") or "unknown",
        running=bool(state.get("Running")) and not state.get("Restarting"),
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=int(told.get("RestartCount") or 0),
        restart_policy=policy.get("Name") or "no",
        health="" if health.get("Status") in (None, "none") else str(health["Status"]),
        failing_streak=int(health.get("FailingStreak") or 0),
        limits=_limits(host),
        network_mode=host.get("NetworkMode") or "",
        cgroup_parent=host.get("CgroupParent") or "",
        labels={key[:_LONGEST_NAME]: str(value)[:_LONGEST_LABEL] for key, value in islice((config.get("Labels") or {}).items(), _MOST)},
        environment=tuple(entry.partition("=")[0][:_LONGEST_NAME] for entry in (config.get("Env") or ())[:_MOST]),
        command=tuple(word[:_LONGEST_WORD] for word in (*_words(config.get("Entrypoint")), *_words(config.get("Cmd")))[:_MOST]),
        ports=tuple(islice(_ports(network.get("Ports") or {}, config.get("ExposedPorts") or {}), MOST_PORTS)),
        mounts=tuple(_mount(one) for one in (told.get("Mounts") or ())[:_MOST]),
        addresses=tuple(address for address, _ in at),
        networks=tuple(f"{address}/{length}" for address, length in at),
    )


def _interfaces(networks: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield address and length of the prefix in each network; an engine that keeps the latter to itself means an address alone."""
    for address, length, most in (("IPAddress", "IPPrefixLen", 32), ("GlobalIPv6Address", "GlobalIPv6PrefixLen", 128)):
        yield from ((n[address], int(n.get(length) or most)) for n in networks.values() if n and n.get(address))


def _limits(host: dict[str, Any]) -> Limits:
    period, quota = int(host.get("CpuPeriod") or 0), int(host.get("CpuQuota") or 0)
    if host.get("NanoCpus"):  # --cpus; the engine turns it into a quota of the usual period
        period, quota = 100_000, int(host["NanoCpus"]) // 10_000
    return Limits(
        int(host.get("Memory") or 0), int(host.get("MemorySwap") or 0), int(host.get("MemoryReservation") or 0),
        int(host.get("CpuShares") or 0), period, quota,
    )  # fmt: skip


def _words(told: list[str] | str | None) -> list[str]:
    """Return the words of a command; engines that speak as Docker does may write a single one by itself."""
    return [told] if isinstance(told, str) else told or []


def _ports(published: dict[str, Any], exposed: dict[str, Any]) -> Iterator[Port]:
    """Yield the published ports, then the others that the container has."""
    for key, places in sorted({**dict.fromkeys(exposed), **published}.items(), key=lambda item: not item[1]):
        number, _, protocol = key.partition("/")
        if number.isdecimal() and 0 < int(number[:6]) < 65536:
            for place in places or [{}]:
                yield Port(int(number), protocol or "tcp", place.get("HostIp") or "", str(place.get("HostPort") or ""))


def _mount(told: dict[str, Any]) -> Mount:
    return Mount(
        told.get("Type") or "", told.get("Name") or "", told.get("Source") or "", told.get("Destination") or "", bool(told.get("RW"))
    )
