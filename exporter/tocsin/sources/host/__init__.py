"""The host itself: processors, memory, disks, file systems, network."""

from __future__ import annotations

from tocsin.source import Collector, Reference, Source
from tocsin.sources.host import collect as c
from tocsin.sources.host import metrics as m
from tocsin.sources.host import network as n
from tocsin.sources.host.clock import collect_timex
from tocsin.sources.host.config import HostOptions
from tocsin.sources.host.session import HostSession

SOURCE = Source(
    kind="host",
    help="the machine itself, as node_exporter shows it",
    options=HostOptions,
    open=HostSession,
    up=m.UP,
    reference=Reference(m.COLLECTOR_SUCCESS, m.COLLECTOR_DURATION),
    collectors=(
        Collector("cpu", "where the processors' time goes", (m.CPU, m.CPU_GUEST), c.collect_cpu),
        Collector("loadavg", "how many tasks want to run", m.LOADS, c.collect_loadavg),
        Collector(
            "stat",
            "interrupts, context switches, processes, and when the machine started",
            (m.INTERRUPTS, m.CONTEXT_SWITCHES, m.FORKS, m.BOOT_TIME, m.RUNNING, m.BLOCKED),
            c.collect_stat,
        ),
        Collector("meminfo", "memory and swap", (m.MEMORY,), c.collect_meminfo),
        Collector("vmstat", "paging, swapping, and kills for want of memory", (m.VMSTAT,), c.collect_vmstat),
        Collector("pressure", "for how long tasks wait for processor, memory and disk", tuple(m.PRESSURE.values()), c.collect_pressure),
        Collector("diskstats", "what disks do and are", (*(metric for metric, _ in m.DISK_COUNTERS), m.DISK_INFO), c.collect_diskstats),
        Collector("netdev", "what interfaces carry", (*m.NETWORK.values(), m.NETWORK_NOHANDLER), n.collect_netdev),
        Collector(
            "netclass",
            "state and properties of interfaces",
            (*m.NETWORK_CLASS.values(), m.NETWORK_UP, m.NETWORK_INFO, m.NETWORK_SPEED, m.NETWORK_FLAGS),
            n.collect_netclass,
        ),
        Collector("netstat", "counters of the protocols", (m.NETSTAT,), n.collect_netstat),
        Collector("sockstat", "sockets in use", (m.SOCKSTAT,), n.collect_sockstat),
        Collector("softnet", "how processors keep up with packets", tuple(m.SOFTNET.values()), n.collect_softnet),
        Collector(
            "conntrack",
            "connections that the packet filter tracks",
            (m.CONNTRACK, m.CONNTRACK_LIMIT, *m.CONNTRACK_STATS.values()),
            n.collect_conntrack,
        ),
        Collector("filefd", "open files", (m.FILES_ALLOCATED, m.FILES_MAXIMUM), c.collect_filefd),
        Collector("entropy", "randomness that the kernel has", (m.ENTROPY, m.ENTROPY_POOL), c.collect_entropy),
        Collector("kernel_hung", "tasks that hung", (m.HUNG_TASKS,), c.collect_kernel_hung),
        Collector("time", "the clock", (m.TIME, m.TIME_ZONE, m.CLOCK_AVAILABLE, m.CLOCK_CURRENT), c.collect_time),
        Collector("timex", "how right the clock is", m.TIMEX, collect_timex),
        Collector("uname", "the kernel", (m.UNAME,), c.collect_uname),
        Collector("os", "the distribution", (m.OS_INFO, m.OS_VERSION), c.collect_os),
        # The last one: while the others are read the file systems have time to answer.
        Collector(
            "filesystem",
            "size and state of file systems",
            (m.FS_SIZE, m.FS_FREE, m.FS_AVAIL, m.FS_FILES, m.FS_FILES_FREE, m.FS_READONLY, m.FS_ERROR, m.FS_MOUNT),
            c.collect_filesystem,
        ),
    ),
    thresholds=m.THRESHOLDS,
)
