"""Which files of a source tree are read, and which are not, and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tocsin.errors import SetupError
from tocsin.scan.languages import LANGUAGES

_PYTHON = (".py", ".pyi", ".pyw")
_SQL = (".sql", ".ddl", ".psql", ".pgsql", ".mysql")
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".erb", ".tmpl", ".tpl", ".mustache", ".hbs", ".template")

_LEFT_OUT = frozenset((
    "node_modules", "bower_components", "vendor", "third_party", "venv", "env", "virtualenv", "site-packages", "__pycache__",
    "dist", "build", "target", "out", "bin", "obj", "coverage", "htmlcov",
))  # fmt: skip
_MIGRATIONS = frozenset(("migrations", "migration", "migrate", "alembic", "flyway", "liquibase", "changelog", "changelogs"))

LARGEST = 2 * 2**20
MOST_FILES = 50_000


def language(name: str) -> str:
    """Return `python`, `sql`, or the ending of another language's file; "" for what is not read."""
    path = Path(name.lower())
    ending = path.suffix
    if ending in _TEMPLATES:
        return "sql" if Path(path.stem).suffix in _SQL else ""
    if ending in _PYTHON:
        return "python"
    if ending in _SQL:
        return "sql"
    return ending if ending in LANGUAGES else ""


def is_migration(path: Path, root: Path) -> bool:
    """Tell whether a file describes a step on the way to the present schema: it speaks of what was, rightly."""
    inner = path.relative_to(root).parts[:-1] if path != root else ()
    return any(part.lower() in _MIGRATIONS for part in inner)


class Tree:
    """The files below a folder, or the one file. `skipped` says, after a walk, what was not read, and why."""

    def __init__(self, root: Path) -> None:
        if not root.exists():
            raise SetupError(f"{root} does not exist: give a folder or a file with sources")
        self.root = root
        self.files = 0
        self.folders_left_out: Counter[str] = Counter()
        self.skipped: list[tuple[str, str]] = []

    def read(self) -> Iterator[tuple[Path, str, str]]:
        """Yield path, language and text of every file that is read, in the order of their names."""
        for path in self._paths():
            kind = language(path.name)
            if not kind:
                continue
            if self.files >= MOST_FILES:
                self.skipped.append((str(self.root), f"only the first {MOST_FILES} files are read: scan a part of the tree"))
                return
            text = self._text(path)
            if text is not None:
                self.files += 1
                yield path, kind, text

    def _paths(self) -> Iterator[Path]:
        if not self.root.is_dir():
            yield self.root
            return
        for folder, folders, names in os.walk(self.root, onerror=self._unreadable):  # links to folders are not followed
            for name in folders:
                if name.startswith(".") or name in _LEFT_OUT:
                    self.folders_left_out[name] += 1
                elif os.path.islink(os.path.join(folder, name)):  # noqa: PTH114, PTH118 -- as os.walk gives them
                    self.skipped.append((os.path.join(folder, name), "a link to a folder"))  # noqa: PTH118
            folders[:] = sorted(n for n in folders if not n.startswith(".") and n not in _LEFT_OUT)
            for name in sorted(names):
                yield Path(folder, name)

    def _unreadable(self, error: OSError) -> None:
        self.skipped.append((str(error.filename), f"cannot be read: {error.strerror}"))

    def _text(self, path: Path) -> str | None:
        why: str
        try:
            if not path.is_file():
                why = "not a file, or a link that leads nowhere"
            elif path.stat().st_size > LARGEST:
                why = f"larger than {LARGEST} bytes"
            else:
                return path.read_text("utf-8-sig")
        except OSError as error:
            why = f"cannot be read: {error.strerror}"
        except UnicodeDecodeError:
            why = "not UTF-8 text"
        self.skipped.append((str(path), why))
        return None
