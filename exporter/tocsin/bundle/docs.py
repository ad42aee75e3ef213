"""Documents from declarations: METRICS.md, EVENTS.md, CONFIG.md and the configuration's JSON Schema.

`python -m tocsin.bundle.docs` writes them again; a test compares.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from tocsin import catalog, events_api, stream, vitals
from tocsin.config import Config
from tocsin.event import EVENT_HELP, RISK_HELP, Change, EventKind, Risk
from tocsin.filewatch.compare import FileChange
from tocsin.filewatch.events import OBJECT_KINDS
from tocsin.filewatch.risk import RULES as FILE_RULES
from tocsin.metric import Declared, Metric
from tocsin.options import Duration, Levels, Secret, Size, TargetOptions
from tocsin.schema.risk import RULES
from tocsin.source import Source
from tocsin.sql import SqlByVersion

_MADE = "<!-- Made by `make docs` from the declarations; edit those. -->\n"

_WORDS: dict[Any, tuple[str, dict[str, Any]]] = {
    bool: ("true or false", {"type": "boolean"}),
    str: ("text", {"type": "string"}),
    Secret: ("secret text", {"type": "string"}),
    SqlByVersion: ("SQL, or version to SQL", {"type": ["string", "object"]}),
    Path: ("path", {"type": "string"}),
    int: ("whole number", {"type": "integer"}),
    float: ("number", {"type": "number"}),
    Duration: ("duration", {"type": ["string", "number"], "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}),
    Size: ("size", {"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?\s*(B|KB|MB|GB)?$"}),
}


def metrics_page() -> str:
    """Return METRICS.md: every series, by who emits it."""
    parts = ["# Metrics\n", _MADE]
    parts.append("\nSeries of a target carry `instance`, its name in the configuration, and the target's own labels too.\n")
    parts += ["\n## The exporter itself\n\n", _metric_table(vitals.EXPORTER)]
    parts += ["\n`process_*` comes from prometheus_client.\n", "\n## Every target\n\n", _metric_table(vitals.TARGET)]
    for source in catalog.SOURCES:
        parts.append(f"\n## {source.kind}: {source.help}\n\n{_metric_table(source.vitals)}")
        for collector in source.collectors:
            when = "when scraped" if collector.every is None else f"every {collector.every:g} s by default"
            off = "" if collector.enabled else ", off by default"
            parts.append(f"\n### {source.kind}.{collector.name}\n\n{collector.help[0].upper()}{collector.help[1:]}; {when}{off}.\n\n")
            parts.append(_metric_table(collector.metrics))
        parts.append(f"\n### Thresholds of {source.kind}\n\n{_threshold_table(source)}")
    return "".join(parts)


def _metric_table(metrics: Iterable[Declared]) -> str:
    rows = []
    for m in metrics:
        unit = m.unit if isinstance(m, Metric) else ""
        rows.append((f"`{m.name}`", m.type, unit, ", ".join(f"`{label}`" for label in m.labels), m.help))
    return _table(("series", "type", "unit", "labels", "what it says"), rows)


def _threshold_table(source: Source) -> str:
    rows = [(f"`{t.signal}`", t.unit, _level(t.warning), _level(t.critical), t.help) for t in source.thresholds]
    return _table(("signal", "unit", "warning", "critical", "what is compared"), rows)


def _level(value: float | None) -> str:
    return "-" if value is None else f"{value:.15g}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in (heads, ("---",) * len(heads), *rows)]
    return "".join(lines)


_API = """`GET /api/v1/events` gives them as JSON: those that fit every parameter, and any one of several values of the same parameter
(`risk=breaking&risk=destructive`). A parameter that is unknown or wrong is answered with 400 and with what it takes.
"""
_STREAM = f"""
`GET /api/v1/events/stream` gives the same events as they happen, as Server-Sent Events: `id:` the event's id, `event:` its kind, `data:`
the same JSON in one line. It takes the same parameters but for {", ".join(f"`{name}`" for name in events_api.PAGING)}.
A client that comes back with the header `Last-Event-ID`, as browsers do, or with `since_id` goes on after that event and misses nothing;
without either it hears what happens from now on. When events were removed by retention meanwhile, `event: gap` says so first. A comment
every 15 seconds shows that the line is open. {stream.MOST_STREAMS} clients are served at a time; one more gets 503 with `Retry-After`.
"""

_SCHEMA = """`detail` has what else is known: `traits` and `diff` of an altered object, `new_name` of a renamed one, and `objects`, how many
go by another name with a renamed schema or role. Where PostgreSQL has the event trigger of `tocsin install postgres-trigger`, `by`,
`application`, `client` and `statement` say who made the change and how; a change that is found only after a restart of the exporter,
or that was made while it did not listen, bears none of them.

