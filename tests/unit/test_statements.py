"""Which statements are followed: the series are few, they stay, and nothing is counted twice or lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.sources.postgres.statements import KEPT, Statements


def rows(numbers: dict[str, float]) -> list[tuple[tuple[str, ...], list[float]]]:
    """Statements with a count of calls, the heaviest first, as the server gives them."""
    return [((name,), [n]) for name, n in sorted(numbers.items(), key=lambda item: -item[1])]


def test_few_statements_are_all_followed_and_there_is_no_rest() -> None:
    found = Statements()
    found.take(rows({"a": 2, "b": 1}))
    assert found.followed == {("a",), ("b",)}
    assert found.rest == [0.0]


def test_followed_statement_keeps_its_series_when_others_pass_it() -> None:
    found = Statements()
    found.take(rows({f"s{i}": 1000 - i for i in range(KEPT)}))
    found.take(rows({f"s{i}": 1000 - i for i in range(KEPT)} | {f"new{i}": 950 - i / 100 for i in range(10)}))
    assert (f"s{KEPT // 2}",) in found.followed
    assert len(found.followed) == KEPT


def test_the_heaviest_get_a_series_whoever_was_there_before() -> None:
    found = Statements()
    found.take(rows({f"s{i}": 10 for i in range(KEPT)}))
    found.take(rows({f"s{i}": 10 for i in range(KEPT)} | {"giant": 9999}))
    assert ("giant",) in found.followed


@given(st.lists(st.dictionaries(st.integers(0, 250), st.integers(0, 50)), max_size=6))
def test_rest_never_falls_and_nothing_is_counted_twice(added: list[dict[int, int]]) -> None:
    found = Statements()
    totals: dict[str, float] = {}
    before = 0.0
    for step in added:
        for name, n in step.items():
            totals[str(name)] = totals.get(str(name), 0) + n
        found.take(rows(totals))
        rest = found.rest[0] if found.rest else 0.0
        assert rest >= before
        assert len(found.followed) <= KEPT
        assert rest <= sum(totals.values())
        before = rest


def test_statistics_that_were_reset_count_from_nothing() -> None:
    found = Statements()
    many = {f"s{i}": 100.0 for i in range(KEPT)} | {"small": 5.0}
    found.take(rows(many))
    assert found.rest == [5.0]
    found.take(rows(dict.fromkeys(many, 50.0) | {"small": 2.0}))
    assert found.rest == [7.0]
