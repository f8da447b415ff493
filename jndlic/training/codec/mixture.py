"""The probability of latent symbols: 64 tables, each a mixture of CompressAI's GaussianConditional
at four scales.

    P_t(k) = Σ_j w[t, j] (Φ((k + ½) / s_tj) - Φ((k - ½) / s_tj)),    s_tj = 0.11 r^t · SPREADS[j]

One normal distribution per table is too light in its tails: what the integer networks know of a
latent's scale is coarse, so the latents of one table have many scales. Measured on photos that
training had not seen, the mixture takes 10 to 17 % fewer bits for the same symbols, within 0.2 % of
tables made from the symbols' own histograms (docs/training.md). Decoding costs the same: the
weights carry tables of counts, whatever they were made from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from compressai.entropy_models import GaussianConditional
from torch import Tensor, nn

from jndlic.network.rules import LOG_RATIO, SCALE_MAX, SCALE_MIN, TABLE_COUNT

SPREADS = (0.35, 1.0, 2.7, 7.4)
START = (0.22, 0.57, 0.19, 0.02)
"""Weights that training starts from; about what it finds for most tables."""

LOGIT_SCALE = 32.0  # logits per unit of the parameter: lets the common learning rate move them
TAIL_MASS = 2.0**-16  # what a table leaves to the escape: the resolution of its counts


class CountTables(NamedTuple):
    """Tables in CompressAI's layout."""

    cdfs: Tensor
    """int32 (64, L): cumulative counts, 0 to 65536, the escape last."""
    lengths: Tensor
    """int32 (64,): used entries."""
    offsets: Tensor
    """int32 (64,): value of the first entry."""


def scale_table() -> list[float]:
    """The 64 scales of the tables: 0.11 r^t."""
    return [SCALE_MIN * math.exp(LOG_RATIO * index) for index in range(TABLE_COUNT)]


class ScaleMixture(nn.Module):
    """Probabilities of k given t, with trained weights of the mixture."""

    def __init__(self) -> None:
        super().__init__()
        self.gaussian = GaussianConditional(scale_table(), scale_bound=SCALE_MIN * SPREADS[0])
        start = torch.tensor(START).log() / LOGIT_SCALE
        self.logits = nn.Parameter(start.repeat(TABLE_COUNT, 1))

    def weights(self) -> Tensor:
        """w: (64, 4), rows that sum to one."""
        return (self.logits * LOGIT_SCALE).softmax(1)

    def bits(self, symbols: Tensor, table: Tensor, weights: Tensor) -> Tensor:
        """Cost of each symbol.

        Args:
            symbols: k, float32, integers or not; any shape.
            table: t, float32 that holds integers 0..63, same shape; the gradient is that of the
                scale.
            weights: of `weights`, with or without gradient.

        Returns:
            Bits, float32, same shape.
        """
        # A column at a time: the gradient of a lookup of whole rows takes twenty times as long on a
        # CPU.
        chosen = table.detach().long().flatten()
        shares = [
            column.index_select(0, chosen).view_as(table)
            for column in weights.t().contiguous().unbind()
        ]
        scales = SCALE_MIN * torch.exp(table * LOG_RATIO)
        likelihood = sum(
            share * self.gaussian._likelihood(symbols, (scales * spread).clamp(max=SCALE_MAX))
            for share, spread in zip(shares, SPREADS)
        )
        return -torch.log2(self.gaussian.likelihood_lower_bound(likelihood))

    @torch.no_grad()
    def probabilities(self, largest: int) -> Tensor:
        """P_t(k) for k = 0..largest: (64, largest + 1), float64."""
        weights = self.weights().double()
        device = weights.device
        symbols = torch.arange(largest + 1, dtype=torch.float64, device=device)
        scales = SCALE_MIN * torch.exp(
            LOG_RATIO * torch.arange(TABLE_COUNT, dtype=torch.float64, device=device)
        )
        scales = (
            scales[:, None] * torch.tensor(SPREADS, dtype=torch.float64, device=device)
        ).clamp(max=SCALE_MAX)[..., None]
        # Of the negative side: differences of small numbers keep their digits.
        cells = torch.special.ndtr((0.5 - symbols) / scales) - torch.special.ndtr(
            (-0.5 - symbols) / scales
        )
        return (weights[:, :, None] * cells).sum(1)

    @torch.no_grad()
    def tables(self) -> CountTables:
        """Tables of counts for the coder, symmetric, each as long as it needs to leave TAIL_MASS to
        the escape.
        """
        reach = math.ceil(5 * SCALE_MAX)
        half = self.probabilities(reach).cpu()
        beyond = 2 * half.flip(1).cumsum(1).flip(1)  # P(|k| >= n)
        # At least -1, 0, 1 in every table
        largest = (beyond >= TAIL_MASS).sum(1).clamp(2, reach) - 1
        lengths = 2 * largest + 1
        rows = [
            torch.cat((row[1 : n + 1].flip(0), row[: n + 1]))
            for row, n in zip(half, largest.tolist())
        ]
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True).float()
        tails = torch.tensor([[max(1e-9, 1.0 - row.sum().item())] for row in rows])
        cdfs = self.gaussian._pmf_to_cdf(padded, tails, lengths, int(lengths.max()))
        return CountTables(cdfs, (lengths + 2).int(), -largest.int())
