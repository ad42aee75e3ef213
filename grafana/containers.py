"""The containers of a Docker engine: what runs and what does not, what happened to it, and what each of them uses."""

from __future__ import annotations

from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
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
from tocsin.sources.docker import metrics as m

NAMED = 'name!=""'
"""Of cAdvisor's series those of containers; the whole machine's have no name."""

LEVELS = {threshold.signal: threshold for threshold in m.THRESHOLDS}
STATES = words(
    {
        "running": ("Running", GREEN), "exited": ("Exited", BLUE), "created": ("Created", BLUE), "paused": ("Paused", YELLOW),
        "restarting": ("Restarting", ORANGE), "removing": ("Removing", BLUE), "dead": ("Dead", RED),
    }
)  # fmt: skip
NONE_IS_GOOD = steps((None, GREEN), (1, RED))


def containers() -> Json:
    return dashboard(
        "tocsin-containers",
        "Tocsin / Containers",
        "Containers of Docker engines, running and stopped: how they stand, what happened to them, and what they use.",
        jobs=m.RUNNING,
        targets=m.RUNNING,
        annotations=[],
        grid=[
            _glance(),
            [_standing()],
            [_deaths(), _changes()],
            [row("Processor and memory")],
            [_processor(), _throttled()],
            [_memory(), _memory_share()],
            [row("Disk and network")],
            [_disk(), _size()],
            [_network(), _sources()],
            [row("Images")],
            [_images()],
        ],
    )


def _by_name(expr: str) -> str:
    return f"sum by (instance, name) ({expr})"


def _rate(metric: Metric) -> str:
    return f"rate({select(metric, NAMED)}[$__rate_interval])"


def _glance() -> list[Panel]:
    return [
        stat(
            "Running", Query(f"sum({select(m.RUNNING)})"), [m.RUNNING], first="How many containers run.", unit="count",
            thresholds=steps((None, BLUE)),
        ),
        stat(
            "Not running", Query(f"count({select(m.RUNNING)} == 0) or vector(0)"), [m.RUNNING], first="Stopped ones included.",
            unit="count", thresholds=steps((None, BLUE)),
        ),
        stat("Down unplanned", Query(f"sum({select(m.CRASHED)})"), [m.CRASHED], unit="count", thresholds=NONE_IS_GOOD),
        stat(
            "Unhealthy", Query(f"""count({select(m.HEALTH, 'health="unhealthy"')}) or vector(0)"""), [m.HEALTH], unit="count",
            thresholds=NONE_IS_GOOD,
        ),
        stat(
            "Recent crashes", Query(f"sum({select(m.CRASHES)})"), [m.CRASHES], unit="count",
            thresholds=steps((None, GREEN), (1, ORANGE), (LEVELS["container_crashes"].critical, RED)),
        ),
        stat(
            "Outdated images", Query(f"sum({select(m.OUTDATED)})"), [m.OUTDATED], unit="count",
            thresholds=steps((None, GREEN), (1, YELLOW)),
        ),
    ]  # fmt: skip


def _standing() -> Panel:
    labels = "instance, name, image"
    queries = [
        Query(f"max by ({labels}, state) ({select(m.STATE)})"),
        Query(f"max by ({labels}) ({select(m.RESTARTS)})"),
        Query(f"max by ({labels}) ({select(m.EXIT_CODE)})"),
        Query(f"max by ({labels}) ({select(m.STARTED)}) * 1000"),
    ]
    _, restarts, code, started = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Instance", "name": "Container", "image": "Image", "state": "State", restarts: "Restarts", code: "Last exit code",
        started: "Started",
    }  # fmt: skip
    return table(
        "Containers", queries, columns, [m.STATE, m.RESTARTS, m.EXIT_CODE, m.STARTED], width=24, height=10, mappings=STATES,
        colored=["State"], times=[started], sort="Container",
    )  # fmt: skip


def _deaths() -> Panel:
    query = Query(
        f"sum by (instance, name, planned) (increase({select(m.DEATHS)}[$__rate_interval]))", "{{instance}} {{name}} planned: {{planned}}"
    )
    return lines("Ends of containers", [query], [m.DEATHS], unit="count", width=12, fill=0)


