"""Context model: means of the latents in four passes, one for each phase of a 2 x 2 grid.

    z, z_J, quality ─► hidden h ─┬─► μ of phase 0: even rows, even columns         0 2
                                 ├─► μ of phase 1: odd rows, odd columns, + ŷ of 0     3 1
                                 ├─► μ of phase 2: even rows, odd columns, + ŷ of 0, 1
                                 └─► μ of phase 3: odd rows, even columns, + ŷ of 0, 1, 2

A latent of phase 1 knows its four diagonal neighbours, one of phase 2 the four beside it, one of
phase 3 all eight. Neighbours tell more about a mean than other channels do, which the transform has
made nearly independent (docs/training.md).

It predicts means only: which probability table reads a symbol never depends on it, so it may run in
floating point after entropy decoding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.phases import PHASES
from jndlic.network.analysis import LATENT_SCALE
from jndlic.network.blocks import gated_stack, pointwise
from jndlic.network.config import CodecConfig
from jndlic.network.depthwise import DepthwiseConv2d
from jndlic.network.quality import quality_weights
from jndlic.network.rules import QUALITY_NODES

Dequantise = Callable[[int, Tensor], Tensor]
"""(phase, μ of that phase (B, M, h / 2, w / 2)) to ŷ of that phase, same shape."""


class _Pass(nn.Module):
    """One pass: hidden features and known latents to the means of one phase; each is computed where
    it is wanted only.

    The gated blocks look at the hidden features of the same phase around: what goes through a block
    goes on in the next.
    """

    def __init__(self, phase: int, inputs: int, width: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.row, self.column = PHASES[phase]
        self.entry = pointwise(inputs, width)
        self.spatial = DepthwiseConv2d(width, 5, stride=2) if phase else None
        self.middle = pointwise(width, width, gain=2**0.5)
        self.blocks = gated_stack(width, blocks, size=3, hidden=width)
        self.head = pointwise(width, outputs, gain=0.01)

    def forward(self, *inputs: Tensor) -> Tensor:
        features = torch.cat(inputs, 1)
        if self.spatial is None:
            features = self.entry(features[:, :, self.row :: 2, self.column :: 2])
        else:
            features = functional.pad(self.entry(features), (2, 2, 2, 2))[
                :, :, self.row :, self.column :
            ]
            features = self.spatial(features)
        features = self.blocks(torch.relu(self.middle(torch.relu(features))))
        return LATENT_SCALE * self.head(features)


class Context(nn.Module):
    """Predicts μ (see the module's diagram)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.context_channels
        self.hyper_entry = pointwise(config.hyper_channels, width, gain=2**0.5)
        self.modulation = nn.Conv2d(QUALITY_NODES, width, 1)
        self.hyper_up = pointwise(width, 4 * 128, gain=2**0.5)
        self.spatial = DepthwiseConv2d(128 + config.jnd_channels, 5, padding=2)
        self.join = pointwise(128 + config.jnd_channels, width, gain=2**0.5)
        self.hidden_channels = 192
        self.join_up = pointwise(width, 4 * self.hidden_channels, gain=2**0.5)
        known = (
            self.hidden_channels,
            *[self.hidden_channels + config.latent_channels] * 3,
        )
        self.passes = nn.ModuleList(
            _Pass(phase, inputs, width, config.latent_channels, config.context_blocks)
            for phase, inputs in enumerate(known)
        )

    def hidden(self, z: Tensor, z_jnd: Tensor, quality: Tensor) -> Tensor:
        """Features of the side information: (B, 192, h, w)."""
        features = self.hyper_entry(z) + self.modulation(
            functional.avg_pool2d(quality_weights(quality), 2)
        )
        features = functional.pixel_shuffle(torch.relu(self.hyper_up(torch.relu(features))), 2)
        features = torch.relu(self.join(self.spatial(torch.cat((features, z_jnd), 1))))
        return functional.pixel_shuffle(torch.relu(self.join_up(features)), 2)

    def forward(
        self, z: Tensor, z_jnd: Tensor, quality: Tensor, dequantise: Dequantise
    ) -> tuple[Tensor, Tensor]:
        """Run the four passes.

        Args:
            z: (B, hyper_channels, h / 4, w / 4) symbols.
            z_jnd: (B, jnd_channels, h / 2, w / 2) symbols.
            quality: (B, h / 2, w / 2) integers.
            dequantise: turns means into reconstructed latents; the encoder quantises y there, the
                decoder adds what it read.

        Returns:
            (μ, ŷ), each (B, M, h, w).
        """
        hidden = self.hidden(z, z_jnd, quality)
        means: list[Tensor] = []
        latents: list[Tensor] = []
        for phase, network in enumerate(self.passes):
            inputs = (hidden, from_phases(latents) / LATENT_SCALE) if latents else (hidden,)
            means.append(network(*inputs))
            latents.append(dequantise(phase, means[-1]))
        return from_phases(means), from_phases(latents)


def from_phases(parts: list[Tensor]) -> Tensor:
    """Interleaves what is there of the four phases: 1 to 4 tensors (B, C, h, w) to (B, C, 2 h, 2
    w), zero elsewhere.
    """
    blank = torch.zeros_like(parts[0])
    grid: list[list[Tensor]] = [[blank, blank], [blank, blank]]
    for (row, column), part in zip(PHASES, parts):
        grid[row][column] = part
    rows = torch.stack([torch.stack(row, -1).flatten(-2) for row in grid], -2)
    return rows.flatten(-3, -2)
