"""The series of a Docker target: cAdvisor's under its names, types and labels, the machine's, and what is ours alone."""

from __future__ import annotations

from tocsin.metric import Metric, counter, gauge, info
from tocsin.source import Threshold

_C = ("id", "name", "image")
"""cAdvisor's: the cgroup's path, the container's name, its image. Chosen labels of the container come on top."""
_D = (*_C, "device")
_I = (*_C, "interface")
_N = ("name", "image")
"""Ours, for running and stopped containers: a container keeps its name when it is made anew, and has no cgroup while it stands."""

UP = gauge("docker_up", "Whether the engine answers.")

# cAdvisor: base
LAST_SEEN = gauge("container_last_seen", "Unix time at which the container was last seen running.", _C, unit="seconds")
START_TIME = gauge("container_start_time_seconds", "Unix time at which the container was started.", _C)
CREATION_TIME = gauge("container_creation_time_seconds", "Unix time at which the container was created.", _C)
HEALTH_STATE = gauge("container_health_state", "1 healthy, 0 unhealthy, -1 starting or without a health check.", _C, unit="none")
SCRAPE_ERROR = gauge("container_scrape_error", "1 if the usage of a running container could not be read by any way.")
VERSION_INFO = info(
    "cadvisor_version_info", "Versions of the kernel, the system and the engine; cAdvisor's own are empty, for this is not cAdvisor.",
    ("kernelVersion", "osVersion", "dockerVersion", "cadvisorVersion", "cadvisorRevision"),
)  # fmt: skip

# cAdvisor: cpu
CPU_USAGE = counter("container_cpu_usage_seconds_total", "Processor time used; the sum over all processors.", (*_C, "cpu"))
CPU_USER = counter("container_cpu_user_seconds_total", "Processor time used in user mode.", _C)
CPU_SYSTEM = counter("container_cpu_system_seconds_total", "Processor time used in kernel mode.", _C)
CFS_PERIODS = counter("container_cpu_cfs_periods_total", "Enforcement periods that have passed; only with a limit.", _C)
CFS_THROTTLED = counter("container_cpu_cfs_throttled_periods_total", "Periods in which the container was held back; only with a limit.", _C)
CFS_THROTTLED_TIME = counter("container_cpu_cfs_throttled_seconds_total", "Time for which it was held back; only with a limit.", _C)
CFS_BURSTS = counter("container_cpu_cfs_burst_periods_total", "Periods in which it used saved-up time; only with a limit.", _C)
CFS_BURST_TIME = counter("container_cpu_cfs_burst_seconds_total", "Saved-up time that it used; only with a limit.", _C)

# cAdvisor: memory
MEMORY_USAGE = gauge("container_memory_usage_bytes", "Memory charged to the container, page cache included.", _C)
MEMORY_WORKING_SET = gauge("container_memory_working_set_bytes", "Memory without the page cache that is easily given back.", _C)
MEMORY_RSS = gauge("container_memory_rss", "Anonymous memory.", _C, unit="bytes")
MEMORY_CACHE = gauge("container_memory_cache", "Page cache.", _C, unit="bytes")
MEMORY_SWAP = gauge("container_memory_swap", "Memory in swap.", _C, unit="bytes")
MEMORY_MAPPED = gauge("container_memory_mapped_file", "Files mapped into memory.", _C, unit="bytes")
MEMORY_KERNEL = gauge("container_memory_kernel_usage", "Memory that the kernel uses for the container.", _C, unit="bytes")
MEMORY_MAX = gauge("container_memory_max_usage_bytes", "Most memory that was charged since the start.", _C)
MEMORY_ACTIVE_FILE = gauge("container_memory_total_active_file_bytes", "Page cache in use.", _C)
MEMORY_INACTIVE_FILE = gauge("container_memory_total_inactive_file_bytes", "Page cache that is easily given back.", _C)
MEMORY_DIRTY = gauge("container_memory_file_dirty_bytes", "Page cache that waits to be written.", _C)
MEMORY_WRITEBACK = gauge("container_memory_file_writeback_bytes", "Page cache that is being written.", _C)
MEMORY_FAILCNT = counter("container_memory_failcnt", "How often the memory limit was hit; cgroup v1.", _C, unit="count")
MEMORY_FAILURES = counter("container_memory_failures_total", "Page faults, and those that went to disk.", (*_C, "failure_type", "scope"))
MEMORY_EVENTS_HIGH = counter("container_memory_events_high_total", "How often it was slowed down above memory.high; cgroup v2.", _C)
MEMORY_EVENTS_MAX = counter("container_memory_events_max_total", "How often the memory limit was hit; cgroup v2.", _C)
PGSCAN = counter("container_memory_pgscan_total", "Pages looked at when memory was short; cgroup v2.", _C)
PGSTEAL = counter("container_memory_pgsteal_total", "Pages taken back when memory was short; cgroup v2.", _C)
REFAULT_FILE = counter("container_memory_workingset_refault_file_total", "File pages that were needed again soon after.", _C)
REFAULT_ANON = counter("container_memory_workingset_refault_anon_total", "Anonymous pages that were needed again soon after.", _C)

