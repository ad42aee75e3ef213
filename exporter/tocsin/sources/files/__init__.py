"""Files and directories: what they are, and what happens to them."""

from __future__ import annotations

from tocsin.event import EventKind
from tocsin.filewatch import metrics as of_file
from tocsin.source import Collector, Module, Source
from tocsin.sources.files import metrics as m
from tocsin.sources.files.config import FilesOptions

_collect = Module("tocsin.sources.files.collect")
_listen = Module("tocsin.sources.files.listen")
_session = Module("tocsin.sources.files.session")

SOURCE = Source(
    kind="files",
    help="files and directories: what is there, who may use it, and each change of it",
    options=FilesOptions,
    open=_session.FilesSession,
    up=m.UP,
    collectors=(
        Collector(
            "files",
            "size, times, permissions, owners and content of watched files, and what changed of them",
            (*m.METRICS, *of_file.METRICS),
            _collect.collect_files,
            every=10.0,
            timeout=60.0,
            events=(EventKind.FILE,),
            wakes=True,
        ),
    ),
    thresholds=m.THRESHOLDS,
    listen=_listen.listen,
)
