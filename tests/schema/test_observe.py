"""What a run makes of an inspection: read again in part, seen in part, compared with what is expected."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tocsin import vitals
from tocsin.event import EventKind
from tocsin.schema import drift, track
from tocsin.schema.databases import observe_databases
from tocsin.schema.model import Object, Schema, by_root
from tocsin.source import Collector, Run
from watching import said

SCHEMA = Collector("schema", "changes", vitals.SCHEMA, lambda _session, _run: None, every=10.0, events=(EventKind.SCHEMA,))


class Memory:
    """What successful runs remember, as the journal keeps it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def run(self) -> Run:
        return Run(SCHEMA, time.monotonic() + 60, self.kept.get)

    def commit(self, run: Run) -> list[str]:
        for key, value in run.remembered.items():
            if value is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = value
        return said(run.events)

    def observe_numbered(self, objects: list[Object], numbering: str | None) -> list[str]:
        run = self.run()
        track.observe_roots(run, "shop", "x 1", by_root(objects).items(), "gate", numbering=numbering)
        return self.commit(run)

    def observe(self, objects: list[Object], *, unseen: tuple[str, ...] = (), expected: Path | None = None) -> list[str]:
        run = self.run()
        track.observe(run, "shop", Schema("x 1", tuple(objects)), "gate", unseen=unseen, expected=expected)
        self.last = run
        return self.commit(run)

    def points(self, metric: object) -> dict[tuple[str, ...], float]:
        return self.last.points.get(metric, {})  # type: ignore[arg-type,return-value,call-overload]


def table(name: str, *columns: str, identity: str | None = None) -> list[Object]:
    own = Object("table", "", name, ("table", None, None, None, None), identity)
    return [own, *(Object("column", name, c, ("integer", "yes", None, None, None, None)) for c in columns)]


def view(name: str, definition: str = "SELECT 1") -> Object:
    return Object("view", "", name, (definition, None, None))


@pytest.fixture
def memory() -> Memory:
    return Memory()


# Read again in part


def test_reading_what_moved_tells_as_much_as_reading_everything() -> None:
    before = [*table("a", "x", identity="1"), *table("b", "x", identity="2"), *table("c", "x", identity="3"), view("v")]
    after = [*table("a", "x", "y", identity="1"), *table("bb", "x", identity="2"), *table("c", "x", identity="3")]
    whole, part = Memory(), Memory()
    for memory in (whole, part):
        memory.observe(before)
    run = part.run()
    roots = {root: objects for root, objects in by_root(after).items() if root in ("a", "bb")}
    track.observe_roots(run, "shop", "x 1", roots.items(), "other gate", gone=["b", "v"])
    told = part.commit(run)
    assert told == whole.observe(after)
    assert told == ["table b renamed breaking", "view v dropped breaking", "column a.y added safe"]
    one, other = run.points, whole.last.points
    for metric in (vitals.SCHEMA_INFO, vitals.SCHEMA_OBJECTS, vitals.SCHEMA_FINGERPRINT):
        assert one[metric] == other[metric], metric.name
    assert part.kept.keys() == whole.kept.keys()
    assert part.observe(after) == []


def test_part_does_not_stand_for_the_full_inspection(memory: Memory) -> None:
    memory.observe(table("a", "x"))
    run = memory.run()
    track.observe_roots(run, "shop", "x 1", [], "gate", gone=[])
    memory.commit(run)
    inspected = json.loads(memory.kept["summary:shop"])["inspected"]
    time.sleep(0.01)
    assert not track.gate_is_closed(memory.run(), "shop", "gate", time.time() - inspected)
    assert track.gate_is_closed(memory.run(), "shop", "gate", 1000)


def test_what_is_remembered_is_read_and_written_root_by_root(memory: Memory) -> None:
    objects = [o for i in range(200) for o in table(f"t{i}", "a", "b")]
    memory.observe(objects)
    changed = [o for o in objects if o.full_name != "t7.b"]
    assert memory.observe(changed) == ["column t7.b dropped destructive"]
    assert set(memory.last.recalled) == {"summary:shop", "roots:shop", "root:shop:t7"}
    assert set(memory.last.remembered) == {"summary:shop", "roots:shop", "root:shop:t7"}


def test_new_number_of_an_unchanged_object_is_silent_and_remembered(memory: Memory) -> None:
    memory.observe(table("t", "a", identity="1"))
    assert memory.observe(table("t", "a", identity="2")) == []
    assert memory.observe(table("u", "a", identity="2")) == ["table t renamed breaking"]


