"""A start for the adaptive filter by least squares.

    decoded crops ─► places in classes ─► the filter of least error of each class
                                              │
     the R filters that explain most ─────────┴─► mixture of each class ─► taught to what chooses

A class is a band of qualities with a range of directions, strengths and agreement. Gradient
descent from random filters gets there too, but slowly: neighbouring pixels are so alike that what
tells them apart hardly shows in the gradient.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.console import run_command
from jndlic.format.grid import JND_STRIDE
from jndlic.network.adaptive_filter import STRIDE, TAPS, AdaptiveFilter
from jndlic.network.config import CodecConfig
from jndlic.network.quality import quality_plane
from jndlic.training.codec.export import (
    check_name,
    metrics_of,
    save_masters,
    save_weights,
    sizes_of,
)
from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData

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

CROPS_A_BATCH = 8
BATCHES_TAUGHT = 40
"""Batches that teach the layers which mixture to choose."""

TAUGHT_STEPS, TAUGHT_RATE = 800, 5e-3


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
    """Normal equations of every class."""

    products: Tensor
    """(CLASSES, 25, 25)."""
    targets: Tensor
    """(CLASSES, 25)."""
    counts: Tensor
    """(CLASSES,): pixels of all channels."""


def start_filter(module: CodecTraining, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Begin with filters that suit a trained codec; changes the adaptive filter alone.

    Args:
        module: whose adaptive filter is to begin; on the CPU.
        batches: crops and qualities, as for CodecTraining.loss.

    Returns:
        Share of the squared error of these crops that the filters of the classes take away.
    """
    stage = module.codec.synthesis.adaptive_filter
    if stage is None:
        return 0.0
    products = torch.zeros(CLASSES, TAPS**2, TAPS**2, dtype=torch.float64)
    sums = Sums(products, products[..., 0].clone(), products[:, 0, 0].clone())
    kept: list[Seen] = []
    error = 0.0
    with torch.no_grad():
        for batch in batches:
            seen = _seen(module, stage, *batch)
            _add(sums, stage, seen)
            error += (255.0 * seen.error).square().sum().item()
            if len(kept) < BATCHES_TAUGHT:
                kept.append(seen)
        filters, mixtures = _solved(sums, len(stage.bank.weight))
    stage.bank.weight.data.copy_(filters.view_as(stage.bank.weight))
    _normalise(stage, kept)
    _teach(stage, kept, mixtures.float())
    gain = torch.einsum("cr,ri,ci->", mixtures, filters, sums.targets).item()
    return gain / error


def _seen(module: CodecTraining, stage: AdaptiveFilter, crops: Tensor, quality: Tensor) -> Seen:
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


def _classes(stage: AdaptiveFilter, seen: Seen) -> Tensor:
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


def _add(sums: Sums, stage: AdaptiveFilter, seen: Seen) -> None:
    """Count a batch in."""
    chosen = _classes(stage, seen).flatten()
    order = chosen.argsort()
    counts = torch.bincount(chosen, minlength=CLASSES)
    around, targets = _by_place(_differences(seen.drawn)), _by_place(seen.error[:, :, None])
    around, targets = around[order], targets[order]
    first = 0
    for number in counts.nonzero().flatten().tolist():
        last = first + int(counts[number])
        rows = 255.0 * around[first:last].flatten(0, 1)
        sums.products[number] += (rows.T @ rows).double()
        sums.targets[number] += (rows.T @ (255.0 * targets[first:last].flatten())).double()
        first = last
    sums.counts.add_(counts * (3 * STRIDE**2))


def _differences(drawn: Tensor) -> Tensor:
    """(B, 3, 25, H, W): each pixel's surroundings less itself."""
    planes = functional.pad(drawn, (TAPS // 2,) * 4, mode="replicate")
    planes = planes.unfold(2, TAPS, 1).unfold(3, TAPS, 1).flatten(4)
    return (planes - drawn[..., None]).movedim(-1, 2)


def _by_place(values: Tensor) -> Tensor:
    """(B, 3, K, H, W) to (B H/2 W/2, 12, K): the pixels and channels of a place together."""
    batch, _, count, height, width = values.shape
    values = values.reshape(batch, 3, count, height // STRIDE, STRIDE, width // STRIDE, STRIDE)
    return values.permute(0, 3, 5, 1, 4, 6, 2).reshape(-1, 3 * STRIDE**2, count)


def _solved(sums: Sums, count: int) -> tuple[Tensor, Tensor]:
    """Filters (R, 25), and the mixture of each class (CLASSES, R)."""
    identity = torch.eye(TAPS**2, dtype=torch.float64)
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


def _normalise(stage: AdaptiveFilter, batches: list[Seen]) -> None:
    """Let every feature at 1/8 count alike at first."""
    features = torch.cat([seen.features for seen in batches[:4]])
    spread, mean = features.std((0, 2, 3)).clamp(min=1e-3), features.mean((0, 2, 3))
    weight = torch.randn(stage.entry.weight.shape[:2]) / (len(spread) ** 0.5 * spread)
    stage.entry.weight.data.copy_(weight[:, :, None, None])
    stage.entry.bias.data.copy_(-weight @ mean)  # pyright: ignore[reportOptionalMemberAccess]


def _teach(stage: AdaptiveFilter, batches: list[Seen], mixtures: Tensor) -> None:
    """Let the layers choose for each place the mixture of its class."""
    layers = (stage.entry, stage.first, stage.second, stage.mixture)
    optimiser = torch.optim.Adam([value for layer in layers for value in layer.parameters()])
    wanted = [mixtures[_classes(stage, seen)].movedim(-1, 1) for seen in batches]
    for step in range(TAUGHT_STEPS):
        rate = TAUGHT_RATE * min(1.0, (step + 1) / 50) * (1.0 - step / TAUGHT_STEPS)
        optimiser.param_groups[0]["lr"] = rate
        seen = batches[step % len(batches)]
        shares = stage.mixtures(seen.features, seen.drawn).unflatten(1, (-1, STRIDE**2))
        optimiser.zero_grad()
        (shares - wanted[step % len(batches)].unsqueeze(2)).square().mean().backward()
        optimiser.step()


def main(argv: list[str] | None = None) -> int:
    """Command line: weights in, weights with an adaptive filter out."""
    parser = argparse.ArgumentParser(
        description="begin with an adaptive filter that suits trained weights"
    )
    parser.add_argument("folders", nargs="+", help="photos")
    parser.add_argument("--weights", type=Path, required=True, help="with masters/ beside it")
    parser.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument("--name", default="base", help="of the model (default: %(default)s)")
    parser.add_argument(
        "--crops", type=int, default=1200, help="of 256 x 256 pixels (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.crops < CROPS_A_BATCH:
        parser.error(f"--crops must be at least {CROPS_A_BATCH}")
    return run_command("start_filter", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    check_name(options.name)
    torch.manual_seed(0)
    with_filter = replace(sizes_of(options.weights), adaptive_filters=CodecConfig.adaptive_filters)
    module = CodecTraining(with_filter, start_from=str(options.weights), lpips_weight=0.0).eval()
    batches = options.crops // CROPS_A_BATCH
    data = PhotoData(options.folders, 256, CROPS_A_BATCH, steps_per_epoch=batches)
    data.setup("fit", torch.device("cpu"))
    gain = start_filter(module, islice(data.train_dataloader(), batches))
    print(f"the filters of the classes take away {gain:.1%} of the squared error")
    save_masters(module.state_dict(), options.output)
    metrics = metrics_of(options.weights)
    print(save_weights(module.codec, module.entropy, options.output, options.name, metrics))
