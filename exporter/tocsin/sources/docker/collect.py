"""What is collected from an engine and its containers: usage as cAdvisor calls it, and what the containers are."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from tocsin import magic
from tocsin.metric import Metric
from tocsin.source import Run
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker import stats
from tocsin.sources.docker.cgroup import Sample
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.container import DATA_FOLDERS, Container, within
from tocsin.sources.docker.engine import Gone
from tocsin.sources.docker.session import DockerSession, in_parallel, limit_of
from tocsin.sources.docker.view import view_of

STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_HEALTH = {"healthy": 1, "unhealthy": 0}
_NO_LIMIT = 2**62


def collect_usage(session: DockerSession, run: Run) -> None:
    """Emit what running containers use: from their cgroups, and where those are out of reach from the engine."""
    about = session.engine.about
    run.emit(m.VERSION_INFO, 1, (about.get("KernelVersion", ""), about.get("Os", ""), about.get("Version", ""), "", ""))
    running = [c for c in session.containers(run) if c.running and c.pid]
    session.cgroups.forget_all_but(c.id for c in running)
    sources = {"cgroup": 0, "engine": 0, "none": 0}
    unread = []
    for container in running:
        samples = _from_cgroup(session, container)
        if samples is None:
            unread.append(container)
        else:
            sources["cgroup"] += 1
            _emit(run, session, container, samples)
    for container, samples in in_parallel(lambda c: (c, _from_engine(session, run, c)), unread):
        sources["engine" if samples else "none"] += 1
        _emit(run, session, container, samples)
    for source, count in sources.items():
        run.emit(m.USAGE_SOURCE, count, (source,))
    run.emit(m.SCRAPE_ERROR, int(sources["none"] > 0))


def _from_cgroup(session: DockerSession, container: Container) -> list[Sample] | None:
    group = session.cgroups.find(container)
    if group is None:
        return None
    try:
        return list(session.cgroups.usage(group, _is_limited(container)))
    except (OSError, ValueError, KeyError, IndexError):  # it ended under our eyes
        session.view.forget(container.id)
        return None


def _from_engine(session: DockerSession, run: Run, container: Container) -> list[Sample]:
    path = f"/containers/{container.id}/stats"
    try:
        told = session.engine.get(path, limit_of(run), **{"stream": "false", "one-shot": "true"})
    except Gone:
        return []
    return list(stats.usage(told, _is_limited(container)))


def _is_limited(container: Container) -> bool:
    return container.limits.quota > 0


def identity(session: DockerSession, container: Container) -> tuple[str, str, str]:
    """Return the labels that cAdvisor gives a container's series."""
    group = session.cgroups.find(container) if container.running else None
    return (group.path if group else f"/docker/{container.id}", container.name, container.image)


def _emit(run: Run, session: DockerSession, container: Container, samples: Iterable[Sample]) -> None:
    labels = identity(session, container)
    for metric, value, more in samples:
        run.emit(metric, value, (*labels, *more))
    run.emit(m.LAST_SEEN, round(time.time(), 3), labels)
    run.emit(m.START_TIME, container.started / 1e9, labels)
    run.emit(m.CREATION_TIME, container.created / 1e9, labels)
    run.emit(m.HEALTH_STATE, _HEALTH.get(container.health, -1), labels)
    limits = container.limits
    if _is_limited(container):
        run.emit(m.SPEC_QUOTA, limits.quota, labels)
        run.emit(m.SPEC_PERIOD, limits.period or 100_000, labels)
    run.emit(m.SPEC_SHARES, limits.shares or 1024, labels)
    run.emit(m.SPEC_MEMORY, _limit(limits.memory), labels)
    run.emit(m.SPEC_SWAP, _limit(limits.memory_swap), labels)
    run.emit(m.SPEC_RESERVATION, _limit(limits.memory_reservation), labels)


def _limit(size: int) -> int:
    return size if 0 < size < _NO_LIMIT else 0


def collect_processes(session: DockerSession, run: Run) -> None:
    """Emit how many processes and threads run in each container."""
    for container in session.containers(run):
        group = session.cgroups.find(container) if container.running else None
        if group is not None:
            with suppress(OSError):
                for metric, value, more in list(session.cgroups.processes(group)):
                    run.emit(metric, value, (*identity(session, container), *more))


def collect_machine(session: DockerSession, run: Run) -> None:
    """Emit the engine's machine; what only the kernel tells, where the engine runs on the machine whose /proc we see."""
    told = session.info(limit_of(run))
    proc = Path(session.cgroups.proc)
    run.emit(m.MACHINE_CORES, told.get("NCPU"))
    run.emit(m.MACHINE_MEMORY, told.get("MemTotal"))
    try:
        memory = dict(re.findall(r"^(\w+):\s+(\d+)", (proc / "meminfo").read_text(), re.MULTILINE))
        processors = (proc / "cpuinfo").read_text()
    except OSError:
        run.emit(m.MACHINE_ERROR, 1)
        return
    run.emit(m.MACHINE_ERROR, 0)
    if int(memory.get("MemTotal", 0)) * 1024 != told.get("MemTotal"):
        return
    run.emit(m.MACHINE_SWAP, int(memory["SwapTotal"]) * 1024)
    sockets = set(re.findall(r"^physical id\s*:\s*(\d+)", processors, re.MULTILINE))
    cores = set(re.findall(r"^physical id\s*:\s*(\d+)$.*?^core id\s*:\s*(\d+)$", processors, re.MULTILINE | re.DOTALL))
    run.emit(m.MACHINE_SOCKETS, len(sockets) or None)
    run.emit(m.MACHINE_PHYSICAL, len(cores) or None)
    for metric, value, more in session.cgroups.disks():
        run.emit(metric, value, ("/", "", "", *more))