# cAdvisor: file system
FS_USAGE = gauge("container_fs_usage_bytes", "Size of the container's own layer, as the engine last measured it.", _D)
FS_LIMIT = gauge("container_fs_limit_bytes", "Size of the file system that holds it.", _D)
FS_INODES_FREE = gauge("container_fs_inodes_free", "Free inodes of that file system.", _D)
FS_INODES = gauge("container_fs_inodes_total", "Inodes of that file system.", _D)
FS_READS = counter("container_fs_reads_total", "Reads from the device.", _D)
FS_WRITES = counter("container_fs_writes_total", "Writes to the device.", _D)
FS_READ_BYTES = counter("container_fs_reads_bytes_total", "Bytes read from the device.", _D)
FS_WRITE_BYTES = counter("container_fs_writes_bytes_total", "Bytes written to the device.", _D)
FS_READS_MERGED = counter("container_fs_reads_merged_total", 'Reads that were merged; of the whole machine, `id="/"`.', _D)
FS_WRITES_MERGED = counter("container_fs_writes_merged_total", 'Writes that were merged; of the whole machine, `id="/"`.', _D)
FS_SECTOR_READS = counter("container_fs_sector_reads_total", 'Sectors read; of the whole machine, `id="/"`.', _D)
FS_SECTOR_WRITES = counter("container_fs_sector_writes_total", 'Sectors written; of the whole machine, `id="/"`.', _D)
FS_READ_TIME = counter("container_fs_read_seconds_total", 'Time spent reading; of the whole machine, `id="/"`.', _D)
FS_WRITE_TIME = counter("container_fs_write_seconds_total", 'Time spent writing; of the whole machine, `id="/"`.', _D)
FS_IO_CURRENT = gauge(
    "container_fs_io_current", 'Requests under way; of the whole machine, `id="/"`: the kernel does not count them by cgroup.', _D
)
FS_IO_TIME = counter("container_fs_io_time_seconds_total", 'Time in which the device was busy; of the whole machine, `id="/"`.', _D)
FS_IO_WEIGHTED = counter(
    "container_fs_io_time_weighted_seconds_total", 'Busy time weighted by the queue; of the whole machine, `id="/"`.', _D
)
BLKIO = counter(
    "container_blkio_device_usage_total", "Bytes by device and operation.", (*_C, "device", "major", "minor", "operation"), unit="bytes"
)

# cAdvisor: network
NET_RX_BYTES = counter("container_network_receive_bytes_total", "Bytes received.", _I)
NET_RX_PACKETS = counter("container_network_receive_packets_total", "Packets received.", _I)
NET_RX_DROPPED = counter("container_network_receive_packets_dropped_total", "Packets dropped when receiving.", _I)
NET_RX_ERRORS = counter("container_network_receive_errors_total", "Errors when receiving.", _I)
NET_TX_BYTES = counter("container_network_transmit_bytes_total", "Bytes sent.", _I)
NET_TX_PACKETS = counter("container_network_transmit_packets_total", "Packets sent.", _I)
NET_TX_DROPPED = counter("container_network_transmit_packets_dropped_total", "Packets dropped when sending.", _I)
NET_TX_ERRORS = counter("container_network_transmit_errors_total", "Errors when sending.", _I)

