"""What runs when: scrapes share and do not wait for each other, clocks keep their time, changes leave the rest alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from fakes import A, Collect, Gate, Options, Session, World, emits, live, scheduled, world
from servers import until
from tocsin import waking, watch
from tocsin.config import Config
from tocsin.errors import ConnectError, LockedError
from tocsin.event import Event, EventKind
from tocsin.runner import Suspension
from tocsin.source import Collector, Run


@pytest.fixture
def w(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch) as found:
        yield found


def named(name: str, **options: object) -> Options:
    return Options(name=name, kind="fake", **options)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class InAFile(Options):
    path: Path = Path()


def failures(page: dict[str, float], collector: str, target: str = "t") -> float:
    return page.get(f'tocsin_collector_failures_total{{collector="fake.{collector}",instance="{target}",reason="timeout"}}', 0)


def test_a_scrape_brings_live_collectors_up_to_date(w: World) -> None:
    values = iter((1, 2))
    w.source(live("count", lambda _session, run: run.emit(A, next(values), ("x",))))
    w.apply(named("t"))
    assert w.scrape()['fake_a{instance="t",label="x"}'] == 1
    assert w.scrape()['fake_a{instance="t",label="x"}'] == 2


def test_two_scrapes_at_once_share_one_run(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate))
    w.apply(named("t"))
    pages: list[dict[str, float]] = []
    threads = [threading.Thread(target=lambda: pages.append(w.scrape())) for _ in range(2)]
    threads[0].start()
    assert gate.entered.wait(5)
    threads[1].start()
    time.sleep(0.05)
    gate.go.set()
    for thread in threads:
        thread.join(10)
    assert gate.calls == 1
    assert [page['fake_b{instance="t"}'] for page in pages] == [1, 1]


def test_scrapes_of_different_collectors_take_turns_and_a_hasty_one_spoils_none(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate), live("quick", lambda _session, run: run.emit(A, 1, ("x",))))
    w.apply(named("t"))
    slow, quick = (f'tocsin_collector_success{{collector="fake.{name}",instance="t"}}' for name in ("slow", "quick"))
    targets = w.scheduler.targets()
    patient = threading.Thread(target=lambda: w.scheduler.scrape(targets, time.monotonic() + 20, ["slow"]))
    patient.start()
    assert gate.entered.wait(5)
    w.scheduler.scrape(targets, time.monotonic() + 0.2, ["quick"])
    page = w.page()
    assert page[quick] == 0
    assert slow not in page
    next_one = threading.Thread(target=lambda: w.scheduler.scrape(targets, time.monotonic() + 20, ["quick"]))
    next_one.start()
    gate.go.set()
    for thread in (patient, next_one):
        thread.join(10)
    page = w.page()
    assert (page[slow], page[quick], gate.calls) == (1, 1, 1)
    assert page['fake_a{instance="t",label="x"}'] == 1


def test_a_run_that_overstays_is_a_timeout_at_the_deadline(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate))
    w.apply(named("t"))
    began = time.monotonic()
    page = w.scrape(0.2)
    assert 0.2 <= time.monotonic() - began < 1
    gate.go.set()
    assert 'fake_b{instance="t"}' not in page
    assert page['tocsin_collector_success{collector="fake.slow",instance="t"}'] == 0
    assert page['tocsin_collector_failing{collector="fake.slow",instance="t",reason="timeout"}'] == 1
    assert page['tocsin_target_failing{instance="t",kind="fake",reason="timeout"}'] == 1
    assert failures(page, "slow") == 1


def test_a_run_that_overstays_is_not_started_again_and_later_scrapes_do_not_wait_for_it(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate))
    w.apply(named("t"))
    w.scrape(0.1)
    began = time.monotonic()
    pages = [w.scrape(5) for _ in range(3)]
    assert time.monotonic() - began < 1
    assert gate.calls == 1
    assert [failures(page, "slow") for page in pages] == [1, 1, 1], "one run, one failure"
    gate.go.set()


def test_a_late_result_is_thrown_away_and_the_next_scrape_runs_anew(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate))
    w.apply(named("t"))
    w.scrape(0.1)
    gate.go.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "tocsin-t"], 5)
    assert 'fake_b{instance="t"}' not in w.page()
    assert w.page()['tocsin_collector_success{collector="fake.slow",instance="t"}'] == 0
    page = w.scrape()
    assert page['fake_b{instance="t"}'] == 2
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 1


def test_what_a_late_run_found_is_not_written(w: World) -> None:
    gate = Gate()

    def collect(session: Session, run: Run) -> None:
        run.event(Event(kind=EventKind.SCHEMA, object_kind="table", object="t", change="added"))
        run.remember("seen", b"1")
        gate(session, run)

    w.source(live("slow", collect))
    w.apply(named("t"))
    w.scrape(0.1)
    gate.go.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "tocsin-t"], 5)
    assert w.journal.events() == []
    assert w.journal.recall("t", "fake.slow", "seen") is None


def test_what_came_in_time_is_served_beside_what_did_not(w: World) -> None:
    gate = Gate()
    w.source(live("quick", lambda _s, run: run.emit(A, 1, ("x",)), A), live("slow", gate))
    w.apply(named("t"))
    page = w.scrape(0.2)
    assert page['fake_a{instance="t",label="x"}'] == 1
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 1
    assert failures(page, "slow") == 1
    gate.go.set()


def test_a_later_scrape_does_not_serve_what_an_earlier_one_found_while_the_run_still_hangs(w: World) -> None:
    gate = Gate()
    w.source(live("quick", lambda _s, run: run.emit(A, 1, ("x",)), A), live("slow", gate))
    w.apply(named("t"))
    w.scrape(0.2)
    page = w.scrape(0.2)
    assert 'fake_a{instance="t",label="x"}' not in page
    assert page['tocsin_collector_failing{collector="fake.quick",instance="t",reason="timeout"}'] == 1
    assert page['tocsin_target_up{instance="t",kind="fake"}'] == 0
    gate.go.set()


def test_a_slow_target_does_not_delay_anothers_samples(w: World) -> None:
    gate = Gate()
    finished: list[float] = []

    def collect(session: Session, run: Run) -> None:
        if session.options.name == "slow":
            gate(session, run)
        else:
            run.emit(A, 1, ("x",))
            finished.append(time.monotonic())

    w.source(live("c", collect))
    w.apply(named("slow"), named("quick"))
    began = time.monotonic()
    page = w.scrape(0.5)
    assert page['fake_a{instance="quick",label="x"}'] == 1
    assert finished[0] - began < 0.4
    assert failures(page, "c", "slow") == 1
    assert failures(page, "c", "quick") == 0
    gate.go.set()


def test_many_targets_are_asked_at_once(w: World) -> None:
    w.source(live("c", lambda _s, _run: time.sleep(0.2)))
    w.apply(*[named(f"t{i}") for i in range(20)])
    began = time.monotonic()
    page = w.scrape()
    assert time.monotonic() - began < 1.5
    assert sum(page[f'tocsin_target_up{{instance="t{i}",kind="fake"}}'] for i in range(20)) == 20


def test_the_driver_gets_a_deadline_a_little_before_the_scrapes_own(w: World) -> None:
    deadlines: list[float] = []
    w.source(live("c", lambda _s, run: deadlines.append(run.remaining())))
    w.apply(named("t"))
    w.scrape(2.0)
    assert 1.5 < deadlines[0] < 2.0


def test_a_scheduled_collector_runs_on_its_own_clock_without_a_scrape(w: World) -> None:
    times: list[float] = []
    w.source(scheduled("clock", lambda _s, _run: times.append(time.monotonic()), every=0.2))
    w.apply(named("t"), start=True)
    until(lambda: len(times) >= 6, 10)
    gaps = [after - before for before, after in pairwise(times)]
    assert 0.18 < sum(gaps) / len(gaps) < 2
    assert min(gaps) > 0.15


def test_a_scrape_serves_the_latest_scheduled_result_with_its_age_and_starts_nothing(w: World) -> None:
    gate = Gate()
    gate.go.set()
    w.source(scheduled("clock", gate, every=60))
    w.apply(named("t"), start=True)
    until(lambda: 'fake_b{instance="t"}' in w.page())
    one = w.scrape()
    time.sleep(0.2)
    other = w.scrape()
    age = 'tocsin_collector_age_seconds{collector="fake.clock",instance="t"}'
    assert one['fake_b{instance="t"}'] == other['fake_b{instance="t"}'] == gate.calls == 1
    assert 0.15 < other[age] - one[age] < 1
    assert 0 <= one[age] < 5


def test_a_scheduled_run_that_is_still_going_is_not_started_again(w: World) -> None:
    gate = Gate()
    w.source(scheduled("clock", gate, every=0.05))
    w.apply(named("t"), start=True)
    assert gate.entered.wait(5)
    time.sleep(0.4)
    assert gate.calls == 1
    gate.go.set()
    until(lambda: gate.calls > 1, 5)


def test_a_scheduled_run_that_overstays_its_limit_is_a_timeout_and_its_old_samples_go(w: World) -> None:
    gate = Gate()
    gate.go.set()
    w.source(scheduled("clock", gate, every=0.1, timeout=0.2))
    w.apply(named("t"), start=True)
    until(lambda: 'fake_b{instance="t"}' in w.page())
    gate.go.clear()
    until(lambda: failures(w.page(), "clock") == 1, 5)
    page = w.page()
    assert 'fake_b{instance="t"}' not in page
    assert page['tocsin_collector_success{collector="fake.clock",instance="t"}'] == 0
    gate.go.set()
    until(lambda: w.page().get('tocsin_collector_success{collector="fake.clock",instance="t"}') == 1, 5)


def test_a_long_scheduled_run_does_not_stand_in_the_way_of_a_scrape(w: World) -> None:
    gate = Gate()
    w.source(live("live", lambda _s, run: run.emit(A, 1, ("x",)), A), scheduled("clock", gate, every=60))
    w.apply(named("t"), start=True)
    assert gate.entered.wait(5)
    assert w.scrape()['fake_a{instance="t",label="x"}'] == 1
    gate.go.set()


def test_scheduled_collectors_of_one_target_take_turns(w: World) -> None:
    inside: list[str] = []
    seen: list[tuple[str, ...]] = []

    def collect(_session: Session, run: Run) -> None:
        inside.append(run.collector.name)
        seen.append(tuple(inside))
        time.sleep(0.02)
        inside.remove(run.collector.name)

    w.source(scheduled("one", collect, every=0.05), scheduled("two", collect, every=0.05))
    w.apply(named("t"), start=True)
    until(lambda: {("one",), ("two",)} <= set(seen), 10)
    assert all(len(names) == 1 for names in seen)


def test_unchanged_targets_keep_their_sessions_and_records(w: World) -> None:
    w.source(live("c", emits()))
    w.apply(named("same"), named("changed"))
    w.scrape()
    w.apply(named("changed", where="elsewhere"), named("same"), named("new"))
    page = w.scrape()
    assert sorted(s.options.name for s in w.session.opened) == ["changed", "changed", "new", "same"]
    assert {s.options.name: s.closed for s in w.session.opened[:2]} == {"same": 0, "changed": 1}
    assert page['tocsin_target_info{address="elsewhere",instance="changed",kind="fake"}'] == 1
    assert [t.name for t in w.scheduler.targets()] == ["changed", "same", "new"]


def test_a_removed_targets_series_vanish_and_it_is_asked_no_more(w: World) -> None:
    calls: list[str] = []
    w.source(live("c", emits()), scheduled("clock", lambda session, _run: calls.append(session.options.name), every=0.05))
    w.apply(named("one"), named("two"), start=True)
    until(lambda: {"one", "two"} <= set(calls))
    w.scrape()
    w.apply(named("two"))
    calls.clear()
    until(lambda: calls.count("two") >= 3)
    assert "one" not in calls
    assert not [key for key in w.scrape() if 'instance="one"' in key]
    assert w.scheduler.target("one") is None


def test_a_changed_targets_old_run_writes_nothing_over_what_the_new_one_finds(w: World) -> None:
    gate = Gate()

    def collect(session: Session, run: Run) -> None:
        if session.options.where == "old":
            gate(session, run)
        run.event(Event(kind=EventKind.SCHEMA, object_kind="table", object=session.options.where, change="added"))
        run.emit(A, 1, (session.options.where,))

    w.source(scheduled("clock", collect, every=60))
    w.apply(named("t", where="old"), start=True)
    assert gate.entered.wait(5)
    w.apply(named("t", where="new"))
    until(lambda: 'fake_a{instance="t",label="new"}' in w.page(), 5)
    gate.go.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "tocsin-t"], 5)
    assert {key for key in w.page() if key.startswith("fake_")} == {'fake_up{instance="t"}', 'fake_a{instance="t",label="new"}'}
    assert [e.object for e in w.journal.events()] == ["new"]
    assert w.session.opened[0].closed == 1, "the old session was let go of when its run ended"


def test_a_removed_targets_late_run_leaves_nothing_behind(w: World) -> None:
    gate = Gate()
    w.source(live("slow", gate))
    w.apply(named("t"))
    w.scrape(0.1)
    w.apply()
    gate.go.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "tocsin-t"], 5)
    assert w.store.of("t") == []
    assert w.session.opened[0].closed == 1


def test_stopping_lets_go_of_every_target_and_starts_nothing_more(w: World) -> None:
    calls: list[str] = []
    w.source(live("c", emits()), scheduled("clock", lambda session, _run: calls.append(session.options.name), every=0.05))
    w.apply(named("one"), named("two"), start=True)
    until(lambda: {"one", "two"} <= set(calls))
    w.scrape()
    w.scheduler.stop()
    until(lambda: all(s.closed == 1 for s in w.session.opened), 5)
    calls.clear()
    time.sleep(0.2)
    assert calls == []


def test_collecting_once_asks_all_targets_at_the_same_time_and_gives_each_its_own(w: World) -> None:
    gate, together = Gate(), threading.Barrier(2)

    def collect(session: Session, run: Run) -> None:
        together.wait(10)
        if session.options.name == "hangs":
            gate(session, run)
        emits()(session, run)

    w.source(scheduled("clock", collect, every=60))
    w.apply(named("hangs"), named("works"))
    w.scheduler.run_scheduled_once(w.scheduler.targets(), 1.0)
    assert w.store.of("works") != []
    assert w.store.of("hangs") == []
    gate.go.set()


def test_collecting_once_waits_for_scheduled_collectors_and_not_longer_than_the_deadline(w: World) -> None:
    gate = Gate()
    w.source(scheduled("slow", gate, every=60))
    w.apply(named("t"))
    began = time.monotonic()
    w.scheduler.run_scheduled_once(w.scheduler.targets(), 0.2)
    assert 0.2 <= time.monotonic() - began < 5
    target = w.scheduler.target("t")
    assert target is not None
    assert str(target.error) == "t: no answer within 0.2 s"
    gate.go.set()


def test_a_thread_that_cannot_be_started_is_a_failure_and_the_next_scrape_tries_again(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    w.source(live("a", emits()))
    w.apply(named("t"))

    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more)
        began = time.monotonic()
        page = w.scrape()
    assert time.monotonic() - began < 1
    assert page['fake_up{instance="t"}'] == 0
    assert page['tocsin_collector_failing{collector="fake.a",instance="t",reason="internal"}'] == 1
    assert w.scrape()['fake_up{instance="t"}'] == 1


def test_scheduled_run_that_a_lock_puts_off_says_so_until_one_succeeds(w: World) -> None:
    locked = threading.Event()
    locked.set()

    def collect(_session: Session, run: Run) -> None:
        if locked.is_set():
            raise LockedError("t: public.orders is locked")
        run.emit(A, 1, ("x",))

    w.source(live("c", emits()), scheduled("clock", collect, every=0.1))
    w.apply(named("t"), start=True)
    deferred = 'tocsin_collector_deferred{collector="fake.clock",instance="t"}'
    until(lambda: w.page().get(deferred) == 1)
    page = w.scrape()
    assert page['fake_b{instance="t"}'] == 1, "a scrape answers meanwhile"
    assert 'tocsin_collector_deferred{collector="fake.c",instance="t"}' not in page
    locked.clear()
    until(lambda: w.page().get(deferred) == 0)


# Waking


class Ear:
    """A source's `listen` that the test makes call."""

    def __init__(self) -> None:
        self.begun = 0
        self.wake = lambda: None
        self.failing = threading.Event()

    def __call__(self, _options: Options, wake: Callable[[], None], stopped: threading.Event) -> None:
        self.begun += 1
        self.wake = wake
        while not stopped.wait(0.05):
            if self.failing.is_set():
                raise ConnectError("t: the connection broke")


