"""`tocsin schema ...`: schemas shown, compared, written down, accepted, and held against the code that uses them.

Each command exits with 0 where all is as it should be, with 1 where it found something, and with 2 where it could not tell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tocsin.errors import SetupError
from tocsin.shell import config_option, explained, load

if TYPE_CHECKING:
    from tocsin.scan.catalogue import Catalogue

F = TypeVar("F", bound=Callable[..., Any])

_path = click.Path(dir_okay=False, path_type=Path)
_seconds = click.option("--timeout", "seconds", default=60.0, show_default=True, help="Seconds that a target may take.")
_optional_config = click.option("--config", "config_path", type=_path, envvar="TOCSIN_CONFIG", help="The configuration file.")


def _databases(command: F) -> F:
    return click.option("--database", "databases", multiple=True, help="Only this database; may be given several times.")(command)


@click.group()
def schema() -> None:
    """Show, compare, export and accept schemas; scan code for names that they do not have."""


def _checked(kinds: Iterable[str]) -> tuple[str, ...]:
    from tocsin.schema.model import TRAITS

    for kind in kinds:
        if kind not in TRAITS:
            raise SetupError(f"{kind!r} is no kind of object; there are: {', '.join(TRAITS)}")
    return tuple(kinds)


def _warn(target: str, missing: Iterable[str], consequence: str) -> None:
    """Say on the standard error what a target's role cannot see, and what comes of it."""
    for gap in missing:
        click.echo(f"warning: {target} {gap}: {consequence}", err=True)


