"""Which of many are followed: the series are few, they stay, and nothing is counted twice or lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.sticky import Sticky

KEPT = 100


def rows(numbers: dict[str, float]) -> list[tuple[tuple[str, ...], list[float]]]:
    """Rows with one number, the heaviest first, as a server gives them."""
    return [((name,), [n]) for name, n in sorted(numbers.items(), key=lambda item: -item[1])]


def rest(found: Sticky) -> float:
    assert found.rest is not None
    (number,) = found.rest
    return number


def test_few_are_all_followed_and_there_is_no_rest() -> None:
    found = Sticky(KEPT)
    found.take([])
    assert found.rest is None
    found.take(rows({"a": 2, "b": 1}))
    assert found.followed == {("a",), ("b",)}
    assert rest(found) == 0


def test_followed_key_keeps_its_series_when_others_pass_it() -> None:
    found = Sticky(KEPT)
    found.take(rows({f"s{i}": 1000 - i for i in range(KEPT)}))
    found.take(rows({f"s{i}": 1000 - i for i in range(KEPT)} | {f"new{i}": 950 - i / 100 for i in range(10)}))
    assert (f"s{KEPT // 2}",) in found.followed
    assert len(found.followed) == KEPT


def test_the_heaviest_get_a_series_whoever_was_there_before() -> None:
    found = Sticky(KEPT)
    found.take(rows({f"s{i}": 10 for i in range(KEPT)}))
    found.take(rows({f"s{i}": 10 for i in range(KEPT)} | {"giant": 9999}))
    assert ("giant",) in found.followed


@given(st.lists(st.dictionaries(st.integers(0, 250), st.integers(0, 50)), max_size=6))
def test_rest_never_falls_and_is_what_the_others_added(added: list[dict[int, int]]) -> None:
    found = Sticky(KEPT)
    totals: dict[str, float] = {}
    before = expected = 0.0
    for number, step in enumerate(added):
        for name, n in step.items():
            totals[str(name)] = totals.get(str(name), 0) + n
        found.take(rows(totals))
        assert len(found.followed) <= KEPT
        if found.rest is None:
            continue
        if number:
            expected += sum(n for name, n in step.items() if (str(name),) not in found.followed)
        assert rest(found) >= before
        assert rest(found) == expected
        before = rest(found)


def test_first_look_counts_nothing_so_that_a_new_connection_is_no_rush() -> None:
    found = Sticky(KEPT)
    found.take(rows({f"s{i}": 100.0 for i in range(KEPT)} | {"small": 5.0}))
    assert rest(found) == 0
    found.take(rows({f"s{i}": 100.0 for i in range(KEPT)} | {"small": 7.0, "new": 1.0}))
    assert rest(found) == 3


def test_what_was_reset_counts_from_nothing() -> None:
    found = Sticky(KEPT)
    many = {f"s{i}": 100.0 for i in range(KEPT)} | {"small": 5.0}
    found.take(rows(many))
    found.take(rows(dict.fromkeys(many, 50.0) | {"small": 2.0}))
    assert rest(found) == 2
