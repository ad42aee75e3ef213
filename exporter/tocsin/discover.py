"""Looking for databases once: what `tocsin discover` does."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tocsin import handshake
from tocsin.config import Config
from tocsin.discovery.core import Catch, Discovered, Discoveries, Search
from tocsin.discovery.found import Found
from tocsin.discovery.lookout import look, searches
from tocsin.discovery.places import split
from tocsin.errors import CollectError
from tocsin.event import one_line
from tocsin.handshake import certificate
from tocsin.sources.docker.config import DockerOptions

_MOST = 1000
_MEET_SECONDS = 3.0
_AT_ONCE = 16
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody without a login learns of a database."""

    reachable: bool
    address: str = ""
    """Where it answered."""
    problem: str = ""
    version: str = ""
    tls: str = ""
    certificate_subject: str = ""
    certificate_until: float | None = None
    """Unix time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    found: Found
    name: str
    answer: Answer
    monitored_by: str
    """The target that collects from it, or will once the exporter runs with this configuration; empty for nobody."""
    missing: str


@dataclass(frozen=True, slots=True)
class Report:
    rows: Sequence[Row]
    problems: Sequence[str]
    """Why something could not be looked through."""
    lines: Sequence[str]
    """Of configuration: what to add so that every one is monitored."""
    blind: bool = False
    """Whether nothing at all could be looked through."""


def report(config: Config, roots: Iterable[Path]) -> Report:
    """Look through the containers of the configured engines (without one, of this machine's), processes, and files.

    What the configuration does not have looked through is shown all the same: nobody monitors it.
    """
    engines = [t for t in config.targets if isinstance(t, DockerOptions)]
    targets = config.targets if engines else (*config.targets, _this_machines_engine(config))
    files = (*config.discovery.files, *(root.absolute() for root in roots))
    everything = replace(
        config, targets=targets, discovery=replace(config.discovery, containers=True, processes=True, files=files, most=_MOST)
    )
    wanted = searches(everything)
    with ThreadPoolExecutor(len(wanted), "tocsin-discover") as pool:
        brought = dict(zip(wanted, pool.map(look, wanted, wanted.values()), strict=True))
    shown = _composed(everything, brought, wanted)
    watched = {d.found.key: d for d in _composed(config, brought, searches(config))}
    with ThreadPoolExecutor(_AT_ONCE, "tocsin-discover") as pool:
        answers = list(pool.map(answer, [d.found for d in shown]))
    rows = [_row(d, watched.get(d.found.key), one) for d, one in zip(shown, answers, strict=True)]
    problems = [_problem(search, one, engines) for search, one in brought.items() if isinstance(one, CollectError)]
    return Report(rows, problems, list(_lines(rows, config)), blind=len(problems) == len(wanted))


def _problem(search: Search, error: CollectError, engines: Sequence[DockerOptions]) -> str:
    """Return why a search failed; the target of this machine's engine is our own invention, of which nobody has heard."""
    return f"{search if engines else search.finder}: {str(error).removeprefix(f'{search.target}: ')}"


def _this_machines_engine(config: Config) -> DockerOptions:
    taken = {t.name for t in config.targets}
    return DockerOptions(name=next(n for n in ("docker", "docker-engine", "docker-of-this-machine") if n not in taken), kind="docker")


def _composed(config: Config, brought: dict[Search, Catch | CollectError], wanted: Iterable[Search]) -> tuple[Discovered, ...]:
    discoveries = Discoveries([config.state_dir / "journal.db"])
    discoveries.apply(config, wanted)
    for search in wanted:
        one = brought.get(search)
        if isinstance(one, Catch):
            discoveries.note(search, one)
    return discoveries.outcome.discovered


def _row(shown: Discovered, watched: Discovered | None, one: Answer) -> Row:
    if watched is not None:
        return Row(found=shown.found, name=watched.name, answer=one, monitored_by=watched.monitored_by, missing=watched.missing)
    by_configured = shown.monitored_by if shown.options is None else ""
    missing = "" if by_configured else "; and ".join(filter(None, (_NOT_LOOKED_FOR[shown.found.origin], shown.missing)))
    return Row(found=shown.found, name=shown.name, answer=one, monitored_by=by_configured, missing=missing)


_NOT_LOOKED_FOR = {
    "container": "a target of kind docker: its containers are looked through",
    "process": "a target of its own, or discovery.processes: true",
    "file": "a target of its own, or its folder among discovery.files",
}


def answer(found: Found) -> Answer:
    """Ask a database at one address after another what it says before a login."""
    problems = []
    for address in found.addresses:
        try:
            return _meet(found, address)
        except CollectError as error:
            problems.append(str(error))
    return Answer(reachable=False, problem=problems[0] if problems else "there is no way to it from here")


def _meet(found: Found, address: str) -> Answer:
    """Raises CollectError."""
    host, port = split(address)
    if found.engine not in ("postgres", "mysql"):
        readable = os.access(address, os.R_OK)
        return Answer(reachable=readable, address=address, problem="" if readable else f"{address} may not be read by this user")
    place = handshake.Address(host=host, port=int(port or 0))
    greeting = handshake.meet(found.name, place, found.engine, time.monotonic() + _MEET_SECONDS)
    version = f"{greeting.product} {greeting.version}".strip()
    refuses = greeting.state is not handshake.State.ANSWERING
    problem = one_line(greeting.said) or greeting.state.replace("_", " ") if refuses else ""
    said = Answer(reachable=True, address=address, version=version, problem=problem)
    if greeting.tls is None:
        return said
    said = replace(said, tls=greeting.tls.version)
    try:
        leaf = certificate.read(greeting.tls.chain[0])
    except (IndexError, certificate.Malformed):
        return said
    return replace(said, certificate_subject=leaf.subject, certificate_until=leaf.not_after)


def as_json(found: Report) -> str:
    """Return the report for programs."""
    rows: list[dict[str, Any]] = [
        {
            "name": row.name, "engine": row.found.engine, "origin": row.found.origin, "place": row.found.place, "image": row.found.image,
            "addresses": list(row.found.addresses), "evidence": list(row.found.evidence), **asdict(row.answer),
            "monitored_by": row.monitored_by, "missing": row.missing,
        }
        for row in found.rows
    ]  # fmt: skip
    return json.dumps(
        {"databases": rows, "problems": list(found.problems), "configuration": list(found.lines)}, ensure_ascii=False, indent=2
    )


def as_text(found: Report, now: float) -> str:
    """Return the report for a person: a table, what is missing, and what to add. `now` is Unix time."""
    if not found.rows:
        return "No database was found. SQLite and DuckDB files are looked for under --root and discovery.files."
    heads = ("DATABASE", "ENGINE", "WHERE", "ANSWERS", "VERSION", "CERTIFICATE ENDS", "MONITORED BY")
    cells = [_cells(row, now) for row in found.rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    parts = [_line(heads, widths)]
    for row, own in zip(found.rows, cells, strict=True):
        parts.append(_line(own, widths))
        details = [f"found in {_origin(row.found)}"] * (row.found.origin == "container") + [one_line("; ".join(row.found.evidence))]
        if row.answer.problem:
            details.append(f"{'refuses' if row.answer.reachable else 'no answer'}: {one_line(row.answer.problem)}")
        details += [f"missing: {one_line(row.missing)}"] * bool(row.missing)
        parts += [f"    {detail}" for detail in details if detail]
    if found.lines:
        parts += ["", "To monitor what nobody monitors yet, add to the configuration file:", "", *(f"  {line}" for line in found.lines)]
    return "\n".join(parts)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _origin(found: Found) -> str:
    return one_line(f"{found.origin} {found.place}" + (f", image {found.image}" if found.image else ""))


def _cells(row: Row, now: float) -> tuple[str, ...]:
    heard = row.answer
    where = heard.address or (row.found.addresses[0] if row.found.addresses else row.found.place)
    return tuple(
        one_line(cell)
        for cell in (
            row.name, row.found.engine, where, "yes" if heard.reachable else "no", heard.version or "-",
            _ends(heard, now), row.monitored_by or "nobody",
        )
    )  # fmt: skip


def _ends(heard: Answer, now: float) -> str:
    if heard.certificate_until is None:
        return "-" if heard.tls or not heard.version else "no TLS"
    days = int((heard.certificate_until - now) // _DAY)
    day = datetime.fromtimestamp(heard.certificate_until, UTC).date().isoformat()
    return f"{day} (expired)" if days < 0 else f"{day} ({days} days)"


def _lines(rows: Iterable[Row], config: Config) -> Iterator[str]:
    """Yield lines of configuration with which every one is monitored: targets, and defaults for what runs in containers."""
    lacking = [row for row in rows if not row.monitored_by and row.found.addresses]
    contained = [row for row in lacking if row.found.origin == "container"]
    others = [row for row in lacking if row.found.origin != "container"]
    has_engine = any(isinstance(t, DockerOptions) for t in config.targets)
    by_engine: dict[str, list[str]] = {}
    for row in contained:
        if row.found.engine in ("postgres", "mysql"):
            by_engine.setdefault(row.found.engine, []).append(row.found.place)
    fresh = {engine: names for engine, names in by_engine.items() if engine not in config.defaults}
    if others or (contained and not has_engine):
        yield "targets:"
        if contained and not has_engine:
            yield "  - {name: docker, kind: docker}"
        yield from (f"  - {_target(row)}" for row in others)
    if contained and has_engine and not config.discovery.containers:
        yield "discovery: {containers: true}"
    if fresh:
        yield "defaults:"
    for engine, names in fresh.items():
        login = f"{{username: tocsin, password_file: /etc/tocsin/{engine}-password}}"
        yield f"  {engine}: {{userpass: {login}, targets: {json.dumps(sorted(set(names)), ensure_ascii=False)}}}"
    for engine in by_engine.keys() - fresh.keys():
        yield f"# to defaults.{engine}.targets, which leave them out: {json.dumps(sorted(set(by_engine[engine])), ensure_ascii=False)}"
    engines = sorted({row.found.engine for row in lacking} & {"postgres", "mysql"})
    for engine in engines:
        yield f"# `tocsin grants {engine}` prints the SQL that makes the role tocsin"
    if engines:
        yield "# a password_file holds the role's password and nothing else; `tocsin check` then tries every target"


def _target(row: Row) -> str:
    found, name = row.found, json.dumps(row.name, ensure_ascii=False)
    if found.engine in ("sqlite", "duckdb"):
        return f"{{name: {name}, kind: {found.engine}, path: {json.dumps(found.addresses[0], ensure_ascii=False)}}}"
    address = row.answer.address or found.addresses[0]
    if split(address)[1]:
        dsn = f"postgresql://tocsin@{address}/postgres" if found.engine == "postgres" else f"mysql://tocsin@{address}/"
    elif found.engine == "postgres":
        folder, _, port = address.rpartition("/.s.PGSQL.")
        dsn = f"host={_conninfo(folder)} port={port} user=tocsin dbname=postgres"
    else:
        dsn = f"mysql://tocsin@/?socket={quote(os.fsencode(address))}"
    password = f"password_file: /etc/tocsin/{found.engine}-password"
    return f"{{name: {name}, kind: {found.engine}, dsn: {json.dumps(dsn, ensure_ascii=False)}, {password}}}"


def _conninfo(value: str) -> str:
    r"""Return a value as libpq reads it in a connection string of keywords.

    >>> _conninfo("/run/postgresql"), _conninfo("/tmp/my dir"), _conninfo("/tmp/it's")
    ('/run/postgresql', "'/tmp/my dir'", "'/tmp/it\\'s'")
    """
    escaped = re.sub(r"(['\\])", r"\\\1", value)
    return f"'{escaped}'" if re.search(r"[\s'\\]", value) else value
