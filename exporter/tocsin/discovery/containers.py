"""Databases in containers: servers by what their containers look like, files by what is mounted."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tocsin.discovery.files import Finder, words_of
from tocsin.discovery.found import Found
from tocsin.discovery.rules import FAMILIES, PREFIX, hints_of, is_wanted, port_of, recognise
from tocsin.errors import CollectError, DeadlineError
from tocsin.filewatch.beside import BESIDE, Hung
from tocsin.filewatch.places import read_places
from tocsin.filewatch.state import shown
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import DATA_FOLDERS, Container, within
from tocsin.sources.docker.session import list_containers

_log = logging.getLogger("tocsin.discovery")

ALIVE = frozenset({"running", "restarting", "paused"})
"""States in which a container's database is there, or is meant to be there at once."""
_MOST_FILES = 50
_MOST_DEPTH = 3
_MOST_FOLDERS = 100
_MOST_MOUNTS, _MOST_OF_ONE = 200, 20
"""Bounds of what is looked through for files: of each mount, and of how many, in all and of one container, whose image may name
thousands of volumes. An application keeps its database near the top."""
_SHARE = 0.5
"""Of the time, for the files: an engine answers in a moment, or not at all."""


class Contents(NamedTuple):
    """What an engine has: the databases, and the ids of all its containers, stopped ones included."""

    found: list[Found]
    present: frozenset[str]


def look(options: DockerOptions, seconds: float) -> Contents:
    """Return the databases and what containers there are, whether they run or not. Raises CollectError."""
    limit = time.monotonic() + seconds
    containers = list_containers(options, seconds)
    here = whereabouts(options.address, containers, _read("/proc/self/mountinfo"), _read("/proc/net/route"))
    found = list(servers(containers, here))
    found += _in_files(options.address, containers, here, max(0.1, (limit - time.monotonic()) * _SHARE))
    return Contents(found, frozenset(container.id for container in containers))


@dataclass(frozen=True, slots=True)
class Here:
    """Where this process is, as seen from the engine: what decides by which address a container is reached."""

    host: str
    """Where ports that the engine publishes on all addresses are reached; empty for nowhere."""
    on_host: bool
    """Whether the loopback of the engine's host is this process's."""
    own: Container | None = None
    """The container that this process runs in, if the engine has it."""
    files: bool = False
    """Whether the engine's paths are ours, as they are or by what is mounted here."""

    def path(self, there: str) -> str | None:
        """Return how a path of the engine's host is called here, None for one that is not to be seen."""
        if not self.files:
            return None
        if self.own is None:
            return there
        mounts = [m for m in self.own.mounts if m.source and within(there, m.source.rstrip("/"))]
        if not mounts:
            return None
        best = max(mounts, key=lambda mount: len(mount.source))
        return best.destination.rstrip("/") + there[len(best.source.rstrip("/")) :]


def whereabouts(address: str, containers: Iterable[Container], mountinfo: str, routes: str) -> Here:
    """Tell where this process is. An engine gives each of its containers files of its own for these three names."""
    ids = set(re.findall(r"/([0-9a-f]{64})/\S* /etc/(?:hostname|hosts|resolv\.conf) ", mountinfo))
    own = next((container for container in containers if container.id in ids), None)
    if own is not None:
        if own.network_mode == "host":
            return Here("127.0.0.1", on_host=True, own=own, files=True)
        return Here(_gateway(routes), on_host=False, own=own, files=True)
    if address.startswith("unix://"):
        return Here("127.0.0.1", on_host=True, files=True)
    host = urlsplit(address).hostname or ""
    if _is_loopback(host):
        return Here("127.0.0.1", on_host=True)  # through a tunnel or a proxy: whose files they are cannot be told
    return Here(host, on_host=False)


def servers(containers: Iterable[Container], here: Here) -> Iterator[Found]:
    """Yield the database servers among containers. Pure, but for the log."""
    by_id = {container.id: container for container in containers}
    for container in sorted(by_id.values(), key=lambda c: c.name):
        if container.status not in ALIVE:
            continue
        _check_labels(container)
        recognition = recognise(container)
        if recognition is not None:
            at = tuple(addresses(container, recognition.port, by_id, here))
            yield Found(
                engine=recognition.engine,
                name=container.name,
                addresses=at,
                is_lent=bool(at) and any(at[0] == _at(inside, recognition.port) for one in by_id.values() for inside in one.addresses),
                origin="container",
                place=container.name,
                key=container.id,
                runs=tuple((one.id, one.started) for one in (container, _owner(container, by_id))),
                image=container.image,
                evidence=recognition.evidence,
                hints=recognition.hints,
            )


def addresses(container: Container, port: int, by_id: Mapping[str, Container], here: Here) -> list[str]:
    """Return where a port of a container is reached from here, the surest first; nothing where it is not."""
    owner = _owner(container, by_id)
    if owner.network_mode == "host":
        return [_at(here.host, port)] if here.host else []
    published = list(_published(owner, port, here))
    inside = {_at(address, port): address for address in owner.addresses}
    if here.own is None:
        return list(dict.fromkeys([*published, *(inside if here.files or here.on_host else ())]))
    near = [place for place, address in inside.items() if _is_near(address, here.own.networks)]
    return list(dict.fromkeys([*near, *published, *inside]))


def _owner(container: Container, by_id: Mapping[str, Container]) -> Container:
    """Return the container whose network it is, which has the addresses and publishes the ports: itself, or another that it names."""
    if not container.network_mode.startswith("container:"):
        return container
    wanted = container.network_mode.partition(":")[2]
    return by_id.get(wanted) or next((c for c in by_id.values() if c.name == wanted), container)


