"""How many threads are chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jndlic.errors import ParameterError
from jndlic.runtime import threads
from jndlic.runtime.threads import current_limit, free_processors, limit_threads, thread_limit


def test_the_innermost_limit_counts() -> None:
    assert current_limit() is None
    with thread_limit(4):
        with thread_limit(np.int64(2)):
            assert current_limit() == 2
        with thread_limit(None):
            assert current_limit() == 4
    assert current_limit() is None


@pytest.mark.parametrize("wrong", [0, -1, True, np.True_, 1.5, "2"])
def test_wrong_numbers(wrong: object) -> None:
    with pytest.raises(ParameterError, match="threads"), thread_limit(wrong):  # pyright: ignore[reportArgumentType]
        pass


def test_a_limit_for_the_rest_of_the_program() -> None:
    with thread_limit(3):
        limit_threads(1)
        assert current_limit() == 1
    assert current_limit() is None


@pytest.mark.parametrize(("others", "free"), [(0.0, 4), (1.2, 3), (3.0, 1), (9.0, 1)])
def test_busy_processors_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch, others: float, free: int
) -> None:
    now = [threads._Taken(10.0, 5.0, 100.0), threads._Taken(12.0, 6.0, 101.0 + 2.0 * others)]
    monkeypatch.setattr(threads, "_last", now[0])
    monkeypatch.setattr(threads, "_taken", lambda: now[1])
    monkeypatch.setattr(threads, "affinity", lambda: 4)
    monkeypatch.setattr(threads, "_quota", lambda: 8)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 4)
    assert free_processors() == free
    # A moment later nothing can be said
    assert free_processors() == 4


def test_a_containers_quota(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(threads, "_CGROUP_QUOTA", quota)
    for text, allowed in (("150000 100000", 2), ("50000 100000", 1)):
        quota.write_text(text)
        assert threads._quota() == allowed
    quota.write_text("max 100000")
    assert threads._quota() > 1000


def test_systems_that_tell_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(threads, "_STAT", tmp_path / "none")
    assert threads._taken().all == 0.0
    assert free_processors() >= 1
