"""A few files that a source knows by name: looked at, compared with what is remembered, told and served."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.filewatch import content, metrics, state
from tocsin.filewatch.compare import CONTENT, INODE, Difference, FileChange, compare
from tocsin.filewatch.holders import holders
from tocsin.filewatch.places import Hung, Places, ask, read_places, resolved
from tocsin.filewatch.state import DATABASE, FILE, GROWING, NOT_WANTED, FileState, Seen, Unseen, shown
from tocsin.filewatch.tell import Teller
from tocsin.filewatch.texts import Texts
from tocsin.magic import written_here
from tocsin.source import Run

_KEY, _WATCHED = "states", "watched"
_SETTLE = 0.35
_MOVING: dict[str, Any] = {"size": 0, "mtime_ns": 0, "ctime_ns": 0}
_STALE_NS = 600 * 10**9
_UP_TO, _TEXT_UP_TO = 16 * 2**20, 256 * 1024


@dataclass(frozen=True, slots=True)
class Watched:
    """One path, and what of it matters."""

    path: str | Path
    content: bool = False
    """Whether a change of its content is news. Databases' never is: they are not even read."""
    diff: bool = False
    """Whether such an event carries a masked diff of its text."""
    comes_and_goes: bool = False
    """Whether it is made and removed in the course of things, like a write-ahead log: then only who may use it matters."""
    grows: bool = False
    """Whether it is a log."""
    database: bool = False
    """Whether it is a database: when it goes, who has it open still is told."""


def collect_paths(
    run: Run, paths: Iterable[Watched | Path | str], *, patience: float = 2.0, key: str = "", database: str | None = None
) -> dict[str, Seen]:
    """Look at each path, tell what has changed since the last run that succeeded, emit the series, and return what was seen.

    The first sight of a path is a baseline without events. What cannot be looked at stands as it was. `patience` is the time in
    seconds that a file system of another machine gets for each answer. `key` tells one set of paths of a run from another;
    `database` is the event's. The collector declares `metrics.METRICS` and EventKind.FILE.
    """
    watched = {str(w.path): w for w in (p if isinstance(p, Watched) else Watched(p) for p in paths)}
    places = read_places()
    kept = run.recall(f"{_KEY}{key}")
    old = state.load(kept)
    before = frozenset(json.loads(run.recall(f"{_WATCHED}{key}") or b"[]"))
    now = {path: see(path, places, patience) for path in watched}
    if any(seen is None and path in old and not watched[path].comes_and_goes for path, seen in now.items()):
        time.sleep(min(_SETTLE, run.remaining()))  # removed and made anew in a moment is replaced
        now |= {path: see(path, places, patience) for path, seen in now.items() if seen is None}
    teller, texts = Teller(run, database=database), Texts(run)
    fresh: dict[str, FileState] = {}
    for path, seen in now.items():
        entry, was = watched[path], old.get(path)
        if isinstance(seen, Unseen):
            if was is not None:
                fresh[path] = was
        else:
            text = None
            if seen is not None:
                seen, text = _with_content(path, entry, seen, was, places, patience)
                now[path] = seen
                fresh[path] = _worth_remembering(entry, was, seen)
            difference = compare(path, was, seen, grows=entry.grows) if path in before else None
            diff = texts.diff(path, text, was is not None) if text is not None or seen is None else None
            if difference is not None and (said := _news(entry, difference)) is not None:
                teller.tell(said, diff, **_held(entry, said))
        if now[path] is not None or not entry.comes_and_goes:  # that such a file is away is no news
            metrics.emit_file(run, path, now[path])
    if (data := state.dump(fresh)) != kept:
        run.remember(f"{_KEY}{key}", data)
    if before != watched.keys():
        run.remember(f"{_WATCHED}{key}", json.dumps(sorted(watched)).encode())
    teller.finish()
    return now


def see(path: str, places: Places, patience: float) -> Seen:
    """Look at one path, however its file system fares; what hangs is Unseen."""
    try:
        real = resolved(path, places, patience)
        place = places.of(real)
        return ask(place, lambda: state.look(real, stable_inodes=place.stable_inodes), patience)
    except Hung:
        return hung(path, places)
    except OSError as error:
        return state.unseen(path, error)


def hung(path: str, places: Places) -> Unseen:
    return Unseen("timeout", f"{shown(path)} cannot be looked at: the file system at {shown(places.of(path).point)} does not answer")


def _with_content(
    path: str, entry: Watched, seen: FileState, was: FileState | None, places: Places, patience: float
) -> tuple[FileState, str | None]:
    """Return the state with its digest where that matters: the one that is known, while nothing has moved."""
    if seen.kind != FILE:
        return seen, None
    if entry.database:
        return seen._replace(undigested=DATABASE), None
    if entry.grows or not entry.content:
        return seen._replace(undigested=GROWING if entry.grows else NOT_WANTED), None
    if was is not None and was.moved == seen.moved and (was.digest or was.undigested == DATABASE):
        return seen._replace(digest=was.digest, undigested=was.undigested), None
    try:
        found = ask(
            places.of(path),
            lambda: content.read(path, seen, ours=written_here(), up_to=_UP_TO, text_up_to=_TEXT_UP_TO if entry.diff else 0),
            patience + seen.size / 2**20,
        )
    except Hung:
        return seen, None
    return found


def _worth_remembering(entry: Watched, was: FileState | None, seen: FileState) -> FileState:
    """Return the state to remember: for a while the one before, where only sizes and times moved, which move with every write."""
    if was is None or entry.content or entry.grows or was._replace(**_MOVING) != seen._replace(**_MOVING):
        return seen
    return seen if abs(seen.mtime_ns - was.mtime_ns) > _STALE_NS else was


def _held(entry: Watched, difference: Difference) -> dict[str, str]:
    """Return which processes still use a database that has no name any more: what they write is gone when they end."""
    if not entry.database or difference.change not in (FileChange.DROPPED, FileChange.REPLACED):
        return {}
    words = ", ".join(holders(difference.path))
    return {"still_open_in": words} if words else {}


def _news(entry: Watched, difference: Difference) -> Difference | None:
    """Return what of a difference matters of that path."""
    ignored = {INODE, CONTENT} if entry.comes_and_goes else set() if entry.content else {CONTENT}
    attributes = tuple(a for a in difference.attributes if a not in ignored)
    if difference.change in (FileChange.ADDED, FileChange.DROPPED):
        return None if entry.comes_and_goes else difference
    if not attributes:
        return None
    change = FileChange.REPLACED if INODE in attributes else FileChange.ALTERED
    return Difference(difference.path, change, difference.old, difference.new, attributes, difference.detail, difference.shrank)
