"""What was found, put together with what is configured: which databases become targets, under which names, and what is missing."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol

from tocsin import magic
from tocsin.config import Config
from tocsin.discovery.credentials import plan
from tocsin.discovery.found import Found
from tocsin.discovery.places import Resolver, Spot, split
from tocsin.errors import CollectError
from tocsin.event import one_line
from tocsin.options import TargetOptions
from tocsin.runner import Suspension

_log = logging.getLogger("tocsin.discovery")

LINGER_SECONDS = 600.0
"""How long a database is watched that stopped: alerts about it fire, and a crash loop is one target, not many."""
_NAMES = 200
"""Longest name of a target that a label or a program may choose."""


_MOST_NAMES = 1000
"""How many names are remembered, the latest."""
_IN_FILES = frozenset(engine for engine, _, _ in magic.MAGICS)
_OF_A_CONTAINER = re.compile(r"[0-9a-f]{64}(?::|$)")
"""How the key of what is in a container begins."""


class Memory(Protocol):
    """What keeps names from one start to the next."""

    def recall(self) -> dict[str, str]:
        """Return names by key."""

    def remember(self, names: Mapping[str, str]) -> None:
        """Keep them. Never raises."""


class Search(NamedTuple):
    """What is looked through: containers, processes or files, and of containers through which target of the configuration."""

    finder: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.finder} of {self.target}" if self.target else self.finder


class Catch(NamedTuple):
    """What one look brought: the databases that run, and the ids of all containers there are, stopped ones included."""

    found: Iterable[Found]
    present: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A database and when it was first and last found running (monotonic seconds)."""

    found: Found
    since: float
    seen: float
    runs: bool = True
    """Whether the last look found it."""
    engine_answers: bool = True
    """Whether that look is still true, as far as is known."""

    @property
    def suspension(self) -> Suspension | None:
        """Return why nobody is to connect to it: the address of a container that stopped is soon another one's."""
        if self.found.origin != "container" or not self.found.addresses or not split(self.found.addresses[0])[1]:
            return None
        if not self.runs:
            return Suspension(f"container {one_line(self.found.place)} is stopped", is_down=True)
        if self.found.is_lent and not self.engine_answers:
            return Suspension(
                f"the engine does not answer, so that nobody knows whether {self.found.addresses[0]} is still that of container "
                f"{one_line(self.found.place)}; publish its port to have it watched meanwhile",
                is_down=False,
            )
        return None


