"""What happened to containers, concluded from events and looks: sequences as engine 20.10 told them, gaps, and repetitions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tocsin.sources.docker.container import Container, read
from tocsin.sources.docker.heard import Heard, heard_of, lines_of
from tocsin.sources.docker.lifecycle import SETTLED, Change, State, advance, baseline

SECOND = 10**9
IMAGE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def seen(name: str = "shop", id: str = "1" * 64, **more: object) -> Container:
    """A running container as an inspection shows it; times are whole seconds."""
    told = {
        "Id": id, "Name": f"/{name}", "Created": "1970-01-01T00:00:50Z", "Image": IMAGE, "RestartCount": 0,
        "State": {"Status": "running", "Running": True, "Pid": 7, "StartedAt": "1970-01-01T00:01:00Z", "FinishedAt": ""},
        "Config": {"Image": "shop:1", "Env": ["POSTGRES_PASSWORD=secret"]},
        "HostConfig": {"RestartPolicy": {"Name": "always"}},
    }  # fmt: skip
    return replace(read(told), **more)  # type: ignore[arg-type]


def at(
    seconds: float, action: str, extra: str = "", name: str = "shop", id: str = "1" * 64, image: str = "shop:1", service: str = ""
) -> Heard:
    return Heard(int(seconds * SECOND), id, action, name, image, service, extra)


class Story:
    """A state that goes on from look to look, through what the journal would keep."""

    def __init__(self, *containers: Container, now: float = 100.0) -> None:
        self.state = baseline({c.id: c for c in containers}, [], now)

    def look(self, heard: Iterable[Heard], *containers: Container, now: float = 200.0) -> list[Change]:
        waiting = self.state.unexplained
        self.state = State.load(self.state.dump())
        self.state.unexplained = waiting
        return advance(self.state, heard, {c.id: c for c in containers}, now)


def told(changes: list[Change]) -> list[str]:
    return [f"{c.name} {c.change}" + (f" {c.detail['planned']}" if c.change == "died" else "") for c in changes]


def ended(container: Container, seconds: int, code: int = 137, **more: object) -> Container:
    return replace(container, running=False, status="exited", pid=0, finished=seconds * SECOND, exit_code=code, **more)  # type: ignore[arg-type]


def begun(container: Container, seconds: float, restarts: int = 0) -> Container:
    return replace(container, started=int(seconds * SECOND), restart_count=restarts)


# Scenario, events, how the container stands afterwards, what is told.
ONE = seen()
SCENARIOS = {
    "kill -9 from the host, and the engine starts it again": (
        [at(110, "die", "137"), at(110.3, "start")],
        begun(ONE, 110.25, 1),
        ["shop died no", "shop started"],
    ),
    "docker restart": (
        [at(110, "kill", "15"), at(120, "kill", "9"), at(120.1, "die", "137"), at(120.5, "start")],
        begun(ONE, 120.4),
        ["shop died yes", "shop started"],
    ),
    "docker stop": ([at(110, "kill", "15"), at(110.1, "die", "0")], ended(ONE, 110, 0), ["shop died yes"]),
    "docker kill": ([at(110, "kill", "9"), at(110.1, "die", "137")], ended(ONE, 110), ["shop died yes"]),
    "a signal that asks to reload, then a crash": ([at(110, "kill", "1"), at(150, "die", "1")], ended(ONE, 150, 1), ["shop died no"]),
    "out of memory": ([at(110, "oom"), at(110.1, "die", "137")], ended(ONE, 110, oom_killed=True), ["shop oom", "shop died no"]),
    "out of memory, whose event is missing": ([at(110.1, "die", "137")], ended(ONE, 110, oom_killed=True), ["shop oom", "shop died no"]),
    "a daemon that ends by itself is not meant to": ([at(110, "die", "0")], ended(ONE, 110, 0), ["shop died no"]),
    "a job that has done its work": ([at(110, "die", "0")], ended(replace(ONE, restart_policy="no"), 110, 0), ["shop died yes"]),
    "renamed": ([at(110, "rename", "shop", name="store")], replace(ONE, name="store"), ["store renamed"]),
    "unhealthy and well again": (
        [at(110, "health_status", "healthy"), at(120, "health_status", "unhealthy"), at(130, "health_status", "healthy")],
        replace(ONE, health="healthy"),
        ["shop health_changed", "shop health_changed"],
    ),
    "removed by force": ([at(110, "kill", "9"), at(110.1, "die", "137"), at(110.2, "destroy")], None, ["shop died yes", "shop removed"]),
}


@pytest.mark.parametrize(("events", "after", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_scenario_is_told_once(events: list[Heard], after: Container | None, expected: list[str]) -> None:
    story = Story(ONE)
    looks = [after] if after else []
    assert told(story.look([*events, *events], *looks)) == expected, "each is there twice, as after a cut"
    assert told(story.look(events, *looks, now=210)) == [], "the same events again, as after a new connection"
    assert told(story.look([], *looks, now=300)) == []


@pytest.mark.parametrize(("events", "after", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_look_that_comes_before_its_events_tells_nothing_yet(events: list[Heard], after: Container | None, expected: list[str]) -> None:
    story = Story(ONE)
    looks = [after] if after else []
    assert told(story.look([], *looks)) == []
    found = []
    for i, event in enumerate(events):  # one look each
        found += told(story.look([event], *looks, now=200 + i * 0.1))
    assert found == expected


def test_what_no_event_tells_is_concluded_once_it_has_stood_for_a_while() -> None:
    story = Story(ONE)
    after = begun(ONE, 150, 2)
    assert story.look([], after, now=200) == []
    assert told(story.look([], after, now=200 + SETTLED)) == ["shop died no", "shop started", "shop died no", "shop started"]
    assert story.look([], after, now=300) == []
    assert story.look([at(120, "die", "1"), at(150.1, "start")], after, now=310) == [], "events that come after all"
    assert story.state.histories["shop"].deaths == {"yes": 0, "no": 2, "unknown": 0}


def test_engine_that_was_restarted_leaves_it_open_whether_the_end_was_planned() -> None:
    story = Story(ONE)
    after = begun(ONE, 150)
    story.look([], after)
    assert told(story.look([], after, now=210)) == ["shop died unknown", "shop started"]
    assert story.state.histories["shop"].crashes == []


def test_stop_of_which_the_first_half_was_heard_is_planned() -> None:
    story = Story(ONE)
    after = begun(ONE, 150)
    story.look([at(110, "kill", "15")], ONE)
    story.look([], after)
    assert told(story.look([], after, now=210)) == ["shop died yes", "shop started"]


def test_end_that_nobody_saw_has_its_exit_code() -> None:
    story = Story(ONE)
    after = ended(ONE, 150, 3)
    story.look([], after)
    (change,) = story.look([], after, now=210)
    assert (change.time, change.detail["exit_code"], change.detail["planned"]) == (150.0, 3, "unknown")


def test_container_that_came_and_went_while_nobody_looked_is_told_where_the_events_are_there() -> None:
    story = Story()
    events = [
        at(110, "create", name="job"),
        at(110.1, "start", name="job"),
        at(111, "die", "1", name="job"),
        at(111.1, "destroy", name="job"),
    ]
    assert told(story.look(events)) == ["job created", "job started", "job died no", "job removed"]
    assert story.look(events, now=220) == []


def test_container_that_is_gone_without_a_word_is_told() -> None:
    story = Story(ONE)
    assert story.look([]) == []
    assert told(story.look([], now=210)) == ["shop died unknown", "shop removed"]
    assert story.look([at(150, "die", "0"), at(150.1, "destroy")], now=220) == []


def test_events_stamped_before_a_later_one_that_came_first_are_not_lost() -> None:
    story = Story(ONE, seen("other", "2" * 64))
    both = (ended(ONE, 110), ended(seen("other", "2" * 64), 110))
    assert told(story.look([at(110.5, "die", "1")], *both)) == ["shop died no"]
    assert told(story.look([at(110.4, "die", "1", "other", "2" * 64)], *both, now=200.1)) == ["other died no"]


def test_baseline_tells_nothing_of_what_the_engine_remembers_from_before() -> None:
    story = Story(ONE, now=100)
    old = [at(40, "create", name="old", id="9" * 64), at(45, "destroy", name="old", id="9" * 64), at(60.2, "start")]
    assert story.look(old, ONE) == []


def test_deploy_is_told_from_being_made_anew_and_from_a_crash_loop() -> None:
    story = Story(ONE)
    new = seen(id="2" * 64, image="shop:2", image_id=OTHER)
    stop = [at(110, "kill", "15"), at(110.1, "die", "0"), at(110.2, "destroy")]
    begin = [at(111, "create", id="2" * 64, image="shop:2"), at(112, "start", id="2" * 64, image="shop:2")]
    changes = story.look([*stop, *begin], new)
    assert told(changes) == ["shop died yes", "shop removed", "shop deployed", "shop started"]
    assert (changes[2].old, changes[2].new) == (IMAGE, OTHER)
    again = seen(id="3" * 64, image="shop:2", image_id=OTHER)
    stop = [at(120, "kill", "15", id="2" * 64), at(120.1, "die", "0", id="2" * 64), at(120.2, "destroy", id="2" * 64)]
    changes = story.look([*stop, at(121, "create", id="3" * 64, image="shop:2"), at(122, "start", id="3" * 64)], again)
    assert told(changes)[2:] == ["shop recreated", "shop started"]
    assert not story.state.histories["shop"].looping


def test_compose_makes_a_service_anew_under_a_name_that_was_moved_out_of_the_way() -> None:
    labels = {"com.docker.compose.project": "p", "com.docker.compose.service": "shop", "com.docker.compose.container-number": "1"}
    old = seen("p-shop-1", labels=labels)
    new = seen("p-shop-1", "2" * 64, image_id=OTHER, labels=labels)
    story = Story(old)
    service = old.service
    events = [
        at(110, "create", name="222_p-shop-1", id="2" * 64, service=service),
        at(111, "kill", "15", name="p-shop-1", service=service), at(111.1, "die", "0", name="p-shop-1", service=service),
        at(111.2, "destroy", name="p-shop-1", service=service),
        at(112, "rename", "222_p-shop-1", name="p-shop-1", id="2" * 64, service=service),
        at(113, "start", name="p-shop-1", id="2" * 64, service=service),
    ]  # fmt: skip
    changes = told(story.look(events, new))
    assert changes == ["p-shop-1 deployed", "p-shop-1 died yes", "p-shop-1 removed", "p-shop-1 started"]
    (history,) = story.state.histories.values()
    assert (history.name, history.id, history.gone) == ("p-shop-1", "2" * 64, None)


def test_crash_loop_is_told_once_and_again_after_it_had_ended() -> None:
    story = Story(ONE)

    def crash(seconds: float, restarts: int) -> list[str]:
        after = begun(ONE, seconds + 0.1, restarts)
        return told(story.look([at(seconds, "die", "1"), at(seconds + 0.2, "start")], after, now=seconds + 1))

    assert "shop crash_looping" not in crash(110, 1) + crash(130, 2)
    assert crash(150, 3) == ["shop died no", "shop crash_looping", "shop started"]
    assert "shop crash_looping" not in crash(170, 4)
    assert len(story.state.histories["shop"].crashes) == 4
    story.look([], begun(ONE, 170.1, 4), now=800)
    assert story.state.histories["shop"].crashes == []
    assert "shop crash_looping" in crash(900, 1) + crash(920, 2) + crash(940, 3)


def test_counters_are_remembered_and_let_go_with_the_container() -> None:
    story = Story(ONE)
    story.look([at(110, "die", "1")], ended(ONE, 110, 1))
    history = story.state.histories["shop"]
    assert (history.deaths["no"], history.exit_code, history.crashed, history.last_crash) == (1, 1, True, 110.0)
    story.look([at(120, "destroy")], now=121)
    assert not story.state.histories["shop"].crashed
    story.look([], now=121 + 3700)
    assert story.state.histories == {}


def test_burst_is_worked_off_in_no_time() -> None:
    story = Story(ONE)
    events = [at(110 + i / 10_000, "rename", f"n{i}", name=f"n{i + 1}") for i in range(10_000)]
    assert len(story.look(events, replace(ONE, name="n10000"))) == 10_000
    assert len(story.state.dump()) < 2**20


def test_lines_of_the_stream() -> None:
    line = {
        "Type": "container", "Action": "health_status: unhealthy", "timeNano": 17, "scope": "local", "status": "", "id": "x",
        "Actor": {"ID": "x", "Attributes": {"name": "shop", "image": "shop:1", "token": "secret"}},
    }  # fmt: skip
    heard = heard_of(json.dumps(line).encode())
    assert heard == Heard(17, "x", "health_status", "shop", "shop:1", "", "unhealthy")
    for wrong in (b"", b"[]", b"{}", b"null", b'{"Type": "network"}', json.dumps(line | {"Action": "exec_start: psql -c secret"}).encode()):
        assert heard_of(wrong) is None


def test_lines_come_out_of_whatever_pieces_they_arrive_in_and_endless_ones_not_at_all() -> None:
    class Response:
        def __init__(self, *pieces: bytes) -> None:
            self.pieces = pieces

        def iter_content(self, _size: None) -> Iterable[bytes]:
            return self.pieces

    long = b"x" * 2**19
    assert list(lines_of(Response(b"a", b"b\nc\nd", b"", b"\n", b"e"))) == [b"ab", b"c", b"d"]
    assert list(lines_of(Response(b"a\n" + long, long, long, b"rest\nb\n"))) == [b"a", b"b"]
    assert list(lines_of(Response(long + b"\n", b"c\n"))) == [long, b"c"]


def test_values_of_the_environment_are_not_kept() -> None:
    assert ONE.environment == ("POSTGRES_PASSWORD",)
    assert "secret" not in repr(ONE)
