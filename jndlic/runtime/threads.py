"""How many threads the networks use: what the caller allows, else what is free."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from jndlic.errors import ParameterError

_limit: ContextVar[int | None] = ContextVar("threads", default=None)

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_LOAD = Path("/proc/loadavg")


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
    try:
        count = 0 if isinstance(threads, bool) else operator.index(threads)
    except TypeError:
        count = 0
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
    """Processors that this process may use and that nobody is using at the moment, at least 1.

    Two threads that wait for each other on a busy machine are slower than one alone.
    """
    allowed = min(_affinity(), _quota())
    return max(1, min(allowed, (os.cpu_count() or 1) - _running_beside()))


def _affinity() -> int:
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


def _running_beside() -> int:
    """Threads of others that run or wait for a processor now (Linux)."""
    try:
        return max(0, int(_LOAD.read_text().split()[3].partition("/")[0]) - 1)
    except (OSError, ValueError, IndexError):
        return 0
