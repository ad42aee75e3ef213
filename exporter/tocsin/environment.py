"""The environment variables of both reference exporters, so that a deployment of them works with `tocsin serve` in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from tocsin.config import Config, parse
from tocsin.errors import ConfigError
from tocsin.options import Secret, read_secret_file
from tocsin.sources.mysql import godsn
from tocsin.sources.mysql.config import MysqlOptions
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sql import OwnQuery


class _OnlyPostgres(PostgresOptions):
    """The only data source: its series bear no instance, as those of the reference exporter bear none."""

    __slots__ = ()
    stands_alone = True


class _OnlyMysql(MysqlOptions):
    """The same of MySQL."""

    __slots__ = ()
    stands_alone = True


def config(environment: Mapping[str, str]) -> Config | None:
    """Return a configuration of one target for each data source that is named; None where none is.

    DATA_SOURCE_NAME holds connection strings of PostgreSQL, separated by commas, or one of MySQL. Else DATA_SOURCE_URI
    (host:port/database?options),
    DATA_SOURCE_USER and DATA_SOURCE_PASS do, or the files that the same names with _FILE lead to. PG_EXPORTER_EXTEND_QUERY_PATH
    names a queries.yaml. Raises ConfigError or SetupError when a file cannot be read. https://github.com/prometheus-community/postgres_exporter#environment-variables
    """
    password_file = None
    name = _value(environment, "DATA_SOURCE_NAME")
    uri = _value(environment, "DATA_SOURCE_URI")
    if _is_mysql(name):
        return Config(targets=(_only_mysql(name),))
    if name:
        sources = [part if i == 0 else f"postgres{part}" for i, part in enumerate(name.split(",postgres"))]
    elif uri:
        password_file = environment.get("DATA_SOURCE_PASS_FILE")  # read at every login, so that a changed one is seen
        user, password = _value(environment, "DATA_SOURCE_USER"), "" if password_file else environment.get("DATA_SOURCE_PASS", "")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@" if user else ""
        sources = [f"postgresql://{login}{uri}"]
    else:
        return None
    kind = _OnlyPostgres if len(sources) == 1 else PostgresOptions
    common = kind(
        name="postgres",
        kind="postgres",
        password_file=_readable(password_file) if password_file else None,
        queries=_own_queries(environment),
    )
    return Config(targets=_named([replace(common, dsn=Secret(dsn)) for dsn in sources]))


def _named(targets: list[PostgresOptions]) -> tuple[PostgresOptions, ...]:
    """Name each target by its address, with the database where two have the same. Raises ConfigError for the same twice."""
    addresses = [t.address or f"postgres-{i}" for i, t in enumerate(targets, 1)]
    names = [f"{a}/{t.database}" if addresses.count(a) > 1 else a for a, t in zip(addresses, targets, strict=True)]
    if len(set(names)) < len(names):
        raise ConfigError(["DATA_SOURCE_NAME: two data sources with the same host, port and database; leave one of them out"])
    return tuple(replace(t, name=name) for t, name in zip(targets, names, strict=True))


def _only_mysql(dsn: str) -> MysqlOptions:
    target = _OnlyMysql(name="mysql", kind="mysql", dsn=Secret(dsn))
    return replace(target, name=target.address or target.name)


def _is_mysql(text: str) -> bool:
    if text.startswith("postgres") or re.match(r"\s*\w+\s*=", text):
        return False
    return text.startswith(("mysql://", "mariadb://")) or godsn.parse(text) is not None


def _own_queries(environment: Mapping[str, str]) -> tuple[OwnQuery, ...]:
    path = environment.get("PG_EXPORTER_EXTEND_QUERY_PATH", "")
    if not path:
        return ()
    target = {"name": "postgres", "kind": "postgres", "query_files": [str(Path(path).absolute())]}
    (read,) = parse(json.dumps({"targets": [target]}), "PG_EXPORTER_EXTEND_QUERY_PATH", Path(), environment).targets
    assert isinstance(read, PostgresOptions)
    return read.queries


def _readable(path: str) -> Path:
    """Return the path of a secret. Raises SetupError when it cannot be read."""
    read_secret_file(Path(path))
    return Path(path)


def _value(environment: Mapping[str, str], name: str) -> str:
    file = environment.get(f"{name}_FILE")
    return read_secret_file(Path(file)).reveal() if file else environment.get(name, "")
