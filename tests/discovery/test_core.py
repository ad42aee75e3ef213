"""What becomes of what was found: targets, names, who monitors it already, how long it stays, and how many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from finds import container, file, parse, process
from tocsin.config import Config
from tocsin.discovery import core
from tocsin.discovery.core import Catch, Discovered, Discoveries, Search
from tocsin.discovery.found import Found
from tocsin.discovery.lookout import Find, Lookout, Lookouts, searches
from tocsin.errors import ConnectError, DeadlineError, InternalError
from tocsin.runner import Suspension

ENGINE = Search("containers", "engine")
PROCESSES, FILES = Search("processes"), Search("files")
TARGETS = "targets: [{name: engine, kind: docker}]\n"


def catch(*found: Found, present: Iterable[str] = ()) -> Catch:
    return Catch(found, {*present, *(f.key for f in found)})


def discovered(text: str, *found: Found, others: tuple[Found, ...] = ()) -> dict[str, Discovered]:
    """Return by name what comes of finds in containers, and of others among processes."""
    discoveries = Discoveries()
    discoveries.apply(parse(text), [ENGINE, PROCESSES, FILES])
    discoveries.note(ENGINE, catch(*found))
    discoveries.note(PROCESSES, Catch(others))
    return {d.name: d for d in discoveries.outcome.discovered}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that passes for what was found, in its only element."""
    now = [1000.0]
    monkeypatch.setattr(core.time, "monotonic", lambda: now[0])
    return now


# Who monitors it already


@pytest.mark.parametrize(
    "target",
    [
        'kind: postgres, dsn: "postgresql://u@172.17.0.2:5432/shop"',
        'kind: postgres, dsn: "postgresql://u@localhost:15432/shop"',
        'kind: postgres, dsn: "host=127.0.0.1 port=15432"',
        'kind: postgres, dsn: "postgresql://u@10.1.1.1,172.17.0.2/shop"',
        'kind: endpoint, protocol: postgres, address: "172.17.0.2:5432"',
    ],
)
def test_what_a_configured_target_reaches_makes_none(target: str) -> None:
    if "endpoint" in target:
        pytest.importorskip("tocsin.sources.endpoint.session")
    found = container("orders", "127.0.0.1:15432", "172.17.0.2:5432")
    (one,) = discovered(f"targets: [{{name: shop, {target}}}]", found).values()
    assert (one.options, one.monitored_by) == (None, "shop")


@pytest.mark.parametrize(
    "target",
    [
        'kind: postgres, dsn: "postgresql://u@172.17.0.2:5433/shop"',
        'kind: mysql, dsn: "mysql://u@172.17.0.3:5432/"',
        "kind: postgres, dsn_file: /none",
        'kind: mysql, dsn: "nonsense"',
    ],
)
def test_what_none_reaches_makes_one(target: str) -> None:
    (one,) = discovered(f"targets: [{{name: shop, {target}}}]", container()).values()
    assert one.options is not None
    assert (one.name, one.monitored_by) == ("orders", "")


def test_a_file_is_known_by_whatever_link_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    (tmp_path / "link").symlink_to("app.db")
    (one,) = discovered(f"targets: [{{name: app, kind: sqlite, path: {tmp_path}/link}}]", file(tmp_path / "app.db")).values()
    assert (one.options, one.monitored_by) == (None, "app")