@dataclass(slots=True)
class Look:
    """How the looks of a search went."""

    known: dict[str, Kept] = field(default_factory=dict)
    error: CollectError | None = None
    succeeded_at: float | None = None
    """Unix time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """One database that was found, and what comes of it."""

    found: Found
    name: str
    """Of its target; without one as people call it."""
    options: TargetOptions | None
    """The target that discovery made of it; None where the configuration has one, and where it is not watched at all."""
    suspension: Suspension | None = None
    """Why that target is not connected to."""
    monitored_by: str
    """The target that collects from it; empty while it is only watched from outside, or not at all."""
    missing: str
    """What it takes to collect from it, in words with the remedy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of it, as it was last put together."""

    discovered: tuple[Discovered, ...] = ()
    left_out: int = 0

    @property
    def targets(self) -> tuple[TargetOptions, ...]:
        return tuple(d.options for d in self.discovered if d.options is not None)

    @property
    def suspensions(self) -> dict[str, Suspension | None]:
        """The names of the targets, and why each is not connected to."""
        return {d.options.name: d.suspension for d in self.discovered if d.options is not None}


def remember(known: Mapping[str, Kept], catch: Catch, now: float) -> dict[str, Kept]:
    """Return what is known after another look.

    A container that stopped stays for a while as it was last seen running, one that was removed goes at once. Of sockets and
    files nothing tells the two apart: they stay for the while.
    """
    kept = {one.key: Kept(one, known[one.key].since if one.key in known else now, now) for one in catch.found}
    for key, old in known.items():
        removed = old.found.origin == "container" and key.partition(":")[0] not in catch.present
        if key not in kept and not removed and now < old.seen + LINGER_SECONDS and not _is_behind_a_link(old.found):
            kept[key] = replace(old, runs=False)
    return kept


def _is_behind_a_link(found: Found) -> bool:
    """Tell whether somebody has put a link where a file was found: it was found without one."""
    path = found.addresses[0] if found.addresses else ""
    return path.startswith("/") and found.engine in _IN_FILES and os.path.realpath(path) != path


class Discoveries:
    """What searches brought, and what becomes of it under the configuration. Safe for use by several threads."""

    def __init__(self, ours: Collection[Path] = (), memory: Memory | None = None) -> None:
        """`ours` are files of this exporter's own, which are never watched. Without a memory names last as long as this process."""
        self.outcome = Outcome()
        self.looks: dict[Search, Look] = {}
        self._ours = [str(path.absolute()) for path in ours]
        self._config = Config()
        self._resolver = Resolver()
        self._places: dict[str, tuple[TargetOptions, tuple[str, ...]]] = {}
        self._memory = memory
        self._names = memory.recall() if memory is not None else {}
        """By key, also of what is not there now: on its name hangs all that is remembered of a database."""
        self._lock = threading.Lock()

    def apply(self, config: Config, searches: Iterable[Search]) -> None:
        """Put together under this configuration what these searches have brought so far; what others brought is forgotten."""
        with self._lock:
            self._config = config
            self.looks = {search: self.looks.get(search, Look()) for search in searches}
            self._compose()

    def note(self, search: Search, catch: Catch) -> bool:
        """Take in what a look brought, and tell whether the targets are others than before."""
        with self._lock:
            look = self.looks.get(search)
            if look is None:  # it is no longer asked for
                return False
            if look.error is not None:
                _log.warning("discovery of %s works again", one_line(str(search)))
            look.known = remember(look.known, catch, time.monotonic())
            look.error, look.succeeded_at = None, time.time()
            return self._compose_anew()

    def running(self, name: str) -> tuple[str, Found] | None:
        """Return the docker target, by its name, and the container that a target of ours is in; None for one that is in none."""
        found = next((d.found for d in self.outcome.discovered if d.options is not None and d.name == name), None)
        if found is None or found.origin != "container" or not found.runs:
            return None
        searches = (s.target for s, look in self.looks.items() if (kept := look.known.get(found.key)) is not None and kept.runs)
        return next(((target, found) for target in searches if target), None)

    def fail(self, search: Search, error: CollectError) -> bool:
        """Take in that a look failed, and tell whether other targets come of it: what was found before stays."""
        with self._lock:
            look = self.looks.get(search)
            if look is None:
                return False
            if look.error is None or look.error.reason != error.reason:
                _log.warning("discovery of %s failed (%s): %s", one_line(str(search)), error.reason, one_line(str(error)))
            look.error = error
            return self._compose_anew()

    def _compose_anew(self) -> bool:
        before = self.outcome.targets, self.outcome.suspensions
        self._compose()
        return (self.outcome.targets, self.outcome.suspensions) != before

    def _compose(self) -> None:
        config = self._config
        kept = list(_distinct(self._kept()))
        kept = [k for k in kept if not _is_excluded(k.found, config.discovery.exclude)]
        if not kept:
            self.outcome = Outcome()
            return
        self._places = {t.name: (t, self._places_of(t)) for t in config.targets}
        configured = {name: places for name, (_, places) in self._places.items()}
        # Files were found by where they are, without any link.
        addresses = chain(*(k.found.addresses for k in kept if k.found.origin != "file"))
        self._resolver.look_up([*self._ours, *chain(*configured.values()), *addresses])
        spots = {k.found.key: self._resolver.spot(k.found.addresses) for k in kept}
        # Our own files are never watched: to read the journal here would drop the locks that SQLite holds on it.
        ours = self._resolver.spot(self._ours).exact
        kept = [k for k in kept if not spots[k.found.key].exact & ours]
        monitors = monitored(
            {k.found.key: spots[k.found.key] for k in kept}, {name: self._resolver.spot(places) for name, places in configured.items()}
        )
        # Whoever was there first stays when there are too many.
        others = [k for k in sorted(kept, key=lambda k: k.since) if k.found.key not in monitors]
        watched = others[: config.discovery.most]
        chosen = names(watched, {t.name for t in config.targets}, self._names)
        self._remember(chosen)
        self.outcome = Outcome(
            tuple(
                Discovered(found=k.found, name=_name(k.found), options=None, monitored_by=monitors[k.found.key], missing="")
                if k.found.key in monitors
                else self._made(k, chosen[k.found.key])
                for k in kept
                if k.found.key in monitors or k.found.key in chosen
            ),
            len(others) - len(watched),
        )

    def _kept(self) -> Iterator[Kept]:
        """Yield all that is known, first what an engine that answers tells."""
        looks = sorted(self.looks.items(), key=lambda item: (item[1].error is not None, item[0]))
        yield from (replace(k, engine_answers=look.error is None) for _, look in looks for k in look.known.values())

    def _remember(self, chosen: Mapping[str, str]) -> None:
        rest = {key: name for key, name in self._names.items() if key not in chosen}
        before, self._names = self._names, dict([*rest.items(), *chosen.items()][-_MOST_NAMES:])
        if self._memory is not None and self._names != before:
            self._memory.remember(self._names)

    def _made(self, kept: Kept, name: str) -> Discovered:
        found = kept.found
        made = plan(found, name, self._config, self._resolver)
        own = made.options is not None and made.options.kind == found.engine
        return Discovered(
            found=found, name=name, options=made.options, suspension=kept.suspension, monitored_by=name if own else "", missing=made.missing
        )  # fmt: skip

    def _places_of(self, target: TargetOptions) -> tuple[str, ...]:
        """Return where a configured target is; while the file that says so cannot be read, where it was."""
        try:
            return target.places()
        except CollectError:
            known = self._places.get(target.name)
            return known[1] if known is not None and known[0] == target else ()