def test_what_changed_places_is_told_although_the_fingerprint_is_the_same(memory: Memory) -> None:
    memory.observe([*table("t", "a", identity="1"), *table("u", "a", identity="2")])
    assert memory.observe([*table("u", "a", identity="1"), *table("t", "a", identity="2")]) == [
        "table t renamed breaking",
        "table u renamed breaking",
    ]


def test_rights_that_are_kept_apart_follow_their_object_to_its_new_name(memory: Memory) -> None:
    """A name that another enum takes has the same rights as before: what reads the same takes part in what is told all the same."""

    def enum(name: str, identity: str, value: str) -> list[Object]:
        return [Object("enum", "", name, (f"'{value}'",), identity), Object("owner", f"enum {name}", "", ("app",))]

    memory.observe([*enum("e", "1", "a"), *enum("e_new", "2", "b")])
    assert memory.observe([*enum("e_old", "1", "a"), *enum("e", "2", "b")]) == ["enum e renamed breaking", "enum e_new renamed breaking"]


@pytest.mark.parametrize("name", ["current", "own"])
def test_old_partition_that_takes_a_tables_name_has_not_rotated(memory: Memory, name: str) -> None:
    log = [*table("log", "at", identity="1"), Object("partition", "", "log_2", ("log", None, None), "3")]
    memory.observe([*log, *table(name, "at", identity="4"), Object("partition", "", "log_1", ("log", None, None), "2")])
    memory.observe([*log, *table("old", "at", identity="4"), *table("current", "at", identity="2")])
    assert memory.observe([*log, *table("old", "at", identity="4")]) == [
        "table current dropped destructive" if name == "current" else "table current dropped safe"
    ]


def test_old_partition_that_became_one_of_a_list_has_not_rotated(memory: Memory) -> None:
    def partition(of: str, bounds: str | None) -> Object:
        return Object("partition", "", "p", (of, bounds, None), "2")

    rest = [*table("log", "at", identity="1"), *table("m", "at", identity="3"), Object("partition", "", "q", ("log", None, None), "9")]
    for state in (partition("log", None), table("p", "at", identity="2"), partition("m", "IN (1)"), table("p", "at", identity="2")):
        memory.observe([*rest, *(state if isinstance(state, list) else [state])])
    assert memory.observe(rest) == ["table p dropped destructive"]


def test_numbers_of_a_database_that_was_made_again_mean_nothing(memory: Memory) -> None:
    before, after = ([*table("t", "a", identity=a), *table("u", "a", identity=b)] for a, b in (("1", "2"), ("2", "1")))
    memory.observe_numbered(before, "one.16384")
    assert memory.observe_numbered(after, "other.16384") == []
    assert len(memory.observe_numbered(before, "other.16384")) == 2