def test_a_file_with_the_connection_string_that_vanishes_makes_no_second_target(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u@172.17.0.2/shop")
    config = parse(f"targets: [{{name: shop, kind: postgres, dsn_file: {tmp_path}/dsn}}]")
    discoveries = Discoveries()
    discoveries.apply(config, [ENGINE])
    discoveries.note(ENGINE, catch(container()))
    (tmp_path / "dsn").unlink()
    assert not discoveries.note(ENGINE, catch(container()))
    assert discoveries.outcome.discovered[0].monitored_by == "shop"


def test_a_container_that_also_shows_among_processes_is_one_database() -> None:
    beside = process("postgres", "127.0.0.1:15432", "/run/pg/.s.PGSQL.15432")
    assert list(discovered("", container("orders", "127.0.0.1:15432", "172.17.0.2:5432"), others=(beside,))) == ["orders"]


def test_a_container_that_two_targets_show_is_one_database() -> None:
    discoveries = Discoveries()
    second = Search("containers", "proxy")
    discoveries.apply(Config(), [ENGINE, second])
    discoveries.note(ENGINE, catch(container()))
    discoveries.note(second, catch(container()))
    assert len(discoveries.outcome.discovered) == 1
    discoveries.note(ENGINE, catch())
    assert len(discoveries.outcome.discovered) == 1


def test_two_engines_may_have_the_same_addresses() -> None:
    discoveries = Discoveries()
    second = Search("containers", "proxy")
    discoveries.apply(Config(), [ENGINE, second])
    discoveries.note(ENGINE, catch(container("orders")))
    discoveries.note(second, catch(container("orders", key="b" * 64)))
    assert [d.name for d in discoveries.outcome.discovered] == ["orders", "orders-2"]


@pytest.mark.parametrize("pattern", ["scratch-*", "SCRATCH-1", "172.17.0.9:*"])
def test_what_is_excluded_is_left_alone(pattern: str) -> None:
    scratch = container("scratch-1", "172.17.0.9:5432")
    assert list(discovered(f"discovery: {{exclude: ['{pattern}']}}", container(), scratch)) == ["orders"]


def test_excluded_files_are_left_alone(tmp_path: Path) -> None:
    discoveries = Discoveries()
    discoveries.apply(parse(f"discovery: {{exclude: ['{tmp_path}/backup/*']}}"), [FILES])
    discoveries.note(FILES, Catch([file(tmp_path / "backup" / "app.db"), file(tmp_path / "app.db")]))
    assert [d.found.place for d in discoveries.outcome.discovered] == [f"{tmp_path}/app.db"]


def test_a_file_that_becomes_a_link_is_dropped_at_once(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    path.touch()
    discoveries = Discoveries()
    discoveries.apply(Config(), [FILES])
    discoveries.note(FILES, Catch([file(path)]))
    path.rename(tmp_path / "aside")
    discoveries.note(FILES, Catch([]))
    assert len(discoveries.outcome.discovered) == 1, "one that is merely gone stays for a while"
    path.symlink_to("aside")
    discoveries.note(FILES, Catch([]))
    assert discoveries.outcome.discovered == ()


def test_a_connection_string_by_label_costs_no_answer_about_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.dsn").write_text("postgresql://u@172.17.0.9:5432/x")
    answers = [[(2, 1, 6, "", ("172.17.0.2", 0))]]

    def ask(*_: object, **__: object) -> object:
        if not answers:
            raise OSError("the name server is gone")
        return answers[0]

    monkeypatch.setattr("tocsin.discovery.places.socket.getaddrinfo", ask)
    discoveries = Discoveries()
    targets = 'targets: [{name: shop, kind: postgres, dsn: "host=db.example"}]'
    discoveries.apply(parse(f"{targets}\ndiscovery: {{label_files: {tmp_path}}}"), [ENGINE])
    both = catch(container(), container("other", "172.17.0.9:5432", hints={"dsn_file": "other.dsn"}))
    for _ in range(2):
        discoveries.note(ENGINE, both)
        assert discoveries.outcome.discovered[0].monitored_by == "shop"
        answers.clear()


def test_our_own_journal_is_never_watched(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    journal.touch()
    (tmp_path / "link").symlink_to(journal)
    discoveries = Discoveries([tmp_path / "link"])
    discoveries.apply(Config(), [FILES])
    discoveries.note(FILES, Catch([file(journal), file(tmp_path / "app.db")]))
    assert [d.name for d in discoveries.outcome.discovered] == ["app.db"]


# Names


def test_a_name_that_somebody_has_gets_a_number() -> None:
    text = "targets: [{name: orders, kind: sqlite, path: a.db}, {name: orders-2, kind: sqlite, path: b.db}]"
    found = discovered(text, container("orders"), container("orders", "172.17.0.3:5432", key="b" * 64))
    assert list(found) == ["orders-3", "orders-4"]
    assert found["orders-3"].options is not None
    assert found["orders-3"].options.name == "orders-3"


def test_a_name_stays_with_its_database() -> None:
    first, second = container("app", key="1" * 64), container("app", "172.17.0.3:5432", key="0" * 64)
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(first))
    discoveries.note(ENGINE, catch(second, first))
    assert {d.found.key[0]: d.name for d in discoveries.outcome.discovered} == {"1": "app", "0": "app-2"}
    discoveries.note(ENGINE, catch(second))
    assert {d.found.key[0]: d.name for d in discoveries.outcome.discovered} == {"0": "app-2"}


def test_a_container_made_anew_keeps_the_name() -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(container(key="1" * 64)))
    assert not discoveries.note(ENGINE, catch(container(key="2" * 64))), "for the scheduler it is the same target"
    assert [d.name for d in discoveries.outcome.discovered] == ["orders"]


def test_a_configured_target_takes_its_name_back() -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(container()))
    discoveries.apply(parse("targets: [{name: orders, kind: sqlite, path: a.db}]"), [ENGINE])
    assert [d.name for d in discoveries.outcome.discovered] == ["orders-2"]


