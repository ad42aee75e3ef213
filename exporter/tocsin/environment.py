"""The environment variables of postgres_exporter, so that a deployment of it works with `tocsin serve` in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from tocsin.config import Config, parse
from tocsin.errors import ConfigError
from tocsin.options import Secret, read_secret_file
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sql import OwnQuery


def config(environment: Mapping[str, str]) -> Config | None:
    """Return a configuration of one PostgreSQL target for each data source that is named; None where none is.

    DATA_SOURCE_NAME holds connection strings, separated by commas. Else DATA_SOURCE_URI (host:port/database?options),
    DATA_SOURCE_USER and DATA_SOURCE_PASS do, or the files that the same names with _FILE lead to. PG_EXPORTER_EXTEND_QUERY_PATH
    names a queries.yaml. Raises ConfigError or SetupError when a file cannot be read. https://github.com/prometheus-community/postgres_exporter#environment-variables
    """
    password_file = None
    name = _value(environment, "DATA_SOURCE_NAME")
    uri = _value(environment, "DATA_SOURCE_URI")
    if name:
        sources = [part if i == 0 else f"postgres{part}" for i, part in enumerate(name.split(",postgres"))]
    elif uri:
        password_file = environment.get("DATA_SOURCE_PASS_FILE")  # read at every login, so that a changed one is seen
        user, password = _value(environment, "DATA_SOURCE_USER"), "" if password_file else environment.get("DATA_SOURCE_PASS", "")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@" if user else ""
        sources = [f"postgresql://{login}{uri}"]
    else:
        return None
    common = PostgresOptions(
        name="postgres",
        kind="postgres",
        password_file=_readable(password_file) if password_file else None,
        queries=_own_queries(environment),
    )
    targets = [replace(common, dsn=Secret(dsn)) for dsn in sources]
    named = [replace(t, name=t.address or f"postgres-{i}") for i, t in enumerate(targets, 1)]
    if len({t.name for t in named}) < len(named):
        raise ConfigError(["DATA_SOURCE_NAME: two data sources with the same host and port; one target watches all databases of a server"])
    return Config(targets=tuple(named))


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
