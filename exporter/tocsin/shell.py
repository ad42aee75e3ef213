"""What the commands share: the configuration file's option, and errors as messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tocsin.errors import ConfigError, TocsinError

if TYPE_CHECKING:
    from tocsin.config import Config

F = TypeVar("F", bound=Callable[..., Any])


def optional_config_option(command: F) -> F:
    path = click.Path(dir_okay=False, path_type=Path)
    words = "The configuration file; without one, the DATA_SOURCE_* variables of postgres_exporter and mysqld_exporter."
    return click.option("--config", "config_path", type=path, envvar="TOCSIN_CONFIG", help=words)(command)


def config_option(command: F) -> F:
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option("--config", "config_path", type=path, required=True, envvar="TOCSIN_CONFIG", help="The configuration file.")(
        command
    )


class explained:  # noqa: N801 -- reads as a word: with explained()
    """Turn our own errors into messages without a traceback; exit 2 for a wrong configuration, else with `status`."""

    def __init__(self, status: int = 1) -> None:
        self._status = status

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConfigError):
            for mistake in error.mistakes:
                click.echo(mistake, err=True)
            sys.exit(2)
        if isinstance(error, TocsinError):
            click.echo(f"tocsin: {error}", err=True)
            sys.exit(self._status)


def load(path: Path) -> Config:
    from tocsin import config

    return config.load(path)


def load_or_environment(path: Path | None) -> Config:
    """Read the file, without one the environment of the reference exporters. Raises ConfigError where neither names anything."""
    import os

    from tocsin import environment

    found = load(path) if path else environment.config(os.environ)
    if found is None:
        raise ConfigError(["nothing to watch: give --config FILE (`tocsin up` shows a demo without one), or set DATA_SOURCE_NAME"])
    return found
