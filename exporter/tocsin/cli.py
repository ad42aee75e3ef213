"""The command line. Each command is a few lines over the module that does the work, imported when it is called."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

import tocsin
from tocsin.schema_commands import schema
from tocsin.shell import explained, load, load_or_environment, optional_config_option

if TYPE_CHECKING:
    from tocsin.sources.postgres.config import PostgresOptions

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:9847"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tocsin.__version__, prog_name="tocsin")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
def main(log_level: str) -> None:
    """An alarm bell for databases: know before your users do."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)


@main.command()
@optional_config_option
@click.option(
    "--listen",
    "--web.listen-address",
    callback=lambda _context, _option, value: _listen(value),
    metavar="HOST:PORT",
    help="Where to listen, in place of the configuration's server.listen; no host stands for every address.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the journal, in place of the configuration's state_dir; without either systemd's, or one that is removed at the end.",
)
def serve(config_path: Path | None, listen: str | None, state_dir: Path | None) -> None:
    """Run the exporter."""
    from tocsin import service

    with explained():
        config = load_or_environment(config_path)
    with (
        explained(),
        _journal_folder(config_path, state_dir) as journal,
        service.Service(config, config_path, listen, journal) as running,
    ):
        logging.getLogger("tocsin").info(
            "tocsin %s listens on %s, %d targets", tocsin.__version__, running.url, len(running.scheduler.targets())
        )
        name = service.wait_for_signal(running)
        logging.getLogger("tocsin").info("%s: stopping", name)


@main.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TOCSIN_CONFIG",
    help="The configuration file, for its docker targets and logins; without one nothing counts as monitored.",
)
@click.option(
    "--root",
    "roots",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder under which SQLite and DuckDB files are looked for; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def discover(config_path: Path | None, roots: tuple[Path, ...], as_json: bool) -> None:
    """Show the databases in containers, processes and files, who monitors them, and what is missing."""
    import time

    from tocsin import discover as discovering
    from tocsin.config import Config

    with explained():
        found = discovering.report(load(config_path) if config_path else Config(), roots)
    for problem in found.problems:
        click.echo(f"not looked through: {problem}", err=True)
    click.echo(discovering.as_json(found) if as_json else discovering.as_text(found, time.time()))
    sys.exit(1 if found.blind else 0)


@main.command()
@optional_config_option
@click.option(
    "--timeout", default=10.0, show_default=True, help="Seconds that a target may take to answer, and again for its scheduled collectors."
)
def check(config_path: Path | None, timeout: float) -> None:
    """Validate the configuration and try every target; exit 1 if anything fails."""
    from tocsin import once

    with explained():
        config = load_or_environment(config_path)
        reports = once.check(config, timeout)
    for line in (*(r.line for r in reports), *once.notes(config)):
        click.echo(line)
    if not reports:
        click.echo("the configuration is right; it has no targets yet")
    sys.exit(0 if all(r.good for r in reports) else 1)


@main.command("once")
@optional_config_option
@click.option(
    "--timeout", default=10.0, show_default=True, help="Seconds that a target may take to answer, and again for its scheduled collectors."
)
def once_command(config_path: Path | None, timeout: float) -> None:
    """Collect once and print the page that /metrics would serve."""
    from tocsin import once

    with explained():
        click.echo(once.page(load_or_environment(config_path), timeout), nl=False)


@main.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TOCSIN_CONFIG",
    help="The configuration file; without one a demo is watched.",
)
def up(config_path: Path | None) -> None:
    """Run everything: the exporter, and Prometheus and Alertmanager beside it."""
    from tocsin import stack

    with explained():
        sys.exit(stack.up(load(config_path) if config_path else None, config_path))