def collect_containers(session: DockerSession, run: Run) -> None:
    """Emit what every container is and how it stands, running or not."""
    containers = session.containers(run)
    for state in STATES:
        run.emit(m.CONTAINERS, sum(c.status == state for c in containers), (state,))
    for container in containers:
        labels = (container.name, container.image)
        run.emit(m.STATE, 1, (*labels, container.status))
        run.emit(m.RUNNING, int(container.running), labels)
        if container.health:
            run.emit(m.HEALTH, 1, (*labels, container.health))
            run.emit(m.HEALTH_STREAK, container.failing_streak, labels)
        run.emit(m.RESTARTS, container.restart_count, labels)
        run.emit(m.OOM_KILLED, int(container.oom_killed), labels)
        for metric, at in ((m.CREATED, container.created), (m.STARTED, container.started), (m.FINISHED, container.finished)):
            run.emit(metric, at / 1e9 if at else None, labels)
        compose = [container.labels.get(f"com.docker.compose.{word}", "") for word in ("project", "service")]
        run.emit(m.INFO, 1, (*labels, container.short_id, short(container.image_id), container.restart_policy, *compose))
        for port in container.ports:
            run.emit(m.PORT, 1, (*labels, str(port.number), port.protocol, port.host_ip, port.host_port))


def short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def collect_images(session: DockerSession, run: Run) -> None:
    """Emit the digest of each container's image, and whether its tag has moved on to another image."""
    tags: dict[str, str] = {}
    digests: dict[str, str] = {}
    for told in session.engine.get("/images/json", limit_of(run)):
        tags.update(dict.fromkeys(told.get("RepoTags") or (), told["Id"]))
        named = (d.partition("@")[2] for d in told.get("RepoDigests") or () if not d.startswith("<none>"))
        digests[told["Id"]] = next(named, "")
    for container in session.containers(run):
        labels = (container.name, container.image)
        run.emit(m.IMAGE, 1, (*labels, short(container.image_id), digests.get(container.image_id, "")))
        now = tags.get(_tagged(container.image))
        if now is not None and container.image_id in digests:  # else the two are numbers of different things
            run.emit(m.OUTDATED, int(now != container.image_id), labels)


def _tagged(image: str) -> str:
    """Return the name as the engine lists it: without a tag, `latest` is meant. A name by id or by digest never moves."""
    if image.startswith("sha256:") or "@" in image:
        return ""
    image = image.removeprefix("docker.io/").removeprefix("library/")
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def collect_sizes(session: DockerSession, run: Run) -> None:
    """Emit what containers have written into their own layers. The engine walks through all of it: dear, hence rare."""
    sizes = {c["Id"]: c.get("SizeRw") or 0 for c in session.engine.get("/containers/json", limit_of(run), all=1, size=1)}
    device, disk = _disk_of(session.info(limit_of(run)).get("DockerRootDir") or "")
    for container in session.containers(run):
        size = sizes.get(container.id)
        run.emit(m.SIZE, size, (container.name, container.image))
        if not container.running:
            continue
        labels = (*identity(session, container), device)
        run.emit(m.FS_USAGE, size, labels)
        if disk is not None:
            run.emit(m.FS_LIMIT, disk.f_blocks * disk.f_frsize, labels)
            run.emit(m.FS_INODES, disk.f_files, labels)
            run.emit(m.FS_INODES_FREE, disk.f_ffree, labels)


def _disk_of(folder: str) -> tuple[str, os.statvfs_result | None]:
    """Return device and state of the file system that a folder of the engine's host is on, as far as it is ours to see."""
    try:
        disk, device = os.statvfs(folder), Path(folder).stat().st_dev
        numbers = f"{os.major(device)}:{os.minor(device)}"
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            words = line.split()
            if words[2] == numbers:
                return words[words.index("-") + 2], disk
    except OSError:
        return "", None
    return "", disk


def collect_mounts(session: DockerSession, run: Run) -> None:
    """Emit mounts that hold database files: by the usual places, and by the first bytes of the files that we can see."""
    for container in session.containers(run):
        for mount in container.mounts:
            if mount.kind == "tmpfs":
                continue
            place = [e for e, folders in DATA_FOLDERS.items() if any(within(mount.destination, f) for f in folders)]
            found = {(engine, mount.source, mount.destination) for engine in place}
            if not place:
                found = {(e, mount.source + name, mount.destination + name) for name, e in magic.databases(mount.source)}
            for engine, source, destination in sorted(found):
                run.emit(m.DATABASE_MOUNT, 1, (container.name, container.image, engine, mount.kind, source, destination))


@cache
def _labelled(metric: Metric, names: tuple[str, ...]) -> Metric:
    return replace(metric, labels=(*metric.labels, *names))


def add_labels(options: DockerOptions, run: Run) -> None:
    """Give cAdvisor's series the labels of their containers that the target asks for."""
    if not options.container_labels:
        return
    names, chosen = options.label_names, view_of(options).chosen
    nothing = ("",) * len(names)
    for metric in list(run.points):
        if metric.labels[:3] == ("id", "name", "image"):
            points = run.points.pop(metric)
            run.points[_labelled(metric, names)] = {(*labels, *chosen.get(labels[1], nothing)): value for labels, value in points.items()}
