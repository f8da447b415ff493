"""Tasks over several processes: answers, deaths, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest

from jndlic.processes import Died, answers


def _ready(offset: int) -> Callable[[int], tuple[int, int]]:
    return partial(_work, offset)


def _work(offset: int, task: int) -> tuple[int, int]:
    if task < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if task > 99:
        try:
            time.sleep(task)
        except SystemExit:  # as a callback of Python's own would ignore it
            if task > 999:
                time.sleep(task)
            raise
    return task + offset, os.getpid()


@pytest.mark.parametrize("count", [1, 2])
def test_one_that_dies_costs_its_task(count: int) -> None:
    found = dict(answers([1, 2, -1, 3, 4], count, partial(_ready, 10)))
    died = found.pop(-1)
    assert isinstance(died, Died) and died.exit_code == -signal.SIGKILL
    values = [found[task] for task in (1, 2, 3, 4)]
    assert [value for value, _ in values] == [11, 12, 13, 14]
    # Those of a process that lives stay in it; who comes for the dead one is another
    assert len({process for _, process in values}) <= count + 1
    assert os.getpid() not in {process for _, process in values}


def test_there_may_be_nothing_to_do() -> None:
    assert list(answers([], 2, partial(_ready, 0))) == []


@pytest.mark.parametrize("seconds", [900, 1000], ids=["at once", "at the second request"])
def test_who_stops_listening_ends_them(seconds: int) -> None:
    running = answers([1, seconds], 1, partial(_ready, 0))
    _, answer = next(running)  # the same process is at the second one now
    assert not isinstance(answer, Died)
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(answer[1], 0)
