"""Docker engines and their containers."""

from __future__ import annotations

from tocsin.event import EventKind
from tocsin.source import Collector, Source
from tocsin.sources.docker import metrics as m
from tocsin.sources.docker.changes import collect_lifecycle
from tocsin.sources.docker.collect import (
    add_labels,
    collect_containers,
    collect_images,
    collect_machine,
    collect_mounts,
    collect_processes,
    collect_sizes,
    collect_usage,
)
from tocsin.sources.docker.config import DockerOptions
from tocsin.sources.docker.listen import listen
from tocsin.sources.docker.session import DockerSession, list_containers

SOURCE = Source(
    kind="docker",
    help="a Docker engine and its containers, running and stopped",
    options=DockerOptions,
    open=DockerSession,
    up=m.UP,
    collectors=(
        Collector(
            "usage",
            "processor, memory, disk and network of running containers, as cAdvisor calls them, from their cgroups",
            (*m.BASE, *m.USAGE, *m.SPEC, m.USAGE_SOURCE),
            collect_usage,
        ),
        Collector("machine", "processors, memory and disks of the engine's machine", (*m.MACHINE, *m.DISKS), collect_machine),
        Collector(
            "containers",
            "state, health, restarts, times and ports of all containers",
            (
                m.CONTAINERS, m.STATE, m.RUNNING, m.HEALTH, m.HEALTH_STREAK, m.RESTARTS, m.OOM_KILLED,
                m.CREATED, m.STARTED, m.FINISHED, m.INFO, m.PORT,
            ),
            collect_containers,
        ),
        Collector(
            "processes",
            "processes and threads in each container",
            (m.PROCESSES, m.THREADS, m.THREADS_MAX),
            collect_processes,
            enabled=False,
        ),
        Collector(
            "lifecycle",
            "what happened to containers: started, died and why, made anew, deployed; from the engine's events",
            (
                m.DEATHS, m.STARTS, m.CHANGES, m.CRASHES, m.CRASHED, m.EXIT_CODE, m.LAST_CRASH, m.LAST_OOM, m.OOM_EVENTS, m.DEPLOYED,
            ),
            collect_lifecycle,
            every=10.0,
            events=(EventKind.CONTAINER,),
            wakes=True,
        ),
        Collector(
            "images",
            "the images of containers, and whether their tags have moved on",
            (m.IMAGE, m.OUTDATED),
            collect_images,
            every=60.0,
        ),
        Collector("mounts", "mounts that hold database files", (m.DATABASE_MOUNT,), collect_mounts, every=300.0),
        Collector(
            "sizes",
            "what containers have written into their own layers",
            (m.SIZE, m.FS_USAGE, m.FS_LIMIT, m.FS_INODES, m.FS_INODES_FREE),
            collect_sizes,
            every=600.0,
            timeout=120.0,
        ),
    ),
    thresholds=m.THRESHOLDS,
    listen=listen,
    finish=add_labels,
)  # fmt: skip

__all__ = ["SOURCE", "list_containers"]