On PostgreSQL an object is told as altered though both definitions read the same where it was made again for something else that bears a
name in it now, such as a table, a column, a type or a role: `reason` says which name, and what bore it. A role that was dropped and
made again is another one, and told once as altered with the number of rights and objects that name it in `objects`; a table or a
function that was made again is the same. A routine whose body is kept as text looks up what it names when it runs:
nothing is said of it. Where tables bear no number (SQLite, DuckDB, MySQL), one that has another name is told as
renamed where all its parts are the same and at least two columns are among them, or where all but one are and at least six columns (two
less for each index or trigger of a name that only one table can use), and no other could be meant; `reason` says that it was concluded
so. With less in common it is told as dropped and added.

Told are renames of roles and tablespaces, in each database that they have to do with, and nothing else of them. Not told are
attributes, passwords and memberships of roles (`GRANT admin TO alice`), rights on parameters, `ALTER ROLE ... SET` and
`ALTER DATABASE ... SET`, security labels, and the default character set of a MySQL database, which tables that are made later tell as
their own: neither a schema nor its fingerprint says anything of these. Nor is the order of columns told, though `SELECT *` and an
`INSERT` without a list of columns depend on it: a column that is moved, or two alike that exchange their names where the engine does not
number them. What is dropped and made again alike between two looks, a column or a table, is the same to a schema; the data in it is not
looked at. A partition by range that comes or goes is rotation and not told; of a MySQL list, one whose values are in no other is.

On MySQL and MariaDB what an account may do on the whole server (`GRANT ... ON *.*`) is one event of the object `server.ACCOUNT`, which
belongs to no database and to no fingerprint. It takes SELECT on the database `mysql`. Not told are the exporter's own account, which roles
an account has, on MariaDB what a role may do on the whole server, and, before the next full inspection, what is written into the tables of
accounts by hand.

Partitions of PostgreSQL by list or hash, and the one for all the rest, are told as tables are. Those by range, and whatever is below
them, come and go by the clock: they are told only when a table becomes one or stops being one, when the first one comes or none is left,
and when an owner, a right or row security of one that stays becomes another than its table's; the fingerprint says nothing of them. One
that is detached is a table of its own from then on; that it is renamed or dropped within seven days is rotation, too, and told as safe,
unless it was a table of its own in the seven days before. Not told are that one of several by range is dropped, even one that was once a
table of its own, and of any partition its indexes, defaults, checks, policies, comments and rights on columns.

Passwords are never read, so that another one in a subscription, a user mapping or a foreign server is not told. How a subscription
connects besides (server, port, database, user, how it is encrypted) is told where the exporter's role is a superuser: nobody else may
read it.