# cAdvisor: processes, pressure, limits, events
PROCESSES = gauge("container_processes", "Processes in the container.", _C)
THREADS = gauge("container_threads", "Threads in the container.", _C)
THREADS_MAX = gauge("container_threads_max", "Most threads that it may have; absent without a limit.", _C)
PRESSURE = {
    (resource, kind): counter(f"container_pressure_{resource}_{kind}_seconds_total", f"{words} {what}; cgroup v2.", _C)
    for resource, what in (("cpu", "a processor"), ("memory", "memory"), ("io", "a device"))
    for kind, words in (("waiting", "Time in which some processes waited for"), ("stalled", "Time in which all processes waited for"))
}
OOM_EVENTS = counter("container_oom_events_total", "Times that the kernel killed a process at the memory limit, across restarts.", _C)
SPEC_PERIOD = gauge("container_spec_cpu_period", "Length of an enforcement period in microseconds; only with a limit.", _C, unit="none")
SPEC_QUOTA = gauge("container_spec_cpu_quota", "Microseconds of processor time in each period; only with a limit.", _C, unit="none")
SPEC_SHARES = gauge("container_spec_cpu_shares", "Weight among the containers that want a processor.", _C, unit="none")
SPEC_MEMORY = gauge("container_spec_memory_limit_bytes", "Memory limit; 0 without one.", _C)
SPEC_SWAP = gauge("container_spec_memory_swap_limit_bytes", "Limit of memory and swap together; 0 without one.", _C)
SPEC_RESERVATION = gauge("container_spec_memory_reservation_limit_bytes", "Memory that it is promised when memory is short; 0 without.", _C)

# cAdvisor: machine
MACHINE_CORES = gauge("machine_cpu_cores", "Processors of the machine.")
MACHINE_PHYSICAL = gauge("machine_cpu_physical_cores", "Physical cores of the machine.")
MACHINE_SOCKETS = gauge("machine_cpu_sockets", "Processor sockets of the machine.")
MACHINE_MEMORY = gauge("machine_memory_bytes", "Memory of the machine.")
MACHINE_SWAP = gauge("machine_swap_bytes", "Swap of the machine.")
MACHINE_ERROR = gauge("machine_scrape_error", "1 if the machine's numbers could not be read.")

# Ours
CONTAINERS = gauge("tocsin_container_count", "Containers by state.", ("state",))
STATE = info(
    "tocsin_container_state",
    "The state the container is in: created, running, paused, restarting, removing, exited or dead.",
    (*_N, "state"),
)
RUNNING = gauge("tocsin_container_running", "Whether the container runs; one that waits to be restarted does not.", _N)
HEALTH = info(
    "tocsin_container_health", "What the health check says: healthy, unhealthy or starting; absent without a check.", (*_N, "health")
)
HEALTH_STREAK = gauge("tocsin_container_health_failing_streak", "Health checks that failed in a row.", _N)
RESTARTS = gauge("tocsin_container_restart_count", "Restarts by the engine since somebody last started it by hand.", _N)
OOM_KILLED = gauge("tocsin_container_oom_killed", "Whether the kernel killed the container's last run for want of memory.", _N)
CREATED = gauge("tocsin_container_created_timestamp_seconds", "Unix time at which the container was created.", _N)
STARTED = gauge("tocsin_container_started_timestamp_seconds", "Unix time at which it was last started; absent if never.", _N)
FINISHED = gauge("tocsin_container_finished_timestamp_seconds", "Unix time at which it last ended; absent if never.", _N)
INFO = info(
    "tocsin_container_info", "Ids of the container and its image by their first 12 digits, restart policy, project and service of compose.",
    (*_N, "container_id", "image_id", "restart_policy", "project", "service"),
)  # fmt: skip
IMAGE = info(
    "tocsin_container_image", "The image's id, and the digest under which a registry knows it; empty for one that was made here.",
    (*_N, "image_id", "digest"),
)  # fmt: skip
OUTDATED = gauge(
    "tocsin_container_image_outdated", "Whether another image goes by the tag now, so that a recreated container would differ.", _N
)
PORT = info(
    "tocsin_container_port",
    "A port of the container, 256 of them at most, the published ones first; host address and port are empty where it is not published.",
    (*_N, "port", "protocol", "host_ip", "host_port"),
)  # fmt: skip
DATABASE_MOUNT = info(
    "tocsin_container_database_mount", "A mount that holds a database's files, by its place or by its first bytes.",
    (*_N, "engine", "type", "source", "destination"),
)  # fmt: skip
SIZE = gauge("tocsin_container_size_bytes", "What the container has written into its own layer.", _N)
USAGE_SOURCE = gauge(
    "tocsin_container_usage_source",
    "Running containers by where their usage was read: `cgroup`, or the slower statistics of the `engine`; `none` could not be read.",
    ("source",),
)