@pytest.mark.parametrize(
    ("label", "name"), [("shop", "shop"), ("", "orders"), (" \n ", "postgres"), ("a\nb", "a b"), ("x" * 999, "x" * 200)]
)
def test_a_label_names_the_target_in_one_bounded_line(label: str, name: str) -> None:
    assert list(discovered("", container(hints={"name": label}))) == [name]


class Kept:
    """A memory that outlives what remembers in it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def recall(self) -> dict[str, str]:
        return dict(self.names)

    def remember(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)


def test_names_outlast_the_process_also_of_what_is_gone_meanwhile(tmp_path: Path) -> None:
    first, second, third = (file(tmp_path / folder / "app.db") for folder in "abc")
    memory = Kept()
    found: dict[str, str] = {}
    for brought in ([first, second], [second], [second, third], [first, second, third]):
        discoveries = Discoveries(memory=memory)
        discoveries.apply(Config(), [FILES])
        discoveries.note(FILES, Catch(brought))
        now = {d.found.key: d.name for d in discoveries.outcome.discovered}
        assert {**now, **found} == {**found, **now}, "no name changes"
        found |= now
    assert found == {first.key: "app.db", second.key: "app.db-2", third.key: "app.db-3"}


def test_a_container_made_anew_beside_the_stopped_one_takes_the_name() -> None:
    old, new = container(key="1" * 64), container(addresses=("172.17.0.3:5432",), key="2" * 64)
    memory = Kept()
    discoveries = Discoveries(memory=memory)
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(old))
    discoveries.note(ENGINE, catch(new, present=[old.key]))
    assert {d.found.key[0]: d.name for d in discoveries.outcome.discovered} == {"1": "orders-2", "2": "orders"}
    discoveries.note(ENGINE, catch(new))
    assert memory.names[new.key] == "orders"


def test_a_container_that_was_renamed_is_called_so() -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(container(key="1" * 64)))
    assert discoveries.note(ENGINE, catch(container("sales", key="1" * 64)))
    assert [d.name for d in discoveries.outcome.discovered] == ["sales"]


# What is not connected to


def test_a_container_that_stopped_is_down_and_nobody_connects_to_its_address() -> None:
    discoveries, one = Discoveries(), container()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(one))
    assert discoveries.outcome.suspensions == {"orders": None}
    assert discoveries.note(ENGINE, catch(present=[one.key]))
    assert discoveries.outcome.suspensions == {"orders": Suspension("container orders is stopped", is_down=True)}
    assert discoveries.note(ENGINE, catch(one))
    assert discoveries.outcome.suspensions == {"orders": None}


@pytest.mark.parametrize("is_lent", [True, False])
def test_an_address_that_the_engine_lends_is_left_alone_while_the_engine_does_not_answer(is_lent: bool) -> None:
    discoveries, one = Discoveries(), container(is_lent=is_lent)
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(one))
    assert discoveries.fail(ENGINE, ConnectError("nobody there")) is is_lent
    (why,) = discoveries.outcome.suspensions.values()
    assert (why is not None) is is_lent
    if why is not None:
        assert not why.is_down
        assert "publish its port" in why.reason
    assert discoveries.note(ENGINE, catch(one)) is is_lent


# How long it stays


def kept(discoveries: Discoveries, clock: list[float], seconds: float, brought: Catch, search: Search = ENGINE) -> list[str]:
    clock[0] += seconds
    discoveries.note(search, brought)
    return [d.name for d in discoveries.outcome.discovered]


def test_a_container_that_stopped_stays_for_ten_minutes_as_it_was(clock: list[float]) -> None:
    discoveries, one = Discoveries(), container()
    discoveries.apply(Config(), [ENGINE])
    assert kept(discoveries, clock, 0, catch(one)) == ["orders"]
    stopped = catch(present=[one.key])
    assert kept(discoveries, clock, 599, stopped) == ["orders"]
    assert discoveries.outcome.discovered[0].found == one
    assert kept(discoveries, clock, 0, catch(one)) == ["orders"], "it runs again"
    assert kept(discoveries, clock, 599, stopped) == ["orders"]
    assert kept(discoveries, clock, 2, stopped) == []
    assert kept(discoveries, clock, 0, stopped) == [], "one that was never seen running is not watched"


def test_a_container_that_was_removed_goes_at_once_with_the_files_in_it(clock: list[float]) -> None:
    one = container()
    inside = container("orders/app.db", engine="sqlite", addresses=("/srv/app.db",), key=f"{one.key}:/srv/app.db")
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    assert kept(discoveries, clock, 0, catch(one, inside)) == ["orders", "orders/app.db"]
    assert kept(discoveries, clock, 1, catch(present=[one.key])) == ["orders", "orders/app.db"]
    assert kept(discoveries, clock, 1, catch()) == []


def test_a_socket_and_a_file_that_are_gone_stay_for_ten_minutes(clock: list[float], tmp_path: Path) -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [PROCESSES, FILES])
    kept(discoveries, clock, 0, Catch([process("postgres", "127.0.0.1:5432")]), PROCESSES)
    assert kept(discoveries, clock, 0, Catch([file(tmp_path / "app.db")]), FILES) == ["app.db", "postgres"]
    assert kept(discoveries, clock, 599, Catch([]), PROCESSES) == ["app.db", "postgres"]
    assert kept(discoveries, clock, 2, Catch([]), PROCESSES) == ["app.db"]
    assert kept(discoveries, clock, 0, Catch([]), FILES) == []


def test_a_look_that_fails_changes_nothing_and_is_told() -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE])
    discoveries.note(ENGINE, catch(container()))
    before = discoveries.outcome
    discoveries.fail(ENGINE, ConnectError("nobody there"))
    assert discoveries.outcome == before
    error = discoveries.looks[ENGINE].error
    assert error is not None
    assert error.reason == "connect"
    discoveries.note(ENGINE, catch(container()))
    assert discoveries.looks[ENGINE].error is None


def test_a_reload_keeps_what_was_found_as_far_as_it_is_still_looked_for() -> None:
    discoveries = Discoveries()
    discoveries.apply(Config(), [ENGINE, PROCESSES])
    discoveries.note(ENGINE, catch(container()))
    discoveries.note(PROCESSES, Catch([process("postgres", "127.0.0.1:5432")]))
    text = "defaults: {postgres: {userpass: {username: u}, targets: [orders]}}"
    discoveries.apply(parse(text), [ENGINE])
    (one,) = discoveries.outcome.discovered
    assert (one.name, one.monitored_by) == ("orders", "orders")
    assert not discoveries.note(PROCESSES, Catch([process("postgres", "127.0.0.1:5432")])), "a late answer"
    assert len(discoveries.outcome.discovered) == 1


# How many


def test_no_more_are_watched_than_may_be_and_whoever_was_first_stays(clock: list[float]) -> None:
    discoveries = Discoveries()
    discoveries.apply(parse("discovery: {most: 2}"), [ENGINE])
    first = [container(name, f"172.17.0.{i}:5432") for i, name in enumerate("mn", 2)]
    later = [container(name, f"172.17.0.{i}:5432") for i, name in enumerate("ab", 4)]
    assert kept(discoveries, clock, 0, catch(*first)) == ["m", "n"]
    assert kept(discoveries, clock, 1, catch(*later, *first)) == ["m", "n"]
    assert discoveries.outcome.left_out == 2
    assert kept(discoveries, clock, 1, catch(*later, first[0])) == ["a", "m"]
    assert discoveries.outcome.left_out == 1


def test_what_a_configured_target_monitors_takes_no_place() -> None:
    text = 'discovery: {most: 1}\ntargets: [{name: shop, kind: postgres, dsn: "host=172.17.0.2"}]'
    assert list(discovered(text, container("a"), container("b", "172.17.0.3:5432"))) == ["a", "b"]


# When it looks


def test_what_is_looked_through_is_what_the_configuration_says(tmp_path: Path) -> None:
    assert list(searches(parse(TARGETS))) == [ENGINE]
    assert list(searches(parse(""))) == []
    assert list(searches(parse(TARGETS + "discovery: {containers: false, processes: true, files: [/srv]}"))) == [PROCESSES, FILES]


class Nets:
    """Finders that bring what the test puts into them."""

    def __init__(self) -> None:
        self.brought: dict[Search, Catch | Exception] = {}
        self.looks: dict[Search, int] = {}
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, config: Config) -> dict[Search, Find]:
        return {search: self._find(search) for search in searches(config)}

    def _find(self, search: Search) -> Find:
        def find() -> Catch:
            self.looks[search] = self.looks.get(search, 0) + 1
            assert self.gate.wait(30)
            brought = self.brought.get(search, Catch([]))
            if isinstance(brought, Exception):
                raise brought
            return brought

        return find


@pytest.fixture
def nets(monkeypatch: pytest.MonkeyPatch) -> Nets:
    found = Nets()
    monkeypatch.setattr("tocsin.discovery.lookout.searches", found)
    return found


def eventually(check: object) -> None:
    from servers import until

    until(check, 30)  # type: ignore[arg-type]


def test_it_looks_at_the_start_when_stirred_and_on_its_clock(nets: Nets) -> None:
    changed: list[float] = []
    discoveries = Discoveries()
    lookouts = Lookouts(discoveries, lambda: changed.append(time.monotonic()))
    config = parse(TARGETS + "discovery: {every: 1h}")
    lookouts.apply(config)
    assert nets.looks == {}, "nothing is looked at before the start"
    nets.brought[ENGINE] = catch(container())
    lookouts.start()
    eventually(lambda: len(changed) == 1)
    lookouts.stir(config.targets[0])
    eventually(lambda: nets.looks[ENGINE] == 2)
    assert len(changed) == 1, "what stays as it is changes no target"
    nets.brought[ENGINE] = catch()
    lookouts.stir(config.targets[0])
    eventually(lambda: len(changed) == 2)
    lookouts.apply(parse(TARGETS + "discovery: {every: 1s}"))
    eventually(lambda: nets.looks[ENGINE] >= 6)
    lookouts.stop()


def test_failures_and_mistakes_end_nothing(nets: Nets) -> None:
    discoveries = Discoveries()
    lookouts = Lookouts(discoveries, lambda: None)
    config = parse(TARGETS + "discovery: {processes: true, every: 1s}")
    lookouts.apply(config)
    nets.brought = {ENGINE: DeadlineError("the engine hangs"), PROCESSES: ZeroDivisionError()}
    lookouts.start()
    eventually(lambda: all(look.error for look in discoveries.looks.values()))
    assert isinstance(discoveries.looks[PROCESSES].error, InternalError)
    nets.brought = {ENGINE: catch(container())}
    eventually(lambda: not any(look.error for look in discoveries.looks.values()))
    eventually(lambda: discoveries.outcome.discovered)
    lookouts.stop()


def test_what_cannot_be_taken_in_is_told_and_tried_again(nets: Nets) -> None:
    """As when the process may open no more files while new targets begin to be watched."""
    discoveries, taken = Discoveries(), threading.Event()
    fails = threading.Event()
    fails.set()

    def changed() -> None:
        if fails.is_set():
            raise OSError(24, "Too many open files")
        taken.set()

    lookouts = Lookouts(discoveries, changed)
    lookouts.apply(parse(TARGETS + "discovery: {every: 1s}"))
    nets.brought = {ENGINE: catch(container())}
    lookouts.start()
    eventually(lambda: discoveries.looks[ENGINE].error)
    assert "Too many open files" in str(discoveries.looks[ENGINE].error)
    fails.clear()
    eventually(taken.is_set)  # though the next look brings nothing new
    eventually(lambda: discoveries.looks[ENGINE].error is None)
    lookouts.stop()


def test_a_look_that_hangs_holds_up_neither_the_others_nor_a_reload_nor_the_end(nets: Nets) -> None:
    discoveries = Discoveries()
    lookouts = Lookouts(discoveries, lambda: None)
    lookouts.apply(parse(TARGETS))
    nets.gate.clear()
    lookouts.start()
    eventually(lambda: nets.looks.get(ENGINE) == 1)
    lookouts.apply(parse(TARGETS + "discovery: {processes: true}"))
    eventually(lambda: nets.looks.get(PROCESSES) == 1)
    lookouts.apply(Config())
    nets.brought[ENGINE] = catch(container())
    nets.gate.set()
    time.sleep(0.2)
    assert discoveries.outcome.discovered == (), "what comes late is nobody's"
    lookouts.stop()


def test_stopping_does_not_wait_for_the_clock() -> None:
    told: list[object] = []
    lookout = Lookout(FILES, lambda: Catch([]), 3600, lambda *words: told.append(words))
    lookout.start()
    eventually(lambda: told)
    began = time.monotonic()
    lookout.stop()
    lookout.join()
    assert not lookout._thread.is_alive()
    assert time.monotonic() - began < 20
