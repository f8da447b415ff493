"""A start for the adaptive filter by least squares.

    decoded crops ─► places in classes ─► the filter of least error of each class
                                              │
     the R filters that explain most ─────────┴─► mixture of each class ─► taught to what chooses

Gradient descent from random filters gets there too, but slowly: neighbouring pixels are so alike
that what tells them apart hardly shows in the gradient.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.console import run_command
from jndlic.network.adaptive_filter import AdaptiveFilter
from jndlic.network.config import CodecConfig
from jndlic.network.robust_filter import STRIDE, TAPS
from jndlic.training.codec.export import (
    check_name,
    metrics_of,
    save_masters,
    save_weights,
    sizes_of,
)
from jndlic.training.codec.least_squares import (
    CLASSES,
    Seen,
    best_filters,
    by_place,
    classes_of,
    count_in,
    no_sums,
    seen_of,
)
from jndlic.training.codec.module import CodecTraining
from jndlic.training.codec.robust_start import start_robust
from jndlic.training.photos.data import PhotoData

CROPS_A_BATCH = 8
BATCHES_TAUGHT = 40
"""Batches that teach the layers which mixture to choose."""

TAUGHT_STEPS, TAUGHT_RATE = 800, 5e-3


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
    sums = no_sums(CLASSES, TAPS**2)
    kept: list[Seen] = []
    error = 0.0
    with torch.no_grad():
        for batch in batches:
            seen = seen_of(module, stage, *batch)
            rows, targets = by_place(_differences(seen.drawn)), by_place(seen.error[:, :, None])
            count_in(sums, classes_of(stage, seen).flatten(), 255.0 * rows, 255.0 * targets[..., 0])
            error += (255.0 * seen.error).square().sum().item()
            if len(kept) < BATCHES_TAUGHT:
                kept.append(seen)
        filters, mixtures = best_filters(sums, len(stage.bank.weight))
    stage.bank.weight.data.copy_(filters.view_as(stage.bank.weight))
    _normalise(stage, kept)
    _teach(stage, kept, mixtures.float())
    gain = torch.einsum("cr,ri,ci->", mixtures, filters, sums.targets).item()
    return gain / error


def with_filters(sizes: CodecConfig) -> CodecConfig:
    """The sizes with the usual number of those filters that they have none of."""
    usual = CodecConfig()
    return replace(
        sizes,
        adaptive_filters=sizes.adaptive_filters or usual.adaptive_filters,
        robust_filters=sizes.robust_filters or usual.robust_filters,
    )


def _differences(drawn: Tensor) -> Tensor:
    """(B, 3, 25, H, W): each pixel's surroundings less itself."""
    planes = functional.pad(drawn, (TAPS // 2,) * 4, mode="replicate")
    planes = planes.unfold(2, TAPS, 1).unfold(3, TAPS, 1).flatten(4)
    return (planes - drawn[..., None]).movedim(-1, 2)


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
    wanted = [mixtures[classes_of(stage, seen)].movedim(-1, 1) for seen in batches]
    described = [stage.descriptors(seen.drawn) for seen in batches]
    for step in range(TAUGHT_STEPS):
        rate = TAUGHT_RATE * min(1.0, (step + 1) / 50) * (1.0 - step / TAUGHT_STEPS)
        optimiser.param_groups[0]["lr"] = rate
        number = step % len(batches)
        seen = stage.seen_of(batches[number].features, described[number])
        shares = stage.mixtures(seen).unflatten(1, (-1, STRIDE**2))
        optimiser.zero_grad()
        (shares - wanted[number].unsqueeze(2)).square().mean().backward()
        optimiser.step()


def main(argv: list[str] | None = None) -> int:
    """Command line: weights in, weights with the parts of an adaptive filter that they lack out."""
    parser = argparse.ArgumentParser(
        description="begin with an adaptive filter that suits trained weights, or with what their "
        "own lacks: the filters that mind small differences alone"
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
    before = sizes_of(options.weights)
    sizes = with_filters(before)
    module = CodecTraining(sizes, start_from=str(options.weights), lpips_weight=0.0).eval()
    count = options.crops // CROPS_A_BATCH
    data = PhotoData(options.folders, 256, CROPS_A_BATCH, steps_per_epoch=count)
    data.setup("fit", torch.device("cpu"))

    def batches() -> Iterable[tuple[Tensor, Tensor]]:
        return islice(data.train_dataloader(), count)

    if not before.adaptive_filters:
        gain = start_filter(module, batches())
        print(f"the filters of the classes take away {gain:.1%} of the squared error")
    if not before.robust_filters:
        gain = start_robust(module, batches)
        print(f"those of small differences take away {gain:.1%} of what is left of luma's")
    save_masters(module.state_dict(), options.output)
    metrics = metrics_of(options.weights)
    print(save_weights(module.codec, module.entropy, options.output, options.name, metrics))