@main.command()
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into.")
@click.option(
    "--config", "config_path", type=click.Path(dir_okay=False, path_type=Path), help="Take receivers and the address from this file."
)
def bundle(folder: Path, config_path: Path | None) -> None:
    """Write rules, routes, dashboards and scrape configuration, for a Prometheus that already runs."""
    from tocsin.bundle import files

    with explained():
        for path in files.write(folder, load(config_path) if config_path else None):
            click.echo(path)


@main.command()
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the exporter listens.")
def healthcheck(url: str) -> None:
    """Exit 0 when the exporter at --url is ready; for containers, which have no curl."""
    import http.client
    import ssl
    from urllib.parse import urlsplit

    parts = urlsplit(url if "://" in url else f"http://{url}")
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            # Asked from within its own machine: whether it answers is the question, not who it is.
            connection = http.client.HTTPSConnection(parts.netloc, timeout=3, context=ssl._create_unverified_context())  # noqa: S323
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=3)
        connection.request("GET", "/-/ready")
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise click.ClickException(f"{url} does not answer: {error}") from error
    if status not in (200, 401):  # who asks for a password answers
        raise click.ClickException(f"{url} is not ready: {status}")
    click.echo("ready")


@main.command()
@click.argument("kind")
def grants(kind: str) -> None:
    """Print the SQL that makes a role for Tocsin on a server of KIND, such as postgres."""
    from tocsin import catalog

    known = {source.kind: source.grants for source in catalog.SOURCES if source.grants}
    if kind not in known:
        raise click.ClickException(f"no grants for {kind!r}; there are some for {', '.join(known)}")
    click.echo(known[kind], nl=False)


@main.command()
@click.argument("what", type=click.Choice(["postgres-trigger"]))
@click.option("--remove", is_flag=True, help="Remove it instead.")
@click.option("--apply", "name", metavar="TARGET", help="Do it in every watched database of this target, whose user must be a superuser.")
@click.option(
    "--config", "config_path", type=click.Path(dir_okay=False, path_type=Path), envvar="TOCSIN_CONFIG", help="The file that has the target."
)
@click.option("--timeout", default=30.0, show_default=True, help="Seconds that --apply may take.")
def install(what: str, remove: bool, name: str | None, config_path: Path | None, timeout: float) -> None:
    """Print the SQL of what helps Tocsin on a server, or run it there.

    postgres-trigger: event triggers that tell of schema changes as they are committed, with who made them.
    """
    from tocsin.sources.postgres import trigger

    if name is None:
        click.echo(trigger.script(remove=remove), nl=False)
        return
    if config_path is None:
        raise click.UsageError("--apply needs --config")
    with explained():
        target = next((t for t in load(config_path).targets if t.name == name and t.kind == "postgres"), None)
        if target is None:
            raise click.ClickException(f"{config_path} has no target {name!r} of kind postgres")
        for database in trigger.apply(cast("PostgresOptions", target), timeout, remove=remove):
            click.echo(f"{what} {'removed from' if remove else 'installed in'} {database}")


@main.command("config-schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    import json

    from tocsin.bundle import docs

    click.echo(json.dumps(docs.config_schema(), indent=2))


def _listen(value: str | None) -> str | None:
    from tocsin.config import is_listen

    if value is not None and value.startswith(":"):
        value = f"0.0.0.0{value}"  # noqa: S104 -- as it was asked for
    if value is not None and is_listen(value):
        raise click.BadParameter("expected HOST:PORT")
    return value


@contextmanager
def _journal_folder(config_path: Path | None, given: Path | None) -> Iterator[Path | None]:
    """Give the folder of the journal, None for that of the configuration.

    Without a configuration nobody promised a folder that we may write into, as the reference exporters need none.
    """
    import os
    import tempfile

    systemds = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given or config_path:
        yield given
    elif systemds:
        yield Path(systemds)
    else:
        logging.getLogger("tocsin").warning(
            "changes found are forgotten at restart: give --state-dir DIR (or StateDirectory= of systemd) to keep them"
        )
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
            yield Path(folder)


main.add_command(schema)

if __name__ == "__main__":
    main()
