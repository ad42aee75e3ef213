"""The series of a host: node_exporter's under its names, types and labels."""

from __future__ import annotations

from tocsin.metric import Metric, MetricFamily, counter, gauge, info
from tocsin.source import Threshold

UP = gauge("tocsin_host_up", "Whether the kernel's files of the host can be read.")

COLLECTOR_SUCCESS = gauge("node_scrape_collector_success", "Whether a collector's last run succeeded.", ("collector",))
COLLECTOR_DURATION = gauge("node_scrape_collector_duration_seconds", "How long a collector's last run took.", ("collector",))

# cpu, loadavg, stat
CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""In the order of /proc/stat; guest and guest_nice follow there and are a series of their own."""
CPU = counter(
    "node_cpu_seconds_total", "Time that a processor has spent in a mode; user and nice include what guests used.", ("cpu", "mode")
)
CPU_GUEST = counter("node_cpu_guest_seconds_total", "Time that a processor has spent in guests; part of user and nice.", ("cpu", "mode"))
LOADS = tuple(
    gauge(f"node_load{minutes}", f"Tasks that run, wait to run or wait for a disk, averaged over {words}.", unit="none")
    for minutes, words in ((1, "one minute"), (5, "five minutes"), (15, "fifteen minutes"))
)
INTERRUPTS = counter("node_intr_total", "Interrupts that the kernel has served.")
CONTEXT_SWITCHES = counter("node_context_switches_total", "Switches of a processor from one task to another.")
FORKS = counter("node_forks_total", "Processes and threads that were started.")
BOOT_TIME = gauge("node_boot_time_seconds", "Unix time at which the kernel started.")
RUNNING = gauge("node_procs_running", "Tasks that run or could.")
BLOCKED = gauge("node_procs_blocked", "Tasks that wait for a disk.")

# meminfo, vmstat
MEMORY = MetricFamily(
    "node_memory_<field>",
    "gauge",
    "What /proc/meminfo says, each line under its name, in bytes; the few lines without a unit are counts of pages and keep no suffix.",
    r"node_memory_\w+",
)
VMSTAT = MetricFamily(
    "node_vmstat_<field>",
    "untyped",
    "Counters of /proc/vmstat: pages read, written, swapped and faulted, and processes killed when memory ran out.",
    r"node_vmstat_(oom_kill|pgpg|pswp|pg.*fault)\w*",
)

# diskstats
_D = ("device",)
DISK_READS = counter("node_disk_reads_completed_total", "Reads that were completed.", _D)
DISK_READS_MERGED = counter("node_disk_reads_merged_total", "Reads that were merged with a neighbour.", _D)
DISK_READ_BYTES = counter("node_disk_read_bytes_total", "Bytes read.", _D)
DISK_READ_TIME = counter("node_disk_read_time_seconds_total", "Time that all reads took together.", _D)
DISK_WRITES = counter("node_disk_writes_completed_total", "Writes that were completed.", _D)
DISK_WRITES_MERGED = counter("node_disk_writes_merged_total", "Writes that were merged with a neighbour.", _D)
DISK_WRITTEN_BYTES = counter("node_disk_written_bytes_total", "Bytes written.", _D)
DISK_WRITE_TIME = counter("node_disk_write_time_seconds_total", "Time that all writes took together.", _D)
DISK_IO_NOW = gauge("node_disk_io_now", "Requests under way.", _D)
DISK_IO_TIME = counter("node_disk_io_time_seconds_total", "Time in which at least one request was under way.", _D)
DISK_IO_WEIGHTED = counter("node_disk_io_time_weighted_seconds_total", "That time, weighted by the requests under way.", _D)
DISK_DISCARDS = counter("node_disk_discards_completed_total", "Discards that were completed.", _D)
DISK_DISCARDS_MERGED = counter("node_disk_discards_merged_total", "Discards that were merged with a neighbour.", _D)
DISK_DISCARDED = counter("node_disk_discarded_sectors_total", "Sectors of 512 bytes that were discarded.", _D)
DISK_DISCARD_TIME = counter("node_disk_discard_time_seconds_total", "Time that all discards took together.", _D)
DISK_FLUSHES = counter("node_disk_flush_requests_total", "Flushes of a disk's cache.", _D)
DISK_FLUSH_TIME = counter("node_disk_flush_requests_time_seconds_total", "Time that all flushes took together.", _D)
DISK_COUNTERS = (
    (DISK_READS, 1), (DISK_READS_MERGED, 1), (DISK_READ_BYTES, 512), (DISK_READ_TIME, 0.001),
    (DISK_WRITES, 1), (DISK_WRITES_MERGED, 1), (DISK_WRITTEN_BYTES, 512), (DISK_WRITE_TIME, 0.001),
    (DISK_IO_NOW, 1), (DISK_IO_TIME, 0.001), (DISK_IO_WEIGHTED, 0.001),
    (DISK_DISCARDS, 1), (DISK_DISCARDS_MERGED, 1), (DISK_DISCARDED, 1), (DISK_DISCARD_TIME, 0.001),
    (DISK_FLUSHES, 1), (DISK_FLUSH_TIME, 0.001),
)  # fmt: skip
"""In the order of /proc/diskstats, with what makes base units of them. Older kernels have fewer columns.
https://www.kernel.org/doc/html/latest/admin-guide/iostats.html"""
DISK_INFO = info(
    "node_disk_info", "What a disk is, as far as the kernel and udev tell.",
    ("device", "major", "minor", "path", "wwn", "model", "serial", "revision", "rotational"),
)  # fmt: skip

