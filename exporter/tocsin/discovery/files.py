"""Databases in files: SQLite and DuckDB under the configured folders, told by their first bytes."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tocsin import magic
from tocsin.discovery.found import Found
from tocsin.errors import CollectError, ConnectError, DeadlineError, PrivilegeError, SetupError
from tocsin.filewatch.beside import BESIDE, Hung
from tocsin.filewatch.places import Places, read_places, resolved
from tocsin.filewatch.state import shown

_log = logging.getLogger("tocsin.discovery")

MOST_FOLDERS = 20_000
MOST_DEPTH = 10
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal", ".wal")
_SKIPPED = frozenset({
    "overlay2", "lost+found", ".snapshot", ".snapshots", ".zfs", ".cache", ".git", ".mypy_cache", "__pycache__", "node_modules",
})  # fmt: skip
"""Folders of which nobody means the files: layers of containers' images, copies of what is found elsewhere, tools' own leavings."""
_SKIPPED_PATHS = ("/proc", "/sys", "/dev", "/var/lib/containerd", "/var/lib/containers/storage/overlay")
_SETTLED_NS = 2 * 10**9
"""What changed less than this ago may change once more within the same tick of the file system's clock, unseen."""
_MOST_LINKS = 40
_PATIENCE = 2.0
_TRUSTED = 600.0
"""Seconds after which a folder is looked through again though its list of names is the same: a file may be overwritten in place."""


class Folder(NamedTuple):
    """What a folder was seen to hold. While its time of change stands, neither its names nor what is in them is looked at again."""

    changed: int
    looked: float
    folders: tuple[str, ...]
    databases: tuple[tuple[str, str], ...]
    """Name and engine."""
    unsettled: tuple[str, ...]
    """Files that are too short to tell yet; a database is so between its creation and its first table."""


class Finder:
    """Looks through folders, breadth first and in the order of names, so that a bound always cuts off the same.

    It remembers the folders, so that looking again costs a call each. Used by one thread at a time.
    """

    def __init__(self, most_folders: int = MOST_FOLDERS, most_depth: int = MOST_DEPTH, *, tells: bool = True) -> None:
        """`tells` says whether the log hears of folders that are left out for their number."""
        self._known: dict[str, dict[str, Folder]] = {}
        self._most_folders, self._most_depth = most_folders, most_depth
        self._tells = tells
        self.lock = threading.Lock()

    def keep(self, roots: Iterable[str]) -> None:
        """Forget all roots but these."""
        wanted = set(roots)
        self._known = {root: folders for root, folders in self._known.items() if root in wanted}

    def find(self, root: str, places: Places, limit: float) -> Iterator[tuple[str, str]]:
        """Yield path and engine of the databases under a root: a folder, or the file itself. Its own links are followed, none below.

        Raises CollectError for a root that cannot be looked at, and when the time is over: the next look goes on from there.
        """
        real = _start(root, places)
        if not os.path.isdir(real):  # noqa: PTH112
            if (engine := magic.look(real, magic.written_here())) is not None:
                yield real, engine
            return
        known, seen = self._known.setdefault(root, {}), set[str]()
        try:
            yield from self._walk(root, real, places, limit, known, seen)
        except (GeneratorExit, DeadlineError):  # what was not reached this time is kept, within bounds
            if len(known) > 2 * self._most_folders:
                self._known[root] = {path: known[path] for path in seen}
            raise
        self._known[root] = {path: known[path] for path in seen}

    def _walk(
        self, root: str, real: str, places: Places, limit: float, known: dict[str, Folder], seen: set[str]
    ) -> Iterator[tuple[str, str]]:
        todo = deque([(real, 0)])
        while todo:
            if time.monotonic() > limit:
                raise DeadlineError(
                    f"looking for databases under {shown(root)} took too long; the next look goes on from there, or name narrower folders"
                )
            path, depth = todo.popleft()
            if path in seen or (depth and _is_elsewhere(path, places)):
                continue
            if len(seen) >= self._most_folders:
                if self._tells:
                    _complain(f"there are more than {self._most_folders:,} folders under {shown(root)}: the deepest are left out")
                return
            folder = _look(path, known)
            if folder is None:
                if not depth:
                    raise PrivilegeError(f"{shown(root)} may not be read by this user; give tocsin's user read permission on it")
                continue
            seen.add(path)
            for name, engine in folder.databases:
                if _is_text(file := _join(path, name)):
                    yield file, engine
                else:
                    _complain(
                        f"{shown(file)} is a database whose name is no UTF-8 and cannot be written in a label: rename it to have it watched"
                    )
            if depth < self._most_depth:
                todo += ((_join(path, name), depth + 1) for name in folder.folders)


def _look(path: str, known: dict[str, Folder]) -> Folder | None:
    """Return what a folder holds, from memory as far as it has not changed; None for one that may not be read."""
    try:
        changed = os.stat(path, follow_symlinks=False).st_mtime_ns  # noqa: PTH116
        folder = known.get(path)
        if folder is None or folder.changed != changed or time.monotonic() > folder.looked + _TRUSTED:
            folder = _look_through(path, changed)
        elif folder.unsettled:
            databases, unsettled = _look_into(path, folder.unsettled)
            folder = folder._replace(databases=tuple(sorted({*folder.databases, *databases})), unsettled=unsettled)
    except (OSError, ValueError):
        known.pop(path, None)
        return None
    known[path] = folder
    return folder


