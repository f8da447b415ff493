"""How many threads the networks use: what the caller allows, else what is free."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from jndlic.arguments import whole_number
from jndlic.errors import ParameterError

_limit: ContextVar[int | None] = ContextVar("threads", default=None)

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_STAT = Path("/proc/stat")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

SHORTEST_LOOK = 0.05
"""Seconds; over a shorter time how busy the machine is cannot be measured."""


@contextmanager
def thread_limit(threads: int | None) -> Generator[None, None, None]:
    """At most so many threads inside; None leaves the choice to the backend.

    Args:
        threads: from 1 on.

    Raises:
        ParameterError: it is no such number.
    """
    if threads is None:
        yield
        return
    count = whole_number(threads, "threads")
    if count < 1:
        raise ParameterError(f"threads must be an integer from 1 on, got {threads!r}")
    token = _limit.set(count)
    try:
        yield
    finally:
        _limit.reset(token)


def limit_threads(threads: int) -> None:
    """At most so many threads from now on; for programs.

    Args:
        threads: from 1 on.
    """
    _limit.set(threads)


def current_limit() -> int | None:
    """Of the innermost `thread_limit` around the caller."""
    return _limit.get()


def free_processors() -> int:
    """Processors that this process may use and that others leave idle, at least 1.

    Two threads that wait for each other on a busy machine are slower than one alone. How busy it is
    follows from the time since this module was loaded, or since the last call.
    """
    global _last
    before, _last = _last, _taken()
    allowed = min(affinity(), _quota())
    elapsed = _last.at - before.at
    if elapsed < SHORTEST_LOOK or not _last.all:
        return allowed
    others = (_last.all - before.all - (_last.own - before.own)) / elapsed
    return max(1, min(allowed, (os.cpu_count() or 1) - round(others)))


class _Taken(NamedTuple):
    """Seconds of processors, summed over them, up to a moment."""

    at: float
    own: float
    """By this process."""
    all: float
    """By every process of the machine, and by other machines on the same processors; 0 where the
    system does not tell."""


def _taken() -> _Taken:
    try:
        user, nice, system, _, _, *rest = map(int, _STAT.read_text().split("\n")[0].split()[1:9])
        ticks = user + nice + system + sum(rest)
    except (OSError, ValueError):
        ticks = 0
    return _Taken(time.monotonic(), time.process_time(), ticks / _TICKS_A_SECOND)


def affinity() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """What a container may use of the processors, rounded up (Linux control groups, version 2)."""
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return sys.maxsize


_last = _taken()
