"""How the C library hands memory out: large arrays that are freed stay with the process, for the
next of their size.

glibc maps every array above 32 MiB anew and gives it back when it is freed. Each time, the system
has to clear its pages: measured on a virtual machine, the product of a 40 MB array with a number
takes 31 ms that way and 1 ms in memory that the process has kept.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of malloc.h
_KEPT = 2**31 - 1  # bytes; mallopt takes an int
_STEP = 1 << 26  # how much more the process asks for when it runs out

_reused = False


def reuse_freed_memory() -> bool:
    """Let this process keep the memory that it frees; for programs, since a library should not
    decide this for its host.

    Returns:
        Whether the C library has the settings: glibc on Linux does.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    settings = ((_MMAP_THRESHOLD, _KEPT), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _STEP))
    if mallopt is None:
        return False
    global _reused
    taken = [mallopt(name, value) for name, value in settings]  # all, even after one that fails
    _reused = all(taken)
    return _reused


def reuses_freed_memory() -> bool:
    """Whether this process was told so."""
    return _reused
