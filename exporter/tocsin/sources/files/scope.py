"""Which names in a directory are watched, and into which of its directories one looks: patterns, walked one directory at a time."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

_WILD = re.compile(r"[*?\[]")
_ANY = "**"


@lru_cache(maxsize=1000)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))


class Pattern:
    """One configured path, cut where its first wildcard is: a directory to begin in, and what must match below it."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [part for part in text.split("/") if part]
        wild = next((i for i, part in enumerate(parts) if _WILD.search(part)), None)
        self.is_plain = wild is None
        cut = len(parts) - 1 if wild is None else wild
        self.base = "/" + "/".join(parts[:cut]) if cut > 0 else "/"
        self.parts = tuple(part.replace("[", "[[]") if wild is None else part for part in parts[cut:]) if parts else (_ANY,)

    @property
    def path(self) -> str | None:
        """The path itself where it has no wildcard."""
        return self.text.rstrip("/") or "/" if self.is_plain else None


Position = tuple[int, int]
"""A pattern by its number, and how many of its parts the directory has matched."""


class Scope:
    """What is wanted of one kind of directory; equal ones are one object."""

    __slots__ = ("_patterns", "everything", "positions")

    def __init__(self, patterns: Patterns, positions: tuple[Position, ...]) -> None:
        self._patterns = patterns
        self.positions = positions
        done = [p for p, i in positions if i >= len(patterns[p].parts) or patterns[p].parts[i:] == (_ANY,)]
        self.everything: int | None = done[0] if done and done[0] == positions[0][0] else None
        """The number of the pattern by which all that is in it is wanted; None where names decide."""

    def owner(self, name: str) -> int | None:
        """Return the number of the first pattern that wants the name, None where none does."""
        if self.everything is not None:
            return self.everything
        for p, i in self.positions:
            parts = self._patterns[p].parts
            if i >= len(parts) or parts[i:] == (_ANY,):
                return p
            if i == len(parts) - 1 and _compiled(parts[i]).match(name):
                return p
        return None

    def into(self, name: str, path: str) -> Scope | None:
        """Return what is wanted of the directory of that name and path, None where nothing is."""
        found: set[Position] = set()
        for p, i in self.positions:
            pattern = self._patterns[p]
            if i >= len(pattern.parts) or pattern.parts[i] == _ANY:
                found.add((p, i))
            elif _compiled(pattern.parts[i]).match(name) and (i + 1 < len(pattern.parts) or pattern.is_plain):
                found.add((p, i + 1))
        found.update((p, 0) for p in self._patterns.at(path))
        return self._patterns.scope(found)


class Patterns:
    """All configured paths of a target."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._all = [Pattern(path) for path in paths]
        self._bases: dict[str, list[int]] = {}
        for p, pattern in enumerate(self._all):
            self._bases.setdefault(pattern.base, []).append(p)
        self._scopes: dict[tuple[Position, ...], Scope] = {}

    def __getitem__(self, number: int) -> Pattern:
        return self._all[number]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self._all)

    @property
    def bases(self) -> Sequence[str]:
        return sorted(self._bases)

    def at(self, path: str) -> Sequence[int]:
        """Return the patterns that begin in that directory."""
        return self._bases.get(path, ())

    def scope(self, positions: Iterable[Position]) -> Scope | None:
        closed = set(positions)
        for p, i in list(closed):
            while i < len(self._all[p].parts) and self._all[p].parts[i] == _ANY:
                i += 1
                if i < len(self._all[p].parts):
                    closed.add((p, i))
        if not closed:
            return None
        key = tuple(sorted(closed))
        if key not in self._scopes:
            self._scopes[key] = Scope(self, key)
        return self._scopes[key]

    def of(self, directory: str) -> Scope | None:
        """Return what is wanted of a directory, by the patterns that begin there and by those that begin above it; None: nothing."""
        scope = self.scope((p, 0) for p in self.at("/"))
        path = ""
        for name in [part for part in directory.split("/") if part]:
            path += f"/{name}"
            scope = scope.into(name, path) if scope is not None else self.scope((p, 0) for p in self.at(path))
        return scope


class Globs:
    """Patterns of names, or of whole paths where they hold a slash."""

    def __init__(self, globs: Iterable[str]) -> None:
        known = list(globs)
        names = [fnmatch.translate(glob) for glob in known if "/" not in glob]
        paths = [_translate(glob) for glob in known if "/" in glob]
        self._names = re.compile("|".join(names)) if names else None
        self._paths = re.compile("|".join(paths)) if paths else None

    def match(self, directory: str, name: str) -> bool:
        if self._names is not None and self._names.match(name):
            return True
        return self._paths is not None and self._paths.match(f"{directory.rstrip('/')}/{name}") is not None


class Earlier:
    """What another configuration watched."""

    def __init__(self, paths: Iterable[str], exclude: Iterable[str], depth: int) -> None:
        self._patterns = Patterns(paths)
        self._exclude = Globs(exclude)
        self._depth = depth

    def covered(self, directory: str, name: str, *, is_directory: bool) -> bool:
        """Tell whether a name in a directory was watched, or is a directory on the way to what was: then its coming is news."""
        scope = self._patterns.of(directory)
        if scope is None:
            return False
        if scope.owner(name) is None and not (is_directory and scope.into(name, f"{directory.rstrip('/')}/{name}") is not None):
            return False
        above, below = directory, name
        for _ in range(self._depth + 1):
            if self._exclude.match(above, below):
                return False
            if self._patterns.at(above):
                return True
            above, _, below = above.rpartition("/")
            above = above or "/"
        return False


def _translate(glob: str) -> str:
    """Return a pattern of paths as a regular expression: `*` stays within a name, `**` does not."""
    head = "" if glob.startswith("/") else "(?:.*/)?"
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", glob)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return head + "".join(words.get(p) or (p.replace("[!", "[^") if p.startswith("[") else re.escape(p)) for p in parts) + r"\Z"
