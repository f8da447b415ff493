"""The order in which latents are coded: four phases of a 2 x 2 grid, each when the ones before it
are known.

    0 2
    3 1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Values = TypeVar("Values", "np.ndarray", "Tensor")

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""(row, column) modulo 2 of each phase."""

PHASE_GRID = tuple(PHASES.index((row, column)) for row in (0, 1) for column in (0, 1))
"""The phases in the order of a 2 x 2 cell."""


def to_phases(whole: Values) -> list[Values]:
    """The four phases of an array or tensor (..., 2 h, 2 w), each (..., h, w)."""
    return [whole[..., row::2, column::2] for row, column in PHASES]