A right that is there without a word, as everybody's to connect to a PostgreSQL database or to execute a function, is told as altered
when it is taken away or given back (`PUBLIC without CONNECT`). What came while the role's privileges hid it is told when it is seen
again, with that in the reason. What they hid from the beginning is told by one event, `rebaselined`, that names it: it may be old or new.
"""

_FILES = """`detail` has the `attributes` that differ, `old_sha256` and `new_sha256` of what was read, `old_inode` and `new_inode` of a
replaced file, `diff` of a text file whose name `diff` matches, `new_name` of a renamed one, `to` of a rotated log, `files` of a
directory that came or went with so many. Times alone are no change. Names that are no UTF-8 or do not print are written with escapes.
"""


def events_page() -> str:
    """Return EVENTS.md: what events there are, and how a change is weighed."""
    kinds = _table(("kind", "what it tells"), [(f"`{kind}`", EVENT_HELP[kind]) for kind in EventKind])
    risks = _table(("risk", "what it means"), [(f"`{risk}`", RISK_HELP[risk]) for risk in Risk])
    rules = _table(
        ("object", "change", "what of it", "risk", "reason"),
        [(r.kind, r.change, r.trait or "", r.risk, r.reason) for r in RULES],
    )
    changes = ", ".join(f"`{c}`" for c in Change)
    rows = [(f"`{name}`", what, "yes" * (name in events_api.SEVERAL)) for name, what in events_api.PARAMETERS.items()]
    parameters = _table(("parameter", "what it takes", "several"), rows)
    return (
        f"# Events\n{_MADE}\n{_API}\n{parameters}\n{_STREAM}\n## Kinds\n\n{kinds}\n"
        f"## Schema changes\n\n`change` is one of {changes}. The first rule that fits decides; of several altered traits\n"
        f"the heaviest counts.\n\n{_SCHEMA}\n"
        f"{risks}\n{rules}\n{_files()}"
    )


def _files() -> str:
    """Return what is told of files, and how it is weighed."""
    changes = ", ".join(f"`{c}`" for c in FileChange)
    rules = _table(
        ("change", "what of it", "risk", "security", "reason"),
        [(r.change, r.attribute or "", r.risk, "yes" * r.security, r.reason) for r in FILE_RULES],
    )
    return (
        f"## Changes of files\n\n`change` is one of {changes}; `object_kind` one of {', '.join(f'`{kind}`' for kind in OBJECT_KINDS)},\n"
        f"of which `files` are many of a directory at once (`detail.count`, and `some` of them). Of what is altered or replaced every\n"
        f"attribute is weighed; the heaviest counts, and what bears on security is told in any case.\n\n{_FILES}\n{rules}"
    )


def config_page() -> str:
    """Return CONFIG.md: every option with its type, default and meaning."""
    parts = ["# Configuration\n", _MADE]
    parts.append("\n`${NAME}` and `${NAME:-default}` in a value are replaced from the environment; `$${` is `${`.\n")
    parts.append("A duration is `500ms`, `10s`, `5m`, `1h` or `1d`; a size is `512KB`, `64MB` or `1GB`.\n")
    parts.append("Relative paths are relative to the configuration file.\n\n## The file\n\n" + _option_table(Config))
    for source in catalog.SOURCES:
        scheduled = ", ".join(f"`{c.name}` ({c.every:g} s)" for c in source.collectors if c.every is not None)
        parts.append(f"\n## Targets of kind {source.kind}\n\n{source.help}.\n\n{_option_table(source.options)}")
        parts.append(f"\nCollectors: {', '.join(f'`{c.name}`' for c in source.collectors)}.\nScheduled: {scheduled or 'none'}.\n")
        parts.append(f"Signals: {', '.join(f'`{t.signal}`' for t in source.thresholds) or 'none'}.\n")
    return "".join(parts)


def _option_table(cls: type) -> str:
    return _table(("option", "type", "default", "meaning"), _option_rows(cls, ""))


def _option_rows(cls: type, prefix: str) -> list[tuple[str, ...]]:
    hints = typing.get_type_hints(cls)
    rows: list[tuple[str, ...]] = []
    # A target's own options stand before those that its kind shares with some others.
    common = {f.name for f in fields(TargetOptions)} if issubclass(cls, TargetOptions) else set()
    own = cls.__annotations__
    for f in sorted(fields(cls), key=lambda f: (f.name not in common, f.name not in own)):
        hint = _inner(hints[f.name])
        default = f.default if f.default_factory is MISSING else f.default_factory()
        name = f"{prefix}{f.metadata.get('key', f.name)}"
        if is_dataclass(hint) and hint is not TargetOptions:
            rows.append((f"`{name}`", "options", "-" if default is None else "", f.metadata["help"]))
            rows += _option_rows(typing.cast(type, hint), f"{name}.")
        else:
            example = f" Example: `{f.metadata['example']}`." if f.metadata.get("example") is not None else ""
            rows.append((f"`{name}`", _type_words(hint), _default_words(default), f.metadata["help"] + "." + example))
            # What stands in a list or under names of the user's choice is told with the brackets of its place.
            element = get_args(hint)[-1 if get_origin(hint) is dict else 0] if get_args(hint) else None
            if is_dataclass(element) and element not in (TargetOptions, Levels):
                rows += _option_rows(typing.cast(type, element), f"{name}[].")
    return rows


def _inner(hint: Any) -> Any:
    if get_origin(hint) in (typing.Union, types.UnionType):
        return next(a for a in get_args(hint) if a is not type(None))
    return hint


def _type_words(hint: Any) -> str:
    if hint in _WORDS:
        return _WORDS[hint][0]
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        return "list of targets" if inner is TargetOptions else f"list of {_type_words(inner)}"
    if get_origin(hint) is dict:
        inner = get_args(hint)[1]
        return f"name to {'levels (`warning`, `critical`)' if inner is Levels else _type_words(inner)}"
    return "options"


def _default_words(default: Any) -> str:
    if default is MISSING:
        return "required"
    if default is None or isinstance(default, Secret) or default in ((), {}, ""):
        return "-"
    if isinstance(default, tuple):
        return ", ".join(f"`{d}`" for d in default)
    if isinstance(default, Duration):
        days = default / 86400
        return f"`{days:g}d`" if days >= 1 else f"`{float(default):g}s`"
    if isinstance(default, Size):
        return f"`{default // 2**20}MB`"
    return f"`{str(default).lower() if isinstance(default, bool) else f'{default:g}' if isinstance(default, float) else default}`"


def config_schema() -> dict[str, Any]:
    """Return the configuration file's JSON Schema (2020-12), for editors."""
    root = _schema_of(Config)
    root["properties"]["targets"] = {
        "type": "array",
        "description": "what is watched",
        "items": {"oneOf": [_target_schema(source) for source in catalog.SOURCES]},
    }
    # A module takes its kind's options too, which the loader tells apart better than a schema could.
    root["properties"]["auth_modules"]["additionalProperties"]["additionalProperties"] = True
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tocsin", **root}


