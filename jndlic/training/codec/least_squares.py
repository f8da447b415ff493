"""Least squares over classes of pixels, for the starts of the adaptive filter's two kinds of
filters (filter_start.py, robust_start.py).

A class is a band of qualities with a range of directions, strengths and agreement.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.format.grid import JND_STRIDE
from jndlic.network.adaptive_filter import AdaptiveFilter
from jndlic.network.quality import quality_plane
from jndlic.network.robust_filter import STRIDE
from jndlic.training.codec.module import CodecTraining

BANDS = 8
"""Of qualities 1 to 100."""

DIRECTIONS = 8
STRENGTHS = (0.9, 1.6, 2.3)
"""Borders between ranges of the first descriptor: squared grey levels of about 20, 200, 2000."""

AGREEMENTS = (0.16, 0.56)
"""Borders between ranges of the last one: ratios of 0.4 and 0.75 between directions."""

CLASSES = BANDS * DIRECTIONS * (len(STRENGTHS) + 1) * (len(AGREEMENTS) + 1)
RIDGE = 1e-3
"""Squared grey levels a pixel that is added to each sum: few pixels decide nothing."""


class Seen(NamedTuple):
    """What the adaptive filter gets of a batch, and what it should make of it."""

    features: Tensor
    """As of AdaptiveFilter."""
    drawn: Tensor
    """(B, 3, H, W), the picture before the filter."""
    error: Tensor
    """(B, 3, H, W), the original less that."""
    quality: Tensor
    """(B, H/32, W/32)."""


class Sums(NamedTuple):
    """Normal equations of N classes of K numbers."""

    products: Tensor
    """(N, K, K) float64."""
    targets: Tensor
    """(N, K)."""
    counts: Tensor
    """(N,)."""


def no_sums(classes: int, numbers: int) -> Sums:
    """Those of nothing yet."""
    products = torch.zeros(classes, numbers, numbers, dtype=torch.float64)
    return Sums(products, products[..., 0].clone(), products[:, 0, 0].clone())


def seen_of(module: CodecTraining, stage: AdaptiveFilter, crops: Tensor, quality: Tensor) -> Seen:
    """What a stage gets of a batch.

    Args:
        module: that the stage is a part of.
        stage: the adaptive filter.
        crops, quality: as for CodecTraining.loss.
    """
    inputs: list[Tensor] = []
    hook = stage.register_forward_pre_hook(lambda _, given: inputs.extend(given))
    try:
        module.loss((crops, quality))
    finally:
        hook.remove()
    features, drawn = inputs
    planes = quality_plane(quality, *(side // JND_STRIDE for side in crops.shape[-2:]))
    drawn = drawn.float()
    return Seen(features.float(), drawn, crops / 255.0 - 0.5 - drawn, planes)


def classes_of(stage: AdaptiveFilter, seen: Seen) -> Tensor:
    """(B, H/2, W/2) int64."""
    strength, cosine, sine, _, _, agreement = stage.descriptors(seen.drawn).unbind(1)
    turn = torch.atan2(sine, cosine) / (2.0 * math.pi)
    direction = (DIRECTIONS * turn + 0.5).floor().long() % DIRECTIONS
    strong = torch.bucketize(strength.contiguous(), torch.tensor(STRENGTHS))
    agreed = torch.bucketize(agreement.contiguous(), torch.tensor(AGREEMENTS))
    within = (direction * (len(STRENGTHS) + 1) + strong) * (len(AGREEMENTS) + 1) + agreed
    band = ((seen.quality - 1) * BANDS // 100).clamp(max=BANDS - 1)
    band = functional.interpolate(band[:, None].float(), within.shape[1:])[:, 0].long()
    return band * (CLASSES // BANDS) + within


def by_place(values: Tensor) -> Tensor:
    """The pixels and channels of a place together.

    Args:
        values: (B, C, K, H, W), K numbers of each pixel and channel.

    Returns:
        (B H/2 W/2, 4 C, K).
    """
    batch, channels, count, height, width = values.shape
    sides = height // STRIDE, STRIDE, width // STRIDE, STRIDE
    values = values.reshape(batch, channels, count, *sides).permute(0, 3, 5, 1, 4, 6, 2)
    return values.reshape(-1, channels * STRIDE**2, count)


def count_in(sums: Sums, chosen: Tensor, rows: Tensor, targets: Tensor) -> None:
    """Add places to the sums of their classes.

    Args:
        sums: change.
        chosen: (places,) int64, the class of each.
        rows: (places, P, K), several of each place, in grey levels.
        targets: (places, P), in grey levels.
    """
    order = chosen.argsort()
    counts = torch.bincount(chosen, minlength=len(sums.counts))
    rows, targets = rows[order], targets[order]
    first = 0
    for number in counts.nonzero().flatten().tolist():
        last = first + int(counts[number])
        own = rows[first:last].flatten(0, 1)
        sums.products[number] += (own.mT @ own).double()
        sums.targets[number] += (own.mT @ targets[first:last].flatten()).double()
        first = last
    sums.counts.add_(counts * rows.shape[1])


def best_filters(sums: Sums, count: int) -> tuple[Tensor, Tensor]:
    """Those that explain most: (R, K), and the mixture of each class (N, R)."""
    identity = torch.eye(sums.products.shape[1], dtype=torch.float64)
    ridge = RIDGE * sums.counts.clamp(min=1e5)[:, None, None] * identity
    best = torch.linalg.solve(sums.products + ridge, sums.targets)
    pooled = sums.products.sum(0) / sums.counts.sum()
    pooled = pooled + 1e-4 * pooled.diagonal().mean() * identity
    # In the metric of the pooled differences, classes count by the energy of their own
    root = torch.linalg.cholesky(pooled)
    energy = sums.products.diagonal(dim1=1, dim2=2).sum(1).sqrt()[:, None]
    main = torch.linalg.svd(best @ root * energy, full_matrices=False).Vh[:count]
    filters = torch.linalg.solve_triangular(root.mT, main.mT, upper=True).mT
    own = filters @ (sums.products + ridge) @ filters.mT
    wanted = sums.targets @ filters.mT
    slack = 1e-3 * own.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(count).double()
    return filters, torch.linalg.solve(own + slack, wanted)
