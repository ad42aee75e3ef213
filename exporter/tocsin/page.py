"""What a person is shown: the landing page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import tocsin
from tocsin.errors import JournalError
from tocsin.event import Event, EventKind
from tocsin.event_filter import Filter
from tocsin.events_api import iso
from tocsin.journal import Journal
from tocsin.runner import Target

if TYPE_CHECKING:
    from tocsin.discovery.core import Discovered, Discoveries

_LINKS = (
    ("/metrics", "series of all targets"),
    ("/sd", "targets for Prometheus' http_sd_configs"),
    ("/api/v1/events", "what changed, as JSON"),
    ("/-/healthy", "is the process alive"),
    ("/-/ready", "is it ready to be scraped"),
)
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
th { font-weight: 600; opacity: .7; }
.good { color: #2a8a4a; } .bad { color: #d03a3a; font-weight: 600; } .warn { color: #b87a00; } .dim { opacity: .65; }
code { font-size: .95em; }
td:first-child { white-space: nowrap; }
"""


def landing(targets: list[Target], discoveries: Discoveries, journal: Journal) -> str:
    """Return the landing page: targets and what is wrong with them, databases found, what changed, what was delivered."""
    try:
        changed = journal.events(Filter(kind=(EventKind.SCHEMA,)), limit=10, newest=True)[::-1]
        delivered = journal.events(Filter(kind=(EventKind.NOTIFICATION,)), limit=10, newest=True)[::-1]
        problem = "" if journal.up else '<p class="bad">The journal cannot be written: changes are found but not kept yet.</p>'
    except JournalError as error:
        changed, delivered, problem = [], [], f'<p class="bad">{escape(str(error))}</p>'
    links = " · ".join(f'<a href="{path}" title="{escape(what)}">{path}</a>' for path, what in _LINKS)
    watched = _table(
        ("target", "kind", "address", "state", "what is wrong"),
        [_target(t) for t in targets],
        "No targets: add some to the configuration file.",
    )
    changes = _table(("when", "target", "object", "change", "risk", "why it matters"), [_change(e) for e in changed], "Nothing yet.")
    alerts = _table(("when", "target", "alert", "state", "summary"), [_delivery(e) for e in delivered], "None yet.")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<meta name="viewport" content="width=device-width"><title>Tocsin</title><style>{_STYLE}</style></head><body>
<h1>Tocsin <small class="dim">{escape(tocsin.__version__)}</small></h1><p>{links}</p>{problem}
<h2>Targets</h2>{watched}
<h2>Databases found</h2>{_found(discoveries)}
<h2>What changed</h2>{changes}
<h2>Delivered alerts</h2>{alerts}
</body></html>
"""


def _found(discoveries: Discoveries) -> str:
    outcome = discoveries.outcome
    found = _table(
        ("database", "engine", "where", "what tells", "monitored by", "what is missing"),
        [_discovered(d) for d in outcome.discovered],
        "None: a target of kind docker finds those in containers, the section `discovery` those in processes and files.",
    )
    if any(d.missing for d in outcome.discovered):
        found += "<p><code>tocsin discover</code> prints the lines of configuration to add.</p>"
    if outcome.left_out:
        found += f'<p class="warn">{outcome.left_out} more are not watched: raise <code>discovery.most</code>.</p>'
    failed = [(search, look.error) for search, look in discoveries.looks.items() if look.error is not None]
    return found + "".join(f'<p class="bad">Not looked through: {escape(f"{search}: {error}")}</p>' for search, error in failed)


def _table(heads: tuple[str, ...], rows: list[list[str]], empty: str) -> str:
    if not rows:
        return f'<p class="dim">{escape(empty)}</p>'
    head = "".join(f"<th>{h}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _target(target: Target) -> list[str]:
    with target.lock:
        failing = [f"{c.name}: {r.error}" for c, r in target.records.items() if r.error is not None]
        state = {
            None: '<span class="dim">waits for a scrape</span>',
            True: '<span class="good">up</span>',
            False: '<span class="bad">down</span>',
        }[target.up]
        wrong = [str(target.error)] if target.error is not None else failing
    if target.up and wrong:
        state = '<span class="warn">up, in part</span>'
    name = f'<a href="/probe?target={quote(target.name, safe="")}">{escape(target.name)}</a>'
    return [
        name,
        escape(target.options.kind),
        f"<code>{escape(target.options.address)}</code>",
        state,
        "<br>".join(escape(w) for w in wrong),
    ]


def _discovered(one: Discovered) -> list[str]:
    found = one.found
    from_outside = ": only whether it answers is known" if one.options is not None else ""
    monitored = escape(one.monitored_by) if one.monitored_by else f'<span class="warn">nobody{from_outside}</span>'
    image = f" ({escape(found.image)})" if found.image else ""
    addresses = [address for address in found.addresses if address != found.place]
    return [
        escape(one.name),
        escape(found.engine),
        f"{escape(found.origin)} {escape(found.place)}{image}<br>" + " ".join(f"<code>{escape(a)}</code>" for a in addresses),
        "<br>".join(escape(word) for word in found.evidence),
        monitored,
        escape(one.missing),
    ]


def _change(event: Event) -> list[str]:
    style = {"destructive": "bad", "breaking": "bad", "cautious": "warn"}.get(event.risk or "", "good")
    what = f"{escape(event.object_kind)} <code>{escape(event.object)}</code>"
    return [
        iso(event.time),
        escape(event.target),
        what,
        escape(event.change),
        f'<span class="{style}">{event.risk}</span>',
        escape(event.reason or ""),
    ]


def _delivery(event: Event) -> list[str]:
    style = "bad" if event.change == "firing" else "good"
    state = f'<span class="{style}">{escape(event.change)}</span>'
    return [iso(event.time), escape(event.target), escape(event.object), state, escape(event.reason or "")]
