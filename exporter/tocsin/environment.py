"""The environment variables of postgres_exporter, so that a deployment of it works with `tocsin serve` in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from tocsin.config import Config
from tocsin.errors import ConfigError
from tocsin.options import Secret, read_secret_file
from tocsin.sources.postgres.config import PostgresOptions


def config(environment: Mapping[str, str]) -> Config | None:
    """Return a configuration of one PostgreSQL target for each data source that is named; None where none is.

    DATA_SOURCE_NAME holds connection strings, separated by commas. Else DATA_SOURCE_URI (host:port/database?options),
    DATA_SOURCE_USER and DATA_SOURCE_PASS do, or the files that the same names with _FILE lead to. Raises
    ConfigError when a file cannot be read. https://github.com/prometheus-community/postgres_exporter#environment-variables
    """
    name = _value(environment, "DATA_SOURCE_NAME")
    uri = _value(environment, "DATA_SOURCE_URI")
    if name:
        sources = [part if i == 0 else f"postgres{part}" for i, part in enumerate(name.split(",postgres"))]
    elif uri:
        user, password = _value(environment, "DATA_SOURCE_USER"), _value(environment, "DATA_SOURCE_PASS")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@" if user else ""
        sources = [f"postgresql://{login}{uri}"]
    else:
        return None
    targets = [PostgresOptions(name="postgres", kind="postgres", dsn=Secret(dsn)) for dsn in sources]
    named = [PostgresOptions(name=t.address or f"postgres-{i}", kind="postgres", dsn=t.dsn) for i, t in enumerate(targets, 1)]
    if len({t.name for t in named}) < len(named):
        raise ConfigError(["DATA_SOURCE_NAME: two data sources with the same host and port; one target watches all databases of a server"])
    return Config(targets=tuple(named))


def _value(environment: Mapping[str, str], name: str) -> str:
    file = environment.get(f"{name}_FILE")
    return read_secret_file(Path(file)).reveal() if file else environment.get(name, "")