# filesystem
_F = ("device", "mountpoint", "fstype", "device_error")
FS_SIZE = gauge("node_filesystem_size_bytes", "Size of the file system.", _F)
FS_FREE = gauge("node_filesystem_free_bytes", "Space that is free, what is kept for root included.", _F)
FS_AVAIL = gauge("node_filesystem_avail_bytes", "Space that is free for everybody.", _F)
FS_FILES = gauge("node_filesystem_files", "Inodes of the file system; 0 where it has no fixed number of them.", _F)
FS_FILES_FREE = gauge("node_filesystem_files_free", "Inodes that are free.", _F)
FS_READONLY = gauge("node_filesystem_readonly", "Whether the file system, or this mount of it, can only be read.", _F)
FS_ERROR = gauge(
    "node_filesystem_device_error", "Whether the file system could not be asked; `device_error` says why: an error, or that it hangs.", _F
)
FS_MOUNT = info("node_filesystem_mount_info", "Device numbers of what is mounted.", ("device", "major", "minor", "mountpoint"))

# netdev
NETWORK = {
    (direction, field): counter(f"node_network_{direction}_{field}_total", f"{help}, {direction} side, as the kernel counts them.", _D)
    for direction, fields in (
        (
            "receive",
            (
                ("bytes", "Bytes"), ("packets", "Packets"), ("errs", "Errors"), ("drop", "Packets dropped"), ("fifo", "Overruns"),
                ("frame", "Framing errors"), ("compressed", "Compressed packets"), ("multicast", "Multicast packets"),
            ),
        ),
        (
            "transmit",
            (
                ("bytes", "Bytes"), ("packets", "Packets"), ("errs", "Errors"), ("drop", "Packets dropped"), ("fifo", "Overruns"),
                ("colls", "Collisions"), ("carrier", "Carrier losses"), ("compressed", "Compressed packets"),
            ),
        ),
    )
    for field, help in fields
}  # fmt: skip
"""In the order of /proc/net/dev."""
NETWORK_NOHANDLER = counter("node_network_receive_nohandler_total", "Packets received that no protocol wanted.", _D)

# netclass
NETWORK_UP = gauge("node_network_up", "Whether the interface's operational state is `up`; a loopback's never is.", _D)
NETWORK_INFO = info(
    "node_network_info", "Addresses and states of an interface.",
    ("device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias"),
)  # fmt: skip
NETWORK_SPEED = gauge("node_network_speed_bytes", "Bytes a second that the link can carry; negative where the driver does not know.", _D)
NETWORK_FLAGS = gauge("node_network_flags", "Flags of the interface as the kernel has them (IFF_UP and so on).", _D, unit="none")
NETWORK_CLASS = {
    "addr_assign_type": gauge("node_network_address_assign_type", "How the interface got its address: 0 permanent, 1 at random.", _D),
    "carrier": gauge("node_network_carrier", "Whether there is a link; absent while the interface is down.", _D),
    "carrier_changes": counter("node_network_carrier_changes_total", "Times that the link came or went.", _D),
    "carrier_up_count": counter("node_network_carrier_up_changes_total", "Times that the link came.", _D),
    "carrier_down_count": counter("node_network_carrier_down_changes_total", "Times that the link went.", _D),
    "dev_id": gauge("node_network_device_id", "Tells interfaces apart that share an address.", _D, unit="none"),
    "dormant": gauge("node_network_dormant", "Whether the interface waits for something, like authentication.", _D),
    "ifindex": gauge("node_network_iface_id", "The interface's number.", _D, unit="none"),
    "iflink": gauge("node_network_iface_link", "Number of the interface that it is a part of; else its own.", _D, unit="none"),
    "link_mode": gauge("node_network_iface_link_mode", "0 default, 1 dormant.", _D, unit="none"),
    "mtu": gauge("node_network_mtu_bytes", "Largest packet.", _D),
    "name_assign_type": gauge("node_network_name_assign_type", "Who named the interface, by the kernel's numbers.", _D, unit="none"),
    "netdev_group": gauge("node_network_net_dev_group", "Group of the interface.", _D, unit="none"),
    "tx_queue_len": gauge("node_network_transmit_queue_length", "Packets that may wait to be sent.", _D),
    "type": gauge("node_network_protocol_type", "The kernel's number for the kind of link: 1 Ethernet, 772 loopback.", _D, unit="none"),
}
"""By the file below /sys/class/net/<interface> that holds the number."""

