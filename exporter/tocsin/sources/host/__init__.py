"""The host itself: processors, memory, disks, file systems, network."""

from __future__ import annotations

from tocsin.source import Collector, Module, Reference, Source
from tocsin.sources.host import metrics as m
from tocsin.sources.host.config import HostOptions

_clock = Module("tocsin.sources.host.clock")
_collect = Module("tocsin.sources.host.collect")
_network = Module("tocsin.sources.host.network")
_session = Module("tocsin.sources.host.session")

SOURCE = Source(
    kind="host",
    help="the machine itself, as node_exporter shows it",
    options=HostOptions,
    open=_session.HostSession,
    up=m.UP,
    reference=Reference(m.COLLECTOR_SUCCESS, m.COLLECTOR_DURATION),
    collectors=(
        Collector("cpu", "where the processors' time goes", (m.CPU, m.CPU_GUEST), _collect.collect_cpu),
        Collector("loadavg", "how many tasks want to run", m.LOADS, _collect.collect_loadavg),
        Collector(
            "stat",
            "interrupts, context switches, processes, and when the machine started",
            (m.INTERRUPTS, m.CONTEXT_SWITCHES, m.FORKS, m.BOOT_TIME, m.RUNNING, m.BLOCKED),
            _collect.collect_stat,
        ),
        Collector("meminfo", "memory and swap", (m.MEMORY,), _collect.collect_meminfo),
        Collector("vmstat", "paging, swapping, and kills for want of memory", (m.VMSTAT,), _collect.collect_vmstat),
        Collector(
            "pressure", "for how long tasks wait for processor, memory and disk", tuple(m.PRESSURE.values()), _collect.collect_pressure
        ),
        Collector(
            "diskstats", "what disks do and are", (*(metric for metric, _ in m.DISK_COUNTERS), m.DISK_INFO), _collect.collect_diskstats
        ),
        Collector("netdev", "what interfaces carry", (*m.NETWORK.values(), m.NETWORK_NOHANDLER), _network.collect_netdev),
        Collector(
            "netclass",
            "state and properties of interfaces",
            (*m.NETWORK_CLASS.values(), m.NETWORK_UP, m.NETWORK_INFO, m.NETWORK_SPEED, m.NETWORK_FLAGS),
            _network.collect_netclass,
        ),
        Collector("netstat", "counters of the protocols", (m.NETSTAT,), _network.collect_netstat),
        Collector("sockstat", "sockets in use", (m.SOCKSTAT,), _network.collect_sockstat),
        Collector("softnet", "how processors keep up with packets", tuple(m.SOFTNET.values()), _network.collect_softnet),
        Collector(
            "conntrack",
            "connections that the packet filter tracks",
            (m.CONNTRACK, m.CONNTRACK_LIMIT, *m.CONNTRACK_STATS.values()),
            _network.collect_conntrack,
        ),
        Collector("filefd", "open files", (m.FILES_ALLOCATED, m.FILES_MAXIMUM), _collect.collect_filefd),
        Collector("entropy", "randomness that the kernel has", (m.ENTROPY, m.ENTROPY_POOL), _collect.collect_entropy),
        Collector("kernel_hung", "tasks that hung", (m.HUNG_TASKS,), _collect.collect_kernel_hung),
        Collector("time", "the clock", (m.TIME, m.TIME_ZONE, m.CLOCK_AVAILABLE, m.CLOCK_CURRENT), _collect.collect_time),
        Collector("timex", "how right the clock is", m.TIMEX, _clock.collect_timex),
        Collector("uname", "the kernel", (m.UNAME,), _collect.collect_uname),
        Collector("os", "the distribution", (m.OS_INFO, m.OS_VERSION), _collect.collect_os),
        # The last one: while the others are read the file systems have time to answer.
        Collector(
            "filesystem",
            "size and state of file systems",
            (m.FS_SIZE, m.FS_FREE, m.FS_AVAIL, m.FS_FILES, m.FS_FILES_FREE, m.FS_READONLY, m.FS_ERROR, m.FS_MOUNT),
            _collect.collect_filesystem,
        ),
    ),
    thresholds=m.THRESHOLDS,
)
