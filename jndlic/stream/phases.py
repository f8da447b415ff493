"""The order in which latents are coded: four phases of a 2 x 2 grid, each when the ones before it are known.

    0 2
    3 1
"""

from __future__ import annotations

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""(row, column) modulo 2 of each phase."""

PHASE_GRID = (0, 2, 3, 1)
"""The phases in the order of a 2 x 2 cell."""