def test_table_that_was_a_partition_for_a_day_has_not_rotated(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attached, detached again because it went wrong, and dropped by mistake: its rows were no old ones."""
    log, own = table("log", "at", identity="1"), table("own", "at", identity="2")
    partition = [*log, Object("partition", "", "own", ("log", None, None), "2")]
    memory.observe([*log, *own])
    assert memory.observe(partition) == ["partition own altered safe"]
    memory.observe([*log, *own])
    assert memory.observe(log) == ["table own dropped destructive"]
    memory.observe([*log, *own])
    memory.observe(partition)
    monkeypatch.setattr(track, "_ROTATED_SECONDS", 0.0)  # so much later it is as old as the others
    memory.observe(partition)
    monkeypatch.undo()
    memory.observe([*log, *own])
    assert memory.observe(log) == ["table own dropped safe"]


def test_table_with_the_number_of_one_that_was_a_partition_elsewhere_has_not_rotated(memory: Memory) -> None:
    parent, other = table("log", "at", identity="1"), Object("partition", "", "log_2", ("log", None, None), "3")
    memory.observe_numbered([*parent, other, Object("partition", "", "log_1", ("log", None, None), "2")], "one.16384")
    detached = [*parent, other, *table("log_1", "at", identity="2")]
    assert memory.observe_numbered(detached, "one.16384") == ["partition log_1 altered safe"]
    orders = table("orders", "at", identity="2")
    assert memory.observe_numbered([*parent, other, *orders], "other.16384") == [
        "table log_1 dropped destructive",
        "table orders added safe",
    ]
    assert memory.observe_numbered([*parent, other], "other.16384") == ["table orders dropped destructive"]


def test_summary_of_before_numberings_were_known_is_of_the_present_one(memory: Memory) -> None:
    memory.observe_numbered([*table("t", "a", identity="1"), *table("u", "a", identity="2")], "one.16384")
    summary = json.loads(memory.kept["summary:shop"])
    del summary["numbering"]
    memory.kept["summary:shop"] = json.dumps(summary).encode()
    assert len(memory.observe_numbered([*table("t", "a", identity="2"), *table("u", "a", identity="1")], "one.16384")) == 2


# Seen in part


def test_what_cannot_be_seen_any_more_is_not_gone(memory: Memory) -> None:
    everything = [*table("t", "a"), *table("u", "b"), view("v")]
    kinds = ("table", "column", "view")
    memory.observe(everything)
    fingerprint = memory.points(vitals.SCHEMA_INFO)
    assert memory.observe(table("t", "a"), unseen=kinds) == []
    assert memory.points(vitals.SCHEMA_UNSEEN) == {("shop", kind): 1 for kind in kinds}
    assert memory.points(vitals.SCHEMA_INFO) == fingerprint
    assert memory.points(vitals.SCHEMA_OBJECTS)["shop", "table"] == 2
    assert memory.observe(table("t", "a", "new"), unseen=kinds) == ["column t.new added safe"]
    assert memory.observe([*table("t", "a", "new"), view("v")]) == ["table u dropped destructive"]
    assert memory.points(vitals.SCHEMA_UNSEEN) == {}


def test_what_came_while_it_could_not_be_seen_is_told_when_it_is_seen(memory: Memory) -> None:
    """Everything had been seen before: what is not known from then is new."""
    kinds = ("table", "column")
    memory.observe(table("t", "a"))
    for _ in range(2):
        assert memory.observe([], unseen=kinds) == []
    assert sorted(memory.observe([*table("t", "a", "b"), *table("u", "b")])) == ["column t.b added safe", "table u added safe"]
    assert [e.reason.partition("; ")[2] for e in memory.last.events if e.reason] == ["it came while it could not be seen"] * 2
    assert memory.observe([*table("t", "a", "b"), *table("u", "b")]) == []


def test_what_is_seen_for_the_first_time_may_be_old_and_is_said_so_once(memory: Memory) -> None:
    memory.observe(table("t", "a"), unseen=("view",))
    assert memory.observe(table("t", "a"), unseen=("view",)) == []
    everything = [*table("t", "a"), view("v"), view("w"), *table("u", "b")]
    assert memory.observe(everything) == ["table u added safe", "database shop rebaselined safe"]
    event = memory.last.events[-1]
    assert event.new == "view v\nview w"
    assert event.reason is not None
    assert event.reason.startswith("seen for the first time: 2 view; ")
    assert memory.observe([*everything, view("x")]) == ["view x added safe"]
    assert memory.observe([*everything, view("x")], unseen=("view",)) == []
    assert memory.observe([*everything, view("x"), view("y")]) == ["view y added safe"], "all of them had been seen by then"


def test_summary_of_before_is_taken_to_have_seen_what_it_last_saw(memory: Memory) -> None:
    memory.observe(table("t", "a"), unseen=("view",))
    summary = json.loads(memory.kept["summary:shop"])
    del summary["never_seen"]
    memory.kept["summary:shop"] = json.dumps(summary).encode()
    assert memory.observe([*table("t", "a"), view("v")]) == ["database shop rebaselined safe"]


# Expected


@pytest.fixture
def expected(tmp_path: Path) -> Path:
    path = tmp_path / "schema.json"
    objects = (*table("t", "a", "b"), view("v"), Object("owner", "t", "", ("alice",)))
    path.write_text("\n".join(drift.write([("shop", Schema("x 1", objects))])))
    return path


def drifted(memory: Memory) -> dict[tuple[str, ...], float]:
    return {labels[1:]: value for labels, value in memory.points(vitals.SCHEMA_DRIFT).items() if value}


def test_present_as_expected_does_not_drift(memory: Memory, expected: Path) -> None:
    memory.observe([*table("t", "a", "b"), view("v"), Object("owner", "t", "", ("bob",))], expected=expected)
    assert drifted(memory) == {}
    assert memory.points(vitals.SCHEMA_DRIFT)["shop", "column", "missing"] == 0
    assert memory.points(vitals.SCHEMA_EXPECTED) == {("shop",): 1}


def test_drift_is_counted_and_named(memory: Memory, expected: Path) -> None:
    memory.observe([*table("t", "a"), *table("u", "x"), view("v", "SELECT 2")], expected=expected)
    assert drifted(memory) == {("column", "missing"): 1, ("table", "unexpected"): 1, ("view", "different"): 1}
    named = set(memory.points(vitals.SCHEMA_DRIFT_OBJECT))
    assert named == {("shop", "column", "t.b", "missing"), ("shop", "table", "u", "unexpected"), ("shop", "view", "v", "different")}


def test_closed_gate_still_tells_the_drift_and_sees_a_new_file(memory: Memory, expected: Path) -> None:
    memory.observe(table("t", "a"), expected=expected)
    lines = list(drift.write([("shop", Schema("x 1", tuple(table("t", "a"))))]))
    for text, missing in ((None, 1), ("\n".join(lines), 0)):
        if text:
            expected.write_text(text)
        memory.last = memory.run()
        assert track.gate_is_closed(memory.last, "shop", "gate", 1000, expected)
        memory.commit(memory.last)
        assert memory.points(vitals.SCHEMA_DRIFT)["shop", "column", "missing"] == missing
        assert "roots:shop" not in memory.last.remembered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "schema.json cannot be read: No such file"),
        ("{", "schema.json is not JSON"),
        ("[]", "schema.json is not an expected schema"),
        ('{"format": 9, "kinds": [], "databases": {}}', "has format 9"),
        ('{"format": 1, "kinds": ["tabel"], "databases": {}}', "unknown kinds tabel; there are database"),
        (
            '{"format": 1, "kinds": [], "databases": {"shop": {"server": "x", "objects": [{"kind": "tabel", "name": "t"}]}}}',
            "t: unknown kind tabel",
        ),
        (
            '{"format": 1, "kinds": [], "databases": {"shop": {"server": "x", "objects": [{"kind": "column", "name": "a", "typ": ""}]}}}',
            "column a: unknown typ; a column has type, nullable",
        ),
    ],
)
def test_file_that_cannot_be_read_is_told_and_harms_nothing(
    memory: Memory, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None, message: str
) -> None:
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)
    assert memory.observe(table("t", "a"), expected=path) == []
    assert memory.points(vitals.SCHEMA_EXPECTED) == {("shop",): 0}
    assert memory.points(vitals.SCHEMA_DRIFT) == {}
    assert memory.points(vitals.SCHEMA_OBJECTS)["shop", "table"] == 1
    assert message in caplog.text
    assert memory.observe(table("t", "a", "b"), expected=path) == ["column t.b added safe"]


def test_expected_database_that_does_not_exist_is_missing(memory: Memory, expected: Path) -> None:
    run = memory.run()
    observe_databases(run, {"other": "1"}, ["hidden"], expected)
    assert run.points[vitals.SCHEMA_DRIFT] == {("shop", "database", "missing"): 1}
    assert run.points[vitals.SCHEMA_UNSEEN] == {("hidden", "database"): 1}


def test_renamed_database_keeps_what_was_known_of_it(memory: Memory) -> None:
    run = memory.run()
    observe_databases(run, {"shop": "5"})
    memory.commit(run)
    memory.observe(table("t", "a"))
    run = memory.run()
    observe_databases(run, {"store": "5"})
    assert memory.commit(run) == ["database shop renamed breaking"]
    assert {key for key in memory.kept if "shop" in key} == set()
    run = memory.run()
    track.observe(run, "store", Schema("x 1", tuple(table("t", "a", "b"))), "gate")
    assert memory.commit(run) == ["column t.b added safe"]
    run = memory.run()
    observe_databases(run, {})
    assert memory.commit(run) == ["database store dropped destructive"]
    assert set(memory.kept) == {"databases"}


@pytest.mark.parametrize("found", [True, False])
def test_another_server_under_the_name_of_one_that_was_found_is_a_new_baseline(memory: Memory, found: bool) -> None:
    run = memory.run()
    observe_databases(run, {"shop": "71.5"})
    memory.commit(run)
    memory.observe(table("t", "a"))
    run = memory.run()
    run.found = found
    observe_databases(run, {"shop": "72.5"})
    assert memory.commit(run) == (["server 72 rebaselined safe"] if found else [])
    assert memory.observe(table("other", "b")) == ([] if found else ["table other added safe", "table t dropped destructive"])


# Words


def test_long_definitions_are_cut_and_what_differs_stands_beside(memory: Memory) -> None:
    lines = [f"line {i} of a long body" for i in range(2000)]
    body = "\n".join(lines)

    def routine(text: str) -> Object:
        return Object("function", "", "f()", ("", "integer", "sql", text, None, "invoker"))

    memory.observe([routine(body)])
    memory.observe([routine(body.replace("line 1999 of", "another end of"))])
    (event,) = memory.last.events
    assert event.old is not None
    assert len(event.old) < 11_000
    assert "characters more" in event.old
    assert event.detail["traits"] == ["body"]
    assert "-line 1999 of a long body\n+another end of a long body" in event.detail["diff"]
