"""Tables that follow the neighbours: what was decoded around a latent in its own channel corrects
its table.

    t' of the latent (scale_context.py), and of each known neighbour its symbol k and its own t:
        a = Σ w min(|k|, 12)        what was found         w: PHASE_NEIGHBOURS
        e = Σ w expected[t]         what its table expects, in 64ths
        level = number of ratios ρ with 16 (64 a + 10) >= ρ (e + 10)
        t'' = refined[phase - 1, t', level]

Integers only, the same on every machine. Phase 0 has no known neighbours and keeps t'. A neighbour
outside the segment counts as unknown, so that segments stay independent. `expected` and `refined`
come with the weights; training counts how large symbols are at each t and level, and takes for t''
the table that suits the counts best.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.network.rules import (
    LEVELS,
    MAGNITUDE_MAX,
    PHASE_NEIGHBOURS,
    PRIOR,
    RATIOS,
    TABLE_COUNT,
    UNIT,
)


class Neighbours(nn.Module):
    """The refinement; without trained tables it leaves every t as it is."""

    expected: Tensor
    refined: Tensor

    def __init__(self) -> None:
        super().__init__()
        same = torch.arange(TABLE_COUNT, dtype=torch.int16)[None, :, None].repeat(
            len(PHASE_NEIGHBOURS) - 1, 1, LEVELS
        )
        self.register_buffer("expected", torch.zeros(TABLE_COUNT, dtype=torch.int16))
        self.register_buffer("refined", same)

    def level(self, phase: int, tables: list[Tensor], symbols: list[Tensor]) -> Tensor:
        """How the neighbours compare with what was expected of them.

        Args:
            phase: 1..3.
            tables: t of the phases before this one (more are ignored), each (..., h, w) of any
                number type.
            symbols: k of the phases before this one, the same shapes.

        Returns:
            int32 (..., h, w), 0..7; (h, w) is the grid of one phase.
        """
        found = [
            UNIT * part.detach().abs().clamp(max=MAGNITUDE_MAX).to(torch.int32)
            for part in symbols[:phase]
        ]
        expected = [
            self.expected[part.detach().to(torch.int32)].to(torch.int32) for part in tables[:phase]
        ]
        around, usual = weighted_sum(phase, found), weighted_sum(phase, expected)
        evidence = 16 * (around + PRIOR)
        usual = usual + PRIOR
        level = torch.zeros_like(usual)
        for ratio in RATIOS:
            level += evidence >= ratio * usual
        return level

    def refine(
        self, phase: int, table: Tensor, tables: list[Tensor], symbols: list[Tensor]
    ) -> Tensor:
        """t'' of one phase.

        Args:
            phase: 0..3.
            table: t' of the phase, (..., h, w) of any number type.
            tables, symbols: as of `level`.

        Returns:
            (..., h, w), 0..63, in the type of `refined`.
        """
        table = table.detach().to(torch.int32)
        if not phase:
            return table.to(self.refined.dtype)
        return self.refined.view(-1)[
            ((phase - 1) * TABLE_COUNT + table) * LEVELS + self.level(phase, tables, symbols)
        ]


def weighted_sum(phase: int, parts: list[Tensor]) -> Tensor:
    """Weighted sum over the known neighbours; those outside count zero.

    Args:
        phase: 1..3.
        parts: of the phases before it, (..., h, w) each, one type.

    Returns:
        (..., h, w) in that type.
    """
    total = torch.zeros_like(parts[0])
    rows, columns = total.shape[-2:]
    for source, down, right, weight in PHASE_NEIGHBOURS[phase]:
        padded = functional.pad(
            parts[source], (max(-right, 0), max(right, 0), max(-down, 0), max(down, 0))
        )
        top, left = max(down, 0), max(right, 0)
        total += weight * padded[..., top : top + rows, left : left + columns]
    return total
