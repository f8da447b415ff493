"""Torch's number of threads, which windows change while they run."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
import torch

from jndlic.runtime.threads import thread_limit
from jndlic.runtime.torch_backend import _Threads


@pytest.fixture
def three() -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_the_limit_counts_within(three: None) -> None:
    threads = _Threads()
    for limit, expected in ((1, 1), (2, 2), (8, 3), (None, 3)):
        with thread_limit(limit), threads.limited():
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == 3


def test_an_error_changes_nothing(three: None) -> None:
    threads = _Threads()
    with pytest.raises(MemoryError), thread_limit(1), threads.limited():
        raise RuntimeError("cannot allocate memory")
    assert torch.get_num_threads() == 3


def test_windows_of_two_threads(three: None) -> None:
    """The first to enter is the first to leave."""
    threads, found = _Threads(), {}
    entered, left = threading.Event(), threading.Event()

    def first() -> None:
        with thread_limit(1), threads.limited():
            entered.set()
            assert second_entered.wait(60)
        found["first"] = torch.get_num_threads()
        left.set()

    def second() -> None:
        assert entered.wait(60)
        with thread_limit(1), threads.limited():
            second_entered.set()
            assert left.wait(60)
        found["second"] = torch.get_num_threads()

    second_entered = threading.Event()
    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    later = threading.Thread(target=lambda: found.update(later=torch.get_num_threads()))
    later.start()
    later.join()
    assert found == {"first": 3, "second": 3, "later": 3}


def test_a_forked_child_begins_anew(three: None) -> None:
    threads = _Threads()
    with threads.limited():
        threads.after_fork()
        with threads.limited():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
