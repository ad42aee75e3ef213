"""What is known of a target's directories between runs: how each looked when it was last taken in, and who tells of changes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tocsin.filewatch.content import Pace
from tocsin.filewatch.places import Places
from tocsin.filewatch.state import FileState, Unseen
from tocsin.sources.files.config import FilesOptions
from tocsin.sources.files.scope import Globs, Patterns, Scope
from tocsin.sources.files.ways import Ways
from tocsin.watch_tree import TreeWatch


@dataclass(slots=True)
class Folder:
    """One directory, known by the path that the configuration leads to it by, and found at `real`."""

    path: str
    real: str
    scope: Scope
    depth: int
    base: bool = False
    mark: int | None = None
    """What all names in it looked like when they were last taken in; None: they are to be compared one by one."""
    files: int = 0
    counts: dict[int, list[int]] = field(default_factory=dict)
    """By the number of the configured path: files, directories, bytes."""
    pending: int = 0
    looked: float = 0.0
    mode: str = ""
    mounted: str = ""
    """That something was mounted over it or above, or unmounted, in words; until what that changed has been told."""


class View:
    """Shared by the runs of a target, one at a time, and the thread that hears the kernel; only `tree` is used by both."""

    def __init__(self, options: FilesOptions) -> None:
        self.options = options
        self.patterns = Patterns(options.paths)
        self.exclude = Globs(options.exclude)
        self.grows = Globs(options.grows)
        self.diff = Globs(options.diff)
        self.pace = Pace(options.read_rate)
        self.tree = TreeWatch()
        self.tree.patient = self.grows.match
        self.tree.wants = self._wants
        self.looks: Counter[str] = Counter()
        self.forget()

    def forget(self) -> None:
        """Begin anew: every directory is compared with what the journal remembers."""
        self.tree.clear()
        self.ways = Ways(self.tree)
        self.token: bytes | None = None
        """What the last run that was written remembers; another one in the journal: that run was not the last."""
        self.folders: dict[str, Folder] = {}
        self.places: Places | None = None
        """What was mounted in the last run."""
        self.shown: dict[str, FileState] = {}
        self.named: dict[str, FileState] = {}
        """Of files that have series of their own: some of those that were found, and those that are configured as they are."""
        self.unseen: dict[str, Unseen] = {}
        self.unsettled: dict[tuple[str, str], float] = {}
        self.due: dict[str, set[str] | None] = {}
        """Directories that could not be finished, and are to be taken up by the next run, with the names; None: all."""
        self.limits: set[str] = set()
        self.totals: dict[int, list[int]] = {}
        self.pending = 0
        self.files = 0
        self.texts = self.texts_more = 0
        """Texts that are remembered, and by how many this run has made them more."""
        self.credit = 1.0
        """Seconds of work that may be done without being told of anything."""
        self.credited = time.monotonic()
        self.explicit = {pattern.path for pattern in self.patterns if pattern.path is not None}
        """Paths that are configured as they are: they always have series."""

    def _wants(self, directory: str, name: str) -> bool:
        """Tell whether a name that the kernel tells of is one that is watched, or leads to such ones."""
        if directory.startswith("\0"):
            return self.ways.concern(directory, name)
        folder = self.folders.get(directory)
        if folder is None or folder.scope.everything is not None:
            return not self.exclude.match(directory, name)
        wanted = folder.scope.owner(name) is not None or folder.scope.into(name, join(directory, name)) is not None
        return wanted and not self.exclude.match(directory, name)

    def put(self, folder: Folder, counts: dict[int, list[int]], files: int, pending: int) -> None:
        """Take in what a directory holds now."""
        for sign, these in ((-1, folder.counts), (1, counts)):
            for owner, numbers in these.items():
                total = self.totals.setdefault(owner, [0, 0, 0])
                for i, number in enumerate(numbers):
                    total[i] += sign * number
        self.files += files - folder.files
        self.pending += pending - folder.pending
        folder.counts, folder.files, folder.pending = counts, files, pending

    def drop(self, path: str) -> None:
        """Forget a directory, but for what lies in it."""
        folder = self.folders.pop(path, None)
        if folder is not None:
            self.put(folder, {}, 0, 0)
            for states in (self.shown, self.named):
                for name in [p for p in states if p.rpartition("/")[0] == path]:
                    del states[name]
        self.unseen.pop(path, None)
        self.due.pop(path, None)
        self.tree.forget(path)
        self.ways.forget(path)


def join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory != "/" else f"/{name}"


def is_below(path: str, above: str) -> bool:
    """Tell whether a path is another, or lies below it."""
    return path == above or path.startswith(above.rstrip("/") + "/")


_VIEWS: dict[str, View] = {}
_LOCK = threading.Lock()


def view_of(options: FilesOptions) -> View:
    """Return the one view of a target, whoever asks; another configuration has another."""
    with _LOCK:
        view = _VIEWS.get(options.name)
        if view is None or view.options != options:
            view = _VIEWS[options.name] = View(options)
        return view
