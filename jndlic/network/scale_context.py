"""What was decoded around a latent, in all channels, moves the table that the side streams chose
for it.

    per channel   a = Σ w log_magnitude(|k|) over the known neighbours, w: PHASE_NEIGHBOURS;   own t
    all channels  (a, t) ─► 1x1 ─► 1x1 ─► shift      integers only (integer.py), a network per phase
                  t' = clip(t + shift, 0, 63)

Phase 0 has no known neighbours and keeps t. A network sees what counting per channel
(table_refinement.py) cannot: where one channel is larger than expected, others are too. The last
layer starts at zero, so that training begins with t' = t.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import LayerMaker, integer_layer
from jndlic.network.integer import bound
from jndlic.network.rules import LOG_MAGNITUDE, PHASE_NEIGHBOURS, TABLE_COUNT
from jndlic.network.table_refinement import weighted_sum

WIDTH = 128


class ScaleContext(nn.Module):
    """The networks of phases 1 to 3.

    Args:
        config: sizes.
        layer: makes the layers.
    """

    log_magnitude: Tensor

    def __init__(self, config: CodecConfig, layer: LayerMaker = integer_layer) -> None:
        super().__init__()
        channels = config.latent_channels
        self.passes = nn.ModuleList(
            nn.Sequential(
                layer(2 * channels, WIDTH),
                layer(WIDTH, channels, last=True, gain=0.0),
            )
            for _ in PHASE_NEIGHBOURS[1:]
        )
        self.register_buffer(
            "log_magnitude", torch.tensor(LOG_MAGNITUDE, dtype=torch.float32), persistent=False
        )

    def forward(self, phase: int, tables: list[Tensor], symbols: list[Tensor]) -> Tensor:
        """t' of one phase.

        Args:
            phase: 0..3.
            tables: t of all phases, float32 that holds integers, (B, M, h, w) each.
            symbols: k of the phases before this one (more are ignored), any number type, same
                shapes.

        Returns:
            (B, M, h, w) float32 that holds integers 0..63; differentiable while training.
        """
        table = tables[phase]
        if not phase:
            return table
        largest = len(LOG_MAGNITUDE) - 1
        magnitudes = [
            self.log_magnitude[part.detach().abs().clamp(max=largest).to(torch.int32)]
            for part in symbols[:phase]
        ]
        seen = torch.cat((weighted_sum(phase, magnitudes), table.detach()), 1)
        return bound(table + self.passes[phase - 1](seen), 0, TABLE_COUNT - 1)