def _distinct(found: Iterable[Kept]) -> Iterator[Kept]:
    """Leave out what is found a second time: a container through two targets, or one whose socket a look at processes shows too."""
    keys: set[str] = set()
    addresses: dict[str, str] = {}
    for one in found:
        it = one.found
        if it.key not in keys and all(addresses.get(a, it.origin) == it.origin for a in it.addresses):
            keys.add(it.key)
            addresses |= dict.fromkeys(it.addresses, it.origin)
            yield one


def _is_excluded(found: Found, patterns: Collection[str]) -> bool:
    words = [word.lower() for word in (found.name, found.place, *found.addresses)]
    return any(fnmatchcase(word, pattern.lower()) for pattern in patterns for word in words)


def monitored(found: Mapping[str, Spot], configured: Mapping[str, Spot]) -> dict[str, str]:
    """Return by which configured target a database is watched already, for each that is.

    An address that is one database's exactly is not taken for that of another, which listens at the same port of another address.
    """
    exactly = {place: key for key, spot in found.items() for place in spot.exact}
    monitors: dict[str, str] = {}
    for name, spot in configured.items():
        keys = {exactly[place] for place in spot.exact if place in exactly}
        keys = keys or {key for key, other in found.items() if other.loose & spot.loose}
        for key in keys:
            monitors.setdefault(key, name)
    return monitors


def names(kept: Collection[Kept], taken: Collection[str], before: Mapping[str, str]) -> dict[str, str]:
    """Return a name of its own for each database, by its key: the one it had, else its own with a number where somebody has that.

    What is not there now keeps its name, but for a container: one that is made anew goes on as the one before. A container's name is
    no other's, so that a stopped one that had it has got another one meanwhile.
    """
    chosen: dict[str, str] = {}
    used = set(taken)
    passed_on = {_name(k.found) for k in kept if k.found.key not in before and k.runs and _is_called_by_its_engine(k.found)}
    todo = []
    for one in kept:
        had = before.get(one.found.key, "")
        gives_it_away = not one.runs and had in passed_on and _is_called_by_its_engine(one.found)
        if had in used or gives_it_away or not re.fullmatch(rf"{re.escape(_name(one.found))}(?:-\d+)?", had):
            todo.append(one.found)
        else:
            chosen[one.found.key] = had
            used.add(had)
    used |= {name for key, name in before.items() if key not in chosen and not _OF_A_CONTAINER.match(key)} - passed_on
    runs = {k.found.key for k in kept if k.runs}
    for found in sorted(todo, key=lambda found: found.key not in runs):
        name, number = _name(found), 1
        while name in used:
            number += 1
            name = f"{_name(found)}-{number}"
        chosen[found.key] = name
        used.add(name)
    return chosen


def _is_called_by_its_engine(found: Found) -> bool:
    return found.origin == "container" and found.name == found.place and "name" not in found.hints


def _name(found: Found) -> str:
    return one_line(found.hints.get("name") or found.name)[:_NAMES].strip() or found.engine
