"""Files as plain values: what they are, how two looks differ, what is told of that, and what is remembered. Knows no source.

For a source that knows a few files by name, such as a database's own, all of it is one call in a scheduled collector that declares
`metrics.METRICS` (all of them) and `events=(EventKind.FILE,)`:

    from tocsin.filewatch import Watched, collect_paths

    def collect_files(session, run):
        collect_paths(run, (Watched(path), Watched(f"{path}-wal", comes_and_goes=True), Watched(conf, content=True, diff=True)))

It takes care of file systems that hang (state `Unseen`, reason timeout), of what may not be looked at (reason permission, never
"gone"), of the baseline, of events exactly once across restarts, of files that change all the time, and of series.

The parts, for who needs them alone:

- `state`    FileState (one name in a directory), `look(path) -> FileState | Unseen | None`, `shown(path)` for labels and messages,
             `dump` and `load` for what is remembered.
- `content`  `read(path, state, up_to=..., text_up_to=...)`: the state with a digest, or why there is none. Never of a database.
- `compare`  `compare(path, old, new) -> Difference | None` of one name.
- `directory` `differences(directory, old, new, grows=names)` of all names of one, with `replaced` and `rotated` told apart by
             `rotation` and `heads`.
- `risk`     `weigh(difference)`: risk, reason in words, whether it bears on security.
- `events`   `file_event(difference, diff)`.
- `tell`     Teller: bounded events, counters, recent changes; `finish()` emits.
- `texts`    masked texts between runs, and their unified diffs.
- `places`   what is mounted where; `ask` looks at what may hang from the side (`beside`).
- `metrics`  the series of a file, `emit_file(run, path, seen)`.
"""

from __future__ import annotations

from tocsin.filewatch.compare import Difference, FileChange, compare
from tocsin.filewatch.directory import differences
from tocsin.filewatch.metrics import METRICS, emit_file
from tocsin.filewatch.paths import Watched, collect_paths
from tocsin.filewatch.risk import weigh
from tocsin.filewatch.state import FileState, Seen, Unseen, look, shown
from tocsin.filewatch.tell import Teller

__all__ = [
    "METRICS", "Difference", "FileChange", "FileState", "Seen", "Teller", "Unseen", "Watched",
    "collect_paths", "compare", "differences", "emit_file", "look", "shown", "weigh",
]  # fmt: skip
