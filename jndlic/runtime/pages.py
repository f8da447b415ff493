"""Arrays with pages of their own, for what is held for long.

The networks take and free hundreds of megabytes in each window, from the heap that numpy's arrays
come from as well. Arrays that stay would lie scattered among those, and what is free between them
would be too small for the next window, so that the heap grows to about twice of what is in use.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

_LEAST = 1 << 20
"""Bytes below which an array comes from the heap: it fits in somewhere."""


def lasting(shape: Sequence[int], kind: DTypeLike) -> np.ndarray:
    """An array whose memory goes back to the system as soon as nobody has it any more.

    Args:
        shape: of the array.
        kind: type of its values, which are arbitrary at first.
    """
    kind = np.dtype(kind)
    size = kind.itemsize
    for side in shape:
        size *= side
    if size < _LEAST:
        return np.empty(shape, kind)
    if hasattr(mmap, "MAP_PRIVATE"):
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    else:  # Windows
        pages = mmap.mmap(-1, size)
    return np.frombuffer(pages, kind).reshape(shape)


def lasting_copy(array: np.ndarray) -> np.ndarray:
    """The same values in an array of that sort."""
    copy = lasting(array.shape, array.dtype)
    copy[...] = array
    return copy
