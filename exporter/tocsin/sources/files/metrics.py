"""The series of a files target beside those of each file, and its thresholds."""

from __future__ import annotations

from tocsin.metric import Metric, counter, gauge
from tocsin.source import Threshold

UP = gauge("tocsin_files_up", "Whether the configured paths could be looked at.")

FILES = gauge("tocsin_files", "Watched files below a configured path, links and others that are no directory included.", ("path",))
DIRECTORIES = gauge("tocsin_files_directories", "Watched directories below a configured path.", ("path",))
BYTES = gauge("tocsin_files_size_bytes", "Size of all watched files below a configured path.", ("path",))
UNSHOWN = gauge("tocsin_files_without_series", "Files that have no series of their own, for want of room (`most_series`).")
MODE = gauge("tocsin_files_looked_into", "Directories by how their changes are found: told by the kernel, or found by looking.", ("mode",))
UNSEEN = gauge("tocsin_files_unseen", "Directories that cannot be looked at, by reason; what was known of them stands.", ("reason",))
LIMIT = gauge(
    "tocsin_files_limit_reached",
    "Whether something is left out by a limit: of files, depth, links that are followed, time or watches.",
    ("limit",),
)
PENDING = gauge("tocsin_files_unread", "Files whose content is still to be read for the first time, or again after a change.")
READ = counter("tocsin_files_read_bytes_total", "Bytes of files read for digests since start.")
LOOKS = counter(
    "tocsin_files_looks_total",
    "Looks into directories since start, by what called for them: the kernel told, the clock, the start, or a queue that ran over.",
    ("cause",),
)
REFUSALS = counter(
    "tocsin_files_watch_refusals_total",
    "Directories for which the kernel had no watch left (fs.inotify.max_user_watches) since start; they are looked at instead.",
)
LOOK_AGE = gauge("tocsin_files_look_age_seconds", "Time since the look into that directory which has waited for one longest.")

METRICS: tuple[Metric, ...] = (FILES, DIRECTORIES, BYTES, UNSHOWN, MODE, UNSEEN, LIMIT, PENDING, READ, LOOKS, REFUSALS, LOOK_AGE)

LIMITS = ("files", "depth", "links", "time", "watches")

THRESHOLDS = (
    Threshold("file_growth_bytes", "Bytes by which a watched file has grown within an hour.", "bytes", float(2**30), float(10 * 2**30)),
    Threshold("files_growth_bytes", "Bytes by which the files below a configured path have grown within an hour.", "bytes", None, None),
    Threshold("files_look_age_seconds", "Time for which a watched directory was not looked at.", "seconds", 3600, None),
)