def _target_schema(source: Source) -> dict[str, Any]:
    found = _schema_of(source.options)
    properties = found["properties"]
    properties["kind"] = {"const": source.kind}
    names = {
        "collectors": [c.name for c in source.collectors],
        "every": [c.name for c in source.collectors if c.every is not None],
        "thresholds": [t.signal for t in source.thresholds],
    }
    for option_name, known in names.items():
        properties[option_name]["propertyNames"] = {"enum": known}
    return found


def _schema_of(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (typing.Union, types.UnionType):
        return {"anyOf": [_schema_of(_inner(hint)), {"type": "null"}]}
    if hint in _WORDS:
        kind, rest = _WORDS[hint][1], dict(_WORDS[hint][1])
        # A variable may stand for any single value.
        variable = {"type": "string", "pattern": r"\$\{"}
        return rest if "string" in kind["type"] and "pattern" not in kind else {"anyOf": [rest, variable]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": {} if get_args(hint)[0] is TargetOptions else _schema_of(get_args(hint)[0])}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _schema_of(get_args(hint)[1])}
    hints = typing.get_type_hints(hint)
    properties, required = {}, []
    for f in fields(hint):
        name = f.metadata.get("key", f.name)
        properties[name] = {**_schema_of(hints[f.name]), "description": f.metadata["help"]}
        if f.default is MISSING and f.default_factory is MISSING:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def pages() -> dict[str, str]:
    """Return every generated document by its path in the checkout."""
    import json

    from tocsin.bundle.routes import example

    return {
        "exporter/METRICS.md": metrics_page(),
        "exporter/EVENTS.md": events_page(),
        "exporter/CONFIG.md": config_page(),
        "exporter/config.schema.json": json.dumps(config_schema(), indent=2) + "\n",
        "alertmanager/alertmanager.yaml": example(),
        "compose/alertmanager.yaml": example("exporter:9847"),
    }


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[3]
    for path, text in pages().items():
        (root / path).write_text(text, "utf-8")
        print(path)