def _changes() -> Panel:
    query = Query(f"sum by (change) (increase({select(m.CHANGES)}[$__rate_interval]))", "{{change}}")
    return lines("What happened", [query], [m.CHANGES], unit="count", width=12, fill=0)


def _processor() -> Panel:
    query = Query(_by_name(_rate(m.CPU_USAGE)), "{{instance}} {{name}}")
    return lines("Processors used", [query], [m.CPU_USAGE], unit="count", width=12)


def _throttled() -> Panel:
    query = Query(f"{_by_name(_rate(m.CFS_THROTTLED))} / ({_by_name(_rate(m.CFS_PERIODS))} > 0)", "{{instance}} {{name}}")
    level = LEVELS["container_throttled_ratio"].warning
    return lines(
        "Periods held back", [query], [m.CFS_THROTTLED, m.CFS_PERIODS], unit="ratio", width=12, fill=0,
        thresholds=steps((None, "transparent"), (level, ORANGE)),
    )  # fmt: skip


def _memory() -> Panel:
    query = Query(_by_name(select(m.MEMORY_WORKING_SET, NAMED)), "{{instance}} {{name}}")
    return lines("Memory: working set", [query], [m.MEMORY_WORKING_SET], width=12)


def _memory_share() -> Panel:
    query = Query(
        f"{_by_name(select(m.MEMORY_WORKING_SET, NAMED))} / ({_by_name(select(m.SPEC_MEMORY, NAMED))} > 0)", "{{instance}} {{name}}"
    )
    level = LEVELS["container_memory_ratio"].warning
    return lines(
        "Memory as a share of its limit", [query], [m.MEMORY_WORKING_SET, m.SPEC_MEMORY], unit="ratio", width=12, fill=0,
        thresholds=steps((None, "transparent"), (level, ORANGE)),
    )  # fmt: skip


def _disk() -> Panel:
    queries = [
        Query(_by_name(_rate(m.FS_READ_BYTES)), "{{instance}} {{name}} read"),
        Query(_by_name(_rate(m.FS_WRITE_BYTES)), "{{instance}} {{name}} written"),
    ]
    return lines("Disk: bytes per second", queries, [m.FS_READ_BYTES, m.FS_WRITE_BYTES], unit="bytes", width=12, fill=0)


def _size() -> Panel:
    query = Query(f"topk(20, {_by_name(select(m.SIZE))})", "{{instance}} {{name}}")
    return lines("Own layers", [query], [m.SIZE], first="The twenty largest.", width=12, fill=0)


def _network() -> Panel:
    queries = [
        Query(_by_name(_rate(m.NET_RX_BYTES)), "{{instance}} {{name}} received"),
        Query(_by_name(_rate(m.NET_TX_BYTES)), "{{instance}} {{name}} sent"),
    ]
    return lines("Network: bytes per second", queries, [m.NET_RX_BYTES, m.NET_TX_BYTES], unit="bytes", width=12, fill=0)


def _sources() -> Panel:
    query = Query(f"sum by (instance, source) ({select(m.USAGE_SOURCE)})", "{{instance}} {{source}}")
    return lines("Where usage is read", [query], [m.USAGE_SOURCE], unit="count", width=12, fill=0)


def _images() -> Panel:
    labels = "instance, name, image"
    queries = [
        Query(f"max by ({labels}, image_id, digest) ({select(m.IMAGE)})"),
        Query(f"max by ({labels}) ({select(m.OUTDATED)})"),
    ]
    _, outdated = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Instance", "name": "Container", "image": "Image", "image_id": "Image id", "digest": "Digest", outdated: "Outdated",
    }  # fmt: skip
    return table(
        "Images", queries, columns, [m.IMAGE, m.OUTDATED], width=24, height=8, mappings=words({"1": ("Yes", ORANGE), "0": ("No", GREEN)}),
        colored=["Outdated"], sort="Outdated", descending=True,
    )  # fmt: skip
