"""The search for the last number before a limit: right whatever is measured, and never long."""

from __future__ import annotations

import math
import random

import pytest

from jndlic.targets.search import LOOKS_MAX, Look, Search

NUMBERS = range(1, 101)


def searched(values: list[float], **settings: float | None) -> Search:
    """A search among values of the numbers 1 to 100, those above 0 beyond the limit."""

    def look(number: int) -> Look:
        value = values[number - 1]
        return Look(value > 0, value)

    search = Search(look, 1, 100, **settings)  # type: ignore[arg-type]
    search.run()
    return search


@pytest.mark.parametrize("shape", ["line", "bent", "steps", "random", "infinite"])
@pytest.mark.parametrize("slope", [None, 0.04])
def test_it_ends_beside_the_limit_in_time(shape: str, slope: float | None) -> None:
    draw = random.Random(shape)
    for _ in range(300):
        limit = draw.uniform(-20, 120)
        values = {
            "line": [number - limit for number in NUMBERS],
            "bent": [(number / 10) ** 5 - (abs(limit) / 10) ** 5 for number in NUMBERS],
            "steps": [math.copysign(draw.choice([1, 1e6]), number - limit) for number in NUMBERS],
            "random": [draw.uniform(-1, 1) for _ in NUMBERS],
            "infinite": [math.copysign(math.inf, number - limit) for number in NUMBERS],
        }[shape]
        search = searched(values, start=draw.randint(1, 100), slope=slope)
        found = search.within
        assert len(search.looks) <= LOOKS_MAX and search.left == LOOKS_MAX - len(search.looks)
        assert found == 0 or values[found - 1] <= 0
        assert found == 100 or values[found] > 0
        if found:
            assert found in search.looks
        if found < 100:
            assert found + 1 in search.looks


@pytest.mark.parametrize("limit", [17.5, 50.0, 62.2, 88.9])
def test_a_line_takes_few_looks(limit: float) -> None:
    search = searched([0.04 * (number - limit) for number in NUMBERS], slope=0.03)
    assert search.within == math.floor(limit)
    assert len(search.looks) <= 6


def test_nothing_and_all() -> None:
    assert searched([1.0] * 100).within == 0
    assert searched([-1.0] * 100).within == 100
    assert searched([-1.0] * 99 + [1.0]).within == 99


def test_no_number_is_looked_at_twice() -> None:
    seen: list[int] = []

    def look(number: int) -> Look:
        seen.append(number)
        return Look(number > 71, number - 71.5)

    assert Search(look, 1, 100, start=3).run() == 71
    assert len(seen) == len(set(seen))
