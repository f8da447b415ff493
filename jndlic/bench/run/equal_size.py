"""Files of a codec at about the size of another file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from jndlic.optimize.search import first_good


def file_of_size(
    encode: Callable[[int], bytes], levels: Sequence[int], size: float, excess: float = math.inf
) -> tuple[int, bytes]:
    """The file whose size is the nearest to a wished one, found by halving the range of levels.

    Args:
        encode: the file of a level.
        levels: coarse to fine, whose files grow.
        size: in bytes.
        excess: how much larger than `size` the file may be, as a share of it. Where all files are
            larger than that, it is the smallest that was tried.

    Returns:
        Its level and its bytes.
    """
    files: dict[int, bytes] = {}

    def tried(index: int) -> int:
        if index not in files:
            files[index] = encode(levels[index])
        return len(files[index])

    larger = first_good(lambda index: tried(index) > size, 0, len(levels))
    for index in (larger - 1, larger):
        if 0 <= index < len(levels):
            tried(index)
    allowed = [index for index in files if len(files[index]) <= size * (1 + excess)]
    if allowed:
        chosen = min(allowed, key=lambda index: abs(len(files[index]) - size))
    else:
        chosen = min(files, key=lambda index: len(files[index]))
    return levels[chosen], files[chosen]
