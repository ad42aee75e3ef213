"""One host: processors, memory, disks, file systems and network, and what they wait for."""

from __future__ import annotations

from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Json,
    Panel,
    Query,
    dashboard,
    lines,
    row,
    select,
    stat,
    steps,
    table,
    value,
    words,
)  # fmt: skip
from tocsin.metric import Metric
from tocsin.sources.host import metrics as m

RATE = "[$__rate_interval]"
LEVELS = {t.signal: t for t in m.THRESHOLDS}


def _memory(field: str, help: str) -> Metric:
    return m.MEMORY.metric(f"node_memory_{field}", help)


TOTAL = _memory("MemTotal_bytes", "All memory.")
AVAILABLE = _memory("MemAvailable_bytes", "Memory that a program could be given at once.")
CACHED = _memory("Cached_bytes", "Files in memory.")
BUFFERS = _memory("Buffers_bytes", "Blocks of disks in memory.")
ANON = _memory("AnonPages_bytes", "Memory of programs.")
SLAB = _memory("Slab_bytes", "Memory of the kernel's own.")
SWAP_IN = m.VMSTAT.metric("node_vmstat_pswpin", "Pages read from swap.")
SWAP_OUT = m.VMSTAT.metric("node_vmstat_pswpout", "Pages written to swap.")
FAULTS = m.VMSTAT.metric("node_vmstat_pgmajfault", "Page faults that went to disk.")
ESTABLISHED = m.NETSTAT.metric("node_netstat_Tcp_CurrEstab", "TCP connections that are open.")
WAITING = m.SOCKSTAT.metric("node_sockstat_TCP_tw", "TCP connections that have ended and wait for late packets.")

IDLE = select(m.CPU, 'mode=~"idle|iowait"')
BUSY = f"1 - avg by (instance) (sum by (instance, cpu) (rate({IDLE}{RATE})))"
ONE_EACH = select(m.CPU, 'mode="idle"')
PROCESSORS = f"count by (instance) (rate({ONE_EACH}{RATE}))"
USED = f"1 - {select(AVAILABLE)} / {select(TOTAL)}"
TAKEN = f"({select(m.FS_SIZE)} - {select(m.FS_FREE)})"
FULL = f"{TAKEN} / ({TAKEN} + {select(m.FS_AVAIL)})"
REAL = 'device!~"lo|veth.*|br-.*|docker.*"'
YES_OR_NO = words({"1": ("yes", RED), "0": ("no", GREEN)})


def host() -> Json:
    return dashboard(
        "tocsin-host",
        "Tocsin / Host",
        "One machine as node_exporter's series show it: what it does, what it waits for, and what fills.",
        jobs=m.BOOT_TIME,
        targets=m.BOOT_TIME,
        annotations=[],
        grid=[
            _glance(),
            [row("Processors")],
            [_processors(), _load(), _pressure()],
            [row("Memory")],
            [_memory_use(), _swapping()],
            [row("File systems")],
            [_file_systems()],
            [_available(), _inodes()],
            [row("Disks")],
            [_throughput(), _utilisation(), _latency()],
            [row("Network")],
            [_traffic(), _errors(), _sockets()],
            [row("Kernel")],
            [_descriptors(), _switches(), _clock()],
        ],
    )


def _levels(signal: str) -> Json:
    threshold = LEVELS[signal]
    return steps((None, GREEN), (threshold.warning, ORANGE), (threshold.critical, RED))