def _published(owner: Container, port: int, here: Here) -> Iterator[str]:
    for place in owner.ports:
        number = port_of(place.host_port)
        if place.number != port or place.protocol != "tcp" or number is None:
            continue
        if place.host_ip in ("", "0.0.0.0"):  # noqa: S104 -- read, not listened at
            if here.host:
                yield _at(here.host, number)
        elif place.host_ip == "::":
            if here.host:
                yield _at("::1" if here.on_host else here.host, number)
        elif not _is_loopback(place.host_ip) or here.on_host:
            yield _at(place.host_ip, number)


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_near(address: str, networks: Iterable[str]) -> bool:
    """Tell whether an address is on one of these networks, which are written `address/length of the prefix`."""
    with suppress(ValueError):  # what an engine that is not Docker's may write
        return any(ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False) for network in networks)
    return False


def _gateway(routes: str) -> str:
    """Return the default gateway by /proc/net/route, empty without one; from within a container that is the engine's host."""
    for line in routes.splitlines()[1:]:
        words = line.split()
        if len(words) > 2 and words[1] == "00000000" and words[2] != "00000000":
            return str(ipaddress.ip_address(bytes.fromhex(words[2])[::-1]))
    return ""


class _Mounts:
    """Looks for database files in what containers have mounted. What cannot be looked at in time stays as it last was."""

    def __init__(self) -> None:
        self._finder = Finder(_MOST_FOLDERS, _MOST_DEPTH, tells=False)
        self._last: dict[str, tuple[tuple[str, str], ...]] = {}

    def find(self, places: Iterable[str], seconds: float) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return the databases, path and engine, by the place that was mounted."""
        wanted, limit = list(dict.fromkeys(places)), time.monotonic() + seconds
        if wanted:
            try:
                BESIDE.do("mounts of containers", lambda: self._search(wanted, limit), seconds + 1.0)
            except Hung:
                _log.warning("a file system that containers have mounted does not answer: databases in files there stay as they were")
        return {place: self._last.get(place, ()) for place in wanted}

    def _search(self, wanted: list[str], limit: float) -> None:
        mounts = read_places()
        with self._finder.lock:
            self._finder.keep(wanted)
            self._last = {place: found for place, found in self._last.items() if place in wanted}
            for place in wanted:
                try:
                    self._last[place] = tuple(islice(self._finder.find(place, mounts, limit), _MOST_FILES))
                except DeadlineError:
                    continue
                except CollectError:  # not ours to read: what is mounted may be anything
                    self._last.pop(place, None)


_MOUNTS: dict[str, _Mounts] = {}
"""By the engine's address."""


def _in_files(engine: str, containers: Iterable[Container], here: Here, seconds: float) -> Iterator[Found]:
    """Yield the database files that containers have mounted and that are to be seen here; each file once."""
    mounted = list(islice(_mounted(containers, here), _MOST_MOUNTS))
    found = _MOUNTS.setdefault(engine, _Mounts()).find((place for _, place in mounted), seconds)
    told = set()
    for container, place in mounted:
        for path, kind in found[place]:
            if path not in told:
                told.add(path)
                yield Found(
                    engine=kind, name=f"{container.name}/{shown(path.rpartition('/')[2])}", addresses=(path,), origin="container",
                    place=container.name, key=f"{container.id}:{path}", image=container.image,
                    evidence=(words_of(kind), f"{container.name} has it mounted"), hints=hints_of(container),
                )  # fmt: skip


def _mounted(containers: Iterable[Container], here: Here) -> Iterator[tuple[Container, str]]:
    """Yield what is mounted where databases may lie in files: no data folders of servers, no memory, nothing of the system's."""
    folders = [folder for places in DATA_FOLDERS.values() for folder in places]
    for container in sorted(containers, key=lambda c: c.name):
        if container.status not in ALIVE or not is_wanted(container):
            continue
        files = (
            here.path(mount.source)
            for mount in container.mounts
            if mount.source and mount.kind in ("bind", "volume") and not any(within(mount.destination, folder) for folder in folders)
        )
        yield from ((container, path) for path in islice(files, _MOST_OF_ONE) if path is not None and path not in _OF_THE_SYSTEM)


_OF_THE_SYSTEM = frozenset({
    "/", "/boot", "/dev", "/etc", "/lib/modules", "/proc", "/run", "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/lib/docker",  # noqa: S108
    "/var/log", "/var/run",
})  # fmt: skip
"""What monitors and tools mount to look at the host."""


def _check_labels(container: Container) -> None:
    """Say in the log what a label means to say and does not."""
    engines = {name for family in FAMILIES for name in (family.engine, *family.aliases)} | {"none", "sqlite", "duckdb", ""}
    engine, port = (container.labels.get(PREFIX + word, "").strip() for word in ("engine", "port"))
    if engine.lower() not in engines:
        _complain(container.name, container.id, f"{PREFIX}engine={shown(engine)[:50]!r} is none of {', '.join(sorted(engines - {''}))}")
    if port and port_of(port) is None:
        _complain(container.name, container.id, f"{PREFIX}port={shown(port)[:50]!r} is no port")


@lru_cache(maxsize=1000)
def _complain(name: str, id: str, words: str) -> None:
    """Say it in the log, once for each container."""
    _log.warning("the label of container %s (%s) counts for nothing: %s", name, id[:12], words)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
