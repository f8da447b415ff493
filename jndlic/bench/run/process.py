"""A fresh process for a job, so that its time and peak memory are its own.

    this process ─► `fresh(MODULE, arguments)` ─► timed runs ─► lines of JSON

On Linux a program can inherit the peak memory of the process that starts it; this module therefore
needs the standard library only.
"""

from __future__ import annotations

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

JOBS = ("encode", "decode")

Result = TypeVar("Result")


class WallTime(NamedTuple):
    """Of several runs of one job."""

    seconds: float
    """Median."""
    spread: float
    """(slowest - fastest) / median."""


def fresh(module: str, *arguments: object) -> list[str]:
    """The command of a process that runs a module of this package.

    Args:
        module: full name; runs as `__main__`.
        arguments: its words.
    """
    return [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]


def timed(job: Callable[[], Result]) -> tuple[Result, float]:
    """What a job gives, and its wall time in seconds."""
    start = time.perf_counter()
    result = job()
    return result, time.perf_counter() - start


def wall_time(seconds: Sequence[float]) -> WallTime:
    """Sums up runs.

    Args:
        seconds: of each run in its order, at least one. The first only warms up, unless it is the
            only one.
    """
    counted = seconds[1:] or seconds
    median = statistics.median(counted)
    return WallTime(median, (max(counted) - min(counted)) / median)


def peak_memory(who: int = resource.RUSAGE_SELF) -> int:
    """Largest resident size so far, bytes, of this process or of its children."""
    return resident_bytes(resource.getrusage(who).ru_maxrss)


def resident_bytes(maximum: int) -> int:
    """What the system calls ru_maxrss, in bytes."""
    return maximum if platform.system() == "Darwin" else maximum * 1024
