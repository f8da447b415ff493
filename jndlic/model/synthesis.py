"""Synthesis transform: latents and step map to pixels.

    ŷ / 16 ─► blocks ─┐                                              (1/16)
                      ├─ FTM ─► blocks ─► shuffle 2 ─► blocks ─► shuffle 8 ─► x̂
    d ─► embedding ───┘                               (1/8)            │ +
    last channels of ŷ / 16 ─► linear ─► shuffle 16 ───────────────────┘
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.model.analysis import DETAIL_STRIDE, LATENT_SCALE, STEM_STRIDE
from jndlic.model.blocks import JndFtm, pointwise, residual_stack
from jndlic.model.config import CodecConfig

STEP_INDEX_SCALE = 8.0  # step indices per unit at the network's input: about one per nat


class Synthesis(nn.Module):
    """Decoder-side transform (see the module's diagram)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        fine, coarse = config.fine_channels, config.coarse_channels
        self.entry = pointwise(config.latent_channels, coarse)
        self.step_entry = pointwise(config.latent_channels, coarse)
        self.coarse_before = residual_stack(coarse, config.synthesis_coarse_blocks[0])
        self.gate = JndFtm(coarse)
        self.coarse_after = residual_stack(coarse, config.synthesis_coarse_blocks[1])
        self.up = pointwise(coarse, 4 * fine)
        self.fine = residual_stack(fine, config.synthesis_fine_blocks)
        self.head = pointwise(fine, 3 * STEM_STRIDE**2, gain=0.5)
        self.detail = pointwise(config.detail_channels, 3 * DETAIL_STRIDE**2)

    def forward(self, latent: Tensor, step_index: Tensor) -> Tensor:
        """Reconstruct a batch.

        Args:
            latent: ŷ, (B, M, h, w).
            step_index: d, (B, M, h, w), logarithm of the step to base r.

        Returns:
            (B, 3, 16 h, 16 w) in grey levels; not clipped.
        """
        latent = latent / LATENT_SCALE
        detail = functional.pixel_shuffle(self.detail(latent[:, -self.detail.in_channels :]), DETAIL_STRIDE)
        features = self.coarse_before(self.entry(latent))
        features, _ = self.gate(features, self.step_entry(step_index / STEP_INDEX_SCALE))
        features = functional.pixel_shuffle(self.up(self.coarse_after(features)), 2)
        features = self.fine(features.contiguous(memory_format=torch.channels_last))
        return (functional.pixel_shuffle(self.head(features), STEM_STRIDE) + detail + 0.5) * 255.0
