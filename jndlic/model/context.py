"""Context model: means of the latents in four passes (two channel halves x checkerboard).

    z, z_J, quality ─► hidden h ─┬─► μ of half A, even squares
                                 ├─► μ of half A, odd squares    + ŷ of A even
                                 ├─► μ of half B, even squares   + ŷ of A
                                 └─► μ of half B, odd squares    + ŷ of A, B even

It predicts means only: which probability table reads a symbol never depends on it, so it may run in floating point after
entropy decoding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.model.analysis import LATENT_SCALE
from jndlic.model.blocks import pointwise
from jndlic.model.config import CodecConfig
from jndlic.model.side import QUALITY_NODES, checkerboard, quality_weights

Dequantise = Callable[[int, Tensor], Tensor]
"""(half, μ of that half (B, M/2, h, w)) to ŷ of that half, same shape."""


class _Pass(nn.Module):
    """One pass: hidden features and known latents to means."""

    def __init__(self, inputs: int, width: int, outputs: int, spatial: bool) -> None:
        super().__init__()
        self.entry = pointwise(inputs, width)
        self.spatial = nn.Conv2d(width, width, 5, padding=2, groups=width) if spatial else nn.Identity()
        self.middle = pointwise(width, width, gain=2**0.5)
        self.head = pointwise(width, outputs, gain=0.01)

    def forward(self, *inputs: Tensor) -> Tensor:
        features = torch.relu(self.spatial(self.entry(torch.cat(inputs, 1))))
        return LATENT_SCALE * self.head(torch.relu(self.middle(features)))


class Context(nn.Module):
    """Predicts μ (see the module's diagram)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width, half = config.context_channels, config.latent_channels // 2
        self.hyper_entry = pointwise(config.hyper_channels, width, gain=2**0.5)
        self.modulation = nn.Linear(QUALITY_NODES, width)
        self.hyper_up = pointwise(width, 4 * 128, gain=2**0.5)
        self.spatial = nn.Conv2d(128 + config.jnd_channels, 128 + config.jnd_channels, 5, padding=2,
                                 groups=128 + config.jnd_channels)
        self.join = pointwise(128 + config.jnd_channels, width, gain=2**0.5)
        self.join_up = pointwise(width, 4 * 192, gain=2**0.5)
        self.passes = nn.ModuleList(
            [
                _Pass(192, width, half, spatial=False),
                _Pass(192 + half, width, half, spatial=True),
                _Pass(192 + half, width, half, spatial=True),
                _Pass(192 + 2 * half, width, half, spatial=True),
            ]
        )

    def hidden(self, z: Tensor, z_jnd: Tensor, quality: Tensor) -> Tensor:
        """Features of the side information: (B, 192, h, w)."""
        features = self.hyper_entry(z) + self.modulation(quality_weights(quality))[:, :, None, None]
        features = functional.pixel_shuffle(torch.relu(self.hyper_up(torch.relu(features))), 2)
        features = torch.relu(self.join(self.spatial(torch.cat((features, z_jnd), 1))))
        return functional.pixel_shuffle(torch.relu(self.join_up(features)), 2)

    def forward(self, z: Tensor, z_jnd: Tensor, quality: Tensor, dequantise: Dequantise) -> tuple[Tensor, Tensor]:
        """Run the four passes.

        Args:
            z: (B, hyper_channels, h / 4, w / 4) symbols.
            z_jnd: (B, jnd_channels, h / 2, w / 2) symbols.
            quality: (B,) integers.
            dequantise: turns means into reconstructed latents; the encoder quantises y there, the decoder adds what it read.

        Returns:
            (μ, ŷ), each (B, M, h, w).
        """
        hidden = self.hidden(z, z_jnd, quality)
        odd = checkerboard(hidden)
        means: list[Tensor] = []
        latents: list[Tensor] = []
        for half in (0, 1):
            before = [latent / LATENT_SCALE for latent in latents]
            even_mean = self.passes[2 * half](hidden, *before)
            even_latent = torch.where(odd, 0.0, dequantise(half, even_mean))
            odd_mean = self.passes[2 * half + 1](hidden, *before, even_latent / LATENT_SCALE)
            mean = torch.where(odd, odd_mean, even_mean)
            means.append(mean)
            latents.append(torch.where(odd, dequantise(half, odd_mean), even_latent))
        return torch.cat(means, 1), torch.cat(latents, 1)
