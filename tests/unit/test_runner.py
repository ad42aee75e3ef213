"""One collector on one target, once: all its samples or none, and the reason told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import UNDECLARED, A, B, Collector, Session, Target, World, emits, live, raises, scheduled, world
from tocsin import errors
from tocsin.errors import CollectError, ConnectError, SetupError, Unsupported
from tocsin.event import Event, EventKind
from tocsin.options import Levels
from tocsin.runner import Access
from tocsin.source import Run


@pytest.fixture
def w(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch) as found:
        yield found


def run_all(w: World, target: Target, access: Access | None = None) -> list[Run]:
    runs = [w.runner.new_run(target, c, time.monotonic() + 5) for c in (*target.live, *target.scheduled)]
    w.runner.execute(access or Access(target), runs)
    return runs


def reasons(page: dict[str, float], name: str) -> set[str]:
    return {key.partition('reason="')[2].partition('"')[0] for key in page if key.startswith(name + "{")}


def test_a_good_run_serves_its_samples_and_says_so(w: World) -> None:
    target = w.target(live("good", emits(7)))
    run_all(w, target)
    page = w.page(target)
    assert page['fake_b{instance="t"}'] == 7
    assert page['fake_up{instance="t"}'] == 1
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 1
    assert page['tocsin_target_info{address="nowhere",instance="t",kind="fake"}'] == 1
    assert page['tocsin_collector_success{collector="fake.good",instance="t"}'] == 1
    assert page['tocsin_collector_series{collector="fake.good",instance="t"}'] == 1
    assert page['tocsin_collector_dropped_series_total{collector="fake.good",instance="t"}'] == 0
    assert 0 <= page['tocsin_collector_duration_seconds{collector="fake.good",instance="t"}'] < 5
    assert not reasons(page, "tocsin_collector_failing") | reasons(page, "tocsin_collector_failures_total")
    assert not any(key.startswith(("tocsin_target_failing", "tocsin_collector_age")) for key in page)


def test_before_the_first_run_nothing_is_said_to_be_good_or_bad(w: World) -> None:
    page = w.page(w.target(live("good", emits())))
    assert set(page) == {
        'tocsin_target_info{address="nowhere",instance="t",kind="fake"}',
        'tocsin_threshold{instance="t",severity="warning",signal="fake_signal"}',
        'tocsin_collector_dropped_series_total{collector="fake.good",instance="t"}',
    }


REASONS = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, CollectError) and c is not CollectError]


@pytest.mark.parametrize("error", REASONS, ids=lambda e: e.reason)
def test_a_failing_collector_leaves_no_samples_and_counts_its_reason(w: World, error: type[CollectError]) -> None:
    outcome: list[Exception] = []

    def collect(_session: Session, run: Run) -> None:
        run.emit(B, 1)
        for bad in outcome:
            raise bad

    target = w.target(live("moody", collect))
    run_all(w, target)
    assert 'fake_b{instance="t"}' in w.page(target)
    outcome.append(error("no"))
    run_all(w, target)
    run_all(w, target)
    page = w.page(target)
    assert 'fake_b{instance="t"}' not in page
    assert page['tocsin_collector_success{collector="fake.moody",instance="t"}'] == 0
    assert page['tocsin_collector_series{collector="fake.moody",instance="t"}'] == 0
    assert page[f'tocsin_collector_failing{{collector="fake.moody",instance="t",reason="{error.reason}"}}'] == 1
    assert page[f'tocsin_collector_failures_total{{collector="fake.moody",instance="t",reason="{error.reason}"}}'] == 2
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 1, "the target answered; one collector failed"
    outcome.clear()
    run_all(w, target)
    page = w.page(target)
    assert page['fake_b{instance="t"}'] == 1
    assert not reasons(page, "tocsin_collector_failing")
    assert page[f'tocsin_collector_failures_total{{collector="fake.moody",instance="t",reason="{error.reason}"}}'] == 2


def test_every_reason_of_the_closed_set_has_its_error() -> None:
    assert {error.reason for error in REASONS} == set(errors.REASONS)


def test_one_failing_collector_does_not_harm_the_others(w: World) -> None:
    target = w.target(live("one", raises(SetupError("no")), B), live("two", lambda _s, run: run.emit(A, 2, ("x",)), A))
    run_all(w, target)
    page = w.page(target)
    assert page['fake_a{instance="t",label="x"}'] == 2
    assert page['tocsin_collector_success{collector="fake.one",instance="t"}'] == 0
    assert page['tocsin_collector_success{collector="fake.two",instance="t"}'] == 1


def wrong_value(_session: Session, run: Run) -> None:
    run.emit(B, "seven")  # type: ignore[arg-type]


def wrong_event(_session: Session, run: Run) -> None:
    run.emit(B, 1)
    run.event(Event(kind=EventKind.SCHEMA, object_kind="table", object="t", change="added", detail={"x": object()}))


MISTAKES = {
    "an exception that nobody expected": raises(ZeroDivisionError("oops")),
    "a metric that is not declared": lambda _session, run: run.emit(UNDECLARED, 1),
    "a wrong number of labels": lambda _session, run: run.emit(A, 1),
    "a value that is no number": wrong_value,
    "an event that cannot be written as JSON": wrong_event,
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_ours_is_internal_and_others_are_unharmed(w: World, name: str) -> None:
    target = w.target(live("wrong", MISTAKES[name]), live("right", emits()))
    runs = run_all(w, target)
    page = w.page(target)
    assert all(run.finished for run in runs)
    assert page['tocsin_collector_failures_total{collector="fake.wrong",instance="t",reason="internal"}'] == 1
    assert page['tocsin_collector_success{collector="fake.right",instance="t"}'] == 1
    assert page['fake_b{instance="t"}'] == 1


def test_what_a_target_does_not_support_is_no_failure_and_no_sample(w: World) -> None:
    def collect(_session: Session, _run: Run) -> None:
        raise Unsupported("too old")

    target = w.target(live("new", collect))
    run_all(w, target)
    page = w.page(target)
    assert page['tocsin_collector_success{collector="fake.new",instance="t"}'] == 1
    assert page['tocsin_collector_series{collector="fake.new",instance="t"}'] == 0
    assert not reasons(page, "tocsin_collector_failures_total")


@pytest.mark.parametrize(("error", "reason"), [(ConnectError("nobody there"), "connect"), (ZeroDivisionError("oops"), "internal")])
def test_a_target_that_cannot_be_reached_is_down_and_all_its_collectors_fail_with_the_reason(
    w: World, error: Exception, reason: str
) -> None:
    target = w.target(live("one", emits()), live("two", emits()))
    access = Access(target)
    run_all(w, target, access)

    def refuse(_session: Session, _runs: list[Run]) -> None:
        raise error

    w.session.begins = refuse
    run_all(w, target, access)
    page = w.page(target)
    assert page['fake_up{instance="t"}'] == page['tocsin_target_up{instance="t",kind="fake"}'] == 0
    assert page[f'tocsin_target_failing{{instance="t",kind="fake",reason="{reason}"}}'] == 1
    assert 'fake_b{instance="t"}' not in page
    for name in ("one", "two"):
        assert page[f'tocsin_collector_failures_total{{collector="fake.{name}",instance="t",reason="{reason}"}}'] == 1
    assert w.session.opened[0].closed == 1
    assert access.session is None


def test_a_session_is_kept_for_the_next_run_and_after_a_failure_that_did_not_break_it(w: World) -> None:
    target = w.target(live("one", raises(SetupError("no"))), live("two", emits()))
    access = Access(target)
    run_all(w, target, access)
    run_all(w, target, access)
    assert len(w.session.opened) == 1
    assert [len(runs) for runs in w.session.opened[0].begun] == [2, 2]
    assert w.session.opened[0].closed == 0


def test_a_connection_that_breaks_fails_what_follows_and_is_opened_anew(w: World) -> None:
    target = w.target(live("one", emits(), B), live("two", raises(ConnectError("gone", lost=True)), B), live("three", emits(), B))
    access = Access(target)
    run_all(w, target, access)
    page = w.page(target)
    assert page['tocsin_collector_success{collector="fake.one",instance="t"}'] == 1
    assert page['tocsin_collector_failures_total{collector="fake.three",instance="t",reason="connect"}'] == 1
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 0
    run_all(w, target, access)
    assert [s.closed for s in w.session.opened] == [1, 1]


def test_events_and_memory_are_written_and_the_events_know_their_target(w: World) -> None:
    def collect(_session: Session, run: Run) -> None:
        seen = run.recall("seen")
        run.remember("seen", b"%d" % (int(seen or 0) + 1))
        run.event(Event(kind=EventKind.SCHEMA, object_kind="table", object="t", change="added", database="d", old=str(seen)))

    target = w.target(live("schema", collect))
    run_all(w, target)
    run_all(w, target)
    assert [(e.target, e.source, e.old) for e in w.journal.events()] == [("t", "fake", "None"), ("t", "fake", "b'1'")]
    assert w.page(target)['tocsin_events_total{instance="t",kind="schema"}'] == 2


def test_a_failed_run_writes_neither_events_nor_memory(w: World) -> None:
    def collect(_session: Session, run: Run) -> None:
        run.remember("seen", b"1")
        run.event(Event(kind=EventKind.SCHEMA, object_kind="table", object="t", change="added"))
        raise SetupError("no")

    target = w.target(live("schema", collect))
    run_all(w, target)
    assert w.journal.events() == []
    assert w.journal.recall("t", "fake.schema", "seen") is None


def test_an_event_that_cannot_be_written_takes_the_memory_of_its_run_with_it(w: World) -> None:
    def collect(session: Session, run: Run) -> None:
        run.remember("seen", b"1")
        wrong_event(session, run)

    target = w.target(live("schema", collect))
    run_all(w, target)
    assert w.journal.recall("t", "fake.schema", "seen") is None
    assert w.journal.events() == []


def test_series_beyond_the_budget_are_counted_across_runs(w: World) -> None:
    def collect(_session: Session, run: Run) -> None:
        for i in range(5):
            run.emit(A, i, (str(i),))

    target = w.target(live("many", collect), series_limit=2)
    run_all(w, target)
    run_all(w, target)
    page = w.page(target)
    assert page['tocsin_collector_series{collector="fake.many",instance="t"}'] == 2
    assert page['tocsin_collector_dropped_series_total{collector="fake.many",instance="t"}'] == 6
    assert sum(key.startswith("fake_a{") for key in page) == 2


def test_a_targets_own_labels_are_on_all_its_series(w: World) -> None:
    target = w.target(live("good", emits()), labels={"team": 'a"b'})
    run_all(w, target)
    assert all('instance="t"' in key and 'team="a"b"' in key for key in w.page(target))


def test_collectors_are_switched_by_name(w: World) -> None:
    off = Collector("off", "Off unless asked for.", (B,), emits(), enabled=False)
    target = w.target(live("on", emits()), off, collectors={"on": False, "off": True})
    assert [c.name for c in target.live] == ["off"]


def test_a_clock_from_configuration_wins_over_the_sources_own(w: World) -> None:
    one, other = scheduled("one", emits(), every=10), scheduled("other", emits(), every=20)
    assert w.target(one, other, every={"one": 3.0}).scheduled == {one: 3.0, other: 20.0}


@pytest.mark.parametrize(
    ("own", "defaults", "expected"),
    [
        ({}, {}, {("fake_signal", "warning"): 1.0}),
        ({}, {"fake_signal": Levels(critical=9.0)}, {("fake_signal", "critical"): 9.0}),
        ({"fake_signal": Levels(warning=5.0)}, {"fake_signal": Levels(critical=9.0)}, {("fake_signal", "warning"): 5.0}),
        ({"fake_signal": Levels()}, {"fake_signal": Levels(critical=9.0)}, {}),
    ],
)
def test_thresholds_are_the_targets_else_the_files_else_the_sources(
    w: World, own: dict[str, Levels], defaults: dict[str, Levels], expected: dict[tuple[str, str], float]
) -> None:
    options = w.target(live("c", emits()), thresholds=own).options
    assert Target(options, defaults).levels == expected


def test_a_scheduled_run_does_not_say_the_target_is_up_where_live_ones_do(w: World) -> None:
    target = w.target(live("live", emits()), scheduled("slow", emits(), every=10))
    slow = next(iter(target.scheduled))
    w.runner.execute(Access(target), [w.runner.new_run(target, slow, time.monotonic() + 5)])
    assert not any(key.startswith("tocsin_target_up") for key in w.page(target))
    only = w.target(scheduled("slow", emits(), every=10))
    run_all(w, only)
    assert w.page(only)['tocsin_target_up{instance="t",kind="fake"}'] == 1


def test_the_log_tells_the_first_failure_and_the_recovery_and_no_repetition(w: World, caplog: pytest.LogCaptureFixture) -> None:
    outcome: list[Exception] = [SetupError("no such table")]

    def collect(_session: Session, _run: Run) -> None:
        for bad in outcome:
            raise bad

    target = w.target(live("moody", collect))
    for _ in range(3):
        run_all(w, target)
    outcome.clear()
    for _ in range(3):
        run_all(w, target)
    assert caplog.messages == ["t: fake.moody failed (config): no such table", "t: fake.moody works again"]


def test_a_batch_that_is_late_as_a_whole_is_one_line_of_the_log_and_so_is_its_recovery(w: World, caplog: pytest.LogCaptureFixture) -> None:
    target = w.target(*(live(name, emits()) for name in ("one", "two", "three")))
    late = [w.runner.new_run(target, c, time.monotonic() + 5) for c in target.live]
    w.runner.abandon(target, late, 5)
    w.runner.abandon(target, late, 5, finished=True)
    run_all(w, target)
    assert caplog.messages == ["t: does not answer (timeout): t: no answer within 5.0 s", "t: answers again"]


def test_one_late_run_of_a_batch_is_told_by_its_name(w: World, caplog: pytest.LogCaptureFixture) -> None:
    target = w.target(live("quick", emits()), live("slow", emits()))
    quick, slow = (w.runner.new_run(target, c, time.monotonic() + 5) for c in target.live)
    w.runner.execute(Access(target), [quick])
    w.runner.abandon(target, [quick, slow], 5)
    run_all(w, target)
    assert caplog.messages == ["t: fake.slow failed (timeout): t: no answer within 5.0 s", "t: fake.slow works again"]
