"""What training learns for jndlic/network/table_refinement.py, by counting."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlic.network.rules import LEVELS, MAGNITUDE_MAX, PHASE_NEIGHBOURS, TABLE_COUNT, UNIT
from jndlic.network.table_refinement import Neighbours

DECAY = 0.999  # of a step: what was counted some thousand steps ago hardly matters
PRIOR = 100.0  # observations that count in advance for each table as its own best choice


class NeighbourCounts(nn.Module):
    """How often each magnitude of a symbol occurred: by phase, table t, level of the neighbours."""

    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        shape = (len(PHASE_NEIGHBOURS) - 1, TABLE_COUNT, LEVELS, MAGNITUDE_MAX + 1)
        self.register_buffer("counts", torch.zeros(shape))

    @torch.no_grad()
    def observe(self, levels: list[Tensor], tables: list[Tensor], symbols: list[Tensor]) -> None:
        """Count the symbols of one step.

        Args:
            levels: of phases 1 to 3 (see Neighbours.level).
            tables: t' of phases 0 to 3.
            symbols: k of phases 0 to 3.
        """
        self.counts.mul_(DECAY)
        flat = self.counts.view(-1)
        for number, (level, table, symbol) in enumerate(zip(levels, tables[1:], symbols[1:])):
            magnitude = symbol.detach().abs().clamp(max=MAGNITUDE_MAX).long()
            cell = (number * TABLE_COUNT + table.detach().long()) * LEVELS + level.long()
            cell = (cell * (MAGNITUDE_MAX + 1) + magnitude).flatten()
            flat.index_add_(0, cell, torch.ones_like(cell, dtype=flat.dtype))

    @torch.no_grad()
    def fit(self, neighbours: Neighbours, probabilities: Tensor) -> None:
        """Choose for every phase, table and level the table under which the counted symbols cost
        least.

        Args:
            neighbours: gets the choice, and the magnitude to expect at each t.
            probabilities: P_t(k) for k = 0..MAGNITUDE_MAX, (64, MAGNITUDE_MAX + 1).
        """
        bits = -torch.log2(probabilities.clamp_min(2.0**-16))
        own = probabilities * torch.where(
            torch.arange(MAGNITUDE_MAX + 1, device=probabilities.device) == 0, 1.0, 2.0
        )
        counts = self.counts.double() + PRIOR * own[None, :, None]
        neighbours.refined.copy_((counts @ bits.T).argmin(-1))
        totals = counts.sum((0, 2))
        magnitudes = torch.arange(MAGNITUDE_MAX + 1, dtype=totals.dtype, device=totals.device)
        neighbours.expected.copy_((UNIT * (totals @ magnitudes) / totals.sum(1)).round())