@schema.command()
@click.argument("target")
@config_option
@_databases
@click.option("--kind", "kinds", multiple=True, help="Only objects of this kind; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_seconds
def show(target: str, config_path: Path, databases: tuple[str, ...], kinds: tuple[str, ...], as_json: bool, seconds: float) -> None:
    """Print the schema of TARGET as it is now."""
    from tocsin import schemas
    from tocsin.schema import drift
    from tocsin.schema import show as words
    from tocsin.schema.model import OF_SERVER, TRAITS

    with explained(2):
        chosen = _checked(kinds) or tuple(kind for kind in TRAITS if kind not in OF_SERVER)
        found = schemas.of_target(schemas.target(load(config_path), target), databases, seconds)
    _warn(target, schemas.gaps(found, chosen), "it is not shown")
    if as_json:
        click.echo(json.dumps({"target": target, "databases": {
            name: {
                "server": one.server, "fingerprint": one.fingerprint(), "counts": one.counts(),
                "objects": [drift.as_dict(o) for o in sorted(one.objects, key=drift.place) if o.kind in chosen],
            }
            for name, one in found.items()
        }}, ensure_ascii=False, indent=2))  # fmt: skip
        return
    for i, (name, one) in enumerate(found.items()):
        click.echo("\n" * (i > 0) + "\n".join(words.schema_lines(name, one, chosen)))


@schema.command()
@click.argument("old")
@click.argument("new")
@_optional_config
@click.option(
    "--database", "databases", multiple=True,
    help="Only this database, or OLD=NEW where the two sides have different names for it; may be given several times.",
)  # fmt: skip
@click.option("--ignore", multiple=True, help="Leave objects of this kind out; may be given several times.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@_seconds
def diff(
    old: str, new: str, config_path: Path | None, databases: tuple[str, ...], ignore: tuple[str, ...], form: str, seconds: float
) -> None:
    """Compare OLD with NEW: each is a target of the configuration or a file of expected schemas. Exit 1 if they differ."""
    from tocsin import schemas
    from tocsin.schema import show as words

    with explained(2):
        left_out = _checked(ignore)
        config = load(config_path) if config_path else None
        names = [(a, b or a) for a, _, b in (d.partition("=") for d in databases)]
        one = schemas.side(config, old, [a for a, _ in names], seconds)
        other = schemas.side(config, new, [b for _, b in names], seconds)
        both, gone, come = schemas.pairs(one, other, names)
    kinds = one.kinds & other.kinds - frozenset(left_out)
    for side, against in ((one, other), (other, one)):
        _warn(side.name, schemas.gaps(side.schemas, kinds, against.schemas), "what is hidden seems to be missing")
    renamed = [] if names else schemas.other_names(one, other, both)
    for a, b in renamed:
        click.echo(f"warning: {old} speaks of {a}, {new} of {b}; if these are to be the same: --database {a}={b}", err=True)
    databases_told = [*((n, None) for n in gone), *((None, n) for n in come), *renamed]
    found = [(b or a or "", schemas.database_difference(a, b)) for a, b in databases_told]
    for _, was, name, is_ in both:
        if was.server != is_.server:
            warning = f"{old} is {was.server}, {new} is {is_.server}: the same objects may be described in other words"
            click.echo(f"warning: {warning}", err=True)
        found += [(name, d) for d in schemas.compare(was, is_, kinds)]
    if form == "json":
        click.echo(json.dumps([words.difference_json(n, d) for n, d in found], ensure_ascii=False, indent=2))
    else:
        _print_differences(found)
    sys.exit(1 if found else 0)


def _print_differences(found: list[tuple[str, Any]]) -> None:
    from tocsin.schema import show as words

    several = len({name for name, _ in found}) > 1
    for name, difference in found:
        for i, line in enumerate(words.difference_lines(difference)):
            click.echo(f"{name}: {line}" if several and i == 0 else line)
    click.echo(words.summary(d for _, d in found))


@schema.command()
@click.argument("target")
@config_option
@_databases
@click.option("--kind", "kinds", multiple=True, help="Objects of this kind, and no others; may be given several times.")
@click.option("-o", "--output", type=_path, help="The file to write; without it the standard output.")
@click.option("--force", is_flag=True, help="Write the file anew where there is one.")
@_seconds
def export(
    target: str,
    config_path: Path,
    databases: tuple[str, ...],
    kinds: tuple[str, ...],
    output: Path | None,
    force: bool,
    seconds: float,
) -> None:
    """Write the schema of TARGET down as the expected one."""
    from tocsin import schemas
    from tocsin.schema import drift

    with explained(2):
        chosen = _checked(kinds) or drift.DEFAULT_KINDS
        found = schemas.of_target(schemas.target(load(config_path), target), databases, seconds)
        _warn(target, schemas.gaps(found, chosen), "the file expects what is hidden to be absent")
        lines = drift.write(found.items(), chosen)
        if output is None:
            for line in lines:
                click.echo(line)
        else:
            schemas.write(output, lines, replace=force)
            click.echo(f"{output}: {', '.join(found)}", err=True)


@schema.command()
@click.argument("target")
@config_option
@_databases
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
@click.option("--partial", is_flag=True, help="Accept what can be seen, and leave in the file what it says of the rest.")
@_seconds
def accept(target: str, config_path: Path, databases: tuple[str, ...], dry_run: bool, partial: bool, seconds: float) -> None:
    """Make the present schema of TARGET the expected one: in the file that its option `expected` names."""
    from tocsin import schemas

    with explained(2):
        found = schemas.acceptance(schemas.target(load(config_path), target), databases, seconds, partial=partial)
        changes = [(name, d) for name, differences in found.changes for d in differences]
        _print_differences(changes)
        if not changes:
            click.echo(f"{found.path} stays as it is", err=True)
        elif dry_run:
            click.echo(f"{found.path} was not written", err=True)
        else:
            schemas.write(found.path, found.lines(), replace=True)
            click.echo(f"{found.path} was written", err=True)


@schema.command()
@click.argument("source", type=click.Path(path_type=Path))
@_optional_config
@click.option("--target", help="The target whose schema the code must fit.")
@click.option("--schema", "file", type=_path, help="Instead of a target, a file of expected schemas.")
@_databases
@click.option("--search-path", multiple=True, help="Schemas in which names without one are looked up; public without it.")
@click.option("--migrations", is_flag=True, help="Look through folders of migrations too.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@_seconds
def scan(
    source: Path,
    config_path: Path | None,
    target: str | None,
    file: Path | None,
    databases: tuple[str, ...],
    search_path: tuple[str, ...],
    migrations: bool,
    form: str,
    seconds: float,
) -> None:
    """Find SQL in the code below SOURCE that names tables or columns which do not exist. Exit 1 if there is any."""
    with explained(2):
        catalogue = _catalogue(config_path, target, file, databases, search_path, seconds)

        from tocsin.scan import report
        from tocsin.scan.scan import scan as look

        found = look(source, catalogue, migrations=migrations)
    for line in report.FORMATS[form](found):
        click.echo(line)
    for line in report.remarks(found):
        click.echo(line, err=True)
    sys.exit(1 if found.findings else 0)


def _catalogue(
    config_path: Path | None,
    target: str | None,
    file: Path | None,
    databases: tuple[str, ...],
    search_path: tuple[str, ...],
    seconds: float,
) -> Catalogue:
    """Read the tables that there are, from a target or from a file."""
    from tocsin import schemas
    from tocsin.scan.catalogue import Catalogue

    if (target is None) == (file is None):
        raise SetupError("give either --target, with --config, or --schema with a file from: tocsin schema export")
    config = load(config_path) if config_path else None
    if file is not None:
        found = schemas.side(None, str(file), databases, seconds)
        missing = {"table", "column"} - found.kinds
        if missing:
            raise SetupError(f"{file} says nothing of each {' and '.join(sorted(missing))}; export it with those kinds")
        return Catalogue(found.schemas.items(), search_path or ("public",))
    seen = schemas.of_target(schemas.target(config, target or ""), databases, seconds)
    _warn(target or "", schemas.gaps(seen, ("table", "view", "column")), "what is hidden seems not to exist")
    return Catalogue(seen.items(), search_path or ("public",))
