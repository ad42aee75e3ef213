"""From a YAML file to validated targets: strict, every mistake with its line, all of them at once."""

from __future__ import annotations

import os
import re
import typing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from tocsin import catalog
from tocsin.auth import AuthModule, LoadedModule
from tocsin.errors import ConfigError, SetupError
from tocsin.options import Duration, Levels, Size, TargetOptions, option
from tocsin.ownqueries import OwnQueries
from tocsin.reader import Mistake, Reader, compose, join, kind_of, unknown
from tocsin.sources.mysql.config import MysqlOptions
from tocsin.sources.mysql.optionfile import login_groups
from tocsin.sql import SqlOptions, is_positive

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_LOGIN = ("dsn", "dsn_file", "password_file", "path", "name")
"""Options of a target that an auth module has no use for: the request says where, the module's own words how."""


def is_listen(value: str) -> str | None:
    host, colon, port = value.rpartition(":")
    return None if colon and host and port.isdecimal() and int(port) < 65536 else "host:port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    listen: str = option("127.0.0.1:9847", help="address and port of the HTTP server; port 0 takes a free one", check=is_listen)
    web_config_file: Path | None = option(None, help="TLS and basic authentication, in the format of Prometheus' exporter-toolkit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    age: Duration = option(Duration(90 * 86400), help="events older than this are removed", check=is_positive)
    size: Size = option(Size(256 * 2**20), help="the oldest events are removed while the journal holds more than this", check=is_positive)


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
    smarthost: str = option(help="host:port of the SMTP server", example="smtp.example.com:587", check=is_listen)
    username: str | None = option(None, help="user name at the SMTP server")
    password_file: Path | None = option(None, help="file that holds the password")
    require_tls: bool = option(True, help="refuse to send without STARTTLS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Where alerts go; read by `tocsin up` and `tocsin bundle` when they write Alertmanager's configuration."""

    slack: Slack | None = option(None, help="a Slack channel")
    email: Email | None = option(None, help="an e-mail address")


def _is_second_to_hour(every: Duration) -> str | None:
    """An hour at most, for DiscoveryFailing takes a search that has not succeeded for longer for one that hangs."""
    return None if 1 <= every <= 3600 else "1s to 1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Which databases are watched that nobody wrote down."""

    containers: bool = option(True, help="databases in the containers of every target of kind docker")
    processes: bool = option(False, help="databases among the programs of this machine, by the sockets that they listen at")
    files: tuple[Path, ...] = option((), help="folders under which SQLite and DuckDB files are found by their first bytes")
    every: Duration = option(
        Duration(30),
        help="how often to look, an hour at most; what an engine tells of its containers is looked at at once",
        check=_is_second_to_hour,
    )
    most: int = option(100, help="most databases that are watched so; the rest is counted", check=lambda n: None if n >= 0 else "0 or more")
    exclude: tuple[str, ...] = option(
        (),
        help="patterns of what is found and yet left alone, compared with its name, its place (a container's name, a path) and its "
        "addresses, such as `scratch-*` or `/srv/backup/*`",
    )
    label_files: Path | None = option(
        None,
        help="folder in which the files that containers name by label must lie; without it such labels are refused, for whoever made an "
        "image must not choose which file is sent to it as a password",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    server: Server = option(Server(), help="the exporter's own HTTP server")
    state_dir: Path = option(Path("./tocsin-state"), help="folder of the journal; one exporter at a time may use it")
    retention: Retention = option(Retention(), help="how long the journal keeps events")
    thresholds: dict[str, Levels] = option({}, help="levels that differ from the built-in ones, by signal; a target may override them")
    notify: Notify = option(Notify(), help="where alerts go")
    targets: tuple[TargetOptions, ...] = option((), help="what is watched")
    discovery: Discovery = option(Discovery(), help="databases that are found and watched without being targets here")
    defaults: dict[str, AuthModule] = option(
        {},
        help="logins for databases that are found, by engine (`postgres`, `mysql`), written as auth modules are; here `targets` are "
        "patterns of the container's name, its image or the address, and without them the login is for every one that is found "
        "(of MySQL and MariaDB those that prove who they are, by ssl_mode)",
    )
    auth_modules: dict[str, AuthModule] = option(
        {},
        help="logins for `/probe?target=host:port&auth_module=NAME`, in postgres_exporter's format; a module also takes the options "
        "of its kind's targets, but for name, address and login",
    )
    my_cnf: Path | None = option(
        None,
        help="option file of mysqld_exporter: each group with user and password is an auth module, `client` that of a request without one",
    )


def load(path: Path, environment: typing.Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file. Raises ConfigError with one message a mistake: `file:line: path: what was expected`."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from error
    return parse(text, str(path), path.parent.absolute(), environment)


def parse(text: str, name: str, folder: Path, environment: typing.Mapping[str, str]) -> Config:
    """Validate configuration text. Relative paths are relative to `folder`."""
    root, problem = compose(text, name)
    if problem:
        raise ConfigError([problem])
    reader = _ConfigReader(name, folder, environment)
    config = Config() if root is None or root.tag == "tag:yaml.org,2002:null" else reader.config(root)
    if reader.mistakes:
        raise ConfigError(reader.messages())
    assert isinstance(config, Config)
    return config


class _ConfigReader(Reader):
    """Knows what the values of the configuration mean for one another."""

    __slots__ = ()

    def config(self, root: yaml.Node) -> Config | None:
        try:
            by_key = {word: value for word, _, value in self.entries(root, "")}
            self.known_words(by_key.get("thresholds"), "thresholds", "signal", catalog.thresholds())
            found: Config = self.object(root, "", Config)
            return self.with_option_file(found, by_key)
        except Mistake:
            return None

    def typed(self, node: yaml.Node, path: str, hint: Any) -> Any:
        if hint == tuple[TargetOptions, ...]:
            return self.targets(node, path)
        if hint == dict[str, AuthModule]:
            return self.modules(node, path, by_engine=path == "defaults")
        return Reader.typed(self, node, path, hint)

    def with_option_file(self, config: Config, by_key: dict[str, yaml.Node]) -> Config:
        """Return the configuration with the groups of mysqld_exporter's option file as auth modules."""
        if config.my_cnf is None:
            return config
        try:
            groups = login_groups(config.my_cnf)
        except SetupError as error:
            raise self.note(by_key["my_cnf"], "my_cnf", str(error)) from error
        if not groups:
            raise self.note(by_key["my_cnf"], "my_cnf", "has no group with user and password")
        modules = {
            group: LoadedModule(
                name=group, kind="mysql", template=MysqlOptions(name=group, kind="mysql", my_cnf=config.my_cnf, my_cnf_group=group)
            )
            for group in groups
        }
        return replace(config, auth_modules={**modules, **config.auth_modules})

    def modules(self, node: yaml.Node, path: str, *, by_engine: bool = False) -> dict[str, AuthModule]:
        """Read logins by name; with `by_engine` the names are the kinds of the targets that they are for."""
        found: dict[str, AuthModule] = {}
        before = len(self.mistakes)
        kinds = [s.kind for s in catalog.SOURCES if s.visit is not None]
        for name, key, value in self.entries(node, path):
            if by_engine and name not in kinds:
                self.note(key, join(path, name), unknown("engine", name, kinds))
                continue
            try:
                found[name] = self.module(name, value, join(path, name), name if by_engine else "")
            except Mistake:
                continue
        if len(self.mistakes) > before:
            raise Mistake
        return found

    def module(self, name: str, node: yaml.Node, path: str, engine: str = "") -> LoadedModule:
        """Read an auth module as two: its login, and the options of a target whose address comes later, with a request or a discovery."""
        kinds = {s.kind: s for s in catalog.SOURCES if s.visit is not None}
        own = {f.name for f in fields(AuthModule)}
        entries = list(self.entries(node, path))
        kind = next((value for word, _, value in entries if word == "kind"), None)
        if kind is not None and not (isinstance(kind, yaml.ScalarNode) and kind.value in kinds):
            raise self.note(kind, join(path, "kind"), f"expected one of {', '.join(kinds)}")
        for word, key, _ in entries:
            if engine and word in (*_LOGIN, "kind"):
                self.note(key, join(path, word), "is not for defaults: what is found says where, `userpass` how to log in")
            elif word in _LOGIN:
                self.note(key, join(path, word), "is not for an auth module: a request says where, `userpass` how to log in")
        mark = node.start_mark

        def text(value: str) -> yaml.ScalarNode:
            return yaml.ScalarNode("tag:yaml.org,2002:str", value, mark, mark)

        kind = text(engine) if engine else kind or text("postgres")
        said = [(key, value) for word, key, value in entries if word in own and word != "kind"] + [(text("kind"), kind)]
        rest = [(key, value) for word, key, value in entries if word not in own and word not in _LOGIN]
        rest += [(text("name"), text(name)), (text("kind"), kind)]
        module: AuthModule = self.object(yaml.MappingNode(node.tag, said, mark, mark), path, AuthModule)
        template = self.target(yaml.MappingNode(node.tag, rest, mark, mark), path)
        if module.options and module.kind != "postgres":
            raise self.note(node, join(path, "options"), "is for PostgreSQL; the others have options of their own, such as ssl_mode")
        return LoadedModule(name=name, template=template, **{f.name: getattr(module, f.name) for f in fields(AuthModule)})

    def targets(self, node: yaml.Node, path: str) -> tuple[TargetOptions, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.note(node, path, f"expected a list, got {kind_of(node)}")
        found: list[TargetOptions] = []
        names: dict[str, int] = {}
        nameless: dict[str, str] = {}
        before = len(self.mistakes)
        for i, item in enumerate(node.value):
            try:
                target = self.target(item, f"{path}[{i}]")
            except Mistake:
                continue
            if target.name in names:
                self.note(
                    item,
                    f"{path}[{i}].name",
                    f"{target.name!r} is also the name of the target in line {names[target.name]}; names are unique",
                )
            if not target.carries_instance and nameless.setdefault(target.kind, target.name) != target.name:
                self.note(
                    item,
                    f"{path}[{i}].own_instance",
                    f"must be true: the series of {nameless[target.kind]!r}, of the same kind, have no instance of their own either",
                )
            names.setdefault(target.name, item.start_mark.line + 1)
            found.append(target)
        if len(self.mistakes) > before:
            raise Mistake
        return tuple(found)

    def target(self, node: yaml.Node, path: str) -> TargetOptions:
        kinds = {s.kind: s for s in catalog.SOURCES}
        for word, _, value in self.entries(node, path):
            if word == "kind" and not isinstance(value, yaml.ScalarNode):
                raise self.note(value, f"{path}.kind", f"expected text, got {kind_of(value)}")
            if word == "kind" and value.value not in kinds:
                raise self.note(value, f"{path}.kind", unknown("kind", value.value, kinds))
        by_key = {word: value for word, _, value in self.entries(node, path)}
        if "kind" not in by_key:
            raise self.note(node, f"{path}.kind", f"is missing; one of {', '.join(kinds)}")
        source = kinds[by_key["kind"].value]
        names = [c.name for c in source.collectors]
        scheduled = [c.name for c in source.collectors if c.every is not None]
        own = OwnQueries(source, [word for word, _ in self.words(by_key.get("labels"), path)])
        own.check(self, by_key.get("queries"), f"{path}.queries")
        from_files = own.read_files(self, by_key.get("query_files"), f"{path}.query_files")
        self.known_words(by_key.get("collectors"), f"{path}.collectors", "collector", [*names, *own.names])
        self.known_words(by_key.get("every"), f"{path}.every", "scheduled collector", scheduled)
        self.known_words(by_key.get("thresholds"), f"{path}.thresholds", "signal", [t.signal for t in source.thresholds])
        self.labels(by_key.get("labels"), f"{path}.labels")
        options: TargetOptions = self.object(node, path, source.options)
        return replace(options, queries=(*options.queries, *from_files)) if isinstance(options, SqlOptions) else options

    def labels(self, node: yaml.Node | None, path: str) -> None:
        taken = {label for metric in catalog.metrics() for label in metric.labels} | {"instance", "job", "le", "quantile"}
        for word, key in self.words(node, path):
            if not _LABEL.match(word) or word.startswith("__"):
                self.note(key, join(path, word), "is not a label name: letters, digits and _, not beginning with a digit or __")
            elif word in taken:
                self.note(key, join(path, word), "is a label that Tocsin's own series use; choose another name")
