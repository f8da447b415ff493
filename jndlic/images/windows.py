"""Windows of pictures."""

from __future__ import annotations

import numpy as np

from jndlic.format.grid import Area


def padded(inside: np.ndarray, area: Area) -> np.ndarray:
    """The pixels of an area, of which some may lie beyond the picture: there the last row and
    column are repeated.

    Args:
        inside: those within the picture, (rows, columns, C), at least one.
        area: of the window.

    Returns:
        (16 area rows, 16 area columns, C).
    """
    rows, columns = area.shape(1)
    missing = rows - inside.shape[0], columns - inside.shape[1]
    if not any(missing):
        return inside
    return np.pad(inside, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