def woken(collect: Collect, every: float = 60) -> Collector:
    return replace(scheduled("clock", collect, every=every), wakes=True)


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("tocsin-wake")]


def test_what_the_target_tells_wakes_the_collectors_that_want_it_at_once(w: World) -> None:
    ear, times, others = Ear(), [], []
    other = scheduled("other", lambda _s, _run: others.append(1), every=60)
    w.source(woken(lambda _s, _run: times.append(time.monotonic())), other, listen=ear)
    w.apply(named("t"), start=True)
    until(lambda: times and others and ear.begun)
    time.sleep(0.3)
    told = time.monotonic()
    ear.wake()
    until(lambda: len(times) == 2, 5)
    assert times[1] - told < 2
    assert len(others) == 1
    assert w.page()['tocsin_watch_mode{instance="t",mode="listen"}'] == 1


def test_being_told_all_the_time_costs_a_twentieth_of_a_core_at_most(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.allowance._SAVED", 0.0)
    ear, calls = Ear(), []

    def collect(_session: Session, _run: Run) -> None:
        calls.append(time.monotonic())
        time.sleep(0.03)

    w.source(woken(collect), listen=ear)
    w.apply(named("t"), start=True)
    until(lambda: calls and ear.begun)
    limit = time.monotonic() + 4
    while time.monotonic() < limit:
        ear.wake()
        time.sleep(0.001)
    gaps = [after - before for before, after in pairwise(calls)]
    assert len(calls) >= 3
    assert min(gaps[1:]) >= 0.6, "all but what the clock itself began"


def test_what_is_told_now_and_then_is_answered_at_once_however_long_a_run_takes(w: World) -> None:
    """By its share of a core alone each would have to rest for ten seconds after the one before."""
    ear, calls = Ear(), []

    def collect(_session: Session, _run: Run) -> None:
        time.sleep(0.5)
        calls.append(time.monotonic())

    w.source(woken(collect), listen=ear)
    w.apply(named("t"), start=True)
    until(lambda: calls and ear.begun)
    for count in (2, 3, 4):
        time.sleep(0.3)
        ear.wake()
        until(lambda count=count: len(calls) == count, 5)  # type: ignore[misc]


def test_being_told_of_little_is_answered_no_more_often_than_five_times_a_second(w: World) -> None:
    ear, calls = Ear(), []
    w.source(woken(lambda _s, _run: calls.append(time.monotonic())), listen=ear)
    w.apply(named("t"), start=True)
    until(lambda: calls and ear.begun)
    limit = time.monotonic() + 3
    while time.monotonic() < limit:
        ear.wake()
        time.sleep(0.0005)
    assert 2 <= len(calls) <= 17
    assert len(w.scheduler._due) < 500


def test_what_is_told_during_a_run_leads_to_another_right_after_it(w: World) -> None:
    ear, gate = Ear(), Gate()
    w.source(woken(gate, every=3), listen=ear)
    w.apply(named("t"), start=True)
    assert gate.entered.wait(5)
    until(lambda: ear.begun)
    for _ in range(20):
        ear.wake()
    time.sleep(0.3)
    assert gate.calls == 1
    gate.go.set()
    until(lambda: gate.calls == 2, 10)
    time.sleep(0.5)
    assert gate.calls == 2


def test_a_long_scheduled_run_does_not_stand_in_the_way_of_news(w: World) -> None:
    ear, gate, calls = Ear(), Gate(), []
    w.source(scheduled("long", gate, every=60), woken(lambda _s, _run: calls.append(1)), listen=ear)
    w.apply(named("t"), start=True)
    assert gate.entered.wait(5)
    until(lambda: calls and ear.begun)
    ear.wake()
    until(lambda: len(calls) == 2, 5)
    gate.go.set()


def test_listening_that_fails_is_taken_up_again(w: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(waking, "_FIRST_PAUSE", 0.3)
    ear = Ear()
    w.source(woken(emits()), listen=ear)
    w.apply(named("t"), start=True)
    until(lambda: ear.begun == 1)
    ear.failing.set()
    until(lambda: w.page()['tocsin_watch_mode{instance="t",mode="listen"}'] == 0)
    until(lambda: ear.begun >= 3, 10)
    ear.failing.clear()
    until(lambda: w.page()['tocsin_watch_mode{instance="t",mode="listen"}'] == 1, 10)
    said = [r.getMessage() for r in caplog.records if "by the clock alone" in r.getMessage()]
    assert said == ["t: changes are found by the clock alone for now (connect): t: the connection broke"]


def test_changed_removed_and_stopped_targets_are_listened_to_no_longer(w: World) -> None:
    ear, calls = Ear(), []
    w.source(woken(lambda session, _run: calls.append(session.options.where)), listen=ear)
    w.apply(named("t", where="old"), start=True)
    until(lambda: calls == ["old"] and ear.begun == 1)
    old = ear.wake
    w.apply(named("t", where="new"))
    until(lambda: calls == ["old", "new"] and ear.begun == 2)
    assert len(threads()) == 1
    old()
    time.sleep(0.5)
    assert calls == ["old", "new"]
    w.apply()
    assert threads() == []
    w.apply(named("t", where="last"))
    until(lambda: ear.begun == 3)
    w.scheduler.stop()
    assert threads() == []


def test_nothing_listens_before_the_start_and_where_no_collector_would_be_woken(w: World) -> None:
    ear = Ear()
    w.source(scheduled("clock", emits(), every=60), listen=ear)
    w.apply(named("t"), start=True)
    w.source(woken(emits()), listen=ear)
    w.apply(named("u", collectors={"clock": False}))
    time.sleep(0.2)
    assert ear.begun == 0
    assert threads() == []


def test_a_listener_that_does_not_end_holds_up_neither_a_reload_nor_the_end_for_long(w: World) -> None:
    release = threading.Event()
    w.source(woken(emits()), listen=lambda _options, _wake, _stopped: release.wait(30) and None)
    w.apply(named("t"), start=True)
    until(threads)
    began = time.monotonic()
    w.apply()
    assert time.monotonic() - began < 5
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("tocsin-wake"))
    release.set()


def test_files_that_change_wake_and_a_reload_unhooks_them(w: World, tmp_path: Path) -> None:
    calls: list[str] = []
    path = tmp_path / "watched"
    w.source(woken(lambda session, _run: calls.append(session.options.where)), files=lambda options: (Path(options.where),))
    w.apply(named("t", where=str(path)), start=True)
    until(lambda: w.page().get('tocsin_watch_mode{instance="t",mode="inotify"}') == 1)
    until(lambda: calls)
    time.sleep(1.5)
    before = len(calls)
    path.touch()
    until(lambda: len(calls) > before, 5)
    w.apply(named("t", where=str(tmp_path / "another")))
    until(lambda: calls[-1].endswith("another"))
    time.sleep(1.5)
    before = len(calls)
    path.write_text("x")
    time.sleep(0.5)
    assert len(calls) == before
    w.apply()
    until(lambda: watch.WATCHER._fd == -1, 5)


@pytest.mark.parametrize("is_down", [True, False])
def test_a_suspended_target_is_not_connected_to(w: World, is_down: bool) -> None:
    w.source(live("count", lambda _session, run: run.emit(A, 1, ("x",))))
    config = Config(targets=(named("t"),))
    w.scheduler.apply(config, {"t": Suspension("container t is stopped", is_down)})
    page = w.scrape()
    assert page.get('fake_up{instance="t"}') == (0 if is_down else None)
    assert page['tocsin_target_failing{instance="t",kind="fake",reason="connect"}'] == 1
    w.scheduler.apply(config, {"t": None})
    assert w.scrape()['fake_up{instance="t"}'] == 1


def test_a_target_that_was_found_is_not_connected_to_while_it_is_suspected(w: World) -> None:
    """Asked anew before each run: between two looks somebody else may have come to its address."""
    w.source(live("count", lambda _session, run: run.emit(A, 1, ("x",))))
    config = Config(targets=(named("t"),))
    suspected = [Suspension("container t has ended a moment ago", is_down=True)]
    w.scheduler.runner.suspicion = lambda name: suspected[0] if suspected and name == "t" else None
    w.scheduler.apply(config, {"t": None})
    assert w.scrape()['fake_up{instance="t"}'] == 0
    suspected.clear()
    assert w.scrape()['fake_up{instance="t"}'] == 1
    suspected.append(Suspension("container t has ended a moment ago", is_down=True))
    w.scheduler.apply(config)
    assert w.scrape()['fake_up{instance="t"}'] == 1, "what somebody configured is theirs"


def test_a_file_that_was_found_is_not_followed_through_a_link(w: World, tmp_path: Path) -> None:
    (tmp_path / "app.db").symlink_to("other.db")
    (tmp_path / "other.db").touch()
    monitored = InAFile(name="t", kind="fake", path=tmp_path / "app.db")
    w.source(live("count", lambda _session, run: run.emit(A, 1, ("x",))))
    w.scheduler.apply(Config(targets=(monitored,)), {"t": None})
    assert w.scrape()['fake_up{instance="t"}'] == 0
    w.scheduler.apply(Config(targets=(monitored,)))
    assert w.scrape()['fake_up{instance="t"}'] == 1, "what somebody configured is theirs to link"