DEATHS = counter(
    "tocsin_container_deaths_total",
    "Times that the container ended, across restarts: `planned` is yes when it was told to stop or had done its work, no when it was "
    "not, and unknown when nobody was there to see.",
    (*_N, "planned"),
)
STARTS = counter("tocsin_container_starts_total", "Times that the container was started, across restarts.", _N)
CHANGES = counter("tocsin_container_changes_total", "Everything that happened to the container, across restarts.", (*_N, "change"))
CRASHES = gauge("tocsin_container_recent_crashes", "Unplanned ends within the last ten minutes.", _N)
CRASHED = gauge("tocsin_container_crashed", "Whether the container is down since an end that nobody had planned.", _N)
EXIT_CODE = gauge(
    "tocsin_container_exit_code", "Exit code of the last end; absent before the first, and if it was not seen.", _N, unit="none"
)
LAST_CRASH = gauge("tocsin_container_last_crash_timestamp_seconds", "Unix time of the last unplanned end.", _N)
LAST_OOM = gauge(
    "tocsin_container_last_oom_timestamp_seconds", "Unix time at which the kernel last killed a process of it at its limit.", _N
)
DEPLOYED = gauge(
    "tocsin_container_image_change_timestamp_seconds",
    "Unix time at which the container was last made anew from another image; image ids are their first 12 digits.",
    (*_N, "image_id", "old_image_id"),
)

BASE = (LAST_SEEN, START_TIME, CREATION_TIME, HEALTH_STATE, SCRAPE_ERROR, VERSION_INFO)
USAGE: tuple[Metric, ...] = (
    CPU_USAGE, CPU_USER, CPU_SYSTEM, CFS_PERIODS, CFS_THROTTLED, CFS_THROTTLED_TIME, CFS_BURSTS, CFS_BURST_TIME,
    MEMORY_USAGE, MEMORY_WORKING_SET, MEMORY_RSS, MEMORY_CACHE, MEMORY_SWAP, MEMORY_MAPPED, MEMORY_KERNEL, MEMORY_MAX,
    MEMORY_ACTIVE_FILE, MEMORY_INACTIVE_FILE, MEMORY_DIRTY, MEMORY_WRITEBACK, MEMORY_FAILCNT, MEMORY_FAILURES,
    MEMORY_EVENTS_HIGH, MEMORY_EVENTS_MAX, PGSCAN, PGSTEAL, REFAULT_FILE, REFAULT_ANON,
    FS_READS, FS_WRITES, FS_READ_BYTES, FS_WRITE_BYTES, BLKIO,
    NET_RX_BYTES, NET_RX_PACKETS, NET_RX_DROPPED, NET_RX_ERRORS, NET_TX_BYTES, NET_TX_PACKETS, NET_TX_DROPPED, NET_TX_ERRORS,
    *PRESSURE.values(),
)  # fmt: skip
SPEC = (SPEC_PERIOD, SPEC_QUOTA, SPEC_SHARES, SPEC_MEMORY, SPEC_SWAP, SPEC_RESERVATION)
DISKS = (
    FS_READS, FS_WRITES, FS_READS_MERGED, FS_WRITES_MERGED, FS_SECTOR_READS, FS_SECTOR_WRITES, FS_READ_TIME, FS_WRITE_TIME,
    FS_IO_CURRENT, FS_IO_TIME, FS_IO_WEIGHTED,
)  # fmt: skip
MACHINE = (MACHINE_CORES, MACHINE_PHYSICAL, MACHINE_SOCKETS, MACHINE_MEMORY, MACHINE_SWAP, MACHINE_ERROR)

THRESHOLDS = (
    Threshold("container_crashes", "Unplanned ends of a container within ten minutes.", "count", None, 3.0),
    Threshold("container_memory_ratio", "Working set of a container as a share of its memory limit.", "ratio", 0.9, None),
    Threshold(
        "container_throttled_ratio", "Share of a container's periods in which its processor limit held it back.", "ratio", 0.25, None
    ),
)