def _glance() -> list[Panel]:
    return [
        stat("Processors busy", Query(f"max({BUSY})"), [m.CPU], first="Of the busiest host.", unit="ratio",
             thresholds=steps((None, GREEN), (0.9, ORANGE))),
        stat("Load per processor", Query(f"max(max by (instance) ({select(m.LOADS[1])}) / {PROCESSORS})"), [m.LOADS[1]],
             thresholds=steps((None, GREEN), (LEVELS["load_per_processor"].warning, ORANGE))),
        stat("Memory used", Query(f"max({USED})"), [AVAILABLE], first=LEVELS["memory_used_ratio"].help, unit="ratio",
             thresholds=_levels("memory_used_ratio")),
        stat("Fullest file system", Query(f"max({FULL})"), [m.FS_SIZE, m.FS_FREE], first=LEVELS["filesystem_used_ratio"].help, unit="ratio",
             thresholds=_levels("filesystem_used_ratio")),
        stat("File systems with errors", Query(f"sum({select(m.FS_ERROR)})"), [m.FS_ERROR], thresholds=steps((None, GREEN), (1, RED))),
        stat("Up for", Query(f"min(time() - {select(m.BOOT_TIME)})"), [m.BOOT_TIME], first="The host that started last.",
             thresholds=steps((None, ORANGE), (3600, BLUE))),
    ]  # fmt: skip


def _processors() -> Panel:
    working = select(m.CPU, 'mode!="idle"')
    query = Query(f"sum by (instance, mode) (rate({working}{RATE}))", "{{instance}} {{mode}}")
    return lines("Processors by mode", [query, Query(PROCESSORS, "{{instance}} processors")], [m.CPU], first="In processors.", unit="none",
                 width=10, dashed=" processors$")  # fmt: skip


def _load() -> Panel:
    queries = [Query(select(metric), f"{{{{instance}}}} {minutes} min") for metric, minutes in zip(m.LOADS, (1, 5, 15), strict=True)]
    return lines("Load", [*queries, Query(PROCESSORS, "{{instance}} processors")], [m.LOADS[0]], width=7, fill=0, dashed=" processors$")


def _pressure() -> Panel:
    shown = {"processor": m.PRESSURE["cpu", "some"], "memory": m.PRESSURE["memory", "some"], "disk": m.PRESSURE["io", "some"]}
    queries = [Query(f"rate({select(metric)}{RATE})", f"{{{{instance}}}} {name}") for name, metric in shown.items()]
    return lines("Tasks wait for", queries, list(shown.values()), first="As a share of the time.", unit="ratio", width=7)


def _memory_use() -> Panel:
    shown = {"programs": ANON, "files": CACHED, "blocks": BUFFERS, "kernel": SLAB, "available": AVAILABLE, "total": TOTAL}
    queries = [Query(select(metric), f"{{{{instance}}}} {name}") for name, metric in shown.items()]
    return lines("Memory", queries, list(shown.values()), width=12, fill=0, dashed=" total$")


def _swapping() -> Panel:
    shown = {"swapped in": SWAP_IN, "swapped out": SWAP_OUT, "major faults": FAULTS}
    queries = [Query(f"rate({select(metric)}{RATE})", f"{{{{instance}}}} {name}") for name, metric in shown.items()]
    return lines("Pages from and to disk, a second", queries, list(shown.values()), width=12)


def _file_systems() -> Panel:
    labels = "instance, mountpoint, device, fstype"
    queries = [
        Query(f"max by ({labels}) ({FULL})"),
        Query(f"max by ({labels}) ({select(m.FS_SIZE)})"),
        Query(f"max by ({labels}) ({select(m.FS_AVAIL)})"),
        Query(f"max by ({labels}) ({select(m.FS_READONLY)})"),
        Query(f"max by ({labels}, device_error) ({select(m.FS_ERROR)})"),
    ]
    full, size, free, read_only, error = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Host", "mountpoint": "Mounted at", "device": "Device", "fstype": "Type", full: "Full", size: "Size",
        free: "Free", read_only: "Read-only", error: "Error", "device_error": "Why",
    }  # fmt: skip
    return table(
        "File systems", queries, columns, [m.FS_SIZE, m.FS_AVAIL, m.FS_READONLY, m.FS_ERROR],
        first="Full is a share, sizes are bytes.", unit="bytes", width=24, height=8, mappings=YES_OR_NO, colored=["Read-only", "Error"],
        sort="Full", descending=True,
    )  # fmt: skip


def _available() -> Panel:
    return lines("Free space", [Query(select(m.FS_AVAIL), "{{instance}} {{mountpoint}}")], [m.FS_AVAIL], width=12, fill=0)


