"""Rounding that counts bits: what a latent becomes when the next larger symbol is not worth its
price.

    x = (y - μ) / Δ, table t ─► n = floor|x|, f = |x| - n
                             ─► |k| = n + 1 if f >= threshold[t, n], else n

Rounding |x| up to n + 1 leaves the squared error (1 - f)² Δ², rounding down f² Δ²; up costs
b = log2 P(n) / P(n + 1) bits more. With the price c Δ² of a bit, up wins where 2 f - 1 > c b, so
the threshold is (1 + c b) / 2. At high rate the error is Δ² / 12 and falls by 2 ln 2 Δ² / 12 a bit,
hence c = 0.1155 for squared error alone: the trade that video encoders make for transform
coefficients (Sullivan and Wiegand, Rate-distortion optimization for video compression, 1998).
Perceptual metrics mind a vanished texture more than a displaced one: docs/training.md has the
measurement behind BIT_PRICE.

Only the encoder rounds. No decoder depends on any of this.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlic.network.rules import BIT_PRICE, MAGNITUDES, PROBABILITY_MIN, TABLE_COUNT


class Rounding(nn.Module):
    """Thresholds of all tables, from their probabilities; to the nearest integer until it is told
    those.
    """

    thresholds: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(
            "thresholds", torch.full((TABLE_COUNT * MAGNITUDES,), 0.5), persistent=False
        )

    @torch.no_grad()
    def follow(self, probabilities: Tensor, bit_price: float = BIT_PRICE) -> None:
        """Take the thresholds from tables.

        Args:
            probabilities: P_t(k) for k = 0..4, (64, 5).
            bit_price: c, in squared steps.
        """
        bits = -torch.log2(probabilities.clamp_min(PROBABILITY_MIN))
        self.thresholds.copy_((0.5 + 0.5 * bit_price * bits.diff(dim=1).clamp_min(0.0)).flatten())

    def forward(self, ratio: Tensor, table: Tensor) -> Tensor:
        """Symbols.

        Args:
            ratio: x, latents less their means, in steps; any shape, float32.
            table: t, 0..63, float32 or integer, same shape.

        Returns:
            k: float32 that holds integers, same shape; without gradient.
        """
        magnitude = ratio.detach().abs()
        whole = magnitude.floor()
        cell = table.detach() * MAGNITUDES + whole.clamp(max=MAGNITUDES - 1)
        threshold = self.thresholds[cell.to(torch.int32)]
        return torch.copysign(whole + (magnitude - whole >= threshold), ratio.detach())
