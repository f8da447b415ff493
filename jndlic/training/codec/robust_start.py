"""A start by least squares for the filters that mind small differences alone.

    decoded crops ─► places in classes ─► the filter of least error of each class
                                              │
     the R filters that explain most ─────────┘
    what the stage sees of each place ─► shares of these filters that leave the least error

The other filters of the stage stay as they are; see filter_start.py for theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.grid import JND_STRIDE
from jndlic.network.adaptive_filter import MIXTURE_SCALE, REACH, AdaptiveFilter
from jndlic.network.robust_filter import OFFSETS, STRIDE, TAPS, RobustBank
from jndlic.training.codec.least_squares import (
    CLASSES,
    Seen,
    Sums,
    best_filters,
    by_place,
    classes_of,
    count_in,
    no_sums,
    seen_of,
)
from jndlic.training.codec.module import CodecTraining

FINEST, OCTAVES = 7.0, 2.8
"""Reach at quality 100 in grey levels, and how many times it doubles down to quality 1. Of five
bands of quality, reaches of 40, 28, 18, 12 and 7 were tried (docs/training.md).
"""

STRENGTH = 0.5
"""Of the shares at the start: all of them are best by squared error, and make LPIPS worse."""

SLACK = 1e-4


def start_robust(
    module: CodecTraining, batches: Callable[[], Iterable[tuple[Tensor, Tensor]]]
) -> float:
    """Begin with such filters as suit a trained codec; changes nothing else.

    Args:
        module: whose adaptive filter has them; on the CPU.
        batches: gives crops and qualities, as for CodecTraining.loss; is called twice.

    Returns:
        Share of the squared error of luma of these crops that they would take away at full
        strength, as far as shares can be told from what the stage sees.
    """
    stage = module.codec.synthesis.adaptive_filter
    if stage is None or stage.robust is None:
        return 0.0
    with torch.no_grad():
        _choose(stage, stage.robust, (seen_of(module, stage, *batch) for batch in batches()))
        return _weigh(stage, stage.robust, (seen_of(module, stage, *batch) for batch in batches()))


def _choose(stage: AdaptiveFilter, robust: RobustBank, batches: Iterable[Seen]) -> None:
    """Set the filters, and what tells the reach."""
    sums, reaches = no_sums(CLASSES, 2 * len(OFFSETS)), no_sums(1, stage.reach.in_channels + 1)
    for seen in batches:
        reach = _wanted_reach(seen)
        taps = by_place(_taps(robust.differences(stage.luma_of(seen.drawn), reach)))
        left = by_place(_left(stage, seen))[..., 0]
        count_in(sums, classes_of(stage, seen).flatten(), 255.0 * taps, 255.0 * left)
        hidden = _with_one(stage.seen(seen.features, seen.drawn)).movedim(1, -1).flatten(0, 2)
        _count_all(reaches, hidden, (reach / REACH).log().flatten())
    filters, _ = best_filters(sums, len(robust.weight))
    middle, weight = TAPS // 2, torch.zeros_like(robust.weight)
    for place, (down, right) in enumerate(OFFSETS):
        weight[:, place, middle, middle] = filters[:, 2 * place]
        # The same difference, seen from the pixel on the other side
        weight[:, place, middle - down, middle - right] = filters[:, 2 * place + 1]
    robust.weight.data.copy_(weight)
    _set(stage.reach, _least(reaches)[None])


def _weigh(stage: AdaptiveFilter, robust: RobustBank, batches: Iterable[Seen]) -> float:
    """Set the shares; returns what start_robust does."""
    count, energy = len(robust.weight), 0.0
    sums = no_sums(1, count * (stage.reach.in_channels + 1))
    for seen in batches:
        hidden = stage.seen(seen.features, seen.drawn)
        responses = robust(stage.luma_of(seen.drawn), stage.reaches(hidden))[:, 0]
        left = by_place(_left(stage, seen))[..., 0].view(len(hidden), -1)
        for one, own, error in zip(_with_one(hidden), responses, left, strict=True):
            # Of every pixel, each response times all that the stage sees
            rows = (own[:, None] * one[None, :, None]).permute(3, 4, 2, 0, 1)
            _count_all(sums, 255.0 * rows.flatten(3).flatten(0, 2), 255.0 * error)
        energy += (255.0 * left).square().sum().item()
    best = _least(sums)
    shares = STRENGTH / MIXTURE_SCALE * best.view(count, -1)
    _set(stage.robust_mixture, shares.repeat_interleave(STRIDE**2, 0))
    return (best.double() @ sums.targets[0]).item() / energy


def _left(stage: AdaptiveFilter, seen: Seen) -> Tensor:
    """(B, 1, 1, H, W): the error of luma that the stage leaves so far."""
    return stage.luma_of(seen.error - stage(seen.features, seen.drawn))[:, None]


def _wanted_reach(seen: Seen) -> Tensor:
    """(B, 1, H/2, W/2), in grey levels / 255."""
    reach = FINEST / 255.0 * 2.0 ** (OCTAVES * (100.0 - seen.quality.float()) / 99.0)
    return functional.interpolate(reach[:, None], scale_factor=JND_STRIDE // STRIDE)


def _taps(small: Tensor) -> Tensor:
    """What a filter sees around each pixel: (B, 48, H/2 + 2, W/2 + 2) to (B, 1, 24, H, W), of each
    of OFFSETS the difference at the pixel, and that of the pixel on the other side.
    """
    planes = functional.pixel_shuffle(small, STRIDE)
    height, width = planes.shape[2] - 2 * STRIDE, planes.shape[3] - 2 * STRIDE
    found = [
        planes[:, place, row : row + height, column : column + width]
        for place, (down, right) in enumerate(OFFSETS)
        for row, column in ((STRIDE, STRIDE), (STRIDE - down, STRIDE - right))
    ]
    return torch.stack(found, 1)[:, None]


def _with_one(hidden: Tensor) -> Tensor:
    """(B, C, h, w) and a channel of ones, for the bias."""
    return torch.cat((hidden, torch.ones_like(hidden[:, :1])), 1)


def _count_all(sums: Sums, rows: Tensor, targets: Tensor) -> None:
    """Add rows (N, K) and targets (N,) to sums of one class."""
    sums.products[0] += (rows.mT @ rows).double()
    sums.targets[0] += (rows.mT @ targets).double()


def _least(sums: Sums) -> Tensor:
    """The K factors of least error of sums of one class, float32."""
    products = sums.products[0]
    slack = SLACK * products.diagonal().mean() * torch.eye(len(products), dtype=torch.float64)
    return torch.linalg.solve(products + slack, sums.targets[0]).float()


def _set(layer: nn.Conv2d, values: Tensor) -> None:
    """Weights and biases of a 1x1 convolution from (outputs, inputs + 1)."""
    layer.weight.data.copy_(values[:, :-1, None, None])
    layer.bias.data.copy_(values[:, -1])  # pyright: ignore[reportOptionalMemberAccess]