# netstat, sockstat, softnet, conntrack
NETSTAT = MetricFamily(
    "node_netstat_<protocol>_<field>",
    "untyped",
    "Counters of the protocols: connections opened and reset, segments sent again, datagrams without a receiver, full queues.",
    r"node_netstat_\w+",
)
SOCKSTAT = MetricFamily(
    "node_sockstat_<protocol>_<field>",
    "gauge",
    "Sockets in use by protocol and state, and the pages and bytes of memory that they hold.",
    r"node_sockstat_\w+",
)
_C = ("cpu",)
SOFTNET = {
    0: counter("node_softnet_processed_total", "Packets that the processor has taken from the network's queues.", _C),
    1: counter("node_softnet_dropped_total", "Packets dropped because the processor's queue was full.", _C),
    2: counter("node_softnet_times_squeezed_total", "Times that work was left when the processor's share of time was used up.", _C),
    8: counter("node_softnet_cpu_collision_total", "Times that two processors wanted to send at once.", _C),
    9: counter("node_softnet_received_rps_total", "Times that another processor asked this one to take packets.", _C),
    10: counter("node_softnet_flow_limit_count_total", "Times that the limit of a flow was reached.", _C),
    11: gauge("node_softnet_backlog_len", "Packets that wait in the processor's queue.", _C),
}
"""By column of /proc/net/softnet_stat."""
CONNTRACK = gauge("node_nf_conntrack_entries", "Connections that the packet filter keeps track of.")
CONNTRACK_LIMIT = gauge("node_nf_conntrack_entries_limit", "Most connections that it can keep track of; then new ones are dropped.")
CONNTRACK_STATS = {
    field: gauge(f"node_nf_conntrack_stat_{field}", help)
    for field, help in (
        ("found", "Lookups that found a connection."),
        ("invalid", "Packets that belong to no connection."),
        ("ignore", "Packets that are not tracked."),
        ("insert", "Connections entered."),
        ("insert_failed", "Connections that could not be entered."),
        ("drop", "Packets dropped for want of room or memory."),
        ("early_drop", "Connections given up to make room."),
        ("search_restart", "Lookups that had to begin again."),
    )
}
"""By the column's title in /proc/net/stat/nf_conntrack; the processors' values are summed up."""

# filefd, entropy, kernel_hung, pressure
FILES_ALLOCATED = gauge("node_filefd_allocated", "Open files of all processes.")
FILES_MAXIMUM = gauge("node_filefd_maximum", "Most files that may be open.")
ENTROPY = gauge("node_entropy_available_bits", "Bits of entropy in the kernel's pool.")
ENTROPY_POOL = gauge("node_entropy_pool_size_bits", "Size of that pool.")
HUNG_TASKS = counter("node_kernel_hung_tasks_total", "Tasks that hung for longer than the kernel's hung_task_timeout_secs.")
PRESSURE = {
    ("cpu", "some"): counter("node_pressure_cpu_waiting_seconds_total", "Time in which some task waited for a processor."),
    ("io", "some"): counter("node_pressure_io_waiting_seconds_total", "Time in which some task waited for a disk."),
    ("io", "full"): counter("node_pressure_io_stalled_seconds_total", "Time in which every task that could run waited for a disk."),
    ("memory", "some"): counter("node_pressure_memory_waiting_seconds_total", "Time in which some task waited for memory."),
    ("memory", "full"): counter("node_pressure_memory_stalled_seconds_total", "Time in which every task that could run waited for memory."),
    ("irq", "full"): counter("node_pressure_irq_stalled_seconds_total", "Time in which tasks waited for interrupts to be served."),
}
"""By file and line below /proc/pressure."""

