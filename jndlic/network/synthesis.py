"""Synthesis transform: latents, step map and quality to pixels.

          quality                              quality
             ▼                                    ▼
ŷ / 16 ─► gain ─► blocks ─┐
                          ├─ FTM ─► blocks ─► shuffle 2 ─► gain ─► blocks ─► features (1/8)
d ─► embedding ───────────┘

last channels of ŷ / 16 ─► linear ─► shuffle 16 ─┐
features ─┬─► lapped ─► shuffle 8 ───────────────+ ─┬─► + ──────────┬─► + ─► x̂
          │                                         ▼   ▲           ▼   ▲
          ├─► shuffle 2 ────────────────────────► pixel stage (1/4) │   │
          └─► shuffle 4 ───────────────────────────────────► adaptive filter (1)
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.grid import LATENT_STRIDE
from jndlic.network.adaptive_filter import AdaptiveFilter
from jndlic.network.analysis import LATENT_SCALE
from jndlic.network.blocks import JndFtm, lapped, pointwise, residual_stack
from jndlic.network.config import CodecConfig
from jndlic.network.pixel_stage import PixelStage
from jndlic.network.quality import QualityGain, quality_weights
from jndlic.network.rules import STEM_STRIDE

STEP_INDEX_SCALE = 8.0  # step indices per unit at the network's input: about one per nat


class Synthesis(nn.Module):
    """Decoder-side transform (see the module's diagram)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        fine, coarse = config.fine_channels, config.coarse_channels
        self.entry = pointwise(config.latent_channels, coarse)
        self.coarse_gain = QualityGain(coarse)
        self.step_entry = pointwise(config.latent_channels, coarse)
        self.coarse_before = residual_stack(coarse, config.synthesis_coarse_blocks[0])
        self.gate = JndFtm(coarse)
        self.coarse_after = residual_stack(coarse, config.synthesis_coarse_blocks[1])
        self.up = pointwise(coarse, 4 * fine)
        self.fine_gain = QualityGain(fine)
        self.fine = residual_stack(fine, config.synthesis_fine_blocks)
        self.head = lapped(fine, 3 * STEM_STRIDE**2, config.lapped_kernel, gain=0.5)
        self.detail = pointwise(config.detail_channels, 3 * LATENT_STRIDE**2)
        self.pixels = (
            PixelStage(fine, config.pixel_channels, config.pixel_blocks)
            if config.pixel_blocks
            else None
        )
        self.adaptive_filter = (
            AdaptiveFilter(fine, config.adaptive_filters, config.robust_filters)
            if config.adaptive_filters
            else None
        )

    def forward(self, latent: Tensor, step_index: Tensor, quality: Tensor) -> Tensor:
        """Reconstruct a batch.

        Args:
            latent: ŷ, (B, M, h, w).
            step_index: d, (B, M, h, w), logarithm of the step to base r.
            quality: (B, h / 2, w / 2) integers 1..100.

        Returns:
            (B, 3, 16 h, 16 w) in grey levels; not clipped.
        """
        features = self.blocks(self.coarse(latent, step_index, quality), quality)
        return self.draw(features, latent[:, -self.detail.in_channels :])

    def coarse(self, latent: Tensor, step_index: Tensor, quality: Tensor) -> Tensor:
        """The part at 1/16, of a batch as for `forward`: (B, coarse_channels, h, w)."""
        features = self.entry(latent / LATENT_SCALE)
        features = self.coarse_before(self.coarse_gain(features, quality_weights(quality)))
        features, _ = self.gate(features, self.step_entry(step_index / STEP_INDEX_SCALE))
        return self.coarse_after(features)

    def blocks(self, features: Tensor, quality: Tensor) -> Tensor:
        """The part at 1/8.

        Args:
            features: of `coarse`.
            quality: as for `forward`.

        Returns:
            (B, fine_channels, 2 h, 2 w).
        """
        features = functional.pixel_shuffle(self.up(features), 2)
        features = features.contiguous(memory_format=torch.channels_last)
        return self.fine(self.fine_gain(features, quality_weights(quality)))

    def draw(self, features: Tensor, detail: Tensor) -> Tensor:
        """The part that makes pixels.

        Args:
            features: of `blocks`.
            detail: the last channels of ŷ, (B, detail_channels, h, w).

        Returns:
            As of `forward`.
        """
        detail = functional.pixel_shuffle(self.detail(detail / LATENT_SCALE), LATENT_STRIDE)
        image = functional.pixel_shuffle(self.head(features), STEM_STRIDE) + detail
        if self.pixels is not None:
            image = image + self.pixels(features, image)
        if self.adaptive_filter is not None:
            image = image + self.adaptive_filter(features, image)
        return (image + 0.5) * 255.0
