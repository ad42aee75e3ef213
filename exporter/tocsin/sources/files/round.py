"""One run through a target's directories: those that may have moved, those whose time has come, and what is to be told of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tocsin.event import Risk
from tocsin.filewatch.compare import Difference, FileChange, compare
from tocsin.filewatch.content import BESIDE_DATABASES
from tocsin.filewatch.directory import differences
from tocsin.filewatch.paths import hung
from tocsin.filewatch.places import Hung, Place, Places, Way, read_places, resolved
from tocsin.filewatch.risk import weigh
from tocsin.filewatch.rotation import rotated_from
from tocsin.filewatch.shelf import Shelf
from tocsin.filewatch.state import DATABASE, DIRECTORY, FILE, PENDING, FileState, Unseen, shown, unseen
from tocsin.filewatch.tell import Teller
from tocsin.filewatch.texts import Texts
from tocsin.magic import written_here
from tocsin.source import Run
from tocsin.sources.files.look import Listing, Reader, listing
from tocsin.sources.files.scope import Earlier, Scope
from tocsin.sources.files.settle import Settling
from tocsin.sources.files.view import Folder, View, is_below, join
from tocsin.sources.files.volume import DATA, plumbing

_LONGEST_MARGIN, _MARGIN_SHARE = 5.0, 0.1
"""Seconds before the deadline at which no further directory is begun, no more than this share of the time that a run has."""
_LARGE = 1_000
"""Names in a directory from which on only those are looked at that the kernel told of."""


@dataclass(slots=True)
class Arrival:
    """A directory that came, told when it is known what is in it."""

    difference: Difference
    files: int = 0
    size: int = 0
    silent: bool = False
    """Whether it is told otherwise: it only has another name."""


@dataclass(slots=True)
class _Step:
    """A directory to look into. `fresh`: it was not there before, and what is in it is news; with `arrival` news of that one."""

    path: str
    names: set[str] | None = None
    fresh: bool = False
    arrival: Arrival | None = None
    again: frozenset[str] = frozenset()
    """Names of files that are read even if they have not moved."""


@dataclass
class Round:
    """What one run does; everything that it finds is written at its end, or not at all."""

    view: View
    run: Run
    earlier: Earlier | None = None
    """What was watched when the journal was last written, where that was another configuration: what appears beyond it is no news."""
    places: Places = field(default_factory=read_places)
    ours: frozenset[tuple[int, int]] = field(default_factory=written_here)
    steps: list[_Step] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    reached: dict[str, tuple[str, list[Way]]] = field(default_factory=dict)
    """By the directory in which a configured path begins, where it is, and the links that lead there."""

    def __post_init__(self) -> None:
        self.teller = Teller(self.run, per_hour=self.view.options.events_per_hour)
        self.texts = Texts(self.run)
        self.settling = Settling(self.view)
        self.margin = min(_LONGEST_MARGIN, _MARGIN_SHARE * self.run.remaining())

    def go(self, cause: str) -> None:
        """Take all steps that are planned and those that follow from them, as far as there is time."""
        view = self.view
        while self.steps:
            if self.run.remaining() < self.margin:
                view.limits.add("time")
                view.due.update({step.path: None for step in self.steps})
                self.steps.clear()
                break
            step = self.steps.pop()
            view.looks[cause] += 1
            view.due.pop(step.path, None)
            self._take(step)

    def plan(self, paths: Iterable[str], names: dict[str, set[str] | None] | None = None) -> None:
        """Plan to look into directories, in order."""
        known = self.view.folders
        steps = [_Step(path, (names or {}).get(path)) for path in paths if path in known]
        self.steps += sorted(steps, key=lambda step: step.path, reverse=True)

    def plan_bases(self) -> None:
        """See to it that the directories are known in which the configured paths begin, wherever links lead to."""
        view = self.view
        for base in view.patterns.bases:
            ways: list[Way] = []
            try:
                real = self._real(base, ways)
            except (Hung, OSError) as error:
                view.unseen[base] = hung(base, self.places) if isinstance(error, Hung) else unseen(base, error)
                continue
            self.reached[base] = (real, ways)
            folder = view.folders.get(base)
            if folder is not None and folder.real == real:
                # That one above it was moved, or something is mounted over one, nobody tells.
                if not folder.looked or (not self.places.of(real).may_hang and view.tree.is_astray(base, real)):
                    self.plan([base])
                continue
            if folder is not None:  # a link on the way leads somewhere else now
                self._forget_below(base)
            scope = view.patterns.of(base)
            assert scope is not None
            view.folders[base] = Folder(base, real, scope, 0, base=True)
            self.plan([base])

    def plan_mounts(self) -> None:
        """Plan to look where something was mounted or unmounted since the last run, and below: nobody tells of that."""
        before, self.view.places = self.view.places, self.places
        points = before.differ_at(self.places) if before is not None else set()
        if points:
            above = {point.rpartition("/")[0] or "/" for point in points}
            inner_first = sorted(points, reverse=True)
            for folder in self.view.folders.values():
                point = next((p for p in inner_first if is_below(folder.real, p)), None)
                if point is not None:
                    is_there = self.places.is_point(point)
                    folder.mounted = f"the file system at {shown(point)} " + ("was mounted meanwhile" if is_there else "was unmounted")
            self.plan([f.path for f in self.view.folders.values() if f.real in above or f.mounted])

    def _real(self, base: str, ways: list[Way]) -> str:
        if base == "/":
            return base
        # The links on the way to what lies in it are followed, its own included.
        return resolved(join(base, "x"), self.places, self.view.options.patience, ways).removesuffix("/x") or "/"

    def listen_above(self) -> None:
        """Have the kernel tell when bases are elsewhere: after all directories have their watches, of which there may be too few."""
        for base, (real, ways) in self.reached.items():
            if self.view.tree.is_open:
                self.view.ways.stand(base, real, ways, self.places)

    def _forget_below(self, base: str) -> None:
        for path in [p for p in self.view.folders if is_below(p, base)]:
            self.view.drop(path)

    def _lost_sight(self, step: _Step, folder: Folder, place: Place) -> None:
        """Let go of a directory's watch where another is found there now: all in it, and all below, has to be looked at."""
        tree = self.view.tree
        if tree.is_watched(folder.path) and (place.may_hang or tree.is_astray(folder.path, folder.real)):
            tree.forget(folder.path)
            step.names = None
            self.plan([p for p in self.view.folders if p != folder.path and is_below(p, folder.path)])

    def _take(self, step: _Step) -> None:
        view, folder = self.view, self.view.folders.get(step.path)
        if folder is None:
            return
        place = self.places.of(folder.real)
        if place.of_the_kernel:
            view.unseen[folder.path] = Unseen("config", f"{folder.path} is the kernel's ({place.fs_type}), and no place of files")
            return
        self._lost_sight(step, folder, place)
        folder.mode = "polling" if place.may_hang else view.tree.watch(folder.path, folder.real)
        names = step.names if folder.files > _LARGE and self._are_enough(folder, step) else None
        try:
            found = listing(view, folder, self.places, names, view.options.most_files + 1, self.ours)
        except Hung:
            view.unseen[folder.path] = hung(folder.real, self.places)
            return
        except (FileNotFoundError, NotADirectoryError):
            if not folder.base:  # the directory above tells of it
                view.tree.mark(folder.path.rpartition("/")[0] or "/", None)
                return
            found, folder.mode = Listing(), "polling"
        except OSError as error:
            view.unseen[folder.path] = unseen(folder.path, error)
            return
        view.unseen.pop(folder.path, None)
        for name in self.places.that_may_hang_in(folder.real):
            view.unseen.pop(join(folder.path, name), None)
        for name in found.hung:
            view.unseen[join(folder.path, name)] = hung(join(folder.real, name), self.places)
        if not view.ways.lead(folder.path, found.ways, names, self.places):
            folder.mode = "polling"
        folder.looked = time.monotonic()
        mark = found.mark() if names is None else None
        if mark is None or mark != folder.mark or step.fresh or step.again:
            self._compare(step, folder, found, mark)
        if not self.settling.held(folder.path):
            folder.mounted = ""

    def _are_enough(self, folder: Folder, step: _Step) -> bool:
        """Tell whether the names that the kernel told of are all that need be looked at: of logs their neighbours must be."""
        if not step.names or step.fresh or step.again or folder.looked == 0:
            return False
        return not any(self.view.grows.match(folder.path, name) or rotated_from(name) for name in step.names)

    def _compare(self, step: _Step, folder: Folder, found: Listing, mark: int | None) -> None:
        view = self.view
        shelf = Shelf(self.run, folder.path)
        partial = mark is None
        baseline = not shelf.existed and not step.fresh
        old = {} if step.fresh and not shelf.existed else shelf.some(step.names or ()) if partial else shelf.states()
        new = self._bounded(folder, found, old)
        reader = Reader(view, folder, self.places, self.ours, self.run.remaining() > 2 * self.margin)
        reader.fill(found, old, step.again)
        quiet = baseline or step.arrival is not None
        changes = [] if quiet else self._changes(folder, old, new, reader.waiting)
        for d in self._tell_hidden(folder, changes) if folder.mounted else changes:
            self._tell(folder, d, reader)
        if step.arrival is not None:
            self._count_arrival(step.arrival, folder, new)
        self._remember_texts(folder, reader, new, changes)
        self._save(shelf, old, new, partial)
        self._note(folder, old, new, mark, partial=partial)
        held = self.settling.held(folder.path) | reader.waiting
        if held or found.cut:
            folder.mark = None
            view.due[folder.path] = held if partial else None
        renamed = {d.detail["new_name"]: d.path for d in changes if d.change is FileChange.RENAMED}
        self._follow(step, folder, old, new, renamed, baseline=baseline)

    def _changes(self, folder: Folder, old: dict[str, FileState], new: dict[str, FileState], waiting: set[str]) -> list[Difference]:
        """Return what is to be told now; what may not be over is taken back in `new`."""
        grown = {name for name in {*old, *new} if self.view.grows.match(folder.path, name)}
        found = [d for d in differences(folder.path, old, new, grows=grown) if self._is_watched(folder, d, old, new)]
        news = [d for d in found if d.change is not FileChange.ADDED or self._was_covered(d.path, d.subject.kind)]
        return self.settling.hold(folder.path, news, old, new, waiting, bool(grown))

    def _bounded(self, folder: Folder, found: Listing, old: dict[str, FileState]) -> dict[str, FileState]:
        """Return what was found, as far as there is room; what could not be looked at stands as it was."""
        view, new = self.view, found.states
        for name in (*found.denied, *found.hung):
            if name in old:
                new[name] = old[name]
        if found.denied:
            view.unseen[folder.path] = Unseen("permission", f"names in {folder.path} may not be looked at by this user")
        if found.cut:
            new |= {name: state for name, state in old.items() if name not in new}
        room = view.options.most_files - (view.files - folder.files)
        if len(new) > room:
            view.limits.add("files")
            for name in sorted(name for name in new if name not in old)[max(0, room - len(old)) :]:
                del new[name]
        return new

    def _is_watched(self, folder: Folder, d: Difference, old: dict[str, FileState], new: dict[str, FileState]) -> bool:
        name = d.path.rpartition("/")[2]
        if folder.scope.owner(name) is None or (d.new is None and self.view.exclude.match(folder.path, name)):
            return False
        if name in plumbing(old, new) and (name == DATA or d.change in (FileChange.ADDED, FileChange.DROPPED)):
            return False
        if d.change not in (FileChange.ADDED, FileChange.DROPPED, FileChange.REPLACED):
            return True
        # What a database keeps beside its file comes and goes with its users.
        for suffix in BESIDE_DATABASES:
            owner = new.get(name.removesuffix(suffix)) or old.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
            if owner is not None and owner.undigested == DATABASE:
                return False
        return True

    def _was_covered(self, path: str, kind: str) -> bool:
        above, _, name = path.rpartition("/")
        return self.earlier is None or self.earlier.covered(above or "/", name, is_directory=kind == DIRECTORY)

    def _tell(self, folder: Folder, d: Difference, reader: Reader) -> None:
        name = d.path.rpartition("/")[2]
        if d.subject.kind == DIRECTORY and d.change is FileChange.ADDED and folder.scope.into(name, d.path) is not None:
            return  # told when it is known what is in it: see _follow
        if d.change is FileChange.DROPPED and d.subject.kind == DIRECTORY:
            files = self._count_below(d.path)
            d = replace(d, detail=d.detail | {"files": files}) if files else d
        diff = None
        if d.change in (FileChange.ALTERED, FileChange.REPLACED) and name in reader.texts:
            diff = self._diff(d.path, reader.texts.pop(name), compared=True)
        self.teller.tell(d, diff)

    def _tell_hidden(self, folder: Folder, changes: list[Difference]) -> list[Difference]:
        """Tell in few words what came and went because something was mounted or unmounted; return what is to be told one by one."""
        gone = [d for d in changes if d.change is FileChange.DROPPED]
        came = [d for d in changes if d.change is FileChange.ADDED and d.subject.kind != DIRECTORY and not weigh(d).security]
        for found, risk, words in (
            (gone, Risk.BREAKING, "what was there is not lost, but who opens it finds nothing"),
            (came, Risk.SAFE, "nothing that was there is touched"),
        ):
            if found:
                count = sum(max(1, self._count_below(d.path)) if d.subject.kind == DIRECTORY else 1 for d in found)
                reason = f"{folder.mounted}: {words}"
                self.teller.tell_as_one(folder.path, found[0].change, risk, reason, [d.path for d in found], files=count)
        told = {d.path for d in (*gone, *came)}
        return [d for d in changes if d.path not in told]

    def _diff(self, path: str, text: str | None, *, compared: bool) -> str | None:
        found, more = self.texts.exchange(path, text, compared)
        self.view.texts += more
        self.view.texts_more += more
        return found

    def _remember_texts(self, folder: Folder, reader: Reader, new: dict[str, FileState], changes: list[Difference]) -> None:
        held = self.settling.held(folder.path)  # is read again, and compared with what is remembered then
        for name, text in reader.texts.items():
            if name in new and name not in held:
                self._diff(join(folder.path, name), text, compared=False)
        for d in changes:
            stays = d.new is not None and d.new.digest is not None and d.change is not FileChange.RENAMED
            gone = d.old is not None and d.old.kind == FILE and not stays
            if gone and self.view.diff.match(folder.path, d.path.rpartition("/")[2]):
                self._diff(d.path, None, compared=False)

    def _count_arrival(self, arrival: Arrival, folder: Folder, new: dict[str, FileState]) -> None:
        for name, state in new.items():
            if folder.scope.owner(name) is None:
                continue
            arrival.files += state.kind != DIRECTORY
            arrival.size += state.size
            d = compare(join(folder.path, name), None, state)
            if d is not None and not arrival.silent and state.kind != DIRECTORY and weigh(d).security:
                self.teller.tell(d)

    @staticmethod
    def _save(shelf: Shelf, old: dict[str, FileState], new: dict[str, FileState], partial: bool) -> None:
        moved = [name for name in {*old, *new} if old.get(name) != new.get(name)]
        if not moved and shelf.existed:
            return
        if not partial:
            shelf.states()
        for name in moved:
            shelf.put(name, new.get(name))
        shelf.save()

    def _note(self, folder: Folder, old: dict[str, FileState], new: dict[str, FileState], mark: int | None, *, partial: bool) -> None:
        """Take in what the directory holds now, for the series and for the next look."""
        view = self.view
        counts = {owner: list(numbers) for owner, numbers in folder.counts.items()} if partial else {}
        files, pending = (folder.files, folder.pending) if partial else (0, 0)
        steps = [(-1, old), (1, new)] if partial else [(1, new)]
        for sign, states in steps:
            for name, state in states.items():
                owner = folder.scope.owner(name)
                files += sign
                pending += sign * (state.undigested == PENDING)
                if owner is None:
                    continue
                numbers = counts.setdefault(owner, [0, 0, 0])
                numbers[state.kind == DIRECTORY] += sign
                numbers[2] += sign * state.size
        view.put(folder, counts, files, pending)
        self._show(folder, old, new)
        folder.mark = mark  # None after a look at some names: the next full one compares all

    def _show(self, folder: Folder, old: dict[str, FileState], new: dict[str, FileState]) -> None:
        """Keep the states of files that have series of their own."""
        view = self.view
        shown = view.shown
        for name in old:
            if name not in new:
                shown.pop(join(folder.path, name), None)
                view.named.pop(join(folder.path, name), None)
        room = view.options.most_series
        for name in sorted(new) if len(shown) < room else new:
            state, path = new[name], join(folder.path, name)
            if path in view.explicit:
                view.named[path] = state
            elif path in shown or (state.kind != DIRECTORY and len(shown) < room and folder.scope.owner(name) is not None):
                shown[path] = state

    def _follow(
        self,
        step: _Step,
        folder: Folder,
        old: dict[str, FileState],
        new: dict[str, FileState],
        renamed: Mapping[str, str],
        *,
        baseline: bool,
    ) -> None:
        """Plan to look into directories that are new here, and forget those that have gone."""
        view, of_volume = self.view, plumbing(old, new)
        for name, state in new.items():
            if state.kind != DIRECTORY:
                continue
            path = join(folder.path, name)
            scope = folder.scope.into(name, path)
            if scope is None:
                continue
            before = old.get(name)
            came = (before is None or before.kind != DIRECTORY) and not baseline and self._was_covered(path, DIRECTORY)
            is_told = before is not None or name in of_volume
            if name in renamed:
                came = False
                self._carry(renamed[name], path)
            if folder.depth >= view.options.depth:
                view.limits.add("depth")
                if came:
                    self._arrival(step, folder, path, state, is_told)
                continue
            known = view.folders.get(path)
            if known is None:
                view.folders[path] = Folder(path, join(folder.real, name), scope, folder.depth + 1)
            elif not came and before is not None and before[:4] == state[:4] and before.inode == state.inode:
                continue  # it tells of itself
            self.steps.append(_Step(path, fresh=came, arrival=self._arrival(step, folder, path, state, is_told) if came else None))
        for name, state in old.items():
            if state.kind == DIRECTORY and (name not in new or new[name].kind != DIRECTORY):
                path = join(folder.path, name)
                self._forget(path, folder.scope.into(name, path), told=folder.scope.owner(name) is not None or self.earlier is not None)

    def _carry(self, old: str, new: str) -> None:
        """Remember what was in a renamed directory under its new name: what is not the same in it is news."""
        kept, shelf = Shelf(self.run, old), Shelf(self.run, new)
        if not kept.existed:
            return
        for name, state in kept.states().items():
            shelf.put(name, state)
            if state.kind == DIRECTORY:
                self._carry(join(old, name), join(new, name))
        shelf.save()

    def _arrival(self, step: _Step, folder: Folder, path: str, state: FileState, known: bool) -> Arrival | None:
        if folder.scope.owner(path.rpartition("/")[2]) is None:
            return None
        if step.arrival is not None:
            return step.arrival
        self.arrivals.append(Arrival(Difference(path, FileChange.ADDED, None, state), silent=known))
        return self.arrivals[-1]

    def _count_below(self, path: str) -> int:
        states = Shelf(self.run, path).states()
        return sum(1 if s.kind != DIRECTORY else self._count_below(join(path, name)) for name, s in states.items())

    def _forget(self, path: str, scope: Scope | None, *, told: bool) -> None:
        """Forget a directory that has gone, with all below it; tell of its files where it was only on the way to them."""
        if self.view.patterns.at(path):  # a configured path begins here: it is looked at for itself, and keeps its memory
            self.plan([path])
            return
        shelf = Shelf(self.run, path)
        for name, state in shelf.states().items():
            below = join(path, name)
            if state.kind == DIRECTORY:
                self._forget(below, scope.into(name, below) if scope is not None else None, told=told)
            elif not told and scope is not None and scope.owner(name) is not None:
                self.teller.tell(Difference(below, FileChange.DROPPED, state, None))
            if self.view.diff.match(path, name):
                self._diff(below, None, compared=False)
        shelf.forget()
        self.view.drop(path)

    def again(self, path: str, names: frozenset[str]) -> None:
        """Look into a directory and read those files, though nothing tells that they have moved."""
        self.steps.append(_Step(path, again=names))
        self.go("clock")

    def forget_bases(self, bases: Iterable[str]) -> None:
        """Forget what was remembered of directories that are watched no longer; what is watched below them keeps its memory."""
        for base in bases:
            if self.view.patterns.of(base) is None:
                self._forget(base, None, told=True)

    def finish(self) -> None:
        """Tell of what came as a whole, and let the teller write."""
        for arrival in self.arrivals:
            if arrival.silent:
                continue
            self.teller.tell(arrival.difference, files=arrival.files or None, bytes=arrival.size or None)
        self.teller.finish()