# time, timex, uname, os
TIME = gauge("node_time_seconds", "The host's time as Unix time.")
TIME_ZONE = gauge("node_time_zone_offset_seconds", "Seconds that the local time is ahead of UTC.", ("time_zone",))
CLOCK_AVAILABLE = info("node_time_clocksource_available_info", "Clocks that the kernel could use.", ("device", "clocksource"))
CLOCK_CURRENT = info("node_time_clocksource_current_info", "The clock that it uses.", ("device", "clocksource"))
TIMEX_OFFSET = gauge("node_timex_offset_seconds", "What is still to be corrected of the clock.")
TIMEX_FREQUENCY = gauge("node_timex_frequency_adjustment_ratio", "Speed at which the clock is made to run; 1: as it would by itself.")
TIMEX_MAXERROR = gauge("node_timex_maxerror_seconds", "Largest error that the clock can have; grows while nobody sets it, up to 16.")
TIMEX_ESTERROR = gauge("node_timex_estimated_error_seconds", "Error that the clock is believed to have.")
TIMEX_STATUS = gauge("node_timex_status", "Status bits of the kernel's clock.", unit="none")
TIMEX_CONSTANT = gauge("node_timex_loop_time_constant", "Time constant of the kernel's control loop.", unit="none")
TIMEX_TICK = gauge("node_timex_tick_seconds", "Seconds between two ticks of the clock.")
TIMEX_PPS_FREQUENCY = gauge("node_timex_pps_frequency_hertz", "Frequency of the pulse per second.", unit="none")
TIMEX_PPS_JITTER = gauge("node_timex_pps_jitter_seconds", "Jitter of the pulse per second.")
TIMEX_PPS_SHIFT = gauge("node_timex_pps_shift_seconds", "Length of its calibration interval.")
TIMEX_PPS_STABILITY = gauge("node_timex_pps_stability_hertz", "How much its frequency wanders.", unit="none")
TIMEX_PPS_JITTERS = counter("node_timex_pps_jitter_total", "Times that its jitter was beyond the limit.")
TIMEX_PPS_CALIBRATIONS = counter("node_timex_pps_calibration_total", "Calibration intervals.")
TIMEX_PPS_ERRORS = counter("node_timex_pps_error_total", "Calibrations that failed.")
TIMEX_PPS_EXCEEDED = counter("node_timex_pps_stability_exceeded_total", "Times that its stability was beyond the limit.")
TIMEX_TAI = gauge("node_timex_tai_offset_seconds", "Seconds that atomic time is ahead of UTC; 0 where nobody has told the kernel.")
TIMEX_SYNC = gauge("node_timex_sync_status", "Whether the kernel believes that something keeps its clock right.")
TIMEX: tuple[Metric, ...] = (
    TIMEX_OFFSET, TIMEX_FREQUENCY, TIMEX_MAXERROR, TIMEX_ESTERROR, TIMEX_STATUS, TIMEX_CONSTANT, TIMEX_TICK,
    TIMEX_PPS_FREQUENCY, TIMEX_PPS_JITTER, TIMEX_PPS_SHIFT, TIMEX_PPS_STABILITY, TIMEX_PPS_JITTERS, TIMEX_PPS_CALIBRATIONS,
    TIMEX_PPS_ERRORS, TIMEX_PPS_EXCEEDED, TIMEX_TAI, TIMEX_SYNC,
)  # fmt: skip
UNAME = info("node_uname_info", "The kernel, as uname tells.", ("sysname", "release", "version", "machine", "nodename", "domainname"))
OS_FIELDS = (
    "build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant", "variant_id",
    "version", "version_codename", "version_id",
)  # fmt: skip
OS_INFO = info("node_os_info", "The distribution, as its os-release file tells.", OS_FIELDS)
OS_VERSION = gauge("node_os_version", "Major and minor version of the distribution as a number.", ("id", "id_like", "name"), unit="none")

THRESHOLDS = (
    Threshold("filesystem_used_ratio", "Used space of a file system as a share of what is not kept for root.", "ratio", 0.9, 0.97),
    Threshold("filesystem_left_seconds", "Time until a file system is full, by its pace of days.", "seconds", 4 * 86400, 86400),
    Threshold("filesystem_burst_seconds", "Time until a file system is full, by its pace of minutes.", "seconds", 6 * 3600, 3600),
    Threshold("inodes_used_ratio", "Inodes in use as a share of a file system's inodes.", "ratio", 0.9, 0.97),
    Threshold("memory_used_ratio", "Memory that could not be given to a program at once, as a share of all.", "ratio", 0.92, 0.97),
    Threshold("memory_pressure_ratio", "Share of the time in which some task waits for memory.", "ratio", 0.1, 0.4),
    Threshold("swapped_pages_per_second", "Pages that are moved to swap and back in a second.", "count", 2000, 20000),
    Threshold("load_per_processor", "Load of five minutes for each processor, where the processors are busy.", "count", 2, None),
    Threshold("file_descriptors_ratio", "Open files of all processes as a share of the kernel's limit.", "ratio", 0.8, 0.95),
    Threshold("conntrack_ratio", "Tracked connections as a share of the packet filter's limit.", "ratio", 0.8, 0.95),
    Threshold("clock_offset_seconds", "Error of the clock that is still to be corrected.", "seconds", 0.1, 1.0),
)
