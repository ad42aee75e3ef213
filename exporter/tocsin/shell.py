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
