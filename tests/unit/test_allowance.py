"""How often something may be done for somebody who asks for it all the time."""

from __future__ import annotations

import pytest

from tocsin.allowance import Allowance


@pytest.mark.parametrize("cost", [0.01, 0.3, 2.5, 60.0])
def test_who_asks_all_the_time_gets_a_twentieth_of_the_time_and_what_was_saved_up(cost: float) -> None:
    allowance, now, spent = Allowance(), 1000.0, 0.0
    while now < 1000.0 + 3600:
        now = max(now, allowance.ready_at())
        allowance.spend(cost, now)
        spent += cost
        now += 0.2
    assert min(3600 * 0.05, 3600 / 0.2 * cost * 0.9) <= spent <= 3600 * 0.05 + 5.0 + 2 * cost


def test_who_asks_seldom_is_answered_at_once() -> None:
    allowance, now = Allowance(), 0.0
    for _ in range(1000):
        for _ in range(10):
            assert allowance.ready_at() <= now
            allowance.spend(0.4, now)
            now += 1.0
        now += 100.0


def test_what_was_never_asked_for_is_not_saved_up_beyond_a_bound() -> None:
    allowance = Allowance()
    allowance.spend(0.1, 1e6)
    allowance.spend(6.0, 1e6)
    assert allowance.ready_at() == pytest.approx(1e6 + 1.1 / 0.05)