def _inodes() -> Panel:
    query = Query(f"1 - {select(m.FS_FILES_FREE)} / ({select(m.FS_FILES)} > 0)", "{{instance}} {{mountpoint}}")
    return lines("Inodes used", [query], [m.FS_FILES, m.FS_FILES_FREE], unit="ratio", width=12, fill=0)


def _throughput() -> Panel:
    queries = [
        Query(f"rate({select(m.DISK_READ_BYTES)}{RATE})", "{{instance}} {{device}} read"),
        Query(f"rate({select(m.DISK_WRITTEN_BYTES)}{RATE})", "{{instance}} {{device}} written"),
    ]
    return lines("Bytes a second", queries, [m.DISK_READ_BYTES, m.DISK_WRITTEN_BYTES], width=8)


def _utilisation() -> Panel:
    query = Query(f"rate({select(m.DISK_IO_TIME)}{RATE})", "{{instance}} {{device}}")
    return lines("Time in use", [query], [m.DISK_IO_TIME], first="An SSD has room left at 100%.", unit="ratio",
                 width=8)  # fmt: skip


def _latency() -> Panel:
    def each(time: Metric, count: Metric, name: str) -> Query:
        return Query(f"rate({select(time)}{RATE}) / (rate({select(count)}{RATE}) > 0)", f"{{{{instance}}}} {{{{device}}}} {name}")

    queries = [each(m.DISK_READ_TIME, m.DISK_READS, "read"), each(m.DISK_WRITE_TIME, m.DISK_WRITES, "write")]
    return lines("Time for each request", queries, [m.DISK_READ_TIME, m.DISK_WRITE_TIME], first="On average.", width=8, fill=0)


def _traffic() -> Panel:
    received, sent = m.NETWORK["receive", "bytes"], m.NETWORK["transmit", "bytes"]
    queries = [
        Query(f"rate({select(received, REAL)}{RATE})", "{{instance}} {{device}} received"),
        Query(f"rate({select(sent, REAL)}{RATE})", "{{instance}} {{device}} sent"),
    ]
    return lines("Bytes a second, received and sent", queries, [received, sent], width=8)


def _errors() -> Panel:
    shown = [m.NETWORK[key] for key in (("receive", "errs"), ("receive", "drop"), ("transmit", "errs"), ("transmit", "drop"))]
    queries = [
        Query(f"sum by (instance, device) (rate({select(metric, REAL)}{RATE}))", f"{{{{instance}}}} {{{{device}}}} {name}")
        for metric, name in zip(shown, ("errors in", "drops in", "errors out", "drops out"), strict=True)
    ]
    return lines("Errors and drops a second", queries, shown, width=8)


def _sockets() -> Panel:
    queries = [Query(select(ESTABLISHED), "{{instance}} open"), Query(select(WAITING), "{{instance}} waiting")]
    return lines("TCP connections", queries, [ESTABLISHED, WAITING], width=8)


def _descriptors() -> Panel:
    query = Query(f"{select(m.FILES_ALLOCATED)} / {select(m.FILES_MAXIMUM)}", "{{instance}}")
    return lines("File descriptors", [query], [m.FILES_ALLOCATED, m.FILES_MAXIMUM], first="As a share of the limit.", unit="ratio", width=8)


def _switches() -> Panel:
    queries = [
        Query(f"rate({select(m.CONTEXT_SWITCHES)}{RATE})", "{{instance}} context switches"),
        Query(f"rate({select(m.INTERRUPTS)}{RATE})", "{{instance}} interrupts"),
        Query(f"rate({select(m.FORKS)}{RATE})", "{{instance}} processes started"),
    ]
    return lines("Switches, interrupts, processes a second", queries, [m.CONTEXT_SWITCHES, m.INTERRUPTS, m.FORKS], width=8, fill=0)


def _clock() -> Panel:
    queries = [Query(select(m.TIMEX_OFFSET), "{{instance}} offset"), Query(select(m.TIMEX_MAXERROR), "{{instance}} largest error")]
    return lines("Clock", queries, [m.TIMEX_OFFSET, m.TIMEX_MAXERROR], width=8, fill=0)
