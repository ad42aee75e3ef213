"""Docker engines and their containers."""

from __future__ import annotations

from tocsin.event import EventKind
from tocsin.source import Collector, Module, Source
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker.config import DockerOptions

_collect = Module("tocsin.sources.docker.collect")
_changes = Module("tocsin.sources.docker.changes")
_listen = Module("tocsin.sources.docker.listen")
_session = Module("tocsin.sources.docker.session")

SOURCE = Source(
    kind="docker",
    help="a Docker engine and its containers, running and stopped",
    options=DockerOptions,
    open=_session.DockerSession,
    up=m.UP,
    collectors=(
        Collector(
            "usage",
            "processor, memory, disk and network of running containers, as cAdvisor calls them, from their cgroups",
            (*m.BASE, *m.USAGE, *m.SPEC, m.USAGE_SOURCE),
            _collect.collect_usage,
        ),
        Collector("machine", "processors, memory and disks of the engine's machine", (*m.MACHINE, *m.DISKS), _collect.collect_machine),
        Collector(
            "containers",
            "state, health, restarts, times and ports of all containers",
            (
                m.CONTAINERS, m.STATE, m.RUNNING, m.HEALTH, m.HEALTH_STREAK, m.RESTARTS, m.OOM_KILLED,
                m.CREATED, m.STARTED, m.FINISHED, m.INFO, m.PORT,
            ),
            _collect.collect_containers,
        ),
        Collector(
            "processes",
            "processes and threads in each container",
            (m.PROCESSES, m.THREADS, m.THREADS_MAX),
            _collect.collect_processes,
            enabled=False,
        ),
        Collector(
            "lifecycle",
            "what happened to containers: started, died and why, made anew, deployed; from the engine's events",
            (
                m.DEATHS, m.STARTS, m.CHANGES, m.CRASHES, m.CRASHED, m.EXIT_CODE, m.LAST_CRASH, m.LAST_OOM, m.OOM_EVENTS, m.DEPLOYED,
            ),
            _changes.collect_lifecycle,
            every=10.0,
            events=(EventKind.CONTAINER,),
            wakes=True,
        ),
        Collector(
            "images",
            "the images of containers, and whether their tags have moved on",
            (m.IMAGE, m.OUTDATED),
            _collect.collect_images,
            every=60.0,
        ),
        Collector("mounts", "mounts that hold database files", (m.DATABASE_MOUNT,), _collect.collect_mounts, every=300.0),
        Collector(
            "sizes",
            "what containers have written into their own layers",
            (m.SIZE, m.FS_USAGE, m.FS_LIMIT, m.FS_INODES, m.FS_INODES_FREE),
            _collect.collect_sizes,
            every=600.0,
            timeout=120.0,
        ),
    ),
    thresholds=m.THRESHOLDS,
    listen=_listen.listen,
    finish=_collect.add_labels,
)  # fmt: skip
