"""Analysis transform: image and JND map through the same weights, meeting only in the JND-FTM
gates.

    image x / 255 - 1/2 ─┐                                  ┌─► of x
                         ├─ unshuffle 8 ─► lapped ─► blocks ┤         (1/8, one batch of 2B)
    map   j / 16 ────────┘                                  └─► of j

    of x ─► FTM ─► blocks ─► down ─► blocks ─► FTM ─► f_x ─► gain ─► blocks ─► y    (1/16)
             │                                  │             ▲
    of j ─► FTM ─► blocks ─► down ─► blocks ─► FTM ─► f_J  quality                  (1/16)
    image ─ unshuffle 16 ─► linear ─► + the last channels of y

All but the way from f_x to y is the same for every quality. The first convolution reads each 8 x 8
block with its neighbours, so that its patterns may overlap as those of a lapped transform.

The blocks are narrower than a 16 x 16 block of three colours has dimensions: without the linear
path what is finest in a picture never reaches the latents, and the error has a floor of about 40
dB.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.grid import LATENT_STRIDE
from jndlic.network.blocks import JndFtm, lapped, pointwise, residual_stack
from jndlic.network.config import CodecConfig
from jndlic.network.quality import QualityGain, quality_weights
from jndlic.network.rules import STEM_STRIDE

JND_SCALE = 16.0  # grey levels that count as one at the network's input
LATENT_SCALE = 16.0  # brings y to the magnitude that steps around 1 suit


class AnalysisOutput(NamedTuple):
    """What the encoder derives from image and map; none of it depends on the quality."""

    features: Tensor
    """f_x: (B, coarse_channels, H/16, W/16)."""
    detail: Tensor
    """The linear path's share of the last channels of y: (B, detail_channels, H/16, W/16)."""
    jnd_features: Tensor
    """f_J: (B, coarse_channels, H/16, W/16)."""


class Analysis(nn.Module):
    """Encoder-side transform (see the module's diagram)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        fine, coarse = config.fine_channels, config.coarse_channels
        self.stem = lapped(3 * STEM_STRIDE**2, fine, config.lapped_kernel, gain=2.0)
        self.fine_before = residual_stack(fine, config.analysis_fine_blocks[0])
        self.fine_gate = JndFtm(fine)
        self.fine_after = residual_stack(fine, config.analysis_fine_blocks[1])
        self.down = pointwise(4 * fine, coarse)
        self.coarse_before = residual_stack(coarse, config.analysis_coarse_blocks[0])
        self.coarse_gate = JndFtm(coarse)
        self.gain = QualityGain(coarse)
        self.coarse_after = residual_stack(coarse, config.analysis_coarse_blocks[1])
        self.head = pointwise(coarse, config.latent_channels)
        self.detail = pointwise(3 * LATENT_STRIDE**2, config.detail_channels)

    def forward(self, image: Tensor, jnd: Tensor) -> AnalysisOutput:
        """Transform a batch.

        Args:
            image: (B, 3, H, W) grey levels 0..255; H and W multiples of 16.
            jnd: (B, 3, H, W) tolerance in grey levels.
        """
        both, detail = self.fine(image, jnd)
        features, jnd_features = self.coarse(both)
        return AnalysisOutput(features, detail, jnd_features)

    def fine(self, image: Tensor, jnd: Tensor) -> tuple[Tensor, Tensor]:
        """The part at 1/8, of a batch as for `forward`.

        Returns:
            Of image and map, one after the other, (2 B, coarse_channels, H/16, W/16); the detail of
            AnalysisOutput.
        """
        image = image / 255.0 - 0.5
        both = torch.cat((image, jnd / JND_SCALE))
        both = functional.pixel_unshuffle(both, STEM_STRIDE).contiguous(
            memory_format=torch.channels_last
        )
        both = self.fine_before(self.stem(both))
        both = self.fine_after(torch.cat(self.fine_gate(*both.chunk(2))))
        detail = self.detail(functional.pixel_unshuffle(image, LATENT_STRIDE))
        return self.down(functional.pixel_unshuffle(both, 2)), detail

    def coarse(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """The part at 1/16 that no quality changes: `features` and `jnd_features` of
        AnalysisOutput, from the first output of `fine`.
        """
        return self.coarse_gate(*self.coarse_before(both).chunk(2))

    def latent(self, features: Tensor, detail: Tensor, quality: Tensor) -> Tensor:
        """The latents at one quality.

        Args:
            features, detail: of `forward`.
            quality: (B, H/32, W/32) integers 1..100.

        Returns:
            y: (B, M, H/16, W/16).
        """
        latent = self.head(self.coarse_after(self.gain(features, quality_weights(quality))))
        plain, fine = latent.split((latent.shape[1] - detail.shape[1], detail.shape[1]), 1)
        return LATENT_SCALE * torch.cat((plain, fine + detail), 1)
