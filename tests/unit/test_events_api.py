"""/api/v1/events: every parameter, what is wrong with a request, paging, and its price with a hundred thousand events."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from servers import get
from tocsin import config, events_api
from tocsin.event import Change, Event, EventKind, Risk
from tocsin.event_filter import Filter
from tocsin.journal import Journal
from tocsin.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "t.yaml").write_text(f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {tmp_path}/state\n")
    with Service(config.load(tmp_path / "t.yaml")) as found:
        yield found


def change(name: str, **fields: Any) -> Event:
    given = {"kind": EventKind.SCHEMA, "database": "shop", "object_kind": "column", "change": Change.ALTERED, "risk": Risk.SAFE}
    return Event(object=name, **{**given, **fields})


EVENTS = [
    change("a"),
    change("b", risk=Risk.BREAKING, time=1000.0),
    change("c", risk=Risk.DESTRUCTIVE, change=Change.DROPPED, database="lake"),
    change("d", object_kind="grant", security=True, time=2000.5),
    change("e", kind=EventKind.NOTIFICATION, database=None, object_kind="alert", change="firing", risk=None),
    change("f", object_kind="materialized view", risk=Risk.CAUTIOUS, time=3000.0),
]


def ask(service: Service, query: str) -> tuple[int, Any]:
    status, body = get(f"{service.url}/api/v1/events{query}")
    return status, json.loads(body) if status == 200 else body


@pytest.fixture
def filled(service: Service) -> Service:
    for i, event in enumerate(EVENTS):
        service.journal.commit("pq"[i % 2], "c", [event])
    return service


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcdef"),
        ("?target=p", "ace"),
        ("?target=p&target=q", "abcdef"),
        ("?target=none", ""),
        ("?database=lake", "c"),
        ("?database=lake&database=shop", "abcdf"),
        ("?object_kind=materialized+view", "f"),
        ("?object_kind=grant&object_kind=alert", "de"),
        ("?change=dropped", "c"),
        ("?change=dropped&change=firing", "ce"),
        ("?risk=breaking&risk=destructive", "bc"),
        ("?risk=safe&target=q", "d"),
        ("?security=true", "d"),
        ("?security=false", "abcef"),
        ("?kind=schema&kind=notification&database=shop", "abdf"),
        ("?until=2000.5", "b"),
        ("?until=2000.6", "bd"),
        ("?since=1000&until=3000.5", "bdf"),
        ("?since=1970-01-01T00:16:40Z&until=1970-01-01T00:50:00.000Z", "bd"),
        ("?since=1970-01-01T01:16:40%2B01:00&until=1970-01-01T00:20:00+00:00", "b"),
        ("?order=newest", "fedcba"),
        ("?order=newest&limit=2", "fe"),
        ("?order=oldest&limit=2", "ab"),
        ("?order=newest&limit=2&before_id=5", "dc"),
        ("?since_id=2&before_id=5", "cd"),
        ("?risk=", "abcdef"),
    ],
)
def test_events_are_chosen_by(filled: Service, query: str, expected: str) -> None:
    status, found = ask(filled, query)
    assert status == 200, found
    assert "".join(e["object"] for e in found["events"]) == expected


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?risc=breaking", ("'risc'", "risk")),
        ("?risk=awful", ("risk", "'awful'", "destructive")),
        ("?risk=breaking,destructive", ("risk", "again")),
        ("?kind=schemas", ("kind", "notification")),
        ("?security=yes", ("security", "true or false")),
        ("?security=true&security=false", ("security", "2 times")),
        ("?since=yesterday", ("since", "RFC 3339")),
        ("?since=2026-11-21T04:00:00", ("since", "RFC 3339")),
        ("?until=nan", ("until", "Unix seconds")),
        ("?until=1763700000000", ("until", "Unix seconds")),
        ("?since_id=x", ("since_id", "'x'")),
        ("?before_id=1.5", ("before_id", "'1.5'")),
        ("?limit=many", ("limit", "1000")),
        ("?order=random", ("order", "newest")),
        (f"?{'target=x&' * 200}", ("target", "200 times")),
    ],
)
def test_a_wrong_request_is_told_what_the_parameter_takes(service: Service, query: str, words: tuple[str, ...]) -> None:
    for page in ("", "/stream"):
        status, text = ask(service, page + query)
        assert status == 400
        if not page or not query.startswith(("?limit", "?order", "?before_id")):
            for word in words:
                assert word in text


@pytest.mark.parametrize("parameter", ["limit=5", "order=newest", "before_id=7"])
def test_the_stream_takes_no_paging(service: Service, parameter: str) -> None:
    status, text = ask(service, f"/stream?{parameter}")
    assert status == 400
    assert "no parameter here" in text


def test_pages_forward_and_backward_show_every_event_once(service: Service) -> None:
    service.journal.commit("t", "c", [change(str(i), risk=list(Risk)[i % 4]) for i in range(250)])
    for order, following, step in (("oldest", "next_since_id", "since_id"), ("newest", "next_before_id", "before_id")):
        seen: list[int] = []
        place = ""
        while True:
            _, page = ask(service, f"?risk=breaking&risk=safe&limit=30&order={order}{place}")
            if not page["events"]:
                break
            seen += [e["id"] for e in page["events"]]
            if page[following] is None:
                break
            place = f"&{step}={page[following]}"
        assert seen == sorted(seen, reverse=order == "newest")
        assert len(seen) == len(set(seen)) == 125


def test_the_newest_page_tells_where_the_next_events_begin(filled: Service) -> None:
    _, page = ask(filled, "?order=newest&limit=1")
    assert page["next_since_id"] == 6
    filled.journal.commit("p", "c", [change("g")])
    _, page = ask(filled, f"?since_id={page['next_since_id']}")
    assert [e["object"] for e in page["events"]] == ["g"]


def test_security_is_told(filled: Service) -> None:
    _, page = ask(filled, "?object_kind=grant")
    assert page["events"][0]["security"] is True


def test_names_are_data_and_no_sql(filled: Service) -> None:
    for name in ("x' OR 1=1 --", "%", "*", "\0", "\U0001f514"):
        status, page = ask(filled, f"?target={quote(name)}&database={quote(name)}")
        assert (status, page["events"]) == (200, [])


def test_a_filter_that_matches_nothing_in_a_hundred_thousand_events_is_answered_at_once(tmp_path: Path) -> None:
    with contextlib.closing(Journal(tmp_path)) as journal:
        for i in range(0, 100_000, 10_000):
            batch = [change(f"public.t{n}.column", old="x" * 200, new="y" * 200, reason="r" * 80) for n in range(i, i + 10_000)]
            journal.commit(f"t{i % 3}", "c", batch)
        journal.commit("t", "c", [change("last", risk=Risk.DESTRUCTIVE)])
        for chosen in (
            Filter(risk=("breaking",)),
            Filter(security=True),
            Filter(target=("none",)),
            Filter(until=5.0),
            Filter(change=("x", "y")),
        ):
            for newest in (False, True):
                taken = []
                for _ in range(5):
                    began = time.process_time()
                    assert journal.events(chosen, newest=newest) == []
                    taken.append(time.process_time() - began)
                # It takes 10 ms where every field is in the index, and 100 where the bodies are read.
                assert min(taken) < 0.06, (chosen, newest, taken)
        assert [e.object for e in journal.events(Filter(risk=("destructive",)))] == ["last"]


def test_every_parameter_is_documented() -> None:
    page = (Path(__file__).parents[2] / "exporter" / "EVENTS.md").read_text()
    for name in events_api.PARAMETERS:
        assert f"| `{name}` |" in page
