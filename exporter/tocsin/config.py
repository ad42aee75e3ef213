"""From a YAML file to validated targets: strict, every mistake with its line, all of them at once."""

from __future__ import annotations

import difflib
import os
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from tocsin import catalog
from tocsin.errors import ConfigError
from tocsin.options import Duration, Levels, Secret, Size, TargetOptions, option

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_DURATIONS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}


def _is_listen(value: str) -> str | None:
    host, colon, port = value.rpartition(":")
    return None if colon and host and port.isdecimal() and int(port) < 65536 else "host:port"


def _is_positive(value: float) -> str | None:
    return None if value > 0 else "more than 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    listen: str = option("127.0.0.1:9847", help="address and port of the HTTP server; port 0 takes a free one", check=_is_listen)
    web_config_file: Path | None = option(None, help="TLS and basic authentication, in the format of Prometheus' exporter-toolkit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    age: Duration = option(Duration(90 * 86400), help="events older than this are removed", check=_is_positive)
    size: Size = option(Size(256 * 2**20), help="the oldest events are removed while the journal holds more than this", check=_is_positive)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """A Slack channel, through an incoming webhook."""

    api_url_file: Path = option(help="file that holds the webhook's URL", example="/etc/tocsin/slack-url")
    channel: str = option("#alerts", help="channel that the messages go to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """An e-mail address, through an SMTP server."""

    to: str = option(help="address that the messages go to", example="oncall@example.com")
    sender: str = option(help="address that the messages come from", example="tocsin@example.com", key="from")
    smarthost: str = option(help="host:port of the SMTP server", example="smtp.example.com:587", check=_is_listen)
    username: str | None = option(None, help="user name at the SMTP server")
    password_file: Path | None = option(None, help="file that holds the password")
    require_tls: bool = option(True, help="refuse to send without STARTTLS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Where alerts go; read by `tocsin up` and `tocsin bundle` when they write Alertmanager's configuration."""

    slack: Slack | None = option(None, help="a Slack channel")
    email: Email | None = option(None, help="an e-mail address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    server: Server = option(Server(), help="the exporter's own HTTP server")
    state_dir: Path = option(Path("./tocsin-state"), help="folder of the journal; one exporter at a time may use it")
    retention: Retention = option(Retention(), help="how long the journal keeps events")
    thresholds: dict[str, Levels] = option({}, help="levels that differ from the built-in ones, by signal; a target may override them")
    notify: Notify = option(Notify(), help="where alerts go")
    targets: tuple[TargetOptions, ...] = option((), help="what is watched")


def load(path: Path, environment: typing.Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file. Raises ConfigError with one message a mistake: `file:line: path: what was expected`."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from error
    return parse(text, str(path), path.parent, environment)


def parse(text: str, name: str, folder: Path, environment: typing.Mapping[str, str]) -> Config:
    """Validate configuration text. Relative paths are relative to `folder`."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError([f"{name}:{line}: not YAML: {error.problem or error.context}"]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{name}:{line}: not YAML: the character {error.character:#x} is not allowed"]) from error
    reader = _Reader(name, folder, environment)
    config = Config() if root is None or root.tag == "tag:yaml.org,2002:null" else reader.config(root)
    if reader.mistakes:
        raise ConfigError(list(dict.fromkeys(message for _, message in sorted(reader.mistakes, key=lambda m: m[0]))))
    assert isinstance(config, Config)
    return config


class _Mistake(Exception):
    """The value is of no use; its mistakes have been noted."""


@dataclass(slots=True)
class _Reader:
    name: str
    folder: Path
    environment: typing.Mapping[str, str]
    mistakes: list[tuple[int, str]] = field(default_factory=list)
    declared: dict[str, tuple[tuple[str, str, tuple[str, ...]], int]] = field(default_factory=dict)

    def note(self, node: yaml.Node, path: str, expected: str) -> _Mistake:
        line = node.start_mark.line + 1
        self.mistakes.append((line, f"{self.name}:{line}: {path}: {expected}"))
        return _Mistake()

    def config(self, root: yaml.Node) -> Any:
        found = None
        try:
            by_key = {word: value for word, _, value in self.entries(root, "")}
            self.known_words(by_key.get("thresholds"), "thresholds", "signal", catalog.thresholds())
            found = self.object(root, "", Config)
        except _Mistake:
            pass
        return found

    def entries(self, node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Yield key, key node and value node of a mapping; a key that is there twice is a mistake."""
        if not isinstance(node, yaml.MappingNode):
            raise self.note(node, path or "the file", f"expected options, got {_kind(node)}")
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.note(key, path or "the file", f"expected the name of an option, got {_kind(key)}")
                continue
            word = str(key.value)
            if word in seen:
                self.note(key, _join(path, word), "is there twice; keep one")
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
                self.note(key, _join(path, word), _unknown("option", word, known))
                continue
            try:
                values[option_field.name] = self.value(value, _join(path, word), hints[option_field.name], option_field.metadata)
            except _Mistake:
                continue
        given = {word for word, _ in self.words(node, path)}
        for word, f in known.items():
            if f.default is MISSING and f.default_factory is MISSING and word not in given:
                self.note(node, _join(path, word), f"is missing: {f.metadata.get('help', 'required')}")
        if len(self.mistakes) > before:
            raise _Mistake
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
        if hint == tuple[TargetOptions, ...]:
            return self.targets(node, path)
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
            raise self.note(node, path, f"expected a list, got {_kind(node)}")
        return tuple(self.each([(item, f"{path}[{i}]") for i, item in enumerate(node.value)], hint))

    def each(self, items: typing.Iterable[tuple[yaml.Node, str]], hint: Any) -> list[Any]:
        found, before = [], len(self.mistakes)
        for item, path in items:
            try:
                found.append(self.typed(item, path, hint))
            except _Mistake:
                continue
        if len(self.mistakes) > before:
            raise _Mistake
        return found

    def mapping(self, node: yaml.Node, path: str, hint: Any) -> dict[str, Any]:
        entries = [(word, value) for word, _, value in self.entries(node, path)]
        return dict(zip([w for w, _ in entries], self.each([(v, _join(path, w)) for w, v in entries], hint), strict=True))

    def scalar(self, node: yaml.Node, path: str, hint: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self.note(node, path, f"expected {_expected(hint)}, got {_kind(node)}")
        text = self.expand(node, path)
        found = _convert(text, node.tag, hint, self.folder)
        if found is None:
            raise self.note(node, path, f"expected {_expected(hint)}, got {_shown(node, hint)}")
        return found

    def expand(self, node: yaml.ScalarNode, path: str) -> str:
        """Put in environment variables: `${NAME}`, `${NAME:-default}` for one that is not set or empty; `$$` is a dollar sign."""

        def put(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            value = self.environment.get(match[1])
            if match[2] is not None:
                return value or match[2]
            if value is None:
                raise self.note(node, path, f"the environment variable {match[1]} is not set; set it, or write ${{{match[1]}:-default}}")
            return value

        return _VARIABLE.sub(put, node.value)

    def targets(self, node: yaml.Node, path: str) -> tuple[TargetOptions, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.note(node, path, f"expected a list, got {_kind(node)}")
        found: list[TargetOptions] = []
        names: dict[str, int] = {}
        before = len(self.mistakes)
        for i, item in enumerate(node.value):
            try:
                target = self.target(item, f"{path}[{i}]")
            except _Mistake:
                continue
            if target.name in names:
                self.note(
                    item,
                    f"{path}[{i}].name",
                    f"{target.name!r} is also the name of the target in line {names[target.name]}; names are unique",
                )
            names.setdefault(target.name, item.start_mark.line + 1)
            found.append(target)
        if len(self.mistakes) > before:
            raise _Mistake
        return tuple(found)

    def target(self, node: yaml.Node, path: str) -> TargetOptions:
        kinds = {s.kind: s for s in catalog.SOURCES}
        for word, _, value in self.entries(node, path):
            if word == "kind" and not isinstance(value, yaml.ScalarNode):
                raise self.note(value, f"{path}.kind", f"expected text, got {_kind(value)}")
            if word == "kind" and value.value not in kinds:
                raise self.note(value, f"{path}.kind", _unknown("kind", value.value, kinds))
        by_key = {word: value for word, _, value in self.entries(node, path)}
        if "kind" not in by_key:
            raise self.note(node, f"{path}.kind", f"is missing; one of {', '.join(kinds)}")
        source = kinds[by_key["kind"].value]
        names = [c.name for c in source.collectors]
        scheduled = [c.name for c in source.collectors if c.every is not None]
        own = self.own_queries(by_key, path, names)
        self.known_words(by_key.get("collectors"), f"{path}.collectors", "collector", [*names, *own])
        self.known_words(by_key.get("every"), f"{path}.every", "scheduled collector", scheduled)
        self.known_words(by_key.get("thresholds"), f"{path}.thresholds", "signal", [t.signal for t in source.thresholds])
        self.labels(by_key.get("labels"), f"{path}.labels")
        options: TargetOptions = self.object(node, path, source.options)
        return options

    def own_queries(self, by_key: dict[str, yaml.Node], path: str, taken: list[str]) -> list[str]:
        """Return the names of a target's own queries, and note what would make two series one or one page unreadable."""
        node = by_key.get("queries")
        labels = {word for word, _ in self.words(by_key.get("labels"), path)}
        found: list[str] = []
        series: set[str] = set()
        for i, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
            here = f"{path}.queries[{i}]"
            parts = {str(key.value): value for key, value in item.value} if isinstance(item, yaml.MappingNode) else {}
            name = parts.get("name")
            if isinstance(name, yaml.ScalarNode):
                if name.value in taken or name.value in found:
                    self.note(name, f"{here}.name", f"{name.value!r} is another collector's name; choose a new one")
                found.append(name.value)
            own = parts.get("labels")
            columns = [c.value for c in own.value if isinstance(c, yaml.ScalarNode)] if isinstance(own, yaml.SequenceNode) else []
            for column in columns:
                if column in labels and own is not None:
                    self.note(own, f"{here}.labels", f"{column!r} is a label of the target already; give the column another name")
            self.own_metrics(parts.get("metrics"), here, columns, series)
        return found

    def own_metrics(self, node: yaml.Node | None, path: str, labels: list[str], series: set[str]) -> None:
        """Note a metric that the target has already, or that another target declares with other words."""
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            said = {str(k.value): str(v.value) for k, v in value.value} if isinstance(value, yaml.MappingNode) else {}
            form = (said.get("type", "gauge"), said.get("help", ""), tuple(labels))
            first, line = self.declared.setdefault(said.get("name", ""), (form, key.start_mark.line + 1))
            if said.get("name", "") in series:
                self.note(key, f"{path}.metrics.{key.value}", f"{said.get('name')} is a series of this target already; choose a new name")
            series.add(said.get("name", ""))
            if first != form:
                self.note(
                    key, f"{path}.metrics.{key.value}", f"{said.get('name')} is declared otherwise in line {line}: one name, one meaning"
                )

    def known_words(self, node: yaml.Node | None, path: str, what: str, known: typing.Collection[str]) -> None:
        for word, key in self.words(node, path):
            if word not in known:
                self.note(key, _join(path, word), _unknown(what, word, known))

    def labels(self, node: yaml.Node | None, path: str) -> None:
        taken = {label for metric in catalog.metrics() for label in metric.labels} | {"instance", "job", "le", "quantile"}
        for word, key in self.words(node, path):
            if not _LABEL.match(word) or word.startswith("__"):
                self.note(key, _join(path, word), "is not a label name: letters, digits and _, not beginning with a digit or __")
            elif word in taken:
                self.note(key, _join(path, word), "is a label that Tocsin's own series use; choose another name")


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


def _kind(node: yaml.Node) -> str:
    return "options" if isinstance(node, yaml.MappingNode) else "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def _join(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word


def _unknown(what: str, word: str, known: typing.Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {what} {word!r}; {hint}Known: {', '.join(known)}"
