"""Watched files and the disks they lie on: what changed, what grows, what cannot be seen, and what watching costs."""

from __future__ import annotations

from grafana.schema import NONE_IS_GOOD, RISKS
from tocsin.bundle.dashboard import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Json,
    Panel,
    Query,
    annotation,
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
from tocsin.filewatch import metrics as m
from tocsin.sources.files import metrics as f
from tocsin.sources.host import metrics as host

THERE = words({"1": ("there", GREEN), "0": ("missing", RED)})
RATE = "[$__rate_interval]"
OF_SECURITY = select(m.CHANGES, 'security="yes"')
TAKEN = f"({select(host.FS_SIZE)} - {select(host.FS_FREE)})"


def files() -> Json:
    return dashboard(
        "tocsin-files",
        "Tocsin / Files and disks",
        "Watched files, those of databases included: what changed, what grows, what cannot be seen; and the file systems they lie on.",
        jobs=m.EXISTS,
        targets=m.EXISTS,
        annotations=[
            annotation(
                "Changes of files", f"{select(m.CHANGE_TIME)} * 1000", title="{{instance}}: {{path}} {{change}}",
                text="{{object_kind}}, {{risk}}", tags="instance,risk", color=ORANGE,
            )
        ],
        grid=[
            _glance(),
            [_what_changed()],
            [_changes(), _growing()],
            [row("Files")],
            [_files()],
            [row("File systems")],
            [_full(), _free(), _inodes()],
            [row("Watching")],
            [_below(), _modes(), _cost()],
        ],
    )  # fmt: skip


def _glance() -> list[Panel]:
    return [
        stat("Files with series", Query(f"count({select(m.EXISTS)})"), [m.EXISTS], unit="count", thresholds=steps((None, BLUE))),
        stat("Missing", Query(f"count({select(m.EXISTS)} == 0) or vector(0)"), [m.EXISTS], unit="count", thresholds=NONE_IS_GOOD),
        stat(
            "Changes in a day", Query(f"sum(increase({select(m.CHANGES)}[24h])) or vector(0)"), [m.CHANGES],
            first="Of the last 24 hours.", thresholds=steps((None, BLUE)),
        ),
        stat(
            "Security in a day", Query(f"sum(increase({OF_SECURITY}[24h])) or vector(0)"), [m.CHANGES],
            first="Changes that bear on who may do what.", thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Cannot be seen", Query(f"count({select(m.UNSEEN)}) or vector(0)"), [m.UNSEEN], unit="count",
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        stat(
            "Fullest file system", Query(f"max({TAKEN} / ({TAKEN} + {select(host.FS_AVAIL)}))"), [host.FS_SIZE, host.FS_AVAIL],
            unit="ratio", thresholds=steps((None, GREEN), (0.85, ORANGE), (0.95, RED)),
        ),
    ]  # fmt: skip


def _what_changed() -> Panel:
    columns = {
        "Value": "Found", "instance": "Target", "path": "Path", "object_kind": "Kind", "change": "Change", "risk": "Risk",
        "security": "Security",
    }  # fmt: skip
    labels = ", ".join(["instance", *m.CHANGE_TIME.labels])
    return table(
        "What changed", [Query(f"max by ({labels}) ({select(m.CHANGE_TIME)}) * 1000")], columns, [m.CHANGE_TIME], width=24, height=8,
        mappings=RISKS, colored=["Risk"], times=["Value"], sort="Found", descending=True,
        empty="No change of a watched file within the last hour",
    )  # fmt: skip


def _changes() -> Panel:
    query = Query(f"sum by (change, risk) (increase({select(m.CHANGES)}{RATE}))", "{{change}}, {{risk}}")
    return lines("Changes by what happened", [query], [m.CHANGES], width=12, fill=60)


def _growing() -> Panel:
    return lines(
        "Growth", [Query(f"topk(10, delta({select(m.SIZE)}[10m]))", "{{instance}} {{path}}")], [m.SIZE],
        first="Bytes within ten minutes, the ten that grow fastest.", width=12,
    )  # fmt: skip


def _files() -> Panel:
    labels = "instance, path"
    queries = [
        Query(f"max by ({labels}) ({select(m.EXISTS)})"),
        Query(f"max by ({labels}) ({select(m.SIZE)})"),
        Query(f"max by ({labels}) ({select(m.MODIFIED)}) * 1000"),
        Query(f"max by ({labels}, kind, mode, owner, group) ({select(m.INFO)})"),
    ]
    there, size, modified, _ = (value(i, len(queries)) for i in range(len(queries)))
    columns = {
        "instance": "Target", "path": "Path", there: "There", "kind": "Kind", size: "Size", modified: "Modified", "mode": "Mode",
        "owner": "Owner", "group": "Group",
    }  # fmt: skip
    return table(
        "Watched files", queries, columns, [m.EXISTS, m.SIZE, m.MODIFIED, m.INFO], first="Sizes are bytes.", unit="bytes", width=24,
        height=10, mappings=THERE, colored=["There"], times=[modified], sort="Path",
    )  # fmt: skip


def _full() -> Panel:
    query = Query(f"{TAKEN} / ({TAKEN} + {select(host.FS_AVAIL)})", "{{instance}} {{mountpoint}}")
    return lines("Full", [query], [host.FS_SIZE, host.FS_AVAIL], unit="ratio", width=8, fill=0)


def _free() -> Panel:
    return lines("Free space", [Query(select(host.FS_AVAIL), "{{instance}} {{mountpoint}}")], [host.FS_AVAIL], width=8, fill=0)


def _inodes() -> Panel:
    query = Query(f"1 - {select(host.FS_FILES_FREE)} / ({select(host.FS_FILES)} > 0)", "{{instance}} {{mountpoint}}")
    return lines("Inodes used", [query], [host.FS_FILES, host.FS_FILES_FREE], unit="ratio", width=8, fill=0)


def _below() -> Panel:
    return lines("Size below watched paths", [Query(select(f.BYTES), "{{instance}} {{path}}")], [f.BYTES], width=8, fill=0)


def _modes() -> Panel:
    return lines("Directories by how they are watched", [Query(select(f.MODE), "{{instance}} {{mode}}")], [f.MODE], unit="count", width=8)


def _cost() -> Panel:
    queries = [
        Query(f"rate({select(f.LOOKS)}{RATE})", "{{instance}} looks, {{cause}}"),
        Query(f"max by (instance) ({select(f.PENDING)})", "{{instance}} files to be read"),
    ]
    return lines("Looks a second, and files still to be read", queries, [f.LOOKS, f.PENDING], unit="none", width=8)