def _look_through(path: str, changed: int) -> Folder:
    folders, files = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(_BESIDE_A_DATABASE):
                    files.append(entry.name)
            except OSError:
                continue
    databases, unsettled = _look_into(path, files)
    if changed > time.time_ns() - _SETTLED_NS:
        changed = -1
    return Folder(changed, time.monotonic(), tuple(sorted(folders)), tuple(sorted(databases)), unsettled)


def _look_into(path: str, names: Iterable[str]) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return those that are databases with their engines, and those that are too short to tell."""
    ours = magic.written_here()
    databases, unsettled = [], []
    for name in names:
        file = _join(path, name)
        if (engine := magic.look(file, ours)) is not None:
            databases.append((name, engine))
        elif _is_short(file):
            unsettled.append(name)
    return databases, tuple(unsettled)


def _is_short(file: str) -> bool:
    try:
        return os.lstat(file).st_size < magic.HEAD
    except (OSError, ValueError):
        return False


def _start(root: str, places: Places) -> str:
    """Return where a root leads, its own links followed step by step, so that none into what hangs is. Raises CollectError."""
    path = root
    try:
        for _ in range(_MOST_LINKS):
            path = resolved(path, places, _PATIENCE)
            place = places.of(path)
            if place.may_hang or place.of_the_kernel:
                raise SetupError(
                    f"{shown(root)} lies on a file system of type {place.fs_type}, through which no databases are looked for: it may hang, "
                    "and locks there may not hold; name the files themselves as targets"
                )
            if not stat.S_ISLNK(os.lstat(path).st_mode):
                return path
            path = f"{path.rpartition('/')[0]}/{target}" if not (target := os.readlink(path)).startswith("/") else target  # noqa: PTH115
    except FileNotFoundError:
        raise ConnectError(f"{shown(root)} does not exist; create it, or take it out of discovery.files") from None
    except Hung:
        raise DeadlineError(f"the file system of {shown(root)} does not answer") from None
    except (OSError, ValueError) as error:
        raise PrivilegeError(f"{shown(root)} cannot be looked at: {getattr(error, 'strerror', error)}") from None
    raise SetupError(f"{shown(root)} leads from one link to the next without an end")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_elsewhere(path: str, places: Places) -> bool:
    """Tell whether a folder below a root is left out: by its name, or for what is mounted there."""
    if path.rpartition("/")[2] in _SKIPPED or path in _SKIPPED_PATHS:
        return True
    place = places.of(path)
    return place.point == path and (place.may_hang or place.of_the_kernel or place.fs_type == "overlay")  # a container's files


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


@lru_cache(maxsize=1000)
def _complain(words: str) -> None:
    """Say it in the log, once."""
    _log.warning("%s", words)


_FINDER = Finder()


def find(roots: Iterable[str], most: int, seconds: float) -> list[Found]:
    """Return the SQLite and DuckDB databases under some folders, at most so many, and each file once.

    A root that cannot be looked at is told to the log and costs the others nothing. Raises CollectError when that is every one,
    when the time is over, and when a file system hangs.
    """
    roots, limit = [os.path.expanduser(root) for root in map(os.fspath, roots)], time.monotonic() + seconds  # noqa: PTH111
    try:
        # From the side: a folder, or a link to one, may lie on what does not answer and does not show.
        found = BESIDE.do("discovery.files", lambda: _search(roots, most, limit), seconds + 1.0)
    except Hung:
        raise DeadlineError("a file system under discovery.files does not answer; see which hangs, or name other folders") from None
    return [_found(path, engine) for path, engine in found]


def _search(roots: list[str], most: int, limit: float) -> list[tuple[str, str]]:
    places, problems = read_places(), []
    found: dict[magic.Inode, tuple[str, str]] = {}
    with _FINDER.lock:
        _FINDER.keep(roots)
        for root in roots:
            try:
                for path, engine in _FINDER.find(root, places, limit):
                    if (inode := _inode(path)) is not None:
                        found.setdefault(inode, (path, engine))
                    if len(found) >= most:
                        return list(found.values())
            except DeadlineError:
                raise
            except CollectError as error:
                _complain(str(error))
                problems.append(error)
    if problems and len(problems) == len(roots):
        raise problems[0]
    return list(found.values())


def _inode(path: str) -> magic.Inode | None:
    try:
        found = os.lstat(path)
    except OSError:  # gone meanwhile
        return None
    return found.st_dev, found.st_ino


def _found(path: str, engine: str) -> Found:
    name = shown(path.rpartition("/")[2])
    return Found(
        engine=engine, name=name, addresses=(path,), origin="file", place=shown(path), key=path, evidence=(words_of(engine),)
    )  # fmt: skip


def words_of(engine: str) -> str:
    """Return what told that a file is a database."""
    _, at, bytes_ = next(one for one in magic.MAGICS if one[0] == engine)
    text = bytes_.rstrip(b"\0").decode()
    return f"it begins with '{text}'" if not at else f"it has '{text}' at byte {at}"
