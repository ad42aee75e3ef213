"""From YAML nodes to values of declared types: strict, every mistake with its line, all of them at once."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from tocsin.options import Duration, Secret, Size
from tocsin.sql import OwnQuery, SqlByVersion

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_DURATIONS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
_VERSION = re.compile(r"\d{1,4}(\.\d{1,2}){0,2}")


def compose(text: str, name: str) -> tuple[yaml.Node | None, str]:
    """Return the root node of YAML text, and what is wrong with it if it is none."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader), ""
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        return None, f"{name}:{line}: not YAML: {error.problem or error.context}"
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, f"{name}:{line}: not YAML: the character {error.character:#x} is not allowed"


class Mistake(Exception):
    """The value is of no use; its mistakes have been noted."""


@dataclass(slots=True)
class Reader:
    name: str
    folder: Path
    environment: typing.Mapping[str, str]
    mistakes: list[tuple[tuple[bool, str, int], str]] = field(default_factory=list)
    """Each with where it stands: the configuration's own come first, then file by file and line by line."""
    is_aside: bool = False
    declared: dict[str, tuple[object, str, int]] = field(default_factory=dict)
    """Series of the user's own: what they are, and the file and line that said so first."""

    def note(self, node: yaml.Node, path: str, expected: str) -> Mistake:
        line = node.start_mark.line + 1
        self.add(line, f"{self.name}:{line}: {path}: {expected}")
        return Mistake()

    def add(self, line: int, message: str) -> None:
        self.mistakes.append(((self.is_aside, self.name, line), message))

    def messages(self) -> list[str]:
        """Return all mistakes in the order of the files and their lines, each once."""
        return list(dict.fromkeys(message for _, message in sorted(self.mistakes, key=lambda m: m[0])))

    def another(self, name: str, folder: Path) -> Reader:
        """Return a reader of another file, with mistakes and declarations in common."""
        return Reader(name, folder, self.environment, self.mistakes, True, self.declared)

    def entries(self, node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Yield key, key node and value node of a mapping; a key that is there twice is a mistake."""
        if not isinstance(node, yaml.MappingNode):
            raise self.note(node, path or "the file", f"expected options, got {kind_of(node)}")
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.note(key, path or "the file", f"expected the name of an option, got {kind_of(key)}")
                continue
            word = str(key.value)
            if word in seen:
                self.note(key, join(path, word), "is there twice; keep one")
                continue
            seen.add(word)
            yield word, key, value

    def words(self, node: yaml.Node | None, path: str) -> list[tuple[str, yaml.Node]]:
        """Return the keys of a mapping; a node that is none is noted where its value is read."""
        return [(word, key) for word, key, _ in self.entries(node, path)] if isinstance(node, yaml.MappingNode) else []

    def object(self, node: yaml.Node, path: str, cls: type) -> Any:
        known = {f.metadata.get("key", f.name): f for f in fields(cls)}
        hints = typing.get_type_hints(cls)
        values: dict[str, Any] = {}
        before = len(self.mistakes)
        for word, key, value in self.entries(node, path):
            option_field = known.get(word)
            if option_field is None:
                self.note(key, join(path, word), unknown("option", word, known))
                continue
            try:
                values[option_field.name] = self.value(value, join(path, word), hints[option_field.name], option_field.metadata)
            except Mistake:
                continue
        given = {word for word, _ in self.words(node, path)}
        for word, f in known.items():
            if f.default is MISSING and f.default_factory is MISSING and word not in given:
                self.note(node, join(path, word), f"is missing: {f.metadata.get('help', 'required')}")
        if len(self.mistakes) > before:
            raise Mistake
        return cls(**values)

    def value(self, node: yaml.Node, path: str, hint: Any, metadata: typing.Mapping[str, Any]) -> Any:
        found = self.typed(node, path, hint)
        check = metadata.get("check")
        expected = check(found) if check is not None and found is not None else None
        if expected:
            got = f", got {_shown(node, hint)}" if isinstance(node, yaml.ScalarNode) else ""
            raise self.note(node, path, f"expected {expected}{got}")
        return found

    def typed(self, node: yaml.Node, path: str, hint: Any) -> Any:
        origin = get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            (inner,) = [a for a in get_args(hint) if a is not type(None)]
            return None if node.tag == "tag:yaml.org,2002:null" else self.typed(node, path, inner)
        if hint is SqlByVersion:
            return self.sql(node, path)
        if origin is tuple:
            return self.sequence(node, path, get_args(hint)[0])
        if origin is dict:
            return self.mapping(node, path, get_args(hint)[1])
        if is_dataclass(hint):
            assert isinstance(hint, type)
            return self.object(node, path, hint)
        return self.scalar(node, path, hint)

    def sequence(self, node: yaml.Node, path: str, hint: Any) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.note(node, path, f"expected a list, got {kind_of(node)}")
        return tuple(self.each([(item, f"{path}[{name_of(item) if hint is OwnQuery else i}]") for i, item in enumerate(node.value)], hint))

    def sql(self, node: yaml.Node, path: str) -> SqlByVersion:
        if not isinstance(node, yaml.MappingNode):
            return SqlByVersion({"": self.scalar(node, path, str)})
        entries = list(self.entries(node, path))
        for word, key, _ in entries:
            if not _VERSION.fullmatch(word):
                self.note(key, join(path, word), "expected the lowest version that the SQL is for, such as 17, 8.0 or 10.6")
        if not entries:
            raise self.note(node, path, "expected SQL, or versions and the SQL for each")
        return SqlByVersion(self.mapping(node, path, str))

    def each(self, items: typing.Iterable[tuple[yaml.Node, str]], hint: Any) -> list[Any]:
        found, before = [], len(self.mistakes)
        for item, path in items:
            try:
                found.append(self.typed(item, path, hint))
            except Mistake:
                continue
        if len(self.mistakes) > before:
            raise Mistake
        return found

    def mapping(self, node: yaml.Node, path: str, hint: Any) -> dict[str, Any]:
        entries = [(word, value) for word, _, value in self.entries(node, path)]
        return dict(zip([w for w, _ in entries], self.each([(v, join(path, w)) for w, v in entries], hint), strict=True))

    def scalar(self, node: yaml.Node, path: str, hint: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self.note(node, path, f"expected {_expected(hint)}, got {kind_of(node)}")
        text = self.expand(node, path)
        found = _convert(text, node.tag, hint, self.folder)
        if found is None:
            raise self.note(node, path, f"expected {_expected(hint)}, got {_shown(node, hint)}")
        return found

    def expand(self, node: yaml.ScalarNode, path: str) -> str:
        """Put in environment variables: `${NAME}`, `${NAME:-default}` for one that is not set or empty; `$${` is `${`."""

        def put(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            value = self.environment.get(match[1])
            if match[2] is not None:
                return value or match[2]
            if value is None:
                raise self.note(node, path, f"the environment variable {match[1]} is not set; set it, or write ${{{match[1]}:-default}}")
            return value

        return _VARIABLE.sub(put, node.value)

    def known_words(self, node: yaml.Node | None, path: str, what: str, known: typing.Collection[str]) -> None:
        for word, key in self.words(node, path):
            if word not in known:
                self.note(key, join(path, word), unknown(what, word, known))


def _convert(text: str, tag: str, hint: Any, folder: Path) -> Any:
    """Return the text as a value of that type, None when it is not one."""
    kind = tag.rpartition(":")[2]
    if hint is bool:
        return {"true": True, "false": False}.get(text.lower()) if kind in ("bool", "str") else None
    if hint is str:
        return text if kind != "null" else None
    if hint is Secret:
        return Secret(text) if kind != "null" else None
    if hint is Path:
        return _path(text, folder) if kind == "str" else None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text)
    if hint is Duration:
        return Duration(float(match[1]) * _DURATIONS[match[2] or "s"]) if match and (match[2] or "s") in _DURATIONS else None
    if hint is Size:
        return Size(float(match[1]) * _SIZES[match[2] or "B"]) if match and (match[2] or "B") in _SIZES else None
    try:
        return {int: int, float: float}[hint](text)
    except ValueError:
        return None


def _path(text: str, folder: Path) -> Path | None:
    try:
        return folder / Path(text).expanduser() if text and "\0" not in text else None
    except RuntimeError:
        return None  # ~name of a user that does not exist


def _expected(hint: Any) -> str:
    return {
        bool: "true or false", str: "text", Secret: "text", Path: "a path", int: "a whole number", float: "a number",
        Duration: "a duration such as 10s or 5m", Size: "a size such as 64MB",
    }.get(hint, str(hint))  # fmt: skip


def _shown(node: yaml.Node, hint: Any) -> str:
    return "something else" if hint is Secret or not isinstance(node, yaml.ScalarNode) else repr(node.value)


def kind_of(node: yaml.Node) -> str:
    return "options" if isinstance(node, yaml.MappingNode) else "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def join(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word


def unknown(what: str, word: str, known: typing.Iterable[str]) -> str:
    import difflib  # only where somebody has made a mistake

    close = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {what} {word!r}; {hint}Known: {', '.join(known)}"


def name_of(node: yaml.Node) -> str:
    """Return what an item of a list calls itself, for messages."""
    parts = {str(key.value): value.value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
    return str(parts.get("name", "?"))
