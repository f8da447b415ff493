"""Numbers of the integer networks and of the quantiser, for every implementation of them; without
torch.

The grid of scales and steps is one: r = (256 / 0.11)^(1/63), sigma = 0.11 r^S, step = r^d.
"""

from __future__ import annotations

import math

STEM_STRIDE = 8
"""Pixels between the values of the first and the last blocks."""

TABLE_COUNT = 64
"""Probability tables of the latents."""

SCALE_MIN, SCALE_MAX = 0.11, 256.0
"""sigma / step of the first and of the last table."""

LOG_RATIO = math.log(SCALE_MAX / SCALE_MIN) / (TABLE_COUNT - 1)
"""ln r."""

STEP_BOUND = 12
"""|D| <= 12 indices: about 1.5 nat."""

STEP_LIMIT = 120
"""|d| fits int8."""

QUALITY_NODES = 8
"""Hat functions over the range of qualities."""

QUALITY_UNIT = 16
"""Height of a hat as an integer plane."""

ACTIVATION_MAX = 255
"""Largest hidden value of the integer networks."""

SYMBOL_MAX = 127
"""Symbols are clipped to +-127 before they enter a network."""

EXACT_LIMIT = 2**24
"""float32 holds every integer up to here."""

LOG_MAGNITUDE = (0, 4, 6, 8, 9, 10, 11, 12, 13, 13, 14, 14, 15)
"""Of |k| = 0, 1, ...: about 4 log2(1 + |k|), so that sums follow the logarithm of the scale; the
last one for all larger.
"""

MAGNITUDE_MAX = 12
"""Larger symbols count as this much when they are compared with what was expected."""

UNIT = 64
"""Of `expected`: parts of a symbol."""

PRIOR = 10
"""0.16 symbols, added to both sides of the ratio."""

RATIOS = (4, 7, 11, 16, 24, 36, 60)
"""Of found to expected, in 16ths: borders between levels."""

LEVELS = len(RATIOS) + 1

PHASE_NEIGHBOURS: tuple[tuple[tuple[int, int, int, int], ...], ...] = (
    (),
    ((0, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 1, 1, 1)),
    ((0, 0, 0, 1), (0, 0, 1, 1), (1, -1, 0, 1), (1, 0, 0, 1)),
    (
        *((0, 0, 0, 2), (0, 1, 0, 2), (1, 0, -1, 2), (1, 0, 0, 2)),
        *((2, 0, -1, 1), (2, 0, 0, 1), (2, 1, -1, 1), (2, 1, 0, 1)),
    ),
)
"""Of each phase: (phase of the neighbour, its row and column less ours, in that phase's grid,
weight w).
"""

BIT_PRICE = 0.05
"""Of a bit, in squared steps, for the encoder's rounding."""

PROBABILITY_MIN = 2.0**-16
"""The resolution of the stored tables; what is rarer becomes an escape."""

MAGNITUDES = 4
"""Thresholds of rounding are kept for n = 0..3; farther out the bits a step differ little."""
